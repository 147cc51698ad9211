"""What each table is: small exports in, rows out; and the rules that every SQL file keeps."""

import itertools
import re
from datetime import date, datetime

import duckdb
import polars as pl
import pytest

from pipeline.columns import columns, of_post
from pipeline.engine import metrics, models
from pipeline.formats import all_formats
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, METRICS, accounts, drop, ingest, post, registers, tables

NUMBERS = itertools.count()
SQL = [m for m in models.models() if m.kind == "sql"]
SQL_OF = {m.name: m.sql for m in SQL}
OWNER = {"facebook": "a-fb", "instagram": "a-ig", "x": "a-x", "youtube": "a-yt", "tiktok": "a-tt", "linkedin": "b-li"}


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path).create()


def build(workspace, *names, known=None):
    ingest(workspace, known)
    built = tables(workspace, *names, known=known)
    return built[names[0]] if len(names) == 1 else [built[n] for n in names]


# --- the files ----------------------------------------------------------------------------------------------------------


def test_every_published_column_has_a_meaning():
    assert [f"{m.name}.{c}" for m in SQL if m.is_published for c in m.columns if c not in columns()] == []


def test_every_table_says_what_a_row_is_and_what_makes_it_unique():
    for model in models.models():
        assert len(model.description) > 20 and model.key, model.name
        assert model.kind != "sql" or set(model.key) <= set(model.columns), model.name


def test_tables_are_built_after_what_they_read():
    built: set[str] = set()
    for model in models.models():
        assert set(model.depends_on) <= built, model.name
        built.add(model.name)


def test_every_check_speaks_both_languages():
    for check in models.checks():
        assert check.message_id.endswith(".") and check.message_en.endswith("."), check.name
        assert check.message_id != check.message_en


def test_lineage_follows_ctes_to_the_column():
    assert models.lineage("WITH a AS (SELECT x + y AS s FROM core.p) SELECT max(s) AS m, 1 AS one FROM a") == {
        "m": (("core.p", "x"), ("core.p", "y")),
        "one": (),
    }


def test_lineage_reaches_the_raw_metric():
    origins = dict(
        next(m for m in SQL if m.name == "staging.post_snapshots") and models.lineage(SQL_OF["staging.post_snapshots"])
    )
    assert ("raw.post_snapshots", "reach") in origins["exposure"]


@pytest.mark.parametrize("text", ["SELECT 1 AS a", "-- A row.\nSELECT 1 AS a", "-- A row.\n-- key: a\nSELECT 1; SELECT 2"])
def test_a_file_that_is_no_table_is_named(tmp_path, text):
    path = tmp_path / "t.sql"
    path.write_text(text)
    with pytest.raises(models.ModelError):
        models.read_model(path, "core")


@pytest.fixture
def family(tmp_path, monkeypatch):
    """A folder of Python tables with one module, found as pipeline/estimates is."""
    folder = tmp_path / f"family{next(NUMBERS)}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def find(**modules):
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(f"from pipeline.tables import Table\n{text}\n")
        return models.python_tables(folder.name)

    return find


MADE = "TABLES = {'%s': Table(lambda frames, registry: None, (), 'One row.', ('a',))}"


def test_a_module_in_the_folder_of_estimates_is_found_by_itself(family):
    assert [name for name, _, _ in family(one=MADE % "estimates.one", two=MADE % "core.two")] == ["estimates.one", "core.two"]


@pytest.mark.parametrize("text", ["TABELS = {}", "TABLES = {}", MADE % "one", MADE % "estimate.one", MADE % "staging.one"])
def test_a_module_whose_table_has_a_wrong_name_is_an_error_and_not_left_out(family, text):
    with pytest.raises(models.ModelError, match=r"one\.py"):
        family(one=text)


def test_two_modules_cannot_make_one_table(family):
    with pytest.raises(models.ModelError, match=r"two\.py: makes estimates\.one, which one\.py makes already"):
        family(one=MADE % "estimates.one", two=MADE % "estimates.one")


