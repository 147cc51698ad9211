"""The pages of one version: whole, one story, honest about gaps, inert against hostile text, the same bytes twice."""

import csv
import io
import json
import os
import re
import shutil
from collections import Counter
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from markupsafe import Markup

from pipeline import pages, registry
from pipeline.columns import columns
from pipeline.engine import column_checks, metrics, trace
from pipeline.estimates import actions, theme_check
from pipeline.html.catalogue import sentences
from pipeline.html.escape import tampil
from pipeline.html.locale import Words
from pipeline.pages import advice, common, data, ringkasan
from pipeline.pages.sheet import Sheet
from pipeline.reasons import reason
from tests.consistency import differences
from tests.one_version import HOSTILE, NAME, changed, many

BUILT = datetime(2026, 11, 22, 19, 10)
NOBODY = "kec-tenjolaya"  # never sent a file
FEW = "kec-sukajaya"  # too few posts to be judged
ABOVE = "kec-cibinong"  # draws more response than usual
PLAIN = "dinkes"
VOID = ("meta", "link", "input", "br", "path", "rect", "circle", "line", "text")


class Reader(HTMLParser):
    """Elements, attributes and text of a page, without running anything."""

    def __init__(self, source: str):
        super().__init__()
        self.elements: Counter = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.inside: list[str] = []
        self.figures: list[tuple[str, str]] = []  # (id, text)
        self.open: list[tuple[int, str, list[str]]] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "input", "br"):
            self.inside.append(tag)
            figure = dict(attrs).get("data-figure")
            if figure:
                self.open.append((len(self.inside), figure, []))

    def handle_startendtag(self, tag, attrs):
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == len(self.inside):
            _, figure, said = self.open.pop()
            self.figures.append((figure, "".join(said)))
        assert self.inside and self.inside.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, text):
        if not {"style", "script"} & set(self.inside):
            self.texts.append(text)
            for _, _, said in self.open:
                said.append(text)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def site(version, tmp_path_factory):
    return pages.build(version, tmp_path_factory.mktemp("site"), built_at=BUILT)


@pytest.fixture(scope="module")
def read(site):
    return {
        str(path.relative_to(site.folder)): Reader(path.read_text("utf-8")) for path in sorted(site.folder.glob("*/**/*.html"))
    }


@pytest.fixture
def rebuilt(home, tmp_path):
    """Builds the Indonesian pages of the version after some rows were changed; returns what a page says."""

    def build(*statements: str):
        with changed(home, tmp_path, *statements) as version:
            folder = pages.build(version, tmp_path / "site", languages=("id",), built_at=BUILT).folder
        return lambda name: Reader((folder / "id" / name).read_text("utf-8"))

    return build


def heading(page: Path) -> str:
    return re.sub(r"<[^>]+>", "", re.search(r"<h1>(.*?)</h1>", page.read_text("utf-8"), re.S).group(1))


# -- whole -------------------------------------------------------------------------------------------------------------------
def test_every_page_exists_in_both_languages_and_is_well_formed(site, read, version):
    agencies = version.table("core.agencies").height
    assert site.pages == len(read) and site.pages == 2 * (len(pages.PAGES) + agencies)
    for path, page in read.items():
        assert page.inside == [], path
        assert page.elements["h1"] == 1 and page.elements["main"] == 1 and page.elements["header"] == 1, path
        assert page.attributes[0][:2] == ("html", "lang") and page.attributes[0][2] == path[:2], path
        assert len(page.values("id")) == len(set(page.values("id"))), (path, Counter(page.values("id")).most_common(2))


def test_every_page_says_period_cutoff_build_time_and_that_data_are_simulated(read, version):
    cutoff = version.table("meta.version")["data_cutoff"][0].date()
    for path, page in read.items():
        words = Words(path[:2])
        first, last = version.table("marts.period").select("period_start", "period_end").row(0)
        wanted = (words.months(first, last), words.day(cutoff), words.instant(BUILT), words.plain("SIMULATED DATA").split()[0])
        assert all(text in page.text for text in wanted), (path, wanted)


def test_every_link_inside_the_site_leads_somewhere(site, read):
    for path, page in read.items():
        here = (site.folder / path).parent
        for tag, name, value in page.attributes:
            if name == "href" and tag == "a" and not value.startswith("http"):
                target, _, anchor = value.partition("#")
                file = (here / target) if target else site.folder / path
                assert file.is_file(), (path, value)
                if anchor:
                    other = str(file.resolve().relative_to(site.folder.resolve()))
                    assert anchor in read[other].values("id"), (path, value)


def test_pages_stay_within_their_budget(site):
    assert site.notes == []


def test_two_builds_of_one_version_are_the_same_bytes(version, site, tmp_path):
    assert pages.build(version, tmp_path, built_at=BUILT).sha256 == site.sha256


def test_row_order_of_the_version_does_not_matter(home, site, tmp_path):
    shuffle = [f"create or replace table {name} as select * from {name} order by hash({key})" for name, key in KEYS.items()]
    with changed(home, tmp_path, *shuffle) as version:
        assert pages.build(version, tmp_path / "site", built_at=BUILT).sha256 == site.sha256


