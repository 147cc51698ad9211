"""What a post is about: programmes by the scheme of its day, content type, hashtags and format.

The rules are data (`themes.yml` of the registry): hashtag 3, strong phrase 2, weak word 1 (two at most), the agency's own field 1
when the text gives any evidence at all; a programme is given from 2 points up, and never forced on a post. A scheme without rules
of its own borrows those of the programmes it `maps_from`. `programme_scheme = "pancakarsa"` in settings.toml looks at all years
through one scheme instead of the scheme of the day; `programme_lens = "pancakarsa"` tags every post with that scheme as well.

Patterns are regular expressions on normalised text: NFKC (bold letters of the mathematical block become letters), lower case,
without addresses, numbers to call and mentions. They are run by Polars' linear-time engine, which has no look-around; the word
boundaries of the rules (`(?<![\\w#])(?:…)(?:nya|lah|kah)?(?!\\w)`) are therefore written as characters that may be consumed,
which is the same for a yes-or-no question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipeline.registry import Registry
from pipeline.tables import Schema, Table

Themes = Mapping[str, Any]  # themes.yml as the registry read it, or a part of it
WORD = r"(?:\A|[^\w#])(?:{})(?:nya|lah|kah)?(?:\z|\W)"
NOISE = r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+|(?:\+62|\b62|\b0)\d[\d .-]{6,14}\d|\+?\d{9,}|@[\w.]+"
FORMATS = {
    "photo": "photo",
    "image": "photo",
    "carousel": "carousel",
    "video": "video",
    "reel": "video",
    "short": "video",
    "live": "video",
    "link": "link",
    "text": "text",
}
CEREMONIAL = ("seremonial", "ucapan")
TIE_DAYS = 90
PROGRAMMES: Schema = {
    "post_key": pl.Int64,
    "scheme_id": pl.Utf8,
    "programme": pl.Utf8,
    "score": pl.Int32,
    "matched_terms": pl.List(pl.Utf8),
    "is_primary": pl.Boolean,
}


@dataclass(frozen=True)
class Rules:
    """The words of one programme."""

    hashtags: tuple[str, ...]
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    exclude: tuple[str, ...]
    agencies: tuple[str, ...]


@dataclass(frozen=True)
class Scheme:
    """A set of programmes and the days it is in force (`last` null = still)."""

    scheme_id: str
    first: date
    last: date | None
    programmes: dict[str, Rules]


def schemes(themes: Themes) -> list[Scheme]:
    """The schemes of `themes.yml`, with borrowed rules filled in. ValueError names a `maps_from` that does not exist."""
    own = {p["id"]: _rules([p]) for s in themes["schemes"] for p in s["programmes"] if "maps_from" not in p}
    sources = {p["id"]: p for s in themes["schemes"] for p in s["programmes"] if "maps_from" not in p}
    found = []
    for scheme in themes["schemes"]:
        programmes = {}
        for programme in scheme["programmes"]:
            missing = [name for name in programme.get("maps_from", ()) if name not in sources]
            if missing:
                raise ValueError(
                    f"themes.yml, {scheme['id']}/{programme['id']}: maps_from {missing} tidak ada / does not exist; "
                    f"yang ada / known: {', '.join(sources)}"
                )
            borrowed = [sources[name] for name in programme.get("maps_from", ())]
            programmes[programme["id"]] = own.get(programme["id"]) or _rules([*borrowed, programme])
        found.append(Scheme(scheme["id"], _day(scheme["valid_from"]) or date.min, _day(scheme.get("valid_to")), programmes))
    return found


def _day(value: object) -> date | None:
    return None if value in (None, "") else date.fromisoformat(str(value)[:10])


def _rules(programmes: Sequence[Themes]) -> Rules:
    def all_of(field: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(term for p in programmes for term in p.get(field) or ()))

    return Rules(all_of("hashtags"), all_of("strong"), all_of("weak"), all_of("exclude"), all_of("agency_prior"))


def hashtags(caption: pl.Expr) -> pl.Expr:
    """The hashtags of a caption, NFKC and lower case, each once, in order; null for a caption that is not reported."""
    tags = caption.str.normalize("NFKC").str.extract_all(r"#\w+").list.eval(pl.element().str.strip_prefix("#").str.to_lowercase())
    return tags.list.unique(maintain_order=True)


def normalise(caption: pl.Expr) -> pl.Expr:
    """Text for matching; the words of CamelCase hashtags are added at its end."""
    clean = caption.str.normalize("NFKC").str.replace_all(NOISE, " ")
    words = clean.str.extract_all(r"#\w+").list.eval(
        pl.element().str.strip_prefix("#").str.replace_all(r"(\p{Ll})(\p{Lu})", "${1} ${2}").str.replace_all("_", " ")
    )
    return (clean + pl.lit(" ") + words.list.join(" ")).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def contains(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether the pattern stands in the text as a word or phrase (with the particles -nya, -lah, -kah)."""
    return text.str.contains(WORD.format(pattern))


