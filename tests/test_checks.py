"""Every check is seen red: one account's rows are broken on purpose, its exports are set aside and named, the rest is out."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine import build, connections, models, versions
from pipeline.engine.models import Model
from pipeline.intake import ledger
from pipeline.platforms import platforms
from pipeline.settings import Workspace
from tests.fake_exports import ACCOUNTS, NOW, accounts, drop, ingest, post, registers

BROKEN = "a-fb"  # whose rows are broken
FILES = ("b.csv", "c.csv", "d.csv", "e.csv", "f.csv")  # its exports; all others are fine
GRAPH: list[Model] = []  # the tables, without what rests on estimates that need more than a handful of posts
NAMES: set[str] = set()
for model in models.models():
    if set(model.depends_on) <= NAMES and (model.schema != "estimates" or model.name == "estimates.maturity_curves"):
        GRAPH.append(model)
        NAMES.add(model.name)
CHECKS = [c for c in models.checks() if c.of_key is None or c.of_key.name in NAMES]
PERIOD = ("2026-10-01", "2026-10-31")


def posts(platform: str, first: int, **values) -> list[dict]:
    return [post(platform, str(first + n), f"2026-10-{n:02}T03:00", **values) for n in range(1, 9)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Workspace:
    return fill(tmp_path_factory.mktemp("filled"))


def fill(root: Path) -> Workspace:
    """Five accounts with posts of October; the one to be broken has all grains, and two exports of its posts."""
    workspace = Workspace(root).create()
    for account, platform, first in (("a-ig", "instagram", 100), ("b-ig", "instagram", 200), ("a-x", "x", 300)):
        drop(workspace, f"{account}/a.csv", platform, posts(platform, first), captured_at="2026-11-20", period=PERIOD)
    drop(workspace, "a-yt/a.csv", "youtube", posts("youtube", 400), captured_at="2026-11-20", period=PERIOD)
    drop(workspace, "a-fb/b.csv", "facebook", posts("facebook", 500), captured_at="2026-11-10", period=PERIOD)
    drop(workspace, "a-fb/c.csv", "facebook", posts("facebook", 500, reach=700), captured_at="2026-11-20", period=PERIOD)
    day = {"day": "2026-10-01", "day_zone": "America/Los_Angeles", "views": 100}
    drop(workspace, "a-fb/d.csv", "facebook", [day], grain="account_day", captured_at="2026-11-20")
    part = {"dimension": "city", "label": "Bogor", "metric": "followers", "value": 5.0, "unit": "count"}
    part |= {
        "received_on": "2026-10-31",
        "period_start": "2026-10-01",
        "period_end": "2026-10-31",
    }  # the stand-in reader wants a day
    drop(workspace, "a-fb/e.csv", "facebook", [part], grain="audience", captured_at="2026-11-20")
    case = {"case_id": "1", "channel": "dm", "received_at": "2026-10-01T10:00", "received_on": "2026-10-01"}
    drop(workspace, "a-fb/f.csv", "facebook", [case], grain="case", captured_at="2026-11-20")
    ingest(workspace)
    return workspace


@pytest.fixture
def workspace(filled, tmp_path) -> Workspace:
    shutil.copytree(filled.root, tmp_path / "w")
    return Workspace(tmp_path / "w")


def run(workspace: Workspace, monkeypatch, known=None, **spoiled: Callable[[Model], Model]) -> build.BuildResult:
    """A build without the estimates; `spoiled` models are named schema__table."""
    changed = {name.replace("__", "."): spoil for name, spoil in spoiled.items()}
    monkeypatch.setattr(build, "models", lambda: [changed[m.name](m) if m.name in changed else m for m in GRAPH])
    monkeypatch.setattr(models, "checks", lambda: CHECKS)
    return build.build(workspace, registry=known or registers(), now=NOW)


def spoil(old: str, new: str) -> Callable[[Model], Model]:
    """The same table from a SELECT with a fault in it."""

    def changed(model: Model) -> Model:
        assert old in model.sql, old
        return dataclasses.replace(model, sql=model.sql.replace(old, new, 1))

    return changed


def inject(workspace: Workspace, *statements: str) -> None:
    """Change raw rows behind the reader's back; `{mine}` are the exports of posts of the broken account."""
    mine = "(SELECT export_id FROM raw.exports WHERE account_id = 'a-fb' AND grain = 'post')"
    with connections.open_raw(workspace) as con:
        for statement in statements:
            con.execute(statement.format(mine=mine))


