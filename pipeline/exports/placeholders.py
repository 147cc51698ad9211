"""Rows that are no rows: what a platform writes for a post that it no longer has. Left out and counted, never a post.

Such a row names no post - its id is empty, its link too or one that leads nowhere - and every figure of it is zero. A row
without an id that bears a figure is something else, and refuses the file.
"""

import re

import numpy as np
import polars as pl

from pipeline.exports import text, values
from pipeline.exports.stack import Stack
from pipeline.formats import Column, Format

NOBODY = re.compile(r"(?:undefined|null|none|nan|n/?a|-+)?", re.I)  # in place of an id
NOWHERE = re.compile(  # in place of a link: a word for nothing, alone or where the id should be, or no id at all
    r"(?:(?:https?://\S*[/=:])?(?:undefined|null|none|nan)/?|https?://\S+/(?:status|video|photo|reel|tv|p|posts)/?)?", re.I
)
ZERO = re.compile(r"-?0+(?:[.,]0+)?\s*%?|(?:0+:)+0+")
FIGURES = ("count", "decimal", "percent")


def without_placeholders(stack: Stack) -> Stack:
    """The tables without the rows that name no post and bear no figure; how many is noted."""
    form, columns = stack.plan.form, stack.plan.columns
    if form.grain != "post" or not len(stack.lines):
        return stack
    naming = [(i, c) for i, c in enumerate(columns) if c and (c.field == "post_id" or links(form, c))]
    figures = [(i, c) for i, c in enumerate(columns) if c and c.kind in FIGURES]
    if not naming or not figures:
        return stack
    first, column = naming[0]
    marks = "|".join(f"(?:{p})" for p in ((NOBODY if column.field == "post_id" else NOWHERE).pattern, *form.no_post))
    nameless = stack.texts[first].cast(pl.String).fill_null("").str.strip_chars(text.SPACE).str.contains(f"(?i)^(?:{marks})$")
    left_out = np.zeros(len(stack.lines), dtype=bool)
    for row in np.flatnonzero(nameless.to_numpy()).tolist():
        cells = ["" if (c := texts[row]) is None else str(c) for texts in stack.texts]
        left_out[row] = is_placeholder(form, cells, naming, figures)
    for number, rows in enumerate(stack.per_table(left_out).tolist() if left_out.any() else ()):
        stack.notes[number].drop("placeholder", rows)
    stack.keep(~left_out)
    return stack


def links(form: Format, column: Column) -> bool:
    """Whether this column says where the post is."""
    return column.field == "permalink" or (form.post_id_from is not None and column.field == form.post_id_from[0])


def is_placeholder(form: Format, cells: list[str], naming: list[tuple[int, Column]], figures: list[tuple[int, Column]]) -> bool:
    """Whether the cells of one row name nobody and bear no figure. naming, figures: columns with their positions."""
    if not all(_names_nobody(form, cells[i].strip(), column) for i, column in naming):
        return False
    seen = [(cells[i].strip(), frozenset(c.nulls if c.nulls is not None else form.nulls)) for i, c in figures]
    stated = [said for said, nulls in seen if not values.blank(said, nulls)]
    says_nowhere = any(cells[i].strip() for i, _ in naming)  # "undefined" is said on purpose, an empty cell may be a slip
    return all(ZERO.fullmatch(said) for said in stated) and bool(stated or says_nowhere)


def _names_nobody(form: Format, said: str, column: Column) -> bool:
    marks = NOBODY if column.field == "post_id" else NOWHERE
    return marks.fullmatch(said) is not None or any(re.fullmatch(pattern, said) for pattern in form.no_post)
