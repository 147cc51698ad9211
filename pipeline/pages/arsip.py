"""Archive: what did the report of each month say, was what it asked for done, and is that month closed?

A report is told by the code that told it then, from the tables of its own version or, once the month is sealed, from the sealed
bundle. So a closed month says what it said, and a correction stands beside it with its reason. Numbers of other versions carry no
id: `trace` follows those of this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages import advice, ringkasan
from pipeline.pages.data import Past
from pipeline.pages.sheet import Sheet

PATH = "arsip.html"
NOT_ABOUT_A_LACK = ("regency_training", "regency_up")  # advice to go on: no later report can say that it is settled


def build(sheet: Sheet) -> str:
    w, reports = sheet.words, list(reversed(told(sheet)))
    body = render(
        "arsip.html",
        w,
        p=sheet.opening(headline(sheet, reports), lede(sheet, reports), kind=w._("Archive")),
        reports=reports,
    )
    return sheet.page(body, title=w.plain("Archive"))


def headline(sheet: Sheet, reports: list[dict[str, Any]]) -> str:
    """How much of what the last report asked for is still there."""
    w = sheet.words
    judged = next((r for r in reports if r["outcomes"]), None)
    if judged is None:
        return w._("The first report is out; the next one will say what came of it")
    gone = sum(kind == "up" for kind, _ in judged["outcomes"])
    if not gone:
        return w._("Everything that the report of {month} asked for is still seen", month=judged["label"])
    return w._(
        "Of {n} things that the report of {month} asked for, {gone} are no longer seen",
        n=w.integer(len(judged["outcomes"])),
        month=judged["label"],
        gone=w.integer(gone),
    )


def lede(sheet: Sheet, reports: list[dict[str, Any]]) -> list[str]:
    w = sheet.words
    closed = sum(bool(r["closed"]) for r in reports)
    return [
        w.ngettext("{n} report was published.", "{n} reports were published.", len(reports)),
        w.ngettext("{n} month is closed and sealed.", "{n} months are closed and sealed.", closed)
        if closed
        else w._("No month is closed yet; its numbers may still change when files arrive."),
        w._("“No longer seen” means that the rule found no evidence any more; it does not prove who did what."),
    ]


def told(sheet: Sheet) -> list[dict[str, Any]]:
    """Every report with what the one after it says of its requests; oldest first, the current one last."""
    facts = sheet.facts
    end = facts.period[1]
    past = [p for p in facts.past if end is None or p.month < end.replace(day=1)]
    sealed = next((p for p in facts.past if end is not None and p.month == end.replace(day=1)), None)
    if end is not None:
        version = str(facts.info.get("version") or "")
        past.append(Past(end.replace(day=1), version, facts, *((sealed.seal, sealed.corrections) if sealed else ())))
    return [report(sheet, one, past[i + 1] if i + 1 < len(past) else None) for i, one in enumerate(past)]


def report(sheet: Sheet, past: Past, after: Past | None) -> dict[str, Any]:
    w = sheet.words
    past.facts.themes = past.facts.themes or sheet.facts.themes  # names of programmes stand in the registry, not in a version
    then = Sheet(w, past.facts, PATH, sheet.built_at, single=True, silent=past.facts is not sheet.facts)
    rows = past.facts.frames["estimates.actions"].sort("rank", nulls_last=True)
    actions = rows.filter(pl.col("agency_id").is_null()).to_dicts()
    found = [_action(sheet, row, past, after) for row in actions]
    return {
        "key": f"{past.month:%Y-%m}",
        "label": w.month(past.month),
        "period": w.months(*past.facts.period),
        "version": tampil(past.version, 40),
        "headline": ringkasan.headline(then),
        "lede": [sentence for sentence in ringkasan.lede(then) if sentence],
        "actions": found,
        "outcomes": [action["outcome"] for action in found if action["outcome"] and action["outcome"][0]],
        "needs": _needs(sheet, past, after),
        "closed": w.day(past.closed_on) if past.closed_on else "",
        "seal": (past.seal or {}).get("seal", "")[:16],
        "corrections": [_correction(sheet, entry) for entry in past.corrections],
        "is_current": past.facts is sheet.facts,
        "after": w.month(after.month) if after else "",
    }


def _correction(sheet: Sheet, entry: Mapping[str, Any]) -> str:
    w = sheet.words
    day = datetime.fromisoformat(entry["closed_at"]).date()
    reason = tampil(entry["reason"], 300).rstrip(".")
    return w._("Corrected on {day}: {reason}.", day=w.day(day), reason=reason)


# -- what came of it -----------------------------------------------------------------------------------------------------------
def _action(sheet: Sheet, row: dict[str, Any], past: Past, after: Past | None) -> dict[str, Any]:
    said = advice.told(row, sheet.words)
    return {"title": said["title"], "text": said["text"], "outcome": _outcome(sheet, row, past, after) if after else None}


def _outcome(sheet: Sheet, row: dict[str, Any], past: Past, after: Past) -> tuple[str, str]:
    """(up where it is no longer seen, down where it still is, nothing where that cannot be read; the sentence)."""
    w, month = sheet.words, sheet.words.month(after.month)
    if row["rule"] in NOT_ABOUT_A_LACK:
        return "", _trained_since(sheet, past, after) if row["rule"] == "regency_training" else w._(
            "Cannot be read from the data."
        )
    now = after.facts.frames["estimates.actions"].filter((pl.col("rule") == row["rule"]) & pl.col("agency_id").is_null())
    if now.is_empty():
        return "up", w._("No longer seen in the report of {month}.", month=month)
    then_, now_ = (json.loads(found["arguments"] or "{}") for found in (row, now.row(0, named=True)))
    names, still = _names(then_), _names(now_)
    whole = (now_.get("n") or 0) <= len(still)  # the later list names everybody, so who is not on it is off it
    left = [name for name in names if name not in still] if whole else []
    if left:
        return "down", w._(
            "Still seen in the report of {month}, but no longer: {names}.", month=month, names=w.join(tampil(n, 60) for n in left)
        )
    return "down", w._("Still seen in the report of {month}.", month=month)


def _names(arguments: Mapping[str, Any]) -> list[str]:
    names = arguments.get("names")
    return [str(name) for name in names] if isinstance(names, list) else []


def _trained_since(sheet: Sheet, past: Past, after: Past) -> str:
    w = sheet.words
    since = past.facts.period[1] or date.min
    rows = after.facts.frames["core.trainings"].filter(pl.col("date") > since)
    count = rows["agency_id"].n_unique() if rows.height else 0
    if not count:
        return w._("Since then nobody attended a training.")
    return w.ngettext(
        "Since then {n} agency attended a training.", "Since then {n} agencies attended a training.", count, n=w.integer(count)
    )


def _needs(sheet: Sheet, past: Past, after: Past | None) -> dict[str, str] | None:
    """Who needed help and no longer does, who still does; nothing before the next report."""
    if after is None:
        return None
    w = sheet.words
    now = {need["agency"]["agency_id"] for need in advice.needs(after.facts, w)}
    known = {agency["agency_id"] for agency in after.facts.listed}
    then = [need["agency"] for need in advice.needs(past.facts, w)]
    gone = [a["short"] for a in then if a["agency_id"] in known and a["agency_id"] not in now]
    still = [a["short"] for a in then if a["agency_id"] in now]
    return {"gone": w.join(gone) if gone else "", "still": w.join(still) if still else ""}
