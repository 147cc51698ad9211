"""A folder of hostile files and some good ones through `terukur run`: the good ones are published, the rest is refused, exit 3.

``python -m benchmarks.hostile`` prints outcomes, peak memory and time (200 hostile, 20 good). Everything is made here.
"""

import io
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from pipeline import registry
from pipeline.engine import versions
from pipeline.settings import Workspace
from tests.exports_in_tests import BOM, IG_EN, archive, facebook, instagram, moments, plain, shortcode, text, workbook

MIB = 1024 * 1024


def good(i: int) -> bytes:
    """An Instagram content export of its own account; no post, text or count is another account's."""
    records = instagram(12, account=f"1784140000001{i + 1:04d}", handle=f"simulasi.{i}")
    for n, (row, moment) in enumerate(zip(records[1:], moments(12), strict=True)):
        row[0] = f"179{i:04d}{n:09d}7"
        row[7] = f"https://www.instagram.com/p/{shortcode(moment + timedelta(seconds=i + 1))}/"
        row[16] = "3"
        row[4], row[11], row[12] = f"Info {i}-{n}", str(500 + 37 * i + n), str(300 + 31 * i + n)
    return plain(records)


# --- hostile files: name and bytes; ``i`` makes each one different


def zipped(*members: tuple[str, bytes], level: int = 6) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as box:
        for name, data in members:
            box.writestr(name, data)
    return out.getvalue()


