"""Short names for the columns that nearly every export has, so that a format reads like the header of its file."""

from typing import Any

from pipeline.formats import Column


def text(field: str, *en: str, **more: Any) -> Column:
    return Column(field, "text", en, **more)


def count(field: str, *en: str, **more: Any) -> Column:
    """A whole number that may be added over rows."""
    return Column(field, "count", en, **more)


def people(field: str, *en: str, **more: Any) -> Column:
    """A whole number that must not be added over rows: unique people, or a state such as a follower total."""
    return Column(field, "count", en, additive=False, **more)


def seconds(field: str, *en: str, **more: Any) -> Column:
    """Watch time; ``scale`` brings the file's unit to seconds."""
    return Column(field, "decimal", en, additive=True, unit="seconds", **more)


def ratio(field: str, *en: str, **more: Any) -> Column:
    """A fraction 0-1 as the file writes it; never added."""
    return Column(field, "decimal", en, unit="share", **more)


def percent(field: str, *en: str, **more: Any) -> Column:
    """A number 0-100 in the file, a ratio 0-1 in the rows; never added."""
    return Column(field, "percent", en, **more)


def ignored(*en: str, pattern: str | None = None, **more: Any) -> Column:
    """Headers that are known and of no use here; reported as such, so that an unknown one stands out."""
    return Column("_ignored", "ignored", en, pattern=pattern, **more)


def person(*en: str, **more: Any) -> Column:
    """Personal data: dropped unread."""
    return Column("_person", "person", en, **more)
