"""The registers of a deployment: who exists, which account is whose, and what people noted by hand.

Eleven CSV files, `themes.yml` and `settings.toml`, all optional but agencies and accounts. Everything is checked before anything
is used: every problem is reported with its file, line and column, all of them at once, in Indonesian and English.
A register is text that people edit in a spreadsheet, so `,` `;` and tab separators, a byte order mark and `#` comment lines on
top are read; a date in any other form than YYYY-MM-DD is refused, because 02/01/2026 has two meanings.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import hashlib
import io
import itertools
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import polars as pl
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline import files
from pipeline.platforms import platforms
from pipeline.thresholds import DEFAULT as DEFAULT_THRESHOLDS
from pipeline.thresholds import Thresholds

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_TEMPLATE, NEUTRAL_TEMPLATE = "kabupaten-bogor", "kosong"


@dataclass(frozen=True)
class Problem:
    """One mistake in a register. `line` is 1-based as an editor shows it (0: the whole file); `column` is the header's name."""

    file: str
    line: int
    column: str
    problem_id: str
    problem_en: str

    def place(self, line: str = "baris", column: str = "kolom") -> str:
        parts = (
            [self.file] + ([f"{line} {self.line}"] if self.line else []) + ([f"{column} {self.column}"] if self.column else [])
        )
        return ", ".join(parts)

    def __str__(self) -> str:
        return f"{self.place()}: {self.problem_id} / {self.problem_en}"


class RegistryError(ValueError):
    """Every problem found in the registry; nothing of it is used."""

    exit_status = 2

    def __init__(self, problems: list[Problem]):
        self.problems = sorted(problems, key=lambda p: (p.file, p.line, p.column))
        lines_id = "\n".join(f"  {p.place()}: {p.problem_id}" for p in self.problems)
        lines_en = "\n".join(f"  {p.place('line', 'column')}: {p.problem_en}" for p in self.problems)
        self.id, self.en = f"Registri perlu diperbaiki:\n{lines_id}", f"The registry needs mending:\n{lines_en}"
        super().__init__("\n".join(map(str, self.problems)))


# ---- values ---------------------------------------------------------------------------------------------------------------


def _wrong(problem_id: str, problem_en: str) -> PydanticCustomError:
    return PydanticCustomError("register", "{id}", {"id": problem_id, "en": problem_en})


def _date(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise _wrong(
                f"'{value}' bukan tanggal; tulis tahun-bulan-hari, misalnya 2026-01-31",
                f"'{value}' is not a date; write year-month-day, for example 2026-01-31",
            )
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise _wrong(f"tanggal {value} tidak ada di kalender", f"there is no date {value}") from None
    return value


def _moment(value: Any) -> Any:
    """WIB wall clock, minutes are enough."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?", value):
            raise _wrong(
                f"'{value}' bukan waktu; tulis misalnya 2026-01-31 14:05 (WIB)",
                f"'{value}' is not a time; write for example 2026-01-31 14:05 (WIB)",
            )
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            raise _wrong(f"waktu {value} tidak ada", f"there is no time {value}") from None
    return value


def _count(value: Any) -> Any:
    """A whole number without separators: `1.234` in a register could be a decimal, so it is refused."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{1,15}", value):
            raise _wrong(
                f"'{value}' bukan bilangan bulat; tulis angka saja tanpa titik atau koma, misalnya 12500",
                f"'{value}' is not a whole number; write digits only, for example 12500",
            )
        return int(value)
    return value


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"-?(0\.\d{3}|\d+(\.\d{1,2}|\.\d{4,})?)", value):
            raise _wrong(
                f"'{value}' tidak jelas sebagai angka; desimal memakai titik, ribuan tanpa tanda (0.5, 12500)",
                f"'{value}' is not a clear number; a point for decimals, nothing for thousands (0.5, 12500)",
            )
        return float(value)
    return value


def _bool(value: Any) -> Any:
    if isinstance(value, str):
        known = {"ya": True, "yes": True, "true": True, "1": True, "tidak": False, "no": False, "false": False, "0": False}
        if value.casefold() not in known:
            raise _wrong(f"'{value}' harus ya atau tidak", f"'{value}' must be yes or no")
        return known[value.casefold()]
    return value


def _platform_id(value: Any) -> Any:
    """One id, or several parted by spaces: exports of different menus of one platform may name an account differently."""
    if isinstance(value, str) and any(re.fullmatch(r"\d[.,]?\d*[eE]\+?\d+", part) for part in value.split()):
        raise _wrong(
            f"'{value}' sudah dirusak Excel; salin ulang ID asli sebagai teks",
            f"'{value}' was damaged by Excel; copy the original id again as text",
        )
    return value


def _platform(value: Any) -> Any:
    if isinstance(value, str) and value not in platforms():
        listed = ", ".join(platforms())
        raise _wrong(
            f"platform '{value}' tidak dikenal; pilihannya: {listed}. Platform baru perlu entri di warehouse/platforms.yml",
            f"platform '{value}' is not known; choose from: {listed}. A new platform needs an entry in warehouse/platforms.yml",
        )
    return value


def _handle(value: Any) -> Any:
    return value.removeprefix("@") if isinstance(value, str) else value


