"""The tables of all modules in this folder, found by themselves."""

from __future__ import annotations

from pipeline.estimates import (
    aspirations,
    audience,
    campaigns,
    growth,
    information,
    overview,
    plan,
    reply_waits,
    response,
    rhythm,
    risk,
    shrunk,
    theme_check,
)
from pipeline.tables import Table

MODULES = (rhythm, growth, audience, response, plan, campaigns, aspirations, information, risk, shrunk, overview, reply_waits, theme_check)
TABLES: dict[str, Table] = {name: table for module in MODULES for name, table in module.TABLES.items()}
