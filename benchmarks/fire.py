"""A regency as regencies are: pages that nobody sees, accounts that fall silent, senders who choose, ordered likes, paid reach.

    python -m benchmarks.fire [--seeds 100] [--first 1] [--agencies 40] [--only dead]

Each trouble takes a regency with known truth and gives it back troubled; what an agency is worth does not change by it. Arrays
only, no files: about five seconds a seed and trouble on one core. Under each trouble: the share of judged agencies whose 95 %
interval holds the quality that the generator gave them, the share of regencies of equals in which nobody is called changed, and
how often a true +40 % of four agencies is declared. A number after ± is a standard error over regencies.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmarks.regency import Regency, simulate
from pipeline.statistics import comparison, windows
from pipeline.statistics.comparison import window


def _accounts(r: Regency) -> pl.DataFrame:
    return r.account_month.select("account_id", "agency_id", "platform").unique().sort("account_id")


def dead(r: Regency, seed: int, share: float = 0.1) -> Regency:
    """One account in ten reaches three people a post and gets no reaction."""
    rng = np.random.default_rng([seed, 21])
    ids = _accounts(r)["account_id"].to_numpy()
    gone = pl.col("account_id").is_in(rng.choice(ids, max(1, round(share * len(ids))), replace=False).tolist())
    few = pl.Series(rng.integers(2, 6, len(r.post_facts)))
    posts = r.post_facts.with_columns(
        exposure=pl.when(gone).then(few).otherwise("exposure"), engagement=pl.when(gone).then(0).otherwise("engagement")
    )
    return replace(r, post_facts=posts)


def silent(r: Regency, seed: int, share: float = 0.15) -> Regency:
    """One account in seven published nothing for the last six months; its downloads say so."""
    rng = np.random.default_rng([seed, 22])
    ids = _accounts(r)["account_id"].to_numpy()
    quiet = pl.col("account_id").is_in(rng.choice(ids, round(share * len(ids)), replace=False).tolist())
    return replace(r, post_facts=r.post_facts.filter(~(quiet & pl.col("month").is_in(window(r.months[-1], 6)))))


def selective(r: Regency, seed: int, share: float = 0.3) -> Regency:
    """Three agencies in ten keep their worst account of the last three months to themselves."""
    rng = np.random.default_rng([seed, 23])
    last = pl.col("month").is_in(window(r.months[-1], 3))
    level = (
        r.post_facts.filter(last)
        .group_by("agency_id", "account_id", "platform")
        .agg(y=(pl.col("engagement").sum() + 0.5) / pl.col("exposure").sum())
    )
    level = level.with_columns(y=pl.col("y") / pl.col("y").median().over("platform")).sort("agency_id", "y", "account_id")
    worst = (
        level.filter(pl.len().over("agency_id") > 1)
        .unique("agency_id", keep="first", maintain_order=True)["account_id"]
        .to_numpy()
    )
    kept = pl.col("account_id").is_in(rng.choice(worst, round(share * len(worst)), replace=False).tolist()) & last
    months = r.account_month.with_columns(
        covered_days=pl.when(kept).then(0).otherwise("covered_days"),
        coverage=pl.when(kept).then(0.0).otherwise("coverage"),
        is_complete=pl.col("is_complete") & ~kept,
    )
    return replace(r, post_facts=r.post_facts.filter(~kept), account_month=months)


def paid(r: Regency, seed: int, share: float = 0.05) -> Regency:
    """One post in twenty was boosted: ten times the reach, a tenth of the rate; nobody knows which."""
    rng = np.random.default_rng([seed, 24])
    boosted = pl.Series(rng.random(len(r.post_facts)) < share)
    more = pl.Series(rng.poisson(r.post_facts["engagement"].to_numpy() * 0.9))
    posts = r.post_facts.with_columns(
        exposure=pl.when(boosted).then(pl.col("exposure") * 10).otherwise("exposure"),
        engagement=pl.when(boosted).then(pl.col("engagement") + more).otherwise("engagement"),
    )
    return replace(r, post_facts=posts)


def ordered(r: Regency, seed: int, chosen: int = 4) -> Regency:
    """Forty staff like every post that four agencies made in the last three months; they themselves are not asked for here
    (benchmarks/guard.py does), but what is said of all others."""
    hit = pl.col("agency_id").is_in(_ordered(r, seed, chosen)) & pl.col("month").is_in(window(r.months[-1], 3))
    likes = pl.Series(np.random.default_rng([seed, 27]).binomial(44, 0.9, len(r.post_facts)))
    return replace(
        r, post_facts=r.post_facts.with_columns(engagement=pl.col("engagement") + pl.when(hit).then(likes).otherwise(0))
    )


def _ordered(r: Regency, seed: int, chosen: int = 4) -> list[str]:
    return np.random.default_rng([seed, 26]).choice(sorted(r.quality), chosen, replace=False).tolist()


Change = Callable[[Regency, int], Regency]
REAL_SPREADS = (0.3, 0.8)
TROUBLES: dict[str, Change] = {
    "none": lambda r, _: r,
    "dead accounts, 1 in 10": dead,
    "silent accounts, 1 in 7": silent,
    "worst account kept back, 3 in 10": selective,
    "boosted posts, 1 in 20": paid,
    "ordered likes, 4 agencies": ordered,
    "spread of real accounts": lambda r, _: r,  # made by the generator
}


# ---- what is said of it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """Of one seed: agencies judged, of which the interval holds the truth, quiet null, share of raised agencies declared."""

    judged: int
    inside: int
    is_quiet: bool
    declared: float


@dataclass(frozen=True)
class Row:
    trouble: str
    trials: list[Trial]

    @property
    def coverage(self) -> tuple[float, float]:
        """Share of all judged agencies, and its standard error: agencies of one regency are not independent."""
        n, k = (np.array([getattr(t, name) for t in self.trials], float) for name in ("judged", "inside"))
        share = k.sum() / n.sum()
        return float(share), float(np.sqrt(len(n) / max(len(n) - 1, 1) * ((k - share * n) ** 2).sum()) / n.sum())

    @property
    def quiet(self) -> tuple[float, float]:
        values, n = np.array([t.is_quiet for t in self.trials], float), len(self.trials)
        p = (values.sum() + 1) / (n + 2)  # never ± 0
        return float(values.mean()), float(np.sqrt(p * (1 - p) / (n + 2)))

    @property
    def power(self) -> tuple[float, float]:
        values = np.array([t.declared for t in self.trials])
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")

    @property
    def said(self) -> str:
        (covered, covered_se), (quiet, quiet_se), (found, found_se) = self.coverage, self.quiet, self.power
        text = f"{covered:.1%} ± {100 * covered_se:.1f}; nobody called changed in {quiet:.0%} ± {100 * quiet_se:.0f} of nulls"
        return f"{text}; +40 % declared in {found:.0%} ± {100 * found_se:.0f} ({len(self.trials)} seeds)"

    @property
    def is_reached(self) -> bool:
        (covered, covered_se), (quiet, quiet_se) = self.coverage, self.quiet
        return covered >= 0.94 - 2 * covered_se and quiet >= 0.85 - 2 * quiet_se


def rows(seeds: Sequence[int], agencies: int = 40, only: str = "") -> Iterator[Row]:
    for name in TROUBLES:
        if only in name:
            yield Row(name, [trial(name, seed, agencies) for seed in seeds])


def trial(name: str, seed: int, agencies: int) -> Trial:
    spreads = REAL_SPREADS if "spread" in name else None
    usual, null = (
        simulate(seed, agencies=agencies, months=18, train=False, null=is_null, spreads=spreads) for is_null in (False, True)
    )
    change = TROUBLES[name]
    r, quiet = change(usual, seed), change(null, seed)
    out = _ordered(r, seed) if change is ordered else []
    now = verdicts(r).filter(~pl.col("agency_id").is_in(out))
    inside = covered(r, now)
    return Trial(len(inside), int(inside.sum()), is_quiet(quiet, out), power(r, seed, now))


def verdicts(r: Regency) -> pl.DataFrame:
    months = r.account_month.with_columns(engagement=None, exposure=None)
    return windows.agency_window(comparison.account_month_expected(r.post_facts, months), months, r.agencies)


def covered(r: Regency, now: pl.DataFrame) -> np.ndarray:
    """Of every judged agency: whether its 95 % interval holds its quality."""
    table = now.filter(pl.col("state").is_in(["judged", "not_ranked"]))
    truth = np.array([r.quality[a] for a in table["agency_id"]])
    centred = np.exp(truth - np.mean(list(r.quality.values())))
    return (table["lower"].to_numpy() <= centred) & (centred <= table["upper"].to_numpy())


def is_quiet(r: Regency, out: list[str]) -> bool:
    return not verdicts(r).filter(~pl.col("agency_id").is_in(out))["direction"].is_in(["up", "down"]).any()


def power(r: Regency, seed: int, now: pl.DataFrame, chosen: int = 4) -> float:
    """Share of agencies declared better that draw 40 % more of everything in the last quarter, of those with a change."""
    able = now.filter(pl.col("change").is_not_null())["agency_id"].sort().to_numpy()
    rng = np.random.default_rng([seed, 41])
    raised = rng.choice(able, min(chosen, len(able)), replace=False).tolist()
    hit = pl.col("agency_id").is_in(raised) & pl.col("month").is_in(window(r.months[-1], 3))
    more = pl.Series(rng.poisson(0.4 * r.post_facts["engagement"].to_numpy()))
    posts = r.post_facts.with_columns(engagement=pl.col("engagement") + pl.when(hit).then(more).otherwise(0))
    after = verdicts(replace(r, post_facts=posts))
    return float((after.filter(pl.col("agency_id").is_in(raised))["direction"] == "up").mean() or 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--agencies", type=int, default=40)
    parser.add_argument("--only", default="", help="part of a trouble's name")
    asked = parser.parse_args()
    for row in rows(range(asked.first, asked.first + asked.seeds), asked.agencies, asked.only):
        print(f"{'reached    ' if row.is_reached else 'NOT REACHED'} {row.trouble:<34} {row.said}", flush=True)


if __name__ == "__main__":
    main()
