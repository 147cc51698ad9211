"""Text from outside, made inert for each place it can be shown in.

Captions, names and file names are whatever somebody typed. Every output has its own danger, so each has its own function; all of
them first drop the characters that can make text look like something else (`tampil`).
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from html import escape as html_escape
from urllib.parse import urlsplit

from markupsafe import Markup

from pipeline.platforms import platforms

# Bidirectional controls, zero-width characters, variation and tag characters: invisible, but able to reorder or disguise text.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_FORMULA = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20\u2212]")


class Teks(str):
    """Text that is safe inside a plotly figure: `& < >` are entities, so it can be neither link nor pseudo-HTML."""

    __slots__ = ()


def tampil(text: object, limit: int = 0) -> str:
    """Text as it may be shown: no bidirectional or zero-width tricks, no control characters, cut at `limit` characters."""
    if text is None:
        return ""
    cleaned = _CONTROL.sub("", _UNSEEN.sub("", unicodedata.normalize("NFC", str(text))))
    cleaned = re.sub(r"\s+", " ", cleaned).strip()
    if limit and len(cleaned) > limit:
        cleaned = cleaned[: limit - 1].rstrip() + "…"
    return cleaned


def teks(text: object, limit: int = 60) -> Teks:
    """The one way for outside text into a figure. `$` becomes an entity (no MathJax either way)
    and `%{` cannot start a hover template."""
    if isinstance(text, Teks):
        return text
    return Teks(html_escape(tampil(text, limit), quote=False).replace("$", "&#36;").replace("%{", "%&#123;"))


def csv_cell(text: object) -> str:
    """A text cell that no spreadsheet takes for a formula (CWE-1236). Numbers never come here: their type decides, not their
    look."""
    shown = "" if text is None else _CONTROL.sub("", str(text))
    return "'" + shown if _FORMULA.match(shown) else shown


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]], *, excel: bool) -> bytes:
    """A table as CSV: the RFC 4180 twin for programs, or the Indonesian Excel one (BOM, semicolon, decimal comma)."""
    separator = ";" if excel else ","
    lines = [separator.join(_quoted(csv_cell(name), separator) for name in header)]
    lines.extend(separator.join(_csv_value(value, separator, excel) for value in row) for row in rows)
    return ("\ufeff" if excel else "").encode() + ("\r\n".join(lines) + "\r\n").encode()


def _csv_value(value: object, separator: str, excel: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        number = repr(round(value, 6)) if isinstance(value, float) else str(value)
        return number.replace(".", ",") if excel else number
    return _quoted(csv_cell(value), separator)


def _quoted(text: str, separator: str) -> str:
    if any(c in text for c in (separator, '"', "\r", "\n", ",", ";")):
        return '"' + text.replace('"', '""') + '"'
    return text


def script_data(value: object) -> Markup:
    """JSON for a `<script type="application/json">` block: nothing in it can end the block or open another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    for character, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        text = text.replace(character, code)
    return Markup(text)  # noqa: S704  # escaped above


@cache
def hosts() -> tuple[str, ...]:
    """To which a page may link."""
    return (*(site for platform in platforms().values() for site in platform.sites), "lapor.go.id")


def safe_link(url: object) -> str | None:
    """The address if it is https on a known platform, else None: then it is shown as text."""
    if not isinstance(url, str) or _UNSEEN.search(url) or re.search(r"[\s\x00-\x1f\\<>\"'`]", url):
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or parts.username or parts.password or parts.port not in (None, 80, 443):
            return None
    except ValueError:
        return None
    known = any(host == name or host.endswith("." + name) for name in hosts())
    return "https://" + url.split("://", 1)[1] if known else None


def file_part(text: str) -> str:
    """A name as a file name on every disk (USB sticks are FAT): lower-case ASCII letters, digits, hyphen."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "tanpa-nama"