KEYS = {
    "estimates.agency_window": "agency_id",
    "marts.post_list": "post_key",
    "marts.coverage_month": "account_id || month",
    "marts.export_files": "export_id",
    "marts.account_window": "account_id",
    "core.agencies": "agency_id",
    "estimates.actions": "rule || agency_id",
}


def test_an_older_version_without_the_tables_of_the_pages_says_what_to_do(home, tmp_path):
    lacks = "drop table marts.platform_window"
    with changed(home, tmp_path, lacks) as version, pytest.raises(data.OldVersion, match=r"terukur run"):
        pages.build(version, tmp_path / "site", built_at=BUILT)


def test_latest_is_the_new_version_and_an_old_one_stays(home, version, tmp_path):
    first = pages.build(version, tmp_path / "site", languages=("id",), built_at=BUILT)
    with changed(home, tmp_path, "update meta.version set version = 'w-2'") as second:
        pages.build(second, tmp_path / "site", languages=("id",), built_at=BUILT)
    assert 'content="w-2"' in (tmp_path / "site/latest/id/index.html").read_text("utf-8")
    assert f'content="{NAME}"' in (first.folder / "id/index.html").read_text("utf-8")
    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == ["latest", NAME, "w-2"]


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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", NAME]


def test_a_cut_off_page_is_noticed(version):
    with pytest.raises(pages.BuildError):
        pages._check_page("<h1>x</h1>", "w", "index.html")


def test_a_version_without_a_name_is_refused(home, tmp_path):
    with changed(home, tmp_path, "delete from meta.version") as version, pytest.raises(pages.BuildError):
        pages.build(version, tmp_path / "site", built_at=BUILT)
    assert not (tmp_path / "site").exists()


# -- one story ---------------------------------------------------------------------------------------------------------------
def test_every_figure_on_every_page_is_the_number_that_its_id_names_and_tables_tell_one_story(version, site):
    wrong, counted = differences(version, site.folder)
    assert wrong == []
    assert counted["figures"] > 1000 and counted["ids"] > 300 and counted["meanings"] >= 10


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("update estimates.agency_window set vs_expected = 7 where agency_id = 'dinkes'", "agency_window:vs_expected"),
        ("update marts.agency_summary set level = 'down' where agency_id = 'dinkes'", "agencies above and below"),
        ("update marts.platform_window set posts = posts + 1 where posts is not null", "posts of a platform"),
    ],
)
def test_the_walk_sees_two_stories(home, site, tmp_path, change, told):
    with changed(home, tmp_path, change) as version:
        assert any(told in line for line in differences(version, site.folder)[0])


def test_headlines_hold_no_number_without_an_id(site):
    for path in sorted(site.folder.glob("*/**/*.html")):
        title = re.search(r"<h1>(.*?)</h1>", path.read_text("utf-8"), re.S).group(1)
        bare = re.sub(r"<span data-figure=[^>]*>.*?</span>|&#\d+;", "", title)
        lists = ("daftar.html", "glosarium.html", "kualitas.html")  # how long the list below is
        assert path.name in lists or not re.search(r"\d", bare), (path.name, bare)


def test_trace_follows_the_ids_of_the_pages(home, read):
    ids = sorted({figure for page in read.values() for figure, _ in page.figures})
    kinds = {}
    for figure in ids:
        kinds.setdefault(tuple(figure.split(":")[:2]), figure)
    for (table, _), figure in kinds.items():
        if table != "version":
            trace.trace(home, figure)  # NotPossible where it cannot be followed
    behind = trace.trace(home, f"metric:offhours_share.value:agency_id={PLAIN},month=2026-08..2026-10")
    assert behind and all(source.sha256 for source in behind)


def test_page_csv_and_version_carry_the_same_numbers(version, site):
    windows = {r["agency_id"]: r for r in version.table("estimates.agency_window").to_dicts()}
    with (site.folder / "en/data/perangkat-daerah.csv").open(newline="", encoding="utf-8") as file:
        plain = {r["Agency id"]: r for r in csv.DictReader(file)}
    raw = (site.folder / "id/data/perangkat-daerah-excel.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    excel = {r["ID perangkat daerah"]: r for r in csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), delimiter=";")}
    for key in (PLAIN, FEW, NOBODY):
        value = windows[key]["vs_expected"]
        assert plain[key]["× usual"] == ("" if value is None else repr(round(value, 6)))
        assert excel[key]["× biasanya"] == plain[key]["× usual"].replace(".", ",")


def test_one_test_decides_list_chart_and_page(version, read):
    """Who is above or below: the list of the overview, the chart, and the agency's own page say the same."""
    levels = dict(version.table("marts.agency_summary").filter("is_listed").select("agency_id", "level").iter_rows())
    names = dict(version.table("core.agencies").select("agency_id", "short_name").iter_rows())
    overview = read["id/index.html"].text
    counts = Counter(levels.values())
    assert f"di atas biasanya ({counts['up']})" in overview and f"di bawah biasanya ({counts['down']})" in overview
    better = overview.split("Yang pasti lebih baik")[1].split("perlu bantuan")[0]
    for key, side in levels.items():
        if side == "up":
            assert names[key] in better and "Lebih ditanggapi dari biasanya" in read[f"id/perangkat/{key}.html"].text


# -- honest ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("agency", "words"),
    [
        (NOBODY, "Kec. Tenjolaya: tidak ada data untuk periode ini"),
        (FEW, "data belum cukup untuk menilai tanggapannya"),
        (ABOVE, "lebih ditanggapi dari biasanya"),
        (PLAIN, "ditanggapi seperti biasanya"),
    ],
)
def test_headline_goes_as_far_as_the_evidence(site, agency, words):
    assert words in heading(site.folder / f"id/perangkat/{agency}.html")


