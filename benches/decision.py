"""From the rows of speedup_curve.csv to batch sizes, and to a verdict about the gate.

Rules, none of which looks at anything but the CSV and the stages that were measured beside it:

- what else runs on a machine only ever adds time, so that the least time of all rounds is taken, and two threads
  against one is the least time of the one by the least of the other; but what tables take that are kept depends on
  which memory the system happens to have, for better or worse, so that their medians are taken;
- the reader's best size is the smallest one within `TOLERANCE` of the fastest; that of batches is the fastest one, of
  streams and of tables that are kept each for itself;
- a curve on which all sizes are that close is flat, and then the reader keeps `KEEP`;
- a curve climbs at its end if its last size beats all before it by more than that: the sweep is then extended;
- the gate passes if two threads reach `GATE` times one, with the best size and with what the code does by default;
- it is about two idle cores: where checksums, which share nothing, do not reach `IDLE` times one thread on two, in the
  same rounds, there is no verdict.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, str]

TOLERANCE = 0.03
GATE = 1.8
IDLE = 1.9
KEEP = 100

STREAM_BACKENDS = ("read_batches",)
KEPT_BACKENDS = ("read_table", "read_marc")
TABLE_BACKENDS = (*STREAM_BACKENDS, *KEPT_BACKENDS)

EXIT_CODES = {"passed": 0, "failed": 1, "not idle": 2, "no verdict": 0}


def times(rows: Sequence[Row], backend: str) -> dict[int, float]:
    """Milliseconds for 10,000 records by batch size, of the rows where nothing else varies."""
    of_backend = [row for row in rows if row["backend"] == backend and row["sweep"] == "size"]
    column = "ms_per_10k" if backend in KEPT_BACKENDS else "ms_per_10k_min"
    return {int(row["batch_size"]): float(row[column]) for row in of_backend}


def best(curve: Mapping[int, float]) -> int:
    """The smallest size within the tolerance of the fastest."""
    return min(size for size, time in curve.items() if time <= (1 + TOLERANCE) * min(curve.values()))


def is_flat(curve: Mapping[int, float]) -> bool:
    """Whether the size makes no difference."""
    return max(curve.values()) <= (1 + TOLERANCE) * min(curve.values())


def climbs(curve: Mapping[int, float]) -> bool:
    """Whether the largest size still gains."""
    *before, last = (curve[size] for size in sorted(curve))
    return not before or last < (1 - TOLERANCE) * min(before)


def reader_size(curve: Mapping[int, float]) -> tuple[int, str]:
    """The reader's batch size, and why."""
    if is_flat(curve) and KEEP in curve:
        return KEEP, f"flat: all sizes are within {TOLERANCE:.0%} of the fastest, so {KEEP} is kept"
    size = best(curve)
    fastest = min(curve, key=lambda size: curve[size])
    if climbs(curve):
        return size, f"still climbing at {max(curve)}, where the sweep ends"
    return size, f"flattens: {size} is the smallest size within {TOLERANCE:.0%} of the fastest ({fastest})"


def table_curve(rows: Sequence[Row], backends: Sequence[str]) -> dict[int, float]:
    """What a size costs tables, relative to the best: the geometric mean over `backends`."""
    curves = [times(rows, backend) for backend in backends]
    relative = [{size: time / min(curve.values()) for size, time in curve.items()} for curve in curves]
    return {size: math.prod(curve[size] for curve in relative) ** (1 / len(relative)) for size in relative[0]}


def table_size(rows: Sequence[Row], backends: Sequence[str]) -> tuple[int, str]:
    """The batch size of tables, and why."""
    curve = table_curve(rows, backends)
    mean = f"the geometric mean of {', '.join(backends)}, each relative to its own fastest"
    size = min(curve, key=lambda size: curve[size])
    return size, f"{size} is the fastest size, by {mean if len(backends) > 1 else backends[0]}"


