"""A platform is added in two places, its entry and its format, and then counts; without the entry it stops in a sentence."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENTRY = """
uji:
  label: Uji Coba
  zone: Asia/Jakarta
  post_days: Asia/Jakarta
  engagement: [likes, replies]
  exposure: views
  like: likes
  comment: replies
  sites: [uji.test]
  never_id: Tidak ada.
  never_en: Nothing.
"""
FORMAT = """
from pipeline.formats import Column, Detection, Format
from pipeline.formats.shorthand import count, text

FORMATS = (
    Format(
        kind="uji_posts",
        platform="uji",
        grain="post",
        title_id="Uji: unggahan",
        title_en="Uji: posts",
        menu_id="Uji > Unduh",
        zone="Asia/Jakarta",
        dates=("%Y-%m-%d %H:%M",),
        columns=(
            text("post_id", "uji id", required=True),
            text("handle", "uji account"),
            Column("published_at", "datetime", ("uji time",), required=True),
            count("views", "uji views"),
            count("likes", "uji likes"),
            count("replies", "uji replies"),
        ),
        detect=(Detection(all_of=("uji id", "uji time", "uji views")),),
        unique=("post_id",),
    ),
)
"""
NIGHT = """
import json, sys
from pathlib import Path
from pipeline import pages, registry
from pipeline.engine import build, trace, versions
from pipeline.intake import ledger
from pipeline.settings import Workspace

workspace = Workspace(Path(sys.argv[1])).create()
registry.write_template(workspace.registry)
accounts = workspace.registry / "accounts.csv"
header = accounts.read_text(encoding="utf-8").splitlines()[-1].split(",")
mine = {"account_id": "dinkes-uji", "platform": "uji", "handle": "dinkes", "agency_id": "dinkes", "status": "active"}
with open(accounts, "a", encoding="utf-8") as file:
    file.write(",".join(mine.get(name, "") for name in header) + "\\n")
try:
    known = registry.load(workspace.registry)
except registry.RegistryError as error:
    sys.exit(error.id)
rows = [f"9{n:03},dinkes,2026-09-{n:02} 10:00,{100 + n},{n},2" for n in range(1, 29)]
file = workspace.inbox / "dinkes-uji" / "2026-11-01" / "uji.csv"
file.parent.mkdir(parents=True)
file.write_text("uji id,uji account,uji time,uji views,uji likes,uji replies\\n" + "\\n".join(rows) + "\\n", encoding="utf-8")
report = ledger.ingest(workspace, known, settle_seconds=0)
result = build.build(workspace, registry=known)
with versions.open_version(workspace) as version:
    pages.build(version, workspace.site, registry=known)
    month = version.sql("SELECT posts, engagement, exposure, er_account FROM marts.account_month WHERE posts > 0").rows()
behind = trace.trace(workspace, "account_month:er_account:account_id=dinkes-uji,month=2026-09-01")
page = (workspace.site / "latest/id/perangkat/dinkes.html").read_text(encoding="utf-8")
print(json.dumps({
    "outcomes": dict(report.counts), "month": month, "rows": [s.row for s in behind], "files": sorted({s.file for s in behind}),
    "is_on_page": "Uji Coba" in page, "held": len(result.held),
}))
"""


@pytest.fixture
def program(tmp_path) -> Path:
    """A copy of the program in which the format is there and the platform is not."""
    copy = tmp_path / "program"
    for part in ("pipeline", "warehouse", "notebooks"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "pipeline/formats/uji.py").write_text(FORMAT, encoding="utf-8")
    return copy


def night(program: Path, folder: Path) -> subprocess.CompletedProcess:
    around = {**os.environ, "PYTHONPATH": str(program)}
    command = [sys.executable, "-c", textwrap.dedent(NIGHT), str(folder)]
    return subprocess.run(command, cwd=program, env=around, capture_output=True, text=True, check=False, timeout=280)


def test_without_its_entry_a_platform_stops_with_a_sentence(program, tmp_path):
    result = night(program, tmp_path / "w")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "platform 'uji' tidak dikenal" in result.stderr and "warehouse/platforms.yml" in result.stderr


def test_a_platform_of_two_places_reaches_an_agency_page_and_trace(program, tmp_path):
    with open(program / "warehouse/platforms.yml", "a", encoding="utf-8") as file:
        file.write(ENTRY)
    result = night(program, tmp_path / "w")
    assert result.returncode == 0, result.stderr
    said = json.loads(result.stdout)
    posts, engagement, exposure, rate = said["month"][0]
    assert (posts, engagement, exposure) == (28, sum(range(1, 29)) + 56, 2800 + sum(range(1, 29)))
    assert 0.1 < rate < 0.2
    assert (said["rows"], said["files"], said["held"]) == (list(range(2, 30)), ["uji.csv"], 0)
    assert said["is_on_page"]
