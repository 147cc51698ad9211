"""Runs notebooks on a published version and keeps what they showed, for the pages.

`run_all` lends a warm kernel to one notebook after the other (two kernels at a time): starting Python and importing the engine
costs more than most notebooks. Each starts with an empty namespace and without a network. What a notebook showed is one JSON
record in the workspace's `notebooks/`; a notebook that fails leaves its last good record there, marked, and the half-run
notebook beside it as evidence.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from pipeline.files import shipped
from pipeline.notebook import english

if TYPE_CHECKING:
    from nbclient import NotebookClient
    from nbformat import NotebookNode

    from pipeline.settings import Workspace

FOLDER = shipped("notebooks")
OUTPUT = "application/vnd.terukur.v1+json"
STAMP = "notebooks"  # what the kept records were made from
CELL_SECONDS = 120
START_SECONDS = 60
PREAMBLE = "import pipeline.notebook as _nb; _nb.no_network(); _nb.speak({!r})"
BETWEEN = "import pipeline.notebook as _nb; _nb._reset_between_notebooks(globals()); _nb.speak({!r})\n%reset -f"


class Unavailable(RuntimeError):
    """The notebook extra is not installed."""

    exit_status = 6
    id = "Bagian buku catatan belum terpasang: pip install 'terukur[notebooks]'"
    en = "The notebook extra is not installed: pip install 'terukur[notebooks]'"


class Failed(RuntimeError):
    """A notebook stopped; its last good page stays."""

    exit_status = 3

    def __init__(self, name: str, reason: str):
        self.id = f"Buku catatan {name} gagal; halaman lamanya tetap ada. {reason}"
        self.en = f"Notebook {name} failed; its last good page stays. {reason}"
        super().__init__(self.en)


@dataclass
class Record:
    """What one notebook showed. `parts` are (kind, html); `failure` says why and since which version the page is old; `twin` is
    the same in English, as the fields of a record."""

    name: str
    title: str
    question: str
    summary: str
    answer: str = ""
    version: str = ""
    seconds: float = 0.0
    parameters: dict[str, Any] = field(default_factory=dict)
    parts: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    stderr: str = ""
    failure: dict[str, str] | None = None
    twin: dict[str, Any] | None = None

    def said(self, language: str) -> Record:
        """The record in the language of the page; Indonesian where there is no English yet."""
        return Record(**self.twin) if self.twin and language == "en" else self


def names() -> list[str]:
    """The notebooks of the house in order; those that begin with `_` are templates."""
    return sorted(p.stem for p in FOLDER.glob("[0-9]*.ipynb"))


def records(folder: Path | None) -> list[Record]:
    """What is kept of earlier runs, in the order of the notebooks. A record that cannot be read is no record."""
    found = []
    for path in sorted(folder.glob("[0-9]*.json")) if folder and folder.exists() else []:
        with contextlib.suppress(ValueError, TypeError):
            found.append(Record(**json.loads(path.read_text(encoding="utf-8"))))
    return found


def said(name: str) -> tuple[str, str, str]:
    """Title, question and English summary as committed; read as JSON, so that listing notebooks needs no extra."""
    cell = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"][0]
    return heading("".join(cell["source"]))


def title(name: str) -> str:
    return said(name)[0]


# -- running -------------------------------------------------------------------------------------------------------------------
def run_all(workspace: Workspace, version: str, *, now: str, only: Sequence[str] = (), at_once: int = 2) -> list[Record]:
    """Run the notebooks on `version` and keep their records. Failures are in the records, not raised."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for name in sorted(only or names(), key=_longest_first):
        waiting.put(name)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        done = [pool.submit(_worker, workspace, version, now, waiting) for _ in range(at_once)]
        ran = [record for future in done for record in future.result()]
    for record in ran:
        _keep(workspace.notebooks, record)
    return sorted(ran, key=lambda r: r.name)


def _longest_first(name: str) -> tuple[bool, str]:
    """Long notebooks first, so that the two kernels end together."""
    return name[:2] not in ("00", "07", "11", "02"), name


def _worker(workspace: Workspace, version: str, now: str, waiting: SimpleQueue[str]) -> list[Record]:
    """One kernel, several notebooks. A kernel that died is replaced."""
    ran: list[Record] = []
    asyncio.set_event_loop(loop := asyncio.new_event_loop())
    with contextlib.ExitStack() as stack:
        stack.callback(loop.close)
        kernel: Kernel | None = None
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return ran
            kernel = kernel if kernel and kernel.alive else stack.enter_context(Kernel(workspace, version, now))
            ran.append(kernel.both(name))


def overnight(workspace: Workspace) -> list[Record]:
    """Every notebook on the current version, or what is kept of them where they would show the same.

    Where the extra is missing or no kernel starts, each record says so.
    """
    from pipeline import stamps
    from pipeline.engine import shown

    made = shown.made_from(workspace)
    if stamps.read(workspace, STAMP) == made | {"kept": shown.kept(workspace.notebooks)}:
        return records(workspace.notebooks)
    stamps.write(workspace, STAMP, None)
    ran = _ran(workspace)
    if not any(record.failure for record in ran):
        stamps.write(workspace, STAMP, made | {"kept": shown.kept(workspace.notebooks)})
    return ran


