"""Every SQL table of a published regency on Sail too, compared with DuckDB: `python -m benchmarks.second_engine WORKSPACE`

Needs the extra `spark` (make spark). The same files of `warehouse/` go through sqlglot; each model reads DuckDB's own tables as
Parquet, so a difference is one of that model. Ends with 1 where a table differs or does not run. Rows are compared as sets,
floats to nine digits.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("workspace", type=Path)
    asked.add_argument("--only", nargs="*", default=[])
    said = asked.parse_args()
    try:
        import pysail.spark
        import pyspark
        import sqlglot
        from pyspark.sql import SparkSession
    except ImportError:
        sys.exit("The second engine is not installed: make spark")
    from pipeline.engine import models
    from pipeline.settings import Workspace

    server = pysail.spark.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    print(f"Sail {pysail.__version__}, pyspark {pyspark.__version__}, sqlglot {sqlglot.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        tables, seconds = _tables(Workspace(said.workspace.absolute()), Path(folder))
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        for name, place in tables.items():
            spark.read.parquet(str(place)).createOrReplaceTempView(name.replace(".", "__"))
        wrong, ours, theirs = [], 0.0, 0.0
        chosen = [m for m in models.models() if m.sql and (not said.only or m.name in said.only)]
        for model in chosen:
            began = time.monotonic()
            try:
                text = _spark_sql(sqlglot, model.sql)
                out = Path(folder) / f"theirs-{model.name}.parquet"
                spark.sql(text).write.parquet(str(out))
                took = time.monotonic() - began
                found = _differences(tables[model.name], out)
            except Exception as error:
                took, found = time.monotonic() - began, " ".join(str(error).split())[:300]
            ours, theirs = ours + seconds[model.name], theirs + took
            print(f"{model.name:32} DuckDB {seconds[model.name]:6.2f} s  Sail {took:6.2f} s  {found or 'equal'}", flush=True)
            wrong += [model.name] if found else []
        print(f"{len(chosen) - len(wrong)} of {len(chosen)} equal; Sail / DuckDB: {theirs / max(ours, 0.01):.1f}")
    sys.exit(bool(wrong))


def _tables(workspace, folder: Path):
    """Every table that a model reads or makes, built anew by DuckDB, as Parquet; and the seconds that each took."""
    from pipeline.engine import build, models

    with build.Build(workspace) as making:
        made = {model.name: making.create(model).seconds for model in models.models()}
        read = {source for model in models.models() if model.sql for source in model.sources}
        places = {}
        for name in sorted({*made, *read}):
            places[name] = folder / f"{name}.parquet"
            making.con.sql(f"SELECT * FROM {name}").pl().write_parquet(places[name])
        return places, made


def _spark_sql(sqlglot, sql: str) -> str:
    """The model in Spark's dialect, reading views instead of schemas."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in tree.find_all(sqlglot.exp.Table):
        if table.db:
            alias = table.alias or table.name
            table.set("this", sqlglot.exp.to_identifier(f"{table.db}__{table.name}"))
            table.set("db", None)
            table.set("alias", sqlglot.exp.TableAlias(this=sqlglot.exp.to_identifier(alias)))
    for split in list(tree.find_all(sqlglot.exp.Split)):  # one plain character, as the lint demands: no quoting needed
        split.replace(sqlglot.exp.RegexpSplit(this=split.this.copy(), expression=split.expression.copy()))
    return tree.sql(dialect="spark")


def _differences(ours: Path, theirs: Path) -> str:
    """What differs first; empty where nothing does."""
    import polars as pl

    if not theirs.exists():
        return "" if pl.read_parquet(ours).is_empty() else "no rows"  # Sail writes no file for an empty table
    one, other = pl.read_parquet(ours), pl.read_parquet(f"{theirs}/*.parquet" if theirs.is_dir() else theirs)
    if one.columns != other.columns:
        return f"columns {sorted(set(one.columns) ^ set(other.columns))}"
    if len(one) != len(other):
        return f"rows {len(one)} and {len(other)}"
    same = [_alike(frame) for frame in (one, other)]
    for column in one.columns:
        both = [frame[column].sort(nulls_last=True) for frame in same]
        if not both[0].equals(both[1], null_equal=True):
            apart = [(a, b) for a, b in zip(*(s.to_list() for s in both), strict=True) if a != b]
            return f"{column}: {len(apart)} values, {apart[0]}"
    left, right = (frame.sort(frame.columns, nulls_last=True) for frame in same)
    return "" if left.equals(right, null_equal=True) else "rows are put together otherwise"


def _alike(frame):
    """Types that say the same as one: decimals and floats, integers of any width, instants."""
    import polars as pl

    def one(column: pl.Expr, kind) -> pl.Expr:
        if kind.is_float() or kind.is_decimal():
            return column.cast(pl.Float64).round_sig_figs(9)
        if kind.is_integer():
            return column.cast(pl.Int64)
        if kind == pl.Datetime:
            return column.dt.replace_time_zone(None).cast(pl.Datetime("us"))
        return column

    return frame.select(one(pl.col(name), kind) for name, kind in frame.schema.items())


if __name__ == "__main__":
    main()
