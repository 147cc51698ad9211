"""Keeps the two catalogues in step with the code: `python -m pipeline.html.catalogue` adds new sentences and drops unused ones.

English msgids are their own translation; Indonesian is written by hand in `locale/id/LC_MESSAGES/terukur.po`.
"""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from pipeline.html.locale import FOLDER, LANGUAGES

ROOT = Path(__file__).parents[1]
KEYWORDS = {"_": None, "plain": None, "plotly": None, "ngettext": (1, 2)}
METHODS = [("html/templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]


def sentences() -> list[str | tuple[str, str]]:
    """Every msgid in code and templates, sorted."""
    found: set[str | tuple[str, str]] = set()
    for _, _, message, *_ in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS):
        text = (
            tuple(message[:2])
            if isinstance(message, tuple) and message[1]
            else message[0]
            if isinstance(message, tuple)
            else message
        )
        if text:
            found.add(text)  # type: ignore[arg-type]
    return sorted(found, key=lambda m: m if isinstance(m, str) else m[0])


def update(language: str) -> list[str]:
    """Rewrites one catalogue; returns the msgids that still lack a translation."""
    path = FOLDER / language / "LC_MESSAGES" / "terukur.po"
    with path.open("rb") as file:
        old = read_po(file, locale=language)
    new = Catalog(locale=language, project="Terukur", fuzzy=False)
    if language == "id":
        new._num_plurals, new._plural_expr = 1, "0"  # type: ignore[assignment]  # Babel's table lacks Indonesian, which has one form
    missing = []
    for message in sentences():
        key = message if isinstance(message, str) else message[0]
        known = old.get(key)
        text = message if language == "en" else known.string if known else ""
        if isinstance(message, tuple) and isinstance(text, str):
            text = (text,) * new.num_plurals
        new.add(message, text)
        if not all([text] if isinstance(text, str) else text or [""]):
            missing.append(key)
    fields = (f"Language: {language}", "Content-Type: text/plain; charset=utf-8", f"Plural-Forms: {new.plural_forms}")
    head = 'msgid ""\nmsgstr ""\n' + "".join(f'"{field}\\n"\n' for field in fields)
    body = Path(path).with_suffix(".tmp")
    with body.open("wb") as file:
        write_po(file, new, omit_header=True, width=110)
    path.write_text(head + "\n" + body.read_text(encoding="utf-8").lstrip(), encoding="utf-8")
    body.unlink()
    return missing


if __name__ == "__main__":
    for name in LANGUAGES:
        left = update(name)
        print(f"{name}: {len(left)} without a translation", *left, sep="\n  ")
