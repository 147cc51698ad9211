"""YouTube Studio: the tables of the advanced mode, as CSV or inside the ZIP they are downloaded in.

The user picks the metrics and their order, so only the first column tells the kind. Values are sums over the period chosen at
export, which only the archive's name or its chart files tell: a lifetime total is claimed only where that period reaches back
to the publication. Days are Pacific. Row 'Total' covers deleted, private and cut-off videos too.

Indonesian names are quoted by three independent public tools; 'Tayangan' means thumbnail impressions here and views elsewhere,
so aliases are never shared between platforms.
"""

from typing import Any

import polars as pl

from pipeline.formats import TOTAL_LABELS, Column, Detection, Format, Notes, Table, normalise
from pipeline.formats.shorthand import count, ignored, people, percent, seconds, text

PACIFIC = "America/Los_Angeles"
# The archive's name tells the period. A table kept without its archive may be given it by hand, in its own name.
TO = r"(?:[ _]|\.\.| ?[-–] ?| s\.?d\.? | sampai | to )"  # how people write from when to when; the platform writes a space or _
ARCHIVE = (rf"(?:.+? )?(?P<first>\d{{4}}-\d\d-\d\d){TO}(?P<last>\d{{4}}-\d\d-\d\d)\b.*\.(?:zip|csv|xlsx)",)
TRAILERS = (r"Showing top \d+ results", r"Menampilkan \d+ .*")
MENU = "studio.youtube.com > Analytics > Mode lanjutan > {} > Ekspor tampilan saat ini > .csv"

METRICS = (
    count("views", "Views", id=("Penayangan",)),
    count("engaged_views", "Engaged views"),
    seconds("watch_seconds", "Watch time (hours)", id=("Waktu tonton (jam)",), scale=3600),
    count("follows_net", "Subscribers", id=("Subscriber",), falls="freely"),
    count("follows_gained", "Subscribers gained", id=("Subscriber yang diperoleh",)),
    count("follows_lost", "Subscribers lost", id=("Subscriber yang hilang",)),
    count("impressions", "Impressions", "Thumbnail impressions", id=("Tayangan", "Tayangan thumbnail")),
    percent(
        "impressions_ctr_rate",
        "Impressions click-through rate (%)",
        "Thumbnail click-through rate (%)",
        id=("Rasio klik-tayang dari tayangan (%)",),
    ),
    Column("avg_watch_seconds", "duration", ("Average view duration",), ("Rata-rata durasi tonton",), unit="seconds"),
    percent("avg_view_rate", "Average percentage viewed (%)", id=("Persentase penayangan rata-rata (%)",)),
    percent("stayed_to_watch_rate", "Stayed to watch (%)", "Viewed (vs. swiped away) (%)"),
    count("shown_in_feed", "Shown in feed"),
    people("unique_viewers", "Unique viewers", id=("Penonton unik",)),
    Column(
        "avg_views_per_viewer", "decimal", ("Average views per viewer",), ("Penayangan rata-rata per penonton",), unit="count"
    ),
    people("new_viewers", "New viewers", id=("Penonton baru",)),
    people("returning_viewers", "Returning viewers", id=("Penonton yang kembali",)),
    people("casual_viewers", "Casual viewers"),
    people("regular_viewers", "Regular viewers"),
    count("likes", "Likes", id=("Suka",), falls="freely"),  # net of likes taken back within the period
    count("dislikes", "Dislikes", id=("Tidak suka",), falls="freely"),
    percent("likes_ratio_rate", "Likes (vs. dislikes) (%)", "Likes (vs dislikes) (%)", id=("Suka (vs. tidak suka) (%)",)),
    count("shares", "Shares", id=("Pembagian",)),
    count("comments", "Comments added", id=("Komentar ditambahkan",), falls="freely"),
    count("hypes", "Hypes", falls="freely"),  # a hype may be taken back within the period
    count("hype_points", "Hype points", id=("Poin hype",), falls="freely"),
    count("post_subscribers", "Post subscribers", falls="freely"),
    count("premium_views", "YouTube Premium views", id=("Penayangan YouTube Premium",)),
    count("end_screen_clicks", "End screen element clicks", id=("Klik pada elemen layar akhir",)),
    count("end_screen_shown", "End screen elements shown"),
    percent("end_screen_ctr_rate", "Clicks per end screen element shown (%)"),
    count("remixes", "Remixes created", id=("Jumlah remix",)),
    count("playlist_adds", "Playlist adds", "Added to playlists", id=("Simpanan playlist",)),
    # Revenue is not needed and may be confidential.
    ignored(pattern=r"(?:your |video )?estimated (?:ad |transaction )?revenue.*|(?:estimasi|perkiraan) pendapatan.*"),
    ignored(pattern=r"(?:rpm|(?:playback-based )?cpm) \(\w{3}\)"),
)
METRIC_FIELDS = tuple(c.field for c in METRICS if c.kind != "ignored")
# Names that no other platform's day export uses: they tell a date table from everybody else's.
TELLTALE = (
    "watch_seconds",
    "avg_watch_seconds",
    "follows_net",
    "engaged_views",
    "impressions_ctr_rate",
    "avg_view_rate",
    "stayed_to_watch_rate",
    "premium_views",
    "hypes",
    "hype_points",
    "end_screen_clicks",
)

