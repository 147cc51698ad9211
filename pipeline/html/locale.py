"""Words, numbers and dates in the language of the page.

Numbers are written here, in Python, and nowhere else: plotly's own Indonesian writes "Nopember" and no separators, a browser
follows its owner. Words come from gettext catalogues read at run time with Babel, without a build step: msgids are English, both
catalogues are complete, and a missing msgid is an error in the tests and the English text on a page.
"""

import functools
import math
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale as BabelLocale
from babel.dates import format_date, format_skeleton
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from pipeline.html.escape import Teks, teks

LANGUAGES = ("id", "en")
FOLDER = Path(__file__).parent / "locale"
MINUS = "\u2212"
MISSING = "–"
WIB = ZoneInfo("Asia/Jakarta")
_BABEL = {"id": BabelLocale("id", "ID"), "en": BabelLocale("en", "GB")}


@functools.cache
def catalogue(language: str) -> dict[str, Any]:
    path = FOLDER / language / "LC_MESSAGES" / "terukur.po"
    with path.open("rb") as file:
        return {
            message.id if isinstance(message.id, str) else message.id[0]: message.string
            for message in read_po(file)
            if message.id and isinstance(message.string, str | tuple)
        }


@functools.lru_cache(maxsize=10_000)
def _dated(language: str, value: date, pattern: str) -> str:
    return format_date(value, pattern, locale=_BABEL[language])


@functools.cache
def _month_short(language: str, month: int) -> str:
    return format_skeleton("MMM", date(2026, month, 1), locale=_BABEL[language])


