"""Compare with peers on one file, in one run.

    python benches/peers.py [FILE] [--mb 250] [--rounds 5] [--memory-mb 1000]

Every measurement is a process of its own: libraries are imported first, then the clock runs over the work alone. The
contestants alternate, and medians over the rounds are printed, with the ratio to `mrrc`'s iteration. Without FILE, one
is made (kept in build/): from real records where ../shared is present, else from the shipped sample. Peers that are not
installed (`pip install --group bench`) are named as absent. The last table gives the peak memory of our streaming
reader on a larger file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

ROOT = Path(__file__).resolve().parent.parent
MAKE_BIG = ROOT.parent / "shared" / "tools" / "make_big.py"


def pymarc_iterate(path: str) -> Callable[[], int | Sized]:
    """`for record in pymarc.MARCReader(file)`."""
    import pymarc

    def work() -> int:
        with Path(path).open("rb") as file:
            return sum(1 for _ in pymarc.MARCReader(file))

    return work


def mrrc_iterate(path: str) -> Callable[[], int | Sized]:
    """`for record in mrrc.MARCReader(path)`."""
    import mrrc

    return lambda: sum(1 for _ in mrrc.MARCReader(path))


def our_frame(path: str) -> Callable[[], int | Sized]:
    """A Polars frame of everything, kept."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path)


def our_table(path: str) -> Callable[[], int | Sized]:
    """A pyarrow table of everything, kept."""
    import mrrc_arrow

    importlib.import_module("pyarrow")
    return lambda: mrrc_arrow.read_table(path)


def our_batches(path: str) -> Callable[[], int | Sized]:
    """Batch after batch, none kept."""
    import mrrc_arrow

    return lambda: sum(batch.num_rows for batch in mrrc_arrow.read_batches(path))


CONTESTANTS: dict[str, Callable[[str], Callable[[], int | Sized]]] = {
    "pymarc, iterate": pymarc_iterate,
    "mrrc, iterate": mrrc_iterate,
    "mrrc_arrow, read_marc": our_frame,
    "mrrc_arrow, read_table": our_table,
    "mrrc_arrow, read_batches": our_batches,
}
BASE = "mrrc, iterate"


def peak_mb() -> float:
    """Most memory that this process has held, in MB (10^6 bytes)."""
    status = Path("/proc/self/status").read_text()
    kib = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kib) * 1024 / 1e6


def measure(name: str, path: str) -> dict[str, float] | None:
    """Run one contestant in a process of its own; None if it is not installed."""
    command = [sys.executable, __file__, path, "--one", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        return None
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def run_one(name: str, path: str) -> None:
    """Be the process that `measure` starts."""
    try:
        work = CONTESTANTS[name](path)
    except ImportError:
        sys.exit(3)
    before = peak_mb()
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    records = result if isinstance(result, int) else len(result)
    print(json.dumps({"seconds": seconds, "records": records, "peak_mb": peak_mb(), "imports_mb": before}))


def make_file(megabytes: float) -> Path:
    """A file of about that size in build/, made once."""
    path = ROOT / "build" / f"big-{megabytes:g}.mrc"
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    if MAKE_BIG.exists():
        subprocess.run([sys.executable, MAKE_BIG, path, "--mb", str(megabytes)], check=True, stdout=sys.stderr)
    else:
        sample = (ROOT / "tests" / "data" / "sample.mrc").read_bytes()
        with path.open("wb") as out:
            while out.tell() < megabytes * 1e6:
                out.write(sample)
    return path


def compare(path: Path, rounds: int) -> bool:
    """Print the table of speeds; False where contestants disagree about the number of records."""
    size = path.stat().st_size / 1e6
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    absent = set()
    for _ in range(rounds):
        for name in CONTESTANTS:
            result = None if name in absent else measure(name, str(path))
            if result is None:
                absent.add(name)
            else:
                runs[name].append(result)
    medians = {name: statistics.median(run["seconds"] for run in done) for name, done in runs.items() if done}
    print(f"{path.name}: {size:.0f} MB, {rounds} rounds, medians; {machine()}\n")
    print("| reader | MB/s | records/s | peak MB | times mrrc |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, seconds in medians.items():
        records = runs[name][0]["records"]
        peak = max(run["peak_mb"] for run in runs[name])
        ratio = f"{medians[BASE] / seconds:.1f}" if BASE in medians else "-"
        print(f"| {name} | {size / seconds:.0f} | {records / seconds:,.0f} | {peak:.0f} | {ratio} |")
    for name in sorted(absent):
        print(f"| {name} | not installed | | | |")
    return len({run["records"] for done in runs.values() for run in done}) == 1


def memory(path: Path, megabytes: float) -> None:
    """Print the peak memory of `read_batches` on a file of that size, made by repeating `path`."""
    large = path.with_name(f"{path.stem}-repeated.mrc")
    with large.open("wb") as out:
        while out.tell() < megabytes * 1e6:
            out.write(path.read_bytes())
    try:
        result = measure("mrrc_arrow, read_batches", str(large))
        size = large.stat().st_size / 1e6
        if result:
            print(
                f"\nread_batches over {size:.0f} MB: peak {result['peak_mb']:.0f} MB of memory,"
                f" {result['imports_mb']:.0f} MB of them before it began"
            )
    finally:
        large.unlink()


def machine() -> str:
    """The machine, the interpreter and the versions."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), "?")
    return f"{os.cpu_count()} cores of {cpu}, {platform.system()}, Python {platform.python_version()}"


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--mb", type=float, default=250, help="size of the file that is made without FILE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-mb", type=float, default=1000, help="size for the memory measurement; 0 for none")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        run_one(args.one, str(args.file))
        return 0
    path = args.file or make_file(args.mb)
    agree = compare(path, args.rounds)
    if args.memory_mb:
        memory(path, args.memory_mb)
    if not agree:
        print("the contestants disagree about the number of records", file=sys.stderr)
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
