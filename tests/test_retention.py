"""P14: files about persons keep their personal columns for `person_files_retention_days` and no longer; their figures stay."""

import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest

from pipeline import exports
from pipeline.engine import connections
from pipeline.exports import read_many
from pipeline.exports.source import Job
from pipeline.formats import by_kind, normalise
from pipeline.intake import erasure, ledger, redact, retention
from pipeline.intake.blank import blanked
from pipeline.registry import write_template
from pipeline.settings import Workspace
from tests.fake_exports import NOW, accounts, registers

SAMPLES = Path(__file__).parent / "samples"
FILES = [
    path
    for kind in sorted(retention.personal())
    for path in sorted((SAMPLES / kind).glob("*/*"))
    if path.suffix in (".csv", ".xlsx", ".xls") and retention.personal()[kind]
]
LAPOR = next(path for path in FILES if "admin" in str(path))


def read(path: Path, name: str) -> list:
    found = next(read_many(iter([Job(path, name=name, first_seen=dt.datetime(2026, 11, 20, tzinfo=dt.UTC))])))
    for export in found:
        export.sha256 = ""
    return found


def personal_values(path: Path, kind: str) -> set[str]:
    """Texts under the personal headers, by openpyxl or csv."""
    import csv

    import openpyxl

    if path.suffix == ".csv":
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    else:
        rows = [[str(c or "") for c in row] for row in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]
    headers = retention.personal()[kind]
    top = next(n for n, row in enumerate(rows) if {normalise(cell) for cell in row} & headers)
    columns = [n for n, cell in enumerate(rows[top]) if normalise(cell) in headers]
    values = {row[n] for row in rows[top + 1 :] for n in columns if n < len(row) and len(row[n]) > 3}
    return {value for value in values if not any(value in cell for cell in rows[top])}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_an_emptied_export_reads_as_it_did_and_holds_no_personal_value(path, tmp_path):
    kind, data = path.parts[-3], path.read_bytes()
    if data.startswith(redact.XLS):
        assert blanked(data, retention.personal()[kind]) is None, "an old workbook cannot be taken apart: it goes whole"
        return
    kept = blanked(data, retention.personal()[kind])
    assert kept is not None and kept != data and blanked(kept, retention.personal()[kind]) == kept
    (tmp_path / path.name).write_bytes(kept)
    before, after = read(path, path.name), read(tmp_path / path.name, path.name)
    assert len(before) == len(after) and all(map(retention._alike, before, after)) and before[0].n_rows
    values = personal_values(path, kind)
    assert values and not any(redact.holds(kept, value) for value in values)


@pytest.fixture
def workspace(tmp_path):
    made = Workspace(tmp_path / "data").create()
    write_template(made.registry)
    place = made.inbox / "lapor" / LAPOR.name
    place.parent.mkdir()
    shutil.copyfile(LAPOR, place)
    return made


def a_night(workspace: Workspace, day: int, days: int = 30) -> ledger.IngestReport:
    known = registers(accounts(("lapor", "sp4n_lapor", "diskominfo")), settings={"person_files_retention_days": days})
    return ledger.ingest(workspace, known, now=NOW + dt.timedelta(days=day), settle_seconds=0)


def cases(workspace: Workspace) -> list[tuple]:
    with connections.open_raw(workspace) as con:
        return sorted(con.execute("SELECT * EXCLUDE (export_id) FROM raw.cases").fetchall(), key=repr)


def person(path: Path = LAPOR) -> str:
    return max(personal_values(path, "sp4n_lapor_admin_xlsx"), key=len)


@pytest.mark.parametrize("days", [30, 5])
def test_p14_after_the_days_that_are_set_the_archive_holds_nobody_and_every_figure_stays(workspace, days):
    assert a_night(workspace, 0, days).counts["accepted"] + 1
    before, name = cases(workspace), person()
    assert before
    a_night(workspace, days - 1, days)
    assert erasure.search(workspace, name), "not before its day"
    a_night(workspace, days + 1, days)
    assert erasure.search(workspace, name) == []
    assert cases(workspace) == before
    (proof,) = workspace.erasures.glob("*-retensi.json")
    said = json.loads(proof.read_text(encoding="utf-8"))
    assert said["copies_left"] == [] and said["still_in_the_inbox"] == [f"lapor/{LAPOR.name}"] and str(days) in said["reason"]
    workspace.raw_db.unlink()
    a_night(workspace, days + 2, days)
    assert cases(workspace) == before, "what is left can be read again, also while the file still lies in the inbox"
    assert erasure.search(workspace, name) == []


def test_p14_a_file_that_cannot_be_taken_apart_goes_whole(workspace, monkeypatch):
    monkeypatch.setattr(retention, "blanked", lambda *_: None)
    a_night(workspace, 0)
    a_night(workspace, 31)
    assert erasure.search(workspace, person()) == [] and cases(workspace) == []


def test_p14_a_kill_before_the_end_costs_nothing(workspace, monkeypatch):
    a_night(workspace, 0)
    before = cases(workspace)
    with monkeypatch.context() as broken:
        broken.setattr(ledger._Night, "settle", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            a_night(workspace, 31)
    a_night(workspace, 31)
    assert cases(workspace) == before and erasure.search(workspace, person()) == []


def test_files_without_persons_are_left_alone():
    assert "meta.content.facebook.post" not in retention.personal()
    assert retention.personal()["linkedin_member_aggregate"] == frozenset() and by_kind("linkedin_member_aggregate").of_person
    assert dataclasses.is_dataclass(retention.Retired) and exports
