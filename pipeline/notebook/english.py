"""The English twin of a notebook: the same code on the same version, its prose, sentences and headings from a catalogue.

Notebooks are written in Indonesian. `notebooks/en.po` holds every block of prose and every string that a reader sees, with its
English; a sentence that is computed stands there with numbered places for its values. `python -m pipeline.notebook.english` adds
new ones and drops those that are no longer used; a test asks that none is left without English.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from pipeline.files import shipped

if TYPE_CHECKING:
    from nbformat import NotebookNode

CATALOGUE = shipped("notebooks") / "en.po"
FENCE = re.compile(r"(```.*?```)", re.DOTALL)
QUOTED = re.compile(r"'([^'{}%$\n]+)'")  # a text inside SQL
NOT_SAID = re.compile(
    r"[a-z0-9_.:+\-/<>= ,$%|#÷×–·()\[\]{}]*|[A-Z]?[a-z]*_[A-Za-z0-9_]*"
)  # names of columns, colours and tables: nothing that a reader reads
SEEN_ONLY = ("*In English.*", "```")  # said in English already, or code to copy


@cache
def catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        return {
            m.id: m.string for m in read_po(file) if m.id and isinstance(m.id, str) and isinstance(m.string, str) and m.string
        }


def translate(notebook: NotebookNode) -> None:
    """Prose in English; code that says English things, and remembers how it was written, which is what the page quotes."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            said_already = (block for block in blocks(cell.source) if not block.startswith("*In English.*"))
            cell.source = "\n\n".join(catalogue().get(block, block) for block in said_already)
        elif cell.cell_type == "code":
            cell.metadata["as_written"] = cell.source
            cell.source = code(cell.source)


def blocks(source: str) -> list[str]:
    """The paragraphs, headings, lists and code of one cell of prose."""
    found: list[str] = []
    for part in FENCE.split(source):
        found += [part] if part.startswith("```") else [block.strip("\n") for block in re.split(r"\n\s*\n", part)]
    return [block for block in found if block.strip()]


def code(source: str) -> str:
    """The cell with its strings in English. A sentence with values becomes `"…{0}…".format(…)`."""
    return ast.unparse(ast.fix_missing_locations(_English().visit(ast.parse(source))))


class _English(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):
            return ast.Constant(said(node.value))
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        text, values = template(node)
        call = ast.Attribute(ast.Constant(catalogue().get(text, text)), "format", ast.Load())
        return ast.Call(call, [self.visit(value) for value in values], [])


def said(text: str) -> str:
    """A plain string in English; inside SQL only what stands in quotes is a text for readers."""
    if is_sql(text):
        text = re.sub(r"\b(message|note)_id as\b", r"\1_en as", text)
        return QUOTED.sub(lambda found: catalogue().get(found[0]) or f"'{catalogue().get(found[1], found[1])}'", text)
    return catalogue().get(text, text)


def template(node: ast.JoinedStr) -> tuple[str, list[ast.expr]]:
    """A sentence with its values as numbered places, and the values."""
    text, values = "", list[ast.expr]()
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value).replace("{", "{{").replace("}", "}}")
            continue
        assert isinstance(part, ast.FormattedValue)
        kind = f"!{chr(part.conversion)}" if part.conversion != -1 else ""
        spec = f":{template(part.format_spec)[0]}" if isinstance(part.format_spec, ast.JoinedStr) else ""
        text += f"{{{len(values)}{kind}{spec}}}"
        values.append(part.value)
    return text, values


def is_sql(text: str) -> bool:
    return bool(re.match(r"\s*(select|with|from)\b", text))


# -- keeping the catalogue -----------------------------------------------------------------------------------------------------
def pieces(path: Path) -> Iterator[str]:
    """Everything of a notebook that a reader reads, in order."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (block for block in blocks(source) if not block.startswith(SEEN_ONLY))
        elif cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
            yield from _strings(ast.parse(source))


def _strings(tree: ast.AST) -> Iterator[str]:
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inside |= {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found = [template(node)[0]]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            quoted = QUOTED.findall(node.value) if is_sql(node.value) else []
            found = [*quoted, *(f"'{text}'" for text in quoted if f"'{text}'" in catalogue())] or [node.value]
        else:
            continue
        yield from (text for text in found if is_said(text))


def _has_docstring(node: Any) -> bool:
    first = node.body[0] if isinstance(node, ast.FunctionDef) and node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)


def is_said(text: str) -> bool:
    """Whether a string is words for a reader: an identifier, an address or a code is not."""
    if text in catalogue():
        return True
    words = re.sub(r"\{[^}]*\}", "", text)
    if not re.search(r"[A-Za-z]{2}", words) or is_sql(text):
        return False
    return " " in words.strip() or words != text or not NOT_SAID.fullmatch(words)


def update() -> list[str]:
    """Rewrite the catalogue from the notebooks; the pieces that still lack English."""
    known, new, missing = catalogue(), Catalog(locale="en", fuzzy=False), []
    for path in sorted(CATALOGUE.parent.glob("[0-9]*.ipynb")):
        for text in pieces(path):
            new.add(text, known.get(text, ""))
            missing += [] if text in known or text in missing else [text]
    with CATALOGUE.open("wb") as file:
        file.write(b'msgid ""\nmsgstr ""\n"Language: en\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n')
        write_po(file, new, omit_header=True, width=110)
    return missing


if __name__ == "__main__":
    left = update()
    print(f"{len(left)} without English", *left, sep="\n  ")
