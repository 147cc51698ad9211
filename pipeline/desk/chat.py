"""A WhatsApp chat export (ZIP): its attachments, each with who sent it and on which day. Nothing else of the chat is kept.

The text says who sent which attachment: `31/10/26 14.05 - Nama: berkas.csv (file terlampir)` on Android,
`[31/10/26 14.05.33] Nama: <terlampir: 00000012-berkas.csv>` on an iPhone. The order of day and month follows the phone; it is
settled by the chat itself (a part above 12, days that would run backwards or lie ahead) or has to be told.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipeline.desk.quarantine import FILE_BYTES

TEXT_BYTES = 32 * 2**20
MEMBERS = 20_000
ATTACHMENTS = 200
RATIO = 200
SUFFIXES = (".csv", ".xlsx", ".xls", ".zip", ".json", ".tsv")
# Marks that phones put around names and attachments: direction marks, and a no-break space before AM/PM.
_INVISIBLE = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2068\u2069\ufeff"))
_DAY = r"(?P<a>\d{1,4})[/.\-](?P<b>\d{1,2})[/.\-](?P<c>\d{2,4})"
_LINE = re.compile(
    rf"^\[?{_DAY},?\s+\d{{1,2}}[.:]\d{{2}}(?:[.:]\d{{2}})?(?:\s?[AaPp]\.?[Mm]\.?)?\]?\s*(?:[-–]\s+)?(?P<who>[^:]{{1,80}}?):\s(?P<said>.*)$"
)
_SAID = (
    re.compile(r"^(?P<name>[^\n/\\]{1,200}?)\s+\((?:file|berkas)[^()]*\)\s*$", re.I),
    re.compile(r"^<(?:terlampir|attached|lampiran):\s*(?P<name>[^<>/\\]{1,200})>\s*$", re.I),
)


class ChatError(ValueError):
    """The archive is no chat export, or cannot be read for certain."""

    exit_status = 2

    def __init__(self, code: str):
        self.code = code
        self.id, self.en = _SENTENCES[code]
        super().__init__(self.en)


_SENTENCES = {
    "not_a_chat": (
        "Ini bukan ekspor obrolan WhatsApp. Di WhatsApp: buka grup › Lainnya › Ekspor obrolan › Sertakan media.",
        "This is no WhatsApp chat export. In WhatsApp: open the group › More › Export chat › Include media.",
    ),
    "too_large": (
        "Ekspor obrolan terlalu besar. Ekspor hanya percakapan terakhir.",
        "The chat export is too large. Export the latest part only.",
    ),
    "day_order": (
        "Tanggal di obrolan dapat dibaca dua cara. Sebutkan urutannya: dmy (31/10) atau mdy (10/31).",
        "The dates of the chat can be read two ways. Say the order: dmy (31/10) or mdy (10/31).",
    ),
}


@dataclass(frozen=True)
class Attachment:
    """One attached file: who sent it (as the chat names them), on which day, and its member in the archive."""

    who: str
    day: date
    name: str
    member: zipfile.ZipInfo


def attachments(archive: zipfile.ZipFile, today: date, order: str | None = None) -> list[Attachment]:
    """What may be an export, oldest first. Raises ChatError."""
    members = archive.infolist()
    if len(members) > MEMBERS:
        raise ChatError("too_large")
    told = _text(archive, members)
    lines = [line for line in map(_LINE.match, told.translate(_INVISIBLE).splitlines()) if line]
    if not lines:
        raise ChatError("not_a_chat")
    files = {Path(m.filename).name: m for m in members if m.filename.casefold().endswith(SUFFIXES) and not m.is_dir()}
    sent = [(line, name) for line in lines if (name := _attached(line["said"])) in files]
    if not sent:
        return []
    settled = _order([(int(line["a"]), int(line["b"]), int(line["c"])) for line in lines], today, order)
    found = []
    for line, name in sent[-ATTACHMENTS:]:
        day = _date(int(line["a"]), int(line["b"]), int(line["c"]), settled)
        if day is not None and name is not None:
            found.append(Attachment(line["who"].strip(), day, name, files[name]))
    return found


def _text(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> str:
    """The chat itself: `_chat.txt`, or the only text file."""
    texts = [m for m in members if m.filename.casefold().endswith(".txt") and "/" not in m.filename]
    chosen = [m for m in texts if m.filename == "_chat.txt"] or texts
    if len(chosen) != 1:
        raise ChatError("not_a_chat")
    return b"".join(pieces(archive, chosen[0], TEXT_BYTES)).decode("utf-8", "replace")


def pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int = FILE_BYTES) -> Iterator[bytes]:
    """The bytes of a member, cut off where it is larger than it may be. Raises ChatError."""
    if member.file_size > limit or (member.file_size > 2**20 and member.file_size > RATIO * max(member.compress_size, 1)):
        raise ChatError("too_large")
    left = limit
    try:
        with archive.open(member) as file:
            while chunk := file.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise ChatError("too_large")
                yield chunk
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ChatError("not_a_chat") from error


def _attached(said: str) -> str | None:
    for pattern in _SAID:
        if found := pattern.match(said.strip()):
            return found["name"].strip()
    return None


def _date(a: int, b: int, c: int, order: str) -> date | None:
    year, month, day = (a, b, c) if a > 31 else (c, b, a) if order == "dmy" else (c, a, b)
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _order(days: list[tuple[int, int, int]], today: date, told: str | None) -> str:
    """dmy or mdy: the one under which every line is a day, none lies ahead and they do not run backwards."""
    possible = []
    for order in ("dmy", "mdy"):
        read = [_date(*day, order) for day in days]
        real = [day for day in read if day is not None]
        if len(real) == len(read) and real == sorted(real) and max(real) <= today:
            possible.append(order)
    if told in ("dmy", "mdy"):
        return str(told)
    readings = {tuple(_date(*day, order) for day in days) for order in possible}
    if len(readings) != 1:
        raise ChatError("day_order")
    return possible[0]
