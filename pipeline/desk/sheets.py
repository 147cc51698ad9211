"""Figures that no platform lets anyone download, typed into a form: the sheets of `docs/templat/` without a spreadsheet.

What was typed becomes the same CSV that a person would have filled in, and goes through the same reader: the form checks nothing
by itself, so a figure is right or refused by one rule only.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.formats import Column, Format, by_kind
from pipeline.html.locale import Words
from pipeline.platforms import having

ROWS = 4
INPUTS = {"url": "url", "date": "date", "datetime": "datetime-local", "count": "text", "text": "text"}


@dataclass(frozen=True)
class Field:
    """One box of the form. `name` is the header of the sheet's column."""

    name: str
    label: str
    input: str
    required: bool
    value: str = ""


@dataclass(frozen=True)
class Sheet:
    """One hand-filled sheet as a form."""

    kind: str
    title: str
    fields: tuple[Field, ...]

    @property
    def name(self) -> str:
        return self.kind.removeprefix("template_")


def is_typed(platform: str) -> bool:
    """Whether nothing can be downloaded from a platform, so that its posts are typed into a sheet."""
    return platform in having("hand_filled")


def of_platform(platform: str, words: Words, today: date) -> list[Sheet]:
    """The sheets that an account of this platform may need: its followers, and its posts where nothing can be downloaded."""
    kinds = ["template_followers", *([f"template_{platform}"] if is_typed(platform) else [])]
    return [_sheet(by_kind(kind), words, today) for kind in kinds]


def _sheet(form: Format, words: Words, today: date) -> Sheet:
    title = form.title_id if words.language == "id" else form.title_en
    return Sheet(form.kind, title, tuple(_field(column, words, today) for column in form.columns))


def _field(column: Column, words: Words, today: date) -> Field:
    header = (column.id or column.en)[0]
    value = f"{today}" if column.kind == "date" else ""
    return Field(header, _label(column.field, words), INPUTS.get(column.kind, "text"), column.required, value)


def _label(name: str, words: Words) -> str:
    said = {
        "day": words.plain("Date"),
        "followers": words.plain("Followers"),
        "permalink": words.plain("Link of the post"),
        "published_at": words.plain("Published (date and time, WIB)"),
        "captured_on": words.plain("Figures read on"),
        "caption": words.plain("First words of the post (may stay empty)"),
        "views": words.plain("Views"),
        "likes": words.plain("Likes"),
        "reactions": words.plain("Reactions"),
        "replies": words.plain("Replies"),
        "comments": words.plain("Comments"),
        "reposts": words.plain("Reposts"),
        "quotes": words.plain("Quotes"),
        "shares": words.plain("Shares"),
        "forwards": words.plain("Forwards"),
    }
    return said[name]


def typed(sheet: Sheet, fields: Mapping[str, Sequence[str]]) -> bytes | None:
    """What was typed, as the sheet's CSV; None where every row is empty. A date alone is not a row: it was there already."""
    names = [field.name for field in sheet.fields]
    columns = [[_clean(text) for text in fields.get(name, ())] for name in names]
    length = max(map(len, columns), default=0)
    rows = list(zip(*(column + [""] * (length - len(column)) for column in columns), strict=True))
    given = [i for i, field in enumerate(sheet.fields) if not field.value]
    rows = [row for row in rows if any(row[i] for i in given)]
    if not rows:
        return None
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue().encode()


def _clean(text: str) -> str:
    """One line of text; a browser writes a moment with a T, which the sheets know."""
    return " ".join(text.split())


def file_name(sheet: Sheet, today: date) -> str:
    return f"isian-{sheet.name}-{today}.csv"
