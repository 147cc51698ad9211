"""From evidence to advice: up to three actions for the regency this month, and one next step per agency.

A rule is a query over the estimates: its rows are the evidence. Where it returns no row the rule is silent; nothing is advised
because a list has to be filled. The order of rules is fixed and stands here: what harms first, then missing data, then slow
answers, then declines, then what could be done better. Advice never ranks agencies and never says why something happened.

A rule that says an agency needs somebody's help is a need: the overview lists needs, in the order of the rules. Sentences are not
here: pages say them in both languages (`pipeline.pages.advice`), from the rule and its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.engine.metrics import literal
from pipeline.estimates.plan import database
from pipeline.statistics.intervals import Z
from pipeline.tables import Table

REGENCY_ACTIONS = 3
NOW = "(select max(captured_at) from marts.export_files where outcome in ('accepted', 'flagged'))"
CURRENT = "(select agency_id, short_name, is_ranked from core.agencies where valid_to is null)"
Arguments = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """`query` gives the evidence, one row per fact, with agency_id; `tell` turns the rows into arguments, or None to stay
    silent. `figure` is table:column of the number that it rests on, where it is one number of the agency."""

    rule: str
    query: str
    tell: Callable[[pl.DataFrame], Arguments | None]
    counts: str | None = None  # column whose sum is evidence_n; else the number of rows
    is_need: bool = False
    figure: str = ""


def _names(rows: pl.DataFrame) -> Arguments:
    """How many agencies, and the first three by name: never by size, so that a list is no ranking."""
    names = rows["short_name"].unique().sort().to_list()
    return {"n": len(names), "names": names[:3]}


def _at_least(least: int) -> Callable[[pl.DataFrame], Arguments | None]:
    return lambda rows: _names(rows) if rows["agency_id"].n_unique() >= least else None


def _topic(rows: pl.DataFrame) -> Arguments | None:
    """The topic most asked and least told; its share is of all cases of the period."""
    row = rows.row(0, named=True)
    return {name: row[name] for name in ("topic", "share_cases", "share_posts")} | {
        "cases": round(row["cases"] / row["share_cases"])
    }


def _first(*columns: str) -> Callable[[pl.DataFrame], Arguments | None]:
    def tell(rows: pl.DataFrame) -> Arguments | None:
        return {name: rows[name][0] for name in columns}

    return tell


OPEN_SURGES = f"""
select s.agency_id, a.short_name, s.account_id, s.metric, s.started_on, s.peak_value, s.peak_expected, s.peak_score
from estimates.surges s join {CURRENT} a on a.agency_id = s.agency_id
where not s.is_recovered and not s.is_acknowledged and s.peak_value >= 10
and s.started_on >= cast({NOW} as date) - 14 order by s.started_on desc, s.peak_score desc"""  # noqa: S608 - our own constants
GAPS = """
select w.agency_id, a.short_name, w.state, w.reason, w.coverage, w.period_start, w.period_end, w.n_posts,
w.n_sent, w.n_required, w.missing_accounts
from estimates.agency_window w join {current} a on a.agency_id = w.agency_id
where {case} and exists (select 1 from core.accounts o where o.agency_id = w.agency_id and o.status <> 'closed')
order by a.short_name"""
COLUMNS = "w.state = 'not_comparable' and w.reason in ('no_exposure', 'no_engagement', 'paid_unknown', 'other_parts')"
PARTLY = "w.missing_accounts is not null and w.n_sent > 0 and w.state not in ('no_data', 'not_required')"
NO_DATA, NOT_COVERED, FEW_POSTS, WRONG_COLUMNS, SOME_MISSING, UNSEEN = (
    GAPS.format(current=CURRENT, case=case)
    for case in (
        "w.state = 'no_data'",
        f"w.state = 'not_covered' and not coalesce({PARTLY}, false)",
        "w.state = 'too_few_posts'",
        COLUMNS,
        PARTLY,
        f"(w.state in ('no_data', 'not_covered') or {COLUMNS})",
    )
)
LEVELS = """
select w.agency_id, a.short_name, w.vs_expected, w.lower, w.upper, w.n_posts
from estimates.agency_window w join {current} a on a.agency_id = w.agency_id
where w.state in ('judged', 'not_ranked') and w.{side} order by a.short_name"""
BELOW = LEVELS.format(current=CURRENT, side="upper < 1")
TRAINED = """
select cast(null as varchar) as agency_id, exp(effect) as factor, exp(lower) as lower, exp(upper) as upper, n_trained
from estimates.training_effect where outcome = 'er' and estimator = 'imputation' and state = 'claimed' and lower > 0"""
BEST = f"""
select p.agency_id, a.short_name, p.post_key, p.lift
from marts.post_list p join {CURRENT} a on a.agency_id = p.agency_id
where p.place_best <= 5 and p.lift > 1 order by p.place_best"""  # noqa: S608
REFUSED = f"""
select e.agency_id, a.short_name, e.file_name, e.code, e.message_id, e.message_en, e.first_seen_at
from marts.export_files e join {CURRENT} a on a.agency_id = e.agency_id
where e.outcome = 'refused' and e.first_seen_at >= {NOW} - interval 31 day
order by e.first_seen_at desc, e.file_name"""  # noqa: S608
SLOW = f"""
select r.agency_id, a.short_name, r.channel, r.n, r.open, r.median_hours, r.answered_24h, r.lower, r.upper
from estimates.response_channel r join {CURRENT} a on a.agency_id = r.agency_id
where r.is_slow qualify row_number() over (partition by r.agency_id order by r.n desc, r.channel) = 1 order by a.short_name"""  # noqa: S608
BACKLOG = f"""
select r.agency_id, a.short_name, r.n, r.open_over_24h, r.oldest_open_hours
from estimates.response_summary r join {CURRENT} a on a.agency_id = r.agency_id
where r.open_over_24h >= 5 and r.open_over_24h >= 0.2 * r.n order by a.short_name"""  # noqa: S608
MOVED = """
select w.agency_id, a.short_name, w.change, w.change_lower, w.change_upper, w.q, w.n_posts, w.period_start, w.period_end
from estimates.agency_window w join {current} a on a.agency_id = w.agency_id
where w.direction = '{direction}' order by a.short_name"""
DOWN, UP = (MOVED.format(current=CURRENT, direction=direction) for direction in ("down", "up"))
LIFTS = """
select f.agency_id, f.account_id, f.post_key, f.format, f.content_type, ln(l.lift) as ln_lift
from marts.post_facts f join estimates.post_lift l on l.post_key = f.post_key
where l.lift > 0 and f.published_on >= (select max(published_on) from marts.post_facts) - 183"""
CEREMONY = f"""
with posts as ({LIFTS}),
kinds as (select *, case when content_type in ('seremonial', 'ucapan') then 'ceremonial'
          when content_type = 'layanan' then 'service' end as kind from posts),
