"""A small night in a process of its own, to be killed: reads lines `run <workspace> <number> <parts>`, forks a child for each.

Everything is imported before the first fork and no thread runs yet, so a child starts in no time. It says when a stage begins, so
that the kill can be aimed. Parts: `files`, `tables` (or `few`, those that the figures of posts and days need) and `pages`.
"""

import contextlib
import dataclasses
import functools
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from unittest import mock

from pipeline import pages
from pipeline.engine import build, models, versions
from pipeline.intake import ledger
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, NOW, read, registers

AGENCIES = ("dinkes", "disdik")
COMPARED = ("core.posts", "core.post_history", "core.account_days", "marts.account_month", "marts.export_files")
NEEDED = ("core.cases", "core.incidents")  # by what every build notes of itself
ELSEWHERE = ("raw.", "registry.", "reference.", "previous.", "meta.")


def few_agencies():
    """The shipped registry with two agencies: nothing here is about the number of pages."""
    known = registers(ACCOUNTS)
    two = {n: getattr(known, n).filter(getattr(known, n)["agency_id"].is_in(AGENCIES)) for n in ("agencies", "agency_names")}
    return dataclasses.replace(known, **two)


def night(root: str, number: int, parts: Sequence[str] = ("files", "tables", "pages")) -> None:
    workspace, known, moment = Workspace(Path(root)), few_agencies(), NOW + timedelta(days=number)
    if "files" in parts:
        ledger.ingest(workspace, known, now=moment, settle_seconds=0, read=read)
    if "tables" in parts or "few" in parts:
        with few_tables() if "few" in parts else contextlib.nullcontext():
            build.build(workspace, registry=known, now=moment)
    if "pages" in parts:
        with versions.open_version(workspace) as version:
            pages.build(version, workspace.site, registry=known)


@contextlib.contextmanager
def few_tables(*names: str) -> Iterator[None]:
    """Builds make these tables, what they read and what is checked of them, and nothing else: seconds instead of ten."""
    graph, wanted, queue = {m.name: m for m in models.models()}, set(), [*(names or COMPARED), *NEEDED]
    while queue:
        wanted.add(name := queue.pop())
        queue += [n for n in graph[name].depends_on if n not in wanted]
    some = [m for m in graph.values() if m.name in wanted]
    rules = [
        c for c in models.checks() if c.written or all(t in wanted or t.startswith(ELSEWHERE) for t in models.tables_of(c.sql))
    ]
    with mock.patch.object(build, "models", lambda: some), mock.patch.object(models, "checks", lambda: rules):
        yield


def _announced(holder: object, name: str, stage: str) -> None:
    inner = getattr(holder, name)

    @functools.wraps(inner)
    def outer(*args, **options):
        print(stage, flush=True)
        return inner(*args, **options)

    setattr(holder, name, outer)


def main() -> None:
    _announced(ledger, "keep", "archive")
    _announced(ledger._Night, "read_all", "ingest")
    _announced(ledger._Night, "settle", "ledger")
    _announced(build.Build, "__enter__", "transform")
    _announced(build.Build, "publish", "publish")
    _announced(pages, "build", "dashboards")
    print("ready", flush=True)
    for line in sys.stdin:
        _, root, number, parts = line.split()
        child = os.fork()
        if not child:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            status = 1
            try:
                night(root, int(number), parts.split(","))
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        print(f"child {child}", flush=True)
        _, status = os.waitpid(child, 0)
        print(f"end {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
