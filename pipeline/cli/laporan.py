"""`terukur laporan`: what leaves the house, as files that need no browser, and the calendar of what is due."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline import night
from pipeline.cli.app import Language, Session, command

KINDS = {
    "bulanan": ("surat bulanan siap tanda tangan", "the monthly letter, ready to sign"),
    "perangkat": ("laporan tiap perangkat daerah", "a report of each agency"),
    "briefing": ("satu halaman untuk pimpinan", "one page for leadership"),
    "buku": ("buku kerja Excel bulan itu, dengan -p satu perangkat daerah", "the month's workbook, with -p of one agency"),
    "pesan": ("pesan WhatsApp dan kartu gambar tiap perangkat daerah", "a WhatsApp message and a card for each agency"),
    "terbit": ("folder pimpinan dengan alamat tetap", "leadership's folder with addresses that stay"),
    "segel": ("menutup bulan: bundel, pemeriksa, surat bersegel", "closes the month: bundle, verifier, letter with its seal"),
    "slide": ("paparan PowerPoint dengan grafik yang dapat disunting", "slides with charts that can be edited"),
    "setoran": ("lembar isian untuk semua setoran", "fact sheets for everything to hand in"),
}


@command
def laporan(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="JENIS", help=", ".join(KINDS))] = "bulanan",
    bulan: Annotated[
        str | None, typer.Option("--bulan", help="Misalnya 2026-10; bawaan: bulan terakhir. / Default: the last.")
    ] = None,
    ke: Annotated[Path | None, typer.Option("--ke", help="Folder tujuan. / Where to.")] = None,
    perangkat: Annotated[
        list[str] | None, typer.Option("--perangkat", "-p", help="agency_id; dapat diulang. / Repeatable; default: all.")
    ] = None,
    alasan: Annotated[
        str | None, typer.Option("--alasan", help="Sebab koreksi bulan yang sudah disegel. / Why it is corrected.")
    ] = None,
    language: Language = None,
    daftar: Annotated[bool, typer.Option("--daftar", help="Apa yang harus diserahkan, kapan. / What is due when.")] = False,
) -> None:
    """Surat, laporan, buku kerja, dan kalender setoran. / Letters, reports, workbooks, and what is due."""
    tongue = session.tongue(language)
    if daftar:
        _calendar(session, tongue)
        return
    if kind not in KINDS:
        listed = "; ".join(f"{name} ({session.words(*said)})" for name, said in KINDS.items())
        session.stop(night.USAGE, f"Jenis '{kind}' tidak ada. Yang ada: {listed}", f"No kind '{kind}'. There are: {listed}")
    from pipeline.letters.origin import opened

    with opened(session.workspace, bulan) as origin:
        from pipeline.letters import delivery, withdrawn

        for path in delivery.make(origin, kind, tongue, agencies=perangkat or (), target=ke, reason=alasan):
            withdrawn.remember(session.workspace, path, origin.version)
            typer.echo(path)


def _calendar(session: Session, language: str) -> None:
    from pipeline.cli import screen
    from pipeline.html.locale import WIB, Words
    from pipeline.letters import handins

    words, today = Words(language), datetime.now(UTC).astimezone(WIB).date()
    columns = [words.plain("Due"), words.plain("What"), words.plain("To whom"), words.plain("Official text")]
    out = screen.console()
    out.print(screen.listing(words.plain("Calendar"), columns, handins.listing(words, today)))
    session.say("Lembar isiannya: terukur laporan setoran", "Their fact sheets: terukur laporan setoran")
