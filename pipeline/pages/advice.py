"""The sentences of the advice: what `estimates.actions` found, said in the language of the page.

What is advised, in which order and on what evidence is decided in `pipeline.estimates.actions` and nowhere else. A rule without a
sentence here is an error of the build, not a silent gap.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl
from markupsafe import Markup

from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.pages.common import channel_word, field_word, format_word
from pipeline.pages.data import Facts
from pipeline.pages.sheet import Sheet
from pipeline.reasons import reason

Told = tuple[str, str]
Sentences = Callable[[Words, Mapping[str, Any]], Told]


def _regency_gaps(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Complete the data"), w._(
        "Too little data to be judged: {names}. Go through the missing months and columns of the downloads together with their "
        "admins.",
        **a,
    )


def _regency_surges(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Read the surges that nobody has answered"), w._(
        "Surges that nobody has answered: {names}. A surge may be praise: read first, then decide who answers.", **a
    )


def _regency_slow(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Draw up a duty roster for answering messages"), w._(
        "On at least one channel certainly fewer than half of the questions are answered within 24 hours: {names}.", **a
    )


def _regency_down(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Support those that declined"), w._(
        "Response fell, and hardly by chance: {names}. Their pages show since when and on which platform.", **a
    )


def _regency_training(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Continue the training"), w._(
        "Agencies that were trained draw {factor} times the response they would otherwise have had (about between {lower} and "
        "{upper} times).",
        **a,
    )


def _regency_service(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Move part of the ceremonial to service information"), w._(
        "On {n} accounts service posts draw {factor} times the response of ceremonial ones (about between {lower} and {upper} "
        "times), while {share} of posts are ceremonial. The two go together; that one causes the other is not proved.",
        **a,
    )


def _regency_topic(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Tell what citizens ask about"), w._(
        "The topic {topic} makes up {share_cases} of {cases} questions and complaints, but only {share_posts} of posts on such "
        "topics.",
        **a,
    )


def _regency_incomplete(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Complete the service information together"), w._(
        "In {n} of {agencies} agencies at most three in ten service posts are complete; of {posts} posts, {without_time} have no "
        "time and {without_contact} no contact. One template for all is enough.",
        **a,
    )


def _regency_up(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Learn from those that improved"), w._(
        "Response rose, and hardly by chance: {names}. Let them show their best posts at the next meeting.", **a
    )


def _agency_surge(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Read the surge that nobody has answered"), w._(
        "On {started_on} the account {account_id} had {peak_value} ({metric}), usually {peak_expected}. Read first, answer if "
        "needed, then log the time.",
        **a,
    )


def _agency_columns(w: Words, a: Mapping[str, Any]) -> Told:
    found = reason(str(a["reason"]))
    said = " ".join((found.text(w.language), found.remedy(w.language))) if found else ""
    return w._("Download again with all columns"), said


def _agency_accounts(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Send the accounts that are missing"), w._(
        "{n_sent} of {n_required} accounts sent a download that can be used; missing: {missing_accounts}. Send these too, with "
        "the columns of reach and reactions.",
        **a,
    )


def _agency_no_data(w: Words, a: Mapping[str, Any]) -> Told:
    if a.get("period_start") in (None, "", "None", "–"):  # nothing was published yet, so there are no three months
        return w._("Send the missing downloads"), w._(
            "No usable download has arrived yet. Ask Diskominfo for help and download the last months together."
        )
    return w._("Send the missing downloads"), w._(
        "From {period_start} to {period_end} no usable download has arrived. Ask Diskominfo for help and download the months "
        "together.",
        **a,
    )


def _agency_not_covered(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Send the months that are missing"), w._(
        "The downloads cover {coverage} of the days, too few to be judged. Download the missing months and send them.", **a
    )


def _agency_few_posts(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Post at least twice a month on each account"), w._(
        "There were only {n_posts} posts old enough to be judged in the three months; 5 on one account are needed.", **a
    )


def _agency_refused(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Download the refused file again"), w._(
        "Refused in the last month: {n}, the latest {file_name}. The list of files below gives the reason.", **a
    )


def _agency_slow(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Agree who answers"), w._(
        "By {channel}, {answered_24h} of {n} questions were answered within 24 hours (about between {lower} and {upper}). "
        "Prepare answers to the most frequent ones.",
        **a,
    )


def _agency_backlog(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Answer the open questions"), w._(
        "{open_over_24h} of {n} questions have waited for more than 24 hours; the oldest for {oldest_open_hours}.", **a
    )


def _agency_down(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Go through the last posts together"), w._(
        "Response is {change} times that of the three months before (about between {change_lower} and {change_upper}). Compare "
        "the last ten posts with earlier ones and bring one kind back.",
        **a,
    )


def _agency_below(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Compare with the best posts of the group"), w._(
        "Response is {vs_expected} times what is usual for such accounts (about between {lower} and {upper}). Go "
        "through the last "
        "ten posts together with Diskominfo.",
        **a,
    )


def _agency_up(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Show what changed"), w._(
        "Response rose to {change} times what it was, and hardly by chance (about between {change_lower} and {change_upper}). "
        "Note what was changed and tell the others at the next meeting.",
        **a,
    )


def _agency_quiet(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Post at least once a week"), w._(
        "All accounts together posted in {active_weeks} of the last {weeks} weeks. Plan one service post every week.", **a
    )


def _agency_incomplete(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Complete the service information"), w._(
        "{complete} of {posts} service posts hold at least three of: time, place, requirement or cost, contact. Without time: "
        "{without_time}; without contact: {without_contact}.",
        **a,
    )


def _agency_format(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Repeat the kind that gets a response"), w._(
        "{posts} posts of the kind {format} ({share} of its posts) got {lift} times the response of its own other posts (at "
        "least {lift_lower}). Plan two more next month and compare.",
        **a,
    )


def _agency_best(w: Words, a: Mapping[str, Any]) -> Told:
    return w._("Look at the posts that drew most"), w._(
        "They stand below with the reason why they are listed. Choose one and make a second of its kind next month."
    )


SENTENCES: dict[str, Sentences] = {
    "regency_gaps": _regency_gaps,
    "regency_surges": _regency_surges,
    "regency_slow": _regency_slow,
    "regency_down": _regency_down,
    "regency_training": _regency_training,
    "regency_service": _regency_service,
    "regency_topic": _regency_topic,
    "regency_incomplete": _regency_incomplete,
    "regency_up": _regency_up,
    "agency_surge": _agency_surge,
    "agency_no_data": _agency_no_data,
    "agency_columns": _agency_columns,
    "agency_accounts": _agency_accounts,
    "agency_not_covered": _agency_not_covered,
    "agency_few_posts": _agency_few_posts,
    "agency_refused": _agency_refused,
    "agency_slow": _agency_slow,
    "agency_backlog": _agency_backlog,
    "agency_down": _agency_down,
    "agency_below": _agency_below,
    "agency_up": _agency_up,
    "agency_quiet": _agency_quiet,
    "agency_incomplete": _agency_incomplete,
    "agency_format": _agency_format,
    "agency_best": _agency_best,
}
PAGE_OF = {  # where the evidence of a rule stands
    "regency_gaps": "kualitas.html#belum",
    "regency_surges": "jejak.html#saran-regency_surges",
    "regency_slow": "jejak.html#saran-regency_slow",
    "regency_down": "jejak.html#saran-regency_down",
    "regency_service": "jejak.html#saran-regency_service",
    "regency_incomplete": "jejak.html#saran-regency_incomplete",
    "regency_up": "jejak.html#saran-regency_up",
    "agency_surge": "#lonjakan",
    "agency_few_posts": "#kalender",
    "regency_training": "pelatihan.html",
    "regency_topic": "pancakarsa.html#aspirasi",
    "agency_no_data": "#cakupan",
    "agency_not_covered": "#cakupan",
    "agency_columns": "#platform",
    "agency_accounts": "#cakupan",
    "agency_refused": "#berkas",
    "agency_slow": "#tanya",
    "agency_backlog": "#tanya",
    "agency_best": "#unggahan",
    "agency_format": "#unggahan",
    "agency_down": "#tren",
    "agency_up": "#tren",
    "agency_below": "#platform",
    "agency_incomplete": "#unggahan",
    "agency_quiet": "#kalender",
}
SHARES = ("share", "share_cases", "share_posts", "answered_24h", "coverage")
FACTORS = ("factor", "lift", "lift_lower", "change", "change_lower", "change_upper", "vs_expected")


def told(row: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """One row of advice in the language of the page: title, text, where its evidence stands."""
    values = json.loads(row["arguments"] or "{}")
    shown = {name: _argument(name, value, row["rule"], words) for name, value in values.items()}
    names = values.get("names")
    if isinstance(names, list) and (values.get("n") or 0) > len(names):
        rest = words.plain("{n} more", n=words.integer(values["n"] - len(names)))
        shown["names"] = words.join([*(tampil(item, 60) for item in names), rest])
    title, text = SENTENCES[row["rule"]](words, shown)
    return {"rule": row["rule"], "title": title, "text": text, "page": PAGE_OF[row["rule"]]}


def _argument(name: str, value: object, rule: str, words: Words) -> object:
    """An argument as the page writes it: by its name, because a share and a factor are both numbers."""
    if isinstance(value, list):
        return words.join(tampil(item, 60) for item in value)
    if name in SHARES or (name in ("lower", "upper") and rule == "agency_slow"):
        return words.percent(value)  # type: ignore[arg-type]
    if name in FACTORS or name in ("lower", "upper"):
        return words.number(value, 2)  # type: ignore[arg-type]
    if name == "channel":
        return channel_word(str(value), words)
    if name == "format":
        return format_word(str(value), words)
    if name == "metric":
        return field_word(str(value), words)
    if name == "oldest_open_hours":
        return words.hours(value)  # type: ignore[arg-type]
    if isinstance(value, (int, float)):
        return words.number(value, 0)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d( .*)?", value):
        return words.day(date.fromisoformat(value[:10]))
    return tampil(value, 60)


def regency_actions(sheet: Sheet) -> list[dict[str, Any]]:
    """The advice for leadership, each with the address of its evidence."""
    rows = sheet.facts.frames["estimates.actions"].filter(pl.col("agency_id").is_null()).sort("rank")
    found = [told(row, sheet.words) for row in rows.to_dicts()]
    return [{**action, "url": sheet.url(action["page"])} for action in found]


def next_step(sheet: Sheet, agency: Mapping[str, Any]) -> Markup:
    """One suggestion for the agency's own page, with a link to its evidence on it."""
    rows = sheet.facts.of("estimates.actions", agency["agency_id"]).sort("rank").to_dicts()
    if not rows:
        return sheet.words._("Nothing stands out. Carry on, and send the downloads every week, so that change can be seen early.")
    action = told(rows[0], sheet.words)
    if not action["page"].startswith("#"):
        return Markup("<b>{}.</b> {}").format(action["title"], action["text"])
    link = Markup('<a class="bukan-cetak" href="{}">{}</a>').format(action["page"], sheet.words._("See why"))
    return Markup("<b>{}.</b> {} {}").format(action["title"], action["text"], link)


