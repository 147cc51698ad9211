"""Estimates per agency: the window of the last three complete months against the three before, and the months.

Every table keeps agencies without data in sight with a state; a value that is not known is null, never 0 or 1.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from pipeline.statistics import comparison as c
from pipeline.statistics import discovery, ranks
from pipeline.statistics.intervals import Z, order_statistics
from pipeline.statistics.reasons import POST_REASONS
from pipeline.statistics.shrinkage import Shrunk, shrink, shrink_integrated
from pipeline.thresholds import DEFAULT, Thresholds

HISTORY_WINDOWS = 12
NO_VALUE = 6.0  # standard error (ln) from which there is no value to print: where nobody reacts at all, nothing is usual
UNSEEN_SPREAD = 6.0  # variance of what is missing, in variances between accounts: who chooses what to send leaves out its worst


@dataclass(frozen=True)
class Evidence:
    """What all window tables start from. `history[0]` is the current window, [1] the previous one."""

    last: date | None
    covered: list[pl.DataFrame]  # account_id, agency_id, coverage, has_data, is_required per window
    sent: list[pl.DataFrame]  # per agency and window: accounts required, accounts sent, names of the missing
    history: list[pl.DataFrame]  # account windows of judged agencies, covered and with enough posts
    all_now: pl.DataFrame  # account windows of now, covered, any number of posts
    alone: pl.DataFrame  # agency_id, platform of covered accounts with enough posts, but no others to expect a value from
    noise: c.Noise
    thresholds: Thresholds = DEFAULT


def evidence(expected: pl.DataFrame, account_month: pl.DataFrame, t: Thresholds = DEFAULT) -> Evidence:
    last = c.last_complete_month(account_month)
    if last is None:
        empty = c.account_windows(expected.clear(), [])
        alone = empty.select("agency_id", "platform")
        return Evidence(None, [], [], [empty, empty], empty, alone, c.Noise(0.0, 0.0, 0), t)
    first: Any = account_month["month"].min()
    platforms = expected.filter(pl.col("expected_ln").is_not_null())["platform"].unique().to_list()
    found = []
    for k in range(HISTORY_WINDOWS):
        months = c.window(c.add_months(last, -t.window_months * k), t.window_months)
        if k > 1 and months[0] < first:
            break
        found.append(_account_windows(expected, account_month, months, platforms, t))
    covered, sent, history, everything = ([parts[i] for parts in found] for i in range(4))
    alone = _alone(expected, covered[0], c.window(last, t.window_months), t)
    return Evidence(last, covered, sent, history, everything[0], alone, c.noise(history), t)


def _account_windows(
    expected: pl.DataFrame, account_month: pl.DataFrame, months: list[date], platforms: list[str], t: Thresholds
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Of one window: coverage, what agencies sent, and its account windows, those of judged agencies and all covered ones."""
    share = window_coverage(account_month, months)
    sent = accounts_sent(share, platforms, t)
    owned = ["account_id", "agency_id"]  # an account that moved was covered for whom it belonged to, not for the next
    good = share.filter(pl.col("usable") >= t.minimum_coverage).select(owned)
    rows = c.account_windows(expected, months).join(good, on=owned, how="semi")
    judged = sent.filter(pl.col("missing_share") <= 1 - t.minimum_accounts_sent + 1e-9)
    enough = rows.filter(pl.col("n") >= t.minimum_posts).join(judged, on="agency_id", how="semi")
    return share, sent, enough, rows


def _alone(expected: pl.DataFrame, share: pl.DataFrame, months: list[date], t: Thresholds) -> pl.DataFrame:
    """agency_id, platform: an account is covered and has enough posts, but its platform has too few accounts to say what was to
    be expected."""
    good = share.filter(pl.col("coverage") >= t.minimum_coverage)
    rows = expected.filter(pl.col("month").is_in(months) & pl.col("expected_ln").is_null()).join(
        good, on="account_id", how="semi"
    )
    enough = rows.group_by("account_id", "agency_id", "platform").agg(pl.col("n").sum()).filter(pl.col("n") >= t.minimum_posts)
    return enough.select("agency_id", "platform").unique()


