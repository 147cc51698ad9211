"""Overview: in sixty seconds, what did the regency do and reach, what is certainly better or worse, who needs help, what to do
first?"""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from markupsafe import Markup

from pipeline.charts.dots import theme_side
from pipeline.charts.funnel import expected_range
from pipeline.charts.trend import regency_trend
from pipeline.html import render
from pipeline.pages import advice, common, daftar
from pipeline.pages.parts import LISTED, parts
from pipeline.pages.sheet import Sheet

PATH = "index.html"
SHOWN = 7
NAMED = 3  # in a line of the first screen
HELPED = 6
REGENCY, PLATFORMS, GROUP, WINDOW = (
    "marts.regency_window",
    "marts.platform_window",
    "estimates.group_window",
    "estimates.agency_window",
)
MAIN_OUTCOMES = ("er", "response", "posts")  # of the training, in the order in which they are told


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    if not facts.frames["core.accounts"].height:
        return first_day(sheet)
    some = parts(facts.listed)
    listing = None if some else daftar.listing(sheet, facts.listed)
    better, worse, needed = certain(sheet, "up"), certain(sheet, "down"), advice.needs(facts, w)
    told = [sentence for sentence in lede(sheet) if sentence]
    body = render(
        "ringkasan.html",
        w,
        p=sheet.opening(
            headline(sheet),
            [],
            kind=w._("Monthly report"),
            csv=listing["csv"] if listing else daftar.whole_csv(sheet, facts.listed),
        ),
        platforms=platform_rows(sheet),
        news=news(sheet, better, worse, [need["agency"]["short"] for need in needed]),
        more=told,
        strip=strip(sheet),
        better=better[:SHOWN],
        better_more=max(0, len(better) - SHOWN),
        worse=worse[:SHOWN],
        worse_more=max(0, len(worse) - SHOWN),
        calm=calm(sheet) if not better and not worse else "",
        help=[{"need": need, "url": sheet.agency_url(need["agency"])} for need in needed[:HELPED]],
        help_more=max(0, len(needed) - HELPED),
        help_count=len(needed),
        actions=advice.regency_actions(sheet),
        charts=charts(sheet),
        listing=listing,
        groups=daftar.group_rows(sheet, some),
        count=len(facts.listed),
        index=sheet.url(daftar.PATH),
        method=method(sheet),
    )
    return sheet.page(body, title=w.plain("Overview"))


def first_day(sheet: Sheet) -> str:
    """A workspace without accounts: the three steps, and nothing that sounds like a finding."""
    w = sheet.words
    body = render(
        "hari_pertama.html",
        w,
        p=sheet.opening(
            w._("No account is registered yet"),
            [w._("These pages fill themselves from the platforms' own files. Three steps, and the first report is here.")],
            kind=w._("First day"),
        ),
        steps=[
            (w._("Register the accounts"), w._("Open registry/accounts.csv and write one line for each official account.")),
            (
                w._("Ask the admins for their first downloads"),
                w._("Each admin downloads the files of its accounts and hands them in; put them into the folder inbox."),
            ),
            (w._("Run"), w._("Run terukur run, or wait for the night. A file that cannot be read says what to do about it.")),
        ],
    )
    return sheet.page(body, title=w.plain("Overview"))


# -- what happened -------------------------------------------------------------------------------------------------------------
def headline(sheet: Sheet) -> str:
    """What was done on the platform with the most posts, and the strongest thing that is certain: the numbers change every
    month, and so does the sentence. Platforms are never added up, and only accounts whose posts are all known are counted."""
    w, busiest = sheet.words, next(iter(platforms(sheet)), {})
    if not busiest.get("posts"):
        return w._("No complete month of posts has arrived yet")
    return w._(
        "{did}; {news}",
        did=common.done(sheet, PLATFORMS, busiest),
        news=news_of_the_month(sheet) or w._("no change is certain"),
    )


