"""What the estimates are worth where the truth is known: the acceptance table of METHODS section 4.4, several seeds.

    python -m benchmarks.truth [--seeds 8] [--null-seeds 20] [--quick]

A number after ± is a standard error over the regencies (agencies and quarters of one regency are not independent). Regencies
come from the generator of the sample data, taken before it writes files (age and reading are tested apart), so
every number below is about the statistics. Exit status 1 if any line misses its bound.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from scipy import stats

from benchmarks import fire, guard
from benchmarks.regency import Regency, from_samples, simulate
from pipeline import registry
from pipeline.estimates import alarms, expected, lifts, season
from pipeline.estimates import maturity as growing
from pipeline.estimates import staff as staff_likes
from pipeline.estimates import training as trained
from pipeline.estimates import windows as compared
from pipeline.exports import clocks
from pipeline.statistics import comparison as c
from pipeline.statistics import maturity, panel, ranks, shrinkage, surges, training, windows
from pipeline.thresholds import DEFAULT

NO_CASES = pl.DataFrame(
    schema={"agency_id": pl.Utf8} | dict.fromkeys(("received_at_wib", "first_reply_at_wib", "closed_at_wib"), pl.Datetime("us"))
)
FAMILIES = (growing, expected, compared, lifts, season, alarms, trained, staff_likes)
TABLES = {name: table for family in FAMILIES for name, table in family.TABLES.items()}


class Line(NamedTuple):
    name: str
    found: str
    bound: str
    ok: bool


def spread(per_regency: list) -> float:
    """Standard error of the mean of one value per regency; NaN from a single one."""
    values = np.asarray(per_regency, float)
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def share_of(happened: list) -> str:
    """A share of independent regencies with its standard error, with one success and one failure added (never ± 0)."""
    n, k = len(happened), int(np.sum(happened))
    p = (k + 1) / (n + 2)
    return f"{k / max(n, 1):.0%} ± {100 * np.sqrt(p * (1 - p) / (n + 2)):.0f}"


def frames(r: Regency) -> dict[str, pl.DataFrame]:
    """What the tables read, from a regency in memory."""
    sums = r.post_facts.group_by("account_id", "agency_id", "month").agg(
        pl.len().cast(pl.Int64).alias("posts"), pl.col("engagement").sum(), pl.col("exposure").sum()
    )
    months = r.account_month.join(sums, on=["account_id", "agency_id", "month"], how="left").with_columns(
        pl.col("posts").fill_null(0)
    )
    empty = {"post_key": pl.Int64, "platform": pl.Utf8, "captured_at": pl.Datetime("us"), "age_hours": pl.Float64}
    themes = {"post_key": pl.Int64, "scheme_id": pl.Utf8, "programme": pl.Utf8, "is_primary": pl.Boolean}
    days = {"account_id": pl.Utf8, "agency_id": pl.Utf8, "metric": pl.Utf8, "day": pl.Date, "value": pl.Float64}
    return {
        "marts.post_facts": r.post_facts,
        "marts.account_month": months,
        "core.agencies": r.agencies,
        "core.accounts": r.account_month.select("account_id", "agency_id", "platform").unique().sort("account_id"),
        "core.trainings": r.trainings,
        "core.cases": NO_CASES,
        "core.circulars": registry.frame("circulars"),
        "core.posts": r.post_facts.with_columns(
            captured_at=pl.col("published_on").max().cast(pl.Datetime("us")), first_captured_at=pl.lit(None, pl.Datetime("us"))
        ),
        "core.post_themes": pl.DataFrame(schema=themes),
        "core.post_programmes": pl.DataFrame(schema=themes),
        "core.post_history": pl.DataFrame(schema=empty),
        "core.account_days": pl.DataFrame(schema=days | dict.fromkeys(("captured_at", "first_captured_at"), pl.Datetime("us")))
        if r.account_days is None
        else r.account_days,
    }


def run_tables(known: dict[str, pl.DataFrame]) -> dict[str, tuple[float, float]]:
    """Build every estimate in order of need: (processor seconds, all cores added; seconds by the clock) per table."""
    waiting, spent = dict(TABLES), {}
    while waiting:
        name = next(n for n, t in waiting.items() if all(k in known for k in t.needs))
        cpu, wall = time.process_time(), time.perf_counter()
        known[name] = waiting[name].build({k: known[k] for k in waiting.pop(name).needs}, None)
        spent[name] = time.process_time() - cpu, time.perf_counter() - wall
    return spent


# ---- maturity -------------------------------------------------------------------------------------------------------


def weekly_pairs(
    rng: np.random.Generator, h: float, k: float, posts: int, skip: float = 0.15, day_only: bool = False
) -> maturity.Pairs:
    """Posts of 26 weeks seen in weekly Monday exports of which 15 % are missing, as consecutive pairs up to ten weeks old.

    `day_only`: only the day of publication is known, and ages are counted from its middle.
    """
    at, final = rng.uniform(0, 26 * 168, posts), rng.poisson(np.exp(rng.normal(3.5, 1.0, posts)))
    exports = np.arange(1, 27)[rng.random(26) > skip] * 168.0
    rows = []
    for i in range(posts):
        ages = exports[(exports > at[i]) & (exports < at[i] + 1680)] - at[i]
        counts, left, reached = [], final[i], 0.0
        for m in maturity.share(ages, h, k):
            step = rng.binomial(left, (m - reached) / (1 - reached))
            left, reached = left - step, m
            counts.append(final[i] - left)
        if day_only:
            ages = ages + at[i] - (at[i] // 24 * 24 + 12)
        rows += [(a, b, x, y, i) for a, b, x, y in zip(counts, counts[1:], ages, ages[1:], strict=False)]
    return maturity.pairs(*np.array(rows).T)


def maturity_lines() -> Iterator[Line]:
    many = (("instagram", 2000), ("facebook", 2000), ("tiktok", 1500), ("x", 2000), ("youtube", 600), ("youtube, days only", 600))
    for platform, posts in many:
        h, k = maturity.DEFAULTS[platform.split(",")[0]]
        seen = [weekly_pairs(np.random.default_rng([s, 9]), h, k, posts, day_only="days" in platform) for s in range(8)]
        fits = [maturity.fit(p, start=(24.0, 1.0), draws=5) for p in seen]
        halves, weeks = [f.half_life for f in fits], [f.share(168.0) for f in fits]
        half, week = np.mean(halves), np.mean(weeks) - maturity.share(168.0, h, k)
        ok = bool(abs(half / h - 1) < 0.10 and abs(week) < 0.01)
        yield Line(
            f"maturity, {platform}",
            f"h {half:.2f} ± {spread(halves):.2f} h (true {h:g}), m(7 d) off by {week:+.4f} ± {spread(weeks):.4f}",
            "h within 10 %, m(7 d) within .01",
            ok,
        )


# ---- training -------------------------------------------------------------------------------------------------------


def training_lines(regencies: list[Regency]) -> Iterator[Line]:
    rows, covered = [], []
    for r in regencies:
        known = frames(r)
        expected = c.account_month_expected(known["marts.post_facts"], known["marts.account_month"])
        d = training.panels(expected, known["marts.account_month"], NO_CASES, r.trainings, r.agencies)["er"]
        truth = _true_effect(r, d)
        imputed = panel.imputation(d.Y, d.g, d.t).overall
        found = [
            e.effect
            for e in (
                imputed,
                panel.simple(panel.att_gt(d.Y, d.g, d.t)),
                panel.two_way_fixed_effects(d.Y, d.g, d.t),
                panel.naive_difference(d.level, d.g, d.t),
            )
        ]
        rows.append([x - truth for x in found] + [truth])
        covered.append(imputed.interval[0] <= truth <= imputed.interval[1])
    off = np.array(rows)
    bias, worst, truth = off.mean(0), np.abs(off).max(0), off[:, 4].mean()
    error = [spread(column) for column in off.T]
    yield Line(
        "imputation effect",
        f"bias {bias[0]:+.3f} ± {error[0]:.3f} of {truth:.3f}, worst seed {worst[0]:.3f}",
        "bias < .04, each < .09",
        bool(abs(bias[0]) < 0.04 and worst[0] < 0.09),
    )
    yield Line(
        "imputation interval",
        f"holds the truth in {share_of(covered)} of {len(off)} seeds",
        ">= 85 %",
        bool(np.mean(covered) >= 0.85),
    )
    found = f"bias {bias[1]:+.3f} ± {error[1]:.3f}, worst seed {worst[1]:.3f}"
    yield Line("Callaway-Sant'Anna", found, "bias < .05", bool(abs(bias[1]) < 0.05))
    found = f"bias {bias[2]:+.3f} ± {error[2]:.3f}"
    yield Line("two-way fixed effects (naive)", found, "off by > .03", bool(abs(bias[2]) > 0.03))
    yield Line(
        "trained minus untrained (naive)",
        f"{bias[3] + truth:+.3f} while truth is {truth:+.3f}",
        "negative",
        bool(bias[3] + truth < 0),
    )


def _true_effect(r: Regency, d: training.Panel) -> float:
    size = np.array([r.effect.get(int(w), 0.0) if w else 0.0 for w in d.wave])
    since = d.t[None, :] - d.g[:, None]
    cells = panel.treated(d.g, d.t) & ~np.isnan(d.Y)
    return float((size[:, None] * np.where(since == 0, 0.5, 1.0))[cells].mean())


def randomisation_line(draws: int) -> Line:
    rejected = []
    for s in range(draws):
        rng = np.random.default_rng([s, 3])
        g = rng.permutation(np.repeat([0, 6, 9, 12], 10))
        Y = rng.normal(size=(40, 1)) + rng.normal(size=15) + rng.normal(0, 0.2, (40, 15))
        rejected.append(panel.randomisation_p(Y, g, np.arange(1, 16), draws=99, seed=s) <= 0.05)
    return Line(
        "randomisation test, null panels",
        f"rejects {np.mean(rejected):.1%} ± {100 * spread(rejected):.1f} of {draws} at 5 %",
        "<= 9 %",
        bool(np.mean(rejected) <= 0.09),
    )


# ---- comparison -----------------------------------------------------------------------------------------------------


def shrinkage_line(regencies: list[Regency]) -> Line:
    """Instagram, one month: mean rate per follower, log mean, shrunk log mean against the true level of the account."""
    rows = []
    for r in regencies:
        month = r.months[-1]
        posts = c.comparable_posts(r.post_facts).filter((pl.col("platform") == "instagram") & (pl.col("month") == month))
        followers = r.account_month.filter(pl.col("month") == month).select("account_id", "followers_end")
        posts = posts.join(followers, on="account_id")
        g = posts.group_by("account_id", "agency_id").agg(
            pl.len().alias("n"),
            pl.col("ln_rate").mean().alias("y"),
            pl.col("ln_rate").var().alias("v"),
            (pl.col("engagement") / pl.col("followers_end")).mean().alias("naive"),
        )
        g = g.filter(pl.col("n") >= 5).sort("account_id")
        truth = np.array(
            [r.quality.get(a, 0.0) + r.account[k] + _lift(r, a) for a, k in zip(g["agency_id"], g["account_id"], strict=True)]
        )
        truth -= truth.mean()
        y = g["y"].to_numpy() - g["y"].mean()
        s = np.sqrt((g["v"] * (g["n"] - 1)).sum() / (g["n"] - 1).sum() / g["n"].to_numpy())
        eb = shrinkage.shrink(y, s).mean
        naive = np.log(g["naive"].to_numpy() + 1e-9)
        rank = [stats.spearmanr(x, truth)[0] for x in (naive, y, eb)]
        rows.append([np.sqrt(((x - truth) ** 2).mean()) for x in (y, eb)] + rank)
    raw, eb, *rank = np.mean(rows, 0)
    ratio, ranked = spread([row[1] / row[0] for row in rows]), spread([row[4] for row in rows])
    text = f"RMSE {raw:.3f} -> {eb:.3f} (ratio {eb / raw:.2f} ± {ratio:.2f}); Spearman {rank[2]:.2f} ± {ranked:.2f}"
    text += f" (per follower {rank[0]:.2f})"
    return Line("shrinkage, Instagram month", text, "ratio < .90, Spearman >= .78", bool(eb / raw < 0.90 and rank[2] >= 0.78))


def _lift(r: Regency, agency: str) -> float:
    wave = dict(zip(r.trainings["agency_id"], r.trainings["wave"], strict=True)).get(agency)
    return r.effect[int(wave)] if wave else 0.0


def standing_lines(regencies: list[Regency]) -> Iterator[Line]:
    """vs_expected and rank sets of the last window against three truths: the agency's quality alone, with what its subjects
    draw (an emergency office is read more: not adjusted away on purpose), and with the luck of its very accounts."""
    inside, inside_quality, inside_accounts, widths, joint, month_width, error = [], [], [], [], [], [], []
    for r in regencies:
        known = frames(r)
        expected = c.account_month_expected(known["marts.post_facts"], known["marts.account_month"])
        e = windows.evidence(expected, known["marts.account_month"])
        now = windows.standings(e.history[0], e.noise).frame
        weight = 1 / (pl.col("se") ** 2 + e.noise.account)
        own = e.history[0].with_columns(u=pl.col("account_id").replace_strict(r.account, return_dtype=pl.Float64), w=weight)
        own = own.group_by("agency_id").agg(u=(pl.col("u") * pl.col("w")).sum() / pl.col("w").sum())
        now = now.join(own, on="agency_id")
        plain = np.array([r.quality.get(a, 0.0) + _lift(r, a) for a in now["agency_id"]])
        q = plain + np.array([r.subjects.get(a, 0.0) for a in now["agency_id"]])
        for truth, into in ((q, inside), (plain, inside_quality), (q + now["u"].to_numpy(), inside_accounts)):
            centred = truth - truth.mean()
            into.append(np.abs(now["mean"].to_numpy() - centred) < windows.Z * now["sd"].to_numpy())
        error.append(now["mean"].to_numpy() - (q - q.mean()))
        widths.append(now["sd"].to_numpy())
        best, worst = ranks.simultaneous(now["y"].to_numpy(), now["s"].to_numpy(), draws=1000)
        rank = (-q).argsort().argsort() + 1
        joint.append(((best <= rank) & (rank <= worst)).all())
        month_width.append(_month_rank_width(r, expected, e))

    def share(parts: list[np.ndarray]) -> float:
        return float(np.concatenate(parts).mean())

    covered = share(inside)
    per_regency = [float(part.mean()) for part in inside]
    text = f"{covered:.1%} ± {100 * spread(per_regency):.1f}"
    text += f" (quality alone {share(inside_quality):.1%}, own accounts {share(inside_accounts):.1%})"
    yield Line(
        "vs_expected 95 % interval",
        text + f", mean half width x{np.exp(1.96 * np.concatenate(widths).mean()):.2f}",
        "94-97 %",
        bool(0.94 <= covered <= 0.97),
    )
    bias = np.concatenate(error)
    yield Line(
        "vs_expected error (ln)",
        f"bias {bias.mean():+.3f} ± {spread([e.mean() for e in error]):.3f}, RMSE {np.sqrt((bias**2).mean()):.3f}",
        "bias < .03",
        bool(abs(bias.mean()) < 0.03),
    )
    yield Line(
        "rank sets, simultaneous",
        f"all right in {share_of(joint)} of {len(joint)} regencies",
        ">= 93 %",
        bool(np.mean(joint) >= 0.93),
    )
    width = float(np.mean(month_width))
    found = f"median width {width:.0f} ± {spread(month_width):.1f} places of 40"
    yield Line("rank sets of one month, kecamatan", found, "> 25", bool(width > 25))


def fire_lines(seeds: int, agencies: int) -> Iterator[Line]:
    """Where the regency is as regencies are (benchmarks/fire.py), fewer seeds than its own run takes."""
    for row in fire.rows(range(1, seeds + 1), agencies):
        yield Line(f"under fire: {row.trouble}", row.said, ">= 94 % (within 2 se), >= 85 %", row.is_reached)


def _month_rank_width(r: Regency, expected: pl.DataFrame, e: windows.Evidence) -> float:
    group = r.agencies.filter(pl.col("peer_group") == "kecamatan").select("agency_id")
    month = (
        c.account_windows(expected, [e.last]).filter(pl.col("n") >= DEFAULT.minimum_posts).join(group, on="agency_id", how="semi")
    )
    level = c.agency_levels(month, e.noise)
    best, worst = ranks.marginal(level["y"].to_numpy(), level["s"].to_numpy(), draws=1000)
    return float(np.median(worst - best + 1)) * 40 / max(len(level), 1)


# ---- nothing to find ------------------------------------------------------------------------------------------------


NAIVE = ("pooled rate, reach as trials", "t-test of posts, no correction")


def null_quarters(r: Regency) -> list[dict[str, float]]:
    """Per quarter of one null regency: whether nobody moved, agencies off x1.00, agencies surely on top, and naive counts.

    Agencies whose subjects really draw more or less (fire brigade, disaster agency) are left out of the standing lines only.
    """
    months = frames(r)["marts.account_month"]
    last = c.last_complete_month(months)
    middle = float(np.median(list(r.subjects.values()) or [0.0]))
    unequal = [a for a, x in r.subjects.items() if abs(x - middle) > 0.12]
    rows = []
    for k in range((len(r.months) - 6) // 3):
        until = c.add_months(last, -3 * k)
        past = months.filter(pl.col("month") <= until)
        posts = r.post_facts.filter(pl.col("month") <= until)
        table = windows.agency_window(c.account_month_expected(posts, past), past, r.agencies)
        equal = table.filter(~pl.col("agency_id").is_in(unequal))
        off = int(((equal["lower"] > 1) | (equal["upper"] < 1)).sum())
        quiet = {"quiet": float(not table["direction"].is_in(["up", "down"]).any()), "off": off, "nobody off": float(off == 0)}
        rows.append(quiet | {"top": int((equal["band"] == "sangat_mungkin").sum())} | _naive_counts(posts, until))
    return rows


def null_lines(regencies: Iterable[Regency]) -> Iterator[Line]:
    """Regencies in which every agency is equal: quarters in which nobody is called better or worse, ours and naive methods."""
    started, seeds = time.perf_counter(), [null_quarters(r) for r in regencies]
    spent, quarters = (time.perf_counter() - started) / max(len(seeds), 1), [q for rows in seeds for q in rows]

    def told(name: str) -> tuple[float, float]:
        """Mean over quarters and its standard error over regencies."""
        return float(np.mean([q[name] for q in quarters])), spread([np.mean([q[name] for q in rows]) for rows in seeds])

    (quiet, quiet_se), (nobody, nobody_se), (off, off_se), (top, top_se) = map(told, ("quiet", "nobody off", "off", "top"))
    counted = f"{len(quarters)} quarters of {len(seeds)} seeds ({spent:.0f} s a seed)"
    found = f"nobody singled out in {quiet:.1%} ± {100 * quiet_se:.1f} of {counted}"
    yield Line("null regency: change", found, ">= 85 %", quiet >= 0.85)
    found = f"nobody off x1.00 in {nobody:.1%} ± {100 * nobody_se:.1f} of quarters, {off:.2f} ± {off_se:.2f} agencies a quarter"
    yield Line("null regency: standing", found, ">= 85 %", nobody >= 0.85)
    found = f"{top:.2f} ± {top_se:.2f} agencies a quarter called 'sangat mungkin'"
    yield Line("null regency: top quartile", found, "< 0.15", top < 0.15)
    for name in NAIVE:
        mean, se = told(name)
        none = np.mean([q[name] == 0 for q in quarters])
        found = f"singles out {mean:.1f} ± {se:.1f} agencies a quarter, nobody in {none:.0%}"
        yield Line(f"null regency, naive: {name}", found, "shown beside ours", True)


def _naive_counts(posts: pl.DataFrame, last) -> dict[str, int]:
    half = [(0, c.window(last, 3)), (1, c.window(c.add_months(last, -3), 3))]
    rows = pl.concat([posts.filter(pl.col("month").is_in(m)).with_columns(w=pl.lit(k)) for k, m in half])
    g = rows.group_by("agency_id", "w").agg(
        pl.col("engagement").sum().alias("e"), pl.col("exposure").sum().alias("x"), pl.col("ln_rate").mean().alias("y"),
        pl.col("ln_rate").var().alias("v"), pl.len().alias("n"),
    )  # fmt: skip
    g = (
        g.filter(pl.col("w") == 0)
        .join(g.filter(pl.col("w") == 1), on="agency_id", suffix="_before")
        .filter(pl.min_horizontal("n", "n_before") >= 5)
    )
    rate = (pl.col("e") + pl.col("e_before")) / (pl.col("x") + pl.col("x_before"))
    pooled = (pl.col("e") / pl.col("x") - pl.col("e_before") / pl.col("x_before")) / (
        rate * (1 - rate) * (1 / pl.col("x") + 1 / pl.col("x_before"))
    ).sqrt()
    t = (pl.col("y") - pl.col("y_before")) / (pl.col("v") / pl.col("n") + pl.col("v_before") / pl.col("n_before")).sqrt()
    both = g.select(a=pooled.abs() > 1.96, b=t.abs() > 1.96)
    return dict(zip(NAIVE, (int(both["a"].sum()), int(both["b"].sum())), strict=True))


# ---- whose response it is -------------------------------------------------------------------------------------------


def guard_lines(accounts: int) -> Iterator[Line]:
    """The guard against ordered likes on accounts with the spread of real ones (benchmarks/guard.py)."""
    bounds = {
        "null": ("<= 5 %", lambda x: x <= 0.05),
        "lift": ("<= 5 %", lambda x: x <= 0.05),
        "ordered": (">= 85 %", lambda x: x >= 0.85),
    }
    for kind, (bound, ok) in bounds.items():
        share = guard.detection(kind, accounts)
        found = f"lights at {share:.1%} ± {100 * np.sqrt(share * (1 - share) / accounts):.1f} of {accounts} accounts"
        yield Line(f"ordered likes: {kind}", found, bound, bool(ok(share)))


# ---- alarms ---------------------------------------------------------------------------------------------------------


def alarm_lines(regencies: list[Regency]) -> Iterator[Line]:
    false, hits, weeks = [], [], surges.a.HISTORY_DAYS / 7
    for r in regencies:
        table = surges.alarms(r.account_days, r.post_facts).filter("is_alarm")
        last = r.post_facts["published_on"].max()
        first = last - timedelta(days=surges.a.HISTORY_DAYS - 1)
        spans = [(a, d, d + timedelta(days=n - 1)) for a, kind, d, n in r.events if kind in ("negative", "viral")]
        inside = [
            any(a == agency and x <= day <= y + timedelta(days=2) for a, x, y in spans)
            for agency, day in table.select("agency_id", "date").iter_rows()
        ]
        false.append((len(inside) - sum(inside)) / weeks)
        for agency, kind, day, n in r.events:
            posted = r.post_facts.filter(
                (pl.col("agency_id") == agency) & pl.col("published_on").is_between(day, day + timedelta(days=1))
            )
            if kind == "negative" and first + timedelta(days=7) <= day <= last - timedelta(days=n) and len(posted):
                near = pl.col("date").is_between(day, day + timedelta(days=n + 1))
                hits.append(table.filter(near, pl.col("agency_id") == agency).height > 0)
    found = f"{np.mean(false):.2f} ± {spread(false):.2f} a week for the regency"
    yield Line("alarms: false", found, "<= 6 (budget 3 x 2)", bool(np.mean(false) <= 6))
    found = f"{sum(hits)} of {len(hits)} injected events with posts on their first days ({share_of(hits)})"
    yield Line("alarms: found", found, ">= 70 %", bool(np.mean(hits) >= 0.7))


# ---- what is missing, split, or printed on another clock ------------------------------------------------------------


def silent_line(r: Regency) -> Line:
    """Two agencies send nothing for the last four months: their state says so and no value of theirs is a number."""
    known = frames(r)
    silent = sorted(r.quality)[10:12]
    gone = pl.col("agency_id").is_in(silent) & (pl.col("month") > c.add_months(max(r.months), -4))
    nothing = {"covered_days": 0, "coverage": 0.0, "is_complete": False, "posts": None}
    months = known["marts.account_month"].with_columns(
        **{name: pl.when(gone).then(pl.lit(value)).otherwise(pl.col(name)) for name, value in nothing.items()}
    )
    expected = c.account_month_expected(r.post_facts.filter(~gone), months)
    rows = windows.agency_window(expected, months, r.agencies).filter(pl.col("agency_id").is_in(silent))
    values = rows.select("vs_expected", "lower", "upper", "change", "rank_lower", "n_posts")
    numbers = sum(v is not None for row in values.iter_rows() for v in row)
    states = sorted(set(rows["state"]))
    text = f"{', '.join(states)}; {numbers} numbers where there must be none"
    return Line("two silent agencies", text, "no_data, no number", states == ["no_data"] and len(rows) == 2 and numbers == 0)


def split_line(r: Regency) -> Line:
    """The agency that was split on 2026-01-02: neither it nor its two successors have months on both sides."""
    known = frames(r)
    expected = c.account_month_expected(known["marts.post_facts"], known["marts.account_month"])
    index = windows.agency_month_index(expected, known["marts.account_month"], r.agencies).filter(pl.col("n_posts") > 0)
    day = date(2026, 1, 1)
    sides = {
        a: (int((g["month"] < day).sum()), int((g["month"] >= day).sum()))
        for a in ("disbudpar", "disbud", "dispar")
        if (g := index.filter(pl.col("agency_id") == a)).height
    }
    found = ", ".join(f"{a} {n} months before and {m} from January 2026" for a, (n, m) in sides.items())
    is_cut = len(sides) >= 2 and all(n == 0 or m == 0 for n, m in sides.values())
    return Line("split agency", found, "no series on both sides", is_cut)


CHANGES = (date(2025, 3, 9), date(2025, 11, 2), date(2026, 3, 8), date(2026, 11, 1))


def clock_line() -> Line:
    """Every minute of the four days on which Los Angeles changes its clock, written out and read back.

    The instants are counted from an offset that is written down here (UTC-8 until 10:00 UTC in March, UTC-7 until 09:00 UTC
    in November), not asked of a time-zone library; in the hour that comes twice the id of the post says which it is.
    """
    wrong, minutes = 0, 0
    for day in CHANGES:
        before, after, turn = (-8, -7, 10) if day.month == 3 else (-7, -8, 9)
        first = datetime(day.year, day.month, day.day, -before, tzinfo=UTC)
        for k in range(24 * 60):
            instant = first + timedelta(minutes=k)
            offset = before if instant < datetime(day.year, day.month, day.day, turn, tzinfo=UTC) else after
            printed = (instant + timedelta(hours=offset)).replace(tzinfo=None)
            found, _ = clocks.to_utc(printed, "America/Los_Angeles", instant)
            wib = (instant + timedelta(hours=7)).replace(tzinfo=None)
            minutes += 1
            wrong += found != instant or found.astimezone(ZoneInfo("Asia/Jakarta")).replace(tzinfo=None) != wib
    return Line("Pacific clock to WIB", f"{wrong} of {minutes} minutes wrong on the changes of 2025 and 2026", "0", wrong == 0)


def published_line() -> Line:
    """The tests of published values, as they are."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_reference_values.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).resolve().parent.parent)
    said = [line for line in done.stdout.splitlines() if " passed" in line or " failed" in line]
    dots = sum(line.split("[")[0].count(".") for line in done.stdout.splitlines() if "%]" in line)
    found = said[-1] if said else f"{dots} tests of published values passed" if done.returncode == 0 else "did not run"
    return Line("published values", found, "all within their rounding", done.returncode == 0)


