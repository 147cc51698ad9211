"""The `terukur` command. Each command says what it does, reports in Indonesian or English, and ends with a status of night.py.

Everything heavy is imported inside the command that needs it, so that `terukur --help` answers at once.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import night

if TYPE_CHECKING:
    from pipeline.registry import Registry
    from pipeline.settings import Workspace

app = typer.Typer(
    name="terukur",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Dari berkas unduhan media sosial ke angka yang dapat dipercaya. / From social-media exports to figures one can trust.",
)
Account = Annotated[
    list[str] | None,
    typer.Option("--account", "-a", help="Akun pemilik berkas (account_id), boleh berulang. / Whose file it is; repeatable."),
]
CapturedAt = Annotated[
    str | None,
    typer.Option("--captured-at", help="Kapan diunduh: 2026-01-31 atau 2026-01-31T14:05 (WIB). / When it was exported."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Keluaran untuk program. / For programs.")]
Files = Annotated[list[Path], typer.Argument(help="Berkas unduhan. / Export files.", show_default=False)]


class Session:
    """What every command shares: where the workspace is, and in which language a person is addressed."""

    def __init__(self, path: Path | None):
        from pipeline.settings import settings, workspace

        self.workspace: Workspace = workspace(path)
        self.language: str = settings().language

    def words(self, indonesian: str, english: str) -> str:
        return indonesian if self.language == "id" else english

    def say(self, indonesian: str, english: str, *, error: bool = False) -> None:
        typer.echo(self.words(indonesian, english), err=error)

    def stop(self, status: int, indonesian: str, english: str) -> NoReturn:
        self.say(indonesian, english, error=True)
        raise typer.Exit(status)


@app.callback()
def _common(
    context: typer.Context,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Folder kerja; bawaan: data. / The workspace; default: data.")
    ] = None,
) -> None:
    context.obj = Session(workspace)


@app.command()
def demo(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help="tiny, demo, full")] = "demo",
    seed: Annotated[int, typer.Option(help="Angka acak awal. / Random seed.")] = 2026,
) -> None:
    """Daerah simulasi, seluruh pekerjaan, lalu halamannya. / A simulated regency, the whole job, its pages."""
    session: Session = context.obj
    workspace = session.workspace
    if profile not in ("tiny", "demo", "full"):
        session.stop(
            night.USAGE, f"Profil '{profile}' tidak ada: tiny, demo, full.", f"No profile '{profile}': tiny, demo, full."
        )
    _only_simulated(session)
    with night.alone(workspace):
        from pipeline.samples import generate

        session.say(f"Membuat daerah simulasi ({profile}) …", f"Generating a simulated regency ({profile}) …")
        workspace.root.mkdir(mode=0o750, parents=True, exist_ok=True)
        generate(workspace.root, profile=profile, seed=seed)
        status = _run(session)
    raise typer.Exit(night.DONE if status == night.PARTLY else status)


def _only_simulated(session: Session) -> None:
    """Simulated files must never land among real ones."""
    settings = session.workspace.registry / "settings.toml"
    if not settings.exists():
        return
    import tomllib

    if not tomllib.loads(settings.read_text(encoding="utf-8")).get("simulated", False):
        session.stop(
            night.USAGE,
            f"{session.workspace.root} berisi data sungguhan. Pakai folder lain: terukur --workspace coba demo",
            f"{session.workspace.root} holds real data. Use another folder: terukur --workspace try demo",
        )


@app.command()
def init(
    context: typer.Context,
    template: Annotated[str, typer.Option(help="Templat registri. / Registry template.")] = "kabupaten-bogor",
) -> None:
    """Menyiapkan folder kerja dan registri berpenjelasan. / Prepare a workspace with commented registers."""
    from pipeline.registry import write_template

    session: Session = context.obj
    workspace = session.workspace.create()
    written = write_template(workspace.registry, template)
    session.say(f"Folder kerja: {workspace.root}", f"Workspace: {workspace.root}")
    for path in written:
        typer.echo(f"  + {path.relative_to(workspace.root)}")
    session.say(
        "Berikutnya: isi registry/accounts.csv, letakkan unduhan di inbox/<account_id>/, lalu 'terukur run'.",
        "Next: fill in registry/accounts.csv, put exports into inbox/<account_id>/, then 'terukur run'.",
    )


@app.command()
def inspect(
    context: typer.Context,
    files: Files,
    account: Account = None,
    captured_at: CapturedAt = None,
    as_json: AsJson = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Bentuk berkas tanpa isinya, untuk dikirim. / The file's shape without its content."),
    ] = False,
) -> None:
    """Apa berkas ini, milik siapa, baris apa; tidak menulis apa pun. / What a file is; writes nothing."""
    session: Session = context.obj
    _must_exist(session, files)
    found = _read(session, files, account or [], captured_at)
    if report:
        _report(session, files, account or [], captured_at)
    else:
        _show(session, found, as_json)
    raise typer.Exit(_status_of(found))


def _report(session: Session, files: list[Path], accounts: list[str], captured_at: str | None) -> None:
    """What may be sent on about files that are not known: header lines, shapes, counts; no caption, no name."""
    from pipeline.exports.report import report

    for path in files:
        about = report(path, _read(session, [path], accounts, captured_at))
        typer.echo(json.dumps(about, ensure_ascii=False, indent=1))


def _must_exist(session: Session, files: list[Path]) -> None:
    missing = [str(f) for f in files if not os.path.lexists(f)]
    if missing:
        session.stop(night.USAGE, f"Tidak ada: {', '.join(missing)}", f"Not found: {', '.join(missing)}")


def _read(session: Session, files: list[Path], accounts: list[str], captured_at: str | None) -> list[Any]:
    when = _moment(session, captured_at)
    from pipeline.exports import read

    registry = _registry_if_any(session)
    exports = []
    for path in files:
        name, said, day = _said_by_folders(session, path, registry)
        owner = accounts or said
        modified = dt.datetime.fromtimestamp(path.lstat().st_mtime, dt.UTC)
        exports += read(path, name=name, registry=registry, accounts=owner, folder_date=day, captured_at=when, modified=modified)
    return exports


def _said_by_folders(session: Session, path: Path, registry: Registry | None) -> tuple[str, list[str], dt.date | None]:
    """Name, account and day as the folders of the inbox say them; outside the inbox a folder says nothing."""
    try:
        inside = path.absolute().relative_to(session.workspace.inbox)
    except ValueError:
        return path.name, [], None
    known = registry.accounts["account_id"].to_list() if registry else []
    accounts = [part for part in inside.parts[:-1] if part in known][-1:]
    days = [part for part in inside.parts[:-1] if len(part) == 10 and part[:4].isdigit()]
    try:
        return inside.as_posix(), accounts, dt.date.fromisoformat(days[-1]) if days else None
    except ValueError:
        return inside.as_posix(), accounts, None


def _registry_if_any(session: Session) -> Registry | None:
    """The workspace's registry where there is one that holds; reading a file does not depend on it."""
    from pipeline.registry import RegistryError, load

    if not (session.workspace.registry / "agencies.csv").exists():
        return None
    try:
        return load(session.workspace.registry)
    except RegistryError as error:
        n = len(error.problems)
        session.say(f"Registri diabaikan: {n} kesalahan.", f"Registry ignored: {n} problems.", error=True)
        return None


