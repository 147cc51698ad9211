"""The one list of reasons why something is not judged: what each code means and what mends it, in Indonesian and English.

Tables hold the code (`reason`); pages, `terukur status` and notebooks take the words from here: nobody is told two things.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeline import files


@dataclass(frozen=True)
class Reason:
    """`text` says what is the case, `remedy` what to do next (empty where nobody has to do anything). Whole sentences."""

    code: str
    text_id: str
    text_en: str
    remedy_id: str
    remedy_en: str

    def text(self, language: str) -> str:
        return self.text_en if language == "en" else self.text_id

    def remedy(self, language: str) -> str:
        return self.remedy_en if language == "en" else self.remedy_id


@lru_cache(maxsize=1)
def reasons() -> dict[str, Reason]:
    """code -> Reason, in the order of the file."""
    said = files.load_yaml(files.shipped("warehouse", "reasons.yml").read_text(encoding="utf-8"))
    return {
        code: Reason(code, *(entry[k] for k in ("text_id", "text_en", "remedy_id", "remedy_en"))) for code, entry in said.items()
    }


def reason(code: str | None) -> Reason | None:
    """The reason of a code; None where there is none (the agency is judged). An unknown code is an error of ours."""
    return None if code is None else reasons()[code]
