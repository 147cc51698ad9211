"""What people do to exports before they hand them in: harmless re-saves change no row, harmful ones refuse the file."""

import csv
import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from pipeline.exports import read

SAMPLES = Path(__file__).parent / "samples"
SEEN = datetime(2026, 11, 20, 3, tzinfo=UTC)
# First column tells the kind, or the header row is not the first: their columns cannot be shuffled freely.
FIXED_FIRST = ("yt_", "register_")


def plain_cases():
    for folder in sorted(p.parent for p in SAMPLES.rglob("expected.json")):
        want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        is_table = want["file"].endswith(".csv") and len(want["exports"]) == 1 and "mappings" not in want["options"]
        if is_table and not folder.parent.name.startswith(("meta.", "register_", "x_video")):
            yield pytest.param(folder, want, id=f"{folder.parent.name}/{folder.name}")


CASES = list(plain_cases())


def records(folder, want):
    text = (folder / want["file"]).read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def write(path, table, **how):
    out = io.StringIO(newline="")
    csv.writer(
        out, delimiter=how.get("delimiter", ","), lineterminator=how.get("eol", "\n"), quoting=how.get("quoting", 0)
    ).writerows(table)
    path.write_bytes((b"\xef\xbb\xbf" if how.get("bom") else b"") + out.getvalue().encode())
    return path


def rows_of(path, want):
    (export,) = read(path, accounts=want["options"].get("accounts", []), first_seen=SEEN)
    assert export.rows is not None, [m.as_json() for m in export.messages]
    rows = export.rows.drop("row_number")
    return rows.select(sorted(rows.columns)), export.sums


@pytest.mark.parametrize(("folder", "want"), CASES)
@pytest.mark.parametrize(
    "how",
    [
        {"delimiter": ";", "eol": "\r\n"},
        {"delimiter": "\t", "bom": True},
        {"quoting": csv.QUOTE_ALL, "eol": "\r\n", "bom": True},
    ],
    ids=["semicolon", "tab", "quoted"],
)
def test_another_dialect_changes_no_row(folder, want, how, tmp_path):
    table = records(folder, want)
    width = max(len(r) for r in table)
    padded = [r + [""] * (width - len(r)) for r in table]  # a spreadsheet pads a trailer to full width
    rows, sums = rows_of(write(tmp_path / want["file"], padded, **how), want)
    plain, plain_sums = rows_of(folder / want["file"], want)
    assert rows.equals(plain) and sums == plain_sums


@pytest.mark.parametrize(("folder", "want"), CASES)
def test_column_order_changes_no_row(folder, want, tmp_path):
    table = records(folder, want)
    if folder.name in ("japanese", "top_video", "cut") or folder.parent.name == "yt_chart_data":
        pytest.skip("the order of these columns is what they are known by")
    start = 1 if folder.parent.name.startswith(FIXED_FIRST) else 0
    order = list(range(start, len(table[0])))
    random.Random(7).shuffle(order)
    order = [*range(start), *order]
    if folder.parent.name.startswith("linkedin"):
        order = list(range(len(table[0])))
    shuffled = [[r[i] for i in order] for r in table]
    rows, sums = rows_of(write(tmp_path / want["file"], shuffled), want)
    plain, plain_sums = rows_of(folder / want["file"], want)
    assert rows.sort(rows.columns).equals(plain.sort(plain.columns)) and sums == plain_sums


@pytest.mark.parametrize(
    ("case", "one", "other"),
    [
        ("x_classic_by_tweet/english", "impressions", "engagements"),
        ("x_classic_by_day/english", "impressions", "engagements"),
        ("tiktok_business_overview/english", "New followers", "Lost followers"),
        ("x_account_content/2026", "Post id", "Impressions"),
        ("x_account_content/2026", "Post Link", "Post text"),
    ],
)
def test_columns_swapped_under_their_headers_refuse_the_file(case, one, other, tmp_path):
    folder = SAMPLES / case
    want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    table = records(folder, want)
    a, b = table[0].index(one), table[0].index(other)
    for row in table[1:]:
        row[a], row[b] = row[b], row[a]
    (export,) = read(write(tmp_path / want["file"], table), accounts=want["options"].get("accounts", []), first_seen=SEEN)
    assert export.outcome == "refused" and export.rows is None


