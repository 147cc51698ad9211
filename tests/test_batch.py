"""Files read among others, alone and by the oracle give the same rows or the same refusal: samples, mutants, generated files."""

import csv
import dataclasses
import io
import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.exports import Job, checks, clocks, contents, digits, fields, proof, proven, read, read_many, stack, text
from pipeline.exports.messages import Refused
from pipeline.formats import normalise
from tests import oracle
from tests.exports_in_tests import IG_ID, facebook, instagram, plain, workbook
from tests.fuzz.corpus import PIECES

SAMPLES = Path(__file__).parent / "samples"
SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
FILES = sorted(f for e in SAMPLES.rglob("expected.json") for f in e.parent.iterdir() if f.is_file() and f != e)
TABLES = [f for f in FILES if f.suffix == ".csv"]


def strict(path):
    """As the oracle reads it, which a file read by itself must equal."""
    exports = oracle.read(path, first_seen=SEEN)
    assert_same(exports, read(path, first_seen=SEEN))
    with pytest.MonkeyPatch.context() as patch:  # and cell by cell
        patch.setattr(stack, "SHORT", 10**6)
        assert_same(exports, read(path, first_seen=SEEN))
    return exports


def fast(paths, **how):
    """Every file twice, so that each header has a group, with groups of any size."""
    jobs = [Job(p, first_seen=SEEN) for p in paths for _ in range(2)]
    results = list(read_many(jobs, **({"few": 0, "small": 0} | how)))
    for one, other in zip(results[::2], results[1::2], strict=True):
        assert_same(one, other)
    return results[::2]


def assert_same(exports, others):
    assert len(exports) == len(others)
    for one, other in zip(exports, others, strict=True):
        for field in dataclasses.fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if field.name != "rows" or a is None or b is None:
                assert a == b, (one.file, field.name)
            else:
                assert a.schema == b.schema, one.file
                assert a.equals(b, null_equal=True), one.file
        assert list(one.sums) == list(other.sums)
        assert list(one.nulls) == list(other.nulls)


@pytest.fixture(autouse=True)
def columns_at_once(monkeypatch):
    """However few the rows, columns are read at once where they can be: `strict` reads the short files cell by cell."""
    monkeypatch.setattr(stack, "SHORT", 0)


@pytest.fixture
def no_mistakes(caplog):
    """Files that cannot be read together are read one by one, and only the log says so; here a mistake fails the test."""
    yield
    assert not [r for r in caplog.records if r.name.startswith("pipeline.exports")]


@pytest.fixture
def strictly_read(monkeypatch):
    """Names of the files that were looked into by the tokeniser."""
    names = []
    original = contents.look_into

    def spy(part):
        names.append(part.source.name)
        return original(part)

    monkeypatch.setattr(contents, "look_into", spy)
    return names


def test_every_sample_reads_the_same_both_ways(no_mistakes):
    files = [f for f in FILES if f.suffix not in (".xlsx", ".xls")] + [next(f for f in FILES if f.suffix == ".xlsx")]
    for one, other in zip(map(strict, files), fast(files), strict=True):
        assert_same(one, other)


def test_untouched_exports_are_read_the_fast_way(tmp_path, strictly_read, no_mistakes):
    paths = [tmp_path / f"{i}.csv" for i in range(5)]
    for i, path in enumerate(paths):
        table = instagram(5 + i, IG_ID)
        path.write_text(csv_text(table), encoding="utf-8-sig", newline="")
    results = fast(paths)
    assert strictly_read == []
    assert [r[0].n_rows for r in results] == [5, 6, 7, 8, 9]


def test_columns_known_by_their_place_read_the_same_both_ways(tmp_path, no_mistakes):
    records = facebook()
    records[0] = ["Dibagikan ulang" if h == "Is share" else h for h in records[0]]
    path = tmp_path / "fb.csv"
    path.write_bytes(plain(records))
    (exports,) = fast([path])
    assert_same(exports, strict(path))
    assert [m.code for m in exports[0].messages] == ["NAMED_BY_PLACE"]


