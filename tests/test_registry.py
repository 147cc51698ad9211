"""The registry: one good one is read, every mistake is named with its line and column, and none hides another."""

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest

from pipeline import registry
from pipeline.estimates import themes
from pipeline.registry import RegistryError

AGENCIES = """agency_id,name,short_name,kind,peer_group,valid_from,valid_to,predecessor_id
dinkes,Dinas Kesehatan,Dinkes,dinas,dinas_layanan,,,
lama,Dinas Lama,Lama,dinas,dinas_sektor,,2026-01-01,
baru,Dinas Baru,Baru,dinas,dinas_sektor,2026-01-02,,lama
"""
ACCOUNTS = (
    "account_id,platform,handle,platform_account_id,agency_id,valid_from,valid_to\ndinkes-ig,instagram,@contoh,17841,dinkes,,\n"
)


def write(folder: Path, **files: str) -> Path:
    for name, text in {"agencies": AGENCIES, "accounts": ACCOUNTS, **files}.items():
        suffix = {"settings": "toml", "themes": "yml"}.get(name, "csv")
        (folder / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path) -> list[registry.Problem]:
    with pytest.raises(RegistryError) as caught:
        registry.load(folder)
    return caught.value.problems


def only(folder: Path) -> registry.Problem:
    found = problems(folder)
    assert len(found) == 1, found
    return found[0]


def test_the_template_loads_and_holds_the_regency(tmp_path):
    registry.write_template(tmp_path)
    bogor = registry.load(tmp_path)
    groups = bogor.agencies.filter(pl.col("valid_to").is_null()).group_by("peer_group").len()
    assert dict(groups.iter_rows()) == {
        "kecamatan": 40,
        "dinas_layanan": 14,
        "dinas_sektor": 12,
        "penunjang": 8,
        "bumd": 7,
        "rsud": 4,
        "kanal_utama": 1,
    }
    assert bogor.accounts.is_empty(), "handles are not known and are never invented"
    assert bogor.settings["simulated"] is False
    assert {s["id"] for s in bogor.themes["schemes"]} >= {"pancakarsa"}


def test_every_frame_has_exactly_its_schema(tmp_path):
    registry.write_template(tmp_path)
    loaded = registry.load(tmp_path)
    for name, schema in registry.SCHEMAS.items():
        assert dict(getattr(loaded, name).schema) == schema, name
        assert dict(getattr(registry.Registry(), name).schema) == schema, name


def test_every_template_register_says_what_it_is_for():
    for path in (registry.TEMPLATES / registry.DEFAULT_TEMPLATE).iterdir():
        assert path.read_text(encoding="utf-8").startswith("# "), path.name


def test_write_template_leaves_existing_files_alone(tmp_path):
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    written = registry.write_template(tmp_path)
    assert (tmp_path / "accounts.csv").read_text() == ACCOUNTS
    assert "accounts.csv" not in {p.name for p in written}


def test_another_regency_starts_from_neutral_registers_that_are_sound(tmp_path):
    written = registry.write_template(tmp_path, registry.NEUTRAL_TEMPLATE, 'Kabupaten "Contoh"')
    assert {p.name for p in written} == {p.name for p in (registry.TEMPLATES / registry.DEFAULT_TEMPLATE).iterdir()}
    loaded = registry.load(tmp_path)
    assert loaded.agencies.is_empty() and loaded.settings["name"] == loaded.settings["name_en"] == 'Kabupaten "Contoh"'
    assert loaded.settings["main_agency"] is None
    assert len(themes.schemes(loaded.themes)) == 1  # the night's own check
    for name in ("agencies.csv", "themes.yml", "settings.toml"):
        assert "bogor" not in (tmp_path / name).read_text(encoding="utf-8").casefold(), name
    row = next(text for text in (tmp_path / "agencies.csv").read_text("utf-8").splitlines() if text.startswith("# Contoh"))
    with (tmp_path / "agencies.csv").open("a", encoding="utf-8") as file:
        file.write(row.partition(": ")[2] + "\n")  # the example is a line that may be used as it stands
    assert registry.load(tmp_path).agencies["agency_id"].to_list() == ["dinkes"]


def test_an_unknown_template_names_the_nearest():
    with pytest.raises(RegistryError, match="kabupaten-bogor"):
        registry.write_template(Path("unused"), "kabupaten-bogr")


def test_an_agency_keeps_one_row_when_its_name_changes(tmp_path):
    registry.write_template(tmp_path)
    loaded = registry.load(tmp_path)
    hospital = loaded.agencies.filter(pl.col("agency_id") == "rsud-satibi").row(0, named=True)
    assert (hospital["name"], hospital["valid_from"], hospital["valid_to"]) == ("RSUD R.H. Satibi", None, None)
    names = loaded.agency_names.filter(pl.col("agency_id") == "rsud-satibi")["name"].to_list()
    assert names == ["RSUD Cileungsi", "RSUD R.H. Satibi"]
    assert loaded.agencies["agency_id"].is_unique().all()


