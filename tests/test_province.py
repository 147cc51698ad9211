"""Many regencies: united they say what one workspace of all would say; packs say how accounts spread and never what one has."""

import dataclasses
import json
import shutil
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_cli import call

from pipeline import night, registry
from pipeline.engine import build, versions
from pipeline.estimates.shrunk import account_month_shrunk
from pipeline.pages import provinsi
from pipeline.province import pack, places, unite
from pipeline.registry import PackError, pack_digest, read_pack
from pipeline.settings import Workspace
from pipeline.thresholds import DEFAULT
from tests.fake_exports import NOW, accounts, drop, ingest, post, registers, template

T = DEFAULT.model_copy(update={"minimum_peers": 8})


def districts() -> list[str]:
    return template().agencies.filter(pl.col("peer_group") == "kecamatan")["agency_id"].sort().to_list()[:12]


def regency(folder, name: str, agencies: list[str], **said) -> Workspace:
    """One workspace whose agencies have an Instagram account each, with eight posts in each of three months, published."""
    workspace = Workspace(folder / name).create()
    all_of_them = districts()
    known = registers(accounts(*((f"ig-{a}", "instagram", a, str(900 + all_of_them.index(a)), f"{a}.ig") for a in agencies)))
    known = dataclasses.replace(known, settings=known.settings | {"name": name} | said)
    for agency in agencies:
        number = all_of_them.index(agency)
        chance = np.random.default_rng(number)
        rows = [
            post("instagram", f"{number:02}{month}{day:02}", f"2026-{month:02}-{day:02}T05:00", likes=int(chance.integers(5, 90)))
            for month in (8, 9, 10)
            for day in range(2, 26, 3)
        ]
        about = {"captured_at": "2026-11-20", "period": ("2026-08-01", "2026-10-31")}
        drop(workspace, f"ig-{agency}/1.csv", "instagram", rows, **about)
    ingest(workspace, known)
    build.build(workspace, registry=known, now=NOW)
    return workspace


@pytest.fixture(scope="module")
def regencies(tmp_path_factory):
    folder, some = tmp_path_factory.mktemp("province"), districts()
    return regency(folder, "Utara", some[:5]), regency(folder, "Selatan", some[5:]), regency(folder, "Semua", some)


def united(tmp_path, *workspaces) -> versions.Version:
    return unite.unite(workspaces, Workspace(tmp_path / "provinsi"), "Provinsi", t=T, now=NOW)


def test_two_regencies_united_say_what_one_workspace_of_both_says(regencies, tmp_path):
    north, south, both = regencies
    with united(tmp_path / "a", south, north) as parts, united(tmp_path / "b", both) as whole:
        for table in ("estimates.account_places", "estimates.peer_platform", "marts.account_month", "marts.account_window"):
            one, other = (
                v.table(table).drop("regency_id", "regencies", strict=False).sort(pl.all().exclude(pl.Float64))
                for v in (parts, whole)
            )
            assert_frame_equal(one, other, rel_tol=1e-4)  # how a post grows is learned per regency: 2e-6 here
        told = parts.table("estimates.account_places")
        assert told["vs_peers"].null_count() == 0 and told["regencies"].unique().to_list() == [2]
        assert set(parts.table("estimates.regency_platform")["median"].to_list()) == {None}, "each alone has too few accounts"


def test_no_post_of_an_agency_is_copied(regencies, tmp_path):
    with united(tmp_path, *regencies[:2]) as version:
        columns = {c for table in version.tables for c in version.sql(f"SELECT * FROM {table} LIMIT 0").columns}
        assert not columns & unite.NEVER and not any(name.startswith("core.posts") for name in version.tables)
        place = version.workspace.versions / f"{version.name}.duckdb"
    assert b"Unggahan" not in place.read_bytes() and b"example.test" not in place.read_bytes()


def test_pages_of_a_province_name_every_regency_and_no_rank(regencies, tmp_path):
    with united(tmp_path, *regencies[:2]) as version:
        made = provinsi.build(version, version.workspace.site)
        again = provinsi.build(version, version.workspace.site)
    assert made.pages == 6 and made.sha256 == again.sha256
    latest = version.workspace.site / "latest"
    for language, middle in (("id", "akun dari 2 daerah"), ("en", "accounts of 2 regencies")):
        index = (latest / language / "index.html").read_text(encoding="utf-8")
        assert "Utara" in index and "Selatan" in index
        assert f"12 {middle}" in (latest / language / "kelompok-kecamatan.html").read_text(encoding="utf-8")


def _refused(tmp_path, *workspaces) -> str:
    with pytest.raises(unite.NotUnited) as refused:
        united(tmp_path, *workspaces)
    assert not (tmp_path / "provinsi" / "warehouse").exists(), "nothing was written"
    return refused.value.en


