import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipeline.estimates import actions
from pipeline.estimates.plan import database

NOW = datetime(2026, 11, 20, 12)
TODAY = NOW.date()
EMPTY = {
    "core.agencies": {"agency_id": pl.Utf8, "short_name": pl.Utf8, "is_ranked": pl.Boolean, "valid_to": pl.Date},
    "core.accounts": {"account_id": pl.Utf8, "agency_id": pl.Utf8, "status": pl.Utf8},
    "marts.post_list": {"post_key": pl.Int64, "agency_id": pl.Utf8, "lift": pl.Float64, "place_best": pl.Int64},
    "estimates.training_effect": {
        "outcome": pl.Utf8,
        "estimator": pl.Utf8,
        "state": pl.Utf8,
        "effect": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "n_trained": pl.Int64,
    },
    "marts.export_files": {
        "agency_id": pl.Utf8,
        "file_name": pl.Utf8,
        "outcome": pl.Utf8,
        "code": pl.Utf8,
        "message_id": pl.Utf8,
        "message_en": pl.Utf8,
        "captured_at": pl.Datetime("us"),
        "first_seen_at": pl.Datetime("us"),
    },
    "marts.post_facts": {
        "post_key": pl.Int64,
        "agency_id": pl.Utf8,
        "account_id": pl.Utf8,
        "format": pl.Utf8,
        "content_type": pl.Utf8,
        "published_on": pl.Date,
    },
    "estimates.agency_window": {
        "agency_id": pl.Utf8,
        "state": pl.Utf8,
        "coverage": pl.Float64,
        "period_start": pl.Date,
        "period_end": pl.Date,
        "direction": pl.Utf8,
        "change": pl.Float64,
        "change_lower": pl.Float64,
        "change_upper": pl.Float64,
        "q": pl.Float64,
        "n_posts": pl.Int64,
        "vs_expected": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "reason": pl.Utf8,
        "n_sent": pl.Int64,
        "n_required": pl.Int64,
        "missing_accounts": pl.Utf8,
    },
    "estimates.response_summary": {
        "agency_id": pl.Utf8,
        "state": pl.Utf8,
        "n": pl.Int64,
        "open": pl.Int64,
        "median_hours": pl.Float64,
        "answered_24h": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "open_over_24h": pl.Int64,
        "oldest_open_hours": pl.Float64,
    },
    "estimates.surges": {
        "agency_id": pl.Utf8,
        "account_id": pl.Utf8,
        "metric": pl.Utf8,
        "started_on": pl.Date,
        "peak_value": pl.Float64,
        "peak_expected": pl.Float64,
        "peak_score": pl.Float64,
        "is_recovered": pl.Boolean,
        "is_acknowledged": pl.Boolean,
    },
    "estimates.post_lift": {"post_key": pl.Int64, "lift": pl.Float64},
    "estimates.response_channel": {
        "agency_id": pl.Utf8,
        "channel": pl.Utf8,
        "n": pl.Int64,
        "open": pl.Int64,
        "median_hours": pl.Float64,
        "answered_24h": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "is_slow": pl.Boolean,
    },
    "estimates.agency_lift": {
        "agency_id": pl.Utf8,
        "dimension": pl.Utf8,
        "kind": pl.Utf8,
        "lift": pl.Float64,
        "lower": pl.Float64,
        "base_share": pl.Float64,
        "n_posts": pl.Int64,
        "is_advised": pl.Boolean,
    },
    "estimates.aspiration_gap": {
        "topic": pl.Utf8,
        "cases": pl.Int64,
        "posts": pl.Int64,
        "share_cases": pl.Float64,
        "share_posts": pl.Float64,
        "gap": pl.Float64,
    },
    "estimates.account_weeks": {
        "agency_id": pl.Utf8,
        "account_id": pl.Utf8,
        "week_start": pl.Date,
        "posts": pl.Int64,
        "is_covered": pl.Boolean,
    },
    "estimates.service_posts": {
        "post_key": pl.Int64,
        "agency_id": pl.Utf8,
        "month": pl.Date,
        "parts": pl.Int64,
        "has_when": pl.Boolean,
        "has_contact": pl.Boolean,
    },
}


def frames(**rows: list[dict]) -> dict[str, pl.DataFrame]:
    owners = [{"account_id": a["agency_id"], "agency_id": a["agency_id"], "status": "active"} for a in rows.get("agencies", [])]
    rows = {"accounts": owners, **rows}
    found = {name: pl.DataFrame(rows.get(name.split(".")[1], []), schema=schema) for name, schema in EMPTY.items()}
    if not rows.get("export_files"):
        found["marts.export_files"] = pl.DataFrame(
            [{"outcome": "accepted", "captured_at": NOW}], schema=EMPTY["marts.export_files"]
        )
    return found


