"""What stands in double braces in a file under `warehouse/`: lists whose home is elsewhere, filled in before DuckDB sees them.

    {{ post_values("CASE WHEN s.is_lifetime THEN s.{0} END AS {0}") }}    every reported value of a post (columns.yml, of_post)
    {{ engagement("t") }}, {{ engagement_parts("t") }}                    the sum by the rule of its platform, and what went in
    {{ role("exposure", "t") }}                                         the column that is exposure, share, … on its platform
    {{ local("d.day_zone", "d.captured_at") }}                            an instant as the clock on the wall of a zone shows it
    {{ part_missing("p") }}, {{ total_differs("p") }}                     conditions of checks

`t` is the alias of a relation with the column `platform` and the values of a post. A name in braces that is not here is an error.
What comes out is plain SQL: lineage, lint and other engines never see the braces.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, StrictUndefined, TemplateError

from pipeline.columns import of_post
from pipeline.platforms import Platform, having, platforms


class PlaceholderError(Exception):
    """A name in braces that nobody knows, or braces that are not closed."""


@cache
def fill(sql: str) -> str:
    """The SQL with its braces filled in. Raises PlaceholderError."""
    try:
        return str(_environment().from_string(sql).render()) if "{{" in sql else sql
    except (TemplateError, ValueError) as error:
        raise PlaceholderError(str(error)) from error


@cache
def _environment() -> Environment:
    made = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 - SQL of ours, not HTML
    made.globals = {f.__name__: f for f in (post_values, engagement, engagement_parts, role, local, part_missing, total_differs)}
    return made


def post_values(pattern: str = "{0}", separator: str = ", ") -> str:
    """Every reported value of a post by a pattern, one after the other."""
    return separator.join(pattern.format(name) for name in of_post())


def _by_platform(alias: str, said: dict[str, str]) -> str:
    """A CASE over platforms. It has no ELSE: the check `platforms_known` stops a platform that none of ours is."""
    cases = " ".join(f"WHEN '{name}' THEN {expression}" for name, expression in said.items())
    return f"CASE {alias + '.' if alias else ''}platform {cases} END"


def _sum(alias: str, platform: Platform) -> str:
    parts = [f"coalesce({alias}.{p}, 0)" if p in platform.sometimes else f"{alias}.{p}" for p in platform.engagement]
    added = " + ".join(parts)
    return f"coalesce({alias}.{platform.total}, {added})" if platform.total else added


def engagement(alias: str) -> str:
    """The public interactions of a post: null where a part is not reported, except those that only some files hold."""
    return _by_platform(alias, {name: _sum(alias, platform) for name, platform in platforms().items()})


def _named(alias: str, platform: Platform) -> str:
    whole, always = "+".join(platform.engagement), "+".join(platform.always)
    if not platform.sometimes:
        return f"'{whole}'"
    missing = " OR ".join(f"{alias}.{part} IS NULL" for part in platform.sometimes)
    return f"CASE WHEN {missing} THEN '{always}' ELSE '{whole}' END"


def engagement_parts(alias: str) -> str:
    """The names of what was added up: what has other parts is not compared."""
    return _by_platform(alias, {name: _named(alias, platform) for name, platform in platforms().items()})


def role(name: str, alias: str = "") -> str:
    """The column that plays a role (exposure, like, comment, share, save) on the row's platform; null where none does."""
    prefix = f"{alias}." if alias else ""
    return _by_platform(alias, {p: prefix + getattr(platforms()[p], name) for p in having(name)})


def local(zone: str, instant: str) -> str:
    """A UTC instant on the clock of a zone. Pacific is taken at its winter offset, so a day is never called over too early."""
    return (
        f"CASE {zone} WHEN 'America/Los_Angeles' THEN {instant} - INTERVAL 8 HOUR "
        f"WHEN 'Asia/Jakarta' THEN {instant} + INTERVAL 7 HOUR ELSE {instant} END"
    )


def part_missing(alias: str) -> str:
    """True where engagement could not be known: a part that must be there is not, and neither is the platform's own sum."""
    conditions = {}
    for name, platform in platforms().items():
        absent = " OR ".join(f"{alias}.{part} IS NULL" for part in platform.always)
        conditions[name] = f"{alias}.{platform.total} IS NULL AND ({absent})" if platform.total else absent
    return _by_platform(alias, conditions)


def total_differs(alias: str) -> str:
    """True where the platform's own sum is not the sum of the parts."""
    stated = {
        n: f"{alias}.{p.total} <> {' + '.join(f'{alias}.{x}' for x in p.always)}" for n, p in platforms().items() if p.total
    }
    return _by_platform(alias, stated)
