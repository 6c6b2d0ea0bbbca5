"""Compare with peers on one file, in one run.

    python benches/peers.py [FILE] [--mb 250] [--records-mb 60] [--rounds 5] [--memory-mb 1000]
                            [--table all] [--into PAGE ...]

Every measurement is a process of its own: libraries are imported first, then the clock runs over the work alone. The
contestants alternate, and medians over the rounds are printed. The first table is of whole files, with the ratios to
`mrrc`'s and pymarc's iteration; the second of work on record after record, where contestants are compared within their
group, must have counted the same (records, titles, subfields), and have the ratios to `mrrc` and to pymarc at the same
work. The third, of commands on one core and on two, is that of benches/limits.py. `--table writing` is of what is
written: MARC to Parquet from a small file and a large one, and records in memory to MARC.

`--into README.md docs/performance.md` puts what is printed in place of the tables that these pages have, and measures
those alone.

Without FILE, files are made (kept in build/): from real records where ../shared is present, else from the shipped
sample. Peers that are not installed (`pip install --group bench`) are named as absent. At the end comes the peak memory
of our streaming reader on a larger file.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import common, writers
from benches.contestants import (
    BATCHES,
    COLUMNS,
    EVERYONE,
    LAYOUTS,
    LAZY,
    LOSSY,
    PROFILE,
    RECORDS,
    ROWS,
    WHOLE,
    Contestant,
    Seen,
)
from benches.limits import encodings, limits
from benches.pages import places, printed, put_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Runs = dict[str, list[common.Figures]]


def run_one(name: str, path: str) -> None:
    """Be the process that `measure` starts."""
    try:
        work = (EVERYONE | writers.EVERYONE)[name].make(path)
    except ImportError:
        sys.exit(common.NOT_INSTALLED)
    common.ready()
    before = common.peak_mb()
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    if isinstance(result, Seen):
        records, counted = result
    else:
        records = counted = result if isinstance(result, int) else len(result)
    figures = {"records": records, "counted": counted, "peak_mb": common.peak_mb(), "imports_mb": before}
    common.report({"seconds": seconds, **figures})


def measure(name: str, path: Path) -> common.Figures | None:
    """Run one contestant in a process of its own; None if it is not installed."""
    return common.measure(__file__, str(path), "--one", name)


def alternate(contestants: Iterable[Contestant], path: Path, rounds: int) -> tuple[Runs, list[str]]:
    """Run the contestants in turn, round after round; what each measured, and who is absent."""
    names = [contestant.name for contestant in contestants]
    runs: Runs = {name: [] for name in names}
    absent: list[str] = []
    common.warm(path)
    for _ in range(rounds):
        for name in names:
            result = None if name in absent else measure(name, path)
            if result is not None:
                runs[name].append(result)
            elif name not in absent:
                absent.append(name)
    return {name: done for name, done in runs.items() if done}, absent


def median(runs: list[common.Figures]) -> float:
    """The median of the seconds."""
    return statistics.median(run["seconds"] for run in runs)


def times(base: str, runs: Runs, name: str) -> str:
    """How many times faster than `base`, where that is installed."""
    return f"{median(runs[base]) / median(runs[name]):.1f}" if base in runs else "-"


def speeds(size: float, runs: list[common.Figures]) -> str:
    """The cells for speed and memory."""
    seconds = median(runs)
    peak = max(run["peak_mb"] for run in runs)
    return f"{size / seconds:.0f} | {runs[0]['records'] / seconds:,.0f} | {peak:.0f}"


def headline(path: Path, rounds: int) -> float:
    """Print what the table below is about; the file's size in MB."""
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB, {rounds} rounds, medians; {common.machine()}\n")
    return size


