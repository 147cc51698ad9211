"""Training: was there a difference after training, and what can this design not show?"""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.charts import Column, Table
from pipeline.charts.dots import cohort_dots, cohort_word
from pipeline.charts.dumbbell import before_after
from pipeline.charts.training import event_study
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages import ringkasan
from pipeline.pages.sheet import Sheet

PATH = "pelatihan.html"
TABLE = "estimates.training_effect"
MAIN = "er"


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    main = facts.row(TABLE, outcome=MAIN, estimator="imputation")
    events, cohorts, agencies = (
        facts.frames[f"estimates.training_{name}"].filter(pl.col("outcome") == MAIN) for name in ("event", "cohort", "agency")
    )
    names = {a["agency_id"]: a["short"] for a in facts.agencies}
    body = render(
        "pelatihan.html",
        w,
        p=sheet.opening(headline(sheet, main), lede(sheet, main), kind=w._("Training")),
        charts=[
            sheet.chart(event_study(events, w, pretrend_p=main.get("pretrend_p"))),
            sheet.chart(cohort_dots(cohorts, w)),
            sheet.chart(before_after(agencies, names, w)),
        ],
        findings=findings(sheet),
        outcomes=outcomes(sheet),
        waves=waves(sheet),
        limits=limits(sheet),
    )
    return sheet.page(body, title=w.plain("Training"))


def headline(sheet: Sheet, main: dict[str, Any]) -> str:
    w = sheet.words
    if not main or main.get("effect") is None or main.get("lower") is None:
        return w._("The effect of the training cannot be judged yet")
    if main["state"] != "claimed":
        return w._("Trained and untrained agencies already differed before, so no effect is claimed")
    change = sheet.number(TABLE, main, "effect", "growth")
    if main["lower"] > 0:
        return w._("Agencies that were trained draw {change} more response", change=change)
    if main["upper"] < 0:
        return w._("Agencies that were trained draw less response ({change})", change=change)
    return w._("A difference after the training is not certain")


def lede(sheet: Sheet, main: dict[str, Any]) -> list[str]:
    w = sheet.words
    if not main or main.get("effect") is None:
        reason = tampil(main.get("reason"), 200) if main else ""
        return [w._("At least 10 trained and 10 not-yet-trained agencies with 6 months before are needed."), reason]
    sentences: list[str] = [
        w._(
            "{trained} trained agencies are compared with {control} not yet trained, {between}.",
            trained=sheet.number(TABLE, main, "n_trained"),
            control=sheet.number(TABLE, main, "n_control"),
            between=sheet.between(TABLE, main, "growth"),
        )
    ]
    if main["p_randomisation"] is not None:
        sentences.append(chance_sentence(sheet, main["p_randomisation"]))
    return sentences


def chance_sentence(sheet: Sheet, p: float) -> str:
    """What a probability means, in words; the figure stands in the table below the fold."""
    w = sheet.words
    if p < 0.01:
        return w._("It is almost impossible that a difference this large came about by chance.")
    if p < 0.05:
        return w._("A difference this large rarely comes about by chance.")
    return w._("A difference this large can easily come about by chance.")


def findings(sheet: Sheet) -> list[dict[str, Any]]:
    """What changed in practice, good and bad, in one line each."""
    return [
        *({**row, "kind": "up"} for row in ringkasan.trained(sheet, "up")),
        *({**row, "kind": "down"} for row in ringkasan.trained(sheet, "down")),
    ]


def outcome_word(name: str, sheet: Sheet) -> str:
    w = sheet.words
    return {
        "er": w.plain("Response per post"),
        "posts": w.plain("Number of posts"),
        "response": w.plain("Time to first reply"),
        "video_share": w.plain("Share of video"),
    }.get(name, name.replace("_", " "))


def estimator_word(name: str, sheet: Sheet) -> str:
    w = sheet.words
    return {
        "imputation": w.plain("imputation (main)"),
        "callaway_santanna": w.plain("by cohort (Callaway–Sant'Anna)"),
        "twfe": w.plain("two-way fixed effects (for comparison)"),
        "naive": w.plain("before–after (misleading, for comparison)"),
    }.get(name, name)


def outcomes(sheet: Sheet) -> dict[str, Any]:
    w = sheet.words
    effects = sheet.facts.frames[TABLE].sort("outcome", pl.col("estimator") != "imputation", "estimator").to_dicts()
    columns = (
        Column("outcome", w.plain("Outcome")),
        Column("estimator", w.plain("Estimator")),
        Column("effect", w.plain("Difference"), "growth", 1),
        Column("lower", w.plain("95% lower"), "growth", 1),
        Column("upper", w.plain("95% upper"), "growth", 1),
        Column("p", w.plain("p (randomisation)"), "number", 3),
        Column("pretrend_p", w.plain("p (pre-trend)"), "number", 2),
        Column("minimum_detectable", w.plain("Smallest difference that could be seen"), "growth", 0),
        Column("n_trained", w.plain("Trained"), "integer"),
        Column("n_control", w.plain("Not yet trained"), "integer"),
    )
    shown = ("effect", "lower", "upper", "p_randomisation", "pretrend_p", "minimum_detectable", "n_trained", "n_control")
    rows = tuple(
        (outcome_word(r["outcome"], sheet), estimator_word(r["estimator"], sheet), *(r[name] for name in shown))
        for r in effects
        if r["effect"] is not None
    )
    table = Table(columns, rows)
    return {"table": table, "csv": sheet.csv("pelatihan-hasil", w.plain("Outcomes"), table) if rows else None}


def waves(sheet: Sheet) -> list[tuple[str, str, str]]:
    """Cohorts with dates and number of agencies; never persons."""
    w = sheet.words
    found: dict[str, list[dict[str, Any]]] = {}
    names = {a["agency_id"]: a["short"] for a in sheet.facts.agencies}
    for row in sheet.facts.frames["core.trainings"].sort("date", "agency_id", nulls_last=True).to_dicts():
        found.setdefault(row["wave"] or "–", []).append(row)
    return [
        (
            cohort_word(wave, w),
            w.day(rows[0]["date"]),
            w.join(sorted({str(names.get(r["agency_id"], r["agency_id"])) for r in rows}, key=lambda name: str(name).casefold())),
        )
        for wave, rows in sorted(found.items())
    ]


def limits(sheet: Sheet) -> list[str]:
    w = sheet.words
    return [
        w._(
            "Agencies that attend early may be the keener ones; the comparison with not-yet-trained agencies reduces this, it "
            "does not remove it."
        ),
        w._(
            "What the training itself changed cannot be told apart from other things that began in the same month in the same "
            "agencies."
        ),
        w._("Response on social media is not the same as understanding, trust or better service."),
    ]
