"""A file as it was given, everything known about it from outside, and what is said of one that is not read."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipeline.exports import guards, ownership, provenance, resaved, text
from pipeline.exports.messages import Refused, level, message
from pipeline.exports.model import Export
from pipeline.formats import Format


@dataclass(frozen=True)
class Job:
    """One file to read.

    name: the name it was dropped under, if ``path`` is an archived copy. accounts: account ids, or bare platforms, that the
    folder or an option names. captured_at: an option that overrules what the file says. first_seen: default now. modified: the
    date of the file itself, which may tell when it was exported where nothing else does. names: all paths inside the inbox under
    which these bytes lie; they are asked for what ``name`` does not tell. Times are UTC.
    """

    path: Path
    name: str | None = None
    accounts: Sequence[str] = ()
    folder_date: date | None = None
    captured_at: datetime | None = None
    first_seen: datetime | None = None
    modified: datetime | None = None
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Source:
    """A file, or a member, sheet or block of it, with everything known about it from outside."""

    name: str
    accounts: ownership.Accounts
    given: tuple[str, ...]
    folder_date: date | None
    captured_at: datetime | None
    first_seen: datetime
    limits: guards.Limits
    modified: datetime | None = None  # the file's own date, as its folder shows it
    has_bom: bool = True
    is_resaved: bool = False  # it bears the marks of a spreadsheet
    taught: tuple[Format, ...] = ()  # kinds that the registry's mappings describe; asked only where no built-in kind fits
    sha256: str = ""
    archive: str | None = None  # name of the archive the file is a member of
    member: str = ""
    names: tuple[str, ...] = ()  # paths under which the file lies, besides its name

    def place(self, part: str) -> "Source":
        return replace(self, member=f"{self.member}/{part}" if self.member and part else part or self.member)

    def marked(self, data: bytes, content: str) -> "Source":
        """With what bytes and text of a text file show of the way they came."""
        has_bom = data.startswith(tuple(bom for bom, _ in text.BOMS))
        return replace(self, has_bom=has_bom, is_resaved=resaved.bears_marks(content))

    def resaved(self) -> "Source":
        """Known to have been saved by a spreadsheet."""
        return replace(self, is_resaved=True)

    @property
    def file(self) -> str:
        """The name that may tell handle, period and instant: the archive member's, or the file's; never a sheet's or block's."""
        parts = [p for p in self.member.split("/") if p and not p.startswith(("sheet:", "#"))]
        return parts[-1] if parts else self.name


@dataclass
class Part:
    """A file, or a member of an archive, and what becomes of it: exports, and tables on their way to become one."""

    source: Source
    data: bytes
    kind: str | None = None  # container; None where a guard refuses it
    is_member: bool = False
    found: list[Any] | None = None  # Export | Prepared; None as long as nobody has looked
    error: BaseException | None = None  # our own mistake


def source_of(job: Job, accounts: ownership.Accounts, limits: guards.Limits, taught: tuple[Format, ...]) -> Source:
    """A job's file, with its name escaped where it is no text."""
    name = job.name if job.name is not None else os.path.basename(os.fspath(job.path))
    return Source(
        name=name.encode("utf-8", "backslashreplace").decode(),
        accounts=accounts,
        given=tuple(job.accounts),
        folder_date=job.folder_date,
        captured_at=_utc(job.captured_at),
        first_seen=_utc(job.first_seen) or datetime.now(UTC),
        limits=limits,
        taught=taught,
        modified=_utc(job.modified),
        names=tuple(name.encode("utf-8", "backslashreplace").decode() for name in job.names),
    )


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def load(path: Path, source: Source) -> bytes:
    """The bytes of a file that is finished and regular; raises Refused."""
    if guards.is_partial(source.name):
        raise Refused("STILL_CHANGING", seen=source.name, held=True)
    return guards.load(Path(path), source.limits)


def parts_of(data: bytes, source: Source) -> list[Part]:
    """The file itself, or the members of an archive. Raises Refused, for the file as a whole."""
    kind = guards.container(data)
    if kind != "zip":
        return [Part(source, data, kind)]
    guards.check_name(source.name, kind)
    if _is_office_document(data):
        raise Refused("WRONG_TYPE", seen="dokumen kantor/office document")
    members = [m for m in guards.unpack(data, source.limits) if not guards.is_noise(m.name)]
    if not members:
        raise Refused("EMPTY", seen="arsip kosong/empty archive")
    return [Part(replace(source.place(m.name), archive=source.name), m.data, _kind(m.data), is_member=True) for m in members]


def _is_office_document(data: bytes) -> bool:
    """A text document or slides: archives too, but not of exports."""
    return b"mimetypeapplication/vnd.oasis" in data[:200] or b"word/document.xml" in data or b"ppt/presentation.xml" in data


def _kind(data: bytes) -> str | None:
    try:
        return guards.container(data)
    except Refused:
        return None


def refusal(source: Source, refused: Refused, found: Format | None = None) -> Export:
    """What is said of a file or table of which no row is kept."""
    outcome = "held" if refused.held or level(refused.code) == "held" else "refused"
    export = Export(file=source.name, member=source.member, sha256=source.sha256, outcome=outcome)
    if found:
        export.kind, export.platform, export.grain, export.version = found.kind, found.platform, found.grain, found.version
    lost_bom = found is not None and found.bom and not source.has_bom
    is_resaved = refused.resaved or source.is_resaved or lost_bom
    way = "by_hand" if found and found.by_hand else "resaved" if is_resaved else "unknown"
    export.messages.append(message(refused.code, refused.place, refused.seen, again=way))
    return export


def crash(error: BaseException) -> Refused:
    """What is said where our own mistake kept something from being read."""
    return Refused("READER_CRASHED", seen=f"{type(error).__name__}: {error}")


def captured(
    source: Source, own: provenance.Named, outer: provenance.Named, in_file: datetime | None = None, newest: Any = None
) -> tuple[datetime, str]:
    """When an export was made, and where that is said: see :func:`provenance.captured`."""
    return provenance.captured(
        option=source.captured_at,
        in_file=in_file,
        file_name=own,
        archive_name=outer,
        folder=source.folder_date,
        first_seen=source.first_seen,
        newest=newest,
        modified=source.modified,
    )
