"""Meta: content exports of Facebook and Instagram, the overview's titled blocks, and the historic Page Insights.

Publish times are America/Los_Angeles wall clock in every interface language (176 of 176 posts of four organisations against
their media ids). Metric columns appear only if some row has the metric, in an order that differs between files. Empty is "not
reported". Overview files name no account, and often no platform.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from pipeline.formats import Clock, Column, Detection, Format, Notes, Repair, Rule, Table, normalise
from pipeline.formats.shorthand import ignored

PACIFIC = "America/Los_Angeles"
MENU = "business.facebook.com > Insight > {} > Ekspor"
DAYS_IN_NAME = r"(?P<first>[A-Z][a-z]{2}-\d{2}-\d{4})_(?P<last>[A-Z][a-z]{2}-\d{2}-\d{4})"
RANGE = DAYS_IN_NAME + r"_\d{10,20}"
FB_ID = r"\d{15,19}|\d{5,20}_\d{5,20}"
IG_ID = r"\d{15,19}"
LIFETIME = ("lifetime", "sepanjang masa")


def _count(field: str, en: tuple[str, ...], id: tuple[str, ...] = (), **more: Any) -> Column:
    return Column(field, "count", en, id, **more)


def _people(field: str, en: tuple[str, ...], id: tuple[str, ...] = (), **more: Any) -> Column:
    return Column(field, "count", en, id, additive=False, **more)


def _text(field: str, en: tuple[str, ...], id: tuple[str, ...] = (), **more: Any) -> Column:
    return Column(field, "text", en, id, **more)


def _seconds(field: str, en: str, total: bool) -> Column:
    """Watch time in seconds: always three decimals in totals, up to 13 in averages."""
    return Column(field, "decimal", (en,), additive=total, unit="seconds", decimals=3 if total else None)


CAPTION = (
    _text("caption", ("Title",), ("Judul",), repeated="longest"),
    _text("caption", ("Description",), ("Deskripsi",), repeated="longest"),
)
DURATION = Column("duration_seconds", "duration", ("Duration (sec)",), ("Durasi (detik)",), unit="seconds")
PUBLISHED = Column("published_at", "datetime", ("Publish time",), ("Waktu penerbitan", "Waktu publikasi"), required=True)
PERMALINK = Column("permalink", "url", ("Permalink",), ("Permalink", "Tautan permanen"))
ROW_NOTE = _text("row_note", ("Data comment",), ("Komentar data",))
DATE_SCOPE = _text("_date_scope", ("Date",), ("Tanggal",))
RCS = (
    _count("reactions", ("Reactions",), ("Tanggapan",)),
    _count("comments", ("Comments",), ("Komentar",)),
    _count("shares", ("Shares",), ("Frekuensi dibagikan", "Bagikan")),
)
REACH = _people("reach", ("Reach",), ("Jangkauan",))
IMPRESSIONS = _count("impressions", ("Impressions",), ("Impresi",))
LINK_CLICKS = _count("link_clicks", ("Link clicks",), ("Klik tautan",))


def _sources(field: str, label: str, *, total: bool) -> tuple[Column, ...]:
    """Watch time by where the viewer came from."""
    names = {
        "_recommendations": "Recommendations",
        "_followers": "Followers",
        "_shares": "Shares",
        "_boosted": "Boosted posts",
    }
    return tuple(_seconds(f"{field}{suffix}", f"{label} from {name}", total) for suffix, name in names.items())


VIDEO = (
    _seconds("watch_seconds", "Seconds viewed", True),
    _seconds("avg_watch_seconds", "Average Seconds viewed", False),
    _count("video_3s_views", ("3-second video views",)),
    _count("video_1m_views", ("1-minute video views", "60-Second Video Views")),
    _people("video_3s_viewers", ("3-second viewers",)),
    _people("video_1m_viewers", ("1-minute viewers",)),
    *_sources("watch_seconds", "Seconds viewed", total=True),
    *_sources("avg_watch_seconds", "Average Seconds viewed", total=False),
    _count("video_1m_views_recommendations", ("1-minute video views from Recommendations",)),
    _count("video_1m_views_followers", ("1-minute video views from Followers",)),
    _count("video_1m_views_shares", ("1-minute video views from Shares",)),
    _count("video_1m_views_boosted", ("1-minute video views from Boosted posts",)),
)
SPLITS = (
    _count("views_boosted", ("Views from Boosted posts",)),
    _people("reach_boosted", ("Reach from Boosted posts",)),
    _count("video_3s_views_boosted", ("3-second video views from Boosted posts",)),
    _count("views_organic", ("Views from Organic posts",)),
    _people("reach_organic", ("Reach from Organic posts",)),
    _count("video_3s_views_organic", ("3-second video views from Organic posts",)),
)
CURVES = (
    ignored(pattern=r"percentage of (total|15-second) views at interval \d+"),
    ignored(pattern=r"3-second video views by (top audience|country) \(.+\)"),
    ignored(pattern=r"lifetime percentage of viewers at each interval .*"),
    ignored(
        "Estimated earnings (USD)",
        "Approximate content monetization earnings",
        "Ad CPM (USD)",
        "Ad impressions",
        "Universal video ID",
    ),
)
FACEBOOK = (
    Column("post_id", "id", ("Post ID",), ("ID Postingan",), shape=FB_ID, required=True),
    Column("platform_account_id", "id", ("Page ID",), ("ID Halaman",), shape=r"\d{5,20}"),
    _text("account_name", ("Page name",), ("Nama Halaman",)),
    *CAPTION,
    DURATION,
    PUBLISHED,
    _text("caption_kind", ("Caption type",), ("Jenis keterangan",)),
    PERMALINK,
    Column("is_crosspost", "flag", ("Is crosspost",)),
    Column("is_share", "flag", ("Is share",)),
    _text("post_type", ("Post type",), ("Jenis postingan",)),
    _text("languages", ("Languages",), ("Bahasa",)),
    _text("custom_labels", ("Custom labels",), ("Label kustom",)),
    _text("funded_status", ("Funded content status",)),
    ROW_NOTE,
    DATE_SCOPE,
    _count("views", ("Views",), ("Tayangan",), repeated="equal"),
    IMPRESSIONS,
    _people("reach", ("Reach", "People Reached"), ("Jangkauan",)),
    _people("reach_error_rows", (), other=("IMPRESSION:UNIQUE_USERS",)),
    _count("engagement_rcs", ("Reactions, Comments and Shares",), ("Tanggapan, komentar, dan frekuensi dibagikan",)),
    *RCS,
    _count("total_clicks", ("Total clicks",), ("Total klik",)),
    LINK_CLICKS,
    _count("other_clicks", ("Other Clicks",), ("Klik lainnya",)),
    _count("photo_clicks", ("Matched Audience Targeting Consumption (Photo Click)", "Photo Views")),
    _count("video_clicks", ("Matched Audience Targeting Consumption (Video Click)", "Clicks to Play")),
    _people(
        "negative_hide_all",
        ("Negative feedback from users: Hide all", "Unique negative feedback from users: Hide all"),
    ),
    _people("negative_hide", ("Negative feedback from users: Hide", "Unique negative feedback from users: Hide")),
    _count("negative_total", ("Negative feedback from users", "Overall negative feedback")),
    _people("negative_unique", ("Unique negative feedback from users",)),
    *VIDEO,
    *SPLITS,
    *CURVES,
)
INSTAGRAM = (
    Column("post_id", "id", ("Post ID",), ("ID Postingan",), shape=IG_ID, required=True),
    Column("platform_account_id", "id", ("Account ID",), ("ID Akun",), shape=r"\d{5,20}"),
    _text("handle", ("Account username",), ("Nama pengguna akun",)),
    _text("account_name", ("Account name",), ("Nama akun",)),
    *CAPTION,
    DURATION,
    PUBLISHED,
    PERMALINK,
    _text("post_type", ("Post type",), ("Jenis postingan",)),
    ROW_NOTE,
    DATE_SCOPE,
    _count("views", ("Views",), ("Tayangan",)),
    IMPRESSIONS,
    REACH,
    _count("likes", ("Likes",), ("Suka",)),
    *RCS[1:],
    _count("saves", ("Saves",), ("Frekuensi disimpan", "Penyimpanan")),
    _count("follows_gained", ("Follows",), ("Mengikuti",), falls="flagged"),  # perhaps net of who left again
    _count("profile_visits", ("Profile visits",), ("Kunjungan profil",)),
    _count("replies", ("Replies",), ("Balasan",)),
    _count("navigation", ("Navigation",), ("Navigasi",)),
    _count("sticker_taps", ("Sticker taps",), ("Ketukan stiker",)),
    LINK_CLICKS,
)


def _deciding(columns: tuple[Column, ...], *headers: str) -> tuple[Column, ...]:
    """`columns` with those required that decide what a row is: own post or reshare, post or story, broken row, its whole text.

    All of them are among the leading columns that stand in every real file in a fixed order. A file that lost one would be read
    with every number right and rows in the wrong class, so it is refused.
    """
    return tuple(dataclasses.replace(c, required=True) if set(c.en) & set(headers) else c for c in columns)


FACEBOOK_LEADING = (
    "Post ID",
    "Page ID",
    "Page name",
    "Title",
    "Description",
    "Duration (sec)",
    "Publish time",
    "Caption type",
    "Permalink",
    "Is crosspost",
    "Is share",
    "Post type",
    "Languages",
    "Custom labels",
    "Funded content status",
    "Data comment",
    "Date",
)
INSTAGRAM_LEADING = (
    "Post ID",
    "Account ID",
    "Account username",
    "Account name",
    "Description",
    "Duration (sec)",
    "Publish time",
    "Permalink",
    "Post type",
    "Data comment",
    "Date",
)
POST_TYPES = {
    "Photos": "photo",
    "Photo": "photo",
    "Foto": "photo",
    "Videos": "video",
    "Video": "video",
    "SharedVideo": "video",
    "Reels": "reel",
    "Reel": "reel",
    "Live": "live",
    "Links": "link",
    "Link": "link",
    "Tautan": "link",
    "Text": "text",
    "Status": "text",
    "Teks": "text",
    "IG image": "image",
    "Gambar IG": "image",
    "IG carousel": "carousel",
    "Carousel IG": "carousel",
    "IG reel": "reel",
    "Reel IG": "reel",
    "IG story": "story",
    "Cerita IG": "story",
}
CLICKS = ("link_clicks", "other_clicks", "photo_clicks", "video_clicks")


def _clicks_add_up(columns: list[str]) -> pl.Expr:
    """Total = link + other + photo + video, empty = 0 (1,179 of 1,179 rows); a part that no row has has no column."""
    parts = pl.sum_horizontal(pl.col(c).fill_null(0) for c in CLICKS if c in columns)
    total = pl.col("total_clicks")
    return total == parts if all(c in columns for c in CLICKS) else total >= parts


def _parts_add_up(columns: list[str]) -> pl.Expr:
    """Reactions + comments + shares (1,179 of 1,179 rows); an empty part beside a stated sum is a zero nobody wrote."""
    return pl.col("engagement_rcs") == pl.sum_horizontal(pl.col(c).fill_null(0) for c in ("reactions", "comments", "shares"))


R_C_S = Rule(
    "R+C+S",
    ("engagement_rcs", "reactions", "comments", "shares"),
    _parts_add_up,
    hard=True,
    because="the column is by its very name the sum of the three beside it; short rows are proven by it",
)
TOTAL_CLICKS = Rule(
    "total_clicks",
    ("total_clicks", "link_clicks"),
    _clicks_add_up,
    hard=True,
    because="'other clicks' is by definition what the other three leave of the total; short rows are proven by it",
)
VIEWS_TRAP = Repair("views", ("views", "reach"), (pl.col("views") == 0) & (pl.col("reach") > 0))
# Broken on 44 of 1,047 Facebook rows (videos, reels, text) and, where posts were boosted, on 6 of 15 of an Instagram account: the
# paid part is in reach and not in views.
VIEWS_REACH_FB = Rule("views >= reach", ("views", "reach"), pl.col("views") >= pl.col("reach"), flag_above=0.2)
VIEWS_REACH_IG = Rule("views >= reach", ("views", "reach"), pl.col("views") >= pl.col("reach"))
IMPRESSIONS_REACH = Rule("impressions >= reach", ("impressions", "reach"), pl.col("impressions") >= pl.col("reach"))
VIDEO_ORDER = Rule(
    "1-minute <= 3-second views", ("video_1m_views", "video_3s_views"), pl.col("video_1m_views") <= pl.col("video_3s_views")
)


def _lifetime_only(frame: pl.DataFrame, notes: Notes) -> None:
    """Every real content export holds lifetime values; a date here would mean daily values, which nobody has seen."""
    if "_date_scope" in frame.columns and not all(normalise(s) in LIFETIME for s in frame["_date_scope"].unique() if s):
        for row, scope in frame.select("row_number", "_date_scope").iter_rows():
            if scope and normalise(scope) not in LIFETIME:
                notes.refuse("IMPLAUSIBLE", f"baris/row {row}", scope)
                return


def _facebook(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """From about autumn 2025 many reels are labelled Videos: the permalink knows."""
    _lifetime_only(frame, notes)
    if "permalink" not in frame.columns or "post_type" not in frame.columns:
        return frame
    is_reel = pl.col("permalink").str.contains("/reel/", literal=True) & (pl.col("post_type") == "video")
    return frame.with_columns(pl.when(is_reel).then(pl.lit("reel")).otherwise(pl.col("post_type")).alias("post_type"))


def _instagram(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    _lifetime_only(frame, notes)
    return frame


def _video_asset(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Assets are not posts: their id differs from the post id, so they are marked and never counted beside the posts."""
    _lifetime_only(frame, notes)
    return frame.with_columns(pl.lit("video_asset").alias("post_type"))


