"""One agency: what did it do and reach, what worked and what did not, where does it stand, can this page be trusted, what
next?"""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any

import polars as pl
from markupsafe import Markup, escape

from pipeline.charts import Chart, Column, Table
from pipeline.charts.dots import platform_dots, standing
from pipeline.charts.replies import reply_times
from pipeline.charts.trend import agency_trend
from pipeline.html import render
from pipeline.html.escape import safe_link, tampil
from pipeline.html.locale import Words
from pipeline.pages import advice, banding, common
from pipeline.pages.data import METRICS, Facts
from pipeline.pages.sheet import Sheet, Shown

FILES_SHOWN = 40
POSTS_SHOWN = 200
BEST, WORST = 5, 3
HOURS = ((0, 6), (6, 9), (9, 12), (12, 15), (15, 18), (18, 21), (21, 24))
ACCOUNTS, SUMMARY, WINDOW = "marts.account_window", "marts.agency_summary", "estimates.agency_window"
POSTS, REPLIES, TARGETS = "marts.post_list", "estimates.response_summary", "estimates.target_status"


def build(sheet: Sheet, agency: dict[str, Any]) -> str:
    w, best = sheet.words, listed_posts(sheet, agency, "place_best", BEST)
    body = render(
        "perangkat.html",
        w,
        p=sheet.opening(headline(sheet, agency), lede(sheet, agency), kind=common.peer_label(agency["peer_group"], w)),
        langkah=advice.next_step(sheet, agency),
        accounts=account_rows(sheet, agency),
        alarms=alarms(sheet, agency),
        best=best,
        worst=listed_posts(sheet, agency, "place_worst", WORST) if best else [],
        every=every_post(sheet, agency),
        cells=five_numbers(sheet, agency),
        objections=objections(sheet, agency),
        charts=charts(sheet, agency),
        back=sheet.url("daftar.html"),
        beside=sheet.url(found) if (found := banding.page_of(sheet.facts, agency)) else None,
        calendar=calendar(sheet, agency),
        rhythm=rhythm(sheet, agency),
        asked=asked(sheet, agency),
        targets=targets(sheet, agency),
        habits=habits(sheet, agency),
        measured=measured(sheet, agency),
        coverage=coverage(sheet, agency),
        files=files(sheet, agency),
        method=method(sheet, agency),
    )
    return sheet.page(body, title=agency["short"])


# -- words ---------------------------------------------------------------------------------------------------------------------
def headline(sheet: Sheet, agency: dict[str, Any]) -> str:
    """What it did, and how people responded, as far as the evidence goes."""
    w, summary, name = sheet.words, agency["summary"], agency["short"]
    if agency.get("valid_to") and not summary.get("is_listed") and not summary.get("posts"):
        return w._("{name} no longer exists in this period", name=name)
    if not summary.get("accounts") and not sheet.facts.of("core.accounts", agency["agency_id"]).height:
        return w._("{name} has no registered account", name=name)
    if summary.get("posts") is None:
        return w._("{name}: no data for this period", name=name)
    did, level, change = done(sheet, agency), common.level(agency), common.direction(agency)
    if level == "data":
        return w._("{name}: {did}; too little data to judge the response", name=name, did=did)
    if change == common.MOBILISED:
        return w._("{name}: {did}; response rose, some of it perhaps mobilised", name=name, did=did)
    sentences = {
        ("up", "up"): w._("{name}: {did}; more response than usual, and improving", name=name, did=did),
        ("up", "down"): w._("{name}: {did}; more response than usual, but declining", name=name, did=did),
        ("up", "flat"): w._("{name}: {did}; more response than usual", name=name, did=did),
        ("down", "up"): w._("{name}: {did}; less response than usual, but improving", name=name, did=did),
        ("down", "down"): w._("{name}: {did}; less response than usual, and declining", name=name, did=did),
        ("down", "flat"): w._("{name}: {did}; less response than usual", name=name, did=did),
        ("flat", "up"): w._("{name}: {did}; response is improving", name=name, did=did),
        ("flat", "down"): w._("{name}: {did}; response is declining", name=name, did=did),
        ("flat", "flat"): w._("{name}: {did}; response as usual", name=name, did=did),
    }
    return sentences.get((level, change)) or sentences[(level, "flat")]