def _period(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])|-Q[1-4])?", value):
        raise _wrong(
            f"periode '{value}' tidak dikenal; tulis 2026, 2026-Q4 atau 2026-10",
            f"unknown period '{value}'; write 2026, 2026-Q4 or 2026-10",
        )
    return value


Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Date = Annotated[dt.date, BeforeValidator(_date)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]
Count = Annotated[int, BeforeValidator(_count), Field(ge=0)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_bool)]
PlatformId = Annotated[Text, BeforeValidator(_platform_id)]
Handle = Annotated[str, BeforeValidator(_handle), StringConstraints(pattern=r"^\S+$", max_length=200)]
Period = Annotated[str, BeforeValidator(_period)]
Url = Annotated[str, StringConstraints(pattern=r"^https://\S+$", max_length=500)]
Platform = Annotated[str, BeforeValidator(_platform)]


# ---- registers ------------------------------------------------------------------------------------------------------------


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Agency(Row):
    """A name of an agency during one period. The id outlives a change of name; a split or merger gives new ids."""

    agency_id: Key
    name: Text
    short_name: Text
    kind: Literal["sekretariat", "inspektorat", "dinas", "badan", "rsud", "bumd", "kecamatan", "kanal_utama", "lainnya"]
    peer_group: Key
    district: Text | None = None
    population: Count | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None
    predecessor_id: Key | None = None
    aliases: Text | None = None
    region: Text | None = None
    note: Text | None = None


class Account(Row):
    """A profile on a platform, and whose it is during one period. An account that moves gets a second row.

    `holder`: a page or account of the agency itself, or the profile of a person whom the agency declares as an official voice;
    the statistics of a person's profile are read for none but the latter.
    """

    account_id: Key
    platform: Platform
    handle: Handle | None = None
    platform_account_id: PlatformId | None = None
    agency_id: Key
    valid_from: Date | None = None
    valid_to: Date | None = None
    status: Literal["active", "closed"] = "active"
    date_order: Literal["dmy", "mdy"] | None = None
    url: Url | None = None
    holder: Literal["agency", "person"] = "agency"


class Follower(Row):
    """Followers of an account as read on the profile that day; for platforms whose exports do not carry the total.

    `response_rate_percent`: what Meta shows beside them (its own definition), 0 to 100; no export holds it.
    """

    account_id: Key
    date: Date
    followers: Count
    source: Text | None = None
    response_rate_percent: Annotated[int, BeforeValidator(_count), Field(ge=0, le=100)] | None = None


class Target(Row):
    """A value of a metric that an agency promised for a month, quarter or year."""

    agency_id: Key
    metric: Key
    period: Period
    target: Number
    direction: Literal["up", "down"] = "up"


class Plan(Row):
    """A planned post, as the plan stood on `captured_on`; planned_at is WIB."""

    plan_id: Text
    agency_id: Key
    platform: Platform
    planned_at: Moment
    topic: Text | None = None
    programme: Text | None = None
    format: Text | None = None
    campaign: Text | None = None
    post_id: PlatformId | None = None
    captured_on: Date | None = None


class Training(Row):
    """A training that an agency attended. Roles are counted, persons are not named."""

    training_id: Key
    agency_id: Key
    date: Date
    wave: Text | None = None
    topic: Text | None = None
    participants: Count | None = None
    communicators: Count | None = None


class Response(Row):
    """A question or complaint of a citizen and when it was answered (WIB). Never a name, never the text."""

    case_id: Text
    agency_id: Key
    account_id: Key | None = None
    channel: Text
    received_at: Moment
    first_reply_at: Moment | None = None
    closed_at: Moment | None = None
    category: Text | None = None
    status: Text | None = None
    sla_class: Text | None = None
    district: Text | None = None
    needs_answer: Flag = True


class Incident(Row):
    """An emergency, a correction, a crisis, or the reason why a past figure was restated (WIB)."""

    incident_id: Key
    agency_id: Key
    kind: Literal["emergency", "correction", "crisis", "restate"]
    started_at: Moment
    acknowledged_at: Moment | None = None
    post_id: PlatformId | None = None
    note: Text | None = None


class Signatory(Row):
    """Who signs a document, in which capacity and since when. A name that is not known stays empty: a line to sign is printed."""

    document: Literal["bulanan", "perangkat", "semua"]
    order: Annotated[int, BeforeValidator(_count), Field(ge=1, le=9)] = 1
    heading: Text | None = None
    position: Text
    name: Text | None = None
    rank: Text | None = None
    employee_number: Annotated[str, StringConstraints(pattern=r"^\d{8} ?\d{6} ?\d ?\d{3}$")] | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None


class Circular(Row):
    """An order or appeal that asks staff to like, share or comment: public papers, never persons.

    `scope`: `semua` for the whole regency, a peer group, or an agency_id. From `issued_on` the guard of marts knows of it.
    """

    circular_id: Key
    issued_on: Date
    valid_to: Date | None = None
    scope: Key
    source: Text
    note: Text | None = None


class Objection(Row):
    """What an agency says against a figure about it, and what was decided. It is printed beside the figure until decided.

    `figure_id` is the one printed under the figure (`table:column:key`); `objection` and `answer` name no persons.
    """

    objection_id: Key
    agency_id: Key
    figure_id: Text
    received_on: Date
    objection: Text
    decision: Literal["open", "accepted", "rejected"] = "open"
    decided_on: Date | None = None
    answer: Text | None = None


