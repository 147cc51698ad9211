"""The pages in a real browser: accessible, silent, offline, printable, searchable, complete without scripts.

Needs Chromium; without one the tests say so and are skipped (everything else about the pages is tested without a browser)."""

import re
import shutil
from pathlib import Path

import pytest

from pipeline import pages, registry
from pipeline.pages.data import alphabetical
from tests.one_version import HOSTILE, changed, many, trained
from tests.test_pages import BUILT

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def site(home, tmp_path_factory):
    """The one version with enough districts for a long list, a training, and a hostile name."""
    folder = tmp_path_factory.mktemp("browser")
    hostile = HOSTILE.replace("'", "''")
    name = f"update core.agencies set short_name = '{hostile}', name = '{hostile}' where agency_id = 'uji-keamanan'"
    with changed(home, folder, *many(18), *trained(), name) as version:
        return pages.build(version, folder / "site", built_at=BUILT, registry=registry.load(home.registry)).folder


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def visit(browser):
    """Opens a page; afterwards nothing may have been said in the console, asked of a network, or shown as a dialog."""
    contexts, heard = [], []

    def open_page(path: Path, *, width: int = 1280, height: int = 900, wait: int = 0, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(("console", message.text)))
        page.on("pageerror", lambda error: heard.append(("error", str(error))))
        page.on("dialog", lambda dialog: (heard.append(("dialog", dialog.message)), dialog.dismiss()))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else heard.append(("request", r.url)))
        page.goto(path.as_uri())
        page.wait_for_timeout(wait)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


KINDS = [
    "index",
    "daftar",
    "banding",
    "arsip",
    "pancakarsa",
    "pelatihan",
    "kualitas",
    "metode",
    "glosarium",
    "buku/index",
    "jejak",
    "perangkat/dinkes",
    "perangkat/kec-tenjolaya",
    "perangkat/kec-sukajaya",
    "perangkat/uji-keamanan",
]


def violations(page) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found]


@pytest.fixture(scope="module")
def desk(browser):
    """One page for the accessibility checks: axe talks in its own voice, so outside `visit`."""
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


