"""Sizes and times of the pages: python benchmarks/pages.py [agencies]. Paint and shift need Chromium and playwright.

Ends with an error when a page, the single file, the paint or the shift is over its budget, or the build over its time (20 s up to
90 agencies, 60 s up to 500, on 2 cores)."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

from fake_version import BUILT, regency  # noqa: E402

from pipeline import pages  # noqa: E402


def main(agencies: int) -> None:
    version = regency(districts=max(8, agencies - 15))
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        site = pages.build(version, Path(folder), built_at=BUILT)
        seconds = time.perf_counter() - started
        print(f"{site.pages} pages in {seconds:.1f} s ({time.process_time() - cpu:.1f} s CPU)")
        over = [note for note in site.notes if "budget" in note]
        allowed = 20 if agencies <= 90 else 60
        if time.process_time() - cpu > allowed:
            over.append(f"build took more than {allowed} s")
        sizes = sorted((p.stat().st_size, str(p.relative_to(site.folder))) for p in site.folder.glob("*/**/*.html"))
        print(f"largest pages: {sizes[-3:]}")
        single = pages.share(version, "ringkasan", Path(folder) / "satu.html", built_at=BUILT)
        print(f"single file: {single.stat().st_size:,} bytes")
        if single.stat().st_size > 1_000_000:
            over.append("the single file is over 1 MB")
        over += paint(site.folder / "id" / "index.html")
    if over:
        sys.exit("over budget: " + "; ".join(over))


def paint(page: Path) -> list[str]:
    """First contentful paint at a quarter of the CPU, and layout shift until two seconds after load."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("paint: no Chromium here")
        return []
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
        print(f"first paint at 4x slow: {first:.0f} ms; layout shift: {shift:.3f}")
        browser.close()
    return [f"first paint {first:.0f} ms"] * (first > 1000) + [f"layout shift {shift:.3f}"] * (shift > 0.1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 90)
