"""The numbers that people chose: from how many posts on something is judged, when a change is called one, what is close enough.

One place for all of them, with unit and reason. `[thresholds]` of settings.toml may move each; how the answers move with it is
in `estimates.threshold_effect`, so that nobody has to believe a number because it stands here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Thresholds(BaseModel):
    """Defaults of METRICS.md section 0 where a field does not say otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_months: int = Field(3, ge=1, le=12, description="months of a window; fewer are noise, more hide a change")
    minimum_posts: int = Field(5, ge=1, description="posts of an account in a window; below it nothing is said of its rate")
    minimum_cases: int = Field(20, ge=1, description="questions or complaints; below it no share and no median of answers")
    minimum_coverage: float = Field(
        0.9, gt=0, le=1, description="share of an account's own days in the window that exports speak for"
    )
    minimum_accounts_sent: float = Field(
        0.6, gt=0, le=1, description="share of an agency's required accounts that sent; with half missing it chose what is seen"
    )
    minimum_peers: int = Field(8, ge=2, description="judged members of a peer group; below it no ranks")
    minimum_exposure: int = Field(1, ge=1, description="people reached; a post that nobody could see is not judged")
    own_reactions: float = Field(
        1.0, ge=0, description="reactions of a post that may be its own staff's; what they could change widens the interval"
    )
    minimum_age_days: int = Field(7, ge=1, description="age in days from which a post is compared, on every platform")
    minimum_maturity: float = Field(
        0.5, gt=0, lt=1, description="share of the final count from which a post is projected to its final count"
    )
    as_expected_lower: float = Field(0.8, gt=0, lt=1, description="factor of the expected value; from here on 'as expected'")
    as_expected_upper: float = Field(1.25, gt=1, description="factor of the expected value; up to here 'as expected'")
    false_discovery_share: float = Field(
        0.10, gt=0, lt=1, description="of ten agencies said to have moved about one may not have (Benjamini-Hochberg)"
    )
    alarm_budget_per_week: float = Field(3.0, gt=0, description="alarms a week that people can look into, over the regency")
    slow_answered_share: float = Field(
        0.5, gt=0, lt=1, description="share answered within 24 h; slow only if the whole interval is below"
    )
    growth_slack_days: int = Field(7, ge=0, description="days by which a reading may miss the first of a month")
    known_split_share: float = Field(
        0.8, gt=0, le=1, description="share of a platform's posts with paid and unpaid reach apart; from it on only unpaid counts"
    )
    minimum_weeks: int = Field(4, ge=2, description="covered weeks of a quarter; below it no evenness of posting")
    minimum_clock_posts: int = Field(10, ge=1, description="posts of a quarter with a known hour; below it no fit of hours")
    minimum_hour_posts: int = Field(20, ge=1, description="posts of the others in an hour; below it the hour is no best hour")
    minimum_ratio_posts: int = Field(
        20, ge=2, description="posts of an account with comments and likes; below it no post of it is flagged"
    )
    minimum_ratio_comments: int = Field(20, ge=1, description="comments of a post from which its ratio to likes may be flagged")
    staff_floor_ratio: float = Field(
        0.75,
        gt=0,
        lt=1,
        description="10th percentile over median of likes of a quarter, from which a floor of likes is suspected",
    )

    @model_validator(mode="after")
    def _order(self) -> Thresholds:
        if self.minimum_maturity > 0.9:
            raise ValueError("minimum_maturity: at most 0.9")
        return self


DEFAULT = Thresholds()  # type: ignore[call-arg]  # every field has a default


@lru_cache(maxsize=16)
def _made(values: tuple[tuple[str, Any], ...]) -> Thresholds:
    return Thresholds(**dict(values))


def of(registry: Any) -> Thresholds:
    """The thresholds of a registry; the defaults where there is none (tables built in a test)."""
    settings = getattr(registry, "settings", None) or {}
    values = settings.get("thresholds") or {}
    values = values if isinstance(values, dict) else values.model_dump()
    return _made(tuple(sorted(values.items()))) if values else DEFAULT
