"""What leaves the house, opened as readers open it: pages in Chromium, workbooks cell by cell. Nothing of it may act."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import openpyxl

from pipeline import pages, registry
from pipeline.letters import books
from pipeline.letters.origin import opened
from tests import one_version
from tests.test_browser import CHROMIUM, FLAGS


def tried(place: Path) -> tuple[int, list[str], int, int]:
    """Pages that were opened, what they did that they must not, cells of workbooks, and those that would act."""
    home = one_version.make(place / "data")
    hostile = one_version.HOSTILE.replace("'", "''")
    texts = (
        f"update core.agencies set short_name = '{hostile}', name = '{hostile}' where agency_id = 'uji-keamanan'",
        f"update core.posts set caption = '{hostile}'",
    )
    with one_version.changed(home, place / "changed", *texts) as version:
        site = pages.build(version, place / "site", registry=registry.load(home.registry)).folder
    heard = _opened(sorted(site.rglob("*.html")))
    with opened(home) as made:
        found = [books.month(made), *(books.agency(made, one) for one in made.facts.listed[:5])]
    cells = [
        cell for book in found for sheet in openpyxl.load_workbook(io.BytesIO(book)) for row in sheet.iter_rows() for cell in row
    ]
    live = sum(cell.data_type == "f" or bool(cell.hyperlink and cell.hyperlink.target and not _ours(cell)) for cell in cells)
    return (len(sorted(site.rglob("*.html"))) if CHROMIUM else 0), heard, len(cells), live


def _ours(cell: object) -> bool:
    """A link to a post on its platform, which a reader may follow."""
    return str(cell.hyperlink.target).startswith("https://")  # type: ignore[attr-defined]


def _opened(paths: list[Path]) -> list[str]:
    if not CHROMIUM or not shutil.which(CHROMIUM):
        return []
    from playwright.sync_api import sync_playwright

    heard: list[str] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory():
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.on("console", lambda message: heard.append(f"console {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error {error}"))
        page.on("dialog", lambda dialog: (heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
        inside = ("file:", "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(inside) else heard.append(f"request {r.url}"))
        for path in paths:
            page.goto(path.as_uri())
        browser.close()
    return heard
