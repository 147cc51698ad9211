"""The guard against ordered likes on accounts with the spread of real ones: sd of ln rate 0.3 to 0.8, medians 2 to 200.

    python -m benchmarks.guard [--accounts 500]

Five quarters per account; the last is `null` unchanged, `lift` +40 % in all reactions, or `ordered` 40 staff likes on each post.
Saves and clicks are a few of a hundred reactions, three times as many on posts about services.
"""

import argparse
import zlib

import numpy as np

from pipeline.statistics import staff

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


def detection(kind: str, accounts: int) -> float:
    """Share of accounts at which the guard lights."""
    lit = []
    for seed in range(accounts):
        now, *past = quarters(np.random.default_rng([seed, zlib.crc32(kind.encode())]), kind)
        lit.append(staff.is_lit(now, *staff.shift(now, past)))
    return float(np.mean(lit))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    n = parser.parse_args().accounts
    for kind in KINDS:
        share = detection(kind, n)
        print(f"{kind:<8} lights at {share:.1%} ± {100 * np.sqrt(share * (1 - share) / n):.1f} of {n} accounts", flush=True)


if __name__ == "__main__":
    main()
