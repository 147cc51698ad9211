"""The SQL of `warehouse/` keeps to what a second engine (Spark SQL through sqlglot) runs with the same result.

Each rule was learned from a wrong table or a refusal on Sail or Spark. It says why in one line, and has examples that it refuses.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from pipeline.columns import columns
from pipeline.engine import models

NOT_ZERO = {
    "s_e",
    "s_x",
    "shape_k",
    "m_e",
    "m_x",
}  # half-lives and shapes are above zero, shares of maturity at least one half there
MISSING_ELSEWHERE = {"percentile_cont", "quantile_cont", "median", "strip_accents", "fsum", "arg_max", "arg_min", "unpivot"}
ARITHMETIC = {"+", "-", "*", "/", "%"}
DOUBLES = {"power", "ln", "exp", "sqrt"}


def _nodes(sql: str) -> Iterator[dict]:
    return models._walk(models.parse(sql))


def _calls(sql: str, *names: str) -> list[dict]:
    return [n for n in _nodes(sql) if n.get("class") in ("FUNCTION", "WINDOW") and _name(n) in names]


def _name(node: dict) -> str:
    return node["qualified_name"]["path"][-1].lower() if node.get("qualified_name") else ""


def _arguments(node: dict) -> list[dict]:
    return [a.get("expression", a) for a in node.get("arguments") or node.get("children") or []]


def _text(node: dict) -> str:
    return str((node.get("literal") or {}).get("text", ""))


def _cast_to_double(node: dict) -> bool:
    return str((node.get("type_expr") or {}).get("type_name")).lower() == "double"


def _is_double(node: dict) -> bool:
    """A cast to DOUBLE, a function that gives one, or arithmetic with one."""
    if node.get("class") == "CAST":
        return _cast_to_double(node)
    return _name(node) in DOUBLES or (_name(node) in ARITHMETIC and any(map(_is_double, _arguments(node))))


def boundaries(sql: str) -> list[str]:
    """datediff('second') counts boundaries in DuckDB and truncates in Spark: whole seconds on both sides, and a DOUBLE."""
    cast = [id(n["child"]) for n in _nodes(sql) if n.get("class") == "CAST" and _cast_to_double(n)]
    wrong = []
    for call in _calls(sql, "datediff", "date_diff"):
        unit, *sides = _arguments(call)
        whole = all(_name(s) == "date_trunc" and _text(_arguments(s)[0]) == _text(unit) for s in sides)
        if _text(unit) != "day" and not (whole and id(call) in cast):
            wrong.append(f"datediff('{_text(unit)}')")
    return wrong


def decimals(sql: str) -> list[str]:
    """bigint + 0.5 is DECIMAL, which Sail divides wrongly in the third digit without an error: one side must be a DOUBLE."""
    return [
        f"{_name(n)} {_text(a)}"
        for n in _nodes(sql)
        if _name(n) in ARITHMETIC
        for a in _arguments(n)
        if (a.get("literal") or {}).get("kind") == "NUMERIC" and not any(map(_is_double, _arguments(n)))
    ]


def nested_unnest(sql: str) -> list[str]:
    """Spark has a generator as a whole column only: no unnest inside an expression."""
    top = {id(item) for n in _nodes(sql) for item in n.get("select_list") or []}
    return [_name(n) for n in _calls(sql, "unnest") if id(n) not in top]


def having_aliases(sql: str) -> list[str]:
    """In HAVING Spark reads an alias where DuckDB reads the column of that name."""
    wrong = []
    for node in _nodes(sql):
        if node.get("having"):
            made = {i["alias"] for i in node["select_list"] if i.get("alias") and i.get("column_names", [""])[-1] != i["alias"]}
            used = {n["column_names"][-1] for n in models._walk(node["having"]) if n.get("class") == "COLUMN_REF"}
            wrong += sorted(made & used)
    return wrong


def long_separators(sql: str) -> list[str]:
    """Spark splits on a regular expression: the separator is one character that means nothing in one."""
    separators = [_text(_arguments(n)[1]) for n in _calls(sql, "string_split", "split", "str_split")]
    return [s for s in separators if len(s) != 1 or s in r"\.^$|?*+()[]{}"]


def filtered_windows(sql: str) -> list[str]:
    """Sail refuses FILTER in a window, Spark too: sum(CASE WHEN condition THEN value END) OVER …"""
    return [_name(n) or str(n.get("function_name")) for n in _nodes(sql) if n.get("class") == "WINDOW" and n.get("filter_expr")]


def moved_dates(sql: str) -> list[str]:
    """A column of months cannot be taken from a date there: an interval is one number; else make_date of a counted month."""
    lengths = [n for n in _nodes(sql) if n.get("class") == "FUNCTION" and _name(n).startswith("to_")]
    inside = [_name(n) for n in lengths if any(x.get("class") == "COLUMN_REF" for x in models._walk(n))]
    return inside + [
        _name(n) for n in _nodes(sql) if _name(n) in ("*", "/") and any(_name(a).startswith("to_") for a in _arguments(n))
    ]


def double_columns(sql: str) -> list[str]:
    """Two columns of one name: DuckDB takes the first for it, Sail says ambiguous. `t.*` beside a column that t has already."""
    wrong: list[str] = []

    def every(columns: models.Columns) -> list[str]:
        return [*columns, *(name for table in columns.tables for name in _known().get(table, ()))]

    def look(node: dict, outer: dict[str, models.Columns]) -> None:
        ctes = dict(outer)
        for entry in node.get("cte_map", {}).get("map", []):
            look(entry["value"]["query_node"], ctes)
            ctes[entry["key"]] = models._lineage(entry["value"]["query_node"], ctes)
        for side in node.get("children") or [node[k] for k in ("left", "right") if k in node]:
            if node["type"] == "SET_OPERATION_NODE":
                look(side, ctes)
        if node["type"] != "SELECT_NODE":
            return
        scope, names = dict(models._scope(node["from_table"], ctes)), []
        for item in node["select_list"]:
            if item["class"] == "STAR":
                chosen = [c for name, c in scope.items() if item.get("relation_name") in ("", None, name)]
                names += [name for columns in chosen for name in every(columns)]
            else:
                names.append(item["alias"] or item.get("column_names", [""])[-1])
        wrong.extend(sorted({name for name in names if name and names.count(name) > 1}))

    look(models.parse(sql), {})
    return wrong


def float_sums(sql: str) -> list[str]:
    """A sum of floats depends on the order of the rows, which is that of threads, files and workers: summed as DECIMAL."""
    exact = [
        id(x)
        for n in _nodes(sql)
        if n.get("class") == "CAST" and str((n.get("type_expr") or {}).get("type_name")).lower() == "decimal"
        for x in models._walk(n)
    ]
    return [
        f"{_name(call)} {x['column_names'][-1]}"
        for call in _calls(sql, "sum", "avg")
        for argument in _arguments(call)
        for x in _summed(argument)
        if x["column_names"][-1] in _floats() and id(x) not in exact
    ]


def _summed(node: dict) -> Iterator[dict]:
    """The columns that go into a value; conditions decide only whether."""
    if node.get("class") == "CASE":
        for value in [c["then_expr"] for c in node["case_checks"]] + [node["else_expr"]]:
            yield from _summed(value)
    else:
        yield from (x for x in models._walk(node) if x.get("class") == "COLUMN_REF")


@cache
def _floats() -> frozenset[str]:
    return frozenset(name for name, column in columns().items() if column.type in ("float", "ratio")) | {"ln_lift"}


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """The columns of every table of SQL; a table that Python makes names its own when it is built."""
    return {m.name: m.columns for m in models.models() if m.sql}


def week_days(sql: str) -> list[str]:
    """dayofweek begins with another day in Spark: datediff('day', DATE '2024-01-01', d) % 7, made positive for earlier days."""
    parts = [_text(_arguments(n)[0]) for n in _calls(sql, "date_part", "datepart", "extract") if _arguments(n)]
    return [_name(n) for n in _calls(sql, "dayofweek", "weekday", "isodow")] + [p for p in parts if p in ("dow", "isodow")]


def zero_divisors(sql: str) -> list[str]:
    """x / 0 is null here and an error there: a divisor is nullif, a number, or a quantity that cannot be zero."""
    wrong = []
    for node in _nodes(sql):
        if _name(node) in ("/", "%", "//"):
            by = _arguments(node)[1]
            inside = {n["column_names"][-1] for n in models._walk(by) if n.get("class") == "COLUMN_REF"}
            if _name(by) != "nullif" and not (_text(by) and float(_text(by))) and not (inside and inside <= NOT_ZERO):
                wrong.append(str(inside or _name(by)))
    return wrong


def unknown_functions(sql: str) -> list[str]:
    """Functions that the second engine lacks, or rounds differently."""
    return sorted(n for n in models.functions_of(sql) if n in MISSING_ELSEWHERE)


def lists(sql: str) -> list[str]:
    """list() has no order there that is kept, and len() of one is another function: string_agg(… ORDER BY …), count."""
    return [_name(n) for n in _calls(sql, "list", "array_agg", "list_sort", "len")]


def dialect(sql: str) -> list[str]:
    """Spelling that only DuckDB reads, or that sqlglot carries over with another meaning."""
    text = re.sub(r"--[^\n]*|'[^']*'", "", sql).lower()
    phrases = ("distinct on", "asof ", "exclude (", "exclude(", "replace (", "by name", "using sample", "::", "using (")
    return [phrase for phrase in phrases if phrase in text]


RULES: dict[Callable[[str], list[str]], tuple[str, ...]] = {
    boundaries: (
        "SELECT datediff('second', a, b) / 3600 AS h FROM core.t",
        "SELECT CAST(datediff('second', date_trunc('second', a), b) AS DOUBLE) AS s FROM core.t",
    ),
    decimals: ("SELECT ln(n + 0.5) AS x FROM core.t", "SELECT n FROM core.t WHERE n >= 0.9 * m"),
    nested_unnest: ("SELECT trim(unnest(string_split(a, ';'))) AS w FROM core.t",),
    having_aliases: ("SELECT w, min(a) AS a FROM core.t GROUP BY w HAVING count(DISTINCT a) = 1",),
    long_separators: ("SELECT string_split(a, ', ') AS w FROM core.t", "SELECT string_split(a, '|') AS w FROM core.t"),
    filtered_windows: (
        "SELECT sum(a) FILTER (b) OVER (PARTITION BY c) AS s FROM core.t",
        "SELECT sum(a) FILTER (b) OVER w AS s FROM core.t WINDOW w AS (PARTITION BY c)",
    ),
    moved_dates: (
        "SELECT d - n * INTERVAL 1 MONTH AS e FROM core.t",
        "SELECT d - INTERVAL (n) MONTH AS e FROM core.t",
    ),
    double_columns: (
        "WITH m AS (SELECT a, b FROM core.t) SELECT m.*, u.b FROM m CROSS JOIN core.u",
        "SELECT m.*, c.listed_days FROM marts.account_month m JOIN marts.coverage_month c ON c.month = m.month",
        "WITH a AS (SELECT x FROM core.t), b AS (SELECT x FROM core.u) SELECT * FROM a CROSS JOIN b",
    ),
    float_sums: (
        "SELECT sum(e_final) AS e FROM core.t",
        "SELECT avg(CASE WHEN n > 0 THEN ln_lift END) AS l FROM core.t",
        "SELECT sum(er_log_mean) OVER (PARTITION BY platform) AS l FROM core.t",
    ),
    week_days: ("SELECT dayofweek(d) AS w FROM core.t", "SELECT extract('dow' FROM d) AS w FROM core.t"),
    zero_divisors: ("SELECT a / b AS r FROM core.t", "SELECT a / 0 AS r FROM core.t"),
    unknown_functions: ("SELECT median(a) AS m FROM core.t", "SELECT arg_max(a, b) AS m FROM core.t"),
    lists: ("SELECT len(list(a)) AS m FROM core.t",),
    dialect: (
        "SELECT * EXCLUDE (a) FROM core.t",
        "SELECT a::DATE AS d FROM core.t",
        "SELECT a FROM core.t UNION BY NAME SELECT a FROM core.u",
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_construct_that_another_engine_reads_differently_is_refused(rule):
    assert rule.__doc__, "a rule says why"
    for example in RULES[rule]:
        assert rule(example), example


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tables_are_free_of_it(rule):
    texts = {m.name: m.sql for m in models.models() if m.kind == "sql"}
    assert {name: found for name, sql in texts.items() if (found := rule(sql))} == {}


def test_what_is_right_is_not_refused():
    right = """SELECT CAST(datediff('second', date_trunc('second', a), date_trunc('second', b)) AS DOUBLE) / 3600 AS h,
        ln((CAST(n AS DOUBLE) + 0.5) / nullif(CAST(m AS DOUBLE) + 1, 0)) AS r, unnest(string_split(w, ';')) AS w,
        (datediff('day', DATE '2024-01-01', d) % 7 + 7) % 7 AS weekday, d - INTERVAL 12 MONTH AS e,
        count(*) FILTER (n > 0) AS k, sum(CASE WHEN n > 0 THEN n END) OVER (PARTITION BY w) AS s
    FROM core.t"""
    assert {rule.__name__: found for rule in RULES if (found := rule(right))} == {}
