"""Rhythm: weeks with posts, gaps between them, and whether posts fall in the hours that are answered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from pipeline.statistics import survival
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

BEST_HOURS = 6


def covered_days(spans: pl.DataFrame, accounts: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """(account_id, agency_id, platform, date): days for which an accepted export says everything an account published; a top
    list of posts does not.

    As in `marts.coverage_month`, days run from the month of the regency's first known post, at most 36 months back: a span that
    a file declares before anybody posted is no silence.
    """
    known = spans.filter("is_whole", pl.col("first_day") <= pl.col("last_day"))
    known = known.select("account_id", "first_day", "last_day").unique()
    first: Any = posts["published_on"].min() or date.max
    last: Any = known["last_day"].max() or date.max
    floor = max(first.replace(day=1), (last - timedelta(days=36 * 30)).replace(day=1))
    known = known.with_columns(pl.max_horizontal("first_day", pl.lit(floor))).filter(pl.col("first_day") <= pl.col("last_day"))
    days = known.with_columns(date=pl.date_ranges("first_day", "last_day")).explode("date", empty_as_null=False)
    return with_agency(days.select("account_id", "date").unique(), accounts, "date").sort("account_id", "date")


def with_agency(rows: pl.DataFrame, accounts: pl.DataFrame, day: str) -> pl.DataFrame:
    """Adds the platform, and the agency that an account belonged to on `day`; rows of a day without an owner are dropped."""
    joined = rows.join(accounts.select("account_id", "agency_id", "platform", "valid_from", "valid_to"), on="account_id")
    inside = (pl.col("valid_from").is_null() | (pl.col(day) >= pl.col("valid_from"))) & (
        pl.col("valid_to").is_null() | (pl.col(day) <= pl.col("valid_to"))
    )
    return joined.filter(inside).drop("valid_from", "valid_to")


def account_weeks(posts: pl.DataFrame, spans: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """One row per account and ISO week with any covered day or post. A week counts as covered when all its seven days are."""
    days = covered_days(spans, accounts, posts).with_columns(week_start=pl.col("date").dt.truncate("1w"))
    weeks = days.group_by("account_id", "week_start").agg(covered_days=pl.len().cast(pl.Int64))
    counted = posts.filter("is_counted").group_by("account_id", "week_start").agg(posts=pl.len().cast(pl.Int64))
    rows = weeks.join(counted, on=["account_id", "week_start"], how="full", coalesce=True)
    rows = with_agency(rows.with_columns(middle=pl.col("week_start") + timedelta(days=3)), accounts, "middle")
    return rows.select(
        "account_id",
        "agency_id",
        "platform",
        "week_start",
        month=pl.col("middle").dt.month_start(),  # ISO: a week belongs to the month of its Thursday
        quarter=pl.col("middle").dt.truncate("1q"),
        posts=pl.col("posts").fill_null(0),
        covered_days=pl.col("covered_days").fill_null(0),
        is_covered=pl.col("covered_days").fill_null(0) == 7,
    ).sort("account_id", "week_start")


def post_gaps(posts: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """One row per gap of an account in hours, in the month in which it ended; the last gap is open until the end of coverage."""
    columns = ["account_id", "agency_id", "platform", "post_key", "export_id", "has_clock", "at"]
    noon = pl.col("published_on").cast(pl.Datetime("us")) + timedelta(hours=12)
    clock = pl.col("published_precision") != "day"
    whole = posts.filter("is_counted", ~pl.col("is_top_list"))  # between the posts of a top list others were published
    rows = whole.filter(pl.col("published_on").is_not_null()).with_columns(
        has_clock=clock, at=pl.when(clock).then(pl.col("published_at_wib").cast(pl.Datetime("us"))).otherwise(noon)
    )
    rows = rows.select(columns).sort("account_id", "at", "post_key")
    rows = rows.with_columns(before=pl.col("at").shift().over("account_id"), had=pl.col("has_clock").shift().over("account_id"))
    ended = rows.filter(pl.col("before").is_not_null()).with_columns(
        is_open=pl.lit(False), has_clock=pl.col("has_clock") & pl.col("had")
    )
    last = (
        spans.filter("is_whole")
        .group_by("account_id")
        .agg(until=pl.col("last_day").max().cast(pl.Datetime("us")) + timedelta(days=1))
    )
    running = rows.group_by("account_id").tail(1).join(last, on="account_id").filter(pl.col("until") > pl.col("at"))
    running = running.with_columns(before=pl.col("at"), at=pl.col("until"), is_open=pl.lit(True)).drop("until")
    both = pl.concat([ended, running], how="diagonal")
    day = pl.col("at").dt.date()
    return both.select(
        "account_id",
        "agency_id",
        "platform",
        "post_key",
        "export_id",
        "is_open",
        "has_clock",
        month=day.dt.month_start(),
        quarter=day.dt.truncate("1q"),
        gap_hours=(pl.col("at") - pl.col("before")).dt.total_seconds() / 3600,
    ).sort("account_id", "post_key", "is_open")


def best_hours(facts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """(account_id, peer_group, is_ramadan, hour): the six hours in which the posts of the other accounts of the group had the
    highest mean ln lift, among hours with `minimum_hour_posts` such posts. What an account's hours are held to is not decided
    by its own response.
    """
    cell, whole = ["account_id", "peer_group", "is_ramadan", "hour"], ["peer_group", "is_ramadan", "hour"]
    own = facts.filter(pl.col("lift") > 0).group_by(cell).agg(n=pl.len(), pull=pl.col("lift").log().sum())
    group = own.group_by(whole).agg(pl.col("n", "pull").sum())
    hours = facts.select("account_id", "peer_group", "is_ramadan").unique().join(group, on=["peer_group", "is_ramadan"])
    hours = hours.join(own, on=cell, how="left", suffix="_own").with_columns(pl.col("n_own", "pull_own").fill_null(0))
    hours = hours.with_columns(n=pl.col("n") - pl.col("n_own")).filter(pl.col("n") >= t.minimum_hour_posts)
    hours = hours.with_columns(pull=((pl.col("pull") - pl.col("pull_own")) / pl.col("n")).round(9))  # sums of floats, any order
    ranked = hours.sort(*cell[:3], "pull", "hour", descending=[False, False, False, True, False])
    return ranked.group_by(cell[:3], maintain_order=True).head(BEST_HOURS).select(cell)


def hour_fit(facts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """(account_id, quarter, hour_fit, posts_with_clock): overlap of the account's hours with the best hours, Ramadan by
    itself."""
    keys, group = ["account_id", "quarter", "peer_group", "is_ramadan"], ["account_id", "peer_group", "is_ramadan"]
    best = best_hours(facts, t).with_columns(best=1.0 / pl.len().over(group))
    mine = facts.group_by(*keys, "hour").len().with_columns(part=pl.col("len") / pl.col("len").sum().over(keys))
    overlap = mine.join(best, on=[*group, "hour"], how="inner")
    overlap = overlap.group_by(keys).agg(fit=pl.min_horizontal("part", "best").sum())
    known = best.select(group).unique().with_columns(is_known=pl.lit(True))
    weights = mine.group_by(keys).agg(n=pl.col("len").sum()).join(known, on=group)
    fits = weights.join(overlap, on=keys, how="left").with_columns(pl.col("fit").fill_null(0.0))
    return fits.group_by("account_id", "quarter").agg(
        hour_fit=(pl.col("fit") * pl.col("n")).sum() / pl.col("n").sum(), posts_with_clock=pl.col("n").sum().cast(pl.Int64)
    )


def rhythm(weeks: pl.DataFrame, gaps: pl.DataFrame, facts: pl.DataFrame, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per account and quarter. Cadence needs `minimum_weeks` covered weeks with one post a week on average."""
    keys = ["account_id", "agency_id", "platform", "quarter"]
    covered = weeks.filter("is_covered").group_by(keys)
    table = covered.agg(
        posts=pl.col("posts").sum(),
        covered_weeks=pl.len().cast(pl.Int64),
        active_weeks=(pl.col("posts") > 0).sum().cast(pl.Int64),
        weekly_mean=pl.col("posts").mean(),
        weekly_sd=pl.col("posts").std(),
    )
    enough = (pl.col("covered_weeks") >= t.minimum_weeks) & (pl.col("weekly_mean") >= 1)
    table = table.with_columns(cadence_cv=pl.when(enough).then(pl.col("weekly_sd") / pl.col("weekly_mean"))).drop("weekly_sd")
    longest = [
        (account, quarter, _p90(group))
        for (account, quarter), group in gaps.group_by("account_id", "quarter", maintain_order=True)
    ]
    schema = {"account_id": pl.Utf8, "quarter": pl.Date, "gap_p90_hours": pl.Float64}
    p90 = pl.DataFrame(longest, schema=schema, orient="row")
    table = table.join(p90, on=["account_id", "quarter"], how="left")
    table = table.join(hour_fit(facts, t), on=["account_id", "quarter"], how="left")
    few = pl.col("posts_with_clock").fill_null(0) < t.minimum_clock_posts
    return table.with_columns(hour_fit=pl.when(~few).then(pl.col("hour_fit"))).sort("account_id", "agency_id", "quarter")


