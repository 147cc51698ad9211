"""One agency: where does it stand against its peers, what worked, can this page be trusted, what next?"""

import math
from datetime import date
from typing import Any

import polars as pl

from pipeline.charts import Chart, Column, Table
from pipeline.charts.dots import PLATFORM_NAMES, platform_dots, standing
from pipeline.charts.replies import reply_times
from pipeline.charts.trend import agency_trend
from pipeline.html import render
from pipeline.html.escape import safe_link, tampil
from pipeline.html.locale import Words
from pipeline.pages import common
from pipeline.pages.advice import format_word, next_step
from pipeline.pages.data import HOURS, MINIMUM_CASES, MINIMUM_LIST, Facts
from pipeline.pages.sheet import Sheet

FILES_SHOWN = 120


def build(sheet: Sheet, agency: dict) -> str:
    facts, w = sheet.facts, sheet.words
    best = best_rows(sheet, agency)
    body = render(
        "perangkat.html",
        w,
        p=sheet.opening(headline(sheet, agency), lede(sheet, agency), kind=common.peer_label(agency["peer_group"], w)),
        cells=five_numbers(sheet, agency),
        langkah=next_step(facts, agency, w),
        charts=charts(sheet, agency),
        back=sheet.url("daftar.html"),
        best=best,
        best_title=best_title(best, sheet),
        best_note=one_hit(sheet, agency),
        best_csv=best_csv(sheet, agency, best),
        rhythm=rhythm(sheet, agency),
        habits=habits(sheet, agency),
        coverage=coverage(sheet, agency),
        files=files(sheet, agency),
        method=method(sheet, agency),
    )
    return sheet.page(body, title=agency["short"])


# -- words ---------------------------------------------------------------------------------------------------------------------
def headline(sheet: Sheet, agency: dict) -> str:
    """Standing and change in one sentence, each only as far as its interval goes."""
    w, window, name = sheet.words, agency["window"], agency["short"]
    level, change = common.level(window), common.direction(window)
    if level == "data":
        return {
            "no_data": w._("{name}: no data for this period", name=name),
            "not_covered": w._("{name}: data too incomplete to be judged", name=name),
            "too_few_posts": w._("{name}: too few posts to be judged", name=name),
            "too_few_accounts": w._("{name}: no comparable accounts to be judged against", name=name),
        }.get(window.get("state") or "no_data", w._("{name}: not judged", name=name))
    sentences = {
        ("up", "up"): w._("{name} draws more response than expected, and is improving", name=name),
        ("up", "down"): w._("{name} draws more response than expected, but is declining", name=name),
        ("up", "flat"): w._("{name} draws more response than expected", name=name),
        ("down", "up"): w._("{name} draws less response than expected, but is improving", name=name),
        ("down", "down"): w._("{name} draws less response than expected, and is declining", name=name),
        ("down", "flat"): w._("{name} draws less response than expected", name=name),
        ("flat", "up"): w._("{name} is improving; its level is not certainly different from expected", name=name),
        ("flat", "down"): w._("{name} is declining; its level is not certainly different from expected", name=name),
        ("flat", "flat"): w._("{name}: neither level nor change differs for certain", name=name),
    }
    if common.is_as_expected(window):
        sentences |= {
            ("flat", "up"): w._("{name} is improving; its response is about as expected", name=name),
            ("flat", "down"): w._("{name} is declining; its response is about as expected", name=name),
            ("flat", "flat"): w._("{name} is about as expected, without certain change", name=name),
        }
    return sentences.get((level, change)) or sentences[(level, "flat")]


def lede(sheet: Sheet, agency: dict) -> list[str]:
    w, window = sheet.words, agency["window"]
    sentences = []
    if agency["long"] != agency["short"]:
        sentences.append(w._("{long}.", long=agency["long"]))
    if window.get("vs_expected") is not None and common.level(window) != "data":
        sentences.append(
            w._(
                "In {period} its posts drew {times} the response expected for accounts of this size, platform and mix of posts "
                "({interval}).",
                period=sheet.period,
                times=common.times_bold(window["vs_expected"], w),
                interval=w.interval(window["lower"], window["upper"], kind="times"),
            )
        )
        sentences.append(change_sentence(sheet, window))
        sentences.append(rank_sentence(sheet, window))
    else:
        sentences.append(common.state_reason(window, w))
    if agency.get("predecessor_id"):
        before = next((a for a in sheet.facts.agencies if a["agency_id"] == agency["predecessor_id"]), None)
        name = before["short"] if before else agency["predecessor_id"]
        sentences.append(w._("It was formed from {name}; the months before belong to that agency.", name=tampil(name, 60)))
    return sentences


