"""Notebooks: committed clean, of one shape, run on a published version without network or warnings, shown as whole pages."""

import html
import json
import re
from pathlib import Path

import nbformat
import polars as pl
import pytest

from pipeline import notebook as nb
from pipeline import pages, registry, samples
from pipeline.cli import status
from pipeline.engine import build, versions
from pipeline.intake import ledger
from pipeline.notebook import english, execution
from pipeline.settings import Workspace

ALL = sorted(execution.FOLDER.glob("*.ipynb"))
NOW = "2026-11-23T00:00:00"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A tiny regency, published."""
    place = Workspace(tmp_path_factory.mktemp("data"))
    samples.generate(place.root, profile="tiny")
    known = registry.load(place.registry)
    ledger.ingest(place.create(), known)
    build.build(place, registry=known)
    return place


@pytest.fixture(scope="module")
def kernel(workspace):
    with execution.Kernel(workspace, versions.current(workspace), NOW) as opened:
        yield opened


@pytest.fixture
def db(workspace):
    opened = nb.buka(ruang=str(workspace.root))
    yield opened
    opened.tutup()


# -- committed form --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_committed_clean(path):
    raw = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.from_dict(raw))
    assert set(raw["metadata"]) == {"kernelspec"} and raw["metadata"]["kernelspec"]["name"] == "python3"  # any editor has it
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z0-9-]+", i) for i in ids)
    for cell in raw["cells"]:
        assert isinstance(cell["source"], list)
        assert set(cell["metadata"]) <= {"tags"}
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_every_notebook_has_one_shape(path):
    cells = execution.read(path).cells
    title, question, summary = execution.heading(cells[0].source)
    assert title and question.endswith("?") and len(summary) > 80
    tagged = [i for i, c in enumerate(cells) if "parameters" in c.metadata.get("tags", [])]
    assert tagged == [1]
    assert "buka()" in cells[2].source
    assert any("jawab(" in c.source for c in cells if c.cell_type == "code")
    sections = [s for c in cells if c.cell_type == "markdown" for s in re.findall(r"^## (\w+)", c.source, flags=re.MULTILINE)]
    assert sections[-2:] == ["Batas", "Lanjut"]
    assert "Kepekaan" in sections
    assert "tidak dapat" in cells[-2].source, "a notebook says what the data cannot tell"
    assert "db.sql(" in cells[-1].source


def test_every_notebook_has_its_own_number():
    numbers = [name[:2] for name in execution.names()]
    assert numbers == [f"{i:02d}" for i in range(len(numbers))]


# -- running ---------------------------------------------------------------------------------------------------------------------
def difficult(workspace) -> dict[str, str]:
    """An agency without enough data, the smallest group, the platform with the fewest posts."""
    with versions.open_version(workspace) as version:
        agency = version.sql(
            "select a.agency_id from core.agencies a left join estimates.agency_window w using (agency_id) "
            "order by coalesce(w.state, '') = 'judged', coalesce(w.n_posts, 0), a.agency_id limit 1"
        ).item()
        group = version.sql(
            "select peer_group from estimates.agency_window where peer_group is not null group by 1 order by count(*), 1 limit 1"
        ).item()
        platform = version.sql("select platform from marts.post_facts group by 1 order by count(*), 1 limit 1").item()
    return {"perangkat": agency, "kelompok": group, "platform": platform}


def assert_whole(record: execution.Record, charts: int = 1) -> None:
    assert record.failure is None, record.failure
    assert record.stderr == ""
    assert record.answer
    assert len([kind for kind, _ in record.parts if kind == "chart"]) >= charts
    assert "Traceback" not in "".join(content for _, content in record.parts)
    shown = " ".join(
        re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL) for kind, html in record.parts if kind not in ("code", "print")
    )
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", shown, flags=re.DOTALL)) + " " + record.answer
    assert not re.findall(r"\b(?:None|NaN|nan|null)\b|\binf\b|\d\.\d{4,}", text)


def with_its_next_steps(name: str, folder: Path) -> Path:
    """The notebook with the code of its last section as a cell: what is there to copy must work."""
    notebook = execution.read(execution.FOLDER / f"{name}.ipynb")
    blocks = re.findall(r"```python\n(.*?)```", notebook.cells[-1].source, flags=re.DOTALL)
    assert blocks
    notebook.cells += [nbformat.v4.new_code_cell(block) for block in blocks]
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


@pytest.mark.parametrize("name", execution.names())
def test_runs_with_its_defaults_and_with_a_difficult_second_choice(name, kernel, workspace, tmp_path):
    assert_whole(kernel.run(name, path=with_its_next_steps(name, tmp_path)))
    source = execution.read(execution.FOLDER / f"{name}.ipynb").cells[1].source
    chosen = {k: v for k, v in difficult(workspace).items() if re.search(rf"^{k}\s*=", source, flags=re.MULTILINE)}
    if chosen:
        assert_whole(kernel.run(name, chosen))


INDONESIAN = re.compile(
    r"\b(?:dan|yang|tidak|dengan|untuk|belum|dari|atau|adalah|bila|karena|lebih|kurang|pada|akun|unggahan|perangkat|bulan|tanpa|"
    r"semua|antara|seperti|lengkap|sebagian|naik|turun|kali|berkas|angka|jenis|bentuk|ditolak|sumber)\b",
    flags=re.IGNORECASE,
)


NAME = r"\b(?:Dinas|Badan|Kecamatan|Inspektorat|Sekretariat)(?:,? (?:dan|[A-Z]\w*))+"  # of an agency: it has no other language


@pytest.mark.parametrize("name", execution.names())
def test_the_english_twin_is_english_throughout(name, kernel, workspace):
    """Title, question, answer, prose, headings, charts and cells; captions of posts and code stay as they were written."""
    twin = kernel.run(name, language="en")
    assert twin.failure is None and twin.stderr == "" and twin.answer
    shown = " ".join(part for kind, part in twin.parts if kind != "code")
    shown = re.sub(r"<code.*?</code>|<pre.*?</pre>", " ", shown, flags=re.DOTALL)
    seen = re.findall(r">([^<]+)<", f">{twin.title}< >{twin.question}< >{twin.answer}< {shown}")
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", shown)
    with versions.open_version(workspace) as version:
        offices = version.sql("select distinct name from core.agencies").to_series().to_list()
    seen = [re.sub("|".join(map(re.escape, offices)), "", text) for text in seen]
    told = [text for text in seen if not (text in cells and len(text) > 40)]  # a long cell is a caption or the sentence of a file
    named = [re.sub(NAME, "", html.unescape(text)).strip() for text in told]
    assert {text for text in named if INDONESIAN.search(text)} == set()


def test_everything_of_the_notebooks_has_its_english():
    pieces = {text for path in ALL if path.stem[0] != "_" for text in english.pieces(path)}
    assert pieces - set(english.catalogue()) == set()
    for text, said in english.catalogue().items():
        assert sorted(re.findall(r"\{\d*[^}]*\}", text)) == sorted(re.findall(r"\{\d*[^}]*\}", said)), text


@pytest.mark.parametrize("template", [registry.DEFAULT_TEMPLATE, registry.NEUTRAL_TEMPLATE])
def test_a_regency_that_has_not_sent_a_file_yet_reads_every_notebook(tmp_path, template):
    """The first night after `terukur init`: nothing is known, and that is what every notebook says."""
    place = Workspace(tmp_path / "data").create()
    registry.write_template(place.registry, template, "Kabupaten Contoh")
    build.build(place, registry=registry.load(place.registry))
    with execution.Kernel(place, versions.current(place), NOW) as empty:
        for name in execution.names():
            assert_whole(empty.run(name), charts=0)


def write(folder: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_markdown_cell("# Uji\n\n**Pertanyaan.** Apa?\n\n*In English.* A test.")]
    cells += [nbformat.v4.new_code_cell(source) for source in sources]
    path = folder / "99_uji.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_cannot_reach_a_network(kernel, tmp_path):
    path = write(tmp_path, "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)")
    assert "No network here" in kernel.run("99_uji", path=path).failure["reason"]


def test_one_notebook_does_not_see_what_another_left(kernel, tmp_path):
    assert kernel.run("99_uji", path=write(tmp_path, "tersisa = 1")).failure is None
    assert "tersisa" in kernel.run("99_uji", path=write(tmp_path, "tersisa")).failure["reason"]


def test_an_unknown_parameter_is_named(kernel):
    with pytest.raises(KeyError, match="warna"):
        kernel.run("00_mulai", {"warna": "biru"})


def test_a_failing_notebook_leaves_its_last_good_record_and_says_so(workspace, tmp_path, monkeypatch):
    place = Workspace(workspace.root)
    folder = tmp_path / "buku"
    monkeypatch.setattr(Workspace, "notebooks", property(lambda self: folder))
    good = execution.Record("00_mulai", "Judul", "Apa?", "What?", answer="Ya.", version="w-0", parts=[("text", "<p>lama</p>")])
    execution._keep(folder, good)
    failed = execution.Record("00_mulai", "Judul", "Apa?", "What?", version="w-1", failure={"reason": "x", "version": "w-1"})
    execution._keep(folder, failed)
    (kept,) = execution.records(folder)
    assert (kept.answer, kept.version, kept.failure["version"]) == ("Ya.", "w-0", "w-1")
    with versions.open_version(place) as version:
        site = pages.build(version, tmp_path / "site", languages=("id",), notebooks=folder)
    page = (site.folder / "id" / "buku" / "00_mulai.html").read_text(encoding="utf-8")
    assert "gagal pada versi w-1" in page and "w-0" in page and "lama" in page
    assert "gagal pada versi w-1" in (site.folder / "id" / "buku" / "index.html").read_text(encoding="utf-8")


def test_a_notebook_that_breaks_overnight_leaves_its_page_but_for_the_note(workspace, tmp_path, monkeypatch):
    folder, notebooks = tmp_path / "buku", tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.setattr(Workspace, "notebooks", property(lambda self: folder))
    monkeypatch.setattr(execution, "FOLDER", notebooks)
    version = versions.current(workspace)

    def night_with(source: str) -> str:
        write(notebooks, "from pipeline.notebook import jawab\njawab('Ya.')", source)
        execution.run_all(Workspace(workspace.root), version, now=NOW, at_once=1)
        with versions.open_version(workspace) as opened:
            site = pages.build(opened, tmp_path / "site", languages=("id",), notebooks=folder)
        return (site.folder / "id" / "buku" / "99_uji.html").read_text(encoding="utf-8")

    good, broken = night_with("print('baik')"), night_with("1 / 0")
    note = re.compile(r'<p class="kartu usang" role="note">[^<]*</p>')
    assert not note.search(good) and note.search(broken)
    assert note.sub("", broken) == good
    assert (folder / "gagal" / "99_uji.ipynb").exists()
    (told,) = status.collect(Workspace(workspace.root))["notebooks"]
    assert told["name"] == "99_uji" and "division by zero" in told["reason"] and told["shows"] == version


def test_an_exported_notebook_needs_nothing_from_outside(kernel, workspace, tmp_path):
    record = kernel.run("00_mulai")
    with versions.open_version(workspace) as version:
        text = pages.share_notebook(version, record, tmp_path / "satu.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in html.unescape(text)
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)=["'](?!#|data:)[^"']+""", shown)
    assert re.findall(r"<script(?![^>]*application/)[^>]*>", text) == ["<script>"]
    assert "<h1>Mulai di sini" in text and len(text) < 2_000_000
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))


