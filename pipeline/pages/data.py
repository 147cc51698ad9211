"""What the pages need from one published version, loaded once and partitioned in Python.

Ninety agencies in two languages are 180 pages; asking the version per page would cost more than writing them. A table or column
that the version does not have is noted (`Facts.absent`), its part of the page says so, and nothing is invented in its place.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import files
from pipeline.html.escape import file_part, tampil

T, N, F, D, S, B = pl.Utf8, pl.Int64, pl.Float64, pl.Date, pl.Datetime("us"), pl.Boolean

_ESTIMATE = {"vs_expected": F, "lower": F, "upper": F, "n_posts": N, "state": T}
_CHANGE = {"previous": F, "change": F, "change_lower": F, "change_upper": F, "q": F, "direction": T}
NEEDS: dict[str, dict[str, pl.DataType | type]] = {
    "meta.version": {
        "version": T,
        "built_at": S,
        "data_cutoff": S,
        "period_start": D,
        "period_end": D,
        "simulated": B,
        "workspace_name": T,
        "export_count": N,
        "refused_count": N,
    },
    "meta.checks": {"name": T, "blocking": B, "passed": B, "failed_rows": N, "message_id": T, "message_en": T},
    "core.agencies": {
        "agency_id": T,
        "name": T,
        "short_name": T,
        "kind": T,
        "peer_group": T,
        "valid_from": D,
        "valid_to": D,
        "predecessor_id": T,
        "is_ranked": B,
    },
    "core.accounts": {"account_id": T, "platform": T, "handle": T, "agency_id": T, "status": T, "valid_from": D, "valid_to": D},
    "core.trainings": {"training_id": T, "agency_id": T, "date": D, "wave": T, "topic": T},
    "core.post_themes": {"post_key": N, "scheme_id": T, "programme": T, "content_type": T},
    "core.post_programmes": {"post_key": N, "scheme_id": T, "programme": T, "is_primary": B},
    "core.cases": {"agency_id": T, "case_id": T},
    "core.series_breaks": {"date": D, "platform": T, "field": T, "note_id": T, "note_en": T},
    "marts.agency_month": {"agency_id": T, "month": D, "posts": N, "coverage": F},
    "marts.coverage_month": {
        "agency_id": T,
        "account_id": T,
        "platform": T,
        "month": D,
        "state": T,
        "covered_days": N,
        "listed_days": N,
        "days": N,
        "reason_code": T,
    },
    "marts.export_files": {
        "export_id": N,
        "sha256": T,
        "file_name": T,
        "member": T,
        "platform": T,
        "kind": T,
        "agency_id": T,
        "account_id": T,
        "outcome": T,
        "code": T,
        "message_id": T,
        "message_en": T,
        "n_rows": N,
        "period_first": D,
        "period_last": D,
        "captured_at": S,
        "captured_from": T,
        "first_seen_at": S,
    },
    "marts.restatements": {
        "platform": T,
        "account_id": T,
        "post_key": N,
        "day": D,
        "field": T,
        "old_value": F,
        "new_value": F,
        "old_captured_at": S,
        "new_captured_at": S,
        "share_changed": F,
    },
    "estimates.agency_window": {
        "agency_id": T,
        "peer_group": T,
        "period_start": D,
        "period_end": D,
        **_ESTIMATE,
        "n_accounts": N,
        "n_months": N,
        "coverage": F,
        **_CHANGE,
        "rank_lower": N,
        "rank_upper": N,
        "rank_group_size": N,
        "is_rank_shown": B,
        "peer_median": F,
    },
    "estimates.agency_platform_window": {
        "agency_id": T,
        "platform": T,
        "coverage": F,
        **_ESTIMATE,
        **_CHANGE,
        "er_account": F,
        "er_pooled": F,
    },
    "estimates.agency_month_index": {
        "agency_id": T,
        "month": D,
        "vs_expected": F,
        "lower": F,
        "upper": F,
        "n_posts": N,
        "complete": B,
    },
    "estimates.peer_month": {"peer_group": T, "month": D, "median": F, "q1": F, "q3": F, "n": N},
    "estimates.regency_month": {"month": D, "median": F, "lower": F, "upper": F, "q1": F, "q3": F, "n": N, "coverage": F},
    "estimates.theme_window": {
        "scheme_id": T,
        "programme": T,
        "lift": F,
        "lower": F,
        "upper": F,
        "n_posts": N,
        "n_agencies": N,
        "share_posts": F,
        "share_engagement": F,
        "p": F,
        "q": F,
    },
    "estimates.theme_month": {"scheme_id": T, "programme": T, "month": D, "share_posts": F, "n_posts": N},
    "estimates.training_effect": {
        "outcome": T,
        "estimator": T,
        "effect": F,
        "lower": F,
        "upper": F,
        "p_randomisation": F,
        "n_trained": N,
        "n_control": N,
        "pretrend_p": F,
        "minimum_detectable": F,
        "state": T,
        "reason": T,
    },
    "estimates.training_event": {"outcome": T, "event_month": N, "effect": F, "lower": F, "upper": F, "n": N},
    "estimates.training_cohort": {"outcome": T, "wave": T, "effect": F, "lower": F, "upper": F, "n": N},
    "estimates.training_agency": {
        "outcome": T,
        "agency_id": T,
        "wave": T,
        "before": F,
        "after": F,
        "effect": F,
        "lower": F,
        "upper": F,
        "n": N,
    },
    "estimates.case_clocks": {
        "case_id": T,
        "agency_id": T,
        "received_at_wib": S,
        "needs_answer": B,
        "is_answered": B,
        "waited_hours": F,
    },
    "estimates.aspiration_gap": {"topic": T, "cases": N, "posts": N, "share_cases": F, "share_posts": F, "gap": F},
    "estimates.plan_summary": {
        "agency_id": T,
        "month": D,
        "due": N,
        "matched": N,
        "on_time": N,
        "posts": N,
        "unplanned": N,
    },
    "estimates.rhythm": {
        "account_id": T,
        "agency_id": T,
        "platform": T,
        "quarter": D,
        "posts": N,
        "covered_weeks": N,
        "active_weeks": N,
        "weekly_mean": F,
        "gap_p90_hours": F,
    },
    "estimates.campaigns": {"campaign": T, "lead_agency_id": T, "invited": N, "joined": N, "partner_posts": N},
    "estimates.response_summary": {
        "agency_id": T,
        "n": N,
        "open": N,
        "median_hours": F,
        "answered_24h": F,
        "lower": F,
        "upper": F,
        "period_start": D,
    },
    "estimates.actions": {
        "rule": T,
        "rank": N,
        "agency_id": T,
        "text_id_key": T,
        "arguments": T,
        "evidence_query": T,
        "evidence_n": N,
    },
}

POSTS_QUERY: dict[str, dict[str, pl.DataType | type]] = {
    "marts.post_facts": {
        "post_key": N,
        "platform": T,
        "account_id": T,
        "agency_id": T,
        "published_at_wib": S,
        "published_on": D,
        "month": D,
        "hour": N,
        "weekday": N,
        "format": T,
        "content_type": T,
        "engagement": N,
        "is_comparable": B,
        "maturity": T,
        "is_collab": B,
        "is_top_list": B,
        "export_id": N,
    },
    "core.posts": {"post_key": N, "caption": T, "permalink": T, "published_precision": T},
    "estimates.post_lift": {"post_key": N, "lift": F},
}

MINIMUM_CASES = 20
LENS = "pancakarsa"
UNTAGGED = "untagged"  # the row of posts without a theme in theme_window and post_themes
MINIMUM_LIST = 20
HOURS = ((0, 6), (6, 9), (9, 12), (12, 15), (15, 18), (18, 21), (21, 24))


@dataclass(frozen=True)
class Clock:
    """When one agency posted in the last 13 months. `cells` are (weekday, block of hours) with posts n, comparable posts n_lift
    and their geometric mean lift; posts without a time of day are only counted."""

    cells: dict[tuple[int, int], dict]
    timed: int
    untimed: int


@dataclass
class Facts:
    """One version, ready for the pages. `windows` is keyed by agency; everything is sorted so that two builds agree."""

    info: dict
    agencies: list[dict]
    windows: dict[str, dict]
    frames: dict[str, pl.DataFrame]
    by_agency: dict[str, dict[str, pl.DataFrame]]
    habits: dict[str, dict]
    best: dict[str, list[dict]]
    largest: dict[str, float]  # share of an agency's interactions that its largest post of the period carried
    clock: dict[str, Clock]
    themes: dict[str, dict[str, str]]
    untagged: dict[str, float] = field(default_factory=dict)
    rules: dict = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    notebooks: list = field(default_factory=list)  # execution.Record, of the runs kept in the workspace

    def of(self, table: str, agency_id: str) -> pl.DataFrame:
        """The rows of one agency; an empty frame of the right columns when it has none."""
        found = self.by_agency[table].get(agency_id)
        return self.frames[table].clear() if found is None else found

    def unlisted(self, agency_id: str | None = None) -> list[tuple[str, str]]:
        """(platform, account) whose exports of the judged months list only the posts that did best, so posts are not counted."""
        first, last = self.period
        rows = self.frames["marts.coverage_month"] if agency_id is None else self.of("marts.coverage_month", agency_id)
        if first is None or last is None:
            return []
        rows = rows.filter(pl.col("month").is_between(first, last) & (pl.col("covered_days") > 0))
        listed = pl.col("listed_days").fill_null(pl.col("covered_days")).sum()
        found = rows.group_by("platform", "account_id").agg(listed=listed).filter(pl.col("listed") == 0)
        return sorted(found.select("platform", "account_id").iter_rows())

    @property
    def period(self) -> tuple[date | None, date | None]:
        """The three complete months that the estimates judge."""
        window = next(iter(self.windows.values()), {})
        return window.get("period_start"), window.get("period_end")

    def months(self, count: int = 13) -> list[date]:
        """The last `count` months of the judged period, oldest first."""
        end = self.period[1]
        return [month_back(end.replace(day=1), k) for k in range(count - 1, -1, -1)] if end else []

    @property
    def schemes(self) -> list[str]:
        """The programme schemes of the judged period: Pancakarsa first, then those with the most posts."""
        counts = self.frames["estimates.theme_window"].group_by("scheme_id").agg(pl.col("n_posts").sum())
        ordered = counts.drop_nulls("scheme_id").sort("n_posts", "scheme_id", descending=[True, False], nulls_last=True)
        found: list[str] = ordered["scheme_id"].to_list()
        return sorted(found, key=lambda scheme: scheme != LENS)

    @property
    def scheme(self) -> str:
        """The scheme that leads: Pancakarsa where the version has it, else the programme of the day."""
        return (self.schemes or [LENS])[0]

    @property
    def tagged_by(self) -> str:
        """The scheme whose programmes the single posts carry; it may be another one than the leading scheme."""
        known = set(self.frames["core.post_programmes"]["scheme_id"].unique()) | set(
            self.frames["core.post_themes"].filter(pl.col("programme").is_not_null())["scheme_id"].unique()
        )
        return next((scheme for scheme in self.schemes if scheme in known), self.scheme)

    @property
    def simulated(self) -> bool:
        return bool(self.info.get("simulated"))


def load(version, registry=None) -> Facts:
    absent: list[str] = []
    frames = {name: read(version, name, columns, absent) for name, columns in NEEDS.items()}
    window = frames["estimates.theme_window"].filter((pl.col("programme") == UNTAGGED) & pl.col("share_posts").is_not_null())
    untagged = dict(window.select("scheme_id", "share_posts").iter_rows())
    for name in ("estimates.theme_window", "estimates.theme_month"):
        frames[name] = frames[name].filter(pl.col("programme") != UNTAGGED)  # its share has another denominator
    info = (frames["meta.version"].to_dicts() or [{}])[0]
    windows = {r["agency_id"]: r for r in frames["estimates.agency_window"].sort("agency_id").to_dicts()}
    agencies = _agencies(frames["core.agencies"], windows)
    keyed = (
        "marts.agency_month",
        "marts.coverage_month",
        "marts.export_files",
        "estimates.agency_platform_window",
        "estimates.agency_month_index",
        "estimates.response_summary",
        "core.accounts",
        "core.trainings",
        "estimates.actions",
        "estimates.case_clocks",
        "estimates.plan_summary",
        "estimates.rhythm",
    )
    facts = Facts(
        info=info,
        agencies=agencies,
        windows=windows,
        frames=frames,
        by_agency={name: _partition(frames[name]) for name in keyed},
        habits={},
        best={},
        largest={},
        clock={},
        themes=theme_names(registry),
        untagged=untagged,
        rules=theme_rules(registry),
        absent=absent,
    )
    posts = _posts(version, absent, facts)
    counted = posts.filter(~pl.col("is_top_list").fill_null(value=False))  # a top list says nothing of the posts it leaves out
    frames["posts"], frames["counted"] = posts, counted
    facts.by_agency["counted"] = _partition(counted)
    facts.habits = habits(counted, facts.period)
    facts.best = best_posts(posts, frames["texts"], facts.period)
    facts.largest = largest_shares(counted, facts.period)
    facts.clock = clocks(counted, facts.months())
    return facts


def read(version, name: str, columns: dict, absent: list[str]) -> pl.DataFrame:
    """The named columns of a table; what the version lacks is null and noted."""
    try:
        has = version.sql(f"select * from {name} limit 0").columns  # noqa: S608  # names come from the dictionary above
    except Exception as error:
        if "does not exist" not in str(error) and "Catalog" not in type(error).__name__ + str(error):
            raise
        absent.append(name)
        return pl.DataFrame(schema=columns)
    known = [c for c in columns if c in has]
    absent.extend(f"{name}.{c}" for c in columns if c not in has)
    listed = ", ".join(f'"{c}"' for c in known)
    frame = version.sql(f"select {listed} from {name}") if known else pl.DataFrame()  # noqa: S608
    missing = [pl.lit(None).alias(c) for c in columns if c not in has]
    return frame.with_columns(missing).select(pl.col(c).cast(t, strict=False) for c, t in columns.items())


def _partition(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    if "agency_id" not in frame.columns or frame.is_empty():
        return {}
    return {key[0]: part for key, part in frame.partition_by("agency_id", as_dict=True).items() if key[0] is not None}


def _agencies(frame: pl.DataFrame, windows: dict[str, dict]) -> list[dict]:
    """Alphabetical by short name, cleaned for display, each with a file name of its own."""
    rows, used = [], set()
    for row in frame.unique("agency_id", keep="last").sort("agency_id").to_dicts():
        row["short"] = tampil(row["short_name"] or row["name"] or row["agency_id"], 60)
        row["long"] = tampil(row["name"] or row["short"], 120)
        slug, stem, count = file_part(row["agency_id"]), file_part(row["agency_id"]), 1
        while slug in used:
            count += 1
            slug = f"{stem}-{count}"
        used.add(slug)
        row["slug"] = slug
        row["window"] = windows.get(row["agency_id"]) or {}
        rows.append(row)
    return sorted(rows, key=lambda r: (alphabetical(r["short"]), r["agency_id"]))


def alphabetical(name: str) -> str:
    """What names are sorted by: a sign before the first letter or digit puts nobody at the head of a list."""
    return re.sub(r"^[\W_]+", "", name).casefold()


def _posts(version, absent: list[str], facts: Facts) -> pl.DataFrame:
    """Post facts of the last 13 months with lift; captions only join for the few posts that are listed."""
    columns = POSTS_QUERY["marts.post_facts"]
    posts = read(version, "marts.post_facts", columns, absent)
    lift = read(version, "estimates.post_lift", POSTS_QUERY["estimates.post_lift"], absent)
    posts = posts.join(lift.unique("post_key"), on="post_key", how="left", maintain_order="left")
    texts = read(version, "core.posts", POSTS_QUERY["core.posts"], absent)
    precision = texts.select("post_key", "published_precision").unique("post_key")
    facts.frames["texts"] = texts
    themes = _primary_theme(facts)
    joined = posts.join(precision, on="post_key", how="left").join(themes, on="post_key", how="left")
    return joined.sort("published_on", "post_key")


def _primary_theme(facts: Facts) -> pl.DataFrame:
    """post_key, programme: the first programme of each post in the scheme that posts are tagged by."""
    scheme = facts.tagged_by
    several = facts.frames["core.post_programmes"].filter(pl.col("scheme_id") == scheme)
    first = several.filter(pl.col("is_primary").fill_null(value=False)).select("post_key", "programme")
    tagged = facts.frames["core.post_themes"].filter((pl.col("programme") != UNTAGGED) & (pl.col("scheme_id") == scheme))
    both = pl.concat([first, tagged.select("post_key", "programme")]) if scheme != LENS or first.is_empty() else first
    return both.unique().sort("post_key", "programme").unique("post_key", keep="first", maintain_order=True)


def habits(posts: pl.DataFrame, period: tuple[date | None, date | None]) -> dict[str, dict]:
    """What an agency did in the judged months and in the three before: posts, share of video, of service content. Counts only."""
    first, last = period
    if first is None or last is None or posts.is_empty():
        return {}
    before = date(first.year - (first.month <= 3), (first.month - 4) % 12 + 1, 1)
    window: Any = pl.when(pl.col("published_on").is_between(first, last)).then(pl.lit("now"))
    window = window.when((pl.col("published_on") >= before) & (pl.col("published_on") < first)).then(pl.lit("then"))
    counted = (
        posts.with_columns(window=window)
        .filter(pl.col("window").is_not_null() & pl.col("agency_id").is_not_null())
        .group_by("agency_id", "window")
        .agg(
            pl.len().alias("posts"),
            (pl.col("format") == "video").sum().alias("video"),
            (pl.col("content_type") == "layanan").sum().alias("service"),
        )
        .sort("agency_id", "window")
    )
    found: dict[str, dict] = {}
    for row in counted.to_dicts():
        found.setdefault(row["agency_id"], {})[row["window"]] = row
    return found


def best_posts(
    posts: pl.DataFrame, texts: pl.DataFrame, period: tuple[date | None, date | None], top: int = 5
) -> dict[str, list[dict]]:
    """The posts with the highest lift over the account's own normal, for agencies with at least 20 comparable posts."""
    first, last = period
    if first is None or last is None or posts.is_empty():
        return {}
    rows = posts.filter(pl.col("published_on").is_between(first, last) & pl.col("lift").is_not_null() & pl.col("is_comparable"))
    rows = rows.filter(pl.len().over("agency_id") >= MINIMUM_LIST)
    rows = rows.sort("lift", "post_key", descending=[True, False]).group_by("agency_id", maintain_order=True).head(top)
    words = texts.select("post_key", "caption", "permalink").unique("post_key")
    rows = rows.join(words, on="post_key", how="left", maintain_order="left")
    found: dict[str, list[dict]] = {}
    for row in rows.to_dicts():
        if row["agency_id"] is not None and math.isfinite(row["lift"]):
            found.setdefault(row["agency_id"], []).append(row)
    return found


