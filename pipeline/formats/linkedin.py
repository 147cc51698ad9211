"""LinkedIn pages: content, followers, visitors and competitors workbooks (.xls is real BIFF8, or .xlsx), and member analytics.

Sheets of one workbook are exports of their own. Dates are text MM/DD/YYYY in UTC whatever the locale (stated in row 1).
Negative daily values are normal: a reaction or a comment was withdrawn. A boosted post has an Organic row, a Sponsored row per
campaign and a Total row: Organic + Sponsored are added into one row, and the Total must agree. 'Posted by' is a person's name.
Header names in Indonesian are not known; an unknown header is refused, never guessed.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from pipeline.formats import Clock, Column, Detection, Format, Notes, Rule, Table, normalise
from pipeline.formats.shorthand import count, ignored, people, person, ratio, text

DATES = ("%m/%d/%Y", "%-m/%-d/%Y")
CONTAINERS = ("csv", "xls", "xlsx")
MENU = "linkedin.com/company/<halaman>/admin > Analitik > {} > Ekspor"
WORKBOOK = r"(?P<handle>.+?)_{}_(?P<captured>\d{{13}})(?: ?\(\d+\))?\.xlsx?"
ACTIVITY = r"urn:li:(?:activity|share|ugcPost):(\d+)"
DAY = Column("day", "date", ("Date",), required=True)


def _split(field: str, *names: str, sponsored: bool = True, negative: bool = True) -> tuple[Column, ...]:
    """One quantity as LinkedIn splits it by day: organic, sponsored, and both under the plain name."""
    parts = (("_organic", "organic"), ("_sponsored", "sponsored"), ("", "total")) if sponsored else (("_organic", "organic"),)
    return tuple(
        count(f"{field}{suffix}", *(f"{n} ({part})" for n in names), falls="freely" if negative else None)
        for suffix, part in parts
    )


def _parts_add_up(field: str) -> Rule:
    organic, sponsored = f"{field}_organic", f"{field}_sponsored"
    return Rule(
        f"{field}_parts",
        (field, organic, sponsored),
        pl.col(field) == pl.col(organic) + pl.col(sponsored),
        hard=True,
        because="the column is by its very name the total of the organic and the sponsored one",
    )


def _rate_rules(suffix: str) -> tuple[Rule, Rule]:
    """rate = (clicks + reactions + comments + reposts) / impressions, LinkedIn's own definition of it.

    On days with a sponsored post the rate counts more than the four columns show (6 of 240 days of a real page), so it speaks
    against a file only where nothing was sponsored.
    """
    parts = [f"{p}{suffix}" for p in ("clicks", "reactions", "comments", "reposts")]
    rate, base = f"_engagement_rate{suffix}", f"impressions{suffix}"
    share = sum((pl.col(p) for p in parts[1:]), pl.col(parts[0])) / pl.col(base)
    near = (pl.col(rate) - share).abs() <= 0.0006 + 0.001 * share.abs()
    needs = (rate, base, *parts)

    def holds(is_paid: bool) -> Callable[[list[str]], pl.Expr]:
        def rule(columns: list[str]) -> pl.Expr:
            paid = [pl.col(c) != 0 for c in columns if c.endswith("_sponsored") and not c.startswith("_")]
            any_paid = pl.any_horizontal(*paid).fill_null(False) if paid else pl.lit(False)
            return pl.when((pl.col(base) > 0) & (any_paid == is_paid)).then(near)

        return rule

    because = "LinkedIn defines the rate so, and without a sponsored post all that it counts stands in these columns"
    name = f"engagement_rate{suffix}"
    return Rule(name, needs, holds(False), hard=True, because=because), Rule(f"{name}, sponsored", needs, holds(True))


def _one_row_per_post(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Organic and Sponsored rows of a post become one; its Total row is compared and taken off, or stands where it is alone."""
    if "_row_kind" not in frame.columns:
        return frame
    kind = pl.col("_row_kind").str.strip_chars().str.to_lowercase()
    total, parts = frame.filter(kind == "total"), frame.filter((kind != "total") | kind.is_null())
    counts = [c for c in COUNTS if c in frame.columns]
    first = [c for c in frame.columns if c not in (*counts, "post_id", "row_number")]
    merged = parts.group_by("post_id", maintain_order=True).agg(
        pl.col("row_number").min(),
        pl.col(first).drop_nulls().first(),
        *(pl.when(pl.col(c).count() > 0).then(pl.col(c).sum()).alias(c) for c in counts),
    )
    alone = total.join(merged, on="post_id", how="anti")
    both = merged.join(total.select("post_id", *counts), on="post_id", suffix="_said")
    for c in counts:
        if both.filter(pl.col(c) != pl.col(f"{c}_said")).height:
            notes.flag("IMPLAUSIBLE", c, "Total <> Organic + Sponsored")
    notes.drop("total_row", total.height - alone.height)
    notes.drop("sponsored_row", parts.height - merged.height)
    return pl.concat([merged.select(frame.columns), alone]).sort("row_number")


