"""Glossary: first the words that every page uses, then every measure of `warehouse/metrics.yml` with the meaning and the caveat
that its numbers were made with."""

import functools
from typing import Any

from pipeline import files
from pipeline.engine import metrics
from pipeline.html import render
from pipeline.html.escape import file_part
from pipeline.html.locale import Words
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
            w._("What the words and numbers of these pages mean"),
            [
                w.ngettext(
                    "The words that stand on every page come first, then {n} measure with its meaning and its caveat.",
                    "The words that stand on every page come first, then {n} measures, each with its meaning and its caveat.",
                    count,
                )
            ],
            kind=w._("Glossary"),
        ),
        sections=[
            common.section(w._("The words of every page"), terms=words_of_every_page(w)),
            *(common.section(title, terms=terms) for title, terms in found),
        ],
    )
    return sheet.page(body, title=w.plain("Glossary"))


def words_of_every_page(w: Words) -> list[tuple[str, str, str]]:
    """(name, meaning, anchor), in the order in which a reader meets them."""
    return [
        (w.plain("Interactions"), common.interactions_are(w), "kata-interaksi"),
        (w.plain("Response"), common.response_is(w), "kata-tanggapan"),
        *((str(name), str(text), f"kata-{place}") for place, (name, text) in enumerate(common.method_terms(w), 1)),
        (
            w.plain("not certain").capitalize(),
            w._("“Not certain” is a normal result: the data cannot tell a change from ordinary ups and downs."),
            "kata-belum-pasti",
        ),
        (
            w.plain("too little data").capitalize(),
            w._("Fewer than 5 posts that are old enough, or too few days covered. Too little data is never counted as zero."),
            "kata-belum-cukup",
        ),
        (w.plain("Pull"), common.pull_is(w), "kata-daya-tarik"),
    ]


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
