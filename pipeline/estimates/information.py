"""Information quality: are service posts complete, are errors corrected, how fast is an emergency told, who is trained."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipeline.estimates.themes import normalise
from pipeline.tables import Table

MONTHS = "jan(?:uari)?|feb(?:ruari)?|mar(?:et)?|apr(?:il)?|mei|juni?|juli?|agu(?:stus)?|sep(?:tember)?"
MONTHS += "|okt(?:ober)?|nov(?:ember)?|des(?:ember)?"
PARTS = {
    "when": rf"\b\d{{1,2}} ?(?:{MONTHS})\b|\b\d{{1,2}}[./:]\d{{2}}\b|\b\d{{1,2}}[/-]\d{{1,2}}[/-]\d{{2,4}}\b|\bpukul\b"
    r"|\bsenin\b|\bselasa\b|\brabu\b|\bkamis\b|\bjum'?at\b|\bsabtu\b|\bminggu\b|\bsetiap hari\b|\b24 jam\b",
    "where": r"\b(?:kantor|gedung|aula|lapangan|kecamatan|desa|kelurahan|puskesmas|rsud|jalan|jl\.?|alamat|lokasi"
    r"|loket|tempat|balai|pasar|stadion|mal pelayanan publik|mpp)\b",
    "requirement": r"\b(?:syarat\w*|persyaratan|dokumen|fotokopi|ktp|kartu keluarga|kk|biaya|gratis|tarif|rp\.? ?\d|formulir"
    r"|membawa|bawa|berkas)\b",
}
CONTACT = r"https?://|www\.|\bwa\.me\b|\bhubungi\b|\bnarahubung\b|\bkontak\b|\bwhatsapp\b|\btautan\b|\blink\b|\bcall center\b"
CONTACT += r"|\bhotline\b|(?:\+62|\b0)\d[\d .-]{6,14}\d|\b[\w.+-]+@[\w-]+\.\w"
NEED = 3


def information_parts(caption: pl.Expr) -> dict[str, pl.Expr]:
    """has_when, has_where, has_requirement, has_contact of a caption, by word rules."""
    text = normalise(caption)
    found = {f"has_{name}": text.str.contains(pattern) for name, pattern in PARTS.items()}
    return found | {"has_contact": caption.str.normalize("NFKC").str.to_lowercase().str.contains(CONTACT)}


def service_posts(posts: pl.DataFrame, themes: pl.DataFrame) -> pl.DataFrame:
    """One row per counted post of content type `layanan`, no top lists; `parts`: how many of the four, three are complete."""
    service = themes.filter(pl.col("content_type") == "layanan").select("post_key")
    rows = (
        posts.filter("is_counted", ~pl.col("is_top_list"))
        .join(service, on="post_key")
        .with_columns(**information_parts(pl.col("caption")))
    )
    parts = ["has_when", "has_where", "has_requirement", "has_contact"]
    return rows.select(
        "post_key",
        "platform",
        "account_id",
        "agency_id",
        "month",
        "export_id",
        *parts,
        parts=pl.sum_horizontal(pl.col(name).cast(pl.Int64) for name in parts),
    ).sort("post_key")


def possibly_deleted(posts: pl.DataFrame, exports: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """(post_key): posts that a later complete export of the same kind and account should hold, but does not.

    An inference, not a fact: a post may have been hidden, or moved to another account.
    """
    files = exports.select("export_id", "kind", "period_first", later_at="captured_at")
    whole = spans.filter("is_whole").join(files, on="export_id")
    # A window that the file does not declare began somewhere before its first post: what is older may lie outside it.
    whole = whole.with_columns(first_day=pl.max_horizontal("first_day", "period_first"))
    seen = posts.filter("is_counted").join(exports.select("export_id", "kind"), on="export_id")
    later = seen.select("post_key", "account_id", "kind", "published_on", "captured_at").join(
        whole.select("account_id", "kind", "first_day", "last_day", "later_at"), on=["account_id", "kind"]
    )
    inside = (pl.col("published_on") > pl.col("first_day")) & (pl.col("published_on") < pl.col("last_day"))
    return later.filter(inside, pl.col("later_at") > pl.col("captured_at") + timedelta(hours=1)).select("post_key").unique()


def information_quality(
    posts: pl.DataFrame, service: pl.DataFrame, incidents: pl.DataFrame, exports: pl.DataFrame, spans: pl.DataFrame
) -> pl.DataFrame:
    """One row per agency and month with posts. `corrections` is null for an agency that logs none: no log is not no error."""
    keys = ["agency_id", "month"]
    counted = posts.filter("is_counted", ~pl.col("is_top_list"))
    gone = possibly_deleted(posts, exports, spans).with_columns(is_gone=pl.lit(True))
    table = (
        counted.join(gone, on="post_key", how="left")
        .group_by(keys)
        .agg(posts=pl.len().cast(pl.Int64), possibly_deleted=pl.col("is_gone").sum().cast(pl.Int64))
    )
    complete = service.group_by(keys).agg(
        service_posts=pl.len().cast(pl.Int64), complete_posts=(pl.col("parts") >= NEED).sum().cast(pl.Int64)
    )
    logged = incidents.filter(pl.col("kind") == "correction", pl.col("started_at_wib").is_not_null())
    corrected = logged.with_columns(month=pl.col("started_at_wib").dt.date().dt.month_start()).group_by(keys)
    table = table.join(complete, on=keys, how="left").join(
        corrected.agg(corrections=pl.len().cast(pl.Int64)), on=keys, how="left"
    )
    has_log = pl.col("agency_id").is_in(logged["agency_id"].unique().implode())
    return table.with_columns(
        pl.col("service_posts", "complete_posts").fill_null(0),
        has_log=has_log,
        corrections=pl.when(has_log).then(pl.col("corrections").fill_null(0)),
    ).sort(keys)


def incident_lags(incidents: pl.DataFrame, posts: pl.DataFrame) -> pl.DataFrame:
    """One row per emergency of the log: minutes to the post it names, else to its logged acknowledgement, else still open."""
    rows = incidents.filter(pl.col("kind") == "emergency", pl.col("started_at_wib").is_not_null())
    first = (
        posts.filter(pl.col("published_at_wib").is_not_null())
        .select("post_id", "published_at_wib")
        .unique("post_id", keep="first")
    )
    rows = rows.join(first, on="post_id", how="left")
    end = posts["captured_at"].max()
    as_of = pl.lit(end, pl.Datetime("us")) + timedelta(hours=7)  # captured_at is UTC, the log is WIB
    answered = pl.coalesce(
        pl.col("published_at_wib").cast(pl.Datetime("us")), pl.col("acknowledged_at_wib").cast(pl.Datetime("us"))
    )
    lag = (pl.coalesce(answered, as_of) - pl.col("started_at_wib").cast(pl.Datetime("us"))).dt.total_seconds() / 60
    rows = rows.with_columns(is_answered=answered.is_not_null(), lag_minutes=pl.when(lag >= 0).then(lag))
    return rows.select(
        "incident_id", "agency_id", "is_answered", "lag_minutes", month=pl.col("started_at_wib").dt.date().dt.month_start()
    ).sort("incident_id")


def trained_share(trainings: pl.DataFrame) -> pl.DataFrame:
    """One row per agency that has told its number of communicators and year of the roster (SIPD 000636: trained / all x 100).

    An agency without a training in a year counts with 0 trained of its last known number, else with the next one it tells:
    left out, the share would be of those who came. Persons are not named, so of several trainings in a year the best attended
    counts: a lower bound.
    """
    rows = trainings.filter(pl.col("communicators") > 0, pl.col("participants").is_not_null(), pl.col("date").is_not_null())
    rows = rows.with_columns(year=pl.col("date").dt.year()).sort("agency_id", "date")
    table = rows.group_by("agency_id", "year", maintain_order=True).agg(
        participants=pl.col("participants").max(), communicators=pl.col("communicators").last(), trainings=pl.len().cast(pl.Int64)
    )
    every = rows.select("agency_id").unique().join(rows.select("year").unique(), how="cross").sort("agency_id", "year")
    table = every.join(table, on=["agency_id", "year"], how="left", maintain_order="left").with_columns(
        pl.col("participants", "trainings").fill_null(0),
        pl.col("communicators").forward_fill().over("agency_id").backward_fill().over("agency_id"),
    )
    return table.with_columns(participants=pl.min_horizontal("participants", "communicators")).sort("agency_id", "year")


TABLES = {
    "estimates.service_posts": Table.of(
        service_posts,
        "core.posts",
        "core.post_themes",
        description="One row per service post: which of time, place, requirement and contact its caption holds.",
        key=("post_key",),
    ),
    "estimates.information_quality": Table.of(
        information_quality,
        "core.posts",
        "estimates.service_posts",
        "core.incidents",
        "marts.export_files",
        "staging.post_coverage",
        description="One row per agency and month: complete service posts, logged corrections, posts that may have been deleted.",
        key=("agency_id", "month"),
    ),
    "estimates.incident_lags": Table.of(
        incident_lags,
        "core.incidents",
        "core.posts",
        description="One row per emergency of the log: minutes to the first official post about it.",
        key=("incident_id",),
    ),
    "estimates.trained_share": Table.of(
        trained_share,
        "core.trainings",
        description="One row per agency and year: communicators who attended a training, of all its communicators.",
        key=("agency_id", "year"),
    ),
}
