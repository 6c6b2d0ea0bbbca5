"""Compare what takes gzip off, on one core, and what is left of it when records are read from it.

    python benches/gunzip.py [FILE] [--mb 250] [--rounds 5]

The decompressors are those of Debian (`gzip`, `pigz`, `isal` for igzip, `libdeflate-tools`) and zlib-rs, which we use;
below them `mrrc_arrow` streaming batches from the same file, and from one that bgzip wrote (`tabix`), on all cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import common
from benches.limits import Command, build, measured

ONE_CORE = {
    "igzip (ISA-L)": ["igzip", "-d", "-c"],
    "libdeflate-gunzip, not a stream": ["libdeflate-gunzip", "-c"],
    "pigz -p1 (zlib)": ["pigz", "-p1", "-dc"],
    "gzip": ["gzip", "-dc"],
}


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
    args = parser.parse_args()
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
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB of text, {args.rounds} rounds, medians; {common.machine()}\n")
    print("| what | MB/s of text |")
    print("| --- | ---: |")
    for name, all_times in times.items():
        print(f"| {name} | {size / statistics.median(all_times):.0f} |")
    for name, arguments in ONE_CORE.items():
        if name not in times:
            print(f"| {name} | {arguments[0]} is not installed |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
