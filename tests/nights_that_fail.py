"""A night that failed, one that was killed, one that never began: what a person was sent, and how long after it could be known.

The watchdog is what tells; it is asked every hour as its timer does (`docs/systemd/terukur-watch.timer`), by a simulated clock.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline import night
from pipeline.letters import nightly
from pipeline.settings import Settings, Workspace
from tests.test_letters_nightly import Outbox, published, server

BEGAN = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # 01.00 WIB
HOUR = timedelta(hours=1)
KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from pipeline import night
from pipeline.letters import nightly
from pipeline.settings import Workspace
workspace = Workspace(Path(sys.argv[1]))
with night.alone(workspace):
    nightly.began(workspace, datetime.fromisoformat(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def told(place: Path) -> Iterator[tuple[str, str, float]]:
    """What happened, the subject and first line that arrived, and seconds from when it could be known until then."""
    for what, happen, known in (
        ("a night that failed", _failed, BEGAN + timedelta(minutes=10)),
        ("a night that was killed", _killed, BEGAN),
        ("a night that never began", _never, BEGAN + timedelta(days=1)),
    ):
        workspace = Workspace(place / happen.__name__).create()
        (workspace.registry / "agencies.csv").write_text("agency_id,name,short_name,kind,peer_group\n", encoding="utf-8")
        published(workspace)
        outbox = Outbox()
        with server(outbox) as said:
            happen(workspace, said)
            outbox.mails = outbox.mails if happen is _failed else []
            at = known
            while not outbox.mails and at < known + 24 * HOUR:
                at = at.replace(minute=0, second=0) + HOUR
                nightly.watch(workspace, said, at, pause=lambda _: None)
        yield what, _words(outbox), (at - known).total_seconds()
        shutil.rmtree(workspace.root)


def _words(outbox: Outbox) -> str:
    if not outbox.mails:
        return ""
    import email.header

    mail = outbox.mails[0]
    subject = str(email.header.make_header(email.header.decode_header(mail["Subject"])))
    parts = [p for p in mail.walk() if p.get_content_type() == "text/plain"]
    return f"{subject}: {parts[0].get_payload(decode=True).decode().splitlines()[0]}"


def _failed(workspace: Workspace, said: Settings) -> None:
    nightly.began(workspace, BEGAN)
    full = night.Stopped("warehouse", night.ENVIRONMENT, "Disk penuh: /srv/terukur", "Disk full: /srv/terukur")
    nightly.finished(workspace, said, night.ENVIRONMENT, [full], BEGAN + timedelta(minutes=10), pause=lambda _: None)


def _killed(workspace: Workspace, said: Settings) -> None:
    del said
    words = [sys.executable, "-c", KILLED, str(workspace.root), BEGAN.isoformat()]
    assert subprocess.run(words, check=False, cwd=Path(__file__).parents[1]).returncode == -signal.SIGKILL


def _never(workspace: Workspace, said: Settings) -> None:
    nightly.began(workspace, BEGAN)
    mark = json.loads((workspace.nights / "mulai.json").read_text())
    assert mark["pid"] == os.getpid()
    nightly.finished(workspace, said, night.DONE, [], BEGAN + timedelta(minutes=10), pause=lambda _: None)