def test_every_metric_that_a_format_reads_of_posts_is_in_the_vocabulary():
    fields = {c.field for f in all_formats() if f.grain == "post" for c in f.columns if c.kind in ("count", "decimal", "percent")}
    assert {f for f in fields if not f.startswith("_")} <= set(columns())
    assert set(of_post()) <= set(columns())


# --- engagement and exposure: null is not zero -----------------------------------------------------------------------------

EXPECTED = {
    "facebook": (15, 500),
    "instagram": (30, 600),
    "x": (9, 700),
    "youtube": (10, 400),
    "tiktok": (40, 2000),
    "linkedin": (8, 300),
}


@pytest.mark.parametrize("platform", EXPECTED)
def test_engagement_and_exposure_of_a_platform(workspace, platform):
    drop(workspace, f"{OWNER[platform]}/1.csv", platform, [post(platform, "1", "2026-10-01T03:00")])
    row = build(workspace, "core.posts").row(0, named=True)
    assert (row["engagement"], row["exposure"]) == EXPECTED[platform]


PARTS = [
    (p, m) for p in METRICS for m in METRICS[p] if not (p == "facebook" and m in ("views", "reactions", "comments", "shares"))
]


@pytest.mark.parametrize(("platform", "column"), PARTS)
def test_a_deleted_column_makes_what_depends_on_it_not_reported(workspace, platform, column):
    gone = {column: ...} | ({"reactions": ...} if column == "engagement_rcs" else {})
    drop(workspace, f"{OWNER[platform]}/1.csv", platform, [post(platform, "1", "2026-10-01T03:00", **gone)])
    row = build(workspace, "core.posts").row(0, named=True)
    engagement, exposure = EXPECTED[platform]
    is_exposure = column == {"facebook": "reach", "instagram": "reach", "x": "impressions", "linkedin": "impressions"}.get(
        platform, "views"
    )
    assert row[column] is None
    assert row["exposure"] == (None if is_exposure else exposure)
    unrelated = is_exposure or column == "views"
    assert row["engagement"] == (engagement if unrelated else None)


def test_a_reported_zero_stays_zero(workspace):
    nothing = dict.fromkeys(METRICS["instagram"], 0)
    drop(workspace, "a-ig/1.csv", "instagram", [post("instagram", "1", "2026-10-01T03:00", **nothing)])
    row = build(workspace, "core.posts").row(0, named=True)
    assert (row["engagement"], row["exposure"]) == (0, 0)


def test_facebook_engagement_comes_from_its_parts_where_the_sum_is_not_exported(workspace):
    drop(workspace, "a-fb/1.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00", engagement_rcs=...)])
    assert build(workspace, "core.posts")["engagement"].to_list() == [15]


# --- latest, history, time ---------------------------------------------------------------------------------------------------


def test_latest_snapshot_wins_and_every_one_is_kept(workspace):
    for day, reach in (("2026-10-12", 700), ("2026-10-05", 500), ("2026-10-19", 650)):
        rows = [post("facebook", "1", "2026-10-01T03:00", reach=reach)]
        drop(workspace, f"a-fb/{day}.csv", "facebook", rows, captured_at=day)
    posts, history, restated = build(workspace, "core.posts", "core.post_history", "marts.restatements")
    assert (posts["exposure"][0], posts["n_snapshots"][0], posts["age_hours"][0]) == (650, 3, 18 * 24 - 3)
    assert history.sort("captured_at")["exposure"].to_list() == [500, 700, 650]
    assert restated.select("field", "old_value", "new_value").rows() == [("reach", 700.0, 650.0)]


def test_an_answer_on_x_is_kept_but_is_no_post(workspace):
    rows = [post("x", "1", "2026-10-01T03:00"), post("x", "2", "2026-10-01T04:00", post_type="reply")]
    drop(workspace, "a-x/1.csv", "x", rows)
    posts, facts = build(workspace, "core.posts", "marts.post_facts")
    assert dict(posts.select("post_id", "is_counted").iter_rows()) == {"1": True, "2": False}
    assert facts.height == 1