def compare(path: Path, rounds: int) -> bool:
    """Print the table of whole files; False where contestants disagree about the number of records."""
    size = headline(path, rounds)
    runs, absent = alternate(WHOLE, path, rounds)
    print("| reader | MB/s | records/s | peak MB | times mrrc | times pymarc |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, done in runs.items():
        ratios = " | ".join(times(base, runs, name) for base in ("mrrc, iterate", "pymarc, iterate"))
        print(f"| {name} | {speeds(size, done)} | {ratios} |")
    for name in absent:
        print(f"| {name} | not installed | | | | |")
    counted = {name: {run["records"] for run in done} for name, done in runs.items() if name not in LOSSY}
    return len(set().union(*counted.values())) == 1


def compare_records(path: Path, rounds: int) -> bool:
    """Print the table of work on record after record; False where contestants of a group counted different things."""
    size = headline(path, rounds)
    everyone = {contestant.name: contestant for group in RECORDS.values() for contestant in group}
    runs, absent = alternate(everyone.values(), path, rounds)
    print("| reader | MB/s | records/s | peak MB | times mrrc | times pymarc | counted |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    agree = True
    for counts, group in RECORDS.items():
        bases = {contestant.library: contestant.name for contestant in reversed(group)}
        for contestant in group:
            name = contestant.name
            if name in absent:
                print(f"| {name} | not installed | | | | | |")
                continue
            ratios = " | ".join(times(bases[library], runs, name) for library in ("mrrc", "pymarc"))
            counted = f"{runs[name][0]['counted']:,.0f} {counts}"
            print(f"| {name} | {speeds(size, runs[name])} | {ratios} | {counted} |")
        seen = {(run["records"], run["counted"]) for c in group for run in runs.get(c.name, [])}
        agree = agree and len(seen) <= 1
    return agree


def compare_layouts(large: Path, small: Path, rounds: int) -> None:
    """Print the tables of layouts, columns, profiles and queries, and of rows against pymarc's."""
    for path, contestants in ((large, LAYOUTS), (large, COLUMNS), (large, PROFILE), (large, LAZY), (small, ROWS)):
        size = headline(path, rounds)
        runs, absent = alternate(contestants, path, rounds)
        base = contestants[0].name
        print(f"| reader | rows | MB/s | peak MB | times {base} |")
        print("| --- | ---: | ---: | ---: | ---: |")
        for name, done in runs.items():
            seconds, peak = median(done), max(run["peak_mb"] for run in done)
            ratio = f"{median(runs[base]) / seconds:.2f}" if base in runs else "-"
            print(f"| {name} | {done[0]['counted']:,.0f} | {size / seconds:.0f} | {peak:.0f} | {ratio} |")
        for name in absent:
            print(f"| {name} | not installed | | | |")
        print()


def compare_writers(large: Path, small: Path, rounds: int) -> bool:
    """Print the tables of writing; False where contestants that write the same wrote another number of rows."""
    agree = True
    tables = (small, writers.PARQUET), (large, writers.SUBFIELDS), (large, writers.RECORDS), (small, writers.MARC)
    for path, table in tables:
        print(f"{table.title}: ", end="")
        size = headline(path, rounds)
        runs, absent = alternate(table.contestants, path, rounds)
        print(f"| writer | rows | MB/s | MB written | peak MB |{''.join(f' times {base} |' for base in table.bases)}")
        print(f"| --- | ---: | ---: | ---: | ---: |{' ---: |' * len(table.bases)}")
        for name, done in runs.items():
            figures = f"{done[0]['records']:,.0f} | {size / median(done):.0f} | {done[0]['counted'] / 1e6:.1f}"
            bases = [median(runs[base]) if base in runs else None for base in table.bases]
            ratios = " | ".join("-" if base is None else f"{base / median(done):.2f}" for base in bases)
            print(f"| {name} | {figures} | {max(run['peak_mb'] for run in done):.0f} | {ratios} |")
        for name in absent:
            print(f"| {name} | not installed |{' |' * (3 + len(table.bases))}")
        print()
        counted = {run["records"] for done in runs.values() for run in done}
        agree = agree and (len(counted) == 1 or not table.of_one_kind)
    return agree


def memory(path: Path, megabytes: float) -> None:
    """Print the peak memory of `read_batches` on a file of that size, made by repeating `path`."""
    large = path.with_name(f"{path.stem}-repeated.mrc")
    with large.open("wb") as out:
        while out.tell() < megabytes * 1e6:
            out.write(path.read_bytes())
    try:
        result = measure(BATCHES.name, large)
        size = large.stat().st_size / 1e6
        if result:
            print(
                f"\nread_batches over {size:.0f} MB: peak {result['peak_mb']:.0f} MB of memory,"
                f" {result['imports_mb']:.0f} MB of them before it began"
            )
    finally:
        large.unlink()


def _whole(args: argparse.Namespace) -> bool:
    path = args.file or common.make_file(args.mb)
    agree = compare(path, args.rounds)
    if args.memory_mb:
        memory(path, args.memory_mb)
    return agree


def _records(args: argparse.Namespace) -> bool:
    return compare_records(args.file or common.make_file(args.records_mb), args.rounds)


def _limits(args: argparse.Namespace) -> bool:
    limits(args.file or common.make_file(args.mb), args.rounds)
    return True


def _encodings(args: argparse.Namespace) -> bool:
    encodings(args.records_mb, args.rounds)
    return True


def _layouts(args: argparse.Namespace) -> bool:
    compare_layouts(args.file or common.make_file(args.mb), common.make_file(20), args.rounds)
    return True


def _writing(args: argparse.Namespace) -> bool:
    return compare_writers(args.file or common.make_file(args.mb), args.file or common.make_file(20), args.rounds)


# Each prints its tables, and gives False where those that count the same have counted different things.
TABLES: dict[str, Callable[[argparse.Namespace], bool]] = {
    "whole": _whole,
    "records": _records,
    "limits": _limits,
    "encodings": _encodings,
    "layouts": _layouts,
    "writing": _writing,
}
WITH = {"all": {"whole", "records", "limits"}} | {name: {name} for name in TABLES}


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, help="read this in both tables")
    parser.add_argument("--mb", type=float, default=250, help="size of the file that is made for the first table")
    parser.add_argument("--records-mb", type=float, default=60, help="size of the file that is made for the second")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-mb", type=float, default=1000, help="size for the memory measurement; 0 for none")
    parser.add_argument("--table", choices=WITH, default="all", help="print this table only")
    parser.add_argument("--into", nargs="+", type=Path, default=[], help="pages whose tables are made anew")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        run_one(args.one, str(args.file))
    if args.into and args.table != "all":
        parser.error("--into measures the tables that the pages have")
    asked = {name for page in args.into for name in places(page.read_text())} if args.into else WITH[args.table]
    if not asked or asked - TABLES.keys():
        parser.error(f"places for tables: {', '.join(sorted(asked)) or 'none'}; tables: {', '.join(TABLES)}")
    agree = True
    for name in (name for name in TABLES if name in asked):
        of_one_mind, table = printed(partial(TABLES[name], args))
        if of_one_mind:
            put_into(args.into, name, table)
        agree = of_one_mind and agree
        print()
    if not agree:
        print("the contestants disagree about what there is to count", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
