"""What the tables are: the SQL files under `warehouse/` and the Python tables, as one ordered graph.

One file is one SELECT is one table. The first comment says what a row is, `-- key:` names the columns that make it unique.
What a table reads, and which columns feed which, is taken from DuckDB's own parser: nobody writes dependencies down.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from pipeline.engine import column_checks
from pipeline.engine.placeholders import PlaceholderError, fill
from pipeline.files import shipped
from pipeline.tables import Table

WAREHOUSE = shipped("warehouse")
Node = dict[str, Any]  # of DuckDB's syntax tree
SCHEMAS = ("staging", "core", "marts")
SOURCES = ("raw", "registry", "reference")  # attached before the first table: private rows, registers, our own CSV files
BUILT = ("core", "marts", "estimates")  # schemas that a table made by Python may stand in
PYTHON_TABLES = "pipeline.estimates"  # named, never imported: the engine finds tables by folder and knows none of them


class ModelError(Exception):
    """A file under `warehouse/` is not what a table's file must be; the message names the file."""


@dataclass(frozen=True)
class Model:
    """One table: `name` is schema.table, `kind` is sql or python, `depends_on` are the tables it reads (sources left out)."""

    name: str
    kind: str
    path: Path | None
    description: str
    key: tuple[str, ...]
    depends_on: tuple[str, ...]
    sources: tuple[str, ...] = ()
    sql: str = ""
    table: Table | None = field(default=None, repr=False, compare=False)

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    @property
    def is_published(self) -> bool:
        return self.schema != "staging"

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names as the final SELECT gives them; empty for a Python table, which knows them when it is built."""
        return tuple(lineage(self.sql)) if self.sql else ()


@dataclass(frozen=True)
class Check:
    """One rule: its SQL returns the rows that break it.

    Exports that a blocking check names by its rows (`export_id`, `post_key`, `account_id`) are set aside; if it names none,
    nothing is published. `of_key`: the table whose key it is about. `written`: makes the SQL once the tables are known.
    """

    name: str
    sql: str
    blocking: bool
    message_id: str
    message_en: str
    of_key: Model | None = None
    written: Callable[[Mapping[str, Mapping[str, str]]], str] | None = None

    @property
    def rows(self) -> str:
        """The rows themselves that break the rule, with all their columns where it is about a key."""
        if self.of_key is None:
            return self.sql
        keys = ", ".join(self.of_key.key)
        return f"SELECT * FROM {self.of_key.name} QUALIFY count(*) OVER (PARTITION BY {keys}) > 1"  # noqa: S608 - names are ours


def models() -> list[Model]:
    """Every table in the order in which it can be built. Raises ModelError for an unknown table, a cycle or a bad header."""
    found: dict[str, Model] = {}
    for model in (*_sql_models(), *_python_models()):
        if model.name in found:
            raise ModelError(f"{model.path}: makes {model.name}, which {found[model.name].path} makes already")
        found[model.name] = model
    for model in found.values():
        for needed in model.depends_on:
            if needed not in found:
                raise ModelError(
                    f"{model.path or model.name}: reads {needed}, which is no table. Nearest: {_nearest(needed, found)}"
                )
    graph = {name: sorted(model.depends_on) for name, model in sorted(found.items())}
    try:
        return [found[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ModelError(f"tables read each other in a circle: {' -> '.join(error.args[1])}") from None


def checks() -> list[Check]:
    """The rules of `warehouse/checks`, those of the vocabulary, and one for the key of every table."""
    written = [_check(path) for path in sorted((WAREHOUSE / "checks").glob("*.sql"))]
    return written + column_rules() + [_key_check(model) for model in models() if model.key and model.is_published]


def column_rules() -> list[Check]:
    """What columns.yml says of types, signs, ratios and closed vocabularies, over all tables. Only in core do they block."""
    say = "warehouse/columns.yml"
    return [
        Check(
            "column_types",
            "",
            False,
            f"Ada kolom yang jenisnya bukan yang tertulis di {say}.",
            f"A column is not of the type that {say} gives.",
            written=column_checks.types,
        ),
        Check(
            "column_values",
            "",
            True,
            f"Ada nilai yang menurut {say} tidak mungkin: hitungan negatif, bagian di luar 0–1, atau pilihan yang tidak dikenal.",
            f"A value is impossible by {say}: a negative count, a share outside 0–1, or an unknown choice.",
            written=lambda tables: column_checks.values(tables, "core"),
        ),
        Check(
            "column_values_derived",
            "",
            False,
            f"Ada hasil hitungan yang menurut {say} tidak mungkin: hitungan negatif, bagian di luar 0–1, atau bukan angka.",
            f"A derived value is impossible by {say}: a negative count, a share outside 0–1, or no number.",
            written=lambda tables: column_checks.values(tables, "marts", "estimates"),
        ),
    ]


def reference_files() -> list[Path]:
    """Small CSV files that ship with the SQL (series breaks, …): attached as `reference.<name>`, all columns text."""
    return sorted(WAREHOUSE.glob("*.csv"))


def _sql_models() -> Iterator[Model]:
    for schema in SCHEMAS:
        for path in sorted((WAREHOUSE / schema).glob("*.sql")):
            yield read_model(path, schema)


def read_model(path: Path, schema: str) -> Model:
    """The model in one SQL file; its name is its place."""
    sql = _text(path)
    comments = _leading_comments(sql)
    key = next((c.removeprefix("key:") for c in comments if c.startswith("key:")), None)
    description = " ".join(c for c in comments if not c.startswith("key:"))
    if not description or key is None:
        raise ModelError(f"{path}: begin with a comment that says what one row is, and a line `-- key: column, column`")
    used = tables_of(sql)
    return Model(
        name=f"{schema}.{path.stem}",
        kind="sql",
        path=path,
        description=description,
        key=tuple(c.strip() for c in key.split(",") if c.strip()),
        depends_on=tuple(t for t in used if t.split(".")[0] not in SOURCES),
        sources=tuple(t for t in used if t.split(".")[0] in SOURCES),
        sql=sql,
    )


def _python_models() -> Iterator[Model]:
    for name, table, path in python_tables():
        yield Model(
            name=name,
            kind="python",
            path=path,
            description=table.description,
            key=tuple(table.key),
            depends_on=tuple(t for t in table.needs if t.split(".")[0] not in SOURCES),
            sources=tuple(t for t in table.needs if t.split(".")[0] in SOURCES),
            table=table,
        )


@cache
def python_tables(package: str = PYTHON_TABLES) -> tuple[tuple[str, Table, Path], ...]:
    """(name, table, file) of every table that Python makes: each module of the package names its tables in TABLES.

    Raises ModelError for a module that names none, for a name that is no schema.table, and for a table that two modules make.
    """
    found: dict[str, tuple[str, Table, Path]] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        module = importlib.import_module(info.name)
        path, tables = Path(str(module.__file__)), getattr(module, "TABLES", None)
        if not tables:
            raise ModelError(f"{path}: makes no table; name what it makes in TABLES")
        for name, table in tables.items():
            if not re.fullmatch(rf"({'|'.join(BUILT)})\.[a-z][a-z0-9_]*", name):
                raise ModelError(f"{path}: {name!r} is no name of a table; write schema.table with one of {', '.join(BUILT)}")
            if name in found:
                raise ModelError(f"{path}: makes {name}, which {found[name][2].name} makes already")
            found[name] = (name, table, path)
    return tuple(found.values())


def _leading_comments(sql: str) -> list[str]:
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return lines


def _text(path: Path) -> str:
    """The SQL of a file, braces filled in."""
    try:
        return fill(path.read_text(encoding="utf-8"))
    except PlaceholderError as error:
        raise ModelError(f"{path}: {error}") from None


def _check(path: Path) -> Check:
    sql = _text(path)
    header = dict(re.findall(r"^-- (id|en|blocking): (.+)$", sql, flags=re.MULTILINE))
    if set(header) != {"id", "en", "blocking"} or header["blocking"] not in ("yes", "no"):
        raise ModelError(f"{path}: begin with `-- id:`, `-- en:` and `-- blocking: yes|no`")
    return Check(path.stem, sql, header["blocking"] == "yes", header["id"], header["en"])


def _key_check(model: Model) -> Check:
    keys = ", ".join(model.key)
    sql = f"SELECT {keys}, count(*) AS n FROM {model.name} GROUP BY {keys} HAVING count(*) > 1"  # noqa: S608 - names are ours
    return Check(
        f"unique_{model.name.replace('.', '_')}",
        sql,
        True,
        f"Tabel {model.name} memuat dua baris untuk satu {keys}.",
        f"Table {model.name} holds two rows for one {keys}.",
        of_key=model,
    )


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    import difflib

    return ", ".join(difflib.get_close_matches(name, known, n=1)) or "-"


# --- the parser: which tables, which columns ---------------------------------------------------------------------------


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """One connection for all texts: opening it costs more than parsing them."""
    return duckdb.connect(":memory:")


@cache
def parse(sql: str) -> Node:
    """DuckDB's syntax tree of one SELECT. Raises ModelError where the text is not exactly one SELECT."""
    tree = json.loads(_parser().execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree.get("error"):
        raise ModelError(f"{tree.get('error_message')}: {sql[:80]}")
    if len(tree["statements"]) != 1:
        raise ModelError(f"one file is one SELECT: {sql[:80]}")
    node: Node = tree["statements"][0]["node"]
    return node


@cache
def tables_of(sql: str) -> tuple[str, ...]:
    """Names schema.table that a SELECT reads, sorted; its own CTEs are not tables."""
    found = {".".join(node["qualified_name"]["path"]) for node in _walk(parse(sql)) if node.get("type") == "BASE_TABLE"}
    return tuple(sorted(name for name in found if "." in name))


def functions_of(sql: str) -> set[str]:
    """Names of all functions a SELECT calls, lower case."""
    nodes = _walk(parse(sql))
    return {
        n["qualified_name"]["path"][-1].lower()
        for n in nodes
        if n.get("class") in ("FUNCTION", "WINDOW") and n.get("qualified_name")
    }


def _walk(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


class Columns(dict[str, set[tuple[str, str]]]):
    """Column -> where its values come from. A stored table, and `*` over one, answers for any column by its name."""

    def __init__(self, *tables: str) -> None:
        super().__init__()
        self.tables = list(tables)

    def origins(self, column: str) -> set[tuple[str, str]]:
        return self[column] if column in self else {(table, column) for table in self.tables}

    def knows(self, column: str) -> bool:
        return column in self or bool(self.tables)


@cache
def lineage(sql: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Output column -> the (table, column) pairs its value is made from, in SELECT order. Filters do not count."""
    return {name: tuple(sorted(origins)) for name, origins in _lineage(parse(sql), {}).items()}


def _lineage(node: Node, outer: Mapping[str, Columns]) -> Columns:
    ctes = dict(outer)
    for entry in node.get("cte_map", {}).get("map", []):
        ctes[entry["key"]] = _lineage(entry["value"]["query_node"], ctes)
    if node["type"] == "SET_OPERATION_NODE":
        sides = [_lineage(side, ctes) for side in node.get("children") or (node["left"], node["right"])]
        united = Columns(*(table for side in sides for table in side.tables))
        for i, name in enumerate(sides[0]):
            united[name] = set().union(*(list(side.values())[i] for side in sides if i < len(side)))
        return united
    if node["type"] != "SELECT_NODE":
        raise ModelError(f"lineage of {node['type']} is not known")
    scope = dict(_scope(node["from_table"], ctes))
    result = Columns()
    for position, item in enumerate(node["select_list"]):
        if item["class"] == "STAR":
            for name, columns in scope.items():
                if item.get("relation_name") in ("", None, name):
                    result.update(columns)
                    result.tables += columns.tables
            continue
        name = item["alias"] or (item["column_names"][-1] if item["class"] == "COLUMN_REF" else f"column{position}")
        result[name] = _origins(item, scope, ctes)
    return result


def _query_node(query: Node) -> Node:
    node: Node = query.get("node", query)
    return node


def _scope(table: Node, ctes: Mapping[str, Columns]) -> Iterator[tuple[str, Columns]]:
    """Alias -> its columns, for everything in a FROM clause."""
    kind = table["type"]
    if kind == "JOIN":
        yield from _scope(table["left"], ctes)
        yield from _scope(table["right"], ctes)
    elif kind == "BASE_TABLE":
        path = table["qualified_name"]["path"]
        name = ".".join(path)
        yield table["alias"] or path[-1], ctes[name] if name in ctes else Columns(name)
    elif kind == "SUBQUERY":
        yield table["alias"], _lineage(_query_node(table["subquery"]), ctes)


def _origins(expression: Any, scope: Mapping[str, Columns], ctes: Mapping[str, Columns]) -> set[tuple[str, str]]:
    if isinstance(expression, list):
        return set().union(*(_origins(e, scope, ctes) for e in expression)) if expression else set()
    if not isinstance(expression, dict):
        return set()
    if expression.get("class") == "COLUMN_REF":
        return _column(expression["column_names"], scope)
    if expression.get("class") == "SUBQUERY":
        inner = _lineage(_query_node(expression["subquery"]), ctes)
        return set().union(*inner.values()) if inner else set()
    return set().union(*(_origins(v, scope, ctes) for v in expression.values())) if expression else set()


def _column(names: list[str], scope: Mapping[str, Columns]) -> set[tuple[str, str]]:
    column = names[-1]
    if len(names) > 1 and names[-2] in scope:
        return set(scope[names[-2]].origins(column))
    named = [columns for columns in scope.values() if column in columns]
    if named:
        return set(named[0][column])
    possible = [columns for columns in scope.values() if columns.tables]
    return set(possible[0].origins(column)) if len(possible) == 1 else set()


def lineage_of(model: Model) -> dict[str, tuple[tuple[str, str], ...]]:
    """Column lineage of a table; a Python table says only which tables it reads, under the name `*`."""
    if model.sql:
        return lineage(model.sql)
    return {"*": tuple((name, "*") for name in (*model.depends_on, *model.sources))}