def test_raw_html_in_prose_is_shown_as_text():
    assert "<script>" not in execution.markdown("halo <script>alert(1)</script>")


# -- what a notebook imports -----------------------------------------------------------------------------------------------------
WRITES = (
    "create table x as select 1",
    "insert into core.posts select * from core.posts",
    "update core.posts set likes = 0",
    "drop table core.posts",
    "copy core.posts to 'x.csv'",
    "attach 'x.duckdb'",
    "pragma version",
    "set threads = 1",
    "select 1; select 2",
    "explain analyze create table x as select 1",
    "with a as (select 1) insert into core.posts select * from a",
    "export database 'x'",
    "install httpfs",
)


@pytest.mark.parametrize("statement", WRITES)
def test_a_notebook_writes_nothing(db, statement):
    with pytest.raises(nb.HanyaBaca, match=r"\. / "):  # said in both languages
        db.sql(statement)


def test_files_and_the_network_are_out_of_reach(db):
    for query in (
        "select * from read_csv('/etc/passwd')",
        "select * from 'x.parquet'",
        "select * from glob('/etc/*')",
        "select * from read_text('https://example.org')",
    ):
        with pytest.raises(nb.HanyaBaca, match="neither files nor the network"):
            db.sql(query)
    with pytest.raises(nb.TidakAda):
        db.sql("select getenv('HOME')")


