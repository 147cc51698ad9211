"""Every kind of export: known, described, found by its header, and read to exactly the rows that its samples hold."""

# ruff: noqa: SIM905

import json
import math
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.exports import read
from pipeline.formats import GRAINS, all_formats, docs, mapped, normalise

SAMPLES = Path(__file__).parent / "samples"
CASES = sorted(p.parent for p in SAMPLES.rglob("expected.json"))
CATALOGUE = """
x_classic_by_tweet x_classic_by_day x_account_overview x_account_content x_video_overview yt_table_content yt_table_date
yt_table_traffic_source yt_table_geography yt_table_cities yt_table_viewer_age yt_table_viewer_gender
yt_table_subscription_status yt_chart_data yt_totals yt_audience_rolling tiktok_studio_overview tiktok_studio_viewers
tiktok_studio_follower_history tiktok_studio_follower_activity tiktok_studio_follower_gender
tiktok_studio_follower_territories tiktok_studio_content tiktok_business_overview tiktok_business_audience
tiktok_business_video linkedin_page_content_metrics linkedin_page_content_posts linkedin_page_followers_daily
linkedin_page_visitors_daily linkedin_page_demographics linkedin_page_competitors linkedin_member_aggregate
sp4n_lapor_admin_xlsx sp4n_lapor_opendata hootsuite_inbox_resolved_conversations mapped_table
""".split()


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def plain(value):
    """A cell as JSON can hold it, to compare with the expected rows."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def same(found, expected):
    if isinstance(expected, float) or isinstance(found, float):
        return found is not None and math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(expected, str) and isinstance(found, str) and "T" in expected and expected[:4].isdigit():
        return moment(found) == moment(expected)
    return found == expected


def assert_rows(rows, expected, forbidden):
    found = [{k: plain(v) for k, v in row.items() if v is not None} for row in rows.to_dicts()]
    assert len(found) == len(expected)
    for got, want in zip(sorted(found, key=order), sorted(expected, key=order), strict=True):
        for name in ("handle", "platform_account_id"):
            if name not in want:
                got.pop(name, None)
        assert sorted(got) == sorted(want), got.get("row_number")
        assert {k: v for k, v in got.items() if not same(v, want[k])} == {}, want
    text = json.dumps(found)
    assert [word for word in forbidden if word in text] == []


def order(row):
    return row["row_number"], row.get("label", ""), row.get("metric", "")


@pytest.mark.parametrize("folder", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_sample_is_read_to_exactly_its_rows(folder):
    want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    options = {"accounts": want["options"].get("accounts", []), "first_seen": moment("2026-11-20T03:00:00Z")}
    if want["options"].get("mappings"):
        taught, problems = mapped.load(folder)
        assert problems == []
        options["registry"] = SimpleNamespace(accounts=None, mappings=taught)
    exports = read(folder / want["file"], **options)
    assert [e.kind for e in exports] == [e["kind"] for e in want["exports"]], [m for e in exports for m in e.messages]
    for got, expected in zip(exports, want["exports"], strict=True):
        said = [m.as_json() for m in got.messages]
        assert got.outcome == expected.get("outcome", "accepted"), said
        for name in ("grain", "platform", "language", "member", "dropped", "captured_from"):
            if name in expected:
                assert getattr(got, name) == expected[name], name
        if "captured_at" in expected:
            assert got.captured_at == moment(expected["captured_at"])
        for code in expected.get("codes", []):
            assert code in [m.code for m in got.messages]
        for handle in expected.get("handles", []):
            assert handle in [a.handle for a in got.accounts]
        if "sums" in expected:
            assert sorted(got.sums) == sorted(expected["sums"])
            assert {k: v for k, v in got.sums.items() if not math.isclose(v, expected["sums"][k], rel_tol=1e-9)} == {}
        if "n_rows" in expected:
            assert got.n_rows == expected["n_rows"]
        if "rows" in expected:
            assert_rows(got.rows, expected["rows"], expected.get("forbidden", []))


@pytest.mark.parametrize("form", all_formats(), ids=lambda f: f.kind)
def test_each_kind_says_what_it_is_and_where_it_is_downloaded(form):
    assert form.title_id and form.title_en and form.menu_id
    assert form.confidence in ("seen", "reported", "documented", "inferred", "public_code")
    assert form.grain in (*GRAINS, "register")


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_of_the_catalogue_is_a_format_with_a_sample(kind):
    assert kind in {f.kind for f in all_formats()} | {"mapped_table"}
    assert kind in {e["kind"] for p in CASES for e in json.loads((p / "expected.json").read_text())["exports"]}


def known_languages(form):
    """Languages in which eight columns of a kind, or half of them, have a name, and all those that it is recognised by."""
    if form.blocks:
        return {"en", "id"}  # by their titles
    named = [c for c in form.columns if c.kind not in ("ignored", "person") and (c.en or c.id)]

    def is_known(language):
        has = [c for c in named if getattr(c, language)]
        names = {normalise(h) for c in form.columns for h in (*getattr(c, language), *c.other)} | {c.field for c in has}
        by = [d for d in form.detect if all(e in names or normalise(e) in names for e in d.all_of)]
        return bool(by or form.from_json) and len(has) >= min(8, len(named) / 2)

    return {language for language in ("en", "id") if is_known(language)}


def samples_by_language():
    found = {}
    for folder in CASES:
        want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        taught = (
            {"registry": SimpleNamespace(accounts=None, mappings=mapped.load(folder)[0])} if list(folder.glob("*.toml")) else {}
        )
        accounts = want["options"].get("accounts", [])
        for export in read(folder / want["file"], accounts=accounts, first_seen=moment("2026-11-20T03:00:00Z"), **taught):
            found.setdefault(export.kind, set()).add(export.language)
    return found


def test_every_kind_has_a_sample_in_every_language_that_its_headers_are_known_in():
    found = samples_by_language()
    lacking = {f.kind: known_languages(f) - found.get(f.kind, set()) for f in all_formats() if f.grain != "register"}
    assert {kind: languages for kind, languages in lacking.items() if languages} == {}


def test_the_list_of_formats_tells_of_every_kind_its_confidence_and_its_menu():
    sections = docs.FILE.read_text(encoding="utf-8").split("\n### ")[1:]
    told = {section.split("`")[1]: section for section in sections}
    assert set(told) == {f.kind for f in all_formats()}
    for form in all_formats():
        assert f"- Unduh dari: {form.menu_id}\n" in told[form.kind], form.kind
        assert f"- Keyakinan: {docs.CONFIDENCE[form.confidence]}" in told[form.kind], form.kind


@pytest.mark.parametrize("form", all_formats(), ids=lambda f: f.kind)
def test_no_header_of_a_kind_means_two_columns(form):
    meanings = {}
    for column in form.columns:
        for header in column.headers:
            meanings.setdefault(normalise(header), set()).add(column.field)
    assert {h: fields for h, fields in meanings.items() if len(fields) > 1} == {}


def test_the_list_of_formats_is_current():
    assert docs.FILE.read_text(encoding="utf-8") == docs.text(), "run: python -m pipeline.formats.docs"


@pytest.mark.parametrize("sheet", sorted((SAMPLES.parents[1] / "docs" / "templat").glob("*.csv")), ids=lambda p: p.stem)
def test_each_empty_sheet_is_known_as_its_kind(sheet):
    (export,) = read(sheet, accounts=["instagram"])
    assert (export.kind, [m.code for m in export.messages]) == (f"template_{sheet.stem}", ["NO_ROWS"])


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Content,Video title,Video publish time,Views,Watch time (hours),Impressions", "impressions"),
        (
            "Content,Video title,Video publish time,Duration,Views,Shown in feed,Viewed (vs. swiped away) (%)",
            "stayed_to_watch_rate",
        ),
        ("Content,Video title,Video publish time,Duration,Engaged views,Stayed to watch (%)", "stayed_to_watch_rate"),
        ("Content,Video title,Video publish time,Duration,Hypes,Post subscribers,Likes (vs dislikes) (%)", "likes_ratio_rate"),
        ("Content,Video title,Video publish time,Duration,Views,Thumbnail impressions", "impressions"),
        ("Content,Video title,Video publish time,Views,Your estimated revenue (IDR),Estimated revenue (USD)", "views"),
        ("Konten,Judul video,Waktu publikasi video,Durasi,Penayangan,Tayangan thumbnail", "impressions"),
    ],
)
def test_youtube_headers_of_every_year_keep_their_meaning(header, field, tmp_path):
    """The user picks metrics and YouTube renames them; 'Tayangan' is impressions here and never views."""
    path = tmp_path / "Table data.csv"
    names = header.split(",")
    path.write_text(f"{header}\nQx7_zLk2m-N,Judul,,{','.join('7' for _ in names[3:])}\n", encoding="utf-8")
    (export,) = read(path, accounts=["youtube"])
    assert export.kind == "yt_table_content" and export.header.unknown == []
    assert export.header.mapped[names[-1] if field != "views" else "Views"] == field
    assert [c for c in export.rows.columns if "revenue" in c] == []


def test_columns_that_name_people_are_dropped_unread():
    """Names of people, reporters and agents are dropped unread in every kind that has them."""
    known = {f.kind: [h for c in f.columns if c.kind == "person" for h in c.headers] for f in all_formats()}
    assert "Posted by" in known["linkedin_page_content_posts"]
    assert {"Nama Pelapor", "Isi Laporan Awal", "Judul Laporan"} <= set(known["sp4n_lapor_admin_xlsx"])
    assert "Contact Primary Identifier" in known["hootsuite_inbox_resolved_conversations"]
