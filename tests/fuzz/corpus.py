"""What each target starts from: the samples, cut down to what its bytes mean."""

import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.targets import PARTS

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
OF = {"meta": ("facebook", "instagram"), "yt": ("youtube",), "tiktok": ("tiktok",), "x": ("x",), "linkedin": ("linkedin",)}


def _files() -> Iterator[tuple[str, bytes]]:
    """Kind and bytes of every sample, and of every member of a sample archive."""
    for said in sorted(SAMPLES.rglob("expected.json")):
        data = (said.parent / json.loads(said.read_text(encoding="utf-8"))["file"]).read_bytes()
        yield said.parent.parent.name, data
        if data[:2] == b"PK" and b"xl/workbook.xml" not in data:
            with zipfile.ZipFile(io.BytesIO(data)) as box:
                yield from ((said.parent.parent.name, box.read(name)) for name in box.namelist())


def _platforms(kind: str) -> tuple[str, ...]:
    if kind.startswith("meta"):
        return ("facebook",) if "facebook" in kind or "legacy" in kind else ("instagram",) if "instagram" in kind else OF["meta"]
    return OF.get(kind.split("_")[0], ("other",))


def _is_text(data: bytes) -> bool:
    return data[:2] not in (b"PK", b"\xd0\xcf") and not data.lstrip(b"\xef\xbb\xbf").startswith(b"<")


def _parts(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        for number, part in enumerate(PARTS):
            if part in box.namelist():
                yield bytes([number]) + box.read(part)


def _columns(data: bytes) -> Iterator[bytes]:
    from benchmarks.mutants import strict

    rows = [r for _, r in strict(data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig"), ",") or []]
    for column in zip(*(r for r in rows[1:8] if len(r) == len(rows[0])), strict=False):
        yield "\n".join(c for c in column if "\n" not in c).encode()


def seeds(target: str) -> list[bytes]:
    """The corpus of a target, the same on every machine; nothing twice, nothing above 64 KiB."""
    files = list(_files())
    texts = [(kind, data) for kind, data in files if _is_text(data)]
    books = [data for _, data in files if data[:2] == b"PK" and b"xl/workbook.xml" in data]
    found: list[bytes] = {
        "text": lambda: [d for _, d in texts],
        "xlsx": lambda: [*books, *(p for d in books for p in _parts(d))],
        "spreadsheetml": lambda: [d for _, d in files if d.lstrip(b"\xef\xbb\xbf").startswith(b"<")],
        "archive": lambda: [d for _, d in files if d[:2] == b"PK" and d not in books],
        "cells": lambda: [c for _, d in texts if d[:1] != b"{" and _is_utf8(d) for c in _columns(d)],
        "mapping": lambda: [p.read_bytes() for p in sorted(SAMPLES.rglob("*.toml"))] + [d for _, d in texts if b";" in d],
        "inspect": lambda: [d for _, d in files],
    }.get(target, lambda: [d for kind, d in texts if target.removeprefix("csv_") in _platforms(kind)])()
    return sorted({d for d in found if len(d) < 65536})


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig")
    except UnicodeDecodeError:
        return False
    return True


PIECES = (  # what breaks a table when it stands in the wrong place
    b'"',
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\x00",
    b"\xff",
    b";",
    b"\t",
    b"-",
    b"1.234",
    b"%",
    b"Total",
    b'""',
    b"E+17",
    b"<",
    b"/>",
    b" ",
    b"0",
    b".",
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to three small injuries."""
    change: list[Callable[[bytes, int], bytes]] = [
        lambda d, at: d[:at] + chance.choice(PIECES) + d[at:],
        lambda d, at: d[:at] + d[at + chance.choice((1, 2, 8, 100)) :],
        lambda d, at: d[:at] + bytes([chance.randrange(256)]) + d[at + 1 :],
        lambda d, at: d[:at] + str(chance.randrange(10)).encode() + d[at + 1 :],
        lambda d, at: d[: max(at, 1)],
        lambda d, at: d[:at] + d[at // 2 : at] + d[at:],
    ]
    for _ in range(chance.randint(1, 3)):
        data = chance.choice(change)(data, chance.randrange(len(data) + 1))
    return data
