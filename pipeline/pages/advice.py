"""Who needs help, why, and the first step: fixed rules over published estimates, the same every month."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from pipeline.estimates.actions import texts as advice_texts
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.pages.common import COMPLETE, SLOW_HOURS, direction, habit_change, reply
from pipeline.pages.data import Facts

ORDER = ("no_data", "down", "slow", "not_covered")


@dataclass(frozen=True)
class Need:
    """One agency's most pressing need. `tag` is (kind, words); `figure` is the number it rests on."""

    agency: dict
    kind: str
    weight: float
    tag: tuple[str, str]
    reason: str
    step: str
    figure: str


def needs(facts: Facts, agencies: Sequence[dict], words: Words) -> list[Need]:
    """The most pressing need of each agency, ordered: no data, certain decline, slow replies, gaps in the data; then by
    size, name."""
    found = []
    for agency in agencies:
        need = need_of(facts, agency, words)
        if need:
            found.append(need)
    return sorted(found, key=lambda n: (ORDER.index(n.kind), -n.weight, n.agency["short"].casefold(), n.agency["agency_id"]))


def need_of(facts: Facts, agency: dict, words: Words) -> Need | None:
    window = agency["window"]
    key = agency["agency_id"]
    state = window.get("state") or "no_data"
    if state == "no_data":
        return Need(
            agency,
            "no_data",
            0.0,
            ("data", words.plain("no data received")),
            words._("Three months without an export."),
            words._("Step: call the admin and download together."),
            f"agency_window:state:agency_id={key}",
        )
    if direction(window) == "down":
        return Need(
            agency,
            "down",
            1 - (window["change_upper"] or 1),
            ("down", words.change(window["change"])),
            habit_change(facts, key, words) or words._("Response fell by more than chance allows."),
            words._("Step: go through the last ten posts together."),
            f"agency_window:change:agency_id={key}",
        )
    answers = reply(facts, key)
    if answers and answers["median_hours"] and answers["median_hours"] > SLOW_HOURS:
        return Need(
            agency,
            "slow",
            answers["median_hours"],
            ("warn", words.plain("reply {hours}", hours=words.hours(answers["median_hours"]))),
            words.ngettext(
                "{n} question; half wait longer.",
                "{n} questions; half wait longer.",
                answers["n"],
            ),
            words._("Step: agree who answers, prepare standard answers."),
            f"response_summary:median_hours:agency_id={key}",
        )
    if state == "not_covered" or (window.get("coverage") is not None and window["coverage"] < COMPLETE and state != "judged"):
        return Need(
            agency,
            "not_covered",
            1 - (window.get("coverage") or 0),
            ("data", words.plain("data incomplete")),
            words._("Exports cover {share} of the days.", share=words.percent(window.get("coverage"))),
            words._("Step: download the missing months."),
            f"agency_window:coverage:agency_id={key}",
        )
    return None


def next_step(facts: Facts, agency: dict, words: Words) -> str:
    """One suggestion for the agency's own page: its need, else what its own best posts suggest, else carry on."""
    rows = facts.of("estimates.actions", agency["agency_id"]).sort("rank", "rule").to_dicts()
    told = next((action for row in rows if (action := _told(row, words))), None)
    if told:
        return Markup("<b>{}.</b> {}").format(told["title"], told["text"])
    need = need_of(facts, agency, words)
    if need:
        return Markup("{} {}").format(need_sentence(need, facts, words), STEPS[need.kind](words))
    best = facts.best.get(agency["agency_id"])
    if best:
        formats = [row["format"] for row in best if row["format"] and row["format"] != "other"]
        common = max(sorted(set(formats)), key=formats.count) if formats else None
        if common and formats.count(common) >= 3:
            return words._(
                "{count} of the five posts with most response are of the kind “{kind}”. Plan two more of them next month and "
                "compare.",
                count=words.integer(formats.count(common)),
                kind=format_word(common, words),
            )
        return words._("Look at the five posts with most response below and repeat what they have in common.")
    if agency["window"].get("state") == "too_few_posts":
        return words._("Post at least twice a month per account, so that response can be judged at all.")
    return words._("Carry on, and send the exports every week, so that change can be seen early.")


def need_sentence(need: Need, facts: Facts, words: Words) -> str:
    """The reason as a whole sentence for the agency's own page; the overview has room for a note only."""
    window = need.agency["window"]
    if need.kind == "no_data":
        return words._("No usable export of the three months has arrived.")
    if need.kind == "down":
        return words._("Response fell by more than chance allows ({change}).", change=words.change(window["change"]))
    if need.kind == "not_covered":
        return words._("The exports cover only {share} of the days.", share=words.percent(window.get("coverage")))
    answers = reply(facts, need.agency["agency_id"]) or {}
    return words._(
        "Half of the questions wait longer than {hours} for a first reply.", hours=words.hours(answers["median_hours"])
    )


STEPS = {
    "no_data": lambda words: words._("Ask Diskominfo for help and download the months together."),
    "down": lambda words: words._("Go through the last ten posts together with Diskominfo and compare them with the five best."),
    "slow": lambda words: words._("Agree who answers on which day, and prepare answers to the most common questions."),
    "not_covered": lambda words: words._("Download the missing months and send them again."),
}


