"""How often a link and an address may knock. Buckets in memory: a restart forgets them, which harms nobody."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

KNOWN = 10_000


@dataclass(frozen=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float


LINK = Rate(300, 2.0)  # an agency that hands in a year at once sends about 200 files
ADDRESS = Rate(900, 6.0)  # many agencies may share the address of one office or provider
WRONG = Rate(30, 0.2)  # tries with a link that does not exist
CRASHES = Rate(4, 1 / 600)  # files of one link on which the reader gave up: they cost everybody's time


class Buckets:
    """Token buckets by key; the least used are forgotten first."""

    def __init__(self, rate: Rate):
        self.rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, amount: float = 1.0, now: float | None = None) -> bool:
        """Whether this may go on; takes from the bucket if so."""
        moment = time.monotonic() if now is None else now
        left = self._filled(key, moment)
        allowed = left >= amount
        self._left[key] = (left - amount if allowed else left, moment)
        self._left.move_to_end(key)
        while len(self._left) > KNOWN:
            self._left.popitem(last=False)
        return allowed

    def is_empty(self, key: str, now: float | None = None) -> bool:
        return self._filled(key, time.monotonic() if now is None else now) < 1

    def _filled(self, key: str, moment: float) -> float:
        left, since = self._left.get(key, (self.rate.burst, moment))
        return min(self.rate.burst, left + (moment - since) * self.rate.per_second)
