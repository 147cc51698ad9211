"""What is kept: back to the version before (`rollback`), and a person taken out of every file (`erase`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import night
from pipeline.cli.app import Session, command
from pipeline.cli.nights import run_night

if TYPE_CHECKING:
    from pipeline.letters.withdrawn import Undone


@command
def rollback(
    session: Session,
    lepas: Annotated[
        bool, typer.Option("--lepas", help="Melepas penahanan: malam berikutnya menerbitkan lagi. / Lift the hold.")
    ] = False,
) -> None:
    """Kembali ke versi terbit sebelumnya, dan menahannya. / Publish the previous version again, and hold it."""
    from pipeline.engine import versions

    with night.alone(session.workspace):
        if lepas:
            if versions.lift(session.workspace):
                session.say("Dilepas; malam berikutnya menerbitkan lagi.", "Lifted; the next night publishes again.")
            else:
                session.say("Tidak ada yang ditahan.", "Nothing is held.")
            return
        from pipeline.letters import withdrawn

        done = withdrawn.undo(session.workspace)
    session.say(
        f"Versi terbit sekarang: {done.version}, beserta halaman dan buku catatannya. {done.withdrawn} ditarik. Tertahan sampai "
        "ada berkas baru, atau 'terukur rollback --lepas'.",
        f"Now published: {done.version}, with its pages and notebooks. {done.withdrawn} is withdrawn. Held until new files come, "
        "or 'terukur rollback --lepas'.",
    )
    _tell_letters(session, done)


def _tell_letters(session: Session, done: Undone) -> None:
    """What became of letters, and what only a person can take back."""
    if done.moved:
        n = len(done.moved)
        where = f"laporan/ditarik/{done.withdrawn}/"
        session.say(f"{n} surat dari versi itu dipindah ke {where}", f"{n} letters of that version were moved to {where}")
    for path in done.outside:
        session.say(f"Tarik sendiri: {path}", f"Take back yourself: {path}", error=True)
    for month in done.sealed:
        session.say(
            f"Bulan {month} disegel dari versi itu: tutup lagi dengan 'terukur laporan segel --alasan'.",
            f"Month {month} was sealed of that version: close it again with 'terukur laporan segel --alasan'.",
            error=True,
        )


@command
def erase(
    session: Session,
    text: Annotated[str, typer.Argument(help="Teks yang dihapus: nama, nomor, id, akun. / What to erase.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Alasan atau nomor permintaan. / Why, or a case number.")],
) -> None:
    """Menghapus seseorang dari semua berkas kita. / Erase a person from every file of ours; cannot be undone."""
    from pipeline.desk.forgotten import forget
    from pipeline.intake import erasure

    workspace = session.workspace
    with night.alone(workspace):
        done = erasure.clean_archive(workspace, text)
        session.say(f"Berkas arsip yang disunting: {len(done.files)}", f"Archived files redacted: {len(done.files)}")
        forget(workspace, text)
        erasure.renew_raw(workspace, text)
        status = run_night(session)
        if status in (night.DONE, night.PARTLY):
            removed = erasure.purge(workspace)
            done.left, done.inbox = erasure.search(workspace, text), erasure.in_inbox(workspace, text)
            done.opaque = erasure.opaque(workspace)
            proof = erasure.write_proof(workspace, done, removed, reason)
            session.say(f"Bukti: {proof}", f"Proof: {proof}")
    if done.left:
        session.stop(night.NOT_PUBLISHED, f"Masih ada di: {', '.join(done.left)}", f"Still in: {', '.join(done.left)}")
    if done.opaque:
        listed = "\n".join(f"  {place}" for place in done.opaque)
        session.say(
            f"Tidak dapat dicari isinya; periksa sendiri, dan buat surat-suratnya lagi:\n{listed}",
            f"Nobody can search these; look at them yourself, and make the letters again:\n{listed}",
            error=True,
        )
    if done.inbox:
        listed = "\n".join(f"  {place}" for place in done.inbox)
        session.say(
            f"Hapus sendiri dari folder perangkat daerah:\n{listed}", f"Delete these yourself, they are not ours:\n{listed}"
        )
    raise typer.Exit(status)