def change_sentence(sheet: Sheet, window: dict) -> str:
    w = sheet.words
    if window.get("change") is None:
        return w._("There is no comparison with the three months before yet.")
    interval = w.interval(window["change_lower"], window["change_upper"], kind="change")
    change = common.bold(w.change(window["change"]))
    if common.direction(window) == "flat":
        return w._(
            "The change of {change} against the three months before is not certain ({interval}).",
            change=change,
            interval=interval,
        )
    return w._(
        "The change of {change} against the three months before goes beyond chance ({interval}).",
        change=change,
        interval=interval,
    )


def rank_sentence(sheet: Sheet, window: dict) -> str:
    """Never a bare rank: the range, and only where it says something."""
    w = sheet.words
    if not window.get("is_rank_shown") or window.get("rank_lower") is None:
        return ""
    return w._(
        "In its peer group its rank lies between {low} and {high} of {all}.",
        low=w.integer(window["rank_lower"]),
        high=w.integer(window["rank_upper"]),
        all=w.integer(window["rank_group_size"]),
    )


# -- numbers -------------------------------------------------------------------------------------------------------------------
def five_numbers(sheet: Sheet, agency: dict) -> list[dict]:
    w, window, key = sheet.words, agency["window"], agency["agency_id"]

    def cell(label: str, value: str, column: str, *lines: tuple[str, str]) -> dict:
        """A number with its figure id and the lines below it, each (class, words)."""
        figure = f"agency_window:{column}:agency_id={key}"
        return {"label": label, "value": value, "unit": "", "spark": None, "figure": figure, "lines": [x for x in lines if x[1]]}

    covered = window.get("coverage")
    partial = (covered or 0) < common.COMPLETE
    cells = [
        cell(w._("Against the expected value"), w.times(window.get("vs_expected")), "vs_expected", *_level_lines(window, w)),
        cell(w._("Change against the three months before"), w.change(window.get("change")), "change", *_change_lines(window, w)),
        cell(w._("Mature posts, three months"), w.integer(window.get("n_posts")), "n_posts", ("", habit_line(sheet, agency))),
        reply_cell(sheet, agency),
        cell(
            w._("Days covered by exports"),
            w.percent(covered),
            "coverage",
            ("warn-t", w._("below 90%: numbers may still change")) if partial else ("", w._("complete")),
        ),
    ]
    return [cell for cell in cells if cell]


def _level_lines(window: dict, w: Words) -> list[tuple[str, str]]:
    interval = w.interval(window["lower"], window["upper"], kind="times") if window.get("lower") else ""
    peer = window.get("peer_median")
    if peer:
        beside = w._("peer median {value}", value=w.times(peer))
    else:
        beside = common.state_reason(window, w) if common.level(window) == "data" else ""
    return [("", interval), ("", beside)]


def _change_lines(window: dict, w: Words) -> list[tuple[str, str]]:
    bounds = window.get("change_lower"), window.get("change_upper")
    interval = w.interval(*bounds, kind="change") if bounds[0] else ""
    change = common.direction(window)
    marked = {"up": ("up-t", w._("▲ improving")), "down": ("down-t", w._("▼ declining"))}
    return [("", interval), marked.get(change, ("", common.direction_word(change, w)))]


def habit_line(sheet: Sheet, agency: dict) -> str:
    pair = sheet.facts.habits.get(agency["agency_id"], {})
    if "then" not in pair or sheet.facts.unlisted(agency["agency_id"]):
        return ""  # of an account with a top list only, nobody knows how many were published
    return sheet.words._("{n} published in the three months before", n=sheet.words.integer(pair["then"]["posts"]))