def test_a_damaged_file_among_sound_ones_is_refused_alone(tmp_path, strictly_read, no_mistakes):
    sound = csv_text(instagram(6))
    damaged = [sound[:-30], sound.replace("Halo", '"Halo', 1), sound.replace(",2,,1", ",2,1", 1), sound + "\n\nx"]
    paths = []
    for i, content in enumerate([sound, damaged[0], sound, *damaged[1:], sound]):
        paths.append(tmp_path / f"{i}.csv")
        paths[-1].write_text(content, encoding="utf-8", newline="")
    results = fast(paths)
    assert {Path(n).stem for n in strictly_read} == {"1", "3", "4", "5"}
    assert [r[0].outcome for r in results] == [strict(p)[0].outcome for p in paths]
    assert [r[0].outcome for r in results].count("refused") == 4


def csv_text(table, eol="\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=eol, quoting=quoting).writerows(table)
    return out.getvalue()


def mutant(data: bytes, random_: random.Random) -> bytes:
    """One to three small injuries: bytes in, bytes out, a line twice, a line away, a field swapped, the end cut."""
    for _ in range(random_.randint(1, 3)):
        at, length = random_.randrange(len(data) + 1), random_.choice([1, 1, 2, 8])
        kind = random_.randrange(6)
        if kind == 0:
            data = data[:at] + random_.choice(PIECES) + data[at:]
        elif kind == 1:
            data = data[:at] + data[at + length :]
        elif kind == 2:
            lines = data.split(b"\n")
            line = random_.randrange(len(lines))
            data = b"\n".join([*lines[: line + 1], *lines[line:]])
        elif kind == 3:
            lines = data.split(b"\n")
            del lines[random_.randrange(len(lines))]
            data = b"\n".join(lines)
        elif kind == 4:
            cells = data.split(b",")
            one, other = random_.randrange(len(cells)), random_.randrange(len(cells))
            cells[one], cells[other] = cells[other], cells[one]
            data = b",".join(cells)
        else:
            data = data[: max(at, 1)] if random_.random() < 0.3 else data[:at] + random_.choice(PIECES) + data[at + length :]
        data = data or b"x"
    return data


@pytest.mark.parametrize("seed", range(4))
def test_mutants_read_the_same_both_ways(tmp_path, seed, no_mistakes):
    random_ = random.Random(seed)
    paths = []
    for number in range(150):
        original = random_.choice(TABLES)
        paths.append(tmp_path / f"{number}-{original.name}")
        paths[-1].write_bytes(mutant(original.read_bytes(), random_))
    for path, found in zip(paths, fast(paths), strict=True):
        assert_same(strict(path), found)


# --- generated

TEXT = st.text(st.sampled_from(list("ab ,;\"\n\r\té🙏'=+Total0")), max_size=12)
COUNT = st.sampled_from(["0", "7", "1203", "99999", "", "1.234", "12.5", "-3", "1,234", "--", "00012"])


@st.composite
def exports(draw):
    """A handful of Instagram exports with free texts and numbers of every kind."""
    files = []
    for _ in range(draw(st.integers(2, 4))):
        table = instagram(draw(st.integers(1, 6)))
        odd = draw(st.booleans())
        for row in table[1:]:
            row[4] = draw(TEXT)
            row[3] = draw(TEXT)
            if odd:
                row[draw(st.integers(11, len(row) - 1))] = draw(COUNT)
        quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        content = csv_text(table, draw(st.sampled_from(["\n", "\r\n"])), quoting)
        files.append((b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + content.encode())
    return files


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(exports())
def test_generated_exports_read_the_same_both_ways(tmp_path, files):
    paths = []
    for i, data in enumerate(files):
        paths.append(tmp_path / f"{i}.csv")
        paths[-1].write_bytes(data)
    for path, found in zip(paths, fast(paths), strict=True):
        assert_same(strict(path), found)


# --- the proof alone

BYTES = st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r\n", b"\r", b'""', b',"', b'",', b'"\n', b"\x00"]), max_size=14)


@settings(max_examples=600, deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=4), st.booleans())
@example([[b'a"a",a,a']], False)
@example([[b'a,"a"a,a']], False)
@example([[b"a,a,a\r"]], False)
@example([[b"a\x00,a,a"]], False)
@example([[b"a,a"], [b"a,a,a"]], False)
def test_what_is_proven_the_tokeniser_accepts_with_the_same_records(files, crlf):
    eol = b"\r\n" if crlf else b"\n"
    bodies = [b"x,y,z" + eol + b"".join(pieces) + eol for pieces in files]
    starts = np.cumsum([0, *(len(b) for b in bodies)])[:-1]
    proven = proof.prove(b"".join(bodies), starts, 3, crlf, 1 << 20)
    edges = np.cumsum([0, *proven.records])
    for number, body in enumerate(bodies):
        try:
            records = list(text.tokenise(body.decode(), text.Dialect(",", eol.decode())))
        except Refused:
            records = []
        sound = bool(records) and b"\x00" not in body and all(len(cells) == 3 for _, cells in records)
        if proven.proven[number]:
            assert sound
            assert proven.lines[edges[number] : edges[number + 1]].tolist() == [line - 1 for line, _ in records]
        elif sound:  # a file is left only for its own damage, or for that of the one before it
            assert number and not proven.proven[number - 1]


def test_a_header_below_a_title_is_seen_below_another_header(tmp_path, no_mistakes):
    table = instagram(4)
    table[2][4] = "Post link"
    path = tmp_path / "x.csv"
    path.write_text(csv_text(table), encoding="utf-8", newline="")
    assert_same(strict(path), fast([path])[0])


# --- the parts of the fast way, each against the plain Python it stands for

DIGITS = st.one_of(st.text("0123456789", max_size=24), st.text("٣०7a", min_size=10, max_size=18))
CODES = st.text(st.sampled_from(clocks.ALPHABET + ".é/"), min_size=9, max_size=13)
LINKS = st.sampled_from(
    [
        "{d}",
        "https://x.com/a/status/{d}",
        "{d}?s=20",
        "{d}/photo\n1",
        "{d}\n",
        "urn:li:activity:{d}",
        "https://www.linkedin.com/posts/a_share-{d}-b",
        "ugcPost:{d}",
        "https://www.instagram.com/p/{c}/",
        "https://www.instagram.com/p/{c}",
        "https://www.instagram.com/reel/{c}/?x=1",
        "https://www.instagram.com/{c}/",
        "https://www.instagram.com/a.b/p/{c}/",
        "https://www.instagram.com/p/reel/{c}",
        "instagram.com/reels/{c}",
        "https://www.instagram.com/stories/a.b/{d}/",
        "",
    ]
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(clocks.CLOCKS)),
    st.lists(st.one_of(st.none(), st.tuples(LINKS, DIGITS, CODES)), max_size=6),
    st.booleans(),
)
def test_clocks_of_many_ids_at_once_say_what_each_says_alone(name, parts, alike):
    if alike:
        parts = [(parts[0][0], *p[1:]) for p in parts if p and parts[0]]
    texts = [p and p[0].format(d=p[1], c=p[2]) for p in parts]
    expected = [None if t is None else clocks.CLOCKS[name](t) for t in texts]
    assert clocks.instants(name, pl.Series(texts, dtype=pl.Utf8)).to_list() == expected