def sheet_parts(sheet: str, *, workbook_xml: str = "", more: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    """An XLSX of raw XML."""
    kinds = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>'
    name = '<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    space += 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    book = workbook_xml or f'<?xml version="1.0"?><workbook {space}>{name}</workbook>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    links = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    links += f'<Relationship Id="rId1" Type="{kind}" Target="worksheets/sheet1.xml"/></Relationships>'
    parts = (("[Content_Types].xml", kinds), ("xl/workbook.xml", book), ("xl/_rels/workbook.xml.rels", links))
    body = (
        sheet
        if sheet.startswith("<?xml")
        else f'<?xml version="1.0"?><worksheet {space}><sheetData>{sheet}</sheetData></worksheet>'
    )
    return zipped(*((n, d.encode()) for n, d in parts), ("xl/worksheets/sheet1.xml", body.encode()), *more)


def bomb(i: int) -> bytes:
    return zipped((f"data{i}.csv", b"\0" * (300 * MIB + i)), level=9)


def laughs(i: int) -> str:
    lines = ['<!ENTITY a0 "ha">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10 + i % 3))]
    return f'<?xml version="1.0"?><!DOCTYPE x [{"".join(lines)}]><worksheet>&a9;</worksheet>'


def nested(i: int) -> bytes:
    data = plain(facebook(2))
    for depth in range(8 + i % 4):
        data = zipped((f"{depth}.zip" if depth else "a.csv", data))
    return data


def declared(i: int) -> bytes:
    """A member that grows past the size it declares."""
    data = bytearray(zipped(("a.csv", b"x," * 50_000)))
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10 + i)
    return bytes(data)


def linked(i: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as box:
        info = zipfile.ZipInfo(f"tautan{i}.csv")
        info.external_attr = 0o120777 << 16
        box.writestr(info, "/etc/passwd")
    return out.getvalue()


def noise(i: int) -> bytes:
    return random.Random(i).randbytes(20_000 + i)


def far_cells(i: int) -> bytes:
    return sheet_parts(f'<row r="1"><c r="A1"><v>{i}</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def ole(stream: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + stream.encode("utf-16-le") + b"\0" * 4096


def damaged(change: Callable[[bytes, int], bytes]) -> Callable[[int], bytes]:
    return lambda i: change(plain(facebook(8)), i)


def xxe(i: int) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><worksheet><sheetData>{i}&e;</sheetData></worksheet>'


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "bomb.zip": bomb,
    "deep.zip": nested,
    "grows.zip": declared,
    "link.zip": linked,
    "above.zip": lambda i: zipped((f"../../{i}.csv", b"a,b\n1,2\n")),
    "many.zip": lambda i: zipped(*((f"{n}.csv", b"a,b\n") for n in range(300 + i))),
    "cut.zip": lambda i: archive(("a.csv", plain(facebook(50))))[: -30 - i],
    "front.zip": lambda i: b"MZ" * (i + 5) + archive(("a.csv", plain(facebook(3)))),
    "laughs.xlsx": lambda i: sheet_parts(laughs(i)),
    "xxe.xlsx": lambda i: sheet_parts(xxe(i)),
    "far.xlsx": far_cells,
    "macro.xlsx": lambda i: sheet_parts("", more=(("xl/vbaProject.bin", noise(i)),)),
    "outside.xlsx": lambda i: sheet_parts("", more=((f"xl/externalLinks/externalLink{i}.xml", b"<x/>"),)),
    "depth.xlsx": lambda i: sheet_parts("<a>" * (50_000 + i) + "</a>" * (50_000 + i)),
    "no sheet.xlsx": lambda i: zipped(("xl/workbook.xml", b"<workbook/>"), (f"{i}.txt", b"")),
    "cut.xlsx": lambda i: workbook(facebook(40))[: 2000 + i],
    "formula.xlsx": lambda i: workbook([[*facebook(1)[0]], ["=1+1"] * 29, [str(i)] * 29]),
    "locked.xlsx": lambda i: ole("EncryptedPackage") + bytes([i % 250 + 1]),
    "old.xls": lambda i: ole("Workbook") + bytes([i % 250 + 1]),
    "laughs.xls": lambda i: (
        laughs(i).replace("worksheet", "Workbook") + "urn:schemas-microsoft-com:office:spreadsheet"
    ).encode(),
    "zeros.csv": lambda i: b"\0" * (60 * MIB + i),
    "too large.csv": lambda i: b"a,b\n" * (17 * MIB) + b"x" * i,
    "field.csv": lambda i: plain([IG_EN, ["x" * (2 * MIB + i)] * len(IG_EN)]),
    "columns.csv": lambda i: plain([[f"k{n}" for n in range(1000 + i)], ["1"] * (1000 + i)]),
    "one line.csv": lambda i: b"a" * (30 * MIB + i),
    "quotes.csv": lambda i: b'"' * (3 * MIB + 2 * i + 1),
    "commas.csv": lambda i: b"," * (20 * MIB + i),
    "newlines.csv": lambda i: b"x" + b"\n" * (20 * MIB + i),
    "million rows.csv": lambda i: b"a,b,c\n" + b"1,2,3\n" * (1_000_000 + i),
    "latin.csv": lambda i: text(facebook(3)).replace("Judul 1", f"Jud\u00fcl {i}").encode("cp1252"),
    "utf16.csv": lambda i: text(facebook(3 + i % 9)).encode("utf-16-le"),
    "tail.csv": damaged(lambda d, i: d + b"\0" * (100 + i)),
    "short.csv": damaged(lambda d, i: d[: len(d) // 2 + i]),
    "open quote.csv": damaged(lambda d, i: d.replace(b"Judul 3", b'"Judul ' + str(i).encode(), 1)),
    "twice.csv": damaged(lambda d, i: d + d[3:] + b"\n" * i),
    "ids.csv": damaged(lambda d, i: d.replace(b"1220000000000", f"1,2{i}E+17;".encode())),
    "login.csv": lambda i: f"<!doctype html><html><body>Login {i}</body></html>".encode(),
    "deep.json": lambda i: b"[" * (100_000 + i) + b"]" * (100_000 + i),
    "picture.csv": lambda i: b"\x89PNG\r\n\x1a\n" + noise(i),
    "paper.csv": lambda i: b"%PDF-1.7\n" + noise(i),
    "noise.csv": noise,
    "empty.csv": lambda i: BOM + b"\n" * i,
    "renamed.xlsx": damaged(lambda d, i: d + b"\n" * i),
    "script.csv": lambda i: plain([["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "$(id)"], [str(i), "2", "3"]]),
    "copying.csv.part": damaged(lambda d, i: d[: 400 + i]),
}
LARGE = ("bomb.zip", "zeros.csv", "too large.csv", "one line.csv", "million rows.csv", "commas.csv", "newlines.csv", "quotes.csv")
SPECIAL = ("fifo", "symlink", "loop", "unreadable")


def hostile(count: int, large: int = 3) -> Iterator[tuple[str, bytes | None]]:
    """Names and bytes; None is no file. Every kind once before any comes twice; large ones at most ``large`` times."""
    kinds = list(HOSTILE)
    yield from ((name, None) for name in SPECIAL[:count])
    made, i = len(SPECIAL), 0
    while made < count:
        for kind in kinds:
            if made < count and kind not in (LARGE if i >= large else ()):
                yield f"{i:02d} {kind}", HOSTILE[kind](i)
                made += 1
        i += 1


def fill(folder: Path, hostiles: int, goods: int, large: int = 3) -> Workspace:
    workspace = Workspace(folder).create()
    registry.write_template(workspace.registry, template="kabupaten-bogor")
    accounts = workspace.registry / "accounts.csv"
    header = _table(accounts)[0].split(",")
    agency = _table(workspace.registry / "agencies.csv")[1].split(",")[0]
    lines = [",".join(header)]
    for i in range(goods):
        row = {"account_id": f"uji-ig-{i}", "platform": "instagram", "handle": f"simulasi.{i}", "agency_id": agency}
        row |= {"platform_account_id": f"1784140000001{i + 1:04d}", "valid_from": "2020-01-01", "status": "active"}
        lines.append(",".join(row.get(h, "") for h in header))
        place = workspace.inbox / f"uji-ig-{i}"
        place.mkdir(parents=True)
        (place / "unduhan.csv").write_bytes(good(i))
    accounts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, data in hostile(hostiles, large):
        if data is not None:
            (workspace.inbox / name).write_bytes(data)
        else:
            _special(workspace.inbox, name)
    return workspace


def _table(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def _special(inbox: Path, name: str) -> None:
    path = inbox / f"{name}.csv"
    if name == "fifo":
        os.mkfifo(path)
    elif name == "symlink":
        path.symlink_to("/etc/passwd")
    elif name == "loop":
        path.symlink_to(path.name)
    else:
        path.write_bytes(b"a,b\n1,2\n")
        path.chmod(0)


def run(folder: Path, hostiles: int = 200, goods: int = 20, large: int = 3, limit: int = 1800) -> dict[str, object]:
    """Builds the folder and runs the command: exit status, seconds, peak memory (MiB), outcomes and published accounts."""
    workspace = fill(folder, hostiles, goods, large)
    begun = time.monotonic()
    command = [sys.executable, "-c", "from pipeline.cli.command import main; main()", "--workspace", str(workspace.root), "run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, cwd=Path(__file__).resolve().parents[1])
    seconds = time.monotonic() - begun
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    found: dict[str, object] = {"exit": done.returncode, "seconds": seconds, "peak_mib": peak, "said": done.stdout + done.stderr}
    if done.returncode in (0, 3):
        with versions.open_version(workspace) as version:
            posts = version.sql("SELECT account_id, count(*) AS n FROM core.posts GROUP BY 1")
            files = version.sql("SELECT outcome, code FROM marts.export_files")
        found["published"] = sorted(posts.filter(posts["n"] == 12)["account_id"].to_list())
        found["posts"] = int(posts["n"].sum() or 0)
        found["outcomes"] = Counter(f"{o} {c or ''}".strip() for o, c in files.rows())
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        result = run(Path(place) / "data")
    for outcome, n in sorted(result.get("outcomes", {}).items()):  # type: ignore[attr-defined]
        print(f"{n:5} {outcome}")
    published = result.get("published", [])
    print(f"{len(published)} of 20 good files published, {result.get('posts')} posts; exit {result['exit']}")  # type: ignore[arg-type]
    print(f"{result['seconds']:.0f} s, peak {result['peak_mib']:.0f} MiB")
    if result["exit"] != 3 or len(published) != 20:  # type: ignore[arg-type]
        print(str(result["said"])[-3000:])
        sys.exit(1)
