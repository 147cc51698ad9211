from datetime import date, timedelta

import polars as pl
import pytest

from pipeline.notebook import definitions_elsewhere as elsewhere

MONDAY = date(2026, 7, 6)
FOLLOWERS = pl.DataFrame({"day": [MONDAY + timedelta(days=i) for i in range(7)], "followers": [4000 + 10 * i for i in range(7)]})
ROWS = [
    (0, 1200, 1500, 30, 4, 2, 25),
    (1, 900, 1100, 12, 1, 0, 9),
    (3, 2500, 3300, 80, 22, 15, 60),
    (3, 400, 450, 5, 0, 0, 2),
    (5, 3000, 4200, 55, 9, 12, 20),
]
NAMES = ["day", "reach", "impressions", "reactions", "comments", "shares", "clicks"]
POSTS = pl.DataFrame([(MONDAY + timedelta(days=d), *rest) for d, *rest in ROWS], schema=NAMES, orient="row")
PRINTED = {
    "hootsuite_daily": "0.8691",
    "fanpage_karma_engagement": "0.8754",
    "post_interaction": "1.1536",
    "orlo_benchmark": "1.2167",
    "rival_iq_follower": "1.2256",
    "rival_iq_weighted": "1.2276",
    "fanpage_karma_weighted": "1.6916",
    "impressions_mean": "2.0096",
    "impressions_pooled": "2.3412",
    "reach_mean": "2.5816",
    "reach_pooled": "3.0875",
    "orlo_with_clicks": "3.4408",
    "socialinsider_followers": "6.0837",
    "metricool_per_1000": "30.875",
    "emplifi_per_1000": "61.2803",
    "applause": "36.4",
    "conversation": "7.2",
    "amplification": "5.8",
    "virality": "0.2749",
    "growth": "1.5",
}


@pytest.mark.parametrize("definition_id", PRINTED)
def test_golden_vector_to_every_printed_digit(definition_id):
    value = elsewhere.translate(POSTS, FOLLOWERS).row(by_predicate=pl.col("definition_id") == definition_id, named=True)["value"]
    printed = PRINTED[definition_id]
    assert f"{value:.{len(printed.split('.')[1])}f}" == printed


def test_every_definition_is_in_the_golden_vector_and_has_both_languages():
    table = elsewhere.translate(POSTS, FOLLOWERS)
    assert set(table["definition_id"]) == set(PRINTED)
    assert table.select("label_id", "label_en", "text_id", "text_en").null_count().row(0) == (0, 0, 0, 0)


def test_what_is_not_reported_gives_null_and_leaves_the_rest():
    values = dict(
        elsewhere.translate(POSTS.drop("impressions", "clicks"), FOLLOWERS).select("definition_id", "value").iter_rows()
    )
    missing = {"impressions_mean", "impressions_pooled", "orlo_with_clicks", "virality"}
    assert {name for name, value in values.items() if value is None} == missing
    assert f"{values['reach_pooled']:.4f}" == "3.0875"


def test_a_week_without_posts_has_no_rate_but_followers_still_grow():
    values = dict(elsewhere.translate(POSTS.clear(), FOLLOWERS).select("definition_id", "value").iter_rows())
    assert values.pop("growth") == pytest.approx(1.5)
    assert set(values.values()) == {None}


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="comments"):
        elsewhere.translate(POSTS.drop("comments"), FOLLOWERS)
