"""Instagram stories: a day long, a file of their own, without comments and saves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np

from pipeline.samples import meta
from pipeline.samples.dialects import lines, numbers, php
from pipeline.samples.files import Files, capture_second, content, total
from pipeline.samples.posts import World
from pipeline.samples.regency import Account
from pipeline.samples.streams import DAY, WIB, instagram_media, iso, pacific_offset, stream

NAMES = "reach extra likes shares follows replies navigation profile_visits sticker_taps link_clicks".split()


def simulate(world: World, account: Account) -> dict[str, np.ndarray]:
    """About three stories a week; their counts are final after a day."""
    rng = stream(world.seed, "stories", account.account_id)
    days = world.first + np.flatnonzero(rng.random(world.days) < 3 / 7)
    at = days * DAY + rng.integers(7 * 3600, 20 * 3600, len(days)) - WIB
    reach = rng.poisson(account.followers * 0.12 * rng.lognormal(0, 0.3, len(days))) + 5
    out = {"at": at, "reach": reach, "extra": rng.binomial(reach, 0.2), "id": rng.integers(9 * 10**14, 10**15, len(days))}
    for name, share in zip(NAMES[2:], (0.02, 0.003, 0.0005, 0.004, 0.9, 0.006, 0.004, 0.003), strict=True):
        out[name] = rng.binomial(reach, share)
    out["media"] = np.array(instagram_media(at * 1000, rng))
    return out


def write(world: World, account: Account, folder: str, day: dt.date, stories: dict[str, np.ndarray], files: Files) -> int:
    """The story export of one day; returns how many stories it lists."""
    second, language = capture_second(day), account.language
    rows = np.flatnonzero((stories["at"] >= second - world.plan.window_days * DAY) & (stories["at"] <= second - DAY))
    if not len(rows):
        return 0
    part, n = {k: v[rows] for k, v in stories.items()}, len(rows)
    local = part["at"] + pacific_offset(part["at"])
    page = account.platform_account_id or ""
    columns: list[Iterable[str]] = [
        [f"17{i}" for i in part["id"].tolist()], [page] * n, [account.handle] * n, [php(account.name)] * n,
        [""] * n, ["0"] * n, [dt.datetime.fromtimestamp(s, dt.UTC).strftime('"%m/%d/%Y %H:%M"') for s in local.tolist()],
        [f"https://www.instagram.com/stories/{account.handle}/{m}" for m in part["media"].tolist()],
        ['"IG story"' if language == "en" else '"Cerita IG"'] * n, [""] * n, [meta.LIFETIME[language]] * n,
        numbers(part["reach"] + part["extra"]), *(numbers(part[k]) for k in ("reach", *NAMES[2:])),
    ]  # fmt: skip
    data = b"\xef\xbb\xbf" + ("\n".join([",".join(map(php, meta.STORY[language])), *lines([], columns)[1:]]) + "\n").encode()
    sums = {k: total(part[k]) for k in NAMES[2:] if k != "follows"}
    sums |= {"views": total(part["reach"] + part["extra"]), "follows_gained": total(part["follows"])}
    at = part["at"] // 60 * 60
    record = content(
        "meta.content.instagram.story", n, language=language, sums=sums, uniques={"reach": total(part["reach"])},
        first=iso(int(at.min())), last=iso(int(at.max())),
    )  # fmt: skip
    files.write(f"{folder}/stories-{day.isoformat()}.csv", data, account.account_id, second, [record])
    return n
