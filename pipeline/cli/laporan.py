"""`terukur laporan`: letters to sign, reports and a briefing of one month, as files that need no browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import night
from pipeline.cli.app import Session, command

KINDS = {
    "bulanan": ("surat bulanan siap tanda tangan", "the monthly letter, ready to sign"),
    "perangkat": ("laporan tiap perangkat daerah", "a report of each agency"),
    "briefing": ("satu halaman untuk pimpinan", "one page for leadership"),
}


@command
def laporan(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="JENIS", help=", ".join(KINDS))] = "bulanan",
    bulan: Annotated[str | None, typer.Option("--bulan", help="Misalnya 2026-10; bawaan: bulan terakhir. / Default: the last.")] = None,
    ke: Annotated[Path | None, typer.Option("--ke", help="Folder tujuan. / Where to.")] = None,
    perangkat: Annotated[
        list[str] | None, typer.Option("--perangkat", "-p", help="agency_id; dapat diulang. / Repeatable; default: all.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="id, en")] = None,
) -> None:
    """Surat, laporan, dan ringkasan sebagai PDF. / Letters, reports and a briefing as PDF."""
    from pipeline.letters.origin import opened

    tongue = language or session.language
    if tongue not in ("id", "en"):
        session.stop(night.USAGE, f"Bahasa '{tongue}' tidak ada: id, en.", f"No language '{tongue}': id, en.")
    if kind not in KINDS:
        listed = ", ".join(f"{name} ({session.words(*said)})" for name, said in KINDS.items())
        session.stop(night.USAGE, f"Jenis '{kind}' tidak ada: {listed}", f"No kind '{kind}': {listed}")
    with opened(session.workspace, bulan) as origin:
        from pipeline.letters import delivery

        for path in delivery.letters(origin, kind, tongue, agencies=perangkat or (), target=ke):
            typer.echo(path)
