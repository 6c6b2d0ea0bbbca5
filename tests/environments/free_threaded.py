"""Without the GIL: most functions that need no Polars, in threads; readers that threads share; a collector of garbage.

    PYTHON_GIL=0 python3.14t free_threaded.py sample.mrc [seconds]

The module declares that it uses the GIL, which is turned on without ``PYTHON_GIL=0``.
"""

from __future__ import annotations

import gc
import gzip
import io
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable

is_gil_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
if is_gil_enabled():
    sys.exit("this Python has a GIL, or has turned it on: run a free-threaded one with PYTHON_GIL=0")

SAMPLE = Path(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
CONTENT = SAMPLE.read_bytes()
PACKED = gzip.compress(CONTENT)
FOLDER = Path(tempfile.mkdtemp())


class File:
    """A file of Python's, that gives and takes."""

    def __init__(self) -> None:
        self.rest, self.written = io.BytesIO(CONTENT), io.BytesIO()

    def read(self, size: int, /) -> bytes:
        """Give a little."""
        return self.rest.read(min(size, 5_000))

    def write(self, data: bytes, /) -> int:
        """Take all."""
        return self.written.write(data)


def records(source: mrrc.Source) -> list[object]:
    """All that records tell."""
    found: list[object] = []
    for record in mrrc.MARCReader(source):
        assert record is not None
        fields = [(field.tag, field.indicators, list(field.subfields)) for field in record.fields]
        found.append((record.as_marc(), str(record), record.title, fields, str(record.leader), record.as_json()))
    return found


def marc() -> bytes:
    """MARC in a file of this thread's."""
    path = FOLDER / f"{threading.get_ident()}.mrc"
    mrrc.write_marc(mrrc.read_batches(CONTENT), path)
    return path.read_bytes()


def into_a_file() -> bytes:
    """MARC in a file of Python's."""
    file = File()
    mrrc.write_marc(mrrc.read_table(CONTENT), file)
    return file.written.getvalue()


def parquet() -> int:
    """Parquet in a file of this thread's."""
    path = FOLDER / f"{threading.get_ident()}.parquet"
    return mrrc.write_parquet(CONTENT, path, layout="subfields", row_group_size=500).rows


WORKS: dict[str, Callable[[], object]] = {
    "path": lambda: mrrc.read_table(SAMPLE, layout="subfields").to_pylist(),
    "gzip": lambda: mrrc.read_table(PACKED).num_rows,
    "file": lambda: mrrc.read_table(File()).to_pylist(),
    "records": lambda: records(CONTENT),
    "records of a file": lambda: records(File()),
    "profile": lambda: mrrc.profile(CONTENT).to_pylist(),
    "problems": lambda: mrrc.read_problems(CONTENT).to_pylist(),
    "stream": lambda: pa.table(mrrc.read_batches(SAMPLE, batch_size=7)).num_rows,
    "columns": lambda: mrrc.read_table(SAMPLE, columns={"subjects": mrrc.all("650$a")}).to_pylist(),
    "write_marc": marc,
    "write_marc into a file": into_a_file,
    "write_parquet": parquet,
    "boundaries": lambda: mrrc.scan_record_boundaries(CONTENT),
}
READERS: list[tuple[int, Callable[[], mrrc.MARCReader | mrrc.RecordBatchReader]]] = [
    (900, lambda: mrrc.MARCReader([CONTENT] * 3)),
    (300, lambda: mrrc.MARCReader(File())),
    (900, lambda: mrrc.read_batches([CONTENT] * 3, batch_size=3)),
]

expected = {name: work() for name, work in WORKS.items()}
shared_records = [record for record in mrrc.MARCReader(CONTENT) if record is not None]
end = time.monotonic() + SECONDS
done: Counter[str] = Counter()
errors: list[object] = []


def goes_on() -> bool:
    """Whether there is time left, and nothing wrong."""
    return not errors and time.monotonic() < end


def at_once(*works: Callable[[], object]) -> None:
    """Run all of it, each in a thread of its own."""

    def run(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def call() -> None:
    """Call functions, and look at records that all threads have."""
    while goes_on():
        name = random.choice(list(WORKS))
        assert WORKS[name]() == expected[name], name
        record = random.choice(shared_records)
        assert str(record)
        assert record.problems == []
        done[name] += 1


def share() -> None:
    """Share readers with threads that read, ask, and close."""
    while goes_on():
        for count, make in READERS:
            reader = make()
            rows: list[int] = []

            def read(reader: mrrc.MARCReader | mrrc.RecordBatchReader = reader, rows: list[int] = rows) -> None:
                for one in reader:
                    rows.append(one.num_rows if isinstance(one, mrrc.RecordBatch) else 1)

            def ask(reader: mrrc.MARCReader | mrrc.RecordBatchReader = reader) -> None:
                for _ in range(50):
                    assert reader.problems == {}
                    getattr(reader, "current_chunk", None)

            at_once(read, read, read, ask)
            assert sum(rows) == count, (sum(rows), count)
            reader = make()
            at_once(lambda reader=reader: list(reader), lambda reader=reader: list(reader), reader.close)  # type: ignore[misc]
            done["shared"] += 1


def collect() -> None:
    """Look at all objects, also those that are just being made."""
    while goes_on():
        gc.collect()
        gc.get_objects()
        time.sleep(0.01)


at_once(*[call] * 6, share, share, collect)
assert not is_gil_enabled()
print(sys.version.split()[0], dict(done))
if errors:
    sys.exit(f"without the GIL: {errors}")
