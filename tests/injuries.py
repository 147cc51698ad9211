"""What happens to a workspace on a disk that fails and in a house where people click: injuries, each done to a workspace by name.

Tests do each alone; `python -m benchmarks.reliability` does pairs of them.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipeline import night, pages
from pipeline.defs.instance import open_instance
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.registry import write_template
from pipeline.settings import Workspace
from tests.fake_exports import NOW, file_number, read
from tests.night_worker import few_agencies

Harm = Callable[[Workspace, random.Random], None]


@dataclass(frozen=True)
class Injury:
    """`step`: what a person does where the night cannot mend it alone; `says` stands in the sentence that asks for it."""

    name: str
    harm: Harm
    says: str = ""
    step: Callable[[Workspace], None] | None = None


def writable(path: Path) -> Path:
    path.chmod(0o640)
    return path


def cut(path: Path, chance: random.Random) -> None:
    data = writable(path).read_bytes()
    path.write_bytes(data[: chance.randrange(len(data))])


def zero(path: Path, start: int, length: int) -> None:
    with open(writable(path), "r+b") as file:
        file.seek(max(start, 0))
        file.write(b"\0" * length)


def nonsense(path: Path, chance: random.Random) -> None:
    writable(path).write_bytes(chance.randbytes(4096))


def a_folder(path: Path) -> None:
    """Somebody made a folder where a file belongs."""
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)
    (path / "x").write_text("x")


def a_file(path: Path) -> None:
    """Somebody put a file where a folder belongs."""
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("x")


def manifest(workspace: Workspace, oldest: bool = False) -> Path:
    names = sorted(workspace.versions.glob("w-*.json"), key=lambda p: int(p.stem[2:]))
    return names[0] if oldest else names[-1]


def overwritten(place: Callable[[Workspace], Path], data: bytes) -> Harm:
    return lambda workspace, _: void(writable(place(workspace)).write_bytes(data))


def void(_: object) -> None:
    return None


def lost_inbox(workspace: Workspace, _: random.Random) -> None:
    workspace.inbox.rename(workspace.root / "inbox.pindah")


def found_inbox(workspace: Workspace) -> None:
    (workspace.root / "inbox.pindah").rename(workspace.inbox)


def stranger_in_archive(workspace: Workspace, _: random.Random) -> None:
    shutil.copytree(workspace.archive, workspace.root / "salinan")
    a_file(workspace.archive)


def archive_back(workspace: Workspace) -> None:
    workspace.archive.unlink()
    (workspace.root / "salinan").rename(workspace.archive)


INJURIES = (
    # the private database
    Injury("raw.duckdb gone", lambda w, _: w.raw_db.unlink()),
    Injury("raw.duckdb empty", lambda w, _: void(writable(w.raw_db).write_bytes(b""))),
    Injury("raw.duckdb cut", lambda w, c: cut(w.raw_db, c)),
    Injury("raw.duckdb: last block zeroed", lambda w, _: zero(w.raw_db, w.raw_db.stat().st_size - 262_144, 262_144)),
    Injury("raw.duckdb: a block zeroed", lambda w, c: zero(w.raw_db, c.randrange(12_288, w.raw_db.stat().st_size), 4096)),
    Injury("raw.duckdb: nonsense", lambda w, c: nonsense(w.raw_db, c)),
    Injury("raw.duckdb: a folder", lambda w, _: a_folder(w.raw_db)),
    Injury(
        "raw.duckdb: a foreign log beside it", lambda w, c: void((w.warehouse / "raw.duckdb.wal").write_bytes(c.randbytes(900)))
    ),
    # versions
    Injury("current manifest cut", lambda w, c: cut(manifest(w), c)),
    Injury("current manifest empty", overwritten(manifest, b"")),
    Injury("current manifest {}", overwritten(manifest, b"{}")),
    Injury("current manifest not UTF-8", overwritten(manifest, b"\xff\xfe{\x00")),
    Injury("current manifest gone", lambda w, _: manifest(w).unlink()),
    Injury("older manifest cut", lambda w, c: cut(manifest(w, oldest=True), c)),
    Injury("older manifest {}", overwritten(lambda w: manifest(w, oldest=True), b"{}")),
    Injury("current version cut", lambda w, c: cut(manifest(w).with_suffix(".duckdb"), c)),
    Injury("current version gone", lambda w, _: manifest(w).with_suffix(".duckdb").unlink()),
    Injury("CURRENT of NULs", overwritten(lambda w: w.current_file, b"\0" * 5)),
    Injury("CURRENT binary", lambda w, c: nonsense(w.current_file, c)),
    Injury("CURRENT empty", overwritten(lambda w: w.current_file, b"")),
    Injury("CURRENT a folder", lambda w, _: a_folder(w.current_file)),
    Injury("CURRENT names no version", overwritten(lambda w: w.current_file, b"w-77\n")),
    # history of runs
    Injury("Dagster's runs nonsense", lambda w, c: nonsense(w.dagster / "storage/history/runs.db", c)),
    Injury("Dagster's index cut", lambda w, c: cut(w.dagster / "storage/history/runs/index.db", c)),
    Injury("Dagster's schedules zeroed", lambda w, _: zero(w.dagster / "storage/schedules/schedules.db", 0, 4096)),
    Injury("Dagster's folder a file", lambda w, _: a_file(w.dagster)),
    Injury("dagster.yaml a folder", lambda w, _: a_folder(w.dagster / "dagster.yaml")),
    # beside the archive
    Injury("names.jsonl gone", lambda w, _: (w.archive / ledger.NAMES).unlink()),
    Injury("names.jsonl cut", lambda w, c: cut(w.archive / ledger.NAMES, c)),
    Injury("names.jsonl nonsense", lambda w, c: nonsense(w.archive / ledger.NAMES, c)),
    Injury("names.jsonl a folder", lambda w, _: a_folder(w.archive / ledger.NAMES)),
    # what people click
    Injury("the lock a folder", lambda w, _: a_folder(w.lock_file)),
    Injury("the lock nonsense", lambda w, c: void(w.lock_file.write_bytes(c.randbytes(50)))),
    Injury("site a file", lambda w, _: a_file(w.site)),
    Injury("site gone", lambda w, _: shutil.rmtree(w.site)),
    Injury("site/latest a folder", lambda w, _: a_folder(w.site / "latest")),
    Injury("logs a file", lambda w, _: a_file(w.logs)),
    Injury("reports a file", lambda w, _: a_file(w.nights)),
    Injury("notebooks a file", lambda w, _: a_file(w.notebooks)),
    # what only a person can put back
    Injury("the inbox gone", lost_inbox, "inbox", found_inbox),
    Injury("the archive a file", stranger_in_archive, "archive", archive_back),
)


def whole_night(workspace: Workspace, moment: datetime = NOW) -> None:
    """What the job does, in its order and without its processes."""
    known = few_agencies()
    with night.alone(workspace):
        workspace.mend()
        with open_instance(workspace) as instance:
            instance.get_runs(limit=1)
        ledger.ingest(workspace, known, now=moment, settle_seconds=0, read=read)
        build.build(workspace, registry=known, now=moment, reusing=True)
        with versions.open_version(workspace) as version:
            pages.build(version, workspace.site, registry=known)


def healthy(root: Path) -> Workspace:
    """Two nights old: an older version, a current one, pages, a history of runs."""
    workspace = Workspace(root).create()
    write_template(workspace.registry)
    for n in range(2):
        file_number(workspace, n)
    whole_night(workspace)
    file_number(workspace, 2)
    whole_night(workspace, NOW + timedelta(hours=1))
    return workspace


def recover(workspace: Workspace, harmed: tuple[Injury, ...]) -> list[str]:
    """Nights until one ends well; gives the sentences in between, each followed by the step it asks for.

    Raises AssertionError where a night stops without naming its step, or stops again after it.
    """
    said: list[str] = []
    asked = [injury for injury in harmed if injury.step]
    for _ in range(len(asked) + 1):
        try:
            whole_night(workspace)
            return said
        except Exception as error:
            status, sentence, _ = night.explain(error)
            named = [injury for injury in asked if injury.says in sentence]
            if status != night.ENVIRONMENT or not named:
                raise AssertionError(f"status {status}: {sentence}") from error
            said.append(sentence)
            for injury in named[:1]:
                asked.remove(injury)
                assert injury.step is not None
                injury.step(workspace)
    raise AssertionError(f"no night ended well: {said}")
