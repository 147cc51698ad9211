"""A column that is gone makes figures unknown, never zero and never different. All columns: `python -m benchmarks.mutation`."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import mutation
from pipeline.exports import read

SAMPLES = Path(__file__).parent / "samples"
DECIDING = [
    ("meta.content.facebook.post", "Title"),
    ("meta.content.facebook.post", "Description"),
    ("meta.content.facebook.post", "Is share"),
    ("meta.content.facebook.post", "Post type"),
    ("meta.content.facebook.post", "Data comment"),
    ("meta.content.instagram.post", "Description"),
    ("meta.content.instagram.post", "Post type"),
    ("meta.content.instagram.post", "Data comment"),
    ("meta.content.instagram.story", "Post type"),
    ("tiktok_studio_content", "Time"),
]


@pytest.mark.parametrize(("kind", "column"), DECIDING)
def test_a_file_without_a_column_that_decides_what_its_rows_are_is_refused_and_the_column_named(tmp_path, kind, column):
    source = next(p for p in sorted((SAMPLES / kind / "english").iterdir()) if p.suffix == ".csv")
    path = Path(shutil.copy(source, tmp_path))
    seen = datetime(2026, 11, 20, tzinfo=UTC)
    assert {e.outcome for e in read(path, first_seen=seen)} <= {"accepted", "flagged"}
    mutation.cut_out(path, "", mutation.columns_of(path, "").index(column))
    (export,) = read(path, first_seen=seen)
    assert (export.outcome, [m.code for m in export.messages]) == ("refused", ["UNKNOWN_HEADER"])
    assert column in export.messages[0].place


# What must be unknown at least when a column (English or Indonesian) is gone; each is taken from another account.
LOST = {
    "fb": [
        (("Reach", "Jangkauan"), "er_account exposure_total reach_ratio negative_rate"),
        (("Comments", "Komentar"), "conversation_rate ratio_flag"),
        (("Shares", "Frekuensi dibagikan"), "amplification_rate"),
        (("Link Clicks", "Klik tautan"), "click_rate"),
        (("Post type", "Jenis postingan"), "posts er_account click_rate watch_ratio untagged_share"),
    ],
    "ig": [
        (("Saves", "Frekuensi disimpan"), "er_account er_pooled zero_share save_rate"),
        (("Likes", "Suka"), "er_account er_post ratio_flag"),
        (("Reach", "Jangkauan"), "er_account save_rate spread_factor"),
        (("Description", "Deskripsi"), "posts untagged_share ceremonial_share"),
    ],
    "x": [
        (("Bookmarks",), "er_account save_rate"),
        (("URL Clicks", "Url clicks"), "click_rate"),
        (("Replies",), "conversation_rate er_account"),
    ],
    "tt": [(("Total shares",), "er_account amplification_rate"), (("Time",), "er_account er_post")],
    "yt": [
        (("Views", "Penayangan"), "er_post exposure_total"),
        (("Average view duration", "Rata-rata durasi tonton"), "watch_ratio"),
        (("Dislikes", "Tidak suka"), "dislike_share"),
    ],
}
# The main channel alone has TikTok Business: two of its files lose a column. What may count saves says so, what needs them is
# not known.
BUSINESS = {
    "tiktok_business_video": ("Add to Favorites", "save_rate"),
    "tiktok_business_overview": ("Comments", "surge_score alarm_days"),
}
OTHER_PARTS = {"er_account", "er_pooled", "er_post"}
CONTENT = {
    "fb": "meta.content.facebook.post",
    "ig": "meta.content.instagram.post",
    "x": "x_account_content",
    "tt": "tiktok_studio_content",
    "yt": "yt_table_content",
}
# Measured against or together with other accounts, which lose columns here too; the benchmark takes one column at a time.
POOLED = {"hour_fit", "er_shrunk", "expected_er", "mix_distance"}
# What is added to a count is in proportion to what all accounts with the same parts expect: a neighbour's loss moves it.
LEANING = {"er_account"}


Chosen = tuple[mutation.Cut, set[str]]


def chosen_cuts(root: Path, truth: dict) -> list[Chosen]:
    found = []
    for short, wishes in LOST.items():
        files = [file for file in files_of(truth, CONTENT[short]) if not file[1].endswith(mutation.MAIN)]
        for file, (names, metrics) in zip(files, wishes, strict=False):
            found.append(chosen(root, CONTENT[short], file, names, metrics))
    for kind, (name, metrics) in BUSINESS.items():
        found.append(chosen(root, kind, files_of(truth, kind)[0], (name,), metrics))
    return found


def files_of(truth: dict, kind: str) -> list[tuple[str, str, str]]:
    """(path, account, member) of every table of a kind."""
    return sorted(
        (path, record["account_id"], export["member"])
        for path, record in truth["files"].items()
        for export in record["exports"]
        if export["kind"] == kind
    )


def chosen(root: Path, kind: str, file: tuple[str, str, str], names: tuple[str, ...], metrics: str) -> Chosen:
    path, account_id, member = file
    columns = mutation.columns_of(root / path, member)
    number = next(i for i, c in enumerate(columns) if c in names)
    return mutation.Cut(path, member, kind, account_id, number, columns[number]), set(metrics.split())


def test_what_needs_a_column_that_is_gone_is_not_reported_and_nothing_is_zero_or_another_number(tmp_path):
    sound, harmed = tmp_path / "sound", tmp_path / "harmed"
    truth = mutation.regency(sound, 5, 2026)
    cuts = chosen_cuts(sound, truth)
    assert len(cuts) == sum(map(len, LOST.values())) + len(BUSINESS)
    for part in ("registry", "inbox"):
        shutil.copytree(sound / part, harmed / part)
    for cut, _ in cuts:
        mutation.cut_out(harmed / cut.path, cut.member, cut.number)
    before = mutation.figures(mutation.ingest(sound))
    after = mutation.figures(mutation.ingest(harmed))
    for cut, wanted in cuts:
        found = {word: names - POOLED for word, names in mutation.compare(before, after, cut, mutation.platform_of(cut)).items()}
        bad = {word: found.get(word, set()) - (LEANING if word == "another number" else set()) for word in mutation.BAD}
        assert not any(bad.values()), (cut, found)
        assert wanted <= found["not reported"], (cut, wanted - found["not reported"])
        assert found.get("other parts", set()) == (OTHER_PARTS if cut.kind in BUSINESS else set()), (cut, found)