def reply_cell(sheet: Sheet, agency: dict) -> dict | None:
    w, answers = sheet.words, common.reply(sheet.facts, agency["agency_id"])
    if not answers:
        return None
    return {
        "label": w._("First reply, median"),
        "value": w.hours(answers["median_hours"]),
        "unit": "",
        "spark": None,
        "figure": f"response_summary:median_hours:agency_id={agency['agency_id']}",
        "lines": [
            ("", w._("{share} within 24 hours", share=w.percent(answers["answered_24h"]))),
            ("", w._("{n} cases, {open} still open", n=w.integer(answers["n"]), open=w.integer(answers["open"]))),
        ],
    }


# -- charts --------------------------------------------------------------------------------------------------------------------
def charts(sheet: Sheet, agency: dict) -> list[dict]:
    facts, w, key = sheet.facts, sheet.words, agency["agency_id"]
    group = facts.frames["estimates.agency_window"].filter(pl.col("peer_group") == agency["peer_group"])
    peers = facts.frames["estimates.peer_month"].filter(pl.col("peer_group") == agency["peer_group"])
    found: list[Chart] = [
        standing(group, w, agency_id=key, name=agency["short"]),
        agency_trend(facts.of("estimates.agency_month_index", key), peers, w, agency_id=key, through=facts.period[1]),
        platform_dots(facts.of("estimates.agency_platform_window", key), w, agency_id=key),
    ]
    waited = waits(sheet, key)
    if len(waited) >= MINIMUM_CASES:
        found.append(reply_times(waited, w, agency_id=key, minimum=MINIMUM_CASES))
    return [sheet.chart(chart, prefix=f"{agency['slug']}-") for chart in found]


def waits(sheet: Sheet, agency_id: str) -> list[tuple[float, bool]]:
    """(hours waited, answered) of the questions received in the judged months that want an answer."""
    first, last = sheet.facts.period
    clocks = sheet.facts.of("estimates.case_clocks", agency_id)
    if first is None or clocks.is_empty():
        return []
    inside = clocks.filter(
        pl.col("received_at_wib").dt.date().is_between(first, last)
        & pl.col("needs_answer")
        & pl.col("waited_hours").is_not_null()
    )
    return [
        (hours, bool(answered))
        for hours, answered in inside.select("waited_hours", "is_answered").sort("waited_hours").iter_rows()
    ]


def habits(sheet: Sheet, agency: dict) -> list[tuple[str, str]]:
    """Practice in counts: cadence, gaps, plan, collaboration; each only where the version has it."""
    w, facts, key = sheet.words, sheet.facts, agency["agency_id"]
    first, last = facts.period
    found: list[tuple[str, str]] = []
    rhythm_rows = facts.of("estimates.rhythm", key)
    if first is not None and rhythm_rows.height:
        start = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
        rows = rhythm_rows.filter((pl.col("quarter") == start) & (pl.col("covered_weeks") > 0))
        for r in rows.sort("platform", "account_id").to_dicts():
            text = w.plain(
                "{n} posts a week, active in {active} of {weeks} covered weeks",
                n=w.number(r["weekly_mean"], 1),
                active=w.integer(r["active_weeks"]),
                weeks=w.integer(r["covered_weeks"]),
            )
            if r["gap_p90_hours"] is not None:
                text += w.plain("; nine of ten pauses are shorter than {days} days", days=w.number(r["gap_p90_hours"] / 24, 1))
            found.append((PLATFORM_NAMES.get(r["platform"], r["platform"]), text))
    for platform, _ in facts.unlisted(key):
        text = w.plain("its exports hold only the posts that did best; how many there were is not known")
        found.append((PLATFORM_NAMES.get(platform, platform), text))
    found += plan_line(sheet, key, first, last)
    asked = len(waits(sheet, key))
    if 0 < asked < MINIMUM_CASES:
        text = w.plain("{n} in the response log, too few to judge reply times (20 are needed)", n=w.integer(asked))
        found.append((w.plain("Questions"), text))
    posts = facts.of("counted", key)
    if first is not None and posts.height:
        joint = posts.filter(pl.col("published_on").is_between(first, last) & pl.col("is_collab").fill_null(value=False)).height
        if joint:
            found.append((w.plain("Joint posts"), w.plain("{n} in the three months", n=w.integer(joint))))
    return found


