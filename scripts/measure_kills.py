"""Kill what writes files (SIGKILL) at moments all over its work, and look at what is there afterwards.

    python scripts/measure_kills.py [FILE] [--kills 100] [--mb 20] [--seed 1]

Each kill is of a process of its own, and comes at a random moment, evenly spread over the time that the work takes;
every fourth comes once all is written and the file only has to reach the disk and get its name. Afterwards the target
must be absent (or what it was before), or whole; beside it there may be hidden files ending in `.tmp` alone. At the end
of each case the work is done once more, beside what the last kill left.
"""

from __future__ import annotations

import argparse
import glob
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent))

import mrrc_arrow as mrrc
from mrrc_arrow import _native

from benches import common

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE = b"what was there before"
# What people look for data with; a shell's patterns find nothing hidden, as Python's `glob` does not.
PATTERNS = ["*", "*.parquet", "*.mrc", "*.gz", "*/*.parquet", "**/*.parquet"]


def convert(source: str, target: str) -> None:
    """Do as the command does."""
    if _native.run_command(["mrrc-arrow", "convert", "--layout", "subfields", source, target]):
        sys.exit("the command failed")


def write_marc(source: str, target: str) -> None:
    """Write what is read at the same time."""
    with mrrc.read_batches(source) as reader:
        mrrc.write_marc(reader, target)


@dataclass(frozen=True)
class Case:
    """One kind of work: what it is called, its target's name, and how it is done."""

    name: str
    target: str
    work: Callable[[str, str], object]
    replaces: bool = False


CASES = [
    Case("mrrc-arrow convert", "out.parquet", convert),
    Case("mrrc-arrow convert, over a file", "out.parquet", convert, replaces=True),
    Case(
        "write_parquet, partition_by='tag'",
        "lake",
        lambda source, target: mrrc.write_parquet(source, target, layout="subfields", partition_by="tag"),
    ),
    Case(
        "write_parquet, partition_by=500",
        "lake",
        lambda source, target: mrrc.write_parquet(source, target, partition_by=500),
    ),
    Case("write_marc", "out.mrc", write_marc),
    Case("write_marc, over a file, gzip", "out.mrc.gz", write_marc, replaces=True),
]


@dataclass
class Seen:
    """What was there after kills."""

    unchanged: int = 0
    whole: int = 0
    left: int = 0
    late: int = 0
    wrong: list[str] = field(default_factory=list)


