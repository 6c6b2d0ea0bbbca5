"""Tell what share of reading a Python file object is Python's own `.read()`.

    python scripts/test_python_file_overhead.py [FILE] [--mb 60] [--rounds 5] [--quick]

`mrrc_arrow.MARCReader` reads the same records from kinds of file objects, each of which counts and times the calls of
its `read` (of a socket: `recv`), wrapped in Python. For each kind there are two kinds of work: `loop` is `for record in
reader`; `check` takes whole batches and looks at the directory and the text of each record without the GIL. Printed are
the total time, the time inside `.read`, the rest, and what a call costs, as medians over the rounds; every measurement
is a process of its own, and they alternate. The time inside `.read` includes what the wrapper costs, below a
microsecond a call. This is a script, not a test.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import common

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benches.common import Figures, TimedFile

ROUNDS = 5


class InMemory:
    """An object of one's own, with a `read` over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.stream = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Read as io.BytesIO does."""
        return self.stream.read(size)


class TimedSocket(socket.socket):
    """A socket that counts and times the calls of its `recv`."""

    calls = 0
    nanoseconds = 0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Receive as a socket does."""
        start = time.perf_counter_ns()
        data = super().recv(bufsize, flags)
        self.nanoseconds += time.perf_counter_ns() - start
        self.calls += 1
        return data


@contextlib.contextmanager
def a_file(path: Path, buffering: int = -1) -> Iterator[TimedFile]:
    """A file on disk."""
    with path.open("rb", buffering=buffering) as file:
        yield common.TimedFile(file)


@contextlib.contextmanager
def unbuffered(path: Path) -> Iterator[TimedFile]:
    """A file on disk, without a buffer in Python."""
    with a_file(path, 0) as file:
        yield file


@contextlib.contextmanager
def own_object(path: Path) -> Iterator[TimedFile]:
    """Bytes in memory behind a class of one's own."""
    yield common.TimedFile(InMemory(path.read_bytes()))


@contextlib.contextmanager
def gzipped(path: Path) -> Iterator[TimedFile]:
    """A compressed file, which Python decompresses."""
    with gzip.open(compressed(path), "rb") as file:
        yield common.TimedFile(cast("Any", file))


@contextlib.contextmanager
def a_socket(path: Path) -> Iterator[TimedSocket]:
    """A socket that another process writes the file to."""
    theirs, ours = socket.socketpair()
    with theirs, TimedSocket(ours.family, ours.type, fileno=ours.detach()) as timed:
        sender = subprocess.Popen(["cat", path], stdout=theirs.fileno())
        theirs.close()
        yield timed
        sender.wait()


KINDS: dict[str, Callable[[Path], contextlib.AbstractContextManager[TimedFile | TimedSocket]]] = {
    "open(path, 'rb')": a_file,
    "open(path, 'rb', buffering=0)": unbuffered,
    "own class over io.BytesIO": own_object,
    "gzip.open(path)": gzipped,
    "socket": a_socket,
}
WORKS = ["loop", "check"]


def compressed(path: Path) -> Path:
    """The file with gzip, made once and kept in build/."""
    target = common.ROOT / "build" / f"{path.name}.gz"
    if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
        target.parent.mkdir(exist_ok=True)
        part = target.with_suffix(".part")
        with path.open("rb") as file, gzip.open(part, "wb", compresslevel=6) as out:
            shutil.copyfileobj(file, out, 1 << 20)
        part.rename(target)
    return target


def be_measured(kind: str, work: str, path: Path) -> None:
    """Be the process that `main` starts."""
    import mrrc_arrow

    common.ready()
    with KINDS[kind](path) as file:
        start = time.perf_counter()
        reader = mrrc_arrow.MARCReader(cast("Any", file))
        records = 0
        if work == "loop":
            records = sum(1 for _ in reader)
        else:
            while count := reader._check_batch():
                records += count
        seconds = time.perf_counter() - start
    inside = file.nanoseconds / 1e9
    common.report({"seconds": seconds, "inside": inside, "calls": file.calls, "records": records})


def line(kind: str, work: str, size: float, runs: list[Figures]) -> str:
    """One line of the table."""
    total, inside = (statistics.median(run[name] for run in runs) for name in ("seconds", "inside"))
    rest = statistics.median(run["seconds"] - run["inside"] for run in runs)
    share = statistics.median(run["inside"] / run["seconds"] for run in runs)
    calls = statistics.median(run["calls"] for run in runs)
    cells = [f"{value * 1e3:.1f}" for value in (total, inside, rest)]
    cells += [f"{share:.0%}", f"{calls:,.0f}", f"{inside / calls * 1e6:.1f}", f"{size / total:,.0f}"]
    return f"| {kind} | {work} | {' | '.join(cells)} |"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--mb", type=float, default=60, help="size of the file that is made without FILE")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="4 MB and one round, to see that it works")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        kind, work = args.one
        be_measured(kind, work, args.file)
    megabytes, rounds = (4, 1) if args.quick else (args.mb, args.rounds)
    path = args.file or common.make_file(megabytes)
    common.warm(path, compressed(path))
    runs: dict[tuple[str, str], list[Figures]] = {(kind, work): [] for kind in KINDS for work in WORKS}
    for _ in range(rounds):
        for kind, work in runs:
            figures = common.measure(__file__, str(path), "--one", kind, work)
            if figures is None:
                sys.exit("mrrc_arrow is not installed")
            runs[kind, work].append(figures)
    size = path.stat().st_size / 1e6
    print(f"{path.name}: {size:.0f} MB, {rounds} rounds, medians; {common.machine()}\n")
    print("| file object | work | total ms | inside .read ms | rest ms | share of .read | reads | µs a read | MB/s |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for (kind, work), done in runs.items():
        print(line(kind, work, size, done))
    if len({run["records"] for done in runs.values() for run in done}) > 1:
        print("the kinds of file disagree about the number of records", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