def news_of_the_month(sheet: Sheet) -> Markup:
    """What certainly changed, good news first. What holds for many months takes turns, or one finding would be the headline of
    all of them; all stand below it. Nothing where nothing is certain."""
    w, regency, end = sheet.words, sheet.facts.regency, sheet.facts.period[1]
    if regency.get("n_up"):
        n = sheet.number(GROUP, regency, "n_up")
        return w.ngettext("{n} agency certainly improved", "{n} agencies certainly improved", regency["n_up"], n=n)
    if regency.get("n_down"):
        n = sheet.number(GROUP, regency, "n_down")
        return w.ngettext("{n} agency certainly declined", "{n} agencies certainly declined", regency["n_down"], n=n)
    standing = standing_news(sheet)
    return standing[end.month % len(standing)] if standing and end else Markup("")


def standing_news(sheet: Sheet) -> list[Markup]:
    """The certain findings that are no change of this quarter, good ones first."""
    w, regency, found = sheet.words, sheet.facts.regency, []
    training, reply, effect = training_row(sheet, "er"), training_row(sheet, "response"), "estimates.training_effect"
    if training and training["lower"] > 0:
        change = sheet.number(effect, training, "effect", "growth")
        found.append(w._("trained agencies draw more response ({change})", change=change))
    if reply and reply["upper"] < 0:
        change = sheet.number(effect, reply, "effect", "growth")
        found.append(w._("trained agencies answer sooner (waiting time {change})", change=change))
    if better := themes(sheet, "up"):
        found.append(w._("posts on {theme} draw more response ({times})", theme=better[0]["name"], times=better[0]["value"]))
    if regency.get("n_above"):
        n = sheet.number(GROUP, regency, "n_above")
        found.append(
            w.ngettext(
                "{n} agency draws more response than usual", "{n} agencies draw more response than usual", regency["n_above"], n=n
            )
        )
    if regency.get("n_below") and not found:
        n = sheet.number(GROUP, regency, "n_below")
        found.append(
            w.ngettext(
                "{n} agency draws less response than usual", "{n} agencies draw less response than usual", regency["n_below"], n=n
            )
        )
    return found


def lede(sheet: Sheet) -> list[str]:
    """One sentence on the output, one on the response, one on the data."""
    w, row, regency = sheet.words, sheet.facts.row(REGENCY), sheet.facts.regency
    if not row.get("posts"):
        return [w._("The first report needs one month in which every day is covered by a download.")]
    sentences = [
        w.ngettext(
            "{agencies} agencies posted on {platforms} platform; counted are the {known} of {accounts} accounts of which every "
            "post is known.",
            "{agencies} agencies posted on {platforms} platforms; counted are the {known} of {accounts} accounts of which every "
            "post is known.",
            row["n_platforms"] or 0,
            agencies=sheet.number(REGENCY, row, "n_agencies"),
            platforms=sheet.number(REGENCY, row, "n_platforms"),
            known=sheet.number(REGENCY, row, "accounts_known"),
            accounts=sheet.number(REGENCY, row, "accounts"),
        ),
        response_sentence(sheet),
    ]
    if regency.get("n_complete") == regency.get("n_awaited"):
        sentences.append(w._("The data of all agencies that have an account are complete."))
    else:
        sentences.append(
            w._(
                "The data of {complete} of {all} agencies that have an account are complete.",
                complete=sheet.number(GROUP, regency, "n_complete"),
                all=sheet.number(GROUP, regency, "n_awaited"),
            )
        )
    return sentences


def response_sentence(sheet: Sheet) -> str:
    """How citizens respond on the whole; the agency in the middle stands for all."""
    w, regency = sheet.words, sheet.facts.regency
    if regency.get("median") is None:
        return ""
    low, high = regency.get("lower"), regency.get("upper")
    if low is None or high is None:
        return w._(
            "The agency in the middle draws {times} times the usual response.",
            times=sheet.number(GROUP, regency, "median", "number", 2),
        )
    between = sheet.between(GROUP, regency, "times")
    if low > 1:
        return w._("On the whole citizens respond more than usual ({between}).", between=between)
    if high < 1:
        return w._("On the whole citizens respond less than usual ({between}).", between=between)
    return w._("On the whole citizens respond to the agencies' posts as usual ({between}).", between=between)