def test_an_agency_without_data_shows_gaps_not_zeros(read):
    page = read[f"id/perangkat/{NOBODY}.html"]
    assert "tidak ada data untuk periode ini" in page.text and "×0,00" not in page.text
    assert "Belum ada berkas unduhan yang masuk" in page.text and "belum ada unduhan" in page.text
    assert not [part for part in ("Yang berhasil", "Kebiasaan dalam angka", "Unggahan yang dinilai") if part in page.text]


def test_few_posts_give_no_list_no_rhythm_no_rank(read):
    page = read[f"id/perangkat/{FEW}.html"]
    assert "Kurang dari 20 unggahan yang dapat dibandingkan" in page.text and "berada di antara urutan" not in page.text
    assert "irama" not in page.values("id")


def test_a_dissolved_agency_is_told_nothing_false(rebuilt):
    page = rebuilt(
        f"update core.agencies set valid_to = date '2025-01-01' where agency_id = '{NOBODY}'",
        f"update marts.agency_summary set is_listed = false where agency_id = '{NOBODY}'",
        f"delete from estimates.actions where agency_id = '{NOBODY}'",
    )
    assert "sudah tidak ada pada periode ini" in page(f"perangkat/{NOBODY}.html").text
    assert "Sudah tidak ada pada periode ini" in page("daftar.html").text
    assert "Kec. Tenjolaya" not in page("index.html").text.split("perlu bantuan")[-1].split("Tindakan")[0]


def test_a_split_agency_names_its_predecessor(rebuilt):
    page = rebuilt(f"update core.agencies set predecessor_id = 'diskominfo' where agency_id = '{FEW}'")
    assert "dibentuk dari Diskominfo" in page(f"perangkat/{FEW}.html").text


def test_an_agency_without_accounts_did_not_fail_to_send(rebuilt):
    page = rebuilt(
        f"delete from core.accounts where agency_id = '{NOBODY}'",
        f"delete from estimates.actions where agency_id = '{NOBODY}'",
        f"update marts.agency_summary set accounts = 0 where agency_id = '{NOBODY}'",
    )
    assert "belum punya akun terdaftar" in page(f"perangkat/{NOBODY}.html").text


def test_without_accounts_the_first_page_gives_three_steps_and_no_findings(rebuilt):
    page = rebuilt("delete from core.accounts")
    text = page("index.html").text
    assert "Belum ada akun terdaftar" in text and "Tiga langkah" in text and "perlu bantuan" not in text


def test_changes_are_marked_only_when_published_as_certain(rebuilt):
    change = (
        "update marts.agency_summary set direction = 'up' where agency_id = 'dinkes'",
        "update estimates.agency_window set direction = 'up', change = 1.57, change_lower = 1.2, change_upper = 2.0 "
        "where agency_id = 'dinkes'",
        "update estimates.group_window set n_up = 1 where peer_group is null",
    )
    text = rebuilt(*change)("index.html").text
    assert "1 perangkat daerah pasti membaik" in text and "+57%" in text.split("Yang pasti lebih baik")[1]


def test_no_marks_without_a_certain_change(read, version):
    assert set(version.table("marts.agency_summary")["direction"]) == {"data"}
    better = read["id/index.html"].text.split("Yang pasti lebih baik")[1].split("perlu bantuan")[0]
    assert "%" not in re.sub(r"95%", "", better)


def test_no_sentence_counts_nothing_of_nothing(rebuilt):
    page = rebuilt("delete from estimates.agency_window", "delete from estimates.group_window")
    for name in ("index.html", "daftar.html", "kualitas.html", "pancakarsa.html", "pelatihan.html"):
        assert not re.search(r"\b0 dari 0\b", page(name).text), name


def test_a_running_month_is_drawn_but_no_sentence_rests_on_it(rebuilt):
    page = rebuilt(
        "insert into estimates.regency_month by name select date '2026-11-01' as month, 7.77 as median, 7.0 as lower, "
        "8.0 as upper, "
        "7.0 as q1, 8.0 as q3, 5 as n, 0.6 as coverage where not exists (select 1 from estimates.regency_month "
        "where month = date '2026-11-01')",
        "update estimates.regency_month set median = 7.77 where month = date '2026-11-01'",
    )
    text = page("index.html").text
    before = text.split("Lihat angkanya")[0]
    assert "×7,77" not in before


def test_needs_come_from_the_advice_and_from_nowhere_else(version, read):
    rows = version.table("estimates.actions").filter("is_need")
    names = dict(version.table("core.agencies").select("agency_id", "short_name").iter_rows())
    text = read["id/index.html"].text
    assert f"{rows['agency_id'].n_unique()} perangkat daerah perlu bantuan" in text
    for agency in rows["agency_id"]:
        assert names[agency] in text