# First column -> dimension. The Indonesian names are inferred, but for 'Konten'.
BREAKDOWNS = {
    "traffic_source": (("Traffic source",), ("Sumber traffic", "Sumber kunjungan")),
    "country": (("Geography",), ("Geografi",)),
    "city": (("Cities",), ("Kota",)),
    "age": (("Viewer age",), ("Usia penonton",)),
    "gender": (("Viewer gender",), ("Gender penonton",)),
    "subscription": (("Subscription status",), ("Status langganan",)),
    "post": (("Content",), ("Konten",)),
}
NOT_A_DAY_TABLE = (
    "new follows",
    "unfollows",
    *(normalise(h) for names in BREAKDOWNS.values() for group in names for h in group),
)
CITY_NAMES = ("city name", "nama kota")
LABELS = {
    "female": "female",
    "perempuan": "female",
    "male": "male",
    "laki-laki": "male",
    "user-specified": "other",
    "ditentukan pengguna": "other",
    "subscribed": "subscribed",
    "not subscribed": "not_subscribed",
    "subscriber": "subscribed",
    "bukan subscriber": "not_subscribed",
}


def _dimension(table: Table) -> str:
    """What the label column splits by; it is the first column, or the second after a date."""
    header = [normalise(h) for h in table.records[0][1][:2]]
    return next(d for d, groups in BREAKDOWNS.items() for g in groups for h in g if normalise(h) in header)


def _place_names(table: Table) -> Table:
    """City tables hold a map place id, then the name: the name becomes the label; two cities of one name keep their id."""
    header = [normalise(h) for h in table.records[0][1]]
    name = next((header.index(h) for h in CITY_NAMES if h in header), None)
    place = next((i for i, h in enumerate(header[:2]) if h in ("cities", "kota")), None)
    if name is None and place is not None and any(cells[place].startswith("0x") for _, cells in table.records[1:] if cells):
        table.records[0][1][place] = "Cities without City name"  # ids are no labels: a share of no known city would read as zero
    if name is None or place is None:
        return table
    ids: dict[str, set[str]] = {}
    rows = [cells for _, cells in table.records[1:] if len(cells) == len(header)]
    for cells in rows:
        ids.setdefault(cells[name], set()).add(cells[place])
    for cells in rows:
        if cells[name] and normalise(cells[place]) not in TOTAL_LABELS:
            cells[place] = cells[name] if len(ids[cells[name]]) == 1 else f"{cells[name]} ({cells[place]})"
    return table


def _cut_top_video(table: Table) -> Table:
    """A date report may append the day's top video under the same names: from 'Video title' on nothing is the channel's."""
    line, header = table.records[0]
    names = [normalise(h) for h in header]
    start = next((names.index(h) for h in ("video title", "judul video") if h in names), len(header))
    table.records[0] = (line, header[:start] + [f"Top video: {h}" for h in header[start:]])
    return table