def plan_line(sheet: Sheet, key: str, first: date | None, last: date | None) -> list[tuple[str, str]]:
    w, plan = sheet.words, sheet.facts.of("estimates.plan_summary", key)
    if first is None or plan.is_empty():
        return []
    inside = plan.filter(pl.col("month").is_between(first, last))
    due, matched, on_time = (int(inside[c].sum() or 0) for c in ("due", "matched", "on_time"))
    if due < MINIMUM_CASES:
        return []
    text = w.plain(
        "{matched} of {due} planned posts appeared, {on_time} of them on time",
        matched=w.integer(matched),
        due=w.integer(due),
        on_time=w.integer(on_time),
    )
    return [(w.plain("Content plan"), text)]


# -- what worked ---------------------------------------------------------------------------------------------------------------
def best_rows(sheet: Sheet, agency: dict) -> list[dict]:
    w, rows = sheet.words, []
    for post in sheet.facts.best.get(agency["agency_id"], []):
        theme = sheet.facts.themes.get(post["programme"] or "", {}).get(w.language) or "–"
        rows.append(
            {
                "text": tampil(post["caption"], 70) or w.plain("(no text)"),
                "url": safe_link(post["permalink"]),
                "day": w.day(post["published_on"]),
                "platform": PLATFORM_NAMES.get(post["platform"], post["platform"]),
                "format": format_word(post["format"], w),
                "theme": theme,
                "lift": w.times(post["lift"], 1),
                "engagement": w.integer(post["engagement"]),
                "raw": post,
                "figure": f"post_lift:lift:post_key={post['post_key']}",
            }
        )
    return rows


def best_title(rows: list[dict], sheet: Sheet) -> str:
    w = sheet.words
    if not rows:
        return w._("Posts with most response: too few posts to say")
    return (
        w._("The five posts that drew most response for their kind")
        if len(rows) == 5
        else w._("The posts that drew most response for their kind")
    )


def one_hit(sheet: Sheet, agency: dict) -> str:
    """How much of all interactions one post carried: the check against praising luck."""
    share = sheet.facts.largest.get(agency["agency_id"])
    if share is None:
        return ""
    return sheet.words._(
        "The largest single post carried {share} of all interactions of the period.", share=sheet.words.percent(share)
    )


def best_csv(sheet: Sheet, agency: dict, rows: list[dict]) -> dict | None:
    w = sheet.words
    if not rows:
        return None
    columns = (
        Column("caption", w.plain("Post")),
        Column("published_on", w.plain("Date"), "day"),
        Column("platform", w.plain("Platform")),
        Column("format", w.plain("Kind")),
        Column("theme", w.plain("Theme")),
        Column("lift", w.plain("Lift"), "times"),
        Column("interactions", w.plain("Interactions"), "integer"),
        Column("permalink", w.plain("Address")),
    )
    values = tuple(
        (
            r["text"],
            r["raw"]["published_on"],
            r["platform"],
            r["format"],
            r["theme"],
            r["raw"]["lift"],
            r["raw"]["engagement"],
            r["url"],
        )
        for r in rows
    )
    return sheet.csv(f"{agency['slug']}-unggahan", w.plain("Posts with most response"), Table(columns, values))


# -- rhythm --------------------------------------------------------------------------------------------------------------------
def rhythm(sheet: Sheet, agency: dict) -> dict | None:
    """Weekday × hours: share of posts and geometric mean lift, from posts whose time of day is known."""
    w, clock = sheet.words, sheet.facts.clock.get(agency["agency_id"])
    if clock is None or clock.timed < MINIMUM_LIST:
        return None
    cells = clock.cells
    top = max(r["n"] for r in cells.values())
    rows = []
    for index, (low, high) in enumerate(HOURS):
        rows.append(
            (f"{low:02d}–{high:02d}", [_rhythm_cell(cells.get((day, index)), clock.timed, top, sheet) for day in range(7)])
        )
    busiest = max(cells.values(), key=lambda r: (r["n"], -r["weekday"], -r["block"]))
    low, high = HOURS[busiest["block"]]
    return {
        "title": w._(
            "Most posts appear on {day} between {low} and {high}",
            day=w.weekday(busiest["weekday"]),
            low=f"{low:02d}",
            high=f"{high:02d}",
        ),
        "days": [w.weekday(i) for i in range(7)],
        "rows": rows,
        "left_out": w.ngettext(
            "{n} post without a time of day is left out.", "{n} posts without a time of day are left out.", clock.untimed
        )
        if clock.untimed
        else "",
    }