# ---- time -----------------------------------------------------------------------------------------------------------


def history_of(r: Regency, days: int = 180) -> pl.DataFrame:
    """Weekly exports of all posts of the last 180 days, at most ten of each: what the maturity curves are fitted to."""
    last = r.post_facts["published_on"].max()
    posts = r.post_facts.filter(pl.col("published_on") > last - timedelta(days=days))
    posts = posts.select("post_key", "platform", "published_on", "engagement", "exposure")
    rng, parts = np.random.default_rng(1), []
    for week in range(10):
        age = rng.uniform(0, 168) + 168 * week
        seen = posts.with_columns(captured_at=pl.col("published_on").cast(pl.Datetime("us")) + pl.duration(minutes=int(age * 60)))
        for quantity in ("engagement", "exposure"):
            share = 1 - (1 + age / 20) ** -1.1
            seen = seen.with_columns((pl.col(quantity) * share).round().cast(pl.Int64).alias(quantity))
        parts.append(seen.with_columns(age_hours=pl.lit(age)).drop("published_on"))
    return pl.concat(parts)


def time_line(r: Regency) -> Line:
    spent = run_tables(frames(r) | {"core.post_history": history_of(r)})
    slowest = max(spent, key=lambda name: spent[name][1])
    cpu, wall = (sum(seconds[k] for seconds in spent.values()) for k in (0, 1))
    text = f"{cpu:.1f} processor seconds, {wall:.1f} s by the clock for {len(r.agencies)} agencies, {len(r.post_facts):,} posts"
    return Line("run time of all estimates", f"{text}; slowest {slowest} {spent[slowest][1]:.1f} s", "< 20 s", wall < 20)


