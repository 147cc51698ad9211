"""The house: nothing happens on import. Which room may know which is proved by the linter (pyproject.toml, import-linter)."""

import json
import re
import subprocess
import sys
from pathlib import Path

PIPELINE = Path(__file__).resolve().parent.parent / "pipeline"
NOTEBOOKS = PIPELINE.parent / "notebooks"


def test_importing_everything_but_dagster_writes_nothing(tmp_path):
    places = [p.relative_to(PIPELINE.parent).with_suffix("") for p in sorted(PIPELINE.rglob("*.py"))]
    names = [".".join(place.parts) for place in places if place.parts[1] not in ("defs", "definitions")]
    code = f"import importlib\nfor name in {names!r}: importlib.import_module(name)"
    where = {"PYTHONPATH": str(PIPELINE.parent), "PATH": "", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=where, check=True, timeout=200)
    assert list(tmp_path.iterdir()) == []


def test_what_notebooks_import_exists():
    """A module that moves takes the notebooks along: they are text to every other tool, and fail at night only."""
    cells = [c for path in sorted(NOTEBOOKS.glob("*.ipynb")) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    code = "".join(line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"])
    lines = set(re.findall(r"^\s*(from pipeline[\w.]* import [\w, ]+|import pipeline[\w.]*)", code, flags=re.MULTILINE))
    assert len(lines) > 5
    for line in sorted(lines):
        exec(line, {})
