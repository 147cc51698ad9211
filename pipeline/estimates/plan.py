"""Plans and targets: which planned post was published, on time or not, and which target is reached, missed or undetermined.

An item counts only as it stood before its time: a plan captured after the planned day is not a plan. It is due only on a day that
an export of the agency's account on that platform covers; without data nobody failed.
"""

from __future__ import annotations

import calendar as months
import re
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from pipeline import thresholds
from pipeline.engine import metrics
from pipeline.estimates.rhythm import covered_days
from pipeline.estimates.themes import Themes
from pipeline.tables import Table
from pipeline.thresholds import DEFAULT, Thresholds

SIMILAR, ON_TIME_HOURS, MINIMUM_TAGGED = 0.6, 2.0, 5


def frozen(plan: pl.DataFrame) -> pl.DataFrame:
    """One row per plan item: its last version from on or before the planned day; `is_frozen` false where there is none."""
    day = pl.col("planned_at_wib").dt.date()
    rows = plan.filter(pl.col("planned_at_wib").is_not_null()).with_columns(
        planned_on=day, is_frozen=pl.col("captured_on").is_null() | (pl.col("captured_on") <= day)
    )
    return rows.sort("plan_id", "is_frozen", "captured_on").group_by("plan_id", maintain_order=True).last()


def similarity(items: pl.Expr, captions: pl.Expr) -> pl.Expr:
    """Share of the words of the planned topic (three letters or more) that stand in the caption."""
    return items.list.set_intersection(captions).list.len() / items.list.len()


