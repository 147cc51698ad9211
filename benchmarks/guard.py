"""The guard against ordered likes on accounts with the spread of real ones: sd of ln rate 0.3 to 0.8, medians 2 to 200.

    python -m benchmarks.guard [--accounts 500] [--seeds 8] [--first 0]

The limits were tuned on the accounts and regencies of `--first 0`; another first seed is another draw.

Five quarters per account; the last is `null` unchanged, `lift` +40 % in all reactions, or `ordered` 40 staff likes on each post.
Saves and clicks are a few of a hundred reactions, three times as many on posts about services.

Then the same from end to end, in regencies of the generator of the sample data: four agencies get an order to like, or really
draw 40 % more of everything, for the last three months, and all tables are made up to the verdict of the quarter.
"""

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmarks.regency import RESPONSES, Regency, from_samples
from pipeline import registry
from pipeline.platforms import platforms
from pipeline.statistics import comparison, staff, windows

KINDS = ("null", "lift", "ordered")


def quarters(rng: np.random.Generator, kind: str) -> list[staff.Quarter]:
    """The newest first."""
    spread, median = rng.uniform(0.3, 0.8), np.exp(rng.uniform(np.log(2), np.log(200)))
    posts, reach, service = int(rng.integers(10, 80)), rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.3)
    found = []
    for k in range(5):
        n = max(int(rng.poisson(posts)), 1)
        mean = median * np.exp(rng.normal(0, 0.12) + rng.normal(0, spread, n) + rng.normal(0, reach, n))
        mean = mean * (1.4 if kind == "lift" and k == 0 else 1.0)
        likes = rng.poisson(mean)
        others = rng.poisson(mean * np.where(rng.random(n) < service, 0.15, 0.05))
        if kind == "ordered" and k == 0:
            likes = likes + rng.binomial(44, 0.9, n)
        found.append(staff.quarter(likes, others.astype(float), rng))
    return found


def detection(kind: str, accounts: int, first: int = 0) -> float:
    """Share of accounts at which the guard lights."""
    lit = []
    for seed in range(first, first + accounts):
        now, *past = quarters(np.random.default_rng([seed, zlib.crc32(kind.encode())]), kind)
        lit.append(staff.is_lit(now, *staff.shift(now, past)))
    return float(np.mean(lit))


# ---- end to end ---------------------------------------------------------------------------------------------------------------

REAL_SPREADS = (0.3, 0.8)
CHOSEN = 4  # agencies that are changed in a regency


@dataclass(frozen=True)
class Verdicts:
    """Of one regency: accounts that light and could (enough posts), and the direction of the chosen agencies."""

    lit: list[bool]
    plain: list[str]  # by the rule that decides a change, without the guard
    guarded: list[str]
    likeless: list[bool]  # whether a second value without likes stands beside the direction
    agencies_lit: list[bool]  # of the chosen agencies, whatever their change


def injected(r: Regency, kind: str, chosen: list[str], rng: np.random.Generator) -> Regency:
    """`ordered`: forty staff like every post of the last three months; `lift`: citizens do 40 % more of everything."""
    rows = r.post_facts
    hit = rows["agency_id"].is_in(chosen) & rows["month"].is_in(comparison.window(r.months[-1], 3))
    added = {name: np.zeros(len(rows), np.int64) for name in RESPONSES}
    for name, platform in platforms().items():
        here = (hit & (rows["platform"] == name)).to_numpy()
        if kind == "ordered" and platform.like:
            added[platform.like][here] = rng.binomial(44, 0.9, int(here.sum()))
        if kind == "lift":
            for part in RESPONSES:
                added[part][here] = rng.poisson(0.4 * rows[part].fill_null(0).to_numpy()[here])
    more = pl.Series(np.zeros(len(rows), np.int64))
    for name, platform in platforms().items():
        for part in set(platform.engagement) & set(RESPONSES):
            more = more + pl.Series(np.where(rows["platform"] == name, added[part], 0))
    parts = [(pl.col(name) + pl.Series(added[name])).alias(name) for name in RESPONSES]
    return replace(r, post_facts=rows.with_columns(*parts, engagement=pl.col("engagement") + more))


def verdicts(r: Regency, chosen: list[str] | None = None) -> Verdicts:
    """All tables up to the verdict of the newest quarter; without `chosen` of all agencies."""
    months = r.account_month.with_columns(posts=pl.lit(None, pl.Int64), engagement=None, exposure=None)
    expected = comparison.account_month_expected(r.post_facts, months)
    likes = staff.staff_likes(r.post_facts, months, registry.frame("circulars"), r.agencies)
    without = staff.change_without_likes(r.post_facts, r.post_facts, months)
    known = [
        windows.agency_window(expected, months, r.agencies, staff=guard, without_likes=without).sort("agency_id")
        for guard in (None, likes)
    ]
    able = likes.filter(pl.col("floor_z").is_not_null() | pl.col("mix_z").is_not_null())
    if chosen is not None:
        able = able.filter(pl.col("agency_id").is_in(chosen))
        known = [table.filter(pl.col("agency_id").is_in(chosen)) for table in known]
    beside = known[1]["change_without_likes"].is_not_null().to_list()
    directions = (table["direction"].to_list() for table in known)
    return Verdicts(able["is_lit"].to_list(), *directions, beside, known[1]["is_staff_lit"].to_list())