MODELS: dict[str, type[Row]] = {
    "agencies": Agency,
    "accounts": Account,
    "followers": Follower,
    "targets": Target,
    "plan": Plan,
    "trainings": Training,
    "responses": Response,
    "incidents": Incident,
    "signatories": Signatory,
    "circulars": Circular,
    "objections": Objection,
}
REQUIRED = ("agencies", "accounts")
NO_TILE = "."  # of the schematic map: no agency stands there
KEYS: dict[str, tuple[str, ...]] = {
    "followers": ("account_id", "date"),
    "targets": ("agency_id", "metric", "period"),
    "plan": ("plan_id", "captured_on"),
    "trainings": ("training_id", "agency_id"),
    "responses": ("case_id",),
    "incidents": ("incident_id",),
    "signatories": ("document", "order", "valid_from"),
    "circulars": ("circular_id",),
    "objections": ("objection_id",),
}
# Columns that document where a fact comes from; people read them, no figure does.
DOCUMENTARY = {"agencies": {"kemendagri_code", "confidence", "basis"}}
# Two columns of the same kind that must not run backwards.
ORDERED = (
    ("valid_from", "valid_to"),
    ("received_at", "first_reply_at"),
    ("received_at", "closed_at"),
    ("started_at", "acknowledged_at"),
    ("issued_on", "valid_to"),
    ("received_on", "decided_on"),
)


_DTYPES: dict[type, Any] = {
    dt.datetime: pl.Datetime("us"),
    dt.date: pl.Date,
    bool: pl.Boolean,
    int: pl.Int64,
    float: pl.Float64,
}


def _dtype(annotation: Any) -> Any:
    """The polars type of a field: the first plain type inside Annotated and unions; closed vocabularies are text."""
    if annotation in _DTYPES:
        return _DTYPES[annotation]
    inner = [_dtype(part) for part in get_args(annotation) if get_origin(annotation) is not Literal]
    return next((t for t in inner if t != pl.Utf8), pl.Utf8)


SCHEMAS: dict[str, dict[str, Any]] = {
    name: {column: _dtype(info.annotation) for column, info in model.model_fields.items()} for name, model in MODELS.items()
}
SCHEMAS["agency_names"] = {c: SCHEMAS["agencies"][c] for c in ("agency_id", "name", "short_name", "valid_from", "valid_to")}


def frame(register: str, rows: list[dict[str, Any]] | None = None) -> pl.DataFrame:
    """A frame of a register with exactly its schema; columns that a row leaves out are null."""
    return pl.DataFrame(rows or [], schema=SCHEMAS[register], orient="row")


# ---- settings and themes --------------------------------------------------------------------------------------------------


SLA_WORKING_DAYS = {"normative": 5, "without_supervision": 14, "with_supervision": 60, "information_request": 10}
"""Deadlines in working days per class of complaint; `[sla_days]` in settings.toml adds or replaces classes."""


class WorkingHours(Row):
    """Minutes are derived from HH:MM. Friday is longer; Ramadan is shorter (Perpres 21/2023)."""

    monday_to_thursday: tuple[str, str] = ("07:30", "16:00")
    friday: tuple[str, str] = ("07:30", "16:30")
    ramadan_monday_to_thursday: tuple[str, str] = ("08:00", "15:00")
    ramadan_friday: tuple[str, str] = ("08:00", "15:30")


class Letterhead(Row):
    """What stands on top of a letter. What is empty is left out, never made up."""

    office: Key | None = "diskominfo"
    address: Text | None = None
    contact: Text | None = None
    place: Text | None = None


class RegistrySettings(Row):
    """settings.toml: what differs between regencies. A key that is not known is a typing error, not an extension."""

    name: Text = "Kabupaten Bogor"
    name_en: Text = "Bogor Regency"
    simulated: bool = False
    main_agency: Key | None = None
    local_places: list[Text] = ["Bogor", "Kabupaten Bogor", "Cibinong"]
    home_country: Text = "Indonesia"
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    data_age_warning_days: int = Field(default=10, ge=1)
    person_files_retention_days: int = Field(default=30, ge=1)
    sla_days: dict[str, int] = Field(default_factory=lambda: dict(SLA_WORKING_DAYS))
    working_hours: WorkingHours = WorkingHours()
    letterhead: Letterhead = Letterhead()
    days_off: dict[Date, Text] = {}
    programme_scheme: Key | None = None
    programme_lens: Key | None = None
    training_order: Literal["free", "peer_group"] = "free"
    district_map: list[Text] = []
    sample: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather_thresholds(cls, values: Any) -> Any:
        """`minimum_posts` and `alarm_budget_per_week` once stood outside `[thresholds]`; such a file is still read."""
        moved = {k: values[k] for k in ("minimum_posts", "alarm_budget_per_week") if k in values}
        if not moved:
            return values
        given = values.get("thresholds", {})
        rest = {k: v for k, v in values.items() if k not in moved}
        return rest | {"thresholds": moved | given if isinstance(given, dict) else given}


class Scheme(BaseModel):
    """Checked shape of one scheme; further keys are kept as they are."""

    id: Key
    name_id: Text
    name_en: Text
    valid_from: Date
    valid_to: Date | None = None
    programmes: list[dict[str, Any]]


