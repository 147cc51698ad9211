"""When an export was made and which period it covers, from what names say. Names never decide what a file is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from pipeline.formats import Format

WIB = timezone(timedelta(hours=7))
# Where the instant of an export was found, the best first. The last three state nothing: they are estimated.
EVIDENCE = ("file", "file_name", "archive_name", "option", "folder", "mtime", "content", "first_seen")
ESTIMATED = EVIDENCE[-3:]
SOON = timedelta(days=3)  # a file is downloaded so soon after the newest thing in it, or its date is that of a copy


@dataclass(frozen=True)
class Named:
    """What a file name says: handle, period, instant of export."""

    handle: str | None = None
    period: tuple[date, date] | None = None
    captured: datetime | None = None


def named(form: Format, name: str) -> Named:
    """The groups of the first pattern of the format that fits the name; copies such as ``name (1).csv`` fit too."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    for pattern in form.file_names:
        if found := re.search(pattern, base, re.I):
            parts = found.groupdict()
            first, last = _day(parts.get("first")), _day(parts.get("last"))
            if last and form.last_is_exclusive:
                last -= timedelta(days=1)
            period = (first, last) if first and last and first <= last else None
            return Named(parts.get("handle"), period, _instant(parts.get("captured")))
    return Named()


def unpacked(form: Format, path: str) -> Named:
    """What the name of an archive says that was unpacked: the folder that a file lies in has kept it."""
    folders = path.replace("\\", "/").split("/")[:-1]
    return next((said for folder in reversed(folders) if (said := named(form, f"{folder}.zip")).period), Named())


def _day(text: str | None) -> date | None:
    """ISO, yyyymmdd, ``Mar-01-2026`` or ``Mar 1, 2026``."""
    if not text:
        return None
    for pattern in ("%Y-%m-%d", "%Y%m%d", "%b-%d-%Y", "%b %d, %Y", "%d %b %Y", "%Y_%m_%d"):
        try:
            return datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None


def _instant(text: str | None) -> datetime | None:
    """Epoch seconds or milliseconds, or a day (its end in WIB: no value in the file is later)."""
    if not text:
        return None
    if re.fullmatch(r"[0-9]{10}|[0-9]{13}", text):
        seconds = int(text) / (1000 if len(text) == 13 else 1)
        return datetime.fromtimestamp(int(seconds), UTC)
    day = _day(text)
    return end_of_day(day) if day else None


def end_of_day(day: date) -> datetime:
    """The last second of a day in WIB, as UTC: what a folder named after a day can mean at the latest."""
    return datetime.combine(day, time(23, 59, 59), WIB).astimezone(UTC)


def captured(
    *,
    option: datetime | None,
    in_file: datetime | None,
    file_name: Named,
    archive_name: Named,
    folder: date | None,
    first_seen: datetime,
    newest: datetime | date | None = None,
    modified: datetime | None = None,
) -> tuple[datetime, str]:
    """Instant of export and where it was found. An instant after the file was first seen is not believed.

    Where nothing states it, it is estimated: an export is not older than the newest thing in it (``newest``) or than the window
    that its name tells, so this is the earliest it can be; the file's own date (``modified``) stands where it lies just behind.
    """
    choices: Sequence[tuple[datetime | None, str]] = (
        (option, "option"),
        (in_file, "file"),
        (file_name.captured, "file_name"),
        (archive_name.captured, "archive_name"),
        (end_of_day(folder) if folder else None, "folder"),
    )
    for moment, source in choices:
        if moment is None:
            continue
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if source == "option" or moment <= first_seen:
            return moment.astimezone(UTC), source
        if source == "folder" and folder and folder <= first_seen.astimezone(WIB).date():
            return first_seen, source
        if source == "file" and moment - first_seen < timedelta(days=1):
            return first_seen, source
    return _estimated(newest, file_name, archive_name, first_seen, modified)


def _estimated(
    newest: datetime | date | None, file_name: Named, archive_name: Named, first_seen: datetime, modified: datetime | None
) -> tuple[datetime, str]:
    known = [_at_least(moment) for moment in (newest, *(n.period[1] for n in (file_name, archive_name) if n.period)) if moment]
    earliest = min(max(known), first_seen) if known else None
    if modified is not None and modified <= first_seen and (earliest is None or earliest <= modified <= earliest + SOON):
        return modified, "mtime"
    return (earliest, "content") if earliest is not None else (first_seen, "first_seen")


def _at_least(moment: datetime | date) -> datetime:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return end_of_day(moment)