def test_a_post_belongs_to_the_wib_day_of_its_instant(workspace):
    drop(workspace, "a-fb/1.csv", "facebook", [post("facebook", "1", "2026-09-30T18:30")])
    row = build(workspace, "core.posts").row(0, named=True)
    assert (row["published_on"], row["month"], row["week_start"]) == (date(2026, 10, 1), date(2026, 10, 1), date(2026, 9, 28))
    assert str(row["published_at_wib"]) == "2026-10-01 01:30:00"


def test_a_post_known_by_day_only_keeps_the_platforms_day(workspace):
    row = post("youtube", "1", "2026-09-30T18:30", published_precision="day")
    drop(workspace, "a-yt/1.csv", "youtube", [row])
    got = build(workspace, "core.posts").row(0, named=True)
    assert (got["published_on"], got["published_at_wib"]) == (date(2026, 9, 30), None)


def test_a_post_known_by_day_only_is_as_old_as_from_the_middle_of_its_day(workspace):
    """The reader gives the day's first second in Los Angeles, 07:00 UTC in summer."""
    row = post("youtube", "1", "2026-09-30T07:00", published_precision="day")
    drop(workspace, "a-yt/1.csv", "youtube", [row], captured_at="2026-10-12")
    posts, history = build(workspace, "core.posts", "core.post_history")
    assert posts["age_hours"][0] == history["age_hours"][0] == 12 * 24 - 7 - 12


def test_a_sum_over_a_period_is_no_lifetime_value(workspace):
    scope = {"value_scope": "period", "period_start": "2026-10-01", "period_end": "2026-10-31"}
    whole = {"value_scope": "lifetime", "period_start": "2026-10-01", "period_end": "2026-10-31"}
    rows = [post("youtube", "old", "2026-08-01T03:00", **scope), post("youtube", "new", "2026-10-05T03:00", **whole)]
    drop(workspace, "a-yt/1.csv", "youtube", rows, captured_at="2026-11-20")
    posts = build(workspace, "core.posts").sort("post_id")
    assert posts.select("post_id", "exposure", "engagement").rows() == [("new", 400, 10), ("old", None, None)]
    assert str(posts["captured_at"][0]) == "2026-11-01 00:00:00", "a sum speaks for the end of its period, not for the download"


def loose(workspace, values: dict[str, int], **about):
    """A YouTube table whose period nobody told, between two lifetime exports: posts of September, one of October 11."""
    for day, one, two in (("2026-10-10", 100, 1000), ("2026-10-30", 160, 1100)):
        rows = [post("youtube", i, "2026-09-01T03:00", views=n) for i, n in (("one", one), ("two", two))]
        drop(workspace, f"a-yt/{day}.csv", "youtube", rows, captured_at=day)
    births = {"new": "2026-10-11T03:00"}
    rows = [post("youtube", i, births.get(i, "2026-09-01T03:00"), views=n, value_scope="unknown") for i, n in values.items()]
    drop(workspace, "a-yt/loose.csv", "youtube", rows, **({"captured_at": "2026-10-20"} | about))
    return {p["post_id"]: (p["exposure"], p["is_date_estimated"]) for p in build(workspace, "core.posts").to_dicts()}


def test_a_table_of_unknown_period_is_proven_by_the_exports_before_and_after_it(workspace):
    """Its posts have more views than they gained between the two: the period began before the first of them."""
    posts = loose(workspace, {"one": 120, "two": 1040, "new": 55})
    assert posts == {"one": (160, False), "two": (1100, False), "new": (55, True)}


