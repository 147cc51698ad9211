"""P14: every setting changes what it says, every promise of time or size in a document is kept: each names its test.

A setting, a threshold or a figure in a document that has no entry here fails. Where no other file shows a setting, this one does.
"""

import ast
import dataclasses
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from pipeline import registry, settings, thresholds
from pipeline.cli import terima
from pipeline.cli.app import Session
from pipeline.defs import night as nights
from pipeline.desk import book, mailbox
from pipeline.desk.directory import directory
from pipeline.engine import build, connections
from pipeline.estimates import aspirations, audience, training
from pipeline.intake import backup, tombstones
from pipeline.letters import parts, post
from tests.fake_exports import NOW, file_number, ingest, registers
from tests.night_worker import few_tables

ROOT = Path(__file__).parents[1]
HERE = "tests/test_promises.py"
MAILBOX = "tests/test_desk_other_doors.py::test_a_registered_sender_hands_in_by_mail_and_is_answered"
MAILED = "tests/test_letters_nightly.py::test_the_report_is_mailed_once_a_night_in_both_languages"
SETTINGS = {
    "workspace": f"{HERE}::test_the_workspace_is_the_folder_that_is_named",
    "language": f"{HERE}::test_the_command_speaks_the_language_that_is_set",
    "memory_limit": f"{HERE}::test_an_engine_takes_no_more_memory_and_threads_than_it_may",
    "engine": "tests/test_spark.py::test_an_engine_that_is_none_is_refused_by_name",
    "spark_remote": "tests/test_spark.py::test_a_cluster_that_does_not_answer_is_said_at_once",
    "threads": f"{HERE}::test_an_engine_takes_no_more_memory_and_threads_than_it_may",
    "keep_versions": f"{HERE}::test_a_build_keeps_as_many_versions_as_it_is_told",
    "door_address": f"{HERE}::test_links_begin_with_the_address_of_the_door",
    "mail_host": MAILBOX,
    "mail_port": MAILBOX,
    "mail_user": MAILBOX,
    "mail_password": MAILBOX,
    "mail_plain": "tests/test_letters_nightly.py::test_a_mail_goes_out_encrypted_or_not_at_all",
    "mail_folder": f"{HERE}::test_the_mailbox_is_opened_in_the_folder_that_is_set",
    "mail_from": f"{HERE}::test_a_mail_comes_from_whom_and_goes_to_whom_is_set",
    "mail_authserv": "tests/test_desk_other_doors.py::test_a_forged_sender_is_left_where_the_mail_server_vouches",
    "smtp_host": MAILED,
    "smtp_port": MAILED,
    "report_to": f"{HERE}::test_a_mail_comes_from_whom_and_goes_to_whom_is_set",
}
CALENDAR = "tests/test_calendar.py::test_settings_change_hours_and_days_off_and_name_what_is_unknown"
REGISTRY = {
    "name": f"{HERE}::test_the_regency_is_called_as_its_register_says",
    "name_en": f"{HERE}::test_the_regency_is_called_as_its_register_says",
    "simulated": "tests/test_html.py::test_simulated_label_stands_on_screen_and_paper",
    "main_agency": f"{HERE}::test_sql_knows_the_main_agency",
    "local_places": f"{HERE}::test_which_names_are_local_and_which_country_is_home_is_a_setting",
    "home_country": f"{HERE}::test_which_names_are_local_and_which_country_is_home_is_a_setting",
    "thresholds": "tests/test_honest.py::test_tables_are_built_with_the_thresholds_of_settings",
    "data_age_warning_days": "tests/test_status.py::test_b13_how_long_is_too_long_is_a_setting",
    "person_files_retention_days": (
        "tests/test_retention.py::test_p14_after_the_days_that_are_set_the_archive_holds_nobody_and_every_figure_stays"
    ),
    "sla_days": CALENDAR,
    "working_hours": CALENDAR,
    "days_off": CALENDAR,
    "letterhead": f"{HERE}::test_a_letter_bears_the_head_that_is_set_and_nothing_made_up",
    "programme_scheme": "tests/test_themes.py",
    "programme_lens": "tests/test_themes.py",
    "training_order": f"{HERE}::test_the_order_of_training_is_a_setting",
    "district_map": "tests/test_registry.py::test_the_shipped_map_has_every_district_once",
    "sample": "tests/test_samples.py",
}
PROMISES = {  # words of a document -> what shows that they hold
    "kept, at least 2; the last one of each month besides": (
        "tests/test_warehouse.py::test_old_versions_go_but_the_last_of_each_month_stays"
    ),
    "groups under 5 cases are not shown": f"{HERE}::test_of_fewer_than_five_who_asked_nothing_is_published",
    "person-related files 30 days": REGISTRY["person_files_retention_days"],
    "folders 0750, originals 0440": f"{HERE}::test_modes_are_those_that_the_record_of_processing_promises",
    "folders 0750, files 0640, originals 0440, keys 0600": (
        f"{HERE}::test_modes_are_those_that_the_record_of_processing_promises"
    ),
    "One machine with 2 cores and 4 GB is enough": "tests/test_hostile.py",
    "the second ends with 5": "tests/test_faults.py::test_b05_the_second_of_two_runs_does_nothing_and_names_the_first",
    "Ctrl-C ends a run with 130 and SIGTERM with 143": (
        "tests/test_night.py::test_a_run_is_stopped_at_once_with_a_sentence_whatever_it_swallows"
    ),
    "the schedule (01:00 WIB)": "tests/test_unattended.py::test_the_schedule_fires_at_its_time_and_once_after_missed_nights",
    "disimpan 400 hari, catatan kesalahan paling banyak 200": (
        "tests/test_letters_nightly.py::test_reports_and_logs_of_more_than_a_year_go"
    ),
    "diketahui 24 jam 45 menit": (
        "tests/test_letters_nightly.py::test_p13_a_night_that_never_began_is_told_within_an_hour_of_its_time"
    ),
    "siapa mengirim apa, 400 hari terakhir": f"{HERE}::test_what_is_kept_for_how_long_is_what_the_documents_say",
    "menyisakan 128 MB": "tests/test_desk_service.py",
    "3 surel laporan tidak terkirim": "tests/test_letters_nightly.py::test_no_server_is_told_and_stops_nothing",
    "30 s of silence end a request; 64 MB a file, 20 files, 256 MB a request, 512 MB a link; at most 24 bodies": (
        "tests/test_desk_service.py"
    ),
    "loses at most what came since the last backup": (
        "tests/test_backup.py::test_a_restored_backup_gives_equal_tables_on_an_empty_folder"
    ),
    "128 MB stay free for the night": "tests/test_desk_place.py::test_a_full_disk_keeps_nothing",
}
DOCUMENTS = ("README.md", "docs/operasi.md", "docs/threats.md")
# Figures that promise nothing: what was measured, an example, what a line of configuration says.
NO_PROMISE = ("1,046 files", "1GB", "max_size 260MB", "105 MiB", "150 MiB", "310 MiB", "600 MiB", "Walked on")
FIGURE = re.compile(
    r"\d[\d.,]* ?(?:hari|days|malam|nights|jam|hours|MB|GB|MiB|menit|minutes|versions|cases|detik|surel|bodies)\b"
)


