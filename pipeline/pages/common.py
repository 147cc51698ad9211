"""Words and small pieces that several pages share. Sentences are whole; evidence chooses them, and nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pipeline.charts import JUDGED, Chart
from pipeline.charts.dots import theme_dots
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.html.mini import RatioScale
from pipeline.pages.data import LENS, Facts
from pipeline.pages.sheet import Sheet
from pipeline.platforms import label, platforms
from pipeline.reasons import reason

SYMBOL = {"complete": "l", "partial": "s", "missing": "t", "refused": "x", "not_required": "d"}
WINDOW, MOBILISED = "estimates.agency_window", "up_maybe_mobilised"
LIKELESS = ("change_without_likes_lower", "change_without_likes_upper")
COVERAGE_NOTE = 0.9  # a share of covered days below this is said beside the number; the same share decides what is judged


def section(title: str, *texts: str, terms: Sequence[Any] = (), table: dict[str, Any] | None = None) -> dict[str, Any]:
    """One card of a page of prose (prosa.html): paragraphs, a table {heads, groups} and terms (name, text, anchor)."""
    return {"title": title, "texts": texts, "terms": terms, "table": table}


def platform_name(platform: str | None) -> str:
    return tampil(label(platform), 30) or "–"


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
        "up_maybe_mobilised": words.plain("rising, some of it perhaps mobilised"),
        "down": words.plain("declining"),
        "flat": words.plain("not certain"),
        "data": words.plain("too little data"),
    }[direction]


def level_word(level: str, words: Words) -> str:
    return {
        "up": words.plain("above expected"),
        "down": words.plain("below expected"),
        "flat": words.plain("as usual"),
        "data": words.plain("too little data"),
    }[level]


def state_reason(window: dict[str, Any], words: Words) -> str:
    """Why an agency (or one platform of it) has no verdict and what to do about it, from the one list of reasons."""
    found = reason(window.get("reason") or ("nothing_sent" if not window.get("state") else None))
    if found is None:
        return words._("Enough data.") if window.get("state") in JUDGED else words._("Not judged.")
    return " ".join(part for part in (found.text(words.language), found.remedy(words.language)) if part)


def done(sheet: Sheet, table: str, row: dict[str, Any]) -> Markup:
    """What was posted on one platform or account and what it drew, as the beginning of a headline that can be read aloud."""
    w, n = sheet.words, sheet.number(table, row, "engagement", "spoken")
    change = sheet.number(table, row, "engagement_change", "change")
    posts, platform = sheet.number(table, row, "posts"), platform_name(row["platform"])
    if not n:
        return w._("{posts} posts on {platform}, interactions not reported", posts=posts, platform=platform)
    if not change:
        return w._("{posts} posts on {platform} drew {n} interactions", posts=posts, platform=platform, n=n)
    return w._("{posts} posts on {platform} drew {n} interactions ({change})", posts=posts, platform=platform, n=n, change=change)


def sent_line(sheet: Sheet, window: dict[str, Any]) -> str:
    """How many of the required accounts sent, and which did not; nothing where all did."""
    if not window.get("missing_accounts"):
        return ""
    return sheet.words._(
        "{sent} of {required} accounts sent a download that can be used; missing: {names}",
        sent=sheet.number(WINDOW, window, "n_sent"),
        required=sheet.number(WINDOW, window, "n_required"),
        names=tampil(window["missing_accounts"], 200),
    )


def may_include_paid(row: dict[str, Any]) -> bool:
    """Nobody can tell the paid from the unpaid reach of some of these posts."""
    return "may_include_paid" in (row.get("basis") or "")


def without_likes(sheet: Sheet, window: dict[str, Any]) -> str:
    """The second value beside a rise that staff may have made."""
    if window.get("direction") != MOBILISED:
        return ""
    if window.get("change_without_likes") is None:
        return sheet.words._("without likes: not known")
    return sheet.words._(
        "without likes {change}{between}",
        change=sheet.number(WINDOW, window, "change_without_likes", "change"),
        between=f" ({b})" if (b := sheet.between(WINDOW, window, "change", bounds=LIKELESS)) else "",
    )


def direction(agency: dict[str, Any]) -> str:
    """up, up_maybe_mobilised, down, flat or data: the published direction of the change."""
    return agency["summary"].get("direction") or "data"


def level(agency: dict[str, Any]) -> str:
    """up, down, flat or data: the published side of the expected value."""
    return agency["summary"].get("level") or "data"


def is_judged(agency: dict[str, Any]) -> bool:
    return agency["window"].get("state") in JUDGED and agency["window"].get("vs_expected") is not None


def peer_box(facts: Facts, agency_id: str) -> tuple[float, float] | None:
    """Middle half of the peers without the agency itself, where the version has one."""
    row = facts.row("estimates.peer_box", agency_id=agency_id)
    return (row["q1"], row["q3"]) if row else None


def scale_of(facts: Facts) -> RatioScale:
    windows = facts.frames["estimates.agency_window"]
    return RatioScale([v for name in ("vs_expected", "lower", "upper") for v in windows[name].to_list()])


def box(facts: Facts, agency: dict[str, Any], scale: RatioScale) -> Any:
    """An agency's value and range on the scale of all agencies, with the middle half of its peers behind."""
    window = agency["window"]
    value, lower, upper = (window.get(name) for name in ("vs_expected", "lower", "upper"))
    return scale.row(value, lower, upper, level(agency), peer_box(facts, agency["agency_id"]))