def rows(*injected: str, **spoiled) -> Callable:
    """A fault in the raw rows, in a table's SQL, or in both."""

    def fault(workspace, monkeypatch):
        inject(workspace, *injected)
        return run(workspace, monkeypatch, **spoiled)

    return fault


def register(known: pl.DataFrame) -> Callable:
    """A fault in the register that the registry itself would have refused, after a night without it."""

    def fault(workspace, monkeypatch):
        run(workspace, monkeypatch)
        return run(workspace, monkeypatch, registers(known))

    return fault


def rewritten_past(workspace, monkeypatch):
    run(workspace, monkeypatch)
    inject(workspace, "UPDATE raw.post_snapshots SET shares = 4, engagement_rcs = 16 WHERE export_id IN {mine}")
    return run(workspace, monkeypatch)


MOVED = pl.when(account_id=BROKEN).then(pl.lit("nobody")).otherwise("agency_id").alias("agency_id")
LATER = ACCOUNTS.with_columns(valid_from=pl.when(account_id=BROKEN).then(pl.date(2026, 10, 5)))
SECOND = accounts((BROKEN, "facebook", "disdik", "111", "dinkes"))
WITHOUT, TWICE = "(SELECT * FROM dated WHERE account_id <> 'a-fb') d", "(SELECT * FROM dated UNION ALL SELECT * FROM dated WHERE account_id = 'a-fb') d"  # fmt: skip # noqa: E501
UPDATE = "UPDATE raw.post_snapshots SET {what} WHERE export_id IN {{mine}}"
FAULTS: dict[str, Callable] = {
    "agencies_known": register(ACCOUNTS.with_columns(MOVED)),
    "one_agency_per_day": register(pl.concat([ACCOUNTS, SECOND])),
    "platforms_known": rows("UPDATE raw.exports SET platform = 'uji' WHERE export_id IN {mine}"),
    "stated_total": rows(UPDATE.format(what="engagement_rcs = 99")),
    "facts_match_posts": rows(marts__post_facts=spoil("WHERE p.is_counted", "WHERE p.is_counted AND p.account_id <> 'a-fb'")),
    "months_match_posts": rows(marts__account_month=spoil("AND NOT is_top_list", "AND NOT is_top_list AND account_id <> 'a-fb'")),
    "history_explained": rewritten_past,
    "latest_wins": rows(
        core__posts=spoil(
            "captured_at DESC, evidence_rank",
            "CASE WHEN exporter_id = 'a-fb' THEN captured_at END, captured_at DESC, evidence_rank",
        )
    ),
    "ledger_rows": rows("DELETE FROM raw.post_snapshots WHERE export_id IN {mine} AND row_number = 2"),
    "null_is_not_zero": rows(
        UPDATE.format(what="comments = NULL, engagement_rcs = NULL"),
        staging__post_snapshots=spoil("t.engagement, t.exposure,", "coalesce(t.engagement, 0) AS engagement, t.exposure,"),
    ),
    "posts_all_there": rows(core__posts=spoil("dated d\n", WITHOUT + "\n")),
    "posts_as_exported": rows(
        core__posts=spoil("d.comments,", "d.comments + CAST(d.account_id = 'a-fb' AS BIGINT) AS comments,")
    ),
    "rows_without_entry": rows("UPDATE raw.exports SET outcome = 'refused' WHERE export_id IN {mine}"),
    "column_values": rows(UPDATE.format(what="likes = -1")),
    "unique_core_posts": rows(core__posts=spoil("dated d\n", TWICE + "\n")),
    "unique_core_audience": rows("INSERT INTO raw.audience SELECT * FROM raw.audience"),
    "unique_core_accounts": register(pl.concat([ACCOUNTS, ACCOUNTS.filter(account_id=BROKEN)])),
}


def test_every_blocking_check_has_a_fault_that_breaks_it():
    """Key checks are made alike for all tables; three kinds stand for them: by post, by export, by account."""
    assert {c.name for c in models.checks() if c.blocking and not c.of_key} == {n for n in FAULTS if not n.startswith("unique_")}


def test_nothing_is_set_aside_where_nothing_is_broken(workspace, monkeypatch):
    result = run(workspace, monkeypatch)
    assert (result.held, [(c.name, c.sample) for c in result.warnings]) == ([], [])


