"""How each platform writes text: quoting, byte order marks, line ends, workbooks and archives, all with fixed dates."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import xlsxwriter

Value = str | int | float | None  # of a cell

_PHP = re.compile(r'[\s",\\]')
_MINIMAL = re.compile(r'[",\r\n]')


def php(value: str) -> str:
    """Meta's quoting: every field with white space or a special character."""
    return '"' + value.replace('"', '""') + '"' if _PHP.search(value) else value


def minimal(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _MINIMAL.search(value) else value


def every(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def lines(header: Sequence[str], columns: Sequence[Iterable[str]]) -> list[str]:
    """Ready-quoted cells, column by column, to lines."""
    return [",".join(header), *map(",".join, zip(*columns, strict=True))]


def numbers(values: np.ndarray) -> list[str]:
    return list(map(str, values.tolist()))


def zipped(members: dict[str, bytes], at: dt.datetime) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[Value]]], at: dt.datetime) -> bytes:
    """An .xlsx with text as text and numbers as numbers; None leaves the cell empty."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": at.replace(tzinfo=None)})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                if cell is None:
                    continue
                if isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                else:
                    sheet.write_number(r, c, cell)
    book.close()
    return out.getvalue()