class Words:
    """The voice of one language: sentences (`_`, `ngettext`), numbers, dates. Sentences are whole, with named placeholders."""

    def __init__(self, language: str):
        if language not in LANGUAGES:
            raise ValueError(f"language must be one of {LANGUAGES}, not {language!r}")
        self.language = language
        self.other = "en" if language == "id" else "id"
        self._messages = catalogue(language)
        self._decimal, self._group = (",", ".") if language == "id" else (".", ",")

    # -- sentences -------------------------------------------------------------------------------------------------------------
    def _(self, msgid: str, /, **values: object) -> Markup:
        """The sentence as HTML-safe markup: placeholders are escaped unless they already are markup."""
        found = self._messages.get(msgid)
        return self._fill(found if isinstance(found, str) and found else msgid, values)

    def ngettext(self, one: str, many: str, n: int, /, **values: object) -> Markup:
        found = self._messages.get(one)
        forms = found if isinstance(found, tuple) and all(found) else (one, many)
        form = forms[0] if len(forms) == 1 else forms[0 if n == 1 else 1]
        return self._fill(form, {"n": self.integer(n), **values})

    @staticmethod
    def _fill(sentence: str, values: dict[str, object]) -> Markup:
        return Markup(escape(sentence)).format(**values) if values else Markup(escape(sentence))  # noqa: S704  # escaped here

    def plain(self, msgid: str, /, **values: object) -> str:
        """The sentence as plain text, for CSV and attributes that the template escapes."""
        found = self._messages.get(msgid)
        sentence = found if isinstance(found, str) and found else msgid
        return sentence.format(**values) if values else sentence

    def plotly(self, msgid: str, /, **values: object) -> Teks:
        """The sentence for a figure: catalogue text and values both pass `teks`."""
        return teks(self.plain(msgid, **values), limit=400)

    # -- numbers ---------------------------------------------------------------------------------------------------------------
    def number(self, value: float | None, digits: int = 0, *, signed: bool = False) -> str:
        """12.345,7 or 12,345.7. Null and NaN are "–", never 0; minus is U+2212; what rounds to zero carries no sign."""
        if value is None or not math.isfinite(value):
            return MISSING
        text = f"{abs(value):,.{digits}f}"
        sign = "" if float(text.replace(",", "")) == 0 else (MINUS if value < 0 else "+" if signed else "")
        return sign + text.translate(str.maketrans(",.", self._group + self._decimal))

    def integer(self, value: float | None) -> str:
        return self.number(value, 0)

    def percent(self, ratio: float | None, digits: int = 0, *, signed: bool = False) -> str:
        """A ratio (0–1) as a percentage: 0.0266, 2 → 2,66%."""
        return MISSING if ratio is None or not math.isfinite(ratio) else self.number(ratio * 100, digits, signed=signed) + "%"

    def times(self, value: float | None, digits: int = 2) -> str:
        """×1,12: how many times the expected value."""
        return MISSING if value is None or not math.isfinite(value) else "×" + self.number(value, digits)

    def change(self, factor: float | None, digits: int = 0) -> str:
        """A factor between two periods as a signed percentage: 1.12 → +12%."""
        return MISSING if factor is None or not math.isfinite(factor) else self.percent(factor - 1, digits, signed=True)

    def points(self, value: float | None, digits: int = 2) -> str:
        """Percentage points, value already in points: +0,13 poin."""
        unit = "poin" if self.language == "id" else "pts"
        return MISSING if value is None or not math.isfinite(value) else f"{self.number(value, digits, signed=True)} {unit}"

    def interval(self, lower: float | None, upper: float | None, digits: int | None = None, *, kind: str = "number") -> str:
        """95%: 2,09–3,64, or with signs 95%: −0,30 s.d. +0,60 (a dash between signed numbers reads as a minus)."""
        if lower is None or upper is None or not (math.isfinite(lower) and math.isfinite(upper)):
            return MISSING
        digits = (0 if kind in ("change", "percent") else 2) if digits is None else digits
        if kind == "times":
            return f"95%: ×{self._beside_one(lower, digits)}–{self._beside_one(upper, digits)}"
        if kind == "change":
            return f"95%: {self.change(lower, digits)} {self.to} {self.change(upper, digits)}"
        if kind == "percent":
            return f"95%: {self.number(lower * 100, digits)}–{self.number(upper * 100, digits)}%"
        if lower < 0 or kind == "signed":
            return f"95%: {self.number(lower, digits, signed=True)} {self.to} {self.number(upper, digits, signed=True)}"
        return f"95%: {self.number(lower, digits)}–{self.number(upper, digits)}"

    def bound(self, value: float) -> str:
        """One end of a range of factors: ×1,001 where two digits would hide the side."""
        return f"×{self._beside_one(value, 2)}"

    def _beside_one(self, bound: float, digits: int) -> str:
        """A bound that only rounding would put on 1 keeps the digit that shows on which side it lies, and so what is certain."""
        near = round(bound, digits) == 1 and round(bound, digits + 1) != 1
        return self.number(bound, digits + near)

    @property
    def to(self) -> str:
        return "s.d." if self.language == "id" else "to"

    def compact(self, value: float | None) -> str:
        """8,4 jt · 12,3 rb · 940."""
        if value is None or not math.isfinite(value):
            return MISSING
        units = ((1e12, "T", "tn"), (1e9, "M", "bn"), (1e6, "jt", "m"), (1e3, "rb", "k"))
        for size, indonesian, english in units:
            if abs(value) >= size * 0.99995:
                return f"{self.number(value / size, 1)} {indonesian if self.language == 'id' else english}"
        return self.number(value, 0)

    def spoken(self, value: float | None) -> str:
        """As `compact`, in words that can be read aloud: 8,4 juta · 12,3 ribu · 940."""
        short, _, unit = self.compact(value).partition(" ")
        words = {
            "rb": "ribu",
            "jt": "juta",
            "M": "miliar",
            "T": "triliun",
            "k": "thousand",
            "m": "million",
            "bn": "billion",
            "tn": "trillion",
        }
        return f"{short} {words[unit]}" if unit else short

    def hours(self, value: float | None) -> str:
        """A duration in words short enough for a table: 45 menit, 14 jam, 3,5 hari."""
        if value is None or not math.isfinite(value):
            return MISSING
        minute, hour, day = ("menit", "jam", "hari") if self.language == "id" else ("min", "h", "days")
        if value < 1:
            return f"{self.number(value * 60)} {minute}"
        return f"{self.number(value, 0 if value >= 10 else 1)} {hour}" if value < 72 else f"{self.number(value / 24, 1)} {day}"

    def join(self, items: Iterable[object]) -> Markup:
        """A, B, dan C."""
        parts = [escape(item) for item in items]
        if len(parts) < 2:
            return Markup("").join(parts)
        last = {"id": "dan", "en": "and"}[self.language]
        if len(parts) == 2:
            return Markup(" {} ").format(last).join(parts)
        return Markup(", ").join([*parts[:-1], Markup("{} {}").format(last, parts[-1])])

    # -- dates -----------------------------------------------------------------------------------------------------------------
    def day(self, value: date | None) -> str:
        """31 Okt 2026."""
        return MISSING if value is None else _dated(self.language, value, "d MMM y")

    def day_long(self, value: date | None) -> str:
        return MISSING if value is None else _dated(self.language, value, "d MMMM y")

    def month(self, value: date | None) -> str:
        """Oktober 2026."""
        return MISSING if value is None else _dated(self.language, value, "MMMM y")

    def month_only(self, value: date | None) -> str:
        return MISSING if value is None else _dated(self.language, value, "MMMM")

    def month_short(self, value: date) -> str:
        return _month_short(self.language, value.month)

    def months(self, first: date | None, last: date | None) -> str:
        """Agu–Okt 2026, or Nov 2025–Jan 2026."""
        if first is None or last is None:
            return MISSING
        if (first.year, first.month) == (last.year, last.month):
            return f"{self.month_short(first)} {first.year}"
        start = self.month_short(first) + ("" if first.year == last.year else f" {first.year}")
        return f"{start}–{self.month_short(last)} {last.year}"

    def instant(self, value: datetime | None) -> str:
        """23 November 2026, 02.10 WIB; naive values are UTC, as in every published table."""
        if value is None:
            return MISSING
        local = (value if value.tzinfo else value.replace(tzinfo=ZoneInfo("UTC"))).astimezone(WIB)
        clock = f"{local:%H.%M}" if self.language == "id" else f"{local:%H:%M}"
        return f"{self.day_long(local.date())}, {clock} WIB"

    def weekday(self, index: int, width: str = "abbreviated") -> str:
        """0 = Monday; `width` "wide" for the whole name."""
        return str(_BABEL[self.language].days["format"][width][index])