def _content(kind: str, platform: str, title_id: str, title_en: str, **more: Any) -> Format:
    settings: dict[str, Any] = {
        "zone": PACIFIC,
        "dates": ("%m/%d/%Y %H:%M",),
        "ends_with_newline": True,
        "bom": True,
        "row_note": "row_note",
        "unique": ("post_id",),
        "post_types": POST_TYPES,
        "file_names": (RANGE,),
        "accounts_per_row": True,
        "repairs": (VIEWS_TRAP,),
        "refuses": (("IMPLAUSIBLE", "values of one day under a header of lifetime totals would be added up as totals"),),
        "menu_id": MENU.format("Konten"),
    }
    return Format(kind=kind, platform=platform, grain="post", title_id=title_id, title_en=title_en, **(settings | more))


SHORTCODE = Clock("instagram", "permalink", use="check", tolerance=1800, later_ok=True)
IG_LEADING = ("post_id", "platform_account_id", "handle", "permalink")
STORY_FIELDS = ("navigation", "sticker_taps", "replies", "profile_visits")

CONTENT = (
    _content(
        "meta.content.facebook.post",
        "facebook",
        "Facebook: konten per unggahan",
        "Facebook: content by post",
        columns=_deciding(FACEBOOK, "Title", "Description", "Is share", "Post type", "Data comment"),
        leading=FACEBOOK_LEADING,
        detect=(
            Detection(
                all_of=("post_id", "platform_account_id", "account_name", "published_at", "permalink"),
                none_of=("handle", "people reached", "account username", "nama pengguna akun"),
            ),
        ),
        ragged_batches=True,
        rules=(R_C_S, TOTAL_CLICKS, VIEWS_REACH_FB, IMPRESSIONS_REACH, VIDEO_ORDER),
        finish=_facebook,
        finish_by_row=True,
    ),
    _content(
        "meta.content.facebook.video",
        "facebook",
        "Facebook: video",
        "Facebook: videos",
        columns=(
            Column("post_id", "id", ("Video asset ID",), shape=r"\d{10,20}", required=True),
            *(c for c in FACEBOOK if c.field != "post_id"),
        ),
        detect=(Detection(all_of=("post_id", "platform_account_id", "published_at"), none_of=("post id", "id postingan")),),
        ragged_batches=True,
        rules=(R_C_S, VIDEO_ORDER),
        finish=_video_asset,
        finish_by_row=True,
    ),
    _content(
        "meta.content.facebook.post_2021_2022",
        "facebook",
        "Facebook: konten 2021-2022",
        "Facebook: content 2021-2022",
        confidence="public_code",
        columns=(
            *FACEBOOK,
            _count("engagements_total", ("Engagements",)),
            _count("likes", ("Likes",), ("Suka",)),
        ),
        detect=(Detection(all_of=("post_id", "platform_account_id", "people reached", "engagements")),),
        rules=(),
        finish=_facebook,
        finish_by_row=True,
    ),
    _content(
        "meta.content.instagram.post",
        "instagram",
        "Instagram: konten per unggahan",
        "Instagram: content by post",
        columns=_deciding(INSTAGRAM, "Description", "Post type", "Data comment"),
        leading=INSTAGRAM_LEADING,
        detect=(Detection(all_of=IG_LEADING),),
        clock=SHORTCODE,
        rules=(VIEWS_REACH_IG, IMPRESSIONS_REACH),
        finish=_instagram,
        finish_by_row=True,
    ),
    _content(
        "meta.content.instagram.story",
        "instagram",
        "Instagram: cerita",
        "Instagram: stories",
        confidence="public_code",
        columns=_deciding(INSTAGRAM, "Description", "Post type", "Data comment"),
        leading=INSTAGRAM_LEADING,
        detect=(Detection(all_of=IG_LEADING, any_of=STORY_FIELDS),),
        clock=SHORTCODE,
        rules=(VIEWS_REACH_IG, IMPRESSIONS_REACH),
        finish=_instagram,
        finish_by_row=True,
    ),
)

