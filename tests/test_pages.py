"""The pages of one version: whole, honest about gaps, inert against hostile text, the same bytes twice."""

import csv
import io
import json
import os
import re
import shutil
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from fake_version import BUILT, HARMLESS, HOSTILE, FakeVersion, regency

from pipeline import pages
from pipeline.charts import replies
from pipeline.estimates.actions import texts
from pipeline.html.catalogue import sentences
from pipeline.html.locale import Words
from pipeline.pages import advice, common, data, ringkasan
from pipeline.pages.sheet import Sheet


class Reader(HTMLParser):
    """Elements, attributes and text of a page, without running anything."""

    def __init__(self, source: str):
        super().__init__()
        self.elements: Counter = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "input", "br"):
            self.inside.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.inside and self.inside.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        if not {"style", "script"} & set(self.inside):
            self.texts.append(text)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def version() -> FakeVersion:
    return regency(districts=16)


@pytest.fixture(scope="module")
def site(version, tmp_path_factory):
    return pages.build(version, tmp_path_factory.mktemp("site"), built_at=BUILT)


@pytest.fixture(scope="module")
def read(site):
    return {
        str(path.relative_to(site.folder)): Reader(path.read_text("utf-8")) for path in sorted(site.folder.glob("*/**/*.html"))
    }


def facts_of(version) -> data.Facts:
    return data.load(version)


# -- whole
# -------------------------------------------------------------------------------------------------------------------------
def test_every_page_exists_in_both_languages_and_is_well_formed(site, read):
    assert site.pages == len(read) and site.pages == 2 * (len(pages.PAGES) + 31)
    for path, page in read.items():
        assert page.inside == [], path
        assert page.elements["h1"] == 1 and page.elements["main"] == 1 and page.elements["header"] == 1, path
        assert page.attributes[0][:2] == ("html", "lang") and page.attributes[0][2] == path[:2], path
        assert len(page.values("id")) == len(set(page.values("id"))), (path, Counter(page.values("id")).most_common(2))


def test_every_page_says_period_cutoff_build_time_and_that_data_are_simulated(read):
    for path, page in read.items():
        wanted = {
            "id": ("Agu–Okt 2026", "Data sampai 31 Okt 2026", "Dibuat 23 November 2026, 02.10 WIB", "DATA SIMULASI"),
            "en": ("Aug–Oct 2026", "Data to 31 Oct 2026", "Built 23 November 2026, 02:10 WIB", "SIMULATED DATA"),
        }[path[:2]]
        assert all(words in page.text for words in wanted), path


def test_every_link_inside_the_site_leads_somewhere(site, read):
    for path, page in read.items():
        here = (site.folder / path).parent
        for tag, name, value in page.attributes:
            if name == "href" and tag == "a" and not value.startswith(("http", "#")):
                target, _, anchor = value.partition("#")
                assert (here / target).is_file(), (path, value)
                if anchor:
                    other = str((here / target).resolve().relative_to(site.folder.resolve()))
                    assert anchor in read[other].values("id"), (path, value)


def test_pages_stay_within_their_budget(site):
    assert not [note for note in site.notes if "budget" in note]


@pytest.fixture(scope="module")
def long_site(tmp_path_factory):
    """More agencies than one list holds; few posts, because only the lists matter here."""
    return pages.build(regency(districts=210, posts=3), tmp_path_factory.mktemp("long"), languages=("id",), built_at=BUILT)


def test_long_lists_are_split_and_every_agency_is_still_found(long_site):
    folder = long_site.folder / "id"
    everyone = {p.name for p in (folder / "perangkat").iterdir()}
    index = Reader((folder / "daftar.html").read_text("utf-8"))
    assert {v.split("/")[1] for v in index.values("href") if v.startswith("perangkat/")} == everyone
    listed = [v for p in (folder / "daftar").iterdir() for v in Reader(p.read_text("utf-8")).values("id") if v.startswith("pd-")]
    assert len(listed) == len(set(listed)) == len(everyone) - 1  # the main channel is not compared
    grids = "".join(p.read_text("utf-8") for p in (folder / "kualitas").iterdir())
    assert all(f'href="../perangkat/{name}"' in grids for name in everyone)
    overview = (folder / "index.html").read_text("utf-8")
    assert (
        "pd-kec-06" not in overview and "Kecamatan, bagian 1 dari 3" in overview and 'href="daftar/kecamatan-1.html"' in overview
    )
    assert len((folder / "data/perangkat-daerah.csv").read_text("utf-8").splitlines()) == len(everyone)