def test_opening_says_what_it_is(workspace, capsys):
    nb.buka(ruang=str(workspace.root)).tutup()
    said = capsys.readouterr().out
    for words in ("SIMULASI", "Versi w-1", "umur", "tercakup", "ditolak"):
        assert words in said


def test_an_older_version_can_be_named_and_says_that_a_newer_exists(workspace, capsys):
    first = versions.current(workspace)
    newest = build.build(workspace).version
    for wanted in (first, "2099-01-01"):
        with nb.buka(wanted, ruang=str(workspace.root)).versi as opened:
            assert opened.name == (first if wanted == first else newest)
    assert f"versi yang lebih baru: {newest}" in capsys.readouterr().out
    with pytest.raises(nb.TidakAda, match="w-77"):
        nb.buka("w-77", ruang=str(workspace.root))
    versions.rollback(workspace)


def test_unknown_names_are_answered_with_the_nearest(db):
    known = db.perangkat()["agency_id"]
    with pytest.raises(nb.TidakAda, match=known):
        db.perangkat(known[:-1] + "z")
    with pytest.raises(nb.TidakAda, match=r"core\.posts"):
        db.kolom("core.post")
    with pytest.raises(nb.TidakAda):
        db.sql("select * from core.tidak_ada")


def test_charts_and_metrics_are_those_of_the_pages(db):
    from pipeline.charts.trend import regency_trend
    from pipeline.engine import metrics

    drawn = db.grafik.tren_daerah()
    same = regency_trend(db.tabel_data("estimates.regency_month"), db.kata)
    assert drawn.chart.table == same.table and drawn.judul
    measured = db.metrik("er_account", per="platform")
    assert measured.equals(metrics.measure(db.versi, "er_account", by=("platform",)))


