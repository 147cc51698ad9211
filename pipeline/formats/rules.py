"""docs/hard-rules.md from the formats themselves: what may refuse a whole file, and why it may.

``python -m pipeline.formats.rules`` writes it, a test keeps it current."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.formats import Format, all_formats

FILE = Path(__file__).resolve().parents[2] / "docs" / "hard-rules.md"
INTRO = """# What may refuse a file

Generated from the reader's own declarations (`python -m pipeline.formats.rules`). A refusal costs an agency its whole file, so a
rule refuses only if breaking it proves damage: arithmetic by definition, or a structure without which no row can be trusted.
What was merely observed on the files seen so far only flags (`IMPLAUSIBLE`), and what a platform may take back may fall
(`BELOW_ZERO`).

Every kind is refused for damage of the file itself: encoding, quotes, widths, a cut end, two readings of a number or date."""


def rows(form: Format) -> Iterator[tuple[str, str, str]]:
    """(code, rule, why it may refuse) of one format."""
    for rule in form.rules:
        if rule.hard:
            yield rule.code, rule.name, rule.because
    if form.unique:
        code = "ID_INVALID" if "post_id" in form.unique else "EXTRA_CONTENT"
        yield code, f"one row per {', '.join(form.unique)}", "the platform writes one; a second would be counted twice"
    if form.clock:
        late = "; printed later only flags (scheduled)" if form.clock.later_ok else ""
        late += "; another zone's clock gives way to the id" if form.clock.any_zone else ""
        limit = f"{form.clock.tolerance} s{late}"
        yield "DATE_INVALID", f"printed time fits the time in {form.clock.source} ({limit})", "the id is made from that very time"
    for column in form.columns:
        if column.kind == "id" and column.shape:
            yield (
                "ID_INVALID",
                f"{column.field} is `{column.shape}`".replace("|", "\\|"),
                "no id of the platform has another shape",
            )
    if never := [c.field for c in form.columns if c.falls == "never" and c.kind == "count" and not c.field.startswith("_")]:
        why = "a total since publication, a state or a number of people cannot be below zero"
        yield "NOT_A_COUNT", f"not below zero: {', '.join(dict.fromkeys(never))}", why
    if form.post_id_from and any(c.field == "post_id" for c in form.columns):
        yield "ID_DESTROYED", "the id is that of the post's own link", "the link repeats the id; they differ only by damage"
    if form.ends_with_newline:
        yield "TRUNCATED", "the last line is ended", "the platform always ends it; without the end its last number may be cut"
    if required := [c.field for c in form.columns if c.required]:
        yield (
            "UNKNOWN_HEADER",
            f"columns {', '.join(dict.fromkeys(required))}",
            "without them rows cannot be told apart or classed",
        )
    if form.unknown_columns == "refuse":
        yield "UNKNOWN_HEADER", "no other column", "our own sheet: another column is a slip of whoever filled it in"
    for code, why in form.refuses:
        yield code, "a rule of its own", why


def text() -> str:
    """The whole page, a table per kind."""
    parts = [INTRO]
    for form in all_formats():
        lines = [f"| {code} | {rule} | {why} |" for code, rule, why in rows(form)]
        if lines:
            title = f"## {form.title_en}\n\n`{form.kind}`, {form.grain}"
            parts.append("\n".join([title, "", "| refused as | rule | why it may refuse |", "|---|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
