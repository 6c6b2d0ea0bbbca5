"""Peak memory of ways to Parquet, each in a process of its own: python scripts/measure_sinks.py [MB]."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

sys.path.append(str(Path(__file__).parents[1]))

import mrrc_arrow as mrrc

from benches import common

if TYPE_CHECKING:
    from collections.abc import Callable

Layout: TypeAlias = Literal["records", "subfields"]


def through_polars(source: str, target: Path, layout: Layout, rows: int | None = None) -> None:
    """Write a query's result."""
    mrrc.scan_marc(source, layout=layout).sink_parquet(target, row_group_size=rows)


def directly(source: str, target: Path, layout: Layout, partition_by: Literal["tag"] | None = None) -> None:
    """Write without a query."""
    mrrc.write_parquet(source, target, layout=layout, partition_by=partition_by)


CASES: dict[str, Callable[[str, Path], None]] = {
    'scan_marc(…, layout="subfields")': partial(through_polars, layout="subfields"),
    "scan_marc(…), row_group_size=4096": partial(through_polars, layout="records", rows=4096),
    "scan_marc(…)": partial(through_polars, layout="records"),
    'write_parquet(…, layout="subfields")': partial(directly, layout="subfields"),
    'write_parquet(…, layout="subfields", partition_by="tag")': partial(
        directly, layout="subfields", partition_by="tag"
    ),
    "write_parquet(…)": partial(directly, layout="records"),
}


def sink(case: str, path: str) -> None:
    """Run one case, and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        CASES[case](path, Path(folder) / "out")
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{case}: {seconds:.1f} s, peak {peak:.0f} MB; Polars {pl.__version__}", flush=True)


def main() -> None:
    """Run each case."""
    if len(sys.argv) == 3:
        sink(sys.argv[1], sys.argv[2])
        return
    path = common.make_file(float(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    for case in CASES:
        subprocess.run([sys.executable, __file__, case, str(path)], check=True)


if __name__ == "__main__":
    main()