def test_a_figure_can_be_followed_to_its_rows(db):
    agency = db.sql("select agency_id from marts.agency_summary where posts > 0 order by 1 limit 1").item()
    rows = db.telusur(f"agency_summary:posts:agency_id={agency}")
    assert rows.height and rows["sha256"].str.len_chars().unique().to_list() == [64]


def test_names_are_shown_instead_of_codes(db):
    row = db.sql("select agency_id, short_name from core.agencies order by 1 limit 1").row(0)
    frame = pl.DataFrame({"a": [row[0], "instagram", "photo", "dinas_layanan", None, "not-a-code"]})
    said = db.bernama(frame, "a")["a"].to_list()
    assert said[:3] == [row[1], "Instagram", "foto"] and said[-2:] == ["–", "not-a-code"]


def test_every_published_table_says_in_indonesian_what_a_row_is():
    from pipeline.columns import rows_of_tables
    from pipeline.engine.models import models

    published = {m.name for m in models() if m.schema != "staging"}
    assert set(rows_of_tables()) == published, "each table has its sentence in warehouse/tables.yml, and no sentence outlives it"


def test_an_empty_table_says_so_and_prose_is_text(db, capsys):
    db.tabel(pl.DataFrame({"a": []}, schema={"a": pl.Int64}), "Yang bolong")
    nb.catat("<b>satu</b> & dua")
    nb.catat("satu", "dua")
    assert capsys.readouterr().out.split("\n")[-4:] == ["<b>satu</b> & dua", "satu", "dua", ""]


def test_tables_escape_what_they_show(db, capsys):
    db.tabel(pl.DataFrame({"a": ["<img src=x onerror=alert(1)>"]}))
    from pipeline.notebook.nbview import table_html

    assert "<img" not in table_html([nb._column("a", "A", pl.Utf8())], [("<img src=x>",)], "x", db.kata)