# Labels of a chart that leave its drawing or lie on each other, and on phones tables that are wider than the screen.
CROWDED = """narrow => {
  const found = [];
  for (const svg of document.querySelectorAll(".gambar > svg")) {
    const box = svg.getBoundingClientRect();
    if (!box.width) continue;
    const texts = [...svg.querySelectorAll("text")].filter(e => e.textContent.trim());
    const labels = texts.map(e => [e.textContent, e.getBoundingClientRect()]);
    const wide = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    labels.forEach(([text, a], i) => {
      if (wide(a, box) < a.width - 1 || high(a, box) < a.height - 1) found.push("cut off: " + text);
      for (const [other, b] of labels.slice(i + 1))
        if (wide(a, b) > 1.5 && high(a, b) > 3) found.push(text + " lies on " + other);
    });
  }
  for (const table of narrow ? document.querySelectorAll(".geser") : [])
    if (table.checkVisibility() && table.scrollWidth > table.clientWidth + 1)
      found.push("wider than the screen: " + table.innerText.slice(0, 60));
  return found;
}"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_accessibility_violation(site, desk, kind):
    """Light and dark, wide, phone and reflow width; nothing may scroll sideways, whatever an agency is called."""
    for width in (1280, 390, 320):
        desk.set_viewport_size({"width": width, "height": 900})
        desk.emulate_media(color_scheme="light", media="screen")
        desk.goto((site / f"id/{kind}.html").as_uri())
        assert desk.evaluate("document.documentElement.scrollWidth") <= width, (kind, width)
        assert desk.evaluate(CROWDED, width < 640) == [], (kind, width)
        for scheme in ("light", "dark"):
            desk.emulate_media(color_scheme=scheme)
            assert violations(desk) == [], (kind, width, scheme)
    desk.emulate_media(media="print")
    desk.set_viewport_size({"width": 704, "height": 1000})
    assert desk.evaluate(CROWDED, False) == [], (kind, "paper")


@pytest.mark.parametrize("kind", ["index", "pancakarsa", "pelatihan", "perangkat/dinkes"])
def test_english_labels_keep_clear_of_each_other(site, desk, kind):
    for width, media in ((1280, "screen"), (390, "screen"), (704, "print")):
        desk.set_viewport_size({"width": width, "height": 900})
        desk.emulate_media(color_scheme="light", media=media)
        desk.goto((site / f"en/{kind}.html").as_uri())
        assert desk.evaluate(CROWDED, media == "screen" and width < 640) == [], (kind, width)


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_silent_and_offline(site, visit, kind):
    page = visit(site / f"en/{kind}.html", wait=400)
    assert page.title()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(300)


def test_overview_prints_on_four_pages_with_the_briefing_on_the_first(browser, home, tmp_path):
    """About 88 agencies, as in the regency."""
    with changed(home, tmp_path, *many(82), *trained()) as version:
        folder = pages.build(version, tmp_path / "site", languages=("id",), built_at=BUILT).folder
    page = browser.new_page()
    page.goto((folder / "id/index.html").as_uri())
    page.wait_for_timeout(500)
    content = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) <= 4
    if shutil.which("pdftotext"):
        import subprocess

        (tmp_path / "cetak.pdf").write_bytes(content)
        shown = subprocess.run(
            ["pdftotext", "-layout", "-l", "1", tmp_path / "cetak.pdf", "-"], capture_output=True, text=True, check=True
        )
        assert "untuk bulan depan" in shown.stdout and "DATA SIMULASI" in shown.stdout and "1/" in shown.stdout


def rows(page) -> list[str]:
    return page.eval_on_selector_all(
        "tbody tr[data-cari]", "rows => rows.filter(r => !r.hidden).map(r => r.querySelector('th').dataset.v)"
    )


def test_search_filter_sort_and_show_all(site, visit):
    page = visit(site / "id/index.html")
    assert len(rows(page)) == 15
    page.get_by_role("button", name="Tampilkan semua").click()
    everyone = rows(page)
    assert len(everyone) == 24 and everyone == sorted(everyone, key=alphabetical)
    page.get_by_label("Cari nama").fill("kesehatan")
    assert rows(page) == ["Dinkes"]
    page.get_by_label("Cari nama").fill("")
    page.locator("select[data-saring=kelompok]").select_option("dinas_layanan")
    assert rows(page) == ["Dinkes", "Diskominfo"]
    page.locator("select[data-saring=kelompok]").select_option("")
    page.get_by_role("button", name="× biasanya").click()
    values = page.eval_on_selector_all(
        "tbody td[data-k=nilai]", "cells => cells.map(c => c.dataset.v).filter(v => v).map(Number)"
    )
    assert values == sorted(values, reverse=True)
    assert page.locator("th[data-key=nilai]").get_attribute("aria-sort") == "descending"
    last = page.eval_on_selector_all("tbody td[data-k=nilai]", "cells => cells.at(-1).dataset.v")
    assert last == ""  # what is not known stands last, whichever way one sorts


def test_the_first_phone_screen_says_what_happened_what_is_better_worse_and_who_needs_help(site, visit):
    page = visit(site / "id/index.html", width=390, height=844)
    bottoms = page.eval_on_selector_all("h1, .kabar li, .jumlah thead tr", "e => e.map(x => x.getBoundingClientRect().bottom)")
    assert len(bottoms) == 5 and max(bottoms) < 844
    assert [text.split(":")[0].strip("▲▼◆ ") for text in page.locator(".kabar li").all_inner_texts()] == [
        "Lebih baik",
        "Lebih rendah",
        "Perlu bantuan",
    ]


def test_on_a_phone_sorting_by_change_shows_it_and_the_map_names_its_districts(site, visit):
    page = visit(site / "id/index.html", width=390, height=844)
    assert page.locator("td[data-k=ubah]:visible").count() == 0
    page.select_option("#tabel select[data-urut]", "ubah:-1")
    assert page.locator("td[data-k=ubah]:visible").count() == 15
    page.goto((site / "id/banding.html").as_uri())
    names = page.locator(".peta-nama li:visible").all_inner_texts()
    assert any("Cibinong" in name for name in names)
    assert len(names) == page.locator(".peta svg.g-n g").count()


@pytest.mark.parametrize("width", [1280, 390])
def test_opening_the_numbers_moves_no_button(site, visit, width):
    page = visit(site / "id/index.html", width=width)
    place = "e => { const r = e.getBoundingClientRect(); return [r.x + scrollX, r.y + scrollY] }"
    button = page.locator("#tren a.tombol").first
    before = button.evaluate(place)
    page.locator("#tren summary").click()
    assert page.locator("#tren .sumber table").is_visible() and button.evaluate(place) == before


def test_live_layer_appears_on_idle_over_the_same_box(site, visit):
    page = visit(site / "id/index.html")
    box = page.locator('[data-gambar="tren"]')
    before = box.bounding_box()
    box.scroll_into_view_if_needed()
    page.wait_for_selector('[data-gambar="tren"].hidup .lapis svg', state="attached", timeout=15_000)
    after = box.bounding_box()
    assert before["height"] == pytest.approx(after["height"], abs=1) and before["width"] == after["width"]
    assert box.locator("> svg.g-w").evaluate("e => getComputedStyle(e).opacity") == "0"
    assert box.locator("> svg.g-w").get_attribute("role") == "img"  # hidden from the eye, not from screen readers


def test_live_layer_waits_for_a_tap_on_touch_screens(site, visit):
    page = visit(site / "id/index.html", width=390, wait=1200, has_touch=True, is_mobile=True)
    assert page.locator(".hidup").count() == 0
    page.locator('[data-gambar="tren"]').tap()
    page.wait_for_selector('[data-gambar="tren"].hidup .lapis svg', state="attached", timeout=15_000)


DRAWN = """box => {
  const place = e => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
  const corners = e => { const m = e.getScreenCTM(), found = [];
    for (const [, x, y] of e.getAttribute("d").matchAll(/[ML]?(-?[0-9.]+),(-?[0-9.]+)/g)) {
      const p = new DOMPoint(+x, +y).matrixTransform(m); found.push([p.x, p.y]); }
    return found; };
  const text = e => [e.textContent.replace(/\\s+/g, ""), ...place(e)];
  const ours = q => [...box.querySelectorAll(":scope > svg.g-w " + q)], theirs = q => [...box.querySelectorAll(".lapis " + q)];
  return {
    ours: {marks: ours("circle, rect, path").map(place), corners: ours("path").flatMap(corners), texts: ours("text").map(text)},
    theirs: {marks: theirs("path.point, .point path").map(place), corners: theirs("path.js-line").flatMap(corners),
             texts: theirs(".xtick text, .ytick text, .annotation-text").map(text)}};
}"""


@pytest.mark.parametrize(
    ("kind", "chart"),
    [
        ("index", "tren"),
        ("index", "rentang"),
        ("index", "tema"),
        ("perangkat/dinkes", "posisi"),
        ("perangkat/dinkes", "tren"),
        ("perangkat/dinkes", "platform"),
        ("pelatihan", "peristiwa"),
        ("pelatihan", "sebelum-sesudah"),
    ],
)
def test_drawing_lies_where_plotly_draws(site, visit, kind, chart):
    """Every mark, corner of a line and label of plotly's own drawing has its twin in the static SVG: two pixels, text three."""
    page = visit(site / f"id/{kind}.html")
    box = page.locator(f'[data-gambar="{chart}"]')
    box.scroll_into_view_if_needed()
    page.wait_for_selector(f'[data-gambar="{chart}"].hidup .lapis svg', state="attached", timeout=15_000)
    drawn = box.evaluate(DRAWN)
    ours, theirs = drawn["ours"], drawn["theirs"]
    assert theirs["marks"] and theirs["texts"]
    for what in ("marks", "corners"):
        for x, y in theirs[what]:
            assert any(abs(x - u) < 2 and abs(y - v) < 2 for u, v in ours[what]), (what, x, y)
    for words, x, y in theirs["texts"]:
        assert any(words == same and abs(x - u) < 3.5 and abs(y - v) < 3.5 for same, u, v in ours["texts"]), (words, x, y)


