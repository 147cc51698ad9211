"""What worked and what went wrong, from the marts."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.regency import simulate
from pipeline.statistics import lifts, surges


@pytest.fixture(scope="module")
def tagged():
    r = simulate(5, agencies=40, months=9, train=False)
    rng = np.random.default_rng(5)
    programme = np.array(["cerdas", "sehat", None], dtype=object)[rng.integers(0, 3, len(r.post_facts))]
    kept = np.where(programme == "sehat", 1.0, np.exp(-0.4))  # a Poisson count thinned is one of a lower rate
    fewer = rng.binomial(r.post_facts["engagement"].to_numpy(), kept)
    posts = r.post_facts.with_columns(engagement=pl.Series(fewer), hour=pl.lit(9))
    themes = posts.select(
        "post_key", scheme_id=pl.lit("pancakarsa"), programme=pl.Series(list(programme), dtype=pl.Utf8), is_taggable=True
    )
    return posts, themes, r.account_month


def test_programme_lift_is_found_against_the_average_post(tagged):
    table = lifts.theme_window(*tagged)
    row = {r["programme"]: r for r in table.iter_rows(named=True)}
    assert np.log(row["sehat"]["lift"] / row["cerdas"]["lift"]) == pytest.approx(0.4, abs=0.08)
    assert row["sehat"]["lower"] > 1 and row["sehat"]["q"] < 0.01
    assert row["cerdas"]["share_posts"] + row["sehat"]["share_posts"] == pytest.approx(1)
    assert row["cerdas"]["share_engagement"] + row["sehat"]["share_engagement"] == pytest.approx(1)
    assert row["untagged"]["share_posts"] == pytest.approx(1 / 3, abs=0.02) and row["untagged"]["share_engagement"] is None


def test_posts_of_a_top_list_have_a_lift_but_no_share(tagged):
    """What a platform left out of its list was perhaps on another theme: shares are over accounts that list all their posts."""
    posts, themes, months = tagged
    listed = posts.with_columns(is_top_list=(pl.col("platform") == posts["platform"][0]))
    table = lifts.theme_window(listed, themes, months)
    rest = listed.filter(~pl.col("is_top_list")).drop("is_top_list")
    columns = ["programme", "share_posts", "share_engagement"]
    assert_frame_equal(table.select(columns), lifts.theme_window(rest, themes, months).select(columns))
    assert table["n_posts"].sum() > lifts.theme_window(rest, themes, months)["n_posts"].sum()
    only = lifts.theme_month(listed.filter("is_top_list"), themes)
    assert only.height and only["share_posts"].null_count() == only.height


def test_a_programme_that_shares_no_account_with_others_has_no_lift(tagged):
    """Its effect cannot be told from the level of its accounts: any number would be made up."""
    posts, themes, months = tagged
    apart = posts.filter(pl.col("agency_id") == "ag01").select("post_key").with_columns(alone=pl.lit(True))
    marked = themes.join(apart, on="post_key", how="left")
    marked = marked.with_columns(programme=pl.when("alone").then(pl.lit("apart")).otherwise("programme")).drop("alone")
    table = lifts.theme_window(posts, marked, months)
    row = {r["programme"]: r for r in table.iter_rows(named=True)}
    assert row["apart"]["n_posts"] >= 10 and [row["apart"][k] for k in ("lift", "lower", "upper", "p")] == [None] * 4
    assert np.log(row["sehat"]["lift"] / row["cerdas"]["lift"]) == pytest.approx(0.4, abs=0.08)


def test_theme_months_add_up(tagged):
    posts, themes, _ = tagged
    month = lifts.theme_month(posts, themes)
    tagged_only = month.filter(pl.col("programme") != "untagged")
    np.testing.assert_allclose(tagged_only.group_by("month").agg(pl.col("share_posts").sum())["share_posts"].to_numpy(), 1)
    assert month["n_posts"].sum() == len(posts)


def test_lift_is_against_the_accounts_own_normal(tagged):
    posts, *_ = tagged
    table = lifts.post_lift(posts)
    assert abs(np.log(table["lift"].drop_nulls().to_numpy()).mean()) < 0.06
    few = posts.group_by("account_id").len().filter(pl.col("len") < 20)
    thin = table.join(posts.select("post_key", "account_id"), on="post_key").join(few, on="account_id", how="semi")
    assert thin["lift"].null_count() == len(thin)


def test_no_rows_in_no_rows_out(tagged):
    posts, themes, months = tagged
    assert lifts.post_lift(posts.clear()).columns == list(lifts.LIFT_SCHEMA)
    assert lifts.theme_window(posts, themes.clear(), months).columns == list(lifts.THEME_SCHEMA)
    assert lifts.theme_month(posts, themes.clear()).is_empty()


def days(n_accounts=30, n_days=200, seed=2):
    rng = np.random.default_rng(seed)
    start = date(2026, 1, 1)
    rows = [
        (f"a{i:02d}", f"ag{i:02d}", start + timedelta(days=d), "comments", float(v))
        for i in range(n_accounts)
        for d, v in enumerate(rng.poisson(6 * np.exp(rng.normal(0, 0.3, n_days))))
    ]
    frame = pl.DataFrame(rows, schema=["account_id", "agency_id", "day", "metric", "value"], orient="row")
    return frame.with_columns(captured_at=pl.lit(datetime(2026, 7, 25)), first_captured_at=pl.lit(None, pl.Datetime("us")))


POSTS = pl.DataFrame(
    schema={"account_id": pl.Utf8, "agency_id": pl.Utf8, "published_on": pl.Date}
    | dict.fromkeys(("comments", "engagement", "exposure"), pl.Int64)
    | dict.fromkeys(("captured_at", "first_captured_at"), pl.Datetime("us"))
)


def test_a_crisis_is_an_alarm_and_the_budget_bounds_false_ones():
    quiet = days()
    crisis = (pl.col("account_id") == "a03") & pl.col("day").is_between(date(2026, 6, 1), date(2026, 6, 3))
    table = surges.alarms(quiet.with_columns(value=pl.when(crisis).then(120.0).otherwise("value")), POSTS)
    alarms = table.filter("is_alarm")
    assert {date(2026, 6, 1), date(2026, 6, 2)} <= set(alarms.filter(pl.col("account_id") == "a03")["date"])
    assert len(alarms) <= 3 * 27 and (alarms["days_to_detect"] > 0).all()
    assert alarms.filter(pl.col("account_id") == "a03")["score"].max() == table["score"].max()


def test_a_day_is_detected_by_the_first_export_that_holds_it_not_by_the_last():
    crisis = (pl.col("account_id") == "a03") & (pl.col("day") == date(2026, 6, 1))
    known = days().with_columns(
        value=pl.when(crisis).then(120.0).otherwise("value"), first_captured_at=pl.lit(datetime(2026, 6, 8, 16, 50))
    )
    found = surges.alarms(known, POSTS).filter(pl.col("date") == date(2026, 6, 1), pl.col("account_id") == "a03")
    assert found.select("days_to_detect", "detected_at").rows() == [(7, datetime(2026, 6, 8, 16, 50))]


def busy_account(seed=3):
    rng = np.random.default_rng(seed)
    rows = []
    for d in range(200):
        if d % 7 != 6:
            others = int(80 * np.exp(rng.normal(0, 0.6)))
            comments = int(rng.poisson(0.05 * others))
            rows.append(
                ("ig", "ag", date(2026, 1, 1) + timedelta(days=d), comments, others + comments, 2000, datetime(2026, 7, 25), None)
            )
    return pl.DataFrame(rows, schema=POSTS.schema, orient="row")


def test_comments_out_of_proportion_are_an_alarm_and_a_viral_post_is_none():
    day, viral = pl.col("published_on") == date(2026, 6, 5), pl.col("published_on") == date(2026, 6, 24)
    loud = busy_account().with_columns(
        comments=pl.when(day).then(60).when(viral).then(pl.col("comments") * 12).otherwise("comments"),
        engagement=pl.when(day).then(140).when(viral).then(pl.col("engagement") * 12).otherwise("engagement"),
    )
    table = surges.alarms(days().clear(), loud)
    alarms = set(table.filter("is_alarm")["date"])
    assert date(2026, 6, 5) in alarms and date(2026, 6, 24) not in alarms
    assert set(table["metric"]) == {"comments_of_posts"} and (table["n_posts"] == 1).all()


def test_without_counts_there_are_no_alarms():
    assert surges.alarms(days().clear(), POSTS).columns == list(surges.ALARM_SCHEMA)


def test_the_lens_gives_every_post_with_a_text_a_second_row_and_leaves_the_scheme_of_the_day():
    key = [1, 2, 3, 4]
    themes = pl.DataFrame(
        {
            "post_key": key,
            "scheme_id": ["plan", "plan", None, "old"],
            "programme": ["kesehatan", None, None, "sehat"],
            "is_taggable": [True, True, False, True],
            "has_caption": [True, False, True, True],
        }
    )
    programmes = pl.DataFrame(
        {
            "post_key": [1, 1, 3],
            "scheme_id": ["plan", "old", "old"],
            "programme": ["kesehatan", "sehat", "maju"],
            "is_primary": True,
        }
    )
    seen = lifts.through_lens(themes, programmes, "old")
    assert seen.filter(pl.col("scheme_id") == "plan").rows() == themes.select(seen.columns).head(2).rows()
    assert sorted(seen.filter(pl.col("scheme_id") == "old").select("post_key", "programme").rows()) == [
        (1, "sehat"),
        (3, "maju"),
        (4, "sehat"),
    ]
    assert lifts.through_lens(themes, programmes, None).equals(themes)
