"""X (Twitter): account analytics since 2024, and the classic analytics of 2014-2024.

A post id carries its instant: ms = (id >> 22) + 1288834974657, UTC (3,087 of 3,087 real rows). It settles the publication time
where the file prints only a day, and checks it where the file prints the minute.
"""

import re
from collections.abc import Callable

import polars as pl

from pipeline.formats import Clock, Column, Detection, Format, Notes, Rule, Table
from pipeline.formats.shorthand import count, ignored, ratio, text

HANDLE = ("permalink", r"(?:x|twitter)\.com/([A-Za-z0-9_]{2,15}|[A-HJ-Za-hj-z0-9_])/status/")  # x.com/i/status names nobody
POST_ID = ("permalink", r"/status/(\d+)")
ID_SHAPE = r"\d{8,20}"  # 2010 and earlier ids are shorter than today's 19 digits
EXPORTER_DAY = 15 * 3600  # a printed day may be the exporter's own: UTC-12 to UTC+14

# Order is fixed; the header row follows the language of the user interface, so position decides where the names are unknown.
CLASSIC_METRICS = (
    count("impressions", "impressions"),
    count("engagements_reported", "engagements"),
    ratio("_engagement_rate", "engagement rate"),
    count("reposts", "retweets"),
    count("replies", "replies"),
    count("likes", "likes", "favorites"),  # 2014-2015 exports say favorites
    count("profile_clicks", "user profile clicks"),
    count("link_clicks", "url clicks"),
    count("hashtag_clicks", "hashtag clicks"),
    count("detail_expands", "detail expands"),
    count("permalink_clicks", "permalink clicks"),
    count("app_opens", "app opens"),
    count("app_installs", "app installs"),
    count("follows_gained", "follows", falls="flagged"),  # perhaps net of who left again
    count("email_shares", "email tweet"),
    count("phone_clicks", "dial phone"),
    count("media_views", "media views"),
    count("media_engagements", "media engagements"),
)


def _promoted(column: Column) -> Column:
    """The same quantity from paid promotion; '-' where the account never advertised."""
    name = "_promoted_engagement_rate" if column.field == "_engagement_rate" else f"promoted_{column.field}"
    return Column(name, column.kind, tuple(f"promoted {h}" for h in column.en), unit=column.unit)


CLASSIC = CLASSIC_METRICS + tuple(_promoted(c) for c in CLASSIC_METRICS)
BY_TWEET = (
    Column("post_id", "id", ("Tweet id",), shape=ID_SHAPE, required=True),
    Column("permalink", "url", ("Tweet permalink",)),
    text("caption", "Tweet text"),
    Column("published_at", "datetime", ("time",)),
)
BY_DAY = (Column("day", "date", ("Date",), required=True), count("posts_published", "Tweets published"))


def _first_row(table: Table) -> list[str]:
    return table.records[1][1] if len(table.records) > 1 else []


def _by_tweet_shape(table: Table) -> bool:
    """40 columns, an id, its link and its minute: the classic post export in any interface language."""
    row = _first_row(table)
    return (
        len(row) == 40
        and not table.records[0][1][0].isdigit()  # a header that was cut off leaves a post in its place
        and re.fullmatch(r"\d{15,20}", row[0]) is not None
        and f"/status/{row[0]}" in row[1]
        and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d [+-]\d{4}", row[3]) is not None
    )


def _by_day_shape(table: Table) -> bool:
    """38 columns and a date: the classic day export. 'Tweets published' stays English in every language seen."""
    row = _first_row(table)
    header = [h.strip().casefold() for h in table.records[0][1]]
    return len(row) == 38 and re.fullmatch(r"\d{4}-\d\d-\d\d", row[0]) is not None and "tweets published" in header[1:2]


def _english_header(columns: tuple[Column, ...]) -> Callable[[Table], Table]:
    """Rewrites a fully translated header by position, which is fixed; a header with any known English name is left alone."""

    def reshape(table: Table) -> Table:
        line, header = table.records[0]
        known = {h.casefold() for c in CLASSIC for h in c.en}
        if len(header) != len(columns) or any(h.strip().casefold() in known for h in header):
            return table
        table.records[0] = (line, [c.en[0] for c in columns])
        return table

    return reshape