@pytest.mark.parametrize(
    ("values", "about"),
    [
        ({"one": 60, "two": 100, "new": 55}, {}),  # no more than what was gained: perhaps the sum of these days only
        ({"one": 120, "two": 1101, "new": 55}, {}),  # more than a later lifetime total: not of this account, or not before it
        ({"one": 120, "two": 1040, "new": 55}, {"captured_at": "2026-11-05"}),  # nothing comes after it
        ({"one": 120, "two": 1040, "new": 55}, {"captured_from": "first_seen"}),  # nobody knows when it was made
        ({"new": 55}, {}),
    ],
)
def test_a_table_that_its_neighbours_do_not_prove_has_no_lifetime_value(workspace, values, about):
    posts = loose(workspace, values, **about)
    assert (posts["one"], posts["two"], posts["new"][0]) == ((160, False), (1100, False), None)


def test_a_file_of_which_nothing_tells_the_day_makes_no_month(workspace):
    """It was found in November; the data end in October all the same."""
    drop(workspace, "a-ig/1.csv", "instagram", [post("instagram", "1", "2026-10-05T03:00")], captured_at="2026-10-20")
    undated = [{"dimension": "city", "label": "Bogor", "metric": "followers", "value": 1.0, "unit": "share"}]
    drop(workspace, "a-ig/2.csv", "instagram", undated, grain="audience")
    months = build(workspace, "marts.coverage_month")
    assert max(months["month"]) == date(2026, 10, 1)


def test_days_are_long_latest_and_never_shifted(workspace):
    day = {"day": "2026-10-01", "day_zone": "America/Los_Angeles", "views": 100}
    drop(workspace, "a-fb/1.csv", "facebook", [day], grain="account_day", captured_at="2026-10-05")
    drop(
        workspace, "a-fb/2.csv", "facebook", [day | {"views": 120, "reach": None}], grain="account_day", captured_at="2026-10-09"
    )
    days, restated = build(workspace, "core.account_days", "marts.restatements")
    assert days.select("day", "day_zone", "metric", "value").rows() == [
        (date(2026, 10, 1), "America/Los_Angeles", "views", 120.0)
    ]
    assert restated["share_changed"].to_list() == [0.2]


def test_two_menus_that_tell_a_metric_at_one_instant_make_one_restatement(workspace):
    """Else its key is broken, and the check sets sound files aside."""
    day = {"day": "2026-10-01", "day_zone": "UTC", "reach": 100}
    drop(workspace, "a-fb/1.csv", "facebook", [day], grain="account_day", captured_at="2026-10-05")
    for name, reach in (("2", 150), ("3", 120)):
        told = [day | {"reach": reach}]
        drop(workspace, f"a-fb/{name}.csv", "facebook", told, grain="account_day", kind=f"menu.{name}", captured_at="2026-10-09")
    restated = build(workspace, "marts.restatements")
    assert restated.select("old_value", "new_value").rows() == [(100.0, 150.0)]


@pytest.mark.parametrize(("at", "is_partial"), [("2026-10-02T03:00:00", True), ("2026-10-02T08:00:00", False)])
def test_a_pacific_day_is_over_when_it_is_over_there(workspace, at, is_partial):
    """10:00 in Jakarta is still the evening before in Los Angeles: the day goes on."""
    rows = [{"day": "2026-10-01", "day_zone": "America/Los_Angeles", "views": 100}]
    drop(workspace, "a-fb/1.csv", "facebook", rows, grain="account_day", captured_at=at)
    days = build(workspace, "core.account_days")
    assert days["is_partial"].to_list() == [is_partial] and (days["first_captured_at"][0] is None) == is_partial


def test_a_youtube_day_is_covered_when_it_is_over_in_california(workspace):
    rows = [post("youtube", "1", "2026-10-05T07:00", published_precision="day")]
    drop(workspace, "a-yt/1.csv", "youtube", rows, captured_at="2026-10-21T03:00:00", period=("2026-10-01", "2026-10-21"))
    assert state(build(workspace, "marts.coverage_month"), "a-yt", date(2026, 10, 1)) == ("partial", 19)


