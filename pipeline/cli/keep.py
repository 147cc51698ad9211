"""What is kept: back to the version before (`rollback`), and a person taken out of every file (`erase`)."""

from __future__ import annotations

from pathlib import Path
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
def cadangkan(
    session: Session,
    target: Annotated[Path, typer.Argument(metavar="TUJUAN", help="Folder di disk lain. / A folder on another disk.")],
) -> None:
    """Mencadangkan semua yang tidak dapat dibuat ulang. / Back up all that cannot be made again."""
    from pipeline.intake import backup

    with night.alone(session.workspace):
        place = backup.make(session.workspace, target)
    found = backup.check(target)
    if not found.is_whole:
        session.stop(night.ENVIRONMENT, f"Cadangan tidak utuh: {place}", f"The backup is not whole: {place}")
    session.say(
        f"Cadangan {place}: {found.files} berkas, sudah diperiksa. Di dalamnya ada kunci penghapusan: jaga seperti datanya.",
        f"Backup {place}: {found.files} files, verified. It holds the key of erasures: keep it like the data themselves.",
    )


Moment = Annotated[str | None, typer.Option("--dari", help="Cadangan yang mana; bawaan: terbaru. / Which; default: the newest.")]


@command
def periksa(
    session: Session,
    source: Annotated[Path, typer.Argument(metavar="CADANGAN", help="Folder cadangan. / The folder of backups.")],
    moment: Moment = None,
) -> None:
    """Memeriksa setiap berkas sebuah cadangan. / Verify every file of a backup."""
    from pipeline.intake import backup

    found = backup.check(source, moment)
    for words_id, words_en, names in (("hilang", "missing", found.missing), ("rusak", "damaged", found.damaged)):
        for name in names:
            session.say(f"{words_id}: {name}", f"{words_en}: {name}", error=True)
    if not found.is_whole:
        session.stop(
            night.ENVIRONMENT,
            "Cadangan tidak utuh: buat yang baru dengan 'terukur cadangkan', atau pilih yang lain dengan --dari.",
            "The backup is not whole: make a new one with 'terukur cadangkan', or choose another with --dari.",
        )
    session.say(f"Cadangan {found.moment} utuh: {found.files} berkas.", f"Backup {found.moment} is whole: {found.files} files.")


@command
def pulihkan(
    session: Session,
    source: Annotated[Path, typer.Argument(metavar="CADANGAN", help="Folder cadangan. / The folder of backups.")],
    moment: Moment = None,
) -> None:
    """Memulihkan cadangan ke ruang kerja kosong. / Restore a backup to an empty workspace."""
    from pipeline.intake import backup

    with night.alone(session.workspace):
        found = backup.restore(session.workspace, source, moment)
    session.say(
        f"{found.files} berkas dari cadangan {found.moment} dipulihkan ke {session.workspace.root}. Berikutnya: terukur run",
        f"{found.files} files of backup {found.moment} restored to {session.workspace.root}. Next: terukur run",
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