def test_clocks_at_the_ends_of_what_a_number_can_hold():
    numbers = ["18446744073709551615", "18446744073709551616", "29700859247", "29700859248", "23600000000000000000", "9" * 20]
    for name, clock in clocks.CLOCKS.items():
        for form in ("{}", "urn:li:share:{}", "https://www.instagram.com/stories/x/{}/"):
            texts = [form.format(n) for n in numbers]
            assert clocks.instants(name, pl.Series(texts)).to_list() == [clock(t) for t in texts]
    codes = ["___________", "AAAAAAAAAAA", "C" + "A" * 10, "CAAAAAAg___", "CAAAAAAf___"]
    links = [f"https://www.instagram.com/p/{c}/" for c in codes]
    assert clocks.instants("instagram", pl.Series(links)).to_list() == [clocks.instagram(t) for t in links]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 10**17).map(lambda n: b"%d" % n), st.binary(max_size=17)), min_size=1, max_size=8))
def test_numbers_are_read_from_bytes_only_if_they_are_plain_digits(fields):
    data = b"x" * 16 + b",".join(fields)
    ends = np.cumsum([len(f) + 1 for f in fields]) + 15
    begins = ends - [len(f) for f in fields]
    numbers, plain = digits.whole(data, begins.reshape(-1, 1), ends.reshape(-1, 1))
    for field, number, is_plain in zip(fields, numbers[:, 0].tolist(), plain[:, 0].tolist(), strict=True):
        assert is_plain == bool(re.fullmatch(rb"[0-9]{1,15}", field))
        assert not is_plain or number == int(field)