def test_theme_button_overrides_the_system(site, visit):
    page = visit(site / "id/index.html", color_scheme="light")
    page.get_by_role("button", name="Tema gelap").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 20)"
    assert page.get_by_role("button", name="Tema terang").is_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_there_without_scripts(site, visit, kind):
    page = visit(site / f"id/{kind}.html", java_script_enabled=False)
    assert page.locator("button:visible").count() == 0
    assert page.locator("h1").is_visible()
    for figure in page.locator(".gambar").all():
        assert figure.locator("svg:visible").count() == 1
    listed = page.locator("tr[data-cari]")
    assert all(row.is_visible() for row in listed.all())


def test_hostile_page_runs_nothing(site, visit):
    page = visit(site / "id/perangkat/uji-keamanan.html", wait=1500)
    assert "<script>alert(1)" in page.locator("h1").inner_text()
    assert page.locator("img").count() == 0


def test_shared_file_unpacks_its_engine(version, tmp_path, visit):
    out = pages.share(version, "ringkasan", tmp_path / "ringkasan.html", built_at=BUILT)
    page = visit(out)
    page.locator('[data-gambar="tren"]').scroll_into_view_if_needed()
    page.wait_for_selector('[data-gambar="tren"].hidup .lapis svg', state="attached", timeout=20_000)


