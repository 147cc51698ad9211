"""What is said is true: reasons, thresholds, growth of a month, advice beyond luck, whose response it is, chance in words."""

import re
from datetime import date

import numpy as np
import polars as pl
import pytest

from benchmarks.guard import detection
from benchmarks.regency import simulate
from pipeline import reasons, registry, thresholds
from pipeline.engine import fingerprints, models
from pipeline.estimates import growth, overview, response, risk
from pipeline.statistics import comparison, lifts, staff, windows
from pipeline.statistics import reasons as codes
from pipeline.thresholds import DEFAULT


@pytest.fixture(scope="module")
def regency():
    return simulate(3, agencies=40, months=15)


def tables(r, t=DEFAULT):
    months = r.account_month.with_columns(engagement=None, exposure=None)
    return comparison.account_month_expected(r.post_facts, months, t), months


# ---- one list of reasons ------------------------------------------------------------------------------------------------------


def test_every_reason_that_a_table_can_give_has_its_words_and_no_word_is_left_over():
    given = {*codes.POST_REASONS, "no_account", "dissolved", "not_required", "nothing_sent", "accounts_missing", "days_missing"}
    given |= {"not_open"}
    assert set(reasons.reasons()) == given | {"no_peers"}
    for said in reasons.reasons().values():
        assert said.text_id.endswith(".") and said.text_en.endswith(".")
        assert bool(said.remedy_id) == bool(said.remedy_en)
    assert reasons.reason(None) is None
    assert "jangkauan" in reasons.reason("no_exposure").text("id")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"exposure": None, "is_comparable": False}, "no_exposure"),
        ({"engagement": None, "is_comparable": False}, "no_engagement"),
        ({"is_comparable": False}, "too_young"),
        ({"exposure": 0}, "unseen"),
        ({"is_comparable": False, "is_paid_left_out": True}, "paid_unknown"),
    ],
)
def test_the_reason_is_what_the_download_lacks_not_few_posts(regency, change, reason):
    agency = "ag04"
    mine = pl.col("agency_id") == agency
    posts = regency.post_facts.with_columns(is_paid_left_out=pl.lit(False))
    posts = posts.with_columns(pl.when(mine).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in change.items())
    months = regency.account_month.with_columns(engagement=None, exposure=None)
    expected = comparison.account_month_expected(posts, months)
    accounts = codes.account_window(posts, expected, months)
    many = accounts.filter(mine, pl.col("posts") >= DEFAULT.minimum_posts)
    assert set(many["reason"]) == {reason}
    assert accounts.filter(~mine)["reason"].null_count() > 0.9 * len(accounts.filter(~mine))
    row = windows.agency_window(expected, months, regency.agencies, accounts).row(by_predicate=mine, named=True)
    assert (row["state"], row["reason"]) == ("not_comparable", reason)


def test_no_account_and_dissolved_are_asked_for_nothing(regency):
    expected, months = tables(regency)
    more = pl.DataFrame({"agency_id": ["new", "gone"], "peer_group": "p", "is_ranked": True})
    end = months["month"].max()
    life = {"valid_from": pl.Series([None, None], dtype=pl.Date), "valid_to": pl.Series([None, end], dtype=pl.Date)}
    agencies = pl.concat(
        [regency.agencies.with_columns(valid_from=None, valid_to=None), more.with_columns(**life)], how="vertical_relaxed"
    )
    found = {r["agency_id"]: (r["state"], r["reason"]) for r in windows.agency_window(expected, months, agencies).to_dicts()}
    assert found["new"] == ("not_required", "no_account") and found["gone"] == ("not_required", "dissolved")
    known = pl.DataFrame({"agency_id": ["new", "ag00"]})  # registered, but closed in these months or not yet open
    table = windows.agency_window(expected, months, agencies, registered=known)
    assert table.row(by_predicate=pl.col("agency_id") == "new", named=True)["reason"] == "not_open"


