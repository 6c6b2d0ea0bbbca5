"""What benchmark_batch_sizes.py measures; each function here is the work of one process.

The gate's workload is `check`: a `MARCReader` over a Python file object reads batch after batch, with the walk along
the directory and the check of the text of each record done without the GIL. `loop` is the plain loop over the records.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import mrrc_arrow

from benches import common
from benches.common import Figures, TimedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benches.common import Readable

# No limit on the records of a batch.
UNLIMITED = 1_000_000
# The hard stop in bytes is lifted where it would decide instead of the number of records: to this much for each, a
# third more than real ones have in the mean. And no further: a reader may ask its file for as much as a batch may take,
# so that more would measure large reads.
HARD_STOP = 300_000
ROOM = 2_500


@dataclass(frozen=True)
class Setting:
    """One way to read: a row of the CSV.

    `sweep` is ``"size"`` where only the batch size varies, ``"limits"`` where the hard stops do, ``"shipped"`` for what
    the code does when it is told nothing.
    """

    backend: str
    sweep: str
    batch_size: int | None = None
    max_records: int | None = None
    max_bytes: int | None = None

    @classmethod
    def lifted(cls, batch_size: int) -> Setting:
        """A batch size of the reader, with nothing else to stop a batch."""
        return cls("PythonFile", "size", batch_size, UNLIMITED, max(HARD_STOP, batch_size * ROOM))

    def options(self) -> dict[str, Any]:
        """The arguments that they are to `MARCReader`."""
        options = {"batch_size": self.batch_size, "_max_records": self.max_records, "_max_bytes": self.max_bytes}
        return {name: value for name, value in options.items() if value is not None}


class Counters(NamedTuple):
    """What a reader counted, and the records that came out of it."""

    records: int
    batches: int
    read_calls: int
    gil_cycles: int


def check_file(file: Readable, setting: Setting) -> Counters:
    """Read a Python file object to its end in batches that are checked."""
    reader = mrrc_arrow.MARCReader(file, **setting.options())
    records = 0
    while count := reader._check_batch():
        records += count
    return Counters(records, **reader._counters)


def check(path: Path, setting: Setting, buffering: int = -1) -> Counters:
    """`check_file` of a file that is opened as anybody would."""
    with path.open("rb", buffering=buffering) as file:
        return check_file(file, setting)


def loop(path: Path, setting: Setting) -> int:
    """Take record after record."""
    with path.open("rb") as file:
        return sum(1 for _ in mrrc_arrow.MARCReader(file, **setting.options()))


def single(setting: Setting, path: Path) -> Figures:
    """Time, counters and memory of the gate's workload in one thread."""
    common.ready()
    start = time.perf_counter()
    counters = check(path, setting)
    return {"seconds": time.perf_counter() - start, "peak_mb": common.peak_mb(), **counters._asdict()}


def pair(setting: Setting, paths: Sequence[Path], *, two_first: bool) -> Figures:
    """Seconds for two files, one after the other and in two threads: of the gate's workload and of the plain loop.

    And of work for the processor alone, which tells whether two cores were there to be had.
    """
    common.ready()
    one, two = common.one_and_two(lambda path: check(path, setting), paths, two_first=two_first)
    loop_one, loop_two = common.one_and_two(lambda path: loop(path, setting), paths, two_first=two_first)
    cores_one, cores_two = common.one_and_two(crc32, paths, two_first=two_first)
    records = sum(loop(path, setting) for path in paths)
    figures = {"one": one, "two": two, "loop_one": loop_one, "loop_two": loop_two}
    return figures | {"cores_one": cores_one, "cores_two": cores_two, "records": records}


