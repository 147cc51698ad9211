"""Campaigns across agencies: one hashtag, a lead post, invited agencies of which some join within three days.

Nothing is posted for a campaign that would not have been posted anyway: the hashtag is added to posts that are there, so every
other number of the regency stays what it was. Invitations stand in the plan (`registers.write_plan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.samples.dialects import php
from pipeline.samples.posts import Posts, World
from pipeline.samples.regency import HOSTILE, Account
from pipeline.samples.streams import DAY, date_of, stream

# Names without a word that any theme rule knows: a campaign must not change what its posts are about.
CAMPAIGNS = (("Bogor Satu Langkah", 150), ("Ngobrol Santai", 105), ("Tepas Bogor", 30))  # days before the last one
PLATFORMS = ("instagram", "facebook")
JOIN_SECONDS = 72 * 3600
INVITED, JOINS = 0.75, 0.8


@dataclass(frozen=True)
class Campaign:
    """One campaign on one platform. `posts`: account_id -> index of its post, the lead's among them."""

    name: str
    platform: str
    lead: str  # account_id
    at: int  # UTC seconds of the lead post
    invited: tuple[str, ...]  # account_ids, the lead not among them
    posts: dict[str, int]


def hold(world: World, tracks: Sequence[tuple[Account, Posts]]) -> list[Campaign]:
    """Add the hashtags to the captions, after ids and cells were made; what was held, by whom."""
    out = []
    for name, before in CAMPAIGNS:
        start = world.first + world.days - before
        for platform in PLATFORMS if start > world.first + 7 else ():
            known = {a.account_id: (a, p) for a, p in tracks if a.platform == platform and len(p)}
            found = _hold(world, name, start, known)
            if found:
                out.append(found)
                for account_id, i in found.posts.items():
                    posts = known[account_id][1]
                    posts.captions[i] += " #" + name.replace(" ", "")
                    posts.ids["caption"][i] = php(posts.captions[i])
    return out


def _hold(world: World, name: str, start: int, known: dict[str, tuple[Account, Posts]]) -> Campaign | None:
    barred = (HOSTILE, world.plan.no_data, world.plan.three_posts)
    leader = world.plan.collab[0] or world.plan.cast[0]
    lead = next((a.account_id for a, _ in known.values() if a.operator == leader), None)
    first = None if lead is None else _post(known[lead][1], start * DAY, (start + 28) * DAY)
    if lead is None or first is None:
        return None
    account, posts = known[lead]
    at = int(posts.at[first])
    invited, joined = [], {lead: first}
    for account_id, (account, posts) in known.items():
        rng = stream(world.seed, "campaign", name, account_id)
        if account_id == lead or account.operator in barred or rng.random() >= INVITED or date_of(start) < account.opened:
            continue
        invited.append(account_id)
        i = _post(posts, at + 1, at + JOIN_SECONDS)
        if i is not None and rng.random() < JOINS:
            joined[account_id] = i
    return Campaign(name, account.platform, lead, at, tuple(invited), joined)


def _post(posts: Posts, first: int, last: int) -> int | None:
    """The first own post within the span."""
    rows = np.flatnonzero((posts.at >= first) & (posts.at <= last) & ~posts.is_share)
    return int(rows[0]) if len(rows) else None
