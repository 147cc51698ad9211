"""Small drawings inside text and table cells: sparkline, interval row, share strip. Direct SVG, same token classes as the
charts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

SPARK = (104, 26)
ROW = (132, 22)


def sparkline(values: Sequence[float | None], *, tint: str = "neutral", size: tuple[int, int] = SPARK) -> Markup:
    """A line with gaps left open; a lone month is a dot. Decorative: the numbers stand beside it or in the table."""
    width, height = size
    seen = [v for v in values if v is not None and math.isfinite(v)]
    if not seen:
        return Markup("")
    low, high = min(seen), max(seen)
    step = (width - 10) / max(len(values) - 1, 1)

    def place(index: int, value: float) -> tuple[float, float]:
        share = 0.5 if high == low else (value - low) / (high - low)
        return 4 + index * step, height - 5 - share * (height - 10)

    path, dots, run = [], [], 0
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            run = 0
            continue
        x, y = place(index, value)
        path.append(f"{'L' if run else 'M'}{x:.0f},{y:.0f}")
        alone = run == 0 and (index + 1 == len(values) or values[index + 1] is None)
        if alone and index + 1 < len(values):
            dots.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="1" class="f-{tint}"/>')
        run += 1
    last = max(i for i, v in enumerate(values) if v is not None and math.isfinite(v))
    x, y = place(last, values[last])  # type: ignore[arg-type]
    dots.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="2.4" class="f-{tint}"/>')
    return Markup(  # noqa: S704  # numbers and token names only
        f'<svg class="garis" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<path d="{"".join(path)}" class="s-{tint}"/>'
        f"{''.join(dots)}</svg>"
    )


class RatioScale:
    """A shared log scale for interval rows, so that rows of one table can be read against each other."""

    def __init__(self, values: Sequence[float | None], size: tuple[int, int] = ROW):
        seen = [v for v in values if v and v > 0 and math.isfinite(v)]
        self.low = max(min([0.8, *seen]) / 1.05, 0.05)
        self.high = min(max([1.25, *seen]) * 1.05, 20.0)
        self.width, self.height = size

    def at(self, value: float) -> float:
        share = math.log(max(min(value, self.high), self.low) / self.low) / math.log(self.high / self.low)
        return 4 + share * (self.width - 8)

    def row(
        self, value: float | None, lower: float | None, upper: float | None, side: str, box: tuple[float, float] | None
    ) -> Markup:
        """Dot, 95% interval, the peers' middle half as a box and ×1 as a rule. Hollow when not judged."""
        middle = self.height // 2
        parts = []  # the line through the middle is the style's, the same in every row
        if box:
            left, right = self.at(box[0]), self.at(box[1])
            parts.append(f'<rect x="{_n(left)}" y="{middle - 7}" width="{_n(right - left)}" height="14" class="f-surface2"/>')
        parts.append(f'<path d="M{_n(self.at(1.0))},{middle - 8}v16" class="s-ink3"/>')
        if value is not None:
            tint = {"up": "up", "down": "down"}.get(side, "neutral")
            if lower is not None and upper is not None:
                parts.append(f'<path d="M{_n(self.at(lower))},{middle}H{_n(self.at(upper))}" class="s-{tint} b"/>')
            paint = f"f-surface s-{tint}" if side == "data" else f"f-{tint}"
            parts.append(f'<circle cx="{_n(self.at(value))}" cy="{middle}" r="4" class="{paint}"/>')
        return Markup(  # noqa: S704  # numbers and token names only
            f'<svg class="selang" viewBox="0 0 {self.width} {self.height}" aria-hidden="true">{"".join(parts)}</svg>'
        )


@dataclass(frozen=True)
class Tile:
    """One place of a schematic map. `words` says aloud what colour and sign show; without `side` nobody stands there yet."""

    column: int
    row: int
    name: str = ""
    side: str = ""
    words: str = ""
    url: str | None = None
    number: int = 0  # on a phone, where no name fits: the place in the list below


SIGNS = {"up": "▲", "down": "▼", "flat": "●", "data": "○"}


def tile_map(tiles: Sequence[Tile], label: str, *, size: str) -> Markup:
    """Equal tiles: named and linked to their agencies on a wide screen and on paper, on a phone with the numbers of a list."""
    wide, tall, gap = (96, 52, 4) if size != "n" else (30, 30, 2)
    columns, rows = max(t.column for t in tiles) + 1, max(t.row for t in tiles) + 1
    width, height = columns * (wide + gap), rows * (tall + gap)
    cells = [_tile(tile, (wide, tall, gap), named=size != "n") for tile in tiles]
    role = "group" if size != "n" else "img"
    return Markup(  # noqa: S704  # numbers, token names, escaped text
        f'<svg class="g-{size}" viewBox="0 0 {width} {height}" role="{role}" aria-label="{escape(label)}">{"".join(cells)}</svg>'
    )


def _tile(tile: Tile, box: tuple[int, int, int], *, named: bool) -> str:
    wide, tall, gap = box
    x, y = tile.column * (wide + gap) + 1, tile.row * (tall + gap) + 1
    place = f'x="{x}" y="{y}" width="{wide}" height="{tall}" rx="4"'
    if not tile.side:
        return f'<rect {place} class="f-bg s-line" stroke-dasharray="3 3"/>'
    tint = tile.side if tile.side in ("up", "down") else "neutral"
    ground = {"up": "f-upbg s-up", "down": "f-downbg s-down", "flat": "f-surface2 s-ink3"}.get(tile.side, "f-surface s-neutral")
    dash = ' stroke-dasharray="3 2"' if tile.side == "data" else ""
    middle, sign, text = x + wide // 2, SIGNS[tile.side], ""
    if named:
        lines = _two_lines(tile.name)
        top = y + (20 if len(lines) > 1 else 26)
        text = "".join(_text(middle, top + 14 * i, line, "ink", 12.5) for i, line in enumerate(lines))
        text += _text(middle, y + tall - 5, sign, tint, 10)
    else:
        text = _text(middle, y + 14, str(tile.number), "ink", 12) + _text(middle, y + tall - 4, sign, tint, 10)
    drawn = f'<title>{escape(tile.words)}</title><rect {place} class="{ground}"{dash}/>{text}'
    if tile.url is None or not named:
        return f"<g>{drawn}</g>"
    return f'<a href="{escape(tile.url)}" aria-label="{escape(tile.words)}">{drawn}</a>'


def _text(x: int, y: int, words: str, tint: str, size: float) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" class="f-{tint}">{escape(words)}</text>'


def _two_lines(name: str) -> list[str]:
    """At most two lines; a word that is too long for a tile is cut."""
    words = [word if len(word) <= 13 else word[:12] + "…" for word in name.split()]
    if len(" ".join(words)) <= 13:
        return [" ".join(words)]
    return [words[0], " ".join(words[1:])[:13]] if len(words) > 1 else words


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
