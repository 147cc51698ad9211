"""When the night runs, and what is said about new files during the day."""

import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import dagster as dg

from pipeline.defs.exports import INBOX
from pipeline.defs.night import Night, sweep_if_free
from pipeline.settings import Workspace

TICK_SECONDS = 300
READ_SECONDS = 30
SHOWN = 50

overnight_job = dg.define_asset_job(
    "overnight",
    selection=dg.AssetSelection.all(),
    description="Files in, checked version and pages out.",
)


@dg.schedule(
    job=overnight_job,
    cron_schedule="0 1 * * *",
    execution_timezone="Asia/Jakarta",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="One run handles whatever is pending, also after nights without power.",
)
def overnight_schedule(context: dg.ScheduleEvaluationContext, night: Night) -> dg.RunRequest:
    sweep_if_free(context.instance, night.workspace)
    return dg.RunRequest()


@dg.sensor(
    name="inbox",
    minimum_interval_seconds=TICK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Reads new files in the inbox and says what the night would do with them. It stores nothing and builds nothing.",
)
def inbox_sensor(context: dg.SensorEvaluationContext, night: Night) -> dg.SensorResult:
    sweep_if_free(context.instance, night.workspace)
    since = int(context.cursor or 0)
    exports, cursor, waiting = look(night.workspace, since)
    if not exports:
        return dg.SensorResult(skip_reason="tidak ada berkas baru / no new files", cursor=str(cursor))
    counts: dict[str, int] = {}
    for export in exports:
        counts[export.outcome] = counts.get(export.outcome, 0) + 1
    note = f"{json.dumps(counts)}{f'; {waiting} menunggu / waiting' if waiting else ''}"
    event = dg.AssetObservation(
        INBOX, description=note, metadata={"outcomes": counts, "problems": dg.MetadataValue.md(problems(exports))}
    )
    return dg.SensorResult(skip_reason=note, cursor=str(cursor), asset_events=[event])


def look(workspace: Workspace, since: int) -> tuple[list[Any], int, int]:
    """Read files that came after `since` (ctime, ns), oldest first, for a limited time; give results, new cursor, files left."""
    from pipeline import registry
    from pipeline.exports import read
    from pipeline.intake import inbox

    try:
        known: registry.Registry | None = registry.load(workspace.registry)
    except registry.RegistryError:
        known = None
    accounts = known.accounts["account_id"].unique().to_list() if known else []
    found = [(f.path.lstat().st_ctime_ns, f) for f in inbox.scan(workspace.inbox, accounts) if f.problem is None]
    new = sorted((item for item in found if item[0] > since), key=lambda item: item[0])
    deadline, exports, cursor, done = time.monotonic() + READ_SECONDS, [], since, 0
    for changed, file in new:
        if time.monotonic() > deadline:
            break
        owner = [file.account] if file.account else []
        exports += read(
            Path(file.path), name=file.name, registry=known, accounts=owner, folder_date=file.folder_date, first_seen=_now()
        )
        cursor, done = changed, done + 1
    return exports, cursor, len(new) - done


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def problems(exports: list[Any]) -> str:
    """What a person should do about the new files, as a list; texts are escaped by the reader and by us."""
    lines = []
    for export in exports:
        for message in export.messages:
            text = f"{export.file} {export.member}: {message.code} {message.place}: {message.id} / {message.en}"
            lines.append("- " + "".join(c if c.isalnum() or c in " .,:;/-_()'%?!→" else f"&#{ord(c)};" for c in text))
    more = len(lines) - SHOWN
    return "\n".join(lines[:SHOWN] + ([f"- … {more} lagi / more"] if more > 0 else [])) or "–"