def _plain_captions(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """X escapes & < > in the text it exports; the words people read are kept, and replies are told from posts."""
    if "caption" not in frame.columns:
        return frame
    plain = pl.col("caption")
    for escaped, char in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.str.replace_all(escaped, char, literal=True)
    is_reply = plain.str.starts_with("@")
    return frame.with_columns(plain.alias("caption"), pl.when(is_reply).then(pl.lit("reply")).alias("post_type"))


def _rate_rules() -> tuple[Rule, Rule]:
    """Reported rate = engagements / impressions on every one of 3,087 real rows: columns in the wrong place break it.

    None of those rows was promoted; what a promoted one counts is not known, so there it only flags.
    """
    rate, engagements, base = "_engagement_rate", "engagements_reported", "impressions"
    share = pl.col(engagements) / pl.col(base)
    near = (pl.col(rate) - share).abs() <= 0.0006 + 0.001 * share.abs()
    needs = (rate, engagements, base)

    def holds(is_paid: bool) -> Callable[[list[str]], pl.Expr]:
        def rule(columns: list[str]) -> pl.Expr:
            paid = (pl.col("promoted_impressions") > 0).fill_null(False) if "promoted_impressions" in columns else pl.lit(False)
            return pl.when((pl.col(base) > 0) & (paid == is_paid)).then(near)

        return rule

    because = "X defines the rate as engagements divided by impressions, and prints all three on the same row"
    return Rule("engagement_rate", needs, holds(False), hard=True, because=because), Rule(
        "engagement_rate, promoted", needs, holds(True)
    )


LINK = Rule(
    "permalink",
    ("permalink",),
    pl.col("permalink").str.contains(r"^https?://(?:\w+\.)?(?:x|twitter)\.com/"),
    hard=True,
    because="the link of a post on X leads to X; another address means that columns moved",
)

ACCOUNT_METRICS = (
    count("impressions", "Impressions", required=True),
    count("likes", "Likes"),
    count("engagements_reported", "Engagements"),
    count("bookmarks", "Bookmarks"),
    count("shares", "Shares", "Share"),
    count("follows_gained", "New follows", falls="flagged"),
    count("replies", "Replies"),
    count("reposts", "Reposts"),
    count("profile_visits", "Profile visits"),
)

FORMATS = (
    Format(
        kind="x_classic_by_tweet",
        platform="x",
        grain="post",
        title_id="X (Twitter) lama: per unggahan",
        title_en="X (Twitter) classic: by post",
        menu_id="analytics.twitter.com > Tweets > Export data > By Tweet (sampai sekitar 2024)",
        columns=BY_TWEET + CLASSIC,
        detect=(
            Detection(all_of=("tweet id", "tweet permalink", "tweet text", "time", "impressions", "engagements")),
            Detection(columns_exactly=40, positional=_by_tweet_shape),
        ),
        nulls=("", "-"),
        dates=("%Y-%m-%d %H:%M %z",),
        unique=("post_id",),
        rules=(*_rate_rules(), LINK),
        clock=Clock("x", "post_id", use="settle", tolerance=120),
        post_id_from=POST_ID,
        handle_from=HANDLE,
        file_names=(r"tweet_activity_metrics_(?P<handle>\w+?)_(?P<first>\d{8})_(?P<last>\d{8})_\w+\.csv",),
        last_is_exclusive=True,
        ends_with_newline=True,
        reshape=_english_header(BY_TWEET + CLASSIC),
        finish=_plain_captions,
        finish_by_row=True,
    ),
    Format(
        kind="x_classic_by_day",
        platform="x",
        grain="account_day",
        title_id="X (Twitter) lama: per hari",
        title_en="X (Twitter) classic: by day",
        menu_id="analytics.twitter.com > Tweets > Export data > By day (sampai sekitar 2024)",
        columns=BY_DAY + CLASSIC,
        detect=(
            Detection(all_of=("date", "tweets published", "impressions", "engagements", "engagement rate")),
            Detection(columns_exactly=38, positional=_by_day_shape),
        ),
        nulls=("", "-"),
        dates=("%Y-%m-%d",),
        unique=("day",),
        rules=_rate_rules(),
        file_names=(r"daily_tweet_activity_metrics_(?P<handle>\w+?)_(?P<first>\d{8})_(?P<last>\d{8})_\w+\.csv",),
        last_is_exclusive=True,
        reshape=_english_header(BY_DAY + CLASSIC),
    ),
    Format(
        kind="x_account_overview",
        platform="x",
        grain="account_day",
        title_id="X: ikhtisar akun per hari",
        title_en="X: account overview by day",
        menu_id="x.com > Lainnya > Creator Studio > Analitik > Ikhtisar > ikon unduh (CSV)",
        columns=(
            Column("day", "date", ("Date",), required=True),
            *ACCOUNT_METRICS,
            count("follows_lost", "Unfollows"),
            count("posts_published", "Create Post"),
            count("video_views", "Video views"),
            count("media_views", "Media views"),
        ),
        detect=(
            Detection(
                all_of=("date", "impressions", "engagements", "new follows", "unfollows"), none_of=("post id", "post text")
            ),
        ),
        dates=("%a, %b %-d, %Y",),
        unique=("day",),
    ),
    Format(
        kind="x_account_content",
        platform="x",
        grain="post",
        title_id="X: konten per unggahan",
        title_en="X: content by post",
        menu_id="x.com > Lainnya > Creator Studio > Analitik > Konten > ikon unduh (CSV)",
        columns=(
            Column("post_id", "id", ("Post id",), shape=ID_SHAPE, required=True),
            Column("published_on", "date", ("Date",), required=True),
            text("caption", "Post text"),
            Column("permalink", "url", ("Post Link", "Link")),
            *ACCOUNT_METRICS,
            count("detail_expands", "Detail Expands"),
            count("link_clicks", "URL Clicks"),
            count("hashtag_clicks", "Hashtag Clicks"),
            count("permalink_clicks", "Permalink Clicks"),
        ),
        detect=(Detection(all_of=("post id", "date", "post text", "impressions")),),
        dates=("%a %b %-d %Y", "%a, %b %-d, %Y"),
        unique=("post_id",),
        rules=(LINK,),
        clock=Clock("x", "post_id", use="settle", tolerance=EXPORTER_DAY),
        post_id_from=POST_ID,
        handle_from=HANDLE,
        file_names=(r"account_analytics_content_(?P<first>\d{4}-\d\d-\d\d)_(?P<last>\d{4}-\d\d-\d\d).*\.csv",),
        finish=_plain_captions,
        finish_by_row=True,
    ),
    Format(
        kind="x_video_overview",
        platform="x",
        grain="account_day",
        confidence="reported",
        title_id="X: ikhtisar video per hari",
        title_en="X: video overview by day",
        menu_id="x.com > Lainnya > Creator Studio > Analitik > Video > ikon unduh (CSV)",
        columns=(
            Column("day", "date", ("Date",), required=True),
            count("video_views", "Views", required=True),
            Column("watch_seconds", "count", ("Watch Time (ms)",), scale=0.001, unit="seconds"),
            ratio("completion_rate", "Completion Rate"),
            Column("avg_watch_seconds", "count", ("Average Watch Time (ms)",), scale=0.001, additive=False, unit="seconds"),
            ignored("Estimated Revenue"),
        ),
        detect=(
            Detection(
                all_of=("date", "views", "watch time (ms)", "completion rate", "average watch time (ms)"),
                titles=("video overview",),
                header_row=2,
            ),
        ),
        # No real file shows the date: what the sibling exports of X write is tried, anything else is refused.
        dates=("%Y-%m-%d", "%a, %b %-d, %Y"),
        unique=("day",),
    ),
)