def _moment(session: Session, text: str | None) -> dt.datetime | None:
    """--captured-at as an instant; a bare date is its noon, a bare time is WIB."""
    if text is None:
        return None
    from zoneinfo import ZoneInfo

    try:
        when = dt.datetime.fromisoformat(text if len(text) > 10 else f"{text}T12:00")
    except ValueError:
        example = "2026-01-31, 2026-01-31T14:05"
        session.stop(night.USAGE, f"'{text}' bukan waktu; contoh: {example}", f"'{text}' is not a time; examples: {example}")
    zone = ZoneInfo("Asia/Jakarta")
    return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(dt.UTC)


def _show(session: Session, exports: list[Any], as_json: bool) -> None:
    if as_json:
        for export in exports:
            typer.echo(json.dumps(export.as_json(), ensure_ascii=False))
        return
    from pipeline.cli import screen

    out = screen.console()
    for export in exports:
        out.print(screen.card(export, session.language))
        if proposal := getattr(export, "proposal", None):
            out.print(screen.proposal(proposal, session.language))


def _status_of(exports: list[Any]) -> int:
    return night.DONE if all(e.outcome in ("accepted", "duplicate") for e in exports) else night.PARTLY


@app.command()
def add(
    context: typer.Context,
    files: Files,
    account: Account = None,
    captured_at: CapturedAt = None,
) -> None:
    """Memeriksa berkas lalu menyalinnya ke inbox. / Inspect files, then copy them to the inbox."""
    session: Session = context.obj
    _must_exist(session, files)
    folder = _folder_for(session, account or [], captured_at)
    status = night.DONE
    for path in files:
        found = _read(session, [path], account or [], captured_at)
        _show(session, found, as_json=False)
        status = max(status, _status_of(found))
        if found and all(e.outcome == "refused" for e in found):
            session.say(f"Tidak disalin: {path.name}", f"Not copied: {path.name}", error=True)
            continue
        target = _copy(path, folder)
        session.say(f"Disalin: {target}", f"Copied: {target}")
    raise typer.Exit(status)


