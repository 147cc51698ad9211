"""What the command shows a person: cards and tables. Names and values from files are escaped, never interpreted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from babel.numbers import format_decimal
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pipeline.exports.provenance import ESTIMATED

OUTCOMES = {
    "accepted": ("diterima", "accepted", "green"),
    "flagged": ("diterima dengan catatan", "accepted, with a warning", "yellow"),
    "duplicate": ("sudah ada", "already here", "cyan"),
    "held": ("ditahan, dicoba lagi", "held, tried again", "yellow"),
    "refused": ("ditolak", "refused", "red"),
}


def safe(value: object) -> str:
    """Text from a file as it may be printed: no control or direction characters, nothing the terminal would act on."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def number(value: float, language: str = "id") -> str:
    """A number in the digits of its language: 12.345,5 in Indonesian, 12,345.5 in English."""
    return format_decimal(value, locale=language)


def outcome(name: str, language: str = "id") -> Text:
    word_id, word_en, style = OUTCOMES.get(name, (name, name, "white"))
    return Text(word_id if language == "id" else word_en, style=style)


def card(export: Any, language: str = "id") -> Panel:
    """One export: what it is, whose, which rows, what was understood of its header, what to do next."""
    indonesian = language == "id"
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label_id, label_en, value in _facts(export, language):
        if value:
            table.add_row(label_id if indonesian else label_en, value if isinstance(value, Text) else Text(safe(value)))
    for message in export.messages:
        place = f" ({safe(message.place)})" if message.place else ""
        sentence = message.id if indonesian else message.en
        table.add_row(Text(message.code, style="bold"), Text(f"{safe(sentence)}{place}"))
    table.add_row("langkah berikut" if indonesian else "next step", Text(_next_step(export, indonesian), style="bold"))
    style = OUTCOMES.get(export.outcome, ("", "", "white"))[2]
    title = safe(export.file) + (f" › {safe(export.member)}" if export.member else "")
    return Panel(table, title=escape(title), title_align="left", border_style=style)


def proposal(mapping: str, language: str = "id") -> Text:
    """A mapping to start from, for a table that no format knows; one line per line, ready to be copied."""
    said = "Tabel ini dapat diajarkan tanpa kode:" if language == "id" else "This table can be taught without code:"
    return Text("\n".join([said, "", *(safe(line) for line in mapping.splitlines())]))


def _facts(export: Any, language: str) -> Iterable[tuple[str, str, Any]]:
    yield "hasil", "outcome", Text.assemble(outcome(export.outcome, "id"), " / ", outcome(export.outcome, "en"))
    yield "jenis", "kind", " · ".join(filter(None, (export.platform, export.kind, export.language)))
    yield "akun", "account", ", ".join(_account(a) for a in export.accounts)
    yield "periode", "period", f"{export.first} – {export.last}" if export.first else ""
    if export.captured_at:
        estimated = "" if export.captured_from not in ESTIMATED else "perkiraan, " if language == "id" else "estimated, "
        yield "diunduh", "exported", f"{export.captured_at:%Y-%m-%d %H:%M} UTC ({estimated}{export.captured_from})"
    dropped = ", ".join(f"{name} {count}" for name, count in export.dropped.items() if count)
    yield "baris", "rows", f"{export.n_rows}" + (f" (dilepas/left out: {dropped})" if dropped else "")
    yield "dipahami", "understood", ", ".join(f"{h} → {f}" for h, f in export.header.mapped.items())
    yield "diabaikan", "ignored", ", ".join(export.header.ignored)
    yield "tidak dikenal", "unknown", ", ".join(export.header.unknown)
    yield "jumlah", "sums", ", ".join(f"{name} {number(value, language)}" for name, value in export.sums.items())


def _account(account: Any) -> str:
    return account.account_id or account.handle or account.platform_account_id or "?"


def _next_step(export: Any, indonesian: bool) -> str:
    steps = {
        "accepted": ("tidak ada; berkas siap diletakkan di folder akunnya", "none; the file may be put in its account's folder"),
        "flagged": ("baca catatan di atas; berkas tetap dapat dipakai", "read the notes above; the file can be used"),
        "duplicate": ("tidak ada; berkas ini sudah pernah diterima", "none; this file was received before"),
        "held": (
            "ikuti petunjuk di atas; berkas dilihat lagi pada proses berikutnya",
            "do as said above; the file is looked at again in the next run",
        ),
        "refused": ("ikuti petunjuk di atas; tidak satu baris pun dipakai", "do as said above; no row of it is used"),
    }
    step = steps.get(export.outcome, ("", ""))
    return step[0] if indonesian else step[1]


def listing(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; every cell is text from data and shown as such."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else safe(cell)) for cell in row))
    return table


class _Doing(ProgressColumn):
    max_refresh = 0.5  # seconds: what is being done may have to be looked up

    def __init__(self, doing: Callable[[], str]):
        super().__init__()
        self.doing = doing

    def render(self, task: Task) -> Text:
        return Text(self.doing())


@contextmanager
def progress(doing: Callable[[], str]) -> Iterator[None]:
    """What is being done and for how long, on a line that goes away again; nothing where the output is not a terminal."""
    out = console()
    if not out.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), _Doing(doing), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        shown.add_task("", total=None)
        out.show_cursor(True)  # Ctrl-C ends the process at once and would leave it hidden
        yield


def console(error: bool = False) -> Console:
    """Wide enough to keep a path whole when the output is not a terminal."""
    made = Console(stderr=error, highlight=False)
    return made if made.is_terminal else Console(stderr=error, highlight=False, width=160)