def test_a_file_is_cut_only_behind_records(monkeypatch):
    monkeypatch.setattr(proven, "JOINED", 40)
    body = b'1,"a\nb ""c""\n",x\n2,"\n\n\n",y\n' * 9 + b"3,plain,z\n" * 9
    pieces = [bytes(p) for p in proven._pieces(memoryview(b"head\n" + body)[5:])]
    assert b"".join(pieces) == body and len(pieces) > 9
    assert all(p.count(b'"') % 2 == 0 and p[0] in b"123" for p in pieces)
    broken = b'1,"a\n' * 30
    assert b"".join(bytes(p) for p in proven._pieces(memoryview(broken))) == broken


@pytest.mark.parametrize("odd", ["", "007", "1.234", '"5"'])
def test_a_large_file_in_pieces_reads_as_it_does_whole(tmp_path, monkeypatch, no_mistakes, strictly_read, odd):
    table = instagram(90, IG_ID)
    table[70][14] = odd  # comments
    path = tmp_path / "x.csv"
    path.write_text(csv_text(table).replace('"""5"""', '"5"'), encoding="utf-8", newline="")
    expected = strict(path)
    monkeypatch.setattr(proven, "JOINED", 4000)
    strictly_read.clear()
    assert_same(expected, fast([path])[0])
    assert not strictly_read


@pytest.mark.parametrize("place", range(6))
def test_a_byte_that_is_no_text_refuses_its_file_alone(tmp_path, no_mistakes, place):
    sound = csv_text(instagram(6, IG_ID)).encode()
    at = [i for i, b in enumerate(sound) if b == ord(",")][30 + place * 3]
    paths = [tmp_path / f"{i}.csv" for i in range(3)]
    for path, data in zip(paths, [sound, sound[:at] + b"\xe9" + sound[at:], sound], strict=True):
        path.write_bytes(data)
    results = fast(paths)
    assert [r[0].outcome for r in results] == ["accepted", "refused", "accepted"]
    assert results[1][0].messages[0].code == "ENCODING"


@pytest.mark.parametrize(
    "text",
    [
        "Created Date",
        '  "created  DATE" ',
        "ｃreated date",
        "Ｃreated\u3000date",
        "created\ufeff date",
        "\uff02created date",
        "x" * 60,
    ],
)
def test_a_cell_that_compares_like_a_header_is_never_overlooked(text):
    anchors = proven._anchors()
    assert "created date" in anchors
    found = proven._may_be(pl.Series([None, "warga", text]), anchors).tolist()
    assert normalise(text) not in anchors or found == [2]
    assert 0 not in found and 1 not in found


def test_samples_say_what_they_hold():
    assert len(TABLES) > 40
    assert all(json.loads((f.parent / "expected.json").read_text(encoding="utf-8")) for f in FILES)


