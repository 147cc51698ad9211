import math
import re
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline import columns
from pipeline.engine import metrics
from pipeline.pages import glosarium
from pipeline.platforms import having, platforms
from pipeline.statistics import intervals

ROOT = Path(__file__).parent.parent
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
SCHEMA = """
create schema core; create schema marts; create schema estimates; create schema meta;
create table core.agencies(agency_id varchar, peer_group varchar, population bigint);
create table core.posts(post_key bigint, platform varchar, account_id varchar, agency_id varchar, month date, week_start date,
  is_counted boolean, is_top_list boolean default false, engagement_parts varchar,
  is_collab boolean, is_story boolean default false, caption varchar, age_hours double,
  published_at_wib timestamp, published_on date, published_precision varchar,
  post_type varchar,
  likes bigint, reactions bigint, comments bigint, replies bigint, shares bigint, reposts bigint, saves bigint, bookmarks bigint,
  forwards bigint,
  dislikes bigint, link_clicks bigint, negative_total bigint, reach bigint, avg_watch_seconds double, duration_seconds bigint,
  engagement bigint, exposure bigint, export_id bigint);
create table marts.post_facts(post_key bigint, format varchar, hour int, weekday int, programme varchar, content_type varchar,
  e_final double, x_final double, maturity varchar, is_comparable boolean, ln_rate double);
create table core.post_themes(post_key bigint, scheme_id varchar, programme varchar, content_type varchar, has_caption boolean,
  is_taggable boolean);
create table marts.coverage_month(agency_id varchar, account_id varchar, platform varchar, month date, state varchar,
  covered_days bigint, listed_days bigint, days bigint);
create table estimates.agency_window(agency_id varchar, vs_expected double, lower double, upper double, n_posts bigint,
  rank_lower bigint, rank_upper bigint, p_top double);
create table estimates.case_clocks(channel varchar, case_id varchar, agency_id varchar, account_id varchar, month date,
  category varchar, district varchar, export_id bigint, needs_answer boolean, is_answered boolean, waited_hours double,
  working_hours double, is_due boolean, is_within_deadline boolean);
"""


def post(key: int, platform: str = "instagram", e: int | None = 10, x: int | None = 1000, **more: object) -> dict[str, object]:
    return {"post_key": key, "platform": platform, "account_id": f"{platform}-a", "agency_id": "a", "month": OCTOBER} | {
        "is_counted": True,
        "engagement": e,
        "exposure": x,
        "export_id": 7,
        "maturity": "mature",
        **more,
    }


def database(*posts: dict[str, object]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(SCHEMA)
    con.execute("insert into core.agencies values ('a', 'kecamatan', 100000), ('b', 'kecamatan', null)")
    con.execute(
        f"insert into marts.coverage_month values ('a', 'instagram-a', 'instagram', date '{OCTOBER}', 'complete', 31, 31, 31),"
        f"('a', 'instagram-a', 'instagram', date '{NOVEMBER}', 'complete', 30, 30, 30),"
        f"('b', 'instagram-b', 'instagram', date '{OCTOBER}', 'missing', 0, 0, 31),"
        f"('a', 'x-a', 'x', date '{OCTOBER}', 'partial', 10, 10, 31)"
    )
    for row in posts:
        facts = {"format": "photo", "maturity": row.pop("maturity"), "post_key": row["post_key"]}
        known = row["engagement"] is not None and row["exposure"] is not None
        facts |= {"e_final": row["engagement"], "x_final": row["exposure"]}
        facts |= {"is_comparable": known and facts["maturity"] == "mature"}
        facts |= {
            "ln_rate": math.log(row["engagement"] / row["exposure"]) if known and row["engagement"] and row["exposure"] else None
        }
        insert(con, "core.posts", row)
        insert(con, "marts.post_facts", facts)
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, row: dict[str, object]) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def one(con: duckdb.DuckDBPyConnection, metric: str, by: tuple[str, ...] = (), **where: object) -> dict[str, object]:
    return metrics.measure(con, metric, by, where).row(0, named=True)