def _ran(workspace: Workspace) -> list[Record]:
    from pipeline.engine import versions

    with versions.open_version(workspace) as version:
        name, built = version.name, version.info["built_at"].isoformat()
    list(forget_missing(workspace.notebooks))
    try:
        ran = run_all(workspace, name, now=built)
        keep_set(workspace.notebooks, name, {one["version"] for one in versions.versions(workspace)})
        return ran
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        lost = [Record(n, *said(n), version=name, failure={"reason": reason, "version": name}) for n in names()]
        for record in lost:
            _keep(workspace.notebooks, record)
        return lost


def run_one(workspace: Workspace, version: str, name: str, parameters: Mapping[str, Any], *, now: str) -> Record:
    """One notebook with parameters; nothing is kept."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    with Kernel(workspace, version, now) as kernel:
        return kernel.both(name, parameters)


class Kernel:
    """A warm Python for notebooks. Talks over files, not ports; imports this source tree; knows the version to open."""

    def __init__(self, workspace: Workspace, version: str, now: str):
        self.workspace, self.version, self.now = workspace, version, now
        self.used = False
        self.talk: Any = None

    def __enter__(self) -> Kernel:
        self.manager, self.place = _manager()
        root = str(Path(__file__).resolve().parents[2])
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH")))),
            "TERUKUR_WORKSPACE": str(self.workspace.root),
            "TERUKUR_VERSION": self.version,
            "TERUKUR_NOTEBOOK_NOW": self.now,
            "IPYTHONDIR": str(self.place / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        self.manager.start_kernel(env=environment, cwd=str(self.place))
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.talk.stop_channels()
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def alive(self) -> bool:
        return bool(self.manager.is_alive())

    def both(self, name: str, parameters: Mapping[str, Any] | None = None) -> Record:
        """Run one notebook and its English twin; what stops either stops both, so that the two pages never tell two versions."""
        record = self.run(name, parameters)
        if record.failure is None and self.alive:
            twin = self.run(name, parameters, language="en")
            record.failure, record.twin = twin.failure, asdict(twin)
        return record

    def run(
        self, name: str, parameters: Mapping[str, Any] | None = None, path: Path | None = None, language: str = "id"
    ) -> Record:
        """Run one notebook from an empty namespace. Raises nothing of the notebook's own: the record says what stopped it."""
        notebook = read(path or FOLDER / f"{name}.ipynb")
        if language == "en":
            english.translate(notebook)
        inject(notebook, parameters or {})
        began = time.monotonic()
        client = self._client(notebook)
        failure = None
        try:
            client.kc = self.talk
            with client.setup_kernel(cleanup_kc=False):
                self.talk = client.kc
                _quiet(client, (BETWEEN if self.used else PREAMBLE).format(language))
                self.used = True
                for index, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, index)
        except Exception as error:
            failure = {"reason": _reason(error), "version": self.version}
        record = collect(name, notebook)
        record.version, record.seconds, record.failure = self.version, round(time.monotonic() - began, 2), failure
        record.parameters = dict(parameters or {})
        if failure:
            _keep_evidence(self.workspace.notebooks, name, notebook)
        return record

    def _client(self, notebook: NotebookNode) -> NotebookClient:
        from nbclient import NotebookClient

        return NotebookClient(
            notebook, km=self.manager, timeout=CELL_SECONDS, startup_timeout=START_SECONDS, shutdown_kernel="immediate"
        )


def _manager() -> tuple[Any, Path]:
    """A kernel manager of this interpreter over Unix sockets in a private folder of a short name."""
    try:
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import KernelManager
    except ImportError as error:
        raise Unavailable() from error
    place = Path(tempfile.mkdtemp(prefix="tk-"))

    class OwnPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            line = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            quiet = ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]
            return KernelSpec(argv=line + quiet, language="python", display_name="Terukur")

    manager = KernelManager(
        kernel_spec_manager=OwnPython(), transport="ipc", ip=str(place / "k"), connection_file=str(place / "c.json")
    )
    return manager, place


def _quiet(client: Any, code: str) -> None:
    """Run code that is not part of the notebook."""
    from nbformat.v4 import new_code_cell

    client.nb.cells.append(new_code_cell(code))  # type: ignore[no-untyped-call]
    try:
        client.execute_cell(client.nb.cells[-1], len(client.nb.cells) - 1, store_history=False)
    finally:
        client.nb.cells.pop()


def _reason(error: BaseException) -> str:
    """The last line of what stopped it, without colours."""
    told = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return (told[-1] if told else type(error).__name__)[:300]


