"""Closing a month: one bundle that nobody can change unseen, the page that checks it offline, and the list of corrections.

The bundle is a ZIP without compression whose members have fixed dates and order, so one version gives the same bytes; its SHA-256
is the seal, which the printed letter carries. Closing a month again with other bytes needs a reason, which is kept for ever.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from datetime import datetime
from importlib.resources import files as package
from pathlib import Path
from typing import Any

from pipeline.files import program_version, shipped, write_atomically
from pipeline.html.escape import csv_bytes, file_part, script_data
from pipeline.letters.origin import Origin, folder_of
from pipeline.night import NotPossible
from pipeline.pages.data import TABLES
from pipeline.settings import Workspace

MANIFEST = "manifes.json"
VERIFIER = Path(__file__).parent / "periksa.html"
CODE = (".py", ".sql", ".yml", ".html", ".typ", ".js", ".css", ".po", ".csv")


def close(origin: Origin, reason: str | None = None, target: Path | None = None) -> dict[str, Any]:
    """Write bundle and verifier of the month and enter the seal; gives the entry. Raises NotPossible for a silent correction."""
    members = _members(origin)
    bundle = _zip(members, origin.built_at)
    seal = hashlib.sha256(bundle).hexdigest()
    folder = folder_of(origin.workspace, origin.month, target) / "segel"
    name = f"segel-{origin.month:%Y-%m}.zip"
    before = latest(origin.workspace, origin.month)
    entry = before if before and before["seal"] == seal else _entry(origin, seal, members, before, reason)
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _put(folder / name, bundle)
    page = VERIFIER.read_text(encoding="utf-8")
    known = script_data({"name": name, "seal": seal, "month": f"{origin.month:%Y-%m}", "version": origin.version})
    _put(folder / "periksa.html", page.replace("__SEGEL__", str(known)).encode())
    if entry is not before:
        _enter(origin.workspace, entry)
    return {**entry, "bundle": str(folder / name), "verifier": str(folder / "periksa.html")}


def _entry(
    origin: Origin, seal: str, members: dict[str, bytes], before: dict[str, Any] | None, reason: str | None
) -> dict[str, Any]:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    changed: list[str] = []
    if before:
        if not (reason or "").strip():
            raise NotPossible(
                f"Bulan {origin.month:%Y-%m} sudah disegel ({before['seal'][:12]}…) dan isinya kini berbeda. "
                'Sebutkan sebabnya: --alasan "…"; koreksi dicatat dan dicetak.',
                f"{origin.month:%Y-%m} was sealed ({before['seal'][:12]}…) and its content differs now. "
                'Say why: --alasan "…"; the correction is listed and printed.',
            )
        changed = sorted(n for n in {*hashes, *before["files"]} if hashes.get(n) != before["files"].get(n))
    return {
        "month": f"{origin.month:%Y-%m}",
        "seal": seal,
        "version": origin.version,
        "closed_at": origin.built_at.isoformat(),
        "corrects": before["seal"] if before else None,
        "reason": reason if before else None,
        "changed": changed,
        "files": hashes,
    }


# -- the register of seals -----------------------------------------------------------------------------------------------------
def register(workspace: Workspace) -> list[dict[str, Any]]:
    """All seals, oldest first."""
    place = workspace.root / "laporan" / "segel.jsonl"
    if not place.exists():
        return []
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines() if line.strip()]


def latest(workspace: Workspace, month: Any) -> dict[str, Any] | None:
    return next((e for e in reversed(register(workspace)) if e["month"] == f"{month:%Y-%m}"), None)


def corrections(workspace: Workspace, month: Any) -> list[dict[str, Any]]:
    """Seals of a month that replaced an earlier one, oldest first."""
    return [e for e in register(workspace) if e["month"] == f"{month:%Y-%m}" and e["corrects"]]


def _enter(workspace: Workspace, entry: dict[str, Any]) -> None:
    place = workspace.root / "laporan" / "segel.jsonl"
    place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    before = place.read_text(encoding="utf-8") if place.exists() else ""
    write_atomically(place, before + json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")


# -- the bundle ----------------------------------------------------------------------------------------------------------------
def _members(origin: Origin) -> dict[str, bytes]:
    """Tables, pages and the hashes of archive and code; the manifest names each with its own."""
    found: dict[str, bytes] = {}
    for table in TABLES:
        frame = origin.facts.frames[table]
        rows = frame.sort(frame.columns, nulls_last=True).iter_rows() if frame.width else iter(())
        found[f"tabel/{table}.csv"] = csv_bytes(frame.columns, ([_plain(v) for v in row] for row in rows), excel=False)
    listed = origin.tables.sql("SELECT DISTINCT sha256, file_name FROM marts.export_files ORDER BY sha256, file_name")
    found["arsip.csv"] = csv_bytes(listed.columns, listed.iter_rows(), excel=False)
    code = code_hashes()
    found["kode.csv"] = csv_bytes(("file", "sha256"), code.items(), excel=False)
    site = origin.workspace.site / file_part(origin.version)
    for path in sorted(p for p in site.rglob("*") if p.is_file()) if site.is_dir() else ():
        found[f"halaman/{path.relative_to(site).as_posix()}"] = path.read_bytes()
    manifest = {
        "month": f"{origin.month:%Y-%m}",
        "version": origin.version,
        "version_sha256": origin.version_sha256,
        "archive_sha256": origin.archive,
        "archive_files": origin.archive_files,
        "program": program_version(),
        "code_sha256": hashlib.sha256(found["kode.csv"]).hexdigest(),
        "simulated": origin.facts.simulated,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in found.items()},
    }
    found[MANIFEST] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    return found


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | None) else str(value)


def code_hashes() -> dict[str, str]:
    """file → SHA-256 of what the program consists of: the package, and the tables and checks that ship with it."""
    roots = {"pipeline": Path(str(package("pipeline"))), "warehouse": shipped("warehouse")}
    found = {}
    for label, root in roots.items():
        for path in sorted(p for p in root.rglob("*") if p.suffix in CODE and "__pycache__" not in p.parts and p.is_file()):
            found[f"{label}/{path.relative_to(root).as_posix()}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _zip(members: dict[str, bytes], moment: datetime) -> bytes:
    out = io.BytesIO()
    when = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(members):
            bundle.writestr(zipfile.ZipInfo(name, when), members[name])
    return out.getvalue()


def _put(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)