def _rhythm_cell(row: dict | None, total: int, top: int, sheet: Sheet) -> dict:
    w = sheet.words
    if row is None:
        return {"share": "–", "lift": "", "kind": ""}
    shown = w.times(row["lift"], 1) if row["n_lift"] >= 5 and row["lift"] else f"n={row['n']}"
    kind = "sedikit" if row["n"] < 5 else f"r{min(4, max(1, math.ceil(row['n'] / top * 4)))}"
    share = row["n"] / total
    return {"share": w.percent(share) if share >= 0.005 else "<" + w.percent(0.01), "lift": shown, "kind": kind}


# -- trust ---------------------------------------------------------------------------------------------------------------------
def coverage(sheet: Sheet, agency: dict) -> dict:
    w, months = sheet.words, sheet.facts.months()
    rows = coverage_rows(sheet.facts, agency["agency_id"], months, sheet)
    cells = [kind for row in rows for kind, _ in row["cells"] if kind != "d"]
    full = cells.count("l")
    title = (
        w._("{full} of {all} account-months are complete", full=w.integer(full), all=w.integer(len(cells)))
        if cells
        else w._("No account-month is registered")
    )
    return {"rows": rows, "months": months, "title": title}


def coverage_rows(facts: Facts, agency_id: str, months: list[date], sheet: Sheet) -> list[dict]:
    w = sheet.words
    grid: dict[tuple[str, str], dict[date, str]] = {}
    for row in facts.of("marts.coverage_month", agency_id).sort("platform", "account_id", "month").to_dicts():
        grid.setdefault((row["platform"] or "", row["account_id"] or ""), {})[row["month"]] = row["state"]
    handles = {r["account_id"]: r["handle"] for r in facts.of("core.accounts", agency_id).to_dicts()}
    platforms = [platform for platform, _ in grid]
    found = []
    for (platform, account), states in grid.items():
        name = PLATFORM_NAMES.get(platform, platform)
        if platforms.count(platform) > 1:
            name = f"{name} · {tampil(handles.get(account) or account, 24)}"
        found.append({"label": name, "cells": [cell(states.get(month), w) for month in months]})
    return found


def cell(state: str | None, words) -> tuple[str, str]:
    kind = common.SYMBOL.get(state or "", "d" if state is None else "t")
    return kind, {
        "l": words.plain("complete"),
        "s": words.plain("partial"),
        "t": words.plain("no file"),
        "x": words.plain("file refused"),
        "d": words.plain("not required"),
    }[kind]


def files(sheet: Sheet, agency: dict) -> dict:
    w = sheet.words
    frame = sheet.facts.of("marts.export_files", agency["agency_id"])
    rows = frame.sort(
        "first_seen_at", "file_name", "member", "export_id", descending=[True, False, False, False], nulls_last=True
    ).to_dicts()
    refused = sum(r["outcome"] == "refused" for r in rows)
    newest = newest_files(rows, sheet)
    title = w.ngettext("This page rests on {n} export", "This page rests on {n} exports", len(rows) - refused)
    if not rows:
        return {"rows": [], "title": w._("No export file has arrived"), "more": "", "csv": None, "newest": [], "summary": ""}
    shown = [file_row(r, sheet) for r in rows[:FILES_SHOWN]]
    more = (
        w.ngettext("{n} older file is in the CSV.", "{n} older files are in the CSV.", len(rows) - FILES_SHOWN)
        if len(rows) > FILES_SHOWN
        else ""
    )
    return {
        "rows": shown,
        "title": title,
        "more": more,
        "newest": newest,
        "summary": w.ngettext("All {n} file with its fingerprint", "All {n} files with their fingerprints", len(rows)),
        "csv": sheet.csv(f"{agency['slug']}-berkas", w.plain("Export files"), files_table(rows, sheet)),
    }


