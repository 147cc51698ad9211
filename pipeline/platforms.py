"""The platforms, from their one home `warehouse/platforms.yml`: what counts as what on each, in which clock, and what it hides.

SQL reads the same file as `reference.platforms`, and through the braces that `pipeline.engine.models` fills in. A platform
that is not listed there is known nowhere: the registry refuses it, and the check `platforms_known` stops what came another way.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pipeline import files
from pipeline.columns import columns

FILE = files.shipped("warehouse", "platforms.yml")
Zone = Literal["Asia/Jakarta", "America/Los_Angeles", "UTC"]  # those whose days the SQL can tell
Text = Annotated[str, StringConstraints(min_length=1)]
ROLES = ("exposure", "like", "comment", "share", "save")


def _metric(name: str) -> str:
    if name not in columns() or not columns()[name].of_post:
        raise ValueError(f"{name} is no column of a post in columns.yml")
    return name


Metric = Annotated[str, AfterValidator(_metric)]


class Maturity(BaseModel):
    """m(a) = 1 - (1 + a / s) ^ -shape with one half at `half_life_hours`: what is taken before anything is learned."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    half_life_hours: float = Field(gt=0)
    shape: float = Field(gt=0)


class Platform(BaseModel):
    """One platform; the fields are explained at the head of platforms.yml. `order` counts from 0."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    order: int
    label: Text
    zone: Zone
    post_days: Zone
    engagement: tuple[Metric, ...] = Field(min_length=1)
    sometimes: tuple[Metric, ...] = ()
    total: Metric | None = None
    exposure: Metric | None = None
    like: Metric | None = None
    comment: Metric | None = None
    share: Metric | None = None
    save: Metric | None = None
    audience: Literal["followers", "views"] = "followers"
    maturity: Maturity | None = None
    response_rate: bool = False
    ratio_flag: bool = False
    hand_filled: bool = False
    sites: tuple[Text, ...] = ()
    linked_id: Text | None = None
    never_id: Text
    never_en: Text

    @model_validator(mode="after")
    def _is_coherent(self) -> Platform:
        if not set(self.sometimes) < set(self.engagement):
            raise ValueError("`sometimes` names parts of `engagement`, never all of them")
        return self

    @property
    def always(self) -> tuple[str, ...]:
        """The parts of engagement without which there is no sum."""
        return tuple(part for part in self.engagement if part not in self.sometimes)


@cache
def platforms() -> dict[str, Platform]:
    """Every platform by name, in the order of the file. Raises ValueError, which names the entry and the field."""
    entries = files.load_yaml(FILE.read_text(encoding="utf-8"))
    try:
        return {name: Platform(name=name, order=i, **entry) for i, (name, entry) in enumerate(entries.items())}
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"]))
        raise ValueError(f"{FILE.name}: {wrong['input']!r} in {place}: {wrong['msg']}") from None


def known(name: str) -> str:
    """The name itself; ValueError with the known ones where platforms.yml has no such entry."""
    if name not in platforms():
        raise ValueError(f"unknown platform {name}; known: {', '.join(platforms())}")
    return name


def label(name: str | None) -> str:
    """How people call a platform; an unknown one by the name it came with."""
    found = platforms().get(name or "")
    return found.label if found else name or ""


def having(role: str, column: str | None = None) -> tuple[str, ...]:
    """The platforms on which a role (one of ROLES) has a column (this one if named), or a yes-or-no field holds; in order."""
    plays = {name: getattr(platform, role) for name, platform in platforms().items()}
    return tuple(name for name, played in plays.items() if played and column in (None, played))


def rows() -> list[dict[str, str | int | bool | None]]:
    """The platforms as SQL reads them: one row each, parts joined by `+`."""
    return [
        {
            "platform": name,
            "sort_order": platform.order,
            "label": platform.label,
            "zone": platform.zone,
            "post_days": platform.post_days,
            "engagement_parts": "+".join(platform.engagement),
            **{role: getattr(platform, role) for role in ROLES},
            "has_response_rate": platform.response_rate,
            "never_id": platform.never_id,
            "never_en": platform.never_en,
        }
        for name, platform in platforms().items()
    ]