def test_engagement_rate_is_a_geometric_mean_that_one_viral_post_cannot_carry():
    con = database(*(post(i, e=10, x=1000) for i in range(9)), post(9, e=5000, x=10000))
    row = one(con, "er_account", platform="instagram")
    expected = math.exp((9 * math.log(10 / 1000) + math.log(5000 / 10000)) / 10)  # of ln_rate, which the table gives
    assert row["value"] == pytest.approx(expected)
    assert row["lower"] < row["value"] < row["upper"]
    assert (row["n"], row["export_ids"], row["maturity"]) == (10, [7], "mature")
    assert one(con, "er_pooled", platform="instagram")["value"] == pytest.approx(5090 / 19000)


def test_a_post_without_one_part_is_left_out_of_both_sums():
    row = one(database(post(1, e=10, x=100), post(2, e=None, x=900), post(3, e=50, x=None)), "er_pooled", platform="instagram")
    assert (row["numerator"], row["denominator"], row["n"]) == (10, 100, 1)


def test_a_rate_says_what_its_engagement_is_made_of_and_a_count_what_it_left_out():
    plain, saves = {"engagement_parts": "likes+comments+shares"}, {"engagement_parts": "likes+comments+shares+saves"}
    listed = [post(i, "tiktok", is_top_list=True, **plain) for i in range(3)]
    con = database(*listed, post(7, "tiktok", account_id="tiktok-b", **saves), post(8))
    rates = {r["account_id"]: r for r in metrics.measure(con, "er_account", ("account_id",)).iter_rows(named=True)}
    assert rates["tiktok-a"]["basis"] == "likes+comments+shares; top_list"
    assert rates["tiktok-b"]["basis"] == "likes+comments+shares+saves" and rates["instagram-a"]["basis"] is None
    mixed = one(con, "er_account", platform="tiktok")
    assert mixed["basis"] == "likes+comments+shares | likes+comments+shares+saves; top_list"
    counts = {r["account_id"]: r for r in metrics.measure(con, "posts", ("account_id",)).iter_rows(named=True)}
    assert [counts["tiktok-a"][k] for k in ("value", "n", "basis")] == [None, 0, "without_top_list"]
    assert [counts["tiktok-b"][k] for k in ("value", "n", "basis")] == [1, 1, None]
    agency = one(con, "posts", agency_id="a")
    assert (agency["value"], agency["basis"]) == (2, "without_top_list")


def test_what_a_platform_does_not_report_is_null_with_n_0_and_never_0():
    con = database(post(1, saves=5), post(2, platform="facebook"), post(3, platform="x", bookmarks=None))
    rows = {row["platform"]: row for row in metrics.measure(con, "save_rate", ("platform",)).iter_rows(named=True)}
    assert rows["instagram"]["value"] == pytest.approx(5.0)
    for platform in ("facebook", "x"):
        assert (rows[platform]["value"], rows[platform]["n"], rows[platform]["numerator"]) == (None, 0, None)


def test_a_total_of_exposure_waits_for_posts_that_are_still_growing():
    """Without them it would be a smaller number, and with them half grown ones."""
    con = database(post(1, x=100), post(2, x=300), post(3, account_id="instagram-b", x=50), post(4, x=7, maturity="fresh"))
    found = {r["account_id"]: r for r in metrics.measure(con, "exposure_total", ("account_id",)).iter_rows(named=True)}
    assert [found["instagram-a"][k] for k in ("value", "n")] == [None, 0]
    assert [found["instagram-b"][k] for k in ("value", "n")] == [50, 1]


def test_a_click_rate_is_of_posts_with_a_link():
    linked, plain = {"caption": "info https://t.co/x"}, {"caption": "selamat pagi"}
    con = database(
        post(1, "x", link_clicks=0, **linked),
        post(2, "x", link_clicks=4, **plain),
        post(3, "x", link_clicks=0, **plain),
        post(4, "instagram", is_story=True, is_counted=False, link_clicks=5, age_hours=30.0),
        post(5, "instagram", is_story=True, is_counted=False, link_clicks=5, age_hours=3.0),
        post(6, "instagram", **linked),
    )
    found = {r["platform"]: r for r in metrics.measure(con, "click_rate", ("platform",)).iter_rows(named=True)}
    assert [found["x"][k] for k in ("value", "n")] == [2.0, 2]
    assert [found["instagram"][k] for k in ("value", "n")] == [5.0, 1]


