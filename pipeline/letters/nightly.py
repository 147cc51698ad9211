"""The night reports itself: as a file always, by mail where that is set up; and a watchdog tells of nights that could not.

Every night leaves `laporan/malam/<moment>.json` with a text beside it. A mark is left before the night begins, so that one that
was killed is known by the mark that has no report. The watchdog reads files only and needs nothing that died.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline import night, registry
from pipeline.engine import versions
from pipeline.files import is_running, write_atomically
from pipeline.html.locale import WIB, Words
from pipeline.intake import ledger
from pipeline.letters import post
from pipeline.settings import Settings, Workspace

OVERDUE = timedelta(hours=26)  # a night a day, and two hours for one that takes long
MISSED = timedelta(hours=24, minutes=45)  # since a night began: the next one did not, and an hourly watch says so within the hour
LISTED = 20
KEEP_DAYS = 400  # reports of nights and what was written of faults: a year, and a month to look back from
KEEP_LOGS = 200
REPORTS = "????-??-??T??????.json"
ALARM_DAYS, ALARM_PEAK = 14, 10


def began(workspace: Workspace, now: datetime) -> None:
    """Leave the mark of a night that begins."""
    place = workspace.nights
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    mark = {"pid": os.getpid(), "began_at": now.isoformat(timespec="seconds"), "version": versions.current(workspace)}
    write_atomically(place / "mulai.json", json.dumps(mark))


def finished(
    workspace: Workspace, said: Settings, status: int, stopped: Sequence[night.Stopped], now: datetime, **more: Any
) -> dict[str, Any]:
    """Write the report of the night that began last, send it, and give it back. Nothing here stops a night that was good."""
    mark = post.read(workspace.nights / "mulai.json")
    found = collect(workspace, mark, status, stopped, now)
    place = workspace.nights
    place.mkdir(mode=0o750, parents=True, exist_ok=True)
    rotate(workspace, now)
    stem = now.astimezone(WIB).strftime("%Y-%m-%dT%H%M%S")
    text = "\n\n".join("\n".join(lines(found, Words(language))) for language in (said.language, Words(said.language).other))
    write_atomically(place / f"{stem}.json", json.dumps(found, ensure_ascii=False, default=str, indent=1))
    write_atomically(place / f"{stem}.txt", text + "\n")
    if post.is_set(said):
        key = f"{now.astimezone(WIB):%Y-%m-%d}"
        letter = post.mail(said, subject(found, Words(said.language)), text, now, f"malam-{key}")
        found["mail"] = post.once(place, f"malam-{key}", letter, said, now, **more)
    return found


def rotate(workspace: Workspace, now: datetime) -> list[str]:
    """Delete reports and logs older than `KEEP_DAYS`, and of the logs all but the newest `KEEP_LOGS`. Returns their names."""
    oldest = (now - timedelta(days=KEEP_DAYS)).timestamp()
    reports = [p for pattern in ("????-??-??T??????.*", "surat-*.json") for p in workspace.nights.glob(pattern)]
    logs = sorted(workspace.logs.glob("*.log"), key=lambda p: p.stat().st_mtime)
    gone = [path for path in (*reports, *logs) if path.stat().st_mtime < oldest]
    gone += [path for path in logs[:-KEEP_LOGS] if path not in gone]
    for path in gone:
        path.unlink(missing_ok=True)
    return [path.name for path in gone]


# -- what is told --------------------------------------------------------------------------------------------------------------
def collect(
    workspace: Workspace, mark: dict[str, Any], status: int, stopped: Sequence[night.Stopped], now: datetime
) -> dict[str, Any]:
    """Everything as plain values. A part that cannot be read is said to be so, and costs no other."""
    disk = shutil.disk_usage(workspace.root)
    found: dict[str, Any] = {
        "began_at": mark.get("began_at"),
        "finished_at": now.isoformat(timespec="seconds"),
        "status": status,
        "stopped": [{"step": s.step, "id": s.id, "en": s.en} for s in stopped],
        "version": versions.current(workspace),
        "is_new": versions.current(workspace) != mark.get("version"),
        "held_version": versions.held(workspace),
        "disk_free_mib": disk.free // 2**20,
        "unread": [],
    }
    parts: dict[str, Callable[[], Any]] = {
        "problems": lambda: _problems(workspace, _last_told(workspace, mark)),
        "silent": lambda: silent(workspace) if found["version"] else [],
        "alarms": lambda: _alarms(workspace) if found["version"] else [],
        "cutoff": lambda: _cutoff(workspace) if found["version"] else None,
    }
    for name, read in parts.items():
        try:
            found[name] = read()
        except Exception as error:
            _, indonesian, english = night.explain(error)
            found[name] = None
            found["unread"].append({"part": name, "id": indonesian, "en": english})
    found["age_days"] = (now.replace(tzinfo=None) - found["cutoff"]).days if found["cutoff"] else None
    return found


def _last_told(workspace: Workspace, mark: dict[str, Any]) -> str | None:
    """Since when files are new to a person: what a night saw that stopped, or that told nobody, is told by the next one."""
    whole = [r for path in sorted(workspace.nights.glob(REPORTS)) if not (r := post.read(path)).get("stopped", True)]
    began, last = mark.get("began_at"), whole[-1].get("finished_at") if whole else None
    return min(began, last, key=datetime.fromisoformat) if began and last else None


def _problems(workspace: Workspace, since: str | None) -> list[dict[str, Any]]:
    """Files that a person must deal with and that were seen first since then, the most urgent first."""
    if not workspace.raw_db.exists():
        return []
    start = datetime.fromisoformat(since).astimezone(UTC).replace(tzinfo=None) if since else datetime.min
    rows = [e for e in ledger.status(workspace).to_dicts() if e["outcome"] in ledger.PROBLEMS and e["first_seen_at"] >= start]
    rows.sort(key=lambda e: (ledger.PROBLEMS.index(e["outcome"]), e["account_id"] or "", e["file_name"]))
    return [
        {
            "account_id": e["account_id"],
            "file": e["file_name"],
            "member": e["member"],
            "outcome": e["outcome"],
            "code": e["code"],
            "messages": [{k: m.get(k) for k in ("id", "en")} for m in json.loads(e["messages"] or "[]")],
        }
        for e in rows
    ]


def silent(workspace: Workspace) -> list[dict[str, Any]]:
    """Agencies that sent files and stopped: agency_id, last_captured_at, days since, counted to the newest export of all.

    Not to today, so that the answer is the same whenever and under whatever clock it is asked. More than
    `data_age_warning_days` of settings.toml is too long. Who never sent anything is told by the coverage instead.
    """
    limit = registry.load(workspace.registry).settings["data_age_warning_days"]
    query = """
        SELECT x.agency_id, max(x.captured_at) AS last_captured_at,
            date_diff('day', max(x.captured_at), (SELECT data_cutoff FROM meta.version)) AS days
        FROM marts.export_files x
        WHERE x.outcome IN ('accepted', 'flagged')
          AND x.agency_id IN (SELECT agency_id FROM core.accounts WHERE status = 'active' AND valid_to IS NULL)
        GROUP BY x.agency_id HAVING days > $limit
        ORDER BY days DESC, x.agency_id"""
    with versions.open_version(workspace) as version:
        rows: list[dict[str, Any]] = version.sql(query, limit=limit).to_dicts()
    return rows


def _alarms(workspace: Workspace) -> list[dict[str, Any]]:
    """Surges of the last two weeks of data that nobody has answered, the largest first."""
    query = """
        SELECT s.agency_id, s.account_id, s.metric, s.started_on, s.peak_value, s.peak_expected
        FROM estimates.surges s, meta.version v
        WHERE NOT s.is_acknowledged AND s.peak_value >= $peak
          AND s.started_on >= CAST(v.data_cutoff AS DATE) - CAST($days AS INTEGER)
        ORDER BY s.peak_value DESC, s.account_id, s.metric"""
    with versions.open_version(workspace) as version:
        rows: list[dict[str, Any]] = version.sql(query, peak=ALARM_PEAK, days=ALARM_DAYS).to_dicts()
    return rows


def _cutoff(workspace: Workspace) -> Any:
    with versions.open_version(workspace) as version:
        return version.sql("SELECT data_cutoff FROM meta.version").item()


def subject(found: dict[str, Any], w: Words) -> str:
    if found["stopped"]:
        return w.plain("Terukur: the night did not publish")
    urgent = sum(p["outcome"] != "flagged" for p in found["problems"] or [])
    if urgent or found["silent"] or found["alarms"]:
        return w.plain("Terukur: published, {n} things to deal with", n=w.integer(_to_do(found)))
    return w.plain("Terukur: published, nothing to do")


def _to_do(found: dict[str, Any]) -> int:
    return sum(len(found[name] or []) for name in ("problems", "silent", "alarms"))


def lines(found: dict[str, Any], w: Words) -> Iterator[str]:
    """The report for a person, from what matters most."""
    tongue = w.language
    for stopped in found["stopped"]:
        yield w.plain("Stopped at {step}: {reason}", step=stopped["step"], reason=stopped[tongue])
    if found["is_new"]:
        yield w.plain("Published: version {version}", version=found["version"])
    elif found["version"]:
        yield w.plain("Version {version} stays published; nothing new came out.", version=found["version"])
    else:
        yield w.plain("Nothing is published yet.")
    if held := found["held_version"]:
        yield w.plain(
            "Held at {version}; {withdrawn} was taken back. It ends with new files or with: terukur rollback --lepas",
            version=held["version"],
            withdrawn=held["withdrawn"],
        )
    if found["age_days"] is not None:
        yield w.plain("Data to {day}, {n} days old", day=w.day(found["cutoff"].date()), n=w.integer(found["age_days"]))
    yield from _listed(w.plain("Files to deal with"), found["problems"], lambda p: _problem(p, tongue), w)
    yield from _listed(w.plain("Stopped sending"), found["silent"], lambda s: _silence(s, w), w)
    yield from _listed(w.plain("Surges that nobody has answered"), found["alarms"], lambda a: _alarm(a, w), w)
    yield w.plain("Disk left: {n} MiB", n=w.integer(found["disk_free_mib"]))
    for unread in found["unread"]:
        yield w.plain("Could not be read ({part}): {reason}", part=unread["part"], reason=unread[tongue])


def _listed(title: str, rows: list[dict[str, Any]] | None, said: Callable[[dict[str, Any]], str], w: Words) -> Iterator[str]:
    if rows:
        yield f"{title}: {len(rows)}"
        yield from (f"- {said(row)}" for row in rows[:LISTED])
        if len(rows) > LISTED:
            yield w.plain("… and {n} more: terukur status", n=w.integer(len(rows) - LISTED))


def _problem(problem: dict[str, Any], tongue: str) -> str:
    from pipeline.html.escape import tampil

    name = problem["file"] + (f" › {problem['member']}" if problem["member"] else "")
    said = " ".join(dict.fromkeys(m.get(tongue) or "" for m in problem["messages"]))
    return tampil(f"{problem['account_id'] or '?'} · {name} [{problem['code'] or problem['outcome']}] {said}", 400)


def _silence(row: dict[str, Any], w: Words) -> str:
    last = w.day(row["last_captured_at"].date())
    return w.plain("{agency}: last on {day}, {n} days ago", agency=row["agency_id"], day=last, n=w.integer(row["days"]))


def _alarm(row: dict[str, Any], w: Words) -> str:
    return w.plain(
        "{day}, {account}: {metric} {value}, usually about {usual}",
        day=w.day(row["started_on"]),
        account=row["account_id"],
        metric=row["metric"],
        value=w.number(row["peak_value"]),
        usual=w.number(row["peak_expected"], 1),
    )


# -- the watchdog --------------------------------------------------------------------------------------------------------------
def watch(workspace: Workspace, said: Settings, now: datetime, **more: Any) -> tuple[int, list[tuple[str, str]]]:
    """Exit status and sentences (id, en) on what is wrong with the last night; (0, []) where all is well.

    4: no night ended well lately (missing, killed, stopped); 6: disk; 3: the report could not be mailed, or data are old. What is
    wrong is mailed too, once a day.
    """
    found = list(wrong(workspace, said, now))
    status = found[0][0] if found else night.DONE
    told = [(indonesian, english) for _, indonesian, english in found]
    if found and status != night.PARTLY and post.is_set(said):
        key = f"periksa-{now.astimezone(WIB):%Y-%m-%d}"
        w = Words(said.language)
        body = "\n".join(sentence for pair in (0, 1) for sentence in [t[pair] for t in told])
        letter = post.mail(said, w.plain("Terukur: the night is missing or failed"), body, now, key)
        workspace.nights.mkdir(mode=0o750, parents=True, exist_ok=True)
        note = post.once(workspace.nights, key, letter, said, now, **more)
        if note["state"] != "sent":
            told.append(_unsent(note))
    return status, told


def wrong(workspace: Workspace, said: Settings, now: datetime) -> Iterator[tuple[int, str, str]]:
    place = workspace.nights
    mark = post.read(place / "mulai.json")
    reports = sorted(place.glob(REPORTS))
    last = post.read(reports[-1]) if reports else {}
    yield from _of_the_night(mark, last, workspace, now)
    try:
        night.require_room(workspace)
    except night.NoRoom as error:
        yield night.ENVIRONMENT, error.id, error.en
    if not workspace.current_file.exists():
        yield night.NOT_PUBLISHED, "Belum ada versi yang terbit.", "Nothing is published yet."
    else:
        try:
            versions.verify(workspace, versions.current(workspace) or "")
        except versions.Damaged as error:
            yield night.NOT_PUBLISHED, error.id, error.en
    if told := unsent(workspace, said):
        yield night.PARTLY, *told


def unsent(workspace: Workspace, said: Settings) -> tuple[str, str] | None:
    """Why the newest report was not mailed; None where it was, or where no mail is set up."""
    if not post.is_set(said):
        return None
    notes = sorted(workspace.nights.glob("surat-malam-*.json"))
    note = post.read(notes[-1]) if notes else {"state": "failed", "reason": "-"}
    return None if note.get("state") == "sent" else _unsent(note)


def _of_the_night(
    mark: dict[str, Any], last: dict[str, Any], workspace: Workspace, now: datetime
) -> Iterator[tuple[int, str, str]]:
    started, ended = _moment(mark.get("began_at")), _moment(last.get("finished_at"))
    if started is None:
        yield night.NOT_PUBLISHED, "Belum pernah ada malam yang berjalan.", "No night has ever run."
        return
    if ended is None or ended < started:
        if is_running(str(mark.get("pid", ""))) and not night.is_free(workspace) and now - started < OVERDUE:
            return  # it works now
        day = f"{started.astimezone(WIB):%Y-%m-%d %H:%M} WIB"
        yield (
            night.NOT_PUBLISHED,
            f"Malam yang mulai {day} terhenti tanpa laporan; jalankan `terukur run`.",
            f"The night that began {day} ended without a report; run `terukur run`.",
        )
        return
    if now - started > MISSED or now - ended > OVERDUE:
        hours = int((now - ended).total_seconds() // 3600)
        yield (
            night.NOT_PUBLISHED,
            f"Sudah {hours} jam tidak ada malam yang selesai; periksa jadwalnya.",
            f"No night has finished for {hours} hours; check its timer.",
        )
    if last.get("stopped"):
        said = last["stopped"][0]
        yield night.NOT_PUBLISHED, f"Malam terakhir gagal: {said['id']}", f"The last night failed: {said['en']}"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _unsent(note: dict[str, Any]) -> tuple[str, str]:
    if note.get("state") == "unknown":
        return "Tidak diketahui apakah surel laporan terkirim.", "It is not known whether the report was mailed."
    reason = note.get("reason") or "-"
    return f"Surel laporan tidak terkirim: {reason}", f"The report could not be mailed: {reason}"