def test_a_day_that_was_not_over_gives_way_to_an_earlier_whole_one(workspace):
    rows = [{"day": "2026-10-01", "day_zone": "UTC", "views": 100}]
    drop(workspace, "a-tt/1.csv", "tiktok", rows, grain="account_day", captured_at="2026-10-01T10:00:00")
    drop(workspace, "a-tt/2.csv", "tiktok", [rows[0] | {"views": 300}], grain="account_day", captured_at="2026-10-02T10:00:00")
    assert build(workspace, "core.account_days").select("value", "is_partial").rows() == [(300.0, False)]


def test_what_is_first_known_of_a_day_is_dated_by_the_first_export_made_when_it_was_over(workspace):
    """An export of the day itself does not hold the whole day; a later one corrects the value, not the date."""
    day = {"day": "2026-10-01", "day_zone": "UTC", "comments": 5}
    exports = ("2026-10-01T10:00:00", "2026-10-05T10:00:00", "2026-11-05T10:00:00")
    for i, at in enumerate(exports):
        drop(workspace, f"a-tt/{i}.csv", "tiktok", [day], grain="account_day", captured_at=at)
        rows = [post("facebook", "1", "2026-10-01T03:00"), post("facebook", "2", "2026-11-05T03:00")]
        drop(workspace, f"a-fb/{i}.csv", "facebook", rows[: 1 + (i == 2)], captured_at=at)
    days, posts = build(workspace, "core.account_days", "core.posts")
    assert [str(x) for x in days["first_captured_at"]] == ["2026-10-05 10:00:00"]
    assert posts.sort("post_id")["first_captured_at"].cast(pl.Utf8).to_list() == ["2026-10-05 10:00:00.000000", None]


def test_a_partners_earlier_copy_of_a_collaboration_does_not_date_the_owners_day(workspace):
    shared = post("instagram", "5", "2026-10-02T03:00", platform_account_id="113", permalink="https://www.instagram.com/p/x/")
    drop(workspace, "a-ig/1.csv", "instagram", [shared | {"reach": None}], captured_at="2026-10-05")
    drop(workspace, "b-ig/2.csv", "instagram", [shared], captured_at="2026-10-30")
    assert str(build(workspace, "core.posts")["first_captured_at"][0]) == "2026-10-30 00:00:00"


# --- what counts, and for whom ------------------------------------------------------------------------------------------------


def test_stories_reshares_and_foreign_posts_are_not_counted(workspace):
    rows = [
        post("instagram", "1", "2026-10-01T03:00", platform_account_id="112"),
        post("instagram", "2", "2026-10-01T03:00", platform_account_id="112", post_type="story"),
        post("instagram", "3", "2026-10-01T03:00", platform_account_id="112", is_share=True),
        post("instagram", "4", "2026-10-01T03:00", platform_account_id="666", reach=None),
    ]
    rows = [{"is_share": False} | r for r in rows]
    drop(workspace, "a-ig/1.csv", "instagram", rows, captured_at="2026-11-20")
    posts, facts, months = build(workspace, "core.posts", "marts.post_facts", "marts.account_month")
    assert posts.sort("post_id")["is_counted"].to_list() == [True, False, False, False]
    assert facts.height == 1
    row = months.filter(pl.col("account_id") == "a-ig", pl.col("month") == date(2026, 10, 1)).row(0, named=True)
    assert (row["posts"], row["stories"], row["shares_of_others"]) == (1, 1, 1)


def test_facebooks_video_files_are_never_counted_beside_the_posts_that_show_them(workspace):
    """Its export of videos gives each file an id of its own; the post is in the export of posts."""
    drop(workspace, "a-fb/1.csv", "facebook", [post("facebook", "1", "2026-10-01T03:00")], captured_at="2026-11-20")
    assets = [post("facebook", "900", "2026-10-01T03:00", post_type="video_asset")]
    drop(workspace, "a-fb/2.csv", "facebook", assets, captured_at="2026-11-20", kind="meta.content.facebook.video")
    posts, facts, months = build(workspace, "core.posts", "marts.post_facts", "marts.account_month")
    assert posts.sort("post_id").select("post_id", "is_counted").rows() == [("1", True), ("900", False)]
    assert facts.height == 1
    row = months.filter(pl.col("account_id") == "a-fb", pl.col("month") == date(2026, 10, 1)).row(0, named=True)
    assert (row["posts"], row["engagement"]) == (1, 15)


