"""The instants hidden in ids, and wall clocks of platforms turned into UTC.

Sources: X and TikTok and LinkedIn ids as verified in the catalogue (3,087 of 3,087, 51 of 51, 98 of 98 rows); Instagram short
codes by 176 of 176 posts of four organisations. Meta prints ``America/Los_Angeles`` wall clock in every language.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SHORTCODE = re.compile(r"instagram\.com/(?:[^/?#]+/)?(?:p|reel|reels|tv)/([A-Za-z0-9_-]{11})")
STORY = re.compile(r"instagram\.com/stories/[^/?#]+/([0-9]{15,20})")
X_EPOCH = 1288834974657  # milliseconds since 1970 at which ids begin to count
INSTAGRAM_EPOCH = 1314220021721
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(milliseconds: int) -> datetime | None:
    """The instant, if it lies in the years social media exist."""
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment if 2004 <= moment.year <= 2100 else None


def _digits(text: str) -> int | None:
    """The number at the end of an id, urn or link."""
    found = re.search(r"([0-9]{10,20})(?:[/?#].*)?\Z", text)
    return int(found[1]) if found else None


def x(text: str) -> datetime | None:
    """Post id or link to instant; ids before November 2010 carry no time."""
    number = _digits(text)
    return _moment((number >> 22) + X_EPOCH) if number and number > 29700859247 else None


def tiktok(text: str) -> datetime | None:
    number = _digits(text)
    return _moment((number >> 32) * 1000) if number else None


def linkedin(text: str) -> datetime | None:
    """Activity, share or ugcPost urn (or a link that ends with one)."""
    found = re.search(r"(?:activity|share|ugcPost)[:-]([0-9]{15,20})", text)
    return _moment(int(found[1]) >> 22) if found else None


def instagram(text: str) -> datetime | None:
    """Permalink to the instant the medium was created; a story link carries the integer itself."""
    if found := SHORTCODE.search(text):
        number = 0
        for letter in found[1]:
            number = number * 64 + ALPHABET.index(letter)
        return _moment((number >> 23) + INSTAGRAM_EPOCH)
    if found := STORY.search(text):
        return _moment((int(found[1]) >> 23) + INSTAGRAM_EPOCH)
    return None


CLOCKS = {"x": x, "tiktok": tiktok, "linkedin": linkedin, "instagram": instagram}


SITE = "https://www.instagram.com/"
_PLACE = np.full(256, -1, dtype=np.int64)  # of each letter in the alphabet
_PLACE[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(64)
_WHERE = {
    "x": r"([0-9]{10,20})(?:[/?#].*)?\z",
    "tiktok": r"([0-9]{10,20})(?:[/?#].*)?\z",
    "linkedin": r"(?:activity|share|ugcPost)[:-]([0-9]{15,20})",
    "instagram": SHORTCODE.pattern,
}


def instants(name: str, texts: pl.Series) -> pl.Series:
    """``CLOCKS[name]`` of each text, computed at once. Numbers above 64 bits and story links, which are few, go one by one."""
    if name == "instagram" and (known := _plain_links(texts)) is not None:
        return known
    found = texts.str.extract(_WHERE[name], 1)
    if name == "instagram":
        milliseconds = _short_codes(found)
        alone = found.is_null() & texts.str.contains("/stories/", literal=True)
    else:
        number = found.cast(pl.UInt64, strict=False)
        milliseconds = _numbered(name, number)
        alone = found.is_not_null() & number.is_null()
    moments = _moments(milliseconds)
    places = np.flatnonzero(alone.fill_null(False).to_numpy())
    if not len(places):
        return moments
    rest = texts.gather(places)
    read = {text: CLOCKS[name](text) for text in rest.unique()}
    return moments.scatter(places, pl.Series([read[t] for t in rest], dtype=moments.dtype))


def _numbered(name: str, number: pl.Series) -> pl.Series:
    """Milliseconds since 1970 in ids that are whole numbers."""
    if name == "tiktok":
        return (number // 2**32).cast(pl.Int64) * 1000
    milliseconds = (number // 2**22).cast(pl.Int64)
    if name == "linkedin":
        return milliseconds
    return (milliseconds + X_EPOCH).set(number <= 29700859247, None)


def _plain_links(texts: pl.Series) -> pl.Series | None:
    """Instants of links that are all written in the usual way, the code right behind the kind; None where one is not."""
    if not texts.str.starts_with(SITE).all() or texts.null_count():
        return None
    rest = texts.str.strip_prefix(SITE)
    for kind in ("p/", "reel/", "tv/"):
        rest = rest.str.strip_prefix(kind)
    has_kind = (texts.str.len_bytes() - rest.str.len_bytes()) > len(SITE)
    codes = "".join(rest.str.slice(0, 11).to_list()).encode()
    if not has_kind.all() or len(codes) != 11 * len(texts):
        return None
    letters = np.frombuffer(codes, dtype=np.uint8).reshape(-1, 11)
    return _moments(_by_letters(letters)) if (_PLACE[letters] >= 0).all() else None


def _moments(milliseconds: pl.Series) -> pl.Series:
    moments = (milliseconds * 1000).cast(pl.Datetime("us", "UTC"))
    year = moments.dt.year()
    return moments.set((year < 2004) | (year > 2100), None)


def _short_codes(codes: pl.Series) -> pl.Series:
    """Milliseconds since 1970 in codes of 11 letters."""
    letters = np.frombuffer("".join(codes.drop_nulls().to_list()).encode(), dtype=np.uint8).reshape(-1, 11)
    places = np.flatnonzero(codes.is_not_null().to_numpy())
    return pl.Series([None] * len(codes), dtype=pl.Int64).scatter(places, _by_letters(letters))


def _by_letters(letters: np.ndarray) -> pl.Series:
    """The 66 bits of 11 letters without their last 23: the milliseconds."""
    number = np.zeros(len(letters), dtype=np.int64)
    for place in range(7):
        number = number << 6 | _PLACE[letters[:, place]]
    return pl.Series((number << 1 | _PLACE[letters[:, 7]] >> 5) + INSTAGRAM_EPOCH, dtype=pl.Int64)


def to_utc(wall: datetime, zone: str, known: datetime | None = None) -> tuple[datetime, bool]:
    """UTC instant of a wall clock, and whether the clock change made it uncertain.

    In the hour that happens twice the id clock decides (the reading nearer to ``known``), else the first, daylight-saving hour.
    An hour that never happened is read with the offset before the change, which moves it one hour on.
    """
    place = ZoneInfo(zone)
    first = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    if first == second:
        return first, False
    if first.astimezone(place).replace(tzinfo=None) != wall:  # the gap
        return min(first, second, key=lambda m: abs(m - known)) if known else first, known is None
    if known:
        return min(first, second, key=lambda m: abs(m - known)), False
    return first, True