# -- notebooks as data ---------------------------------------------------------------------------------------------------------
def read(path: Path) -> NotebookNode:
    try:
        import nbformat
    except ImportError as error:
        raise Unavailable() from error
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call, no-any-return]


def inject(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Put values after the cell tagged `parameters`. Raises KeyError for a name that this notebook does not have."""
    from nbformat.v4 import new_code_cell

    if not parameters:
        return
    place = next(i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", []))
    known = set(re.findall(r"^(\w+)\s*=", notebook.cells[place].source, flags=re.MULTILINE))
    unknown = sorted(set(parameters) - known)
    if unknown:
        raise KeyError(f"{', '.join(unknown)}: bukan parameter; yang ada: {', '.join(sorted(known)) or '–'} / no such parameter")
    lines = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cell = new_code_cell(lines, metadata={"tags": ["injected-parameters"]})  # type: ignore[no-untyped-call]
    notebook.cells.insert(place + 1, cell)


def heading(text: str) -> tuple[str, str, str]:
    """Title, question and English summary: the parts of the first cell."""
    title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
    question = re.search(r"^\*\*(?:Pertanyaan|Question)\.\*\* (.+)$", text, flags=re.MULTILINE)
    summary = re.search(r"^\*In English\.\* (.+)$", text, flags=re.MULTILINE)
    return tuple(found.group(1).strip() if found else "" for found in (title, question, summary))  # type: ignore[return-value]


def collect(name: str, notebook: NotebookNode) -> Record:
    """What a run notebook shows, in order: prose, folded code, tables, charts. The answer moves to the top."""
    record = Record(name, *heading(notebook.cells[0].source))
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            source = _without_heading(cell.source) if index == 0 else cell.source
            if source.strip():
                record.parts.append(("text", markdown(source)))
            continue
        if cell.cell_type != "code":
            continue
        record.parts.append(("code", html.escape(cell.metadata.get("as_written", cell.source))))
        for output in cell.outputs:
            _take(record, output)
    return record


def _without_heading(source: str) -> str:
    kept = [s for s in source.splitlines() if not s.startswith(("# ", "**Pertanyaan.**", "**Question.**", "*In English.*"))]
    return "\n".join(kept)


def _take(record: Record, output: Mapping[str, Any]) -> None:
    kind = output["output_type"]
    if kind == "stream":
        if output["name"] == "stderr":
            record.stderr += output["text"]
        else:
            record.parts.append(("print", html.escape(output["text"])))
    elif kind in ("display_data", "execute_result"):
        ours = output["data"].get(OUTPUT)
        if ours is None:
            record.parts.append(("print", html.escape(output["data"].get("text/plain", ""))))
        elif ours["part"] == "answer":
            record.answer = ours["html"]
        elif ours["part"] != "none":
            record.parts.append((ours["part"], ours["html"]))
            record.figures.update(ours.get("figures", {}))


def markdown(source: str) -> str:
    """Prose as HTML; raw HTML in it is shown as text."""
    import mistune

    return str(mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(source))


# -- keeping -------------------------------------------------------------------------------------------------------------------
def _keep(folder: Path, record: Record) -> None:
    """A good record replaces the old one; a failed run only marks the last good one."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    path = folder / f"{record.name}.json"
    if record.failure:
        last = next((r for r in records(folder) if r.name == record.name and (r.parts and r.version)), None)
        kept = last or Record(record.name, record.title, record.question, record.summary)
        kept.failure = record.failure
    else:
        kept = record
        (folder / "gagal" / f"{record.name}.ipynb").unlink(missing_ok=True)
    _write(path, json.dumps(asdict(kept), ensure_ascii=False, sort_keys=True))


def keep_set(folder: Path, version: str, kept: Collection[str]) -> None:
    """Remember what the notebooks showed of a version, as long as that version is kept: a second name for each file, no second
    copy."""
    place = folder / version
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o750, parents=True)
    for path in folder.glob("[0-9]*.json"):
        os.link(path, place / path.name)
    for old in folder.glob("w-*"):
        if old.is_dir() and old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)


def restore_set(folder: Path, version: str) -> bool:
    """Bring back what the notebooks showed of a version; whether that was kept."""
    place = folder / version
    if not place.is_dir():
        return False
    for path in folder.glob("[0-9]*.json"):
        if not (place / path.name).exists():
            path.unlink()
    for path in place.glob("[0-9]*.json"):
        _write(folder / path.name, path.read_text(encoding="utf-8"))
    return True


def _keep_evidence(folder: Path, name: str, notebook: NotebookNode) -> None:
    import nbformat

    (folder / "gagal").mkdir(mode=0o750, parents=True, exist_ok=True)
    _write(folder / "gagal" / f"{name}.ipynb", nbformat.writes(notebook))  # type: ignore[no-untyped-call]


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def forget_missing(folder: Path) -> Iterator[str]:
    """Remove records of notebooks that the house no longer has."""
    for record in records(folder):
        if record.name not in names():
            (folder / f"{record.name}.json").unlink(missing_ok=True)
            yield record.name
