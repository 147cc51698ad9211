"""The house: imports run downhill, one engine door, and nothing happens on import."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PIPELINE = Path(__file__).resolve().parent.parent / "pipeline"
MODULES = sorted(PIPELINE.rglob("*.py"))
# Each layer may import those below it, never one above.
LAYERS = ("cli", "definitions", "defs", "pages", "charts", "engine", "settings")
READING = ("intake", "exports", "formats")


def imported(path: Path) -> set[str]:
    """Every module that a file names in an import, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(PIPELINE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PIPELINE).as_posix())
def test_only_defs_and_definitions_know_dagster(path):
    if layer_of(path) not in ("defs", "definitions"):
        assert not [name for name in imported(path) if name.partition(".")[0].startswith("dagster")]


@pytest.mark.parametrize("order", [LAYERS, READING], ids=["tables to pages", "reading"])
def test_imports_run_downhill(order):
    uphill = []
    for path in MODULES:
        if (layer := layer_of(path)) in order:
            above = {f"pipeline.{name}" for name in order[: order.index(layer)]}
            uphill += [
                f"{path.relative_to(PIPELINE)}: {name}" for name in imported(path) if ".".join(name.split(".")[:2]) in above
            ]
    assert uphill == []


def test_no_two_modules_import_each_other():
    """Also not inside functions or for types only: a circle is two rooms that should be one, or three."""
    names = {".".join(p.relative_to(PIPELINE.parent).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    graph = {name: {m for m in imported(path) if m in names and m != name} for name, path in names.items()}
    for name, below in graph.items():  # `from package import part` needs the part; its package is only the way there
        graph[name] = {m for m in below if not any(part.startswith(f"{m}.") for part in below) and not name.startswith(f"{m}.")}
    order = tuple(TopologicalSorter(graph).static_order())
    assert len(order) == len(names)


def test_the_simulated_regency_knows_nothing_of_the_reader():
    ours = {"pipeline.exports", "pipeline.formats", "pipeline.engine", "pipeline.intake.ledger"}
    known = {n for p in (PIPELINE / "samples").glob("*.py") for n in imported(p) if ".".join(n.split(".")[:2]) in ours}
    assert known == set()


def test_importing_everything_but_dagster_writes_nothing(tmp_path):
    ours = [p for p in MODULES if layer_of(p) not in ("defs", "definitions")]
    names = [".".join(p.relative_to(PIPELINE.parent).with_suffix("").parts) for p in ours]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    where = {"PYTHONPATH": str(PIPELINE.parent), "PATH": "", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=where, check=True, timeout=200)
    assert list(tmp_path.iterdir()) == []
