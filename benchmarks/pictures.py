"""Pictures of every kind of page for docs/img: python benchmarks/pictures.py WORKSPACE [page …]. Needs Chromium and pdftoppm.

WORKSPACE holds a published version of simulated data (`terukur demo`); anything else is refused, because pictures are public.
Each page at 1280 and 390 pixels, dark, and the first sheet on A4, as PNG with a small palette, at most 400 KB. Without a name
only the pictures that documents show are made anew; with names every size of those pages, to look at, not to keep."""

import base64
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from pipeline import pages, registry
from pipeline.engine import versions
from pipeline.settings import workspace

TARGET = Path(__file__).parents[1] / "docs" / "img"
KINDS = {
    "ringkasan": "index",
    "daftar": "daftar",
    "perangkat": "perangkat/dinkes",
    "tanpa-data": "perangkat/inspektorat",
    "nama-asing": "perangkat/uji-keamanan",
    "pecahan": "perangkat/dispar",
    "pancakarsa": "pancakarsa",
    "pelatihan": "pelatihan",
    "kualitas": "kualitas",
    "metode": "metode",
    "glosarium": "glosarium",
    "buku": "buku/01_profil_perangkat_daerah",
}
SIZES = (("1280", 1280, "light", 4800), ("gelap", 1280, "dark", 2600), ("390", 390, "light", 5200))  # and how much of a long page
LARGEST = 400_000
# The most frequent colours of a picture become its palette; every other pixel takes the nearest of them.
PALETTE = """async ([data, most]) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(data), c => c.charCodeAt(0))]));
  const w = image.width, h = image.height, context = new OffscreenCanvas(w, h).getContext("2d");
  context.drawImage(image, 0, 0);
  const px = context.getImageData(0, 0, w, h).data, count = new Map(), near = new Map();
  const bin = i => (px[i] >> 2) << 12 | (px[i + 1] >> 2) << 6 | px[i + 2] >> 2;
  const rgb = k => [k >> 12, k >> 6 & 63, k & 63].map(v => v === 63 ? 255 : v * 4 + 2);
  for (let i = 0; i < px.length; i += 4) { const k = bin(i); count.set(k, (count.get(k) || 0) + 1); }
  const kept = [...count].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, most).map(e => rgb(e[0]));
  const distance = (p, c) => (p[0] - c[0]) ** 2 + (p[1] - c[1]) ** 2 + (p[2] - c[2]) ** 2;
  for (const k of count.keys()) {
    const c = rgb(k), away = kept.map(p => distance(p, c));
    near.set(k, away.indexOf(Math.min(...away)));
  }
  const rows = new Uint8Array((w + 1) * h);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) rows[y * (w + 1) + x + 1] = near.get(bin((y * w + x) * 4));
  let text = "";
  for (let i = 0; i < rows.length; i += 32768) text += String.fromCharCode(...rows.subarray(i, i + 32768));
  return [w, h, kept, btoa(text)];
}"""


def main(folder: str, wanted: list[str]) -> None:
    place = workspace(folder)
    with tempfile.TemporaryDirectory() as scratch, versions.open_version(place) as version, sync_playwright() as playwright:
        if not version.sql("select simulated from meta.version").item():
            sys.exit("only simulated data may be pictured")
        known = registry.load(place.registry)
        site = pages.build(version, Path(scratch), languages=("id",), registry=known, notebooks=place.notebooks).folder / "id"
        browser = playwright.chromium.launch(executable_path=pages.chromium(), args=["--no-sandbox", "--disable-gpu"])
        painter = browser.new_page()
        for name, path in KINDS.items():
            if (not wanted or name in wanted) and (site / f"{path}.html").is_file():
                for size, picture in shots(browser, site / f"{path}.html", Path(scratch)):
                    if not wanted and not (TARGET / f"{name}-{size}.png").exists():
                        continue
                    content = with_palette(painter, picture)
                    (TARGET / f"{name}-{size}.png").write_bytes(content)
                    print(f"{name}-{size}.png {len(content):,}{' OVER 400 KB' if len(content) > LARGEST else ''}")
        browser.close()


def shots(browser: Browser, file: Path, scratch: Path):
    """(size, PNG) of one page; the A4 sheet is what paper shows first."""
    for size, width, scheme, tallest in SIZES:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.goto(file.as_uri())
        height = min(tallest, page.evaluate("document.documentElement.scrollHeight"))
        yield size, page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
        if size == "1280":
            paper = page.pdf(prefer_css_page_size=True, print_background=True)
        page.close()
    (scratch / "kertas.pdf").write_bytes(paper)
    subprocess.run(
        ["pdftoppm", "-r", "80", "-png", "-l", "1", "-singlefile", scratch / "kertas.pdf", scratch / "kertas"], check=True
    )
    yield "a4", (scratch / "kertas.png").read_bytes()


def with_palette(painter: Page, picture: bytes, colours: int = 64) -> bytes:
    width, height, palette, rows = painter.evaluate(PALETTE, [base64.b64encode(picture).decode(), colours])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    body = zlib.compress(base64.b64decode(rows), 9)
    parts = ((b"IHDR", header), (b"PLTE", bytes(v for colour in palette for v in colour)), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
