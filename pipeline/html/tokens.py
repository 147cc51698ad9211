"""The design tokens (`assets/tokens.json`) as CSS variables and as a map from figure colours to them."""

import functools
import json
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"


@functools.cache
def tokens() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ASSETS / "tokens.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def variable_of() -> dict[str, str]:
    """Light hex value → token name. Figures are written in light hex; a page swaps each for its token in the current theme."""
    named: dict[str, str] = {}
    for name, shades in tokens()["colour"].items():
        named.setdefault(shades["light"].lower(), name)
    return named


def colour(name: str) -> str:
    """The light hex of a token, for use inside a figure."""
    return str(tokens()["colour"][name]["light"])


def css_variables() -> str:
    """`:root` blocks for light, dark by system, dark by button, and one class per token for SVG fills and strokes."""
    colours = tokens()["colour"]
    light = "".join(f"--{name}:{shade['light']};" for name, shade in colours.items())
    dark = "".join(f"--{name}:{shade['dark']};" for name, shade in colours.items())
    marks = "".join(f".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}" for name in colours)
    return (
        f":root{{color-scheme:light;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
        f"@media screen{{:root[data-theme=dark]{{color-scheme:dark;{dark}}}}}{marks}"
    )


def contrast(first: str, second: str) -> float:
    """WCAG 2 contrast ratio of two hex colours."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(value: str) -> float:
    channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
