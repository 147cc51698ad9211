"""Killed at any moment: what was answered is kept, nothing half is anywhere, and sending again does no harm."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path

import pytest
from desk_in_tests import instagram, workspace

from pipeline.desk import book, links

COMMAND = [sys.executable, "-c", "from pipeline.cli.command import main; main()"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(made, port):
    words = [*COMMAND, "--workspace", str(made.root), "terima", "--port", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sehat", timeout=2):
                return process
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the door did not open")


def post(url, name, data):
    """Hand one file in; the records, or None where no answer came."""
    head = f'--b\r\nContent-Disposition: form-data; name="berkas"; filename="{name}"\r\n\r\n'.encode()
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Accept": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, head + data + b"\r\n--b--\r\n", headers), timeout=60) as answer:
            return json.loads(answer.read())
    except (OSError, ValueError, urllib.error.URLError):
        return None


def kill_often(made, kills, seed):
    """Answered files by hash, after so many kills while files come in; each kill at another moment of its file."""
    random.seed(seed)
    path, port, answered, number = links.make(made, "dinkes").path, free_port(), set(), 0
    for _ in range(kills):
        process = start(made, port)
        post(f"http://127.0.0.1:{port}{path}", "warm.csv", instagram(3))  # the worker is up: kills hit the work, not the start
        answered.add(sha256(instagram(3)).hexdigest())
        killer = subprocess.Popen(
            [sys.executable, "-c", f"import os,time; time.sleep({random.uniform(0.05, 0.6)}); os.killpg({process.pid}, 9)"]
        )
        while killer.poll() is None:
            number += 1
            data = instagram(4 + number)
            records = post(f"http://127.0.0.1:{port}{path}", f"u-{number}.csv", data)
            if records is not None and records[0]["stored"]:
                answered.add(sha256(data).hexdigest())
        process.wait()
        killer.wait()
    return answered


def check(made, answered, at_least=10):
    files = [p for p in made.inbox.rglob("*") if p.is_file()]
    kept = {sha256(p.read_bytes()).hexdigest() for p in files}
    assert len(answered) >= at_least and answered <= kept, f"lost: {len(answered - kept)} of {len(answered)}"
    assert len(kept) == len(files), "a file lies there twice"
    sent = {sha256(instagram(4 + n)).hexdigest() for n in range(30_000 if len(answered) > 300 else 2000)} | {
        sha256(instagram(3)).hexdigest()
    }
    assert kept <= sent, "half a file"
    assert answered <= {e.sha256 for e in book.read(made, book.date(2020, 1, 1)) if e.stored}, "answered and not written down"


def nursery(made, kills, seed):
    """The same without the service around it, many times faster: see desk_nursery.py."""
    words = [sys.executable, str(Path(__file__).with_name("desk_nursery.py")), str(made.root), str(kills), str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stdout.split())


def test_10_kills_lose_no_answered_file(tmp_path):
    made = workspace(tmp_path)
    check(made, nursery(made, 10, seed=16))


def test_a_killed_service_keeps_what_it_answered_and_sweeps_what_it_did_not(tmp_path):
    made = workspace(tmp_path)
    answered = kill_often(made, 2, seed=16)
    check(made, answered, at_least=1)
    process = start(made, port := free_port())
    again = post(f"http://127.0.0.1:{port}{links.make(made, 'dinkes').path}", "warm.csv", instagram(3))
    assert [r["outcome"] for r in again] == ["duplicate"]
    assert list((made.desk / "quarantine").rglob("body")) == []
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_200_kills_of_the_service_lose_no_answered_file(tmp_path):
    made = workspace(tmp_path)
    check(made, kill_often(made, 200, seed=200))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_500_kills_while_handing_in_lose_no_answered_file(tmp_path):
    made = workspace(tmp_path)
    check(made, nursery(made, 500, seed=500))


def test_a_second_service_of_a_workspace_is_refused(tmp_path):
    made = workspace(tmp_path)
    process = start(made, free_port())
    try:
        words = [*COMMAND, "--workspace", str(made.root), "terima", "--port", str(free_port())]
        second = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 5 and str(process.pid) in second.stderr
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
