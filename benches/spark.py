"""What Spark's way costs on one machine: build/spark/bin/python benches/spark.py [--mb 250] [--rounds 3].

`make test-spark` makes the environment. Each query runs once before the clock does, so that workers have started. Spark
has partitions of 32 MiB here, so that there are some for each core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import DataFrameReader


def with_spark(path: str, cores: int) -> dict[str, Callable[[], object]]:
    """Queries of a session on so many cores."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )

    def read() -> DataFrameReader:
        return session.read.format("marc").option("splitBytes", 32 << 20)

    tags = read().option("layout", "subfields").schema("tag string").load(path)
    titles = read().option("columns", '{"title": "245$a"}').load(path)
    records = read().load(path)
    return {
        "rows by tag": lambda: tags.groupBy("tag").count().collect(),
        "a column of titles": lambda: titles.write.format("noop").mode("overwrite").save(),
        "whole records": lambda: records.write.format("noop").mode("overwrite").save(),
    }


def with_one_process(path: str) -> dict[str, Callable[[], object]]:
    """The same of one process: a query of Polars, and batches that nobody keeps."""
    import mrrc_arrow as mrrc
    import polars as pl

    def through(**options: object) -> None:
        for _batch in mrrc.read_batches(path, **options):  # type: ignore[arg-type]
            pass

    return {
        "rows by tag": lambda: (
            mrrc.scan_marc(path, layout="subfields").group_by("tag").agg(pl.len()).collect(engine="streaming")
        ),
        "a column of titles": lambda: through(columns={"title": "245$a"}),
        "whole records": through,
    }


def main() -> None:
    """Print the table, or be one of those that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("WHO", "CORES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = common.make_file(arguments.mb)
    if arguments.measure:
        who, cores = arguments.measure
        os.environ["RAYON_NUM_THREADS"] = cores
        os.environ["POLARS_MAX_THREADS"] = cores
        queries = with_spark(str(path), int(cores)) if who == "Spark" else with_one_process(str(path))
        times: dict[str, list[float]] = {name: [] for name in queries}
        common.ready()
        for query in queries.values():
            query()
        for _ in range(arguments.rounds):
            for name, query in queries.items():
                start = time.perf_counter()
                query()
                times[name].append(time.perf_counter() - start)
        common.report({name: statistics.median(took) for name, took in times.items()})
    common.warm(path)
    size = path.stat().st_size / 1e6
    found = {
        (who, cores): common.measure(
            __file__, "--mb", str(arguments.mb), "--rounds", str(arguments.rounds), "--measure", who, str(cores)
        )
        or {}
        for who in ("one process", "Spark")
        for cores in (1, 2)
    }
    print(f"{path.name}: {size:.0f} MB, {arguments.rounds} rounds, medians, MB/s; {common.machine()}\n")
    print("| query | " + " | ".join(f"{who}, {cores} core{'s' * (cores > 1)}" for who, cores in found) + " |")
    print("| --- |" + " ---: |" * len(found))
    for name in next(iter(found.values())):
        print(f"| {name} | " + " | ".join(f"{size / figures[name]:.0f}" for figures in found.values()) + " |")


if __name__ == "__main__":
    main()
