"""Rows that are no rows: what a platform writes for a post that it no longer has. Left out and counted, never a post.

Such a row names no post - its id is empty, its link too or one that leads nowhere - and every figure of it is zero. A row
without an id that bears a figure is something else, and refuses the file.
"""

import re

from pipeline.exports import values
from pipeline.formats import Column, Format, Notes

NOBODY = re.compile(r"(?:undefined|null|none|nan|n/?a|-+)?", re.I)  # in place of an id
NOWHERE = re.compile(r"(?:(?:https?://\S*[/=:])?(?:undefined|null|none|nan)/?)?", re.I)  # in place of a link
ZERO = re.compile(r"-?0+(?:[.,]0+)?\s*%?|(?:0+:)+0+")
FIGURES = ("count", "decimal", "percent")
Body = list[tuple[int, list[str]]]


def without_placeholders(form: Format, body: Body, columns: list[Column | None], notes: Notes) -> Body:
    """The rows that name a post or bear a figure."""
    if form.grain != "post" or not body:
        return body
    naming = [(i, c) for i, c in enumerate(columns) if c and (c.field == "post_id" or _links(form, c))]
    figures = [(i, c) for i, c in enumerate(columns) if c and c.kind in FIGURES]
    if not naming or not figures:
        return body
    kept = [(row, cells) for row, cells in body if not _is_placeholder(form, cells, naming, figures)]
    notes.drop("placeholder", len(body) - len(kept))
    return kept


def _links(form: Format, column: Column) -> bool:
    return column.field == "permalink" or (form.post_id_from is not None and column.field == form.post_id_from[0])


def _is_placeholder(form: Format, cells: list[str], naming: list[tuple[int, Column]], figures: list[tuple[int, Column]]) -> bool:
    if not all(_names_nobody(form, cells[i].strip(), column) for i, column in naming):
        return False
    seen = [(cells[i].strip(), frozenset(c.nulls if c.nulls is not None else form.nulls)) for i, c in figures]
    stated = [text for text, nulls in seen if not values.blank(text, nulls)]
    says_nowhere = any(cells[i].strip() for i, _ in naming)  # "undefined" is said on purpose, an empty cell may be a slip
    return all(ZERO.fullmatch(text) for text in stated) and bool(stated or says_nowhere)


def _names_nobody(form: Format, text: str, column: Column) -> bool:
    marks = NOBODY if column.field == "post_id" else NOWHERE
    return marks.fullmatch(text) is not None or any(re.fullmatch(pattern, text) for pattern in form.no_post)