def test_what_does_not_fit_is_refused_by_name(regencies, tmp_path):
    north, south, _ = regencies
    assert "Two workspaces are named Utara" in _refused(tmp_path, north, south, north)
    copy = Workspace(tmp_path / "copy")
    shutil.copytree(south.root, copy.root)
    place = copy.versions / "w-1.duckdb"
    place.chmod(0o640)
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    assert "copy: Version w-1 is damaged" in _refused(tmp_path, north, copy)
    assert "Nothing is published yet" in _refused(tmp_path, north, Workspace(tmp_path / "empty").create())
    found = [unite.look(north), unite.look(south)]
    for change, word in (
        ({"fingerprints": found[1].fingerprints | {"marts.account_month": "other"}}, "marts.account_month"),
        ({"period": (None, None)}, "judged months"),
        ({"info": found[1].info | {"simulated": not found[0].info["simulated"]}}, "simulated"),
    ):
        with pytest.raises(unite.NotUnited, match=word) as refused:
            unite.fit([found[0], dataclasses.replace(found[1], **change)])
        assert "Selatan" in refused.value.id


def test_the_command_unites_and_refuses_a_regency_as_its_target(regencies, tmp_path):
    north, south, _ = regencies
    result = call("gabung", str(north.root), str(south.root), "--ke", str(tmp_path / "jabar"), "--nama", "Jawa Barat")
    assert result.returncode == night.DONE, result.stderr
    assert "2 daerah digabung menjadi versi w-1" in result.stdout
    assert "Jawa Barat" in (tmp_path / "jabar/site/latest/id/index.html").read_text(encoding="utf-8")
    wrong = call("gabung", str(north.root), "--ke", str(south.root))
    assert wrong.returncode == night.USAGE and "Traceback" not in wrong.stderr