# --- content export at the level of the page or account: one row a day


def _account_day(kind: str, platform: str, title_id: str, title_en: str, confidence: str, *columns: Column) -> Format:
    """Content > Export with a level above the post. Its page id is not the one that the export of posts bears (seen once)."""
    return Format(
        kind=kind,
        platform=platform,
        grain="account_day",
        title_id=title_id,
        title_en=title_en,
        menu_id=MENU.format("Konten") + " (tingkat Halaman/akun)",
        confidence=confidence,
        columns=(
            *columns,
            ROW_NOTE,
            Column("day", "date", ("Date",), ("Tanggal",), required=True),
            _people("reach", ("Reach", "Viewers"), ("Jangkauan",), repeated="first"),
            _count("views", ("Views",), ("Tayangan",)),
            _count("interactions", ("Content interactions", "Interactions"), ("Interaksi konten",)),
            _people("engaged_users", ("Unique user engagements",)),
            _count("follows_gained", ("Follows", "New follows"), ("Mengikuti",)),
            _count("follows_lost", ("Unfollows",)),
            LINK_CLICKS,
        ),
        detect=(
            Detection(
                all_of=("platform_account_id", "account_name", "day"),
                none_of=("post id", "id postingan", "video asset id", "publish time", "waktu penerbitan", "permalink"),
            ),
        ),
        zone=PACIFIC,
        dates=("%m/%d/%Y",),
        unique=("platform_account_id", "day"),
        file_names=(DAYS_IN_NAME,),
        ends_with_newline=True,
        accounts_per_row=True,
        other_ids=True,
    )


