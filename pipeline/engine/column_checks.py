"""Checks made from the vocabulary: what columns.yml says of a column holds in every table that was built.

Types are those of `SQL_TYPES`. A whole number is not negative unless it is `signed`, a ratio lies within 0 and 1, a float is no
NaN, and a column with `values` holds nothing else. In core, which is what exports say, a wrong value sets its exports aside; in
what is derived from it a wrong value is a fault of ours, so it only warns: no sound export must be held for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.columns import ColumnMeaning, columns

SQL_TYPES = {
    "int": ("BIGINT", "INTEGER"),
    "float": ("DOUBLE", "INTEGER", "BIGINT"),
    "ratio": ("DOUBLE",),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP",),
    "timestamp_wib": ("TIMESTAMP",),
    "bool": ("BOOLEAN",),
    "text": ("VARCHAR",),
    "enum": ("VARCHAR",),
    "url": ("VARCHAR",),
    "id": ("VARCHAR", "BIGINT"),
    "json": ("VARCHAR", "JSON"),
    "list": ("VARCHAR[]", "BIGINT[]"),
}
WHERE_FROM = {"export_id": "BIGINT", "account_id": "VARCHAR", "post_key": "BIGINT"}  # what leads from a row back to its exports
NOTHING = "SELECT CAST(NULL AS VARCHAR) AS table_name WHERE FALSE"
Tables = Mapping[str, Mapping[str, str]]  # table -> column -> type in SQL


def types(tables: Tables) -> str:
    """The columns whose type is not the one that columns.yml gives, or of which it knows nothing."""
    wrong = [
        f"SELECT '{table}' AS table_name, '{name}' AS column_name, '{kind}' AS found, '{_said(name)}' AS said"
        for table, known in tables.items()
        if not table.startswith("staging.")  # names that nobody outside sees
        for name, kind in known.items()
        if name not in columns() or kind not in SQL_TYPES[columns()[name].type]
    ]
    return " UNION ALL ".join(wrong) or NOTHING


def _said(name: str) -> str:
    return columns()[name].type if name in columns() else "-"


def values(tables: Tables, *schemas: str) -> str:
    """The rows with a value that columns.yml does not allow, and what leads to their exports."""
    wanted = (_rows(table, known) for table, known in tables.items() if table.split(".")[0] in schemas)
    return " UNION ALL ".join(filter(None, wanted)) or NOTHING


def _rows(table: str, known: Mapping[str, str]) -> str:
    conditions = {name: c for name, kind in known.items() if name in columns() for c in [_wrong(columns()[name], kind)] if c}
    if not conditions:
        return ""
    shown = ", ".join(f"CASE WHEN {c} THEN '{n} = ' || CAST(\"{n}\" AS VARCHAR) END" for n, c in conditions.items())
    traced = ", ".join(f"{n if n in known else f'CAST(NULL AS {kind})'} AS {n}" for n, kind in WHERE_FROM.items())
    return (
        f"SELECT '{table}' AS table_name, concat_ws(', ', {shown}) AS wrong, {traced} "  # noqa: S608 - names are ours
        f"FROM {table} WHERE {' OR '.join(conditions.values())}"
    )


def _wrong(said: ColumnMeaning, kind: str) -> str:
    """The condition under which a value breaks what is said of its column; empty where anything goes."""
    return " OR ".join(_conditions(said, kind))


def _conditions(said: ColumnMeaning, kind: str) -> Iterator[str]:
    if kind == "DOUBLE":
        yield f'NOT isfinite("{said.name}")'
    if said.type == "ratio":
        yield f'"{said.name}" < -1e-9 OR "{said.name}" > 1 + 1e-9'  # the last bits of a float mean nothing
    elif (said.type == "int" or said.of_post) and kind in ("BIGINT", "INTEGER", "DOUBLE") and not said.signed:
        yield f'"{said.name}" < 0'
    if said.values:
        listed = ", ".join(f"'{value}'" for value in said.values)
        yield f'"{said.name}" NOT IN ({listed})'
