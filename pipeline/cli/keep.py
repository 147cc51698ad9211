"""What is kept: back to the version before (`rollback`), and a person taken out of every file (`erase`)."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import night
from pipeline.cli.app import Session, command
from pipeline.cli.nights import run_night


@command
def rollback(session: Session) -> None:
    """Kembali ke versi terbit sebelumnya. / Publish the previous version again."""
    from pipeline.engine import versions

    with night.alone(session.workspace):
        name = versions.rollback(session.workspace)
    session.say(f"Versi terbit sekarang: {name}", f"Now published: {name}")


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
            proof = erasure.write_proof(workspace, done, removed, reason)
            session.say(f"Bukti: {proof}", f"Proof: {proof}")
    if done.left:
        session.stop(night.NOT_PUBLISHED, f"Masih ada di: {', '.join(done.left)}", f"Still in: {', '.join(done.left)}")
    if done.inbox:
        listed = "\n".join(f"  {place}" for place in done.inbox)
        session.say(
            f"Hapus sendiri dari folder perangkat daerah:\n{listed}", f"Delete these yourself, they are not ours:\n{listed}"
        )
    raise typer.Exit(status)
