"""Small drawings inside text and table cells: sparkline, interval row, share strip. Direct SVG, same token classes as the
charts."""

import math
from collections.abc import Sequence

from markupsafe import Markup

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


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