def verdict(ratio: float | None, shipped: float | None, idle: float | None) -> str:
    """What the gate says about two threads with the best size, and with the defaults as they are."""
    if ratio is None or shipped is None or idle is None:
        return "no verdict"
    if idle < IDLE:
        return "not idle"
    return "passed" if min(ratio, shipped) >= GATE else "failed"


@dataclass(frozen=True)
class Stages:
    """The gate's workload with the best size, by stage: seconds of a file inside `.read` and of the rest.

    `threads` and `processes` are of two files at once; `ratio` is what two processes reach over one.
    """

    records: float
    alone: tuple[float, float]
    processes: tuple[float, float]
    threads: tuple[float, float]
    ratio: float

    def per_10k(self, seconds: float) -> str:
        """Milliseconds for 10,000 records."""
        return f"{seconds * 1e7 / self.records:8.3f}"

    def table(self) -> list[str]:
        """The stages as a table, in milliseconds for 10,000 records."""
        lines = [" " * 26 + "inside .read      the walk         total"]
        for name, (inside, rest) in [
            ("one thread alone", self.alone),
            ("two processes, each", self.processes),
            ("two threads, each", self.threads),
        ]:
            cells = [f"{self.per_10k(part):>12}" for part in (inside, rest, inside + rest)]
            lines.append(f"  {name:<24}" + "  ".join(cells))
        return lines

    def losses(self) -> dict[str, float]:
        """Where two threads lose time against one alone: seconds of a file, by cause."""
        causes = [
            "the machine: two processes, which share no GIL, lose as much (memory bandwidth, cores that are not idle)",
            "inside .read: taking the GIL again after the system call, and fresh pages in one address space",
            "between the calls of .read: waiting for the GIL to call it again, and the allocator that threads share",
        ]
        machine = sum(self.processes) - sum(self.alone)
        inside, between = (self.threads[at] - self.processes[at] for at in (0, 1))
        return dict(zip(causes, (machine, inside, between), strict=True))

    def account(self) -> list[str]:
        """The stages, and which of the losses is the largest."""
        alone, threads = sum(self.alone), sum(self.threads)
        losses = self.losses()
        share = self.alone[0] / alone
        # What cannot be says that the machine changed while this was measured.
        odd = self.ratio > 2.05 or min(losses.values()) < -0.05 * alone
        return [
            *self.table(),
            "  (The walk: all that is not .read, so boundaries, directory and text of each record.)",
            f"  Inside .read is {share:.0%} of one thread's time; if the GIL were held for all of it, two threads could"
            f" reach {min(2, 1 / share):.2f}.",
            f"  Two processes reach {self.ratio:.2f} times one.",
            f"  Two threads lose {self.per_10k(threads - alone).strip()} ms for 10,000 records against one alone:",
            *(f"    {self.per_10k(loss)}  {cause}" for cause, loss in losses.items()),
            f"  Largest loss: {max(losses, key=lambda cause: losses[cause])}",
            *(
                ["  NOT TO BE TRUSTED: a loss below nothing, or more than two processes can reach. Measure again."]
                if odd
                else []
            ),
        ]


CONTROLS = {
    "crc32": "processor alone: zlib.crc32 of bytes in the cache, without the GIL",
    "readinto": "system alone: file.readinto one buffer",
    "read": "Python alone: file.read of the bytes that a batch takes",
    "walk": "the reader alone: the same chunks from memory, so that .read costs nothing",
    "unbuffered": "the gate's workload with open(..., buffering=0)",
    "buffered": "the gate's workload with open(..., buffering=2**20)",
}


def ratio_of(row: Row, column: str = "two_threads") -> float | None:
    """Two threads against one, where that was measured."""
    return float(row[column]) if row[column] else None


def curve_lines(rows: Sequence[Row]) -> list[str]:
    """The figures of the CSV that decide, for reading."""
    columns = ["batch_size", "max_records", "max_bytes", "batches", "gil_cycles", "ms_per_10k", "ms_per_10k_min"]
    columns += ["two_threads", "loop_two_threads", "cores_two_threads", "peak_mb"]
    lines = ["  ".join(["backend     ", "sweep  ", *columns])]
    for row in rows:
        cells = [f"{row['backend']:<12}", f"{row['sweep']:<7}"]
        cells += [f"{row[name] or '-':>{len(name)}}" for name in columns]
        lines.append("  ".join(cells) + ("  best" if row["best"] == "1" else ""))
    return lines


