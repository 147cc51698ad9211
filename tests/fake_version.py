"""An invented version for page tests: the published tables of a small regency, in memory, with every awkward agency in it."""

import json
import math
import random
from datetime import date, datetime, timedelta

import duckdb
import polars as pl

BUILT = datetime(2026, 11, 22, 19, 10)
MONTHS = [date(2025 + (9 + i) // 12, (9 + i) % 12 + 1, 1) for i in range(13)]
HOSTILE = (
    '</script><script>alert(1)</script><img src=x onerror=alert(2)>=HYPERLINK("http://e.example")@SUM(A1)%{x}{{7*7}}$\\u202e\u202egnp.exe\u202c\u200b'
    '"\'<a href="javascript:alert(3)">klik</a>'
)
HARMLESS = "Dinas Contoh Biasa"
PLATFORMS = ("facebook", "instagram", "x", "youtube")
FORMATS = ("photo", "carousel", "video", "text")
NAMES = (
    "Dinas Kesehatan",
    "Disdukcapil",
    "Dinas Pendidikan",
    "Dinas Perhubungan",
    "Dinas Sosial",
    "Satpol PP",
    "BPBD",
    "Dinas Tenaga Kerja",
    "Dinas Lingkungan Hidup",
    "Diskominfo",
)
DISTRICTS = (
    "Babakan Madang",
    "Bojonggede",
    "Caringin",
    "Cariu",
    "Ciampea",
    "Ciawi",
    "Cibinong",
    "Cibungbulang",
    "Cigombong",
    "Cigudeg",
    "Cijeruk",
    "Cileungsi",
    "Ciomas",
    "Cisarua",
    "Ciseeng",
    "Citeureup",
    "Dramaga",
    "Gunung Putri",
    "Jasinga",
    "Jonggol",
    "Kemang",
    "Klapanunggal",
    "Leuwiliang",
    "Megamendung",
    "Nanggung",
    "Pamijahan",
    "Parung",
    "Rumpin",
    "Sukaraja",
    "Tenjolaya",
)


class FakeVersion:
    """`sql()` and `table()` like a published version, over frames held in memory."""

    def __init__(self, frames: dict[str, pl.DataFrame]):
        self.frames = frames
        self.connection = duckdb.connect()
        for schema in sorted({name.split(".")[0] for name in frames}):
            self.connection.execute(f"create schema if not exists {schema}")
        for name, frame in frames.items():
            self.connection.register("incoming", frame)
            self.connection.execute(f"create table {name} as select * from incoming")
            self.connection.unregister("incoming")

    def sql(self, query: str, **_) -> pl.DataFrame:
        return self.connection.sql(query).pl()

    def table(self, name: str) -> pl.DataFrame:
        return self.sql(f"select * from {name}")


def regency(
    *, districts: int = 30, hostile: str = HOSTILE, seed: int = 7, posts: int = 40, simulated: bool = True
) -> FakeVersion:
    """About 45 agencies: ordinary ones, one without data, one with three posts, one with a hostile name, one split from
    another."""
    rng = random.Random(seed)
    agencies = _agencies(districts, hostile)
    windows = [_window(a, rng) for a in agencies]
    judged = [w for w in windows if w["state"] == "judged"]
    frames = {
        "meta.version": pl.DataFrame(
            [
                {
                    "version": "w-20261123-0210",
                    "built_at": BUILT,
                    "data_cutoff": datetime(2026, 10, 31, 17),
                    "period_start": MONTHS[0],
                    "period_end": date(2026, 10, 31),
                    "simulated": simulated,
                    "workspace_name": "Kabupaten Contoh",
                    "export_count": 412,
                    "refused_count": 3,
                }
            ]
        ),
        "meta.checks": pl.DataFrame(
            [
                {
                    "name": "posts_unique",
                    "blocking": True,
                    "passed": True,
                    "failed_rows": 0,
                    "message_id": "Unggahan unik.",
                    "message_en": "Posts are unique.",
                },
                {
                    "name": "totals_move",
                    "blocking": False,
                    "passed": False,
                    "failed_rows": 2,
                    "message_id": "Jumlah berubah.",
                    "message_en": "Totals moved.",
                },
            ]
        ),
        "core.agencies": pl.DataFrame(agencies, infer_schema_length=None),
        "estimates.agency_window": pl.DataFrame(windows, infer_schema_length=None),
        "estimates.regency_month": _regency(rng, len(judged)),
        "estimates.peer_month": _peers(rng, agencies),
        "estimates.theme_window": _themes(),
        "estimates.theme_month": _theme_months(rng),
        **_monthly(agencies, windows, rng),
        **_posts(agencies, windows, rng, posts, hostile),
        **_training(agencies),
        **_files(agencies, rng, hostile),
        "estimates.response_summary": _replies(agencies),
        "estimates.actions": _actions(hostile),
        "core.series_breaks": pl.DataFrame(
            [
                {
                    "date": date(2025, 11, 1),
                    "platform": "facebook",
                    "field": "impressions",
                    "note_id": "Tayangan diganti tontonan.",
                    "note_en": "Impressions became views.",
                }
            ]
        ),
        "marts.restatements": pl.DataFrame(
            [
                {
                    "platform": "facebook",
                    "account_id": "d00-facebook",
                    "post_key": 1,
                    "day": None,
                    "share_changed": -0.1,
                    "field": "reach",
                    "old_value": 100.0,
                    "new_value": 90.0,
                    "old_captured_at": BUILT,
                    "new_captured_at": BUILT,
                }
            ],
            schema_overrides={"day": pl.Date},
        ),
        **_questions(agencies, rng),
    }
    return FakeVersion(frames)


def _agencies(districts: int, hostile: str) -> list[dict]:
    rows = [("pemkab", "Pemerintah Kabupaten Contoh", "kanal_utama", "kanal_utama")]
    rows += [(f"d{i:02d}", name, "dinas", "dinas_layanan") for i, name in enumerate(NAMES)]
    rows += [
        (f"kec-{i:02d}", f"Kec. {DISTRICTS[i % len(DISTRICTS)]}{'' if i < len(DISTRICTS) else f' {i}'}", "kecamatan", "kecamatan")
        for i in range(districts)
    ]
    rows += [
        ("tanpa-data", "Badan Tanpa Data", "badan", "penunjang"),
        ("tiga", "Badan Tiga Unggahan", "badan", "penunjang"),
        ("pecahan", "Dinas Pecahan Baru", "dinas", "dinas_layanan"),
        ("jahat", hostile, "dinas", "dinas_layanan"),
    ]
    return [
        {
            "agency_id": key,
            "name": f"{name} Kabupaten Contoh" if key != "jahat" else name,
            "short_name": name,
            "kind": kind,
            "peer_group": group,
            "district": None,
            "population": None,
            "valid_from": date(2026, 1, 1) if key == "pecahan" else None,
            "valid_to": None,
            "predecessor_id": "d04" if key == "pecahan" else None,
            "is_ranked": group in ("dinas_layanan", "kecamatan"),
        }
        for key, name, kind, group in rows
    ]


def _window(agency: dict, rng: random.Random) -> dict:
    key = agency["agency_id"]
    row = {
        "agency_id": key,
        "peer_group": agency["peer_group"],
        "period_start": date(2026, 8, 1),
        "period_end": date(2026, 10, 31),
        "vs_expected": None,
        "lower": None,
        "upper": None,
        "n_posts": None,
        "n_accounts": None,
        "n_months": None,
        "coverage": None,
        "state": "no_data",
        "previous": None,
        "change": None,
        "change_lower": None,
        "change_upper": None,
        "p": None,
        "q": None,
        "direction": "data",
        "rank_lower": None,
        "rank_upper": None,
        "rank_group_size": None,
        "is_rank_shown": None,
        "p_top": None,
        "band": None,
        "peer_median": None,
    }
    if key == "tanpa-data":
        return row
    n = 3 if key == "tiga" else rng.randint(8, 190)
    level, se = (
        math.exp(rng.gauss(0, 0.18) + (0.9 if key in ("d00", "kec-02") else -0.7 if key == "kec-12" else 0)),
        0.55 / math.sqrt(n) + 0.05,
    )
    row.update(
        vs_expected=level,
        lower=level * math.exp(-1.96 * se),
        upper=level * math.exp(1.96 * se),
        n_posts=n,
        n_accounts=3,
        n_months=3,
        coverage=1.0 if rng.random() > 0.15 else 0.7,
        state="judged" if agency["is_ranked"] else "not_ranked",
    )
    if key == "tiga":
        row["state"] = "too_few_posts"
        return row
    if key == "kec-24":
        row.update(state="not_covered", coverage=0.4)
        return row
    direction = {
        "d00": "up",
        "d01": "up",
        "kec-06": "up",
        "kec-02": "up",
        "kec-10": "up",
        "kec-08": "up",
        "d03": "down",
        "kec-27": "down",
    }.get(key, "flat")
    change = math.exp({"up": 0.4, "down": -0.45, "flat": rng.gauss(0, 0.05)}[direction] + rng.gauss(0, 0.04))
    row.update(
        previous=level / change,
        change=change,
        change_lower=change * math.exp(-0.2),
        change_upper=change * math.exp(0.2),
        q=0.5,
        direction=direction,
        rank_lower=3,
        rank_upper=11,
        rank_group_size=30,
        is_rank_shown=agency["peer_group"] == "kecamatan",
        peer_median=1.01,
    )
    return row


def _regency(rng: random.Random, n: int) -> pl.DataFrame:
    rows = []
    for i, month in enumerate(MONTHS):
        middle = 0.94 + 0.012 * i + rng.gauss(0, 0.015)
        rows.append(
            {
                "month": month,
                "median": middle,
                "lower": middle * 0.95,
                "upper": middle * 1.05,
                "q1": middle * 0.84,
                "q3": middle * 1.19,
                "n": n,
                "coverage": [0.97, 0.94, 0.96, 0.99, 0.93][i % 5],
            }
        )
    return pl.DataFrame(rows)


def _peers(rng: random.Random, agencies: list[dict]) -> pl.DataFrame:
    groups = sorted({a["peer_group"] for a in agencies})
    return pl.DataFrame(
        [
            {"peer_group": g, "month": m, "median": 1.0, "q1": 0.85 + rng.random() / 20, "q3": 1.15 + rng.random() / 20, "n": 30}
            for g in groups
            for m in MONTHS
        ]
    )


def _themes() -> pl.DataFrame:
    data = (
        ("sehat", 1.32, 0.1, 0.001),
        ("cerdas", 1.06, 0.09, 0.3),
        ("berkeadaban", 0.98, 0.16, 0.8),
        ("maju", 0.86, 0.06, 0.002),
        ("membangun", 0.78, 0.08, 0.001),
    )
    return pl.DataFrame(
        [
            {
                "scheme_id": "pancakarsa",
                "programme": p,
                "lift": v,
                "lower": v * math.exp(-1.96 * s),
                "upper": v * math.exp(1.96 * s),
                "n_posts": 150 + i * 90,
                "n_agencies": 20 + i,
                "share_posts": 0.1 + i / 40,
                "share_engagement": 0.16 - i / 60,
                "p": q,
                "q": q,
            }
            for i, (p, v, s, q) in enumerate(data)
        ]
    )


def _theme_months(rng: random.Random) -> pl.DataFrame:
    names = ("sehat", "cerdas", "berkeadaban", "maju", "membangun")
    return pl.DataFrame(
        [
            {"scheme_id": "pancakarsa", "programme": p, "month": m, "share_posts": 0.15 + rng.random() / 20, "n_posts": 60}
            for p in names
            for m in MONTHS
        ]
    )


def _monthly(agencies: list[dict], windows: list[dict], rng: random.Random) -> dict[str, pl.DataFrame]:
    index, month_rows, cover, platform = [], [], [], []
    for agency, window in zip(agencies, windows, strict=True):
        key = agency["agency_id"]
        for i, month in enumerate(MONTHS):
            missing = key == "tanpa-data" or (key == "kec-24" and i > 9) or (key == "kec-03" and i in (4, 5))
            value = None if missing or window["vs_expected"] is None else window["vs_expected"] * math.exp(rng.gauss(0, 0.08))
            posts = None if missing else rng.randint(2, 40)
            index.append(
                {
                    "agency_id": key,
                    "month": month,
                    "vs_expected": value,
                    "lower": value and value * 0.8,
                    "upper": value and value * 1.25,
                    "n_posts": posts,
                    "complete": not missing and rng.random() > 0.1,
                }
            )
            month_rows.append({"agency_id": key, "month": month, "posts": posts, "coverage": 0.0 if missing else 1.0})
            for p in PLATFORMS[: 2 + len(key) % 3]:
                state = "missing" if missing else rng.choice(("complete",) * 9 + ("partial", "refused"))
                cover.append(
                    {
                        "agency_id": key,
                        "account_id": f"{key}-{p}",
                        "platform": p,
                        "month": month,
                        "state": state,
                        "covered_days": 30,
                        "listed_days": 30,
                        "days": 30,
                        "reason_code": None,
                    }
                )
        if window["vs_expected"]:
            for p in PLATFORMS[: 2 + len(key) % 3]:
                v = window["vs_expected"] * math.exp(rng.gauss(0, 0.15))
                few = key == "tiga"
                platform.append(
                    {
                        "agency_id": key,
                        "platform": p,
                        "vs_expected": v,
                        "lower": v * 0.78,
                        "upper": v * 1.28,
                        "n_posts": 1 if few else rng.randint(5, 60),
                        "state": "too_few_posts" if few else "judged",
                        "previous": v,
                        "change": 1.0,
                        "change_lower": 0.8,
                        "change_upper": 1.2,
                        "q": 0.6,
                        "direction": "flat",
                        "er_account": 0.02 + rng.random() / 50,
                        "er_pooled": 0.03,
                    }
                )
    return {
        "estimates.agency_month_index": pl.DataFrame(index, infer_schema_length=None),
        "marts.agency_month": pl.DataFrame(month_rows, infer_schema_length=None),
        "marts.coverage_month": pl.DataFrame(cover, infer_schema_length=None, schema_overrides={"reason_code": pl.Utf8}),
        "estimates.agency_platform_window": pl.DataFrame(platform),
        "core.accounts": pl.DataFrame(
            [
                {
                    "account_id": f"{a['agency_id']}-{p}",
                    "platform": p,
                    "handle": f"sim_{a['agency_id']}",
                    "agency_id": a["agency_id"],
                    "status": "active",
                    "valid_from": None,
                    "valid_to": None,
                }
                for a in agencies
                for p in PLATFORMS[: 2 + len(a["agency_id"]) % 3]
            ],
            schema_overrides={"valid_from": pl.Date, "valid_to": pl.Date},
        ),
    }


def _posts(agencies: list[dict], windows: list[dict], rng: random.Random, count: int, hostile: str) -> dict[str, pl.DataFrame]:
    facts, texts, themes, lifts, key = [], [], [], [], 0
    for agency, window in zip(agencies, windows, strict=True):
        total = 0 if window["vs_expected"] is None else 3 if agency["agency_id"] == "tiga" else count
        for _ in range(total):
            key += 1
            at = datetime(2026, 5, 1) + timedelta(days=rng.randint(0, 180), hours=rng.choice((7, 8, 9, 10, 11, 13, 16, 19)))
            facts.append(
                {
                    "post_key": key,
                    "platform": rng.choice(PLATFORMS),
                    "account_id": f"{agency['agency_id']}-facebook",
                    "agency_id": agency["agency_id"],
                    "published_at_wib": at,
                    "published_on": at.date(),
                    "month": at.date().replace(day=1),
                    "hour": at.hour,
                    "weekday": at.weekday(),
                    "format": rng.choice(FORMATS),
                    "content_type": rng.choice(("layanan", "seremonial", None)),
                    "engagement": rng.randint(0, 900),
                    "is_comparable": True,
                    "maturity": "mature",
                    "is_top_list": False,
                    "export_id": 1,
                }
            )
            caption = hostile * 3 if agency["agency_id"] == "jahat" else f"Jadwal layanan ke-{key}, gratis untuk warga"
            link = (
                "javascript:alert(4)"
                if agency["agency_id"] == "jahat" and key % 2
                else f"https://www.facebook.com/contoh/posts/{key}"
            )
            texts.append({"post_key": key, "caption": caption, "permalink": link, "published_precision": "instant"})
            themes.append(
                {
                    "post_key": key,
                    "scheme_id": "pancakarsa",
                    "programme": rng.choice(("sehat", "cerdas", "maju", "membangun", None, None)),
                    "content_type": "layanan",
                }
            )
            lifts.append({"post_key": key, "lift": math.exp(rng.gauss(0, 0.6))})
    return {
        "marts.post_facts": pl.DataFrame(facts, infer_schema_length=None),
        "core.posts": pl.DataFrame(texts),
        "core.post_themes": pl.DataFrame(themes, infer_schema_length=None),
        "estimates.post_lift": pl.DataFrame(lifts),
    }


def _training(agencies: list[dict]) -> dict[str, pl.DataFrame]:
    trained = [a["agency_id"] for a in agencies if a["peer_group"] == "kecamatan"][:16]
    effects = [
        ("imputation", 0.11, 0.03, 0.19),
        ("callaway_santanna", 0.10, 0.0, 0.2),
        ("twfe", 0.07, 0.01, 0.13),
        ("naive", 0.21, 0.15, 0.27),
    ]
    return {
        "core.trainings": pl.DataFrame(
            [
                {
                    "training_id": f"t{i}",
                    "agency_id": key,
                    "date": date(2026, 3 + 3 * (i % 2), 12),
                    "wave": str(1 + i % 2),
                    "topic": "Konten layanan",
                }
                for i, key in enumerate(trained)
            ]
        ),
        "estimates.training_effect": pl.DataFrame(
            [
                {
                    "outcome": o,
                    "estimator": e,
                    "effect": v,
                    "lower": lo,
                    "upper": hi,
                    "p_randomisation": 0.012,
                    "n_trained": 16,
                    "n_control": 26,
                    "pretrend_p": 0.41,
                    "minimum_detectable": 0.08,
                    "state": "estimated",
                    "reason": None,
                }
                for o in ("er_account", "posts")
                for e, v, lo, hi in effects
            ],
            schema_overrides={"reason": pl.Utf8},
        ),
        "estimates.training_agency": pl.DataFrame(
            [
                {
                    "outcome": "er_account",
                    "agency_id": key,
                    "wave": str(1 + i % 2),
                    "before": 0.01 * i,
                    "after": 0.01 * i + 0.03 * (i % 7),
                    "effect": 0.03 * (i % 7),
                    "lower": 0.03 * (i % 7) - 0.1,
                    "upper": 0.03 * (i % 7) + 0.1,
                    "n": 6,
                }
                for i, key in enumerate(trained)
            ]
        ),
        "estimates.training_event": pl.DataFrame(
            [
                {
                    "outcome": "er_account",
                    "event_month": k,
                    "effect": 0.02 * max(0, k + 1),
                    "lower": 0.02 * max(0, k + 1) - 0.06,
                    "upper": 0.02 * max(0, k + 1) + 0.06,
                    "n": 16,
                }
                for k in range(-6, 7)
            ]
        ),
        "estimates.training_cohort": pl.DataFrame(
            [
                {
                    "outcome": "er_account",
                    "wave": str(i),
                    "effect": 0.05 * i,
                    "lower": 0.05 * i - 0.07,
                    "upper": 0.05 * i + 0.07,
                    "n": 8,
                }
                for i in (1, 2)
            ]
        ),
    }


def _files(agencies: list[dict], rng: random.Random, hostile: str) -> dict[str, pl.DataFrame]:
    rows = []
    for i, agency in enumerate(agencies):
        if agency["agency_id"] == "tanpa-data":
            continue
        for j in range(3):
            refused = i % 11 == 0 and j == 0
            rows.append(
                {
                    "export_id": i * 10 + j,
                    "sha256": f"{rng.getrandbits(256):064x}",
                    "file_name": hostile if agency["agency_id"] == "jahat" else f"ekspor-{i}-{j}.csv",
                    "member": "",
                    "platform": "facebook",
                    "kind": "meta.content.facebook.post",
                    "agency_id": agency["agency_id"],
                    "account_id": f"{agency['agency_id']}-facebook",
                    "outcome": "refused" if refused else "accepted",
                    "code": "A3" if refused else None,
                    "message_id": "Berkas terpotong; unduh ulang." if refused else None,
                    "message_en": "The file is cut off; download it again." if refused else None,
                    "n_rows": 40,
                    "period_first": date(2026, 8, 1),
                    "period_last": date(2026, 10, 31),
                    "captured_at": BUILT,
                    "captured_from": "file",
                    "first_seen_at": BUILT,
                }
            )
    return {"marts.export_files": pl.DataFrame(rows, infer_schema_length=None)}


def _replies(agencies: list[dict]) -> pl.DataFrame:
    rows: list[dict] = [
        {
            "agency_id": None,
            "n": 820,
            "open": 61,
            "median_hours": 13.0,
            "answered_24h": 0.6,
            "lower": 0.57,
            "upper": 0.63,
            "period_start": date(2026, 8, 1),
        }
    ]
    for i, agency in enumerate(agencies[1:12]):
        rows.append(
            {
                "agency_id": agency["agency_id"],
                "n": 30 + i,
                "open": i,
                "median_hours": 4.0 + 5 * i,
                "answered_24h": 0.9 - i / 20,
                "lower": 0.4,
                "upper": 0.9,
                "period_start": date(2026, 8, 1),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _questions(agencies: list[dict], rng: random.Random) -> dict[str, pl.DataFrame]:
    clocks = [
        {
            "case_id": f"{agency['agency_id']}-{i}",
            "agency_id": agency["agency_id"],
            "received_at_wib": datetime(2026, 8, 1) + timedelta(hours=70 * i),
            "needs_answer": True,
            "is_answered": i % 9 != 0,
            "waited_hours": math.exp(rng.gauss(2.5, 1)),
        }
        for agency in agencies[1:4]
        for i in range(28)
    ]
    gap = [("jalan", 12, 0, 0.4, 0.0), ("sampah", 9, 14, 0.3, 0.2), ("air", 4, 2, 0.1, 0.1)]
    plan = [
        {"agency_id": agencies[0]["agency_id"], "month": m, "due": 12, "matched": 10, "on_time": 8, "posts": 14, "unplanned": 4}
        for m in MONTHS[-3:]
    ]
    rhythm = {
        "account_id": f"{agencies[0]['agency_id']}-facebook",
        "agency_id": agencies[0]["agency_id"],
        "platform": "facebook",
        "quarter": date(2026, 7, 1),
        "posts": 30,
        "covered_weeks": 13,
        "active_weeks": 12,
        "weekly_mean": 2.3,
        "gap_p90_hours": 90.0,
    }
    return {
        "estimates.case_clocks": pl.DataFrame(clocks),
        "estimates.aspiration_gap": pl.DataFrame(
            [{"topic": t, "cases": c, "posts": p, "share_cases": a, "share_posts": b, "gap": a - b} for t, c, p, a, b in gap]
        ),
        "estimates.plan_summary": pl.DataFrame(plan),
        "estimates.rhythm": pl.DataFrame([rhythm]),
    }


def _actions(hostile: str) -> pl.DataFrame:
    told = [
        ("regency_gaps", None, {"n": 2, "names": ["Badan Tanpa Data", hostile[:60]]}),
        ("regency_service", None, {"n": 12, "factor": 1.4, "lower": 1.1, "upper": 1.8, "share": 0.31}),
        ("agency_format", "d00", {"format": "video", "lift": 1.8, "lift_lower": 1.2, "posts": 14}),
        ("agency_slow", "d06", {"answered_24h": 0.41, "lower": 0.3, "upper": 0.52, "n": 44}),
        ("agency_refused", "jahat", {"n": 2, "file_name": hostile}),
        ("rule_of_tomorrow", "d02", {"n": 1}),
    ]
    return pl.DataFrame(
        [
            {
                "rule": rule,
                "rank": 1 + i % 3,
                "agency_id": agency,
                "text_id_key": rule,
                "arguments": json.dumps(arguments),
                "evidence_query": "select 1",
                "evidence_n": 1,
            }
            for i, (rule, agency, arguments) in enumerate(told)
        ]
    )