def entries():
    for table in (SETTINGS, REGISTRY, PROMISES):
        yield from table.items()


@cache
def functions_of(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_setting_is_in_the_table_with_a_test_that_exists():
    assert set(SETTINGS) == set(settings.Settings.model_fields)
    assert set(REGISTRY) == set(registry.RegistrySettings.model_fields)
    for name, shown in entries():
        path, _, test = shown.partition("::")
        assert (ROOT / path).exists() and (not test or test in functions_of(path)), f"{name}: {shown}"


def test_every_setting_is_read_by_code():
    said = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("pipeline", "warehouse", "notebooks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sql", ".html", ".ipynb") and path.name not in ("settings.py", "registry.py", "thresholds.py")
    )
    names = {*SETTINGS, *REGISTRY, *thresholds.Thresholds.model_fields} - {"sample"}  # of the generator, in its own files
    assert sorted(name for name in names if not re.search(rf"\b{name}\b", said)) == []


def test_every_promise_of_time_or_size_in_a_document_is_in_the_table():
    words = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS)
    flat = " ".join(words.split())
    assert sorted(promise for promise in PROMISES if promise not in flat) == []
    for promise in (*PROMISES, *NO_PROMISE):
        flat = flat.replace(promise, "")
    assert FIGURE.findall(flat) == []


# --- settings that nothing else shows -------------------------------------------------------------------------------------------


def test_the_workspace_is_the_folder_that_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("TERUKUR_WORKSPACE", str(tmp_path / "satu"))
    assert settings.workspace().root == tmp_path / "satu"


@pytest.mark.parametrize(("language", "said"), [("id", "pagi"), ("en", "morning")])
def test_the_command_speaks_the_language_that_is_set(monkeypatch, capsys, language, said):
    monkeypatch.setenv("TERUKUR_LANGUAGE", language)
    Session(None).say("pagi", "morning")
    assert capsys.readouterr().out.strip() == said


def test_an_engine_takes_no_more_memory_and_threads_than_it_may(monkeypatch, tmp_path):
    monkeypatch.setenv("TERUKUR_MEMORY_LIMIT", "123MB")
    monkeypatch.setenv("TERUKUR_THREADS", "3")
    with connections.connect(tmp_path) as con:
        (limit, threads), *_ = con.execute("SELECT current_setting('memory_limit'), current_setting('threads')").fetchall()
    assert limit == "117.3 MiB" and threads == 3


def test_a_build_keeps_as_many_versions_as_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("TERUKUR_KEEP_VERSIONS", "3")
    kept = []
    monkeypatch.setattr(build, "retain", lambda _, keep: kept.append(keep))
    with few_tables():
        build.build(settings.Workspace(tmp_path).create(), registry=registers(), now=NOW)
    assert kept == [3]


