"""The package as somebody gets it who has no checkout: a wheel, an empty folder, the command."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import files, night
from pipeline.cli.show import notebooks_to_edit
from pipeline.settings import Workspace

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "dagster.yaml", "pipeline", "warehouse", "notebooks")
OFFLINE = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip(*words, folder):
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], cwd=folder, env=OFFLINE, check=True, timeout=120)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The files that are in the repository, apart from it: a build leaves its traces there."""
    folder = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    (folder / "build/lib/pipeline").mkdir(parents=True)
    (folder / "build/lib/pipeline/gone.py").write_text("left by an earlier build")
    return folder


@pytest.fixture(scope="module")
def wheel(source):
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "made", ".", folder=source)
    return next((source / "made").glob("terukur-*.whl"))


@pytest.fixture(scope="module")
def terukur(wheel, tmp_path_factory):
    """The installed command, called in an empty folder that is no checkout."""
    site, empty = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    pip("install", "--no-deps", "--target", str(site), str(wheel), folder=empty)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TERUKUR_")} | {"PYTHONPATH": str(site)}

    def call(*words):
        done = subprocess.run(
            [sys.executable, str(site / "bin" / "terukur"), *words],
            cwd=empty,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr, empty

    return call


def test_the_wheel_holds_what_stands_beside_the_package_and_nothing_of_an_earlier_build(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    beside = [p for name in ("warehouse", "notebooks") for p in (ROOT / name).rglob("*") if p.suffix in (".sql", ".csv", ".yml")]
    beside += [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "dagster.yaml"]
    assert {f"pipeline/shipped/{p.relative_to(ROOT).as_posix()}" for p in beside} <= held
    inside = subprocess.run(["git", "ls-files", "pipeline"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    assert set(inside) <= held
    assert "pipeline/gone.py" not in held


def test_a_source_distribution_holds_what_a_wheel_is_made_of(source):
    build = "import setuptools.build_meta as b; print(b.build_sdist('made'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, check=True, timeout=120)
    listed = subprocess.run(["tar", "-tzf", *map(str, (source / "made").glob("*.tar.gz"))], capture_output=True, text=True)
    names = {name.partition("/")[2] for name in listed.stdout.splitlines()}
    assert {"setup.py", "dagster.yaml", "warehouse/columns.yml", "warehouse/core/posts.sql", "notebooks/00_mulai.ipynb"} <= names


def test_the_wheel_works_in_an_empty_folder(terukur):
    status, said, empty = terukur("--version")
    assert (status, said) == (night.DONE, f"terukur {files.program_version()}\n")
    status, said, _ = terukur("init", "--workspace", "new")
    assert status == night.DONE and (empty / "new/registry/agencies.csv").exists(), said
    status, said, _ = terukur("demo", "--profile", "tiny", "--workspace", "simulated")
    assert status == night.DONE and (empty / "simulated/site/latest/id/index.html").exists(), said
    ran = [json.loads(p.read_text()) for p in (empty / "simulated/notebooks").glob("*.json")]
    assert ran and not [record for record in ran if record.get("failure")]
    status, said, _ = terukur("notebook", "00", "--workspace", "simulated", "--out", "mulai.html")
    assert status == night.DONE and (empty / "mulai.html").stat().st_size > 10_000, said


def test_an_analyst_works_on_copies_that_follow_updates_until_they_are_changed(tmp_path, monkeypatch):
    shipped = tmp_path / "program" / "notebooks"
    shipped.mkdir(parents=True)
    for name in ("00_mulai", "01_profil", "02_kelompok"):
        (shipped / f"{name}.ipynb").write_text("first")
    monkeypatch.setattr(files, "shipped", lambda *parts: shipped.parent.joinpath(*parts))
    own = notebooks_to_edit(Workspace(tmp_path / "ws"))
    (own / "00_mulai.ipynb").write_text("mine")
    assert (shipped / "00_mulai.ipynb").read_text() == "first"  # what the night runs
    (own / "01_profil.ipynb").unlink()
    for path in shipped.glob("*.ipynb"):
        path.write_text("second")
    assert notebooks_to_edit(Workspace(tmp_path / "ws")) == own
    assert [(own / f"{n}.ipynb").read_text() for n in ("00_mulai", "01_profil", "02_kelompok")] == ["mine", "second", "second"]


def test_the_notebooks_of_a_checkout_are_copied_too(tmp_path):
    own = notebooks_to_edit(Workspace(tmp_path))
    assert own.is_relative_to(tmp_path) and {p.name for p in own.glob("*.ipynb")} == {
        p.name for p in (ROOT / "notebooks").glob("*.ipynb")
    }