def _words(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFKC").str.to_lowercase().str.extract_all(r"[\w]{3,}").list.unique()


def candidates(items: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """(plan_id, post_key, score, distance in hours): pairs by id (score 2), or same platform, day ±1 and similar words."""
    posts = posts.filter("is_counted").with_columns(words=_words(pl.col("caption")))
    by_id = items.join(
        posts.select("agency_id", "platform", "post_id", "post_key"), on=["agency_id", "platform", "post_id"]
    ).select("plan_id", "post_key", score=pl.lit(2.0), distance=pl.lit(0.0))
    wanted = items.with_columns(words=_words(pl.col("topic")))
    wanted = wanted.with_columns(published_on=pl.concat_list(pl.col("planned_on") + timedelta(days=k) for k in (-1, 0, 1)))
    near = wanted.explode("published_on").join(posts, on=["agency_id", "platform", "published_on"], suffix="_post")
    moment = pl.coalesce(pl.col("published_at_wib"), pl.col("published_on").cast(pl.Datetime("us")) + timedelta(hours=12))
    near = near.with_columns(
        score=similarity(pl.col("words"), pl.col("words_post")),
        distance=(moment - pl.col("planned_at_wib")).dt.total_seconds().abs() / 3600,
    )
    near = near.filter(pl.col("score").is_not_nan(), pl.col("score") >= SIMILAR)
    return pl.concat([by_id, near.select("plan_id", "post_key", "score", "distance")])


def greedy(pairs: pl.DataFrame) -> dict[str, int]:
    """plan_id -> post_key, each once: best score first, then nearest in time."""
    taken, match = set(), {}
    for plan_id, post_key, _, _ in pairs.sort(
        ["score", "distance", "plan_id", "post_key"], descending=[True, False, False, False]
    ).iter_rows():
        if plan_id not in match and post_key not in taken:
            match[plan_id] = post_key
            taken.add(post_key)
    return match


def unreadable(items: pl.DataFrame, posts: pl.DataFrame, taken: list[int]) -> pl.DataFrame:
    """(plan_id): items beside which, on the same platform and within a day, a post without any text stands unmatched.

    Whether that post was the planned one cannot be told from words it does not have: such an item is unknown, not failed.
    """
    silent = posts.filter("is_counted", pl.col("caption").is_null(), ~pl.col("post_key").cast(pl.Int64).is_in(taken))
    days = pl.concat_list(pl.col("planned_on") + timedelta(days=k) for k in (-1, 0, 1))
    near = items.select("plan_id", "agency_id", "platform", published_on=days).explode("published_on")
    return near.join(silent, on=["agency_id", "platform", "published_on"], how="semi").select("plan_id").unique()


def _with_cover(items: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Items with `is_covered` and `until`, the end of what is known of their agency on their platform.

    A post may come a day early or late, so an item has failed only where the days around it are known too.
    """
    until = days.group_by("agency_id", "platform").agg(
        until=pl.col("planned_on").max().cast(pl.Datetime("us")) + timedelta(days=1)
    )
    sides = [days.with_columns(pl.col("planned_on") + timedelta(days=k)) for k in (-1, 1)]
    for side in sides:
        days = days.join(side, on=["agency_id", "platform", "planned_on"], how="semi")
    items = items.join(days.with_columns(is_covered=pl.lit(True)), on=["agency_id", "platform", "planned_on"], how="left")
    return items.join(until, on=["agency_id", "platform"], how="left")


def plan_items(plan: pl.DataFrame, posts: pl.DataFrame, spans: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """One row per plan item. `lag_hours`: published minus planned; for an unmatched item the hours that it has been missing so
    far."""
    items = frozen(plan)
    match = greedy(candidates(items.filter("is_frozen"), posts))
    days = covered_days(spans, accounts, posts).select("agency_id", "platform", planned_on="date").unique()
    items = _with_cover(items, days).with_columns(
        post_key=pl.col("plan_id").replace_strict(match, default=None, return_dtype=pl.Int64)
    )
    unknown = unreadable(items.filter(pl.col("post_key").is_null()), posts, list(match.values()))
    items = items.join(unknown.with_columns(is_unknown=pl.lit(True)), on="plan_id", how="left")
    columns = ["post_key", "published_at_wib", "published_on", "published_precision", "export_id", "is_top_list"]
    items = items.join(posts.select(pl.col("post_key").cast(pl.Int64), *columns[1:]), on="post_key", how="left")
    matched, by_day = pl.col("post_key").is_not_null(), pl.col("published_precision") == "day"
    exact = (pl.col("published_at_wib").cast(pl.Datetime("us")) - pl.col("planned_at_wib")).dt.total_seconds() / 3600
    by_date = (pl.col("published_on") - pl.col("planned_on")).dt.total_hours().cast(pl.Float64)
    missing = (pl.col("until") - pl.col("planned_at_wib")).dt.total_seconds() / 3600
    # A top list shows the planned posts that did well: counting those alone would make every plan a success.
    told = pl.col("is_covered").fill_null(False) | (matched & ~pl.col("is_top_list").fill_null(False))
    items = items.with_columns(
        is_due=pl.col("is_frozen") & told & pl.col("is_unknown").is_null(),
        is_matched=matched,
        lag_hours=pl.when(matched & by_day).then(by_date).when(matched).then(exact).otherwise(missing),
    )
    on_time = (
        pl.when(by_day).then(pl.col("published_on") == pl.col("planned_on")).otherwise(pl.col("lag_hours").abs() <= ON_TIME_HOURS)
    )
    return items.select(
        "plan_id",
        "agency_id",
        "platform",
        "programme",
        "campaign",
        "planned_at_wib",
        "post_key",
        "export_id",
        "is_frozen",
        "is_due",
        "is_matched",
        "lag_hours",
        month=pl.col("planned_on").dt.month_start(),
        is_on_time=matched & on_time.fill_null(False),
    ).sort("plan_id")


def in_scheme(items: pl.DataFrame, themes: Themes, lens: str | None) -> pl.DataFrame:
    """Items with the programme of the scheme of their day: a plan may still use the name of the scheme before (`maps_from`)."""
    named = []
    for scheme in themes.get("schemes", []):
        for programme in scheme["programmes"]:
            for word in (programme["id"], *programme.get("maps_from", ())):
                named.append((word, programme["id"], scheme["id"], str(scheme["valid_from"])[:10], scheme.get("valid_to")))
    schema = ["programme", "current", "scheme_id", "first", "last"]
    words = pl.DataFrame(named, schema=dict.fromkeys(schema, pl.Utf8), orient="row") if named else None
    if words is None:
        return items.clear()
    first, last = pl.col("first").str.to_date(), pl.col("last").str.slice(0, 10).str.to_date()
    inside = pl.lit(True) if lens else pl.col("planned_at_wib").dt.date().is_between(first, last.fill_null(date(9999, 12, 31)))
    rows = items.join(words, on="programme").filter(inside, pl.lit(lens is None) | (pl.col("scheme_id") == (lens or "")))
    return rows.with_columns(programme="current").select(items.columns).unique("plan_id", keep="first")


def plan_summary(items: pl.DataFrame, posts: pl.DataFrame, themes: pl.DataFrame, tagged: pl.DataFrame) -> pl.DataFrame:
    """One row per agency and month with a plan. `mix_distance` needs five tagged items and five tagged posts.

    `tagged`: the items that name a programme, in the scheme of their day.
    """
    due = items.filter("is_due")
    keys = ["agency_id", "month"]
    table = due.group_by(keys).agg(
        due=pl.len().cast(pl.Int64),
        matched=pl.col("is_matched").sum().cast(pl.Int64),
        on_time=pl.col("is_on_time").sum().cast(pl.Int64),
    )
    counted = posts.filter("is_counted", ~pl.col("is_top_list"))
    planned = items.filter("is_matched").select(pl.col("post_key"), is_planned=pl.lit(True)).unique()
    made = counted.with_columns(pl.col("post_key").cast(pl.Int64)).join(planned, on="post_key", how="left")
    is_judged = pl.col("is_planned").is_not_null() | pl.col("caption").is_not_null()  # no text and no match: cannot be told
    made = made.group_by(keys).agg(
        posts=pl.len().cast(pl.Int64),
        judged=is_judged.sum().cast(pl.Int64),
        unplanned=(is_judged & pl.col("is_planned").is_null()).sum().cast(pl.Int64),
    )
    table = table.join(made, on=keys, how="left").with_columns(pl.col("posts", "judged", "unplanned").fill_null(0))
    actual = counted.join(themes.filter(pl.col("programme").is_not_null()).select("post_key", "programme"), on="post_key")
    distance = _mix(tagged.filter("is_due"), actual)
    return (
        table.join(distance, on=keys, how="left")
        .with_columns(
            plan_match=pl.col("matched") / pl.col("due"),
            plan_ontime=pl.col("on_time") / pl.col("due"),
            unplanned_share=pl.when(pl.col("judged") > 0).then(pl.col("unplanned") / pl.col("judged")),
        )
        .drop("judged")
        .sort(keys)
    )


def _mix(planned: pl.DataFrame, actual: pl.DataFrame) -> pl.DataFrame:
    keys = ["agency_id", "month"]

    def shares(rows: pl.DataFrame, name: str) -> pl.DataFrame:
        counts = rows.group_by(*keys, "programme").len()
        total = pl.col("len").sum().over(keys)
        return counts.select(*keys, "programme", (pl.col("len") / total).alias(name), total.cast(pl.Int64).alias(f"n_{name}"))

    both = shares(planned, "planned").join(shares(actual, "actual"), on=[*keys, "programme"], how="full", coalesce=True)
    gap = (pl.col("planned").fill_null(0.0) - pl.col("actual").fill_null(0.0)).abs().sum() / 2
    found = both.group_by(keys).agg(
        mix_distance=gap,
        n_tagged=pl.min_horizontal(pl.col("n_planned").max().fill_null(0), pl.col("n_actual").max().fill_null(0)),
    )
    return found.with_columns(mix_distance=pl.when(pl.col("n_tagged") >= MINIMUM_TAGGED).then(pl.col("mix_distance")))


def _summary(frames: dict[str, pl.DataFrame], registry: object) -> pl.DataFrame:
    items, settings = frames["estimates.plan_items"], dict(getattr(registry, "settings", None) or {})
    tagged = in_scheme(items, getattr(registry, "themes", None) or {}, settings.get("programme_scheme"))
    return plan_summary(items, frames["core.posts"], frames["core.post_themes"], tagged)


# ---- targets --------------------------------------------------------------------------------------------------------------


def period(text: str) -> tuple[date, date]:
    """First and last month of a period such as 2026-10, 2026-Q4 or 2026. ValueError for anything else."""
    if found := re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text):
        month = date(int(found[1]), int(found[2]), 1)
        return month, month
    if found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        return date(int(found[1]), 3 * int(found[2]) - 2, 1), date(int(found[1]), 3 * int(found[2]), 1)
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), date(int(text), 12, 1)
    raise ValueError(f"periode '{text}' bukan 2026, 2026-Q4 atau 2026-10 / is not a period")


def status(value: float | None, lower: float | None, upper: float | None, target: float, direction: str, is_over: bool) -> str:
    """reached, missed or undetermined. A count has no interval: it can be reached early, but missed only when its period is
    over."""
    if value is None:
        return "undetermined"
    if lower is None or upper is None:
        reached = value >= target if direction == "up" else value <= target
        if direction == "up":
            return "reached" if reached else ("missed" if is_over else "undetermined")
        return ("reached" if reached else "missed") if is_over else ("undetermined" if reached else "missed")
    beyond, short = (lower >= target, upper < target) if direction == "up" else (upper <= target, lower > target)
    return "reached" if beyond else ("missed" if short else "undetermined")


TARGET_SCHEMA = {
    "agency_id": pl.Utf8,
    "metric": pl.Utf8,
    "period": pl.Utf8,
    "value": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "n": pl.Int64,
    "coverage": pl.Float64,
    "target": pl.Float64,
    "direction": pl.Utf8,
    "status": pl.Utf8,
    "reason": pl.Utf8,
}


def target_status(targets: pl.DataFrame, data: object, covered_until: date | None, t: Thresholds = DEFAULT) -> pl.DataFrame:
    """One row per target, measured by its own metric. Below the metric's minimum n or `minimum_coverage` nothing is concluded."""
    rows = []
    for (metric, span), group in targets.group_by("metric", "period", maintain_order=True):
        try:
            first, last = period(span)
            found = {row["agency_id"]: row for row in _measured(data, metric, first, last).iter_rows(named=True)}
        except (metrics.MetricError, ValueError) as error:
            reason = {"status": "not_measurable", "reason": str(error)}
            rows += [{**row, **reason} for row in group.iter_rows(named=True)]
            continue
        end = date(last.year, last.month, months.monthrange(last.year, last.month)[1])
        is_over = covered_until is not None and covered_until >= end
        rows += [_judge(row, found.get(row["agency_id"]), is_over, t) for row in group.iter_rows(named=True)]
    rows = [{name: row.get(name) for name in TARGET_SCHEMA} for row in rows]
    return pl.DataFrame(rows, schema=TARGET_SCHEMA, orient="row").sort("agency_id", "metric", "period")


def _judge(target: dict[str, Any], measured: dict[str, Any] | None, is_over: bool, t: Thresholds = DEFAULT) -> dict[str, Any]:
    if measured is None:
        return target | {"status": "undetermined", "reason": "no_data"}
    result = target | {name: measured[name] for name in ("value", "lower", "upper", "n", "coverage")}
    if not measured["is_enough"] and measured["value"] is not None:
        return result | {"status": "undetermined", "reason": "too_few"}
    if is_over and measured["coverage"] is not None and measured["coverage"] < t.minimum_coverage:
        return result | {"status": "undetermined", "reason": "not_covered"}
    direction = str(target["direction"] or "up")
    state = status(measured["value"], measured["lower"], measured["upper"], target["target"], direction, is_over)
    if "without_top_list" in (measured["basis"] or "") and not (direction == "up" and state == "reached"):
        return result | {"status": "undetermined", "reason": "not_covered"}  # posts of accounts with a top list only are unknown
    return result | {"status": state, "reason": None if is_over else "period_open"}


def _measured(data: object, metric: str, first: date, last: date) -> pl.DataFrame:
    """The metric of every agency over the months of a period; an estimate of a window serves the quarter that is its window."""
    try:
        return metrics.measure(data, metric, ("agency_id",), {"month": first if first == last else (first, last)})
    except metrics.MetricError:
        end = date(last.year, last.month, months.monthrange(last.year, last.month)[1])
        if (last.year, last.month) != (first.year, first.month + 2):
            raise
        return metrics.measure(data, metric, ("agency_id",), {"period_start": first, "period_end": end})


TARGET_NEEDS = (
    "core.targets",
    "core.posts",
    "core.agencies",
    "core.accounts",
    "core.calendar",
    "core.post_themes",
    "marts.post_facts",
    "marts.coverage_month",
    "marts.export_files",
    "staging.post_coverage",
    "estimates.account_weeks",
    "estimates.post_gaps",
    "estimates.post_followers",
    "estimates.growth",
    "estimates.case_clocks",
    "estimates.plan_items",
    "estimates.plan_summary",
    "estimates.service_posts",
    "estimates.information_quality",
    "estimates.risk_ratios",
    "estimates.agency_window",
    "estimates.agency_platform_window",
    "estimates.agency_month_index",
)


def database(frames: dict[str, pl.DataFrame]) -> duckdb.DuckDBPyConnection:
    """The frames as tables of an in-memory database, so that metrics can be measured while a version is being built."""
    con = duckdb.connect(config={"python_enable_replacements": False})
    for name, frame in frames.items():
        schema, table = name.split(".")
        con.execute(f"create schema if not exists {schema}")
        con.register(f"_{schema}_{table}", frame.to_arrow())
        con.execute(f"create view {schema}.{table} as select * from _{schema}_{table}")  # noqa: S608 - our own table names
    return con


def _targets(frames: dict[str, pl.DataFrame], registry: object) -> pl.DataFrame:
    if frames["core.targets"].is_empty():
        return pl.DataFrame(schema=TARGET_SCHEMA)
    with database(frames) as con:
        last: Any = frames["staging.post_coverage"]["last_day"].max()
        return target_status(frames["core.targets"], con, last, thresholds.of(registry))


TABLES = {
    "estimates.plan_items": Table.of(
        plan_items,
        "core.plan",
        "core.posts",
        "staging.post_coverage",
        "core.accounts",
        description="One row per plan item as it stood before its time, with the post it was matched to.",
        key=("plan_id",),
    ),
    "estimates.plan_summary": Table(
        build=_summary,
        needs=("estimates.plan_items", "core.posts", "core.post_themes"),
        description="One row per agency and month with a plan: realised, on time, unplanned, distance of the theme mix.",
        key=("agency_id", "month"),
    ),
    "estimates.target_status": Table(
        build=_targets,
        needs=TARGET_NEEDS,
        description="One row per target: measured value with interval, and reached, missed or undetermined.",
        key=("agency_id", "metric", "period"),
    ),
}