def newest_files(rows: list[dict], sheet: Sheet) -> list[dict]:
    """Per platform: how many files, how many refused, and the one whose content is newest."""
    w = sheet.words
    platforms: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        platforms.setdefault(row["platform"] or "", []).append(row)
    found = []
    for platform, group in sorted(platforms.items()):
        usable = [r for r in group if r["outcome"] in ("accepted", "flagged")]
        newest = max(
            usable, key=lambda r: (str(r["captured_at"] or ""), str(r["period_last"] or ""), r["file_name"]), default=None
        )
        found.append(
            {
                "platform": PLATFORM_NAMES.get(platform, platform) or "–",
                "count": w.integer(len(group)),
                "refused": w.integer(len(group) - len(usable)),
                "newest": file_row(newest, sheet) if newest else None,
            }
        )
    return found


def file_row(row: dict, sheet: Sheet) -> dict:
    w = sheet.words
    member = f" › {tampil(row['member'], 50)}" if row["member"] else ""
    message = row["message_id"] if w.language == "id" else row["message_en"]
    return {
        "name": tampil(row["file_name"], 70) + member,
        "received": w.day(row["first_seen_at"].date()) if row["first_seen_at"] else "–",
        "captured": w.day(row["captured_at"].date()) if row["captured_at"] else "–",
        "covers": f"{w.day(row['period_first'])} – {w.day(row['period_last'])}" if row["period_first"] else "–",
        "rows": w.integer(row["n_rows"]),
        "kind": OUTCOME_KIND.get(row["outcome"], "data"),
        "result": outcome_word(row["outcome"], w),
        "message": tampil(message, 300),
        "hash": (row["sha256"] or "")[:12],
        "agency_id": row["agency_id"],
        "platform": row["platform"],
    }


OUTCOME_KIND = {"accepted": "flat", "flagged": "warn", "held": "warn", "refused": "down", "duplicate": "flat"}


def outcome_word(outcome: str | None, words) -> str:
    return {
        "accepted": words.plain("accepted"),
        "flagged": words.plain("accepted with a warning"),
        "held": words.plain("held"),
        "refused": words.plain("refused"),
        "duplicate": words.plain("duplicate"),
    }.get(outcome or "", outcome or "–")


def files_table(rows: list[dict], sheet: Sheet) -> Table:
    w = sheet.words
    columns = (
        Column("file_name", w.plain("File")),
        Column("member", w.plain("Part")),
        Column("sha256", "SHA-256"),
        Column("captured", w.plain("Downloaded from the platform"), "day"),
        Column("received", w.plain("Received here"), "day"),
        Column("period_first", w.plain("Period from"), "day"),
        Column("period_last", w.plain("Period to"), "day"),
        Column("n_rows", w.plain("Rows"), "integer"),
        Column("outcome", w.plain("Result")),
        Column("code", w.plain("Code")),
        Column("message", w.plain("Message")),
    )
    values = tuple(
        (
            r["file_name"],
            r["member"],
            r["sha256"],
            r["captured_at"].date() if r["captured_at"] else None,
            r["first_seen_at"].date() if r["first_seen_at"] else None,
            r["period_first"],
            r["period_last"],
            r["n_rows"],
            outcome_word(r["outcome"], w),
            r["code"],
            r["message_id"] if w.language == "id" else r["message_en"],
        )
        for r in rows
    )
    return Table(columns, values)


def method(sheet: Sheet, agency: dict) -> list[tuple[str, str]]:
    w, info = sheet.words, sheet.facts.info
    return [
        *common.method_terms(w),
        (
            w._("Mature posts"),
            w._("Posts old enough for at least 90% of their final response to have come in; fresh posts are not judged yet."),
        ),
        (
            w._("Peer group"),
            w._("{group}; the agency itself is left out of its benchmark.", group=common.peer_label(agency["peer_group"], w)),
        ),
        (
            w._("Data trail"),
            w._("Version {version}. Agency id {agency}.", version=info.get("version") or "–", agency=agency["agency_id"]),
        ),
    ]