def _score(texts: pl.DataFrame, rules: Rules, weights: Mapping[str, int]) -> pl.DataFrame:
    """(text_id, points, terms) of the texts with any evidence for one programme."""
    text = pl.col("text")
    for pattern in rules.exclude:
        text = text.str.replace_all(WORD.format(pattern), "  ")
    hits = {
        "hashtag": {"#" + tag: pl.col("tags").list.contains(tag) for tag in rules.hashtags},
        "strong": {term: contains(text, term) for term in rules.strong},
        "weak": {term: contains(text, term) for term in rules.weak},
    }
    named = {f"{kind}:{term}": hit for kind, terms in hits.items() for term, hit in terms.items()}
    if not named:
        return texts.select("text_id", points=pl.lit(0), terms=pl.lit([], dtype=pl.List(pl.Utf8))).clear()
    found = texts.select("text_id", **named).filter(pl.any_horizontal(pl.exclude("text_id")))

    def points(kind: str) -> pl.Expr:
        columns = [pl.col(name).cast(pl.Int32) for name in named if name.startswith(kind + ":")]
        return (pl.sum_horizontal(columns) if columns else pl.lit(0)) * weights[kind]

    weak = pl.min_horizontal(points("weak"), pl.lit(weights["weak_cap"]))
    terms = [pl.when(pl.col(name)).then(pl.lit(name.split(":", 1)[1])) for name in named]
    return found.select(
        "text_id",
        points=(points("hashtag") + points("strong") + weak).cast(pl.Int32),
        terms=pl.concat_list(terms).list.drop_nulls(),
    )


def _weights(themes: Themes) -> dict[str, int]:
    matching = themes.get("matching", {})
    given = {"hashtag": 3, "strong": 2, "weak": 1, "agency_prior": 1} | dict(matching.get("weights", {}))
    return given | {"weak_cap": matching.get("weak_cap", 2), "threshold": matching.get("threshold", 2)}


def post_programmes(posts: pl.DataFrame, themes: Themes, lens: str | None = None, also: str | None = None) -> pl.DataFrame:
    """One row per post and programme that reaches the threshold in the scheme of the post's day (or in `lens`, on all days).

    `also` names a scheme that every post is tagged with besides that of its day (`programme_lens`).
    `posts`: post_key, agency_id, published_on, caption. The primary programme has the most points; a tie goes to the programme
    that was tagged more rarely in the 90 days before the post, then to the order of the file.
    """
    known = schemes(themes) if themes else []
    for key, name in (("programme_scheme", lens), ("programme_lens", also)):
        if known and name is not None and name not in {s.scheme_id for s in known}:
            raise ValueError(f"settings.toml {key}: {name} tidak ada di themes.yml / is not in themes.yml")
    posts = posts.filter(pl.col("caption").is_not_null()).with_columns(text=normalise(pl.col("caption")))
    texts = posts.select("text").unique(maintain_order=True).with_row_index("text_id").with_columns(tags=_tags_of(pl.col("text")))
    posts = posts.join(texts.select("text_id", "text"), on="text").select("post_key", "agency_id", "published_on", "text_id")
    weights, cache, rows = _weights(themes), {}, []
    for scheme in known:
        inside = posts.filter(_in_force(scheme, lens) | pl.lit(scheme.scheme_id == also))
        for order, (programme, rules) in enumerate(scheme.programmes.items()):
            if rules not in cache:
                cache[rules] = _score(texts, rules, weights)
            prior = pl.col("agency_id").is_in(list(rules.agencies)).fill_null(False).cast(pl.Int32) * weights["agency_prior"]
            scored = inside.join(cache[rules], on="text_id").with_columns(score=pl.col("points") + prior)
            rows.append(
                scored.filter(pl.col("score") >= weights["threshold"]).select(
                    "post_key",
                    "published_on",
                    "score",
                    scheme_id=pl.lit(scheme.scheme_id),
                    programme=pl.lit(programme),
                    matched_terms="terms",
                    place=pl.lit(order, pl.Int32),
                )
            )
    return _with_primary(pl.concat(rows)) if rows else pl.DataFrame(schema=PROGRAMMES)


def _tags_of(text: pl.Expr) -> pl.Expr:
    return text.str.extract_all(r"#\w+").list.eval(pl.element().str.strip_prefix("#"))


def _in_force(scheme: Scheme, lens: str | None) -> pl.Expr:
    if lens is not None:
        return pl.lit(lens == scheme.scheme_id)
    return pl.col("published_on").is_between(scheme.first, scheme.last or date.max)


