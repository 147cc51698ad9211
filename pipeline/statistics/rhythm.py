"""How steadily agencies post (METRICS 2) and how their accounts grow (METRICS 5)."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from pipeline.statistics import comparison as c

RHYTHM_SCHEMA = {
    "agency_id": pl.Utf8,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "posts": pl.Int64,
    "covered_weeks": pl.Int64,
    "active_weeks": pl.Int64,
    "active_share": pl.Float64,
    "posts_per_week": pl.Float64,
    "gap_p90_hours": pl.Float64,
    "longest_gap_days": pl.Float64,
    "cadence_cv": pl.Float64,
    "offhours_share": pl.Float64,
    "burst_share": pl.Float64,
    "hour_fit": pl.Float64,
    "state": pl.Utf8,
}


def rhythm(posts: pl.DataFrame, post_facts: pl.DataFrame, calendar: pl.DataFrame, account_month: pl.DataFrame) -> pl.DataFrame:
    """One row per agency over the last three complete months, all its accounts together; only months that are covered count.

    Date-only posts (X, YouTube, TikTok) have no hour: hours, bursts and off-hours use the posts that have one.
    """
    last = c.last_complete_month(account_month)
    if last is None:
        return pl.DataFrame(schema=RHYTHM_SCHEMA)
    months = c.window(last)
    start, end = months[0], c.add_months(last, 1) - timedelta(days=1)
    cover = account_month.filter(pl.col("month").is_in(months) & pl.col("agency_id").is_not_null())
    covered = cover.group_by("agency_id", "month").agg(ok=(pl.col("coverage") >= c.MINIMUM_COVERAGE).any()).filter("ok")
    rows = (
        posts.filter("is_counted")
        .filter(pl.col("published_on").is_between(start, end))
        .join(covered, on=["agency_id", "month"], how="semi")
    )
    best = _best_hours(post_facts)
    peers = post_facts.select("agency_id", "peer_group").drop_nulls().unique("agency_id")
    group = dict(peers.iter_rows())
    own = {k[0]: g for k, g in rows.group_by("agency_id")}
    weeks = {k[0]: len(g) for k, g in covered.group_by("agency_id")}
    out = []
    for agency in sorted(cover["agency_id"].unique().to_list()):
        base = {"agency_id": agency, "period_start": start, "period_end": end}
        if agency not in weeks:
            out.append(base | {"state": "not_covered"})
            continue
        mine = own.get(agency, rows.clear())
        out.append(
            base
            | _agency(
                mine, covered.filter(pl.col("agency_id") == agency)["month"].to_list(), calendar, best.get(group.get(agency))
            )
        )
    return pl.DataFrame(out, schema=RHYTHM_SCHEMA)


def _agency(posts: pl.DataFrame, months: list[date], calendar: pl.DataFrame, best: np.ndarray | None) -> dict:
    days = [m + timedelta(days=k) for m in months for k in range((c.add_months(m, 1) - m).days)]
    whole = {}
    for d in days:
        monday = d - timedelta(days=d.weekday())
        whole[monday] = whole.get(monday, 0) + 1
    mondays = sorted(w for w, n in whole.items() if n == 7)
    counts = dict(posts.group_by("week_start").len().iter_rows())
    weekly = np.array([counts.get(w, 0) for w in mondays], float)
    timed = posts.filter((pl.col("published_precision") != "day") & pl.col("published_at_wib").is_not_null())
    mean = weekly.mean() if len(weekly) else 0.0
    active = int((weekly > 0).sum())
    return (
        {
            "posts": len(posts),
            "covered_weeks": len(mondays),
            "active_weeks": active,
            "active_share": active / len(mondays) if mondays else None,
            "posts_per_week": float(mean) if mondays else None,
            "cadence_cv": float(weekly.std(ddof=1) / mean) if len(weekly) > 2 and mean >= 1 else None,
            "state": "judged" if len(posts) >= c.MINIMUM_POSTS else "too_few_posts",
        }
        | _gaps(posts, days)
        | _hours(timed, calendar, best)
    )


def _gaps(posts: pl.DataFrame, days: list[date]) -> dict:
    """Hours between posts; the last gap, still open at the end of coverage, is included. Date-only posts count as noon."""
    if posts.is_empty():
        return {"longest_gap_days": float(len(days))}
    noon = pl.col("published_on").cast(pl.Datetime("us")) + pl.duration(hours=12)
    at = posts.select(
        t=pl.when(pl.col("published_precision") == "day").then(noon).otherwise(pl.col("published_at_wib").cast(pl.Datetime("us")))
    ).drop_nulls()
    end = datetime.combine(max(days) + timedelta(days=1), time())
    instants = np.sort(np.append(at["t"].to_numpy(), np.datetime64(end, "us")))
    gaps = np.diff(instants) / np.timedelta64(1, "h")
    return {"gap_p90_hours": float(np.quantile(gaps, 0.9)), "longest_gap_days": float(gaps.max() / 24)}


def _hours(timed: pl.DataFrame, calendar: pl.DataFrame, best: np.ndarray | None) -> dict:
    if len(timed) < c.MINIMUM_POSTS:
        return {}
    minute = pl.col("published_at_wib").dt.hour().cast(pl.Int64) * 60 + pl.col("published_at_wib").dt.minute()
    rows = timed.with_columns(minute=minute, date=pl.col("published_at_wib").dt.date()).join(calendar, on="date", how="left")
    outside = (
        pl.col("is_day_off") | (pl.col("minute") < pl.col("work_start_minute")) | (pl.col("minute") >= pl.col("work_end_minute"))
    )
    by_account = rows.sort("account_id", "published_at_wib").with_columns(
        gap=(pl.col("published_at_wib") - pl.col("published_at_wib").shift(1).over("account_id")).dt.total_minutes()
    )
    out = {
        "offhours_share": rows.select(outside.fill_null(True).mean()).item(),
        "burst_share": float((by_account["gap"] <= 10).fill_null(False).mean()),
    }
    if best is not None:
        mine = np.bincount(rows["published_at_wib"].dt.hour().to_numpy(), minlength=24) / len(rows)
        out["hour_fit"] = float(np.minimum(mine, best).sum())
    return out


def _best_hours(post_facts: pl.DataFrame) -> dict[str, np.ndarray]:
    """Per peer group, the hour profile of its posts weighted by how much better than their accounts' normal they did."""
    posts = c.comparable_posts(post_facts)
    if posts.is_empty() or "hour" not in posts.columns:
        return {}
    posts = c.post_effects(posts).filter(pl.col("hour").is_not_null())
    posts = posts.with_columns(gain=(pl.col("level_part") - pl.col("level_part").mean().over("account_id")))
    out = {}
    for (group,), g in posts.group_by("peer_group"):
        hours = g.group_by("hour").agg(pl.col("gain").mean(), pl.len().alias("n")).filter(pl.col("n") >= 20)
        better = hours.filter(pl.col("gain") > 0)
        if len(better):
            profile = np.zeros(24)
            profile[better["hour"].to_numpy().astype(int)] = better["n"].to_numpy()
            out[group] = profile / profile.sum()
    return out


