"""`terukur ui`: webserver and daemon, started and ended together, on this machine only."""

import os
import signal
import subprocess
import sys
import time

from dagster_shared.serdes import serialize_value

from pipeline.defs.instance import instance_ref, open_instance
from pipeline.defs.night import sweep_if_free
from pipeline.settings import Workspace

HOST = "127.0.0.1"  # the UI has no login: it is never offered to a network
WAIT_SECONDS = 30


def serve(workspace: Workspace, *, port: int = 3000, operate: bool = False) -> int:
    """Run until one of the two ends or the user stops them. Returns an exit status."""
    with open_instance(workspace) as instance:
        sweep_if_free(instance, workspace)
    processes = [
        subprocess.Popen(command, env=_environment(workspace)) for command in commands(workspace, port=port, operate=operate)
    ]
    previous = signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    try:
        while all(p.poll() is None for p in processes):
            time.sleep(0.5)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        _stop(processes)


def commands(workspace: Workspace, *, port: int, operate: bool) -> list[list[str]]:
    """The two command lines. Without `operate` the webserver refuses every change, whoever asks."""
    target = ["--module-name", "pipeline.definitions", "--instance-ref", serialize_value(instance_ref(workspace))]
    webserver = [sys.executable, "-m", "dagster_webserver", "--host", HOST, "--port", str(port), *target]
    daemon = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", "warning", *target]
    return [webserver if operate else [*webserver, "--read-only"], daemon]


def _environment(workspace: Workspace) -> dict[str, str]:
    return {**os.environ, "TERUKUR_WORKSPACE": str(workspace.root), "DAGSTER_DISABLE_TELEMETRY": "1"}


def _stop(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
