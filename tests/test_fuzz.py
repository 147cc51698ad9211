"""The fuzz targets on their samples and on some damage to them, without a fuzzer: they run on every machine, and hold."""

import random

import pytest

from tests.fuzz import corpus, targets


@pytest.fixture(scope="module", params=list(targets.TARGETS))
def target(request):
    return targets.TARGETS[request.param], corpus.seeds(request.param)


def test_every_target_has_samples_to_start_from_and_holds_on_them(target):
    function, seeds = target
    assert seeds
    for data in random.Random(1).sample(seeds, min(12, len(seeds))):
        function(data)


def test_every_target_holds_on_damaged_samples(target):
    function, seeds = target
    chance = random.Random(2)
    for _ in range(25):
        function(corpus.mutated(chance.choice(seeds), chance))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xfe", b"PK\x03\x04", b"{", b"<", b"\xef\xbb\xbf"])
def test_every_target_holds_on_next_to_nothing(data):
    for function in targets.TARGETS.values():
        function(data)


def test_a_target_sees_a_reader_that_lies(monkeypatch):
    """One count too many in one row is seen by the parser that shares no code with the reader."""
    from pipeline.exports import read

    def lying(path, **about):
        exports = read(path, **about)
        for export in exports:
            if export.rows is not None:
                name = next(c for c in export.rows.columns if c != "row_number" and export.rows.schema[c].is_integer())
                export.rows = export.rows.with_columns(export.rows[name] + 1)
                export.sums = {}
        return exports

    data = next(d for d in corpus.seeds("csv_x") if targets.TARGETS["csv_x"](d) is None and b"Bookmarks" in d)
    monkeypatch.setattr(targets, "read", lying)
    monkeypatch.setattr(
        targets, "read_many", lambda jobs, **how: (lying(j.path, accounts=j.accounts, first_seen=j.first_seen) for j in jobs)
    )
    with pytest.raises(AssertionError):
        targets.TARGETS["csv_x"](data)
