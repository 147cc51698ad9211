"""What the data keeper reads in the morning: the urgent first, in sentences, and who stopped sending."""

import io
import json

import pytest
from rich.console import Console

from pipeline.cli import status
from pipeline.engine import build
from pipeline.letters import nightly
from pipeline.registry import write_template
from pipeline.settings import Workspace
from tests.fake_exports import NOW, drop, ingest, post, registers


def message(place: str, text: str = "Unduh ulang.") -> dict:
    return {"code": "X", "place": place, "seen": "", "id": text, "en": "Export again."}


def shown(problems: list[dict], language: str = "id") -> str:
    found = {"version": None, "working": False, "files": {"refused": len(problems)}, "coverage": [], "silent": []}
    console = Console(width=200, record=True, file=io.StringIO())
    for part in status.lines(found | {"problems": problems}, language):
        console.print(part)
    return console.export_text()


def problem(*messages: dict, outcome: str = "refused", file: str = "a.csv") -> dict:
    entry = {"file_name": file, "member": "", "account_id": "dinkes-ig", "outcome": outcome, "code": "X"}
    return status._problem(entry | {"messages": json.dumps(messages)})


def test_a_refused_file_is_a_sentence_with_its_account_and_place():
    text = shown([problem(message("baris 3"))])
    assert all(word in text for word in ("dinkes-ig", "a.csv", "ditolak", "Unduh ulang. (baris 3)"))


def test_the_same_sentence_is_said_once_with_all_its_places():
    text = shown([problem(message("baris 3"), message("baris 9"))])
    assert text.count("Unduh ulang.") == 1 and "(baris 3, baris 9)" in text


def test_a_name_cannot_command_the_terminal():
    assert "\x1b" not in shown([problem(message(""), file="a\x1b[2Jb.csv")])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """One agency sent in October, the other in November."""
    workspace = Workspace(tmp_path_factory.mktemp("silent")).create()
    write_template(workspace.registry)
    old = [post("instagram", "91", "2026-09-01T03:00")]
    drop(workspace, "a-ig/1.csv", "instagram", old, captured_at="2026-10-01", period=("2026-08-20", "2026-09-30"))
    new = [post("instagram", "81", "2026-10-05T03:00")]
    drop(workspace, "b-ig/2.csv", "instagram", new, captured_at="2026-11-20", period=("2026-10-01", "2026-10-31"))
    ingest(workspace)
    build.build(workspace, registry=registers(), now=NOW)
    return workspace


def test_b13_an_agency_that_stopped_sending_is_named_with_its_last_day(published):
    found = nightly.silent(published)
    assert len(found) == 1
    assert (found[0]["days"], f"{found[0]['last_captured_at']:%Y-%m-%d}") == (50, "2026-10-01")


def test_b13_how_long_is_too_long_is_a_setting(published, monkeypatch):
    settings = published.registry / "settings.toml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before.replace("data_age_warning_days = 10", "data_age_warning_days = 60"), encoding="utf-8")
    try:
        assert nightly.silent(published) == []
    finally:
        settings.write_text(before, encoding="utf-8")


def test_b13_a_silent_agency_ends_the_night_with_three(published):
    from pipeline.cli.run import Report

    assert Report(published, 1.0, {"accepted": 2}).status == 0
    report = Report(published, 1.0, {"accepted": 2}, silent=1)
    assert report.status == 3
    assert any("1 perangkat daerah berhenti mengirim" in line for line in report.lines("id"))


def test_p13_status_leads_with_the_night_that_went_wrong_and_ends_with_its_status(published):
    from pipeline.cli.status import collect, exit_status, lines

    found = collect(published)
    assert found["night"] and exit_status(found) == found["night"][0]["status"] == 4
    assert next(iter(lines(found))).plain == found["night"][0]["id"]
    well = {**found, "night": []}
    assert exit_status(well) == 3 and exit_status({**well, "silent": [], "refused": 0, "held": 0}) == 0
