"""What must be true of a file before any parser touches it: regular, small enough, of a known container, a safe archive."""

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pipeline.exports.messages import Refused

PARTIAL = (".part", ".tmp", ".crdownload", ".download", ".partial")
MIB = 1024 * 1024
BLANK = b"\xef\xbb\xbf \t\r\n"

MAGIC = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"RIFF", "image or media"),
    (b"\x1f\x8b", "gzip archive"),
    (b"7z\xbc\xaf", "7-Zip archive"),
    (b"Rar!", "RAR archive"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3", "database"),
    (b"\x00\x00\x00\x1cftyp", "video"),
    (b"\x00\x00\x00 ftyp", "video"),
    (b"ID3", "audio"),
    (b"{\\rtf", "RTF document"),
)


@dataclass(frozen=True)
class Limits:
    """Sizes above which a file is refused unread."""

    bytes: int = 64 * MIB
    members: int = 200
    unpacked: int = 512 * MIB
    ratio: int = 200
    ratio_from: int = MIB
    field: int = MIB


def is_partial(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(PARTIAL) or lower.startswith(("~$", ".~lock"))


def load(path: Path, limits: Limits) -> bytes:
    """The bytes of a regular file. ``lstat`` first: a link, FIFO or device is never opened; a moving file is held."""
    try:
        before = os.lstat(path)
    except (OSError, ValueError) as error:
        raise Refused("NOT_A_FILE", seen=type(error).__name__) from error
    if not stat.S_ISREG(before.st_mode):
        raise Refused("NOT_A_FILE", seen=stat.filemode(before.st_mode))
    if before.st_size > limits.bytes:
        raise Refused("TOO_LARGE", seen=f"{before.st_size} byte > {limits.bytes}")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        try:
            data = _read(descriptor, before.st_size + 1)  # no more than it had, and one byte to see that it has grown
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Refused("NOT_A_FILE", seen=type(error).__name__) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size:
        raise Refused("STILL_CHANGING", held=True)
    return data


def _read(descriptor: int, size: int) -> bytes:
    data = os.read(descriptor, size)
    while 0 < len(data) < size - 1 and (more := os.read(descriptor, size - len(data))):
        data += more
    return data


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


ENCRYPTED = tuple(name.encode("utf-16-le") for name in ("EncryptedPackage", "EncryptionInfo"))


def container(data: bytes) -> str:
    """csv | json | spreadsheetml | xls | xlsx | zip, by the bytes alone. Anything else is WRONG_TYPE with what it is."""
    if not data[:64].strip(BLANK) and not data.strip(BLANK):
        raise Refused("EMPTY", seen=f"{len(data)} byte")
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"):
        return "xlsx" if b"xl/workbook.xml" in data or b"xl/workbook.bin" in data else "zip"
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if any(stream in data for stream in ENCRYPTED):  # Office calls these .xlsx, as they were called without a password
            raise Refused("ENCRYPTED_OR_XLS", seen="password")
        return "xls"
    if data.startswith(tuple(magic for magic, _ in MAGIC)):
        raise Refused("WRONG_TYPE", seen=next(what for magic, what in MAGIC if data.startswith(magic)))
    return _text_container(data)


def _text_container(data: bytes) -> str:
    start = max(0, len(data) - 70_000)
    is_archive = data.find(b"\x06", start) >= 0 and data.find(b"PK\x05\x06", start) >= 0 and b"PK\x03\x04" in data
    if not is_archive and data[:16].lstrip(BLANK)[:1].isalnum():  # markup and JSON start otherwise
        return "csv"
    head = _head(data).lstrip("\ufeff \t\r\n")
    if head.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in head and not re.match(r"<(!doctype )?html", head, re.I):
            return "spreadsheetml"
        is_html = re.search(r"<(!doctype\s+html|html|head|body|script|meta|div|table)\b", head, re.I)
        raise Refused("WRONG_TYPE", seen="HTML" if is_html else "XML")
    if head[:1] in "{[" and re.match(r'[\[{]\s*(["{\[\]}]|-?\d|true|false|null)', head):
        return "json"
    if is_archive:
        raise Refused("UNSAFE_ARCHIVE", seen="bytes before the archive")
    return "csv"


def _head(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data[:4096].decode("utf-16", "replace")
    return data[:4096].decode("utf-8", "replace")


def check_name(name: str, kind: str) -> None:
    """The name may not claim another container than the bytes: a spreadsheet called .csv was renamed by hand (A11)."""
    suffix = re.search(r"\.(csv|tsv|txt|xlsx|xlsm|xls|zip|json|html?|pdf)$", name.strip().lower())
    if not suffix:
        return
    claims = {
        "csv": ("csv",),
        "tsv": ("csv",),
        "txt": ("csv", "json"),
        "xlsx": ("xlsx",),
        "xlsm": ("xlsx",),
        "xls": ("xls", "spreadsheetml", "xlsx"),
        "zip": ("zip",),
        "json": ("json",),
    }
    if kind not in claims.get(suffix[1], ("csv",)):
        raise Refused("WRONG_TYPE", seen=f"{kind.upper()} bernama / named .{suffix[1]}")


# --- archives


@dataclass(frozen=True)
class Member:
    name: str
    data: bytes


def unpack(data: bytes, limits: Limits, *, workbook: bool = False) -> list[Member]:
    """All members of a zip archive in memory, after every structural check; nothing is written to disk.

    A broken rule refuses the whole archive (UNSAFE_ARCHIVE); an archive without its end record is TRUNCATED.
    """
    end = data.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(data):
        raise Refused("TRUNCATED", seen="no end record")
    if end + 22 + struct.unpack("<H", data[end + 20 : end + 22])[0] != len(data):
        raise Refused("UNSAFE_ARCHIVE", seen="bytes after the archive")
    with opened(data) as archive:
        infos = archive.infolist()
        directory = archive.start_dir
    _check_directory(infos, limits)
    _check_layout(data, infos, directory)
    members = []
    for info in infos:
        if info.is_dir():
            continue
        inside = _inflate(data, info, limits)
        if not workbook and _is_archive(inside):
            raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="nested archive")
        members.append(Member(info.filename, inside))
    return members


BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, struct.error, RuntimeError, EOFError, zlib.error)


