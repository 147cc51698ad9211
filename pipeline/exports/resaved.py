"""Whether a text file bears the marks of a spreadsheet. Only then may a message speak of Excel: most files that are refused never
met it, and who is blamed without cause obeys, fails again, and stops listening.
"""

import re

from pipeline.exports import dates
from pipeline.exports.text import is_wrapped, sep_line, trim
from pipeline.formats import Format, normalise

EXPONENT = re.compile(r"(?<![\w.])[0-9][.,][0-9]{3,}E\+[0-9]{2}(?![\w.])")
HEAD = 64 * 1024


def bears_marks(content: str) -> bool:
    """A separator that no platform writes, a line wrapped in one cell, or a long number in exponent form."""
    separator, start = sep_line(content)
    head = content[start : start + HEAD]
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    if separator in (";", "\t") or any(is_wrapped(line.rstrip(";\t")) for line in lines):
        return True
    first = lines[0] if lines else ""
    return any(first.count(d) > max(1, first.count(",")) for d in (";", "\t")) or bool(EXPONENT.search(head))


Records = list[tuple[int, list[str]]]


def with_whole_dates(form: Format, records: Records) -> Records | None:
    """The records of a table whose leading dates lost their quotes; None where they did not.

    A spreadsheet that takes each line for one cell drops the quotes around the first field and writes the line bare: of
    ``"Tue, Feb 18, 2025",900`` three fields are left in place of one. Provable only where all rows are longer by just these.
    """
    header = trim(records[0][1]) if records else []
    column = form.column_for(normalise(header[0])) if header else None
    if column is None or column.kind not in ("date", "datetime"):
        return None
    patterns = [p for p in (form.dates if column.formats is None else column.formats) if "," in p]
    for more in {p.count(",") for p in patterns}:
        fits = [dates.compiled(p)[0] for p in patterns if p.count(",") == more]
        whole: Records = [(records[0][0], header)]
        for row, cells in records[1:]:
            bare = trim(cells) if len(cells) > len(header) + more else cells
            if not any(bare):
                continue
            first = ",".join(bare[: more + 1])
            if len(bare) != len(header) + more or not any(f.match(first) for f in fits):
                break
            whole.append((row, [first, *bare[more + 1 :]]))
        else:
            if len(whole) > 1:
                return whole
    return None