@pytest.mark.parametrize("mark", ["-", "null", "N/A"])
def test_posts_of_two_accounts_without_an_address_are_two_posts(workspace, mark):
    drop(workspace, "a-ig/1.csv", "instagram", [post("instagram", "901", "2026-10-01T03:00", permalink=mark)])
    drop(workspace, "b-ig/2.csv", "instagram", [post("instagram", "902", "2026-10-02T03:00", permalink=mark)])
    ingest(workspace)
    assert sorted(tables(workspace, "core.posts")["core.posts"]["post_id"]) == ["901", "902"]


def test_a_collaboration_counts_once_for_its_owner(workspace):
    theirs = post("instagram", "5", "2026-10-02T03:00", platform_account_id="113", permalink="https://www.instagram.com/p/x/")
    joint = post(
        "instagram", "6", "2026-10-02T03:00", platform_account_id="113", permalink="https://www.instagram.com/p/x/", reach=None
    )
    drop(
        workspace,
        "a-ig/1.csv",
        "instagram",
        [joint, post("instagram", "7", "2026-10-03T03:00", platform_account_id="112")],
        captured_at="2026-10-20",
    )
    drop(workspace, "b-ig/2.csv", "instagram", [theirs], captured_at="2026-10-10")
    posts, months = build(workspace, "core.posts", "marts.account_month")
    shown = posts.sort("published_at").select("account_id", "agency_id", "is_collab", "exposure").rows()
    assert shown == [("b-ig", "disdik", True, 600), ("a-ig", "dinkes", False, 600)]
    october = months.filter(pl.col("month") == date(2026, 10, 1)).sort("account_id")
    told = october.select("account_id", "posts", "collab_posts").rows()
    assert [row for row in told if row[0].endswith("-ig")] == [("a-ig", 1, 1), ("b-ig", 1, 0)]


def test_a_night_of_the_first_of_the_month_counts_in_that_month(workspace):
    """01:00 in Jakarta is still the last of the month in UTC."""
    drop(workspace, "a-fb/1.csv", "facebook", [post("facebook", "1", "2026-10-07T03:00")])
    ingest(workspace, now=datetime(2026, 10, 31, 18, 0))
    files = tables(workspace, "marts.export_files")["marts.export_files"]
    source = metrics.catalogue().sources["exports"].sql
    with duckdb.connect() as con:
        con.execute("create schema marts; create schema core; create table core.agencies(agency_id varchar, peer_group varchar)")
        con.register("files", files.drop("message_id", "message_en").to_arrow())
        con.execute("create view marts.export_files as select * from files")
        assert con.sql(f"select month, quarter from ({source})").fetchall() == [(date(2026, 11, 1), date(2026, 10, 1))]


def test_a_post_is_credited_to_the_agency_of_its_day(workspace):
    others = ACCOUNTS.filter(pl.col("account_id") != "a-fb")
    known = registers(
        pl.concat(
            [
                others,
                accounts(("a-fb", "facebook", "dinkes", "111", None, None, date(2026, 10, 15))),
                accounts(("a-fb", "facebook", "disdik", "111", None, date(2026, 10, 16), None)),
            ]
        )
    )
    rows = [post("facebook", "1", "2026-10-15T10:00"), post("facebook", "2", "2026-10-15T18:00")]
    drop(workspace, "a-fb/1.csv", "facebook", rows, captured_at="2026-11-20")
    posts, months = build(workspace, "core.posts", "marts.account_month", known=known)
    assert posts.sort("post_id")["agency_id"].to_list() == ["dinkes", "disdik"]
    october = months.filter(pl.col("account_id") == "a-fb", pl.col("month") == date(2026, 10, 1)).sort("agency_id")
    assert october.select("agency_id", "posts", "days_in_month").rows() == [("dinkes", 1, 15), ("disdik", 1, 16)]


