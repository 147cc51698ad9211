"""What a table is made of, as one short text: it changes when a figure may have changed by our own doing, and only then.

Of SQL counts what DuckDB's parser reads, of Python the syntax tree without docstrings: a comment, a line break or a new sentence
for people changes nothing. A table is made of its own SQL or Python, of all that its Python imports from this package, of the
files that are named there, and of the tables it reads; raw rows are made of the reader, registers of the registry's code.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pipeline.engine import models
from pipeline.engine.models import Model
from pipeline.files import load_yaml
from pipeline.stamps import digest

PACKAGE = Path(str(files("pipeline")))
READER = ("exports", "formats", "intake")  # the rooms that turn a file into raw rows
RAW = ("engine/raw.py", "columns.py", "platforms.py")  # and what these rows are
REGISTRY = ("registry.py", "thresholds.py")  # what registers and registry.thresholds are
NAMED = (".csv", ".yml", ".json")


def of_models(tables: Iterable[Model]) -> dict[str, str]:
    """Table -> fingerprint. `tables` in the order in which they are built: each is made of those before it."""
    found: dict[str, str] = {}
    for table in tables:
        found[table.name] = of_model(table, found)
    return found


def of_model(table: Model, found: Mapping[str, str]) -> str:
    """The fingerprint of one table; `found`: of those that it reads."""
    parts = [sql(table.sql)] if table.sql else [*python(table.path), registry()]
    parts += [found[name] for name in table.depends_on]
    parts += [source(name) for name in table.sources]
    return digest(parts)


@cache
def sql(text: str) -> str:
    """What the parser reads of one SELECT; where in the text it stood is left out."""
    return json.dumps(_without_place(models.parse(text)), sort_keys=True)


def _without_place(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_place(value) for key, value in node.items() if key != "query_location"}
    return [_without_place(value) for value in node] if isinstance(node, list) else node


def source(name: str) -> str:
    """The fingerprint of what is not built: raw rows, registers, files that come with the SQL."""
    kind, _, rest = name.partition(".")
    if kind == "raw":
        return reader()
    if kind == "registry":
        return registry()
    return digest(named(path) for ending in NAMED if (path := models.WAREHOUSE / f"{rest}{ending}").exists())


@cache
def reader() -> str:
    """Changes with whatever decides which rows a file becomes and whose they are."""
    paths = [path for room in READER for path in sorted((PACKAGE / room).glob("*.py"))]
    return digest(_code([*paths, *(path for name in RAW if (path := PACKAGE / name).exists())]))


@cache
def registry() -> str:
    return digest(_code([PACKAGE / name for name in REGISTRY]))


def _code(paths: Iterable[Path]) -> list[str]:
    return [part for path in paths for part in (module(path).code, *(named(file) for file in files_named_in(path)))]


def python(path: Path | None) -> list[str]:
    """The code of a module and of everything of this package that it imports, directly or not, with the files they name."""
    return _code(imported_by(path)) if path else []


@dataclass(frozen=True)
class Module:
    """One Python file, read once: the digest of its code, the names it imports, and the texts in it that may name a file."""

    code: str
    imports: frozenset[str]
    names: frozenset[str]


@cache
def module(path: Path) -> Module:
    """A module without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imports |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(NAMED):
            names.add(node.value)
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return Module(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), frozenset(imports), frozenset(names))


@cache
def imported_by(path: Path) -> tuple[Path, ...]:
    """The module itself and all modules of its package that it imports, also inside functions; sorted by path."""
    root = next(folder for folder in path.parents if not (folder / "__init__.py").exists())
    found, waiting = {path}, [path]
    while waiting:
        places = (root.joinpath(*name.split(".")) for name in module(waiting.pop()).imports)
        files_there = {f for place in places for f in (place.with_suffix(".py"), place / "__init__.py") if f.exists()}
        waiting += files_there - found
        found |= files_there
    return tuple(sorted(found))


def files_named_in(path: Path) -> tuple[Path, ...]:
    """Our tables and vocabularies whose names stand in a module: in `warehouse/`, or beside the module."""
    places = (folder / name for name in module(path).names for folder in (models.WAREHOUSE, path.parent))
    return tuple(sorted(file for file in places if file.is_file()))


@cache
def named(path: Path) -> str:
    """The content of a CSV, YAML or JSON file without comments and without pairs of sentences for people (`…_id` and `…_en`)."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        return "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return json.dumps(_without_sentences(load_yaml(text)), sort_keys=True, default=str)


def _without_sentences(node: Any) -> Any:
    if isinstance(node, Mapping):
        said = {key for key in node if str(key).endswith("_id") and f"{str(key)[:-3]}_en" in node}
        said |= {f"{key[:-3]}_en" for key in said}
        return {str(key): _without_sentences(value) for key, value in node.items() if key not in said}
    return [_without_sentences(value) for value in node] if isinstance(node, list) else node
