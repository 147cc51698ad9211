"""``python -m tests.fuzz [TARGET ...] [--seconds 60]``: atheris on each target; 1 if a promise was broken, 2 without atheris."""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path(".fuzz")  # inputs that covered something new, and those that broke a promise
MISSING = (
    "This needs atheris, which is not part of the lock: python -m pip install atheris (Linux and macOS, Python 3.11 to 3.13)."
)


def fuzz(name: str, seconds: int) -> int:
    """One target in a process of its own: libFuzzer ends the process it runs in."""
    corpus, found = KEPT / name, KEPT / "found"
    for place in (corpus, found):
        place.mkdir(parents=True, exist_ok=True)
    code = f"from tests.fuzz.__main__ import here; here({name!r})"
    with tempfile.TemporaryDirectory() as start:
        limits = [f"-max_total_time={seconds}", "-max_len=65536", "-timeout=30", "-rss_limit_mb=3072", "-print_final_stats=1"]
        command = [sys.executable, "-c", code, str(corpus), start, f"-artifact_prefix={found}/{name}-", *limits]
        return subprocess.run(command, check=False).returncode


def here(name: str) -> None:
    """In the child: instrument the reader, write the samples as the start, and go."""
    import atheris

    with atheris.instrument_imports(include=["pipeline.exports", "pipeline.formats"]):
        from tests.fuzz import targets
    from tests.fuzz.corpus import seeds

    start = Path(sys.argv[2])
    for number, data in enumerate(seeds(name)):
        (start / str(number)).write_bytes(data)
    atheris.Setup(sys.argv, targets.TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    from tests.fuzz.targets import TARGETS

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("targets", nargs="*", default=[], help=", ".join(TARGETS))
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    given = options.parse_args()
    if unknown := sorted(set(given.targets) - set(TARGETS)):
        options.error(f"no such target: {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        print(MISSING, file=sys.stderr)
        return 2
    broken = [name for name in given.targets or TARGETS if fuzz(name, given.seconds)]
    print(f"{len(given.targets or TARGETS)} targets, {given.seconds} s each; broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