@pytest.mark.parametrize(
    ("case", "change", "code"),
    [
        ("x_account_content/2026", lambda v: "1,79123E+17" if v.isdigit() and len(v) > 15 else v, "ID_DESTROYED"),
        ("x_account_content/2026", lambda v: v[:-3] + "000" if v.isdigit() and len(v) > 15 else v, "ID_DESTROYED"),
        ("x_account_overview/2026", lambda v: "1.2K" if v == "900" else v, "NOT_A_COUNT"),
        ("x_account_content/2026", lambda v: "-5" if v == "1200" else v, "NOT_A_COUNT"),
        ("x_account_overview/2026", lambda v: "-" if v == "900" else v, "NOT_A_COUNT"),
        ("yt_table_content/english", lambda v: "N/A" if v == "4210" else v, "NOT_A_COUNT"),
        ("yt_table_content/english", lambda v: "abc" if v == "Qx7_zLk2m-N" else v, "ID_INVALID"),
        ("yt_totals/english", lambda v: "46023" if v.startswith("2026-") else v, "DATE_INVALID"),
        ("tiktok_business_video/english", lambda v: v.replace("2025/11/02", "2025/11/09"), "DATE_INVALID"),
    ],
)
def test_damage_is_refused_with_its_code(case, change, code, tmp_path):
    folder = SAMPLES / case
    want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    table = [[change(v) for v in row] for row in records(folder, want)]
    (export,) = read(write(tmp_path / want["file"], table), accounts=want["options"].get("accounts", []), first_seen=SEEN)
    assert export.outcome == "refused" and export.messages[0].code == code


def test_days_that_a_spreadsheet_rewrote_are_settled_by_their_run(tmp_path):
    """Seen in real files: ISO days re-saved as 01-02-2026. A gap-free run has one reading only."""
    table = [["Date", "Views"]] + [[f"{d:02d}-02-2026", str(d)] for d in range(1, 11)]
    (export,) = read(write(tmp_path / "Totals.csv", table), accounts=["youtube"], first_seen=SEEN)
    assert (export.first, export.last) == ("2026-02-01", "2026-02-10")
    table = [["Date", "Views"], ["01-02-2026", "4"], ["03-02-2026", "5"]]
    (export,) = read(write(tmp_path / "Totals.csv", table), accounts=["youtube"], first_seen=SEEN)
    assert export.messages[0].code == "DATE_AMBIGUOUS"


def test_a_gap_in_days_without_a_year_refuses_the_file(tmp_path):
    head = ["Date", "Video Views", "Profile Views", "Likes", "Comments", "Shares"]
    table = [head, *([f"November {d}", "1", "1", "1", "1", "1"] for d in (10, 11, 13, 14))]
    path = write(tmp_path / "Overview.csv", table, quoting=csv.QUOTE_ALL, bom=True)
    (export,) = read(path, accounts=["tiktok"], first_seen=SEEN)
    assert export.messages[0].code == "DATE_INVALID"


@pytest.mark.parametrize("name", ["Watch time (hours)", "Subscribers", "Views"])
def test_a6_a_name_twice_in_a_youtube_table_refuses_it(name, tmp_path):
    """Found by a mutant: the first of two equal names was believed, which turned views into hours."""
    table = [["Geography", "Watch time (hours)", "Views", "Subscribers"], ["Total", "20.5", "9", "1"], ["ID", "20.5", "9", "1"]]
    for at in (1, 2, 3):
        changed = [[name if i == at else n for i, n in enumerate(table[0])], *table[1:]]
        (export,) = read(write(tmp_path / "Table data.csv", changed), accounts=["youtube"], first_seen=SEEN)
        assert export.outcome == ("accepted" if changed == table else "refused")


def test_a_time_of_a_date_cell_is_known_to_the_minute(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "whatsapp.xlsx")
    sheet, clock = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    sheet.write_row(0, 0, ["tautan", "tayang", "dicatat", "teks", "reaksi", "diteruskan"])
    sheet.write_string(1, 0, "https://whatsapp.com/channel/0029VaSimulasi/101")
    sheet.write_datetime(1, 1, datetime(2026, 10, 13, 9, 5), clock)
    sheet.write_datetime(1, 2, datetime(2026, 10, 20), clock)
    sheet.write_row(1, 3, ["Info", 5, 2])
    book.close()
    (export,) = read(tmp_path / "whatsapp.xlsx", accounts=["whatsapp"], first_seen=SEEN)
    assert export.rows["published_precision"].to_list() == ["minute"], [m.as_json() for m in export.messages]


def test_a_total_row_that_is_too_small_is_said(tmp_path):
    """The channel's total covers more than the rows, never less: less means rows that were added or changed."""
    folder = SAMPLES / "yt_table_content" / "english"
    want = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    table = [["5000" if v == "5600" else v for v in row] for row in records(folder, want)]
    (export,) = read(write(tmp_path / want["file"], table), accounts=["youtube"], first_seen=SEEN)
    assert export.outcome != "accepted" and "TOTAL_DIFFERS" in [m.code for m in export.messages]