def done(sheet: Sheet, agency: dict[str, Any]) -> Markup:
    """What was posted and drawn on the account with the most posts: accounts of different platforms are never added up."""
    known = sheet.facts.of(ACCOUNTS, agency["agency_id"]).drop_nulls("posts")
    row = next(known.sort("posts", "account_id", descending=[True, False]).iter_rows(named=True), None)
    if row is None:
        return sheet.words._("{n} posts", n=sheet.number(SUMMARY, agency["summary"], "posts"))
    return common.done(sheet, ACCOUNTS, row)


def lede(sheet: Sheet, agency: dict[str, Any]) -> list[str]:
    w, window = sheet.words, agency["window"]
    sentences: list[str] = [w._("{long}.", long=agency["long"])] if agency["long"] != agency["short"] else []
    if common.level(agency) != "data":
        sentences += [level_sentence(sheet, agency), change_sentence(sheet, agency), rank_sentence(sheet, window)]
        sentences += circulars(sheet, agency)
    elif agency["summary"].get("is_listed") is not False or not agency.get("valid_to"):
        sentences.append(common.state_reason(window, w))
    if agency.get("predecessor_id"):
        before = next((a for a in sheet.facts.agencies if a["agency_id"] == agency["predecessor_id"]), None)
        name = before["short"] if before else agency["predecessor_id"]
        sentences.append(w._("It was formed from {name}; the months before belong to that agency.", name=tampil(name, 60)))
    return sentences


def level_sentence(sheet: Sheet, agency: dict[str, Any]) -> str:
    return sheet.words._(
        "In {period} its posts drew {times} times the response that is usual for accounts of this size, platform and "
        "mix of posts, "
        "{between}.",
        period=sheet.period,
        times=sheet.number(WINDOW, agency["window"], "vs_expected", "number", 2),
        between=sheet.between(WINDOW, agency["window"], "times"),
    )


def change_sentence(sheet: Sheet, agency: dict[str, Any]) -> str:
    w, window = sheet.words, agency["window"]
    if window.get("change") is None:
        return w._("There is no comparison with the three months before yet.")
    change = sheet.number(WINDOW, window, "change", "change")
    between = sheet.between(WINDOW, window, "change", bounds=("change_lower", "change_upper"))
    if common.direction(agency) == "flat":
        return w._(
            "Against the three months before it is {change}, which is within ordinary ups and downs ({between}).",
            change=change,
            between=between,
        )
    if common.direction(agency) == common.MOBILISED:
        return w._(
            "Against the three months before it is {change} ({between}), but likes grew as citizens' likes do not: "
            "some of the rise may have been mobilised. {likeless}.",
            change=change,
            between=between,
            likeless=common.without_likes(sheet, window).capitalize(),
        )
    return w._("Against the three months before it is {change}, hardly by chance ({between}).", change=change, between=between)


def circulars(sheet: Sheet, agency: dict[str, Any]) -> list[str]:
    """Circulars that asked staff of this agency to like or share in the judged or the earlier three months."""
    w, (_, end), (start, _) = sheet.words, sheet.facts.period, sheet.facts.previous
    if start is None or end is None:
        return []
    scopes = ["semua", agency["peer_group"] or "", agency["agency_id"]]
    rows = sheet.facts.frames["core.circulars"].filter(
        pl.col("scope").is_in(scopes)
        & (pl.col("issued_on") <= end)
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= start))
    )
    return [
        w._(
            "A circular of {day} asks staff to respond to posts ({source}).",
            day=w.day(row["issued_on"]),
            source=tampil(row["source"], 160),
        )
        for row in rows.sort("issued_on", "circular_id").to_dicts()
    ]


def objections(sheet: Sheet, agency: dict[str, Any]) -> list[str]:
    """What this agency says against figures about it, until it is decided."""
    w = sheet.words
    rows = sheet.facts.of("core.objections", agency["agency_id"]).filter("is_open").sort("received_on", "objection_id")
    return [
        w._(
            "Objection of {day} to the figure {figure}, not decided yet: {text}",
            day=w.day(row["received_on"]),
            figure=tampil(row["figure_id"], 120),
            text=tampil(row["objection"], 400),
        )
        for row in rows.to_dicts()
    ]


