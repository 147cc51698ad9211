"""The house: nothing happens on import. Which room may know which is proved by the linter (pyproject.toml, import-linter)."""

import json
import re
import subprocess
import sys
from pathlib import Path

PIPELINE = Path(__file__).resolve().parent.parent / "pipeline"
NOTEBOOKS = PIPELINE.parent / "notebooks"


# Dagster learns what there is to do by importing the definitions, which read the models for it.
READS = ("defs", "definitions")
IMPORT_ALL = """
import importlib, sys
homes, names = tuple(sys.argv[1].split("|")), sys.argv[2:]
opened = []

def seen(event, arguments):
    if event == "open" and str(arguments[0]).startswith(homes) and not str(arguments[0]).endswith((".py", ".pyc")):
        opened.append(arguments[0])

sys.addaudithook(seen)
for name in names:
    importlib.import_module(name)
    if opened:
        sys.exit(f"{name} reads {opened} when it is imported")
"""


def test_importing_everything_but_dagster_reads_no_file_of_ours_and_writes_nothing(tmp_path):
    places = [p.relative_to(PIPELINE.parent).with_suffix("") for p in sorted(PIPELINE.rglob("*.py"))]
    names = [".".join(place.parts) for place in places if place.parts[1] not in READS]
    homes = "|".join(map(str, (PIPELINE, PIPELINE.parent / "warehouse", NOTEBOOKS)))
    where = {"PYTHONPATH": str(PIPELINE.parent), "PATH": "", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", IMPORT_ALL, homes, *names]
    done = subprocess.run(command, cwd=tmp_path, env=where, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_notebooks_import_exists():
    """A module that moves takes the notebooks along: they are text to every other tool, and fail at night only."""
    cells = [c for path in sorted(NOTEBOOKS.glob("*.ipynb")) for c in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    code = "".join(line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"])
    lines = set(re.findall(r"^\s*(from pipeline[\w.]* import [\w, ]+|import pipeline[\w.]*)", code, flags=re.MULTILINE))
    assert len(lines) > 5
    for line in sorted(lines):
        exec(line, {})
