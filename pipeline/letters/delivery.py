"""Which documents a month has, under which names they lie, and writing them whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.letters import monthly
from pipeline.letters.origin import Origin, folder_of
from pipeline.letters.paper import compile_pdf


def make(
    origin: Origin,
    kind: str,
    language: str = "id",
    *,
    agencies: Sequence[str] = (),
    target: Path | None = None,
    reason: str | None = None,
) -> Iterator[Path]:
    """The files of one kind, each path as soon as it is written.

    `agencies`: documents of these only; without any: of every listed agency. Raises NotPossible for one that is not known.
    What one kind alone needs is imported for that kind: a letter does not wait for workbooks and slides.
    """
    folder, tail = folder_of(origin.workspace, origin.month, target), _tail(origin, language)
    if kind == "bulanan":
        yield put(folder / f"laporan-bulanan-{tail}.pdf", compile_pdf(monthly.letter(origin, language)))
    elif kind == "briefing":
        yield put(folder / f"briefing-{tail}.pdf", compile_pdf(monthly.briefing(origin, language)))
    elif kind == "perangkat":
        from pipeline.letters import agency

        for found in chosen(origin, agencies):
            path = folder / "perangkat" / f"{found['slug']}-{tail}.pdf"
            yield put(path, compile_pdf(agency.report(origin, found, language)))
    elif kind == "buku":
        from pipeline.letters import books

        for found in chosen(origin, agencies) if agencies else ():
            yield put(folder / "perangkat" / f"{found['slug']}-{tail}.xlsx", books.agency(origin, found, language))
        if not agencies:
            yield put(folder / f"buku-kerja-{tail}.xlsx", books.month(origin, language))
    elif kind == "setoran":
        from pipeline.letters import handins

        yield put(folder / f"setoran-{tail}.xlsx", handins.book(origin, language))
    elif kind == "slide":
        from pipeline.letters import slides

        yield put(folder / f"paparan-{tail}.pptx", slides.overview(origin, language))
    elif kind == "segel":
        from pipeline.letters import seal

        closed = seal.close(origin, reason, target)
        yield from (Path(closed["bundle"]), Path(closed["verifier"]))
        yield from make(origin, "bulanan", language, target=target)
    elif kind == "pesan":
        from pipeline.letters import messages

        for found in chosen(origin, agencies):
            yield put(folder / "pesan" / f"{found['slug']}-{tail}.txt", messages.text(origin, found, language).encode())
            yield put(folder / "pesan" / f"{found['slug']}-{tail}.png", messages.card(origin, found, language))
    elif kind == "terbit":
        from pipeline.letters import published

        yield published.publish(origin, language, target)
    else:
        raise ValueError(kind)


def chosen(origin: Origin, agencies: Sequence[str]) -> list[dict[str, Any]]:
    return [origin.agency(a) for a in agencies] or origin.facts.listed


def _tail(origin: Origin, language: str) -> str:
    return f"{origin.month:%Y-%m}" if language == "id" else f"{origin.month:%Y-%m}-{language}"


def put(path: Path, content: bytes) -> Path:
    """Write a file in one step: whoever opens it sees the old one or the new one."""
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return path
