"""Posts, their final counts, and how the counts grow: METHODS sections 4.2, processes 1 to 8."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import holidays
import numpy as np

from pipeline.samples.captions import EFFECT, KINDS, captions, mixture
from pipeline.samples.regency import EXPOSURE_SPEED, PLATFORMS, Account, Event, Profile, Training
from pipeline.samples.streams import DAY, WIB, date_of, day_number, stream

# Ramadan by Indonesian decision (METHODS 3.2); our own copy, so that a wrong calendar in the product shows.
RAMADAN = (
    (dt.date(2024, 3, 12), dt.date(2024, 4, 9)),
    (dt.date(2025, 3, 1), dt.date(2025, 3, 30)),
    (dt.date(2026, 2, 19), dt.date(2026, 3, 20)),
)
HOURS_A = np.array([0.1, 0.05, 0.05, 0.05, 0.1, 0.3, 1, 2, 4, 7, 6, 4, 3, 5, 5, 4, 3, 2, 2.5, 5, 3, 1.5, 0.8, 0.3])
HOURS_B = np.array([0.3, 0.2, 0.5, 2, 4, 2, 1, 1, 3, 6, 5, 3, 2, 3, 4, 6, 5, 2, 1, 3, 6, 3, 1, 0.5])
FORMATS = {
    "instagram": (("image", 0.45), ("carousel", 0.20), ("reel", 0.35)),
    "facebook": (("photo", 0.58), ("video", 0.17), ("reel", 0.15), ("link", 0.06), ("text", 0.04)),
    "tiktok": (("video", 0.9), ("photo", 0.1)),
    "x": (("text", 0.4), ("photo", 0.6)),
    "youtube": (("video", 0.6), ("short", 0.4)),
    "linkedin": (("photo", 1.0),),
}

SPREAD = 0.9  # METHODS 4.2, process 5


@dataclass
class Posts:
    """Posts of one account in order of time. Arrays of one length; `final` are counts that no later snapshot exceeds."""

    at: np.ndarray  # UTC seconds
    day: np.ndarray  # WIB day number
    kind: np.ndarray  # index into KINDS
    format: np.ndarray  # index into FORMATS[platform]
    owner: np.ndarray  # object: agency of that day
    captions: list[str]
    final: dict[str, np.ndarray]
    mean_log: np.ndarray  # log of the true mean rate, without the post's own luck
    is_collab: np.ndarray
    is_share: np.ndarray
    duration: np.ndarray
    ids: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True)
class World:
    """Everything that accounts share."""

    plan: Profile
    seed: int
    null: bool
    today: dt.date
    start: dt.date
    quality: dict[str, float]
    trained: dict[str, Training]
    events: list[Event]
    spreads: tuple[float, float] | None = None  # sd of ln rates between the posts of an account, drawn per account; else SPREAD

    @property
    def first(self) -> int:
        return day_number(self.start)

    @property
    def days(self) -> int:
        return (self.today - self.start).days + 1


@cache
def _days_off(first: int, n: int) -> np.ndarray:
    years = range(date_of(first).year, date_of(first + n).year + 1)
    free = {day_number(d) for d in holidays.country_holidays("ID", categories=("public", "government"), years=years)}
    return np.array([d in free for d in range(first, first + n)])


@cache
def _ramadan(first: int, n: int) -> np.ndarray:
    days = np.arange(first, first + n)
    fasting: np.ndarray = np.any([(days >= day_number(a)) & (days <= day_number(b)) for a, b in RAMADAN], axis=0)
    return fasting


def months_since(days: np.ndarray, start: dt.date) -> np.ndarray:
    """Month of a day number, 0 = the month of `start`."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months - ((start.year - 1970) * 12 + start.month - 1)


@cache
def _regency_months(seed: int, null: bool) -> np.ndarray:
    return np.zeros(60) if null else stream(seed, "regency months").normal(0, 0.04, 60).cumsum()


@cache
def agency_months(seed: int, null: bool, agency_id: str) -> np.ndarray:
    """Month shock of an agency: AR(1), rho .5, innovations such that its sd is .12."""
    draws = stream(seed, "months", agency_id).normal(0, 0.12, 60)
    out = draws.copy()
    for i in range(1, len(out)):
        out[i] = 0.5 * out[i - 1] + np.sqrt(1 - 0.25) * draws[i]
    return np.zeros(60) if null else out


def training_effect(world: World, agency_id: str, days: np.ndarray) -> np.ndarray:
    """Log effect on engagement of a post of that day: half in the month of the training, whole afterwards."""
    training = world.trained.get(agency_id)
    if training is None:
        return np.zeros(len(days))
    months, own = months_since(days, world.start), months_since(np.array([day_number(training.date)]), world.start)
    return training.effect * np.where(months > own, 1.0, np.where(months == own, 0.5, 0.0))


