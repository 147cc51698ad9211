"""requirements.lock is whole: what a locked package demands is locked on every system and Python, with its extras, and no more.

What a package demands is in its installed metadata. Packages that only another system installs (pywin32, appnope) have none
here; that they are locked where something demands them, and nowhere else, follows from the packages that do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SYSTEMS = {
    "linux": {"os_name": "posix", "platform_system": "Linux"},
    "darwin": {"os_name": "posix", "platform_system": "Darwin"},
    "win32": {"os_name": "nt", "platform_system": "Windows"},
}
ENVIRONMENTS = [
    {
        "sys_platform": system,
        "python_version": python,
        "python_full_version": f"{python}.{patch}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": {"win32": "AMD64", "darwin": "arm64"}.get(system, machine),
        **named,
    }
    for system, named in SYSTEMS.items()
    for python, patch in (("3.11", 0), ("3.11", 7), ("3.12", 1), ("3.13", 0), ("3.14", 0))
    for machine in (("x86_64", "aarch64") if system == "linux" else ("",))
]


@dataclass(frozen=True)
class Entry:
    requirement: Requirement
    hashes: int

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (only,) = self.requirement.specifier
        assert only.operator == "=="
        return only.version


def entries(lock: str) -> list[Entry]:
    joined = re.sub(r"\s*\\\n\s*", " ", lock)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [Entry(Requirement(re.split(r"\s+--hash=", line)[0]), line.count("--hash=sha256:")) for line in lines]


def wanted() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"]
    return [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"], *extras["notebooks"], *extras["dev"]]


@cache
def demands(name: str) -> tuple[Requirement, ...]:
    try:
        return tuple(Requirement(text) for text in distribution(name).requires or ())
    except PackageNotFoundError:
        return ()


def applies(requirement: Requirement, environment: Mapping[str, str], extras: Iterable[str] = ()) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))


def faults(lock: str, environment: Mapping[str, str]) -> list[str]:
    """What `pip install --require-hashes -r` would miss, or install for nothing, in this environment."""
    active = {e.name: e for e in entries(lock) if applies(e.requirement, environment)}
    found, asked = [], set()

    def ask(requirement: Requirement, by: str) -> None:
        entry = active.get(canonicalize_name(requirement.name))
        if entry is None:
            found.append(f"{by} demands {requirement}: not locked")
            return
        asked.add(entry.name)
        if lacking := requirement.extras - entry.requirement.extras:
            found.append(f"{by} demands {requirement}: locked without {', '.join(sorted(lacking))}")
        if not requirement.specifier.contains(entry.version, prereleases=True):
            found.append(f"{by} demands {requirement}: {entry.version} is locked")

    for text in wanted():
        if applies(Requirement(text), environment):
            ask(Requirement(text), "pyproject.toml")
    for entry in active.values():
        for requirement in demands(entry.name):
            if applies(requirement, environment, entry.requirement.extras):
                ask(requirement, entry.name)
    return found + [f"{name} is locked and nothing demands it here" for name in sorted(active.keys() - asked)]


def place(environment: Mapping[str, str]) -> str:
    return "-".join(environment[part] for part in ("sys_platform", "platform_machine", "python_full_version"))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=place)
def test_everything_demanded_is_locked_with_its_extras_and_nothing_else(environment):
    assert faults(LOCK, environment) == []


def test_every_entry_is_one_version_with_hashes():
    locked = entries(LOCK)
    names = [entry.name for entry in locked]
    assert len(locked) > 150
    assert len(set(names)) == len(names), "one version of each package for all Pythons and systems"
    assert [entry.name for entry in locked if not entry.hashes] == []


def test_the_installed_packages_are_the_locked_ones():
    locked = {entry.name: entry.version for entry in entries(LOCK)}
    for name in ("duckdb", "polars", "numpy", "scipy", "dagster"):
        assert Version(distribution(name).version) == Version(locked[name]), name


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-spark.lock"])
def test_no_address_and_no_folder_is_in_a_lock(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert re.findall(r"\w+://\S*|--(?!hash=)\S+|^-\w.*|\s@\s.*|^[./].*", text, flags=re.MULTILINE) == []


def test_the_second_lock_holds_only_what_the_first_does_not():
    first = {entry.name for entry in entries(LOCK)}
    second = entries((ROOT / "requirements-spark.lock").read_text(encoding="utf-8"))
    assert {"pysail", "pyspark-client"} <= {entry.name for entry in second}
    assert [entry.name for entry in second if entry.name in first or not entry.hashes] == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("gql[requests]==", "gql==", "dagster-graphql demands gql[requests]<5,>=3: locked without requests"),
        ("uvicorn[standard]==", "uvicorn==", "dagster-webserver demands uvicorn[standard]: locked without standard"),
        (r"(appnope==\S+) ; [^\\]*", r"\1 ", "appnope is locked and nothing demands it here"),
        (r"(pywinpty==\S+) ; [^\\]*", r"\1 ", "pywinpty is locked and nothing demands it here"),
        (r"^toposort==(.*\\\n)+.*\n", "", "dagster demands toposort>=1.0: not locked"),
        (r"^polars==[\d.]+", "polars==1.0.0", "pyproject.toml demands polars>=2.1: 1.0.0 is locked"),
    ],
)
def test_an_injured_lock_is_found(right, wrong, said):
    pattern = right if right.startswith(("^", "(")) else re.escape(right)
    injured, times = re.subn(pattern, wrong, LOCK, flags=re.MULTILINE)
    assert times == 1
    linux = next(e for e in ENVIRONMENTS if place(e) == "linux-x86_64-3.11.7")
    assert said in faults(injured, linux)


# What pip-audit prints where it found something, where it found nothing, and where no source of advisories answers.
FOUND = (
    "Found 1 known vulnerability in 1 package\\nName   Version ID             Fix Versions\\njinja2 3.1.0   GHSA-0000-0000 3.1.9"
)
SAID = {
    "a weakness": (FOUND, 1, 1, "GHSA-0000-0000"),
    "nothing": ("No known vulnerabilities found", 0, 0, "No known"),
    "no answer": ("ERROR:pip_audit._cli:Could not connect to the service", 1, 0, "Not audited"),
}


@pytest.mark.parametrize(("said", "status", "ends", "told"), SAID.values(), ids=SAID)
def test_the_audit_fails_for_a_weakness_and_for_nothing_else(tmp_path, said, status, ends, told):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "audit", tmp_path / ".ci" / "audit")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n[ \"$3\" = --version ] && exit 0\nprintf '{said}\\n'\nexit {status}\n")
    python.chmod(0o755)
    done = subprocess.run(["bash", ".ci/audit"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, told in done.stdout) == (ends, True), done.stdout


def test_the_audit_says_so_where_nothing_can_audit(tmp_path):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "audit", tmp_path / ".ci" / "audit")
    done = subprocess.run(
        ["bash", ".ci/audit"], cwd=tmp_path, capture_output=True, text=True, timeout=60, env={"PATH": "/usr/bin:/bin"}
    )
    assert done.returncode == 0 and done.stdout.startswith("Not audited")
