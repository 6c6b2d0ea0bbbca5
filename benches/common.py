"""What the benchmarks share: files of realistic records, measurements in processes of their own, the machine.

A benchmark starts itself again for each measurement (`run`); the process that is started imports what it needs, calls
`ready`, does its work and gives its figures to `report`. Nothing here knows what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Figures = dict[str, float]

ROOT = Path(__file__).resolve().parent.parent
MAKE_BIG = ROOT.parent / "shared" / "tools" / "make_big.py"
SAMPLE = ROOT / "tests" / "data" / "sample.mrc"

NOT_INSTALLED = 3


class Readable(Protocol):
    """What has a `read` that gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most `size` bytes."""


class TimedFile:
    """A file object that counts and times the calls of its `read`; `nanoseconds` is the time inside of them."""

    def __init__(self, file: Readable) -> None:
        self.file = file
        self.calls = 0
        self.nanoseconds = 0

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        start = time.perf_counter_ns()
        data = self.file.read(size)
        self.nanoseconds += time.perf_counter_ns() - start
        self.calls += 1
        return data


def make_file(megabytes: float, seed: int = 1) -> Path:
    """A file of about that size in build/, made once of real records where ../shared is present, else of the sample."""
    path = ROOT / "build" / (f"big-{megabytes:g}.mrc" if seed == 1 else f"big-{megabytes:g}-{seed}.mrc")
    if path.exists():
        return path
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    if MAKE_BIG.exists():
        command = [sys.executable, str(MAKE_BIG), str(part), "--mb", str(megabytes), "--seed", str(seed)]
        subprocess.run(command, check=True, stdout=sys.stderr)
    else:
        sample = SAMPLE.read_bytes()
        with part.open("wb") as out:
            while out.tell() < megabytes * 1e6:
                out.write(sample)
    return part.rename(path)


def make_kinds(megabytes: float) -> dict[str, Path]:
    """Files of about that size of real records: in UTF-8, in MARC-8, and in UTF-8 with one in a hundred damaged."""
    kinds = {"UTF-8": ["utf-8"], "MARC-8": ["marc-8"], "UTF-8, 1 % damaged": ["utf-8", "--dirty", "1"]}
    files = {}
    for kind, options in kinds.items():
        path = ROOT / "build" / f"{'-'.join(options).replace('---', '-')}-{megabytes:g}.mrc"
        if not path.exists() and MAKE_BIG.exists():
            path.parent.mkdir(exist_ok=True)
            command = [sys.executable, str(MAKE_BIG), str(path), "--mb", str(megabytes), "--encoding", *options]
            subprocess.run(command, check=True, stdout=sys.stderr)
        if path.exists():
            files[kind] = path
    return files


def warm(*paths: Path) -> None:
    """Read the files once, so that the system has them in memory as it has files that it reads.

    One that was just written it may have in much smaller pieces, from which reading takes three or four times as long.
    """
    for path in paths:
        with path.open("rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while file.read(1 << 20):
                pass


def run(script: str | Path, *argument_lists: Sequence[str]) -> list[Figures] | None:
    """Start `script` once for each list of arguments and let all of them begin at the same time.

    Returns
    -------
    list of dict, or None
        What each reported; None where what is to be measured is not installed.
    """
    children = [
        subprocess.Popen([sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for arguments in argument_lists
    ]
    for child in children:
        if child.stdout is not None:
            child.stdout.readline()
    for child in children:
        if child.poll() is None and child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and why comes below
                child.stdin.write("go\n")
                child.stdin.flush()
    figures = []
    for child, arguments in zip(children, argument_lists, strict=True):
        said, _ = child.communicate()
        if child.returncode == NOT_INSTALLED:
            return None
        if child.returncode:
            sys.exit(f"failed: {Path(script).name} {' '.join(arguments)}")
        figures.append(json.loads(said))
    return figures


def measure(script: str | Path, *arguments: str) -> Figures | None:
    """Run one measurement in a process of its own; None if what it measures is not installed."""
    figures = run(script, arguments)
    return None if figures is None else figures[0]


def settle() -> None:
    """Wait until this process is idle: threads that a library starts look for work for a while before they sleep.

    Those that NumPy brings along (OpenBLAS) take a core for some tens of milliseconds, from whatever is measured then.
    """
    for _ in range(100):
        before = time.process_time()
        time.sleep(0.01)
        if time.process_time() - before < 0.001:
            return
    print("benchmark: this process does not come to rest, what is measured shares a core with that", file=sys.stderr)


def ready() -> None:
    """Tell the process that `run` is in that work can begin, and wait until it may."""
    settle()
    print("ready", flush=True)
    sys.stdin.readline()


def report(figures: Mapping[str, float]) -> NoReturn:
    """End a measurement with its figures."""
    print(json.dumps(figures))
    sys.exit()


def seconds(*tasks: Callable[[], object]) -> float:
    """How long threads take, one for each of the tasks."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        start = time.perf_counter()
        for future in [pool.submit(task) for task in tasks]:
            future.result()
        return time.perf_counter() - start


def one_and_two(work: Callable[[Path], object], paths: Sequence[Path], *, two_first: bool) -> tuple[float, float]:
    """Seconds for `work` on each path, one after the other in one thread, and with a thread for each path."""

    def one() -> float:
        return seconds(lambda: [work(path) for path in paths])

    def two() -> float:
        return seconds(*(partial(work, path) for path in paths))

    two()  # once before the clock runs: allocators and threads have what they need
    if two_first:
        together = two()
        return one(), together
    alone = one()
    return alone, two()


def peak_mb() -> float:
    """Most memory that this process has held, in MB (10^6 bytes)."""
    status = Path("/proc/self/status").read_text()
    kib = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kib) * 1024 / 1e6


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> str:
    """The machine and the interpreter."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), "?")
    return f"{os.cpu_count()} cores of {cpu}, {platform.system()}, Python {platform.python_version()}"
