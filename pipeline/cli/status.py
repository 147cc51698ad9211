"""What a data keeper asks in the morning: is a version out, how old is it, what was refused and why, who did not send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline import night
from pipeline.settings import Workspace


def collect(workspace: Workspace) -> dict[str, Any]:
    """Everything as plain values: the version, counts by outcome, files with a problem and their sentences, silent accounts."""
    from pipeline.engine import versions
    from pipeline.intake.ledger import PROBLEMS
    from pipeline.letters import nightly

    entries = _entries(workspace)
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["outcome"]] = counts.get(entry["outcome"], 0) + 1
    return {
        "workspace": str(workspace.root),
        "night": _night(workspace),
        "held_version": versions.held(workspace),
        "working": not night.is_free(workspace),
        "version": _version(workspace) if versions.current(workspace) else None,
        "files": counts,
        "refused": counts.get("refused", 0),
        "held": counts.get("held", 0),
        "flagged": counts.get("flagged", 0),
        "problems": [_problem(e) for outcome in PROBLEMS for e in entries if e["outcome"] == outcome],
        "coverage": _coverage(workspace) if versions.current(workspace) else [],
        "silent": nightly.silent(workspace) if versions.current(workspace) else [],
        "notebooks": _failed_notebooks(workspace),
        "desk": _desk(workspace),
    }


def _night(workspace: Workspace) -> list[dict[str, Any]]:
    """What is wrong with the last night, the worst first, as the watchdog says it; empty where all is well."""
    from datetime import UTC, datetime

    from pipeline.letters import nightly
    from pipeline.settings import settings

    found = nightly.wrong(workspace, settings(), datetime.now(UTC))
    return [{"status": status, "id": indonesian, "en": english} for status, indonesian, english in found]


def exit_status(found: dict[str, Any]) -> int:
    """As of the night where something is wrong with it; 3 where files or agencies need a person; else 0."""
    if found["night"]:
        return int(found["night"][0]["status"])
    return night.PARTLY if found["refused"] or found["held"] or found["silent"] else night.DONE


def _entries(workspace: Workspace) -> list[dict[str, Any]]:
    """The ledger; while a night writes it, or where it is damaged until the next one, as the published version has it."""
    import duckdb

    from pipeline.engine import connections, versions
    from pipeline.intake import ledger

    if not workspace.raw_db.exists():
        return []
    try:
        return ledger.status(workspace).to_dicts()
    except (connections.InUse, duckdb.Error):
        if not versions.current(workspace):
            return []
    with versions.open_version(workspace) as version:
        rows = version.table("marts.export_files").to_dicts()
    for row in rows:
        said = {"code": row["code"], "id": row["message_id"], "en": row["message_en"]}
        row["messages"] = json.dumps([said] if row["code"] else [])
    return rows


def _desk(workspace: Workspace) -> dict[str, Any] | None:
    """What the keeper's view at the door says of today; None where the registers cannot be read."""
    from datetime import UTC, datetime

    from pipeline import registry
    from pipeline.desk import book, coverage, keeper
    from pipeline.desk.directory import directory

    now = datetime.now(UTC)
    try:
        known = directory(registry.load(workspace.registry), now.astimezone(book.WIB).date())
    except registry.RegistryError:
        return None
    return keeper.today(workspace, known, coverage.collect(workspace), now).as_json()


def _failed_notebooks(workspace: Workspace) -> list[dict[str, str]]:
    """Notebooks whose last run stopped: name, why, and the version that their page still shows (empty where there is none)."""
    from pipeline.notebook import execution

    stopped = [r for r in execution.records(workspace.notebooks) if r.failure]
    return [{"name": r.name, "reason": r.failure["reason"], "shows": r.version if r.parts else ""} for r in stopped if r.failure]


def _version(workspace: Workspace) -> dict[str, Any]:
    from pipeline.engine import versions

    with versions.open_version(workspace) as version:
        return version.sql("SELECT * FROM meta.version").to_dicts()[0]


def _coverage(workspace: Workspace) -> list[dict[str, Any]]:
    """Accounts whose newest finished month is not complete, worst first."""
    from pipeline.engine import versions

    query = """
        SELECT agency_id, account_id, platform, month, state, covered_days, days, last_captured_at
        FROM marts.coverage_month
        WHERE month = (
            SELECT max(month) FROM marts.coverage_month
            WHERE month < (SELECT date_trunc('month', data_cutoff) FROM meta.version))
          AND state NOT IN ('complete', 'not_required')
        ORDER BY covered_days, agency_id, account_id"""
    with versions.open_version(workspace) as version:
        return version.sql(query).to_dicts()


