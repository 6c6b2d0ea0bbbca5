"""Reading many files: in one call, in threads, and in threads that share one reader.

    python examples/concurrent_reading.py 'dump/*.mrc'

One read is on all cores already, so threads do not make it faster. They are for what stands around it: files that have
to be waited for (a network, a slow disk), work in Python on each file or batch, and files whose errors are to be kept
apart. All threads share one pool of workers, so that many reads at once start no more of those than one does.
"""

from __future__ import annotations

import argparse
import glob
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mrrc_arrow as mrrc
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


class Read(NamedTuple):
    """What became of a file: its number of records, or what stopped the reading."""

    path: Path
    records: int
    error: Exception | None


def in_one_call(paths: Sequence[Path]) -> int:
    """Read all files into one frame: on all cores, one file after the other, in their order."""
    return mrrc.read_marc(list(paths), columns=["leader"]).height


def file_by_file(paths: Sequence[Path], threads: int) -> list[Read]:
    """Read each file by itself, some of them at a time; a file that cannot be read stops no other."""

    def read(path: Path) -> Read:
        try:
            with mrrc.read_batches(path, columns=["leader"]) as reader:
                return Read(path, sum(batch.num_rows for batch in reader), None)
        except (mrrc.MrrcError, OSError) as error:
            return Read(path, 0, error)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(read, paths))


def batch_by_batch(paths: Sequence[Path], threads: int) -> Counter[str]:
    """Count languages in threads that take batches from one reader, each batch once.

    Which thread gets which batch is chance, so what is made of them must not depend on their order, as sums do not.
    """
    reader = mrrc.read_batches(list(paths), columns={"language": "008/35-37"})

    def count() -> Counter[str]:
        found: Counter[str] = Counter()
        for batch in reader:
            languages = pl.DataFrame(batch)["language"].drop_nulls()
            found.update(languages.to_list())
        return found

    # At the end of the block nobody reads any more, also where one of the threads has raised.
    with reader, ThreadPoolExecutor(threads) as pool:
        counts = [pool.submit(count) for _ in range(threads)]
        return sum((one.result() for one in counts), Counter())


def main() -> None:
    """Read the files on the command line in all three ways."""
    parser = argparse.ArgumentParser(description="Read MARC files in threads.")
    parser.add_argument("pattern", help="a file, or a pattern in quotes")
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    paths = [Path(path) for path in sorted(glob.glob(given.pattern))]  # noqa: PTH207 - a pattern may be absolute
    if not paths:
        parser.error(f"no file matches {given.pattern}")

    reads = file_by_file(paths, given.threads)
    for read in reads:
        print(f"{read.path.name}: {read.error or read.records}")
    whole = [read.path for read in reads if read.error is None]
    print(f"in one call: {in_one_call(whole)}")
    common = batch_by_batch(whole, given.threads).most_common(3)
    print("languages:", *(f"{language} {count}" for language, count in common))


if __name__ == "__main__":
    main()
