"""No mutant of any sample is read wrongly: benchmarks/mutants.py says what that means; its own oracle is tested here too."""

import random

import pytest

from benchmarks import bug_seeding, mutants
from pipeline.exports import read


def counted(result):
    print(result.text())
    return [(name, sample, why) for name, sample, why, _ in result.wrong]


def test_500_mutants_are_exact_or_refused_and_never_wrong():
    assert counted(mutants.run(500)) == []


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_5200_mutants_are_exact_or_refused_and_never_wrong():
    assert counted(mutants.run(5200, seed=1)) == []


@pytest.mark.parametrize("case", mutants.cases(), ids=lambda c: c.name)
def test_the_oracle_calls_each_sample_exact(case):
    mutant = mutants.Mutant(case.data, case.file)
    exports = read(mutants.SAMPLES / case.name / case.file, **case.options)
    assert mutants.judge(case, mutant, exports) == ("exact", "")


def lie(exports, change):
    for export in exports:
        if export.rows is not None:
            export.rows = change(export.rows)
    return exports


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.with_columns(impressions=rows["impressions"] + 1),
        lambda rows: rows.with_columns(likes=rows["replies"]),
        lambda rows: rows.with_columns(published_on=rows["published_on"].dt.offset_by("2d")),
        lambda rows: rows.head(2),
        lambda rows: rows.with_columns(row_number=rows["row_number"] + 1),
        lambda rows: rows.with_columns(caption=rows["caption"].shift(1, fill_value="")),
        lambda rows: rows.drop("likes"),
    ],
    ids=["one more", "other column", "other day", "rows lost", "other line", "other text", "column lost"],
)
def test_the_oracle_sees_a_reader_that_lies(change, tmp_path):
    """A digit changed in a file lets the rows differ from the sample in that cell, and in nothing else."""
    case = next(c for c in mutants.cases() if c.name == "x_account_content/2026")
    records = [list(r) for r in case.records]
    records[1][records[0].index("Bookmarks")] = "77"
    mutant = mutants.as_table(case, records)
    path = tmp_path / mutant.name
    path.write_bytes(mutant.data)
    assert mutants.judge(case, mutant, read(path, **case.options))[0] == "other"
    assert mutants.judge(case, mutant, lie(read(path, **case.options), change))[0] == "wrong"


@pytest.mark.parametrize("change", [("carousel", "link"), ("link", "reel"), ("reel", "carousel")])
def test_the_oracle_knows_which_label_of_a_header_a_value_stands_under(change, tmp_path):
    """Several labels on one line, each over its own cell: no two of them may be exchanged, nor may one be read twice."""
    case = next(c for c in mutants.cases() if c.name == "meta.overview.content_formats/english")
    records = [list(r) for r in case.records]
    row = next(i for i, r in enumerate(records) if r and r[0] == "900")
    records[row] = ["901", "351", "21"]
    mutant = mutants.as_table(case, records)
    path = tmp_path / mutant.name
    path.write_bytes(mutant.data)
    assert mutants.judge(case, mutant, read(path, **case.options))[0] == "other"
    one, other = change
    swapped = {one: other, other: one}
    for told in (swapped, {one: other}):
        exports = lie(read(path, **case.options), lambda rows, told=told: rows.with_columns(rows["label"].replace(told)))
        assert mutants.judge(case, mutant, exports)[0] == "wrong"


def test_a_dialect_leaves_no_other_file(tmp_path):
    """Where only the writing changed, a digit read otherwise is wrong even if the file could be read so."""
    case = next(c for c in mutants.cases() if c.name == "x_account_content/2026")
    mutant = mutants.MUTATORS["re-save: thousands grouped"](case, random.Random(0))
    path = tmp_path / mutant.name
    path.write_bytes(mutant.data)
    exports = lie(read(path, **case.options), lambda rows: rows.with_columns(impressions=rows["impressions"] // 1000))
    assert mutants.judge(case, mutant, exports)[0] == "wrong"


def test_every_seeded_bug_still_has_its_place():
    """The seeds of benchmarks/bug_seeding.py fit the sources: each text is there exactly once."""
    assert len([bug_seeding.seeded(seed) for seed in bug_seeding.seeds()]) >= 40
