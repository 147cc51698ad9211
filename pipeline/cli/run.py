"""`terukur run`: the Dagster job in this process, and what a person should know about it afterwards."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import night, stamps
from pipeline.cli import quiet, screen
from pipeline.cli.status import held_in_words
from pipeline.engine import versions
from pipeline.html.locale import Words
from pipeline.intake.ledger import PROBLEMS
from pipeline.letters import nightly
from pipeline.settings import Workspace

if TYPE_CHECKING:
    from pipeline.defs.run import Watch

PUBLISHING = {"raw", "warehouse"}  # when one of these stops, nothing new is published


@dataclass
class Report:
    """One night, and what stopped in it."""

    workspace: Workspace
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    failures: list[night.Stopped] = field(default_factory=list)
    silent: int = 0  # agencies that stopped sending

    @property
    def status(self) -> int:
        """Exit status: what stopped it, else whether files or silent agencies need a person, else done."""
        if self.failures:
            first = self.failures[0]
            # A page or a notebook that fails leaves the last good set in place: the figures are out, the pages are not.
            return first.status if first.step in PUBLISHING or first.status != night.BUG else night.NOT_PUBLISHED
        return night.PARTLY if self.silent or any(self.counts.get(outcome) for outcome in PROBLEMS) else night.DONE

    def lines(self, language: str = "id") -> list[str]:
        """At most ten lines for a terminal."""
        indonesian = language == "id"
        return [*(stopped.id if indonesian else stopped.en for stopped in self.failures), *_summary(self, indonesian)]


@dataclass
class Progress:
    """For whoever waits at a terminal: the run that works, and how long each step took the night before."""

    watch: Watch | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def words(self, language: str) -> str:
        done = self.watch.done() if self.watch else []
        return doing(language, done) + self._left(language, done)

    def _left(self, language: str, done: Collection[str]) -> str:
        """About how long it still takes, if this night is like the last; nothing where there was none, or it takes longer."""
        known = {name: took for name, took in self.seconds.items() if name in STEPS}
        elapsed = time.monotonic() - self.watch.began if self.watch else 0.0
        behind = sum(took for name, took in known.items() if name in done)
        ahead = sum(took for name, took in known.items() if name not in done)
        left = ahead - max(elapsed - behind, 0.0)
        if not set(STEPS) <= set(known) or left < 1:
            return ""
        return f" (kira-kira {left:.0f} detik lagi)" if language == "id" else f" (about {left:.0f} seconds left)"


def overnight(workspace: Workspace, progress: Progress | None = None) -> Report:
    """Run the job `overnight` on a workspace whose lock the caller holds. What stops a step is in the report, not raised.

    A night without news (`quiet`) does its reading and its report, and starts no job.
    """
    began = time.monotonic()
    counts = quiet.night(workspace)
    failures: list[night.Stopped] = []
    if counts is None:
        counts, failures = _whole(workspace, progress or Progress())
    silent = len(nightly.silent(workspace)) if versions.current(workspace) else 0
    return Report(workspace, time.monotonic() - began, counts, failures, silent)


def _whole(workspace: Workspace, progress: Progress) -> tuple[dict[str, int], list[night.Stopped]]:
    from pipeline.definitions import defs
    from pipeline.defs.run import Watch, execute

    progress.seconds = stamps.read(workspace, DURATIONS)
    progress.watch = Watch()
    counts, failures = execute(defs, workspace, progress.watch)
    stamps.write(workspace, DURATIONS, progress.watch.seconds)
    quiet.remember(workspace, not failures)
    return counts, failures


DURATIONS = "durations"  # of the steps of the last whole night
STEPS = {
    "raw": ("Membaca berkas", "Reading files"),
    "warehouse": ("Menghitung dan memeriksa tabel", "Counting and checking tables"),
    "notebooks": ("Menjalankan buku catatan", "Running notebooks"),
    "pages": ("Menulis halaman", "Writing pages"),
}


def doing(language: str, done: Collection[str]) -> str:
    """What a night is doing now whose steps `done` are over."""
    now = next((words for name, words in STEPS.items() if name not in done), ("Menutup", "Closing"))
    return now[0] if language == "id" else now[1]


def _summary(report: Report, indonesian: bool) -> list[str]:
    language = "id" if indonesian else "en"
    files = ", ".join(f"{screen.outcome(o, language).plain} {n}" for o, n in sorted(report.counts.items()) if n)
    nothing = "tidak ada yang baru" if indonesian else "nothing new"
    lines = [f"{'Berkas' if indonesian else 'Files'}: {files or nothing}"]
    if versions.current(report.workspace) is None:
        return [*lines, "Belum ada versi terbit." if indonesian else "Nothing published yet."]
    with versions.open_version(report.workspace) as version:
        facts = _facts(version)
    lines += _facts_in_words(facts, indonesian)
    if held := versions.held(report.workspace):
        lines.append(held_in_words(held, indonesian))
    if waiting := _waiting(report, indonesian):
        lines.append(f"{'Perlu ditangani' if indonesian else 'To deal with'}: {', '.join(waiting)} → terukur status")
    lines.append(f"{'Selesai dalam' if indonesian else 'Done in'} {report.seconds:.0f} s")
    page = report.workspace.site / "latest" / ("id" if indonesian else "en") / "index.html"
    if page.exists():
        lines.append(f"{'Halaman untuk dibuka' if indonesian else 'Page to open'}: {page}")
    return lines


def _waiting(report: Report, indonesian: bool) -> list[str]:
    """What needs a person: files, and agencies that stopped sending."""
    files = sum(report.counts.get(outcome, 0) for outcome in PROBLEMS)
    said = [(files, "berkas", "files"), (report.silent, "perangkat daerah berhenti mengirim", "agencies stopped sending")]
    return [f"{n} {word_id if indonesian else word_en}" for n, word_id, word_en in said if n]


def _facts(version: versions.Version) -> dict[str, Any]:
    query = """
        SELECT v.*,
            (SELECT count(*) FROM core.posts WHERE is_counted) AS posts,
            (SELECT count(DISTINCT agency_id) FROM core.posts WHERE is_counted) AS agencies,
            (SELECT count(DISTINCT account_id) FROM core.posts WHERE is_counted) AS accounts,
            (SELECT count(*) FROM meta.tables) AS tables,
            (SELECT count(*) FROM meta.checks) AS checks,
            (SELECT count(*) FROM meta.checks WHERE NOT passed) AS warnings
        FROM meta.version v"""
    return version.sql(query).to_dicts()[0]


def _facts_in_words(facts: dict[str, Any], indonesian: bool) -> list[str]:
    words = Words("id" if indonesian else "en")
    period = f"{words.day(facts['period_start'])} – {words.day(facts['period_end'])}"
    until = words.instant(facts["data_cutoff"])
    name, tables, checks, warnings = (facts[k] for k in ("version", "tables", "checks", "warnings"))
    posts, accounts, agencies = (facts[k] for k in ("posts", "accounts", "agencies"))
    said = [
        (
            f"Versi {name}: {tables} tabel, {checks} pemeriksaan, {warnings} peringatan",
            f"Version {name}: {tables} tables, {checks} checks, {warnings} warnings",
        ),
        (
            f"Isi: {posts} unggahan dari {accounts} akun, {agencies} perangkat daerah",
            f"Holds: {posts} posts of {accounts} accounts, {agencies} agencies",
        ),
    ]
    if facts["period_start"]:
        said.append((f"Periode: {period}; data sampai {until}", f"Period: {period}; data until {until}"))
    if facts["simulated"]:
        said.append(("DATA SIMULASI – bukan angka sebenarnya", "SIMULATED DATA – not real figures"))
    return [pair[0 if indonesian else 1] for pair in said]