def test_events_that_come_in_clusters_have_a_wider_interval_than_independent_ones():
    even = database(*(post(i, "facebook", negative_total=2, reach=1000) for i in range(20)))
    heaped = database(*(post(i, "facebook", negative_total=20 if i % 10 == 0 else 0, reach=1000) for i in range(20)))
    a, b = (one(con, "negative_rate", platform="facebook") for con in (even, heaped))
    assert a["value"] == b["value"] == pytest.approx(20.0)
    assert (a["lower"], a["upper"]) == pytest.approx(tuple(10000 * x for x in intervals.poisson(40, 20000)))
    assert b["lower"] < a["lower"] and b["upper"] > a["upper"] + 5


def test_followers_of_two_months_are_never_added():
    with pytest.raises(metrics.MetricError, match="month"):
        metrics.measure(growth_of_one(), "followers", ("account_id",))
    rows = metrics.measure(growth_of_one(), "followers", ("account_id", "month"))
    assert rows["value"].to_list() == [100.0, 110.0]


def test_a_churn_of_part_of_a_month_is_no_monthly_churn():
    rows = metrics.measure(growth_of_one(), "follower_churn", ("account_id", "month"))
    assert rows.select("value", "n").rows() == [(0.05, 31), (None, 0)]


def growth_of_one() -> duckdb.DuckDBPyConnection:
    con = database()
    con.execute("""create table core.followers(account_id varchar, date date, export_id bigint);
        create table core.account_days(account_id varchar, month date, metric varchar, export_id bigint);
        create table estimates.growth(account_id varchar, agency_id varchar, platform varchar, month date, followers_start bigint,
        followers_end bigint, followers_observations bigint, growth_days bigint, follows_lost double, flow_days bigint)""")
    con.execute(f"""insert into estimates.growth values ('x-a', 'a', 'x', date '{OCTOBER}', 100, 100, 3, 30, 5, 31),
        ('x-a', 'a', 'x', date '{NOVEMBER}', 100, 110, 3, 30, 1, 9)""")
    return con


def test_units_of_platforms_are_never_pooled():
    con = database(post(1), post(2, platform="x"))
    with pytest.raises(metrics.MetricError, match=r"tidak boleh digabung.*must not be pooled"):
        metrics.measure(con, "er_account", ("agency_id",))
    assert metrics.measure(con, "er_account", ("agency_id", "platform"), {"agency_id": "a"}).height == 2
    assert metrics.measure(con, "posts", ("agency_id",), {"month": OCTOBER}).filter(agency_id="a")["value"].item() == 2


def test_unknown_metrics_and_columns_are_answered_in_both_languages_with_the_nearest_match():
    with pytest.raises(metrics.MetricError, match=r"Tidak ada metrik 'er_acount'.*er_account.*There is no metric"):
        metrics.get("er_acount")
    with pytest.raises(metrics.MetricError, match=r"Tidak ada kolom 'agency'.*agency_id.*There is no column"):
        metrics.measure(database(post(1)), "posts", ("agency",))
    with pytest.raises(metrics.MetricError, match="sengaja tidak dihitung"):
        metrics.measure(database(), "agency_score")


def test_no_file_is_unknown_and_a_covered_month_without_posts_is_zero():
    rows = metrics.measure(database(post(1)), "posts", ("agency_id", "account_id", "month"))
    found = {(row["account_id"], row["month"]): (row["value"], row["n"]) for row in rows.iter_rows(named=True)}
    assert found[("instagram-a", OCTOBER)] == (1, 1)
    assert found[("instagram-a", NOVEMBER)] == (0, 0)
    assert found[("instagram-b", OCTOBER)] == (None, 0)


def test_coverage_stands_beside_every_value():
    con = database(post(1), post(2, platform="x"))
    rows = metrics.measure(con, "posts", ("agency_id", "month")).filter(pl.col("month") == OCTOBER)
    assert dict(rows.select("agency_id", "coverage").iter_rows()) == {"a": pytest.approx(41 / 62), "b": 0.0}


def test_fresh_posts_are_no_comparison_and_say_so():
    con = database(post(1, maturity="fresh"), post(2, maturity="fresh"))
    row = one(con, "er_account", platform="instagram")
    assert (row["value"], row["n"], row["maturity"]) == (None, 0, "fresh")


