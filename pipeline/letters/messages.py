"""A message per agency, ready to paste into WhatsApp, and its card as a picture: the sentences of the page, nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.letters.origin import Origin
from pipeline.letters.paper import FONT, inked, read
from pipeline.pages import advice, common, perangkat

CARD = Path(__file__).parent / "kartu.typ"
PIXELS_PER_INCH = 144.0


def text(origin: Origin, agency: dict[str, Any], language: str = "id") -> str:
    """Plain text with WhatsApp's own bold. What a name brings along cannot format: its marks are taken out."""
    sheet = origin.sheet(language)
    w = sheet.words
    parts = [
        f"*{_quiet(read(perangkat.headline(sheet, agency))[0])}*",
        f"({sheet.period})",
        *(_quiet(read(s)[0]) for s in perangkat.lede(sheet, agency) if s and str(s) != f"{agency['long']}."),
        *(_quiet(read(s)[0]) for s in perangkat.objections(sheet, agency)),
        f"*{w.plain('Next step')}:* {_quiet(read(advice.next_step(sheet, agency))[0])}",
    ]
    if origin.facts.simulated:
        parts.insert(0, f"_{w.plain('SIMULATED DATA – not real figures')}_")
    parts.append(w.plain("Version {version}. Questions about a figure: Diskominfo.", version=origin.version))
    return "\n\n".join(parts) + "\n"


def _quiet(said: str) -> str:
    """Without the marks that WhatsApp takes for bold, slanted, struck or code."""
    return said.translate(dict.fromkeys(map(ord, "*_~`"), None))


def card(origin: Origin, agency: dict[str, Any], language: str = "id") -> bytes:
    """A square picture (PNG): the response against the usual with its range, or why there is none."""
    import typst

    sheet = origin.sheet(language)
    w, window = sheet.words, agency["window"]
    is_judged = common.is_judged(agency)
    value = str(sheet.number(perangkat.WINDOW, window, "vs_expected", "times")) if is_judged else w.plain("too little data")
    below = sheet.between(perangkat.WINDOW, window, "times") if is_judged else common.state_reason(window, w)
    data = {
        "language": language,
        "font": FONT,
        "agency": inked(agency["long"]),
        "period": sheet.period,
        "label": inked(w.plain("Response against the usual")) if is_judged else "",
        "value": inked(value),
        "below": read(below)[0],
        "headline": read(perangkat.headline(sheet, agency))[0],
        "simulated": w.plain("SIMULATED DATA – not real figures") if origin.facts.simulated else "",
        "footer": inked(f"Terukur · {sheet.site_name} · {origin.version}"),
    }
    picture: bytes = typst.compile(
        CARD.read_bytes(),
        format="png",
        ppi=PIXELS_PER_INCH,
        sys_inputs={"card": json.dumps(data, ensure_ascii=False)},
        ignore_system_fonts=True,
    )
    return picture
