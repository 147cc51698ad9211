"""`terukur ui`: one command, nothing to prepare, this machine only, and nobody changes anything unless told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from test_cli import call

from pipeline import night

COMMAND = [sys.executable, "-c", "from pipeline.cli.command import main; main()"]
OURS = '{repositoryLocationName: "pipeline.definitions", repositoryName: "__repository__", %s}'
OVERNIGHT = {"repositoryLocationName": "pipeline.definitions", "repositoryName": "__repository__", "pipelineName": "overnight"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def ui(tmp_path_factory):
    """A running `terukur ui`, without DAGSTER_HOME, and a function that asks its GraphQL."""
    root, port = tmp_path_factory.mktemp("ui"), free_port()
    call("init", workspace=root)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DAGSTER", "TERUKUR"))}
    words = [*COMMAND, "--workspace", str(root), "ui", "--port", str(port)]
    strange = tmp_path_factory.mktemp("strange")  # what lies where somebody starts the command is not ours to run
    for name in ("yaml", "dagster", "pipeline"):
        (strange / f"{name}.py").write_text(f"open({str(strange / 'ran')!r}, 'w'); raise SystemExit(9)")
    words = [sys.executable, "-P", *words[1:]]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=strange)

    def ask(query: str, **variables: object) -> dict:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        try:
            ask("{version}")
            break
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    assert not (strange / "ran").exists()
    yield process, ask, port
    process.kill()
    process.communicate()


def test_the_night_is_scheduled_and_the_sensor_starts_nothing(ui):
    _, ask, _ = ui
    schedules = "{schedulesOrError(repositorySelector: %s) {... on Schedules {results {name scheduleState {status}}}}}"
    found = ask(schedules % (OURS % ""))["schedulesOrError"]["results"]
    assert found == [{"name": "overnight_schedule", "scheduleState": {"status": "RUNNING"}}]
    sensors = (
        "{sensorsOrError(repositorySelector: %s) {... on Sensors {results {name targets {pipelineName} sensorState {status}}}}}"
    )
    found = ask(sensors % (OURS % ""))["sensorsOrError"]["results"]
    assert found == [{"name": "inbox", "targets": [], "sensorState": {"status": "RUNNING"}}]


@pytest.mark.parametrize(
    "mutation",
    [
        "startSchedule(scheduleSelector: %s)" % (OURS % 'scheduleName: "overnight_schedule"'),
        "startSensor(sensorSelector: %s)" % (OURS % 'sensorName: "inbox"'),
        'wipeAssets(assetPartitionRanges: [{assetKey: {path: ["core", "posts"]}}])',
        'deletePipelineRun(runId: "x")',
        'terminateRun(runId: "x")',
        'reportRunlessAssetEvents(eventParams: {eventType: ASSET_MATERIALIZATION, assetKey: {path: ["inbox"]}})',
        'shutdownRepositoryLocation(repositoryLocationName: "pipeline.definitions")',
    ],
    ids=lambda mutation: mutation.partition("(")[0],
)
def test_without_operate_every_change_is_refused(ui, mutation):
    _, ask, _ = ui
    assert set(ask(f"mutation {{answer: {mutation} {{__typename}}}}")["answer"].values()) == {"UnauthorizedError"}


def test_without_operate_nobody_starts_a_run(ui):
    _, ask, _ = ui
    launch = "mutation($p: ExecutionParams!) {launchPipelineExecution(executionParams: $p) {__typename}}"
    answer = ask(launch, p={"selector": OVERNIGHT, "mode": "default", "runConfigData": {}})
    assert answer["launchPipelineExecution"]["__typename"] == "UnauthorizedError"


@pytest.mark.parametrize(
    "head",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
    ids=["another name", "another site", "no site"],
)
def test_who_comes_from_elsewhere_sees_nothing(ui, head):
    _, _, port = ui
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/", headers=head), timeout=60)


def test_an_occupied_port_is_told(ui, tmp_path):
    _, _, port = ui
    result = call("ui", "--port", port, workspace=tmp_path)
    assert result.returncode == night.ENVIRONMENT
    assert "--port" in result.stderr and "Traceback" not in result.stderr


def test_ctrl_c_ends_both_servers_with_status_zero(ui):
    process, _, port = ui
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=90)
    assert process.returncode == night.DONE, said
    assert "Traceback" not in said
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
