"""A regency with known truth in memory, following METHODS section 4: posts and account months as the marts would have them.

Faster than writing and reading export files, so that many seeds can be tried; posts are mature (age is tested apart).
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import polars as pl

from pipeline.statistics.comparison import add_months

PLATFORMS = {  # adopt, median followers, reach at 10k, rate, posts per week (METHODS 4.1)
    "instagram": (0.95, 3500, 2500, 0.045, 5.0),
    "facebook": (0.75, 3000, 1200, 0.022, 4.0),
    "tiktok": (0.45, 1500, 6000, 0.040, 2.0),
    "x": (0.40, 1200, 1500, 0.012, 4.0),
    "youtube": (0.35, 900, 2000, 0.030, 0.6),
}
GROUPS = ["kecamatan"] * 40 + ["dinas_layanan"] * 14 + ["dinas_sektor"] * 12 + ["penunjang"] * 8 + ["bumd"] * 8 + ["rsud"] * 4
FORMATS = {"photo": (0.45, 0.0), "carousel": (0.20, 0.0), "video": (0.35, 0.25)}


@dataclass(frozen=True)
class Regency:
    post_facts: pl.DataFrame
    account_month: pl.DataFrame
    agencies: pl.DataFrame
    trainings: pl.DataFrame
    quality: dict[str, float]  # q of each agency, ln
    account: dict[str, float]  # u of each account, ln
    effect: dict[int, float]  # wave -> ln effect of training
    months: list[date]
    account_days: pl.DataFrame | None = None
    events: list[tuple[str, str, date, int]] = field(default_factory=list)  # agency, negative | viral, first day, days
    subjects: dict[str, float] = field(default_factory=dict)  # what an agency's own mix of subjects adds, ln


def simulate(
    seed: int,
    *,
    agencies: int = 86,
    months: int = 24,
    null: bool = False,
    train: bool = True,
    first=date(2024, 10, 1),
    spreads: tuple[float, float] | None = None,
):
    """One regency. `null` = every agency and account equal, no training effect; season and shocks stay.

    `spreads`: sd of ln rates between posts of one account, drawn per account (real ones: 0.3 to 0.8); else 0.9 for all.
    """
    rng = np.random.default_rng([seed, 4])
    calendar = [add_months(first, k) for k in range(months)]
    q = np.zeros(agencies) if null else rng.normal(0, 0.35, agencies)
    wave = _waves(rng, q, agencies, months) if train else np.full(agencies, -1)
    effects = {0: 0.0, 1: 0.0, 2: 0.0} if null else {0: 0.30, 1: 0.20, 2: 0.10}
    shock = _ar1(rng, (agencies, months), 0.5, 0.12)
    season = rng.normal(0, 0.04, months).cumsum()
    starts = np.array([5, 9, 16])[np.maximum(wave, 0)]
    lift = np.where((wave >= 0)[:, None], _ramp(months, starts) * np.array([effects[max(w, 0)] for w in wave])[:, None], 0.0)
    parts, accounts, u = [], [], {}
    for platform, (adopt, followers, reach10, rate, weekly) in PLATFORMS.items():
        for a in np.flatnonzero(rng.random(agencies) < adopt):
            account = f"{platform}-{a:02d}"
            u[account] = 0.0 if null else rng.normal(0, 0.25)
            f = followers * np.exp(rng.normal())
            n = rng.poisson(weekly * 30.4 / 7 * np.exp(rng.normal(0, 0.55)) * np.exp(0.5 * lift[a]))
            level = np.log(rate) + q[a] + u[account] + shock[a] + season + lift[a]
            reach, group = reach10 * (f / 1e4) ** 0.8, GROUPS[a % len(GROUPS)]
            sd = 0.9 if spreads is None else rng.uniform(*spreads)
            parts.append(_posts(rng, f"ag{a:02d}", account, platform, group, calendar, n, level, reach, sd))
            accounts.append((account, f"ag{a:02d}", platform, float(round(f))))
    frame = pl.concat(parts).with_columns(post_key=pl.int_range(pl.len()))
    return Regency(
        frame, _account_month(accounts, calendar), _agencies(agencies), _trainings(wave, starts, calendar),
        {f"ag{a:02d}": float(q[a]) for a in range(agencies)}, u, effects, calendar,
    )  # fmt: skip


def _waves(rng, q, agencies, months):
    """Weaker agencies first, with noise; a third never trained."""
    order = np.argsort(q + rng.normal(0, 0.3, agencies))
    wave = np.full(agencies, -1)
    size = round(agencies * 0.21)
    for k in range(3 if months >= 20 else 2):
        wave[order[k * size : (k + 1) * size]] = k
    return wave


def _ramp(months, starts):
    elapsed = np.arange(months)[None, :] - starts[:, None]
    return np.where(elapsed < 0, 0.0, np.where(elapsed == 0, 0.5, 1.0))


def _ar1(rng, shape, rho, sd):
    out = np.empty(shape)
    out[:, 0] = rng.normal(0, sd, shape[0])
    for k in range(1, shape[1]):
        out[:, k] = rho * out[:, k - 1] + rng.normal(0, sd * np.sqrt(1 - rho**2), shape[0])
    return out


def _posts(rng, agency, account, platform, group, calendar, n, level, reach, sd=0.9):
    month = np.repeat(np.arange(len(calendar)), n)
    size = len(month)
    names = list(FORMATS)
    form = rng.choice(len(names), size, p=[FORMATS[f][0] for f in names])
    viral = np.where(rng.random(size) < 0.01, np.minimum(3 / rng.random(size) ** (2 / 3), 200), 1.0)
    x = np.round(reach * np.exp(rng.normal(0, 0.5, size)) * viral)
    post = level[month] + rng.normal(-0.405, sd, size) + np.array([FORMATS[f][1] for f in names])[form]
    e = rng.poisson(x * np.minimum(0.6, np.exp(post)))
    first = np.array([(d - date(1970, 1, 1)).days for d in calendar])[month]
    day = first + rng.integers(0, 28, size)
    return pl.DataFrame(
        {
            "platform": [platform] * size, "account_id": [account] * size,
            "agency_id": [agency] * size, "peer_group": [group] * size,
            "month": pl.Series(first.astype(np.int32)).cast(pl.Date),
            "published_on": pl.Series(day.astype(np.int32)).cast(pl.Date),
            "format": np.array(names)[form], "engagement": e, "exposure": x.astype(int), "ln_rate": np.log((e + 0.5) / (x + 1)),
            "is_comparable": np.ones(size, bool), "maturity": ["mature"] * size,
        }
    )  # fmt: skip


def _account_month(accounts, calendar):
    """`accounts`: id, agency (or a function of the day), platform, followers. A month belongs to the owner in its middle."""
    owners = [(a, g if callable(g) else lambda day, agency=g: agency, p, f) for a, g, p, f in accounts]
    rows = [
        (a, g(m + timedelta(days=14)), p, m, f, d := (add_months(m, 1) - timedelta(days=1)).day, d, 1.0, True)
        for a, g, p, f in owners
        for m in calendar
    ]
    names = [
        "account_id",
        "agency_id",
        "platform",
        "month",
        "followers_end",
        "covered_days",
        "days_in_month",
        "coverage",
        "is_complete",
    ]
    return pl.DataFrame(rows, schema=names, orient="row")


def _agencies(n):
    groups = [GROUPS[a % len(GROUPS)] for a in range(n)]
    ranked = [groups.count(g) >= 8 for g in groups]
    return pl.DataFrame({"agency_id": [f"ag{a:02d}" for a in range(n)], "peer_group": groups, "is_ranked": ranked})


def _trainings(wave, starts, calendar):
    rows = [(f"ag{a:02d}", calendar[starts[a]], str(w)) for a, w in enumerate(wave) if w >= 0]
    return pl.DataFrame(rows, schema={"agency_id": pl.Utf8, "date": pl.Date, "wave": pl.Utf8}, orient="row")


RESPONSES = ("likes", "reactions", "comments", "replies", "shares", "reposts", "saves", "bookmarks", "link_clicks")


def from_samples(seed: int, profile: str = "full", null: bool = False, spreads: tuple[float, float] | None = None) -> Regency:
    """The same frames from the generator of the demo's files, without the files: nothing missing, all posts mature.

    `spreads`: sd of ln rates between posts of one account, drawn per account (real ones: 0.3 to 0.8; the demo's: 0.9).
    """
    from pipeline import samples
    from pipeline.samples.posts import FORMATS as KINDS
    from pipeline.samples.posts import followers, months_since, training_effect
    from pipeline.samples.posts import simulate as posts_of
    from pipeline.samples.regency import PLATFORMS as RATE
    from pipeline.samples.regency import accounts, agencies
    from pipeline.samples.streams import date_of

    world = replace(samples.make_world(samples.profile(profile), seed, null, samples.TODAY), spreads=spreads)
    group = {r["agency_id"]: r["peer_group"] for r in agencies(world.plan)}
    n_months = int(months_since(np.array([world.first + world.days]), world.start)[0])
    first = world.start.replace(day=1) if world.start.day == 1 else add_months(world.start, 1)
    calendar = [m for m in (add_months(first, k) for k in range(n_months)) if add_months(m, 1) <= world.today]
    parts, known, lost, u, subjects = [], [], [], {}, {}
    for account in accounts(world.plan, seed, null):
        p = posts_of(world, account)
        if not len(p.at):
            continue
        final = p.final
        x = final["reach" if "reach" in final else "impressions" if "impressions" in final and "views" not in final else "views"]
        e = sum(final[k] for k in _engagement_parts(account.platform))
        names = np.array(["video" if k in ("reel", "short", "live") else k for k, _ in KINDS[account.platform]])
        parts.append(_sample_frame(account, p, e, x, names, group))
        known.append((account.account_id, account.owner, account.platform, float(round(account.followers))))
        u[account.account_id] = float(account.quality)
        own = np.log(RATE[account.platform].rate) + world.quality[account.operator] + account.quality
        rest = p.mean_log - own - training_effect(world, account.operator, p.day)
        subjects.setdefault(account.operator, []).append(float(rest.mean()))
        lost.append(_lost(world, account, followers(world, account)[2]))
    frame = pl.concat(parts).with_columns(post_key=pl.int_range(pl.len())).filter(pl.col("month").is_in(calendar))
    sizes: dict[str, int] = {}
    for g in group.values():
        sizes[g] = sizes.get(g, 0) + 1
    table = pl.DataFrame(
        {
            "agency_id": list(group),
            "peer_group": list(group.values()),
            "is_ranked": [sizes[g] >= 8 and g != "kanal_utama" for g in group.values()],
        }
    )
    trainings = [(t.agency_id, t.date, str(t.wave)) for t in world.trained.values()]
    effects = {t.wave: t.effect for t in world.trained.values()}
    schema = {"agency_id": pl.Utf8, "date": pl.Date, "wave": pl.Utf8}
    return Regency(
        frame, _account_month(known, calendar), table, pl.DataFrame(trainings, schema=schema, orient="row"),
        dict(world.quality), u, effects, calendar, pl.concat(lost),
        [(e.agency_id, e.kind, date_of(e.day), e.days) for e in world.events],
        {a: float(np.mean(v)) for a, v in subjects.items()},
    )  # fmt: skip


def _negative(p) -> list[int | None]:
    """Hides and reports of a post: only Facebook's file has them."""
    if "negative_hide" not in p.final:
        return [None] * len(p.at)
    return (p.final["negative_hide"] + p.final["negative_hide_all"]).tolist()


def _lost(world, account, lost) -> pl.DataFrame:
    """Unfollows per day, where a platform's daily file has them."""
    n = len(lost) if account.platform in ("x", "youtube", "tiktok") else 0
    day = pl.Series(np.arange(world.first, world.first + n, dtype=np.int32)).cast(pl.Date)
    frame = pl.DataFrame({"day": day, "value": lost[:n].astype(float)})
    return frame.with_columns(
        account_id=pl.lit(account.account_id), agency_id=pl.lit(account.operator), metric=pl.lit("follows_lost"),
        captured_at=pl.lit(world.today).cast(pl.Datetime("us")), first_captured_at=pl.lit(None, pl.Datetime("us")),
    )  # fmt: skip


def _engagement_parts(platform: str) -> list[str]:
    from pipeline.samples.regency import PLATFORMS as KNOWN

    return list(KNOWN[platform].split)


def _sample_frame(account, p, e, x, names, group) -> pl.DataFrame:
    day = pl.Series(p.day.astype(np.int32)).cast(pl.Date)
    owner = pl.Series([str(o) for o in p.owner])
    return pl.DataFrame(
        {
            "platform": [account.platform] * len(day), "account_id": [account.account_id] * len(day), "agency_id": owner,
            "peer_group": [group.get(o, "") for o in owner], "month": day.dt.truncate("1mo"), "published_on": day,
            "format": names[p.format], "engagement": e, "exposure": x, "ln_rate": np.log((e + 0.5) / (x + 1)),
            "is_comparable": ~p.is_share, "maturity": ["mature"] * len(day), "mean_log": p.mean_log,
            **{name: pl.Series(p.final.get(name, [None] * len(day)), dtype=pl.Int64) for name in RESPONSES},
            "comments": p.final.get("comments", p.final.get("replies")),
            "negative_total": pl.Series(_negative(p), dtype=pl.Int64),
        }
    ).with_columns(
        captured_at=pl.lit(date(2026, 11, 22)).cast(pl.Datetime("us")), first_captured_at=pl.lit(None, pl.Datetime("us"))
    )  # fmt: skip
