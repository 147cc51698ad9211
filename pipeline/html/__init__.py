"""The shell of every exported page: templates, style, script, content policy.

`shell()` is also what exported notebooks use. A page is complete without scripts; the policy lets only our own two scripts run,
by their hash, so text from outside that slipped through every escape would still be inert.
"""

import base64
import functools
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.html.escape import script_data
from pipeline.html.locale import Words
from pipeline.html.tokens import ASSETS, css_variables, variable_of

PLOTLY_FILE = "plotly-basic.min.js"
PLOTLY_VERSION = "4.1.1"  # the one plotly.py carries; a test compares them
PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["skrip"] = script_data
    return found


@functools.cache
def style() -> Markup:
    css = css_variables() + (ASSETS / "terukur.css").read_text(encoding="utf-8").replace("\n", "")
    return Markup(css)  # noqa: S704  # our own file


@functools.cache
def script() -> Markup:
    return Markup((ASSETS / "terukur.js").read_text(encoding="utf-8"))  # noqa: S704  # our own file


@functools.cache
def plotly_source() -> bytes:
    """The vendored bundle; refused when it is not the one that was reviewed."""
    source = (ASSETS / PLOTLY_FILE).read_bytes()
    if hashlib.sha256(source).hexdigest() != PLOTLY_SHA256:
        raise ValueError(f"{PLOTLY_FILE} is not the vendored file")
    return source


@functools.cache
def plotly_packed() -> Markup:
    return Markup(base64.b64encode(gzip.compress(plotly_source(), 9, mtime=0)).decode())  # noqa: S704  # base64


def _hash(source: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source).digest()).decode()}'"


@functools.cache
def policy(*, single: bool) -> str:
    """Only our page script and plotly run: by hash in a single file, from the site's own folder otherwise."""
    engine = _hash(plotly_source()) if single else "'self' file:"
    return (
        f"default-src 'none'; script-src {_hash(str(script()).encode())} {engine}; style-src 'unsafe-inline'; img-src "
        f"data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def render(template: str, words: Words, /, **values: object) -> Markup:
    """One template with the voice of its language; `_` and `ngettext` are whole sentences."""
    found = environment().get_template(template)
    return Markup(found.render(_=words._, ngettext=words.ngettext, w=words, **values))  # noqa: S704  # autoescaped


def shell(
    body: str,
    words: Words,
    *,
    title: str,
    site_name: str,
    nav: Sequence[Mapping[str, object]],
    simulated: bool,
    built: str,
    period: str,
    figures: Mapping[str, object] | None = None,
    twin: str | None = None,
    engine: str | None = None,
    single: bool = False,
    version: str = "",
    until: str = "",
    age_limit: int = 0,
) -> str:
    """The whole page. `engine` is the relative address of the shared plotly file; `single` carries it compressed instead.

    `until`: the day that the data reach, as ISO; a reader whose clock is more than `age_limit` days past it is told so.
    `body` must be Markup from our own templates; anything else is escaped."""
    stamp = " · ".join(str(part) for part in (site_name, period, words.plain("SIMULATED DATA") if simulated else "") if part)
    foot = json.dumps(stamp.replace("<", "").replace("\n", " "), ensure_ascii=False)
    values = {
        "body": body,
        "title": title,
        "site_name": site_name,
        "nav": nav,
        "simulated": simulated,
        "built": built,
        "period": period,
        "figures": figures or {},
        "twin": twin,
        "engine": None if single or not figures else engine,
        "version": version,
        "until": until,
        "age_limit": age_limit,
        "packed": plotly_packed() if single and figures else None,
        "policy": policy(single=single),
        "style": style(),
        "script": script(),
        "foot": Markup(foot.replace("\\", "")),  # noqa: S704  # a quoted string without < or backslash
        "colours": variable_of(),
        "terms": _terms(words, stamp),
    }
    return str(render("kerangka.html", words, **values))


def _terms(words: Words, stamp: str) -> dict[str, str]:
    """What the script of a page says."""
    return {
        "light": words.plain("Light theme"),
        "dark": words.plain("Dark theme"),
        "found": words.plain("{n} found"),
        "old": words.plain("The data of this page end {n} days ago. Ask for a newer page before deciding anything by it."),
        "stamp": stamp,
    }