def largest_shares(posts: pl.DataFrame, period: tuple[date | None, date | None]) -> dict[str, float]:
    """agency → share of the interactions of the period that its largest post carried."""
    if period[0] is None or posts.is_empty():
        return {}
    seen = posts.filter(pl.col("published_on").is_between(*period) & pl.col("agency_id").is_not_null())
    sums = seen.group_by("agency_id").agg(pl.col("engagement").sum().alias("total"), pl.col("engagement").max().alias("top"))
    return {key: top / total for key, total, top in sums.select("agency_id", "total", "top").iter_rows() if total and top}


def clocks(posts: pl.DataFrame, months: list[date]) -> dict[str, Clock]:
    """agency → posts of these months by weekday and block of hours (WIB)."""
    if not months or posts.is_empty():
        return {}
    recent = posts.filter((pl.col("published_on") >= months[0]) & pl.col("agency_id").is_not_null())
    has_time = (
        (pl.col("published_precision").fill_null("instant") != "day")
        & pl.col("hour").is_not_null()
        & pl.col("weekday").is_not_null()
    )
    counts = recent.group_by("agency_id").agg(has_time.sum().alias("timed"), pl.len().alias("n"))
    block: Any = pl.lit(0)
    for index, (low, _) in enumerate(HOURS):
        block = pl.when(pl.col("hour") >= low).then(pl.lit(index)).otherwise(block)
    known = pl.col("lift").filter(pl.col("is_comparable") & (pl.col("lift") > 0))
    cells = (
        recent.filter(has_time)
        .sort("published_on", "post_key")  # the mean of floats depends on their order
        .with_columns(block=block)
        .group_by("agency_id", "weekday", "block", maintain_order=True)
        .agg(pl.len().alias("n"), known.len().alias("n_lift"), known.log().mean().exp().alias("lift"))
        .sort("agency_id", "weekday", "block")
    )
    found: dict[str, dict[tuple[int, int], dict]] = {}
    for row in cells.to_dicts():
        found.setdefault(row["agency_id"], {})[row["weekday"], row["block"]] = row
    return {key: Clock(found.get(key, {}), timed, n - timed) for key, timed, n in counts.iter_rows()}


def month_back(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)


def theme_rules(registry=None) -> dict:
    """The rules of the register, else those of the packaged draft."""
    themes = getattr(registry, "themes", None)
    if themes:
        return dict(themes)
    path = Path(__file__).parents[1] / "templates" / "kabupaten-bogor" / "themes.yml"
    return files.load_yaml(path.read_text(encoding="utf-8")) if path.exists() else {}


def theme_names(registry=None) -> dict[str, dict[str, str]]:
    """programme or scheme → {id, en}; from the deployment's register, else from the packaged draft."""
    themes = theme_rules(registry)
    names: dict[str, dict[str, str]] = {}
    for scheme in themes.get("schemes", []):
        names[scheme["id"]] = {"id": scheme.get("name_id", scheme["id"]), "en": scheme.get("name_en", scheme["id"])}
        for programme in scheme.get("programmes", []):
            names[programme["id"]] = {
                "id": programme.get("name_id", programme["id"]).removeprefix("Karsa "),
                "en": programme.get("name_en", programme["id"]),
            }
    return names


def utc_date(value: datetime | None) -> date | None:
    return value.date() if value else None