GROWTH_SCHEMA = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "platform": pl.Utf8,
    "first_date": pl.Date,
    "last_date": pl.Date,
    "followers_start": pl.Int64,
    "followers_end": pl.Int64,
    "followers_change": pl.Int64,
    "growth_annual": pl.Float64,
    "n_counts": pl.Int64,
    "largest_fall": pl.Float64,
    "is_purge": pl.Boolean,
    "state": pl.Utf8,
}


def growth(followers: pl.DataFrame) -> pl.DataFrame:
    """One row per account: followers at both ends of its last 13 months of counts and the yearly growth between them.

    Annualised only over at least 28 days. A fall of more than 5 % from one count to the next within two days is flagged.
    """
    rows = followers.filter(pl.col("followers").is_not_null() & pl.col("date").is_not_null())
    if rows.is_empty():
        return pl.DataFrame(schema=GROWTH_SCHEMA)
    rows = (
        rows.filter(pl.col("date") > rows["date"].max() - timedelta(days=396))
        .unique(["account_id", "date"], keep="last")
        .sort("account_id", "date")
    )
    step = pl.col("followers").cast(pl.Float64) / pl.col("followers").shift(1).over("account_id") - 1
    close = (pl.col("date") - pl.col("date").shift(1).over("account_id")).dt.total_days() <= 2
    out = (
        rows.with_columns(step=step, near=step.is_not_null() & close)
        .group_by("account_id", maintain_order=True)
        .agg(
            pl.col("agency_id").last(),
            pl.col("platform").last(),
            pl.col("date").first().alias("first_date"),
            pl.col("date").last().alias("last_date"),
            pl.col("followers").first().alias("followers_start"),
            pl.col("followers").last().alias("followers_end"),
            pl.len().alias("n_counts"),
            pl.col("step").min().alias("largest_fall"),
            ((pl.col("step") < -0.05) & pl.col("near")).any().alias("is_purge"),
        )
    )
    days = (pl.col("last_date") - pl.col("first_date")).dt.total_days()
    known = (days >= 28) & (pl.col("followers_start") > 0)
    change = pl.col("followers_end") - pl.col("followers_start")
    out = out.with_columns(
        followers_change=pl.when(pl.col("n_counts") > 1).then(change),
        growth_annual=pl.when(known).then(change / pl.col("followers_start") * 365 / days),
        state=pl.when(known).then(pl.lit("judged")).otherwise(pl.lit("too_short")),
    )
    return out.select(pl.col(k).cast(t) for k, t in GROWTH_SCHEMA.items())