def content(path: Path) -> dict[str, bytes]:
    """Each file of a directory, or the one."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def size(path: Path) -> int:
    """Bytes in a file, or in a directory of files; those that go away meanwhile have none."""
    try:
        return sum(size(child) for child in path.iterdir()) if path.is_dir() else path.stat().st_size
    except FileNotFoundError:
        return 0


class Trial:
    """One case in a folder of its own."""

    def __init__(self, case: Case, source: Path, folder: Path) -> None:
        self.case = case
        self.source = source
        self.folder = folder
        self.target = folder / case.target

    def begin(self) -> subprocess.Popen[str]:
        """Empty the folder and start the work, which begins when this returns."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.case.replaces:
            self.target.write_bytes(BEFORE)
        return self.start()

    def start(self) -> subprocess.Popen[str]:
        """Start the work beside what is there."""
        command = [sys.executable, __file__, "--work", self.case.name, str(self.source), str(self.target)]
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        child.stdout.readline()
        return child

    def wait_until(self, event: Callable[[], bool], child: subprocess.Popen[str]) -> float:
        """Wait for something, or until the work is over; the time then."""
        while child.poll() is None and not event():
            time.sleep(0.0002)
        return time.perf_counter()

    def is_named(self) -> bool:
        """Whether the target is there, and is not what was there before."""
        return self.target.exists() and not (self.case.replaces and size(self.target) == len(BEFORE))

    def is_written(self, written: int) -> bool:
        """Whether that many bytes are there under a temporary name."""
        return sum(size(path) for path in self.hidden()) >= written or self.is_named()

    def hidden(self) -> list[Path]:
        """What is there under temporary names."""
        return [path for path in self.folder.iterdir() if path.name.startswith(".")]

    def finish(self) -> dict[str, bytes]:
        """Work in peace, beside what is there; what comes out."""
        child = self.start()
        _, said = child.communicate()
        if child.returncode:
            raise AssertionError(f"{self.case.name}: {said}")
        return content(self.target)

    def run(self, kills: int, rng: random.Random) -> Seen:
        """Kill the work that often."""
        self.begin().communicate()
        whole = content(self.target)
        written = size(self.target)
        runs = [self.measure(written) for _ in range(3)]
        whole_time, commit_time = (statistics.median(times) for times in zip(*runs, strict=True))
        late = [number for number in range(kills) if number % 4 == 3]
        early = kills - len(late)
        # A little beyond the end, so that some come too late.
        moments = [1.05 * whole_time * (number + rng.random()) / early for number in range(early)]
        seen = Seen()
        for number in range(kills):
            child = self.begin()
            if number in late:
                self.wait_until(lambda: self.is_written(written), child)
                time.sleep(rng.random() * commit_time)
            else:
                time.sleep(moments.pop())
            child.kill()
            child.communicate()
            self.judge(whole, written, seen)
        if self.target.is_dir():
            shutil.rmtree(self.target)
        if self.finish() != whole:
            seen.wrong.append("beside what a kill left, something else is written")
        return seen

    def measure(self, written: int) -> tuple[float, float]:
        """Seconds until the target has its name, and those of them after the last byte."""
        child = self.begin()
        start = time.perf_counter()
        last_byte = self.wait_until(lambda: self.is_written(written), child)
        named = self.wait_until(self.is_named, child)
        child.communicate()
        return named - start, named - last_byte

    def judge(self, whole: dict[str, bytes], written: int, seen: Seen) -> None:
        """Look at what is there."""
        found = content(self.target) if self.target.exists() else None
        before = {self.target.name: BEFORE} if self.case.replaces else None
        if found == whole:
            seen.whole += 1
        elif found == before:
            seen.unchanged += 1
        else:
            seen.wrong.append(f"{self.target.name} is neither what it was nor whole")
        others = [path for path in self.folder.iterdir() if path != self.target]
        seen.left += bool(others)
        seen.late += any(size(path) == written for path in others)
        seen.wrong += [f"{path.name} is left" for path in others if not (path.name[0] == "." and path.suffix == ".tmp")]
        for pattern in PATTERNS:
            found_names = glob.glob(pattern, root_dir=self.folder, recursive=True)  # noqa: PTH207 - finds no hidden ones
            matches = {self.folder / name for name in found_names}
            matches -= {self.target, *(self.target / name for name in whole)}
            seen.wrong += [f"{pattern} finds {match}" for match in matches]


def main() -> int:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--kills", type=int, default=100, help="for each case")
    parser.add_argument("--mb", type=float, default=20, help="size of the file that is made, without FILE")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        name, source, target = args.work
        work = next(case.work for case in CASES if case.name == name)
        print("ready", flush=True)
        work(source, target)
        return 0
    source = args.file or common.make_file(args.mb)
    rng = random.Random(args.seed)
    print(f"{source.name}: {source.stat().st_size / 1e6:.0f} MB\n")
    print("| work | kills | target as before | target whole | temporary left | of these with all in it |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    failed = False
    for case in CASES:
        with tempfile.TemporaryDirectory(prefix="mrrc-kills-") as folder:
            seen = Trial(case, source, Path(folder)).run(args.kills, rng)
        counts = f"{args.kills} | {seen.unchanged} | {seen.whole} | {seen.left} | {seen.late}"
        print(f"| {case.name} | {counts} |", flush=True)
        for wrong in seen.wrong:
            print(f"{case.name}: {wrong}", file=sys.stderr)
        failed = failed or bool(seen.wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