def rank_sentence(sheet: Sheet, window: dict[str, Any]) -> str:
    """Never a bare rank: the range, and only where it says something."""
    if not window.get("is_rank_shown") or window.get("rank_lower") is None:
        return ""
    return sheet.words._(
        "In its group it stands somewhere between place {low} and {high} of {all}.",
        low=sheet.number(WINDOW, window, "rank_lower"),
        high=sheet.number(WINDOW, window, "rank_upper"),
        all=sheet.number(WINDOW, window, "rank_group_size"),
    )


# -- totals --------------------------------------------------------------------------------------------------------------------
def account_rows(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    """Totals of each account with their change; accounts of different platforms are never added up."""
    w, found = sheet.words, []
    rows = sheet.facts.of(ACCOUNTS, agency["agency_id"]).sort("platform", "account_id").to_dicts()
    platforms = [row["platform"] for row in rows]
    handles = dict(sheet.facts.of("core.accounts", agency["agency_id"]).select("account_id", "handle").iter_rows())
    for row in rows:

        def cell(column: str, row: dict[str, Any] = row) -> dict[str, Any]:
            return {
                "value": sheet.number(ACCOUNTS, row, column, "compact"),
                "change": sheet.number(ACCOUNTS, row, f"{column}_change", "change"),
            }

        name = common.platform_name(row["platform"])
        if platforms.count(row["platform"]) > 1:
            name = f"{name} · {tampil(handles.get(row['account_id']) or row['account_id'], 24)}"
        found.append(
            {
                "name": name,
                "unit": common.exposure_word(row["platform"], w),
                "posts": cell("posts"),
                "engagement": cell("engagement"),
                "exposure": cell("exposure"),
                "followers": cell("followers"),
                "note": account_note(sheet, row),
            }
        )
    return found


def account_note(sheet: Sheet, row: dict[str, Any]) -> str:
    """What the totals of an account lack, said beside them."""
    w = sheet.words
    if row["is_top_list"]:
        return w._("only its best posts are known")
    if not row["covered_days"]:
        return w._("no download")
    platform = sheet.facts.row("estimates.agency_platform_window", agency_id=row["agency_id"], platform=row["platform"])
    said: list[str] = []
    if row["coverage"] < common.COVERAGE_NOTE:
        said.append(w._("downloads cover {share} of the days", share=sheet.number(ACCOUNTS, row, "coverage", "percent")))
    if platform.get("reason"):
        said.append(escape(common.state_reason(platform, w)))
    return Markup("; ").join(said)


def five_numbers(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    w, window = sheet.words, agency["window"]
    if not window.get("n_posts") and not window.get("coverage"):
        return []  # the opening says that nothing arrived; five dashes say nothing more
    return [
        cell(
            w._("Response against the usual"),
            sheet.number(WINDOW, window, "vs_expected", "times"),
            ("", sheet.between(WINDOW, window, "times")),
            ("", peer_line(sheet, agency)),
            ("warn-t", common.sent_line(sheet, window)),
            ("", paid_line(sheet, agency)),
        ),
        cell(
            w._("Change against the three months before"),
            sheet.number(WINDOW, window, "change", "change"),
            ("", sheet.between(WINDOW, window, "change", bounds=("change_lower", "change_upper"))),
            _direction_line(agency, w),
            ("", common.without_likes(sheet, window)),
        ),
        cell(
            w._("Posts that were judged"),
            sheet.number(WINDOW, window, "n_posts"),
            ("", w._("old enough for nearly all of their response to have come in")),
        ),
        cell(
            w._("Days covered by downloads"),
            sheet.number(WINDOW, window, "coverage", "percent"),
            _coverage_line(window, w),
        ),
    ]


def cell(label: str, value: Shown, *lines: tuple[str, str]) -> dict[str, Any]:
    """A number with its id and the lines below it, each (class, words)."""
    return {"label": label, "value": value, "unit": "", "spark": None, "lines": [line for line in lines if line[1]]}


def peer_line(sheet: Sheet, agency: dict[str, Any]) -> str:
    w, window = sheet.words, agency["window"]
    if window.get("peer_median"):
        return w._("middle of its group {value}", value=sheet.number(WINDOW, window, "peer_median", "times"))
    return common.state_reason(window, w) if common.level(agency) == "data" else ""


def paid_line(sheet: Sheet, agency: dict[str, Any]) -> str:
    """The platforms on which nobody can tell paid from unpaid reach, named beside the value that rests on them."""
    rows = sheet.facts.of("estimates.agency_platform_window", agency["agency_id"]).sort("platform").to_dicts()
    names = [common.platform_name(row["platform"]) for row in rows if common.may_include_paid(row)]
    if len(names) > 1 and len(names) == len(rows):
        return sheet.words._("paid reach may be included")
    return sheet.words._("paid reach may be included: {platforms}", platforms=sheet.words.join(names)) if names else ""


def _direction_line(agency: dict[str, Any], w: Words) -> tuple[str, str]:
    change = common.direction(agency)
    marked = {"up": ("up-t", w._("▲ improving")), "down": ("down-t", w._("▼ declining"))}
    return marked.get(change, ("", common.direction_word(change, w)))


def _coverage_line(window: dict[str, Any], w: Words) -> tuple[str, str]:
    if (window.get("coverage") or 0) < common.COVERAGE_NOTE:
        return "warn-t", w._("not complete: numbers may still change")
    return "", w._("complete")


# -- posts ---------------------------------------------------------------------------------------------------------------------
def listed_posts(sheet: Sheet, agency: dict[str, Any], place: str, count: int) -> list[dict[str, Any]]:
    """The posts that drew most (or least) for their kind, whole, each with why it is listed."""
    rows = sheet.facts.of(POSTS, agency["agency_id"]).filter(pl.col(place) <= count).sort(place).to_dicts()
    return [{**post_row(sheet, row, 600), "why": why(sheet, row)} for row in rows]


def why(sheet: Sheet, row: dict[str, Any]) -> str:
    if row["engagement"] == 0:
        return sheet.words._("nobody responded")
    if row["format"] in (None, "other"):
        lift = sheet.number(POSTS, row, "lift", "times", 1)
        return sheet.words._("{lift} what this account usually gets with such posts in this month", lift=lift)
    return sheet.words._(
        "{lift} what this account usually gets with a {kind} in this month",
        lift=sheet.number(POSTS, row, "lift", "times", 1),
        kind=common.format_word(row["format"], sheet.words),
    )


def post_row(sheet: Sheet, row: dict[str, Any], length: int) -> dict[str, Any]:
    w = sheet.words
    theme = sheet.facts.themes.get(row["programme"] or "", {}).get(w.language) or ""
    return {
        "text": tampil(row["caption"], length) or w.plain("(no text)"),
        "url": safe_link(row["permalink"]),
        "day": w.day(row["published_on"]),
        "date": row["published_on"].isoformat(),
        "platform": common.platform_name(row["platform"]),
        "kind": kind_word(row, w),
        "theme": theme,
        "lift": sheet.number(POSTS, row, "lift", "times", 1),
        "engagement": sheet.number(POSTS, row, "engagement"),
        "exposure": sheet.number(POSTS, row, "exposure"),
        "unit": common.exposure_word(row["platform"], w),
    }


def kind_word(row: dict[str, Any], w: Words) -> str:
    """Photo, video and so on; nothing where the platform's files do not say it (X, LinkedIn)."""
    return "" if row["format"] in (None, "other") else common.format_word(row["format"], w)


def every_post(sheet: Sheet, agency: dict[str, Any]) -> dict[str, Any]:
    """All posts of the period, newest first; of very many the newest, and all of them in the CSV."""
    w = sheet.words
    rows = sheet.facts.of(POSTS, agency["agency_id"]).sort("published_on", "post_key", descending=[True, False]).to_dicts()
    shown = [post_row(sheet, row, 90) for row in rows[:POSTS_SHOWN]]
    return {
        "rows": shown,
        "count": len(rows),
        "more": w.ngettext("{n} older post is in the CSV.", "{n} older posts are in the CSV.", len(rows) - len(shown))
        if len(rows) > len(shown)
        else "",
        "platforms": sorted({row["platform"] for row in shown}),
        "csv": sheet.csv(f"{agency['slug']}-unggahan", w.plain("All posts of the period"), posts_table(sheet, rows))
        if rows
        else None,
    }


def posts_table(sheet: Sheet, rows: list[dict[str, Any]]) -> Table:
    w = sheet.words
    columns = (
        Column("published_on", w.plain("Date"), "day"),
        Column("platform", w.plain("Platform")),
        Column("format", w.plain("Kind")),
        Column("theme", w.plain("Theme")),
        Column("caption", w.plain("Post")),
        Column("engagement", w.plain("Interactions"), "integer"),
        Column("exposure", w.plain("Seen"), "integer"),
        Column("exposure_unit", w.plain("Seen, counted as")),
        Column("lift", w.plain("Pull"), "times"),
        Column("permalink", w.plain("Address")),
    )
    values = tuple(
        (
            row["published_on"],
            common.platform_name(row["platform"]),
            kind_word(row, w),
            sheet.facts.themes.get(row["programme"] or "", {}).get(w.language) or "",
            tampil(row["caption"], 600),
            row["engagement"],
            row["exposure"],
            common.exposure_word(row["platform"], w),
            row["lift"],
            safe_link(row["permalink"]),
        )
        for row in rows
    )
    return Table(columns, values)


# -- charts --------------------------------------------------------------------------------------------------------------------
def charts(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    facts, w, key = sheet.facts, sheet.words, agency["agency_id"]
    group = facts.frames[WINDOW].filter(pl.col("peer_group") == agency["peer_group"])
    peers = facts.frames["estimates.peer_month"].filter(pl.col("peer_group") == agency["peer_group"])
    found: list[Chart] = [
        standing(group, w, agency_id=key, name=agency["short"], box=common.peer_box(facts, key)),
        agency_trend(facts.of("estimates.agency_month_index", key), peers, w, agency_id=key, through=facts.period[1]),
        platform_dots(facts.of("estimates.agency_platform_window", key), w, agency_id=key),
    ]
    if not agency["summary"].get("posts") and not agency["window"].get("n_posts"):
        found = [chart for chart in found[1:] if not chart.is_empty]  # where others stand says nothing of one without data
    if answers := common.reply(facts, key):
        found.append(reply_times(facts.of("estimates.reply_waits", key), answers, w, agency_id=key))
    sent = sheet.facts.of("marts.export_files", agency["agency_id"]).height
    trail = "#berkas-semua" if sent else "#berkas"
    return [sheet.chart(chart, prefix=f"{agency['slug']}-", trail=trail) for chart in found]


# -- rhythm --------------------------------------------------------------------------------------------------------------------
def calendar(sheet: Sheet, agency: dict[str, Any]) -> dict[str, Any] | None:
    """Posts per day of the period as weeks under each other; a day without a post is empty, a day without data is not known."""
    w, (first, last) = sheet.words, sheet.facts.period
    rows = {row["day"]: row for row in sheet.facts.of("marts.agency_days", agency["agency_id"]).to_dicts()}
    if first is None or last is None or not rows:
        return None
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday <= last:
        days = [monday + timedelta(days=k) for k in range(7)]
        weeks.append({"label": w.day(monday), "days": [_day(sheet, day, rows, first, last) for day in days]})
        monday += timedelta(days=7)
    return {"days": [w.weekday(i) for i in range(7)], "weeks": weeks}


def _day(sheet: Sheet, day: date, rows: dict[date, dict[str, Any]], first: date, last: date) -> dict[str, Any]:
    if not first <= day <= last:
        return {"kind": "luar", "text": "", "title": ""}
    row = rows.get(day)
    if row is None:
        return {"kind": "nol", "text": "", "title": sheet.words.day(day)}
    shown = sheet.number("marts.agency_days", row, "posts")
    return {"kind": f"r{min(4, row['posts'])}", "text": shown, "title": sheet.words.day(day)}


def rhythm(sheet: Sheet, agency: dict[str, Any]) -> dict[str, Any] | None:
    """Weekday × hours: share of posts and typical pull, from posts whose time of day is known; none below twenty."""
    w, table = sheet.words, "marts.agency_clock"
    rows = sheet.facts.of(table, agency["agency_id"]).sort("place").to_dicts()
    if not rows or rows[0]["n_timed"] < 20:
        return None
    cells = {(row["weekday"], row["hour_start"]): row for row in rows}
    top = rows[0]
    hours = dict(HOURS)

    def shown(row: dict[str, Any] | None) -> dict[str, Any]:
        if row is None:
            return {"share": "–", "lift": "", "kind": ""}
        lift = sheet.number(table, row, "lift", "times", 1) if row["n_lift"] >= 5 else ""
        kind = "sedikit" if row["n"] < 5 else f"r{min(4, max(1, math.ceil(row['n'] / top['n'] * 4)))}"
        return {"share": sheet.number(table, row, "n"), "lift": lift, "kind": kind}

    return {
        "title": w._(
            "Most posts appear on {day} between {low} and {high}",
            day=w.weekday(top["weekday"], "wide"),
            low=f"{top['hour_start']:02d}",
            high=f"{hours[top['hour_start']]:02d}",
        ),
        "days": [w.weekday(i) for i in range(7)],
        "rows": [(f"{low:02d}–{high:02d}", [shown(cells.get((day, low))) for day in range(7)]) for low, high in HOURS],
    }


# -- questions, targets, habits ------------------------------------------------------------------------------------------------
def asked(sheet: Sheet, agency: dict[str, Any]) -> list[str]:
    """Questions received and answered; judged only where there are enough."""
    w, row = sheet.words, sheet.facts.row(REPLIES, agency_id=agency["agency_id"])
    if not row or row.get("state") == "no_log" or not row.get("n"):
        return []
    sentences: list[str] = [
        w._(
            "{n} questions and complaints were logged, {open} of them are still open.",
            n=sheet.number(REPLIES, row, "n"),
            open=sheet.number(REPLIES, row, "open"),
        )
    ]
    if row.get("state") == "judged" and row.get("median_hours") is not None:
        sentences.append(
            w._(
                "Half had a first reply within {median}; {share} within 24 hours ({between}).",
                median=sheet.number(REPLIES, row, "median_hours", "hours"),
                share=sheet.number(REPLIES, row, "answered_24h", "percent"),
                between=sheet.between(REPLIES, row, "percent"),
            )
        )
    else:
        sentences.append(w._("That is too few to judge how fast they are answered."))
    return sentences


def targets(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised and what was reached, and the content plan."""
    w, found = sheet.words, []
    for row in sheet.facts.of(TARGETS, agency["agency_id"]).sort("metric", "period").to_dicts():
        kind, digits = TARGET_KINDS.get(row["metric"], ("number", 1))
        found.append(
            {
                "name": target_word(row["metric"], w),
                "period": span_word(row["period"], w),
                "target": sheet.number(TARGETS, row, "target", kind, digits),
                "value": sheet.number(TARGETS, row, "value", kind, digits),
                "between": sheet.between(TARGETS, row, kind),
                "kind": {"reached": "ya", "missed": "tidak"}.get(row["status"], "data"),
                "status": target_status(row, w),
            }
        )
    summary = agency["summary"]
    if summary.get("due"):
        found.append(
            {
                "name": w._("Content plan: posts that appeared"),
                "period": sheet.period,
                "target": sheet.number(SUMMARY, summary, "due"),
                "value": sheet.number(SUMMARY, summary, "matched"),
                "between": w._("{n} of them on time", n=sheet.number(SUMMARY, summary, "on_time")),
                "kind": "",
                "status": "",
            }
        )
    return found


def span_word(span: str, w: Words) -> str:
    """2026-Q3 as its months, 2026-10 as a month; a year stays as it is."""
    year, _, rest = span.partition("-")
    if not year.isdigit() or not rest.removeprefix("Q").isdigit():
        return tampil(span, 20)
    first, last = (3 * int(rest[1:]) - 2, 3 * int(rest[1:])) if rest.startswith("Q") else (int(rest), int(rest))
    return w.months(date(int(year), first, 1), date(int(year), last, 1)) if 1 <= first <= last <= 12 else tampil(span, 20)


TARGET_KINDS = {"answered_24h": ("percent", 0), "vs_expected": ("times", 2), "posts": ("integer", 0)}


def target_word(metric: str, w: Words) -> str:
    known = {
        "answered_24h": w.plain("Questions answered within 24 hours"),
        "posts": w.plain("Number of posts on all accounts"),
        "vs_expected": w.plain("Response against the usual"),
    }
    return known.get(metric, metric.replace("_", " "))


def target_status(row: dict[str, Any], w: Words) -> str:
    if row["status"] == "reached":
        return w.plain("reached")
    if row["status"] == "missed":
        return w.plain("missed")
    return {
        "too_few": w.plain("too few to tell"),
        "no_data": w.plain("no number for this period"),
    }.get(row.get("reason") or "", w.plain("not certain yet"))


def alarms(sheet: Sheet, agency: dict[str, Any]) -> list[str]:
    """Surges of this agency in the last weeks, with what was usual."""
    w, table = sheet.words, "estimates.surges"
    end = sheet.facts.info.get("data_cutoff")
    rows = sheet.facts.of(table, agency["agency_id"])
    if end is None or rows.is_empty():
        return []
    recent = rows.filter((pl.col("started_on") >= end.date() - timedelta(days=30)) & (pl.col("peak_value") >= 10))
    return [
        w._(
            "{day}, {account}: {value} {what}, usually about {usual}. {state}",
            day=w.day(row["started_on"]),
            account=tampil(row["account_id"], 40),
            value=sheet.number(table, row, "peak_value"),
            what=common.field_word(row["metric"], w),
            usual=sheet.number(table, row, "peak_expected", "number", 1),
            state=w._("Answered.") if row["is_acknowledged"] else w._("Nobody has noted an answer yet."),
        )
        for row in recent.sort("started_on", "account_id", "metric", descending=[True, False, False]).to_dicts()
    ]


def habits(sheet: Sheet, agency: dict[str, Any]) -> list[tuple[str, Markup]]:
    """Cadence of each account, in counts; weeks without a download are not counted as silent."""
    w, table, (first, _last) = sheet.words, "estimates.rhythm", sheet.facts.period
    rows = sheet.facts.of(table, agency["agency_id"])
    if first is None or rows.is_empty():
        return []
    start = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
    inside = rows.filter((pl.col("quarter") == start) & (pl.col("covered_weeks") > 0)).sort("platform", "account_id")
    return [
        (
            common.platform_name(row["platform"]),
            w._(
                "{n} posts a week, active in {active} of {weeks} covered weeks",
                n=sheet.number(table, row, "weekly_mean", "number", 1),
                active=sheet.number(table, row, "active_weeks"),
                weeks=sheet.number(table, row, "covered_weeks"),
            ),
        )
        for row in inside.to_dicts()
    ]


def measured(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    """Metrics of the catalogue over the judged months, each with its interval, its number of cases and its caveat; none where no
    post is known."""
    if not sheet.facts.of(POSTS, agency["agency_id"]).height:
        return []
    return [sheet.metric(name, agency["agency_id"]) for name in METRICS]


# -- trust ---------------------------------------------------------------------------------------------------------------------
def coverage(sheet: Sheet, agency: dict[str, Any]) -> dict[str, Any]:
    w, months = sheet.words, sheet.facts.months()
    rows = coverage_rows(sheet.facts, agency["agency_id"], months, sheet)
    holes = sum(kind in "stx" for row in rows for kind, _ in row["cells"])
    if not rows:
        title = w._("No month of an account is registered")
    elif holes:
        title = w.ngettext("{n} month of an account is not complete", "{n} months of accounts are not complete", holes)
    else:
        title = w._("All months of all accounts are complete")
    return {"rows": rows, "months": months, "title": title}


def coverage_rows(facts: Facts, agency_id: str, months: list[date], sheet: Sheet) -> list[dict[str, Any]]:
    w = sheet.words
    grid: dict[tuple[str, str], dict[date, str]] = {}
    for row in facts.of("marts.coverage_month", agency_id).sort("platform", "account_id", "month").to_dicts():
        grid.setdefault((row["platform"] or "", row["account_id"] or ""), {})[row["month"]] = row["state"]
    handles = {r["account_id"]: r["handle"] for r in facts.of("core.accounts", agency_id).to_dicts()}
    platforms = [platform for platform, _ in grid]
    found = []
    for (platform, account), states in grid.items():
        name = common.platform_name(platform)
        if platforms.count(platform) > 1:
            name = f"{name} · {tampil(handles.get(account) or account, 24)}"
        found.append({"label": name, "cells": [state_cell(states.get(month), w) for month in months]})
    return found


def state_cell(state: str | None, words: Words) -> tuple[str, str]:
    kind = common.SYMBOL.get(state or "", "d" if state is None else "t")
    return kind, {
        "l": words.plain("complete"),
        "s": words.plain("partial"),
        "t": words.plain("no file"),
        "x": words.plain("file refused"),
        "d": words.plain("not required"),
    }[kind]


def files(sheet: Sheet, agency: dict[str, Any]) -> dict[str, Any]:
    w = sheet.words
    rows = (
        sheet.facts.of("marts.export_files", agency["agency_id"])
        .sort("first_seen_at", "file_name", "member", "export_id", descending=[True, False, False, False], nulls_last=True)
        .to_dicts()
    )
    if not rows:
        return {"rows": [], "title": w._("No downloaded file has arrived"), "more": "", "csv": None, "newest": [], "summary": ""}
    usable = sum(r["outcome"] in ("accepted", "flagged") for r in rows)
    return {
        "rows": [file_row(r, sheet) for r in rows[:FILES_SHOWN]],
        "title": w.ngettext("This page rests on {n} file", "This page rests on {n} files", usable),
        "more": w.ngettext("{n} older file is in the CSV.", "{n} older files are in the CSV.", len(rows) - FILES_SHOWN)
        if len(rows) > FILES_SHOWN
        else "",
        "newest": newest_files(sheet, agency),
        "summary": w.ngettext("All {n} file with its fingerprint", "All {n} files with their fingerprints", len(rows)),
        "csv": sheet.csv(f"{agency['slug']}-berkas", w.plain("Downloaded files"), files_table(rows, sheet)),
    }


def newest_files(sheet: Sheet, agency: dict[str, Any]) -> list[dict[str, Any]]:
    """Per platform: how many files and rows, how many refused, and how fresh the newest is."""
    w, table = sheet.words, "marts.export_platforms"
    return [
        {
            "platform": common.platform_name(row["platform"]),
            "files": sheet.number(table, row, "files"),
            "refused": sheet.number(table, row, "refused"),
            "rows": sheet.number(table, row, "n_rows"),
            "captured": w.day(row["captured_at"].date()) if row["captured_at"] else "–",
            "received": w.day(row["first_seen_at"].date()) if row["first_seen_at"] else "–",
        }
        for row in sheet.facts.of(table, agency["agency_id"]).sort("platform", nulls_last=True).to_dicts()
    ]


def file_row(row: dict[str, Any], sheet: Sheet) -> dict[str, Any]:
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
        "account": tampil(row["account_id"], 40),
        "agency_id": row["agency_id"],
        "platform": row["platform"],
    }


OUTCOME_KIND = {"accepted": "flat", "flagged": "warn", "held": "warn", "refused": "down", "duplicate": "flat"}


def outcome_word(outcome: str | None, words: Words) -> str:
    return {
        "accepted": words.plain("accepted"),
        "flagged": words.plain("accepted with a warning"),
        "held": words.plain("held"),
        "refused": words.plain("refused"),
        "duplicate": words.plain("duplicate"),
    }.get(outcome or "", outcome or "–")


def files_table(rows: list[dict[str, Any]], sheet: Sheet) -> Table:
    w = sheet.words
    columns = (
        Column("file_name", w.plain("File")),
        Column("member", w.plain("Part")),
        Column("account_id", w.plain("Account")),
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
            r["account_id"],
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


def method(sheet: Sheet, agency: dict[str, Any]) -> list[tuple[str, str]]:
    w, info = sheet.words, sheet.facts.info
    return [
        *common.method_terms(w),
        (
            w._("Pull"),
            common.pull_is(w),
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
