"""Training: was there a difference after training, and what can this design not show?"""

import math

import polars as pl

from pipeline.charts import Column, Table
from pipeline.charts.dots import cohort_dots, cohort_word
from pipeline.charts.dumbbell import before_after
from pipeline.charts.training import event_study
from pipeline.html import render
from pipeline.html.escape import tampil
from pipeline.pages.advice import training_verdict
from pipeline.pages.sheet import Sheet

PATH = "pelatihan.html"
MAIN = ("er_account", "er", "vs_expected")


def build(sheet: Sheet) -> str:
    facts, w = sheet.facts, sheet.words
    effects = (
        facts.frames["estimates.training_effect"].sort("outcome", pl.col("estimator") != "imputation", "estimator").to_dicts()
    )
    main = main_row(effects)
    outcome = main["outcome"] if main else None
    events = facts.frames["estimates.training_event"].filter(pl.col("outcome") == (outcome or ""))
    cohorts = facts.frames["estimates.training_cohort"].filter(pl.col("outcome") == (outcome or ""))
    agencies = facts.frames["estimates.training_agency"].filter(pl.col("outcome") == (outcome or ""))
    names = {a["agency_id"]: a["short"] for a in facts.agencies}
    table = outcomes(sheet, effects)
    body = render(
        "pelatihan.html",
        w,
        p=sheet.opening(headline(sheet, main), lede(sheet, main), kind=w._("Training")),
        charts=[
            sheet.chart(event_study(events, w, pretrend_p=main["pretrend_p"] if main else None)),
            sheet.chart(cohort_dots(cohorts, w)),
            sheet.chart(before_after(agencies, names, w)),
        ],
        outcomes=table,
        waves=waves(sheet),
        limits=limits(sheet, main),
    )
    return sheet.page(body, title=w.plain("Training"))


def main_row(effects: list[dict]) -> dict | None:
    rows = [r for r in effects if r["estimator"] == "imputation"]
    return next((r for name in MAIN for r in rows if r["outcome"] == name), rows[0] if rows else None)


def headline(sheet: Sheet, main: dict | None) -> str:
    w = sheet.words
    if main is None or main["effect"] is None:
        return w._("The effect of the training cannot be judged yet")
    if main["pretrend_p"] is not None and main["pretrend_p"] < 0.05:
        return w._("Trained and untrained agencies already differed before, so no effect is claimed")
    return {
        "up": w._("After the training, response rose by more than chance allows"),
        "down": w._("After the training, response fell by more than chance allows"),
        "flat": w._("A difference after the training is not certain"),
        "data": w._("The effect of the training cannot be judged yet"),
    }[training_verdict(sheet.facts)]


def lede(sheet: Sheet, main: dict | None) -> list[str]:
    w = sheet.words
    if main is None or main["effect"] is None:
        reason = tampil(main["reason"], 200) if main and main.get("reason") else ""
        return [w._("At least 10 trained and 10 not-yet-trained agencies with 6 months before are needed."), reason]
    sentences = [
        w._(
            "{trained} trained agencies are compared with {control} not-yet-trained ones: {effect} ({interval}).",
            trained=w.integer(main["n_trained"]),
            control=w.integer(main["n_control"]),
            effect=w.change(math.exp(main["effect"]), 1),
            interval=w.interval(_factor(main["lower"]), _factor(main["upper"]), 1, kind="change"),
        )
    ]
    if main["p_randomisation"] is not None:
        sentences.append(
            w._(
                "If the training had no effect, a difference this large would arise by chance with probability {p}.",
                p=w.number(main["p_randomisation"], 3),
            )
        )
    if main["minimum_detectable"] is not None:
        sentences.append(
            w._(
                "An effect smaller than about {size} could not have been seen.",
                size=w.change(math.exp(main["minimum_detectable"]), 0),
            )
        )
    return sentences


def _factor(value: float | None) -> float | None:
    return None if value is None else math.exp(value)


def outcome_word(name: str, sheet: Sheet) -> str:
    w = sheet.words
    return {
        "er_account": w.plain("Response per post"),
        "er": w.plain("Response per post"),
        "vs_expected": w.plain("Response against expected"),
        "posts": w.plain("Number of posts"),
        "first_response": w.plain("Time to first reply"),
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


def outcomes(sheet: Sheet, effects: list[dict]) -> dict:
    w = sheet.words
    columns = (
        Column("outcome", w.plain("Outcome")),
        Column("estimator", w.plain("Estimator")),
        Column("factor", w.plain("Difference"), "change", 1),
        Column("lower", w.plain("95% lower"), "change", 1),
        Column("upper", w.plain("95% upper"), "change", 1),
        Column("p", w.plain("p (randomisation)"), "number", 3),
        Column("pretrend_p", w.plain("p (pre-trend)"), "number", 2),
        Column("n_trained", w.plain("Trained"), "integer"),
        Column("n_control", w.plain("Not yet trained"), "integer"),
    )
    rows = tuple(
        (
            outcome_word(r["outcome"], sheet),
            estimator_word(r["estimator"], sheet),
            *(math.exp(r[c]) if r[c] is not None else None for c in ("effect", "lower", "upper")),
            r["p_randomisation"],
            r["pretrend_p"],
            r["n_trained"],
            r["n_control"],
        )
        for r in effects
        if r["effect"] is not None
    )
    table = Table(columns, rows)
    return {"table": table, "csv": sheet.csv("pelatihan-hasil", w.plain("Outcomes"), table) if rows else None}


def waves(sheet: Sheet) -> list[tuple[str, str, str]]:
    """Cohorts with dates and number of agencies; never persons."""
    w = sheet.words
    found: dict[str, list[dict]] = {}
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


def limits(sheet: Sheet, main: dict | None) -> list[str]:
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
