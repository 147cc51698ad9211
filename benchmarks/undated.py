"""What is lost when nobody writes down when a file was exported: `python benchmarks/undated.py WORKSPACE NEW`.

Copies the registry and the inbox of a workspace that has had its night (``terukur demo``) into a new one, without the days of its
folders and of those file names that are ours and not a platform's, runs the night there, and compares the tables row by row:

equal; other but marked (`is_date_estimated`, for a day `is_partial`); held, where there is no value because the file waits for
its year to be told; learned, where only a rate differs that the posts of the whole platform were projected with, by less than
LEAN; other and unmarked, which must be 0. Ends with status 1 if it is not.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl

from pipeline.engine import versions
from pipeline.settings import Workspace

DAY = re.compile(r"[-_ ]?\d{4}-\d{2}-\d{2}")
OURS = re.compile(r"^stories-\d{4}-\d{2}-\d{2}\.csv$")  # the platform gives such a file no name of its own
TABLES = {  # table -> what makes a row of it
    "core.posts": ("post_id", "platform", "account_id"),
    "core.account_days": ("account_id", "day", "metric"),
    "marts.account_month": ("account_id", "agency_id", "month"),
}
LEARNED = {"er_log_mean", "er_log_sd", "er_account", "er_pooled", "mature_posts", "zero_posts", "engagement_parts"}
LEAN = 0.1  # of ln rate
KINDS = ("equal", "marked", "held", "learned", "unmarked")
MARKS = ("is_date_estimated", "is_partial")  # of a day: nothing shows that it was over when it was exported
ABOUT_FILES = re.compile(r"(captured_at|first_captured_at|export_id|sha256|row_number|is_date_estimated|evidence_rank|post_key)$")


def strip(source: Path, target: Path) -> int:
    """The inbox without days; each dated folder becomes a number, for files of the same name lie in several."""
    rounds: dict[str, str] = {}
    files = sorted(p for p in source.rglob("*") if p.is_file())
    for path in files:
        day, *rest = path.relative_to(source).parts if DAY.fullmatch(path.relative_to(source).parts[0]) else ("", *path.parts)
        name = DAY.sub("", rest[-1]) if OURS.match(rest[-1]) else rest[-1]
        place = target.joinpath(*rest[:-1], rounds.setdefault(day, f"unduhan {len(rounds) + 1}"), name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)  # its own date is that of the copy
    return len(files)


def table(workspace: Workspace, name: str) -> pl.DataFrame:
    version = versions.open_version(workspace)
    try:
        return version.con.sql(f"SELECT * FROM {name}").pl()
    finally:
        version.close()


def compared(name: str, dated: pl.DataFrame, undated: pl.DataFrame, held: list[str]) -> tuple[dict[str, int], pl.DataFrame]:
    """Counts of rows by how they compare, and the unmarked ones that differ with the columns they differ in."""
    keys = list(TABLES[name])
    values = [c for c in dated.columns if c not in keys and not ABOUT_FILES.search(c) and not dated.schema[c].is_nested()]
    both = dated.join(undated, on=keys, how="full", suffix="_undated", coalesce=True, nulls_equal=True)
    differs = {c: ~_same(c, dated.schema[c]) for c in values}
    both = both.with_columns(
        pl.concat_list([pl.when(d).then(pl.lit(c)) for c, d in differs.items()]).list.drop_nulls().alias("in"),
        pl.all_horizontal([~d | pl.col(f"{c}_undated").is_null() for c, d in differs.items()]).alias("_is_gone"),
    )
    marks = [f"{m}_undated" if m in dated.columns else m for m in MARKS if m in undated.columns]
    is_marked = [pl.col(m).fill_null(False) for m in marks]
    if "covered_days" in dated.columns:  # days that nothing shows to be over are not covered, and the month says so
        is_marked.append((pl.col("covered_days_undated") < pl.col("covered_days")).fill_null(False))
    kind = (
        pl.when(pl.col("in").list.len() == 0)
        .then(pl.lit("equal"))
        .when(pl.any_horizontal(is_marked))
        .then(pl.lit("marked"))
        .when(pl.col("account_id").is_in(held) & pl.col("_is_gone"))
        .then(pl.lit("held"))
        .when(_is_learned(dated))
        .then(pl.lit("learned"))
        .otherwise(pl.lit("unmarked"))
    )
    both = both.with_columns(kind.alias("_kind"))
    counts = {"rows": both.height, **{k: both.filter(pl.col("_kind") == k).height for k in KINDS}}
    return counts, both.filter(pl.col("_kind") == "unmarked")


def _is_learned(dated: pl.DataFrame) -> pl.Expr:
    if "er_log_mean" not in dated.columns:
        return pl.lit(False)
    moved = (pl.col("er_log_mean") - pl.col("er_log_mean_undated")).abs()
    return (pl.col("in").list.set_difference(pl.lit(list(LEARNED))).list.len() == 0) & (moved < LEAN).fill_null(True)


def _same(column: str, kind: pl.DataType) -> pl.Expr:
    one, two = pl.col(column), pl.col(f"{column}_undated")
    return (
        one.eq_missing(two) | ((one - two).abs() <= 1e-9 * one.abs()).fill_null(False) if kind.is_float() else one.eq_missing(two)
    )


def main() -> int:
    dated, undated = Workspace(Path(sys.argv[1]).absolute()), Workspace(Path(sys.argv[2]).absolute())
    if not undated.inbox.exists():
        shutil.copytree(dated.registry, undated.registry)
        print(strip(dated.inbox, undated.inbox), "files without their days")
        subprocess.run([Path(sys.executable).with_name("terukur"), "run", "--workspace", str(undated.root)], check=False)
    unmarked = 0
    held = table(undated, "marts.export_files").filter(pl.col("outcome") == "held")["account_id"].unique().drop_nulls().to_list()
    print(f"{'table':24}{'rows':>8}" + "".join(f"{kind:>10}" for kind in KINDS))
    for name in TABLES:
        counts, rows = compared(name, table(dated, name), table(undated, name), held)
        unmarked += counts["unmarked"]
        print(f"{name:24}{counts['rows']:8}" + "".join(f"{counts[kind]:10}" for kind in KINDS))
        for fields, n in rows.group_by("in").len().sort("len", descending=True).head(8).iter_rows():
            print(f"    {n:6} in {', '.join(fields)}")
    return 1 if unmarked else 0


if __name__ == "__main__":
    sys.exit(main())
