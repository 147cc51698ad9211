"""Long lists in parts. Above `LISTED` agencies a list becomes one page per peer group, a long group in several by alphabet, and
the page that held the list becomes their index: every page stays small enough for a phone, and nothing needs a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.html.escape import file_part
from pipeline.html.locale import Words
from pipeline.pages import common

LISTED = 100


@dataclass(frozen=True)
class Part:
    """Some agencies of one peer group, in alphabetical order; `number` of `count` when the group needs several."""

    slug: str
    group: str | None
    number: int
    count: int
    agencies: tuple[dict[str, Any], ...]

    def label(self, words: Words) -> str:
        group = common.peer_label(self.group, words)
        if self.count == 1:
            return group
        first, last = self.agencies[0]["short"], self.agencies[-1]["short"]
        return words._(
            "{group}, part {number} of {count}: {first} to {last}",
            group=group,
            number=words.integer(self.number),
            count=words.integer(self.count),
            first=first,
            last=last,
        )


def parts(agencies: Sequence[dict[str, Any]]) -> list[Part]:
    """The parts of a list that is too long for one page; none when it is not."""
    if len(agencies) <= LISTED:
        return []
    groups: dict[str, list[dict[str, Any]]] = {}
    for agency in agencies:
        groups.setdefault(agency["peer_group"] or "", []).append(agency)
    found: list[Part] = []
    for group, members in sorted(groups.items()):
        count = -(-len(members) // LISTED)
        size = -(-len(members) // count)
        for number in range(1, count + 1):
            slug = file_part(group) if count == 1 else f"{file_part(group)}-{number}"
            if any(part.slug == slug for part in found):
                slug = f"{slug}-{len(found)}"
            some = tuple(members[(number - 1) * size : number * size])
            found.append(Part(slug, group or None, number, count, some))
    return found