ACCOUNT_DAYS = (
    _account_day(
        "meta.content.facebook.page_day",
        "facebook",
        "Facebook: konten per hari (tingkat Halaman)",
        "Facebook: content by day (level Page)",
        "seen",
        *FACEBOOK[1:3],
        *RCS,
        _count("engagement_rcs", ("Reactions, Comments and Shares",), ("Tanggapan, komentar, dan frekuensi dibagikan",)),
        _count("page_visits", ("Page visits", "Facebook visits"), ("Kunjungan Halaman",)),
        _count("negative_total", ("Overall negative feedback", "Negative feedback from users")),
        _people("negative_unique", ("Unique negative feedback from users",)),
        ignored(pattern=r"(?:overall|unique) negative feedback(?: from users)?: .*"),
    ),
    _account_day(
        "meta.content.instagram.account_day",
        "instagram",
        "Instagram: konten per hari (tingkat akun)",
        "Instagram: content by day (level account)",
        "inferred",
        *INSTAGRAM[1:4],
        _count("likes", ("Likes",), ("Suka",)),
        *RCS[1:],
        _count("saves", ("Saves",), ("Frekuensi disimpan", "Penyimpanan")),
        _count("profile_visits", ("Profile visits",), ("Kunjungan profil",)),
    ),
)

# --- overview: title -> (platform, does the title state it, metric)

