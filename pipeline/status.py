"""What a data keeper asks in the morning: is a version out, how old is it, what was refused and why, who did not send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline import night
from pipeline.settings import Workspace

PROBLEMS = ("refused", "held", "flagged")


def collect(workspace: Workspace) -> dict[str, Any]:
    """Everything as plain values: the version, counts by outcome, files with a problem and their sentences, silent accounts."""
    from pipeline import ledger, warehouse

    entries = ledger.status(workspace).to_dicts() if workspace.raw_db.exists() else []
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["outcome"]] = counts.get(entry["outcome"], 0) + 1
    return {
        "workspace": str(workspace.root),
        "working": not night.is_free(workspace),
        "version": _version(workspace) if warehouse.current(workspace) else None,
        "files": counts,
        "refused": counts.get("refused", 0),
        "held": counts.get("held", 0),
        "flagged": counts.get("flagged", 0),
        "problems": [_problem(entry) for entry in entries if entry["outcome"] in PROBLEMS],
        "coverage": _coverage(workspace) if warehouse.current(workspace) else [],
    }


def _version(workspace: Workspace) -> dict[str, Any]:
    from pipeline import warehouse

    with warehouse.open_version(workspace) as version:
        return version.sql("SELECT * FROM meta.version").to_dicts()[0]


def _coverage(workspace: Workspace) -> list[dict[str, Any]]:
    """Accounts whose newest finished month is not complete, worst first."""
    from pipeline import warehouse

    query = """
        SELECT agency_id, account_id, platform, month, state, covered_days, days, last_captured_at
        FROM marts.coverage_month
        WHERE month = (
            SELECT max(month) FROM marts.coverage_month
            WHERE month < (SELECT date_trunc('month', data_cutoff) FROM meta.version))
          AND state NOT IN ('complete', 'not_required')
        ORDER BY covered_days, agency_id, account_id"""
    with warehouse.open_version(workspace) as version:
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

    from pipeline import screen

    indonesian = language == "id"
    version = found["version"]
    if version:
        label = "Versi terbit" if indonesian else "Published"
        cut = "data sampai" if indonesian else "data until"
        yield Text(f"{label}: {version['version']} · {cut} {version['data_cutoff']} UTC", style="bold")
    else:
        nothing = "Belum ada versi terbit; jalankan" if indonesian else "Nothing published yet; run"
        yield Text(f"{nothing} 'terukur run'.")
    if found["working"]:
        yield Text("Pekerjaan sedang berjalan." if indonesian else "A run is working.")
    words = (f"{screen.outcome(name, language).plain}: {n}" for name, n in sorted(found["files"].items()))
    yield Text(("Berkas: " if indonesian else "Files: ") + (", ".join(words) or "0"))
    if found["problems"]:
        title = "Yang perlu ditangani" if indonesian else "To be dealt with"
        columns = ("berkas", "hasil", "kode", "apa yang dilakukan") if indonesian else ("file", "outcome", "code", "what to do")
        yield screen.listing(title, columns, (_row(p, language) for p in found["problems"]))
    if found["coverage"]:
        title = "Akun yang belum lengkap bulan lalu" if indonesian else "Accounts not complete last month"
        columns = ("lembaga", "akun", "bulan", "hari") if indonesian else ("agency", "account", "month", "days")
        yield screen.listing(title, columns, map(_gap, found["coverage"]))


def _row(problem: dict[str, Any], language: str) -> tuple[object, ...]:
    from pipeline import screen

    name = problem["file"] + (f" › {problem['member']}" if problem["member"] else "")
    said = " ".join(m[language] for m in problem["messages"] if m.get(language))
    return name, screen.outcome(problem["outcome"], language), problem["code"], said


def _gap(row: dict[str, Any]) -> tuple[object, ...]:
    return row["agency_id"], row["account_id"], f"{row['month']:%Y-%m}", f"{row['covered_days']}/{row['days']}"
