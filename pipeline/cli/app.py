"""What every command shares: the application, the session it runs in, and the last word when something goes wrong."""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipeline import night

if TYPE_CHECKING:
    from pipeline.settings import Workspace

app = typer.Typer(
    name="terukur",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Dari berkas unduhan media sosial ke angka yang dapat dipercaya. / From social-media exports to figures one can trust.",
)
Place = Annotated[
    Path | None, typer.Option("--workspace", "-w", help="Folder kerja; bawaan: data. / The workspace; default: data.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Keluaran untuk program. / For programs.")]
Language = Annotated[str | None, typer.Option(help="id, en")]


class Session:
    """Where the workspace is, and in which language a person is addressed."""

    def __init__(self, path: Path | None):
        from pipeline.settings import settings, workspace

        self.workspace: Workspace = workspace(path)
        self.language: str = settings().language

    def words(self, indonesian: str, english: str) -> str:
        return indonesian if self.language == "id" else english

    def tongue(self, asked: str | None) -> str:
        """The language of a document: as asked, else the one that the person is addressed in."""
        if asked not in (None, "id", "en"):
            self.stop(night.USAGE, f"Bahasa '{asked}' tidak ada: id, en.", f"No language '{asked}': id, en.")
        return asked or self.language

    def say(self, indonesian: str, english: str, *, error: bool = False) -> None:
        typer.echo(self.words(indonesian, english), err=error)

    def stop(self, status: int, indonesian: str, english: str) -> NoReturn:
        self.say(indonesian, english, error=True)
        raise typer.Exit(status)


def _tell_version(asked: bool) -> None:
    if asked:
        from pipeline.files import program_version

        typer.echo(f"terukur {program_version()}")
        raise typer.Exit


@app.callback()
def _common(
    context: typer.Context,
    workspace: Place = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Versi program. / The program's version.")
    ] = False,
) -> None:
    context.obj = workspace


def command(function: Callable[..., None], group: typer.Typer = app) -> Callable[..., None]:
    """Offer a function as a command of its name. It gets a `Session`, and takes --workspace after its name as well as before.

    `group`: the program's own commands, or the verbs of one of them. `function(session, ...)`: the parameters after the first
    are the command's own, as Typer reads them.
    """
    said = inspect.signature(function, eval_str=True)
    own = list(said.parameters.values())[1:]
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    place = inspect.Parameter("workspace", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Place)

    @wraps(function)
    def offered(context: typer.Context, *, workspace: Path | None, **values: Any) -> None:
        function(Session(workspace if workspace is not None else context.obj), **values)

    offered.__signature__ = said.replace(parameters=[context, *own, place])  # type: ignore[attr-defined]
    group.command()(offered)
    return function


def main() -> NoReturn:
    """The entry point. Whatever goes wrong inside is told in a sentence; its traceback goes to the workspace's log."""
    os.umask(os.umask(0o027) | 0o027)  # nothing that a deployment owns is for everybody on the machine
    gc.set_threshold(100_000, 20, 50)  # many objects, few circles among them: looking for these cost a tenth of a night
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

    try:
        session = Session(_workspace_argument())
    except SettingsError:  # which language was meant is part of what is wrong
        status, indonesian, english = night.explain(error)
        typer.echo(f"{indonesian}\n{english}", err=True)
        return status
    status, indonesian, english = night.told(session.workspace, error)
    session.say(indonesian, english, error=True)
    return status


def _workspace_argument() -> Path | None:
    """The workspace as it was typed, for errors that come before or after a command has its session."""
    for i, word in enumerate(sys.argv):
        if word in ("--workspace", "-w") and i + 1 < len(sys.argv):
            return Path(sys.argv[i + 1])
        if word.startswith("--workspace="):
            return Path(word.partition("=")[2])
        if word.startswith("-w") and len(word) > 2:
            return Path(word[2:])
    return None
