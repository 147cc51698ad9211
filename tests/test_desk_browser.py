"""The door in a real browser of phone size: sending, choosing, a broken line, no script, and nobody shut out."""

import re
import shutil
import threading
import time

import exports_in_tests as e
import pytest
import uvicorn
from desk_in_tests import instagram, office, stored, workspace
from test_desk_kill import free_port
from test_desk_service import AUDIENCE, FOREIGN

from pipeline.desk import links
from pipeline.desk.service import application

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A running service: its workspace, its address, the paths of an agency's and the keeper's link."""
    made = workspace(tmp_path_factory.mktemp("w"))
    server = uvicorn.Server(uvicorn.Config(application(made, office=office(made)), port=(port := free_port()), log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield made, f"http://127.0.0.1:{port}", links.make(made, "dinkes").path, links.make(made, None).path
    server.should_exit = True
    thread.join(20)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def phone(browser, served):
    """A page of 320 px; afterwards nothing may have been said in the console or asked of another machine."""
    heard, contexts = [], []

    def open_page(path, *, width=320, **options):
        context = browser.new_context(viewport={"width": width, "height": 640}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: heard.append(m.text) if "Failed to load resource" not in m.text else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(served[1]) else heard.append(r.url))
        page.goto(served[1] + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def choose(page, *files):
    page.set_input_files("#berkas", [{"name": name, "mimeType": "text/csv", "buffer": data} for name, data in files])
    page.click("button.utama")
    page.wait_for_selector("button.utama:not([disabled])", timeout=60_000)


def test_files_are_sent_one_by_one_and_each_gets_its_verdict(phone, served):
    made, _, agency, _ = served
    page = phone(agency)
    choose(page, ("satu.csv", instagram()), ("masuk.csv", b"<html></html>"), ("lain.csv", instagram(**FOREIGN)))
    verdicts = page.locator("#hasil article h3").all_inner_texts()
    assert [re.sub(r"[^A-Za-z ]", "", v).strip() for v in verdicts] == ["Diterima", "Ditolak", "Ditolak"]
    assert "Dinas Pendidikan" in page.inner_text("#hasil") and stored(made) == ["2026-12-01/ig-dinkes/satu.csv"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_broken_line_is_mended_without_sending_anew(phone, served):
    made, _, agency, _ = served
    page = phone(agency)
    records = e.instagram(200)
    for row in records[1:]:
        row[4] = "posyandu " * 500
    data, sent = e.plain(records), []

    def sometimes(route):
        sent.append(len(route.request.post_data_buffer or b""))
        route.abort() if len(sent) == 2 else route.continue_()

    page.route(re.compile(r"mulai="), sometimes)
    choose(page, ("besar.csv", data))
    assert "Diterima" in page.inner_text("#hasil")
    assert len(sent) >= 3 and sum(sent) - sent[1] == len(data)
    assert (made.inbox / "2026-12-01/ig-dinkes/besar.csv").read_bytes() == data


def test_whose_it_is_is_asked_and_answered_on_the_page(phone, served):
    made, _, agency, _ = served
    page = phone(agency)
    choose(page, ("Audience.csv", AUDIENCE))
    assert page.locator("form[data-pilih] button").count() == 2
    page.click("form[data-pilih] button >> text=Facebook")
    page.wait_for_selector("#hasil article.baik, #hasil article.catatan")
    assert "2026-12-01/fb-dinkes/Audience.csv" in stored(made)


def test_without_scripts_the_plain_form_does_the_same(phone, served):
    _, _, agency, _ = served
    page = phone(agency, java_script_enabled=False)
    page.set_input_files("#berkas", [{"name": "tanpa.csv", "mimeType": "text/csv", "buffer": instagram(20)}])
    page.click("button.utama")
    assert "Hasil berkas Anda" in page.inner_text("main") and "Diterima" in page.inner_text("#hasil")


def test_pages_shut_nobody_out_and_fit_a_small_phone(phone, served):
    _, _, agency, keeper = served
    pages = [agency, f"{agency}?bahasa=en", f"{agency}/isian/wa-dinkes", keeper, f"{keeper}/daftar/accounts", "/k/none"]
    for path in pages:
        for scheme in ("light", "dark"):
            page = phone(path, color_scheme=scheme)
            found = axe.Axe().run(page)
            assert found.violations_count == 0, f"{path} {scheme}\n{found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    wide = phone(agency, width=1280)
    assert wide.evaluate("document.documentElement.scrollWidth") <= 1280