def platforms(sheet: Sheet) -> list[dict[str, Any]]:
    """The platforms of the regency, the one with the most known posts first."""
    return sheet.facts.frames[PLATFORMS].sort("posts", "platform", descending=[True, False], nulls_last=True).to_dicts()


def platform_rows(sheet: Sheet) -> list[dict[str, Any]]:
    """Posts, interactions, exposure and followers of each platform with their changes; platforms are never added up."""
    w, found = sheet.words, []
    for row in platforms(sheet):

        def cell(column: str, kind: str = "compact", row: dict[str, Any] = row) -> dict[str, Any]:
            return {
                "value": sheet.number(PLATFORMS, row, column, kind),
                "change": sheet.number(PLATFORMS, row, f"{column}_change", "change"),
            }

        found.append(
            {
                "name": common.platform_name(row["platform"]),
                "unit": common.exposure_word(row["platform"], w),
                "posts": cell("posts", "integer"),
                "engagement": cell("engagement"),
                "exposure": cell("exposure"),
                "followers": cell("followers"),
                "known": sheet.number(PLATFORMS, row, "accounts_known"),
                "accounts": sheet.number(PLATFORMS, row, "accounts"),
                "is_partial": row["accounts_known"] < row["accounts"],
            }
        )
    return found


def news(
    sheet: Sheet, better: list[dict[str, Any]], worse: list[dict[str, Any]], needed: list[str]
) -> list[tuple[str, str, str, str, Markup]]:
    """What is better, what is worse, who needs help, each in one line of the first screen: (anchor, tint, sign, what, names)."""
    w = sheet.words

    def line(items: list[Any]) -> Markup:
        shown = items[:NAMED] if len(items) > NAMED + 1 else items
        rest = [w._("{n} more", n=w.integer(len(items) - len(shown)))] if len(items) > len(shown) else []
        return w.join([*shown, *rest])

    both = [
        [w._("{name} ({value})", name=row.get("brief") or row["name"], value=row["value"]) for row in rows]
        for rows in (better, worse)
    ]
    return [
        ("j-baik", "up", "▲", w._("Better"), line(both[0]) or w._("nothing certain")),
        ("j-buruk", "down", "▼", w._("Lower"), line(both[1]) or w._("nothing certain")),
        ("j-bantu", "warn", "◆", w._("Need help"), line(needed) or w._("nobody")),
    ]


# -- what is certain -----------------------------------------------------------------------------------------------------------
def certain(sheet: Sheet, side: str) -> list[dict[str, Any]]:
    """What is certainly better (up) or worse (down): effects of the training and themes, then agencies, of which the table below
    names all: their changes and their levels."""
    return [*trained(sheet, side), *themes(sheet, side), *changes(sheet, side), *levels(sheet, side)]


def changes(sheet: Sheet, side: str) -> list[dict[str, Any]]:
    """Agencies whose change survived the control of false discoveries, by alphabet."""
    w = sheet.words
    return [
        {
            "name": a["short"],
            "url": sheet.agency_url(a),
            "value": sheet.number(WINDOW, a["window"], "change", "change"),
            "text": w._(
                "Response against the three months before, {between}. {habit}",
                between=sheet.between(WINDOW, a["window"], "change", bounds=("change_lower", "change_upper")),
                habit=habit(sheet, a),
            ),
        }
        for a in sheet.facts.listed
        if common.direction(a) == side
    ]


