"""Writing while reading: files into a lake of Parquet in threads, and batches through a queue in bounded memory.

    python examples/concurrent_writing.py 'dump/*.mrc' lake

`mrrc_arrow.write_parquet` reads and writes at once by itself, on all cores and in bounded memory. `lake` has it do that
with several files at a time. `through_a_queue` is for what it does not do: work in Python on every batch on its way, or
another place to write to than Parquet.
"""

from __future__ import annotations

import argparse
import glob
import queue
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence

# Batches that may wait for the writer.
WAITING = 8
HEADINGS = pa.schema([("record", pa.uint64()), ("heading", pa.large_string())])


def lake(paths: Sequence[Path], folder: Path, threads: int) -> tuple[list[mrrc.WrittenParquet], dict[Path, Exception]]:
    """Convert each file to one of the same name in `folder`; what was written, and what could not be, and why.

    A file has its name only once it is whole, so whoever reads the lake meanwhile sees whole files alone, and those
    that are converted again are replaced at one stroke. Each conversion is on all cores; another beside it has
    something to do for them while the first waits for its disk or for the thread that decompresses.
    """
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        raise ValueError("of two files with one name, the second would take the place of the first in the lake")
    folder.mkdir(parents=True, exist_ok=True)
    written, failed = [], dict[Path, Exception]()
    with ThreadPoolExecutor(threads) as pool:
        targets = [folder / f"{name}.parquet" for name in names]
        futures = [
            pool.submit(mrrc.write_parquet, path, target, layout="subfields")
            for path, target in zip(paths, targets, strict=True)
        ]
        for path, future in zip(paths, futures, strict=True):
            try:
                written.append(future.result())
            except (mrrc.MrrcError, OSError) as error:
                failed[path] = error
    return written, failed


def through_a_queue(paths: Sequence[Path], target: Path, waiting: int = WAITING) -> int:
    """Write subject headings, folded to lower case, in a thread, while this one reads and folds; the number of rows.

    In memory are the batches in the queue, one in the hands of each thread, and what the reader has in flight: two
    batches for each worker. Who is faster waits for the other.
    """
    batches: queue.Queue[pa.Table | None] = queue.Queue(waiting)
    unfinished = target.with_name(f".{target.name}.tmp")

    def write() -> int:
        rows = 0
        with pq.ParquetWriter(unfinished, HEADINGS) as writer:
            while (batch := batches.get()) is not None:
                writer.write_table(batch)
                rows += batch.num_rows
        return rows

    try:
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            try:
                # Leaving the block ends the reading, also where the writer has failed.
                with mrrc.read_batches(list(paths), layout="subfields", tags=["650"]) as reader:
                    for batch in reader:
                        headings = pl.DataFrame(batch).filter(pl.col("code") == "a")
                        folded = headings.select("record", heading=pl.col("value").str.to_lowercase())
                        hand_over(batches, folded.to_arrow().cast(HEADINGS), writing)
            finally:
                # Whatever happened here: the writer is told that nothing more comes.
                hand_over(batches, None, writing)
        rows = writing.result()
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def hand_over(batches: queue.Queue[pa.Table | None], batch: pa.Table | None, writing: Future[int]) -> None:
    """Put a batch into the queue, or raise what the writer raised: to wait for one that has failed is for ever."""
    while True:
        try:
            return batches.put(batch, timeout=0.1)
        except queue.Full:
            if writing.done():
                writing.result()


def main() -> None:
    """Convert the files on the command line in both ways."""
    parser = argparse.ArgumentParser(description="Convert MARC files to Parquet in threads.")
    parser.add_argument("pattern", help="a file, or a pattern in quotes")
    parser.add_argument("folder", type=Path, help="where Parquet goes")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    paths = [Path(path) for path in sorted(glob.glob(given.pattern))]  # noqa: PTH207 - a pattern may be absolute
    if not paths:
        parser.error(f"no file matches {given.pattern}")

    try:
        written, failed = lake(paths, given.folder, given.threads)
    except ValueError as mistake:
        parser.error(str(mistake))
    for one in written:
        print(f"{one.files[0].name}: {one.rows} rows")
    for path, error in failed.items():
        print(f"{path.name}: {error}")
    whole = [path for path in paths if path not in failed]
    print("headings:", through_a_queue(whole, given.folder / "headings.parquet"))


if __name__ == "__main__":
    main()
