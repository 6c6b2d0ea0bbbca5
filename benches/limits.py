"""The third table of peers.py: how near to what the machine can do, on one core and on two.

Here everyone is a command: `yaz-marcdump -n` (Debian's `yaz`) and the program in `benches/measure`, which is Rust: the
least work that any parser must do (the floor), mrrc's Rust reader, and our own stages. On one core means that the whole
process is pinned to it, with all of its threads.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benches import common

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEASURE = common.ROOT / "target" / "release" / "mrrc_arrow_measure"


@dataclass(frozen=True)
class Command:
    """Something to run on so many cores."""

    name: str
    arguments: Sequence[str]
    cores: int = 1

    def seconds(self, path: Path) -> float:
        """How long it takes; that of `measure` as it says itself, without its start."""
        usable = sorted(os.sched_getaffinity(0))[: self.cores]
        environment = os.environ | {"RAYON_NUM_THREADS": str(self.cores)}
        start = time.perf_counter()
        done = subprocess.run(
            [*self.arguments, str(path)],
            input="go\n",
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            preexec_fn=partial(os.sched_setaffinity, 0, usable),
        )
        elapsed = time.perf_counter() - start
        last = done.stdout.rsplit("\n", 2)[-2] if done.stdout.strip() else ""
        return float(json.loads(last)["seconds"]) if last.startswith("{") else elapsed


def measured(name: str, what: str, cores: int = 1) -> Command:
    """A stage of the program in benches/measure."""
    return Command(name, [str(MEASURE), what], cores)


READ = "read() in 1 MiB pieces"
FLOOR = "floor: read, directory, every 0x1F, UTF-8"
YAZ = "yaz-marcdump -n"
MRRC = "mrrc, Rust reader"
STREAM = "mrrc_arrow, stream of batches"
COUNT = "mrrc_arrow, count"
TWO = f"{STREAM}, two cores"
RETAIN = "mrrc_arrow, all batches kept, two cores"
FRESH = "memory of 1.5 times the file, page by page, two cores"


def build() -> None:
    """Build the program in benches/measure."""
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "--locked", "-p", "mrrc_arrow_measure"], check=True, cwd=common.ROOT
    )


def limits(path: Path, rounds: int) -> None:
    """Print the table."""
    build()
    commands = [measured(READ, "read"), measured(FLOOR, "floor"), measured(MRRC, "mrrc"), measured(STREAM, "stream")]
    commands += [measured(COUNT, "count")]
    if shutil.which("yaz-marcdump"):
        commands.insert(2, Command(YAZ, ["yaz-marcdump", "-n"]))
    if common.cores() >= 2:
        commands += [measured(TWO, "stream", 2), measured(RETAIN, "retain", 2), measured(FRESH, "fresh", 2)]
    common.warm(path)
    runs: dict[str, list[float]] = {command.name: [] for command in commands}
    for number in range(rounds):
        for command in commands[:: -1 if number % 2 else 1]:
            runs[command.name].append(command.seconds(path))
    medians = {name: statistics.median(times) for name, times in runs.items()}
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB, {rounds} rounds, medians; {common.machine()}; on one core unless it says two\n")
    bases = [name for name in (READ, FLOOR, YAZ, MRRC, STREAM) if name in medians]
    print("| what | MB/s | " + " | ".join(f"times {name.split(':')[0].split(',')[0]}" for name in bases) + " |")
    print("| --- | ---: | " + " | ".join("---:" for _ in bases) + " |")
    for name, median in medians.items():
        ratios = " | ".join(f"{medians[base] / median:.2f}" for base in bases)
        print(f"| {name} | {size / median:.0f} | {ratios} |")
    if YAZ not in medians:
        print(f"| {YAZ} | not installed |" + " |" * len(bases))


def encodings(megabytes: float, rounds: int) -> None:
    """Print how fast batches of text in MARC-8, and of damaged records, are beside those of UTF-8."""
    build()
    files = common.make_kinds(megabytes)
    common.warm(*files.values())
    cores = sorted({1, min(2, common.cores())})
    runs: dict[tuple[str, int], list[float]] = {(kind, count): [] for kind in files for count in cores}
    for _ in range(rounds):
        for kind, count in runs:
            megabytes_read = files[kind].stat().st_size / 1e6
            runs[kind, count].append(megabytes_read / measured(STREAM, "stream", count).seconds(files[kind]))
    speeds = {key: statistics.median(values) for key, values in runs.items()}
    print(f"files of {megabytes:g} MB, {rounds} rounds, medians of MB/s; {common.machine()}\n")
    print("| text | " + " | ".join(f"{count} core{'s' * (count > 1)} | times UTF-8" for count in cores) + " |")
    print("| --- |" + " ---: | ---: |" * len(cores))
    for kind in files:
        figures = (f"{speeds[kind, n]:.0f} | {speeds[kind, n] / speeds['UTF-8', n]:.2f}" for n in cores)
        print(f"| {kind} | " + " | ".join(figures) + " |")
