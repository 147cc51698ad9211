"""A proof, by vectorised passes over the bytes, that comma-separated files are well-formed: what a fast parser takes on trust.

Proven is what the strict tokeniser would accept: every quote opens at a field's start and closes at its end, every record has as
many fields as the header, one kind of line end outside quotes, no NUL, no blank line, no record over the limit of a field. What
is not proven is not wrong: it is for the tokeniser to judge.
"""

from dataclasses import dataclass

import numpy as np

QUOTE, COMMA, LF, CR = 34, 44, 10, 13
BLOCK = 256 * 1024  # bytes looked at at a time: they and what is made of them stay in the cache of a core


@dataclass(frozen=True)
class Proof:
    """Per file: is it proven, and how many records it has. Per record of all files: the physical line it starts on, from 0.

    ``ends``, per record and field: the place of the comma or line feed behind it. Only there if every file is proven.
    """

    proven: np.ndarray
    records: np.ndarray
    lines: np.ndarray
    ends: np.ndarray | None = None


def prove(data: bytes, starts: np.ndarray, width: int, crlf: bool, max_record: int) -> Proof:
    """Judge files that lie one behind the other in ``data``, each from its start on, each ending with a line end.

    ``width`` is the number of fields of a record. ``lines`` counts within a file and means nothing for one that is not proven.
    """
    buffer = np.frombuffer(data, dtype=np.uint8)
    at = _special(buffer)
    kind = buffer[at]
    first = np.searchsorted(at, starts)  # first special byte of each file
    suspect = [at[kind == 0]]
    outside, broken_files = _outside(kind, first)
    suspect += _quotes(buffer, at, kind, outside)
    suspect += _line_ends(buffer, at, kind, outside, crlf)
    separators = np.flatnonzero(((kind == COMMA) | (kind == LF)) & outside)
    closing = np.flatnonzero(kind[separators] == LF)
    ends = separators[closing]
    stops = at[ends]
    suspect.append(stops[np.diff(closing, prepend=-1) != width])
    suspect.append(stops[np.diff(stops, prepend=-1) > max_record])
    proven = np.ones(len(starts), dtype=bool)
    proven[broken_files] = False
    for places in suspect:
        proven[np.searchsorted(starts, places, side="right") - 1] = False
    edges = np.append(np.searchsorted(stops, starts), len(stops))
    fields = at[separators].reshape(-1, width) if proven.all() else None
    return Proof(proven, np.diff(edges), _lines(kind, first, ends, edges), fields)


def _special(buffer: np.ndarray) -> np.ndarray:
    """Places of the bytes that structure is made of: NUL, line ends, quotes, commas."""
    places = [np.zeros(0, dtype=np.int64)]
    found, also = np.empty(BLOCK, dtype=bool), np.empty(BLOCK, dtype=bool)
    for start in range(0, len(buffer), BLOCK):
        block = buffer[start : start + BLOCK]
        hit, other = found[: len(block)], also[: len(block)]
        np.equal(block, COMMA, out=hit)
        for byte in (LF, QUOTE, CR, 0):
            np.equal(block, byte, out=other)
            np.logical_or(hit, other, out=hit)
        places.append(np.flatnonzero(hit) + start)
    return np.concatenate(places)


def _outside(kind: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which special bytes lie outside quotes (of the quotes themselves: those that close), and files that end inside a quote."""
    is_quote = kind == QUOTE
    inside = np.logical_xor.accumulate(is_quote)  # an odd number of quotes up to here
    if not inside.any():
        return np.ones(len(kind), dtype=bool), np.zeros(0, dtype=np.int64)
    before = (first > 0) & inside[np.maximum(first - 1, 0)]
    odd = np.flatnonzero(before != np.append(before[1:], inside[-1]))
    if len(odd):  # count from the file's own start, so that one open quote does not turn all files behind it inside out
        inside = inside ^ np.repeat(before, np.diff(np.append(first, len(kind))))
    return ~inside, odd


def _quotes(buffer: np.ndarray, at: np.ndarray, kind: np.ndarray, outside: np.ndarray) -> list[np.ndarray]:
    """Quotes that do not open right behind a separator or another quote, or do not close right before one."""
    is_quote = kind == QUOTE
    if not is_quote.any():
        return []
    opens, closes = at[is_quote & ~outside], at[is_quote & outside]
    before = buffer[np.maximum(opens - 1, 0)]
    behind = buffer[np.minimum(closes + 1, len(buffer) - 1)]
    legal_open = (before == COMMA) | (before == LF) | (before == QUOTE) | (opens == 0)
    legal_close = (behind == COMMA) | (behind == LF) | (behind == CR) | (behind == QUOTE)
    return [opens[~legal_open], closes[~legal_close]]


def _line_ends(buffer: np.ndarray, at: np.ndarray, kind: np.ndarray, outside: np.ndarray, crlf: bool) -> list[np.ndarray]:
    """Line ends outside quotes that are not the file's own kind."""
    returns = at[(kind == CR) & outside]
    if not crlf:
        return [returns]
    feeds = at[(kind == LF) & outside]
    alone = buffer[np.minimum(returns + 1, len(buffer) - 1)] != LF
    return [returns[alone], feeds[buffer[np.maximum(feeds - 1, 0)] != CR]]


def _lines(kind: np.ndarray, first: np.ndarray, ends: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The physical line on which each record starts, counted from 0 in its file: line feeds inside quotes count too."""
    if not len(ends):
        return np.zeros(0, dtype=np.int64)
    fed = np.concatenate(([0], np.cumsum(kind == LF, dtype=np.int32)))  # line feeds before each special byte
    start = np.concatenate(([0], fed[ends[:-1] + 1]))
    heads, filled = fed[first], edges[:-1] < edges[1:]
    start[edges[:-1][filled]] = heads[filled]
    within: np.ndarray = start - np.repeat(heads, np.diff(edges))
    return within
