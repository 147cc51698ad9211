"""Our own sheets, for what no platform lets anyone download: follower counts, replies, Threads, WhatsApp channels, Telegram.

The empty sheets are in docs/templat/. Times are WIB. Registers that belong in the registry folder (plan, targets, trainings,
incidents, and the followers and responses of all accounts) are recognised here only to say where they go.
"""

from typing import Any

import polars as pl

from pipeline.formats import Column, Detection, Format, Notes
from pipeline.formats.shorthand import count, people, text

WIB = "Asia/Jakarta"
MINUTES = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S")
DAYS = ("%Y-%m-%d",)
MENU = "Isian sendiri: salin docs/templat/{}.csv, isi, simpan sebagai CSV, taruh di folder akun"


def _sheet(name: str, platform: str | None, grain: str, title_id: str, title_en: str, **more: Any) -> Format:
    return Format(
        kind=f"template_{name}",
        platform=platform,
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=MENU.format(name),
        zone=WIB,
        dates=more.pop("dates", MINUTES),
        unknown_columns="refuse",
        by_hand=True,
        **more,
    )


def _posts(name: str, platform: str, title: str, link: str, handle: str, *metrics: Column) -> Format:
    """Posts noted by hand from the app: link, time of publication, the day the numbers were read."""
    columns = (
        Column("permalink", "url", ("link",), ("tautan",), required=True),
        Column("published_at", "datetime", ("published_at",), ("tayang",), required=True),
        Column("captured_on", "date", ("read_on",), ("dicatat",), formats=DAYS, required=True),
        text("caption", "text", id=("teks",)),
        *metrics,
    )
    return _sheet(
        name,
        platform,
        "post",
        f"Isian {title}: unggahan",
        f"{title} by hand: posts",
        columns=columns,
        detect=(Detection(all_of=("permalink", "published_at", "captured_on", *(m.field for m in metrics))),),
        unique=("post_id",),
        post_id_from=("permalink", link),
        handle_from=("permalink", handle),
    )


def _received_day(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    return frame.with_columns(pl.col("received_at").dt.date().alias("received_on"))


def _belongs_in_registry(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    notes.refuse("REGISTER_FILE")
    return frame


def _register(name: str, title_id: str, title_en: str, *headers: str) -> Format:
    return Format(
        kind=f"register_{name}",
        platform=None,
        grain="register",
        title_id=title_id,
        title_en=title_en,
        menu_id=f"Isian sendiri: registry/{name}.csv di folder kerja (bukan di inbox)",
        columns=tuple(text(f"_{h}", h) for h in headers),
        detect=(Detection(all_of=headers),),
        unknown_columns="ignore",
        finish=_belongs_in_registry,
        refuses=(("REGISTER_FILE", "a register of the whole regency is read from the registry folder, not as an export"),),
    )


VIEWS = count("views", "views", id=("tayangan",))
REACTIONS = count("reactions", "reactions", id=("reaksi",))
FORWARDS = count("forwards", "forwards", id=("diteruskan",))
SHARES = count("shares", "shares", id=("dibagikan",))

FORMATS = (
    _sheet(
        "followers",
        None,
        "account_day",
        "Isian jumlah pengikut",
        "Followers by hand",
        columns=(
            Column("day", "date", ("date",), ("tanggal",), required=True),
            people("followers", "followers", id=("pengikut",), required=True),
        ),
        detect=(Detection(columns_exactly=2, all_of=("day", "followers")),),
        dates=DAYS,
        unique=("day",),
    ),
    _sheet(
        "responses",
        None,
        "case",
        "Isian catatan tanggapan",
        "Response log by hand",
        columns=(
            text("case_id", "case_id", id=("nomor",), required=True),
            text("channel", "channel", id=("saluran",), required=True),
            Column("received_at", "datetime", ("received_at",), ("diterima",), required=True),
            Column("first_reply_at", "datetime", ("first_reply_at",), ("dibalas",), required=True),
            Column("closed_at", "datetime", ("closed_at",), ("selesai",)),
            text("category", "category", id=("kategori",)),
            text("status", "status"),
            text("sla_class", "sla_class", id=("kelas",)),
            text("district", "district", id=("kecamatan",)),
        ),
        detect=(Detection(all_of=("case_id", "channel", "received_at", "first_reply_at"), none_of=("agency_id", "account_id")),),
        unique=("case_id",),
        finish=_received_day,
    ),
    _posts(
        "threads",
        "threads",
        "Threads",
        r"threads\.(?:net|com)/@[\w.]+/post/([\w-]+)",
        r"threads\.(?:net|com)/@([\w.]+)/",
        VIEWS,
        count("likes", "likes", id=("suka",)),
        count("replies", "replies", id=("balasan",)),
        count("reposts", "reposts", id=("posting_ulang",)),
        count("quotes", "quotes", id=("kutipan",)),
        SHARES,
    ),
    _posts(
        "whatsapp",
        "whatsapp",
        "saluran WhatsApp",
        r"whatsapp\.com/channel/[\w-]+/(\d+)",
        r"whatsapp\.com/channel/([\w-]+)/",
        REACTIONS,
        FORWARDS,
    ),
    _posts(
        "telegram",
        "telegram",
        "Telegram",
        r"t\.me/(?:s/)?\w+/(\d+)",
        r"t\.me/(?:s/)?(\w+)/",
        VIEWS,
        REACTIONS,
        FORWARDS,
        count("comments", "comments", id=("komentar",)),
    ),
    _register("followers", "Daftar pengikut semua akun", "Follower register", "account_id", "date", "followers"),
    _register("responses", "Catatan tanggapan semua akun", "Response register", "case_id", "agency_id", "account_id"),
    _register("plan", "Rencana konten", "Content plan", "plan_id", "agency_id", "planned_at"),
    _register("targets", "Sasaran", "Targets", "agency_id", "metric", "period", "target"),
    _register("trainings", "Daftar pelatihan", "Trainings", "training_id", "agency_id", "wave"),
    _register("incidents", "Daftar kejadian", "Incidents", "incident_id", "agency_id", "started_at"),
)
