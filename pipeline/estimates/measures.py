"""The tables of all modules in this folder, found by themselves."""

from __future__ import annotations

from pipeline.estimates import aspirations, audience, campaigns, growth, information, plan, response, rhythm, risk, shrunk
from pipeline.tables import Table

MODULES = (rhythm, growth, audience, response, plan, campaigns, aspirations, information, risk, shrunk)
TABLES: dict[str, Table] = {name: table for module in MODULES for name, table in module.TABLES.items()}
