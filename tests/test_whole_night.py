"""The main job from files to pages, as a person runs it: the small simulated regency, the command, and what it leaves behind."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from test_cli import call

from pipeline import night, stamps
from pipeline.cli import quiet
from pipeline.engine import build, connections, versions
from pipeline.engine.trace import trace
from pipeline.intake import ledger
from pipeline.night import NotPossible
from pipeline.registry import load
from pipeline.settings import Workspace


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("regency") / "data"
    result = call("demo", "--profile", "tiny", workspace=root)
    assert result.returncode == night.DONE, result.stderr
    return Workspace(root), result.stdout


@pytest.fixture
def copy(demo, tmp_path):
    """A regency of one's own to change."""
    shutil.copytree(demo[0].root, tmp_path / "data", symlinks=True)
    return Workspace(tmp_path / "data")


def test_demo_says_in_ten_lines_what_there_is_and_where(demo):
    workspace, said = demo
    assert len(said.splitlines()) <= 12
    assert "DATA SIMULASI" in said
    page = Path(re.search(r"(/\S+/index\.html)", said)[1])
    assert page == workspace.site / "latest/id/index.html" and page.exists()
    assert said.splitlines()[-1].endswith(str(page)), "the page to open is the last thing said"
    assert "DATA SIMULASI" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("places", [(0.5,), pytest.param((0, 0.25, 0.75, 1), marks=pytest.mark.nightly)])
def test_every_figure_on_a_page_can_be_traced_or_has_no_data(demo, places):
    """Of each kind of figure the middle one, at night the ends too."""
    workspace, _ = demo
    pages = list((workspace.site / "latest/id").rglob("*.html"))
    figures = {html.unescape(f) for p in pages for f in re.findall(r'data-figure="([^"]*)"', p.read_text(encoding="utf-8"))}
    assert len(figures) > 20
    kinds: dict[str, list[str]] = {}
    for figure in sorted(figures):
        kinds.setdefault(":".join(figure.split(":")[:2]), []).append(figure)
    unknown = {}
    for figure in {alike[int(place * (len(alike) - 1))] for alike in kinds.values() for place in places}:
        try:
            trace(workspace, figure)
        except NotPossible as error:
            unknown[figure] = error.en
    assert unknown == {}


def test_a_count_of_posts_is_traced_to_just_as_many_rows(demo):
    workspace, _ = demo
    with versions.open_version(workspace) as version:
        windows = version.sql("SELECT agency_id, n_posts FROM estimates.agency_window").to_dicts()
    for row in windows:
        behind = trace(workspace, f"agency_window:n_posts:agency_id={row['agency_id']}")
        assert len(behind) == (row["n_posts"] or 0), row


def test_status_is_there_for_programs_and_names_who_did_not_send(demo):
    workspace, _ = demo
    result = call("status", "--json", workspace=workspace.root)
    found = json.loads(result.stdout)
    assert result.returncode == night.DONE
    assert found["version"]["simulated"] is True and found["refused"] == 0
    truth = json.loads((workspace.root / "truth.json").read_text(encoding="utf-8"))
    assert truth["special"]["no_data"] in {row["agency_id"] for row in found["coverage"]}


OTHER_TOOL = (
    "Date,Type,Content,URL,Reach,Plays,Likes,Comments,Shares,Saved,Engagement\n"
    '2026-09-07 09:30,video,"Antre, rapi",https://www.tiktok.com/@uji.alat/video/7682663700000000001,"1,100",1240,40,3,2,5,4.5\n'
    "2026-09-08 10:00,video,Posyandu,https://www.tiktok.com/@uji.alat/video/7683042500000000002,310,360,-,1,0,1,0.6\n"
)
ANSWERS = {
    'name = "?"': 'name = "Alat lain"',
    'values = "?"': 'values = "lifetime"',
    '"Plays" = "?"': '"Plays" = "views"',
    '"Engagement" = "?"': '"Engagement" = "-"',
    '"Saved" = "?"': '"Saved" = "saves"',
    'empty = [""]': 'empty = ["", "-"]',
}


