"""Peak memory of `scan_marc(…).sink_parquet(…)`, each in a process of its own: python scripts/measure_sinks.py [MB]."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

sys.path.append(str(Path(__file__).parents[1]))

import mrrc_arrow as mrrc

from benches import common

CASES: dict[str, tuple[str, int | None]] = {
    'layout="subfields"': ("subfields", None),
    'layout="records", row_group_size=4096': ("records", 4096),
    'layout="records"': ("records", None),
}


def sink(case: str, path: str) -> None:
    """Run one case, and print what it took."""
    layout, rows = CASES[case]
    scan = mrrc.scan_marc(path, layout="subfields" if layout == "subfields" else "records")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        scan.sink_parquet(Path(folder) / "out.parquet", row_group_size=rows)
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
