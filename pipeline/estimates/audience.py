"""Where an audience is: local, national, abroad, with the limits of what platforms report.

Platforms list the top cities only and write "Bogor" for city and regency alike, so the local share is a lower bound for
greater Bogor.
Which names are local and which country is home stand in settings.toml (`local_places`, `home_country`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from pipeline.platforms import platforms
from pipeline.tables import Schema, Table

MINIMUM_PEERS = 3
HOME_WORDS = {"indonesia": ("indonesia", "id", "idn")}
SCHEMA: Schema = {
    "account_id": pl.Utf8,
    "agency_id": pl.Utf8,
    "platform": pl.Utf8,
    "captured_at": pl.Datetime("us"),
    "export_id": pl.Int64,
    "metric": pl.Utf8,
    "local_share": pl.Float64,
    "national_share": pl.Float64,
    "intl_share": pl.Float64,
    "n_known": pl.Float64,
    "n_places": pl.Int64,
    "n_countries": pl.Int64,
    "is_lower_bound": pl.Boolean,
}


def audience_reach(audience: pl.DataFrame, agencies: pl.DataFrame, places: Sequence[str], home: str) -> pl.DataFrame:
    """One row per account with a newest list of cities or countries. A part that no file gives stays null.

    The audience is the one that platforms.yml names, since another quantity is another share: where YouTube's table comes without
    views, places by watch time are not taken instead.

    `n_known` is the audience with a known city where the file gives counts; files with percentages only leave it null.
    """
    meant = {name: p.audience for name, p in platforms().items()}
    base = pl.col("platform").replace_strict(meant, default="followers")
    rows = audience.filter(
        "is_latest",
        pl.col("dimension").is_in(["city", "country", "territory"]),
        pl.col("metric") == base,
        pl.col("value").is_not_null(),
    )
    accounts = [_account(group, places, home) for _, group in rows.group_by("account_id", maintain_order=True)]
    table = pl.DataFrame(accounts, schema=SCHEMA, orient="row")
    table = table.join(agencies.select("agency_id", "peer_group"), on="agency_id", how="left")
    return _with_lift(table).drop("peer_group").sort("account_id")


def _account(rows: pl.DataFrame, places: Sequence[str], home: str) -> dict[str, object]:
    cities = _one_unit(rows.filter(pl.col("dimension") == "city"))
    countries = _one_unit(rows.filter(pl.col("dimension").is_in(["country", "territory"])))
    first = rows.sort("captured_at", descending=True).row(0, named=True)
    local, known = _part(cities, pl.col("label").map_elements(lambda label: is_local(label, places), return_dtype=pl.Boolean))
    words = HOME_WORDS.get(home.lower(), (home.lower(),))
    at_home, _ = _part(countries, pl.col("label").str.strip_chars().str.to_lowercase().is_in(list(words)), whole=True)
    return {
        "account_id": first["account_id"],
        "agency_id": first["agency_id"],
        "platform": first["platform"],
        "captured_at": first["captured_at"],
        "export_id": first["export_id"],
        "metric": first["metric"],
        "local_share": local,
        "national_share": None if at_home is None or local is None else max(0.0, at_home - local),
        "intl_share": None if at_home is None else 1 - at_home,
        "n_known": known,
        "n_places": cities.height,
        "n_countries": countries.height,
        "is_lower_bound": local is not None,
    }


def is_local(label: str, places: Sequence[str]) -> bool:
    """Whether a city label ("Bogor, Jawa Barat", "Kabupaten Bogor") names one of the local places."""
    return label.split(",")[0].strip().casefold() in {place.strip().casefold() for place in places}


def _one_unit(rows: pl.DataFrame) -> pl.DataFrame:
    """Counts and shares never add up: the rows of one unit, counts first."""
    units = sorted(rows["unit"].unique().to_list(), key=lambda unit: (unit != "count", unit or ""))
    return rows.filter(pl.col("unit").eq_missing(pl.lit(units[0]))) if units else rows


def _part(rows: pl.DataFrame, chosen: pl.Expr, whole: bool = False) -> tuple[float | None, float | None]:
    """(share of the chosen rows, known total). Percentages of a top list are shares of everybody, unless `whole` asks for the
    known."""
    if rows.is_empty():
        return None, None
    total = float(rows["value"].sum())
    part = float(rows.filter(chosen)["value"].sum())
    is_share = rows["unit"][0] == "share"
    if is_share and not whole:
        return (part if total <= 1.0 + 1e-6 else None), None
    return (part / total if total > 0 else None), (None if is_share else total)


def _with_lift(table: pl.DataFrame) -> pl.DataFrame:
    """local_lift: against the median of the other accounts of the peer group on the same platform, when there are three or
    more."""
    lifts = []
    rows = table.select("account_id", "platform", "peer_group", "local_share").rows(named=True)
    for row in rows:
        others = [
            other["local_share"]
            for other in rows
            if other["account_id"] != row["account_id"]
            and (other["platform"], other["peer_group"]) == (row["platform"], row["peer_group"])
            and other["local_share"] is not None
        ]
        median = pl.Series(others, dtype=pl.Float64).median() if len(others) >= MINIMUM_PEERS else None
        lifts.append(row["local_share"] / median if median and row["local_share"] is not None else None)
    return table.with_columns(local_lift=pl.Series(lifts, dtype=pl.Float64))


def _here(registry: object) -> dict[str, Any]:
    settings = dict(getattr(registry, "settings", None) or {})
    home = settings.get("home_country", "Indonesia")
    return {"places": settings.get("local_places", ["Bogor", "Kabupaten Bogor"]), "home": home}


TABLES = {
    "estimates.audience_reach": Table.of(
        audience_reach,
        "core.audience",
        "core.agencies",
        given=_here,
        description="One row per account: share of its audience that is local (a lower bound), national and abroad.",
        key=("account_id",),
    )
}