def test_png_button_gives_a_picture(site, visit):
    page = visit(site / "id/index.html", accept_downloads=True)
    with page.expect_download() as waiting:
        page.locator("#tren [data-png]").click()
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")


def test_keyboard_reaches_content_first_and_nothing_in_plotly(site, visit):
    page = visit(site / "id/index.html", wait=1500)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "lompat"
    for _ in range(40):
        page.keyboard.press("Tab")
        assert not page.evaluate("!!document.activeElement.closest('.lapis')")


def test_two_to_five_agencies_stand_side_by_side_in_any_period(site, visit):
    page = visit(site / "id/banding.html")
    ticks = page.locator("section:not([hidden]) [data-pilih]")
    ticks.nth(0).check()
    assert "dua sampai lima" in page.locator("[data-pesan]").inner_text()
    for i in (1, 2, 3, 4):
        ticks.nth(i).check()
    assert page.locator(".sanding article").count() == 5
    assert "kira-kira antara" in page.locator(".sanding article").first.inner_text()
    ticks.nth(5).click()
    assert not ticks.nth(5).is_checked() and "Paling banyak lima" in page.locator("[data-pesan]").inner_text()
    assert page.locator("[data-beda]").inner_text()
    month = page.locator("[data-periode] option").nth(1)
    page.select_option("[data-periode]", month.get_attribute("value"))
    assert "Unggahan" in page.locator(".sanding").inner_text()
    page.select_option("[data-kelompok]", index=0)
    assert page.locator(".sanding article").count() == 0


def test_a_page_leads_to_its_agency_beside_the_group(site, visit):
    page = visit(site / "id/perangkat/kec-cibinong.html")
    page.click("text=Bandingkan dengan kelompoknya")
    page.wait_for_timeout(200)
    assert page.locator("#bd-kec-cibinong [data-pilih]").is_checked()
    assert page.locator("[data-kelompok]").input_value() == "kecamatan"