@pytest.fixture(scope="module")
def troubled(demo, tmp_path_factory):
    """One night with rows that break a check, a page saved as an export, and a table of a tool that nobody knew.

    Gives the workspace, the night as it was told, the file whose rows are broken, and the posts of all accounts before.
    """
    place = Workspace(tmp_path_factory.mktemp("troubled") / "data")
    shutil.copytree(demo[0].root, place.root, symlinks=True)
    before = _posts(place)
    broken = _break_rows(place)
    bad = place.inbox / "ig-dinkes" / BAD
    bad.parent.mkdir(exist_ok=True)
    bad.write_text("<!DOCTYPE html><html><title>Masuk</title></html>")
    _teach(place)
    result = call("run", workspace=place.root)
    assert result.returncode == night.PARTLY, result.stdout + result.stderr
    assert versions.current(place) == "w-2"
    return place, broken, before


BAD = "Oct-01-2026_Oct-31-2026_1.csv"


def _break_rows(workspace: Workspace) -> tuple[str, str, str]:
    """(file, export, account) of which all rows have less than no likes."""
    with connections.open_raw(workspace) as con:
        [found] = con.execute(
            """SELECT file_name, export_id, account_id FROM raw.exports
            WHERE account_id LIKE 'ig-%' AND grain = 'post' AND n_stored > 0 ORDER BY export_id LIMIT 1"""
        ).fetchall()
        con.execute("UPDATE raw.post_snapshots SET likes = -1 WHERE export_id = $id", {"id": found[1]})
    return found


def _posts(workspace: Workspace) -> dict[str, list[str]]:
    with versions.open_version(workspace) as version:
        posts = version.table("core.posts").drop("export_id")
    return {str(account): sorted(map(repr, rows.rows())) for (account,), rows in posts.group_by("account_id")}


def _problems(workspace: Workspace) -> list[dict]:
    said = call("status", "--json", workspace=workspace.root)
    assert said.returncode == night.PARTLY
    return json.loads(said.stdout)["problems"]


def test_rows_that_break_a_check_are_held_and_the_rest_is_published(troubled):
    workspace, (file, export_id, account), before = troubled
    told = [(p["file"], p["outcome"], p["code"]) for p in _problems(workspace) if p["outcome"] == "held"]
    assert told == [(file, "held", "CHECK_column_values")]
    with versions.open_version(workspace) as version:
        assert version.sql("SELECT 1 FROM core.posts WHERE export_id = $id", id=export_id).is_empty()
        held = version.sql("SELECT file_name, code FROM marts.export_files WHERE outcome = 'held'").rows()
    assert held == [(file, "CHECK_column_values")]
    assert Path(file).name in (workspace.site / "latest/id/kualitas.html").read_text(encoding="utf-8")
    after = _posts(workspace)
    assert {name: rows for name, rows in after.items() if name not in (account, "tt-uji")} == {
        name: rows for name, rows in before.items() if name != account
    }


def test_a_bad_file_is_told_in_a_sentence(troubled):
    problem = next(p for p in _problems(troubled[0]) if p["file"].endswith(BAD))
    assert problem["outcome"] == "refused" and problem["code"] == "WRONG_TYPE"
    assert "unduh" in problem["messages"][0]["id"].casefold()


def _teach(workspace: Workspace) -> None:
    """inspect proposes the mapping of a table that no format knows, the data keeper answers its questions."""
    accounts = workspace.registry / "accounts.csv"
    columns, first, *_ = accounts.read_text(encoding="utf-8").splitlines()
    agency = dict(zip(columns.split(","), first.split(","), strict=True))["agency_id"]
    new = {"account_id": "tt-uji", "platform": "tiktok", "handle": "uji.alat", "agency_id": agency, "valid_from": "2023-01-01"}
    with accounts.open("a", encoding="utf-8") as lines:
        lines.write(",".join({"status": "active", **new}.get(c, "") for c in columns.split(",")) + "\n")
    incidents = workspace.registry / "incidents.csv"  # one more account changes what its agency's past months were
    reason = {
        "incident_id": "r1",
        "agency_id": agency,
        "kind": "restate",
        "started_at": "2026-11-20 09:00",
        "note": "akun lama didaftarkan",
    }
    head = incidents.read_text(encoding="utf-8").splitlines()[0].split(",")
    with incidents.open("a", encoding="utf-8") as lines:
        lines.write(",".join(reason.get(c, "") for c in head) + "\n")
    file = workspace.inbox / "tt-uji/laporan.csv"
    file.parent.mkdir()
    file.write_text(OTHER_TOOL, encoding="utf-8")
    said = call("inspect", file, "--account", "tt-uji", workspace=workspace.root).stdout
    proposed = said[said.index("# Usulan") :].rstrip()
    assert '"Content" = "caption"' in proposed and '"URL" = "permalink"' in proposed
    for question, answer in ANSWERS.items():
        assert question in proposed
        proposed = proposed.replace(question, answer)
    mapping = workspace.registry / "mappings/alat.toml"
    mapping.parent.mkdir(exist_ok=True)
    mapping.write_text(proposed, encoding="utf-8")


