"""The simulated regency: same seed, same bytes; files like the platforms write them; a truth that adds up."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import re
import string
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pytest

from pipeline import registry, samples
from pipeline.exports import read
from pipeline.samples.damage import ACCIDENTS
from pipeline.samples.regency import HOSTILE, PLATFORMS


def digest(root: Path, under: str = "") -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted((root / under).rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    return root, samples.generate(root, "tiny")


def records(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_same_seed_gives_the_same_bytes(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny")
    assert digest(root) == digest(tmp_path)


def test_another_seed_gives_other_bytes(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny", seed=7)
    assert digest(root, "inbox") != digest(tmp_path, "inbox")


def test_another_agency_moves_no_other_number(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny", extra=("disdik",))
    more, before = ({k: v for k, v in digest(r, "inbox").items() if "LAPOR" not in k.upper()} for r in (tmp_path, root))
    assert {k: v for k, v in more.items() if "disdik" not in k} == before  # the LAPOR workbook is the whole regency's
    assert any("disdik" in k for k in more)


@pytest.mark.parametrize("profile", ["tiny", "demo"])
def test_registers_are_valid(profile, tmp_path):
    samples.generate(tmp_path, profile)
    known = registry.load(tmp_path / "registry")
    assert known.settings["simulated"] is True
    assert known.accounts["handle"].str.starts_with("sim").all()


def test_truth_is_json_and_knows_every_file(tiny):
    root, truth = tiny
    assert json.loads((root / "truth.json").read_text("utf-8")) == json.loads(json.dumps(truth))
    on_disk = {k for k in digest(root) if k.startswith("inbox/")}
    assert on_disk == set(truth["files"])


# ---- clocks ---------------------------------------------------------------------------------------------------------------

PACIFIC = ZoneInfo("America/Los_Angeles")
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def content_files(root: Path, truth: dict, kind: str):
    for path, record in truth["files"].items():
        if record["expect"] == ["accepted"] and any(e["kind"] == kind for e in record["exports"]):
            yield path, (root / path).read_bytes(), record


def test_instagram_prints_pacific_time_and_the_link_knows_the_instant(tiny):
    seen = 0
    for _, data, _ in content_files(*tiny, "meta.content.instagram.post"):
        for row in records(data):
            time = row.get("Publish time") or row["Waktu penerbitan"]
            printed = dt.datetime.strptime(time, "%m/%d/%Y %H:%M").replace(tzinfo=PACIFIC)
            number = 0
            for letter in row["Permalink"].rstrip("/").rsplit("/", 1)[1]:
                number = number * 64 + LETTERS.index(letter)
            made = (number >> 23) / 1000 + 1_314_220_021.721
            # In the hour that comes twice when daylight saving ends, the print has two meanings.
            assert min(abs(made - printed.replace(fold=f).timestamp()) for f in (0, 1)) < 660
            seen += 1
    assert seen > 300


def test_x_ids_fall_on_the_printed_day(tiny):
    seen = 0
    for _, data, _ in content_files(*tiny, "x_account_content"):
        for row in records(data):
            made = dt.datetime.fromtimestamp(((int(row["Post id"]) >> 22) + 1_288_834_974_657) / 1000, dt.UTC)
            assert dt.datetime.strptime(row["Date"], "%a, %b %d, %Y").date() == made.date()
            assert row["Post id"] in row["Post Link"]
            seen += 1
    assert seen > 100


def test_tiktok_ids_precede_the_post_by_seconds(tiny):
    """Days are printed without a year, on the exporter's own clock."""
    months = {m: i for i, m in enumerate(("September", "Oktober", "October", "November", "Agustus", "August"))}
    real = {"September": 9, "Oktober": 10, "October": 10, "November": 11, "Agustus": 8, "August": 8}
    for _, data, _ in content_files(*tiny, "tiktok_studio_content"):
        for row in records(zipfile.ZipFile(io.BytesIO(data)).read("Content.csv")):
            second = int(row["Video link"].rsplit("/", 1)[1]) >> 32
            words = row["Post time"].split()
            month = next(w for w in words if w in months)
            day = next(int(w) for w in words if w.isdigit())
            local = dt.datetime.fromtimestamp(second + 9, dt.timezone(dt.timedelta(hours=7)))
            assert (local.month, local.day) == (real[month], day) or local.hour == 0


def test_linkedin_dates_are_text_and_agree_with_the_id(tiny):
    root, truth = tiny
    path = next(p for p, r in truth["files"].items() if r["exports"][0]["kind"].startswith("linkedin"))
    sheet = openpyxl.load_workbook(root / path)["All posts"]
    rows = list(sheet.iter_rows(min_row=3, values_only=True))
    assert rows and all(isinstance(r[9], int) for r in rows)
    for row in rows:
        made = dt.datetime.fromtimestamp((int(row[1].rsplit(":", 1)[1]) >> 22) / 1000, dt.UTC)
        assert row[5] == made.strftime("%m/%d/%Y")


# ---- what the files say is what the simulation made -----------------------------------------------------------------------