def _p90(gaps: pl.DataFrame) -> float | None:
    if gaps.height < 5:
        return None
    curve = survival.kaplan_meier(gaps["gap_hours"].to_numpy(), ~gaps["is_open"].to_numpy())
    value = curve.quantile(0.9)
    return None if np.isnan(value) else value


def timed_posts(post_facts: pl.DataFrame, posts: pl.DataFrame, lifts: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """One row per counted post whose hour is known: account, peer group, quarter, hour, lift, in Ramadan or not."""
    days = days.select(published_on="date", is_ramadan=pl.col("is_ramadan").fill_null(False))
    whole = posts.filter("is_counted", ~pl.col("is_top_list"))
    clock = whole.filter(pl.col("published_precision") != "day").select("post_key")
    facts = post_facts.select("post_key", "account_id", "peer_group", "published_on", "hour")
    facts = facts.join(clock, on="post_key").join(days, on="published_on", how="left")
    facts = facts.join(lifts.select("post_key", "lift"), on="post_key", how="left")
    return facts.filter(pl.col("hour").is_not_null()).with_columns(quarter=pl.col("published_on").dt.truncate("1q"))


def _rhythm(weeks: pl.DataFrame, gaps: pl.DataFrame, *timed: pl.DataFrame, t: Thresholds) -> pl.DataFrame:
    return rhythm(weeks, gaps, timed_posts(*timed), t)


TABLES = {
    "estimates.account_weeks": Table.of(
        account_weeks,
        "core.posts",
        "staging.post_coverage",
        "core.accounts",
        description="One row per account and ISO week: own posts, covered days, and whether all seven days are covered.",
        key=("account_id", "agency_id", "week_start"),
    ),
    "estimates.post_gaps": Table.of(
        post_gaps,
        "core.posts",
        "staging.post_coverage",
        description="One row per gap in hours between two posts of an account, and the gap still open at the end of coverage.",
        key=("account_id", "post_key", "is_open"),
    ),
    "estimates.rhythm": Table.judged(
        _rhythm,
        "estimates.account_weeks",
        "estimates.post_gaps",
        "marts.post_facts",
        "core.posts",
        "estimates.post_lift",
        "core.calendar",
        description="One row per account and quarter: active weeks, longest gaps, cadence, fit of posting hours.",
        key=("account_id", "agency_id", "quarter"),
    ),
}
