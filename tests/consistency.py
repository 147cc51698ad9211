"""One story: every figure on every page is the number that its id names, is written as one number wherever it stands, and figures
of one meaning in different tables agree. For the tests, and for any workspace: `python benchmarks/consistency.py WORKSPACE`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import polars as pl

from pipeline.engine import trace
from pipeline.html.locale import Words

SCHEMAS = ("estimates", "marts", "core", "meta")
WRITTEN_SHORT = ("platform_window", "account_window")  # short in a table, whole in a sentence

LISTED = "marts.agency_summary where is_listed"
# What is said twice by two tables, as queries that must give the same rows.
MEANINGS: Mapping[str, tuple[str, str]] = {
    "agencies above and below": (
        "select n_above, n_below from estimates.group_window where peer_group is null",
        f"select count(*) filter (level = 'up'), count(*) filter (level = 'down') from {LISTED}",
    ),
    "agencies improving, declining, without comparison": (
        "select n_up, n_down, n_uncompared from estimates.group_window where peer_group is null",
        "select count(*) filter (direction = 'up'), count(*) filter (direction = 'down'), "
        f"count(*) filter (coalesce(direction, 'data') = 'data') from {LISTED}",
    ),
    "groups add up to the regency": (
        "select n_agencies, n_up, n_flat, n_down, n_uncompared, n_above, n_below from estimates.group_window "
        "where peer_group is null",
        "select sum(n_agencies), sum(n_up), sum(n_flat), sum(n_down), sum(n_uncompared), sum(n_above), sum(n_below) "
        "from estimates.group_window where peer_group is not null",
    ),
    "agencies of the regency": (
        "select n_agencies from estimates.group_window where peer_group is null",
        f"select count(*) from {LISTED}",
    ),
    "posts of a platform are those of its known accounts": (
        "select platform, posts, accounts, accounts_known from marts.platform_window order by platform",
        "select platform, sum(posts), count(*), count(posts) from marts.account_window group by platform order by platform",
    ),
    "posts of an agency are those of its known accounts": (
        "select agency_id, posts from marts.agency_summary where posts is not null order by agency_id",
        "select agency_id, sum(posts) from marts.account_window group by agency_id having count(posts) > 0 order by agency_id",
    ),
    "accounts of the regency are those of its platforms": (
        "select accounts, accounts_known from marts.regency_window",
        "select sum(accounts), sum(accounts_known) from marts.platform_window",
    ),
    "coverage of an agency": (
        f"select agency_id, round(coverage, 6) from {LISTED} and coverage is not null order by agency_id",
        "select w.agency_id, round(w.coverage, 6) from estimates.agency_window w join marts.agency_summary s using (agency_id) "
        "where s.is_listed and s.coverage is not null order by w.agency_id",
    ),
    "questions of the regency are those of its agencies": (
        "select n, open from estimates.response_summary where agency_id is null",
        "select sum(n), sum(open) from estimates.response_summary where agency_id is not null",
    ),
    "files by agency and platform are the files": (
        "select sum(refused) from marts.export_platforms",
        "select count(*) from marts.export_files where outcome = 'refused' and agency_id is not null",
    ),
}


class Figures(HTMLParser):
    """(id, text) of every figure of a page."""

    def __init__(self, source: str):
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._id, self._text = "", ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self._id = dict(attrs).get("data-figure") or self._id

    def handle_data(self, text):
        self._text += text if self._id else ""

    def handle_endtag(self, tag):
        if self._id and tag == "span":
            self.found.append((self._id, self._text))
            self._id, self._text = "", ""


def forms(value, words: Words) -> set[str]:
    """Every way in which a page may write a value."""
    if isinstance(value, date | datetime):
        return {words.day(value)}
    if not isinstance(value, int | float):
        return {str(value)}
    written = {words.compact(value), words.spoken(value), words.hours(value)}
    for digits in range(4):
        written |= {
            words.number(value, digits),
            words.number(value, digits, signed=True),
            words.times(value, digits),
            words.percent(value, digits),
            words.change(value, digits),
        }
        if abs(value) < 50:
            written.add(words.change(2.718281828459045**value, digits))
    return written


def looked_up(version, figure: str):
    """The value that an id names: one row of a table, or None for a measurement. Raises ValueError where it names no one row."""
    table, column, keys = trace.parse(figure)
    if table == "metric":
        return None
    name = next(n for n in version.tables if n.split(".")[1] == table and n.split(".")[0] in SCHEMAS)
    rows = version.table(name)
    for key, value in keys.items():
        rows = rows.filter(pl.col(key).is_null() if not value else pl.col(key).cast(pl.Utf8) == value)
    if rows.height != 1:
        raise ValueError(f"{figure} names {rows.height} rows")
    return rows[column][0]


def figures_of(site: Path) -> Iterator[tuple[str, str, str]]:
    """(page, id, text) of all pages under a version's folder."""
    for path in sorted(site.glob("*/**/*.html")):
        for figure, text in Figures(path.read_text("utf-8")).found:
            yield str(path.relative_to(site)), figure, text


def differences(version, site: Path) -> tuple[list[str], Counter]:
    """What does not agree, and what was compared: figures, ids, meanings."""
    seen: dict[str, object] = {}
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    wrong, counted = [], Counter()
    for page, figure, text in figures_of(site):
        words = Words(page[:2])
        if figure not in seen:
            seen[figure] = looked_up(version, figure)
        counted["figures"] += 1
        said[page[:2], figure].setdefault(re.sub(r"[×+%\s]", "", text), page)
        if seen[figure] is not None and text not in forms(seen[figure], words):
            wrong.append(f"{page}: {figure} is written {text!r} and is {seen[figure]!r}")
    counted["ids"] = len(seen)
    wrong += list(_written_two_ways(said))
    for meaning, (one, other) in MEANINGS.items():
        left, right = version.sql(one).rows(), version.sql(other).rows()
        counted["meanings"] += 1
        if left != right:
            apart = [pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]] or [(len(left), len(right))]
            wrong.append(f"{meaning}: {apart[:3]}")
    return wrong, counted


def _written_two_ways(said: Mapping[tuple[str, str], Mapping[str, str]]) -> Iterator[str]:
    """The same id may be written with more or fewer digits, never as another number."""
    for (language, figure), texts in said.items():
        if figure.startswith(WRITTEN_SHORT):
            continue
        numbers = [_number(text, language) for text in texts if re.fullmatch(r"[\d.,]+", text)]
        if numbers and max(numbers) - min(numbers) > 0.51:
            yield f"{figure} is written {dict(texts)}"


def _number(text: str, language: str) -> float:
    return float(text.replace(".", "").replace(",", ".") if language == "id" else text.replace(",", ""))