def test_separators_marks_comments_and_signs_of_a_spreadsheet_are_read(tmp_path):
    text = "\ufeff# catatan;;\r\n\r\n" + ACCOUNTS.replace(",", ";").replace("\n", "\r\n")
    folder = write(tmp_path, accounts=text)
    account = registry.load(folder).accounts.row(0, named=True)
    assert (account["handle"], account["platform_account_id"], account["status"]) == ("contoh", "17841", "active")


def test_a_moved_account_has_disjoint_rows(tmp_path):
    rows = ACCOUNTS + "pindah,x,p,1,lama,,2026-01-01\npindah,x,p,1,baru,2026-01-02,\n"
    assert registry.load(write(tmp_path, accounts=rows)).accounts.height == 3


@pytest.mark.parametrize(
    ("row", "line", "column", "says"),
    [
        ("a,instagrm,h,1,dinkes,,", 3, "platform", "instagrm"),
        ("a,x,h,1,dinkess,,", 3, "agency_id", "maksudnya 'dinkes'"),
        ("a,x,h,1,dinkes,01/02/2026,", 3, "valid_from", "2026-01-31"),
        ("a,x,h,1,dinkes,2026-02-30,", 3, "valid_from", "kalender"),
        ("a,x,h,1,dinkes,2026-02-02,2026-02-01", 3, "valid_to", "lebih awal"),
        ("a,x,h,1.79E+17,dinkes,,", 3, "platform_account_id", "Excel"),
        ("a,x,h,1,lama,,", 3, "valid_to", "penerusnya"),
        ("a,x,h,1,baru,2025-06-01,", 3, "valid_from", "sebelum perangkat daerah"),
        ("dinkes-ig,instagram,contoh,17841,dinkes,2026-01-01,", 3, "valid_from", "baris 2"),
        ("dinkes-ig2,instagram,lain,17841,dinkes,,", 3, "platform_account_id", "17841"),
        ("dinkes-ig2,instagram,CONTOH,9,dinkes,,", 3, "handle", "contoh"),
        ("a,x,h,1,dinkes", 3, "", "isian"),
        (",x,h,1,dinkes,,", 3, "account_id", "wajib"),
        ("Huruf Besar,x,h,1,dinkes,,", 3, "account_id", "pola"),
        ('a,x,"h,1,dinkes,,', 3, "", "kutip"),
    ],
)
def test_a_mistake_in_a_row_is_named_with_line_and_column(tmp_path, row, line, column, says):
    problem = only(write(tmp_path, accounts=ACCOUNTS + row + "\n"))
    assert (problem.file, problem.line, problem.column) == ("accounts.csv", line, column)
    assert says in problem.problem_id
    assert problem.problem_en and problem.problem_en != problem.problem_id


def test_lines_are_counted_as_an_editor_shows_them(tmp_path):
    text = '# satu\n# dua\nagency_id,name,short_name,kind,peer_group\na,"dua\nbaris",A,dinas,x\nb,B,B,salah,x\n'
    problem = only(write(tmp_path, agencies=text, accounts=ACCOUNTS.splitlines()[0] + "\n"))
    assert (problem.line, problem.column) == (6, "kind")


def test_all_problems_are_reported_together(tmp_path):
    found = problems(
        write(
            tmp_path,
            accounts=ACCOUNTS + "a,x,h,1,dinkes,kemarin,\nb,myspace,h,1,dinkes,,\n",
            followers="account_id,date,followers\ndinkes-ig,2026-01-31,12.500\n",
            settings='name = "A"\nsimulatd = true\n',
            themes="schemes: [\n",
        )
    )
    assert [(p.file, p.line) for p in found] == [
        ("accounts.csv", 3),
        ("accounts.csv", 4),
        ("followers.csv", 2),
        ("settings.toml", 2),
        ("themes.yml", 2),
    ]


def test_missing_registers_say_how_to_make_them(tmp_path):
    assert {p.file for p in problems(tmp_path)} == {"agencies.csv", "accounts.csv"}
    assert all("terukur init" in p.problem_id for p in problems(tmp_path))


def test_a_misspelt_column_is_named_with_the_nearest(tmp_path):
    found = problems(write(tmp_path, accounts=ACCOUNTS.replace("agency_id", "agncy_id")))
    assert {(p.line, p.column) for p in found} == {(1, "agncy_id"), (1, "agency_id")}
    assert any("maksudnya 'agency_id'" in p.problem_id for p in found)