X = "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,Profile visits"
X += ",Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks"
POSTS = {"2084780253481271301": "Tue, Aug 4", "2084312169154871301": "Mon, Aug 3", "2083844084828471301": "Sun, Aug 2"}
POSTS_OF_X = [
    f"{n}|{day}, 2026|Halo|https://x.com/uji/status/{n}|5|1|2|0|0|0|0|0|0|0|0|0|0".split("|") for n, day in POSTS.items()
]
WATCHED = ["Date|Views|Watch time (hours)", "Total|30|3", "2026-09-01|10|1", "2026-09-02|20|2"]
PLAIN_BUT_WRONG = {  # table, row, column, what is written there, code
    "a time far from its id": (instagram(5), 2, 6, "03/01/2026 10:00", "DATE_INVALID"),
    "a day to come": (instagram(5), 2, 6, "01/01/2027 10:00", "DATE_INVALID"),
    "a day to come, without an id": ([r.split("|") for r in WATCHED], 3, 0, "2026-12-24", "DATE_INVALID"),
    "an id that is not in its link": ([X.split(","), *POSTS_OF_X], 2, 0, "2084312169154871302", "ID_DESTROYED"),
    "a decimal that may be a thousand": ([r.split("|") for r in WATCHED], 2, 2, "1.234", "NUMBER_AMBIGUOUS"),
    "another sum than the total": ([r.split("|") for r in WATCHED], 2, 1, "11", "TOTAL_DIFFERS"),
    "a percentage in hours": ([r.split("|") for r in WATCHED], 2, 2, "1%", "NOT_A_COUNT"),
    "a hard rule broken": ([X.split(","), *POSTS_OF_X], 2, 3, "https://y.com/uji/status/2084312169154871301", "IMPLAUSIBLE"),
}


@pytest.fixture
def read_by_cell(monkeypatch):
    """(rows of the table, field) of every column that was read cell by cell."""
    seen = []
    original = fields.Field.cells

    def spy(field, tables, number):
        seen.append((int(tables.sizes[number]), field.column.field))
        return original(field, tables, number)

    monkeypatch.setattr(fields.Field, "cells", spy)
    return seen


@pytest.mark.parametrize(("table", "row", "column", "value", "code"), PLAIN_BUT_WRONG.values(), ids=PLAIN_BUT_WRONG)
def test_a_plain_file_with_one_wrong_value_among_sound_ones_is_judged_as_it_is_alone(
    tmp_path, table, row, column, value, code, no_mistakes
):
    damaged = [list(r) for r in table]
    damaged[row][column] = value
    paths = [tmp_path / "sound.csv", tmp_path / "damaged.csv"]
    for path, records in zip(paths, [table, damaged], strict=True):
        path.write_text(csv_text(records), encoding="utf-8", newline="")
    sound, wrong = fast(paths)
    assert (codes(sound), codes(wrong)[:1]) == ([], [code])
    assert_same(wrong, strict(paths[1]))


def test_one_unusual_column_of_one_file_is_the_only_one_read_cell_by_cell(tmp_path, read_by_cell, no_mistakes):
    tables = [instagram(5, IG_ID), instagram(6, IG_ID), instagram(7, IG_ID)]
    for row in tables[1][1:]:
        row[11] = f"1.{row[11]}"  # views, grouped
    paths = [tmp_path / f"{i}.csv" for i in range(3)]
    for path, table in zip(paths, tables, strict=True):
        path.write_text(csv_text(table), encoding="utf-8", newline="")
    results = list(read_many([Job(p, first_seen=SEEN) for p in paths], few=0, small=0))
    assert read_by_cell == [(6, "views")]
    assert [r[0].sums["views"] for r in results] == [515, 6621, 728]