def _activity(weeks: int, rng: np.random.Generator) -> np.ndarray:
    draw, active, out = rng.random(weeks), True, np.ones(weeks)
    for i in range(weeks):
        active = (draw[i] >= 0.02) if active else (draw[i] < 0.25)
        out[i] = 1.0 if active else 0.08
    return out


def publish_times(world: World, account: Account) -> np.ndarray:
    """UTC seconds of every post, in order."""
    rng = stream(world.seed, "times", account.account_id)
    n = world.days
    days = np.arange(world.first, world.first + n)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    rate = account.weekly / 7 * np.where(weekday < 5, 1.15, np.where(weekday == 5, 0.65, 0.55))
    rate = rate * np.where(_days_off(world.first, n), 0.45, 1.0)
    rate = rate * _activity((n + 6) // 7, rng)[np.arange(n) // 7]
    rate = rate * np.exp(training_effect(world, account.operator, days) / 2)
    rate[days < day_number(account.opened)] = 0
    day = np.repeat(days, rng.poisson(rate))
    fasting = _ramadan(world.first, n)[day - world.first]
    hours_a = rng.choice(24, len(day), p=HOURS_A / HOURS_A.sum())
    hours_b = rng.choice(24, len(day), p=HOURS_B / HOURS_B.sum())
    at = day * DAY + np.where(fasting, hours_b, hours_a) * 3600 + rng.integers(0, 3600, len(day)) - WIB
    at.sort()
    bursts = np.flatnonzero(rng.random(len(at)) < 0.10)
    bursts = bursts[bursts > 0]
    at[bursts] = at[bursts - 1] + rng.integers(20, 300, len(bursts))
    if account.operator == world.plan.three_posts:
        at = (world.first + np.array([9, 30, 51]) + (world.days - 84)) * DAY + 3 * 3600 + 1234
    return np.sort(at)


def followers(world: World, account: Account) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """End-of-day followers, gains and losses for every day of the period (process 2)."""
    rng = stream(world.seed, "followers", account.account_id)
    n = world.days
    level = account.followers * np.exp(account.growth * np.arange(n) / 365)
    gained = rng.poisson(level * (account.growth / 365 + 2e-4))
    lost = rng.binomial(level.astype(np.int64), 2e-4)
    if rng.random() < 0.05 and n > 60:
        at = int(rng.integers(30, n - 10))
        lost[at] += int(level[at] * 0.03)
    for event in world.events:
        if event.agency_id == account.operator and event.kind == "negative":
            at = event.day - world.first
            lost[at : at + event.days] *= 6
    opened = np.arange(world.first, world.first + n) >= day_number(account.opened)
    total = round(account.followers) + np.cumsum(gained - lost)
    return np.maximum(total, 10) * opened, gained * opened, lost * opened


def viral_gains(world: World, account: Account, posts: Posts) -> np.ndarray:
    """New followers per day from posts seen by ten times the usual number of people."""
    seen = posts.final[next(name for name in ("reach", "impressions", "views") if name in posts.final)]
    viral = seen > 10 * np.median(seen) if len(posts) else np.zeros(0, bool)
    gains = stream(world.seed, "viral", account.account_id).poisson(0.002 * seen[viral])
    return np.bincount(np.clip(posts.day[viral] - world.first, 0, world.days - 1), gains, world.days).astype(np.int64)


def simulate(world: World, account: Account) -> Posts:
    """All posts of an account with their final counts."""
    at = publish_times(world, account)
    rng = stream(world.seed, "posts", account.account_id)
    n, platform = len(at), PLATFORMS[account.platform]
    day = (at + WIB) // DAY
    owner = np.array([account.owner(date_of(d)) for d in day.tolist()], dtype=object)
    kind = rng.choice(len(KINDS), n, p=mixture(account.operator))
    shares = np.array([p for _, p in FORMATS[account.platform]])
    form = rng.choice(len(shares), n, p=shares)
    is_collab = (rng.random(n) < 0.0) if account.platform != "instagram" else _collab(world, account, day)
    mean_log = np.log(platform.rate) + _mean_log(world, account, day, kind, form, is_collab)
    reach, views = _exposure(world, account, day, rng)
    engagement = _engagement(world, account, day, kind, reach, mean_log, rng)
    names = [name for name, _ in FORMATS[account.platform]]
    moving = np.isin(form, [i for i, name in enumerate(names) if name in ("video", "reel", "short", "live")])
    duration = np.where(moving, rng.integers(12, 180, n), 0)
    trouble = _trouble(world, account, day)
    final = _others(account.platform, reach, views, duration, trouble, rng) | engagement
    return Posts(
        at=at, day=day, kind=kind, format=form, owner=owner, final=final, mean_log=mean_log, is_collab=is_collab,
        captions=captions(kind, [date_of(d) for d in day.tolist()], account.operator, rng),
        is_share=(rng.random(n) < 0.02) & (account.platform == "facebook"), duration=duration,
    )  # fmt: skip


def _collab(world: World, account: Account, day: np.ndarray) -> np.ndarray:
    """The first post of each week of the collaboration owner is a joint one."""
    if account.operator != world.plan.collab[0]:
        return np.zeros(len(day), bool)
    weeks = (day + 3) // 7
    return np.concatenate([[True], weeks[1:] != weeks[:-1]]) if len(day) else np.zeros(0, bool)


def _mean_log(
    world: World, account: Account, day: np.ndarray, kind: np.ndarray, form: np.ndarray, is_collab: np.ndarray
) -> np.ndarray:
    month = months_since(day, world.start)
    names = [name for name, _ in FORMATS[account.platform]]
    reel = np.array([0.25 if name in ("reel", "short") else 0.0 for name in names])
    effects = reel[form] + np.array([EFFECT.get(k, 0.0) for k in KINDS])[kind] + 0.4 * is_collab
    fasting = _ramadan(world.first, world.days + 1)[np.clip(day - world.first, 0, world.days)]
    common = _regency_months(world.seed, world.null)[month] + agency_months(world.seed, world.null, account.operator)[month]
    likes = np.ones(len(day))
    for event in world.events:
        if event.agency_id == account.operator and event.kind == "negative":
            likes[(day >= event.day) & (day < event.day + event.days)] = 0.9
    own = world.quality[account.operator] + account.quality
    mean: np.ndarray = own + common + effects + 0.10 * fasting + training_effect(world, account.operator, day) + np.log(likes)
    return mean


def _exposure(world: World, account: Account, day: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    n, platform = len(day), PLATFORMS[account.platform]
    size = account.followers * np.exp(account.growth * np.clip(day - world.first, 0, None) / 365)
    viral = np.where(rng.random(n) < 0.01, np.minimum(3 / rng.random(n) ** (2 / 3), 200), 1.0)
    for event in world.events:
        if event.agency_id == account.operator and event.kind == "viral":
            viral[(day >= event.day) & (day < event.day + event.days)] *= 12
    mean = platform.reach * (size / 10_000) ** 0.8 * rng.lognormal(0, 0.5, n) * viral
    reach = rng.poisson(np.clip(mean, 1, 5e7)).astype(np.int64) + 1
    return reach, reach + rng.poisson(reach * 0.35)


def _engagement(
    world: World,
    account: Account,
    day: np.ndarray,
    kind: np.ndarray,
    reach: np.ndarray,
    mean_log: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Counts of every kind of engagement: a total from the rate, split by shares that subject and trouble bend."""
    platform, n = PLATFORMS[account.platform], len(day)
    names = list(platform.split)
    weights = np.tile(np.array(list(platform.split.values())), (n, 1))
    _bend(weights, names, kind == KINDS.index("layanan"), "saves", 3)
    _bend(weights, names, kind == KINDS.index("darurat"), "shares", 3)
    for event in world.events:
        if event.agency_id == account.operator and event.kind == "negative":
            for lag in range(event.days):
                _bend(
                    weights, names, day == event.day + lag, "replies" if "replies" in names else "comments", max(8 * 0.5**lag, 1)
                )
    middle, spread = (-0.405, SPREAD) if world.spreads is None else _own_spread(world, account)
    rate = np.minimum(0.6, np.exp(mean_log + rng.normal(middle, spread, n)))
    total = rng.poisson(reach * np.minimum(rate * weights.sum(1), 0.9))
    parts = rng.multinomial(total, weights / weights.sum(1, keepdims=True))
    return {name: parts[:, i] for i, name in enumerate(names)}


def _own_spread(world: World, account: Account) -> tuple[float, float]:
    """Mean and sd on the ln scale of a luck whose mean is 1."""
    spread = float(stream(world.seed, "spread", account.account_id).uniform(*world.spreads or (SPREAD, SPREAD)))
    return -(spread**2) / 2, spread


def _bend(weights: np.ndarray, names: list[str], rows: np.ndarray, name: str, times: float) -> None:
    if name in names:
        weights[rows, names.index(name)] *= times


def _trouble(world: World, account: Account, day: np.ndarray) -> np.ndarray:
    hit = np.zeros(len(day), bool)
    for event in world.events:
        if event.agency_id == account.operator and event.kind == "negative":
            hit |= (day >= event.day) & (day < event.day + event.days)
    return hit


def _others(
    platform: str, reach: np.ndarray, views: np.ndarray, duration: np.ndarray, trouble: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Counts that are not engagement. `extra` is views beyond reach, so that views never fall below reach."""

    def part(share: float) -> np.ndarray:
        counted: np.ndarray = rng.binomial(reach, share)
        return counted

    if platform == "facebook":
        moving, clicks = duration > 0, rng.binomial(reach, 0.03)
        links = rng.binomial(clicks, 0.25)
        photo = np.where(moving, 0, rng.binomial(clicks - links, 0.4))
        video = np.where(moving, rng.binomial(clicks - links, 0.5), 0)
        angry = np.where(trouble, 15, 1)
        return {
            "reach": reach,
            "extra": views - reach,
            "link_clicks": links,
            "photo_clicks": photo,
            "video_clicks": video,
            "other_clicks": clicks - links - photo - video,
            "negative_hide": rng.binomial(reach, angry * 2e-4),
            "negative_hide_all": rng.binomial(reach, angry * 1e-4),
            "seconds_viewed": np.where(moving, (views * duration * 0.18).astype(np.int64), 0),
            "video_3s_views": np.where(moving, part(0.4), 0),
        }
    if platform == "instagram":
        return {"reach": reach, "extra": views - reach, "follows": part(5e-4)}
    if platform == "x":
        return {
            "impressions": reach, "shares": part(5e-4), "follows_gained": part(1e-4), "profile_visits": part(4e-3),
            "detail_expands": part(8e-3), "link_clicks": part(4e-3), "hashtag_clicks": part(5e-4), "permalink_clicks": part(2e-4),
        }  # fmt: skip
    if platform == "youtube":
        return {
            "views": reach, "dislikes": part(6e-4), "follows_gained": part(2e-3), "follows_lost": part(2e-4),
            "impressions": reach * 6 + rng.poisson(reach * 4),
        }  # fmt: skip
    if platform == "tiktok":
        return {"views": reach, "saves": part(2e-3)}
    return {"impressions": reach, "clicks": part(0.02), "follows_gained": part(1e-3)}


EXPOSURE_FIELDS = frozenset("reach extra views impressions seconds_viewed video_3s_views".split())


class Growth:
    """Counts of an account's posts as they stand at successive exports: forward binomial steps that end at `final`."""

    def __init__(self, world: World, account: Account, posts: Posts):
        self.posts, self.platform = posts, PLATFORMS[account.platform]
        self.names = list(posts.final)
        self.final = np.array([posts.final[k] for k in self.names], dtype=np.int64).reshape(len(self.names), len(posts))
        self.counts = np.zeros_like(self.final)
        self.reached = np.zeros(self.final.shape)
        speeds = [EXPOSURE_SPEED if k in EXPOSURE_FIELDS else 1.0 for k in self.names]
        self.speeds = np.array(speeds)
        self.rng = stream(world.seed, "growth", account.account_id)

    def at(self, second: int, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Counts of the posts `rows` at that second; 2 % of the cells show 1 to 3 % less (purged accounts)."""
        hours = (second - self.posts.at[rows]) / 3600
        slow, fast = self.platform.share_reached(hours), self.platform.share_reached(hours, EXPOSURE_SPEED)
        now = np.where((self.speeds == 1.0)[:, None], slow, fast)
        before, counts = self.reached[:, rows], self.counts[:, rows]
        step = np.clip((now - before) / np.maximum(1 - before, 1e-12), 0, 1)
        counts = counts + self.rng.binomial(self.final[:, rows] - counts, step)
        self.counts[:, rows], self.reached[:, rows] = counts, now
        purged = self.rng.random(len(rows)) < 0.02
        keep = np.where(purged, 1 - self.rng.uniform(0.01, 0.03, len(rows)), 1.0)
        shown = np.round(counts * keep).astype(np.int64)
        return dict(zip(self.names, shown, strict=True))


@dataclass
class Track:
    """One account with everything simulated for it. Followers, gains and losses are per day of the period."""

    account: Account
    posts: Posts
    growth: Growth
    followers: np.ndarray
    gained: np.ndarray
    lost: np.ndarray


def export_days(plan: Profile, start: dt.date, today: dt.date) -> list[dt.date]:
    """Every `every_days`, the last one today."""
    step = dt.timedelta(days=plan.every_days)
    days = [today - i * step for i in range((today - start).days // plan.every_days + 1)]
    return [d for d in reversed(days) if d > start]