@dataclass(frozen=True)
class Registry:
    """The validated registers. `agencies` has one row per agency (its newest name, its whole life);
    `agency_names` has every name with its own period; `accounts` has one row per account and period."""

    agencies: pl.DataFrame = field(default_factory=lambda: frame("agencies"))
    accounts: pl.DataFrame = field(default_factory=lambda: frame("accounts"))
    followers: pl.DataFrame = field(default_factory=lambda: frame("followers"))
    targets: pl.DataFrame = field(default_factory=lambda: frame("targets"))
    plan: pl.DataFrame = field(default_factory=lambda: frame("plan"))
    trainings: pl.DataFrame = field(default_factory=lambda: frame("trainings"))
    responses: pl.DataFrame = field(default_factory=lambda: frame("responses"))
    incidents: pl.DataFrame = field(default_factory=lambda: frame("incidents"))
    signatories: pl.DataFrame = field(default_factory=lambda: frame("signatories"))
    circulars: pl.DataFrame = field(default_factory=lambda: frame("circulars"))
    objections: pl.DataFrame = field(default_factory=lambda: frame("objections"))
    agency_names: pl.DataFrame = field(default_factory=lambda: frame("agency_names"))
    themes: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: RegistrySettings().model_dump())
    mappings: tuple[Any, ...] = ()  # formats of other tools' tables, from mappings/*.toml
    packs: tuple[dict[str, Any], ...] = ()  # distributions that other regencies gave, from paket/*.json

    @property
    def thresholds(self) -> Thresholds:
        """The numbers that people chose, as settings.toml has them."""
        return Thresholds.model_validate(self.settings.get("thresholds") or {})

    @property
    def spreads(self) -> dict[tuple[str, str, str], float]:
        """How far accounts lie apart elsewhere: (platform, basis, month) -> variance on the log scale, by accounts."""
        sums: dict[tuple[str, str, str], tuple[float, float]] = {}
        for cell in (cell for pack in self.packs for cell in pack["cells"] if cell["spread"] is not None):
            key = (cell["platform"], cell["basis"], cell["month"])
            weight, total = sums.get(key, (0.0, 0.0))
            sums[key] = (weight + cell["accounts"], total + cell["accounts"] * cell["spread"] ** 2)
        return {key: total / weight for key, (weight, total) in sums.items()}


# ---- reading --------------------------------------------------------------------------------------------------------------


