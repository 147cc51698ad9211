"""TikTok Studio (ZIP with CSV, or XLSX of strings) and TikTok Business downloads.

Studio prints dates without a year in the language of the interface; headers stay English. 'undefined' means no data yet. A
video id carries its instant (id >> 32 seconds, UTC); printed times follow it by 2-8 s. Content holds a top list only: posts
must never be counted from it. Daily values may be negative when likes or comments are taken back.
"""

from typing import Any

import polars as pl

from pipeline.formats import Clock, Column, Detection, Format, Notes, Rule
from pipeline.formats.shorthand import count, ignored, people, text

NO_YEAR = ("%B %-d", "%-d %B", "%-d de %B")
WITH_YEAR = ("%Y-%m-%d", "%Y/%m/%d")
# Overview_<window start>_<export instant, epoch s>_<handle>.zip (2026); Followers_<handle>.zip and the like before.
ARCHIVES = (
    r"[A-Za-z]+_\d{4}-\d\d-\d\d_(?P<captured>\d{10})_(?P<handle>[\w.-]+?)(?: ?\(\d+\))?\.(?:zip|csv|xlsx)",
    r"(?:Overview|Followers|Viewers|Content)_(?P<handle>[\w.-]+?)(?: ?\(\d+\))?\.zip",
)
STUDIO_MENU = "tiktok.com/tiktokstudio > Analitik > {} > Unduh data (CSV atau XLSX)"
BUSINESS_MENU = "Akun bisnis TikTok > Business Suite > Analitik > {} > Ekspor data"
VIDEO_ID = r"/(?:video|photo)/(\d+)"
HANDLE = r"tiktok\.com/@([^/?#]+)"
GENDERS = {"female": "female", "male": "male", "other": "other", "perempuan": "female", "laki-laki": "male", "lainnya": "other"}


def _day(**more: Any) -> Column:
    return Column("day", "date", ("Date",), required=True, **more)