@pytest.mark.parametrize(("column", "reason"), [("exposure", "no_exposure"), ("engagement", "no_engagement")])
def test_an_account_whose_download_lacks_a_column_is_missing_like_one_that_sent_nothing(regency, column, reason):
    """Leaving out the column hides a weak account as well as leaving out the file: of two accounts one is no agency."""
    agency, sums = "ag01", ["account_id", "agency_id", "month"]
    gone = (pl.col("agency_id") == agency) & (pl.col("platform") == "facebook")
    posts = regency.post_facts.with_columns(
        pl.when(gone).then(None).otherwise(pl.col(column)).alias(column), is_comparable=pl.col("is_comparable") & ~gone
    )
    total = posts.group_by(sums).agg(pl.len().alias("posts"), *(pl.col(c).drop_nulls().sum() for c in ("engagement", "exposure")))
    months = regency.account_month.join(total, on=sums, how="left")
    months = months.with_columns(pl.when(gone).then(None).otherwise(pl.col(column)).alias(column))
    expected = comparison.account_month_expected(posts, months)
    accounts = codes.account_window(posts, expected, months)
    row = windows.agency_window(expected, months, regency.agencies, accounts).row(
        by_predicate=pl.col("agency_id") == agency, named=True
    )
    platforms = months.filter(pl.col("agency_id") == agency)["platform"].n_unique()
    assert row["missing_accounts"] == "facebook-01" and (row["n_sent"], row["n_required"]) == (platforms - 1, platforms)
    assert set(accounts.filter(gone)["reason"]) == {reason}
    if platforms == 2:
        assert (row["state"], row["reason"], row["vs_expected"]) == ("not_covered", "accounts_missing", None)
    else:
        whole = windows.agency_window(*tables(regency), regency.agencies).row(
            by_predicate=pl.col("agency_id") == agency, named=True
        )
        assert np.log(row["upper"] / row["lower"]) > np.log(whole["upper"] / whole["lower"])


# ---- thresholds ---------------------------------------------------------------------------------------------------------------


def test_a_threshold_of_settings_moves_the_answer(tmp_path, regency):
    registry.write_template(tmp_path)
    said = (tmp_path / "settings.toml").read_text(encoding="utf-8")
    (tmp_path / "settings.toml").write_text(said.replace("minimum_posts = 5", "minimum_posts = 400"), encoding="utf-8")
    t = thresholds.of(registry.load(tmp_path))
    assert t.minimum_posts == 400 and thresholds.of(None) == DEFAULT
    expected, months = tables(regency)
    assert not (windows.agency_window(expected, months, regency.agencies, t=t)["state"] == "judged").any()


def test_tables_are_built_with_the_thresholds_of_settings():
    """The least posts, weeks and peers of every family come from settings.toml, not from the defaults."""
    chosen = {"minimum_ratio_posts": 2, "minimum_ratio_comments": 1, "minimum_peers": 2}
    asked = registry.Registry(settings={"thresholds": chosen})
    posts = pl.DataFrame(
        {"post_key": [1, 2, 3], "account_id": "ig-a", "agency_id": "a", "platform": "instagram", "month": date(2026, 10, 1)}
        | {"is_counted": True, "export_id": 1, "comments": [1, 1, 9], "likes": [9, 9, 9], "replies": None, "reactions": None}
    )
    ratios = risk.TABLES["estimates.risk_ratios"]
    for known, judged, flagged in ((None, 0, 0), (asked, 3, 1)):
        table = ratios.build({"core.posts": posts}, known)
        assert (table["is_judged"].sum(), table["is_flagged"].sum()) == (judged, flagged)
    box = overview.TABLES["estimates.peer_box"]
    rows = pl.DataFrame({"agency_id": ["a", "b", "c"], "peer_group": "k", "is_listed": True, "level": "flat"})
    window = pl.DataFrame({"agency_id": ["a", "b", "c"], "vs_expected": [0.9, 1.0, 1.1], "detectable": None})
    frames = {"marts.agency_summary": rows, "estimates.agency_window": window}
    assert (len(box.build(frames, None)), len(box.build(frames, asked))) == (0, 3)