def format_word(kind: str | None, words: Words) -> str:
    return {
        "photo": words.plain("photo"),
        "carousel": words.plain("carousel"),
        "video": words.plain("video"),
        "link": words.plain("link"),
        "text": words.plain("text"),
        "other": words.plain("other"),
    }.get(kind or "", kind or "–")


PAGE_OF = {"regency_gaps": "kualitas.html", "agency_no_data": "kualitas.html", "regency_topic": "pancakarsa.html"}


def regency_actions(facts: Facts, found: list[Need], words: Words) -> list[dict]:
    """The published advice for leadership, filled up to three by what the training evidence and the needs say."""
    rows = facts.frames["estimates.actions"].filter(facts.frames["estimates.actions"]["agency_id"].is_null())
    told = [_told(row, words) for row in rows.sort("rank", "rule").to_dicts()]
    actions = [action for action in told if action]
    if not actions:
        actions = _own_actions(found, words)
    effect = training_verdict(facts)
    if effect in ("up", "flat") and len(actions) < 3:
        actions.append(_training_action(effect, words))
    return actions


def _own_actions(found: list[Need], words: Words) -> list[dict]:
    """Without an advice table: the needs of the page itself, counted."""
    actions = []
    gaps = [n for n in found if n.kind in ("no_data", "not_covered")]
    if gaps:
        text = words.ngettext("{n} agency sent too little to be judged.", "{n} agencies sent too little to be judged.", len(gaps))
        title = words._("Close the gaps in the data")
        actions.append({"title": title, "text": text, "page": "kualitas.html", "link": words._("List and reasons")})
    slow = [n for n in found if n.kind == "slow"]
    if slow:
        text = words.ngettext("{n} agency answers later than a day.", "{n} agencies answer later than a day.", len(slow))
        actions.append(
            {"title": words._("Set up a reply duty"), "text": text, "page": "daftar.html", "link": words._("See which")}
        )
    down = [n for n in found if n.kind == "down"]
    if down:
        names = words.join(n.agency["short"] for n in down[:3])
        title = words.ngettext("Support the agency that declined", "Support the {n} agencies that declined", len(down))
        text = words._("Beginning with {names}; their pages show since when and on which platform.", names=names)
        actions.append({"title": title, "text": text, "page": "daftar.html", "link": words._("See which")})
    return actions


def _told(row: dict, words: Words) -> dict | None:
    """One row of advice in the language of the page; None when its sentence or an argument of it is not known."""
    sentences = advice_texts().get(row["text_id_key"])
    if not sentences:
        return None
    values = json.loads(row["arguments"] or "{}")
    if values.get("format") == "other":  # "more of the kind “other”" is no advice
        return None
    shown = {name: _argument(name, value, row["rule"], words) for name, value in values.items()}
    names = values.get("names")
    if isinstance(names, list) and (values.get("n") or 0) > len(names):
        rest = words.plain("{n} more", n=words.integer(values["n"] - len(names)))
        shown["names"] = words.join([*(tampil(item, 60) for item in names), rest])
    try:
        title, text = (
            Markup(escape(sentences[f"{part}_{words.language}"])).format(**shown)  # noqa: S704  # escaped here
            for part in ("title", "text")
        )
    except KeyError:
        return None
    page = PAGE_OF.get(row["rule"], "daftar.html")
    return {
        "title": title,
        "text": text,
        "page": page,
        "link": words._("List and reasons") if page == "kualitas.html" else words._("See which"),
    }


SHARES = ("share", "share_cases", "share_posts", "answered_24h")
FACTORS = ("factor", "lift", "lift_lower", "change", "change_lower", "change_upper")


def _argument(name: str, value: object, rule: str, words: Words) -> object:
    """An argument as the page writes it: by its name, because a share and a factor are both numbers."""
    if isinstance(value, list):
        return words.join(tampil(item, 60) for item in value)
    if name in SHARES or (name in ("lower", "upper") and rule == "agency_slow"):
        return words.percent(value)  # type: ignore[arg-type]
    if name in FACTORS or name in ("lower", "upper"):
        return words.number(value, 2)  # type: ignore[arg-type]
    if name == "format":
        return format_word(str(value), words)
    if isinstance(value, (int, float)):
        return words.number(value, 0)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d( .*)?", value):
        return words.day(date.fromisoformat(value[:10]))
    return tampil(value, 60)


def _training_action(effect: str, words: Words) -> dict:
    text = (
        words._("Trained agencies rose more than the not-yet-trained, by more than chance allows.")
        if effect == "up"
        else words._("An effect of the training is not certain yet; more cohorts make the test stronger.")
    )
    title = words._("Continue the training") if effect == "up" else words._("Keep measuring the training")
    return {"title": title, "text": text, "page": "pelatihan.html", "link": words._("See the evidence")}


def training_verdict(facts: Facts) -> str:
    """up, down, flat or data for the main outcome and estimator; data when the design does not allow a claim."""
    rows = [r for r in facts.frames["estimates.training_effect"].to_dicts() if r["estimator"] == "imputation"]
    row = next((r for r in rows if r["outcome"] in ("er_account", "er", "vs_expected")), None)
    if (
        row is None
        or row["effect"] is None
        or row["lower"] is None
        or (row["pretrend_p"] is not None and row["pretrend_p"] < 0.05)
    ):
        return "data"
    if row["n_trained"] is not None and min(row["n_trained"], row["n_control"] or 0) < 10:
        return "data"
    return "up" if row["lower"] > 0 else "down" if row["upper"] < 0 else "flat"
