"""Which documents a month has, under which names they lie, and writing them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.letters import agency, monthly
from pipeline.letters.origin import Origin, folder_of
from pipeline.letters.paper import compile_pdf


def letters(
    origin: Origin, kind: str, language: str = "id", *, agencies: Sequence[str] = (), target: Path | None = None
) -> Iterator[Path]:
    """The PDF files of one kind (bulanan, briefing, perangkat), each path as soon as it is written.

    `agencies`: reports of these only; without any: of every agency that is listed. Raises NotPossible for one that is not known.
    """
    folder, month = folder_of(origin.workspace, origin.month, target), f"{origin.month:%Y-%m}"
    tail = month if language == "id" else f"{month}-{language}"
    if kind == "bulanan":
        yield put(folder / f"laporan-bulanan-{tail}.pdf", compile_pdf(monthly.letter(origin, language)))
    elif kind == "briefing":
        yield put(folder / f"briefing-{tail}.pdf", compile_pdf(monthly.briefing(origin, language)))
    else:
        for found in [origin.agency(a) for a in agencies] or origin.facts.listed:
            path = folder / "perangkat" / f"{found['slug']}-{tail}.pdf"
            yield put(path, compile_pdf(agency.report(origin, found, language)))


def put(path: Path, content: bytes) -> Path:
    """Write a file in one step: whoever opens it sees the old one or the new one."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return path
