"""A data keeper teaches another tool's table: what is proposed, what a mapping must say, and what it can never do."""

import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.exports import read
from pipeline.formats import mapped
from pipeline.registry import RegistryError, load

SAMPLE = Path(__file__).parent / "samples" / "mapped_table" / "other_tool"
GOOD = (SAMPLE / "mapping.toml").read_text(encoding="utf-8")
COPY = """name = "x"
platform = "x"
grain = "account_day"
dates = ["%a, %b %-d, %Y"]
[columns]
"Date" = "day"
"Impressions" = "likes"
"""


def as_registry(*mappings):
    return SimpleNamespace(accounts=None, mappings=tuple(mapped.as_format(tomllib.loads(m)) for m in mappings))


def test_an_unknown_table_is_refused_with_a_mapping_to_start_from():
    (export,) = read(SAMPLE / "laporan.csv", accounts=["tiktok"])
    assert export.outcome == "refused" and export.messages[0].code == "UNKNOWN_HEADER"
    proposal = tomllib.loads(export.proposal)
    assert proposal["platform"] == "tiktok" and proposal["grain"] == "post"
    assert proposal["columns"]["Link"] == "permalink" and proposal["columns"]["Likes"] == "likes"
    assert proposal["columns"]["Watch time (h)"] == "?" and proposal["columns"]["ER"] == "?"
    assert proposal["dates"] == ["%d/%m/%Y %H:%M"]


def test_a_proposal_is_never_accepted_before_its_questions_are_answered():
    (export,) = read(SAMPLE / "laporan.csv", accounts=["tiktok"])
    with pytest.raises(Exception, match=r"must be|no known column"):
        mapped.as_format(tomllib.loads(export.proposal))


def test_a_column_that_the_mapping_does_not_name_refuses_the_file(tmp_path):
    file = tmp_path / "laporan.csv"
    lines = (SAMPLE / "laporan.csv").read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([lines[0] + ";Baru", *(line + ";1" for line in lines[1:])]) + "\n", encoding="utf-8")
    (export,) = read(file, registry=as_registry(GOOD), accounts=["tiktok"])
    assert export.outcome == "refused" and export.rows is None


def test_a_mapping_never_overrules_a_built_in_kind():
    file = next(SAMPLE.parents[1].glob("x_account_overview/*/*.csv"))
    (export,) = read(file, registry=as_registry(COPY), accounts=["x"])
    assert export.kind == "x_account_overview"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('values = "lifetime"', ""), "values"),
        (('platform = "tiktok"', 'platform = "twitter"'), "platform"),
        (('"Link" = "permalink"', '"Link" = "-"'), "columns"),
        (('"Published" = "published_at"', '"Published" = "-"'), "columns"),
        (('"Likes" = "likes"', '"Likes" = "loves"'), "Likes"),
        (('"Likes" = "likes"', '"Likes" = "views"'), "views"),
        (('zone = "Asia/Jakarta"', 'zone = "WIB"'), "zone"),
        (("name = ", "nama = "), "nama"),
        (("[columns]", "[columns"), ""),
    ],
)
def test_a_wrong_mapping_is_named_with_its_file_line_and_key(tmp_path, change, key):
    (tmp_path / "salah.toml").write_text(GOOD.replace(*change), encoding="utf-8")
    formats, problems = mapped.load(tmp_path)
    assert formats == () and [p.key for p in problems] == [key]
    assert problems[0].file == "salah.toml" and problems[0].id and problems[0].en


def test_the_registry_reports_a_wrong_mapping_with_the_rest(tmp_path):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "salah.toml").write_text(GOOD.replace("tiktok", "tik"), encoding="utf-8")
    with pytest.raises(RegistryError) as error:
        load(tmp_path)
    assert "mappings/salah.toml" in {p.file for p in error.value.problems}


def test_the_example_in_the_guide_is_a_mapping():
    guide = (Path(__file__).parents[1] / "docs" / "pemetaan.md").read_text(encoding="utf-8")
    example = guide.split("```toml\n")[1].split("```")[0]
    assert mapped.as_format(tomllib.loads(example)).kind == "mapped_table"


def test_a_table_taught_through_the_command_is_read_the_next_night_and_again_when_its_mapping_changes(tmp_path):
    """inspect proposes, the data keeper answers and saves, the file that was refused is read; a corrected mapping corrects it."""
    from pipeline import registry
    from pipeline.engine import connections
    from pipeline.intake import ledger
    from pipeline.settings import Workspace
    from tests.test_cli import call

    workspace = Workspace(tmp_path / "w")
    assert call("init", workspace=workspace.root).returncode == 0
    accounts = workspace.registry / "accounts.csv"
    agency = next(
        x for x in (workspace.registry / "agencies.csv").read_text(encoding="utf-8").splitlines() if "kesehatan" in x.lower()
    )
    accounts.write_text(
        f"account_id,platform,agency_id,handle\ndinkes-tt,tiktok,{agency.split(',')[0]},simulasi.bogor\n", encoding="utf-8"
    )
    file = workspace.inbox / "dinkes-tt" / "laporan.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes((SAMPLE / "laporan.csv").read_bytes())

    def night() -> tuple:
        ledger.ingest(workspace, registry.load(workspace.registry), settle_seconds=0)
        with connections.open_raw(workspace) as con:
            rows = con.execute("SELECT sum(watch_seconds), sum(views), count(*) FROM raw.post_snapshots").fetchall()[0]
        return (*ledger.status(workspace).select("outcome", "code").row(0), *rows)

    assert night() == ("refused", "UNKNOWN_HEADER", None, None, 0)
    said = call("inspect", file, "--account", "dinkes-tt", workspace=workspace.root).stdout
    proposed = said[said.index("# Usulan") :].rstrip()
    answered = (
        proposed.replace('values = "?"', 'values = "lifetime"')
        .replace('"ER" = "?"', '"ER" = "-"')
        .replace('name = "?"', 'name = "Alat"')
    )
    answered = answered.replace('empty = [""]', 'empty = ["", "-"]').replace(
        '"Video views" = "video_views"', '"Video views" = "views"'
    )
    place = workspace.registry / "mappings" / "alat.toml"
    place.parent.mkdir(exist_ok=True)
    place.write_text(answered.replace('"Watch time (h)" = "?"', '"Watch time (h)" = "watch_seconds"'), encoding="utf-8")
    assert night() == ("accepted", None, 3.75, 2103, 3)
    hours = '"Watch time (h)" = { field = "watch_seconds", scale = 3600 }'
    place.write_text(answered.replace('"Watch time (h)" = "?"', hours), encoding="utf-8")
    assert night() == ("accepted", None, 13500.0, 2103, 3)
    place.unlink()
    assert night() == ("refused", "UNKNOWN_HEADER", None, None, 0)
