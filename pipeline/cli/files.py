"""Files in hand: what one is (`inspect`), and putting it where the night looks (`add`)."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import night
from pipeline.cli.app import AsJson, Session, command

if TYPE_CHECKING:
    from pipeline.registry import Registry

Account = Annotated[
    list[str] | None,
    typer.Option("--account", "-a", help="Akun pemilik berkas (account_id), boleh berulang. / Whose file it is; repeatable."),
]
CapturedAt = Annotated[
    str | None,
    typer.Option("--captured-at", help="Kapan diunduh: 2026-01-31 atau 2026-01-31T14:05 (WIB). / When it was exported."),
]
Files = Annotated[list[Path], typer.Argument(help="Berkas unduhan. / Export files.", show_default=False)]


@command
def inspect(
    session: Session,
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


def _read(
    session: Session, files: list[Path], accounts: list[str], captured_at: str | None, called: str | None = None
) -> list[Any]:
    when = _moment(session, captured_at)
    from pipeline.exports import read

    registry = _registry_if_any(session)
    exports = []
    for path in files:
        name, said, day = _said_by_folders(session, path, registry)
        owner = accounts or said
        modified = dt.datetime.fromtimestamp(path.lstat().st_mtime, dt.UTC)
        exports += read(
            path, name=called or name, registry=registry, accounts=owner, folder_date=day, captured_at=when, modified=modified
        )
    return exports


def _said_by_folders(session: Session, path: Path, registry: Registry | None) -> tuple[str, list[str], dt.date | None]:
    """Name, account and day as the folders of the inbox say them; outside the inbox a folder says nothing."""
    try:
        inside = path.absolute().relative_to(session.workspace.inbox)
    except ValueError:
        return path.name, [], None
    from pipeline.intake.inbox import said_by

    known = registry.accounts["account_id"].to_list() if registry else []
    account, day = said_by(inside.parts[:-1], frozenset(known))
    return inside.as_posix(), [account] if account else [], day


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


@command
def add(
    session: Session,
    files: Files,
    account: Account = None,
    captured_at: CapturedAt = None,
    period: Annotated[
        str | None,
        typer.Option(
            "--period",
            help="Periode yang dipilih saat mengunduh bila berkas tidak menyebutnya: 2026-01-01..2026-01-31. "
            "/ The period chosen at export, where the file does not tell it.",
        ),
    ] = None,
) -> None:
    """Memeriksa berkas lalu menyalinnya ke inbox. / Inspect files, then copy them to the inbox."""
    _must_exist(session, files)
    suffix = _period(session, period)
    folder = _folder_for(session, account or [], captured_at)
    status = night.DONE
    for path in files:
        name = f"{path.stem}{suffix}{path.suffix}"
        found = _read(session, [path], account or [], captured_at, name)
        _show(session, found, as_json=False)
        status = max(status, _status_of(found))
        if found and all(e.outcome == "refused" for e in found):
            session.say(f"Tidak disalin: {path.name}", f"Not copied: {path.name}", error=True)
            continue
        target = _copy(path, folder / name)
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


def _period(session: Session, text: str | None) -> str:
    """--period as it is told in a file's name: the one place where the night finds it too."""
    if text is None:
        return ""
    try:
        first, last = (dt.date.fromisoformat(part) for part in text.replace("_", "..").split(".."))
    except ValueError:
        first, last = dt.date.max, dt.date.min
    if first > last:
        example = "2026-01-01..2026-01-31"
        session.stop(night.USAGE, f"'{text}' bukan periode; contoh: {example}", f"'{text}' is no period; example: {example}")
    return f" {first}_{last}"


def _copy(path: Path, wanted: Path) -> Path:
    """Copy under this name or the next that is free, in one step: the night never sees half a file."""
    folder = wanted.parent
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    target, number = wanted, 2
    while target.exists() and target.read_bytes() != path.read_bytes():
        target, number = folder / f"{wanted.stem} ({number}){wanted.suffix}", number + 1
    if not target.exists():
        part = folder / f".{os.getpid()}.part"
        shutil.copyfile(path, part)
        part.rename(target)
    return target