# -- packs ---------------------------------------------------------------------------------------------------------------------
def months(n: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`n` accounts of one group in one month."""
    chance = np.random.default_rng(seed)
    y = chance.normal(-3, 0.6, n)
    rows = {
        "account_id": [f"a{i}" for i in range(n)],
        "agency_id": [f"g{i}" for i in range(n)],
        "platform": "instagram",
        "basis": "likes",
        "month": datetime(2026, 9, 1).date(),
        "n": 10,
        "y": y,
        "se": chance.uniform(0.1, 0.3, n),
        "expected_ln": -3.0,
        "deviation": y + 3.0,
    }
    return pl.DataFrame(rows), pl.DataFrame({"agency_id": [f"g{i}" for i in range(n)], "peer_group": "kecamatan"})


UNTIL = datetime(2026, 10, 31).date()


def test_fewer_than_five_accounts_are_no_cell_and_fewer_than_ten_have_no_quarters():
    assert pack.cells(*months(4), UNTIL) == []
    [five], [twelve] = pack.cells(*months(7), UNTIL), pack.cells(*months(12), UNTIL)
    assert (five["accounts"], five["q1"], five["spread"]) == (5, None, None)
    assert twelve["accounts"] == 10 and twelve["q1"] < twelve["median"] < twelve["q3"] and twelve["spread"] >= 0
    assert all(round(twelve[name] / pack.STEP, 6) % 1 == 0 for name in ("q1", "median", "q3", "spread"))


def test_two_packs_with_and_without_an_account_do_not_give_its_value():
    """The attacker has both packs and takes them for means: n·m − (n − 1)·m'. It finds no account better than a guess does, and
    in some cells there is no difference at all. The same attack on means finds every account to the digit: it works."""
    errors, guesses, same, naive = [], [], 0, []
    for seed in range(40):
        expected, agencies = months(12, seed)
        target = expected["y"][0]
        [whole], [without] = pack.cells(expected, agencies, UNTIL), pack.cells(expected[1:], agencies, UNTIL)
        assert whole["accounts"] == without["accounts"], "its coming is not told"
        same += whole == without
        errors.append(abs(12 * whole["median"] - 11 * without["median"] - target))
        guesses.append(abs(whole["median"] - target))
        naive.append(abs(12 * expected["y"].mean() - 11 * expected["y"][1:].mean() - target))
    assert max(naive) < 1e-9
    assert np.median(errors) >= np.median(guesses) and min(errors) > 1e-3
    assert same >= 3


def _figures(cells: list[dict]) -> list[float]:
    """What an attacker reads of one cell, as numbers; zeros where there is none."""
    names = ("accounts", "median", "q1", "q3", "spread")
    return [float(cells[0][name] or 0) for name in names] if cells else [0.0] * len(names)


def _error_of_a_trained_attack(seen: np.ndarray, targets: np.ndarray) -> float:
    """The error in the middle of a regression that was fitted on the first half of the cells, on the second half."""
    known, half = np.column_stack([np.ones(len(seen)), seen]), len(targets) // 2
    weights = np.linalg.lstsq(known[:half], targets[:half], rcond=None)[0]
    return float(np.median(abs(known[half:] @ weights - targets[half:])))


def test_a_trained_attack_on_two_packs_learns_nothing_because_what_was_told_stays(tmp_path):
    """Somebody who simulates cells learns which way a middle moves when an account comes. Without the memory of packs that halves
    the error, so the attack works; with it the second pack is the first, and there is nothing to learn from both."""
    one, told, forgotten, targets = [], [], [], []
    for seed in range(300):
        expected, agencies = months(12, seed)
        first, second = pack.cells(expected[1:], agencies, UNTIL), pack.cells(expected, agencies, UNTIL)
        given = pack.remembered(first, second)
        apart = np.subtract(_figures(second), _figures(first))
        one.append(_figures(first))
        told.append([*_figures(first), *np.subtract(_figures(given), _figures(first))])
        forgotten.append([*_figures(first), *apart, *np.sign(apart)])
        targets.append(expected["y"][0])
    errors = [_error_of_a_trained_attack(np.array(seen), np.array(targets)) for seen in (one, told, forgotten)]
    assert errors[2] < 0.8 * errors[0], "the attack works on packs without a memory"
    assert errors[1] == pytest.approx(errors[0])


def test_what_was_told_of_a_month_is_told_again_unchanged(regencies, tmp_path):
    both = Workspace(tmp_path / "w")
    shutil.copytree(regencies[2].root, both.root)
    with versions.open_version(both) as version:
        assert pack.write(both, version, tmp_path / "1.json") == 3

        class Later:
            """The same version after an account came."""

            info, sql = version.info, version.sql

            def table(self, name):
                rows = version.table(name)
                return rows[8:] if name == "estimates.account_month_expected" else rows

        pack.write(both, Later(), tmp_path / "2.json")
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    assert (both.registry / pack.MEMORY).exists(), "with the registry it comes back from a backup"
    text = (tmp_path / "1.json").read_text()
    assert "Semua" not in text and not any(agency in text for agency in districts())


def test_a_pack_says_how_far_accounts_lie_apart_to_a_group_that_is_too_small():
    expected, agencies = months(2)
    alone = account_month_shrunk(expected, agencies)
    assert alone["er_shrunk"].null_count() == 2, "two accounts do not say it"
    cells = pack.cells(*months(40, seed=3), UNTIL)
    known = dataclasses.replace(registers(), packs=({"cells": cells},))
    widened = account_month_shrunk(expected, agencies, elsewhere=known.spreads)
    assert widened["er_shrunk"].null_count() == 0
    assert 0.3 < np.sqrt(known.spreads["instagram", "likes", "2026-09-01"]) < 1.0, "0.6 was drawn"
    many, groups = months(6)
    assert_frame_equal(account_month_shrunk(many, groups), account_month_shrunk(many, groups, elsewhere=known.spreads))


def test_a_pack_is_loaded_whole_or_refused_with_a_reason(tmp_path):
    workspace = Workspace(tmp_path / "w").create()
    registry.write_template(workspace.registry, registry.DEFAULT_TEMPLATE, None)
    cells = pack.cells(*months(12), UNTIL)
    said = {"schema": 1, "k": 5, "simulated": False, "cells": cells, "sha256": pack_digest(cells)}
    place = tmp_path / "pack.json"
    place.write_text(json.dumps(said))
    pack.load(workspace, place)
    assert registry.load(workspace.registry).spreads
    few = [cells[0] | {"accounts": 3}]
    named = [cells[0] | {"account_id": "ig-x"}]
    for wrong in (
        said | {"sha256": "0"},
        said | {"simulated": True},
        said | {"cells": few, "sha256": pack_digest(few)},
        said | {"cells": named, "sha256": pack_digest(named)},
        {"schema": 1},
        [],
    ):
        place.write_text(json.dumps(wrong))
        with pytest.raises(PackError, match=r"pack\.json"):
            pack.load(workspace, place)
    place.write_bytes(b"\xff\x00")
    with pytest.raises(PackError):
        read_pack(place)


def test_places_need_enough_peers_and_enough_posts():
    rates = pl.DataFrame(
        {
            "regency_id": ["u"] * 8,
            "agency_id": [f"g{i}" for i in range(8)],
            "account_id": [f"a{i}" for i in range(8)],
            "platform": "x",
            "basis": "likes",
            "peer_group": "kecamatan",
            "posts": [9] * 7 + [2],
            "ln_rate": [float(i) for i in range(8)],
            "se": [0.2] * 8,
        }
    )
    assert places.account_places(rates, T)["reason"].to_list() == ["FEW_PEERS"] * 7 + ["FEW_POSTS"]
    found = places.account_places(rates, DEFAULT.model_copy(update={"minimum_peers": 7}))
    assert found["vs_peers"][3] == pytest.approx(1.0) and found["vs_peers"][7] is None
    assert found["lower"][3] < 1 < found["upper"][3]
