import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.estimates import themes

ROOT = Path(__file__).parent
RULES = yaml.safe_load((ROOT.parent / "pipeline/templates/kabupaten-bogor/themes.yml").read_text(encoding="utf-8"))
CASES = json.loads((ROOT / "samples/themes/cases.json").read_text(encoding="utf-8"))
TEMPLATES = json.loads((ROOT / "samples/themes/captions.json").read_text(encoding="utf-8"))["captions"]
SCHEMA = {"post_key": pl.Int64, "caption": pl.Utf8, "agency_id": pl.Utf8, "published_on": pl.Date}


def posts(*captions: str | None, on: date = date(2022, 5, 4), agency: str | None = None) -> pl.DataFrame:
    return pl.DataFrame([(i, c, agency, on) for i, c in enumerate(captions)], schema=SCHEMA, orient="row")


def programmes(frame: pl.DataFrame, **options) -> dict[int, list[str]]:
    found = themes.post_programmes(frame, RULES, **options).sort("is_primary", "score", descending=True)
    return dict(found.group_by("post_key", maintain_order=True).agg("programme").iter_rows())


def tagged(frame: pl.DataFrame, settings: dict | None = None) -> pl.DataFrame:
    registry = SimpleNamespace(themes=RULES, settings=settings or {})
    bridge = themes.build_post_programmes({"core.posts": frame}, registry)
    return themes.build_post_themes({"core.posts": frame, "core.post_programmes": bridge}, registry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["caption"][:40])
def test_hand_written_cases_get_their_programmes_and_content_type(case):
    row = tagged(posts(case["caption"])).row(0, named=True)
    assert programmes(posts(case["caption"])).get(0, []) == case["programmes"]
    assert row["programme"] == (case["programmes"] or [None])[0]
    if case["content_type"] is not None:  # null: the case says nothing about the type
        assert row["content_type"] == case["content_type"]


def filled(kind: str) -> list[str]:
    values = {"kec": "Kecamatan Jonggol", "tgl": "12 Mei 2026", "y": "2026", "n": "35"}
    return [template.format(**values) for template in TEMPLATES[kind]]


@pytest.mark.parametrize("programme", ["cerdas", "sehat", "maju", "membangun", "berkeadaban"])
def test_every_caption_template_of_a_programme_gets_that_programme(programme):
    assert tagged(posts(*filled(programme)))["programme"].unique().to_list() == [programme]


@pytest.mark.parametrize("kind", ["darurat", "layanan", "seremonial", "ucapan", "interaktif"])
def test_every_caption_template_of_a_content_type_gets_that_type(kind):
    found = tagged(posts(*filled(kind)))["content_type"].unique().to_list()
    assert found == [kind]


def test_the_programme_of_the_day_applies():
    caption = "Pendaftaran beasiswa dibuka"
    frame = pl.concat([posts(caption, on=day) for day in (date(2023, 12, 31), date(2024, 6, 1), date(2025, 2, 20))])
    frame = frame.with_columns(post_key=pl.int_range(pl.len()))
    rows = tagged(frame).select("scheme_id", "programme", "is_taggable").rows()
    assert rows == [("pancakarsa", "cerdas", True), (None, None, False), ("rpjmd_2025_2029", "pendidikan", True)]


def test_one_scheme_can_be_looked_through_on_all_days_when_leadership_asks():
    row = tagged(posts("Pendaftaran beasiswa dibuka", on=date(2026, 1, 5)), {"programme_scheme": "pancakarsa"}).row(0, named=True)
    assert (row["scheme_id"], row["programme"]) == ("pancakarsa", "cerdas")
    with pytest.raises(ValueError, match="pancasila"):
        tagged(posts("x"), {"programme_scheme": "pancasila"})


def test_a_caption_that_is_not_reported_is_not_an_untagged_post():
    rows = tagged(posts(None, "Pagi yang cerah")).select("programme", "has_caption", "is_taggable", "n_programmes").rows()
    assert rows == [(None, False, False, None), (None, True, True, 0)]


