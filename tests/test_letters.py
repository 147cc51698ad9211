"""Letters and reports on paper: every figure traced, nothing made up, nothing from outside formats, PDF/A that says so."""

import dataclasses
import io
import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pypdf
import pytest

from pipeline import registry
from pipeline.letters import agency, delivery, messages, monthly, paper, parts
from pipeline.letters.origin import opened
from pipeline.night import NotPossible
from pipeline.pages.sheet import Shown
from tests.one_version import HOSTILE


@pytest.fixture(scope="module")
def made(home):
    with opened(home) as found:
        yield found


@pytest.fixture(scope="module")
def letter(made):
    return monthly.letter(made)


def text_of(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


def shown_in(document: paper.Document) -> str:
    return json.dumps(document.blocks, ensure_ascii=False)


def test_the_letter_is_tagged_pdf_a_in_its_language(letter):
    pdf = paper.compile_pdf(letter)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "id"
    assert root["/OutputIntents"] and b"pdfaid:part>2<" in pdf and b"pdfaid:conformance>B<" in pdf
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(inner), "a font is not embedded"
    assert pdf == paper.compile_pdf(letter), "two prints of one letter differ"


def test_every_figure_of_a_document_is_in_its_annex_with_the_text_that_was_printed(made, letter):
    sheet = made.sheet("id")
    row = sheet.facts.row("marts.regency_window")
    figure = sheet.number("marts.regency_window", row, "accounts_known")
    assert [figure.text, figure.figure] in [line[1:] for line in letter.annex.rows()]
    numbers = {int(n) for n in re.findall(r"\d+", " ".join(re.findall(r'"refs": \[([\d, ]*)\]', shown_in(letter))))}
    assert numbers == set(letter.annex.groups.values())
    assert figure.figure in text_of(paper.compile_pdf(letter)).replace(" ", "")


def test_the_letter_names_version_archive_and_simulation(made, letter):
    said = text_of(paper.compile_pdf(letter))
    assert made.version in said and made.version_sha256 in said and made.archive in said
    assert ("DATA SIMULASI" in said) == made.facts.simulated


def test_the_findings_are_the_sentences_of_the_pages(made, letter):
    from pipeline.pages import ringkasan

    sheet = made.sheet("id")
    for sentence in (ringkasan.headline(sheet), *filter(None, ringkasan.lede(sheet))):
        assert paper.read(sentence)[0] in shown_in(letter).replace('\\"', '"')


@pytest.mark.parametrize("name", [HOSTILE, "= 1 + 1 #let x = 2 $ $", "🎉🎉"])
def test_a_hostile_name_is_printed_as_text_and_costs_nobody_the_report(made, name):
    found = {**made.facts.listed[0], "short": name, "long": name}
    pdf = paper.compile_pdf(agency.report(made, found))
    assert b"/JavaScript" not in pdf and b"/URI" not in pdf


@pytest.mark.parametrize("is_open", [True, False])
def test_an_objection_stands_in_letter_report_and_message_until_it_is_decided(made, is_open):
    found = made.facts.listed[0]
    said = {"objection_id": "k1", "agency_id": found["agency_id"], "received_on": date(2026, 11, 20), "is_open": is_open}
    said |= {"figure_id": f"agency_window:vs_expected:agency_id={found['agency_id']}", "objection": "Terhitung dua kali"}
    table = made.facts.frames["core.objections"]
    frames = made.facts.frames | {"core.objections": pl.DataFrame([said], schema=table.schema)}
    origin = dataclasses.replace(made, facts=dataclasses.replace(made.facts, frames=frames, parts={}))
    papers = shown_in(agency.report(origin, found)), shown_in(monthly.letter(origin)), messages.text(origin, found)
    assert ["Terhitung dua kali" in text for text in papers] == [is_open] * 3
    other = shown_in(agency.report(origin, made.facts.listed[1]))
    assert "Terhitung dua kali" not in other


def test_every_agency_gets_a_report_also_one_without_data(made):
    for found in made.facts.agencies:
        assert agency.report(made, found).blocks


@pytest.mark.parametrize("said", ["halo 🎉 dunia", "𝗣𝗲𝗻𝘁𝗶𝗻𝗴", "a\u202egnp.exe", "日本", "#set text(1pt) $x^2$ [b] *c*"])
def test_what_the_font_lacks_is_left_out_or_written_plainly(made, said):
    page = paper.Document(made.sheet("id"), said)
    page.say(said)
    paper.compile_pdf(page)
    assert paper.inked("𝗣𝗲𝗻𝘁𝗶𝗻𝗴") == "Penting"


def test_every_sign_that_is_let_through_has_a_shape_in_the_font(made):
    page = paper.Document(made.sheet("id"), "Huruf")
    page.say("".join(chr(c) for c in range(0x20, 0x250) if paper.inked(chr(c))) + paper._SIGNS)
    paper.compile_pdf(page)  # PDF/A refuses a sign without a shape


def test_a_see_why_link_does_not_reach_paper():
    from markupsafe import Markup

    text, figures = paper.read(Markup('<b>Isi.</b> <span data-figure="t:c:k=1">12</span> <a href="#x">Lihat</a>'))
    assert (text, figures) == ("Isi. 12", [("t:c:k=1", "12")])


def test_without_signatories_there_is_a_line_and_no_name(made):
    assert parts.signatures(made, "bulanan", date(2026, 11, 1)) == [
        {"heading": "", "position": "", "name": "", "rank": "", "number": ""}
    ]


def signatories(*rows) -> registry.Registry:
    return registry.Registry(signatories=registry.frame("signatories", list(rows)))


def test_the_signatory_of_the_day_and_of_the_document_signs(made):
    old = {"document": "bulanan", "order": 1, "position": "Kepala lama", "valid_to": date(2026, 6, 30)}
    new = {"document": "bulanan", "order": 1, "position": "Kepala baru", "name": "Budi", "valid_from": date(2026, 7, 1)}
    other = {"document": "semua", "order": 1, "position": "Sekretaris"}
    made = dataclasses.replace(made, known=signatories(old, new, other))
    positions = [
        [s["position"] for s in parts.signatures(made, kind, day)]
        for kind, day in (("bulanan", date(2026, 6, 30)), ("bulanan", date(2026, 7, 1)), ("perangkat", date(2026, 7, 1)))
    ]
    assert positions == [["Kepala lama"], ["Kepala baru"], ["Sekretaris"]]


def test_a_wrong_signatory_is_told_with_its_line(tmp_path):
    registry.write_template(tmp_path)
    with (tmp_path / "signatories.csv").open("a", encoding="utf-8") as file:
        file.write("nota,1,,Kepala,,,123,,\n")
    with pytest.raises(registry.RegistryError) as error:
        registry.load(tmp_path)
    assert {(p.file, p.column) for p in error.value.problems} == {
        ("signatories.csv", "document"),
        ("signatories.csv", "employee_number"),
    }


def test_the_briefing_is_one_page_before_its_annex(made):
    pages = pypdf.PdfReader(io.BytesIO(paper.compile_pdf(monthly.briefing(made)))).pages
    assert "Lampiran: asal setiap angka" not in pages[0].extract_text()
    assert "Lampiran: asal setiap angka" in pages[1].extract_text()


def test_english_is_whole(made):
    document = monthly.letter(made, "en").as_data()
    said = json.dumps({k: v for k, v in document.items() if k not in ("annex", "letterhead")}, ensure_ascii=False)
    assert not re.search(r"\b(yang|dari|bulan|unggahan|tanggapan)\b", said)


def test_an_agency_that_is_not_known_is_told_with_what_is_near(made):
    with pytest.raises(NotPossible, match="maksudnya"):
        made.agency("dinkess")


def test_a_report_of_one_agency_lies_under_its_month(made, tmp_path):
    one = made.facts.listed[0]
    paths = list(delivery.make(made, "perangkat", agencies=[one["agency_id"]], target=tmp_path))
    assert paths == [tmp_path / "perangkat" / f"{one['slug']}-{made.month:%Y-%m}.pdf"] and paths[0].read_bytes()[:5] == b"%PDF-"
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [paths[0].name]


def test_a_number_that_is_not_known_has_no_id():
    assert paper.read(Shown("–", ""))[1] == []


def test_the_template_formats_nothing_that_comes_as_data():
    assert not re.search(r"\beval\(|mode:\s*\"markup\"", Path(paper.TEMPLATE).read_text(encoding="utf-8"))