YOUTUBE = [
    "Content|Video title|Video publish time|Duration|Views|Watch time (hours)|Impressions click-through rate (%)"
    "|Average view duration",
    "Total||||30|3.5|4.1|0:00:59",
    "aBcDeFgHiJ0|Satu|Mar 1, 2026|61|10|1.25|4.2|0:00:50",
    "aBcDeFgHiJ1|Dua|Mar 2, 2026|62|20|2.25|4.0|0:01:08",
]
BUSINESS = [
    "Video title|Video link|Post time|Video views|Likes|Comments|Shares|Add to Favorites",
    "Banjir|https://www.tiktok.com/@simulasi.bogor/video/7568054197451489287|2025/11/02 09:15:32|800|50|4|6|7",
    "Jalan|https://www.tiktok.com/@simulasi.bogor/video/7568425282625863687|2025/11/03 09:15:35|801|50|4|6|7",
]
TWICE = [*POSTS_OF_X[0][:3], POSTS_OF_X[0][3].replace("x.com", "y.com")]  # breaks a rule, and is there already
ODD = {  # name of the file, table, row, column, what is written there
    "a mark for nothing with a space beside it": ("a.csv", BUSINESS, 1, 4, "-- "),
    "a dash where it is no mark": ("a.csv", BUSINESS, 1, 4, "-"),
    "a space at the end of a text": ("a.csv", instagram(4), 1, 8, "IG image "),
    "a space at the end of a handle": ("a.csv", instagram(4), 1, 2, "dinkes.simulasi "),
    "two things wrong, of which the first is said": ("a.csv", [X.split(","), *POSTS_OF_X], 2, slice(0, 4), TWICE),
    "a space at the end of an id": ("a.csv", instagram(4), 1, 1, "17841400000000001 "),
    "a count in a space": ("a.csv", instagram(4), 1, 12, " 80"),
    "a count with its thousands grouped": ("a.csv", instagram(4), 1, 11, "1.234"),
    "two dots that cannot both be marks": ("a.csv", YOUTUBE, 2, 5, "1.234,5"),
    "a dot that groups beside one that may": ("a.csv", YOUTUBE[:3], 2, slice(5, 7), ["1.234,5", "1.234"]),
    "an hour of 99 minutes": ("a.csv", YOUTUBE, 2, 7, "1:99:00"),
    "99 minutes": ("a.csv", YOUTUBE, 2, 7, "99:00"),
    "a percentage with its sign": ("a.csv", YOUTUBE, 2, 6, "4.2 %"),
    "a row of nothing": ("a.csv", YOUTUBE, 2, slice(0, 8), [""] * 8),
    "a second total": ("a.csv", YOUTUBE, 3, 0, "Jumlah"),
    "the header again": ("a.csv", YOUTUBE, 3, slice(0, 8), YOUTUBE[0].split("|")),
    "a trailer": ("a.csv", YOUTUBE, 3, slice(0, 8), ["Showing top 500 results", *[""] * 7]),
    "the hour that comes twice": ("a.csv", facebook(4), 2, 6, "11/01/2026 01:30"),
    "the hour that never comes": ("a.csv", facebook(4), 2, 6, "03/08/2026 02:30"),
    "a day outside the period of the name": (
        "Mar-01-2026_Mar-31-2026_123456789012345.csv",
        facebook(1),
        1,
        6,
        "04/03/2026 10:00",
    ),
    "a rounded id": ("a.csv", facebook(1), 1, 0, "122000000000000000"),
    "a handle on another line": ("a.csv", instagram(4), 2, 2, "lain.simulasi"),
    "an error sentence": ("a.csv", instagram(4), 2, slice(0, 18), [*[""] * 9, "This post could not be loaded.", *[""] * 8]),
}


@pytest.mark.parametrize(("name", "table", "row", "column", "value"), ODD.values(), ids=ODD)
def test_an_odd_cell_reads_as_the_oracle_reads_it_alone_and_among_others(tmp_path, name, table, row, column, value, no_mistakes):
    """The odd file stands between two that are sound, in every place."""
    sound = [r.split("|") if isinstance(r, str) else list(r) for r in table]
    odd = [list(r) for r in sound]
    odd[row][column] = value
    for place in range(3):
        paths = []
        for i in range(3):
            paths.append(tmp_path / f"{place}{i}" / name)
            paths[-1].parent.mkdir()
            paths[-1].write_text(csv_text(odd if i == place else sound), encoding="utf-8", newline="")
        for path, found in zip(paths, fast(paths), strict=True):
            assert_same(strict(path), found)