def habit(sheet: Sheet, agency: dict[str, Any]) -> str:
    """What was different, not why: the numbers of posts of both quarters on the account that posts most."""
    table = "marts.account_window"
    rows = sheet.facts.of(table, agency["agency_id"]).filter((pl.col("posts") > 0) & (pl.col("posts_previous") > 0))
    row = next(rows.sort("posts", "account_id", descending=[True, False]).iter_rows(named=True), None)
    if row is None:
        return ""
    then, now = (sheet.number(table, row, name) for name in ("posts_previous", "posts"))
    return sheet.words._(
        "Posts on {platform}: {then} → {now}.", platform=common.platform_name(row["platform"]), then=then, now=now
    )


def training_row(sheet: Sheet, outcome: str) -> dict[str, Any]:
    """The main estimate of one outcome where the design allows a claim."""
    row = sheet.facts.row("estimates.training_effect", outcome=outcome, estimator="imputation")
    return row if row.get("state") == "claimed" and None not in (row["effect"], row["lower"], row["upper"]) else {}


def trained(sheet: Sheet, side: str) -> list[dict[str, Any]]:
    w, found = sheet.words, []
    for outcome in MAIN_OUTCOMES:
        row = training_row(sheet, outcome)
        good = bool(row) and (row["upper"] < 0 if outcome == "response" else row["lower"] > 0)
        bad = bool(row) and (row["lower"] > 0 if outcome == "response" else row["upper"] < 0)
        if not (good if side == "up" else bad):
            continue
        table = "estimates.training_effect"
        found.append(
            {
                "name": {
                    "er": w._("Response after training"),
                    "response": w._("Waiting time for a reply after training"),
                    "posts": w._("Number of posts after training"),
                }[outcome],
                "brief": {
                    "er": w._("response after training"),
                    "response": w._("waiting time for a reply"),
                    "posts": w._("number of posts"),
                }[outcome],
                "url": sheet.url("pelatihan.html"),
                "value": sheet.number(table, row, "effect", "growth", 0),
                "mark": "" if outcome == "response" else None,  # a shorter wait is good, and no rise
                "text": w._(
                    "{n} trained agencies beside those not yet trained, {between}.",
                    n=sheet.number(table, row, "n_trained"),
                    between=sheet.between(table, row, "growth"),
                ),
            }
        )
    return found


def levels(sheet: Sheet, side: str) -> list[dict[str, Any]]:
    """Agencies that stand on one side of their expected value: a level, not a change."""
    w = sheet.words
    return [
        {
            "name": a["short"],
            "url": sheet.agency_url(a),
            "value": sheet.number(WINDOW, a["window"], "vs_expected", "times"),
            "text": w._("of the usual response, {between}", between=sheet.between(WINDOW, a["window"], "times")),
        }
        for a in sheet.facts.listed
        if common.level(a) == side
    ]


def themes(sheet: Sheet, side: str) -> list[dict[str, Any]]:
    w, facts, labels = sheet.words, sheet.facts, common.theme_labels(sheet.facts, sheet.words)
    table = "estimates.theme_window"
    return [
        {
            "name": labels.get(row["programme"], row["programme"]),
            "url": sheet.url("pancakarsa.html"),
            "value": sheet.number(table, row, "lift", "times"),
            "text": w._("posts on this theme against other posts, {between}", between=sheet.between(table, row, "times")),
        }
        for row in facts.programmes(facts.scheme).to_dicts()
        if theme_side(row) == side
    ]


def calm(sheet: Sheet) -> str:
    """What would be needed to see a change, when none is certain."""
    w, regency = sheet.words, sheet.facts.regency
    if regency.get("detectable_median") is None:
        return w._("No agency has enough data in both quarters to see a change.")
    return w._(
        "No change goes beyond ordinary ups and downs. With the posts of these months a rise of about {middle} would have been "
        "noticed at a typical agency.",
        middle=sheet.number(GROUP, regency, "detectable_median", "change"),
    )