def _folder_for(session: Session, accounts: list[str], captured_at: str | None) -> Path:
    """inbox/<account> or inbox/<date>/<account>; the account must be one of the registry."""
    from pipeline.registry import load, nearest

    known = load(session.workspace.registry).accounts["account_id"].unique().sort().to_list()
    for name in accounts:
        if name not in known:
            near_id, near_en = nearest(name, known)
            session.stop(
                night.USAGE, f"Akun '{name}' tidak ada di registri{near_id}", f"No account '{name}' in the registry{near_en}"
            )
    when = _moment(session, captured_at)
    folder = session.workspace.inbox
    folder = folder / f"{when:%Y-%m-%d}" if when else folder
    return folder / accounts[0] if len(accounts) == 1 else folder


def _copy(path: Path, folder: Path) -> Path:
    """Copy under a name that is free, in one step: the night never sees half a file."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    target, number = folder / path.name, 2
    while target.exists() and target.read_bytes() != path.read_bytes():
        target, number = folder / f"{path.stem} ({number}){path.suffix}", number + 1
    if not target.exists():
        part = folder / f".{os.getpid()}.part"
        shutil.copyfile(path, part)
        part.rename(target)
    return target


@app.command()
def run(context: typer.Context) -> None:
    """Pekerjaan malam, sekali. / The overnight job, once."""
    with night.alone(context.obj.workspace):
        status = _run(context.obj)
    raise typer.Exit(status)


def _run(session: Session) -> int:
    """Run the Dagster job in this process and report it; the caller holds the lock."""
    from pipeline.registry import load

    workspace = session.workspace
    load(workspace.registry)  # a mistake there is said at once, before anything starts
    workspace.create()
    night.require_room(workspace)
    from pipeline.cli.run import overnight

    session.say("Membaca, menghitung, memeriksa, menerbitkan …", "Reading, counting, checking, publishing …")
    report = night.stoppable(
        lambda: overnight(workspace),
        session.words("Dihentikan; versi terakhir tetap terbit.", "Stopped; the last version stays published."),
    )
    for line in report.lines(session.language):
        typer.echo(line)
    return report.status


@app.command()
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Kelengkapan, penolakan, malam terakhir. / Coverage, refusals, the last night."""
    from pipeline.cli.status import collect, lines

    session: Session = context.obj
    found = collect(session.workspace)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
    else:
        from pipeline.cli import screen

        out = screen.console()
        for part in lines(found, session.language):
            out.print(part)
    raise typer.Exit(night.PARTLY if found["refused"] or found["held"] or found["silent"] else night.DONE)


