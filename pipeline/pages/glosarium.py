"""Glossary, generated from `warehouse/metrics.yml`: the same words, formula and caveat that the numbers were made with."""

import functools
from typing import Any

from pipeline import files
from pipeline.engine import metrics
from pipeline.html import render
from pipeline.html.escape import file_part
from pipeline.pages import common
from pipeline.pages.sheet import Sheet

PATH = "glosarium.html"
METRICS = files.shipped("warehouse", "metrics.yml")


@functools.cache
def catalogue() -> dict[str, Any]:
    return files.load_yaml(METRICS.read_text(encoding="utf-8")) if METRICS.exists() else {}


def build(sheet: Sheet) -> str:
    w = sheet.words
    found = groups(catalogue(), w.language)
    count = sum(len(terms) for _, terms in found)
    body = render(
        "prosa.html",
        w,
        p=sheet.opening(
            w.ngettext(
                "{n} measure, each with its meaning and its caveat", "{n} measures, each with its meaning and its caveat", count
            ),
            [w._("Generated from the catalogue that the numbers themselves are computed from.")],
            kind=w._("Glossary"),
        ),
        sections=[common.section(title, terms=terms) for title, terms in found],
    )
    return sheet.page(body, title=w.plain("Glossary"))


def groups(data: dict[str, Any], language: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """(group, [(name, meaning with caveat, anchor)]) in the order of the catalogue."""
    titles = data.get("groups", {})
    found: dict[str, list[tuple[str, str, str]]] = {}
    for metric in data.get("metrics") or []:
        key = metric["metric_id"]
        explanation = pick(metric, "explanation", language)
        text = f"{explanation.rstrip('.')}. {metrics.caveats(key, language)}"
        found.setdefault(metric.get("group", ""), []).append((pick(metric, "label", language) or key, text, file_part(key)))
    return [(str(titles.get(group, {}).get(language) or group), terms) for group, terms in found.items()]


def pick(metric: dict[str, Any], name: str, language: str) -> str:
    return str(metric.get(f"{name}_{language}") or "")