def strip(sheet: Sheet) -> list[dict[str, Any]]:
    """Every agency as a square by the direction of its change."""
    w, regency = sheet.words, sheet.facts.regency
    words = {
        "up": w._("improving"),
        "flat": w._("no certain change"),
        "down": w._("declining"),
        "data": w._("too little data"),
    }
    found = [common.direction(a) for a in sheet.facts.listed]
    counts = {kind: found.count(kind) for kind in words}
    counts["flat"] += found.count(common.MOBILISED)  # a rise that may be staff's is not a certain one; its page says so
    columns = {"up": "n_up", "flat": "n_flat", "down": "n_down", "data": "n_uncompared"}
    return [
        {
            "kind": kind,
            "n": sheet.number(GROUP, regency, columns[kind]),
            "drawing": squares(counts[kind], kind, len(sheet.facts.listed)),
            "text": text,
        }
        for kind, text in words.items()
        if counts[kind]
    ]


def squares(count: int, kind: str, total: int) -> Markup:
    """Every agency is one square, in as many rows as a screen needs, so that shares can be seen and counted."""
    tint = {"up": "up", "down": "down", "flat": "neutral", "data": "neutral"}[kind]
    paint = f'class="f-surface s-{tint}" stroke-dasharray="2.5 2"' if kind == "data" else f'class="f-{tint}"'
    rows = min(count, max(2, -(-total // 70)))
    columns = -(-count // rows)
    places = [((i % columns) * 15 + 1, (i // columns) * 15 + 1) for i in range(count)]
    if total > LISTED:  # one path instead of five hundred elements
        cells = f'<path d="{"".join(f"M{x},{y}h12v12h-12z" for x, y in places)}" {paint}/>'
    else:
        cells = "".join(f'<rect x="{x}" y="{y}" width="12" height="12" rx="2.5" {paint}/>' for x, y in places)
    width, height = columns * 15, rows * 15
    return Markup(f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">{cells}</svg>')  # noqa: S704


# -- charts --------------------------------------------------------------------------------------------------------------------
def training_marks(sheet: Sheet) -> list[tuple[date, str]]:
    waves: dict[str, date] = {}
    for row in sheet.facts.frames["core.trainings"].sort("date", nulls_last=True).to_dicts():
        if row["date"]:
            waves.setdefault(row["wave"], row["date"])
    return [(day, common.wave_word(wave, sheet.words)) for wave, day in waves.items()][:6]


def charts(sheet: Sheet) -> list[dict[str, Any]]:
    facts, w = sheet.facts, sheet.words
    listed = pl.DataFrame(
        [(a["agency_id"], a["short"], common.level(a)) for a in facts.listed],
        schema={"agency_id": pl.Utf8, "short_name": pl.Utf8, "level": pl.Utf8},
        orient="row",
    )
    windows = facts.frames[WINDOW].join(listed, on="agency_id")
    month = facts.frames["estimates.regency_month"]
    found = [
        regency_trend(month, w, marks=training_marks(sheet), through=facts.period[1]),
        expected_range(windows, w),
        common.theme_chart(facts, w, facts.scheme),
    ]
    return [sheet.chart(chart, prefix="ringkasan-") for chart in found]


def method(sheet: Sheet) -> list[tuple[str, str]]:
    w, info = sheet.words, sheet.facts.info
    return [
        *common.method_terms(w),
        (
            w._("Not judged"),
            w._("Fewer than 5 posts that are old enough, or too few days covered. Too little data is never counted as zero."),
        ),
        (
            w._("Change of a total"),
            w._(
                "Only of accounts whose files cover both quarters, with posts of the last weeks brought to their final value. A "
                "total also grows when more is posted, so it says nothing of how well."
            ),
        ),
        (
            w._("Data trail"),
            w._(
                "Version {version}: {files} files read, {refused} refused.",
                version=info.get("version") or "–",
                files=sheet.number("meta.version", info, "export_count"),
                refused=sheet.number("meta.version", info, "refused_count"),
            ),
        ),
    ]
