"""Words and small judgements that several pages share. Every sentence is whole; evidence chooses the sentence."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from pipeline.charts import JUDGED, Chart
from pipeline.charts.dots import theme_dots
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.html.mini import RatioScale
from pipeline.pages.data import LENS, MINIMUM_CASES, Facts

COMPLETE = 0.90
AS_EXPECTED = (0.80, 1.25)
MINIMUM_PEERS = 8
SLOW_HOURS = 24.0
SYMBOL = {"complete": "l", "partial": "s", "missing": "t", "refused": "x", "not_required": "d"}


def bold(text: object) -> Markup:
    return Markup("<b>{}</b>").format(text)


def times_bold(value: float, words: Words) -> Markup:
    """1,12 kali. A sentence of its own, because the catalogue's extractor does not look inside another sentence's call."""
    return bold(words._("{value} times", value=words.number(value, 2)))


def peer_label(group: str | None, words: Words) -> str:
    known = {
        "kecamatan": words.plain("Districts"),
        "dinas_layanan": words.plain("Service agencies"),
        "dinas_sektor": words.plain("Sector agencies"),
        "penunjang": words.plain("Support bodies"),
        "bumd": words.plain("Regency-owned enterprises"),
        "rsud": words.plain("Public hospitals"),
        "kanal_utama": words.plain("Main channel"),
        "dinas_teknis": words.plain("Technical agencies"),
    }
    return known.get(group or "", (group or "–").replace("_", " ").capitalize())


def direction_word(direction: str, words: Words) -> str:
    return {
        "up": words.plain("improving"),
        "down": words.plain("declining"),
        "flat": words.plain("not clear"),
        "data": words.plain("too little data"),
    }[direction]


def state_reason(window: dict, words: Words) -> str:
    """Why an agency is not judged, in one sentence."""
    state = window.get("state") or "no_data"
    return {
        "no_data": words._("No usable export of the three months has arrived."),
        "not_covered": words._("The exports cover too few days of the three months."),
        "too_few_posts": words._("No account with 5 mature posts in the three months."),
        "too_few_accounts": words._("Too few accounts on its platform to say what was to be expected."),
        "not_ranked": words._("Its group has fewer than 8 members, so it is not ranked."),
        "judged": words._("Enough data."),
    }.get(state, words._("Not judged."))


def direction(window: dict) -> str:
    """up, down, flat or data: the published direction, never recomputed here."""
    found = window.get("direction")
    return found if found in ("up", "down", "flat") else "data"


def level(window: dict) -> str:
    """Where an agency stands against its expected value, by its own interval; data when it is not judged."""
    if window.get("state") not in JUDGED or not window.get("lower") or not window.get("upper"):
        return "data"
    return "up" if window["lower"] > 1 else "down" if window["upper"] < 1 else "flat"


def ranked_agencies(facts: Facts) -> list[dict]:
    """Agencies of the tables: all that exist in the period, without the main channel."""
    last = facts.period[1]
    alive = [a for a in facts.agencies if not (a["valid_to"] and last and a["valid_to"] < last.replace(day=1))]
    return [a for a in alive if a["kind"] != "kanal_utama" and a["peer_group"] != "kanal_utama"]


def peer_values(facts: Facts) -> dict[str, list[tuple[str, float]]]:
    """peer group → (agency, × expected) of its judged members."""
    groups: dict[str, list[tuple[str, float]]] = {}
    for agency_id, window in facts.windows.items():
        if window["state"] in JUDGED and window["vs_expected"]:
            groups.setdefault(window["peer_group"], []).append((agency_id, window["vs_expected"]))
    return groups


def peer_box(groups: dict[str, list[tuple[str, float]]], agency_id: str, group: str | None) -> tuple[float, float] | None:
    """Middle half of the peers without the agency itself; None below eight members."""
    values = sorted(v for other, v in groups.get(group or "", []) if other != agency_id)
    if len(values) < 7:
        return None
    return quantile(values, 0.25), quantile(values, 0.75)


def quantile(values: Sequence[float], share: float) -> float:
    place = (len(values) - 1) * share
    low = math.floor(place)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)


def median_interval(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Median with its distribution-free 95% interval from order statistics; no interval below six values."""
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return None, None, None
    middle = quantile(ordered, 0.5)
    if n < 6:
        return middle, None, None
    total, k = 0.0, 0
    for k in range(n):
        total += math.comb(n, k) / 2**n
        if total > 0.025:
            break
    return (middle, ordered[k - 1], ordered[n - k]) if k >= 1 else (middle, None, None)


