"""Memory stays flat: python leaks.py SAMPLE [--rounds 100] [--records 100000] [--of WAY ...].

Reads the sample, repeated until it has `--records` records, `--rounds` times in each of several ways, and looks at the
process's resident memory after each round. What the first rounds take is the allocators' own; beyond it nothing may
grow.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import mrrc_arrow as mrrc

Way = Callable[[Path], object]

# Growth that is no leak: pages that the allocators of CPython, jemalloc and pyarrow keep in another order than before.
ALLOWED = 24 << 20


def streams(path: Path) -> None:
    """All batches, one after the other."""
    with mrrc.read_batches(path, layout="subfields") as reader:
        for _ in reader:
            pass


def cut_short(path: Path) -> None:
    """A reader that is let go of after its first batch."""
    next(mrrc.read_batches(path))


def tables(path: Path) -> None:
    """A whole table, in pyarrow."""
    assert mrrc.read_table(path).num_rows > 0


def frames(path: Path) -> None:
    """A whole table, in Polars."""
    assert mrrc.read_marc(path, columns={"id": "001", "subjects": mrrc.all("650$a")}).height > 0


def records(path: Path) -> None:
    """All records, one after the other, and a title."""
    for record in mrrc.MARCReader(path):
        record.get("245")


def errors(path: Path) -> None:
    """A read that fails at its end, and a rejected record with its bytes."""
    data = path.read_bytes()[:-5]
    try:
        mrrc.read_table(data)
    except mrrc.RecordError:
        assert mrrc.read_problems(data).num_rows == 1
        return
    raise AssertionError


def profiles(path: Path) -> None:
    """A profile."""
    assert mrrc.profile(path).num_rows > 0


def written(path: Path) -> None:
    """Parquet, and MARC from a table."""
    mrrc.write_parquet(path, path.with_suffix(".parquet"))
    mrrc.write_marc(mrrc.read_batches(path), path.with_suffix(".out"))


WAYS: dict[str, Way] = {
    way.__name__: way for way in (streams, cut_short, tables, frames, records, errors, profiles, written)
}


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def growth(way: Way, path: Path, rounds: int) -> int:
    """By how many bytes the rounds after the first quarter grew beyond the highest of those."""
    seen = []
    for _ in range(rounds):
        way(path)
        gc.collect()
        seen.append(resident())
    warm = max(1, rounds // 4)
    # The least of the last rounds: a leak shows in every one of them, a late return of memory in some.
    return min(seen[-max(1, rounds // 10) :]) - max(seen[:warm])


def main() -> None:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sample", type=Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--of", nargs="*", choices=WAYS, default=list(WAYS))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    sample = asked.sample.read_bytes()
    records = len(mrrc.scan_record_boundaries(sample))
    times = -(-asked.records // records)
    leaking = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leaks.mrc"
        path.write_bytes(sample * times)
        for name in asked.of:
            grown = growth(WAYS[name], path, asked.rounds)
            print(
                f"{name}: {asked.rounds} times {times * records:,} records, grown by {grown / 2**20:.1f} MiB",
                flush=True,
            )
            if grown > ALLOWED:
                leaking.append(name)
    if leaking:
        sys.exit(f"memory grows: {', '.join(leaking)}")


if __name__ == "__main__":
    main()
