"""What came of it: the rows behind a figure, a page as one file, a notebook, and the two places to work in (`lab`, `ui`)."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import night
from pipeline.cli.app import AsJson, Language, Session, command

if TYPE_CHECKING:
    from pipeline.settings import Workspace


@command
def trace(
    session: Session,
    figure: Annotated[str, typer.Argument(help="id angka di halaman / figure id on a page")],
    limit: Annotated[int, typer.Option(help="Paling banyak sekian baris. / At most so many rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Berkas dan baris di balik sebuah angka. / The files and rows behind a figure."""
    import dataclasses

    from pipeline.cli import screen
    from pipeline.engine.trace import trace as behind

    sources = [dataclasses.asdict(source) for source in behind(session.workspace, figure)]
    if as_json:
        for source in sources:
            typer.echo(json.dumps(source, ensure_ascii=False, default=str))
        return
    if not sources:
        session.say(f"Tidak ada baris di balik '{figure}': tidak ada data.", f"No row behind '{figure}': there is no data.")
        return
    out = screen.console()
    files = len({source["sha256"] for source in sources})
    out.print(
        screen.listing(f"{figure}: {len(sources)} × {files}", list(sources[0]), (list(s.values()) for s in sources[:limit]))
    )
    if len(sources) > limit:
        more = len(sources) - limit
        session.say(f"… dan {more} baris lagi (--limit, --json)", f"… and {more} more rows (--limit, --json)")


@command
def share(
    session: Session,
    agency: Annotated[str, typer.Argument(help="agency_id, atau / or 'ringkasan'")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Berkas tujuan. / Where to.")] = None,
    language: Language = None,
    as_pdf: Annotated[bool, typer.Option("--pdf", help="Juga PDF (perlu Chromium). / A PDF too (needs Chromium).")] = False,
) -> None:
    """Satu halaman utuh dalam satu berkas HTML. / One page as one self-contained HTML file."""
    from pipeline import pages, registry
    from pipeline.engine import versions

    tongue = session.tongue(language)
    target = out or Path(f"terukur-{agency}-{tongue}.html")
    with versions.open_version(session.workspace) as version:
        try:
            written = pages.share(version, agency, target, tongue, registry=registry.load(session.workspace.registry))
        except KeyError as error:
            session.stop(night.USAGE, f"Perangkat daerah '{agency}' tidak ada.", str(error.args[0]))
    size = written.stat().st_size // 1000
    session.say(f"{written} ({size} kB)", f"{written} ({size} kB)")
    if as_pdf:
        try:
            paper = pages.pdf(written, written.with_suffix(".pdf"))
        except pages.BuildError as error:
            session.stop(night.ENVIRONMENT, f"PDF tidak dibuat: buka {written.name} di peramban, lalu cetak ke PDF.", str(error))
        session.say(str(paper), str(paper))


@command
def ui(
    session: Session,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Porta. / Port.")] = 3000,
    operate: Annotated[bool, typer.Option("--operate", help="Tombol aktif; tanpa ini hanya melihat. / Buttons work.")] = False,
) -> None:
    """Dagster di 127.0.0.1: jadwal, riwayat, tabel. / Dagster on 127.0.0.1: schedule, history, tables."""
    from pipeline.defs.serve import new_token, serve

    session.workspace.mend()
    token = new_token() if operate else ""
    mode = session.words("dengan tombol", "operating") if operate else session.words("hanya melihat", "read-only")
    door = f"/?token={token}" if operate else ""  # buttons work only in the browser that was opened with this address
    typer.echo(f"http://127.0.0.1:{port}{door} ({mode}); Ctrl-C")
    raise typer.Exit(serve(session.workspace, port=port, operate=operate, token=token))


@command
def lab(session: Session) -> None:
    """JupyterLab pada salinan notebook, di 127.0.0.1 dengan token. / JupyterLab on copies of the notebooks."""
    import importlib.util
    import subprocess

    if importlib.util.find_spec("jupyterlab") is None:
        session.stop(
            night.ENVIRONMENT, "JupyterLab belum terpasang: pip install 'terukur[notebooks]'", "JupyterLab is not installed"
        )
    folder = notebooks_to_edit(session.workspace)
    # Nothing that lies in the folder where somebody happened to start this may be imported.
    environment = {**os.environ, "TERUKUR_WORKSPACE": str(session.workspace.root), "PYTHONSAFEPATH": "1"}
    quiet = [
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--notebook-dir={folder}", *quiet]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def notebooks_to_edit(workspace: Workspace) -> Path:
    """Copies in the workspace: what somebody tries out and saves is not what the night runs and publishes.

    A copy that nobody changed follows the shipped notebook; one that was changed is its owner's and stays."""
    from pipeline.files import sha256_of, shipped, write_atomically

    own = workspace.root / "lab"
    own.mkdir(mode=0o750, parents=True, exist_ok=True)
    book = own / ".asal.json"  # name → SHA-256 of what was copied
    try:
        copied = dict(json.loads(book.read_bytes()))
    except (OSError, ValueError):
        copied = {}
    for path in sorted(shipped("notebooks").glob("*.ipynb")):
        copy = own / path.name
        if not copy.exists() or sha256_of(copy) == copied.get(path.name):
            shutil.copyfile(path, copy)
            copied[path.name] = sha256_of(copy)
    write_atomically(book, json.dumps(copied, indent=1, sort_keys=True))
    return own


@command
def notebook(
    session: Session,
    name: Annotated[str, typer.Argument(help="nama atau nomor, misalnya 01 / name or number")],
    agency: Annotated[str | None, typer.Option(help="agency_id")] = None,
    group: Annotated[str | None, typer.Option(help="kelompok sebanding / peer group")] = None,
    platform: Annotated[str | None, typer.Option(help="nama platform, huruf kecil / name of a platform, lower case")] = None,
    version: Annotated[str | None, typer.Option(help="versi terbit; bawaan: terbaru / default: the newest")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Berkas tujuan. / Where to.")] = None,
) -> None:
    """Menjalankan satu buku catatan dan menyimpannya sebagai HTML. / Run one notebook, save it as HTML."""
    from pipeline.engine import versions
    from pipeline.notebook import execution
    from pipeline.pages import share_notebook

    chosen = [n for n in execution.names() if n == name or n.split("_")[0] == name]
    if not chosen:
        session.stop(night.USAGE, f"Tidak ada buku catatan '{name}'.", f"No notebook '{name}': {', '.join(execution.names())}")
    wanted = {"perangkat": agency, "kelompok": group, "platform": platform}
    values = {key: value for key, value in wanted.items() if value is not None}
    with versions.open_version(session.workspace, version) as opened:
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat()
        try:
            record = execution.run_one(session.workspace, opened.name, chosen[0], values, now=now)
        except KeyError as error:
            session.stop(night.USAGE, str(error.args[0]), str(error.args[0]))
        if record.failure:
            session.stop(night.USAGE, record.failure["reason"], record.failure["reason"])
        target = out or Path("-".join(("terukur", chosen[0], *values.values())) + ".html")
        written = share_notebook(opened, record, target)
    session.say(f"{written} ({written.stat().st_size // 1000} kB)", f"{written} ({written.stat().st_size // 1000} kB)")