# Bare titles of one era. Where the platform is not stated the blocks beside it or the folder say it; 'Follows' and 'Viewers' were
# Facebook's in every file seen, and a folder never makes them another's.
TITLES: dict[str, tuple[str | None, bool, str]] = {
    "Reach": ("instagram", False, "reach"),
    "Viewers": ("facebook", True, "viewers"),
    "Views": (None, False, "views"),
    "Content interactions": (None, False, "interactions"),
    "Follows": ("facebook", True, "follows_gained"),
    "Tayangan": (None, False, "views"),
    "Jangkauan": ("instagram", False, "reach"),
    "Interaksi konten": (None, False, "interactions"),
    "Penonton": ("facebook", True, "viewers"),
    "Pemirsa": ("facebook", True, "viewers"),
}
# Titles that name their platform: {} stands for Facebook, Facebook Page, Instagram and so on, see PLACES.
STATED = {
    "{} reach": "reach",
    "{} viewers": "viewers",
    "{} views": "views",
    "{} content interactions": "interactions",
    "{} interactions": "interactions",
    "{} visits": "visits",
    "{} link clicks": "link_clicks",
    "{} follows": "follows_gained",
    "{} new follows": "follows_gained",
    "{} new followers": "follows_gained",
    "New {} follows": "follows_gained",
    "New {} followers": "follows_gained",
    "{} new likes": "new_likes",
    "New {} likes": "new_likes",
    "Jangkauan {}": "reach",
    "Penonton {}": "viewers",
    "Pemirsa {}": "viewers",
    "Tayangan {}": "views",
    "Interaksi konten {}": "interactions",
    "Interaksi {}": "interactions",
    "Kunjungan {}": "visits",
    "Klik tautan {}": "link_clicks",
    "Pengikut {}": "follows_gained",  # new followers per day, not their number
    "Pengikut baru {}": "follows_gained",
    "Pengikut {} baru": "follows_gained",
    "Suka baru {}": "new_likes",
    "Suka {} baru": "new_likes",
}
PLACES = {
    "facebook": ("Facebook", "Facebook Page", "Halaman Facebook"),
    "instagram": ("Instagram", "Instagram profile", "profil Instagram", "Instagram account", "akun Instagram"),
}
VISITS = {"facebook": "page_visits", "instagram": "profile_visits"}
TITLES |= {
    title.format(place): (platform, True, VISITS[platform] if metric == "visits" else metric)
    for platform, places in PLACES.items()
    for place in places
    for title, metric in STATED.items()
    if platform == "facebook" or metric != "new_likes"  # nobody likes an Instagram account
}
BY_TITLE = {normalise(k): v for k, v in TITLES.items()}
UNIQUES = ("reach", "viewers")
METRICS = tuple(dict.fromkeys(metric for *_, metric in TITLES.values()))


def _title(table: Table) -> str:
    """The block's title; where it was deleted, the name of the file, which Meta gives the same words."""
    if table.title:
        return normalise(table.title)
    base = table.file_name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return normalise(base.split("(")[0])


def _is_day_series(table: Table) -> bool:
    cells = [normalise(c) for c in table.records[0][1] if c] if table.records else []
    return len(cells) == 2 and cells[0] in ("date", "tanggal") and _title(table) in BY_TITLE


def _day_series(table: Table) -> Table:
    """The value header says Primary, or in 2023 another metric's name: the title is right."""
    line, header = table.records[0]
    metric = BY_TITLE[_title(table)][2]
    records = [(line, [header[0], f"={metric}"]), *table.records[1:]]
    return Table(records, table.sheet, table.title, table.file_name, table.siblings)


def _platform(table: Table) -> tuple[str | None, bool]:
    """The title's platform. A bare title beside one that names a platform for the same metric is the other platform's."""
    platform, stated, metric = BY_TITLE[_title(table)]
    beside = {BY_TITLE[t][0] for t in table.siblings if t in BY_TITLE and BY_TITLE[t][1:] == (True, metric)}
    if not stated and len(beside) == 1:
        return ("facebook" if beside == {"instagram"} else "instagram"), True
    return platform, stated


AUDIENCE: dict[str, tuple[str, str]] = {
    "followers": ("total", "total"),
    "followers by gender and age": ("age_gender", "matrix"),
    "followers by top cities": ("city", "pairs"),
    "followers by top towns/cities": ("city", "pairs"),
    "followers by top countries": ("country", "pairs"),
    "age & gender": ("age_gender", "matrix"),
    "usia & jenis kelamin": ("age_gender", "matrix"),
    "top cities": ("city", "rows"),
    "top towns/cities": ("city", "rows"),
    "kota teratas": ("city", "rows"),
    "top countries": ("country", "rows"),
    "negara teratas": ("country", "rows"),
    "top pages": ("page", "rows"),
    "halaman teratas": ("page", "rows"),
}
GENDERS = {
    "women": "female",
    "f": "female",
    "perempuan": "female",
    "wanita": "female",
    "men": "male",
    "m": "male",
    "laki-laki": "male",
    "pria": "male",
    "u": "unknown",
    "unknown": "unknown",
    "uncategorized": "unknown",
    "tidak diketahui": "unknown",
    "tanpa kategori": "unknown",
}
AUDIENCE_TITLES = tuple(
    f"{platform}{title}"
    for title in AUDIENCE
    for platform in (("facebook ", "instagram ") if title.startswith("followers") else ("",))
)


def _audience_of(table: Table) -> tuple[str, str]:
    title = normalise(table.title or "")
    for platform in ("facebook ", "instagram "):
        title = title.removeprefix(platform) if title.removeprefix(platform).startswith("followers") else title
    return AUDIENCE[title]


def _is_audience(table: Table) -> bool:
    first = normalise(table.records[0][1][0]) if table.records and table.records[0][1] else ""
    return first not in ("date", "tanggal")


def _audience(table: Table) -> Table:
    """Any of the block layouts as rows of label, second label and value."""
    dimension, layout = _audience_of(table)
    column = {"total": "=followers", "rows": "=share", "pairs": "=share", "matrix": "=share"}[layout]
    if dimension == "page":
        column = "=affinity"
    line = table.records[0][0]
    cells = {"total": _total, "pairs": _pairs, "rows": _name_row, "matrix": _matrix}[layout](table)
    records = [(line, ["=label", "=label2", column]), *cells]
    return Table(records, table.sheet, table.title, table.file_name, table.siblings)


