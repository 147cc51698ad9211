"""P6: hostile files cost themselves, never the night."""

import pytest

from benchmarks import hostile


def test_p6_forty_hostile_files_cannot_keep_five_good_ones_from_being_published(tmp_path):
    result = hostile.run(tmp_path / "data", hostiles=40, goods=5, large=0)
    assert result["exit"] == 3, result["said"]
    assert result["published"] == [f"uji-ig-{i}" for i in range(5)] and result["posts"] == 60
    assert sum(n for outcome, n in result["outcomes"].items() if outcome.startswith(("accepted", "flagged"))) == 5
    assert not [outcome for outcome in result["outcomes"] if "READER_CRASHED" in outcome]
    assert result["peak_mib"] < 1536


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_p6_200_hostile_files_and_20_good_ones(tmp_path):
    result = hostile.run(tmp_path / "data")
    assert (result["exit"], len(result["published"]), result["posts"]) == (3, 20, 240), result["said"]