def table(setting: Setting, path: Path) -> Figures:
    """Time and memory of a whole table, kept, or of its batches, each dropped when the next one comes."""
    if setting.backend == "read_table":
        import pyarrow  # noqa: F401 - before the clock runs
    if setting.backend == "read_marc":
        import polars  # noqa: F401 - before the clock runs
    common.ready()
    start = time.perf_counter()
    if setting.backend == "read_table":
        whole = mrrc_arrow.read_table(path, batch_size=setting.batch_size)
        records, batches = whole.num_rows, whole.column(0).num_chunks
    elif setting.backend == "read_marc":
        frame = mrrc_arrow.read_marc(path, batch_size=setting.batch_size)
        records, batches = frame.height, frame.n_chunks()
    else:
        records = batches = 0
        for batch in mrrc_arrow.read_batches(path, batch_size=setting.batch_size):
            records += batch.num_rows
            batches += 1
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": common.peak_mb(), "records": records, "batches": batches}


def stage(setting: Setting, paths: Sequence[Path]) -> Figures:
    """The gate's workload by stage, with a thread for each path: seconds of a file inside `.read`, and of the rest."""

    def timed(path: Path, into: list[tuple[float, float]]) -> None:
        with path.open("rb") as file:
            wrapped = TimedFile(file)
            start = time.perf_counter()
            check_file(wrapped, setting)
            inside = wrapped.nanoseconds / 1e9
            into.append((inside, time.perf_counter() - start - inside))

    timed(paths[0], [])
    parts: list[tuple[float, float]] = []
    common.ready()
    start = time.perf_counter()
    common.seconds(*(partial(timed, path, parts) for path in paths))
    # This clock is the same in all processes of the machine.
    end = time.perf_counter()
    inside, rest = (sum(part[at] for part in parts) / len(parts) for at in (0, 1))
    return {"inside": inside, "rest": rest, "start": start, "end": end}


class Replay:
    """A file object whose reads cost nothing: it gives the very chunks that a file gave before."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self.chunks = iter(chunks)

    def read(self, size: int = -1) -> bytes:
        """Give the next chunk, whatever is asked for."""
        return next(self.chunks, b"") if size else b""


def recorded(path: Path, setting: Setting) -> list[bytes]:
    """The chunks that a reader asks of a file."""
    chunks: list[bytes] = []

    class Recorder:
        def __init__(self, file: Readable) -> None:
            self.file = file

        def read(self, size: int = -1) -> bytes:
            chunks.append(self.file.read(size))
            return chunks[-1]

    with path.open("rb") as file:
        check_file(Recorder(file), setting)
    return chunks


def control(name: str, setting: Setting, paths: Sequence[Path], *, two_first: bool) -> Figures:
    """Seconds of a part of the gate's workload, or of something comparable, in one thread and in two.

    Both threads have the same amount of work, and so has one thread that does it all.
    """
    works: dict[str, Callable[[], Callable[[Path], object]]] = {
        "crc32": lambda: crc32,
        "readinto": lambda: readinto,
        "read": lambda: partial(read, size=ask(paths[0], setting)),
        "walk": lambda: walk(recorded(paths[0], setting), setting),
        "unbuffered": lambda: lambda path: check(path, setting, buffering=0),
        "buffered": lambda: lambda path: check(path, setting, buffering=1 << 20),
    }
    work = works[name]()
    common.ready()
    one, two = common.one_and_two(work, paths, two_first=two_first)
    return {"one": one, "two": two}


def ask(path: Path, setting: Setting) -> int:
    """How many bytes a reader has of a call, in the mean."""
    return max(1, path.stat().st_size // check(path, setting).read_calls)


def crc32(path: Path) -> None:
    """Work for the processor alone: checksums of bytes that stay in its cache, without the GIL."""
    block = bytes(256 << 10)
    for _ in range(1 + path.stat().st_size // len(block) // 4):
        zlib.crc32(block)


def readinto(path: Path) -> None:
    """What the system does to hand a file over: copies into one buffer, without the GIL."""
    block = bytearray(256 << 10)
    with path.open("rb", buffering=0) as file:
        while file.readinto(block):
            pass


def read(path: Path, size: int) -> None:
    """Python's reading alone."""
    with path.open("rb") as file:
        while file.read(size):
            pass


def walk(chunks: Sequence[bytes], setting: Setting) -> Callable[[Path], object]:
    """What is left of the gate's workload where `.read` costs nothing."""
    return lambda _path: check_file(Replay(chunks), setting)
