"""The night: a workspace to begin with (`init`), the whole job (`run`, `demo`), and how it went (`status`)."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

from pipeline import night
from pipeline.cli.app import AsJson, Session, command


@command
def demo(
    session: Session,
    profile: Annotated[str, typer.Option(help="tiny, demo, full, hostile")] = "demo",
    seed: Annotated[int, typer.Option(help="Angka acak awal. / Random seed.")] = 2026,
) -> None:
    """Daerah simulasi, seluruh pekerjaan, lalu halamannya. / A simulated regency, the whole job, its pages."""
    workspace = session.workspace
    from pipeline.samples import PROFILES

    if profile not in PROFILES:
        listed = ", ".join(PROFILES)
        session.stop(night.USAGE, f"Profil '{profile}' tidak ada: {listed}.", f"No profile '{profile}': {listed}.")
    _only_simulated(session)
    with night.alone(workspace):
        from pipeline.cli import screen

        session.say(f"Membuat daerah simulasi ({profile}) …", f"Generating a simulated regency ({profile}) …")
        workspace.root.mkdir(mode=0o750, parents=True, exist_ok=True)
        with screen.progress(lambda: session.words("Membuat berkas unduhan", "Writing export files")):
            _generate(workspace.root, profile, seed)
        status = run_night(session)
    raise typer.Exit(night.DONE if status == night.PARTLY else status)


def _generate(root: Path, profile: str, seed: int) -> None:
    """Write the simulated exports in a process of their own, while this one loads what the night needs."""
    from pipeline.samples import generate

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        written = apart.submit(generate, root, profile=profile, seed=seed)
        import pipeline.cli.run
        import pipeline.definitions
        import pipeline.defs.storage
        import pipeline.letters.nightly  # noqa: F401

        written.result()


def _only_simulated(session: Session) -> None:
    """Simulated files must never land among real ones."""
    settings = session.workspace.registry / "settings.toml"
    if not settings.exists():
        return
    import tomllib

    if not tomllib.loads(settings.read_text(encoding="utf-8")).get("simulated", False):
        session.stop(
            night.USAGE,
            f"{session.workspace.root} berisi data sungguhan. Pakai folder lain: terukur demo --workspace coba",
            f"{session.workspace.root} holds real data. Use another folder: terukur demo --workspace try",
        )


@command
def init(
    session: Session,
    name: Annotated[str | None, typer.Option(help="Nama daerah, bila bukan Kabupaten Bogor. / The regency's name.")] = None,
    template: Annotated[str | None, typer.Option(help="Templat registri. / Registry template.")] = None,
) -> None:
    """Menyiapkan folder kerja dan registri berpenjelasan. / Prepare a workspace with commented registers."""
    from pipeline.registry import DEFAULT_TEMPLATE, NEUTRAL_TEMPLATE, write_template

    workspace = session.workspace.create()
    written = write_template(workspace.registry, template or (NEUTRAL_TEMPLATE if name else DEFAULT_TEMPLATE), name)
    session.say(f"Folder kerja: {workspace.root}", f"Workspace: {workspace.root}")
    for path in written:
        typer.echo(f"  + {path.relative_to(workspace.root)}")
    first = "registry/agencies.csv dan registry/accounts.csv" if name else "registry/accounts.csv"
    session.say(
        f"Berikutnya: isi {first}, letakkan unduhan di inbox/<account_id>/, lalu 'terukur run'.",
        f"Next: fill in {first.replace(' dan ', ' and ')}, put exports into inbox/<account_id>/, then 'terukur run'.",
    )


@command
def run(session: Session) -> None:
    """Pekerjaan malam, sekali. / The overnight job, once."""
    with night.alone(session.workspace):
        status = run_night(session)
    raise typer.Exit(status)


def run_night(session: Session) -> int:
    """Run the Dagster job in this process and report it; the caller holds the lock."""
    from pipeline.registry import load

    workspace = session.workspace
    load(workspace.registry)  # a mistake there is said at once, before anything starts
    workspace.mend()
    night.require_room(workspace)
    from pipeline.cli import screen
    from pipeline.cli.run import Progress, overnight
    from pipeline.letters import nightly
    from pipeline.settings import settings

    session.say("Membaca, menghitung, memeriksa, menerbitkan …", "Reading, counting, checking, publishing …")
    progress = Progress()
    with screen.progress(lambda: progress.words(session.language)):
        report = night.stoppable(
            lambda: overnight(workspace, progress),
            session.words("Dihentikan; versi terakhir tetap terbit.", "Stopped; the last version stays published."),
        )
    for line in report.lines(session.language):
        typer.echo(line)
    if unsent := nightly.unsent(workspace, settings()):
        session.say(*unsent, error=True)
    return report.status


@command
def status(
    session: Session,
    as_json: AsJson = False,
    periksa: Annotated[
        bool, typer.Option("--periksa", help="Untuk pewaktu: diam bila beres. / For timers: silent when well.")
    ] = False,
) -> None:
    """Kelengkapan, penolakan, malam terakhir. / Coverage, refusals, the last night."""
    if periksa:
        from pipeline.letters import nightly
        from pipeline.settings import settings

        found_wrong, told = nightly.watch(session.workspace, settings(), datetime.now(UTC))
        for indonesian, english in told:
            session.say(indonesian, english, error=True)
        raise typer.Exit(found_wrong)
    from pipeline.cli.status import collect, exit_status, lines

    found = collect(session.workspace)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
    else:
        from pipeline.cli import screen

        out = screen.console()
        for part in lines(found, session.language):
            out.print(part)
    raise typer.Exit(exit_status(found))