# --- coverage ---------------------------------------------------------------------------------------------------------------


def state(months: pl.DataFrame, account: str, month: date) -> tuple:
    row = months.filter(pl.col("account_id") == account, pl.col("month") == month).row(0, named=True)
    return row["state"], row["covered_days"]


def test_coverage_tells_missing_from_empty_and_refused(workspace):
    october = ("2026-10-01", "2026-10-31")
    drop(
        workspace, "a-fb/1.csv", "facebook", [post("facebook", "1", "2026-10-07T03:00")], captured_at="2026-11-20", period=october
    )
    empty = {"captured_at": "2026-11-20", "period": october, "outcome": "flagged"}
    drop(workspace, "a-ig/2.csv", "instagram", [], **empty)
    drop(workspace, "2026-10-20/a-tt/3.csv", "tiktok", [], refuse="TRUNCATED")
    coverage, months = build(workspace, "marts.coverage_month", "marts.account_month")
    month = date(2026, 10, 1)
    assert state(coverage, "a-fb", month) == ("complete", 31)
    assert state(coverage, "a-ig", month) == ("complete", 31)
    assert state(coverage, "b-tt", month) == ("missing", 0)
    posts = {r["account_id"]: r["posts"] for r in months.filter(pl.col("month") == month).to_dicts()}
    assert (posts["a-fb"], posts["a-ig"], posts["b-tt"]) == (1, 0, None), "an empty file says none, no file says nothing"


@pytest.mark.parametrize(
    ("platform", "account", "kind"),
    [
        ("instagram", "a-ig", "meta.content.instagram.story"),
        ("facebook", "a-fb", "meta.content.facebook.video"),
        ("facebook", "a-fb", "meta.legacy.page_insights.video"),
    ],
)
def test_an_export_of_stories_or_videos_says_nothing_about_the_other_posts(workspace, platform, account, kind):
    """Counting it as coverage would turn a month that nobody exported into a month with zero posts."""
    kinds = {"post_type": "story" if "story" in kind else "video_asset"}
    rows = [post(platform, "1", "2026-10-07T03:00", **kinds)]
    drop(workspace, f"{account}/1.csv", platform, rows, captured_at="2026-11-20", period=("2026-10-01", "2026-10-31"), kind=kind)
    coverage, months = build(workspace, "marts.coverage_month", "marts.account_month")
    assert state(coverage, account, date(2026, 10, 1)) == ("missing", 0)
    of_account = months.filter(pl.col("account_id") == account, pl.col("month") == date(2026, 10, 1))
    assert of_account["posts"].to_list() in ([None], [])


def test_every_kind_that_is_a_top_list_is_a_kind_of_posts():
    named = set(re.findall(r"'(\w+)'", SQL_OF["staging.top_lists"].split("kind IN")[1].split(")")[0]))
    assert named and named <= {f.kind for f in all_formats() if f.grain == "post"}


@pytest.mark.parametrize("about", [{"kind": "tiktok_studio_content"}, {"outcome": "flagged", "messages": ["POSSIBLY_CUT"]}])
def test_a_top_list_gives_rates_and_never_a_count_of_posts(workspace, about):
    rows = [post("tiktok", str(i), f"2026-10-{i + 1:02d}T03:00") for i in range(3)]
    drop(workspace, "a-tt/1.csv", "tiktok", rows, captured_at="2026-11-20", period=("2026-10-01", "2026-10-31"), **about)
    posts, coverage, months = build(workspace, "core.posts", "marts.coverage_month", "marts.account_month")
    assert posts["is_top_list"].to_list() == [True] * 3
    october = pl.col("account_id") == "a-tt", pl.col("month") == date(2026, 10, 1)
    assert coverage.filter(*october).select("state", "covered_days", "listed_days").rows() == [("complete", 31, 0)]
    row = months.filter(*october).row(0, named=True)
    assert (row["posts"], row["stories"], row["engagement"], row["exposure"]) == (None, None, None, None)
    assert (row["mature_posts"], row["er_account"]) == (3, pytest.approx((40 + 40 / 82) / 2000))  # c = mu / (2 (1 + mu)), mu = 40


