"""The simulated regency: same seed, same bytes; files like the platforms write them; a truth that adds up."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from pipeline import registry, samples


def digest(root: Path, under: str = "") -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted((root / under).rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    return root, samples.generate(root, "tiny")


def records(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_same_seed_gives_the_same_bytes(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny")
    assert digest(root) == digest(tmp_path)


def test_another_seed_gives_other_bytes(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny", seed=7)
    assert digest(root, "inbox") != digest(tmp_path, "inbox")


def test_another_agency_moves_no_other_number(tiny, tmp_path):
    root, _ = tiny
    samples.generate(tmp_path, "tiny", extra=("disdik",))
    more = digest(tmp_path, "inbox")
    assert {k: v for k, v in more.items() if "disdik" not in k} == digest(root, "inbox")
    assert any("disdik" in k for k in more)


@pytest.mark.parametrize("profile", ["tiny", "demo"])
def test_registers_are_valid(profile, tmp_path):
    samples.generate(tmp_path, profile)
    known = registry.load(tmp_path / "registry")
    assert known.settings["simulated"] is True
    assert known.accounts["handle"].str.starts_with("sim").all()


def test_truth_is_json_and_knows_every_file(tiny):
    root, truth = tiny
    assert json.loads((root / "truth.json").read_text("utf-8")) == json.loads(json.dumps(truth))
    on_disk = {k for k in digest(root) if k.startswith("inbox/")}
    assert on_disk == set(truth["files"])