def test_the_own_field_of_an_agency_counts_only_with_evidence_in_the_text():
    assert programmes(posts("Kegiatan siswa hari ini")) == {}
    assert programmes(posts("Kegiatan siswa hari ini", agency="disdik")) == {0: ["cerdas"]}
    assert programmes(posts("Kegiatan hari ini", agency="disdik")) == {}


def test_weak_words_count_two_at_most_and_alone_reach_the_threshold():
    bridge = themes.post_programmes(posts("siswa guru murid belajar di kampus"), RULES)
    assert bridge["score"].to_list() == [2]
    assert set(bridge["matched_terms"][0]) == {"siswa", "guru", "murid", "belajar", "kampus"}


def test_bold_letters_of_the_mathematical_block_are_letters():
    assert programmes(posts("𝗖𝗲𝗴𝗮𝗵 𝘀𝘁𝘂𝗻𝘁𝗶𝗻𝗴 sejak dini")) == {0: ["sehat"]}


def test_hashtags_are_found_once_each_and_their_words_count():
    frame = posts("Yuk #PanganMurah #PASAR_MURAH #pasar_murah", None)
    assert tagged(frame)["hashtags"].to_list() == [["panganmurah", "pasar_murah"], None]
    assert programmes(posts("Ada #PasarMurah besok")) == {0: ["maju"]}


def test_words_in_addresses_and_mentions_are_no_evidence():
    assert programmes(posts("lihat https://stunting.go.id dan @posyandu_beasiswa atau kirim ke umkm@pajak.id")) == {}


def test_a_tie_goes_to_the_programme_that_was_rarer_in_the_90_days_before():
    both = "Beasiswa dan jembatan"
    frame = pl.concat(
        [posts("Beasiswa", "Beasiswa", "Jembatan", on=date(2022, 3, 1)), posts(both), posts(both, on=date(2022, 9, 1))]
    )
    frame = frame.with_columns(post_key=pl.int_range(pl.len()))
    assert tagged(frame)["programme"].to_list() == ["cerdas", "cerdas", "membangun", "membangun", "cerdas"]


@settings(deadline=None, max_examples=12)
@given(st.lists(st.text(max_size=60), max_size=6), st.randoms())
def test_tags_do_not_depend_on_the_order_or_company_of_posts(captions, random):
    captions = [*captions, "Cegah stunting di posyandu"]
    frame = posts(*captions)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=random.randint(0, 9999))
    assert tagged(frame).equals(tagged(shuffled))
    assert tagged(frame).height == len(captions)


def test_without_a_theme_register_nothing_is_tagged_and_nothing_fails():
    registry = SimpleNamespace(themes={}, settings={})
    bridge = themes.build_post_programmes({"core.posts": posts("Beasiswa")}, registry)
    row = themes.build_post_themes({"core.posts": posts("Beasiswa"), "core.post_programmes": bridge}, registry).row(0, named=True)
    assert (bridge.height, row["programme"], row["content_type"], row["is_taggable"]) == (0, None, None, False)


def test_the_lens_tags_posts_after_its_time_beside_the_scheme_of_the_day():
    frame = posts("Jadwal imunisasi di puskesmas", on=date(2026, 5, 4))
    alone, both = (themes.post_programmes(frame, RULES, also=also) for also in (None, "pancakarsa"))
    assert alone["scheme_id"].unique().to_list() == ["rpjmd_2025_2029"]
    assert sorted(both["scheme_id"].unique()) == ["pancakarsa", "rpjmd_2025_2029"]
    assert both.filter(pl.col("scheme_id") == "pancakarsa")["programme"].to_list() == ["sehat"]
    assert tagged(frame, {"programme_lens": "pancakarsa"})["scheme_id"].to_list() == ["rpjmd_2025_2029"]


def test_a_lens_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="programme_lens"):
        themes.post_programmes(posts("apa saja"), RULES, also="tidak-ada")