@dataclass(frozen=True)
class Decision:
    """What follows from the rows."""

    reader: int
    reader_why: str
    stream: int
    stream_why: str
    kept: int
    kept_why: str
    ratio: float | None
    shipped: float | None
    cores: float | None
    gate: str

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Decision:
        """Decide."""
        reader, reader_why = reader_size(times(rows, "PythonFile"))
        stream, kept = table_size(rows, STREAM_BACKENDS), table_size(rows, KEPT_BACKENDS)
        sizes = (row for row in rows if row["backend"] == "PythonFile" and row["sweep"] == "size")
        chosen = next(row for row in sizes if int(row["batch_size"]) == reader)
        default = next(row for row in rows if row["sweep"] == "shipped")
        ratio, shipped = ratio_of(chosen), ratio_of(default)
        given = [cores for row in (chosen, default) if (cores := ratio_of(row, "cores_two_threads")) is not None]
        idle = min(given, default=None)
        return cls(reader, reader_why, *stream, *kept, ratio, shipped, idle, verdict(ratio, shipped, idle))

    def winner(self, backend: str) -> int:
        """The batch size that the backend is to have."""
        if backend in KEPT_BACKENDS:
            return self.kept
        return self.stream if backend in STREAM_BACKENDS else self.reader

    @property
    def exit_code(self) -> int:
        """0, or 1 if the gate failed."""
        return EXIT_CODES[self.gate]

    def text(
        self,
        headline: Sequence[str],
        rows: Sequence[Row],
        stages: Stages | None,
        controls: Mapping[str, Sequence[float]],
    ) -> str:
        """The decision and what it rests on."""
        lines = [f"GATE: {self.gate}", *headline, ""]
        lines += [f"READER_BATCH_SIZE = {self.reader}", f"  The curve {self.reader_why}."]
        lines += [f"DEFAULT_BATCH_SIZE = {self.stream}", f"  {self.stream_why}."]
        lines += [f"KEPT_BATCH_SIZE = {self.kept}", f"  {self.kept_why}.", ""]
        if self.gate == "no verdict":
            lines.append("Fewer than two cores: the gate is about two threads, so there is no verdict.")
        else:
            lines += [
                f"Two threads against one, each with its own file: {self.ratio:.2f} with batches of {self.reader},"
                f" {self.shipped:.2f} with the defaults; the gate asks for {GATE} of both.",
                "Workload: batches from a Python file object, directory walk and UTF-8 check of each record. `loop` is",
                "the plain `for record in reader`, where each step needs the GIL; `cores` is what checksums in the",
                "cache gain, which need neither the GIL nor memory.",
            ]
        if self.gate == "not idle":
            lines.append(f"Even checksums reached only {self.cores:.2f}: THE CORES WERE NOT IDLE. Measure again.")
        lines += ["", *curve_lines(rows)]
        if stages:
            lines += ["", f"Stages at {self.reader}, ms for 10,000 records, medians:", *stages.account()]
        if controls:
            lines += ["", "Two threads against one, of parts and of variants:"]
            lines += [f"  {statistics.median(controls[name]):.2f}  {what}" for name, what in CONTROLS.items()]
        if self.gate == "failed":
            tried = [(ratio, row) for row in rows if (ratio := ratio_of(row)) is not None]
            ratio, row = max(tried, key=lambda pair: pair[0])
            lines += [
                "",
                f"Tried: {len(tried)} batch sizes and hard stops, and the variants of opening the file above.",
                f"The best setting reached {ratio:.2f}: batch_size {row['batch_size'] or 'default'}, max_records"
                f" {row['max_records'] or 'default'}, max_bytes {row['max_bytes'] or 'default'}.",
                "What stops it is the largest loss named among the stages.",
            ]
        return "\n".join(lines) + "\n"
