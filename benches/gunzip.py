"""Compare what takes gzip off, on one core, and what is left of it when records are read from it.

    python benches/gunzip.py [FILE] [--mb 250] [--rounds 5]

The decompressors are those of Debian (`gzip`, `pigz`, `isal` for igzip, `libdeflate-tools`) and zlib-rs, which we use;
below them `mrrc_arrow` streaming batches from the same file, and from one that bgzip wrote (`tabix`), on all cores.
Last comes igzip in Python (`pip install isal`), by itself and as the file object that `read_batches` reads.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import common
from benches.limits import Command, build, measured

if TYPE_CHECKING:
    from collections.abc import Callable

ONE_CORE = {
    "igzip (ISA-L)": ["igzip", "-d", "-c"],
    "libdeflate-gunzip, not a stream": ["libdeflate-gunzip", "-c"],
    "pigz -p1 (zlib)": ["pigz", "-p1", "-dc"],
    "gzip": ["gzip", "-dc"],
}


def read_to_the_end(file: BinaryIO) -> None:
    """Read a file, and do nothing else."""
    while file.read(1 << 20):
        pass


def stream(file: BinaryIO) -> None:
    """Read batch after batch of a file."""
    import mrrc_arrow

    for _ in mrrc_arrow.read_batches(file):
        pass


IN_PYTHON: dict[str, Callable[[BinaryIO], None]] = {
    "isal.igzip_threaded (ISA-L), in Python": read_to_the_end,
    "mrrc_arrow, stream of that, all cores": stream,
}


def run_one(name: str, path: Path) -> None:
    """Be the process that works in Python."""
    try:
        igzip = importlib.import_module("isal.igzip_threaded")
    except ImportError:
        sys.exit(common.NOT_INSTALLED)
    importlib.import_module("mrrc_arrow")
    common.ready()
    start = time.perf_counter()
    with igzip.open(path, "rb") as file:
        IN_PYTHON[name](file)
    common.report({"seconds": time.perf_counter() - start})


def seconds(arguments: list[str]) -> float:
    """How long a command takes on one core."""
    core = sorted(os.sched_getaffinity(0))[:1]
    start = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, preexec_fn=partial(os.sched_setaffinity, 0, core))
    return time.perf_counter() - start


def packed(path: Path, command: list[str], suffix: str) -> Path:
    """The file that `command` makes of `path`, made once."""
    target = path.with_name(path.name + suffix)
    if not target.exists():
        part = target.with_suffix(".part")
        with part.open("wb") as out:
            subprocess.run([*command, str(path)], check=True, stdout=out)
        part.rename(target)
    return target


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--mb", type=float, default=250)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        run_one(args.one, args.file)
    build()
    path = args.file or common.make_file(args.mb)
    plain = packed(path, ["gzip", "-6", "-c"], ".gz")
    ours: list[tuple[Command, Path]] = [
        (measured("zlib-rs", "inflate"), plain),
        (measured("mrrc_arrow, stream, all cores", "stream", common.cores()), plain),
    ]
    if shutil.which("bgzip"):
        blocks = packed(path, ["bgzip", "-c"], ".bgz")
        ours += [
            (measured("zlib-rs, bgzip's file", "inflate"), blocks),
            (measured("mrrc_arrow, stream, all cores, bgzip's file", "stream", common.cores()), blocks),
        ]
    times: dict[str, list[float]] = {}
    for _ in range(args.rounds):
        for name, arguments in ONE_CORE.items():
            if shutil.which(arguments[0]):
                times.setdefault(name, []).append(seconds([*arguments, str(plain)]))
        for command, file in ours:
            times.setdefault(command.name, []).append(command.seconds(file))
        for name in IN_PYTHON:
            if figures := common.measure(__file__, str(plain), "--one", name):
                times.setdefault(name, []).append(figures["seconds"])
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB of text, {args.rounds} rounds, medians; {common.machine()}\n")
    print("| what | MB/s of text |")
    print("| --- | ---: |")
    for name, all_times in times.items():
        print(f"| {name} | {size / statistics.median(all_times):.0f} |")
    programs = {name: arguments[0] for name, arguments in ONE_CORE.items()} | dict.fromkeys(IN_PYTHON, "isal")
    for name, program in programs.items():
        if name not in times:
            print(f"| {name} | {program} is not installed |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