def test_a_workbook_among_others_keeps_what_its_cells_are(tmp_path, no_mistakes):
    """A cell that is shown as a percentage is a share already, whatever the cells of the next workbook are."""
    records = [r.split("|") for r in YOUTUBE]

    def percentages(book, page):
        shape = book.add_format({"num_format": "0.0%"})
        for row in (1, 2, 3):
            page.write_number(row, 6, 0.05, shape)

    paths = [tmp_path / "text.xlsx", tmp_path / "shares.xlsx"]
    for path, extra in zip(paths, (None, percentages), strict=True):
        path.write_bytes(workbook(records, numbers=False, extra=extra))
    found = fast(paths)
    for path, exports in zip(paths, found, strict=True):
        assert_same(strict(path), exports)
    assert [e[0].rows["impressions_ctr_rate"].to_list() for e in found] == [[0.042, 0.04], [0.05, 0.05]]


def test_a_number_in_a_workbook_is_no_evidence_for_a_text_beside_it(tmp_path, no_mistakes):
    """Every number of a workbook is written with a dot, whatever the decimal mark of its texts is."""
    records = [r.split("|") for r in YOUTUBE]
    doubtful = [records[0], *[[*r[:6], "1.234", *r[7:]] for r in records[2:]]]

    def hours(book, page):
        for row in (1, 2):
            page.write_number(row, 5, 0.5)

    paths = [tmp_path / "text.xlsx", tmp_path / "number.xlsx"]
    for path, rows, extra in zip(paths, (records, doubtful), (None, hours), strict=True):
        path.write_bytes(workbook(rows, numbers=False, extra=extra))
    for path, exports, expected in zip(paths, fast(paths), ([], ["NUMBER_AMBIGUOUS"]), strict=True):
        assert_same(strict(path), exports)
        assert [c for c in codes(exports) if c == "NUMBER_AMBIGUOUS"] == expected


def test_an_id_that_one_workbook_holds_as_a_number_is_destroyed_there_alone(tmp_path, no_mistakes):
    paths = [tmp_path / "text.xlsx", tmp_path / "number.xlsx"]
    for path, id_type in zip(paths, (str, int), strict=True):
        book = openpyxl.Workbook()
        for row in instagram(4):
            book.active.append([id_type(row[0]) if row[0].isdigit() else row[0], *row[1:]])
        book.save(path)
    for path, exports, expected in zip(paths, fast(paths), ([], ["ID_DESTROYED"]), strict=True):
        assert_same(strict(path), exports)
        assert codes(exports) == expected


def test_a_mistake_of_ours_costs_the_one_file_that_meets_it(tmp_path, monkeypatch):
    original = checks.check_unique

    def mistaken(tables, frame):
        if "meledak" in frame["caption"]:
            raise ZeroDivisionError("uji")
        original(tables, frame)

    monkeypatch.setattr(checks, "check_unique", mistaken)
    paths = [tmp_path / f"{i}.csv" for i in range(4)]
    for i, path in enumerate(paths):
        table = instagram(4 + i)
        table[2][4] = "meledak" if i == 2 else "aman"
        path.write_text(csv_text(table), encoding="utf-8", newline="")
    results = list(read_many([Job(p, first_seen=SEEN) for p in paths], few=0, small=0))
    assert [r[0].outcome for r in results] == ["accepted", "accepted", "refused", "accepted"]
    assert codes(results[2]) == ["READER_CRASHED"] and "uji" in results[2][0].messages[0].seen


def codes(exports):
    return [m.code for e in exports for m in e.messages]