def test_every_rule_of_advice_can_be_told():
    """The rules and the arguments are in `estimates.actions`, the sentences in `pages.advice`; here they meet."""
    rules = (*actions.REGENCY_RULES, *actions.AGENCY_RULES)
    assert {rule.rule for rule in rules} == set(advice.SENTENCES)
    assert [rule.rule for rule in actions.AGENCY_RULES if rule.is_need] == list(advice.NEED_TAGS)
    names = """names n factor lower upper n_trained share topic share_cases cases share_posts agencies posts without_time
        without_contact started_on account_id metric peak_value peak_expected period_start period_end coverage n_posts file_name
        answered_24h open_over_24h oldest_open_hours change change_lower change_upper vs_expected active_weeks weeks complete
        format lift lift_lower channel reason n_sent n_required missing_accounts"""
    texts = {
        "topic": "x",
        "account_id": "x",
        "metric": "x",
        "file_name": "x",
        "format": "video",
        "channel": "dm",
        "reason": "no_exposure",
        "missing_accounts": "ig-a, fb-a",
        "names": ["A", "B"],
    }
    values = {name: texts.get(name, "2026-01-01" if name.endswith(("_on", "_start", "_end")) else 0.5) for name in names.split()}
    for rule in rules:
        for language in ("id", "en"):
            said = advice.told({"rule": rule.rule, "arguments": json.dumps(values)}, Words(language))
            assert said["title"] and said["text"] and "{" not in said["text"] + said["title"], rule.rule


def test_advice_names_how_many_more_there_are():
    row = {"rule": "regency_gaps", "arguments": json.dumps({"n": 5, "names": ["A", "B"]})}
    assert "A, B, dan 3 lainnya" in advice.told(row, Words("id"))["text"]
    assert "A, B, and 3 more" in advice.told(row, Words("en"))["text"]


def test_the_next_step_follows_from_the_first_rule_that_found_evidence(version, read):
    first = dict(
        version.table("estimates.actions")
        .filter(pl.col("rank") == 1)
        .drop_nulls("agency_id")
        .select("agency_id", "rule")
        .iter_rows()
    )
    assert first[NOBODY] == "agency_no_data" and "Kirim unduhan yang belum ada" in read[f"id/perangkat/{NOBODY}.html"].text
    assert first[FEW] == "agency_quiet" and "Mengunggah paling sedikit sekali sepekan" in read[f"id/perangkat/{FEW}.html"].text


def test_themes_show_their_error_rate_and_untagged_share(version, read):
    text = read["id/pancakarsa.html"].text
    assert "tidak bertema" in text and "Pada 17 teks unggahan yang diperiksa tangan" in text and "sangat kecil" in text
    assert "untagged" not in text


def test_the_shipped_labels_are_the_tested_ones():
    assert theme_check.CASES.read_bytes() == (Path(__file__).parent / "samples/themes/cases.json").read_bytes()


def test_theme_leads_with_its_finding_by_name(rebuilt):
    page = rebuilt(
        "update estimates.theme_window set lift = 1.3, lower = 1.1, upper = 1.5, q = 0.01 where programme = 'maju'",
        "update estimates.theme_window set lift = 1.0, lower = 0.9, upper = 1.1 where programme <> 'maju'",
    )
    assert "Hanya Bogor Maju yang pasti lebih ditanggapi" in page("pancakarsa.html").text


def test_two_schemes_that_sort_the_same_posts_are_not_two_findings(rebuilt):
    twin = (
        "create or replace table estimates.theme_window as select * from estimates.theme_window where scheme_id = "
        "'pancakarsa' union all "
        "select * replace ('rpjmd_2025_2029' as scheme_id, case programme when 'sehat' then 'kesehatan' when 'cerdas' "
        "then 'pendidikan' "
        "when 'maju' then 'ekonomi' when 'membangun' then 'infrastruktur' else programme end as programme) "
        "from estimates.theme_window where scheme_id = 'pancakarsa'"
    )
    assert "menemukan unggahan yang sama" in rebuilt(twin)("pancakarsa.html").text


def test_aspirations_below_five_are_never_shown(rebuilt):
    page = rebuilt(
        "delete from estimates.aspiration_gap",
        "insert into estimates.aspiration_gap by name select 'jalan' as topic, 9 as cases, 0 as posts, 0.5 as share_cases, "
        "0.0 as share_posts union all select 'air' as topic, 4 as cases, 0 as posts, 0.2 as share_cases, 0.0 as share_posts",
    )
    found = re.search(r"Yang ditanyakan warga|Ditanyakan tetapi tidak diunggah.*?Pertanyaan", page("pancakarsa.html").text)
    assert found and "air" not in found.group(0).casefold().split()


def test_posts_are_told_in_full_with_why_they_are_listed(version, read):
    best = (
        version.table("marts.post_list").filter((pl.col("place_best") == 1) & (pl.col("agency_id") == PLAIN)).row(0, named=True)
    )
    text = read[f"id/perangkat/{PLAIN}.html"].text
    assert re.sub(r"\s+", " ", best["caption"]).strip()[:120] in text
    assert "dari biasanya untuk" in text and "akun ini pada bulan itu" in text
    listed = version.table("marts.post_list").filter(pl.col("agency_id") == PLAIN).height
    assert f"Semua {listed} unggahan periode ini" in text


