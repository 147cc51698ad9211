"""Small regencies with right answers (tests/cases/honesty): each holds registers, downloads and questions to what is published.

Once they named the wrong agency, said the wrong reason, or stopped the night; `why` in expected.json says how.
"""

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from pipeline import registry
from pipeline.engine import build
from pipeline.intake import ledger
from pipeline.settings import workspace

CASES = sorted((Path(__file__).parent / "cases" / "honesty").iterdir())
SEEN = dt.datetime(2026, 5, 28, 20, 26, 40).timestamp()


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_case_has_its_right_answers(case, tmp_path):
    place = workspace(tmp_path).create()
    for file in (case / "registry").iterdir():
        shutil.copy(file, place.registry)
    shutil.copytree(case / "inbox", place.inbox, dirs_exist_ok=True)
    for file in place.inbox.rglob("*.csv"):
        os.utime(file, (SEEN, SEEN))
    known = registry.load(place.registry)
    ledger.ingest(place, known, settle_seconds=0)
    published = build.build(place, registry=known)
    with duckdb.connect(str(place.versions / f"{published.version}.duckdb"), read_only=True) as con:
        for check in json.loads((case / "expected.json").read_text(encoding="utf-8"))["checks"]:
            if "sql" in check:
                rows = [list(row) for row in con.execute(check["sql"]).fetchall()]
                assert json.loads(json.dumps(rows, default=str)) == check["expected"], check["say"]