HEADERS = {
    "meta.content.instagram.post": {
        b'\xef\xbb\xbf"Post ID","Account ID","Account username","Account name",Description,"Duration (sec)","Publish time",'
        b'Permalink,"Post type","Data comment",Date,Views,Reach,Likes,Shares,Comments,Saves,Follows',
        b'\xef\xbb\xbf"ID Postingan","ID Akun","Nama pengguna akun","Nama akun",Deskripsi,"Durasi (detik)","Waktu penerbitan",'
        b'Permalink,"Jenis postingan","Komentar data",Tanggal,Tayangan,Jangkauan,Suka,"Frekuensi dibagikan",Komentar,'
        b'"Frekuensi disimpan",Mengikuti',
    },
    "x_account_content": {
        b"Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,"
        b"Profile visits,Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
    },
    "x_account_overview": {
        b"Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits,Create Post,"
        b"Video views,Media views"
    },
}


@pytest.mark.parametrize("kind", sorted(HEADERS))
def test_headers_are_the_platform_s_byte_for_byte(tiny, kind):
    seen = {data.split(b"\n", 1)[0] for _, data, _ in content_files(*tiny, kind)}
    assert seen == HEADERS[kind]


def number(row: dict[str, str], *names: str) -> int:
    return int(next(row[n] for n in names if n in row) or 0)