def subject(programme: str, words: Words) -> str:
    """What a Pancakarsa programme is about, in a word; their names alone do not say it."""
    return {
        "sehat": words.plain("health"),
        "cerdas": words.plain("education"),
        "maju": words.plain("economy and jobs"),
        "membangun": words.plain("infrastructure"),
        "berkeadaban": words.plain("social affairs and culture"),
    }.get(programme, "")


def theme_labels(facts: Facts, words: Words) -> dict[str, str]:
    return {key: both[words.language] for key, both in facts.themes.items()}


def theme_chart(facts: Facts, words: Words, scheme: str, *, name: str = "tema") -> Chart:
    """The programmes of one scheme; posts without a theme are a share beside the chart, never a theme."""
    rows = facts.programmes(scheme)
    subjects = {key: subject(key, words) for key in rows["programme"].to_list()} if scheme == LENS else None
    untagged = facts.untagged(scheme).get("share_posts")
    labels = theme_labels(facts, words)
    return theme_dots(rows, labels, words, scheme_id=scheme, subjects=subjects, untagged=untagged, name=name)


def reply(facts: Facts, agency_id: str | None) -> dict[str, Any]:
    """The response summary of an agency (None: the regency) where its log has enough cases to be judged, else an empty dict."""
    row = facts.row("estimates.response_summary", agency_id=agency_id)
    return row if row.get("state") == "judged" and row.get("median_hours") is not None else {}


def wave_word(wave: str | None, words: Words) -> str:
    """What a training is called beside a chart: "Training 2", but a name stands as it is, with a capital."""
    text = tampil(wave, 40)
    return words.plain("Training {wave}", wave=text) if text.isdigit() else text[:1].upper() + text[1:] or words.plain("Training")


def format_word(kind: str | None, words: Words) -> str:
    return {
        "photo": words.plain("photo"),
        "carousel": words.plain("carousel"),
        "video": words.plain("video"),
        "link": words.plain("link"),
        "text": words.plain("text"),
        "other": words.plain("other kind"),
    }.get(kind or "", kind or "–")


def channel_word(channel: str, words: Words) -> str:
    """The way by which a question came."""
    return {
        "comment": words.plain("comment"),
        "dm": words.plain("direct message"),
        "lapor": "LAPOR",
        "whatsapp": "WhatsApp",
    }.get(channel, tampil(channel, 30))


def exposure_word(platform: str, words: Words) -> str:
    """What this platform counts when somebody sees a post; three units that are never added up."""
    known = platforms().get(platform)
    return field_word(known.exposure, words) if known and known.exposure else ""


def field_word(name: str, words: Words) -> str:
    """What a column of the exports counts, in the words of the pages."""
    return {
        "reach": words.plain("reach"),
        "impressions": words.plain("impressions"),
        "views": words.plain("views"),
        "likes": words.plain("likes"),
        "reactions": words.plain("reactions"),
        "comments": words.plain("comments"),
        "comments_of_posts": words.plain("comments"),
        "replies": words.plain("replies"),
        "shares": words.plain("shares"),
        "reposts": words.plain("reposts"),
        "saves": words.plain("saves"),
        "follows_lost": words.plain("unfollows"),
        "negative_of_posts": words.plain("negative feedback"),
        "negative_total": words.plain("negative feedback"),
        "dislikes": words.plain("dislikes"),
        "link_clicks": words.plain("link clicks"),
    }.get(name, tampil(name.replace("_", " "), 40))


def threshold_word(name: str, words: Words) -> str:
    """What a threshold of estimates.threshold_effect decides."""
    return {
        "as_expected": words.plain("as usual reaches up to (times)"),
        "minimum_posts": words.plain("fewest posts"),
        "minimum_coverage": words.plain("least share of days covered"),
        "minimum_accounts_sent": words.plain("least share of accounts sent"),
        "window_months": words.plain("months taken together"),
        "false_discovery_share": words.plain("largest share of ▲▼ by chance"),
    }.get(name, name)


def interactions_are(w: Words) -> str:
    return w._(
        "Interactions are what the public does in the open: likes or reactions, comments, shares, saves. Clicks are not included."
    )


def response_is(w: Words) -> str:
    return w._(
        "Response is the interactions divided by how often the post was seen: reach on Facebook and Instagram, impressions on X "
        "and LinkedIn, views on YouTube and TikTok. These are counted differently, so they are never added up or averaged."
    )


def pull_is(w: Words) -> str:
    return w._(
        "Response to one post against what this account usually gets with this kind of post in that month. ×2 means twice as "
        "much."
    )


def method_terms(w: Words) -> list[tuple[str, str]]:
    """What the overview and every agency's page explain below their figures."""
    return [
        (
            w._("Expected value"),
            w._(
                "What an account of this size, platform, mix of posts and month usually draws, worked out without the agency "
                "itself. ×1.00 means as usual; ×1.20 means a fifth more. Platforms are never added together."
            ),
        ),
        (
            w._("“About between … and …”"),
            w._(
                "The range in which the true number very probably lies (95%). The fewer posts, the wider. A number counts as "
                "certain only when its whole range lies on one side."
            ),
        ),
        (
            w._("▲ and ▼"),
            w._(
                "The whole range lies on one side: improving or above the usual (▲), declining or below it (▼). Marks at changes "
                "were checked so that at most one in ten of them is chance."
            ),
        ),
    ]
