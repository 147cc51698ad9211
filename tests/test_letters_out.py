"""Messages, cards and leadership's folder: ready to send, inert, with addresses that stay."""

import dataclasses
import re
import shutil
import struct

import pytest

from pipeline.letters import messages, published, seal
from pipeline.letters.origin import opened
from pipeline.night import NotPossible
from pipeline.settings import Workspace


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    with opened(home) as found:
        own = Workspace(tmp_path_factory.mktemp("terbit"))
        page = own.site / found.version / "id" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<h1>Halaman</h1>", encoding="utf-8")
        yield dataclasses.replace(found, workspace=own)


def test_a_message_says_what_the_page_says_with_period_and_version(made):
    from pipeline.letters.paper import read
    from pipeline.pages import perangkat

    for found in made.facts.listed:
        said = messages.text(made, found)
        assert read(perangkat.headline(made.sheet("id"), found))[0] in said
        assert made.version in said and made.sheet("id").period in said and ("SIMULASI" in said) == made.facts.simulated
        assert "data-figure" not in said and "<span" not in said


def test_a_name_cannot_format_a_message(made):
    found = {**made.facts.listed[0], "short": "*Dinas* _x_ ~y~ `z`"}
    assert "*Dinas x y z:" in messages.text(made, found)


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_card_is_a_square_picture_also_of_an_agency_without_data(made, language):
    judged = [a for a in made.facts.listed if a["window"].get("state") == "judged"][:1]
    silent = [a for a in made.facts.listed if a["window"].get("state") == "no_data"][:1]
    for found in [*judged, *silent]:
        picture = messages.card(made, found, language)
        assert picture[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", picture[16:24]) == (1080, 1080)


def test_a_month_keeps_its_address_and_terbaru_leads_to_the_newest(made, tmp_path):
    (tmp_path / "2026-01").mkdir()
    place = published.publish(made, target=tmp_path)
    month = f"{made.month:%Y-%m}"
    assert place == tmp_path / month and (place / "id" / "index.html").exists()
    assert {p.name for p in (place / "dokumen").iterdir()} == {
        "laporan-bulanan.pdf",
        "briefing.pdf",
        "buku-kerja.xlsx",
        "perangkat",
    }
    assert f"url=../{month}/index.html" in (tmp_path / "terbaru" / "index.html").read_text(encoding="utf-8")
    listed = re.findall(r'href="(\d{4}-\d{2})/index.html"', (tmp_path / "index.html").read_text(encoding="utf-8"))
    assert listed == [month, "2026-01"]
    again = published.publish(made, target=tmp_path)
    assert again == place and not list(tmp_path.glob(".*"))


def test_every_link_of_the_folder_leads_somewhere(made, tmp_path):
    published.publish(made, target=tmp_path)
    (made.workspace.site / made.version / "index.html").write_text("pintu", encoding="utf-8")
    published.publish(made, target=tmp_path)
    for page in (tmp_path / "index.html", tmp_path / "terbaru" / "index.html"):
        for href in re.findall(r'href="([^"]+)"', page.read_text(encoding="utf-8")):
            assert (page.parent / href).exists(), href


def test_the_folder_shows_seals_and_corrections(made, tmp_path, monkeypatch):
    month = f"{made.month:%Y-%m}"
    first = {"month": month, "seal": "1" * 64, "corrects": None, "reason": None, "changed": []}
    second = {"month": month, "seal": "2" * 64, "corrects": "1" * 64, "reason": "Berkas <b>Dinkes</b>", "changed": ["a"]}
    second["closed_at"] = made.built_at.isoformat()
    monkeypatch.setattr(seal, "register", lambda _: [first, second])
    published.publish(made, target=tmp_path)
    said = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "1" * 64 in said and "2" * 64 in said and "Dikoreksi: Berkas &lt;b&gt;Dinkes" in said


def test_a_version_without_pages_is_not_published(made, tmp_path):
    shutil.rmtree(made.workspace.site)
    with pytest.raises(NotPossible, match="terukur run"):
        published.publish(made, target=tmp_path)
    assert not list(tmp_path.iterdir())