FIELDS = {
    "meta.content.instagram.post": {
        "likes": ("Likes", "Suka"), "comments": ("Comments", "Komentar"), "shares": ("Shares", "Frekuensi dibagikan"),
        "saves": ("Saves", "Frekuensi disimpan"), "views": ("Views", "Tayangan"),
    },
    "meta.content.facebook.post": {
        "reactions": ("Reactions", "Tanggapan"), "comments": ("Comments", "Komentar"), "views": ("Views", "Tayangan"),
        "engagement_rcs": ("Reactions, Comments and Shares", "Tanggapan, komentar, dan frekuensi dibagikan"),
    },
    "x_account_content": {"likes": ("Likes",), "impressions": ("Impressions",), "link_clicks": ("URL Clicks",)},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_sums_and_rows_in_truth_are_those_in_the_files(tiny, kind):
    for path, data, record in content_files(*tiny, kind):
        rows = [r for r in records(data) if next(iter(r.values()))]
        export = record["exports"][0]
        assert len(rows) == export["rows"], path
        for field, names in FIELDS[kind].items():
            assert sum(number(r, *names) for r in rows) == export["sums"][field], (path, field)


def test_youtube_total_row_is_not_among_the_rows(tiny):
    for path, data, record in content_files(*tiny, "yt_table_content"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        rows = list(csv.reader(io.StringIO(archive.read(record["exports"][0]["member"]).decode())))
        assert rows[1][0] == "Total"
        assert len(rows) - 2 == record["exports"][0]["rows"], path
        assert sum(int(r[4]) for r in rows[2:]) == record["exports"][0]["sums"]["views"]


def test_overview_charts_are_utf16_with_a_separator_line(tiny):
    for _, data, record in content_files(*tiny, "meta.overview.daily"):
        text = data.decode("utf-16").split("\n")
        assert text[0] == "sep=," and text[1].strip('"') == record["exports"][0]["member"][1:]
        assert len([line for line in text[3:] if line]) == record["exports"][0]["rows"]


def test_collaboration_rows_have_no_reach(tiny):
    root, truth = tiny
    pair = truth["special"]["collab"]
    known = registry.load(root / "registry").accounts
    owner = known.filter((known["agency_id"] == pair["owner"]) & (known["platform"] == "instagram"))["platform_account_id"][0]
    joint = [
        row
        for path, data, _ in content_files(root, truth, "meta.content.instagram.post")
        if f"ig-{pair['partner']}" in path
        for row in records(data)
        if owner in row.values()
    ]
    assert joint and all((r.get("Reach") or r.get("Jangkauan") or "") == "" for r in joint)


def test_counts_grow_with_the_maturity_curve():
    """The share of the final count reached at a known age is the curve's, within sampling error."""
    world = samples.make_world(samples.profile("tiny"), 2026, False, samples.TODAY)
    account = next(a for a in samples.accounts(world.plan, 2026, False) if a.account_id == "ig-dinkes")
    track = samples.simulate_account(world, account)
    rows = np.arange(len(track.posts))
    second = int(track.posts.at.max()) + 24 * 3600
    shown, final = track.growth.at(second, rows), track.posts.final
    expected = PLATFORMS["instagram"].share_reached((second - track.posts.at) / 3600, 0.8)
    assert shown["reach"].sum() / (final["reach"] * expected).sum() == pytest.approx(1, abs=0.01)
    later = track.growth.at(second + 86_400 * 30, rows)
    assert (later["likes"] >= np.floor(shown["likes"] * 0.95)).all()


def test_a_null_regency_has_no_quality_effect_or_event(tmp_path):
    truth = samples.generate(tmp_path, "tiny", null=True)
    assert set(truth["quality"].values()) == {0.0} and not truth["events"]
    assert all(t["effect"] == 0 for t in truth["training"])
    assert all(a["quality"] == 0 for a in truth["accounts"])


# ---- special cases and accidents ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    return root, samples.generate(root, "demo")


def test_special_agencies_are_what_truth_says(demo):
    root, truth = demo
    special, files = truth["special"], truth["files"]
    assert not [p for p in files if p.endswith(special["no_data"]) or f"-{special['no_data']}/" in p]
    three = [a["posts"] for a in truth["accounts"] if a["operator"] == special["three_posts"]]
    assert set(three) == {3}
    for agency, stop in special["silent"].items():
        days = [p.split("/")[1] for p in files if f"-{agency}/" in p]
        assert days and max(days) < stop
    known = registry.load(root / "registry")
    assert known.accounts.filter(known.accounts["agency_id"] == "disbudpar")["valid_to"].max() == dt.date(2026, 1, 1)
    assert known.agency_names.filter(known.agency_names["agency_id"] == "rsud-idham-chalid").height == 2


def test_training_waves_are_two_of_twelve(demo):
    waves = [t["wave"] for t in demo[1]["training"]]
    assert (waves.count(1), waves.count(2)) == (12, 12)


@pytest.mark.parametrize("profile", ["tiny", "demo", "full"])
def test_no_profile_that_people_are_shown_holds_a_hostile_name(profile):
    assert HOSTILE not in samples.profile(profile).cast and HOSTILE in samples.profile("hostile").cast


def test_hostile_text_reaches_names_captions_and_file_names(tmp_path):
    root, truth = tmp_path, samples.generate(tmp_path, "hostile")
    name = (root / "registry" / "agencies.csv").read_text("utf-8")
    assert "</script>" in name and "\u202e" in name and "=HYPERLINK" in name
    mine = [p for p in truth["files"] if "uji-keamanan" in p]
    assert any("{{7*7}}" in p for p in mine) and any("@SUM" in p for p in mine) and any("\u202e" in p for p in mine)
    exports = {p: truth["files"][p]["exports"][0] for p in mine if "/ig-" in p}
    path = next(p for p, e in exports.items() if e["kind"] == "meta.content.instagram.post" and e["rows"] > 12)
    text = (root / path).read_text("utf-8-sig")
    assert (
        max(map(len, [*(r["Description"] if "Description" in r else r["Deskripsi"] for r in records(text.encode()))])) >= 10_000
    )


def test_every_accident_leaves_its_sound_original_in_place(demo):
    root, truth = demo
    harmed = {p: r for p, r in truth["files"].items() if r.get("damage")}
    assert {r["damage"] for r in harmed.values()} == {a[0] for a in ACCIDENTS} | {"unduh-ganda"}
    for path, record in harmed.items():
        folder = path.rsplit("/", 1)[0]
        kinds = [
            e["kind"] for p, r in truth["files"].items() if p.startswith(folder) and not r.get("damage") for e in r["exports"]
        ]
        assert any(k.startswith("meta.content") for k in kinds)
        if record["damage"] != "unduh-ganda":
            sums = {hashlib.sha256((root / p).read_bytes()).digest() for p in truth["files"] if p.startswith(folder)}
            assert len(sums) >= 2


def test_nothing_of_the_reader_is_imported():
    source = "".join(p.read_text("utf-8") for p in Path(samples.__file__).parent.glob("*.py"))
    assert not re.search(r"(?m)^\s*(from|import) pipeline\.(exports|formats|warehouse|ledger)", source)


# ---- the reader, asked about files that the simulation knows ---------------------------------------------------------------


def test_the_reader_finds_in_every_file_what_the_simulation_put_there(tiny):
    """Kind, rows, what was taken off, sums and time span of every file; the reader shares no code with the writer."""
    root, truth = tiny
    known = registry.load(root / "registry")
    wrong = []
    for path, record in truth["files"].items():
        day = dt.date.fromisoformat(path.split("/")[1])
        own = [record["account_id"]] if record["account_id"] else []
        found = {e.member: e for e in read(root / path, registry=known, accounts=own, folder_date=day)}
        for expected in record["exports"]:
            export = found.get(expected["member"]) or (next(iter(found.values())) if len(found) == 1 else None)
            if export is None:
                wrong.append((path, expected["member"], "not found"))
                continue
            wrong += [(path, expected["member"], *d) for d in differences(export, expected, record["expect"])]
    assert wrong == []


def differences(export, expected: dict, outcomes: list[str]):
    if export.outcome not in outcomes:
        yield ("outcome", export.outcome, [m.en for m in export.messages])
    for name in ("kind", "n_rows", "first", "last"):
        value = expected["rows" if name == "n_rows" else name]
        if getattr(export, name) != value:
            yield (name, getattr(export, name), value)
    dropped = {k: v for k, v in export.dropped.items() if v}
    if dropped != expected["dropped"]:
        yield ("dropped", dropped, expected["dropped"])
    for field, value in expected["sums"].items():
        # Hours are printed with four decimals.
        if export.sums.get(field) != pytest.approx(value, abs=0.5 if field == "watch_seconds" else 0):
            yield ("sum", field, export.sums.get(field), value)
