"""`terukur ui`: webserver and daemon, started and ended together, on this machine only."""

import signal
import socket
import subprocess
import sys
import time

from pipeline.defs.instance import environment, open_instance
from pipeline.defs.night import sweep_if_free
from pipeline.settings import Workspace

HOST = "127.0.0.1"  # the UI has no login: it is never offered to a network
WAIT_SECONDS = 30
# The command `dagster-daemon` of this Python, wherever its script lies.
DAEMON = "from importlib.metadata import entry_points as e; e(group='console_scripts')['dagster-daemon'].load()()"


def serve(workspace: Workspace, *, port: int = 3000, operate: bool = False) -> int:
    """Run until one of the two ends or the user stops them. Returns an exit status. OSError if somebody has the port."""
    _require_port(port)
    with open_instance(workspace) as instance:
        sweep_if_free(instance, workspace)
    previous = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    # In a session of their own: Ctrl-C in a terminal then reaches us alone, and they are ended once and in order.
    processes = [
        subprocess.Popen(command, env=environment(workspace), start_new_session=True)
        for command in commands(port=port, operate=operate)
    ]
    try:
        while all(p.poll() is None for p in processes):
            time.sleep(0.5)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(processes)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{HOST}:{port}") from None


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def commands(*, port: int, operate: bool) -> list[list[str]]:
    """The two command lines. Without `operate` the webserver refuses every change, whoever asks."""
    target = ["--module-name", "pipeline.definitions"]
    webserver = [sys.executable, "-m", "dagster_webserver", "--host", HOST, "--port", str(port), *target]
    daemon = [sys.executable, "-c", DAEMON, "run", "--log-level", "warning", *target]
    return [webserver if operate else [*webserver, "--read-only"], daemon]


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
