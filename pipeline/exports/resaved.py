"""Whether a text file bears the marks of a spreadsheet. Only then may a message speak of Excel: most files that are refused never
met it, and who is blamed without cause obeys, fails again, and stops listening.
"""

import re

from pipeline.exports.text import is_wrapped, sep_line

EXPONENT = re.compile(r"(?<![\w.])[0-9][.,][0-9]{3,}E\+[0-9]{2}(?![\w.])")
HEAD = 64 * 1024


def bears_marks(content: str) -> bool:
    """A separator that no platform writes, a line wrapped in one cell, or a long number in exponent form."""
    separator, start = sep_line(content)
    head = content[start : start + HEAD]
    lines = [line for line in head.splitlines()[:20] if line.strip()]
    if separator in (";", "\t") or any(is_wrapped(line) for line in lines):
        return True
    first = lines[0] if lines else ""
    return any(first.count(d) > max(1, first.count(",")) for d in (";", "\t")) or bool(EXPONENT.search(head))