def _media(frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """The content type is often empty; a post with views is a video."""
    rows = _one_row_per_post(frame, notes)
    said = pl.col("_media_type").str.strip_chars().str.to_lowercase() if "_media_type" in rows.columns else pl.lit(None, pl.Utf8)
    is_video = pl.col("views") > 0 if "views" in rows.columns else pl.lit(False)
    known = pl.when(said != "").then(said.replace_strict(MEDIA, default=pl.lit("other"), return_dtype=pl.Utf8))
    return rows.with_columns(pl.coalesce(known, pl.when(is_video).then(pl.lit("video"))).alias("post_type"))


MEDIA = {
    "video": "video",
    "image": "photo",
    "multi image": "carousel",
    "multiphoto": "carousel",
    "document": "carousel",
    "carousel": "carousel",
    "article": "link",
    "link": "link",
    "text": "text",
}
COUNTS = ("impressions", "views", "offsite_views", "clicks", "likes", "comments", "reposts", "follows_gained")
VISITS = tuple(
    (count if views else people)(
        f"{prefix}{'page_views' if views else 'unique_visitors'}{suffix}",
        f"{tab} {'page views' if views else 'unique visitors'} ({device})",
    )
    for tab, prefix in (("Overview", "overview_"), ("Life", "life_"), ("Jobs", "jobs_"), ("Total", ""))
    for views in (True, False)
    for device, suffix in (("desktop", "_desktop"), ("mobile", "_mobile"), ("total", ""))
)
# Trait by the name of its sheet, which is also the header of its first column.
TRAITS = {
    "location": "location",
    "job function": "job_function",
    "seniority": "seniority",
    "industry": "industry",
    "company size": "company_size",
}


def _trait(table: Table) -> str:
    return TRAITS[normalise(table.records[0][1][0])]


def _traits_in_labels(table: Table) -> Table:
    """One sheet, several traits ('Locations', 'Job titles'): the trait goes before its value."""
    line, header = table.records[0]
    records = [(row, [f"{cells[0]}: {cells[1]}", *cells[2:]]) for row, cells in table.records[1:] if len(cells) > 1]
    table.records[:] = [(line, header[1:]), *records]
    return table


def _one_top_list(table: Table) -> Table:
    """TOP POSTS holds two lists side by side, by engagements and by impressions: one row per post."""
    line, header = table.records[0]
    names = [normalise(h) for h in header]
    lists = [i for i, n in enumerate(names) if n == "post url"]
    posts: dict[str, tuple[int, dict[str, str]]] = {}
    for row, cells in table.records[1:]:
        for start in lists:
            link, day, value = (cells + [""] * len(header))[start : start + 3]
            if link:
                _, known = posts.setdefault(link, (row, {"post publish date": day}))
                known[names[start + 2]] = value
    columns = ("post publish date", "engagements", "impressions")
    table.records[:] = [(line, ["Post URL", *columns])] + [
        (row, [link, *(known.get(c, "") for c in columns)]) for link, (row, known) in posts.items()
    ]
    return table


def _member(grain: str, title_id: str, title_en: str, **more: Any) -> Format:
    return Format(
        kind="linkedin_member_aggregate",
        platform="linkedin",
        grain=grain,
        title_id=f"LinkedIn pribadi: {title_id}",
        title_en=f"LinkedIn member: {title_en}",
        menu_id="linkedin.com > Profil > Analitik > Ekspor (profil pribadi: hanya bila dinyatakan instansi)",
        dates=("%-m/%-d/%Y",),
        containers=("xlsx",),
        file_names=(
            r"AggregateAnalytics_(?P<handle>.+?)_(?P<first>\d{4}-\d\d-\d\d)_(?P<last>\d{4}-\d\d-\d\d).*\.xlsx",
            r"Content_(?P<first>\d{4}-\d\d-\d\d)_(?P<last>\d{4}-\d\d-\d\d)_(?P<handle>.+?)(?: ?\(\d+\))?\.xlsx",
        ),
        of_person=True,
        **more,
    )


def _page(kind: str, grain: str, title_id: str, title_en: str, menu: str, workbook: str, **more: Any) -> Format:
    more.setdefault("confidence", "reported")
    return Format(
        kind=kind,
        platform="linkedin",
        grain=grain,
        title_id=title_id,
        title_en=title_en,
        menu_id=MENU.format(menu),
        dates=DATES,
        containers=CONTAINERS,
        file_names=(WORKBOOK.format(workbook),),
        **more,
    )


FORMATS = (
    _page(
        "linkedin_page_content_metrics",
        "account_day",
        "LinkedIn: konten halaman per hari",
        "LinkedIn: page content by day",
        "Konten",
        "content",
        confidence="seen",
        columns=(
            DAY,
            *_split("impressions", "Impressions", negative=False),
            people("unique_impressions_organic", "Unique impressions (organic)"),
            *_split("clicks", "Clicks"),
            *_split("reactions", "Reactions"),
            *_split("comments", "Comments"),
            *_split("reposts", "Reposts", "Shares"),
            ratio("_engagement_rate_organic", "Engagement rate (organic)", falls="freely"),
            ratio("_engagement_rate_sponsored", "Engagement rate (sponsored)", falls="freely"),
            ratio("_engagement_rate", "Engagement rate (total)", falls="freely"),
        ),
        detect=(
            Detection(all_of=("date", "impressions (organic)", "impressions (total)"), sheet=("metrics",), header_row=2),
            Detection(all_of=("date", "impressions (organic)", "impressions (total)"), sheet=("metrics",)),
        ),
        unique=("day",),
        rules=(
            *(_parts_add_up(f) for f in ("impressions", "clicks", "reactions", "comments", "reposts")),
            *(rule for s in ("_organic", "_sponsored", "") for rule in _rate_rules(s)),
        ),
    ),
    _page(
        "linkedin_page_content_posts",
        "post",
        "LinkedIn: semua unggahan halaman",
        "LinkedIn: all page posts",
        "Konten",
        "content",
        confidence="seen",
        columns=(
            text("caption", "Post title"),
            Column("permalink", "url", ("Post link",), required=True),
            text("_row_kind", "Post type"),
            person("Posted by"),
            Column("published_on", "date", ("Created date",)),
            ignored("Campaign name", "Campaign start date", "Campaign end date", "Audience"),
            count("impressions", "Impressions"),
            count("views", "Views", "Views (excluding off-site video views)"),
            count("offsite_views", "Offsite Views", "Off-site views"),
            count("clicks", "Clicks"),
            ratio("_ctr", "Click through rate (CTR)"),
            count("likes", "Likes"),
            count("comments", "Comments"),
            count("reposts", "Reposts", "Shares"),
            count("follows_gained", "Follows", falls="flagged"),  # perhaps net of who left again
            ratio("_engagement_rate", "Engagement rate"),
            text("_media_type", "Content Type"),
        ),
        detect=(
            Detection(
                all_of=("post title", "post link", "post type", "created date", "impressions"),
                sheet=("all posts",),
                header_row=2,
            ),
            Detection(all_of=("post title", "post link", "post type", "created date", "impressions"), sheet=("all posts",)),
        ),
        unique=("post_id",),
        clock=Clock("linkedin", "permalink", use="settle", tolerance=24 * 3600, later_ok=True),  # scheduled posts come later
        post_id_from=("permalink", ACTIVITY),
        finish=_media,
    ),
    _page(
        "linkedin_page_followers_daily",
        "account_day",
        "LinkedIn: pengikut baru per hari",
        "LinkedIn: new followers by day",
        "Pengikut",
        "followers",
        columns=(
            DAY,
            count("follows_gained_sponsored", "Sponsored followers", falls="freely"),
            count("follows_gained_organic", "Organic followers", falls="freely"),
            count("follows_gained_auto_invited", "Auto-invited followers", falls="freely"),
            count("follows_gained", "Total followers", falls="freely"),  # new per day, whatever the header says
        ),
        detect=(
            Detection(all_of=("date", "sponsored followers", "organic followers", "total followers"), sheet=("new followers",)),
        ),
        unique=("day",),
    ),
    _page(
        "linkedin_page_visitors_daily",
        "account_day",
        "LinkedIn: pengunjung halaman per hari",
        "LinkedIn: page visitors by day",
        "Pengunjung",
        "visitors",
        columns=(DAY, *VISITS),
        detect=(
            Detection(all_of=("date", "overview page views (desktop)", "total page views (total)"), sheet=("visitor metrics",)),
        ),
        unique=("day",),
    ),
    _page(
        "linkedin_page_demographics",
        "audience",
        "LinkedIn: demografi pengikut atau pengunjung",
        "LinkedIn: demographics of followers or visitors",
        "Pengikut atau Pengunjung",
        "(?:followers|visitors)",
        columns=(
            text("label", "Location", "Job function", "Seniority", "Industry", "Company size", required=True),
            people("followers", "Total followers"),
            Column("page_views", "count", ("Total views",)),
            people("unique_visitors", "Total visitors"),
        ),
        detect=(
            Detection(
                columns_exactly=2,
                first_column=("label",),
                any_of=("total followers", "total views", "total visitors"),
                sheet=tuple(TRAITS),
            ),
        ),
        dimension=_trait,
        unique=("label",),
    ),
    Format(
        kind="linkedin_page_competitors",
        platform="linkedin",
        grain="audience",
        confidence="reported",
        title_id="LinkedIn: halaman pembanding",
        title_en="LinkedIn: competitor pages",
        menu_id=MENU.format("Pesaing"),
        columns=(
            text("label", "Page", required=True),
            people("followers", "Total Followers"),
            count("follows_gained", "New Followers", falls="freely"),
            Column("engagements_reported", "decimal", ("Total post engagements",), additive=True, unit="count"),
            count("posts_published", "Total posts"),
        ),
        detect=(Detection(all_of=("page", "total followers", "new followers"), header_row=2),),
        containers=CONTAINERS,
        dimension="page",
        unique=("label",),
        file_names=(WORKBOOK.format("competitor_analytics"),),
    ),
    _member(
        "account_day",
        "interaksi per hari",
        "engagement by day",
        columns=(DAY, count("impressions", "Impressions"), count("engagements_reported", "Engagements")),
        detect=(Detection(all_of=("date", "impressions", "engagements"), sheet=("engagement",)),),
        unique=("day",),
    ),
    _member(
        "account_day",
        "pengikut baru per hari",
        "new followers by day",
        columns=(DAY, count("follows_gained", "New followers", falls="freely")),
        detect=(Detection(all_of=("date", "new followers"), sheet=("followers",), header_search=6),),
        unique=("day",),
    ),
    _member(
        "post",
        "unggahan teratas",
        "top posts",
        columns=(
            Column("permalink", "url", ("Post URL",), required=True),
            Column("published_on", "date", ("Post publish date",)),
            count("engagements_reported", "Engagements"),
            count("impressions", "Impressions"),
        ),
        detect=(Detection(all_of=("post url", "engagements", "impressions"), sheet=("top posts",), header_search=6),),
        unique=("post_id",),
        caps=(50,),
        clock=Clock("linkedin", "permalink", use="settle", tolerance=24 * 3600, later_ok=True),
        post_id_from=("permalink", ACTIVITY),
        reshape=_one_top_list,
    ),
    _member(
        "audience",
        "demografi",
        "demographics",
        columns=(
            text("label", "Value", required=True),
            Column("followers", "decimal", ("Percentage",), unit="share"),
        ),
        detect=(Detection(all_of=("top demographics", "value", "percentage"), sheet=("demographics",), header_search=4),),
        nulls=("", "< 1%", "<1%"),
        dimension="demographics",
        unique=("label",),
        reshape=_traits_in_labels,
    ),
)
