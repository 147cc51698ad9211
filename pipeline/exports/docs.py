"""docs/pesan/README.md from the messages themselves: ``python -m pipeline.exports.docs`` writes it, a test keeps it current."""

from pathlib import Path

from pipeline.exports.messages import AGAIN, TEXTS

FILE = Path(__file__).resolve().parents[2] / "docs" / "pesan" / "README.md"
LEVELS = {
    "refused": ("Ditolak", "Refused", "Tidak satu baris pun dipakai. / No row of it is used."),
    "held": ("Ditahan", "Held", "Dilihat lagi pada proses berikutnya. / Looked at again in the next run."),
    "flagged": ("Dibaca dengan catatan", "Read with a warning", "Dibaca; periksa catatannya. / Read; look at the warning."),
    "info": ("Keterangan", "For information", "Dibaca tanpa masalah. / Read without a problem."),
}


def _plain(sentence: str, language: int) -> str:
    """A text without what only a file can fill in; every way out where the file decides which is given."""
    ways = " | ".join(AGAIN[way][language] for way in ("unknown", "resaved", "by_hand"))
    return sentence.replace("{seen}", "").replace("{again}", f"[{ways}]")


def text() -> str:
    """Every code under its level, Indonesian first."""
    out = ["# Arti pesan\n", "Dibuat dari sumber yang sama dengan pesannya (`python -m pipeline.exports.docs`).\n"]
    for level, (title_id, title_en, meaning) in LEVELS.items():
        out.append(f"## {title_id} / {title_en}\n\n{meaning}\n")
        out += [
            f"### {code}\n\n{_plain(t.id, 0)}\n\n*{_plain(t.en, 1)}*\n" for code, t in sorted(TEXTS.items()) if t.level == level
        ]
    return "\n".join(out)


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
