"""The install as a stranger sees it: Python by pip by system, each in a clean clone, a clean HOME, without caches and without uv.

    python benchmarks/installs.py python3.11 python3.12 python3.13 --pip 23.0.1 --pip 24.0 --pip newest
    python benchmarks/installs.py python3.11 --profile demo
    python benchmarks/installs.py --systems

Per row: git clone of HEAD, `make .venv/.installed`, `make demo`; the demo without a network where the kernel allows that. Each
Python is tried with the pip it comes with and with every --pip that runs on it; --uv PATH adds a row with uv. --systems asks uv,
without installing, whether every locked package has a wheel for other systems. Prints Markdown; ends with 1 when a row fails.

Needs nothing but the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What a network behind a proxy or a mirror needs; nothing else of the caller's environment is passed on.
PASSED = re.compile(r"(?i)(https?|no)_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|PIP_(CERT|INDEX_URL|DEFAULT_TIMEOUT)")
# pip runs from this release on: older ones lean on modules that the Python no longer has.
FIRST_PIP = {(3, 11): (22, 3), (3, 12): (23, 2), (3, 13): (24, 1), (3, 14): (25, 2)}
MACHINES = {
    "Linux x86-64": "x86_64-unknown-linux-gnu",
    "Linux Arm": "aarch64-unknown-linux-gnu",
    "macOS 13 Arm": "aarch64-apple-darwin",
    "macOS 13 Intel": "x86_64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@dataclass
class Row:
    python: str
    installer: str
    install: float | None = None
    demo: float | None = None
    fault: str = ""

    def __str__(self) -> str:
        install = "failed" if self.install is None else f"{self.install:.0f} s"
        demo = "–" if self.demo is None else f"{self.demo:.0f} s"
        both = "–" if self.demo is None or self.install is None else f"{self.install + self.demo:.0f} s"
        return f"| {self.python} | {self.installer} | {install} | {demo} | {both} | {self.fault} |"


class Failed(Exception):
    pass


def timed(command: list[str], where: Path, environment: dict[str, str], log: Path) -> float:
    began = time.monotonic()
    with log.open("ab") as out:
        done = subprocess.run(command, cwd=where, env=environment, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"{' '.join(command[-3:])} ended with {done.returncode}")
    return time.monotonic() - began


def version(python: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:3])"
    return tuple(map(int, subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()))


def base(python: str) -> str:
    """The program itself: a shim or a virtual environment would not survive a clean HOME."""
    code = "import os, sys; print(os.path.realpath(sys._base_executable))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def clean(home: Path, programs: Path | None) -> dict[str, str]:
    passed = {name: value for name, value in os.environ.items() if PASSED.fullmatch(name)}
    path = "/usr/bin:/bin" if programs is None else f"{programs}:/usr/bin:/bin"
    return {**passed, "HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "PIP_NO_CACHE_DIR": "1"}


def offline() -> list[str]:
    """A prefix that takes the network away, where the kernel lets an ordinary user do that."""
    prefix = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") and not subprocess.run([*prefix, "true"], capture_output=True).returncode:
        return prefix
    return []


def pip_of(checkout: Path) -> str:
    found = subprocess.run([checkout / ".venv/bin/pip", "--version"], capture_output=True, text=True, check=True)
    return found.stdout.split()[1]


def attempt(python: str, pip: str | None, uv: str | None, profile: str) -> Row:
    row = Row(".".join(map(str, version(python))), "uv" if uv else pip or "its own pip")
    with tempfile.TemporaryDirectory(prefix="terukur-install-") as name:
        folder = Path(name)
        home, checkout, programs, log = folder / "home", folder / "checkout", folder / "programs", folder / "log"
        home.mkdir()
        programs.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        if uv:
            (programs / "uv").symlink_to(Path(uv).resolve())
        environment = clean(home, programs)
        if not uv and shutil.which("uv", path=environment["PATH"]):
            row.fault = "uv is among the system's programs"
            return row
        try:
            if pip:  # what a distribution does: its Python comes with this pip
                timed([python, "-m", "venv", ".venv"], checkout, environment, log)
                wanted = ["--upgrade", "pip"] if pip == "newest" else [f"pip=={pip}"]
                timed([".venv/bin/python", "-m", "pip", "install", "--quiet", *wanted], checkout, environment, log)
            row.install = timed(["make", ".venv/.installed", f"PYTHON={python}"], checkout, environment, log)
            if not uv:
                row.installer = f"pip {pip_of(checkout)}{'' if pip else ' (its own)'}"
            row.demo = timed([*offline(), "make", "demo", f"PYTHON={python}", f"PROFILE={profile}"], checkout, environment, log)
            if not (checkout / "data/site/latest/id/index.html").exists():
                raise Failed("the demo wrote no page")
        except Failed as error:
            row.fault = str(error)
            print(log.read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
    return row


def rows(arguments: argparse.Namespace) -> Iterator[Row]:
    for named in arguments.python:
        python = base(named)
        this = version(python)
        for pip in (None, *arguments.pip):
            if pip and pip != "newest" and tuple(map(int, pip.split(".")[:2])) < FIRST_PIP.get(this[:2], (0, 0)):
                continue  # that pip does not run on this Python
            if pip or not arguments.only:
                yield attempt(python, pip, None, arguments.profile)
        if arguments.uv:
            yield attempt(python, None, arguments.uv, arguments.profile)


def lacking(uv: str, machine: str, python: str, lock: str, folder: Path) -> list[str]:
    """Which packages of the lock have no wheel there and would have to be built from source."""
    left, missing = lock, []
    asked = [uv, "pip", "install", "--no-config", "--dry-run", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    asked += ["--python-platform", machine, "--python-version", python, "--target", str(folder / "t"), "-r", str(folder / "lock")]
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "13.0"}
    while True:
        (folder / "lock").write_text(left, encoding="utf-8")
        done = subprocess.run(asked, capture_output=True, text=True, env=environment)
        if not done.returncode:
            return missing
        named = re.search(r"Because ([a-z0-9-]+)", done.stderr)
        if named is None or named[1] in missing:
            return [*missing, done.stderr.strip()]
        missing.append(named[1])
        left = "".join(e for e in re.split(r"^(?=[a-z0-9])", left, flags=re.MULTILINE) if re.split(r"[=\[]", e)[0] != named[1])


def systems(uv: str) -> bool:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    print("| system | " + " | ".join(PYTHONS) + " |\n|---|" + "---|" * len(PYTHONS))
    whole = True
    with tempfile.TemporaryDirectory(prefix="terukur-systems-") as name:
        for system, machine in MACHINES.items():
            found = [lacking(uv, machine, python, lock, Path(name)) for python in PYTHONS]
            whole = whole and not any(len(words.split()) > 1 for missing in found for words in missing)
            said = [f"from source: {', '.join(missing)}" if missing else "all wheels" for missing in found]
            print(f"| {system} | {' | '.join(said)} |", flush=True)
    return whole


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="*", help="Pythons to try")
    parser.add_argument("--pip", action="append", default=[], metavar="VERSION", help="a release of pip, or newest; repeatable")
    parser.add_argument("--only", action="store_true", help="only with the pips named, not with the one each Python comes with")
    parser.add_argument("--uv", metavar="PATH", help="a uv: adds a row for each Python; needed for --systems")
    parser.add_argument("--profile", default="tiny", help="of the demo: tiny, demo, full")
    parser.add_argument("--systems", action="store_true", help="whether the lock has wheels for the other systems")
    arguments = parser.parse_args()
    uv = arguments.uv or shutil.which("uv")
    if arguments.systems and not uv:
        parser.error("--systems needs uv: --uv PATH")
    whole = True
    if arguments.python:
        network = "without a network" if offline() else "online"
        print(f"{platform.platform()}, {os.cpu_count()} cores; demo: {arguments.profile}, {network}\n")
        print("| Python | installer | install | demo | together | fault |\n|---|---|---|---|---|---|")
        for row in rows(arguments):
            print(row, flush=True)
            whole = whole and not row.fault
    if arguments.systems:
        whole = systems(uv) and whole
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