@pytest.mark.parametrize("check", FAULTS)
def test_one_account_breaks_a_check_and_all_others_are_published(workspace, monkeypatch, check):
    result = FAULTS[check](workspace, monkeypatch)
    assert check in {held.check for held in result.held}
    assert {held.file_name.split("/")[-1] for held in result.held} <= set(FILES), "only files of the broken account"
    assert all(c.passed for c in result.checks if c.blocking)
    with versions.open_version(workspace) as version:
        shown = version.sql("SELECT account_id, count(*) AS n FROM core.posts GROUP BY account_id")
        files = version.sql("SELECT * FROM marts.export_files WHERE outcome = 'held'")
    assert {"a-ig", "b-ig", "a-x", "a-yt"} <= set(shown["account_id"])
    assert set(files["export_id"]) == {held.export_id for held in result.held}
    entries = ledger.status(workspace).filter(pl.col("outcome") == "held")
    mine = entries.filter(pl.col("code") == f"CHECK_{check}").to_dicts()
    assert mine and set(entries["export_id"]) == set(files["export_id"])
    first, *_ = json.loads(mine[0]["messages"])
    assert first["code"] == f"CHECK_{check}" and "disisihkan" in first["id"] and "left out" in first["en"]
    assert files.filter(pl.col("code") == f"CHECK_{check}")["message_id"][0] == first["id"]


def test_the_next_night_tries_again_and_publishes_what_was_mended(workspace, monkeypatch):
    """The rows were broken behind the reader's back; reading the archive again mends them, and nobody has to say so."""
    assert rows(UPDATE.format(what="likes = -1"))(workspace, monkeypatch).held
    ingest(workspace)
    result = run(workspace, monkeypatch)
    assert result.held == []
    with versions.open_version(workspace) as version:
        assert version.sql("SELECT 1 FROM core.posts WHERE account_id = 'a-fb'").height == 8
    assert ledger.status(workspace).filter(pl.col("outcome") == "held").is_empty()


def test_a_build_without_a_reading_in_between_leaves_out_the_same(workspace, monkeypatch):
    first = rows(UPDATE.format(what="likes = -1"))(workspace, monkeypatch)
    assert run(workspace, monkeypatch).held == first.held


def test_what_breaks_on_most_accounts_is_a_fault_of_ours_and_stops_the_night(workspace, monkeypatch):
    inject(workspace, "UPDATE raw.post_snapshots SET likes = -1")
    with pytest.raises(build.NotPublished, match="column_values"):
        run(workspace, monkeypatch)
    assert ledger.status(workspace).filter(pl.col("outcome") == "held").is_empty()


def test_what_cannot_be_pinned_to_exports_stops_the_night(workspace, monkeypatch):
    twice = registers(agencies=pl.concat([registers().agencies, registers().agencies.head(1)]))
    with pytest.raises(build.NotPublished, match="unique_core_agencies"):
        run(workspace, monkeypatch, twice)


# --- what only warns -------------------------------------------------------------------------------------------------------


def not_a_number(model: Model) -> Model:
    def make(frames, registry):
        return model.table.build(frames, registry).with_columns(lower=pl.lit(float("nan")))

    return dataclasses.replace(model, table=dataclasses.replace(model.table, build=make))


WARNINGS: dict[str, Callable] = {
    "no_time_travel": rows(
        UPDATE.format(what="published_at = TIMESTAMP '2026-12-24 03:00:00', published_on = DATE '2026-12-24'")
    ),
    "posts_without_agency": lambda workspace, monkeypatch: run(workspace, monkeypatch, registers(LATER)),
    "reach_above_views": rows(UPDATE.format(what="reach = 9000")),
    "column_types": rows(core__posts=spoil("d.comments,", "CAST(d.comments AS DOUBLE) AS comments,")),
    "column_values_derived": rows(estimates__maturity_curves=not_a_number),
}


def test_every_warning_has_a_fault_that_raises_it():
    assert {c.name for c in models.checks() if not c.blocking} == set(WARNINGS)


@pytest.mark.parametrize("check", WARNINGS)
def test_a_warning_is_raised_and_stops_nothing(workspace, monkeypatch, check):
    result = WARNINGS[check](workspace, monkeypatch)
    assert check in [c.name for c in result.warnings] and result.held == []


# --- platforms --------------------------------------------------------------------------------------------------------------


def test_an_unknown_platform_in_the_register_stops_with_a_sentence(workspace, monkeypatch):
    known = registers(pl.concat([ACCOUNTS, accounts(("u-1", "uji", "dinkes"))]))
    with pytest.raises(build.NotPublished, match=r"warehouse/platforms\.yml"):
        run(workspace, monkeypatch, known)


def test_sql_knows_the_platforms_of_their_home(workspace):
    with build.Build(workspace, registers(), now=NOW) as making:
        assert making.frame("reference.platforms")["platform"].to_list() == list(platforms())