def test_estimates_are_read_only_at_their_own_grain():
    con = database(post(1, published_on=OCTOBER))
    insert(
        con,
        "estimates.agency_window",
        {"agency_id": "a", "vs_expected": 1.2, "lower": 0.9, "upper": 1.6, "n_posts": 44, "rank_lower": 3, "rank_upper": 11},
    )
    row = one(con, "vs_expected", ("agency_id",))
    assert (row["value"], row["lower"], row["upper"], row["n"]) == (1.2, 0.9, 1.6, 44)
    assert (row["numerator"], row["denominator"], row["export_ids"]) == (None, None, [7])
    assert one(con, "vs_expected", agency_id="a")["value"] == 1.2
    ranks = one(con, "rank_set", ("agency_id",))
    assert (ranks["value"], ranks["lower"], ranks["upper"], ranks["n"]) == (None, 3, 11, 44)
    with pytest.raises(metrics.MetricError, match="agency_id"):
        metrics.measure(con, "vs_expected")


def test_open_cases_lengthen_the_median_and_are_never_dropped():
    con = database()
    for i, (hours, answered) in enumerate(
        [(1, True), (2, True), (3, True), (90, False), (100, False), (110, False), (120, False)]
    ):
        insert(
            con,
            "estimates.case_clocks",
            {
                "case_id": str(i),
                "agency_id": "a",
                "month": OCTOBER,
                "needs_answer": True,
                "is_answered": answered,
                "waited_hours": hours,
            },
        )
    row = one(con, "first_response_median", ("agency_id",))
    assert (row["value"], row["n"]) == (None, 7)  # fewer than half are answered: the median is not known, only that it is long
    assert one(con, "answered_24h", ("agency_id",))["value"] == pytest.approx(3 / 7)
    assert one(con, "backlog_age", ("agency_id",))["value"] == 4


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)]
)
def test_wilson_intervals_as_published(successes, n, low, high):
    assert intervals.wilson(successes, n) == pytest.approx((low, high), abs=5e-5)  # Newcombe 1998 prints 81/263


def test_poisson_interval_is_exact_and_the_median_needs_six_values():
    assert intervals.poisson(10, 1) == pytest.approx((4.7954, 18.3904), abs=1e-4)
    assert intervals.poisson(0, 2) == pytest.approx((0, 3.6889 / 2), abs=1e-4)
    assert intervals.order_statistics([1, 2, 3, 4, 5, 6]) == (1, 6)
    assert math.isnan(intervals.order_statistics([1, 2, 3, 4, 5])[0])


def test_values_in_where_cannot_become_a_query():
    con = database(post(1))
    assert metrics.measure(con, "posts", ("agency_id",), {"agency_id": "a' or 'x'='x"}).is_empty()
    assert metrics.literal(datetime(2026, 1, 2, 3)) == "timestamp '2026-01-02 03:00:00'"
    assert metrics.measure(con, "posts", ("agency_id",), {"month": (OCTOBER, NOVEMBER), "agency_id": ["a"]})["value"].item() == 1


CATALOGUE = metrics.catalogue()
SECTIONS = {
    "coverage_accounts",
    "coverage_days",
    "data_age",
    "quarantine_share",
    "untagged_share",
    "posts",
    "active_weeks",
    "gap_p90",
    "cadence_cv",
    "hour_fit",
    "offhours_share",
    "burst_share",
    "er_post",
    "er_account",
    "er_pooled",
    "er_followers",
    "er_shrunk",
    "zero_share",
    "conversation_rate",
    "save_rate",
    "click_rate",
    "watch_ratio",
    "expected_er",
    "vs_expected",
    "rank_set",
    "p_top",
    "agency_score",
    "exposure_total",
    "reach_ratio",
    "followers",
    "follower_growth",
    "follower_churn",
    "local_share",
    "national_share",
    "intl_share",
    "local_lift",
    "per_capita_reach",
    "amplification_rate",
    "spread_factor",
    "collab_share",
    "campaign_breadth",
    "campaign_gain",
    "first_response_median",
    "answered_1h",
    "answered_24h",
    "backlog_age",
    "sla_lapor",
    "reply_share",
    "meta_response_rate",
    "negative_rate",
    "dislike_share",
    "angry_share",
    "surge_score",
    "ratio_flag",
    "time_to_ack",
    "recovery_days",
    "plan_match",
    "plan_ontime",
    "unplanned_share",
    "mix_distance",
    "target_status",
    "programme_share",
    "programme_lift",
    "attention_gap",
    "ceremonial_share",
    "aspiration_volume",
    "aspiration_gap",
    "correction_rate",
    "completeness",
    "publish_lag",
    "emergency_lag",
    "trained_share",
    "training_att",
    "training_pretrend",
}