def test_metrics_of_the_catalogue_stand_with_range_and_caveat(version, read):
    text = read[f"id/perangkat/{PLAIN}.html"].text
    for name in data.METRICS:
        entry = metrics.get(name)
        assert entry.label_id in text and entry.caveat_id in text, name
        assert entry.caveat_id not in read[f"id/perangkat/{NOBODY}.html"].text, name  # no list of six times too little data


def test_refused_files_stand_with_account_and_agency(rebuilt):
    page = rebuilt(
        "update marts.export_files set outcome = 'refused', code = 'X', message_id = 'Unduh ulang.', message_en = 'Again.' "
        f"where export_id = (select min(export_id) from marts.export_files where agency_id = '{PLAIN}')"
    )
    text = page("kualitas.html").text
    assert "1 berkas ditolak" in text and "Dinkes" in text.split("1 berkas ditolak")[1].split("Unduhan menurut")[0]


def test_held_files_are_no_refused_files(rebuilt):
    page = rebuilt(
        f"update marts.export_files set outcome = 'held' where export_id = (select min(export_id) from marts.export_files "
        f"where agency_id = '{PLAIN}')"
    )
    assert re.search(r"(Tidak ada berkas yang|\d+ berkas) ditolak; 1 ditahan", page("kualitas.html").text)


def test_a_loss_of_followers_breaks_no_rule_of_the_vocabulary(home, tmp_path):
    """A generated check that took it for a negative count would hold every export of the account."""
    with changed(home, tmp_path, "update marts.account_window set followers_gained = -5") as version:
        table = version.con.execute("describe marts.account_window").fetchall()
        kinds = {row[0]: row[1] for row in table}
        rules = [column_checks._wrong(columns()[name], kind) for name, kind in kinds.items() if name in columns()]
        for rule in filter(None, rules):
            assert version.sql(f"select * from marts.account_window where {rule}").is_empty(), rule


def test_the_files_behind_the_numbers_have_a_page_of_their_own(version, read):
    page = read["id/jejak.html"]
    assert f"../id/perangkat/{PLAIN}.html#berkas" not in page.values("href") and f"perangkat/{PLAIN}.html#berkas" in page.values(
        "href"
    )
    assert any("jejak.html" in value for value in read["id/index.html"].values("href"))


def test_every_page_links_to_method_and_glossary(read):
    for path, page in read.items():
        if not any(x in path for x in ("buku/", "metode", "glosarium", "daftar")):
            assert any(v.endswith("metode.html") for v in page.values("href")), path
            assert any(v.endswith("glosarium.html") for v in page.values("href")), path


# -- the same place for readers while a version is built again -----------------------------------------------------------------
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
    assert (tmp_path / "latest").resolve() == (tmp_path / NAME).resolve()