@pytest.mark.parametrize("name", thresholds.Thresholds.model_fields)
def test_a_threshold_is_used_somewhere(name):
    """A setting that nothing reads changes nothing."""
    places = [*fingerprints.PACKAGE.rglob("*.py"), *models.WAREHOUSE.rglob("*.sql")]
    read = (path for path in places if path.name != "thresholds.py")
    assert any(re.search(rf"\.{name}\b", path.read_text(encoding="utf-8")) for path in read)


def test_thresholds_that_stood_outside_their_table_are_still_read(tmp_path):
    registry.write_template(tmp_path)
    (tmp_path / "settings.toml").write_text("minimum_posts = 7\nalarm_budget_per_week = 1.0\n", encoding="utf-8")
    t = registry.load(tmp_path).thresholds
    assert (t.minimum_posts, t.alarm_budget_per_week, t.minimum_cases) == (7, 1.0, 20)


def test_a_main_agency_that_does_not_exist_is_refused(tmp_path):
    registry.write_template(tmp_path)
    said = (tmp_path / "settings.toml").read_text(encoding="utf-8")
    (tmp_path / "settings.toml").write_text(said.replace('"pemkab-bogor"', '"pemkab-bogr"'), encoding="utf-8")
    with pytest.raises(registry.RegistryError, match="pemkab-bogor"):
        registry.load(tmp_path)


def test_how_the_answers_move_is_told_for_every_threshold(regency):
    expected, months = tables(regency)
    table = windows.threshold_effect(expected, months, regency.agencies)
    chosen = table.filter("is_chosen")
    assert chosen["threshold_name"].to_list() == list(windows.TRIED)
    assert chosen.select("n_judged", "n_above", "n_below").n_unique() == 1, "the chosen values are one and the same answer"
    band = table.filter(pl.col("threshold_name") == "as_expected").sort("value")["n_as_expected"].to_list()
    assert band == sorted(band) and band[0] < band[-1]


# ---- months, channels, kinds --------------------------------------------------------------------------------------------------


def readings(*seen):
    names = ["account_id", "agency_id", "platform", "date", "followers"]
    return pl.DataFrame([("ig-a", "a", "instagram", d, n) for d, n in seen], orient="row", schema=names)


NO_DAYS = pl.DataFrame(
    schema={"account_id": pl.Utf8, "agency_id": pl.Utf8, "platform": pl.Utf8, "month": pl.Date, "day": pl.Date}
    | {"metric": pl.Utf8, "value": pl.Float64}
)


def test_growth_starts_at_the_reading_nearest_the_first_day():
    seen = readings((date(2026, 9, 2), 900), (date(2026, 9, 29), 1000), (date(2026, 10, 31), 1010), (date(2026, 11, 20), 1500))
    table = {r["month"]: r for r in growth.growth(seen, NO_DAYS).to_dicts()}
    october = table[date(2026, 10, 1)]
    assert (october["followers_start"], october["started_on"], october["followers_end"]) == (1000, date(2026, 9, 29), 1010)
    assert october["growth_rate"] == pytest.approx(0.01 * 365.25 / 32)
    november = table[date(2026, 11, 1)]
    assert (november["growth_rate"], november["followers_end"]) == (None, 1500), "the month is not over: no growth of it"


def test_growth_over_many_months_is_not_a_months_growth():
    table = growth.growth(readings((date(2026, 3, 1), 500), (date(2026, 10, 31), 1000)), NO_DAYS)
    assert table["growth_rate"].to_list() == [None, None]