def _total(table: Table) -> list[tuple[int, list[str]]]:
    return [(row, ["followers", "", cells[0] if len(cells) == 1 else " ".join(cells)]) for row, cells in table.records[1:]]


BROKEN = ["?"] * 9  # a record that no table of these layouts can hold: the structure check refuses it


def _pairs(table: Table) -> list[tuple[int, list[str]]]:
    return [(row, [cells[0], "", *cells[1:]] if len(cells) == 2 and all(cells) else BROKEN) for row, cells in table.records[1:]]


def _name_row(table: Table) -> list[tuple[int, list[str]]]:
    """One row of names, one row of values: as many, and none empty."""
    names = table.records[0][1]
    row, cells = table.records[-1]
    if len(table.records) != 2 or len(cells) != len(names) or not all(cells):
        return [(row, BROKEN)]
    return [(row, [name, "", value]) for name, value in zip(names, cells, strict=True)]


def _matrix(table: Table) -> list[tuple[int, list[str]]]:
    """Ages down, genders across, in either order; a gender that no file has is a header that was damaged."""
    line, header = table.records[0]
    genders = [GENDERS.get(normalise(c), "") for c in header[1:]]
    out: list[tuple[int, list[str]]] = []
    if not all(genders):
        return [(line, BROKEN)]
    for row, cells in table.records[1:]:
        if len(cells) != len(genders) + 1 or not any(cells[1:]):
            return [(row, BROKEN)]
        out += [(row, [cells[0], gender, value]) for gender, value in zip(genders, cells[1:], strict=True)]
    return out


def _audience_platform(table: Table) -> tuple[str | None, bool]:
    """The title's platform, or the only one that titles beside it name: the file of an audience tells of one account."""
    own, beside = (
        {p for title in titles for p in PLACES if title in AUDIENCE_TITLES and title.startswith(p)}
        for titles in ([normalise(table.title or "")], table.siblings)
    )
    platform = next(iter(own or beside)) if len(own or beside) == 1 else None
    return platform, platform is not None


def _language(table: Table) -> str:
    """The titles speak Meta's own language; the headers of a block are mostly the same in both."""
    first = normalise(table.records[0][1][0]) if table.records and table.records[0][1] else ""
    return "id" if first == "tanggal" or _title(table) in INDONESIAN_TITLES else "en"


INDONESIAN_WORDS = ("tayangan", "jangkauan", "interaksi", "penonton", "pemirsa", "kunjungan", "klik", "pengikut", "suka")
INDONESIAN_TITLES = frozenset(
    normalise(title)
    for title in (
        *(title for title in TITLES if normalise(title).startswith(INDONESIAN_WORDS)),
        *("Usia & jenis kelamin", "Kota teratas", "Negara teratas", "Halaman teratas", "Konten yang dipublikasikan"),
    )
)
FORMAT_TITLES = {
    "views": "views",
    "tayangan": "views",
    "content interactions": "interactions",
    "interaksi konten": "interactions",
    "published content": "posts_published",
    "konten yang dipublikasikan": "posts_published",
}
CONTENT_FORMATS = {
    "reels": "reel",
    "multi-photo": "carousel",
    "links": "link",
    "photos": "photo",
    "others": "other",
    "text": "text",
    "stories": "story",
    "videos": "video",
    "live": "live",
}


def _content_formats(table: Table) -> Table:
    metric = FORMAT_TITLES[normalise(table.title or "")]
    cells = [(row, [CONTENT_FORMATS.get(normalise(c[0]), c[0]), *c[2:]]) for row, c in _name_row(table)]
    records = [(table.records[0][0], ["=label", f"={metric}"]), *cells]
    return Table(records, table.sheet, table.title, table.file_name, table.siblings)


def _block(kind: str, grain: str, title_id: str, title_en: str, menu: str, **more: Any) -> Format:
    return Format(
        kind=kind,
        platform=None,
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=MENU.format(menu),
        zone=PACIFIC,
        blocks=True,
        language_from=_language,
        **more,
    )


def _first_known(tables: Callable[[Table], bool]) -> Callable[[Table], bool]:
    return lambda table: bool(table.records) and tables(table)


BLOCKS = (
    _block(
        "meta.overview.daily",
        "account_day",
        "Meta: ringkasan harian",
        "Meta: daily overview",
        "Ringkasan > ekspor grafik",
        columns=(
            Column("day", "date", ("Date",), ("Tanggal",), required=True),
            *(Column(m, "count", other=(f"={m}",), additive=m not in UNIQUES, checksum=True) for m in METRICS),
        ),
        detect=(
            Detection(all_of=("day",), titles=tuple(TITLES), positional=_is_day_series),
            Detection(all_of=("day",), positional=_is_day_series),
        ),
        dates=("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"),
        unique=("day",),
        ends_with_newline=True,
        reshape=_day_series,
        platform_from=_platform,
    ),
    _block(
        "meta.overview.audience",
        "audience",
        "Meta: khalayak",
        "Meta: audience",
        "Pemirsa",
        columns=(
            Column("label", "text", other=("=label",), required=True),
            Column("label2", "text", other=("=label2",)),
            Column("followers", "percent", other=("=share",), additive=False, unit="share"),
            Column("followers", "count", other=("=followers",), additive=False),
            Column("_affinity", "decimal", other=("=affinity",), additive=False),
        ),
        detect=(Detection(titles=AUDIENCE_TITLES, positional=_first_known(_is_audience)),),
        unique=("label", "label2"),
        reshape=_audience,
        platform_from=_audience_platform,
        dimension=lambda table: _audience_of(table)[0],
    ),
    _block(
        "meta.overview.content_formats",
        "audience",
        "Meta: format konten teratas",
        "Meta: top content formats",
        "Konten > Ringkasan > format teratas",
        columns=(
            Column("label", "text", other=("=label",), required=True),
            *(Column(m, "count", other=(f"={m}",)) for m in ("views", "interactions", "posts_published")),
        ),
        detect=(Detection(titles=tuple(FORMAT_TITLES), positional=_first_known(_is_audience)),),
        unique=("label",),
        reshape=_content_formats,
        platform_from=lambda table: (None, False),
        dimension="content_format",
    ),
)

