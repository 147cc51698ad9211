"""Random streams that do not disturb each other, and the clocks and ids of the platforms."""

from __future__ import annotations

import datetime as dt
from hashlib import blake2b

import numpy as np

WIB = 7 * 3600
DAY = 86_400
UTC = dt.UTC
EPOCH = dt.date(1970, 1, 1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS_EN_LONG = (
    "January February March April May June July August September October November December".split()
)  # fmt: skip
MONTHS_ID_LONG = "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def stream(seed: int, *key: object) -> np.random.Generator:
    """A generator of its own for every purpose, agency and platform: adding one agency moves no other number."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])


def day_number(day: dt.date) -> int:
    return (day - EPOCH).days


def date_of(number: int) -> dt.date:
    return EPOCH + dt.timedelta(days=int(number))


def pacific_offset(seconds: np.ndarray) -> np.ndarray:
    """Seconds to add to UTC for the wall clock in Los Angeles: daylight saving from the second Sunday of March, 10:00 UTC,
    to the first Sunday of November, 09:00 UTC (US rule since 2007)."""
    offset = np.full(seconds.shape, -8 * 3600, dtype=np.int64)
    if not seconds.size:
        return offset
    years = range(utc(int(seconds.min())).year, utc(int(seconds.max())).year + 1)
    for year in years:
        spring = _sunday(year, 3, 8) * DAY + 10 * 3600
        autumn = _sunday(year, 11, 1) * DAY + 9 * 3600
        offset[(seconds >= spring) & (seconds < autumn)] = -7 * 3600
    return offset


def _sunday(year: int, month: int, first: int) -> int:
    day = dt.date(year, month, first)
    return day_number(day) + (6 - day.weekday()) % 7


def utc(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(seconds), UTC)


def iso(seconds: int) -> str:
    return utc(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def shortcode(media: int) -> str:
    """Instagram's 11 letters: the media number in base 64."""
    letters = []
    for _ in range(11):
        media, rest = divmod(media, 64)
        letters.append(ALPHABET[rest])
    return "".join(reversed(letters))


def instagram_media(milliseconds: np.ndarray, rng: np.random.Generator) -> list[int]:
    """41 bits of milliseconds since 2011-08-24, 13 of shard, 10 of sequence."""
    low = rng.integers(0, 1 << 23, len(milliseconds))
    return [((int(ms) - 1_314_220_021_721) << 23) | int(r) for ms, r in zip(milliseconds, low, strict=True)]


def x_id(milliseconds: np.ndarray, rng: np.random.Generator) -> list[int]:
    low = rng.integers(1, 1 << 22, len(milliseconds))
    return [((int(ms) - 1_288_834_974_657) << 22) | int(r) for ms, r in zip(milliseconds, low, strict=True)]


def tiktok_id(seconds: np.ndarray, rng: np.random.Generator) -> list[int]:
    low = rng.integers(1, 1 << 32, len(seconds))
    return [(int(s) << 32) | int(r) for s, r in zip(seconds, low, strict=True)]


def linkedin_id(milliseconds: np.ndarray, rng: np.random.Generator) -> list[int]:
    low = rng.integers(1, 1 << 22, len(milliseconds))
    return [(int(ms) << 22) | int(r) for ms, r in zip(milliseconds, low, strict=True)]


def youtube_id(n: int, rng: np.random.Generator) -> list[str]:
    """Eleven letters without meaning; the last one carries only four bits."""
    draw = rng.integers(0, 64, (n, 11))
    draw[:, 10] = (draw[:, 10] // 4) * 4
    return ["".join(ALPHABET[i] for i in row) for row in draw]