def test_without_symbolic_links_latest_is_a_folder(version, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert (tmp_path / "latest/id/index.html").is_file() and not (tmp_path / "latest").is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", NAME]


def test_staging_folders_are_never_left_behind(version, tmp_path):
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    pages.build(version, tmp_path, languages=("id",), built_at=BUILT)
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
    shutil.rmtree(tmp_path)


# -- many agencies -----------------------------------------------------------------------------------------------------------
def test_long_lists_are_split_every_agency_is_found_and_pages_stay_small(home, tmp_path):
    with changed(home, tmp_path, *many(210)) as version:
        site = pages.build(version, tmp_path / "site", languages=("id",), built_at=BUILT)
        single = pages.share(version, "ringkasan", tmp_path / "satu.html", built_at=BUILT)
        listed = version.table("marts.agency_summary").filter("is_listed")["agency_id"].to_list()
    folder = site.folder / "id"
    everyone = {p.name for p in (folder / "perangkat").iterdir()}
    index = Reader((folder / "daftar.html").read_text("utf-8"))
    assert {v.split("/")[1] for v in index.values("href") if v.startswith("perangkat/")} == everyone
    rows = [v for p in (folder / "daftar").iterdir() for v in Reader(p.read_text("utf-8")).values("id") if v.startswith("pd-")]
    assert len(rows) == len(set(rows)) == len(listed)
    overview = (folder / "index.html").read_text("utf-8")
    assert "pd-kec-x006" not in overview and 'href="daftar/kecamatan-1.html"' in overview
    assert len((folder / "data/perangkat-daerah.csv").read_text("utf-8").splitlines()) == len(listed) + 1
    assert site.notes == []
    text = single.read_text("utf-8")
    assert len(text) < 1_000_000 and "daftar/kecamatan" not in text


# -- beside each other, and over time ------------------------------------------------------------------------------------------
def earlier(version, months_back: int, *, drop: str = "") -> data.Past:
    """The same tables as a report of an earlier month; `drop` is a rule that found something then and does not any more."""
    facts = data.load(version)
    frames = dict(facts.frames)
    shift = [pl.col(c).dt.offset_by(f"-{months_back}mo").alias(c) for c in frames["marts.period"].columns]
    frames["marts.period"] = frames["marts.period"].with_columns(shift)
    if drop:
        said = json.dumps({"topic": "jalan", "share_cases": 0.3, "cases": 40, "share_posts": 0.1})
        row = frames["estimates.actions"].head(1)
        row = row.with_columns(rule=pl.lit(drop), agency_id=pl.lit(None, pl.Utf8), arguments=pl.lit(said))
        frames["estimates.actions"] = pl.concat([frames["estimates.actions"], row])
    facts = data.Facts(frames=frames, agencies=data.agencies_of(frames), themes={})
    return data.Past(facts.period[1].replace(day=1), f"w-0{months_back}", facts)


def archive_of(version, *past: data.Past, name: str = "arsip.html") -> Reader:
    facts = data.load(version)
    facts.past = sorted(past, key=lambda report: report.month)
    return Reader(dict(pages.jobs(facts))[name](Sheet(Words("id"), facts, name, BUILT)))


def test_the_first_report_promises_that_the_next_one_tells_what_came_of_it(read):
    text = read["id/arsip.html"].text
    assert "Laporan pertama sudah terbit" in text and "belum ditutup" in text


def test_the_archive_says_what_is_no_longer_seen_and_what_still_is(version):
    page = archive_of(version, earlier(version, 1, drop="regency_topic"))
    assert "Tidak tampak lagi pada laporan Oktober 2026" in page.text and "Masih tampak pada laporan Oktober 2026" in page.text
    assert re.search(r"Dari \d hal yang diminta laporan September 2026, 1 tidak tampak lagi", page.text)
    needs = version.table("estimates.actions").filter("is_need")["agency_id"].n_unique()
    assert needs and "Masih disebut pada laporan Oktober 2026" in page.text


def test_the_headline_is_not_the_same_sentence_every_month(version, monkeypatch):
    """What certainly changed comes first; findings that stand for months take turns."""
    standing = [Markup("lama"), Markup("baru")]
    monkeypatch.setattr(ringkasan, "standing_news", lambda sheet: standing)

    def said(months_back: int, **counts: int) -> str:
        facts = earlier(version, months_back).facts
        frames = dict(facts.frames)
        columns = {name: pl.lit(counts.get(name, 0), pl.Int64) for name in ("n_up", "n_down")}
        frames["estimates.group_window"] = frames["estimates.group_window"].with_columns(**columns)
        found = data.Facts(frames=frames, agencies=facts.agencies, themes={})
        return str(ringkasan.news_of_the_month(Sheet(Words("id"), found, "index.html", BUILT, silent=True)))

    assert [said(k) for k in (3, 2, 1)] in (["lama", "baru", "lama"], ["baru", "lama", "baru"])
    assert said(1, n_up=2, n_down=1) == "2 perangkat daerah pasti membaik"
    assert said(1, n_down=1) == "1 perangkat daerah pasti menurun"


def test_the_archive_names_programmes_as_the_registry_does(version):
    past = earlier(version, 1)
    assert not past.facts.themes
    archive_of(version, past)
    assert past.facts.themes == data.load(version).themes


def test_numbers_of_other_versions_carry_no_id(version):
    page = archive_of(version, earlier(version, 1), earlier(version, 2))
    now = [figure for figure, _ in archive_of(version).figures]
    assert [figure for figure, _ in page.figures] == now and page.text.count("Yang disampaikan") == 3


def test_a_closed_month_shows_its_seal_and_its_corrections(version):
    old = earlier(version, 1)
    seal = {"seal": "ab" * 32, "closed_at": "2026-10-05T08:00:00"}
    fixed = {"closed_at": "2026-10-09T08:00:00", "reason": "Berkas <b>susulan</b>"}
    page = archive_of(version, data.Past(old.month, old.version, old.facts, seal, (fixed,)))
    assert "ditutup 5 Okt 2026" in page.text and "Dikoreksi 9 Okt 2026: Berkas <b>susulan</b>." in page.text


def test_periods_to_choose_are_the_published_months_and_reports(version):
    page = archive_of(version, earlier(version, 1), earlier(version, 2), name="banding.html")
    kinds = [value for tag, name, value in page.attributes if tag == "option" and name == "value" and value[1:].startswith("20")]
    assert [k for k in kinds if k[0] == "q"] == ["q2026-09", "q2026-08"] and len([k for k in kinds if k[0] == "m"]) == 13


def test_the_map_shows_every_district_of_the_registry_with_its_verdict(home, version, tmp_path):
    known = registry.load(home.registry)
    facts = data.load(version, known)
    page = Reader(dict(pages.jobs(facts))["banding.html"](Sheet(Words("id"), facts, "banding.html", BUILT)))
    said = {v for v in page.values("aria-label") if ": " in v}
    assert "Kec. Cibinong: di atas biasanya" in said and "Kec. Tenjolaya: data belum cukup" in said
    assert "Petak kosong: belum ada akun terdaftar (37)" in page.text
    facts.tiles = []
    bare = Reader(dict(pages.jobs(facts))["banding.html"](Sheet(Words("id"), facts, "banding.html", BUILT)))
    assert "Peta skematis" not in bare.text


# -- hostile text ------------------------------------------------------------------------------------------------------------
def shape(page: Reader) -> tuple:
    """Everything but text: elements and attribute names."""
    return page.elements, Counter((tag, name) for tag, name, _ in page.attributes)


def test_hostile_text_changes_nothing_but_text(home, tmp_path):
    hostile = HOSTILE.replace("'", "''")
    names = "update core.agencies set short_name = '{0}', name = '{0}' where agency_id = 'dinkes'"
    posts = "update marts.post_list set caption = '{0}' where agency_id = 'dinkes'"
    files = "update marts.export_files set file_name = '{0}' where agency_id = 'dinkes'"
    built = {}
    for kind, text in (("nasty", hostile), ("plain", "Dinas Contoh Biasa")):
        with changed(home, tmp_path / kind, *(s.format(text) for s in (names, posts, files))) as version:
            built[kind] = pages.build(version, tmp_path / kind / "site", built_at=BUILT).folder
    for path in sorted(built["nasty"].glob("*/**/*.html")):
        name = str(path.relative_to(built["nasty"]))
        one, two = Reader(path.read_text("utf-8")), Reader((built["plain"] / name).read_text("utf-8"))
        assert shape(one) == shape(two), name
        assert one.elements["img"] == 0, name
        for tag, attribute, value in one.attributes:
            assert not attribute.startswith("on"), (name, tag, attribute)
            if attribute in ("href", "src"):
                assert not value.strip().lower().startswith(("javascript:", "vbscript:")), name
        assert not re.search("[\u202a-\u202e\u200b\u2066-\u2069]", path.read_text("utf-8")), name
    page = (built["nasty"] / "id/perangkat/dinkes.html").read_text("utf-8")
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    for path in built["nasty"].glob("*/data/*.csv"):
        excel = path.name.endswith("-excel.csv")
        rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), delimiter=";" if excel else ",")
        for row in rows:
            for cell in row:
                number = re.fullmatch(r"-?\d+([.,]\d+)?(e-?\d+)?", cell)
                assert number or not cell.startswith(("=", "+", "-", "@", "\t")), (path.name, cell)