def regency_verdicts(seed: int, profile: str = "full", spreads: tuple[float, float] | None = REAL_SPREADS) -> dict[str, Verdicts]:
    """A regency as it is (its accounts, all agencies) and after each change of four of its agencies."""
    r = from_samples(seed, profile, spreads=spreads)
    table = windows.agency_window(*_expected(r), r.agencies)
    judged = table.filter(pl.col("direction") == "flat", pl.col("change").is_not_null())["agency_id"].sort().to_list()
    rng = np.random.default_rng([seed, 31])
    chosen = sorted(rng.choice(judged, CHOSEN, replace=False).tolist())
    changed = {kind: verdicts(injected(r, kind, chosen, rng), chosen) for kind in ("lift", "ordered")}
    return {"null": verdicts(r), **changed}


def _expected(r: Regency) -> tuple[pl.DataFrame, pl.DataFrame]:
    months = r.account_month.with_columns(engagement=None, exposure=None)
    return comparison.account_month_expected(r.post_facts, months), months


def end_to_end(
    seeds: int, profile: str = "full", spreads: tuple[float, float] | None = REAL_SPREADS, first: int = 0
) -> Iterator[tuple[str, str, bool]]:
    """(what, found, reached) of regencies with four agencies changed in each."""
    found = [regency_verdicts(seed, profile, spreads) for seed in range(first + 1, first + seeds + 1)]

    def all_of(kind: str, field: str) -> list:
        return [x for one in found for x in getattr(one[kind], field)]

    lit = [float(np.mean(one["null"].lit)) for one in found]
    yield (
        "accounts lit where nothing was ordered",
        _share(all_of("null", "lit"), lit),
        bool(np.mean(all_of("null", "lit")) <= 0.05),
    )
    lit = [float(np.mean(one["ordered"].lit)) for one in found]
    yield (
        "accounts lit under forty ordered likes",
        _share(all_of("ordered", "lit"), lit),
        bool(np.mean(all_of("ordered", "lit")) >= 0.85),
    )
    plain, guarded = (all_of("ordered", field) for field in ("plain", "guarded"))
    beside = sum(d == windows.MOBILISED and known for d, known in zip(guarded, all_of("ordered", "likeless"), strict=True))
    said = f"{guarded.count('up')} of {len(guarded)} called improved with the guard, {plain.count('up')} without; "
    said += f"{beside} of {guarded.count(windows.MOBILISED)} have their value without likes beside"
    yield "agencies with forty ordered likes", said, "up" not in guarded
    plain, guarded = (all_of("lift", field) for field in ("plain", "guarded"))
    kept = [g == "up" for p, g in zip(plain, guarded, strict=True) if p == "up"]
    said = f"{_share(kept, kept)} of those that the rule declares are still declared; "
    unlit = [not lit for lit in all_of("lift", "agencies_lit")]
    said += f"the rule finds {plain.count('up')} of {len(plain)}; {_share(unlit, unlit)} of all are unlit and would keep theirs"
    yield "agencies with 40 % more of everything", said, bool(kept and np.mean(kept) >= 0.8)


def _share(happened: list[bool], per_regency: list) -> str:
    """A share with its standard error over regencies, or over cases where these are independent."""
    values = np.asarray(per_regency, float)
    return f"{np.mean(happened):.1%} ± {100 * values.std(ddof=1) / np.sqrt(len(values)):.1f} of {len(happened)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=8, help="regencies from end to end")
    parser.add_argument("--first", type=int, default=0, help="the seed before the first")
    parser.add_argument("--spread", choices=("real", "demo", "both"), default="both")
    parser.add_argument("--profile", default="full", choices=("demo", "full"))
    asked = parser.parse_args()
    n = asked.accounts
    for kind in KINDS:
        share = detection(kind, n, asked.first)
        print(f"{kind:<8} lights at {share:.1%} ± {100 * np.sqrt(share * (1 - share) / n):.1f} of {n} accounts", flush=True)
    for spreads in {"real": (REAL_SPREADS,), "demo": (None,), "both": (REAL_SPREADS, None)}[asked.spread]:
        print(f"regencies of the sample data, spread of posts {spreads or 'as in the demo'}", flush=True)
        for what, found, reached in end_to_end(asked.seeds, asked.profile, spreads, asked.first):
            print(f"{'reached    ' if reached else 'NOT REACHED'} {what:<42} {found}", flush=True)


if __name__ == "__main__":
    main()