@dataclass
class _Sheet:
    """Rows of one register file: (line, {column: text or None}), and the problems found on the way."""

    rows: list[tuple[int, dict[str, str | None]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _decode(path: Path) -> tuple[str, Problem | None]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return "", Problem(
            path.name, line, "", "berkas bukan UTF-8; simpan sebagai 'CSV UTF-8'", "not UTF-8; save as 'CSV UTF-8'"
        )
    if "\x00" in text:
        return "", Problem(path.name, 0, "", "berkas rusak (berisi NUL)", "the file is damaged (contains NUL)")
    return text, None


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line they start on; comments on top and blank lines are left out."""
    body = text.splitlines(keepends=True)
    top = 0
    while top < len(body) and (not body[top].strip(" ,;\t\r\n") or body[top].lstrip('"').startswith("#")):
        top += 1
    if top == len(body):
        return
    header = body[top]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO("".join(body[top:]), newline=""), delimiter=delimiter, strict=True)
    start = top + 1
    for record in reader:
        if any(cell.strip() for cell in record):
            yield start, [cell.strip() for cell in record]
        start = top + reader.line_num + 1


def nearest(name: str, known: list[str]) -> tuple[str, str]:
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return (f"; maksudnya '{match[0]}'?", f"; did you mean '{match[0]}'?") if match else ("", "")


def _header(file: str, register: str, line: int, names: list[str]) -> list[Problem]:
    model = MODELS[register]
    known = [*model.model_fields, *DOCUMENTARY.get(register, ())]
    problems = []
    for name in names:
        if name not in known:
            near_id, near_en = nearest(name, known)
            problems.append(Problem(file, line, name, f"kolom tidak dikenal{near_id}", f"unknown column{near_en}"))
        elif names.count(name) > 1:
            problems.append(Problem(file, line, name, "kolom tertulis dua kali", "column appears twice"))
    for name, info in model.model_fields.items():
        if info.is_required() and name not in names:
            problems.append(Problem(file, line, name, "kolom wajib tidak ada", "required column is missing"))
    return problems


def _sheet(path: Path, register: str) -> _Sheet:
    text, problem = _decode(path)
    if problem:
        return _Sheet(problems=[problem])
    sheet = _Sheet()
    names: list[str] = []
    line = 0
    try:
        for line, cells in _lines(text):
            if not names:
                names = [cell.lstrip("\ufeff") for cell in cells]
                sheet.problems += _header(path.name, register, line, names)
                if sheet.problems:
                    return sheet
            elif len(cells) != len(names):
                seen = len(cells)
                sheet.problems.append(
                    Problem(
                        path.name,
                        line,
                        "",
                        f"ada {seen} isian, seharusnya {len(names)}; periksa koma atau tanda kutip",
                        f"{seen} fields where {len(names)} are expected; check commas and quotes",
                    )
                )
            else:
                sheet.rows.append((line, {n: c or None for n, c in zip(names, cells, strict=True)}))
    except csv.Error as error:
        where = line + 1
        sheet.problems.append(
            Problem(path.name, where, "", "tanda kutip tidak ditutup atau baris rusak", f"broken row or unclosed quote ({error})")
        )
    if not names and not sheet.problems:
        sheet.problems.append(Problem(path.name, 0, "", "berkas kosong, tanpa baris judul", "empty, without a header line"))
    return sheet


def _explain(error: dict[str, Any]) -> tuple[str, str]:
    """A pydantic error as two sentences for the person who keeps the register."""
    kind, seen, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "register":
        return context["id"], context["en"]
    if kind == "missing":
        return "wajib diisi", "must be filled in"
    if kind == "literal_error":
        allowed = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"'{seen}' tidak dikenal; pilihannya: {allowed}", f"'{seen}' is not known; choose from: {allowed}"
    if kind == "string_pattern_mismatch":
        return f"'{seen}' tidak sesuai pola {context['pattern']}", f"'{seen}' does not match the pattern {context['pattern']}"
    if kind == "extra_forbidden":
        near_id, near_en = nearest(str(error["loc"][-1]), list(RegistrySettings.model_fields))
        return f"tidak dikenal{near_id}", f"not known{near_en}"
    return f"'{seen}' tidak sah", f"'{seen}' is not valid: {error['msg']}"


def _validate(file: str, register: str, sheet: _Sheet) -> list[tuple[int, Any]]:
    model, documentary = MODELS[register], DOCUMENTARY.get(register, set())
    out: list[tuple[int, Any]] = []
    for line, cells in sheet.rows:
        # An empty cell is an absent one: the field's default or "must be filled in" applies.
        values = {n: v for n, v in cells.items() if v is not None and n not in documentary}
        try:
            row = model.model_validate(values)
        except ValidationError as error:
            for item in error.errors():
                sheet.problems.append(Problem(file, line, str(item["loc"][0]), *_explain(dict(item))))
            continue
        sheet.problems += [Problem(file, line, column, *words) for column, words in _disorder(row)]
        out.append((line, row))
    return out


@cache
def _ordered(model: type[Row]) -> list[tuple[str, str]]:
    return [pair for pair in ORDERED if set(pair) <= set(model.model_fields)]


def _disorder(row: Row) -> Iterator[tuple[str, tuple[str, str]]]:
    for first, second in _ordered(type(row)):
        a, b = getattr(row, first), getattr(row, second)
        if a is not None and b is not None and b < a:
            yield second, (f"{b} lebih awal daripada {first} {a}", f"{b} is before {first} {a}")


# ---- rules across rows and files ------------------------------------------------------------------------------------------

Rows = list[tuple[int, Any]]


def _span(row: Any) -> tuple[dt.date, dt.date]:
    return row.valid_from or dt.date.min, row.valid_to or dt.date.max


def _overlaps(file: str, rows: Rows, key: Callable[[Any], Any], column: str) -> Iterator[Problem]:
    """Rows of one key whose periods share a day. Reported on the later line, naming the earlier one."""
    groups: dict[Any, Rows] = {}
    for line, row in rows:
        if key(row) is not None:
            groups.setdefault(key(row), []).append((line, row))
    for value, members in groups.items():
        ordered = sorted(members, key=lambda item: _span(item[1]))
        for (line_a, a), (line_b, b) in itertools.pairwise(ordered):
            if _span(b)[0] <= _span(a)[1]:
                shown = value[-1] if isinstance(value, tuple) else value
                yield Problem(
                    file,
                    max(line_a, line_b),
                    column,
                    f"masa berlaku '{shown}' bertumpang tindih dengan baris {min(line_a, line_b)}",
                    f"the validity of '{shown}' overlaps with line {min(line_a, line_b)}",
                )


def _duplicates(file: str, rows: Rows, columns: tuple[str, ...]) -> Iterator[Problem]:
    seen: dict[Any, int] = {}
    for line, row in rows:
        key = tuple(getattr(row, c) for c in columns)
        if key in seen:
            yield Problem(file, line, columns[0], f"sama dengan baris {seen[key]}", f"the same as line {seen[key]}")
        seen.setdefault(key, line)


def _references(file: str, rows: Rows, column: str, known: list[str], where: str) -> Iterator[Problem]:
    for line, row in rows:
        value = getattr(row, column, None)
        if value is not None and value not in known:
            near_id, near_en = nearest(value, known)
            yield Problem(file, line, column, f"'{value}' tidak ada di {where}{near_id}", f"'{value}' is not in {where}{near_en}")


def _outlives(accounts: Rows, agencies: Rows) -> Iterator[Problem]:
    """An account row must lie within its agency's life, or its posts would belong to a body that does not exist."""
    life: dict[str, tuple[dt.date, dt.date]] = {}
    for _, row in agencies:
        first, last = _span(row)
        known = life.get(row.agency_id, (first, last))
        life[row.agency_id] = (min(first, known[0]), max(last, known[1]))
    for line, row in accounts:
        if row.agency_id not in life:
            continue
        first, last = life[row.agency_id]
        if _span(row)[1] > last:
            yield Problem(
                "accounts.csv",
                line,
                "valid_to",
                f"akun '{row.account_id}' berlaku melewati akhir perangkat daerah '{row.agency_id}' ({last}); "
                "akhiri baris ini dan tambahkan baris untuk perangkat daerah penerusnya",
                f"account '{row.account_id}' outlives agency '{row.agency_id}' ({last}); "
                "end this row and add one for the successor",
            )
        if _span(row)[0] < first and row.valid_from is not None:
            yield Problem(
                "accounts.csv",
                line,
                "valid_from",
                f"akun '{row.account_id}' mulai sebelum perangkat daerah '{row.agency_id}' ada ({first})",
                f"account '{row.account_id}' starts before agency '{row.agency_id}' exists ({first})",
            )


def _gaps(agencies: Rows) -> Iterator[Problem]:
    """Names of one agency follow each other without a day between them; a body has one kind and one peer group at a time."""
    groups: dict[str, Rows] = {}
    for line, row in agencies:
        groups.setdefault(row.agency_id, []).append((line, row))
    for agency_id, members in groups.items():
        ordered = sorted(members, key=lambda item: _span(item[1]))
        for (_, a), (line, b) in itertools.pairwise(ordered):
            if a.valid_to is not None and b.valid_from is not None and (b.valid_from - a.valid_to).days > 1:
                yield Problem(
                    "agencies.csv",
                    line,
                    "valid_from",
                    f"ada jeda antara dua nama '{agency_id}' ({a.valid_to} dan {b.valid_from})",
                    f"there is a gap between two names of '{agency_id}' ({a.valid_to} and {b.valid_from})",
                )


def _predecessors(agencies: Rows) -> Iterator[Problem]:
    known = {row.agency_id for _, row in agencies}
    yield from _references("agencies.csv", agencies, "predecessor_id", sorted(known), "agencies.csv")
    for line, row in agencies:
        if row.predecessor_id == row.agency_id:
            words = ("perangkat daerah tidak dapat menjadi pendahulu dirinya", "an agency cannot precede itself")
            yield Problem("agencies.csv", line, "predecessor_id", *words)


def _cross_checks(rows: dict[str, Rows]) -> Iterator[Problem]:
    agencies, accounts = rows["agencies"], rows["accounts"]
    yield from _overlaps("agencies.csv", agencies, lambda r: r.agency_id, "valid_from")
    yield from _gaps(agencies)
    yield from _predecessors(agencies)
    yield from _overlaps("accounts.csv", accounts, lambda r: r.account_id, "valid_from")
    for column in ("platform_account_id", "handle"):
        single = list(_single(accounts, column))
        yield from _overlaps("accounts.csv", _one_per_account(single, column), partial(_identity, column=column), column)
    yield from _outlives(accounts, agencies)
    yield from _one_platform(accounts)
    agency_ids = sorted({r.agency_id for _, r in agencies})
    account_ids = sorted({r.account_id for _, r in accounts})
    for name, register in rows.items():
        if name != "agencies" and "agency_id" in MODELS[name].model_fields:
            yield from _references(f"{name}.csv", register, "agency_id", agency_ids, "agencies.csv")
        if name != "accounts" and "account_id" in MODELS[name].model_fields:
            yield from _references(f"{name}.csv", register, "account_id", account_ids, "accounts.csv")
        if name in KEYS:
            yield from _duplicates(f"{name}.csv", register, KEYS[name])
    scopes = sorted({"semua"} | {r.peer_group for _, r in agencies}) + agency_ids
    yield from _references(
        "circulars.csv", rows.get("circulars", []), "scope", scopes, "agencies.csv (agency_id, peer_group, semua)"
    )


def _single(accounts: Rows, column: str) -> Iterator[tuple[int, Any]]:
    """The rows with one identity each: a row that lists several ids is here once for each of them."""
    for line, row in accounts:
        value = getattr(row, column)
        for part in value.split() if value else ():
            yield line, row.model_copy(update={column: part})


def _identity(row: Any, column: str) -> tuple[str, str] | None:
    value = getattr(row, column)
    return (row.platform, value.casefold()) if value else None


def _one_per_account(accounts: Rows, column: str) -> Rows:
    """Rows of one account that overlap are reported once, as such; here only different accounts that claim one identity."""
    claims: dict[Any, set[str]] = {}
    for _, row in accounts:
        claims.setdefault(_identity(row, column), set()).add(row.account_id)
    return [(line, row) for line, row in accounts if len(claims[_identity(row, column)]) > 1]


def _one_platform(accounts: Rows) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for line, row in accounts:
        if first.setdefault(row.account_id, row.platform) != row.platform:
            other = first[row.account_id]
            words = (
                f"akun '{row.account_id}' juga terdaftar di {other}",
                f"account '{row.account_id}' is also listed on {other}",
            )
            yield Problem("accounts.csv", line, "platform", *words)


# ---- settings.toml and themes.yml -----------------------------------------------------------------------------------------


def _load_settings(path: Path) -> tuple[dict[str, Any], list[Problem]]:
    if not path.exists():
        return RegistrySettings().model_dump(), []
    text, problem = _decode(path)
    if problem:
        return {}, [problem]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        line, column = (int(found[1]), found[2]) if found else (len(text.splitlines()), "")
        return {}, [Problem(path.name, line, column, "penulisan TOML salah", f"not valid TOML: {error}")]
    try:
        return RegistrySettings.model_validate(values).model_dump(), []
    except ValidationError as error:
        return {}, [
            Problem(path.name, _toml_line(text, item["loc"]), ".".join(map(str, item["loc"])), *_explain(dict(item)))
            for item in error.errors()
        ]


def _main_agency(settings: dict[str, Any], agency_ids: list[str]) -> list[Problem]:
    """The main channel must exist: a name that nobody has would leave the real one ranked."""
    key = settings.get("main_agency")
    if key is None or not agency_ids or key in agency_ids:
        return []
    near_id, near_en = nearest(key, agency_ids)
    words = (
        f"perangkat daerah '{key}' tidak ada di agencies.csv{near_id}",
        f"agency '{key}' is not in agencies.csv{near_en}",
    )
    return [Problem("settings.toml", 0, "main_agency", *words)]


def tiles(settings: dict[str, Any]) -> list[list[str | None]]:
    """The schematic map as rows of tiles from north to south: an agency_id, or None where no tile is."""
    rows = [str(row).split() for row in settings.get("district_map") or []]
    return [[None if name == NO_TILE else name for name in row] for row in rows]


def _district_map(settings: dict[str, Any], agency_ids: list[str]) -> list[Problem]:
    """No agency has two tiles, and a name that is nearly one of the agencies without a tile is a typing error. Agencies that this
    registry does not hold stay on the map as empty tiles."""
    placed = [name for row in tiles(settings) for name in row if name]
    without = [name for name in agency_ids if name not in placed]
    found = []
    for name in sorted(set(placed)):
        near = difflib.get_close_matches(name, without, n=1, cutoff=0.9) if name not in agency_ids else []
        if placed.count(name) > 1:
            found.append((name, f"'{name}' punya dua petak", f"'{name}' has two tiles"))
        if near:
            found.append((name, f"'{name}' tidak ada; maksudnya {near[0]}?", f"there is no '{name}'; is it {near[0]}?"))
    return [Problem("settings.toml", 0, "district_map", *words) for _, *words in found]


def _toml_line(text: str, location: tuple[Any, ...]) -> int:
    names = [str(part) for part in location if isinstance(part, str)]
    for number, line in enumerate(text.splitlines(), start=1):
        if names and re.match(rf"\s*\[?\s*{re.escape(names[-1])}\s*[=\].]", line):
            return number
    return 0


def _load_themes(path: Path, agency_ids: list[str]) -> tuple[dict[str, Any], list[Problem]]:
    if not path.exists():
        return {}, []
    text, problem = _decode(path)
    if problem:
        return {}, [problem]
    try:
        root = files.compose_yaml(text)
        values = files.load_yaml(text) or {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, str(mark.column + 1)) if mark else (0, "")
        return {}, [Problem(path.name, line, column, "penulisan YAML salah", f"not valid YAML: {error.problem}")]
    problems = [Problem(path.name, line, key, "kunci tertulis dua kali", "key appears twice") for line, key in _twice(root)]
    for location, words in _theme_problems(values, agency_ids):
        problems.append(Problem(path.name, _yaml_line(root, location), ".".join(map(str, location)), *words))
    return values, problems


def _twice(node: Any) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, key.value
            seen.add(key.value)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _twice(value)


def _yaml_line(node: Any, location: tuple[Any, ...]) -> int:
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part : part + 1]
        else:
            found = []
        if not found:
            break
        node = found[0]
    return node.start_mark.line + 1 if node is not None else 0


def _theme_problems(values: Any, agency_ids: list[str]) -> Iterator[tuple[tuple[Any, ...], tuple[str, str]]]:
    if not isinstance(values, dict) or not isinstance(values.get("schemes"), list):
        yield (), ("harus berisi daftar 'schemes'", "must contain a list 'schemes'")
        return
    for i, scheme in enumerate(values["schemes"]):
        try:
            Scheme.model_validate(scheme)
        except ValidationError as error:
            for item in error.errors():
                yield ("schemes", i, *item["loc"]), _explain(dict(item))
            continue
        for j, programme in enumerate(scheme["programmes"]):
            at = ("schemes", i, "programmes", j)
            for agency in programme.get("agency_prior", []):
                if agency not in agency_ids:
                    near_id, near_en = nearest(agency, agency_ids)
                    words = (
                        f"perangkat daerah '{agency}' tidak ada di agencies.csv{near_id}",
                        f"agency '{agency}' is not in agencies.csv{near_en}",
                    )
                    yield (*at, "agency_prior"), words
            yield from _bad_patterns(programme, at)


def _bad_patterns(rules: dict[str, Any], at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], tuple[str, str]]]:
    for part in ("strong", "weak", "exclude"):
        for k, pattern in enumerate(rules.get(part, [])):
            try:
                re.compile(str(pattern))
            except re.error as error:
                yield (*at, part, k), (f"pola '{pattern}' salah", f"pattern '{pattern}' is not a regular expression: {error}")