accounts as (
    select account_id, any_value(agency_id) as agency_id, count(*) as posts,
    count(*) filter (kind = 'ceremonial') as ceremonial, count(*) filter (kind = 'service') as service,
    avg(ln_lift) filter (kind = 'service') - avg(ln_lift) filter (kind = 'ceremonial') as difference
    from kinds group by account_id
    having count(*) filter (kind = 'ceremonial') >= 3 and count(*) filter (kind = 'service') >= 3)
select a.*, c.short_name from accounts a join {CURRENT} c on c.agency_id = a.agency_id order by a.account_id"""  # noqa: S608
TOPICS = """
select cast(null as varchar) as agency_id, topic, cases, posts, share_cases, share_posts, gap
from estimates.aspiration_gap where gap >= 0.10 and cases >= 20 order by gap desc, topic"""
QUIET = f"""
with weeks as (
    select agency_id, week_start, sum(posts) as posts, row_number() over (partition by agency_id order by week_start desc)
    as place
    from estimates.account_weeks where is_covered group by agency_id, week_start)
select w.agency_id, a.short_name, count(*) as weeks, count(*) filter (w.posts > 0) as active_weeks
from weeks w join {CURRENT} a on a.agency_id = w.agency_id where w.place <= 8
group by w.agency_id, a.short_name having count(*) = 8 and count(*) filter (w.posts > 0) <= 4 order by a.short_name"""  # noqa: S608
FORMATS = f"""
select k.agency_id, a.short_name, k.kind as format, k.n_posts as posts, k.lift, k.lower as lift_lower, k.base_share as share
from estimates.agency_lift k join {CURRENT} a on a.agency_id = k.agency_id
where k.is_advised and k.dimension = 'format' and k.kind <> 'other' order by k.lift desc, k.kind"""  # noqa: S608
SERVICE = f"""
select s.agency_id, a.short_name, count(*) as posts, count(*) filter (s.parts >= 3) as complete,
count(*) filter (not s.has_when) as without_time, count(*) filter (not s.has_contact) as without_contact
from estimates.service_posts s join {CURRENT} a on a.agency_id = s.agency_id
where s.month >= (select max(month) from estimates.service_posts) - interval 3 month
group by s.agency_id, a.short_name having count(*) >= 20"""  # noqa: S608
ALL_SERVICE = f"select * from ({SERVICE}) order by short_name"  # noqa: S608
INCOMPLETE = f"""
select *, median(complete / posts) over () as usual, percent_rank() over (order by complete / posts) as place
from ({SERVICE}) qualify complete <= 0.3 * posts and place <= 0.2 and complete / posts < usual order by short_name"""  # noqa: S608


def _ceremony(rows: pl.DataFrame) -> Arguments | None:
    """Service posts against ceremonial ones inside the same account; the account is the unit, at least ten of them."""
    if rows.height < 10:
        return None
    of: dict[str, Any] = rows.select(
        mean=pl.col("difference").mean(),
        se=pl.col("difference").std() / rows.height**0.5,
        share=pl.col("ceremonial").sum() / pl.col("posts").sum(),
    ).to_dicts()[0]
    mean, se, share = of["mean"], of["se"], of["share"]
    if mean - Z * se <= 0 or share < 0.1:
        return None
    low, high = (float(pl.Series([mean + z * se]).exp()[0]) for z in (-Z, Z))
    return {"n": rows.height, "factor": float(pl.Series([mean]).exp()[0]), "lower": low, "upper": high, "share": float(share)}


def _incomplete(rows: pl.DataFrame) -> Arguments | None:
    """What most agencies leave out is advice for the regency, once, and not the same sentence on forty pages."""
    posts, complete, without_time, without_contact = (
        int(rows[k].sum()) for k in ("posts", "complete", "without_time", "without_contact")
    )
    few = rows.filter(pl.col("complete") <= 0.3 * pl.col("posts")).height
    if rows.height < 5 or few < rows.height / 2:
        return None
    parts = {"without_time": without_time, "without_contact": without_contact}
    return {"n": few, "agencies": rows.height, "complete": complete, "posts": posts} | parts


REGENCY_RULES: tuple[Rule, ...] = (
    Rule("regency_surges", OPEN_SURGES, _at_least(1)),
    Rule("regency_gaps", UNSEEN, _at_least(1)),
    Rule("regency_slow", SLOW, _at_least(1)),
    Rule("regency_down", DOWN, _at_least(1)),
    Rule("regency_training", TRAINED, _first("factor", "lower", "upper", "n_trained"), counts="n_trained"),
    Rule("regency_service", CEREMONY, _ceremony, counts="posts"),
    Rule("regency_topic", TOPICS, _topic, counts="cases"),
    Rule("regency_incomplete", ALL_SERVICE, _incomplete, counts="posts"),
    Rule("regency_up", UP, _at_least(1)),
)
_STATE, _CHANGE, _LEVEL = "agency_window:state", "agency_window:change", "agency_window:vs_expected"
_SENT = "agency_window:n_sent"
_REPLY = "response_channel:answered_24h"
AGENCY_RULES: tuple[Rule, ...] = (
    Rule("agency_surge", OPEN_SURGES, _first("account_id", "metric", "started_on", "peak_value", "peak_expected")),
    Rule("agency_no_data", NO_DATA, _first("period_start", "period_end"), is_need=True, figure=_STATE),
    Rule("agency_down", DOWN, _first("change", "change_lower", "change_upper"), "n_posts", is_need=True, figure=_CHANGE),
    Rule("agency_slow", SLOW, _first("answered_24h", "lower", "upper", "n", "channel"), "n", is_need=True, figure=_REPLY),
    Rule("agency_not_covered", NOT_COVERED, _first("coverage"), is_need=True, figure="agency_window:coverage"),
    Rule("agency_columns", WRONG_COLUMNS, _first("reason"), is_need=True, figure=_STATE),
    Rule("agency_accounts", SOME_MISSING, _first("n_sent", "n_required", "missing_accounts"), is_need=True, figure=_SENT),
    Rule("agency_below", BELOW, _first("vs_expected", "lower", "upper"), "n_posts", is_need=True, figure=_LEVEL),
    Rule("agency_backlog", BACKLOG, _first("open_over_24h", "oldest_open_hours", "n"), counts="n"),
    Rule("agency_refused", REFUSED, lambda rows: {"n": rows.height, "file_name": rows["file_name"][0]}),
    Rule("agency_quiet", QUIET, _first("active_weeks", "weeks"), counts="weeks"),
    Rule("agency_few_posts", FEW_POSTS, _first("n_posts"), figure="agency_window:n_posts"),
    Rule("agency_up", UP, _first("change", "change_lower", "change_upper"), counts="n_posts"),
    Rule("agency_incomplete", INCOMPLETE, _first("complete", "posts", "without_time", "without_contact"), counts="posts"),
    Rule("agency_format", FORMATS, _first("format", "lift", "lift_lower", "posts", "share"), counts="posts"),
    Rule("agency_best", BEST, lambda rows: {"n": rows.height}),
)
SCHEMA = {
    "rule": pl.Utf8,
    "rank": pl.Int64,
    "agency_id": pl.Utf8,
    "is_need": pl.Boolean,
    "arguments": pl.Utf8,
    "figure": pl.Utf8,
    "evidence_query": pl.Utf8,
    "evidence_n": pl.Int64,
}


def actions(con: Any) -> pl.DataFrame:
    """The advice of one version: `rank` 1 to 3 for the regency (agency_id null); for each agency every rule that found
    evidence, in
    the order of the rules, so that rank 1 is its next step."""
    regency = [row for rule in REGENCY_RULES if (row := _row(rule, con.sql(rule.query).pl(), None))]
    rows = [row | {"rank": place} for place, row in enumerate(regency[:REGENCY_ACTIONS], start=1)]
    told: dict[str, int] = {}
    for rule in AGENCY_RULES:
        found = con.sql(rule.query).pl().filter(pl.col("agency_id").is_not_null())
        for (agency_id,), evidence in found.group_by("agency_id", maintain_order=True):
            row = _row(rule, evidence, str(agency_id))
            if row:
                told[str(agency_id)] = told.get(str(agency_id), 0) + 1
                rows.append(row | {"rank": told[str(agency_id)]})
    return pl.DataFrame(rows, schema=SCHEMA).sort("agency_id", "rank", nulls_last=False)


def _row(rule: Rule, evidence: pl.DataFrame, agency_id: str | None) -> dict[str, Any] | None:
    arguments = rule.tell(evidence) if evidence.height else None
    if arguments is None:
        return None
    query = " ".join(rule.query.split())
    channel = f",channel={arguments['channel']}" if "channel" in arguments else ""
    if agency_id is not None:
        query = f"select * from ({query}) where agency_id = {literal(agency_id)}"  # noqa: S608 - quoted
    return {
        "rule": rule.rule,
        "agency_id": agency_id,
        "is_need": rule.is_need,
        "arguments": json.dumps(arguments, default=str, ensure_ascii=False, sort_keys=True),
        "figure": f"{rule.figure}:agency_id={agency_id}{channel}" if rule.figure and agency_id else None,
        "evidence_query": query,
        "evidence_n": int(evidence[rule.counts].sum()) if rule.counts else evidence.height,
    }


NEEDS = (
    "core.accounts",
    "core.agencies",
    "marts.export_files",
    "marts.post_facts",
    "marts.post_list",
    "estimates.agency_window",
    "estimates.response_channel",
    "estimates.response_summary",
    "estimates.surges",
    "estimates.post_lift",
    "estimates.agency_lift",
    "estimates.aspiration_gap",
    "estimates.account_weeks",
    "estimates.service_posts",
    "estimates.training_effect",
)


def build_actions(frames: dict[str, pl.DataFrame], registry: object) -> pl.DataFrame:
    """`estimates.actions`: the rules are run on the very tables that are being published."""
    with database(frames) as con:
        return actions(con)


TABLES = {
    "estimates.actions": Table(
        build=build_actions,
        needs=NEEDS,
        description="One piece of advice with its evidence: up to three for the regency (no agency), an agency's by rank.",
        key=("rule", "agency_id"),
    )
}