def window_coverage(account_month: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """account_id, agency_id, platform, coverage, usable, has_data, is_required of the window.

    Coverage is of the days on which the account was this agency's (a month has a row for every account that existed in it): one
    that opened, moved or was split in the window is complete when its own days are. Usable are those of them whose posts came
    with reactions and reach: a download without these columns hides an account as well as none does.
    """
    rows = account_month.filter(pl.col("month").is_in(months))
    covered = pl.col("covered_days").fill_null(0)
    listed = [pl.col("posts").fill_null(0) > 0] if "posts" in rows.columns else []
    required = pl.col("is_required").fill_null(True).any() if "is_required" in rows.columns else pl.lit(True)
    hidden = pl.lit(False)
    if {"posts", "engagement", "exposure"} <= set(rows.columns):
        hidden = (pl.col("posts").fill_null(0) > 0) & (pl.col("engagement").is_null() | pl.col("exposure").is_null())
    return rows.group_by("account_id", "agency_id", "platform").agg(
        (covered.sum() / pl.col("days_in_month").sum()).alias("coverage"),
        (pl.when(hidden).then(0).otherwise(covered).sum() / pl.col("days_in_month").sum()).alias("usable"),
        pl.any_horizontal(covered > 0, *listed).any().alias("has_data"),
        required.alias("is_required"),
    )


def accounts_sent(share: pl.DataFrame, platforms: list[str], t: Thresholds) -> pl.DataFrame:
    """agency_id, n_required, n_covered, n_sent, missing_share, missing_accounts (names, comma separated) of one window.

    Required: every account that is not closed, on a platform on which accounts are compared. Covered: its days are; sent: with
    the columns that a comparison needs.
    """
    rows = share.filter(pl.col("is_required") & pl.col("platform").is_in(platforms))
    sent = pl.col("usable") >= t.minimum_coverage
    names = pl.col("account_id").filter(~sent).sort()
    return rows.group_by("agency_id").agg(
        pl.len().cast(pl.Int64).alias("n_required"),
        (pl.col("coverage") >= t.minimum_coverage).sum().cast(pl.Int64).alias("n_covered"),
        sent.sum().cast(pl.Int64).alias("n_sent"),
        (1 - sent.mean()).alias("missing_share"),
        pl.when(sent.all()).then(None).otherwise(names.str.join(", ")).alias("missing_accounts"),
    )


def agencies_in(agencies: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """One row per agency that existed in the window; `is_dissolved` where it ended in it."""
    rows = agencies.with_columns(is_dissolved=pl.lit(False))
    if "valid_from" in rows.columns:
        rows = rows.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= end))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= start))
        ).with_columns(is_dissolved=(pl.col("valid_to") <= end).fill_null(False))
    rows = rows.select("agency_id", "peer_group", "is_ranked", "is_dissolved")
    return rows.unique("agency_id", keep="last").sort("agency_id")


# ---- agency_window --------------------------------------------------------------------------------------------------


