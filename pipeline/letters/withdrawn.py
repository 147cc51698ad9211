"""A version that is withdrawn goes whole: pages, notebooks, letters and leadership's folder follow the version before it.

Which letters were made of which version is written down when they are made (`laporan/dibuat.json`). Those of the withdrawn
version are not deleted but put into `laporan/ditarik/<version>/`; what lies outside the workspace is named: it is not ours to
move.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import registry
from pipeline.engine import versions
from pipeline.files import write_atomically
from pipeline.intake import ledger
from pipeline.night import NotPossible
from pipeline.notebook import execution
from pipeline.settings import Workspace, settings


@dataclass
class Undone:
    """What a rollback did. `moved`: letters, relative to the workspace; `outside`: those a person has to take back; `sealed`:
    months whose seal names the withdrawn version."""

    version: str
    withdrawn: str
    moved: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)


def undo(workspace: Workspace) -> Undone:
    """Publish the version before the current one again, with everything made from it; the caller holds the lock.

    One that was killed half-way is finished instead, by this or by the next night, and goes no further back. Raises Damaged.
    """
    if begun := finish(workspace):
        return begun
    done = Undone(versions.earlier(workspace), versions.current(workspace) or "")
    _show(workspace, done.version)
    versions.rollback(workspace, ledger.contents(workspace))
    return _follow(workspace, done)


def finish(workspace: Workspace) -> Undone | None:
    """Take along what still speaks of the version that a hold withdrew: its death came between. None where nothing does."""
    held = versions.held(workspace)
    if not held or held["contents"] is None:
        return None
    done = Undone(held["version"], held["withdrawn"])
    of_withdrawn = [name for name, version in _made(workspace).items() if version == done.withdrawn and not os.path.isabs(name)]
    is_left = any((workspace.root / name).exists() for name in of_withdrawn)
    if not is_left and done.withdrawn not in {record.version for record in execution.records(workspace.notebooks)}:
        return None
    _show(workspace, done.version)
    return _follow(workspace, done)


def _show(workspace: Workspace, name: str) -> None:
    from pipeline import pages

    if not pages.show(workspace.site, name):
        with versions.open_version(workspace, name) as version:
            pages.build(version, workspace.site, registry=registry.load(workspace.registry))


def _follow(workspace: Workspace, done: Undone) -> Undone:
    """Notebooks and letters, once the version is current and its pages are shown."""
    from pipeline import pages
    from pipeline.letters import seal

    if not execution.restore_set(workspace.notebooks, done.version) and execution.records(workspace.notebooks):
        execution.overnight(workspace)
        with versions.open_version(workspace) as version:
            pages.build(version, workspace.site, registry=registry.load(workspace.registry), notebooks=workspace.notebooks)
    _move_letters(workspace, done)
    done.sealed = [entry["month"] for entry in seal.register(workspace) if entry["version"] == done.withdrawn]
    return done


def remember(workspace: Workspace, path: Path, version: str) -> None:
    """Note of which version a letter was made."""
    place = _book(workspace)
    place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    write_atomically(place, json.dumps(_made(workspace) | {_name(workspace, path): version}, indent=1, sort_keys=True))


def _move_letters(workspace: Workspace, done: Undone) -> None:
    made = _made(workspace)
    for name, version in sorted(made.items()):
        path = workspace.root / name
        if version != done.withdrawn or not path.exists():
            continue
        if os.path.isabs(name):
            done.outside.append(name)
            continue
        place = workspace.root / "laporan" / "ditarik" / version / name.removeprefix("laporan/")
        place.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        os.replace(path, place)
        done.moved.append(name)
    left = {name: version for name, version in made.items() if name not in done.moved}
    if done.moved:
        write_atomically(_book(workspace), json.dumps(left, indent=1, sort_keys=True))
    if any(name.startswith("terbit/") for name in done.moved):
        _publish_again(workspace)


def _publish_again(workspace: Workspace) -> None:
    """Leadership's folder from the version that is current now; where it judges no month, no door leads to the withdrawn one."""
    from pipeline.letters import origin, published

    try:
        with origin.opened(workspace) as found:
            remember(workspace, published.publish(found, settings().language), found.version)
    except NotPossible:
        shutil.rmtree(workspace.root / "terbit" / "terbaru", ignore_errors=True)
        (workspace.root / "terbit" / "index.html").unlink(missing_ok=True)


def _book(workspace: Workspace) -> Path:
    return workspace.root / "laporan" / "dibuat.json"


def _made(workspace: Workspace) -> dict[str, str]:
    try:
        found = json.loads(_book(workspace).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _name(workspace: Workspace, path: Path) -> str:
    """Relative to the workspace where it lies in it, else whole."""
    whole = Path(path).resolve()
    root = workspace.root.resolve()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else str(whole)