@contextmanager
def opened(source: bytes | Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP to look into, for whoever asks for some of its members. Raises Refused if it is none."""
    try:
        archive = zipfile.ZipFile(BytesIO(source) if isinstance(source, bytes) else source)
    except BROKEN as error:  # a name that is no text is a ValueError
        raise Refused("UNSAFE_ARCHIVE", seen=type(error).__name__) from error
    with archive:
        yield archive


def content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """What a member holds. Raises Refused where it is encrypted, damaged or packed in an unknown way."""
    try:
        return archive.read(member)
    except BROKEN as error:
        raise Refused("UNSAFE_ARCHIVE", place=member.filename, seen=type(error).__name__) from error


def _check_directory(infos: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(infos) > limits.members:
        raise Refused("UNSAFE_ARCHIVE", seen=f"{len(infos)} members > {limits.members}")
    if sum(i.file_size for i in infos) > limits.unpacked:
        raise Refused("UNSAFE_ARCHIVE", seen=f"unpacked > {limits.unpacked} byte")
    names: set[str] = set()
    for info in infos:
        problem = _member_problem(info, limits)
        if info.filename in names:
            problem = "duplicate name"
        names.add(info.filename)
        if problem:
            raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen=problem)


def _member_problem(info: zipfile.ZipInfo, limits: Limits) -> str | None:
    name = info.filename
    parts = re.split(r"[/\\]", name)
    if ".." in parts or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or "\\" in info.orig_filename:
        return "unsafe name"
    if not name or any(ord(c) < 32 for c in info.orig_filename):
        return "unsafe name"
    if info.flag_bits & 0x41:
        return "encrypted"
    if info.flag_bits & 0x20:
        return "patched data"  # which the parser of workbooks would stumble over
    if stat.S_ISLNK(info.external_attr >> 16):
        return "symlink"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"method {info.compress_type}"
    if info.file_size > limits.ratio_from and info.file_size > limits.ratio * max(info.compress_size, 1):
        return f"ratio > {limits.ratio}"
    return None


def _check_layout(data: bytes, infos: list[zipfile.ZipInfo], directory: int) -> None:
    """Members must lie one behind the other from byte 0 up to the directory, each under the name the directory gives it."""
    ordered = sorted(infos, key=lambda i: i.header_offset)
    if ordered and (ordered[0].header_offset != 0 or not data.startswith(b"PK\x03\x04")):
        raise Refused("UNSAFE_ARCHIVE", seen="bytes before the archive")
    previous = 0
    for info in ordered:
        start = _data_start(data, info)
        if info.header_offset < previous or start + info.compress_size > directory:
            raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="overlapping members")
        previous = start + info.compress_size


def _data_start(data: bytes, info: zipfile.ZipInfo) -> int:
    header = data[info.header_offset : info.header_offset + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="no member header")
    name_length = int.from_bytes(header[26:28], "little")
    extra_length = int.from_bytes(header[28:30], "little")
    start = info.header_offset + 30
    codec = "utf-8" if info.flag_bits & 0x800 else "cp437"
    if data[start : start + name_length].decode(codec, "replace") != info.orig_filename:
        raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="two names")
    return start + name_length + extra_length


def _inflate(data: bytes, info: zipfile.ZipInfo, limits: Limits) -> bytes:
    start = _data_start(data, info)
    packed = data[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        content = packed
    else:
        engine = zlib.decompressobj(-15)
        try:
            content = engine.decompress(packed, info.file_size + 1)
        except zlib.error as error:
            raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="bad data") from error
        if len(content) <= info.file_size and not engine.eof:
            raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="cut member")
    if len(content) != info.file_size:
        raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="other size than declared")
    if zlib.crc32(content) != info.CRC:
        raise Refused("UNSAFE_ARCHIVE", place=info.filename, seen="bad CRC")
    return content


def _is_archive(content: bytes) -> bool:
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return b"xl/workbook." not in content
    return content.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ"))


def is_noise(name: str) -> bool:
    """Files that an operating system adds to archives and folders."""
    base = name.rsplit("/", 1)[-1]
    return "__MACOSX/" in name or base.startswith("._") or base in (".DS_Store", "Thumbs.db", "desktop.ini")


# --- workbooks

_ACTIVE = re.compile(
    r"(vbaProject|vbaData|macrosheets/|externalLinks/|activeX/|embeddings/|ctrlProps/|/oleObject|connections\.xml|queryTables/)",
    re.I,
)
_DTD = re.compile(rb"<!(DOCTYPE|ENTITY)|<\x00!\x00[DE]\x00|\x00<\x00!\x00[DE]", re.I)
_EXTERNAL = re.compile(rb"<[^<>]*TargetMode\s*=\s*[\"']External[\"'][^<>]*>", re.I)


def check_workbook(members: list[Member]) -> None:
    """No macros, external data, embedded objects or entity definitions in an XLSX. Plain hyperlinks are fine."""
    for member in members:
        if found := _ACTIVE.search(member.name):
            raise Refused("ACTIVE_CONTENT", place=member.name, seen=found[1])
        if member.name.lower().endswith((".xml", ".rels", ".vml")) and b"!" in member.data and _DTD.search(member.data):
            raise Refused("ACTIVE_CONTENT", place=member.name, seen="DTD")
        if member.name.lower().endswith(".rels"):
            for tag in _EXTERNAL.findall(member.data):
                if b"/hyperlink" not in tag:
                    raise Refused("ACTIVE_CONTENT", place=member.name, seen="external link")
        if member.name == "[Content_Types].xml" and b"macroEnabled" in member.data:
            raise Refused("ACTIVE_CONTENT", place=member.name, seen="macroEnabled")


def check_ole(data: bytes) -> None:
    """An OLE2 file must be a plain BIFF workbook without macros; the parser finds its password."""
    if "_VBA_PROJECT".encode("utf-16-le") in data:
        raise Refused("ACTIVE_CONTENT", seen="VBA")
    if "Workbook".encode("utf-16-le") not in data and "Book".encode("utf-16-le") not in data:
        raise Refused("WRONG_TYPE", seen="OLE2 document")


def check_spreadsheetml(data: bytes) -> None:
    if _DTD.search(data):
        raise Refused("ACTIVE_CONTENT", seen="DTD")