def agency_window(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    agencies: pl.DataFrame,
    accounts: pl.DataFrame | None = None,
    staff: pl.DataFrame | None = None,
    without_likes: pl.DataFrame | None = None,
    registered: pl.DataFrame | None = None,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per agency: standing now, previous standing, change, direction and rank set in its peer group.

    `accounts` (estimates.account_reasons) says of every account why it is not judged; without it only the state is told.
    `staff` (estimates.staff_likes): a rise whose likes grew as citizens' likes do not is `up_maybe_mobilised`, never `up`;
    `without_likes` (estimates.change_without_likes) is the second value beside it. `registered` (core.accounts) tells an agency
    whose accounts are closed or to come from one that has none.
    """
    e = evidence(expected, account_month, t)
    if e.last is None:
        nothing = agencies_in(agencies, date.min, date.max)
        empty = {"period_start": None, "period_end": None, "state": pl.lit("no_data"), "reason": pl.lit("nothing_sent")}
        return _finish(nothing.with_columns(**empty))
    months = c.window(e.last, t.window_months)
    end = c.add_months(e.last, 1) - timedelta(days=1)
    out = agencies_in(agencies, months[0], end).with_columns(period_start=pl.lit(months[0]), period_end=pl.lit(end))
    now, before = standings(e.history[0], e.noise, sent=e.sent[0]), standings(e.history[1], e.noise, sent=e.sent[1])
    few = standings(e.all_now.join(e.history[0], on="agency_id", how="anti"), e.noise, tau2=now.tau2, sent=e.sent[0])
    few_values = few.frame.join(e.sent[0].filter(pl.col("n_sent") > 0), on="agency_id", how="semi")
    values = pl.concat([now.frame, few_values]).drop("mean", "sd", "y", "s")
    out = out.join(values, on="agency_id", how="left")
    out = out.join(_months_with_posts(expected, months), on="agency_id", how="left")
    known = account_month["agency_id"] if registered is None else registered["agency_id"]
    out = out.join(_states(e, out, accounts, known.unique().to_list()), on="agency_id", how="left")
    chosen = pl.col("state") == "not_covered"  # a value of what somebody chose to send is no value of the agency
    out = out.with_columns(pl.when(~chosen).then(pl.col(k)).alias(k) for k in ("vs_expected", "lower", "upper"))
    out = out.join(e.sent[0].drop("missing_share"), on="agency_id", how="left")
    out = out.join(before.frame.select("agency_id", previous="vs_expected"), on="agency_id", how="left")
    out = out.join(_changes(e), on="agency_id", how="left")
    lit = pl.col("agency_id").is_in(lit_agencies(staff))
    out = out.with_columns(
        is_staff_lit=lit,
        direction=pl.when((pl.col("direction") == "up") & lit).then(pl.lit(MOBILISED)).otherwise("direction"),
    )
    if without_likes is not None:
        out = out.join(without_likes, on="agency_id", how="left")
    out = out.join(_rank_sets(out, now.frame, t), on="agency_id", how="left")
    return _finish(out)


MOBILISED = "up_maybe_mobilised"
POOLED_Z = 1.64


def lit_agencies(staff: pl.DataFrame | None) -> list[str]:
    """Agencies of which an account is lit, or whose accounts together shifted to likes by more than chance allows."""
    if staff is None or staff.is_empty():
        return []
    pooled = pl.col("mix_z").drop_nulls()
    found = staff.group_by("agency_id").agg(
        is_lit=pl.col("is_lit").any() | ((pooled.sum() / pooled.len().sqrt()) > POOLED_Z).fill_null(False)
    )
    return sorted(found.filter("is_lit")["agency_id"].to_list())


@dataclass(frozen=True)
class Standings:
    frame: pl.DataFrame
    tau2: float


def standings(accounts: pl.DataFrame, noise: c.Noise, tau2: float | None = None, sent: pl.DataFrame | None = None) -> Standings:
    """Per agency: unshrunk y and s, posterior mean and sd (ln), vs_expected with interval (factor), n_posts, n_accounts.

    `sent` (accounts_sent): where required accounts are missing, s also holds what they could change.
    """
    levels = c.agency_levels(accounts, noise)
    if sent is not None and len(levels):
        levels = levels.join(sent.select("agency_id", "missing_share"), on="agency_id", how="left")
        unseen = pl.col("missing_share").fill_null(0.0) ** 2 * UNSEEN_SPREAD * max(noise.account, c.LEAST_ACCOUNT_VARIANCE)
        levels = levels.with_columns(s=(pl.col("s") ** 2 + unseen).sqrt()).drop("missing_share")
    levels = levels.filter(pl.col("s") < NO_VALUE)
    if not len(levels):
        columns = ["y", "s", "n_posts", "n_accounts", "mean", "sd", "vs_expected", "lower", "upper"]
        whole = ("n_posts", "n_accounts")
        return Standings(
            pl.DataFrame(schema={"agency_id": pl.Utf8} | {k: pl.Int64 if k in whole else pl.Float64 for k in columns}), 0.0
        )
    y, s = levels["y"].to_numpy(), levels["s"].to_numpy()
    found: Shrunk = shrink_integrated(y, s) if tau2 is None else shrink(y, s, towards=0.0, tau2=tau2)
    frame = levels.with_columns(mean=pl.Series(found.mean), sd=pl.Series(found.sd)).with_columns(
        vs_expected=pl.col("mean").exp(),
        lower=(pl.col("mean") - Z * pl.col("sd")).exp(),
        upper=(pl.col("mean") + Z * pl.col("sd")).exp(),
    )
    return Standings(frame, found.tau2)


def _months_with_posts(expected: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    rows = expected.filter(pl.col("month").is_in(months))
    return rows.group_by("agency_id").agg(pl.col("month").n_unique().cast(pl.Int64).alias("n_months"))


def _states(e: Evidence, out: pl.DataFrame, accounts: pl.DataFrame | None, registered: list[str]) -> pl.DataFrame:
    """agency_id, coverage, state, reason. Order matters: what is missing is said before what is too little."""
    share = (
        e.covered[0]
        .filter("is_required")
        .group_by("agency_id")
        .agg(pl.col("coverage").mean(), pl.col("has_data").any(), pl.len().alias("accounts"))
    )
    enough = e.history[0].select("agency_id").unique().with_columns(enough=pl.lit(True))
    alone = e.alone.select("agency_id", alone=pl.lit(True)).unique()
    rows = out.select("agency_id", "is_ranked", "is_dissolved")
    sent = e.sent[0].select("agency_id", "n_sent", "n_covered", "missing_share")
    for part in (share, enough, alone, sent, agency_reasons(accounts)):
        rows = rows.join(part, on="agency_id", how="left")
    chose = (pl.col("missing_share") > 1 - e.thresholds.minimum_accounts_sent + 1e-9) & (pl.col("n_sent") > 0)
    is_enough = pl.col("enough").fill_null(False)
    few = pl.col("post_reason").fill_null("few_posts")
    cases = (  # condition, state, reason
        (pl.col("is_dissolved") & ~is_enough, "not_required", pl.lit("dissolved")),
        (pl.col("accounts").is_null() & pl.col("agency_id").is_in(registered), "not_required", pl.lit("not_open")),
        (pl.col("accounts").is_null(), "not_required", pl.lit("no_account")),
        (~pl.col("has_data").fill_null(False), "no_data", pl.lit("nothing_sent")),
        (pl.col("n_covered").fill_null(1) == 0, "not_covered", pl.lit("days_missing")),
        (chose, "not_covered", pl.lit("accounts_missing")),
        (~is_enough & pl.col("alone").fill_null(False), "too_few_accounts", pl.lit("no_peers")),
        (~is_enough & few.is_in(["few_posts", "no_posts"]), "too_few_posts", few),
        (~is_enough, "not_comparable", few),
        (~pl.col("is_ranked").fill_null(False), "not_ranked", pl.lit(None, pl.Utf8)),
    )
    state, reason = pl.lit("judged"), pl.lit(None, pl.Utf8)
    for condition, name, why in reversed(cases):
        known = condition.fill_null(False)
        state = pl.when(known).then(pl.lit(name)).otherwise(state)
        reason = pl.when(known).then(why).otherwise(reason)
    return rows.select("agency_id", "coverage", state=state, reason=reason)


def agency_reasons(accounts: pl.DataFrame | None) -> pl.DataFrame:
    """agency_id, post_reason: why the posts of its covered accounts cannot be judged, the reason that hides most posts first."""
    empty = pl.DataFrame(schema={"agency_id": pl.Utf8, "post_reason": pl.Utf8})
    if accounts is None or accounts.is_empty():
        return empty
    rows = accounts.filter(pl.col("reason").is_in(POST_REASONS)).sort(
        "posts", "account_id", descending=[True, False], nulls_last=True
    )
    return rows.group_by("agency_id", maintain_order=True).agg(pl.col("reason").first().alias("post_reason"))


def common_change(d: np.ndarray, se: np.ndarray) -> float:
    """What the regency as a whole did: the centre of the changes, from those that lie around it (biweight, three errors wide).

    A median gives way: where a third of all agencies really rises (a wave of training), it rises with them by half an error, and
    one in six marks is then an agency that only stayed where it was.
    """
    if len(d) < 5:
        return 0.0
    centre = float(np.median(d))
    for _ in range(20):
        weight = np.maximum(1 - ((d - centre) / (3 * se)) ** 2, 0.0) ** 2 / se**2
        if not weight.sum() > 0:
            break
        centre = float(np.average(d, weights=weight))
    return centre


def change_estimates(now: pl.DataFrame, before: pl.DataFrame, noise: c.Noise) -> pl.DataFrame:
    """agency_id, d, se, p, q: change on the ln scale relative to the regency's own movement, false discoveries controlled.

    The noise of a change is post noise plus two quarters' shocks. The t reference has as many degrees of freedom as posts
    were there to learn their spread from, and not more than past changes to learn the shocks from. An agency of which nobody
    knows its change within a factor of ten has none.
    """
    rows = c.agency_changes(now, before, noise.change).filter(pl.col("variance") < c.UNKNOWN_SE**2)
    se = np.sqrt(rows["variance"].to_numpy() + noise.change)
    d = rows["change"].to_numpy() - common_change(rows["change"].to_numpy(), se)
    df = np.minimum(c.PRIOR_DF + 2 * rows["n"].to_numpy() - 2, max(noise.df - 1, 1))
    p = 2 * stats.t.sf(np.abs(d) / se, df) if len(rows) else np.array([])
    columns = {"d": d, "se": se, "p": p, "q": discovery.q_values(p), "df": df}
    return pl.DataFrame({"agency_id": rows["agency_id"]} | columns)


def _changes(e: Evidence) -> pl.DataFrame:
    rows = change_estimates(e.history[0], e.history[1], e.noise)
    rows = rows.with_columns(detectable=pl.Series(detectable(rows, e.thresholds.false_discovery_share), dtype=pl.Float64))
    moved = (
        pl.when(pl.col("q") > e.thresholds.false_discovery_share)
        .then(pl.lit("flat"))
        .when(pl.col("d") > 0)
        .then(pl.lit("up"))
        .otherwise(pl.lit("down"))
    )
    return rows.select(
        "agency_id",
        change=pl.col("d").exp(),
        change_lower=(pl.col("d") - Z * pl.col("se")).exp(),
        change_upper=(pl.col("d") + Z * pl.col("se")).exp(),
        p="p",
        q="q",
        detectable="detectable",
        direction=moved,
    )


def detectable(changes: pl.DataFrame, share: float) -> np.ndarray:
    """Factor by which an agency's response must rise to be called 'up' four times in five, by the very rule that decides.

    The rule is Benjamini-Hochberg over all agencies compared: with r agencies already found, the next one needs
    p <= share (r + 1) / tests. One true change among many tests needs far more than 1.96 + 0.84 standard errors.
    """
    if not len(changes):
        return np.array([])
    found = int((changes["q"].to_numpy() <= share).sum())
    needed = min(share * (found + 1) / len(changes), share)
    df = changes["df"].to_numpy()
    factor: np.ndarray = np.exp((stats.t.isf(needed / 2, df) + stats.t.isf(0.2, df)) * changes["se"].to_numpy())
    return factor


RANK_SCHEMA = {
    "agency_id": pl.Utf8,
    "rank_lower": pl.Int64,
    "rank_upper": pl.Int64,
    "rank_lower_all": pl.Int64,
    "rank_upper_all": pl.Int64,
    "rank_group_size": pl.Int64,
    "is_rank_shown": pl.Boolean,
    "p_top": pl.Float64,
    "band": pl.Utf8,
    "peer_median": pl.Float64,
}


def _rank_sets(out: pl.DataFrame, now: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    judged = out.filter(pl.col("state") == "judged").select("agency_id", "peer_group").join(now, on="agency_id")
    found = [
        rank_group(g, t.minimum_peers)
        for g in judged.sort("peer_group", "agency_id").partition_by("peer_group", maintain_order=True)
    ]
    parts = [p for p in found if p is not None]
    return pl.concat(parts) if parts else pl.DataFrame(schema=RANK_SCHEMA)


def rank_group(g: pl.DataFrame, minimum: int = DEFAULT.minimum_peers) -> pl.DataFrame | None:
    """Rank sets of one peer group with at least eight judged members: marginal (own page) and _all (simultaneous, table)."""
    if len(g) < minimum:
        return None
    y, s, mean, sd = (g[k].to_numpy() for k in ("y", "s", "mean", "sd"))
    best, worst = ranks.marginal(y, s)
    best_all, worst_all = ranks.simultaneous(y, s)
    top = ranks.p_top(mean, sd)
    others = [float(np.exp(np.median(np.delete(mean, i)))) for i in range(len(mean))]
    values = [
        g["agency_id"],
        best,
        worst,
        best_all,
        worst_all,
        [len(g)] * len(g),
        [not ranks.too_wide(best, worst)] * len(g),
        top,
    ]
    values += [[ranks.band(p) for p in top], others]
    return pl.DataFrame(dict(zip(RANK_SCHEMA, values, strict=True)), schema=RANK_SCHEMA)


AGENCY_WINDOW_SCHEMA = (
    {"agency_id": pl.Utf8, "peer_group": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    | dict.fromkeys(("vs_expected", "lower", "upper"), pl.Float64)
    | {"n_posts": pl.Int64, "n_accounts": pl.Int64, "n_months": pl.Int64, "coverage": pl.Float64, "state": pl.Utf8}
    | {"reason": pl.Utf8, "n_required": pl.Int64, "n_sent": pl.Int64, "missing_accounts": pl.Utf8}
    | dict.fromkeys(("previous", "change", "change_lower", "change_upper", "p", "q", "detectable"), pl.Float64)
    | {"direction": pl.Utf8, "is_staff_lit": pl.Boolean}
    | dict.fromkeys(("change_without_likes", "change_without_likes_lower", "change_without_likes_upper"), pl.Float64)
    | {k: v for k, v in RANK_SCHEMA.items() if k != "agency_id"}
)


def _finish(out: pl.DataFrame) -> pl.DataFrame:
    """Exact columns; counts without rows are 0 posts, estimates without rows stay null."""
    missing = [pl.lit(None, t).alias(k) for k, t in AGENCY_WINDOW_SCHEMA.items() if k not in out.columns]
    out = out.with_columns(missing).select(pl.col(k).cast(t) for k, t in AGENCY_WINDOW_SCHEMA.items())
    counted = pl.col("state").is_in(["judged", "not_ranked", "too_few_posts", "too_few_accounts", "not_comparable"])
    return out.with_columns(
        *(pl.when(counted).then(pl.col(k).fill_null(0)).alias(k) for k in ("n_posts", "n_accounts", "n_months")),
        direction=pl.col("direction").fill_null("data"),
    ).sort("agency_id")


# ---- by platform ----------------------------------------------------------------------------------------------------

PLATFORM_WINDOW_SCHEMA = (
    {"agency_id": pl.Utf8, "platform": pl.Utf8, "peer_group": pl.Utf8, "period_start": pl.Date, "period_end": pl.Date}
    | dict.fromkeys(("vs_expected", "lower", "upper"), pl.Float64)
    | {"n_posts": pl.Int64, "n_accounts": pl.Int64, "state": pl.Utf8, "reason": pl.Utf8}
    | dict.fromkeys(("previous", "change", "change_lower", "change_upper", "p", "q"), pl.Float64)
    | {"direction": pl.Utf8, "er_account": pl.Float64, "er_pooled": pl.Float64, "er_expected": pl.Float64, "coverage": pl.Float64}
    | {"basis": pl.Utf8}
)


def agency_platform_window(
    expected: pl.DataFrame,
    account_month: pl.DataFrame,
    agencies: pl.DataFrame,
    accounts: pl.DataFrame | None = None,
    t: Thresholds = DEFAULT,
) -> pl.DataFrame:
    """One row per agency and platform on which it has an account: as agency_window, each platform against itself only."""
    e = evidence(expected, account_month, t)
    if e.last is None:
        return pl.DataFrame(schema=PLATFORM_WINDOW_SCHEMA)
    months = c.window(e.last, t.window_months)
    end = c.add_months(e.last, 1) - timedelta(days=1)
    groups = agencies_in(agencies, months[0], end).select("agency_id", "peer_group")
    rows = account_month.filter(pl.col("month").is_in(months) & pl.col("agency_id").is_not_null())
    platforms = sorted(rows["platform"].unique().to_list())
    parts = [_one_platform(e, p, rows.filter(pl.col("platform") == p), expected, accounts) for p in platforms]
    if not parts:
        return pl.DataFrame(schema=PLATFORM_WINDOW_SCHEMA)
    out = (
        pl.concat(parts, how="diagonal")
        .join(groups, on="agency_id")
        .with_columns(period_start=pl.lit(months[0]), period_end=pl.lit(end))
    )
    q = discovery.q_values(out["p"].fill_null(np.nan).to_numpy())
    out = out.with_columns(q=pl.Series(q).fill_nan(None)).with_columns(
        direction=pl.when(pl.col("q").is_null())
        .then(pl.lit("data"))
        .when(pl.col("q") > t.false_discovery_share)
        .then(pl.lit("flat"))
        .otherwise(pl.when(pl.col("change") > 1).then(pl.lit("up")).otherwise(pl.lit("down")))
    )
    return out.select(pl.col(k).cast(t) for k, t in PLATFORM_WINDOW_SCHEMA.items()).sort("agency_id", "platform")


def _one_platform(
    e: Evidence, platform: str, rows: pl.DataFrame, expected: pl.DataFrame, accounts: pl.DataFrame | None
) -> pl.DataFrame:
    """The rows of one platform: an account is judged on it whatever the agency's other accounts sent."""
    months, t = c.window(e.last, e.thresholds.window_months), e.thresholds  # type: ignore[arg-type]  # never asked without a month
    here = expected.filter(pl.col("platform") == platform)
    now_rows, before_rows = _platform_history(e, here)
    now, before = standings(now_rows, e.noise), standings(before_rows, e.noise)
    share = e.covered[0].filter(pl.col("platform") == platform)
    share = share.group_by("agency_id").agg(pl.col("coverage").mean(), pl.col("has_data").any())
    seen = here.filter(pl.col("month").is_in(months)).with_columns(information=1 / pl.col("se") ** 2)
    rates = seen.group_by("agency_id").agg(
        c.weighted("y").exp().alias("er_account"),
        c.weighted("expected_ln").exp().alias("er_expected"),
        pl.col("n").sum().alias("seen_posts"),
        pl.col("basis").unique().sort().str.join(" | "),
    )
    pooled = (
        rows.filter(pl.col("exposure") > 0)
        .group_by("agency_id")
        .agg((pl.col("engagement").sum() / pl.col("exposure").sum()).alias("er_pooled"))
    )
    out = rows.select("agency_id").unique().with_columns(platform=pl.lit(platform)).join(share, on="agency_id", how="left")
    for part in (now.frame.drop("mean", "sd", "y", "s"), before.frame.select("agency_id", previous="vs_expected"), rates, pooled):
        out = out.join(part, on="agency_id", how="left")
    mine = Evidence(e.last, e.covered, e.sent, [now_rows, before_rows], now_rows, e.alone, e.noise, t)
    out = out.join(_changes(mine).drop("q", "direction", "detectable"), on="agency_id", how="left")
    alone = e.alone.filter(pl.col("platform") == platform).select("agency_id", alone=pl.lit(True))
    out = out.join(alone, on="agency_id", how="left")
    why = agency_reasons(None if accounts is None else accounts.filter(pl.col("platform") == platform))
    few = pl.col("post_reason").fill_null("few_posts")
    out = out.join(why, on="agency_id", how="left")
    cases = (
        (~pl.col("has_data").fill_null(False), "no_data", pl.lit("nothing_sent")),
        (pl.col("vs_expected").is_not_null(), "judged", pl.lit(None, pl.Utf8)),
        (pl.col("coverage") < t.minimum_coverage, "not_covered", pl.lit("days_missing")),
        (pl.col("alone").fill_null(False), "too_few_accounts", pl.lit("no_peers")),
        (few.is_in(["few_posts", "no_posts"]), "too_few_posts", few),
    )
    state, reason = pl.lit("not_comparable"), few
    for condition, name, said in reversed(cases):
        state = pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(state)
        reason = pl.when(condition.fill_null(False)).then(said).otherwise(reason)
    none = pl.when(pl.col("has_data").fill_null(False)).then(
        0
    )  # exports came, and no post in them can be compared: none, not unknown
    return out.with_columns(state=state, reason=reason, n_posts=pl.coalesce("n_posts", "seen_posts", none))


def _platform_history(e: Evidence, expected: pl.DataFrame) -> list[pl.DataFrame]:
    """Account windows of one platform now and before, covered and with enough posts."""
    parts = []
    for k in (0, 1):
        months = c.window(c.add_months(e.last, -e.thresholds.window_months * k), e.thresholds.window_months)  # type: ignore[arg-type]
        good = e.covered[k].filter(pl.col("coverage") >= e.thresholds.minimum_coverage).select("account_id", "agency_id")
        rows = c.account_windows(expected, months).join(good, on=["account_id", "agency_id"], how="semi")
        parts.append(rows.filter(pl.col("n") >= e.thresholds.minimum_posts))
    return parts


# ---- months ---------------------------------------------------------------------------------------------------------

INDEX_SCHEMA = {
    "agency_id": pl.Utf8,
    "peer_group": pl.Utf8,
    "month": pl.Date,
    "vs_expected": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "n_posts": pl.Int64,
    "coverage": pl.Float64,
    "complete": pl.Boolean,
}


def agency_month_index(
    expected: pl.DataFrame, account_month: pl.DataFrame, agencies: pl.DataFrame, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per agency and month, on the very yardstick of agency_window: what all accounts did in a month is taken off.

    A month's value is that of its window plus how far the month was from the window, kept by as much as the month's own noise
    deserves. Its window is the newest one (agency_window itself, whose value so lies between those of its months), and for months
    before it a quarter of the calendar, which stays the same quarter when further months come. A missing account is no change:
    every account moves around itself. Null with too few posts, and in a window that is not judged; `complete` false with less
    than `minimum_coverage` of account-days covered.
    """
    if account_month.is_empty():
        return pl.DataFrame(schema=INDEX_SCHEMA)
    e = evidence(expected, account_month, t)
    cover = account_month.group_by("agency_id", "month").agg(
        coverage=pl.col("covered_days").fill_null(0).sum() / pl.col("days_in_month").sum()
    )
    grid = agencies.select("agency_id", "peer_group").unique("agency_id", keep="last").join(cover, on="agency_id")
    posts = expected.group_by("agency_id", "month").agg(pl.col("n").sum().alias("n_posts"))
    out = grid.join(posts, on=["agency_id", "month"], how="left").join(
        _month_values(e, expected, account_month), on=["agency_id", "month"], how="left"
    )
    known = pl.col("n_posts").fill_null(0) >= t.minimum_posts
    return out.select(
        "agency_id",
        "peer_group",
        "month",
        vs_expected=pl.when(known).then(pl.col("centre").exp()),
        lower=pl.when(known).then((pl.col("centre") - Z * pl.col("sd")).exp()),
        upper=pl.when(known).then((pl.col("centre") + Z * pl.col("sd")).exp()),
        n_posts=pl.when(pl.col("coverage") > 0).then(pl.col("n_posts").fill_null(0)),
        coverage="coverage",
        complete=pl.col("coverage") >= t.minimum_coverage,
    ).sort("agency_id", "month")


def month_windows(last: date, first: date, size: int) -> list[tuple[list[date], list[date]]]:
    """(months of the window, those of them that it speaks for), newest first: every month from `first` on is in one.

    The newest window ends with `last`. What lies before it goes by the calendar (quarters, of three months): windows counted
    back from `last` would put every month of the past among other months whenever one more is complete.
    """
    newest = c.window(last, size)
    found, month = [(newest, newest)], c.add_months(newest[0], -1)
    while month >= first and len(found) < HISTORY_WINDOWS:
        start = c.add_months(month, -((12 * month.year + month.month - 1) % size))
        months = c.window(c.add_months(start, size - 1), size)
        found.append((months, [m for m in months if m <= month]))
        month = c.add_months(start, -1)
    return found


def _month_values(e: Evidence, expected: pl.DataFrame, account_month: pl.DataFrame) -> pl.DataFrame:
    """agency_id, month, centre, sd (ln) of every month in a judged window."""
    schema = {"agency_id": pl.Utf8, "month": pl.Date, "centre": pl.Float64, "sd": pl.Float64}
    if e.last is None:
        return pl.DataFrame(schema=schema)
    first: Any = account_month["month"].min()
    platforms = expected.filter(pl.col("expected_ln").is_not_null())["platform"].unique().to_list()
    parts = []
    for months, told in month_windows(e.last, first, e.thresholds.window_months):
        _, sent, history, _ = _account_windows(expected, account_month, months, platforms, e.thresholds)
        moves = _month_moves(expected, history, months).filter(pl.col("month").is_in(told))
        level = standings(history, e.noise, sent=sent).frame.select("agency_id", "mean", window_sd="sd")
        parts.append(moves.join(level, on="agency_id"))
    rows = pl.concat(parts)
    if rows.is_empty():
        return pl.DataFrame(schema=schema)
    shock = c.robust_excess(rows["move"].to_numpy(), rows["variance"].to_numpy())
    kept = shock / (shock + pl.col("variance")) if shock > 0 else pl.lit(0.0)
    left = shock * (1 - kept)
    return rows.select(
        "agency_id",
        "month",
        centre=pl.col("mean") + kept * pl.col("move"),
        sd=(pl.col("window_sd") ** 2 + left).sqrt(),
    )


def _month_moves(expected: pl.DataFrame, history: pl.DataFrame, months: list[date]) -> pl.DataFrame:
    """agency_id, month, move (ln, from the agency's window; its precision-weighted mean over the window is 0), variance."""
    rows = expected.filter(pl.col("month").is_in(months) & pl.col("deviation").is_not_null() & (pl.col("se") > 0))
    own = history.select("account_id", "agency_id", level="deviation")
    rows = rows.join(own, on=["account_id", "agency_id"]).with_columns(information=1 / pl.col("se") ** 2)
    return rows.group_by("agency_id", "month").agg(
        c.weighted(pl.col("deviation") - pl.col("level")).alias("move"), (1 / pl.col("information").sum()).alias("variance")
    )


def regency_month(index: pl.DataFrame, expected: pl.DataFrame | None = None) -> pl.DataFrame:
    """One row per month: median of agencies with a distribution-free 95 % interval, middle half, n agencies, coverage.

    `movement`: what all accounts did together in the month, a factor of their usual rate. It is no part of anybody's value.
    """
    whole = index.group_by("month").agg(coverage=pl.col("coverage").mean())
    rows = [(m[0], *median_interval(g["vs_expected"].to_numpy())) for m, g in _known(index).group_by("month")]
    schema = {"month": pl.Date} | dict.fromkeys(("median", "lower", "upper", "q1", "q3"), pl.Float64) | {"n": pl.Int64}
    moved = pl.DataFrame(schema={"month": pl.Date, "movement": pl.Float64})
    if expected is not None and len(expected):
        known = expected.filter(pl.col("month_part").is_not_null() & (pl.col("se") > 0))
        known = known.with_columns(information=1 / pl.col("se") ** 2)
        moved = known.group_by("month").agg(c.weighted("month_part").exp().alias("movement"))
    return (
        whole.join(pl.DataFrame(rows, schema=schema, orient="row"), on="month", how="left")
        .join(moved, on="month", how="left")
        .select(*schema, "coverage", "movement")
        .sort("month")
    )


def peer_month(index: pl.DataFrame) -> pl.DataFrame:
    """One row per peer group and month: median, quartiles and number of agencies with a value."""
    out = (
        _known(index)
        .group_by("peer_group", "month")
        .agg(
            pl.col("vs_expected").median().alias("median"),
            pl.col("vs_expected").quantile(0.25, "linear").alias("q1"),
            pl.col("vs_expected").quantile(0.75, "linear").alias("q3"),
            pl.len().cast(pl.Int64).alias("n"),
        )
    )
    return out.sort("peer_group", "month")


def _known(index: pl.DataFrame) -> pl.DataFrame:
    return index.filter(pl.col("vs_expected").is_not_null())


def median_interval(x: np.ndarray) -> tuple[float, float | None, float | None, float, float, int]:
    """(median, lower, upper, q1, q3, n); order-statistic interval, null below six values where none has 95 %."""
    low, high = (None if np.isnan(end) else float(end) for end in order_statistics(x.tolist()))
    return float(np.median(x)), low, high, float(np.quantile(x, 0.25)), float(np.quantile(x, 0.75)), len(x)


# ---- how the answers move with the thresholds ---------------------------------------------------------------------------

TRIED: dict[str, tuple[float, ...]] = {
    "as_expected": (1.1, 1.25, 1.5),
    "minimum_posts": (3, 5, 8, 12),
    "minimum_coverage": (0.8, 0.9, 1.0),
    "minimum_accounts_sent": (0.5, 0.6, 1.0),
    "window_months": (2, 3, 4, 6),
    "false_discovery_share": (0.05, 0.10, 0.20),
}
EFFECT_SCHEMA = {"threshold_name": pl.Utf8, "value": pl.Float64, "is_chosen": pl.Boolean} | dict.fromkeys(
    ("n_judged", "n_above", "n_as_expected", "n_below", "n_up", "n_down"), pl.Int64
)


def threshold_effect(
    expected: pl.DataFrame, account_month: pl.DataFrame, agencies: pl.DataFrame, t: Thresholds = DEFAULT
) -> pl.DataFrame:
    """One row per threshold and value tried: how many agencies are judged, stand above, as and below expected, moved up or down.

    `as_expected` is the upper edge of the band (the lower one its inverse): by the value itself, as pages show it; up and down
    by the rule that decides. All other thresholds stay as chosen.
    """
    chosen = {name: float(getattr(t, name)) for name in TRIED if name != "as_expected"} | {"as_expected": t.as_expected_upper}
    rows, seen = [], {}
    for name, values in TRIED.items():
        for value in sorted({*values, chosen[name]}):
            band = (t.as_expected_lower, t.as_expected_upper) if value == chosen["as_expected"] else (1 / value, value)
            tried = t if name == "as_expected" else t.model_copy(update={name: type(getattr(t, name))(value)})
            band = band if name == "as_expected" else (t.as_expected_lower, t.as_expected_upper)
            if tried not in seen:
                e = evidence(expected, account_month, tried)
                known = agencies.filter("is_ranked").select("agency_id") if "is_ranked" in agencies.columns else agencies
                level = standings(e.history[0], e.noise, sent=e.sent[0] if e.sent else None).frame.join(
                    known, on="agency_id", how="semi"
                )
                seen[tried] = (
                    level["vs_expected"],
                    _changes(e)["direction"] if e.last is not None else pl.Series([], dtype=pl.Utf8),
                )
            factor, direction = seen[tried]
            above, below = int((factor > band[1]).sum()), int((factor < band[0]).sum())
            counts = (len(factor), above, len(factor) - above - below, below)
            rows.append(
                (name, value, value == chosen[name], *counts, int((direction == "up").sum()), int((direction == "down").sum()))
            )
    return pl.DataFrame(rows, schema=EFFECT_SCHEMA, orient="row")