def test_names_of_one_agency_leave_no_gap_and_do_not_overlap(tmp_path):
    gap = AGENCIES + "dinkes2,Satu,S,dinas,x,,2024-12-31,\ndinkes2,Dua,D,dinas,x,2025-02-01,,\n"
    assert "jeda" in only(write(tmp_path, agencies=gap)).problem_id
    overlap = AGENCIES + "dinkes,Dinkes Baru,D,dinas,x,2025-02-01,,\n"
    assert "bertumpang tindih" in only(write(tmp_path, agencies=overlap)).problem_id


@pytest.mark.parametrize("damage", [b"\xff\x00bad", "nama;é".encode("cp1252"), b"a\x00b\n"])
def test_a_file_that_is_not_text_is_refused(tmp_path, damage):
    write(tmp_path)
    (tmp_path / "plan.csv").write_bytes(damage)
    assert problems(tmp_path)[0].file == "plan.csv"


def test_values_are_typed(tmp_path):
    folder = write(
        tmp_path,
        responses=(
            "case_id,agency_id,channel,received_at,first_reply_at,needs_answer\n"
            "K1,dinkes,dm,2026-01-31 14:05,,tidak\nK2,dinkes,dm,2026-01-31T14:05:09,2026-01-31 14:06,\n"
        ),
        targets="agency_id,metric,period,target\ndinkes,er_account,2026-Q1,0.045\n",
    )
    loaded = registry.load(folder)
    first, second = loaded.responses.rows(named=True)
    assert first["received_at"] == dt.datetime(2026, 1, 31, 14, 5) and first["needs_answer"] is False
    assert second["received_at"] == dt.datetime(2026, 1, 31, 14, 5, 9) and second["needs_answer"] is True
    assert loaded.targets.row(0, named=True)["target"] == 0.045


@pytest.mark.parametrize("number", ["1.234", "1,5", "12.345", "seribu", "1e3"])
def test_a_number_with_two_meanings_is_refused(tmp_path, number):
    folder = write(tmp_path, targets=f'agency_id,metric,period,target\ndinkes,posts,2026,"{number}"\n')
    assert only(folder).column == "target"


def test_rows_that_say_the_same_twice_are_refused(tmp_path):
    folder = write(tmp_path, followers="account_id,date,followers\ndinkes-ig,2026-01-31,1\ndinkes-ig,2026-01-31,2\n")
    assert "baris 2" in only(folder).problem_id


def test_themes_are_checked_where_they_are_written(tmp_path):
    text = """schemes:
  - id: satu
    name_id: Satu
    name_en: One
    valid_from: 2024-01-01
    programmes:
      - id: sehat
        strong: [posyandu, "(rusak"]
        agency_prior: [dinkss]
"""
    found = problems(write(tmp_path, themes=text))
    assert [(p.line, "rusak" in p.problem_id or "dinkes" in p.problem_id) for p in found] == [(8, True), (9, True)]


def test_a_theme_key_written_twice_is_refused(tmp_path):
    assert only(write(tmp_path, themes="schemes: []\nschemes: []\n")).line == 2


def test_settings_are_defaults_when_absent(tmp_path):
    assert registry.load(write(tmp_path)).settings["sla_days"]["normative"] == 5


# -- the schematic map ---------------------------------------------------------------------------------------------------------
def with_map(folder: Path, *rows: str) -> registry.Registry:
    registry.write_template(folder)
    settings = folder / "settings.toml"
    text = re.sub(r"(?s)\ndistrict_map = \[.*?\n\]\n", f"\ndistrict_map = {json.dumps(rows)}\n", settings.read_text("utf-8"))
    settings.write_text(text, encoding="utf-8")
    return registry.load(folder)


def test_the_shipped_map_has_every_district_once(tmp_path):
    registry.write_template(tmp_path)
    known = registry.load(tmp_path)
    districts = known.agencies.filter(pl.col("kind") == "kecamatan")["agency_id"].to_list()
    placed = [name for row in registry.tiles(known.settings) for name in row if name]
    assert sorted(placed) == sorted(districts) and len(placed) == 40


def test_a_tile_that_is_nearly_a_district_is_a_typing_error(tmp_path):
    with pytest.raises(RegistryError, match="kec-cibinong"):
        with_map(tmp_path, "kec-cibinon . kec-ciawi")


def test_no_district_has_two_tiles(tmp_path):
    with pytest.raises(RegistryError, match="dua petak"):
        with_map(tmp_path, "kec-ciawi", ". kec-ciawi")


def test_a_tile_of_nobody_is_an_empty_tile(tmp_path):
    assert registry.tiles(with_map(tmp_path, "tetangga-utara . kec-ciawi").settings) == [["tetangga-utara", None, "kec-ciawi"]]