def needs(facts: Facts, words: Words) -> list[dict[str, Any]]:
    """Agencies that need somebody's help: the most pressing need of each, in the order of the rules, then by name."""
    names = {a["agency_id"]: a for a in facts.agencies}
    rows = facts.frames["estimates.actions"].filter("is_need").sort("rank").unique("agency_id", keep="first", maintain_order=True)
    order = {rule: place for place, rule in enumerate(NEED_TAGS)}
    found = [
        {**told(row, words), "agency": names[row["agency_id"]], "figure": row["figure"], "tag": _tag(row, words)}
        for row in rows.to_dicts()
        if row["agency_id"] in names
    ]
    return sorted(found, key=lambda n: (order[n["rule"]], n["agency"]["short"].casefold(), n["agency"]["agency_id"]))


NEED_TAGS = (
    "agency_no_data",
    "agency_down",
    "agency_slow",
    "agency_not_covered",
    "agency_columns",
    "agency_accounts",
    "agency_below",
)


def _tag(row: Mapping[str, Any], words: Words) -> tuple[str, str]:
    values = json.loads(row["arguments"] or "{}")
    return {
        "agency_no_data": ("data", words.plain("no data received")),
        "agency_down": ("down", words.change(values.get("change"))),
        "agency_slow": ("warn", words.plain("answers late")),
        "agency_not_covered": ("data", words.plain("data incomplete")),
        "agency_columns": ("data", words.plain("columns missing")),
        "agency_accounts": ("data", words.plain("accounts missing")),
        "agency_below": ("down", words.times(values.get("vs_expected"))),
    }[row["rule"]]
