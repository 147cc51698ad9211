"""A small night in a process of its own, to be killed: reads lines `run <workspace>` and forks a child for each.

Everything is imported before the first fork and no thread runs yet, so a child starts in no time. It says when a stage begins, so
that the kill can be aimed.
"""

import dataclasses
import functools
import os
import signal
import sys
import traceback
from datetime import timedelta
from pathlib import Path

from pipeline import pages
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, NOW, read, registers

AGENCIES = ("dinkes", "disdik")


def few_agencies():
    """The shipped registry with two agencies: nothing here is about the number of pages."""
    known = registers(ACCOUNTS)
    two = {n: getattr(known, n).filter(getattr(known, n)["agency_id"].is_in(AGENCIES)) for n in ("agencies", "agency_names")}
    return dataclasses.replace(known, **two)


def night(root: str, number: int) -> None:
    workspace, known, moment = Workspace(Path(root)), few_agencies(), NOW + timedelta(days=number)
    ledger.ingest(workspace, known, now=moment, settle_seconds=0, read=read)
    build.build(workspace, registry=known, now=moment)
    with versions.open_version(workspace) as version:
        pages.build(version, workspace.site, registry=known)


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
        _, root, number = line.split()
        child = os.fork()
        if not child:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            status = 1
            try:
                night(root, int(number))
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
