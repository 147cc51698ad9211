"""Where files go and what is in them: every file is written with a record of what the simulation put there."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from pipeline.samples.streams import DAY, day_number, iso

Content = dict[str, Any]  # what the simulation put into one export of a file, made by `content`
Counts = dict[str, np.ndarray]  # a column of numbers by its field


class Span(TypedDict, total=False):
    """First and last time that an export names."""

    first: str | None
    last: str | None


# 23:50 WIB, in UTC seconds of the day. Most files do not say when they were made, only their folder does, by its date: the
# admins of this regency download late, so that "the end of that day" is true and the growth of counts can be recovered.
CAPTURE = 16 * 3600 + 50 * 60


def capture_second(day: dt.date) -> int:
    return day_number(day) * DAY + CAPTURE


def content(
    kind: str,
    rows: int,
    *,
    member: str = "",
    grain: str = "post",
    language: str | None = None,
    sums: Mapping[str, float] | None = None,
    uniques: Mapping[str, float] | None = None,
    dropped: Mapping[str, int] | None = None,
    first: str | None = None,
    last: str | None = None,
) -> Content:
    """One export inside a file. `sums` are additive fields; `uniques` are compared, but mean nothing when summed."""
    record: Content = {"kind": kind, "member": member, "grain": grain, "language": language, "rows": rows}
    record |= {
        "sums": sums if sums and rows else {},
        "uniques": uniques or {},
        "dropped": dropped or {},
        "first": first,
        "last": last,
    }
    return record


def total(values: np.ndarray, known: np.ndarray | None = None) -> int:
    return int((values if known is None else values[known]).sum())


def safe_name(name: str) -> str:
    """A hostile file name stays hostile where the system can hold it."""
    return re.sub(r'[<>:"|?*]', "_", name) if os.name == "nt" else name


@dataclass
class Files:
    root: Path
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    def write(self, path: str, data: bytes, account_id: str | None, captured: int, exports: list[Content], **more: Any) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        # A header without rows and a list cut at its limit are worth a word to the reader.
        usual = ["accepted"] if all(e["rows"] and "trailer" not in e["dropped"] for e in exports) else ["flagged"]
        expect = {"expect": more.pop("expect", usual)}
        record = {"account_id": account_id, "captured_at": iso(captured), "bytes": len(data), "exports": exports}
        self.records[path] = record | expect | more