def test_links_begin_with_the_address_of_the_door(monkeypatch, tmp_path):
    monkeypatch.setenv("TERUKUR_DOOR_ADDRESS", "https://kirim.contoh.go.id")
    assert terima._base(settings.Workspace(tmp_path), None) == "https://kirim.contoh.go.id"


def test_the_mailbox_is_opened_in_the_folder_that_is_set(monkeypatch):
    opened = []
    box = SimpleNamespace(login=lambda *_, initial_folder: opened.append(initial_folder), logout=lambda: None)
    monkeypatch.setattr(mailbox, "MailBoxUnencrypted", lambda *_, **__: box)
    said = settings.Settings(mail_host="127.0.0.1", mail_user="a", mail_password="b", mail_plain=True, mail_folder="Kiriman")
    with mailbox._open(said):
        pass
    assert opened == ["Kiriman"]


def test_a_mail_comes_from_whom_and_goes_to_whom_is_set():
    said = settings.Settings(
        mail_from="malam@kab.example", mail_user="lain@kab.example", report_to="a@kab.example; b@kab.example"
    )
    made = post.mail(said, "Malam", "isi", NOW, "x")
    assert made["From"] == "malam@kab.example" and made["To"] == "a@kab.example, b@kab.example"


def test_the_regency_is_called_as_its_register_says():
    named = dataclasses.replace(registers(), settings=registers().settings | {"name": "Kab. Uji", "name_en": "Test Regency"})
    found = directory(named, NOW.date())
    assert (found.name, found.name_en) == ("Kab. Uji", "Test Regency")


def test_sql_knows_the_main_agency(tmp_path):
    known = registers()
    for agency in ("dinkes", None):
        named = dataclasses.replace(known, settings=known.settings | {"main_agency": agency})
        with build.Build(settings.Workspace(tmp_path / str(agency)).create(), named, now=NOW) as making:
            assert making.frame("registry.settings")["main_agency"].to_list() == [agency]
    models = [path for path in (ROOT / "warehouse").rglob("*.sql") if "main_agency" in path.read_text(encoding="utf-8")]
    assert models, "and a table asks for it"


def test_which_names_are_local_and_which_country_is_home_is_a_setting():
    said = {"local_places": ["Contoh"], "home_country": "Malaysia"}
    assert audience._here(SimpleNamespace(settings=said)) == {"places": ["Contoh"], "home": "Malaysia"}


@pytest.mark.parametrize(("order", "by_group"), [("free", False), ("peer_group", True)])
def test_the_order_of_training_is_a_setting(order, by_group):
    named = dataclasses.replace(registers(), settings=registers().settings | {"training_order": order})
    assert training._in_order(named)["by_group"] is by_group


def test_a_letter_bears_the_head_that_is_set_and_nothing_made_up():
    head = {"office": "dinkes", "address": "Jl. Uji 1", "contact": None, "place": "Cibinong"}
    origin = SimpleNamespace(
        known=SimpleNamespace(settings={"letterhead": head}),
        facts=SimpleNamespace(agencies=[{"agency_id": "dinkes", "long": "Dinas Kesehatan"}]),
    )
    sheet = SimpleNamespace(site_name="Kab. Uji", words=SimpleNamespace(plain=lambda text, **values: text.format(**values)))
    lines, place = parts.letterhead(origin, sheet)
    assert lines == ["Government of Kab. Uji", "Dinas Kesehatan", "Jl. Uji 1", ""] and place == "Cibinong"


@pytest.mark.parametrize(("asked", "shown"), [(4, 0), (5, 1)])
def test_of_fewer_than_five_who_asked_nothing_is_published(asked, shown):
    case = {"received_at_wib": NOW, "category": "jalan rusak", "district": "Cibinong"}
    cases = pl.DataFrame([case] * asked)
    posts = pl.DataFrame(
        schema={"caption": pl.Utf8, "published_on": pl.Date, "is_counted": pl.Boolean, "is_top_list": pl.Boolean}
    )
    topics = [{"id": "jalan", "any": ["jalan rusak"]}]
    assert aspirations.aspirations(cases, topics).height == shown
    assert aspirations.aspiration_gap(cases, posts, topics, NOW.date().replace(day=1)).height == shown


def test_what_is_kept_for_how_long_is_what_the_documents_say():
    assert (book.KEEP_DAYS, backup.KEEP, nights.HISTORY_NIGHTS) == (400, 14, 14)
    assert settings.Settings.model_fields["keep_versions"].default == 7


def test_modes_are_those_that_the_record_of_processing_promises(tmp_path):
    workspace = settings.Workspace(tmp_path / "data").create()
    file_number(workspace, 0)
    ingest(workspace)
    (original,) = (path for path in workspace.archive.glob("??/*") if len(path.name) == 64)
    assert original.stat().st_mode & 0o777 == 0o440
    ours = [path for path in workspace.root.rglob("*") if path.is_dir() and workspace.inbox not in path.parents]
    assert {path.stat().st_mode & 0o777 for path in ours} == {0o750}
    tombstones.keyed(workspace, "seseorang")
    assert (workspace.root / "erasure.key").stat().st_mode & 0o777 == 0o600
