"""Did agencies do better after Diskominfo's training than they would have without it? Tables for the page Pelatihan.

Outcomes per agency and month: `er` = ln rate with account levels removed, `posts` = ln(posts + 0.5), `response` = ln median
hours to the first reply (open cases censored). Effects are on the ln scale in the columns and are read as exp(effect) - 1.
A claim needs at least 10 trained and 10 not-yet-trained agencies, six months before, and leads that do not differ.
"""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from pipeline.statistics import comparison as c
from pipeline.statistics import panel as p
from pipeline.statistics.intervals import Z
from pipeline.statistics.survival import kaplan_meier
from pipeline.statistics.trend import two_way
from pipeline.tables import Schema
from pipeline.thresholds import DEFAULT, Thresholds

OUTCOMES = ("er", "posts", "response")
LEADS = range(-6, -1)
EVENTS = range(-6, 13)
MINIMUM_CASES = 1  # thin months are noisy, and the interval says so; leaving them out would leave nobody
DRAWS = 999


def index_month(i: int) -> date:
    return date(i // 12, i % 12 + 1, 1)


@dataclass(frozen=True)
class Panel:
    """One outcome: Y agencies x months, g first trained month (0 = never), t months as counted months."""

    Y: np.ndarray
    g: np.ndarray
    t: np.ndarray
    agency: list[str]
    group: np.ndarray
    wave: np.ndarray  # text, '' = never
    level: np.ndarray  # Y with the agency's own level left in, for the naive comparison only

    def keep(self, rows: np.ndarray) -> "Panel":
        names = [a for a, k in zip(self.agency, rows, strict=True) if k]
        return Panel(self.Y[rows], self.g[rows], self.t, names, self.group[rows], self.wave[rows], self.level[rows])


def first_trainings(trainings: pl.DataFrame) -> pl.DataFrame:
    """agency_id, month (counted), wave of the first training of each agency."""
    rows = trainings.filter(pl.col("date").is_not_null() & pl.col("agency_id").is_not_null()).sort("agency_id", "date")
    rows = rows.group_by("agency_id", maintain_order=True).first()
    month = pl.col("date").dt.year().cast(pl.Int64) * 12 + pl.col("date").dt.month().cast(pl.Int64) - 1
    return rows.select(
        "agency_id", month.alias("trained"), wave=pl.col("wave").cast(pl.Utf8).fill_null(pl.col("date").dt.strftime("%Y-%m"))
    )


def panels(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> dict[str, Panel]:
    """The panels of all outcomes that have any data, months up to the last complete one."""
    last = c.last_complete_month(account_month)
    if last is None or trainings.is_empty():
        return {}
    first = first_trainings(trainings)
    covered = account_month.filter(pl.col("coverage") >= t.minimum_coverage).select("account_id", "month")
    values = {
        "er": _rates(expected.join(covered, on=["account_id", "month"], how="semi"), first, t),
        "posts": _posts(account_month, t),
        "response": _response(cases),
    }
    return {k: _pivot(v.filter(pl.col("month") <= last), first, agencies) for k, v in values.items() if len(v)}


def _is_listed(account_month: pl.DataFrame, t: Thresholds) -> pl.Expr:
    """Whether a whole list of posts speaks for the month: a top list covers it without counting its posts."""
    if "listed_days" not in account_month.columns:
        return pl.col("coverage") >= t.minimum_coverage
    return pl.col("listed_days") >= t.minimum_coverage * pl.col("days_in_month")


def _rates(expected: pl.DataFrame, first: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """agency_id, month, value: ln rate minus the account's own level in months without training, averaged over posts.

    Levels are removed so that an account that joins or drops out does not look like an effect; accounts that were never
    seen untrained have no level and are left out. Months count by their precision: few reactions say little of a rate.
    """
    rows = expected.join(first, on="agency_id", how="left")
    month = pl.col("month").dt.year().cast(pl.Int64) * 12 + pl.col("month").dt.month().cast(pl.Int64) - 1
    rows = rows.with_columns(counted=month)
    free = rows.filter(pl.col("trained").is_null() | (pl.col("counted") < pl.col("trained")))
    levels = []
    for part in free.partition_by("platform"):
        unit = part["account_id"].to_numpy()
        a, _, _ = two_way(part["y"].to_numpy(), unit, part["counted"].to_numpy(), weight=part["se"].to_numpy() ** -2)
        levels.append(pl.DataFrame({"account_id": np.unique(unit), "level": a}))
    if not levels:
        return pl.DataFrame(schema={"agency_id": pl.Utf8, "month": pl.Date, "value": pl.Float64, "level": pl.Float64})
    rows = rows.join(pl.concat(levels), on="account_id")
    rows = rows.with_columns(information=1 / pl.col("se") ** 2)
    mean = {"value": pl.col("y") - pl.col("level"), "level": pl.col("deviation") + pl.col("month_part")}
    rows = rows.group_by("agency_id", "month").agg(*(c.weighted(e).alias(k) for k, e in mean.items()), n=pl.col("n").sum())
    return rows.filter(pl.col("n") >= t.minimum_posts).select("agency_id", "month", "value", "level")


def _posts(account_month: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    """Only months in which every account of the agency is covered: a missing file must not look like fewer posts. Accounts that
    never had a whole list of their posts are left out of all months."""
    rows = account_month.with_columns(ok=_is_listed(account_month, t).fill_null(False))
    rows = rows.filter(pl.col("ok").any().over("account_id"))
    rows = rows.group_by("agency_id", "month").agg(pl.col("posts").sum(), pl.col("ok").all())
    return rows.filter("ok").select("agency_id", "month", value=(pl.col("posts") + 0.5).log())


def _response(cases: pl.DataFrame) -> pl.DataFrame:
    schema = {"agency_id": pl.Utf8, "month": pl.Date, "value": pl.Float64}
    if cases.is_empty():
        return pl.DataFrame(schema=schema)
    until = _latest(cases)
    end = pl.coalesce("first_reply_at_wib", pl.lit(until))
    rows = cases.filter(pl.col("received_at_wib").is_not_null() & pl.col("agency_id").is_not_null()).with_columns(
        month=pl.col("received_at_wib").dt.date().dt.truncate("1mo"),
        hours=((end - pl.col("received_at_wib")).dt.total_seconds() / 3600).clip(0.01),
        answered=pl.col("first_reply_at_wib").is_not_null(),
    )
    out = []
    for (agency, month), g in rows.group_by("agency_id", "month"):
        if len(g) >= MINIMUM_CASES:
            median = kaplan_meier(g["hours"].to_numpy(), g["answered"].to_numpy()).quantile(0.5)
            if np.isfinite(median):
                out.append((agency, month, float(np.log(median))))
    return pl.DataFrame(out, schema=schema, orient="row")


def _latest(cases: pl.DataFrame) -> datetime:
    times = [cases[k].max() for k in ("received_at_wib", "first_reply_at_wib", "closed_at_wib")]
    return max(t for t in times if isinstance(t, datetime))


def _pivot(values: pl.DataFrame, first: pl.DataFrame, agencies: pl.DataFrame) -> Panel:
    values = values.with_columns(
        counted=pl.col("month").dt.year().cast(pl.Int64) * 12 + pl.col("month").dt.month().cast(pl.Int64) - 1
    )
    counted = values["counted"].to_numpy()
    t = np.arange(counted.min(), counted.max() + 1)
    names = sorted(values["agency_id"].unique().to_list())
    row = values["agency_id"].replace_strict(names, list(range(len(names))), return_dtype=pl.Int64).to_numpy()
    Y, level = np.full((2, len(names), len(t)), np.nan)
    cell = (row, values["counted"].to_numpy() - t[0])
    Y[cell] = values["value"].to_numpy()
    level[cell] = values["level" if "level" in values.columns else "value"].to_numpy()
    info = pl.DataFrame({"agency_id": names}).join(first, on="agency_id", how="left", maintain_order="left")
    peers = agencies.select("agency_id", "peer_group").unique("agency_id", keep="last")
    info = info.join(peers, on="agency_id", how="left", maintain_order="left")
    g = info["trained"].fill_null(0).to_numpy()
    found = Panel(Y, g, t, names, info["peer_group"].fill_null("").to_numpy(), info["wave"].fill_null("").to_numpy(), level)
    return found.keep((g == 0) | (g > t[0]))  # trained before the first month: nothing to compare with


# ---- tables ---------------------------------------------------------------------------------------------------------

EFFECT_SCHEMA = (
    {"outcome": pl.Utf8, "estimator": pl.Utf8}
    | dict.fromkeys(("effect", "lower", "upper", "p_randomisation"), pl.Float64)
    | {"n_trained": pl.Int64, "n_control": pl.Int64}
    | dict.fromkeys(("pretrend_p", "placebo", "placebo_lower", "placebo_upper", "minimum_detectable"), pl.Float64)
    | {"state": pl.Utf8, "reason": pl.Utf8}
    | dict.fromkeys(("bound_lower", "bound_upper", "breakdown"), pl.Float64)
)


def training_effect(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    by_group: bool = False,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per outcome and estimator. state: claimed | pretrend_differs | refused (then effects are null, reason says why).

    `by_group`: the order of training was drawn inside peer groups (`training_order` of settings.toml), so the randomisation
    test shuffles inside them too. bound_* and breakdown: panel.trend_break_bound, on the row of the headline estimator.
    """
    rows = []
    for outcome, d in panels(expected, account_month, cases, trainings, agencies, t).items():
        why = p.refusal(d.g, d.t, d.Y)
        in_window = d.g <= d.t[-1]
        n_trained, n_control = int(((d.g > 0) & in_window).sum()), int(((d.g == 0) | ~in_window).sum())
        if why:
            rows += [
                {
                    "outcome": outcome,
                    "estimator": e,
                    "n_trained": n_trained,
                    "n_control": n_control,
                    "state": "refused",
                    "reason": why,
                }
                for e in ESTIMATORS
            ]
            continue
        rows += _effect_rows(outcome, d, n_trained, n_control, by_group)
    return pl.DataFrame(rows, schema=EFFECT_SCHEMA)


ESTIMATORS = ("imputation", "callaway_santanna", "twfe", "naive")


def _effect_rows(outcome: str, d: Panel, n_trained: int, n_control: int, by_group: bool) -> list[dict[str, object]]:
    leads_p, _ = p.pre_trend(d.Y, d.g, d.t, np.array(LEADS))
    fake = p.placebo(d.Y, d.g, d.t)
    found = {
        "imputation": p.imputation(d.Y, d.g, d.t).overall,
        "callaway_santanna": p.simple(p.att_gt(d.Y, d.g, d.t)),
        "twfe": p.two_way_fixed_effects(d.Y, d.g, d.t),
        "naive": p.naive_difference(d.level, d.g, d.t),
    }
    state, reason = ("pretrend_differs", "leads_differ") if leads_p < 0.05 else ("claimed", "")
    shared = {
        "outcome": outcome,
        "n_trained": n_trained,
        "n_control": n_control,
        "pretrend_p": _null(leads_p),
        "state": state,
        "reason": reason,
    }
    rows = []
    for estimator, e in found.items():
        row = shared | {"estimator": estimator} | _columns(e)
        if estimator == "imputation":
            row |= {
                "p_randomisation": p.randomisation_p(d.Y, d.g, d.t, stratum=d.group if by_group else None, draws=DRAWS),
                "placebo": _null(fake.effect),
                "placebo_lower": _null(fake.interval[0]),
                "placebo_upper": _null(fake.interval[1]),
            }
            row |= dict(
                zip(("bound_lower", "bound_upper", "breakdown"), map(_null, p.trend_break_bound(d.Y, d.g, d.t)), strict=True)
            )
        if estimator in ("imputation", "callaway_santanna"):
            row["minimum_detectable"] = p.minimum_detectable(e.se)
        rows.append(row)
    return rows


def _null(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _columns(e: p.Effect) -> dict[str, float | None]:
    return {"effect": _null(e.effect), "lower": _null(e.interval[0]), "upper": _null(e.interval[1])}


EVENT_SCHEMA = (
    {"outcome": pl.Utf8, "event_month": pl.Int64}
    | dict.fromkeys(("effect", "lower", "upper", "band_lower", "band_upper", "imputation_effect"), pl.Float64)
    | {"n": pl.Int64}
)


def training_event(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per outcome and month since training (-6..12): Callaway-Sant'Anna, pointwise interval and simultaneous band.

    Months before training compare each month with the one before it. `imputation_effect` is the headline estimator's value.
    """
    rows = []
    for outcome, d in panels(expected, account_month, cases, trainings, agencies, t).items():
        if p.refusal(d.g, d.t, d.Y):
            continue
        r = p.att_gt(d.Y, d.g, d.t)
        by_event, _, influence = p.dynamic(r)
        se = np.array([e.se for _, e in by_event])
        critical = p.simultaneous_band(influence, se)
        imputed = {k: e.effect for k, e, _ in p.by_event_time(d.Y, d.g, d.t, np.array([k for k in EVENTS if k >= 0]))}
        for k, e in by_event:
            if k in EVENTS:
                n = int((np.isin(d.g, r.group[(r.time - r.group) == k]) & (d.g > 0)).sum())
                band = {"band_lower": e.effect - critical * e.se, "band_upper": e.effect + critical * e.se}
                rows.append(
                    {"outcome": outcome, "event_month": k, "n": n, "imputation_effect": imputed.get(k)} | _columns(e) | band
                )
    return pl.DataFrame(rows, schema=EVENT_SCHEMA).sort("outcome", "event_month")


PART_SCHEMA: Schema = {"effect": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Int64}


def training_cohort(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per outcome and wave: imputation effect over the wave's treated months, n = agencies of the wave."""
    rows = []
    for outcome, d in panels(expected, account_month, cases, trainings, agencies, t).items():
        if p.refusal(d.g, d.t, d.Y):
            continue
        for wave in sorted(set(d.wave[(d.g > 0) & (d.g <= d.t[-1])])):
            member = (d.wave == wave) & (d.g > 0)
            e = p.imputation(d.Y, d.g, d.t, target=np.repeat(member[:, None], len(d.t), 1)).overall
            first = index_month(int(d.g[member].min()))
            rows.append({"outcome": outcome, "wave": wave, "first_month": first, "n": int(member.sum())} | _columns(e))
    return pl.DataFrame(rows, schema={"outcome": pl.Utf8, "wave": pl.Utf8, "first_month": pl.Date, **PART_SCHEMA})


def training_agency(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per outcome and trained agency: mean before, mean after, and after minus what was to be expected without training.

    `lower`/`upper` use the spread of untreated months; n = months after training. Describes, does not rank.
    """
    rows = []
    for outcome, d in panels(expected, account_month, cases, trainings, agencies, t).items():
        if p.refusal(d.g, d.t, d.Y):
            continue
        r = p.imputation(d.Y, d.g, d.t)
        noise = float(np.nanvar(r.untreated_residual))
        on = p.treated(d.g, d.t)
        for i in np.flatnonzero((d.g > 0) & (~np.isnan(r.tau)).any(1)):
            after, before = d.Y[i][on[i]], d.Y[i][~on[i]]
            n, m = int((~np.isnan(after)).sum()), int((~np.isnan(before)).sum())
            half = Z * np.sqrt(noise * (1 / n + 1 / m))
            effect = float(np.nanmean(r.tau[i]))
            means = {"before": float(np.nanmean(before)), "after": float(np.nanmean(after))}
            part = {"effect": effect, "lower": effect - half, "upper": effect + half, "n": n}
            rows.append({"outcome": outcome, "agency_id": d.agency[i], "wave": d.wave[i]} | means | part)
    names = {"outcome": pl.Utf8, "agency_id": pl.Utf8, "wave": pl.Utf8}
    schema = {**names, "before": pl.Float64, "after": pl.Float64, **PART_SCHEMA}
    return pl.DataFrame(rows, schema=schema)


def training_sensitivity(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    cases: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per outcome and group left out (peer groups and waves): the imputation effect without it; n = agencies left."""
    rows = []
    for outcome, d in panels(expected, account_month, cases, trainings, agencies, t).items():
        if p.refusal(d.g, d.t, d.Y):
            continue
        left = [("peer_group", x, d.group == x) for x in sorted(set(d.group))] + [
            ("wave", x, d.wave == x) for x in sorted(set(d.wave) - {""})
        ]
        for kind, name, member in left:
            rest = d.keep(~member)
            if ((rest.g > 0) & (rest.g <= rest.t[-1])).any():
                e = p.imputation(rest.Y, rest.g, rest.t).overall
                rows.append({"outcome": outcome, "left_out_kind": kind, "left_out": name, "n": len(rest.agency)} | _columns(e))
    return pl.DataFrame(rows, schema={"outcome": pl.Utf8, "left_out_kind": pl.Utf8, "left_out": pl.Utf8, **PART_SCHEMA})


PLACEBO_SCHEMA = (
    {"outcome": pl.Utf8}
    | dict.fromkeys(("effect", "lower", "upper", "p_randomisation"), pl.Float64)
    | {"n_trained": pl.Int64, "n_control": pl.Int64, "n_months": pl.Int64, "state": pl.Utf8, "reason": pl.Utf8}
)
FAKE_OUTCOME = "youtube_impressions_without_posts"


def training_placebo(
    account_days: pl.DataFrame,
    post_facts: pl.DataFrame,
    account_month: pl.DataFrame,
    trainings: pl.DataFrame,
    agencies: pl.DataFrame,
    by_group: bool = False,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row: the "effect" of training on something it cannot move, impressions of YouTube channels in months without a post.

    Old videos are shown by YouTube's own choice; if training "moves" them, the comparison of agencies is at fault. ln scale.
    state: judged | refused (too few agencies with such months; then the effect is null and reason says why).
    """
    values = _idle_impressions(account_days, post_facts, account_month, t)
    empty = dict.fromkeys(PLACEBO_SCHEMA) | {"outcome": FAKE_OUTCOME, "state": "refused"}
    if not len(values) or trainings.is_empty():
        none = empty | {"n_trained": 0, "n_control": 0, "n_months": 0, "reason": "too_few_trained"}
        return pl.DataFrame([none], schema=PLACEBO_SCHEMA)
    d = _pivot(values, first_trainings(trainings), agencies)
    on = (d.g > 0) & (d.g <= d.t[-1])
    counts = {"n_trained": int(on.sum()), "n_control": int((~on).sum()), "n_months": int((~np.isnan(d.Y)).sum())}
    why = p.refusal(d.g, d.t, d.Y) if len(d.g) else "too_few_trained"
    found = None if why else p.imputation(d.Y, d.g, d.t).overall
    if found is None or not np.isfinite(found.effect):
        return pl.DataFrame([empty | counts | {"reason": why or "too_few_months_before"}], schema=PLACEBO_SCHEMA)
    chance = p.randomisation_p(d.Y, d.g, d.t, stratum=d.group if by_group else None, draws=DRAWS)
    row = empty | counts | _columns(found) | {"p_randomisation": chance, "state": "judged", "reason": ""}
    return pl.DataFrame([row], schema=PLACEBO_SCHEMA)


def _idle_impressions(
    account_days: pl.DataFrame, post_facts: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds
) -> pl.DataFrame:
    """agency_id, month, value: ln impressions of an agency's YouTube channels in covered months without a post there."""
    shown = account_days.filter((pl.col("metric") == "impressions") & pl.col("agency_id").is_not_null())
    channels = account_month.filter((pl.col("platform") == "youtube") & (pl.col("coverage") >= t.minimum_coverage))
    shown = shown.with_columns(month=pl.col("day").dt.truncate("1mo"))
    shown = shown.join(channels.select("account_id", "month"), on=["account_id", "month"], how="semi")
    posted = post_facts.filter(pl.col("platform") == "youtube").select("agency_id", "month").unique()
    months = shown.group_by("agency_id", "month").agg(pl.col("value").sum(), pl.col("day").n_unique().alias("days"))
    months = months.filter(pl.col("days") >= 28).join(posted, on=["agency_id", "month"], how="anti")
    return months.select("agency_id", "month", value=(pl.col("value") + 0.5).log())
