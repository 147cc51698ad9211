"""`terukur ui`: code server, webserver and daemon, started and ended together, on this machine only."""

import json
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from pipeline.defs.guarded import TOKEN
from pipeline.defs.instance import environment, open_instance
from pipeline.defs.night import sweep_if_free
from pipeline.settings import Workspace

HOST = "127.0.0.1"  # the UI has no login: it is never offered to a network
WAIT_SECONDS = 30
LOADING_SECONDS = 300
MODULE = "pipeline.definitions"
# The command `dagster-daemon` of this Python, wherever its script lies.
DAEMON = "from importlib.metadata import entry_points as e; e(group='console_scripts')['dagster-daemon'].load()()"


def serve(workspace: Workspace, *, port: int = 3000, operate: bool = False, token: str = "") -> int:
    """Run until one of them ends or the user stops them. Returns an exit status. OSError if somebody has the port.

    `token` is what changes are asked for (`new_token`); see `guarded`.
    """
    _require_port(port)
    with open_instance(workspace) as instance:
        sweep_if_free(instance, workspace)
    # Nothing that lies in the folder where somebody happened to start this may be imported.
    around = {**environment(workspace), "PYTHONSAFEPATH": "1", TOKEN: token if operate else ""}
    previous = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    processes: list[subprocess.Popen[bytes]] = []
    with ExitStack() as after:
        after.callback(lambda: [signal.signal(number, handler) for number, handler in previous.items()])
        place = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="terukur-ui-", ignore_cleanup_errors=True)))
        after.callback(lambda: _stop(processes))
        try:
            for command in commands(place, port=port, operate=operate):
                # In a session of their own: Ctrl-C in a terminal then reaches us alone, and they are ended once and in order.
                processes.insert(0, subprocess.Popen(command, env=around, start_new_session=True))
                if len(processes) == 1:
                    _wait_for_code(place, processes[0])
            while all(p.poll() is None for p in processes):
                time.sleep(0.5)
            return 1
        except KeyboardInterrupt:
            return 0


def new_token() -> str:
    return secrets.token_urlsafe(16)


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{HOST}:{port}") from None


def _end(*_: object) -> None:
    raise KeyboardInterrupt


def commands(place: Path, *, port: int, operate: bool) -> list[list[str]]:
    """The three command lines. Without `operate` the webserver refuses every change, whoever asks.

    One code server for both: one of the daemon's own would be ended and begun anew every minute, all day long.
    """
    where, listens = _channel(place)
    said = {"load_from": [{"grpc_server": {**where, "location_name": MODULE}}]}
    (place / "workspace.yaml").write_text(json.dumps(said), encoding="utf-8")  # JSON is YAML too
    target = ["--workspace", str(place / "workspace.yaml")]
    code = [sys.executable, "-m", "dagster", "api", "grpc", *listens, "--module-name", MODULE, "--location-name", MODULE]
    code += ["--empty-working-directory", "--use-python-environment-entry-point", "--log-level", "warning"]
    webserver = [sys.executable, "-m", "pipeline.defs.guarded", "--host", HOST, "--port", str(port), *target]
    daemon = [sys.executable, "-c", DAEMON, "run", "--log-level", "warning", *target]
    return [code, webserver if operate else [*webserver, "--read-only"], daemon]


def _channel(place: Path) -> tuple[dict[str, object], list[str]]:
    """How the others reach the code server: a socket in a folder of ours, or, where there are none, a port of this machine."""
    if hasattr(socket, "AF_UNIX") and sys.platform != "win32":
        name = str(place / "code")
        return {"socket": name}, ["--socket", name]
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    (place / "port").write_text(str(port), encoding="utf-8")
    return {"host": HOST, "port": port}, ["--host", HOST, "--port", str(port)]


def _wait_for_code(place: Path, server: subprocess.Popen[bytes]) -> None:
    """Until the definitions are loaded: it answers then, and not before."""
    deadline, port = time.monotonic() + LOADING_SECONDS, place / "port"
    while server.poll() is None and time.monotonic() < deadline:
        with socket.socket() if port.exists() else socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex((HOST, int(port.read_text())) if port.exists() else str(place / "code")) == 0:
                return
        time.sleep(0.2)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