@app.command()
def trace(
    context: typer.Context,
    figure: Annotated[str, typer.Argument(help="id angka di halaman / figure id on a page")],
    limit: Annotated[int, typer.Option(help="Paling banyak sekian baris. / At most so many rows.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Berkas dan baris di balik sebuah angka. / The files and rows behind a figure."""
    import dataclasses

    from pipeline.cli import screen
    from pipeline.engine.trace import trace as behind

    session: Session = context.obj
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


@app.command()
def share(
    context: typer.Context,
    agency: Annotated[str, typer.Argument(help="agency_id, atau / or 'ringkasan'")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Berkas tujuan. / Where to.")] = None,
    language: Annotated[str | None, typer.Option(help="id, en")] = None,
    as_pdf: Annotated[bool, typer.Option("--pdf", help="Juga PDF (perlu Chromium). / A PDF too (needs Chromium).")] = False,
) -> None:
    """Satu halaman utuh dalam satu berkas HTML. / One page as one self-contained HTML file."""
    from pipeline import pages, registry
    from pipeline.engine import versions

    session: Session = context.obj
    tongue = language or session.language
    if tongue not in ("id", "en"):
        session.stop(night.USAGE, f"Bahasa '{tongue}' tidak ada: id, en.", f"No language '{tongue}': id, en.")
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


@app.command()
def rollback(context: typer.Context) -> None:
    """Kembali ke versi terbit sebelumnya. / Publish the previous version again."""
    from pipeline.engine import versions

    with night.alone(context.obj.workspace):
        name = versions.rollback(context.obj.workspace)
    context.obj.say(f"Versi terbit sekarang: {name}", f"Now published: {name}")


@app.command()
def erase(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Teks yang dihapus: nama, nomor, id, akun. / What to erase.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Alasan atau nomor permintaan. / Why, or a case number.")],
) -> None:
    """Menghapus seseorang dari semua berkas kita. / Erase a person from every file of ours; cannot be undone."""
    from pipeline.intake import erasure

    session: Session = context.obj
    workspace = session.workspace
    with night.alone(workspace):
        done = erasure.clean_archive(workspace, text)
        session.say(f"Berkas arsip yang disunting: {len(done.files)}", f"Archived files redacted: {len(done.files)}")
        erasure.renew_raw(workspace, text)
        status = _run(session)
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


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Porta. / Port.")] = 3000,
    operate: Annotated[bool, typer.Option("--operate", help="Tombol aktif; tanpa ini hanya melihat. / Buttons work.")] = False,
) -> None:
    """Dagster di 127.0.0.1: jadwal, riwayat, tabel. / Dagster on 127.0.0.1: schedule, history, tables."""
    from pipeline.defs.serve import serve

    session: Session = context.obj
    session.workspace.create()
    mode = session.words("dengan tombol", "operating") if operate else session.words("hanya melihat", "read-only")
    typer.echo(f"http://127.0.0.1:{port} ({mode}); Ctrl-C")
    raise typer.Exit(serve(session.workspace, port=port, operate=operate))


@app.command()
def lab(context: typer.Context) -> None:
    """JupyterLab pada notebook, di 127.0.0.1 dengan token. / JupyterLab on the notebooks."""
    import importlib.util
    import subprocess

    from pipeline.files import shipped

    session: Session = context.obj
    if importlib.util.find_spec("jupyterlab") is None:
        session.stop(
            night.ENVIRONMENT, "JupyterLab belum terpasang: pip install 'terukur[notebooks]'", "JupyterLab is not installed"
        )
    folder = shipped("notebooks")
    environment = {**os.environ, "TERUKUR_WORKSPACE": str(session.workspace.root)}
    quiet = [
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    command = [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", f"--notebook-dir={folder}", *quiet]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


@app.command()
def notebook(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="nama atau nomor, misalnya 01 / name or number")],
    agency: Annotated[str | None, typer.Option(help="agency_id")] = None,
    group: Annotated[str | None, typer.Option(help="kelompok sebanding / peer group")] = None,
    platform: Annotated[str | None, typer.Option(help="instagram, facebook, …")] = None,
    version: Annotated[str | None, typer.Option(help="versi terbit; bawaan: terbaru / default: the newest")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Berkas tujuan. / Where to.")] = None,
) -> None:
    """Menjalankan satu buku catatan dan menyimpannya sebagai HTML. / Run one notebook, save it as HTML."""
    from pipeline.engine import versions
    from pipeline.notebook import execution
    from pipeline.pages import share_notebook

    session: Session = context.obj
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


def main() -> NoReturn:
    """The entry point. Whatever goes wrong inside is told in a sentence; its traceback goes to the workspace's log."""
    try:
        app(standalone_mode=True)
    except SystemExit:
        raise
    except KeyboardInterrupt:
        typer.echo("dihentikan / stopped", err=True)
        sys.exit(130)
    except BaseException as error:
        sys.exit(_last_word(error))
    sys.exit(0)


def _last_word(error: BaseException) -> int:
    from pipeline.settings import SettingsError

    status, indonesian, english = night.explain(error)
    try:
        session = Session(_workspace_argument())
    except SettingsError:  # which language was meant is part of what is wrong
        typer.echo(f"{indonesian}\n{english}", err=True)
        return status
    if status == night.BUG:
        log = night.write_log(session.workspace, error)
        status, indonesian, english = night.explain(error, log)
    session.say(indonesian, english, error=True)
    return status


def _workspace_argument() -> Path | None:
    for i, word in enumerate(sys.argv):
        if word in ("--workspace", "-w") and i + 1 < len(sys.argv):
            return Path(sys.argv[i + 1])
        if word.startswith("--workspace="):
            return Path(word.partition("=")[2])
    return None
