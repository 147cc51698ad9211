"""Small exports for tests of the ledger and the tables: a JSON file says what the reader would have found in it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from pipeline import registry
from pipeline.engine import build, models
from pipeline.exports import messages
from pipeline.exports.model import AccountRef, Export
from pipeline.intake import ledger
from pipeline.settings import Workspace

NOW = datetime(2026, 11, 23, 1, 0)
TYPES = {
    "published_at": pl.Datetime("us", "UTC"),
    "published_on": pl.Date,
    "day": pl.Date,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "received_at": pl.Datetime("us"),
    "received_on": pl.Date,
    "first_reply_at": pl.Datetime("us"),
    "closed_at": pl.Datetime("us"),
}
METRICS = {
    "facebook": {"reactions": 10, "comments": 2, "shares": 3, "engagement_rcs": 15, "reach": 500, "views": 900},
    "instagram": {"likes": 20, "comments": 4, "shares": 3, "saves": 3, "reach": 600, "views": 800},
    "x": {"likes": 5, "replies": 1, "reposts": 2, "bookmarks": 1, "impressions": 700},
    "youtube": {"likes": 7, "comments": 2, "shares": 1, "views": 400},
    "tiktok": {"likes": 30, "comments": 5, "shares": 5, "views": 2000},
    "linkedin": {"likes": 6, "comments": 1, "reposts": 1, "impressions": 300},
}


def post(platform: str, post_id: str, at: str, **values) -> dict:
    """A row of a post export; `at` is an instant in UTC. A value of `...` removes the column."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    row = {
        "post_id": post_id,
        "published_at": moment.isoformat(),
        "published_on": moment.date().isoformat(),
        "published_precision": "minute",
        "post_type": "photo",
        "caption": f"Unggahan {post_id}",
        "permalink": f"https://example.test/{post_id}",
    }
    merged = row | METRICS[platform] | values
    return {k: v for k, v in merged.items() if v is not ...}


def drop(workspace: Workspace, name: str, platform: str, rows: list[dict], **about) -> Path:
    """Write one export file into the inbox. `captured_at` is UTC text; other entries are attributes of the Export."""
    path = workspace.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    grain = about.pop("grain", "post")
    content = {"platform": platform, "grain": grain, "kind": f"test.{platform}.{grain}", "rows": rows} | about
    path.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    return path


def file_number(workspace: Workspace, n: int) -> Path:
    """One more export of the Facebook account: three posts, some of them seen before with other counts."""
    rows = [post("facebook", str(i), f"2026-10-{1 + i % 28:02}T03:00", reach=500 + n) for i in range(n, n + 3)]
    captured = (date(2026, 11, 1) + timedelta(days=n)).isoformat()
    return drop(workspace, f"a-fb/{n:03}.csv", "facebook", rows, captured_at=captured)


def read(path, *, name=None, registry=None, accounts=(), folder_date=None, captured_at=None, first_seen=None) -> list[Export]:
    """Stands in for `pipeline.exports.read`."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if "refuse" in content:
        return [Export(name, "", "", outcome="refused", messages=[messages.message(content["refuse"], name, "x")])]
    rows = [{"row_number": i + 2} | r for i, r in enumerate(content["rows"])]
    frame = _typed(rows)
    when, source = first_seen, "first_seen"
    if folder_date:
        when, source = datetime(folder_date.year, folder_date.month, folder_date.day, tzinfo=UTC), "folder"
    if "captured_at" in content:
        when, source = datetime.fromisoformat(content["captured_at"]).replace(tzinfo=UTC), "file"
    days = sorted(str(d) for r in rows if (d := r.get("day") or r.get("published_at") or r.get("received_on")))
    period = content.get("period")
    return [
        Export(
            file=name,
            member="",
            sha256="",
            outcome=content.get("outcome", "accepted"),
            kind=content["kind"],
            platform=content["platform"],
            grain=content["grain"],
            language="id",
            accounts=[AccountRef(*a) for a in content.get("accounts", [])],
            rows=frame,
            n_rows=len(rows),
            first=days[0] if days else None,
            last=days[-1] if days else None,
            captured_at=when,
            captured_from=content.get("captured_from", source),
            messages=[messages.message(code, name) for code in content.get("messages", ())],
            period=(date.fromisoformat(period[0]), date.fromisoformat(period[1])) if period else None,
        )
    ]


def _typed(rows: list[dict]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame({"row_number": []}, {"row_number": pl.Int64})
    casts = []
    for name, kind in TYPES.items():
        if name in frame.columns:
            text = pl.col(name).cast(pl.Utf8)
            casts.append(
                text.str.to_date() if kind == pl.Date else text.str.to_datetime(time_zone=kind.time_zone, time_unit="us")
            )
    frame = frame.with_columns(casts)
    return frame.with_columns(pl.col(c).cast(pl.Utf8) for c, t in frame.schema.items() if t == pl.Null)


@cache
def template() -> registry.Registry:
    """The shipped registry, with its themes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        registry.write_template(Path(folder))
        return registry.load(Path(folder))


def accounts(*rows: tuple, **more) -> pl.DataFrame:
    """(account_id, platform, agency_id, platform_account_id, handle, valid_from, valid_to)"""
    names = ("account_id", "platform", "agency_id", "platform_account_id", "handle", "valid_from", "valid_to")
    return registry.frame("accounts", [dict(zip(names, row, strict=False)) | {"status": "active"} | more for row in rows])


ACCOUNTS = accounts(
    ("a-fb", "facebook", "dinkes", "111", "dinkes"),
    ("a-ig", "instagram", "dinkes", "112", "dinkes.ig"),
    ("b-ig", "instagram", "disdik", "113", "disdik.ig"),
    ("a-x", "x", "dinkes", None, "dinkes_x"),
    ("a-tt", "tiktok", "dinkes"),
    ("b-tt", "tiktok", "disdik"),
    ("a-yt", "youtube", "dinkes"),
    ("b-li", "linkedin", "disdik"),
)


def registers(known: pl.DataFrame = ACCOUNTS, **frames) -> registry.Registry:
    """A registry of a few accounts of real agencies."""
    return dataclasses.replace(template(), accounts=known, **frames)


def ingest(workspace: Workspace, known: registry.Registry | None = None, now: datetime = NOW, **options) -> ledger.IngestReport:
    return ledger.ingest(workspace, known or registers(), now=now, settle_seconds=0, read=read, **options)


def tables(workspace: Workspace, *names: str, known: registry.Registry | None = None) -> dict[str, pl.DataFrame]:
    """Build these tables and what they need, and nothing else."""
    graph = {m.name: m for m in models.models()}
    wanted, queue = set(), list(names)
    while queue:
        name = queue.pop()
        wanted.add(name)
        queue += [n for n in graph[name].depends_on if n not in wanted]
    with build.Build(workspace, known or registers(), now=NOW) as made:
        for name, model in graph.items():
            if name in wanted:
                made.create(model)
        return {name: made.frame(name) for name in names}