# ---- the two doors --------------------------------------------------------------------------------------------------------


def _load_mappings(folder: Path) -> tuple[tuple[Any, ...], list[Problem]]:
    """What a data keeper taught about other tools' tables; the shape of such a file is in `pipeline/formats/mapped.py`."""
    from pipeline.formats import mapped

    formats, wrong = mapped.load(folder)
    return formats, [Problem(f"mappings/{w.file}", w.line, w.key, w.id, w.en) for w in wrong]


PACK_CELL = ("platform", "basis", "peer_group", "month")
PACK_VALUES = ("accounts", "median", "q1", "q3", "spread")


class PackError(ValueError):
    """A pack of another regency is not whole, or not one of ours; nothing of it is used."""

    exit_status = 2

    def __init__(self, name: str, indonesian: str, english: str):
        self.id = f"Paket {name} tidak dipakai: {indonesian}. Minta berkasnya lagi, atau hapus dari registry/paket/."
        self.en = f"Pack {name} is not used: {english}. Ask for the file again, or remove it from registry/paket/."
        super().__init__(f"{self.id} / {self.en}")


def pack_digest(cells: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def read_pack(place: Path) -> dict[str, Any]:
    """A pack, proven against its own seal. Raises PackError."""
    try:
        said: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        cells, k = said["cells"], said["k"]
        if said["schema"] != 1 or said["sha256"] != pack_digest(cells) or not isinstance(said["simulated"], bool):
            raise PackError(place.name, "isinya tidak cocok dengan segelnya", "its content does not match its seal")
        if any(set(cell) != {*PACK_CELL, *PACK_VALUES} for cell in cells):
            raise PackError(place.name, "memuat kolom yang bukan sebaran", "it holds columns that are no distribution")
        if any(cell["accounts"] < k or cell["accounts"] % k for cell in cells) or k < 5:
            raise PackError(place.name, "memuat kelompok dengan kurang dari lima akun", "a group has fewer than five accounts")
    except (OSError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError):
        raise PackError(place.name, "bukan paket Terukur", "it is no pack of Terukur") from None
    return said


def load(folder: Path) -> Registry:
    """Read and check every register in `folder`. Raises RegistryError with all problems, or gives a Registry.

    A night asks several times; what has not changed by a byte is not read twice. Nobody may change a Registry.
    """
    folder = Path(folder)
    return _load(folder, _fingerprint(folder))


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in (".csv", ".toml", ".yml", ".yaml", ".json")):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=4)
def _load(folder: Path, fingerprint: str) -> Registry:
    problems: list[Problem] = []
    rows: dict[str, Rows] = {}
    for name in MODELS:
        path = folder / f"{name}.csv"
        rows[name] = []
        if path.exists():
            sheet = _sheet(path, name)
            rows[name] = _validate(path.name, name, sheet)
            problems += sheet.problems
        elif name in REQUIRED:
            words = (
                f"berkas tidak ada di {folder}; buat dengan 'terukur init'",
                f"missing in {folder}; make it with 'terukur init'",
            )
            problems.append(Problem(path.name, 0, "", *words))
    agency_ids = sorted({row.agency_id for _, row in rows["agencies"]})
    settings, wrong_settings = _load_settings(folder / "settings.toml")
    themes, wrong_themes = _load_themes(folder / "themes.yml", agency_ids)
    wrong_settings += _main_agency(settings, agency_ids) + _district_map(settings, agency_ids)
    mappings, wrong_mappings = _load_mappings(folder / "mappings")
    problems += wrong_settings + wrong_themes + wrong_mappings
    if not any(p.file in ("agencies.csv", "accounts.csv") for p in problems):
        # Against a half-read agency list every other row would look wrong; those are reported once these are mended.
        problems += list(_cross_checks(rows))
    if problems:
        raise RegistryError(problems)
    frames = {name: frame(name, [row.model_dump() for _, row in register]) for name, register in rows.items()}
    names = frames["agencies"].select(list(SCHEMAS["agency_names"])).sort("agency_id", "valid_from", nulls_last=False)
    frames["agencies"] = _one_row_per_agency(frames["agencies"])
    packs = tuple(read_pack(path) for path in sorted((folder / "paket").glob("*.json")))
    return Registry(**frames, agency_names=names, themes=themes, settings=settings, mappings=mappings, packs=packs)