def test_a_channel_is_slow_only_where_its_whole_interval_is():
    rng = np.random.default_rng(1)
    rows = [
        ("a", c, h)
        for c, median, n in (("comment", 3, 60), ("lapor", 90, 60), ("dm", 40, 8))
        for h in median * rng.lognormal(0, 1, n)
    ]
    cases = pl.DataFrame(rows, schema=["agency_id", "channel", "waited_hours"], orient="row").with_columns(
        month=date(2026, 10, 1), needs_answer=True, is_answered=True, working_hours=pl.col("waited_hours") / 3
    )
    table = {r["channel"]: r for r in response.response_channel(cases, date(2026, 10, 1)).to_dicts()}
    assert (table["comment"]["is_slow"], table["lapor"]["is_slow"], table["dm"]["is_slow"]) == (False, True, None)
    assert table["lapor"]["median_lower"] < table["lapor"]["median_hours"] < table["lapor"]["median_upper"]


def test_advice_about_kinds_is_not_made_of_luck(regency):
    """Kinds drawn by lot: next to nothing is advised. One kind that really draws half more: it is."""
    rng = np.random.default_rng(2)
    posts = regency.post_facts.with_columns(
        content_type=pl.Series(rng.choice(["layanan", "seremonial", "ucapan"], len(regency.post_facts))),
        hour=pl.Series(rng.integers(6, 21, len(regency.post_facts))), programme=pl.lit(None, pl.Utf8),
        format=pl.Series(rng.choice(["photo", "video"], len(regency.post_facts))),
    )  # fmt: skip
    table = lifts.agency_lift(posts)
    assert len(table) > 200 and table["is_advised"].sum() <= 2
    outside = ((table["lower"] > 1) | (table["upper"] < 1)).mean()
    assert outside < 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(table)), "an interval of 95 % leaves out one in twenty"
    kept = np.where(posts["content_type"] == "layanan", 1.0, 1 / 1.6)
    better = posts.with_columns(engagement=pl.Series(rng.binomial(posts["engagement"].to_numpy(), kept)))
    advised = lifts.agency_lift(better).filter("is_advised")
    assert (advised["kind"] == "layanan").mean() > 0.85 and len(advised) > 15


# ---- sentences about chance ---------------------------------------------------------------------------------------------------


def test_a_detectable_rise_is_found_four_times_in_five():
    """One agency rises by exactly the factor that is printed for it; the rule that decides must find it in 80 % of cases."""
    rng = np.random.default_rng(4)
    found, n, se, df = [], 38, 0.2, 60
    for _ in range(400):
        d = rng.standard_t(df, n) * se
        p = 2 * windows.stats.t.sf(np.abs(d) / se, df)
        before = pl.DataFrame({"q": windows.discovery.q_values(p), "df": np.full(n, df), "se": np.full(n, se)})
        d[0] = rng.standard_t(df) * se + np.log(windows.detectable(before, DEFAULT.false_discovery_share)[0])
        q = windows.discovery.q_values(2 * windows.stats.t.sf(np.abs(d) / se, df))
        found.append(q[0] <= DEFAULT.false_discovery_share and d[0] > 0)
    assert np.mean(found) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / 400))


def told_directions(true: np.ndarray, quarters: int, seed: int):
    """Directions that the rule gives `quarters` regencies of agencies with the true changes `true` (ln), noise as it is told."""
    rng, se, found = np.random.default_rng(seed), 0.2, []
    accounts = {"account_id": [f"a{k}" for k in range(len(true))], "agency_id": [f"g{k}" for k in range(len(true))]}
    now = pl.DataFrame(accounts | {"platform": "x", "se": se / np.sqrt(2), "n": 40, "expected_se": 0.0})
    before = now.with_columns(deviation=pl.lit(0.0))
    noise = comparison.Noise(0.0, 0.0, 200, 0.0)
    df = comparison.PRIOR_DF + 2 * 40 - 2
    for _ in range(quarters):
        moved = now.with_columns(deviation=pl.Series(true + rng.standard_t(df, len(true)) * se))
        rows = windows.change_estimates(moved, before, noise).sort("agency_id")
        order = np.argsort(accounts["agency_id"])
        marked = rows["q"].to_numpy() <= DEFAULT.false_discovery_share
        found.append((marked & (true[order] == 0), marked))
    return found