def test_agencies_whose_ids_make_one_file_name_get_two(home, tmp_path):
    more = [
        f"insert into core.agencies by name select * replace ('{name}' as agency_id) from core.agencies where agency_id "
        f"= 'dinkes'"
        for name in ("Dinkes", "../dinkes")
    ]
    with changed(home, tmp_path, *more) as version:
        slugs = [a["slug"] for a in data.load(version).agencies]
    assert len(slugs) == len(set(slugs)) and all(re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)


# -- words -------------------------------------------------------------------------------------------------------------------
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
        if path.startswith("id/") and "glosarium" not in path:
            text = re.sub(r"› sheet:[\w ]+?(?= \d)", "", page.text)  # the name of a sheet is the platform's
            found = english.findall(text)
            assert not found, (path, found, text[max(0, english.search(text).start() - 60) :][:160])


INDONESIAN = re.compile(
    r"\b(?:dan|yang|tidak|dengan|untuk|belum|dari|atau|bila|karena|lebih|kurang|pada|akun|unggahan|perangkat|bulan|tanpa|semua|"
    r"antara|seperti|lengkap|naik|turun|berkas|angka|jenis|bentuk|ditolak|sumber|tayangan|jangkauan|pengikut|tanggapan)\b",
    re.IGNORECASE,
)


def test_english_pages_and_their_csv_headings_hold_no_indonesian(site, version, read):
    """What was written by others stays as it is: captions, names of agencies and files, headings quoted from a file."""
    data_texts = [
        *version.table("marts.post_list")["caption"],
        *version.sql(
            "select concat_ws(' › ', file_name, member) || ' ' || coalesce(message_en, '') from marts.export_files"
        ).to_series(),
    ]
    quoted = re.sub(r"\s+", " ", " ".join(tampil(text, 2_000) for text in data_texts if text))
    names = [name for name in version.sql("select name from core.agencies").to_series() if name]
    for path, page in read.items():
        for text in page.texts if path.startswith("en/") else ():
            told = re.sub(r"\s+", " ", text).strip().removesuffix("…")
            for name in names:
                told = told.replace(name, "")
            assert not INDONESIAN.search(told) or told in quoted, (path, told)
    for path in (site.folder / "en" / "data").glob("*.csv"):
        assert not INDONESIAN.search(path.read_text("utf-8-sig").splitlines()[0]), path


BANNED = ("ayunan acak", "bolong", "selang 95", "peluang", "nilai wajar", "(p =", "ekspor ")


def test_indonesian_pages_speak_an_admins_words(read):
    for path, page in read.items():
        if path.startswith("id/") and not any(x in path for x in ("glosarium", "buku/")):
            text = page.text.split("Untuk analis")[0]
            assert not [word for word in BANNED if word in text.casefold()], (path, [w for w in BANNED if w in text.casefold()])


