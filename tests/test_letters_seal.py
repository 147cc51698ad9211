"""The monthly seal: the same bytes twice, any flipped byte found by the page in a browser, no correction in silence."""

import hashlib
import io
import json
import random
import re
import shutil
import zipfile

import pytest

from pipeline.letters import monthly, paper, past, seal
from pipeline.letters.origin import opened
from pipeline.night import NotPossible

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    import dataclasses

    from pipeline.settings import Workspace

    with opened(home) as found:
        own = Workspace(tmp_path_factory.mktemp("segel"))
        page = own.site / found.version / "id" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<h1>Halaman</h1>", encoding="utf-8")
        yield dataclasses.replace(found, workspace=own)


@pytest.fixture(scope="module")
def closed(made):
    return seal.close(made)


def bundle_of(entry) -> bytes:
    with open(entry["bundle"], "rb") as file:
        return file.read()


def test_the_seal_is_the_hash_of_the_bundle_and_the_manifest_names_every_member(made, closed):
    content = bundle_of(closed)
    assert hashlib.sha256(content).hexdigest() == closed["seal"]
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        manifest = json.loads(bundle.read(seal.MANIFEST))
        assert set(manifest["files"]) == set(bundle.namelist()) - {seal.MANIFEST}
        assert all(hashlib.sha256(bundle.read(n)).hexdigest() == h for n, h in manifest["files"].items())
        assert "halaman/id/index.html" in bundle.namelist() and "tabel/estimates.agency_window.csv" in bundle.namelist()
    assert manifest["archive_sha256"] == made.archive and manifest["version_sha256"] == made.version_sha256


def test_closing_again_gives_the_same_bytes_and_no_second_entry(made, closed):
    assert seal.close(made)["seal"] == closed["seal"]
    assert len(seal.register(made.workspace)) == 1


def test_the_letter_carries_the_seal(made, closed):
    assert any(closed["seal"] in line for line in monthly.letter(made).footer)


def test_a_correction_needs_a_reason_and_is_listed_and_printed(made, closed):
    page = made.workspace.site / made.version / "id" / "index.html"
    before = page.read_bytes()
    page.write_text("<h1>Halaman lain</h1>", encoding="utf-8")
    register = made.workspace.root / "laporan" / "segel.jsonl"
    kept = register.read_text(encoding="utf-8")
    try:
        with pytest.raises(NotPossible, match="alasan"):
            seal.close(made)
        assert seal.latest(made.workspace, made.month)["seal"] == closed["seal"]
        again = seal.close(made, reason="Berkas Dinkes diganti")
        assert again["corrects"] == closed["seal"] and set(again["changed"]) == {"halaman/id/index.html", seal.MANIFEST}
        said = json.dumps(monthly.letter(made).blocks, ensure_ascii=False)
        assert "Berkas Dinkes diganti" in said and closed["seal"][:12] in said
    finally:
        page.write_bytes(before)
        register.write_text(kept, encoding="utf-8")
        seal.close(made)


def test_a_code_file_more_is_another_code():
    assert "pipeline/letters/seal.py" in seal.code_hashes() and any(n.startswith("warehouse/marts") for n in seal.code_hashes())


def test_the_page_takes_nothing_from_a_name(closed):
    with open(closed["verifier"], encoding="utf-8") as file:
        page = file.read()
    assert "innerHTML" not in page and "default-src 'none'" in page
    assert closed["seal"] in page and not re.search(r"https?://", page)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_flipped_byte_anywhere_is_found_in_a_browser(closed, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    content = bundle_of(closed)
    picks = [*random.Random(7).sample(range(len(content)), 12), 0, len(content) - 1, len(content) - 22]
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        inside = bundle.getinfo("tabel/estimates.agency_window.csv")
    picks.append(inside.header_offset + 30 + len(inside.filename) + 100)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        heard = []
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(f"file://{closed['verifier']}")

        def judge(data: bytes) -> tuple[str, str]:
            page.set_input_files("#file", {"name": "segel.zip", "mimeType": "application/zip", "buffer": data})
            want = hashlib.sha256(data).hexdigest()
            page.wait_for_function("h => document.getElementById('hash').textContent === h", arg=want)
            return page.get_attribute("#verdict", "class"), page.inner_text("#list")

        assert judge(content) == ("good", "")
        for place in picks:
            broken = bytearray(content)
            broken[place] ^= 1 << (place % 8)
            assert judge(bytes(broken))[0] == "bad", place
        assert judge(bytes(broken))[1] == "tabel/estimates.agency_window.csv"
        assert judge(content[:-1])[0] == "bad" and judge(content + b"\0")[0] == "bad"
        judge(content)
        page.fill("#typed", closed["seal"][:12].upper())
        assert page.get_attribute("#verdict", "class") == "good"
        page.fill("#typed", "0" * 12)
        assert page.get_attribute("#verdict", "class") == "bad"
        browser.close()
    assert heard == []


def test_the_letter_with_a_seal_is_still_pdf_a(made, closed):
    assert paper.compile_pdf(monthly.letter(made))[:5] == b"%PDF-"


# -- the archive reads closed months from their bundles ------------------------------------------------------------------------
@pytest.fixture
def archive(home, made, closed, tmp_path):
    """A workspace of its own with the version and the seal."""
    from pipeline.settings import Workspace

    own = Workspace(tmp_path)
    shutil.copytree(home.versions, own.versions)
    shutil.copyfile(home.current_file, own.current_file)
    shutil.copytree(made.workspace.root / "laporan", own.root / "laporan")
    return own


def test_a_closed_month_is_told_from_its_sealed_bundle(archive, made, closed):
    (report,) = past.reports(archive)
    assert report.month == made.month and report.seal["seal"] == closed["seal"] and report.closed_on
    for name in past.TABLES:
        told, published = (facts.frames[name].sort(facts.frames[name].columns) for facts in (report.facts, made.facts))
        assert told.schema == published.schema and told.height == published.height, name
        for column in published.columns:
            if published[column].dtype.is_float():
                assert ((told[column] - published[column]).abs().max() or 0) < 1e-5, (name, column)
            else:
                assert [v or None for v in told[column]] == [v or None for v in published[column]], (name, column)


def test_a_bundle_that_was_changed_is_not_believed(archive):
    bundle = next(archive.root.rglob("segel-*.zip"))
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(bytes(content))
    (report,) = past.reports(archive)
    assert report.seal is None and not report.corrections


def test_without_versions_there_is_nothing_to_tell(tmp_path):
    from pipeline.settings import Workspace

    assert past.reports(Workspace(tmp_path)) == []
