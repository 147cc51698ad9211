"""Tables of other tools (Metricool, Sprout, Hootsuite reports, an office's own sheet), taught by a data keeper without code.

One TOML file in ``registry/mappings/`` per table. Every header of the file must be named, with its meaning or ``"-"`` for "not
used", so that nothing is dropped unseen. A built-in kind always wins. ``terukur inspect`` proposes one for a file that it does
not know: :func:`propose`. No header list is built in, because no hand-downloaded file of these tools was found in public.

    name = "Metricool: unggahan TikTok"
    platform = "tiktok"
    grain = "post"                 # post | account_day | audience | case
    values = "lifetime"            # post: sejak tayang (lifetime) atau hanya dalam periode laporan (period)
    zone = "Asia/Jakarta"          # zona waktu tanggal di berkas
    dates = ["%Y-%m-%d %H:%M"]
    empty = ["", "-"]              # tanda "tidak ada data"

    [columns]
    "URL" = "permalink"
    "Published" = "published_at"
    "Watch time (h)" = { field = "watch_seconds", scale = 3600 }
    "Full views" = { field = "full_views_rate", percent = true }
    "ER" = "-"
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from pipeline.columns import ColumnMeaning, columns
from pipeline.formats import GRAINS, Column, Detection, Format, all_formats, normalise
from pipeline.platforms import platforms

KIND = "mapped_table"
KINDS = {
    "id": "id",
    "text": "text",
    "enum": "text",
    "url": "url",
    "date": "date",
    "timestamp": "datetime",
    "timestamp_wib": "datetime",
    "int": "count",
    "float": "decimal",
    "ratio": "decimal",
    "bool": "flag",
}
# Columns other than numbers that a grain may hold, and those it cannot do without.
WORDS = {
    "post": "post_id permalink published_at published_on caption post_type handle platform_account_id account_name captured_on",
    "account_day": "day handle platform_account_id account_name",
    "audience": "label period_start period_end handle platform_account_id",
    "case": "case_id channel agency_name received_at received_on first_reply_at closed_at category status sla_class district",
}
NEEDED = {"post": (), "account_day": ("day",), "audience": ("label",), "case": ("case_id",)}
KEYS = {"name", "platform", "grain", "values", "zone", "dates", "empty", "sheet", "dimension", "columns"}


@dataclass(frozen=True)
class MappingProblem:
    """What is wrong with a mapping file, for a person; ``line`` 0 is the whole file."""

    file: str
    line: int
    key: str
    id: str
    en: str


class _Wrong(Exception):
    def __init__(self, key: str, id: str, en: str):
        super().__init__(en)
        self.key, self.id, self.en = key, id, en


def load(folder: Path) -> tuple[tuple[Format, ...], list[MappingProblem]]:
    """Every mapping of a folder as a format of kind ``mapped_table``, and every problem found; files in order of name."""
    formats: list[Format] = []
    problems: list[MappingProblem] = []
    for path in sorted(folder.glob("*.toml")):
        body = ""
        try:
            body = path.read_text(encoding="utf-8")
            formats.append(as_format(tomllib.loads(body)))
        except _Wrong as wrong:
            problems.append(MappingProblem(path.name, _line(body, wrong.key), wrong.key, wrong.id, wrong.en))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else 0
            problems.append(MappingProblem(path.name, line, "", f"TOML tidak dapat dibaca: {error}", f"not valid TOML: {error}"))
    return tuple(formats), problems


def _line(body: str, key: str) -> int:
    return next((n for n, text in enumerate(body.splitlines(), start=1) if key and key in text), 0)


def as_format(mapping: Mapping[str, Any]) -> Format:
    """A mapping as a Format, or _Wrong with the key to mend."""
    if unknown := sorted(set(mapping) - KEYS):
        raise _Wrong(unknown[0], "kunci tidak dikenal", "unknown key")
    platform, grain = _one_of(mapping, "platform", tuple(platforms())), _one_of(mapping, "grain", GRAINS)
    zone = mapping.get("zone", "Asia/Jakarta")
    if zone not in available_timezones():
        raise _Wrong("zone", f"zona waktu '{zone}' tidak dikenal", f"unknown time zone '{zone}'")
    entries = mapping.get("columns") or {}
    if not entries:
        raise _Wrong("columns", "tidak ada kolom", "no columns")
    fields = tuple(_column(header, entry, grain) for header, entry in entries.items())
    used = [c for c in fields if c.kind != "ignored"]
    _check_fields(mapping, platform, grain, [c.field for c in used])
    headers = tuple(h for c in used for h in c.en)
    sheet = (mapping["sheet"],) if mapping.get("sheet") else ()
    linked_id = _linked_id(platform) if grain == "post" and any(c.field == "permalink" for c in used) else None
    key = {"post": "post_id", "account_day": "day", "case": "case_id"}.get(grain)
    return Format(
        kind=KIND,
        platform=platform,
        grain=grain,
        title_id=str(mapping.get("name", "Tabel terpetakan")),
        title_en=str(mapping.get("name", "Mapped table")),
        menu_id="Alat lain; pemetaannya di registry/mappings/",
        confidence="inferred",
        columns=fields,
        detect=(Detection(all_of=headers, sheet=sheet),),
        zone=zone,
        nulls=tuple(mapping.get("empty", [""])),
        dates=tuple(mapping.get("dates", [])),
        unknown_columns="refuse",
        unique=(key,) if key else (),
        post_id_from=("permalink", linked_id) if linked_id else None,
        accounts_per_row=any(c.field in ("handle", "platform_account_id") for c in used),
        dimension=mapping.get("dimension"),
        period_sums=grain == "audience" or mapping.get("values") == "period",
    )


def _linked_id(platform: str) -> str | None:
    """How a post's link carries the very id that the platform's own exports use; elsewhere one post would count twice."""
    return platforms()[platform].linked_id


def _one_of(mapping: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    value = mapping.get(key)
    if value not in choices:
        raise _Wrong(
            key, f"'{value}' harus salah satu dari {', '.join(choices)}", f"'{value}' must be one of {', '.join(choices)}"
        )
    return str(value)


def _check_fields(mapping: Mapping[str, Any], platform: str, grain: str, fields: list[str]) -> None:
    if twice := [f for f in fields if fields.count(f) > 1]:
        raise _Wrong(twice[0], f"'{twice[0]}' dipakai dua kali", f"'{twice[0]}' is used twice")
    for needed in NEEDED[grain]:
        if needed not in fields:
            raise _Wrong("columns", f"kolom '{needed}' belum ada", f"column '{needed}' is missing")
    if grain == "audience" and not mapping.get("dimension"):
        raise _Wrong("dimension", "isi 'dimension' (misalnya city)", "say the 'dimension' (for example city)")
    if grain != "post":
        return
    if mapping.get("values") not in ("lifetime", "period"):
        raise _Wrong("values", 'isi values = "lifetime" atau "period"', 'say values = "lifetime" or "period"')
    if "published_at" not in fields and "published_on" not in fields:
        raise _Wrong("columns", "kolom 'published_at' belum ada", "column 'published_at' is missing")
    if "post_id" not in fields and not (_linked_id(platform) and "permalink" in fields):
        raise _Wrong(
            "columns",
            "kolom 'post_id' belum ada; tanpa itu satu unggahan dapat terhitung dua kali",
            "column 'post_id' is missing; without it one post may count twice",
        )


def _column(header: str, entry: Any, grain: str) -> Column:
    options: dict[str, Any] = {"field": entry} if isinstance(entry, str) else dict(entry)
    name = options.pop("field", None)
    if name == "-":
        return Column("_ignored", "ignored", (header,))
    meaning = columns().get(str(name))
    if meaning is None or (meaning.type not in ("int", "float", "ratio") and name not in WORDS[grain].split()):
        raise _Wrong(header, f"'{name}' bukan kolom yang dikenal untuk {grain}", f"'{name}' is no known column of {grain}")
    if unknown := sorted(set(options) - {"scale", "percent", "negative"}):
        raise _Wrong(header, f"pilihan '{unknown[0]}' tidak dikenal", f"unknown option '{unknown[0]}'")
    kind = "percent" if meaning.type == "ratio" and options.get("percent") else KINDS[meaning.type]
    return Column(
        meaning.name,
        kind,
        (header,),
        scale=options.get("scale", 1),
        falls="freely" if options.get("negative") else None,
        required=True,
        additive=meaning.agg == "sum" if kind in ("count", "decimal") else None,
        unit=_unit(meaning),
    )


def _unit(meaning: ColumnMeaning) -> str | None:
    return {"seconds": "seconds", "ratio": "share"}.get(meaning.unit)


# ---- proposing a mapping --------------------------------------------------------------------------------------------------

# Names seen in a public importer of such tools; everything else is looked up in the headers of the built-in kinds.
SYNONYMS = {
    "url": "permalink",
    "link": "permalink",
    "permalink": "permalink",
    "post link": "permalink",
    "post": "caption",
    "text": "caption",
    "message": "caption",
    "caption": "caption",
    "post type": "post_type",
    "content type": "post_type",
    "profile": "handle",
    "username": "handle",
    "published": "published_at",
    "publish date": "published_at",
    "tanggal": "published_at",
    "date": "published_at",
    "reactions": "reactions",
    "engagements": "engagements_reported",
    "interactions": "interactions",
    "video views": "video_views",
    "followers": "followers",
    "engagement rate": "-",
    "network": "-",
}
PATTERNS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%b %-d, %Y",
    "%-d %b %Y",
)


def propose(header: Sequence[str], rows: Iterable[Sequence[str]], platform: str | None = None) -> str:
    """A mapping to start from, as TOML: what is known is filled in, what is not is marked ``"?"`` and must be decided."""
    names = [h for h in header if h.strip()]
    body = [list(r) for r in rows]
    guessed = {h: _guess(normalise(h)) for h in names}
    for place, name in enumerate(header):
        if guessed.get(name) == "post_id" and any(" " in r[place].strip() for r in body if place < len(r)):
            guessed[name] = "caption"  # what a platform calls its ids may be another tool's word for the text
    is_post = any(f in ("permalink", "post_id", "caption") for f in guessed.values())
    if not is_post:
        guessed = {h: "day" if f == "published_at" else f for h, f in guessed.items()}
    dated = [i for i, h in enumerate(header) if guessed.get(h) in ("published_at", "day")]
    patterns = _patterns([r[i] for r in body for i in dated if i < len(r) and r[i].strip()])
    lines = [
        '# Usulan dari terukur inspect: periksa setiap baris, ganti tiap "?", simpan di registry/mappings/<nama>.toml',
        'name = "?"',
        f'platform = "{platform or "?"}"',
        f'grain = "{"post" if is_post else "account_day"}"',
        *(['values = "?"  # lifetime: sejak tayang; period: hanya dalam periode laporan'] if is_post else []),
        'zone = "Asia/Jakarta"',
        f"dates = [{', '.join(_quoted(p) for p in patterns)}]" + ("  # pilih satu" if len(patterns) > 1 else ""),
        'empty = [""]',
        "",
        "[columns]",
        *(f"{_quoted(h)} = {_quoted(f)}" for h, f in guessed.items()),
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", " ", escaped) + '"'


def _guess(name: str) -> str:
    """The field most built-in kinds give this header; '?' if none does."""
    if name in SYNONYMS:
        return SYNONYMS[name]
    votes: dict[str, int] = {}
    for form in all_formats():
        for column in form.columns:
            if name in map(normalise, column.headers) and column.field in columns() and form.grain in ("post", "account_day"):
                votes[column.field] = votes.get(column.field, 0) + 1
    return max(votes, key=lambda f: votes[f]) if votes else "?"


def _patterns(texts: list[str]) -> list[str]:
    """The date patterns that read every sample value; both orders where the file does not tell."""
    found = [p for p in PATTERNS if texts and all(_fits(p, t.strip()) for t in texts)]
    return found[:2] or ["?"]


def _fits(pattern: str, text: str) -> bool:
    try:
        datetime.strptime(text, pattern.replace("%-", "%"))
    except ValueError:
        return False
    return True
