"""Small real-looking files with their right answers: each folder of tests/cases holds inputs and `expected.json`.

`right` and `why` say in words what is right; the rest is compared. A case that names `inspect` is read file by file; one with a
`workspace` or a `registry` is brought through a night, and what the tables then say is compared.
"""

import html
import json
import os
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from pipeline import pages, registry
from pipeline.engine import build, versions
from pipeline.exports import read
from pipeline.intake import ledger
from pipeline.settings import Workspace

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(p.parent for p in CASES.rglob("expected.json"))
PLATFORMS = {"fb": "facebook", "ig": "instagram", "x": "x", "yt": "youtube", "tt": "tiktok", "li": "linkedin"}
HEADER = "account_id,platform,handle,platform_account_id,agency_id,valid_from\n"


def wanted(folder: Path) -> dict:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def one_by_one(folder: Path) -> bool:
    return "inspect" in wanted(folder)


def workspace(root: Path, accounts: list[dict]) -> Workspace:
    made = Workspace(root).create()
    registry.write_template(made.registry)
    names = ("account_id", "platform", "handle", "platform_account_id", "agency_id", "valid_from")
    rows = [",".join(({"agency_id": "dinkes"} | a).get(name, "") for name in names) for a in accounts]
    (made.registry / "accounts.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return made


def named(want: dict) -> list[dict]:
    listed = {a["account_id"]: a for a in want.get("accounts", [])}
    asked = [a for a in want["inspect"] if not a.startswith("-")]
    return [listed.get(a, {"account_id": a, "platform": PLATFORMS[a.rsplit("-", 1)[1]]}) for a in {*asked, *listed}]


def is_read(export) -> bool:
    return export.outcome in ("accepted", "flagged")


def total(exports, field: str) -> float:
    return sum(e.sums.get(field, 0) for e in exports if is_read(e))


@pytest.mark.parametrize("folder", [f for f in FOLDERS if one_by_one(f)], ids=lambda f: f.name)
def test_a_file_is_read_as_its_case_says(folder, tmp_path):
    want = wanted(folder)
    known = registry.load(workspace(tmp_path, named(want)).registry)
    given = [a for a in want["inspect"] if not a.startswith("-")]
    every = []
    for file in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "expected.json"):
        exports = read(file, registry=known, accounts=given)
        every += exports
        assert exports
        if "outcome" in want:
            assert {e.outcome for e in exports} <= set(want["outcome"]), [m for e in exports for m in e.messages]
        if isinstance(want.get("sums", {}).get(file.name), dict):
            for platform, sums in want["sums"][file.name].items():
                own = [e for e in exports if e.platform == platform]
                assert {field: total(own, field) for field in sums} == sums
        if "rows_each" in want:
            assert {e.n_rows for e in exports} == {want["rows_each"]}
    judge(want, every)


def judge(want: dict, every: list) -> None:
    """What a case says of all its files together."""
    done = [e for e in every if is_read(e)]
    codes = {m.code for e in every for m in e.messages}
    assert "kind" not in want or {e.kind for e in done} == {want["kind"]}
    assert "grain" not in want or {e.grain for e in done} == {want["grain"]}
    assert "rows" not in want or max(e.n_rows for e in done) == want["rows"]
    assert "dropped_total" not in want or sum(sum(e.dropped.values()) for e in done) == want["dropped_total"]
    assert "code" not in want or want["code"] in codes
    assert not want.get("no_record_refused") or all(e.outcome != "refused" for e in every)
    for field, value in {**want.get("sums", {}), **want.get("better", {})}.items():
        if not isinstance(value, dict):
            assert total(every, field) == pytest.approx(value), field
    for key in ("first", "last"):
        assert key not in want or str(getattr(done[0], key)).startswith(want[key])
    for block in want.get("blocks", []):
        (found,) = [e for e in every if e.member.endswith(block["member"])]
        assert found.outcome in block["outcome"]
        if is_read(found):
            assert found.platform != block.get("never_platform") and found.platform == block.get("platform", found.platform)
            assert found.n_rows == block.get("rows", found.n_rows)
            assert all(total([found], field) == value for field, value in block.get("sums", {}).items())


def plain(value):
    return int(value) if isinstance(value, Decimal) else str(value)


def night(root: Path, folder: Path, want: dict) -> Workspace:
    """The case's files, read and published; files are as old as their case says nothing about."""
    if (folder / "registry").is_dir():
        made = workspace(root, [])
        shutil.copytree(folder / "registry", made.registry, dirs_exist_ok=True)
        themes = made.registry / "themes.yml"  # the template's programmes speak of agencies that the case does not have
        themes.unlink()
        settings = made.registry / "settings.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("main_agency =", "# main_agency ="), encoding="utf-8")
    else:
        made = workspace(root, want["workspace"]["accounts"])
    if (folder / "inbox").is_dir():
        shutil.copytree(folder / "inbox", made.inbox, dirs_exist_ok=True)
    for account, names in want.get("workspace", {}).get("inbox", {}).items():
        (made.inbox / account).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(folder / name, made.inbox / account / name)
    for path in made.inbox.rglob("*"):
        os.utime(path, (1780000000, 1780000000))
    ledger.ingest(made, registry.load(made.registry), settle_seconds=0)
    build.build(made)
    return made


def text_of(version: versions.Version, name: str, folder: Path) -> str:
    """What a reader of the first page, or of an agency's page, reads."""
    agency = "ringkasan" if name == "index" else name
    page = pages.share(version, agency, folder / f"{name}.html", "en").read_text(encoding="utf-8")
    page = re.sub(r"<(script|style|svg)[\s\S]*?</\1>", " ", page)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize("folder", [f for f in FOLDERS if not one_by_one(f)], ids=lambda f: f.name)
def test_a_night_ends_as_its_case_says(folder, tmp_path):
    want = wanted(folder)
    with versions.open_version(night(tmp_path, folder, want)) as version:
        for check in want.get("checks", []):
            if "sql" in check:
                rows = [list(row.values()) for row in version.sql(check["sql"]).to_dicts()]
                assert json.loads(json.dumps(rows, default=plain)) == check["expected"], check["say"]
            else:
                assert check["absent"] not in text_of(version, Path(check["page"]).stem, tmp_path), check["say"]
        for account, n in want.get("posts", {}).items():
            assert version.sql(f"select count(*) n from core.posts where account_id = '{account}'")["n"][0] == n
        for month, n in want.get("months", {}).items():
            assert version.sql(f"select count(*) n from core.posts where strftime(month, '%Y-%m') = '{month}'")["n"][0] == n
        for account, sums in want.get("account_days", {}).items():
            rows = version.sql(f"select metric, sum(value) v from core.account_days where account_id = '{account}' group by 1")
            assert {metric: value for metric, value in rows.iter_rows() if metric in sums} == sums
