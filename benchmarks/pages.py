"""Sizes and times of the pages: python benchmarks/pages.py [agencies]. Paint and shift need Chromium and playwright.

One line a budget: what was measured, what is allowed, reached or NOT REACHED. Ends with 1 when one is not reached."""

import shutil
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from pipeline import pages, registry, samples, settings  # noqa: E402
from pipeline.engine import build  # noqa: E402
from pipeline.intake import ledger  # noqa: E402
from tests.one_version import NAME, changed, many  # noqa: E402

BUILT = datetime(2026, 11, 22, 19, 10)


def small(root: Path) -> settings.Workspace:
    """The tiny regency, really built: what the invented districts are copied from."""
    samples.generate(root, "tiny")
    home = settings.workspace(root)
    ledger.ingest(home, registry.load(home.registry))
    build.build(home, version_name=NAME)
    return home


def main(agencies: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        changed(small(Path(folder) / "tiny"), Path(folder) / "copy", *many(max(1, agencies - 6))) as version,
    ):
        cpu = time.process_time()
        site = pages.build(version, Path(folder), built_at=BUILT)
        cpu = time.process_time() - cpu
        sizes = [(p.stat().st_size, str(p.relative_to(site.folder))) for p in site.folder.glob("*/**/*.html")]
        largest, where = max(sizes)
        single = pages.share(version, "ringkasan", Path(folder) / "satu.html", built_at=BUILT).stat().st_size
        first, shift = paint(site.folder / "id" / "index.html")
    print(f"{agencies} agencies, {site.pages} pages")
    lines = [
        ("build, CPU s", cpu, 20 if agencies <= 90 else 60),
        (f"largest page, KB ({where})", largest / 1000, 300),
        ("one page as a single file, KB", single / 1000, 1000),
        ("first paint at a quarter of the CPU, ms", first, 1000),
        ("layout shift in the first two seconds", shift, 0.1),
    ]
    missed = 0
    for what, value, allowed in lines:
        word = "not measured: no Chromium" if value is None else "reached" if value <= allowed else "NOT REACHED"
        missed += word == "NOT REACHED"
        print(f"{what:<50} {'-' if value is None else f'{value:,.4g}':>8}   at most {allowed:>5}   {word}")
    sys.exit(bool(missed))


def paint(page: Path) -> tuple[float | None, float | None]:
    """First contentful paint (ms) at a quarter of the CPU, and layout shift until two seconds after load."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None, None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
        tab = context.new_page()
        context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        tab.add_init_script(
            "window.shift=0;new PerformanceObserver(l=>{for(const e of l.getEntries())window.shift+=e.value})"
            ".observe({type:'layout-shift',buffered:true})"
        )
        tab.goto(page.as_uri())
        tab.wait_for_timeout(2000)
        first = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        shift = tab.evaluate("window.shift")
        browser.close()
    return first, shift


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 90)