@pytest.mark.parametrize("risen", [0, 4, 12])
def test_of_ten_marks_of_change_at_most_one_is_chance(risen):
    """▲ and ▼ "were checked so that at most one in ten of such marks is chance", whether nobody moved, few, or a third of all."""
    true = np.zeros(38)
    true[:risen] = np.log(1.8)
    shares = [false.sum() / max(marked.sum(), 1) for false, marked in told_directions(true, 250, 5 + risen)]
    assert np.mean(shares) <= 0.10 + 2.6 * np.std(shares) / np.sqrt(len(shares))
    assert risen == 0 or np.mean([marked.sum() for _, marked in told_directions(true, 20, 1)]) > 0.5 * risen


def test_ranges_of_equal_agencies_that_part_are_rare():
    """The page of two to five agencies says "a certainly draws more than b" where their ranges part: among equals hardly ever."""
    rng, y = np.random.default_rng(6), 0.2
    drawn = rng.normal(0, y, (20_000, 5))
    parted = np.ptp(drawn, axis=1) > 2 * windows.Z * y
    assert parted.mean() <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / len(drawn))


# ---- whose response it is -----------------------------------------------------------------------------------------------------


def test_ordered_likes_are_found_and_citizens_are_not_accused():
    null, lifted, ordered = (detection(kind, 250) for kind in ("null", "lift", "ordered"))
    error = 2.6 * np.sqrt(0.05 * 0.95 / 250)
    assert null <= 0.05 + error and lifted <= 0.05 + error
    assert ordered >= 0.85 - 2.6 * np.sqrt(0.85 * 0.15 / 250)


def test_a_rise_with_ordered_likes_is_never_called_improved(regency):
    expected, months = tables(regency)
    plain = windows.agency_window(expected, months, regency.agencies)
    agency = plain.filter(pl.col("vs_expected").is_not_null())["agency_id"][0]
    raised = expected.with_columns(
        deviation=pl.col("deviation")
        + pl.when((pl.col("agency_id") == agency) & (pl.col("month") > date(2025, 9, 1))).then(2.0).otherwise(0.0)
    )
    lit = pl.DataFrame({"agency_id": [agency], "is_lit": [True], "mix_z": [3.0]})
    for guard, direction in ((None, "up"), (lit, windows.MOBILISED)):
        table = windows.agency_window(raised, months, regency.agencies, staff=guard)
        row = table.row(by_predicate=pl.col("agency_id") == agency, named=True)
        assert (row["direction"], row["is_staff_lit"]) == (direction, guard is not None)


def test_a_circular_is_told_to_those_it_addresses():
    agencies = pl.DataFrame({"agency_id": ["a", "b", "c"], "peer_group": ["k", "k", "d"]})
    rows = [
        {"circular_id": "one", "issued_on": date(2026, 8, 1), "scope": "k", "source": "x"},
        {"circular_id": "two", "issued_on": date(2026, 1, 1), "valid_to": date(2026, 6, 30), "scope": "semua", "source": "x"},
        {"circular_id": "three", "issued_on": date(2026, 9, 1), "scope": "c", "source": "x"},
    ]
    found = staff._papers(registry.frame("circulars", rows), agencies, date(2026, 8, 1), date(2026, 11, 1))
    assert found == {"a": "one", "b": "one", "c": "three"}


def test_a_scope_that_nobody_has_is_refused(tmp_path):
    registry.write_template(tmp_path)
    file = tmp_path / "circulars.csv"
    file.write_text(file.read_text(encoding="utf-8") + "e1,2026-08-01,,kecamatn,Surat 1,\n", encoding="utf-8")
    with pytest.raises(registry.RegistryError, match="kecamatan"):
        registry.load(tmp_path)