def test_a_table_of_another_tool_is_taught_read_published_and_traced_to_its_rows(troubled):
    workspace, *_ = troubled
    with versions.open_version(workspace) as version:
        posts = version.sql(
            "SELECT post_id, views, likes, saves, reach FROM core.posts WHERE account_id = 'tt-uji' ORDER BY 1"
        ).rows()
    assert posts == [("7682663700000000001", 1240, 40, 5, 1100), ("7683042500000000002", 360, None, 1, 310)]
    figure = "account_month:engagement:account_id=tt-uji,month=2026-09-01"
    behind = call("trace", figure, "--json", workspace=workspace.root).stdout
    rows = [json.loads(line) for line in behind.splitlines()]
    assert [(r["file"], r["row"], r["value"]) for r in rows] == [
        ("laporan.csv", 2, "E 50, X 1240"),
        ("laporan.csv", 3, "E -, X 360"),
    ]


def test_a_failed_rule_publishes_nothing_and_is_named(copy, monkeypatch):
    from pipeline.cli.run import overnight
    from pipeline.engine import models
    from pipeline.settings import Workspace as Place

    before = _figures(copy)
    broken = models.Check("no_posts_allowed", "SELECT post_key FROM core.posts", True, "Tidak boleh ada unggahan.", "No posts.")
    checks = models.checks()
    monkeypatch.setattr(models, "checks", lambda: [*checks, broken])
    with monkeypatch.context() as patch:
        patch.delitem(__import__("sys").modules, "pipeline.definitions", raising=False)
        with night.alone(copy):
            report = overnight(Place(copy.root))
    __import__("sys").modules.pop("pipeline.definitions", None)
    assert report.status == night.NOT_PUBLISHED
    assert any("no_posts_allowed" in line for line in report.lines("en"))
    assert versions.current(copy) == "w-1" and _figures(copy) == before


def test_share_is_one_file_that_needs_no_other(demo, tmp_path):
    workspace, _ = demo
    target = tmp_path / "dinkes.html"
    assert call("share", "dinkes", "--out", target, workspace=workspace.root).returncode == night.DONE
    text = target.read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>") and len(text) < 1_000_000
    assert not re.search(r'(?:src|href)="(?!data:|#|https://)[^"]+"', text)


def test_inspect_gives_one_line_per_export_and_writes_nothing(demo, tmp_path):
    workspace, _ = demo
    files = sorted(p for p in workspace.inbox.rglob("*.csv") if "uji" not in p.as_posix())[:5]
    before = sorted(p.as_posix() for p in tmp_path.rglob("*"))
    result = call("inspect", *files, "--json", workspace=tmp_path / "none")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["file"] for line in lines} == {f.name for f in files}
    assert all({"kind", "sha256", "rows", "sums", "nulls", "messages", "captured_from"} <= set(line) for line in lines)
    assert sorted(p.as_posix() for p in tmp_path.rglob("*")) == before