def _problem(entry: dict[str, Any]) -> dict[str, Any]:
    messages = json.loads(entry["messages"] or "[]")
    return {
        "file": entry["file_name"],
        "member": entry["member"],
        "account_id": entry["account_id"],
        "outcome": entry["outcome"],
        "code": entry["code"],
        "messages": [{k: m.get(k) for k in ("code", "place", "seen", "id", "en")} for m in messages],
    }


def lines(found: dict[str, Any], language: str = "id") -> Iterator[Any]:
    """The same for a person."""
    from rich.text import Text

    from pipeline.cli import screen
    from pipeline.html.locale import Words

    indonesian = language == "id"
    columns: tuple[str, ...]
    version = found["version"]
    for said in found.get("night", []):
        yield Text(screen.safe(said["id" if indonesian else "en"]), style="bold red")
    if version:
        label = "Versi terbit" if indonesian else "Published"
        cut = "data sampai" if indonesian else "data until"
        until = Words(language).instant(version["data_cutoff"])
        yield Text(f"{label}: {version['version']} · {cut} {until}", style="bold")
    else:
        nothing = "Belum ada versi terbit; jalankan" if indonesian else "Nothing published yet; run"
        yield Text(f"{nothing} 'terukur run'.")
    if held := found.get("held_version"):
        yield Text(held_in_words(held, indonesian))
    if found["working"]:
        yield Text("Pekerjaan sedang berjalan." if indonesian else "A run is working.")
    words = (f"{screen.outcome(name, language).plain}: {n}" for name, n in sorted(found["files"].items()))
    yield Text(("Berkas: " if indonesian else "Files: ") + (", ".join(words) or "0"))
    if found.get("desk") and found["desk"]["files"]:
        desk = found["desk"]
        told = ", ".join(f"{screen.outcome(name, language).plain} {n}" for name, n in desk["counts"].items())
        yield Text(f"{'Pintu masuk hari ini' if indonesian else 'The door today'}: {desk['files']} ({told})")
    if found["problems"]:
        title = "Yang perlu ditangani" if indonesian else "To be dealt with"
        in_english = ("account", "file", "outcome", "code", "what to do")
        columns = ("akun", "berkas", "hasil", "kode", "apa yang dilakukan") if indonesian else in_english
        yield screen.listing(title, columns, (_row(p, language) for p in found["problems"]))
    if found["silent"]:
        title = "Perangkat daerah yang berhenti mengirim" if indonesian else "Agencies that stopped sending"
        columns = ("perangkat daerah", "terakhir", "hari lalu") if indonesian else ("agency", "last", "days ago")
        yield screen.listing(title, columns, map(_last, found["silent"]))
    if found.get("notebooks"):
        title = (
            "Buku catatan yang gagal; halaman lamanya tetap ada" if indonesian else "Notebooks that failed; their last page stays"
        )
        columns = ("buku catatan", "halamannya dari", "sebab") if indonesian else ("notebook", "its page is from", "why")
        yield screen.listing(title, columns, ((n["name"], n["shows"] or "–", n["reason"]) for n in found["notebooks"]))
    if found["coverage"]:
        title = "Akun yang belum lengkap bulan lalu" if indonesian else "Accounts not complete last month"
        columns = ("perangkat daerah", "akun", "bulan", "hari") if indonesian else ("agency", "account", "month", "days")
        yield screen.listing(title, columns, map(_gap, found["coverage"]))


def held_in_words(held: dict[str, Any], indonesian: bool) -> str:
    """That a version is held, since when, and how that ends."""
    version, withdrawn, since = held["version"], held["withdrawn"], str(held["since"])[:10]
    if indonesian:
        return (
            f"Tertahan pada {version} sejak {since}; {withdrawn} ditarik. Melepas: 'terukur rollback --lepas' atau berkas baru."
        )
    return f"Held at {version} since {since}; {withdrawn} is withdrawn. To lift: 'terukur rollback --lepas', or new files."


def _row(problem: dict[str, Any], language: str) -> tuple[object, ...]:
    from pipeline.cli import screen

    name = problem["file"] + (f" › {problem['member']}" if problem["member"] else "")
    said: dict[str, list[str]] = {}
    for message in problem["messages"]:
        said.setdefault(message.get(language) or "", []).append(message.get("place") or "")
    sentences = [f"{text} ({', '.join(filter(None, places))})" if any(places) else text for text, places in said.items() if text]
    outcome = screen.outcome(problem["outcome"], language)
    return problem["account_id"] or "", name, outcome, problem["code"], " ".join(sentences)


def _last(row: dict[str, Any]) -> tuple[object, ...]:
    return row["agency_id"], f"{row['last_captured_at']:%Y-%m-%d}", row["days"]


def _gap(row: dict[str, Any]) -> tuple[object, ...]:
    return row["agency_id"], row["account_id"], f"{row['month']:%Y-%m}", f"{row['covered_days']}/{row['days']}"
