"""Published numbers are reproduced, not approximated: every value of reference_values.json within its printed rounding."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.statistics import panel, ranks, shrinkage, survival

FILE = Path(__file__).parent / "reference_values.json"
USED: set[tuple[str, ...]] = set()  # what the tests below have read: `test_every_reference_value_is_used` looks at it last
TOLD = {"source", "note", "measure", "js_formula_1977", "arcsine", "rebuild", "checked_against"}  # sentences, not values
TOLD_AT = {("staggered_did", "expect", "se")}


class Reference(dict):
    """A block of reference_values.json that remembers which of its entries were read."""

    def __init__(self, values: dict, path: tuple[str, ...] = ()) -> None:
        inner = {k: Reference(v, (*path, k)) if isinstance(v, dict) else v for k, v in values.items()}
        super().__init__(inner)
        self.path = path

    def __getitem__(self, key: str):
        USED.add((*self.path, key))
        return super().__getitem__(key)

    def items(self):
        return [(key, self[key]) for key in self]

    def values(self):
        return [self[key] for key in self]

    def entries(self) -> set[tuple[str, ...]]:
        """Paths of everything that is a value: what has no entries of its own and is no sentence."""
        found: set[tuple[str, ...]] = set()
        for key in self:
            value = super().__getitem__(key)
            found |= value.entries() if isinstance(value, Reference) else {(*self.path, key)}
        return {path for path in found if path[-1] not in TOLD and path not in TOLD_AT}


REFERENCE = Reference(json.loads(FILE.read_text()))


def near(value, published, digits):
    """Equal to what was printed with `digits` decimals."""
    np.testing.assert_allclose(value, published, rtol=0, atol=0.5 * 10**-digits + 1e-12)


def test_rat_tumours():
    r, e = REFERENCE["beta_binomial"], REFERENCE["beta_binomial"]["expect"]
    y, n = np.array(r["y"]), np.array(r["n"])
    near((y / n).mean(), e["mean"], 3)
    near((y / n).std(), e["sd"], 3)
    fitted = shrinkage.beta_binomial(y, n)
    near([fitted.alpha, fitted.beta], e["mle_alpha_beta_70"], 4)


@pytest.fixture
def vaccine_trials():
    a, b, c, d = np.array(REFERENCE["normal_normal_eb"]["table_tpos_tneg_cpos_cneg"], float).T
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_vaccine_trials_between_study_variance(vaccine_trials):
    expect = REFERENCE["normal_normal_eb"]["expect"]["pm"]
    found = shrinkage.shrink(*vaccine_trials)
    near([found.tau2, found.mu, found.mu_se], [expect["tau2"], expect["mu"], expect["se"]], 4)


def test_vaccine_trials_heterogeneity_and_shrunk_means(vaccine_trials):
    y, s = vaccine_trials
    e = REFERENCE["normal_normal_eb"]["expect"]
    near(shrinkage.heterogeneity_q(y, s), e["Q"], 3)
    near(shrinkage.shrink(y, s).mean, e["eb_means_pm"], 4)


def test_freireich_survival():
    r, e = REFERENCE["kaplan_meier"], REFERENCE["kaplan_meier"]["expect"]
    curve = survival.kaplan_meier(r["time"], r["event"])
    for time, value in e.items():
        if time != "median":
            near(curve.at(float(time)), value, 4)
    assert curve.quantile(0.5) == e["median"]


@pytest.fixture
def pisa():
    r = REFERENCE["rank_sets"]["score_se"]
    return list(r), *np.array(list(r.values()), float).T


def test_pisa_marginal_rank_set_of_one_country(pisa):
    names, x, se = pisa
    e, uk = REFERENCE["rank_sets"]["expect"], names.index("United Kingdom")
    best, worst = ranks.marginal(x, se)
    assert best[uk] in e["uk_marginal_95_lower"]
    assert worst[uk] in e["uk_marginal_95_upper"]


def test_pisa_simultaneous_sets(pisa):
    names, x, se = pisa
    e = REFERENCE["rank_sets"]["expect"]
    best, worst = ranks.simultaneous(x, se)
    for country, bounds in e["simultaneous_95"].items():
        i = names.index(country)
        assert [best[i], worst[i]] == bounds, country


def test_goldstein_healy_multiplier():
    near(ranks.GOLDSTEIN_HEALY, REFERENCE["rank_sets"]["expect"]["goldstein_healy_multiplier"], 3)
    near(1.959964 / np.sqrt(2), ranks.GOLDSTEIN_HEALY, 3)


@pytest.fixture(scope="module")
def employment():
    """A panel with exactly the published means and covariances of each cohort; nothing else enters any estimate."""
    r, rng = REFERENCE["staggered_did"], np.random.default_rng(1)
    rows, cohort = [], []
    for g in r["groups"]:
        n, mean, cov = g["n"], np.array(g["mean"]), np.array(g["cov_ddof1"])
        z = rng.standard_normal((n, len(mean)))
        z -= z.mean(0)
        z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, ddof=1))).T
        values, vectors = np.linalg.eigh(cov)
        rows.append(z @ (vectors * np.sqrt(values)) @ vectors.T + mean)
        cohort += [g["first_treated"]] * n
    return np.vstack(rows), np.array(cohort), np.array(r["times"])


@pytest.mark.parametrize("control, block", [("never", "never_treated"), ("not_yet", "not_yet_treated")])
def test_county_employment_group_time_effects(employment, control, block):
    r = panel.att_gt(*employment, control=control)
    expect = np.array(REFERENCE["staggered_did"]["expect"][block]["att_gt"])
    near(np.column_stack([r.group, r.time, r.att, r.se]), expect, 6)


@pytest.mark.parametrize("control, block", [("never", "never_treated"), ("not_yet", "not_yet_treated")])
def test_county_employment_aggregates(employment, control, block):
    e = REFERENCE["staggered_did"]["expect"][block]
    r = panel.att_gt(*employment, control=control)
    near(_pair(panel.simple(r)), e["simple"], 6)
    by_event, overall, _ = panel.dynamic(r)
    near([[k, *_pair(v)] for k, v in by_event], e["dynamic"], 6)
    near(_pair(overall), e["dynamic_overall"], 6)
    by_group, overall = panel.group(r)
    near([[k, *_pair(v)] for k, v in by_group], e["group"], 6)
    near(_pair(overall), e["group_overall"], 6)
    by_time, overall = panel.calendar(r)
    near([[k, *_pair(v)] for k, v in by_time], e["calendar"], 6)
    near(_pair(overall), e["calendar_overall"], 6)


def test_county_employment_imputation(employment):
    e = REFERENCE["staggered_did"]["expect"]["imputation_bjs"]
    found = panel.imputation(*employment).overall
    near(found.effect, e["att"], 5)
    near(found.se, e["se"], 6)


def test_county_employment_imputation_by_event_time(employment):
    e = REFERENCE["staggered_did"]["expect"]["imputation_bjs"]["by_event_time"]
    Y, g, t = employment
    elapsed = np.where(g[:, None] > 0, t[None, :] - g[:, None], 99)
    for k, effect in e.items():
        near(panel.imputation(Y, g, t, target=elapsed == int(k)).overall.effect, effect, 5)


def test_county_employment_two_way_fixed_effects(employment):
    e = REFERENCE["staggered_did"]["expect"]["twfe"]
    near(_pair(panel.two_way_fixed_effects(*employment)), [e["att"], e["se_crv1"]], 6)


def _pair(effect):
    return [effect.effect, effect.se]


# ---- nothing left out: stays the last test of this file ----------------------------------------------------------------------


def test_every_reference_value_is_used(request):
    """A value that is added and that no test above reads fails here."""
    mine = [item.name for item in request.session.items if item.fspath == request.node.fspath]
    names = {name for name in globals() if name.startswith("test_")}
    if names - {name.split("[")[0] for name in mine}:
        pytest.skip("a part of this file says nothing about the whole")
    assert REFERENCE.entries() - USED == set()


def test_a_value_that_nobody_reads_is_noticed():
    block = Reference({"new": {"expect": {"a": 1, "b": 2}}, "note": "x"})
    assert block["new"]["expect"]["a"] == 1
    assert {path for path in block.entries() if path not in USED} == {("new", "expect", "b")}
    USED.difference_update({("new",), ("new", "expect"), ("new", "expect", "a")})
