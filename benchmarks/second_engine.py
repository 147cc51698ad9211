"""Every table of a regency built on DuckDB and on Spark's plans, compared: `python -m benchmarks.second_engine WORKSPACE`

Needs the extra `spark` (make spark): Sail, in this process, without Java. On a real cluster instead:

    python -m benchmarks.second_engine WORKSPACE --cluster FOLDER_OF_APACHE_SPARK [--kill-worker]

starts Apache Spark standalone on loopback, one master, two workers and a Connect server, and ends them. Java 17 comes from the
system (Debian: apt install openjdk-17-jre-headless), Spark from its archive or `pip install 'pyspark[connect]'` in an environment
of its own. `--kill-worker` ends a worker with SIGKILL while posts are made. Ends with 1 where a table differs (floats: by 1e-9).
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from pipeline.engine import build, models
from pipeline.settings import Workspace

DURING = "core.posts"  # the table that is being made when a worker is killed


def built(workspace: Workspace, engine: str, during=None) -> Iterator[tuple[models.Model, pl.DataFrame, float]]:
    """Each table of a build that is thrown away, in the order of its key, and the seconds that it took."""
    os.environ["TERUKUR_ENGINE"] = engine
    with build.Build(workspace, now=datetime(2026, 12, 1, tzinfo=UTC)) as making:
        for model in models.models():
            if during and model.name == DURING:
                during()
            seconds = making.create(model).seconds
            rows = making.con.sql(f"SELECT * FROM {model.name}").pl()
            yield model, rows.sort(model.key, nulls_last=True), seconds


def different(ours: pl.DataFrame, theirs: pl.DataFrame) -> str:
    """What differs first; empty where nothing does: names, types, rows, floats within 1e-9."""
    try:
        assert_frame_equal(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    return ""


def compare(workspace: Workspace, during=None) -> bool:
    ours = {model.name: (rows, seconds) for model, rows, seconds in built(workspace, "duckdb")}
    wrong, count, one, other = 0, 0, 0.0, 0.0
    for model, rows, seconds in built(workspace, "spark", during):
        known, before = ours[model.name]
        found = different(known, rows)
        wrong += bool(found)
        if model.sql:
            count, one, other = count + 1, one + before, other + seconds
        if model.sql or found:
            print(f"{model.name:32} DuckDB {before:6.2f} s  Spark {seconds:6.2f} s  {found or 'equal'}", flush=True)
    print(f"{count} tables of SQL, {len(ours)} in all, {wrong} different; SQL: DuckDB {one:.1f} s, Spark {other:.1f} s")
    return not wrong


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def cluster(home: Path, logs: Path) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """One master, two workers of one core each and a Connect server on loopback: its address, and the workers."""
    master, connect = free_port(), free_port()
    alone = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home), "SPARK_WORKER_DIR": str(logs), "SPARK_NO_DAEMONIZE": "1"}
    running: list[subprocess.Popen] = []

    def start(name: str, program: str, *said: str) -> subprocess.Popen:
        with (logs / f"{name}.log").open("w") as log:
            command = [str(home / "bin" / program), *said]
            running.append(
                subprocess.Popen(command, env=os.environ | alone, stdout=log, stderr=log, cwd=logs, start_new_session=True)
            )
        return running[-1]

    deploy, at = "org.apache.spark.deploy", f"spark://127.0.0.1:{master}"
    try:
        here = ("--host", "127.0.0.1", "--webui-port", "0")
        start("master", "spark-class", f"{deploy}.master.Master", *here, "--port", str(master))
        listens(master)
        limits = (*here, "--cores", "1", "--memory", "1g")
        workers = [start(f"worker-{n}", "spark-class", f"{deploy}.worker.Worker", *limits, at) for n in (1, 2)]
        said = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(connect),
            "spark.sql.shuffle.partitions": "4",
            "spark.executor.memory": "1g",
            "spark.ui.enabled": "false",
        }
        options = [part for name, value in said.items() for part in ("--conf", f"{name}={value}")]
        service = "org.apache.spark.sql.connect.service.SparkConnectServer"
        start("connect", "spark-submit", "--master", at, "--class", service, *options, "spark-internal")
        listens(connect)
        yield f"sc://127.0.0.1:{connect}", workers
    finally:
        for one in reversed(running):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


def listens(port: int, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.3)
    sys.exit(f"nothing listens on port {port}")


def executors(logs: Path) -> int:
    """How many executors the master was asked to start so far: a killed worker's is started again elsewhere."""
    return sum("Launching executor" in line for line in (logs / "master.log").read_text(errors="replace").splitlines())


def on_a_cluster(workspace: Workspace, home: Path, kill: bool) -> bool:
    logs = Path(tempfile.mkdtemp(prefix="cluster-"))
    done = False
    try:
        with cluster(home, logs) as (address, workers):
            os.environ["TERUKUR_SPARK_REMOTE"] = address

            def killing() -> None:
                def one() -> None:
                    os.killpg(workers[0].pid, signal.SIGKILL)
                    print(f"worker 1 of 2 killed while {DURING} was made", flush=True)

                threading.Timer(1.0, one).start()

            done = compare(workspace, killing if kill else None)
            print(f"executors launched: {executors(logs)}; workers alive: {sum(w.poll() is None for w in workers)}")
    finally:
        if done:
            shutil.rmtree(logs, ignore_errors=True)
        else:
            print(f"logs of the cluster: {logs}")
    return done


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("workspace", type=Path)
    asked.add_argument("--cluster", type=Path, metavar="FOLDER", help="Apache Spark, or the folder of the Python package pyspark")
    asked.add_argument("--kill-worker", action="store_true")
    said = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a cluster is never left behind
    workspace = Workspace(said.workspace.absolute())
    good = on_a_cluster(workspace, said.cluster.absolute(), said.kill_worker) if said.cluster else compare(workspace)
    sys.exit(not good)


if __name__ == "__main__":
    main()
