"""The body of a request, streamed into the quarantine: counted before it is kept, cut off where it is too large or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from pipeline.desk.quarantine import FILE_BYTES, REQUEST_BYTES, REQUEST_FILES, Quarantine, Ticket, TooLarge, open_body

FIELD_BYTES = 64 * 1024  # typed words, never a file
FIELDS = 200
IDLE_SECONDS = 30.0  # a phone on a bad line sends something in half a minute
WHOLE_SECONDS = 30 * 60.0  # 64 MB at 300 kbit/s


class BadForm(ValueError):
    """The body is no form that a browser or a program of good will sends."""


class TooSlow(Exception):
    """Nothing came for a while."""


@dataclass
class Form:
    """What was sent: words by name, files in order; `oversized` are those of them that were cut off at the limit."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: list[Ticket] = field(default_factory=list)
    oversized: set[str] = field(default_factory=set)

    def word(self, name: str) -> str:
        return (self.fields.get(name) or [""])[0].strip()

    def discard(self) -> None:
        for ticket in self.files:
            ticket.discard()


def declared(request: Request, limit: int) -> int:
    """The length that a request says it has. Raises TooLarge before a byte of it is read."""
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdigit() else 0
    if size > limit:
        raise TooLarge
    return size


async def chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body piece by piece. Raises TooLarge at the limit and TooSlow where nothing comes."""
    size = 0
    deadline = asyncio.get_running_loop().time() + WHOLE_SECONDS
    stream = request.stream().__aiter__()
    while True:
        try:
            left = min(IDLE_SECONDS, deadline - asyncio.get_running_loop().time())
            chunk = await asyncio.wait_for(anext(stream), max(left, 0.001))
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlow from None
        size += len(chunk)
        if size > limit:
            raise TooLarge
        if chunk:
            yield chunk


async def form(request: Request, quarantine: Quarantine, link_id: str, *, files: str = "berkas") -> Form:
    """A form, its files in the quarantine. Nothing of it is left there where this raises."""
    declared(request, REQUEST_BYTES)
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == b"application/x-www-form-urlencoded":
        return await _words(request)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise BadForm
    found = Form()
    taker = _Taker(found, quarantine, link_id, files)
    parser = MultipartParser(options[b"boundary"], taker.callbacks())
    try:
        async for chunk in chunks(request, REQUEST_BYTES):
            parser.write(chunk)
        parser.finalize()
        if not taker.is_complete:
            raise BadForm
    except BaseException as error:
        taker.close()
        found.discard()
        if isinstance(error, ValueError) and not isinstance(error, BadForm):
            raise BadForm from None
        raise
    return found


async def _words(request: Request) -> Form:
    from urllib.parse import parse_qs

    body = b"".join([chunk async for chunk in chunks(request, FIELD_BYTES)])
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS, strict_parsing=bool(body))
    except ValueError:
        raise BadForm from None
    return Form(fields)


class _Taker:
    """What the parser tells, turned into words and files."""

    def __init__(self, form: Form, quarantine: Quarantine, link_id: str, files: str):
        self.form, self.quarantine, self.link_id, self.wanted = form, quarantine, link_id, files
        self.is_complete = False
        self._header = [b"", b""]
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._word = bytearray()
        self._file: BinaryIO | None = None
        self._size = 0
        self._parts = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._collect(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._collect(1, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": lambda data, start, end: self._data(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._complete,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > FIELDS:
            raise BadForm
        self._headers, self._header, self._field = {}, [b"", b""], None

    def _collect(self, which: int, data: bytes) -> None:
        self._header[which] += data
        if len(self._header[which]) > 4096:
            raise BadForm

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = [b"", b""]

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            self._field, self._word = name, bytearray()
        elif name == self.wanted and options[b"filename"]:  # without a name: nothing was chosen
            self._take(options[b"filename"])

    def _take(self, filename: bytes) -> None:
        if len(self.form.files) >= REQUEST_FILES:
            raise TooLarge
        try:
            name = filename.decode()
        except UnicodeDecodeError:
            name = filename.decode("latin-1")
        ticket = self.quarantine.open(self.link_id, name)
        self.form.files.append(ticket)
        self._file, self._size = open_body(ticket, "wb"), 0

    def _data(self, data: bytes) -> None:
        if self._file is not None:
            room = FILE_BYTES - self._size
            if len(data) > room:
                self.form.oversized.add(self.form.files[-1].id)
            self._file.write(data[: max(room, 0)])
            self._size += len(data)
        elif self._field is not None:
            self._word += data
            if len(self._word) > FIELD_BYTES:
                raise TooLarge

    def _end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        elif self._field is not None:
            self.form.fields.setdefault(self._field, []).append(self._word.decode("utf-8", "replace"))

    def _complete(self) -> None:
        self.is_complete = True