def test_a_whole_list_of_the_same_days_counts_what_the_top_list_names_too(workspace):
    rows = [post("tiktok", str(i), f"2026-10-{i + 1:02d}T03:00") for i in range(3)]
    october = ("2026-10-01", "2026-10-31")
    best = {"kind": "tiktok_studio_content", "captured_at": "2026-11-21", "period": october}
    drop(workspace, "a-tt/1.csv", "tiktok", rows[:1], **best)
    drop(workspace, "a-tt/2.csv", "tiktok", rows, captured_at="2026-11-20", period=october)
    posts, months = build(workspace, "core.posts", "marts.account_month")
    assert posts["is_top_list"].to_list() == [False] * 3
    assert months.filter(pl.col("account_id") == "a-tt", pl.col("month") == date(2026, 10, 1))["posts"].to_list() == [3]


@pytest.mark.parametrize(("paid", "expected"), [(0, (False, False, True)), (90, (True, True, False)), (..., (True, None, True))])
def test_a_post_with_paid_reach_is_counted_but_not_compared(workspace, paid, expected):
    """The file splits reach, never engagement: an organic rate cannot be made of it."""
    drop(
        workspace,
        "a-fb/1.csv",
        "facebook",
        [post("facebook", "1", "2026-10-01T03:00", reach_boosted=paid)],
        captured_at="2026-11-20",
    )
    posts, facts = build(workspace, "core.posts", "marts.post_facts")
    assert (posts["may_include_paid"][0], posts["is_boosted"][0], facts["is_comparable"][0]) == expected


def test_what_engagement_is_made_of_is_said(workspace):
    rows = [post("tiktok", "1", "2026-10-01T03:00"), post("tiktok", "2", "2026-10-02T03:00", saves=4)]
    drop(
        workspace, "a-tt/1.csv", "tiktok", [*rows, post("tiktok", "3", "2026-10-03T03:00", likes=None)], captured_at="2026-11-20"
    )
    posts, months = build(workspace, "core.posts", "marts.account_month")
    assert posts.sort("post_id").select("engagement", "engagement_parts").rows() == [
        (40, "likes+comments+shares"),
        (44, "likes+comments+shares+saves"),
        (None, None),
    ]
    october = months.filter(pl.col("account_id") == "a-tt", pl.col("month") == date(2026, 10, 1))
    assert october["engagement_parts"].to_list() == ["likes+comments+shares | likes+comments+shares+saves"]


def test_the_day_of_the_download_is_not_covered(workspace):
    rows = [post("facebook", "1", "2026-10-07T03:00")]
    drop(workspace, "a-fb/1.csv", "facebook", rows, captured_at="2026-10-21T03:00:00", period=("2026-10-01", "2026-10-21"))
    assert state(build(workspace, "marts.coverage_month"), "a-fb", date(2026, 10, 1)) == ("partial", 20)


def test_a_rate_needs_both_parts_and_maturity(workspace):
    rows = [
        post("facebook", "1", "2026-10-07T03:00"),
        post("facebook", "2", "2026-10-08T03:00", reach=None),
        post("facebook", "3", "2026-11-19T23:00"),
    ]
    drop(workspace, "a-fb/1.csv", "facebook", rows, captured_at="2026-11-20")
    facts, months = build(workspace, "marts.post_facts", "marts.account_month")
    assert facts.sort("published_on")["is_comparable"].to_list() == [True, False, False]
    assert facts.sort("published_on")["maturity"].to_list() == ["mature", "mature", "fresh"]
    row = months.filter(pl.col("account_id") == "a-fb", pl.col("month") == date(2026, 10, 1)).row(0, named=True)
    assert row["mature_posts"] == 1
    assert row["er_account"] == pytest.approx((15 + 15 / 32) / 500)  # c = mu / (2 (1 + mu)), mu = 15
    assert row["er_pooled"] == pytest.approx(15 / 500)
