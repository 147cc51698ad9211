"""What every export looks like, as data: one module per platform, found by itself.

A module in this package lists its kinds in ``FORMATS``. A kind is a :class:`Format`; its columns are :class:`Column`;
how it is recognised is :class:`Detection`. Everything a file of that kind may do that the general rules of
``pipeline.exports`` forbid is declared here, so that a liberty taken for one format never becomes a liberty for all.

Vocabulary. ``field`` is always the canonical name of ``warehouse/columns.yml``. A header is compared after :func:`normalise`
(NFKC, BOM and outer quotes off, whitespace collapsed, casefold), inside one format only and never by position.
"""

import dataclasses
import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

import polars as pl

GRAINS = ("post", "account_day", "audience", "case")
KINDS = (
    "id",
    "text",
    "url",
    "count",
    "decimal",
    "percent",
    "duration",
    "date",
    "datetime",
    "time",
    "flag",
    "enum",
    "person",
    "ignored",
)
TOTAL_LABELS = ("total", "jumlah", "grand total")


@dataclass(frozen=True)
class Column:
    """One column of an export: the headers it is known by and how its text becomes a value.

    kind: ``id`` text that must match ``shape``; ``text``; ``url``; ``count`` whole number (Int64); ``decimal`` (Float64; also
    for ratios 0-1); ``percent`` number 0-100 with or without ``%`` (becomes a ratio 0-1: nothing else to declare);
    ``duration`` ``H:MM:SS`` text or plain seconds (seconds, Float64); ``date``; ``datetime``; ``time``; ``flag`` 0/1 (Boolean);
    ``enum`` text mapped by ``values``; ``person`` personal data, dropped unread; ``ignored`` known and of no use.
    """

    field: str  # canonical; one that starts with "_" serves rules and hooks only and never leaves the reader
    kind: str
    en: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    other: tuple[str, ...] = ()  # machine names and headers in further languages
    pattern: str | None = None  # regex on the normalised header, for families of headers; use with kind "ignored"
    scale: float = 1  # value = text x scale (hours -> seconds: 3600). A scaled count becomes Float64
    nulls: tuple[str, ...] | None = None  # marks that mean "not reported", exact text; None = those of the format
    falls: str | None = None  # never | flagged | freely: may a number be below zero? None: by the format, see `settled`
    required: bool = False  # its absence is UNKNOWN_HEADER, even where detection would be content
    shape: str | None = None  # full-match regex of an id (ID_INVALID otherwise)
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)  # enum: text as exported -> canonical, normalised
    formats: tuple[str, ...] | None = None  # date/datetime patterns of this column; None = those of the format
    additive: bool | None = None  # may rows be summed? None: counts yes, everything else no. Uniques (reach, viewers) say False
    checksum: bool = False  # its sum is told all the same: it says whether every row was read, not how many people there were
    unit: str | None = None  # audience grain: count | share | seconds | index ...; None: share for percent, else count
    repeated: str = "refuse"  # field twice: refuse | first (ignore the later) | equal (values must agree) | longest (text)
    decimals: int | None = None  # the platform always writes this many: `1.234` is then not ambiguous in a comma file

    @property
    def is_additive(self) -> bool:
        return self.additive if self.additive is not None else self.kind == "count"

    @property
    def is_summed(self) -> bool:
        """Is its sum among what is told of a file?"""
        return self.is_additive or self.checksum

    @property
    def allow_negative(self) -> bool:
        return self.falls in ("flagged", "freely")

    def settled(self, is_net: bool) -> "Column":
        """This column with `falls` decided. What is summed up over a day or a period is net of what was taken back in it, so it
        may fall below zero, which is flagged unless the format knows it; a total since publication, a state, a number of people
        and a ratio may not."""
        if self.falls is not None or self.kind not in ("count", "decimal", "percent"):
            return self
        return dataclasses.replace(self, falls="flagged" if is_net and self.is_additive else "never")

    @property
    def headers(self) -> tuple[str, ...]:
        return self.en + self.id + self.other