def advise(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return actions.build_actions(tables, None)


def agency(name: str) -> dict:
    return {"agency_id": name, "short_name": name.upper(), "is_ranked": True, "valid_to": None}


def window(name: str, state: str = "judged", direction: str = "flat") -> dict:
    return {
        "agency_id": name,
        "state": state,
        "coverage": 0.2,
        "period_start": date(2026, 8, 1),
        "period_end": date(2026, 10, 31),
    } | {
        "direction": direction,
        "change": 0.6,
        "change_lower": 0.4,
        "change_upper": 0.9,
        "n_posts": 40,
        "vs_expected": 1.0,
        "lower": 0.8,
        "upper": 1.3,
    }


def kind_lift(name: str, kind: str, dimension: str = "format", is_advised: bool = True) -> dict:
    found = {"agency_id": name, "dimension": dimension, "kind": kind, "is_advised": is_advised}
    return found | {"lift": 1.6, "lower": 1.2, "base_share": 0.3, "n_posts": 12}


def channel(name: str, way: str, n: int, is_slow: bool | None = True) -> dict:
    found = {"agency_id": name, "channel": way, "n": n, "open": 5, "median_hours": 60.0, "is_slow": is_slow}
    return found | {"answered_24h": 0.3, "lower": 0.2, "upper": 0.4}


def everything() -> dict[str, pl.DataFrame]:
    """Evidence for every rule, each at an agency of its own."""
    names = [
        "surge",
        "silent",
        "refused",
        "slow",
        "backlog",
        "down",
        "quiet",
        "vague",
        "video",
        "up",
        "short",
        "under",
        "few",
        "top",
        "blind",
        "partly",
    ]
    answers = {"state": "judged", "n": 50, "open": 20, "median_hours": 60.0, "answered_24h": 0.3, "lower": 0.2, "upper": 0.4}
    facts, lifts = [], []
    for i in range(12):
        for kind, lift in (("layanan", 1.6), ("seremonial", 0.8)):
            for k in range(4):
                key = len(facts)
                facts.append(
                    {
                        "post_key": key,
                        "agency_id": "up",
                        "account_id": f"x{i}",
                        "format": "photo",
                        "content_type": kind,
                        "published_on": TODAY - timedelta(days=9),
                    }
                )
                lifts.append({"post_key": key, "lift": lift * (1 + 0.1 * ((i + k) % 3))})
    return frames(
        agencies=[agency(name) for name in names],
        export_files=[
            {"outcome": "accepted", "captured_at": NOW},
            {"agency_id": "refused", "file_name": "a.csv", "outcome": "refused", "code": "TRUNCATED", "first_seen_at": NOW},
        ],
        post_facts=facts,
        post_lift=lifts,
        agency_lift=[kind_lift("video", "video"), kind_lift("video", "photo", is_advised=False)],
        response_channel=[channel("slow", "dm", 50), channel("slow", "comment", 20), channel("backlog", "dm", 30, None)],
        agency_window=[
            window("silent", "no_data", "data"),
            window("down", direction="down"),
            window("up", direction="up"),
            window("short", "not_covered", "data"),
            window("under") | {"vs_expected": 0.6, "lower": 0.4, "upper": 0.9},
            window("few", "too_few_posts", "data"),
            window("blind", "not_comparable", "data") | {"reason": "no_exposure", "n_sent": 0, "n_required": 1},
            window("partly") | {"n_sent": 2, "n_required": 3, "missing_accounts": "ig-partly"},
        ],
        post_list=[{"post_key": 1, "agency_id": "top", "lift": 4.0, "place_best": 1}],
        training_effect=[
            {
                "outcome": "er",
                "estimator": "imputation",
                "state": "claimed",
                "effect": 0.2,
                "lower": 0.1,
                "upper": 0.3,
                "n_trained": 24,
            }
        ],
        response_summary=[
            answers | {"agency_id": "slow", "open_over_24h": 4},
            answers | {"agency_id": "backlog", "upper": 0.7, "open_over_24h": 20, "oldest_open_hours": 400.0},
        ],
        surges=[
            {
                "agency_id": "surge",
                "account_id": "s",
                "metric": "comments",
                "started_on": TODAY,
                "peak_value": 90.0,
                "peak_expected": 5.0,
                "peak_score": 9.0,
                "is_recovered": False,
                "is_acknowledged": False,
            }
        ],
        aspiration_gap=[{"topic": "jalan", "cases": 30, "posts": 2, "share_cases": 0.5, "share_posts": 0.1, "gap": 0.4}],
        account_weeks=[
            {
                "agency_id": "quiet",
                "account_id": "q",
                "week_start": date(2026, 9, 7) + timedelta(weeks=i),
                "posts": i % 2,
                "is_covered": True,
            }
            for i in range(8)
        ],
        service_posts=[
            {
                "post_key": i,
                "agency_id": name,
                "month": date(2026, 10, 1),
                "parts": parts,
                "has_when": False,
                "has_contact": False,
            }
            for name in ("vague", "silent", "down", "up", "slow", "backlog")
            for i, parts in enumerate([1 if name == "vague" else 3] * 5 + [1] * 20)
        ],
    )


def test_without_evidence_nothing_is_advised():
    assert advise(frames(agencies=[agency("a")], agency_window=[window("a")])).is_empty()


def test_every_rule_speaks_when_its_evidence_is_there_and_each_agency_gets_one_step():
    tables = everything()
    with database(tables) as con:
        spoken = {rule.rule for rule in actions.REGENCY_RULES if actions._row(rule, con.sql(rule.query).pl(), None)}
    advice = advise(tables)
    own = advice.filter(pl.col("agency_id").is_not_null())
    assert spoken == {rule.rule for rule in actions.REGENCY_RULES}
    assert set(own["rule"]) == {rule.rule for rule in actions.AGENCY_RULES}
    assert own.filter(pl.col("rank") == 1)["agency_id"].is_unique().all()
    assert own.group_by("agency_id").agg(pl.col("rank").sort() == pl.int_range(1, pl.len() + 1))["rank"].list.all().all()


def test_needs_are_marked_and_name_the_number_they_rest_on():
    needs = advise(everything()).filter("is_need")
    assert dict(needs.select("agency_id", "rule").iter_rows()) == {
        "silent": "agency_no_data",
        "down": "agency_down",
        "slow": "agency_slow",
        "short": "agency_not_covered",
        "blind": "agency_columns",
        "partly": "agency_accounts",
        "under": "agency_below",
    }
    assert all(
        figure.split(":")[2].split(",")[0] == f"agency_id={name}"
        for name, figure in needs.select("agency_id", "figure").iter_rows()
    )


def test_advice_about_kinds_and_slow_answers_follows_only_the_published_verdicts():
    tables = frames(
        agencies=[agency("a")],
        agency_lift=[kind_lift("a", "photo", is_advised=False), kind_lift("a", "layanan", "content_type")],
        response_channel=[channel("a", "dm", 90, False), channel("a", "comment", 5, None)],
        response_summary=[{"agency_id": "a", "state": "judged", "n": 95, "answered_24h": 0.2, "lower": 0.1, "upper": 0.3}],
    )
    assert advise(tables).is_empty()
    spoken = advise(everything()).filter(pl.col("rule") == "agency_slow").row(0, named=True)
    assert spoken["figure"] == "response_channel:answered_24h:agency_id=slow,channel=dm" and spoken["evidence_n"] == 50


def test_an_agency_without_an_account_is_not_asked_for_data():
    tables = frames(agencies=[agency("a")], accounts=[], agency_window=[window("a", "no_data", "data")])
    assert advise(tables).is_empty()


def test_training_is_advised_only_where_its_effect_is_claimed():
    row = {"outcome": "er", "estimator": "imputation", "effect": 0.2, "lower": 0.1, "upper": 0.3, "n_trained": 24}
    for state, wanted in (("claimed", ["regency_training"]), ("pretrend", [])):
        assert advise(frames(training_effect=[row | {"state": state}]))["rule"].to_list() == wanted


def test_the_regency_gets_three_actions_at_most_in_the_fixed_order():
    advice = advise(everything()).filter(pl.col("agency_id").is_null())
    assert advice.select("rule", "rank").rows() == [("regency_surges", 1), ("regency_gaps", 2), ("regency_slow", 3)]


def test_each_evidence_query_gives_its_evidence_again():
    tables = everything()
    counts = {rule.rule: rule.counts for rule in (*actions.REGENCY_RULES, *actions.AGENCY_RULES)}
    with database(tables) as con:
        for row in advise(tables).iter_rows(named=True):
            found = con.sql(row["evidence_query"]).pl()
            column = counts[row["rule"]]
            assert row["evidence_n"] == (found[column].sum() if column else found.height) > 0


@pytest.mark.parametrize("gone", [date(2026, 1, 1)])
def test_an_agency_that_no_longer_exists_gets_no_advice(gone):
    advice = advise(frames(agencies=[agency("old") | {"valid_to": gone}], agency_window=[window("old", "no_data")]))
    assert advice.is_empty()


def test_arguments_are_json_and_names_are_no_ranking():
    tables = frames(agencies=[agency(n) for n in "cab"], agency_window=[window(n, "no_data") for n in "cab"])
    row = advise(tables).filter(pl.col("rule") == "regency_gaps").row(0, named=True)
    assert json.loads(row["arguments"]) == {"n": 3, "names": ["A", "B", "C"]}


def test_what_most_agencies_leave_out_is_said_once_and_to_the_weakest_fifth():
    advice = advise(everything())
    assert advice.filter(pl.col("rule") == "agency_incomplete")["agency_id"].to_list() == ["vague"]
    with database(everything()) as con:
        told = actions._incomplete(con.sql(actions.ALL_SERVICE).pl())
    assert (told["n"], told["agencies"], told["complete"], told["posts"]) == (6, 6, 25, 150)


def test_a_format_that_is_only_the_rest_is_no_advice():
    tables = everything()
    rest = tables | {"estimates.agency_lift": tables["estimates.agency_lift"].with_columns(kind=pl.lit("other"))}
    assert "agency_format" not in advise(rest)["rule"].to_list()