def _with_primary(tagged: pl.DataFrame) -> pl.DataFrame:
    by = ["scheme_id", "programme"]
    daily = tagged.group_by([*by, "published_on"]).len().sort("published_on")
    daily = daily.with_columns(total=pl.col("len").cum_sum().over(by)).select(*by, "published_on", "total")

    def before(days: int) -> pl.Expr:
        return pl.col("published_on").dt.offset_by(f"-{days}d")

    ranked = tagged.with_columns(to=before(1), since=before(TIE_DAYS + 1))
    for edge in ("to", "since"):
        counts = daily.rename({"published_on": edge, "total": f"total_{edge}"}).sort(edge)
        ranked = ranked.sort(edge).join_asof(counts, on=edge, by=by, strategy="backward", check_sortedness=False)
    recent = pl.col("total_to").fill_null(0) - pl.col("total_since").fill_null(0)
    ranked = ranked.with_columns(recent=recent).sort(
        ["post_key", "scheme_id", "score", "recent", "place"], descending=[False, False, True, False, False]
    )
    first = pl.int_range(pl.len()).over("post_key", "scheme_id") == 0
    return ranked.select("post_key", "scheme_id", "programme", "score", "matched_terms", is_primary=first)


def content_type(posts: pl.DataFrame, themes: Themes) -> pl.DataFrame:
    """(post_key, content_type): the first type of the file whose words stand in the caption; null where none does."""
    posts = posts.filter(pl.col("caption").is_not_null()).with_columns(text=normalise(pl.col("caption")))
    texts = posts.select("text").unique(maintain_order=True)
    kinds = [
        pl.when(pl.any_horizontal(contains(pl.col("text"), term) for term in kind["any"])).then(pl.lit(kind["id"]))
        for kind in themes.get("content_types", [])
        if kind.get("any")
    ]
    texts = texts.with_columns(content_type=pl.coalesce(kinds) if kinds else pl.lit(None, pl.Utf8))
    return posts.join(texts, on="text").select("post_key", "content_type")


def post_themes(posts: pl.DataFrame, programmes: pl.DataFrame, themes: Themes, lens: str | None = None) -> pl.DataFrame:
    """One row per post. `programme` is null for an untagged post; `is_taggable` is false without a caption or a scheme."""
    in_force = [pl.when(_in_force(scheme, lens)).then(pl.lit(scheme.scheme_id)) for scheme in (schemes(themes) if themes else [])]
    primary = programmes.filter("is_primary").select("post_key", "scheme_id", "programme", "score")
    counted = programmes.group_by("post_key", "scheme_id").agg(n_programmes=pl.len().cast(pl.Int32))
    rows = posts.with_columns(scheme_id=pl.coalesce(*in_force, pl.lit(None, pl.Utf8)), hashtags=hashtags(pl.col("caption")))
    rows = rows.join(primary, on=["post_key", "scheme_id"], how="left").join(counted, on=["post_key", "scheme_id"], how="left")
    taggable = pl.col("caption").is_not_null() & pl.col("scheme_id").is_not_null()
    return (
        rows.join(content_type(posts, themes), on="post_key", how="left")
        .select(
            "post_key",
            "scheme_id",
            "programme",
            "score",
            n_programmes=pl.when(taggable).then(pl.col("n_programmes").fill_null(0)),
            content_type="content_type",
            hashtags="hashtags",
            has_caption=pl.col("caption").is_not_null(),
            is_taggable=taggable,
        )
        .sort("post_key")
    )


def _lens(registry: object) -> str | None:
    return dict(getattr(registry, "settings", None) or {}).get("programme_scheme")


def second_scheme(registry: object) -> str | None:
    """The scheme that every post is tagged with besides that of its day, from `programme_lens` of settings.toml."""
    return dict(getattr(registry, "settings", None) or {}).get("programme_lens")


def build_post_programmes(frames: dict[str, pl.DataFrame], registry: Registry) -> pl.DataFrame:
    """`core.post_programmes`."""
    return post_programmes(frames["core.posts"], registry.themes, _lens(registry), second_scheme(registry))


def build_post_themes(frames: dict[str, pl.DataFrame], registry: Registry) -> pl.DataFrame:
    """`core.post_themes`."""
    return post_themes(frames["core.posts"], frames["core.post_programmes"], registry.themes, _lens(registry))


TABLES = {
    "core.post_programmes": Table(
        build=build_post_programmes,
        needs=("core.posts",),
        description="One row per post and programme of the scheme of its day and of the lens: points and their terms.",
        key=("post_key", "scheme_id", "programme"),
    ),
    "core.post_themes": Table(
        build=build_post_themes,
        needs=("core.posts", "core.post_programmes"),
        description="One row per post: its primary programme in the scheme of its day, content type and hashtags.",
        key=("post_key",),
    ),
}