def test_the_same_files_twice_and_in_another_order_change_only_what_was_seen_when(demo, tmp_path):
    """First night: the later half of the files. Second night: every file again under another name, and then under its own."""
    workspace, other = demo[0], Workspace(tmp_path / "data")
    shutil.copytree(workspace.registry, other.registry)
    files = sorted(p.relative_to(workspace.inbox) for p in workspace.inbox.rglob("*") if p.is_file())
    for file in files[len(files) // 2 :]:
        _drop(workspace, file, other, file.name)
    _publish(other)
    for file in reversed(files):
        _drop(workspace, file, other, f"salinan {file.name}")
        _drop(workspace, file, other, file.name)
    _publish(other)
    assert versions.current(other) == "w-2"
    assert _differences(_everything(workspace), _everything(other)) == []
    first, again = _ledger(workspace), _ledger(other)
    assert {key: entry[:-1] for key, entry in first.items()} == {key: entry[:-1] for key, entry in again.items()}
    assert {key: (seen, again[key]) for key, (*_, seen) in first.items() if again[key][-1] <= seen} == {}


def _publish(workspace: Workspace) -> None:
    known = load(workspace.registry)
    ledger.ingest(workspace, known)
    build.build(workspace, registry=known, reusing=True)


def _drop(source: Workspace, file: Path, target: Workspace, name: str) -> None:
    (target.inbox / file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source.inbox / file, target.inbox / file.with_name(name))


WHEN_SEEN = ("first_seen_at", "last_seen_at", "file_name", "export_id", "built_at", "version")


def _everything(workspace: Workspace) -> dict[str, list[str]]:
    with versions.open_version(workspace) as version:
        # what a version was made from says when files were seen
        names = [name for name in version.tables if name not in ("meta.changed_history", "meta.made_from")]
        return {name: sorted(map(repr, version.table(name).drop(*WHEN_SEEN, strict=False).rows())) for name in names}


def _differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> list[str]:
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def _ledger(workspace: Workspace) -> dict[tuple[str, str], tuple]:
    """(hash, member) -> outcome, rows, sightings."""
    entries = ledger.status(workspace).to_dicts()
    return {(e["sha256"], e["member"]): (e["outcome"], e["n_rows"], e["sightings"]) for e in entries}


def _figures(workspace: Workspace) -> dict[str, list]:
    with versions.open_version(workspace) as version:
        tables = ("core.posts", "marts.account_month", "estimates.agency_window")
        return {name: sorted(map(repr, version.table(name).drop("export_id", strict=False).rows())) for name in tables}


def _bytes_below(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p.relative_to(folder)): (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def test_a_night_without_news_makes_nothing_again_and_reports_itself(copy):
    _remembered(copy)
    parts = (copy.versions, copy.site, copy.notebooks, copy.dagster)
    before, told = [_bytes_below(part) for part in parts], len(list(copy.nights.glob("2*.json")))
    result = call("run", workspace=copy.root)
    assert result.returncode == night.DONE and "tidak ada yang baru" in result.stdout, result.stdout + result.stderr
    assert [_bytes_below(part) for part in parts] == before
    reports = sorted(copy.nights.glob("2*.json"))
    assert len(reports) == told + 1 and json.loads(reports[-1].read_text())["is_new"] is False


def _remembered(workspace: Workspace) -> None:
    """A copy has other inodes and times than what it was made from: it is told once what lies there."""
    with night.alone(workspace):
        ledger.ingest(workspace, load(workspace.registry))
        quiet.remember(workspace, True)


def _append(place: Path, more: bytes) -> None:
    place.write_bytes(place.read_bytes() + more)


def _new_file(workspace: Workspace) -> None:
    source = next(workspace.inbox.rglob("*.csv"))
    (source.parent / "baru.csv").write_bytes(source.read_bytes() + b"\n")


def _register(workspace: Workspace) -> None:
    _append(workspace.registry / "settings.toml", b"\n# catatan\n")


def _lost_page(workspace: Workspace) -> None:
    (workspace.site / "latest/id/index.html").unlink()


def _edited_page(workspace: Workspace) -> None:
    _append(workspace.site / "latest/en/index.html", b" ")


def _lost_notebook(workspace: Workspace) -> None:
    next(workspace.notebooks.glob("0*.json")).unlink()


def _damaged_version(workspace: Workspace) -> None:
    place = workspace.versions / f"{versions.current(workspace)}.duckdb"
    place.chmod(0o640)
    with place.open("r+b") as file:
        file.seek(5000)
        file.write(b"x")


def _lost_archive(workspace: Workspace) -> None:
    shutil.rmtree(workspace.inbox)
    workspace.inbox.mkdir()
    for place in workspace.archive.glob("??/*"):
        place.unlink()


def _other_rows(workspace: Workspace) -> None:
    with connections.open_raw(workspace) as con:
        con.execute("UPDATE raw.post_snapshots SET likes = likes + 1 WHERE likes IS NOT NULL")


def _other_program(workspace: Workspace) -> None:
    said = stamps.read(workspace, quiet.STAMP)
    stamps.write(workspace, quiet.STAMP, said | {"lies_there": said["lies_there"] | {"program": "other"}})


NEWS = (
    _new_file, _register, _lost_page, _edited_page, _lost_notebook, _damaged_version, _lost_archive, _other_rows, _other_program,
)  # fmt: skip


def test_whatever_is_not_as_it_was_is_news(demo, tmp_path):
    for number, change in enumerate(NEWS):
        place = tmp_path / str(number)
        shutil.copytree(demo[0].root, place, symlinks=True)
        workspace = Workspace(place)
        _remembered(workspace)
        with night.alone(workspace):
            if number == 0:
                assert quiet.night(workspace) is not None
            change(workspace)
            assert quiet.night(workspace) is None, change.__name__