# -- one file ----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("what", ["ringkasan", PLAIN, NOBODY])
def test_shared_page_stands_alone(version, tmp_path, what):
    out = pages.share(version, what, tmp_path / "satu" / f"{what}.html", "id", built_at=BUILT)
    text = out.read_text("utf-8")
    page = Reader(text)
    assert len(text) <= 1_000_000 and page.inside == []
    for tag, name, value in page.attributes:
        if name in ("href", "src"):
            assert value.startswith(("#", "data:", "https://")), (tag, value)
            assert tag == "a" or value.startswith("data:"), (tag, value)
    if what != NOBODY:
        assert 'id="mesin"' in text


def test_sharing_an_unknown_agency_says_which_exist(version, tmp_path):
    with pytest.raises(KeyError, match=PLAIN):
        pages.share(version, "tidak-ada", tmp_path / "x.html")


def test_platforms_have_the_names_of_their_one_home():
    assert common.platform_name("youtube") == "YouTube" and common.platform_name(None) == "–"
    assert (
        common.exposure_word("tiktok", Words("id")) == "tontonan"
        and common.exposure_word("instagram", Words("id")) == "jangkauan"
    )


# -- what honest tables know ---------------------------------------------------------------------------------------------------
def test_a_page_without_a_verdict_says_the_reason_and_its_remedy(read, version):
    windows = version.table("estimates.agency_window").filter(pl.col("reason").is_not_null())
    assert windows.height >= 2
    for row in windows.to_dicts():
        known = reason(row["reason"])
        page = next(p for path, p in read.items() if path == f"id/perangkat/{row['agency_id']}.html")
        assert known.text_id in page.text and known.remedy_id in page.text, row["agency_id"]


def test_accounts_that_did_not_send_stand_beside_the_value(rebuilt):
    page = rebuilt(
        "update estimates.agency_window set n_sent = 2, n_required = 3, missing_accounts = 'ig-hilang' where agency_id = 'dinkes'"
    )
    for name in ("perangkat/dinkes.html", "daftar.html"):
        assert "2 dari 3 akun mengirim unduhan yang dapat dipakai; belum ada: ig-hilang" in page(name).text, name
    assert "jangkauan berbayar mungkin termasuk" in page("perangkat/dinkes.html").text


def test_a_rise_that_may_be_staffs_is_not_called_improvement_and_its_circular_is_named(rebuilt):
    page = rebuilt(
        "update estimates.agency_window set direction = 'up_maybe_mobilised', change = 2.9, change_lower = 2.1, change_upper = 4,"
        " change_without_likes = 1.02, change_without_likes_lower = 0.8, change_without_likes_upper = 1.3 "
        "where agency_id = 'dinkes'",
        "update marts.agency_summary set direction = 'up_maybe_mobilised', level = 'up' where agency_id = 'dinkes'",
        "insert into core.circulars select 'c1', period_start, null, 'semua', 'SE Bupati 12', null from marts.period",
    )
    said = page("perangkat/dinkes.html").text
    assert "naik, sebagian mungkin digerakkan" in said and "tanpa suka +2%" in said and "SE Bupati 12" in said
    assert "hampir tidak mungkin terjadi karena kebetulan" not in said.split("Langkah")[0]
    assert "tanpa suka +2%" in page("daftar.html").text


def test_an_open_objection_is_printed_beside_its_figure_until_it_is_settled(rebuilt):
    row = (
        "insert into core.objections values ('k1', 'dinkes', 'agency_window:vs_expected:agency_id=dinkes', "
        "date '2026-11-20', 'Dua unggahan terhitung <b>ganda</b>', '{decision}', {open}, null, null)"
    )
    page = rebuilt(row.format(decision="open", open="true"))
    for name in ("perangkat/dinkes.html", "daftar.html"):
        assert any(value == "Dua unggahan terhitung <b>ganda</b>" for value in page(name).values("title")), name
    assert "Keberatan 20 Nov 2026" in page("perangkat/dinkes.html").text


def test_a_settled_objection_is_no_longer_printed(rebuilt):
    page = rebuilt(
        "insert into core.objections values ('k1', 'dinkes', 'agency_window:vs_expected:agency_id=dinkes', "
        "date '2026-11-20', 'Terhitung ganda', 'rejected', false, date '2026-11-21', 'Sudah dihitung sekali')"
    )
    assert "Terhitung ganda" not in page("perangkat/dinkes.html").text + "".join(page("daftar.html").values("title"))


def test_the_method_page_says_how_the_answer_moves_with_each_threshold(read, version):
    tried = version.table("estimates.threshold_effect")
    page = read["id/metode.html"]
    figures = [figure for figure, _ in page.figures if figure.startswith("threshold_effect:n_judged:")]
    assert len(figures) == tried.height and "(dipakai)" in page.text


def test_values_of_published_months_that_moved_are_listed(rebuilt):
    page = rebuilt(
        "insert into meta.moved_values values "
        "('dinkes', date '2026-09-01', 1.1, 0.9, date '2026-10-05', date '2026-11-20', 'others'), "
        "('dinkes', date '2026-07-01', 1.1, null, date '2026-10-05', date '2026-11-21', 'own')"
    )("kualitas.html").text
    assert "2 nilai dari bulan yang sudah terbit bergeser" in page and "×1,10" in page and "×0,90" in page
    assert "20 Nov 2026: berkas pihak lain" in page and "21 Nov 2026: berkasnya sendiri" in page
