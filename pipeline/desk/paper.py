"""The A4 card of an agency: its QR code, its link in letters, and three sentences. Printed once, handed over in person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pipeline.html.locale import Words

TEMPLATE = Path(__file__).parent / "kartu.typ"


@dataclass(frozen=True)
class Card:
    """One page. `address` is the whole secret link."""

    agency: str
    account: str
    address: str


def qr(address: str) -> str:
    """A QR code as SVG, with room for a fold or a stain (error correction M)."""
    import segno

    out = BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", xmldecl=False, svgns=True, border=0, dark="#14211d")
    return out.getvalue().decode()


def write(cards: Sequence[Card], out: Path, words: Words, region: str) -> Path:
    """All cards as one PDF, one A4 page each."""
    import typst

    texts = {
        "heading": words.plain("Hand in files by phone"),
        "lead": words.plain("Point the phone's camera at the square and choose the files. The verdict comes at once."),
        "one": words.plain("Download the files from the platform; the page says which and how."),
        "two": words.plain("Open this page with the code, choose the files, send."),
        "three": words.plain("Read the verdict. Only if a file is refused is there something to do."),
        "typed": words.plain("Or type this address:"),
        "key": words.plain(
            "This card is a key. Do not photograph it for others; if it is lost, ask {region} for a new one.", region=region
        ),
    }
    inputs = {"count": str(len(cards)), "region": region, "language": words.language}
    inputs |= {f"t-{name}": text for name, text in texts.items()}
    for number, card in enumerate(cards):
        inputs |= {
            f"agency-{number}": card.agency,
            f"account-{number}": card.account,
            f"address-{number}": card.address,
            f"qr-{number}": qr(card.address),
        }
    out.parent.mkdir(parents=True, exist_ok=True)
    pdf = typst.compile(TEMPLATE.read_bytes(), format="pdf", sys_inputs=inputs)
    out.touch(mode=0o600)  # it holds keys
    out.chmod(0o600)
    out.write_bytes(pdf)
    return out
