"""The instants hidden in ids, and wall clocks of platforms turned into UTC.

Sources: X and TikTok and LinkedIn ids as verified in the catalogue (3,087 of 3,087, 51 of 51, 98 of 98 rows); Instagram short
codes by 176 of 176 posts of four organisations. Meta prints ``America/Los_Angeles`` wall clock in every language.
"""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SHORTCODE = re.compile(r"instagram\.com/(?:[^/?#]+/)?(?:p|reel|reels|tv)/([A-Za-z0-9_-]{11})")
STORY = re.compile(r"instagram\.com/stories/[^/?#]+/([0-9]{15,20})")
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
    return _moment((number >> 22) + 1288834974657) if number and number > 29700859247 else None


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
        return _moment((number >> 23) + 1314220021721)
    if found := STORY.search(text):
        return _moment((int(found[1]) >> 23) + 1314220021721)
    return None


CLOCKS = {"x": x, "tiktok": tiktok, "linkedin": linkedin, "instagram": instagram}


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
