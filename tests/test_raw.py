"""Inserting into the private database: keys never collide unseen, and nothing stays in memory until the transaction ends."""

import gc
import weakref

import polars as pl
import pytest

from pipeline.engine import connections, raw
from pipeline.settings import Workspace


@pytest.fixture
def con(tmp_path):
    with connections.open_raw(Workspace(tmp_path)) as opened:
        yield opened


def keys(con) -> list[tuple]:
    return con.execute("SELECT * FROM raw.account_keys ORDER BY ALL").fetchall()


def accounts(*rows: tuple) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["account_key", "account_id", "platform"], orient="row")


def test_a_key_that_is_there_already_is_not_added_again(con):
    raw.insert_keys(con, "account_keys", accounts((1, "a", "x"), (1, "a", "x"), (2, "b", "x")))
    raw.insert_keys(con, "account_keys", accounts((2, "b", "x"), (3, "c", "x")))
    assert keys(con) == [(1, "a", "x"), (2, "b", "x"), (3, "c", "x")]


@pytest.mark.parametrize("before", [[], [(1, "a", "x")]], ids=["among those that arrive", "with one that is there"])
def test_two_natural_keys_with_one_hash_are_never_merged(con, before):
    raw.insert_keys(con, "account_keys", accounts(*before))
    arriving = [(1, "b", "x"), (2, "c", "x")] + ([] if before else [(1, "a", "x")])
    with pytest.raises(raw.Collision, match="account_key"):
        raw.insert_keys(con, "account_keys", accounts(*arriving))


def test_what_was_inserted_does_not_stay_in_memory_until_the_night_is_committed(con, monkeypatch):
    given = []
    to_arrow = pl.DataFrame.to_arrow

    def watched(frame):
        given.append(weakref.ref(table := to_arrow(frame)))
        return table

    monkeypatch.setattr(pl.DataFrame, "to_arrow", watched)
    con.execute("BEGIN")
    raw.insert(con, "account_keys", accounts(*((n, f"account {n}", "x") for n in range(5000))))
    raw.insert_keys(con, "account_keys", accounts(*((n, f"account {n}", "x") for n in range(4000, 6000))))
    gc.collect()
    assert given and not [table for table in given if table() is not None]
    assert con.execute("SELECT count(*) FROM raw.account_keys").fetchall() == [(6000,)]
