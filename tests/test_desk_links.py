"""Secret links: shown once, kept as salted hashes, ended at once, and never a way to another agency."""

import csv
import json
import re

import pytest
from desk_in_tests import workspace
from test_cli import call

from pipeline.desk import links

SECRET = 26  # base32 letters of 128 bits


def test_a_link_is_kept_as_a_salted_hash_and_never_whole(tmp_path):
    made = workspace(tmp_path)
    one, other = links.make(made, "dinkes"), links.make(made, "dinkes")
    secret = one.token.split("-")[1]
    text = (made.registry / links.FILE).read_text()
    assert len(secret) == SECRET and secret not in text and one.token not in text
    rows = list(csv.DictReader(text.splitlines()[2:]))
    assert len({row["salt"] for row in rows}) == len({row["hash"] for row in rows}) == 2
    assert one.token != other.token


def test_only_the_right_secret_opens_and_only_its_own_door(tmp_path):
    made = workspace(tmp_path)
    first, second = links.make(made, "dinkes"), links.make(made, "disdik")
    doorman = links.Doorman(made.registry)
    assert doorman.whose(first.token).agency_id == "dinkes"
    assert doorman.whose(second.token).agency_id == "disdik"
    mixed = f"{first.link.link_id}-{second.token.split('-')[1]}"
    wrong = first.token[:-1] + ("a" if first.token[-1] != "a" else "b")
    for token in (mixed, wrong, first.token.upper(), first.token + "a", "", "../etc", first.link.link_id, "x" * 5000):
        assert doorman.whose(token) is None, token


def test_renewing_ends_the_old_link_and_revoking_ends_them_all(tmp_path):
    made = workspace(tmp_path)
    doorman = links.Doorman(made.registry)
    old, account = links.make(made, "dinkes"), links.make(made, "dinkes", "ig-dinkes")
    new = links.make(made, "dinkes", renew=True)
    assert doorman.whose(old.token) is None
    assert doorman.whose(new.token) and doorman.whose(account.token)
    assert len(links.revoke(made, "dinkes")) == 2
    assert not any(doorman.whose(m.token) for m in (old, new, account))
    assert links.revoke(made, "dinkes") == []


def test_a_line_damaged_by_hand_is_named_and_no_link_is_believed(tmp_path):
    made = workspace(tmp_path)
    one = links.make(made, "dinkes")
    place = made.registry / links.FILE
    place.write_text(place.read_text().replace(one.link.hash, "not a hash"))
    with pytest.raises(links.LinksError, match="line 4, column hash"):
        links.Doorman(made.registry).whose(one.token)


def test_the_command_makes_lists_and_revokes(tmp_path):
    made = workspace(tmp_path)
    told = json.loads(call("terima", "tautan", "dinkes", "--json", workspace=made.root).stdout)
    assert told["link"].endswith(told["path"]) and told["agency_id"] == "dinkes"
    assert links.Doorman(made.registry).whose(told["path"].rpartition("/")[2]).link_id == told["link_id"]
    listed = json.loads(call("terima", "tautan", "--daftar", "--json", workspace=made.root).stdout)
    assert listed["link_id"] == told["link_id"] and not {"salt", "hash"} & set(listed)
    wrong = call("terima", "tautan", "dinke", workspace=made.root)
    assert wrong.returncode == 2 and "dinkes" in wrong.stderr
    assert call("terima", "tautan", told["link_id"], "--cabut", workspace=made.root).returncode == 0
    assert links.Doorman(made.registry).whose(told["path"].rpartition("/")[2]) is None


def test_the_card_is_one_a4_page_with_the_link(tmp_path):
    made = workspace(tmp_path)
    out = tmp_path / "kartu.pdf"
    done = call("terima", "kartu", "dinkes", "-o", out, "--alamat", "https://kirim.example.id", workspace=made.root)
    assert done.returncode == 0, done.stderr
    pdf = out.read_bytes()
    assert pdf.startswith(b"%PDF") and b"/Type/Pages/Count 1/" in pdf
    width, height = re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups()
    assert (round(float(width)), round(float(height))) == (595, 842)  # A4 in points
    assert out.stat().st_mode & 0o077 == 0
    assert len(links.load(made.registry)) == 1


def test_it_refuses_to_listen_beyond_this_machine(tmp_path):
    made = workspace(tmp_path)
    done = call("terima", "--host", "0.0.0.0", "--port", "8099", workspace=made.root)
    assert done.returncode == 2 and "--di-balik-proxy" in done.stderr and not done.stdout