def _one_row_per_agency(agencies: pl.DataFrame) -> pl.DataFrame:
    """The newest name with the whole life of the agency; facts join on agency_id without being doubled by a change of name."""
    ordered = agencies.with_row_index("order").sort("valid_from", nulls_last=False, maintain_order=True)
    groups = ordered.group_by("agency_id", maintain_order=True).agg(
        pl.all().exclude("order", "valid_from", "predecessor_id").last(),
        pl.col("valid_from").first(),
        pl.col("predecessor_id").drop_nulls().first(),
        pl.col("order").min(),
    )
    return groups.sort("order").select(list(SCHEMAS["agencies"]))


def write_template(folder: Path, template: str = DEFAULT_TEMPLATE, name: str | None = None) -> list[Path]:
    """Write the commented registers of a template; files that exist are left alone. Returns what was written.

    A template holds what is its own; the empty registers, the same everywhere, come from the default one. `name` is the
    regency's, put into settings.toml."""
    source = TEMPLATES / template
    if not source.is_dir():
        known = sorted(p.name for p in TEMPLATES.iterdir() if p.is_dir())
        near_id, near_en = nearest(template, known)
        words = (f"templat '{template}' tidak ada{near_id}", f"there is no template '{template}'{near_en}")
        raise RegistryError([Problem("", 0, "", *words)])
    folder.mkdir(parents=True, exist_ok=True)
    found = {path.name: path for path in (*(TEMPLATES / DEFAULT_TEMPLATE).iterdir(), *source.iterdir()) if path.is_file()}
    written = []
    for path in sorted(found.values(), key=lambda p: p.name):
        if not (folder / path.name).exists():
            written.append(Path(shutil.copyfile(path, folder / path.name)))
    settings = folder / "settings.toml"
    if name and settings in written:
        quoted = json.dumps(name, ensure_ascii=False)  # what JSON escapes in a string, TOML escapes alike
        text = settings.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(name|name_en) = .*$", lambda found: f"{found[1]} = {quoted}", text)
        settings.write_text(text, encoding="utf-8")
    return written