def test_long_lists_keep_every_page_and_the_single_file_within_budget(long_site, tmp_path):
    assert not [note for note in long_site.notes if "budget" in note]
    single = pages.share(regency(districts=210, posts=3), "ringkasan", tmp_path / "satu.html", built_at=BUILT)
    text = single.read_text("utf-8")
    assert len(text) < 1_000_000 and "daftar/kecamatan" not in text and "Seluruh perangkat daerah ada di CSV" in text


def test_two_builds_of_one_version_are_the_same_bytes(version, site, tmp_path):
    again = pages.build(version, tmp_path, built_at=BUILT)
    assert again.sha256 == site.sha256


def test_row_order_of_the_version_does_not_matter(version, site, tmp_path):
    shuffled = FakeVersion({name: frame.sample(fraction=1, shuffle=True, seed=3) for name, frame in version.frames.items()})
    assert pages.build(shuffled, tmp_path, built_at=BUILT).sha256 == site.sha256


def test_latest_is_the_new_version_and_an_old_one_stays(version, tmp_path):
    first = pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    second_frames = dict(version.frames)
    second_frames["meta.version"] = version.frames["meta.version"].with_columns(version=pl.lit("w-2"))
    pages.build(FakeVersion(second_frames), tmp_path, languages=("id",), built_at=BUILT)
    assert 'content="w-2"' in (tmp_path / "latest/id/index.html").read_text("utf-8")
    assert 'content="w-20261123-0210"' in (first.folder / "id/index.html").read_text("utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "w-2", "w-20261123-0210"]


def test_a_failing_build_leaves_yesterdays_pages(version, tmp_path, monkeypatch):
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.html")}
    monkeypatch.setattr(ringkasan, "headline", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    monkeypatch.setattr(pages, "_check_page", lambda *_: (_ for _ in ()).throw(pages.BuildError("cut off")))
    monkeypatch.setattr(ringkasan, "headline", lambda *_: "x")
    with pytest.raises(pages.BuildError):
        pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.html")} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "w-20261123-0210"]


def test_a_cut_off_page_is_noticed(version):
    with pytest.raises(pages.BuildError):
        pages._check_page("<h1>x</h1>", "w", "index.html")


# -- honest
# ------------------------------------------------------------------------------------------------------------------------
def heading(page: Reader, source) -> str:
    return re.sub(r"<[^>]+>", "", re.search(r"<h1>(.*?)</h1>", source.read_text("utf-8"), re.S).group(1))


@pytest.mark.parametrize(
    ("agency", "words"),
    [
        ("tanpa-data", "Badan Tanpa Data: tidak ada data untuk periode ini"),
        ("tiga", "Badan Tiga Unggahan: unggahan belum cukup untuk dinilai"),
        ("d00", "Dinas Kesehatan lebih ditanggapi dari nilai wajarnya, dan membaik"),
    ],
)
def test_headline_goes_as_far_as_the_evidence(site, read, agency, words):
    path = f"id/perangkat/{agency}.html"
    assert heading(read[path], site.folder / path) == words


def test_an_agency_without_data_shows_gaps_not_zeros(read):
    page = read["id/perangkat/tanpa-data.html"]
    assert "Data belum cukup untuk menggambar grafik ini" in page.text and "×0,00" not in page.text
    assert "Belum ada berkas ekspor yang masuk" in page.text
    row = next(t for t in page.texts if t.strip() == "–")
    assert row


def test_three_posts_give_no_list_no_rhythm_no_rank(read):
    page = read["id/perangkat/tiga.html"]
    assert "Kurang dari 20 unggahan sebanding" in page.text and "peringkatnya" not in page.text
    assert "irama" not in page.values("id")


def test_a_split_agency_names_its_predecessor(read):
    assert "dibentuk dari Dinas Sosial" in read["id/perangkat/pecahan.html"].text


def test_no_marks_without_a_certain_change(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.agency_window"]
    flat = pl.when(pl.col("direction") == "data").then("direction").otherwise(pl.lit("flat"))
    frames["estimates.agency_window"] = window.with_columns(direction=flat)
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = Reader((result.folder / "id/index.html").read_text("utf-8")).text
    assert "Belum ada perbaikan yang pasti pada periode ini" in text
    assert "Tidak ada kenaikan yang melampaui ayunan acak" in text
    assert "+57%" not in re.split("Tiga tindakan", text)[0]


def test_reply_numbers_vanish_without_a_log(version, tmp_path):
    frames = dict(version.frames)
    frames["estimates.response_summary"] = frames["estimates.response_summary"].clear()
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = Reader((result.folder / "id/index.html").read_text("utf-8")).text
    assert "dijawab dalam 24 jam" not in text and "Balasan" not in text


def test_a_version_without_estimates_still_gives_whole_pages(version, tmp_path):
    bare = {name: frame for name, frame in version.frames.items() if name in ("meta.version", "core.agencies")}
    result = pages.build(FakeVersion(bare), tmp_path, built_at=BUILT)
    text = Reader((result.folder / "id/index.html").read_text("utf-8")).text
    assert "Data belum cukup untuk menilai perangkat daerah mana pun" in text
    assert "ayunan acak. Itu hasil yang lumrah" not in text, "nothing was seen, so nothing was found to be calm"
    assert "Belum ada perangkat daerah dengan data yang cukup di kedua triwulan" in text
    assert "not in this version: estimates.agency_window" in result.notes
    assert "estimates.agency_window" in (result.folder / "id/kualitas.html").read_text("utf-8")


def test_a_version_without_a_name_is_refused(version, tmp_path):
    frames = {**version.frames, "meta.version": version.frames["meta.version"].clear()}
    with pytest.raises(pages.BuildError):
        pages.build(FakeVersion(frames), tmp_path, built_at=BUILT)
    assert list(tmp_path.iterdir()) == []


def test_an_agency_is_not_part_of_its_own_benchmark():
    groups = {"g": [(f"a{i}", float(i)) for i in range(9)]}
    assert common.peer_box(groups, "a8", "g") == (1.75, 5.25)
    assert common.peer_box({"g": groups["g"][:7]}, "a0", "g") is None


def test_median_interval_is_the_order_statistic_one():
    assert common.median_interval([]) == (None, None, None)
    assert common.median_interval([1, 2, 3, 4, 5]) == (3, None, None)
    assert common.median_interval(range(1, 11)) == (5.5, 2, 9)


# -- the same numbers everywhere
# ---------------------------------------------------------------------------------------------------
def test_page_csv_and_version_carry_the_same_numbers(version, site, read):
    windows = {r["agency_id"]: r for r in version.table("estimates.agency_window").to_dicts()}
    with (site.folder / "en/data/perangkat-daerah.csv").open(newline="", encoding="utf-8") as file:
        plain = {r["agency_id"]: r for r in csv.DictReader(file)}
    raw = (site.folder / "id/data/perangkat-daerah-excel.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    excel = {r["ID perangkat daerah"]: r for r in csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";")}
    source = (site.folder / "id/index.html").read_text("utf-8")
    words = Words("id")
    for key in ("d00", "kec-06", "tiga", "tanpa-data"):
        value = windows[key]["vs_expected"]
        cell = re.search(rf'<td[^>]*data-figure="agency_window:vs_expected:agency_id={key}">([^<]*)<', source).group(1)
        assert cell == words.times(value)
        assert plain[key]["vs_expected"] == ("" if value is None else repr(round(value, 6)))
        assert excel[key]["× wajar"] == plain[key]["vs_expected"].replace(".", ",")


def test_chart_csv_and_drawing_agree(version, site):
    last = version.table("estimates.regency_month").sort("month").to_dicts()[-1]
    text = (site.folder / "id/index.html").read_text("utf-8")
    written = Words("id").times(last["median"])
    section = re.search(r'<section class="kartu" id="tren".*?</section>', text, re.S).group(0)
    assert section.count(f">{written}<") + section.count(written) >= 4
    rows = list(csv.reader(io.StringIO((site.folder / "id/data/ringkasan-tren.csv").read_text("utf-8"))))
    assert float(rows[-1][1]) == pytest.approx(last["median"], abs=1e-6)


def test_numbers_carry_ids_that_trace_can_follow(read):
    ids = [v for page in read.values() for v in page.values("data-figure")]
    assert len(ids) > 300
    assert all(re.fullmatch(r"[a-z_]+:[a-z0-9_]+(:[a-z_]+=[^=]+(,[a-z_]+=[^=]+)*)?", figure) for figure in ids)


def test_published_advice_is_told_with_numbers_of_the_language(read):
    text = read["id/index.html"].text
    assert (
        "Tutup kekosongan data" in text and "unggahan layanan ditanggapi 1,40 kali unggahan seremonial (95%: 1,10–1,80)" in text
    )
    assert "31% unggahan masih seremonial" in text
    assert "14 unggahan berbentuk video ditanggapi 1,80 kali dari biasanya" in read["id/perangkat/d00.html"].text
    assert "41% of 44 questions were answered within 24 hours (95%: 30%–52%)" in read["en/perangkat/d06.html"].text


def test_every_rule_of_advice_can_be_told():
    """The sentences of `actions_texts.yml` and the arguments of `actions.py` are written elsewhere; here they meet."""
    for rule, sentences_of in texts().items():
        holes = {h for part in sentences_of.values() for h in re.findall(r"{(\w+)}", part)}
        arguments = {
            h: ["A", "B"] if h == "names" else "video" if h in ("format", "topic", "metric", "account_id", "file_name") else 0.5
            for h in holes
        }
        row = {"rule": rule, "text_id_key": rule, "arguments": json.dumps(arguments)}
        for language in ("id", "en"):
            told = advice._told(row, Words(language))
            assert told and "{" not in told["text"] + told["title"], rule


def test_untagged_posts_are_no_theme(tmp_path):
    version = regency(districts=8)
    frame = version.frames["estimates.theme_window"]
    frames = {
        **version.frames,
        "estimates.theme_window": pl.concat([frame, frame.head(1).with_columns(programme=pl.lit("untagged"))]),
    }
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    assert "untagged" not in (result.folder / "id/pancakarsa.html").read_text("utf-8")


def test_one_judgement_per_agency_page(site, read, version):
    """Headline, standing card and numbers come from one state: a page never judges and refuses to judge at once."""
    states = dict(version.table("estimates.agency_window").select("agency_id", "state").iter_rows())
    refusing = ("Tidak dinilai", "belum cukup untuk dinilai", "tidak ada data untuk periode ini", "terlalu tidak lengkap")
    judging = ("lebih ditanggapi dari nilai wajarnya", "kurang ditanggapi", "sesuai nilai wajarnya", "tanggapannya sesuai")
    for path, page in read.items():
        if not path.startswith("id/perangkat/"):
            continue
        title = heading(page, site.folder / path)
        agency = path.removeprefix("id/perangkat/").removesuffix(".html")
        judged = states.get(agency) in ("judged", "not_ranked")
        assert not (any(x in page.text for x in refusing) and any(x in page.text for x in judging)), (path, title)
        assert any(x in title for x in refusing) != judged or agency not in states, (path, title)


def test_a_group_too_small_for_ranks_is_still_judged_everywhere(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.agency_window"]
    state = pl.when(pl.col("agency_id") == "d01").then(pl.lit("not_ranked")).otherwise("state")
    frames["estimates.agency_window"] = window.with_columns(state=state)
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = Reader((result.folder / "id/perangkat/d01.html").read_text("utf-8")).text
    assert "nilai wajarnya" in text and "Tidak dinilai" not in text


def test_no_sentence_counts_nothing_of_nothing(version, tmp_path):
    frames = {**version.frames, "estimates.agency_window": version.frames["estimates.agency_window"].clear()}
    result = pages.build(FakeVersion(frames), tmp_path, built_at=BUILT)
    for path in result.folder.glob("*/**/*.html"):
        assert not re.search(r"\b0 (dari|of) 0\b", Reader(path.read_text("utf-8")).text), path


def test_what_could_not_be_seen_is_said_when_nothing_moved(version, tmp_path):
    frames = dict(version.frames)
    flat = pl.when(pl.col("direction") == "data").then("direction").otherwise(pl.lit("flat"))
    frames["estimates.agency_window"] = frames["estimates.agency_window"].with_columns(direction=flat)
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    page = (result.folder / "id/index.html").read_text("utf-8")
    assert re.search(r"baru terlihat \(empat dari lima kali\) bila mencapai sekitar <b>\+\d+%</b>", page)


def test_levels_stand_apart_from_changes(version, read):
    levels = {
        r["agency_id"]: "up" if r["lower"] > 1 else "down" if r["upper"] < 1 else "flat"
        for r in version.table("estimates.agency_window").to_dicts()
        if r["state"] in ("judged", "not_ranked") and r["lower"]
    }
    for side, title in (("up", "Di atas nilai wajarnya"), ("down", "Di bawah nilai wajarnya")):
        count = sum(v == side for k, v in levels.items() if k != "kanal")
        assert f"{title} ({count})" in read["id/index.html"].text


def test_a_running_month_is_drawn_but_no_sentence_rests_on_it(version, tmp_path):
    frames = dict(version.frames)
    regency_month = frames["estimates.regency_month"]
    running = regency_month.tail(1).with_columns(month=pl.lit(date(2026, 11, 1)), median=pl.lit(7.77), coverage=pl.lit(0.6))
    frames["estimates.regency_month"] = pl.concat([regency_month, running])
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = (result.folder / "id/index.html").read_text("utf-8")
    visible = re.sub(r"<details.*?</details>|<script.*?</script>", "", text, flags=re.S)
    assert "×7,77" not in visible and ">berjalan<" in visible and "median, Oktober" in visible


def test_advice_never_says_other(version):
    facts = facts_of(version)
    for rows in facts.best.values():
        for row in rows:
            row["format"] = "other"
    for agency in facts.agencies:
        step = advice.next_step(facts, agency, Words("id"))
        assert "“lain”" not in step and "Langkah:" not in step and step.rstrip().endswith((".", "!"))


def test_files_are_folded_with_the_newest_per_platform(read, site):
    text = (site.folder / "id/perangkat/d00.html").read_text("utf-8")
    section = re.search(r'<section class="kartu alir" id="berkas".*?</section>', text, re.S).group(0)
    before, folded = section.split("<details", 1)
    assert before.count("<tr>") == 2 and "Diunduh" in before and "Diterima" in before  # heading and one platform
    assert folded.count("<tr>") == 4


def test_themes_show_their_error_rate_and_untagged_share(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.theme_window"]
    none = window.head(1).with_columns(programme=pl.lit("untagged"), share_posts=pl.lit(0.33))
    frames["estimates.theme_window"] = pl.concat([window, none])
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = Reader((result.folder / "id/pancakarsa.html").read_text("utf-8")).text
    assert "33% unggahan tanpa tema" in text and "Tanpa tema: 33% unggahan" in text
    assert "Pada 17 takarir yang dilabeli tangan" in text and "sangat kecil" in text
    for name in ("Bogor Sehat", "Bogor Cerdas", "Bogor Maju", "Bogor Membangun", "Bogor Berkeadaban"):
        assert name in text and name in Reader((result.folder / "id/index.html").read_text("utf-8")).text


def test_the_shipped_labels_are_the_tested_ones():
    shipped = Path(pages.__file__).parent / "theme_cases.json"
    assert shipped.read_bytes() == (Path(__file__).parent / "samples/themes/cases.json").read_bytes()


def test_pancakarsa_leads_and_the_programme_of_the_day_follows(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.theme_window"]
    day = window.head(2).with_columns(
        scheme_id=pl.lit("rpjmd_2025_2029"), programme=pl.Series(["kesehatan", "ekonomi"]), n_posts=9999
    )
    frames["estimates.theme_window"] = pl.concat([window, day], how="vertical_relaxed")
    result = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT)
    text = Reader((result.folder / "id/pancakarsa.html").read_text("utf-8")).text
    assert (
        text.index("Bogor Sehat") < text.index("Program yang sedang berlaku: RPJMD 2025-2029") < text.rindex("Ekonomi berbasis")
    )


def test_two_schemes_that_sort_the_same_posts_are_not_two_findings(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.theme_window"]
    other = {"sehat": "kesehatan", "cerdas": "pendidikan", "maju": "ekonomi", "membangun": "infrastruktur"}
    twin = window.with_columns(scheme_id=pl.lit("rpjmd_2025_2029"), programme=pl.col("programme").replace(other))
    for told, frame in ((True, twin), (False, twin.with_columns(lift=pl.col("lift") * 1.01))):
        frames["estimates.theme_window"] = pl.concat([window, frame])
        result = pages.build(FakeVersion(frames), tmp_path / str(told), languages=("id",), built_at=BUILT)
        source = (result.folder / "id/pancakarsa.html").read_text("utf-8")
        assert ("menemukan unggahan yang sama" in source) == told
        assert ('data-gambar="program-1"' in source) != told
        assert source.count("Ekonomi berbasis") >= 1


def test_as_expected_is_only_said_when_the_whole_interval_lies_there(version, tmp_path):
    frames = dict(version.frames)
    window = frames["estimates.agency_window"]
    bounds = {"kec-00": (0.9, 1.1), "kec-01": (0.7, 1.4)}
    for key, (low, high) in bounds.items():
        here = pl.col("agency_id") == key
        window = window.with_columns(
            lower=pl.when(here).then(low).otherwise("lower"),
            upper=pl.when(here).then(high).otherwise("upper"),
            vs_expected=pl.when(here).then(1.0).otherwise("vs_expected"),
        )
    frames["estimates.agency_window"] = window
    folder = pages.build(FakeVersion(frames), tmp_path, languages=("id",), built_at=BUILT).folder
    titles = [heading(None, folder / f"id/perangkat/{key}.html") for key in bounds]
    assert titles[0].endswith("sesuai nilai wajarnya; perubahan belum pasti")
    assert titles[1].endswith("tingkat dan perubahannya belum pasti berbeda dari yang wajar")


def test_advice_names_how_many_more_there_are():
    row = {"rule": "regency_gaps", "text_id_key": "regency_gaps", "arguments": json.dumps({"n": 5, "names": ["A", "B"]})}
    assert "A, B, dan 3 lainnya" in advice._told(row, Words("id"))["text"]
    assert "A, B, and 3 more" in advice._told(row, Words("en"))["text"]


def test_aspirations_below_five_are_never_shown(read):
    text = read["id/pancakarsa.html"].text
    assert "Jalan rusak" in text and "Air bersih" not in text


def test_open_questions_stay_in_the_reply_times():
    many = [(1.0, True)] * 12 + [(500.0, False)] * 13
    chart = replies.reply_times(many, Words("en"), agency_id="x", minimum=20)
    assert chart.title == "More than half of the questions have no reply yet"
    assert dict(chart.table.rows)[0.9] is None and dict(chart.table.rows)[0.25] == 1.0
    few = replies.reply_times(many[:5], Words("en"), agency_id="x", minimum=20)
    assert few.is_empty and "Too few" in few.title


def test_trained_agencies_are_shown_before_and_after(read):
    page = read["id/pelatihan.html"]
    assert "sebelum-sesudah" in page.values("id") and "bergerak melampaui ayunan acak sesudah pelatihan" in page.text


def test_contradictions_and_touched_numbers_are_listed(read):
    text = read["id/kualitas.html"].text
    assert "nilai turun di antara dua ekspor" in text and "Angka yang tersentuh" in text


def test_latest_is_never_missing_while_a_version_is_built_again(version, tmp_path, monkeypatch):
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    seen, rename, replace = [], Path.rename, os.replace

    def watching(real):
        def step(*args):
            done = real(*args)
            seen.append((tmp_path / "latest/id/index.html").is_file())
            return done

        return step

    monkeypatch.setattr(Path, "rename", watching(rename))
    monkeypatch.setattr(os, "replace", watching(replace))
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert len(seen) >= 4 and all(seen)
    assert (tmp_path / "latest").resolve() == (tmp_path / "w-20261123-0210").resolve()


def test_without_symbolic_links_latest_is_a_folder(version, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert (tmp_path / "latest/id/index.html").is_file() and not (tmp_path / "latest").is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "w-20261123-0210"]


# -- hostile text
# ------------------------------------------------------------------------------------------------------------------
def shape(page: Reader) -> tuple:
    """Everything but text: elements, attribute names, and no values that names may fill."""
    return page.elements, Counter((tag, name) for tag, name, _ in page.attributes)


def test_hostile_text_changes_nothing_but_text(tmp_path):
    nasty = pages.build(regency(districts=8, hostile=HOSTILE), tmp_path / "a", built_at=BUILT)
    plain = pages.build(regency(districts=8, hostile=HARMLESS), tmp_path / "b", built_at=BUILT)
    for path in sorted(nasty.folder.glob("*/**/*.html")):
        name = str(path.relative_to(nasty.folder))
        one, two = Reader(path.read_text("utf-8")), Reader((plain.folder / name).read_text("utf-8"))
        if "jahat" in name:  # its posts' unsafe links are text, so fewer links there
            one.elements.pop("a"), two.elements.pop("a")
        else:
            assert shape(one) == shape(two), name
        assert one.elements["script"] == two.elements["script"] and one.elements["img"] == 0, name
        for tag, attribute, value in one.attributes:
            assert not attribute.startswith("on"), (name, tag, attribute)
            if attribute in ("href", "src"):
                assert not value.strip().lower().startswith(("javascript:", "vbscript:")), name
                assert not value.startswith("http") or "facebook.com" in value, name
        assert not re.search("[\u202a-\u202e\u200b\u2066-\u2069]", path.read_text("utf-8")), name
    page = (nasty.folder / "id/perangkat/jahat.html").read_text("utf-8")
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page and len(page) < 200_000


def test_csv_of_hostile_text_holds_no_formula(site):
    for path in site.folder.glob("*/data/*.csv"):
        excel = path.name.endswith("-excel.csv")
        rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=";" if excel else ",")
        for row in rows:
            for cell in row:
                number = re.fullmatch(r"-?\d+([.,]\d+)?(e-?\d+)?", cell)
                assert number or not cell.startswith(("=", "+", "-", "@", "\t")), (path.name, cell)


def test_agencies_whose_ids_make_one_file_name_get_two(version, tmp_path):
    frames = dict(version.frames)
    extra = frames["core.agencies"].filter(pl.col("agency_id") == "d01")
    frames["core.agencies"] = pl.concat(
        [frames["core.agencies"], extra.with_columns(agency_id=pl.lit("D.01")), extra.with_columns(agency_id=pl.lit("../d01"))]
    )
    slugs = [a["slug"] for a in data.load(FakeVersion(frames)).agencies]
    assert len(slugs) == len(set(slugs)) and all(re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)


# -- words
# -------------------------------------------------------------------------------------------------------------------------
def test_every_sentence_used_is_in_the_catalogue(version):
    """The extractor cannot see a sentence inside another sentence's call, so the pages are asked what they said."""
    known = {m if isinstance(m, str) else m[0] for m in sentences()}
    said: set[str] = set()

    class Listening(dict):
        def get(self, key, default=None):
            said.add(key)
            return super().get(key, default)

    words = Words("id")
    words._messages = Listening(words._messages)
    facts = data.load(version)
    for path, builder in pages.jobs(facts):
        builder(Sheet(words, facts, path, BUILT))
    assert said and not said - known


def test_indonesian_pages_hold_no_english(read):
    english = re.compile(r"\b(the|and|agency|agencies|posts|expected|against|with|data to|share of|months)\b", re.IGNORECASE)
    for path, page in read.items():
        if path.startswith("id/") and "glosarium" not in path and "jahat" not in path:
            text = page.text.replace(HOSTILE, "")
            found = english.findall(text)
            assert not found, (path, found, text[max(0, english.search(text).start() - 60) :][:160])


# -- one file
# ----------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["ringkasan", "d00", "tanpa-data"])
def test_shared_page_stands_alone(version, tmp_path, what):
    out = pages.share(version, what, tmp_path / "satu" / f"{what}.html", "id", built_at=BUILT)
    text = out.read_text("utf-8")
    page = Reader(text)
    assert len(text) <= 1_000_000 and page.inside == []
    for tag, name, value in page.attributes:
        if name in ("href", "src"):
            assert value.startswith(("#", "data:", "https://")), (tag, value)
            assert tag == "a" or value.startswith("data:"), (tag, value)
    if what != "tanpa-data":
        assert 'id="mesin"' in text


def test_sharing_an_unknown_agency_says_which_exist(version, tmp_path):
    with pytest.raises(KeyError, match="d00"):
        pages.share(version, "tidak-ada", tmp_path / "x.html")


def test_staging_folders_are_never_left_behind(version, tmp_path):
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
    shutil.rmtree(tmp_path)