# --- Page Insights of 2011-2021: hundreds of columns, two header rows; only plain daily and lifetime ones are used


def _single_names(table: Table) -> Table:
    """A name that repeats means two quantities which only the row below tells apart: neither is taken for the other."""
    line, header = table.records[0]
    names = [normalise(h) for h in header]
    unique = [h if names.count(n) == 1 else f"{h} [{i}]" if h else h for i, (h, n) in enumerate(zip(header, names, strict=True))]
    records = [(line, unique), *table.records[1:]]
    return Table(records, table.sheet, table.title, table.file_name, table.siblings)


def _page_of_post(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Legacy post ids carry the page: <page id>_<post id>."""
    return frame.with_columns(pl.col("post_id").str.extract(r"^(\d+)_", 1).alias("platform_account_id"))


def _legacy(kind: str, grain: str, title_id: str, title_en: str, part: str, **more: Any) -> Format:
    return Format(
        kind=kind,
        platform="facebook",
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=f"Halaman Facebook > Insights > Export data > {part} (sekitar 2011-2021)",
        zone=PACIFIC,
        containers=("csv", "xlsx", "spreadsheetml"),
        encodings=("cp1252",),
        max_columns=2800,
        second_header=True,
        unknown_columns="ignore",
        reshape=_single_names,
        **more,
    )


LEGACY_DATES = ("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
LEGACY_POST = (
    Column("post_id", "id", ("Post ID",), shape=r"\d{5,20}_\d{5,20}", required=True),
    PERMALINK,
    _text("caption", ("Post Message",)),
    _text("post_type", ("Type",)),
    _text("languages", ("Languages",)),
    Column("published_at", "datetime", ("Posted",), required=True),
    ignored("Countries", "Audience Targeting", "Content Tags"),
)
VIDEO_EXPORT = ("post id", "post message", "content tags", "lifetime total video views")
LEGACY_PARTS = (
    _count("reactions_stories", ("Lifetime Post Stories by action type - like",)),
    _count("comments_stories", ("Lifetime Post Stories by action type - comment",)),
    _count("shares_stories", ("Lifetime Post Stories by action type - share",)),
    _count("link_clicks", ("Lifetime Post Consumptions by type - link clicks",)),
    _count("other_clicks", ("Lifetime Post Consumptions by type - other clicks",)),
    _count("photo_clicks", ("Lifetime Post Consumptions by type - photo view",)),
    _count("video_clicks", ("Lifetime Post Consumptions by type - video play",)),
)


def _breakdowns(tables: Sequence[Table]) -> list[Table]:
    """The workbook splits a metric in a sheet of its own, the CSV in columns "<metric> - <part>": those become these.

    Such a sheet has a column Description before the post's id, and the metric's name, cut at 31 letters, for its own. One that
    holds no part of use here stays what it is: a sheet that nobody reads.
    """
    keys = [t for t in tables if normalise(t.sheet or "") == "key metrics" and normalise(t.records[0][1][0]) == "post id"]
    if len(keys) != 1:
        return list(tables)
    key, used = keys[0], []
    for table in tables:
        header = [normalise(c) for c in table.records[0][1]]
        start = normalise(table.sheet or "").removesuffix("...")
        if header[:2] != ["description", "post id"] or len(start) < 20:
            continue
        wanted = {normalise(c.en[0]): c.en[0] for c in LEGACY_PARTS if normalise(c.en[0]).startswith(start)}
        for at, part in enumerate(header):
            names = [text for name, text in wanted.items() if name.endswith(f" - {part}")]
            if len(names) == 1:
                values = {cells[1]: cells[at] if at < len(cells) else "" for _, cells in table.records[1:] if len(cells) > 1}
                key = _with_column(key, names[0], values)
                used.append(table)
    return [key if t is keys[0] else t for t in tables if t not in used]


def _with_column(table: Table, name: str, values: Mapping[str, str]) -> Table:
    """The table with one more column, by the id in its first one; the row of descriptions has none."""
    (line, header), *rows = table.records
    width = len(header)
    if name in header:
        return table
    records = [(line, [*header, name])]
    records += [(n, [*cells, *[""] * (width - len(cells)), values.get(cells[0], "") if cells else ""]) for n, cells in rows]
    return Table(records, table.sheet, table.title, table.file_name, table.siblings)


LEGACY = (
    _legacy(
        "meta.legacy.page_insights.page",
        "account_day",
        "Facebook lama: statistik halaman per hari",
        "Facebook legacy: page by day",
        "Page data",
        columns=(
            Column("day", "date", ("Date",), required=True),
            _people("reach", ("Daily Total Reach",), other=("page_impressions_unique:day",)),
            _count("impressions", ("Daily Total Impressions",), other=("page_impressions:day",)),
            _count("new_likes", ("Daily New Likes",), other=("page_fan_adds:day",)),
            _count("page_likes_lost", ("Daily Unlikes",), other=("page_fan_removes:day",)),
            _people("page_likes", ("Lifetime Total Likes",), other=("page_fans:lifetime",)),
        ),
        detect=(
            Detection(
                all_of=("day",),
                any_of=("reach", "page_likes", "new_likes", "impressions"),
                first_column=("day",),
                none_of=("new follows",),
            ),
        ),
        dates=LEGACY_DATES,  # the CSV seen was re-saved (M/D/YYYY): its order needs evidence like any other
        unique=("day",),
        rules=(IMPRESSIONS_REACH,),
    ),
    _legacy(
        "meta.legacy.page_insights.post",
        "post",
        "Facebook lama: statistik unggahan",
        "Facebook legacy: posts",
        "Post data",
        columns=(
            *LEGACY_POST,
            _people("reach", ("Lifetime Post Total Reach",), other=("post_impressions_unique:lifetime",)),
            _people("reach_organic", ("Lifetime Post organic reach",)),
            _people("reach_boosted", ("Lifetime Post Paid Reach",)),
            _count("impressions", ("Lifetime Post Total Impressions",), other=("post_impressions:lifetime",)),
            _people("engaged_users", ("Lifetime Engaged Users",)),
            *LEGACY_PARTS,
            _count("negative_total", ("Lifetime Negative feedback",)),
            _people("negative_unique", ("Lifetime Negative Feedback from Users",)),
        ),
        detect=(
            Detection(
                all_of=("post id", "permalink", "post message", "type", "posted", "audience targeting"), none_of=("description",)
            ),
        ),
        gather=_breakdowns,
        dates=(*LEGACY_DATES, "%m/%d/%Y %I:%M:%S %p"),
        post_types=POST_TYPES,
        unique=("post_id",),
        rules=(IMPRESSIONS_REACH,),
        finish=_page_of_post,
        finish_by_row=True,
    ),
    _legacy(
        "meta.legacy.page_insights.video",
        "post",
        "Facebook lama: statistik video",
        "Facebook legacy: videos",
        "Video data",
        columns=(*LEGACY_POST, _count("video_views", ("Lifetime Total Video Views",))),
        detect=(
            Detection(all_of=VIDEO_EXPORT, none_of=("description",)),
            Detection(all_of=(*VIDEO_EXPORT, "permalink", "type", "posted", "audience targeting"), none_of=("description",)),
        ),  # with the leading columns of the post export it is still the video export
        dates=(*LEGACY_DATES, "%m/%d/%Y %I:%M:%S %p"),
        post_types=POST_TYPES,
        unique=("post_id",),
        finish=_page_of_post,
        finish_by_row=True,
    ),
)

# --- Instagram "Download your information"


def _unmangled(text: str) -> str:
    """Text is UTF-8 whose bytes were written as Latin-1 letters."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _past_insights(document: Any) -> list[list[str]] | None:
    """posts.json of past_instagram_insights as records: one column per label that some post has; nothing private is taken."""
    posts = document.get("organic_insights_posts") if isinstance(document, dict) else None
    if not isinstance(posts, list):
        return None
    rows: list[tuple[str, str, dict[str, str]]] = []
    labels: dict[str, None] = {}
    for post in posts:
        media: dict[str, Any] = next(iter((post.get("media_map_data") or {}).values()), {})
        values = {
            _unmangled(k): _unmangled(str((v or {}).get("value", ""))) for k, v in (post.get("string_map_data") or {}).items()
        }
        labels |= dict.fromkeys(values)
        stem = str(media.get("uri", "")).rsplit("/", 1)[-1].split(".")[0]
        moment = datetime.fromtimestamp(int(media.get("creation_timestamp", 0)), UTC)
        rows.append((stem, moment.strftime("%Y-%m-%d %H:%M:%S +0000"), values))
    header = ["=post_id", "=published_at", *labels]
    return [header, *[[stem, moment, *[values.get(name, "") for name in labels]] for stem, moment, values in rows]]


DOWNLOAD = (
    Format(
        kind="meta.dyi.instagram.past_insights",
        platform="instagram",
        grain="post",
        confidence="public_code",
        title_id="Instagram: unduhan informasi Anda, wawasan lama",
        title_en="Instagram: download your information, past insights",
        menu_id="Instagram > Pusat Akun > Unduh informasi Anda > JSON (past_instagram_insights/posts.json)",
        containers=("json",),
        columns=(
            Column("post_id", "id", other=("=post_id",), required=True),
            Column("published_at", "datetime", other=("=published_at",), required=True),
            _count("impressions", ("Impressions",), ("Impresi",)),
            _people("reach", ("Accounts reached", "Reach"), ("Akun yang dijangkau", "Jangkauan")),
            _count("likes", ("Likes",), ("Suka",)),
            _count("comments", ("Comments",), ("Komentar",)),
            _count("shares", ("Shares",), ("Frekuensi dibagikan",)),
            _count("saves", ("Saves",), ("Frekuensi disimpan",)),
            _count("profile_visits", ("Profile visits",), ("Kunjungan profil",)),
            _count("follows_gained", ("Follows",), ("Mengikuti",)),
        ),
        detect=(Detection(all_of=("post_id", "published_at")),),
        nulls=("", "--"),
        dates=("%Y-%m-%d %H:%M:%S %z",),
        unique=("post_id",),
        from_json=_past_insights,
    ),
)

FORMATS = (*CONTENT, *ACCOUNT_DAYS, *BLOCKS, *LEGACY, *DOWNLOAD)
