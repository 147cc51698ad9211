"""A regency as regencies are: pages that nobody sees, accounts that fall silent, senders who choose, ordered likes, paid reach.

Each trouble takes a regency with known truth and gives it back troubled; what an agency is worth does not change by it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from benchmarks.regency import Regency
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


def calm(r: Regency, seed: int) -> Regency:
    """Posts of one account differ by 0.3 to 0.8 on the ln scale, as real ones do, and not by 0.9."""
    rng = np.random.default_rng([seed, 25])
    ids = _accounts(r)["account_id"].to_list()
    spread = dict(zip(ids, rng.uniform(0.3, 0.8, len(ids)), strict=True))
    sd = np.array([spread[a] for a in r.post_facts["account_id"]])
    middle = r.post_facts.group_by("account_id", "month").agg(
        rate=(pl.col("engagement").sum() + 0.5) / (pl.col("exposure").sum() + 20)
    )
    rate = r.post_facts.join(middle, on=["account_id", "month"], how="left", maintain_order="left")["rate"].to_numpy()
    mean = r.post_facts["exposure"].to_numpy() * rate * np.exp(rng.normal(0, 1, len(sd)) * sd - sd**2 / 2)
    return replace(r, post_facts=r.post_facts.with_columns(engagement=pl.Series(rng.poisson(mean))))


TROUBLES: dict[str, Callable[[Regency, int], Regency]] = {
    "dead accounts, 1 in 10": dead,
    "silent accounts, 1 in 7": silent,
    "worst account kept back, 3 in 10": selective,
    "boosted posts, 1 in 20": paid,
    "spread of real accounts": calm,
}