def lines(seeds: int, null_seeds: int, quick: bool) -> Iterator[Line]:
    profile = "demo" if quick else "full"
    known = [from_samples(s, profile) for s in range(1, seeds + 1)]
    yield from maturity_lines()
    yield from training_lines(known)
    yield randomisation_line(40 if quick else 200)
    yield shrinkage_line(known)
    yield from standing_lines(known)
    yield from null_lines(from_samples(s, profile, null=True) for s in range(1, null_seeds + 1))
    for line in null_lines(simulate(s, null=True, train=False) for s in range(1, null_seeds + 1)):
        yield line._replace(name=line.name.replace("null regency", "null with season and shocks"))
    yield from fire_lines(seeds, 40 if quick else 86)
    yield from guard_lines(200 if quick else 1000)
    yield from alarm_lines(known)
    yield silent_line(known[0])
    yield split_line(known[0])
    yield clock_line()
    yield published_line()
    yield time_line(known[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--null-seeds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="the demo regency instead of the full one")
    asked = parser.parse_args()
    failed = 0
    for line in lines(asked.seeds, asked.null_seeds, asked.quick):
        failed += not line.ok
        print(f"{'reached    ' if line.ok else 'NOT REACHED'} {line.name:<48} {line.found:<100} {line.bound}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