def test_every_metric_of_the_catalogue_of_definitions_is_there():
    assert set(CATALOGUE.metrics) >= SECTIONS


@pytest.mark.parametrize("entry", CATALOGUE.metrics.values(), ids=lambda entry: entry.metric_id)
def test_every_metric_is_complete(entry):
    for name in ("label_id", "label_en", "explanation_id", "explanation_en", "caveat_id", "caveat_en"):
        assert getattr(entry, name).strip(), name
    assert entry.explanation_id.endswith(".") and entry.explanation_en.endswith(".")
    assert entry.direction in metrics.DIRECTIONS
    assert entry.estimator in metrics.ESTIMATORS
    assert entry.source or not entry.provided
    assert set(entry.platforms) <= set(platforms())


def test_the_document_is_current():
    assert (ROOT / "docs" / "metrik.md").read_text(encoding="utf-8") == metrics.document()


COUNTS = (
    "likes",
    "comments",
    "replies",
    "shares",
    "reposts",
    "saves",
    "bookmarks",
    "forwards",
    "dislikes",
    "link_clicks",
    "negative_total",
    "reach",
    "avg_watch_seconds",
    "duration_seconds",
    "engagement",
    "exposure",
)
RATED = having("exposure")
ON_POSTS = [name for name, entry in CATALOGUE.metrics.items() if entry.source == ("posts",)]


def full_posts() -> duckdb.DuckDBPyConnection:
    con = database(
        *(
            post(
                10 * i + j,
                platform=platform,
                e=20 + j,
                x=900 + j,
                caption="https://t.co/x",
                **{c: 5 + j for c in COUNTS if c not in ("engagement", "exposure")},
            )
            for i, platform in enumerate(RATED)
            for j in range(3)
        )
    )
    con.execute("update marts.post_facts set format = 'video'")
    con.execute("insert into core.post_themes select post_key, 's', 'p', 'layanan', true, true from core.posts")
    return con


def values(con: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> dict[tuple[str, str], tuple[float | None, int]]:
    """The metrics that read one of the columns, per platform."""
    reads = {m: f"{(e := CATALOGUE.metrics[m]).numerator} {e.denominator} {e.rows}" for m in ON_POSTS}
    return {
        (metric, row["platform"]): (row["value"], row["n"])
        for metric in ON_POSTS
        if any(re.search(rf"\b{name}\b", reads[metric]) for name in names)
        for row in metrics.measure(con, metric, ("platform",), {"month": OCTOBER, "account_id": PRESENT}).iter_rows(named=True)
    }


PRESENT = [f"{platform}-a" for platform in RATED]
MUTATIONS = {"engagement": ("engagement", "e_final"), "exposure": ("exposure", "x_final")}


def test_a_column_that_is_gone_makes_its_metrics_unknown_and_none_becomes_zero():
    con = full_posts()
    touched = set()
    for column in COUNTS:
        names = MUTATIONS.get(column, (column,))
        before = values(con, names)
        con.execute("begin")
        for name in names:
            table = "marts.post_facts" if name.endswith("_final") else "core.posts"
            con.execute(f"update {table} set {name} = null")
        for key, (value, n) in values(con, names).items():
            if (value, n) != before[key]:
                touched.add(column)
                assert (value, n) == (None, 0), (column, key)
        con.execute("rollback")
    assert touched == set(COUNTS)


def test_where_a_column_misleads_is_said_beside_every_metric_made_of_it():
    said = metrics.caveats("reach_ratio", "id")
    assert said.startswith(metrics.get("reach_ratio").caveat_id) and columns.columns()["reach"].hazard_id in said
    assert metrics.caveats("vs_expected", "en").count(columns.columns()["vs_expected"].hazard_en) == 1
    glossary = dict(term[:2] for _, terms in glosarium.groups(glosarium.catalogue(), "id") for term in terms)
    assert columns.columns()["reach"].hazard_id in glossary[metrics.get("reach_ratio").label_id]
