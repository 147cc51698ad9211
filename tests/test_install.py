"""`make`'s install on machines that are not in order: uv that does not run, a package that fails, a moved folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/small-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small.pth", "")
        wheel.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        wheel.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.dist-info/RECORD", "")
    return "small-1-py3-none-any.whl"
"""
PROJECT = (
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "small"\nversion = "1"\n'
)
MISSING = f"missing-package==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def checkout(tmp_path):
    """A project of one module and no dependency, in a folder with a space in its name; no package index is reachable."""
    folder = tmp_path / "a checkout"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "install", folder / ".ci")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (folder / "requirements.lock").write_text("# nothing\n", encoding="utf-8")
    return folder


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def install(
    checkout: Path, python: str | None = sys.executable, programs: Path | None = None
) -> subprocess.CompletedProcess[str]:
    path = f"{programs}:/usr/bin:/bin" if programs else "/usr/bin:/bin"
    environment = {"HOME": str(checkout.parent), "PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    named = [f"PYTHON={python}"] if python else []
    return subprocess.run(
        ["make", ".venv/.installed", *named], cwd=checkout, env=environment, capture_output=True, text=True, timeout=120
    )


def ready(checkout: Path) -> bool:
    return (checkout / ".venv" / ".installed").exists()


def test_a_failed_install_says_so_and_does_not_look_finished(checkout):
    assert install(checkout).returncode == 0
    assert ready(checkout)
    (checkout / "requirements.lock").write_text(MISSING, encoding="utf-8")
    os.utime(checkout / "requirements.lock", (4e9, 4e9))
    for _ in range(2):
        done = install(checkout)
        assert done.returncode != 0
        assert "missing-package==1.0" in done.stderr
        assert ".venv/install.log" in done.stderr
        assert not ready(checkout)
    (checkout / "requirements.lock").write_text("# nothing\n", encoding="utf-8")
    assert install(checkout).returncode == 0
    assert ready(checkout)


@pytest.mark.parametrize(
    ("uv", "said"),
    [
        ("exit 127", "uv is there but does not run"),
        ('[ "$1" = --version ] || { echo "error: no wheel for you" >&2; exit 1; }', "error: no wheel for you"),
    ],
)
def test_uv_that_fails_is_named_and_pip_goes_on(checkout, uv, said):
    program(checkout / "bin", "uv", uv)
    done = install(checkout, programs=checkout / "bin")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert "with pip" in done.stdout
    assert ready(checkout)


def test_nothing_is_done_twice_and_a_relative_python_will_do(checkout):
    (checkout / "python").symlink_to(sys.executable)
    assert install(checkout, "./python").returncode == 0
    again = install(checkout, "./python")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_a_moved_folder_and_a_lost_python_are_made_anew(checkout):
    assert install(checkout).returncode == 0
    moved = checkout.rename(checkout.with_name("moved"))
    done = install(moved)
    assert done.returncode == 0, done.stderr
    assert "the folder was moved" in done.stdout
    (moved / ".venv" / "bin" / "python").unlink()
    done = install(moved)
    assert "its Python is gone" in done.stdout
    assert ready(moved)


def test_an_environment_without_pip_is_made_anew(checkout):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    done = install(checkout)
    assert "it has no pip" in done.stdout
    assert ready(checkout)


def test_a_python_that_is_only_a_name_is_passed_over(checkout):
    program(checkout / "bin", "python3.11", "echo 'python3.11: not found' >&2; exit 127")
    program(checkout / "bin", "python3.12", f'exec "{sys.executable}" "$@"')
    done = install(checkout, None, checkout / "bin")
    assert done.returncode == 0, done.stderr
    assert ready(checkout)


def test_a_python_too_old_or_absent_is_refused_by_name(checkout):
    old = program(checkout / "bin", "python3.9", "exit 1")
    done = install(checkout, str(old))
    assert f"PYTHON={old} is not Python 3.11 or newer" in done.stderr
    for name in ("python3.11", "python3.12", "python3.13", "python3.14", "python3", "python"):
        program(checkout / "bin", name, "exit 1")
    done = install(checkout, None, checkout / "bin")
    assert "none was found" in done.stderr
    assert done.returncode != 0
    assert not (checkout / ".venv").exists()


def test_a_python_that_cannot_make_environments_leaves_none(checkout):
    lame = program(
        checkout / "bin",
        "lame",
        f'[ "$2" = venv ] && {{ mkdir .venv; echo "No module named ensurepip"; exit 1; }}\nexec "{sys.executable}" "$@"',
    )
    done = install(checkout, str(lame))
    assert "No module named ensurepip" in done.stderr
    assert "apt install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()