@dataclass(frozen=True)
class Detection:
    """One way to recognise a kind. Every condition given must hold; a format matches if one of its detections does.

    An entry of ``all_of``, ``any_of``, ``none_of`` or ``first_column`` that names a *field* of the format stands for any
    header of that field; any other entry is a header text. Among matching kinds the largest ``all_of`` wins, then
    ``columns_exactly``, then ``any_of``; a tie is refused with both ids.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    first_column: tuple[str, ...] = ()
    columns_exactly: int | None = None
    min_columns: int | None = None
    sheet: tuple[str, ...] = ()  # workbook only: the sheet's name, normalised; ignored for text files
    titles: tuple[str, ...] = ()  # blocks: the line above the header must be one of these, normalised
    header_row: int = 1  # 1-based row of the header; a preamble above it is skipped
    header_search: int = 1  # look for the header from header_row down to this row (report titles above it)
    positional: Callable[["Table"], bool] | None = None  # headers in a language nobody catalogued: shape decides


@dataclass(frozen=True)
class Rule:
    """A relation between columns that real files obey. ``holds`` is False where broken; null where it cannot be known.

    hard: one broken row refuses the file (IMPLAUSIBLE). Only arithmetic by definition may do that, and ``because`` says what
    makes it so; whatever was learned from files that happened to be seen only flags, where more than a share ``flag_above`` of
    the known rows break it. ``needs``: applies only if all are present; ``holds`` may be made from the columns there are.
    """

    name: str
    needs: tuple[str, ...]
    holds: pl.Expr | Callable[[list[str]], pl.Expr]
    hard: bool = False
    because: str = ""
    flag_above: float = 0.0
    code: str = "IMPLAUSIBLE"


@dataclass(frozen=True)
class Repair:
    """A value known to be false in real files: where ``when`` holds, ``field`` becomes null and the file is flagged."""

    field: str
    needs: tuple[str, ...]
    when: pl.Expr
    code: str = "VALUE_BLANKED"


@dataclass(frozen=True)
class Clock:
    """A time hidden in an id. ``name``: x | tiktok | linkedin | instagram (functions in ``pipeline.exports.clocks``).

    source: field that carries it (``post_id``, ``permalink``). use: ``settle`` - the id gives ``published_at`` and the
    printed date must agree with it; ``check`` - the printed time stands and must agree. tolerance in seconds;
    ``later_ok``: a printed time later than the id is only flagged (scheduled posts). ``any_zone``: whose clock is printed is
    known from too few files: a time further off than the tolerance, but less than a clock can be, gives way to that of the id.
    """

    name: str
    source: str
    use: str = "check"
    tolerance: int = 60
    later_ok: bool = False
    any_zone: bool = False


@dataclass
class Table:
    """Raw text of one table, as hooks see it. ``records``: (row number in file or sheet, cells). Header included."""

    records: list[tuple[int, list[str]]]
    sheet: str | None = None
    title: str | None = None  # the line above a block
    file_name: str = ""
    siblings: tuple[str, ...] = ()  # sheet names of the same workbook, normalised


class Notes:
    """What a hook says: ``flag`` (warning), ``refuse`` (no row is kept), ``drop`` (rows taken off, counted by reason)."""

    def __init__(self) -> None:
        self.flags: list[tuple[str, str, str]] = []
        self.refusals: list[tuple[str, str, str]] = []
        self.dropped: dict[str, int] = {}

    def flag(self, code: str, place: str = "", seen: str = "") -> None:
        self.flags.append((code, place, seen))

    def refuse(self, code: str, place: str = "", seen: str = "") -> None:
        self.refusals.append((code, place, seen))

    def drop(self, reason: str, rows: int) -> None:
        if rows:
            self.dropped[reason] = self.dropped.get(reason, 0) + rows


@dataclass(frozen=True)
class Format:
    """One kind of export.

    zone: IANA zone of printed times without offset and of day rows. nulls: marks for "not reported" (the empty cell must be
    listed too). dates: strptime-like patterns (%Y %y %m %d %H %I %M %S %f %p %b %a %z; numbers may lack the leading zero only
    after ``%-``); a pattern without a year is rolled back from the capture date row by row.
    """

    kind: str  # id in the catalogue
    platform: str | None  # None: the block title, the folder or the registry says which
    grain: str
    columns: tuple[Column, ...]
    detect: tuple[Detection, ...]
    title_id: str = ""  # what a person calls it
    title_en: str = ""
    menu_id: str = ""  # where in the platform's menus it is downloaded, in Indonesian
    confidence: str = "seen"
    version: int = 1

    zone: str = "UTC"
    nulls: tuple[str, ...] = ("",)
    dates: tuple[str, ...] = ()
    decimal: str | None = "."  # the platform always writes this; a re-saved file with other evidence is still read

    # --- dialect limits this kind lifts
    containers: tuple[str, ...] = ("csv", "xlsx")  # csv xlsx xls spreadsheetml json
    encodings: tuple[str, ...] = ()  # legacy code pages tried after strict UTF-8
    max_columns: int = 400
    leading: tuple[str, ...] = ()  # headers of the first columns, where the platform's order of them is fixed in every language
    ragged_batches: bool = False  # short rows only as whole batches of 128 or 256, proven by the hard rules
    second_header: bool = False  # a row of descriptions under the header
    bom: bool = False  # the platform always writes a byte order mark: a file without it was saved again
    ends_with_newline: bool = False  # an unterminated last row then means TRUNCATED
    one_cell_trailers: tuple[str, ...] = ()  # regex of a known last line
    unknown_columns: str = "flag"  # flag | ignore | refuse
    blocks: bool = False  # several titled blocks in one file (Meta overview)

    # --- rows
    total_labels: tuple[str, ...] = ()  # first cell of a total row (normalised); () = no total row is known
    total_rule: str = "equal"  # equal | at_least (deleted posts are only in the total) | report
    row_note: str | None = None  # field whose text marks an error row; dropped if post_id is empty too
    no_post: tuple[str, ...] = ()  # regex of what the platform writes in place of an id or link of a post it no longer has
    unique: tuple[str, ...] = ()  # one row per this
    rules: tuple[Rule, ...] = ()
    repairs: tuple[Repair, ...] = ()
    caps: tuple[int, ...] = ()  # row counts at which the platform stops
    clock: Clock | None = None
    post_id_from: tuple[str, str] | None = None  # (field, regex with one group): gives or checks post_id
    handle_from: tuple[str, str] | None = None  # (field, regex with one group): handle per row where no column has it
    post_types: Mapping[str, str] = field(default_factory=dict)  # text as exported -> canonical; other rules in finish
    file_names: tuple[str, ...] = ()  # regex: handle, first, last, captured (ISO or epoch); never recognition
    last_is_exclusive: bool = False  # the group "last" of the name is the day after
    accounts_per_row: bool = False  # the file may hold several own accounts and foreign collaboration rows
    other_ids: bool = False  # its account ids are not those of the platform's other exports: an unknown one contradicts nobody
    by_hand: bool = False  # a person fills it in, in a spreadsheet or not: a fault is mended there, and no download helps
    of_person: bool = False  # statistics of a person's own profile: held unless the registry says that the account is a person's

    # --- audience grain
    dimension: str | Callable[[Table], str] | None = None
    label_field: str = "label"  # column that holds the label; every other number column becomes a metric row

    # --- a few lines of Python, where data cannot say it
    platform_from: Callable[[Table], tuple[str | None, bool]] | None = None  # platform, and whether the file states it
    language_from: Callable[[Table], str | None] | None = None  # language, where the header does not show it
    from_json: Callable[[Any], list[list[str]] | None] | None = None  # document -> records, or None if it is not of this kind
    gather: Callable[[Sequence[Table]], list[Table]] | None = (
        None  # sheets of a workbook that are columns of another of its sheets
    )
    reshape: Callable[[Table], Table] | None = None  # before mapping
    finish: Callable[[pl.DataFrame, Notes], pl.DataFrame] | None = None  # after typing
    refuses: tuple[tuple[str, str], ...] = ()  # what finish may refuse: (code, why it may)
    finish_by_row: bool = False  # finish looks at one row at a time: it may be given the rows of many files at once
    constants: Mapping[str, Any] = field(default_factory=dict)  # columns that hold one value for the whole kind

    # --- what the values cover
    captured_field: str | None = None  # date column that says when the export was made (captured_from = file), same on all rows
    period_sums: bool = False  # values sum up the export's period: rows get period_start, period_end and value_scope; a post row
    # is "lifetime" only where the period is known and starts on or before its publication, else "period"; "unknown" without one

    def __post_init__(self) -> None:
        is_net = self.grain == "account_day" or self.period_sums
        object.__setattr__(self, "columns", tuple(c.settled(is_net) for c in self.columns))

    @cached_property
    def checks(self) -> tuple[Rule, ...]:
        """The rules, and that counters which may fall but are not known to did not."""
        flagged = dict.fromkeys(c.field for c in self.columns if c.falls == "flagged")
        return self.rules + tuple(Rule(f"{f} >= 0", (f,), pl.col(f) >= 0, code="BELOW_ZERO") for f in flagged)

    @cached_property
    def by_header(self) -> dict[str, Column]:
        """Normalised header -> column."""
        known: dict[str, Column] = {}
        for column in self.columns:
            for header in column.headers:
                known.setdefault(normalise(header), column)
        return known

    @cached_property
    def seen_headers(self) -> dict[tuple[int, tuple[str, ...]], bool]:
        """What detection found out about headers: (number of the detection, normalised names) -> they fit."""
        return {}

    @cached_property
    def fields(self) -> frozenset[str]:
        return frozenset(c.field for c in self.columns)

    @cached_property
    def families(self) -> tuple[tuple[re.Pattern[str], Column], ...]:
        return tuple((re.compile(c.pattern), c) for c in self.columns if c.pattern)

    def column_for(self, name: str) -> Column | None:
        """The column that a normalised header means."""
        if column := self.by_header.get(name):
            return column
        return next((c for p, c in self.families if p.fullmatch(name)), None)


@lru_cache(maxsize=8192)
def normalise(header: str) -> str:
    """Header text as it is compared: NFKC, no BOM, no outer quotes, one space, casefold."""
    text = unicodedata.normalize("NFKC", header).replace("\ufeff", "")
    return re.sub(r"\s+", " ", text).strip().strip('"').strip().casefold()


@cache
def all_formats() -> tuple[Format, ...]:
    """Every kind of every module of this package, in a stable order."""
    found: list[Format] = []
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        found += getattr(importlib.import_module(f"{__name__}.{module.name}"), "FORMATS", ())
    return tuple(sorted(found, key=lambda f: f.kind))


def by_kind(kind: str) -> Format:
    """The format with this catalogue id; KeyError if there is none."""
    return {f.kind: f for f in all_formats()}[kind]
