"""Hootsuite Inbox: conversations resolved in a range. Known from vendor documentation only, and only in part.

The time zone is whatever the user chose in the export dialog and the date format is not documented: a time is read only where
it carries its own offset. Contacts and agents are persons and dropped unread.
"""

import polars as pl

from pipeline.formats import Column, Detection, Format, Notes
from pipeline.formats.shorthand import ignored, person, text

WITH_OFFSET = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M %z")


def _conversations(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """A conversation of this export has been resolved; its channel is the network's name. UTC becomes the WIB clock."""
    wib = pl.col("received_at") + pl.duration(hours=7)
    return frame.with_columns(
        pl.col("channel").str.to_lowercase(),
        pl.lit("closed").alias("status"),
        wib.alias("received_at"),
        wib.dt.date().alias("received_on"),
    )


FORMATS = (
    Format(
        kind="hootsuite_inbox_resolved_conversations",
        platform="hootsuite",
        grain="case",
        confidence="documented",
        title_id="Hootsuite Inbox: percakapan selesai",
        title_en="Hootsuite Inbox: resolved conversations",
        menu_id="Hootsuite > Inbox > Analitik > Percakapan selesai > Ekspor CSV (pilih zona waktu UTC)",
        columns=(
            text("case_id", "Conversation ID", required=True),
            text("channel", "Medium", required=True),
            ignored("Channel", "Channel Display Name"),
            person(
                "Contact Profile ID",
                "Contact Primary Identifier",
                "Contact Secondary Identifier",
                "Last Status Change Agent ID",
            ),
            Column("received_at", "datetime", ("Created at",), required=True),
        ),
        detect=(Detection(all_of=("conversation id", "medium", "channel", "created at")),),
        zone="Asia/Jakarta",
        dates=WITH_OFFSET,
        unique=("case_id",),
        finish=_conversations,
    ),
)