def _plain_labels(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """'13–17 years' (an en dash) becomes '13-17'; gender and subscription get one name in both languages; others stay."""
    label = pl.col("label").str.strip_chars()
    age = label.str.extract(r"^(\d+(?:\s*[–-]\s*\d+|\+)) (?:years|tahun)$").str.replace(r"\s*[–-]\s*", "-")
    known = label.str.to_lowercase().replace_strict(LABELS, default=None, return_dtype=pl.Utf8)
    return frame.with_columns(pl.coalesce(age, known, label).alias("label"))


def _shorts(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Only Shorts have a share of viewers who stayed; without that column nothing tells a Short from a video."""
    known = [c for c in ("stayed_to_watch_rate", "shown_in_feed") if c in frame.columns]
    is_short = pl.any_horizontal(pl.col(known).is_not_null()) if known else pl.lit(False)
    return frame.with_columns(pl.when(is_short).then(pl.lit("short")).otherwise(pl.lit("video")).alias("post_type"))


def _both_days(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """A daily breakdown covers one day: its period starts and ends there."""
    return frame.with_columns(pl.col("period_start").alias("period_end"))


def _last_is_metric(table: Table) -> bool:
    known = {normalise(h) for c in METRICS for h in c.headers}
    return normalise(table.records[0][1][-1]) in known


DAY = Column("day", "date", ("Date",), ("Tanggal",), required=True)
COMMON: dict[str, Any] = {
    "platform": "youtube",
    "zone": PACIFIC,
    "file_names": ARCHIVE,
    "one_cell_trailers": TRAILERS,
    "total_labels": TOTAL_LABELS,
    "total_rule": "at_least",
    "ends_with_newline": True,
}


def _breakdown(kind: str, dimension: str, title_id: str, title_en: str, menu: str, *extra: Column) -> Format:
    """A table of one dimension: label, then the metrics the user picked, as sums over the export's period."""
    en, indonesian = BREAKDOWNS[dimension]
    return Format(
        kind=kind,
        grain="audience",
        title_id=title_id,
        title_en=title_en,
        menu_id=MENU.format(menu),
        columns=(Column("label", "text", en, indonesian, required=True), *extra, *METRICS),
        detect=(Detection(first_column=en + indonesian),),
        dimension=dimension,
        unique=("label",),
        caps=(500,),
        period_sums=True,
        reshape=_place_names if dimension == "city" else None,
        finish=_plain_labels,
        finish_by_row=True,
        **COMMON,
    )


SHARES = (
    percent("views_share_rate", "Views (%)", id=("Penayangan (%)",)),
    percent("watch_time_share_rate", "Watch time (hours) (%)", id=("Waktu tonton (jam) (%)",)),
)

FORMATS = (
    Format(
        kind="yt_table_content",
        grain="post",
        title_id="YouTube: tabel konten (per video)",
        title_en="YouTube: content table (by video)",
        menu_id=MENU.format("Konten"),
        columns=(
            Column("post_id", "id", ("Content", "Video"), ("Konten",), shape=r"[A-Za-z0-9_-]{11}", required=True),
            text("caption", "Video title", id=("Judul video",)),
            Column("published_on", "date", ("Video publish time",), ("Waktu publikasi video",)),
            people("duration_seconds", "Duration", id=("Durasi",)),
            *METRICS,
        ),
        detect=(Detection(all_of=("post_id", "caption", "published_on"), none_of=("Date", "Tanggal")),),
        dates=("%b %-d, %Y", "%-d %b %Y"),
        unique=("post_id",),
        caps=(500,),
        period_sums=True,
        finish=_shorts,
        finish_by_row=True,
        **COMMON,
    ),
    Format(
        kind="yt_table_date",
        grain="account_day",
        title_id="YouTube: tabel tanggal (kanal per hari)",
        title_en="YouTube: date table (channel by day)",
        menu_id=MENU.format("Tanggal"),
        columns=(DAY, *METRICS, ignored(pattern=r"top video: .*")),
        detect=(Detection(first_column=("day",), min_columns=3, any_of=TELLTALE, none_of=NOT_A_DAY_TABLE),),
        dates=("%Y-%m-%d",),
        unique=("day",),
        reshape=_cut_top_video,
        **COMMON,
    ),
    _breakdown(
        "yt_table_traffic_source",
        "traffic_source",
        "YouTube: sumber kunjungan",
        "YouTube: traffic sources",
        "Sumber traffic",
    ),
    _breakdown("yt_table_geography", "country", "YouTube: negara penonton", "YouTube: viewers by country", "Geografi"),
    _breakdown(
        "yt_table_cities",
        "city",
        "YouTube: kota penonton",
        "YouTube: viewers by city",
        "Kota",
        ignored("City name", id=("Nama kota",)),
    ),
    _breakdown("yt_table_viewer_age", "age", "YouTube: umur penonton", "YouTube: viewer age", "Usia penonton", *SHARES),
    _breakdown(
        "yt_table_viewer_gender", "gender", "YouTube: gender penonton", "YouTube: viewer gender", "Gender penonton", *SHARES
    ),
    _breakdown(
        "yt_table_subscription_status",
        "subscription",
        "YouTube: status langganan",
        "YouTube: subscription status",
        "Status langganan",
    ),
    Format(
        kind="yt_chart_data",
        grain="audience",
        title_id="YouTube: data diagram (hari x rincian)",
        title_en="YouTube: chart data (day x breakdown)",
        menu_id="Di dalam ZIP ekspor YouTube Studio: 'Chart data.csv'",
        columns=(
            Column("period_start", "date", ("Date",), ("Tanggal",), required=True),
            Column(
                "label",
                "text",
                tuple(h for en, _ in BREAKDOWNS.values() for h in en),
                tuple(h for _, indonesian in BREAKDOWNS.values() for h in indonesian),
                required=True,
            ),
            ignored(
                "City name",
                "Video title",
                "Video publish time",
                "Duration",
                id=("Nama kota", "Judul video", "Waktu publikasi video", "Durasi"),
            ),
            *METRICS,
        ),
        detect=(Detection(first_column=("period_start",), min_columns=3, any_of=("label",), positional=_last_is_metric),),
        dates=("%Y-%m-%d",),
        dimension=_dimension,
        unique=("period_start", "label"),
        reshape=_place_names,
        finish=lambda frame, notes: _plain_labels(_both_days(frame, notes), notes),
        platform="youtube",
        zone=PACIFIC,
        ends_with_newline=True,
    ),
    Format(
        kind="yt_totals",
        grain="account_day",
        title_id="YouTube: total harian satu metrik",
        title_en="YouTube: daily totals of one metric",
        menu_id="Di dalam ZIP ekspor YouTube Studio: 'Totals.csv'",
        columns=(DAY, *METRICS),
        detect=(Detection(columns_exactly=2, first_column=("day",), any_of=METRIC_FIELDS),),
        dates=("%Y-%m-%d",),
        unique=("day",),
        platform="youtube",
        zone=PACIFIC,
        ends_with_newline=True,
    ),
    Format(
        kind="yt_audience_rolling",
        grain="account_day",
        title_id="YouTube: penonton baru, sesekali, dan tetap (28 hari)",
        title_en="YouTube: new, casual and regular viewers (28 days)",
        menu_id="studio.youtube.com > Analytics > Audiens > Penonton baru, sesekali, dan tetap > Ekspor",
        columns=(
            DAY,
            people("new_viewers_28d", "28-day new viewers"),
            people("casual_viewers_28d", "28-day casual viewers"),
            people("regular_viewers_28d", "28-day regular viewers"),
        ),
        detect=(Detection(all_of=("day", "28-day new viewers")),),
        dates=("%Y-%m-%d",),
        unique=("day",),
        platform="youtube",
        zone=PACIFIC,
        ends_with_newline=True,
    ),
)
