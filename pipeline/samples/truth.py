"""truth.json: what the simulation knows and no reader may look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.samples.captions import EFFECT
from pipeline.samples.daily import day_of
from pipeline.samples.exports import silent_from
from pipeline.samples.files import Files
from pipeline.samples.posts import Track, World
from pipeline.samples.regency import EXPOSURE_SPEED, HOSTILE, MAIN, PLATFORMS, SPLIT_ON
from pipeline.samples.streams import date_of

EXPOSURE = {
    "instagram": "reach",
    "facebook": "reach",
    "x": "impressions",
    "linkedin": "impressions",
    "youtube": "views",
    "tiktok": "views",
}


def collect(world: World, tracks: list[Track], files: Files, notes: dict[str, Any]) -> dict[str, Any]:
    plan = world.plan
    return {
        "simulated": True, "profile": plan.name, "seed": world.seed, "null": world.null,
        "today": world.today.isoformat(), "start": world.start.isoformat(),
        "maturity": {
            p.key: {"engagement": {"half_life_hours": p.half_life, "shape_k": p.shape},
                    "exposure": {"half_life_hours": p.half_life * EXPOSURE_SPEED, "shape_k": p.shape}}
            for p in PLATFORMS.values()
        },
        "quality": world.quality,
        "content_effects": EFFECT,
        "training": [
            {"wave": t.wave, "agency_id": t.agency_id, "date": t.date.isoformat(), "effect": t.effect,
             "posts_effect": t.effect / 2, "response_factor": 1.0 if world.null else float(np.exp(-0.4))}
            for t in sorted(world.trained.values(), key=lambda t: (t.wave, t.agency_id))
        ],
        "events": [
            {"event_id": e.event_id, "agency_id": e.agency_id, "kind": e.kind, "date": date_of(e.day).isoformat(), "days": e.days}
            for e in world.events
        ],
        "special": special(world), "accounts": [account(world, t, files) for t in tracks],
        "cells": [c for t in tracks for c in cells(t, files)], "registers": notes, "files": files.records,
    }  # fmt: skip


def special(world: World) -> dict[str, Any]:
    split = {"on": SPLIT_ON.isoformat(), "from": "disbudpar", "to": ["disbud", "dispar"]}
    stops = {a: silent_from(world, a) for a in world.plan.silent}
    owner, partner = world.plan.collab
    return {
        "no_data": world.plan.no_data, "three_posts": world.plan.three_posts,
        "hostile": HOSTILE if HOSTILE in world.plan.cast else None,
        "silent": {a: d.isoformat() for a, d in stops.items() if d}, "collab": {"owner": owner, "partner": partner},
        "split": split if "dispar" in world.plan.cast else None,
        "renamed": [a for a in world.plan.cast if a.startswith("rsud-") or a in ("bapperida", "dpu")],
    }  # fmt: skip


def account(world: World, track: Track, files: Files) -> dict[str, Any]:
    a, seen = track.account, files.latest.get(track.account.account_id)
    return {
        "account_id": a.account_id, "platform": a.platform, "operator": a.operator, "quality": a.quality, "language": a.language,
        "owners": [[o, f.isoformat(), u and u.isoformat()] for o, f, u in a.owners], "posts": len(track.posts),
        "posts_exported": int(seen["seen"].sum()) if seen else 0, "followers": int(track.followers[-1]),
    }  # fmt: skip


def cells(track: Track, files: Files) -> list[dict[str, Any]]:
    """One per account and month (WIB): true mean log rate, posts made, and what the newest files add up to."""
    posts, platform = track.posts, track.account.platform
    if not len(posts):
        return []
    # YouTube prints the Pacific day and nothing finer.
    days = day_of(posts, "pacific") if platform == "youtube" else posts.day
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    seen = files.latest.get(track.account.account_id, {"seen": np.zeros(len(posts), bool)})
    names = list(PLATFORMS[platform].split)
    if platform == "tiktok" and track.account.operator == MAIN:
        names.append("saves")  # only the Business file has them
    out = []
    for month in np.unique(months):
        rows = months == month
        known = rows & seen["seen"]
        cell = {"account_id": track.account.account_id, "month": str(month) + "-01", "posts_true": int(rows.sum())}
        cell |= {"posts": int(known.sum()), "mean_log_rate": round(float(posts.mean_log[rows].mean()), 6)}
        if known.any():
            own = known & ~posts.is_share
            cell["engagement"] = int(sum(seen[k][own].sum() for k in names))
            cell["exposure"] = int(seen[EXPOSURE[platform]][own].sum())
            cell["shares_of_others"] = int((known & posts.is_share).sum())
            cell["final_engagement"] = int(sum(posts.final[k][own].sum() for k in names))
            cell["final_exposure"] = int(posts.final[EXPOSURE[platform]][own].sum())
        out.append(cell)
    return out
