"""A person is found and taken out however the name is written, in every container; the proof says what it cannot know."""

import gzip
import io
import json
import unicodedata
import zipfile

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from pipeline.intake import erasure, redact, tombstones
from pipeline.settings import Workspace
from tests.fake_exports import drop, ingest, post

PERSON = "Ma'ruf Amé"
SPELLINGS = {
    "entities": "Ma&apos;ruf Am&eacute;",
    "numeric entities": "Ma&#39;ruf Am&#xE9;",
    "decomposed": unicodedata.normalize("NFD", PERSON),
    "no-break space": "Ma'ruf\u00a0Amé",
    "typographic": "Ma\u2019ruf  Amé",
    "runs": "<r><t>Ma'</t></r><r><rPr><b/></rPr><t>ruf Amé</t></r>",
    "capitals": "MA'RUF AMÉ",
    "JSON": json.dumps("Ma\u2019ruf Amé"),
    "unseen marks": "Ma'r\u200buf Am\u00e9",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("container", ["text", "utf-16", "zip", "zip in zip", "gzip"])
def test_every_spelling_is_found_in_every_container(spelling, container):
    data = f"id,caption\n1,selamat {spelling}!\n".encode("utf-16" if container == "utf-16" else "utf-8")
    for _ in range(container.count("zip") if container != "gzip" else 0):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
            box.writestr("a.csv", data)
        data = out.getvalue()
    data = gzip.compress(data) if container == "gzip" else data
    assert redact.holds(data, PERSON)
    kept = redact.redact(data, PERSON)
    assert kept is None or not redact.holds(kept, PERSON)


@pytest.mark.parametrize("other", ["Ma'ruf Ame", "Maruf Amé", "Ma ruf Amé", "Mar'uf Amé"])
def test_another_name_is_left_alone(other):
    assert not redact.holds(f"id,caption\n1,{other}\n".encode(), PERSON)


def workbook(*cells) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["id", "caption"], *([str(n), cell] for n, cell in enumerate(cells, 1))):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_a_workbook_loses_the_rows_of_every_spelling_and_keeps_the_others():
    runs = CellRichText("Selamat Ma'", TextBlock(InlineFont(b=True), "ruf Amé"))
    data = workbook("pagi", PERSON, runs, SPELLINGS["decomposed"], SPELLINGS["no-break space"], "sore")
    kept = redact.redact(data, PERSON)
    assert redact.holds(data, PERSON) and kept is not None and not redact.holds(kept, PERSON)
    rows = [row for row in openpyxl.load_workbook(io.BytesIO(kept)).active.iter_rows(values_only=True) if any(row)]
    assert rows == [("id", "caption"), ("1", "pagi"), ("6", "sore")]


def test_p10_five_spellings_leave_every_file_of_ours(tmp_path):
    workspace = Workspace(tmp_path / "data").create()
    for n, spelling in enumerate(list(SPELLINGS.values())[:5]):
        rows = [post("facebook", f"{n}1", "2026-10-01T03:00", caption=f"Bersama {spelling}")]
        drop(workspace, f"a-fb/{n}.csv", "facebook", rows, captured_at=f"2026-10-0{n + 1}")
    ingest(workspace)
    assert len([p for p in erasure.search(workspace, PERSON) if p.startswith("archive/")]) == 5
    done = erasure.clean_archive(workspace, PERSON)
    erasure.renew_raw(workspace, PERSON)
    ingest(workspace)
    assert len(done.files) == 5 and erasure.search(workspace, PERSON) == []
    ours = b"".join(p.read_bytes() for p in workspace.root.rglob("*") if p.is_file() and "inbox" not in p.parts)
    assert not any(spelling.encode() in ours for spelling in SPELLINGS.values())


def test_the_subject_is_one_person_however_it_was_typed(tmp_path):
    workspace = Workspace(tmp_path / "data").create()
    marks = {erasure.clean_archive(workspace, text).subject for text in (PERSON, PERSON.upper(), SPELLINGS["decomposed"])}
    assert marks == {tombstones.keyed(workspace, "ma'ruf amé")}


def test_what_nobody_can_search_is_named_in_the_proof(tmp_path):
    workspace = Workspace(tmp_path / "data").create()
    (workspace.root / "laporan").mkdir(exist_ok=True)
    (workspace.root / "laporan" / "surat.pdf").write_bytes(b"%PDF-1.7 x")
    locked = workspace.archive / "aa" / ("aa" + "0" * 62)
    locked.parent.mkdir()
    locked.write_bytes(b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"))
    done = erasure.clean_archive(workspace, PERSON)
    done.opaque = erasure.opaque(workspace)
    assert done.opaque == [f"archive/aa/{locked.name}", "laporan/surat.pdf"]
    assert json.loads(erasure.write_proof(workspace, done, [], "uji").read_text())["files_that_cannot_be_searched"] == done.opaque
