"""Campaigns: how many of the invited agencies joined within 72 hours, and how much exposure they added to the lead post."""

from __future__ import annotations

import re
from datetime import date, timedelta

import polars as pl

from pipeline.estimates.rhythm import covered_days
from pipeline.tables import Schema, Table

Days = dict[tuple[str, str], set[date]]  # agency, platform -> days that are known

JOIN_HOURS = 72
SCHEMA: Schema = {
    "campaign": pl.Utf8,
    "platform": pl.Utf8,
    "lead_post_key": pl.Int64,
    "lead_agency_id": pl.Utf8,
    "started_at_wib": pl.Datetime("us"),
    "invited": pl.Int64,
    "joined": pl.Int64,
    "unknown": pl.Int64,
    "breadth": pl.Float64,
    "partner_posts": pl.Int64,
    "lead_exposure": pl.Float64,
    "partner_exposure": pl.Float64,
    "gain": pl.Float64,
    "export_ids": pl.List(pl.Int64),
}


def tag(campaign: str) -> str:
    """The hashtag of a campaign: its name without spaces and signs, lower case."""
    return re.sub(r"\W+", "", campaign).lower()


def campaign_posts(items: pl.DataFrame, posts: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """(campaign, post_key): posts matched to a plan item of the campaign, or carrying its hashtag."""
    named = items.filter(pl.col("campaign").is_not_null(), pl.col("campaign") != "")
    planned = named.filter(pl.col("post_key").is_not_null()).select("campaign", pl.col("post_key").cast(pl.Int64))
    tags = pl.DataFrame({"campaign": named["campaign"].unique().sort()}, schema={"campaign": pl.Utf8})
    tags = tags.with_columns(tag=pl.col("campaign").map_elements(tag, return_dtype=pl.Utf8))
    tagged = (
        themes.select(pl.col("post_key").cast(pl.Int64), tag="hashtags").explode("tag", empty_as_null=False).join(tags, on="tag")
    )
    both = pl.concat([planned, tagged.select("campaign", "post_key")]).unique()
    return both.join(posts.filter("is_counted").with_columns(pl.col("post_key").cast(pl.Int64)), on="post_key")


def campaigns(items: pl.DataFrame, posts: pl.DataFrame, themes: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """One row per campaign and platform. The lead post is the first one; exposures are of one platform, so they may be added.

    `covered`: (agency_id, platform, date) of days whose posts are all known. An invited agency that was not seen to join and
    whose days are not all known is `unknown`, in neither part of the breadth; while there is one, the gain is unknown too.
    """
    found = campaign_posts(items, posts, themes)
    noon = pl.col("published_on").cast(pl.Datetime("us")) + timedelta(hours=12)
    found = found.with_columns(at=pl.coalesce(pl.col("published_at_wib").cast(pl.Datetime("us")), noon))
    found = found.filter(pl.col("at").is_not_null()).sort("campaign", "platform", "at", "post_key")
    invited = items.filter(pl.col("campaign").is_not_null()).group_by("campaign", "platform").agg(pl.col("agency_id").unique())
    invitations = {(campaign, platform): set(agencies) for campaign, platform, agencies in invited.iter_rows()}
    days: Days = {}
    for agency, platform, day in covered.select("agency_id", "platform", "date").unique().iter_rows():
        days.setdefault((agency, platform), set()).add(day)
    rows = [
        _campaign(campaign, platform, group, invitations.get((campaign, platform), set()), days)
        for (campaign, platform), group in found.group_by("campaign", "platform", maintain_order=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("campaign", "platform")


def _campaign(campaign: str, platform: str, posts: pl.DataFrame, invited: set[str], days: Days) -> dict[str, object]:
    lead = posts.row(0, named=True)
    partners = posts.filter(pl.col("agency_id") != lead["agency_id"], pl.col("at") <= lead["at"] + timedelta(hours=JOIN_HOURS))
    asked = invited - {lead["agency_id"]}
    joined = asked & set(partners["agency_id"])
    wanted = {lead["at"].date() + timedelta(days=k) for k in range(JOIN_HOURS // 24 + 1)}
    unknown = {agency for agency in asked - joined if not wanted <= days.get((agency, platform), set())}
    told = len(asked) - len(unknown)
    known = partners.filter(pl.col("exposure").is_not_null())
    exposure = float(known["exposure"].sum()) if known.height else None
    is_complete = known.height == partners.height and known.height > 0 and bool(lead["exposure"]) and not unknown
    return {
        "campaign": campaign,
        "platform": platform,
        "lead_post_key": lead["post_key"],
        "lead_agency_id": lead["agency_id"],
        "started_at_wib": lead["at"],
        "invited": len(asked),
        "joined": len(joined),
        "unknown": len(unknown),
        "breadth": len(joined) / told if told else None,
        "partner_posts": partners.height,
        "lead_exposure": lead["exposure"],
        "partner_exposure": exposure,
        "gain": exposure / lead["exposure"] if is_complete and exposure is not None else None,
        "export_ids": sorted({lead["export_id"], *partners["export_id"]}),
    }


TABLES = {
    "estimates.campaigns": Table(
        build=lambda frames, registry: campaigns(
            frames["estimates.plan_items"],
            frames["core.posts"],
            frames["core.post_themes"],
            covered_days(frames["staging.post_coverage"], frames["core.accounts"], frames["core.posts"]),
        ),
        needs=("estimates.plan_items", "core.posts", "core.post_themes", "staging.post_coverage", "core.accounts"),
        description="One row per campaign and platform: agencies invited and joined within 72 hours, exposure added by partners.",
        key=("campaign", "platform"),
    )
}