def _viewers_known_together(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Where the total is 'undefined', the parts read 0 in every real file: not zero viewers, but none measured yet. Nor are they
    measured where somebody watched: every viewer is new or returning."""
    nobody = (pl.col("new_viewers") == 0) & (pl.col("returning_viewers") == 0)
    known = pl.col("viewers").is_not_null() & ~((pl.col("viewers") > 0) & nobody).fill_null(False)
    return frame.with_columns(pl.when(known).then(pl.col(c)).alias(c) for c in ("new_viewers", "returning_viewers"))


def _difference_agrees(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """The difference column meant today - yesterday until early 2026 and tomorrow - today since; neither is stored.

    It must agree with the totals in one of the two directions on every row whose neighbour is known, or the file is flagged.
    """
    if "_difference" not in frame.columns or frame.height < 2:
        return frame
    days = frame.sort("day")
    total, said = pl.col("followers"), pl.col("_difference")
    backward = days.select(((total - total.shift(1)) == said).all()).item()
    forward = days.select(((total.shift(-1) - total) == said).all()).item()
    if not (backward or forward):
        notes.flag("IMPLAUSIBLE", "Difference in followers from previous day", "followers")
    return frame


def _genders(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """One name per gender in both languages. Shares are fractions ('0.59'); some files write '61%', read as the same."""
    label = pl.col("label").str.strip_chars()
    known = label.str.to_lowercase().replace_strict(GENDERS, default=None, return_dtype=pl.Utf8)
    return frame.with_columns(pl.coalesce(known, label).alias("label"))


def _hour_days(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """One row is one hour of one day: the period is that day, the label the hour with two digits."""
    odd = frame["label"].filter(~frame["label"].str.contains(r"^([01]?[0-9]|2[0-3])$"))
    if len(odd):
        notes.refuse("BAD_STRUCTURE", "Hour", odd[0])
    return frame.with_columns(pl.col("period_start").alias("period_end"), pl.col("label").str.zfill(2))


def _photo_or_video(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    is_photo = pl.col("permalink").str.contains("/photo/", literal=True)
    return frame.with_columns(pl.when(is_photo).then(pl.lit("photo")).otherwise(pl.lit("video")).alias("post_type"))


def _studio(kind: str, grain: str, title_id: str, title_en: str, menu: str, **more: Any) -> Format:
    more.setdefault("detect", (Detection(all_of=tuple(c.field for c in more["columns"])),))
    return Format(
        kind=kind,
        platform="tiktok",
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=STUDIO_MENU.format(menu),
        nulls=("", "undefined"),
        bom=True,
        dates=NO_YEAR + WITH_YEAR,
        file_names=ARCHIVES,
        **more,
    )


def _business(kind: str, grain: str, title_id: str, title_en: str, menu: str, **more: Any) -> Format:
    return Format(
        kind=kind,
        platform="tiktok",
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=BUSINESS_MENU.format(menu),
        nulls=("", "NAN", "NaN", "--"),
        **more,
    )


FORMATS = (
    _studio(
        "tiktok_studio_overview",
        "account_day",
        "TikTok Studio: ikhtisar harian",
        "TikTok Studio: daily overview",
        "Ikhtisar",
        columns=(
            _day(),
            count("views", "Video Views", falls="freely"),
            count("profile_views", "Profile Views", falls="freely"),
            count("likes", "Likes", falls="freely"),
            count("comments", "Comments", falls="freely"),
            count("shares", "Shares", falls="freely"),
        ),
        detect=(
            Detection(
                all_of=("date", "video views", "profile views", "likes", "comments", "shares"),
                none_of=("reached audience", "net growth"),
                columns_exactly=6,
            ),
        ),
        unique=("day",),
    ),
    _studio(
        "tiktok_studio_viewers",
        "account_day",
        "TikTok Studio: penonton harian",
        "TikTok Studio: daily viewers",
        "Penonton",
        columns=(
            _day(),
            people("viewers", "Total Viewers", required=True),
            people("new_viewers", "New Viewers"),
            people("returning_viewers", "Returning Viewers"),
        ),
        unique=("day",),
        rules=(
            Rule(
                "viewers_add_up",
                ("viewers", "new_viewers", "returning_viewers"),
                pl.col("viewers") == pl.col("new_viewers") + pl.col("returning_viewers"),
            ),  # 340 of 340 days of one account: unique people may be estimates, so it only flags
        ),
        finish=_viewers_known_together,
        finish_by_row=True,
    ),
    _studio(
        "tiktok_studio_follower_history",
        "account_day",
        "TikTok Studio: riwayat pengikut",
        "TikTok Studio: follower history",
        "Pengikut",
        columns=(
            _day(),
            people("followers", "Followers", required=True),
            people("_difference", "Difference in followers from previous day", falls="freely"),
        ),
        unique=("day",),
        finish=_difference_agrees,
    ),
    _studio(
        "tiktok_studio_follower_activity",
        "audience",
        "TikTok Studio: jam aktif pengikut",
        "TikTok Studio: hours of active followers",
        "Pengikut",
        columns=(
            Column("period_start", "date", ("Date",), required=True),
            text("label", "Hour", required=True),
            people("active_followers", "Active followers", required=True),
        ),
        dimension="hour",
        unique=("period_start", "label"),
        finish=_hour_days,
        refuses=(("BAD_STRUCTURE", "an hour of a day is a whole number from 0 to 23; anything else is another column"),),
    ),
    _studio(
        "tiktok_studio_follower_gender",
        "audience",
        "TikTok Studio: gender pengikut",
        "TikTok Studio: follower gender",
        "Pengikut",
        columns=(
            text("label", "Gender", required=True),
            Column("followers", "decimal", ("Distribution",), unit="share", required=True),
        ),
        dimension="gender",
        unique=("label",),
        finish=_genders,
        finish_by_row=True,
    ),
    _studio(
        "tiktok_studio_follower_territories",
        "audience",
        "TikTok Studio: negara pengikut",
        "TikTok Studio: follower territories",
        "Pengikut",
        columns=(
            text("label", "Top territories", required=True),
            Column("followers", "decimal", ("Distribution",), unit="share", required=True),
        ),
        dimension="country",
        unique=("label",),
    ),
    _studio(
        "tiktok_studio_content",
        "post",
        "TikTok Studio: konten (daftar teratas)",
        "TikTok Studio: content (top list)",
        "Konten",
        columns=(
            Column("captured_on", "date", ("Time",), required=True),  # the day of export, same on every row: captured_at
            text("caption", "Video title"),
            Column("permalink", "url", ("Video link",), required=True),
            Column("published_on", "date", ("Post time",)),
            count("likes", "Total likes"),
            count("comments", "Total comments"),
            count("shares", "Total shares"),
            count("views", "Total views"),
            # Reported by others, in files not seen here.
            count("saves", "Add to favorites"),
            people("reach", "Reach"),
            ignored("Total play time", "Average watch time", "Watched full video"),  # units unknown until a file is seen
        ),
        detect=(Detection(all_of=("video title", "video link", "post time", "total likes", "total views")),),
        unique=("post_id",),
        clock=Clock("tiktok", "post_id", use="settle", tolerance=15 * 3600),  # the printed day is the exporter's own
        post_id_from=("permalink", VIDEO_ID),
        handle_from=("permalink", HANDLE),
        finish=_photo_or_video,
        finish_by_row=True,
    ),
    _business(
        "tiktok_business_overview",
        "account_day",
        "TikTok Business: ikhtisar harian",
        "TikTok Business: daily overview",
        "Ikhtisar",
        columns=(
            _day(),
            count("views", "Video views", falls="freely"),
            people("reach", "Reached audience"),
            count("profile_views", "Profile views", falls="freely"),
            count("likes", "Likes", falls="freely"),
            count("shares", "Shares", falls="freely"),
            count("comments", "Comments", falls="freely"),
            count("phone_clicks", "Phone number clicks"),
            count("leads", "Leads submission"),
            count("follows_net", "Net growth", falls="freely"),
            count("follows_gained", "New followers"),
            count("follows_lost", "Lost followers"),
        ),
        detect=(Detection(all_of=("date", "video views", "reached audience", "profile views")),),
        dates=("%Y/%m/%d",),
        unique=("day",),
        rules=(
            Rule(
                "net_growth",
                ("follows_net", "follows_gained", "follows_lost"),
                pl.col("follows_net") == pl.col("follows_gained") - pl.col("follows_lost"),
                hard=True,
                because="net growth is by its very name what was gained less what was lost that day",
            ),
        ),
    ),
    _business(
        "tiktok_business_audience",
        "account_day",
        "TikTok Business: khalayak harian",
        "TikTok Business: daily audience",
        "Pengikut",
        columns=(
            _day(),
            count("follows_gained", "New followers"),
            people("followers", "Total followers"),
            people("reach", "Reached audience"),
            people("engaged_audience", "Engaged audience"),
        ),
        detect=(Detection(all_of=("date", "new followers", "total followers", "engaged audience")),),
        dates=("%Y/%m/%d",),
        unique=("day",),
    ),
    _business(
        "tiktok_business_video",
        "post",
        "TikTok Business: video",
        "TikTok Business: videos",
        "Konten",
        columns=(
            text("caption", "Video title"),
            Column("permalink", "url", ("Video link",), required=True),
            Column("published_at", "datetime", ("Post time",)),
            count("views", "Video views"),
            count("likes", "Likes"),
            count("comments", "Comments"),
            count("shares", "Shares"),
            count("saves", "Add to Favorites"),
        ),
        detect=(Detection(all_of=("video title", "video link", "post time", "video views")),),
        dates=("%Y/%m/%d %H:%M:%S",),
        unique=("post_id",),
        clock=Clock("tiktok", "post_id", use="check", tolerance=60, any_zone=True),  # UTC in the one account seen
        post_id_from=("permalink", VIDEO_ID),
        handle_from=("permalink", HANDLE),
        finish=_photo_or_video,
        finish_by_row=True,
    ),
)
