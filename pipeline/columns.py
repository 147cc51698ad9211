"""The vocabulary: what every column of every table means, its type, its unit and whether it may be added up."""

from dataclasses import dataclass
from functools import cache

from pipeline import files

TYPES = ("id", "text", "url", "date", "timestamp", "timestamp_wib", "int", "float", "ratio", "bool", "enum", "json", "list")
AGGREGATIONS = ("sum", "none", "last", "recompute", "weighted")
FILE = files.shipped("warehouse", "columns.yml")
TABLES = FILE.with_name("tables.yml")


@dataclass(frozen=True)
class ColumnMeaning:
    """One name and its one meaning. ``agg``: sum (additive over rows), last (a state), none (not additive), recompute (from
    its parts), weighted (by its natural base). ``hazard``: where the number misleads, empty where it does not."""

    name: str
    meaning_id: str
    meaning_en: str
    type: str
    agg: str
    unit: str = ""
    hazard_id: str = ""
    hazard_en: str = ""
    signed: bool = False  # an int that may be below 0
    values: tuple[str, ...] = ()  # all that the column may hold, where that is closed
    of_post: bool = False  # a value of a post that exports report: the tables of posts are made of these


@cache
def columns() -> dict[str, ColumnMeaning]:
    """Every column by name, in the order of the file."""
    entries = files.load_yaml(FILE.read_text(encoding="utf-8"))
    closed = ((name, entry, tuple(entry.pop("values", ()))) for name, entry in entries.items())
    return {name: ColumnMeaning(name=name, values=values, **entry) for name, entry, values in closed}


@cache
def of_post() -> dict[str, str]:
    """The reported values of a post, in the order of the file → their type in SQL. Counts are whole, measures are not."""
    return {name: "BIGINT" if c.type == "int" else "DOUBLE" for name, c in columns().items() if c.of_post}


@cache
def rows_of_tables() -> dict[str, str]:
    """Published table → what one of its rows is, in Indonesian."""
    return dict(files.load_yaml(TABLES.read_text(encoding="utf-8")))
