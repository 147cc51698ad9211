"""Starts the service: on this machine only, unless it is said that a reverse proxy with TLS stands in front."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import night, registry
from pipeline.settings import Workspace

CONNECTIONS = 256
ADDRESS_FILE = "address.json"


class NotLocal(ValueError):
    """An address that others can reach, without a proxy in front: links would travel in the clear."""

    exit_status = night.USAGE

    def __init__(self, host: str):
        self.id = (
            f"Menolak mendengarkan di {host}: tautan rahasia akan lewat tanpa TLS. "
            "Pasang di belakang proksi (docs/operasi.md) lalu tambahkan --di-balik-proxy."
        )
        self.en = (
            f"Refusing to listen on {host}: secret links would travel without TLS. "
            "Put a reverse proxy in front (docs/operasi.md), then add --di-balik-proxy."
        )
        super().__init__(self.en)


def is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(workspace: Workspace, *, host: str, port: int, behind_proxy: bool, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until stopped. Raises NotLocal, RegistryError, or Busy where another one serves this workspace."""
    if not is_local(host) and not behind_proxy:
        raise NotLocal(host)
    registry.load(workspace.registry)  # a mistake there is said now, not to the first admin
    import uvicorn

    from pipeline.desk import links
    from pipeline.desk.service import application

    links.load(workspace.registry)
    workspace.create()
    handle = _alone(workspace, {"pid": os.getpid(), "host": host, "port": port})
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        application(workspace),
        host=host,
        port=port,
        access_log=False,  # it would write every link; the service has a log of its own
        log_level="warning",
        server_header=False,
        proxy_headers=behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1" if is_local(host) else "*",
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=20,
        h11_max_incomplete_event_size=16 * 1024,
    )
    ready()
    try:
        uvicorn.Server(config).run()
    finally:
        os.ftruncate(handle, 0)
        os.close(handle)


def _alone(workspace: Workspace, note: dict[str, Any]) -> int:
    """Hold the door of this workspace; the lock dies with the process."""
    workspace.desk.mkdir(mode=0o750, parents=True, exist_ok=True)
    handle = os.open(_place(workspace), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        said = running(workspace) or {}
        os.close(handle)
        raise night.Busy(int(said.get("pid", 0)), f"porta/port {said.get('port', '?')}") from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(note).encode(), 0)
    return handle


def _place(workspace: Workspace) -> Path:
    return workspace.desk / ADDRESS_FILE


def running(workspace: Workspace) -> dict[str, Any] | None:
    """Host, port and process of the service of this workspace, if one runs."""
    try:
        return json.loads(_place(workspace).read_text(encoding="utf-8")) or None
    except (FileNotFoundError, ValueError):
        return None