def moved(now: tuple, before: tuple) -> str:
    """Cautious comparison of two estimates: up or down only when the intervals do not touch."""
    if None in (*now, *before):
        return "data"
    return "up" if now[1] > before[2] else "down" if now[2] < before[1] else "flat"


def scale_of(facts: Facts) -> RatioScale:
    windows = facts.windows.values()
    return RatioScale([v for w in windows for v in (w["vs_expected"], w["lower"], w["upper"])])


def subject(programme: str, words: Words) -> str:
    """What a Pancakarsa programme is about, in a word; their names alone do not say it."""
    return {
        "sehat": words.plain("health"),
        "cerdas": words.plain("education"),
        "maju": words.plain("economy and jobs"),
        "membangun": words.plain("infrastructure"),
        "berkeadaban": words.plain("social affairs and culture"),
    }.get(programme, "")


def theme_chart(sheet, scheme: str, *, name: str = "tema") -> Chart:
    """The programmes of one scheme; posts without a theme are a share beside the chart, never a theme."""
    facts, w = sheet.facts, sheet.words
    window = facts.frames["estimates.theme_window"]
    rows = window.filter(window["scheme_id"] == scheme)
    labels = {key: both[w.language] for key, both in facts.themes.items()}
    subjects = {key: subject(key, w) for key in rows["programme"].to_list()} if scheme == LENS else None
    return theme_dots(rows, labels, w, scheme_id=scheme, subjects=subjects, untagged=facts.untagged.get(scheme), name=name)


def reply(facts: Facts, agency_id: str) -> dict | None:
    """The response summary of an agency, if there is a log with at least 20 cases."""
    rows = facts.of("estimates.response_summary", agency_id).sort("period_start", nulls_last=False).to_dicts()
    return rows[-1] if rows and (rows[-1]["n"] or 0) >= MINIMUM_CASES and rows[-1]["median_hours"] is not None else None


def wave_word(wave: str | None, words: Words) -> str:
    """What a training is called beside a chart: "Training 2", but a name stands as it is, with a capital."""
    text = tampil(wave, 40)
    return words.plain("Training {wave}", wave=text) if text.isdigit() else text[:1].upper() + text[1:] or words.plain("Training")


def is_as_expected(window: dict) -> bool:
    """The whole interval lies within ×0.80–×1.25. Touching ×1 alone only means that no difference is certain."""
    return level(window) != "data" and window["lower"] >= AS_EXPECTED[0] and window["upper"] <= AS_EXPECTED[1]


def habit_change(facts: Facts, agency_id: str, words: Words) -> Markup | str:
    """What was different, not why: the one habit that moved most, in counts that can be looked up."""
    pair = facts.habits.get(agency_id, {})
    now, then = pair.get("now"), pair.get("then")
    if not now or not then or min(now["posts"], then["posts"]) < 5:
        return ""
    changes = [(abs(math.log(now["posts"] / then["posts"])), "posts")]
    for kind in ("video", "service"):
        share_now, share_then = now[kind] / now["posts"], then[kind] / then["posts"]
        changes.append((abs(share_now - share_then) * 2.5, kind))
    size, kind = max(changes)
    if size < 0.25:
        return words._("No habit changed noticeably.")
    if kind == "posts":
        return words._(
            "Posts: {then} → {now} in three months.", then=words.integer(then["posts"]), now=words.integer(now["posts"])
        )
    share = {k: words.percent(v[kind] / v["posts"]) for k, v in pair.items()}
    if kind == "video":
        return words._("Share of video: {then} → {now} of posts.", **share)
    return words._("Share of service information: {then} → {now} of posts.", **share)


def method_terms(w: Words) -> list[tuple[str, str]]:
    """What the overview and every agency's page explain below their figures."""
    return [
        (
            w._("Expected value"),
            w._(
                "What an account of this size, platform, mix of posts and month usually draws, estimated without the agency "
                "itself. ×1.00 = as expected; ×0.80–×1.25 counts as “as expected”. Platforms are never added together."
            ),
        ),
        (
            w._("Certain change"),
            w._(
                "A change is measured beside the movement of all agencies. ▲ and ▼ appear only when it survives a control of "
                "false discoveries at 10%."
            ),
        ),
    ]
