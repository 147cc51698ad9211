"""Titled blocks: a line with a title, a header, rows, a blank line; several of them in one file or sheet."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from pipeline.exports import text
from pipeline.formats import Format, Table, all_formats, normalise

DAY = ("date", "tanggal")  # heads the days of a block


def blocks_of(records: list[tuple[int, list[str]]], formats: Sequence[Format], name: str) -> Iterator[Table]:
    """The titled blocks of a file, or nothing if it does not start with one."""
    titles = titles_of(formats)
    first = next((i for i, (_, cells) in enumerate(records) if any(cells)), None)
    if not titles or first is None:
        return
    second = next((i for i in range(first + 1, len(records)) if any(records[i][1])), None)
    top = [(row, text.trim(cells)) for row, cells in records[: (second or first) + 1]]
    if is_day_header(top[first][1]):
        yield Table(_narrowed(records[first:]), title="", file_name=name)
        return
    if not _starts_block(top, first, second, titles, among_blocks=True):
        return
    lines = [(row, text.trim(cells)) for row, cells in records]
    if not _starts_block(top, first, second, titles) and not any(len(c) == 1 and normalise(c[0]) in titles for _, c in lines):
        return
    filled = [i for i, (_, cells) in enumerate(lines) if cells]
    follows = dict(pairwise(filled))
    starts = [i for i in filled if i == first or _starts_block(lines, i, follows.get(i), titles, among_blocks=True)]
    beside = tuple(normalise(lines[start][1][0]) for start in starts)
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Table(_narrowed(records[start + 1 : stop]), title=lines[start][1][0], file_name=name, siblings=beside)


def titles_of(formats: Sequence[Format]) -> set[str]:
    """Every title that starts a block of one of these formats, normalised."""
    return _known_titles() if formats is all_formats() else _titles_of(formats)


@cache
def _known_titles() -> set[str]:
    return _titles_of(all_formats())


def _titles_of(formats: Sequence[Format]) -> set[str]:
    return {normalise(t) for f in formats if f.blocks for d in f.detect for t in d.titles}


def _narrowed(records: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The records of a block that are not blank, without the empty cells that a spreadsheet adds behind its header's width."""
    filled = [(row, cells) for row, cells in records if any(cells)]
    if not filled:
        return []
    width = len(text.trim(filled[0][1]))
    return [(row, cells if any(cells[width:]) else cells[:width]) for row, cells in filled]


def _starts_block(
    lines: list[tuple[int, list[str]]], i: int, following: int | None, titles: set[str], among_blocks: bool = False
) -> bool:
    """Whether line ``i`` is a title. In a file of blocks a title nobody knows is one whatever its values are called: taken for
    a row of the block above, it would refuse that one."""
    cells = lines[i][1]
    if len(cells) != 1:
        return False
    if normalise(cells[0]) in titles:
        return True
    below = lines[following][1] if following is not None else []
    return is_day_header(below) or (among_blocks and len(below) > 1 and normalise(below[0]) in DAY)


def is_day_header(cells: list[str]) -> bool:
    """Meta's overview heads its values 'Primary', or in 2023 by words about Facebook or Instagram, not always the right ones."""
    if len(cells) != 2 or normalise(cells[0]) not in DAY:
        return False
    return normalise(cells[1]) == "primary" or any(p in normalise(cells[1]) for p in ("facebook", "instagram"))
