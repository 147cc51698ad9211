"""A table of the warehouse that Python builds: what SQL cannot say (estimates, themes, calendar, actions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline import thresholds

ColumnType = pl.DataType | type[pl.DataType]
Schema = Mapping[str, ColumnType]
Build = Callable[[dict[str, pl.DataFrame], Any], pl.DataFrame]
Given = Callable[[Any], Mapping[str, Any]]  # arguments by name that a method takes from the registry


@dataclass(frozen=True)
class Table:
    """One Python-built table.

    `build(frames, registry)` gets exactly the tables named in `needs` and the registry, and returns the whole table.
    `description` says what one row is; `key` names the columns that make a row unique.
    """

    build: Build
    needs: tuple[str, ...]
    description: str
    key: tuple[str, ...]

    @classmethod
    def of(
        cls, method: Callable[..., pl.DataFrame], *needs: str, description: str, key: tuple[str, ...], given: Given | None = None
    ) -> Table:
        """The table that `method` makes of the frames named in `needs`, in that order, and of what `given` finds in the
        registry."""

        def build(frames: dict[str, pl.DataFrame], registry: Any) -> pl.DataFrame:
            return method(*(frames[name] for name in needs), **(given(registry) if given else {}))

        return cls(build, needs, description, key)

    @classmethod
    def judged(cls, method: Callable[..., pl.DataFrame], *needs: str, description: str, key: tuple[str, ...]) -> Table:
        """As `of`, for a method that also takes the thresholds that people chose, as `t`."""
        return cls.of(method, *needs, description=description, key=key, given=lambda registry: {"t": thresholds.of(registry)})
