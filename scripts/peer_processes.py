"""What libraries do to the process they run in: memory, threads, fork, and the same query twice.

Each measurement is a process of its own, which `compare_peers.py` starts. None of them is a time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from peer_readers import PERL, installed, java, java_version, perl_version, yaz_version

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = Path(__file__).parent.parent / "tests" / "data" / "sample.mrc"
SMALL_MB, LARGE_MB = 8, 24
PATIENCE = 30


def make(path: Path, megabytes: float) -> None:
    """Write a file of that size: the sample catalogue, again and again."""
    sample = SAMPLE.read_bytes()
    path.write_bytes(sample * round(megabytes * 1e6 / len(sample)))


def pymarc(path: str) -> object:
    """Iterate."""
    import pymarc

    with Path(path).open("rb") as file:
        return sum(1 for _ in pymarc.MARCReader(file))


def mrrc(path: str) -> object:
    """Iterate."""
    import mrrc

    return sum(1 for _ in mrrc.MARCReader(path))


def marctable(path: str) -> object:
    """Write Parquet, a thousand records at a time."""
    from marctable.utils import to_parquet

    with Path(path).open("rb") as file, tempfile.TemporaryFile() as out:
        to_parquet(file, out)
        return out.tell()


def polars_marc21(path: str) -> object:
    """Read one column."""
    import polars_marc21

    return polars_marc21.read_marc21(path, "001").height


def bib2(path: str) -> object:
    """Write CSV."""
    command = [sys.executable, "-m", "bib2", "-o", path + ".csv", path]
    return subprocess.run(command, env=os.environ | {"TQDM_DISABLE": "1"}, check=True)


def yaz(path: str) -> object:
    """Look at every record."""
    return subprocess.run(["yaz-marcdump", "-n", path], check=True)


def perl(path: str) -> object:
    """Iterate."""
    return subprocess.run(["perl", "-e", PERL, "read", path], stdout=subprocess.DEVNULL, check=True)


def marc4j(path: str) -> object:
    """Iterate, with a heap of 32 MB."""
    return java("count", path, options=("-Xmx32m", "-Xms32m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"))


def our_batches(path: str) -> object:
    """Read batches, and keep none."""
    import mrrc_arrow

    with mrrc_arrow.read_batches(path) as reader:
        return sum(batch.num_rows for batch in reader)


def our_reader(path: str) -> object:
    """Iterate."""
    import mrrc_arrow

    return sum(1 for _ in mrrc_arrow.MARCReader(path))


def our_frame(path: str) -> object:
    """Keep a frame of everything."""
    import mrrc_arrow

    return mrrc_arrow.read_marc(path)


WORK: dict[str, tuple[Callable[[], str | None], Callable[[str], object]]] = {
    "pymarc": (installed("pymarc"), pymarc),
    "mrrc": (installed("mrrc"), mrrc),
    "marctable, to_parquet": (installed("marctable"), marctable),
    "polars-marc21": (installed("polars-marc21"), polars_marc21),
    "bib2, CSV": (installed("bib2"), bib2),
    "yaz-marcdump": (yaz_version, yaz),
    "MARC::Batch": (perl_version, perl),
    "marc4j": (java_version, marc4j),
    "mrrc_arrow, read_batches": (installed("mrrc-arrow"), our_batches),
    "mrrc_arrow, MARCReader": (installed("mrrc-arrow"), our_reader),
    "mrrc_arrow, read_marc": (installed("mrrc-arrow"), our_frame),
}

PROGRAMS = ("bib2, CSV", "yaz-marcdump", "MARC::Batch", "marc4j")


def peak_mb(name: str, path: str) -> float:
    """Do the work, and give the most memory that the process had."""
    WORK[name][1](path)
    if name in PROGRAMS:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def nanoseconds() -> dict[str, int]:
    """How long each thread of this process has been on a processor."""
    times = {}
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            times[task.name] = int((task / "schedstat").read_text().split()[0])
    return times


def threads(name: str, path: str) -> str:
    """Do the work, and tell whether several threads took a tenth of it or more, in any of three times."""
    WORK[name][1](path)  # what is imported and started is there
    most = 0
    for _ in range(3):
        before = nanoseconds()
        WORK[name][1](path)
        spent = {task: time - before.get(task, 0) for task, time in nanoseconds().items()}
        most = max(most, sum(time >= sum(spent.values()) / 10 for time in spent.values()))
    return "one" if most == 1 else "several"


def in_a_fork(work: Callable[[], object]) -> str:
    """Work in a forked child."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return "works" if status == 0 else "fails"
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "**hangs**"


def polars_alone() -> object:
    """Work on all cores, without MARC."""
    import polars as pl

    return pl.DataFrame({"tag": ["245", "650"] * 100_000}).group_by("tag").len()


def fork(name: str, path: str) -> str:
    """Do the work, and do it again in a child that is forked."""
    warnings.simplefilter("ignore")
    WORK[name][1](path)
    how = in_a_fork(lambda: WORK[name][1](path))
    if how == "**hangs**" and "polars" in sys.modules and in_a_fork(polars_alone) == how:
        return "**hangs**, as Polars alone does"
    return how


def twice(name: str, path: str) -> str:
    """Collect the same lazy query twice."""
    if name == "polars-marc21":
        import polars_marc21

        query = polars_marc21.scan_marc21(path, "001")
    elif name == "mrrc_arrow, read_marc":
        import mrrc_arrow

        query = mrrc_arrow.scan_marc(path)
    else:
        return "-"
    one, two = query.collect().height, query.collect().height
    return "the same" if one == two else f"**{two} rows the second time**"


ROWS = {
    "memory while it reads": "memory",
    "threads that do the work": "threads",
    "used again in a forked child": "fork",
    "one lazy query collected twice": "twice",
}


def measure(what: str, name: str, path: str) -> str:
    """Be the process that is measured, and give the cell, or the figure for one."""
    if what == "memory":
        return f"{peak_mb(name, path)}"
    if name in PROGRAMS:
        return "-"
    return {"threads": threads, "fork": fork, "twice": twice}[what](name, path)
