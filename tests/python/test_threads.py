"""Many threads at once: every function gives what it gives one thread, and one thread's error is nobody else's.

Sharing a reader is tested with the readers (`test_reader`, `test_read_batches`), `fork` and Ctrl-C in `test_processes`.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest

from .marc import books
from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

THREADS = 6


def at_once(works: Iterable[Callable[[], T]]) -> list[T | BaseException]:
    """Run all of it at the same time, each in a thread of its own; what each gave or raised, in their order."""
    works = list(works)
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(run, work) for work in works]
    return [error if (error := future.exception()) else future.result() for future in futures]


def parquet(source: mrrc.Source, folder: Path) -> list[dict[str, Any]]:
    mrrc.write_parquet(source, folder / "one.parquet", row_group_size=50)
    return pl.read_parquet(folder / "one.parquet").to_dicts()


def parquet_by_tag(source: mrrc.Source, folder: Path) -> list[str]:
    written = mrrc.write_parquet(source, folder / "lake", layout="subfields", partition_by="tag")
    return [f"{file.name} {pl.read_parquet(file)['value'].to_list()}" for file in sorted(written.files)]


def marc(source: mrrc.Source, folder: Path) -> bytes:
    mrrc.write_marc(mrrc.read_marc(source), folder / "out.mrc")
    return (folder / "out.mrc").read_bytes()


def batches(source: mrrc.Source, _: Path) -> list[Any]:
    with mrrc.read_batches(source, batch_size=20) as reader:
        return [pa.record_batch(batch).to_pylist() for batch in reader]


def scanned(source: mrrc.Source, _: Path) -> list[Any]:
    query = mrrc.scan_marc(cast("Any", source), layout="subfields").filter(pl.col("tag") == "245")
    return query.select("record", "value").collect().rows()


# What each function gives, in a form that can be compared; files are written into a folder.
ENTRIES: dict[str, Callable[[mrrc.Source, Path], object]] = {
    "read_table": lambda source, _: mrrc.read_table(source, layout="subfields").to_pylist(),
    "read_marc": lambda source, _: mrrc.read_marc(source).to_dicts(),
    "columns": lambda source, _: mrrc.read_marc(source, columns={"id": "001", "t": mrrc.all("245$a")}).rows(),
    "read_batches": batches,
    "a stream": lambda source, _: pa.table(mrrc.read_batches(source, batch_size=20)).to_pylist(),
    "scan_marc": scanned,
    "read_problems": lambda source, _: mrrc.read_problems(source).to_pylist(),
    "profile": lambda source, _: mrrc.profile(source).to_pylist(),
    "MARCReader": lambda source, _: [(record.as_marc(), str(record)) for record in mrrc.MARCReader(source)],
    "df.marc": lambda source, _: mrrc.read_marc(source).marc.select({"t": "245$a"}).rows(),  # type: ignore[attr-defined]
    "write_marc": marc,
    "write_parquet": parquet,
    "write_parquet by tag": parquet_by_tag,
}


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_threads_get_what_one_thread_gets(entry: str, kind: str, marc_file: Path, tmp_path: Path) -> None:
    if (entry, kind) == ("scan_marc", "file"):
        pytest.skip("a query takes what can be read again")
    content = marc_file.read_bytes()

    def read(number: int) -> object:
        folder = tmp_path / str(number)
        folder.mkdir()
        if kind == "file":
            with marc_file.open("rb") as file:
                return ENTRIES[entry](file, folder)
        return ENTRIES[entry](marc_file if kind == "path" else content, folder)

    alone = read(0)
    found = at_once([partial(read, number) for number in range(1, THREADS + 1)])
    assert found == [alone] * THREADS


def test_different_functions_do_not_disturb_each_other(marc_file: Path, tmp_path: Path) -> None:
    alone = []
    for number, read in enumerate(ENTRIES.values()):
        (tmp_path / f"alone-{number}").mkdir()
        alone.append(read(marc_file, tmp_path / f"alone-{number}"))

    def read_in(number: int) -> object:
        folder = tmp_path / str(number)
        folder.mkdir()
        return list(ENTRIES.values())[number % len(ENTRIES)](marc_file, folder)

    found = at_once([partial(read_in, number) for number in range(2 * len(ENTRIES))])
    assert found == alone * 2


FAILING: dict[str, Callable[[Path, Path], object]] = {
    "read_table": lambda path, _: mrrc.read_table(path),
    "read_marc": lambda path, _: mrrc.read_marc(path),
    "scan_marc": lambda path, _: mrrc.scan_marc(path).collect(),
    "read_batches": lambda path, _: list(mrrc.read_batches(path, batch_size=7)),
    "MARCReader": lambda path, _: list(mrrc.MARCReader(path)),
    "profile": lambda path, _: mrrc.profile(path),
    "write_parquet": lambda path, folder: mrrc.write_parquet(path, folder / "out.parquet"),
    "write_marc": lambda path, folder: mrrc.write_marc(mrrc.read_batches(path), folder / "out.mrc"),
}


@pytest.mark.parametrize("entry", FAILING)
def test_an_error_in_one_thread_is_its_own(entry: str, tmp_path: Path) -> None:
    records = books(200)
    bad = [17, 60, 199]

    def file(number: int | None) -> Path:
        """A file with a bad record behind so many good ones, or none."""
        folder = tmp_path / f"{number}"
        folder.mkdir(exist_ok=True)
        path = folder / "in.mrc"
        broken = [] if number is None else [b"00030 this is no MARC record at all\x1d"]
        path.write_bytes(b"".join([*records[:number], *broken, *records[number or 0 :]]))
        return path

    paths = [file(number) for number in [*bad, None]] * 2
    works = [partial(FAILING[entry], path, path.parent / str(at)) for at, path in enumerate(paths)]
    for at, path in enumerate(paths):
        (path.parent / str(at)).mkdir()
    found = at_once(works)
    for at, (path, outcome) in enumerate(zip(paths, found, strict=True)):
        if path.parent.name == "None":
            assert not isinstance(outcome, BaseException), outcome
            continue
        number = int(path.parent.name)
        # Polars has errors of its own for what a query meets, with ours in its words.
        told = outcome if isinstance(outcome, mrrc.RecordError) else getattr(outcome, "__cause__", None)
        if isinstance(told, mrrc.RecordError):
            assert (told.source, told.record) == (str(path), number)
            assert told.offset == sum(map(len, records[:number]))
        else:
            assert isinstance(outcome, pl.exceptions.ComputeError)
            assert f"record {number} at byte" in str(outcome)
        assert list((path.parent / str(at)).iterdir()) == []


def test_one_thread_gets_the_bad_record_of_a_shared_reader_and_the_others_read_on() -> None:
    records = books(3_000)
    reader = mrrc.MARCReader(b"".join([*records[:1_500], b"00030 no MARC record\x1d", *records[1_500:]]))

    def consume() -> tuple[list[bytes], list[int | None]]:
        found: list[bytes] = []
        errors = []
        while True:
            try:
                found.extend(record.as_marc() for record in reader)
            except mrrc.RecordError as error:
                errors.append(error.record)
            else:
                return found, errors

    taken = [outcome for outcome in at_once([consume] * THREADS) if isinstance(outcome, tuple)]
    assert len(taken) == THREADS
    assert [number for _, errors in taken for number in errors] == [1_500]
    assert sorted(itertools.chain.from_iterable(found for found, _ in taken)) == sorted(records)


def test_one_thread_gets_the_error_of_shared_batches_and_the_others_are_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "bad.mrc"
    path.write_bytes(b"".join([*books(500), b"00030 no MARC record\x1d", *books(500)]))
    reader = mrrc.read_batches(path, batch_size=10)

    def consume() -> int:
        return sum(batch.num_rows for batch in reader)

    found = at_once([consume] * THREADS)
    (error,) = (outcome for outcome in found if isinstance(outcome, BaseException))
    assert isinstance(error, mrrc.RecordError)
    assert error.record == 500
    assert sum(outcome for outcome in found if isinstance(outcome, int)) <= 500


def test_a_record_is_read_by_many_threads_at_once(sample: Path) -> None:
    # What its text is encoded in is found by whoever comes first.
    def texts(records: list[mrrc.Record]) -> list[tuple[str, list[str]]]:
        return [(str(record), record.problems) for record in records]

    def records() -> list[mrrc.Record]:
        return [record for record in mrrc.MARCReader(sample) if record is not None]

    for _ in range(5):
        shared = records()
        assert at_once([partial(texts, shared)] * THREADS) == [texts(records())] * THREADS


def test_what_one_thread_makes_another_uses_and_drops(marc_file: Path) -> None:
    held: list[Any] = []

    def make() -> None:
        with marc_file.open("rb") as file:
            reader = mrrc.MARCReader(file)
            stream = mrrc.read_batches(marc_file, batch_size=10)
            held.extend([next(reader), next(stream), mrrc.read_table(marc_file.read_bytes()), reader, stream])

    def use() -> tuple[str, int, int]:
        stream, reader, table, batch, record = (held.pop() for _ in range(5))
        assert next(stream).num_rows == 10
        reader.close()
        del stream, reader
        return record["001"].data, batch.num_rows, table.num_rows

    for work in (make, use):
        (outcome,) = at_once([work])
        assert not isinstance(outcome, BaseException), outcome
    assert outcome == ("ocm00000000", 10, 217)
    assert held == []


@pytest.mark.parametrize("writer", ["parquet", "marc"])
def test_of_many_that_write_one_file_one_is_there_in_the_end_and_whole(writer: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    sizes = [50 + number for number in range(THREADS)]

    def write(size: int) -> None:
        records = b"".join(books(size))
        for _ in range(5):
            if writer == "parquet":
                mrrc.write_parquet(records, target, row_group_size=20)
            else:
                mrrc.write_marc(mrrc.read_batches(records), target)
            # Whoever opens it has a whole file, this or another. (Polars opens a path several times, and may get two.)
            content = target.read_bytes()
            found = pl.read_parquet(content) if writer == "parquet" else mrrc.read_marc(content)
            assert found.height in sizes

    assert at_once([partial(write, size) for size in sizes]) == [None] * THREADS
    assert list(tmp_path.iterdir()) == [target]


def test_of_many_that_write_one_directory_one_does_and_the_others_are_told(marc_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "lake"

    def write() -> int:
        return len(mrrc.write_parquet(marc_file, target, layout="subfields", partition_by="tag").files)

    found = at_once([write] * THREADS)
    (files,) = (outcome for outcome in found if isinstance(outcome, int))
    assert all(isinstance(outcome, FileExistsError) for outcome in found if not isinstance(outcome, int)), found
    assert len(list(target.iterdir())) == files
    assert sorted(path.name for path in tmp_path.iterdir()) == ["books.mrc", "lake"]


of_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")


@of_linux
def test_threads_that_are_the_first_to_read_end_up_with_one_pool(marc_file: Path) -> None:
    printed = run_script(
        """
        import sys, threading, time, mrrc_arrow as mrrc
        from pathlib import Path

        def pool():
            names = []
            for comm in Path("/proc/self/task").glob("*/comm"):
                try:
                    names.append(comm.read_text())
                except OSError:
                    continue  # the thread has just ended
            return sum(name.startswith("mrrc-arrow-") and name[11].isdigit() for name in names)

        barrier = threading.Barrier(8)

        def read():
            barrier.wait()
            rows.append(sum(batch.num_rows for batch in mrrc.read_batches(sys.argv[1], batch_size=5)))

        assert pool() == 0
        rows = []
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rows == [217] * 8
        # Pools that nobody has any more end by themselves.
        end = time.monotonic() + 5
        while pool() > 3 and time.monotonic() < end:
            time.sleep(0.01)
        print(pool())
        """,
        marc_file,
        RAYON_NUM_THREADS="3",
    )
    assert printed == "3"


@of_linux
def test_reading_splits_makes_no_pool_in_any_function(marc_file: Path) -> None:
    run_script(
        """
        import sys, time, mrrc_arrow as mrrc
        from pathlib import Path

        def ours():
            names = [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")]
            return [name for name in names if name.startswith("mrrc-arrow")]

        splits = mrrc.plan_splits(sys.argv[1], split_bytes=10_000)
        assert mrrc.read_table(splits).num_rows == 217
        assert sum(1 for _ in mrrc.MARCReader(splits)) == 217
        assert mrrc.profile(splits).num_rows > 0
        assert mrrc.read_problems(splits).num_rows == 0
        assert ours() == []
        assert mrrc.read_table(sys.argv[1]).num_rows == 217
        # A thread names itself when it begins, for which it may have to wait.
        deadline = time.monotonic() + 30
        while ours() == [] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ours() != []
        """,
        marc_file,
    )


def test_the_event_loop_runs_while_a_thread_reads(sample: Path) -> None:
    """Which would stand still for all of it if the thread held the GIL."""
    content = sample.read_bytes() * 160

    async def main() -> tuple[int, float, float]:
        longest = 0.0
        done = asyncio.Event()

        async def tick() -> None:
            nonlocal longest
            last = time.perf_counter()
            while not done.is_set():
                await asyncio.sleep(0.001)
                now = time.perf_counter()
                longest, last = max(longest, now - last), now

        ticking = asyncio.create_task(tick())
        start = time.perf_counter()
        table = await asyncio.to_thread(mrrc.read_table, content)
        elapsed = time.perf_counter() - start
        done.set()
        await ticking
        return table.num_rows, longest, elapsed

    rows, longest, elapsed = asyncio.run(main())
    assert rows == 48_000
    assert longest < elapsed / 2


def test_batches_are_awaited_one_by_one(marc_file: Path) -> None:
    async def main() -> int:
        rows = 0
        with mrrc.read_batches(marc_file, batch_size=20) as reader:
            while batch := await asyncio.to_thread(next, reader, None):
                rows += batch.num_rows
        return rows

    assert asyncio.run(main()) == 217


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes_reads_and_writes(method: str, marc_file: Path, tmp_path: Path) -> None:
    # In a process of its own, so that a child that hangs fails the test alone.
    printed = run_script(
        """
        import multiprocessing, sys, warnings
        from concurrent.futures import ProcessPoolExecutor
        from pathlib import Path
        import mrrc_arrow as mrrc

        # From Python 3.12 on, a fork of a process with threads warns.
        warnings.simplefilter("ignore", DeprecationWarning)
        method, path, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
        # The parent's pool is at work before there are children.
        rows = mrrc.read_table(path, batch_size=5).to_pylist()
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            targets = [folder / f"{number}.parquet" for number in range(3)]
            written = list(pool.map(mrrc.write_parquet, [path] * 3, targets))
            tables = list(pool.map(mrrc.read_table, mrrc.plan_splits(path, split_bytes=50_000)))
        assert [table.rows for table in written] == [217] * 3
        assert len(tables) > 1
        assert [row for table in tables for row in table.to_pylist()] == rows
        print(len(rows), *(target.exists() for target in targets))
        """,
        method,
        marc_file,
        tmp_path,
        timeout=60,
    )
    assert printed == "217 True True True"


# Readings and writings of every kind, more of them than the pool has threads.
CROWDED = """
    import gzip, sys, threading
    from pathlib import Path
    import mrrc_arrow as mrrc

    path, folder = sys.argv[1], Path(sys.argv[2])
    content = Path(path).read_bytes() * 20
    packed = gzip.compress(content, 1)
    rows = 217 * 20
    done = []

    def table():
        return mrrc.read_table(content, batch_size=50).num_rows

    def packed_table():
        return mrrc.read_table(packed, batch_size=50).num_rows

    def file():
        with open(path, "rb") as file:
            return mrrc.read_table(file).num_rows * 20

    def records():
        return sum(1 for _ in mrrc.MARCReader(content))

    def profile():
        return mrrc.profile(content).to_pylist()[0]["records"]

    def parquet():
        target = folder / f"{threading.get_ident()}.parquet"
        return mrrc.write_parquet(content, target, row_group_size=500).rows

    def marc():
        target = folder / f"{threading.get_ident()}.mrc"
        return mrrc.write_marc(mrrc.read_batches(content, batch_size=50), target).records

    works = [table, packed_table, file, records, profile, parquet, marc] * 2
    threads = [threading.Thread(target=lambda work=work: done.append((work.__name__, work()))) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted((work.__name__, rows) for work in works), done
"""


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_a_pool_of_any_size_serves_more_reads_and_writes_than_it_has_threads(
    threads: str, marc_file: Path, tmp_path: Path
) -> None:
    run_script(CROWDED, marc_file, tmp_path, RAYON_NUM_THREADS=threads)


# What threads do, again and again, that nobody waits for when the interpreter ends.
LEFT_RUNNING = {
    "parsing": """[
        lambda: mrrc.read_table(path),
        lambda: mrrc.read_marc(path),
        lambda: mrrc.profile(path),
        lambda: [None for batch in mrrc.read_batches([path] * 50, batch_size=1)],
        lambda: [record["245"]["a"] for record in mrrc.MARCReader([path] * 50)],
        lambda: pa.table(mrrc.read_batches([path] * 50, batch_size=1)),
    ]""",
    "sharing a reader": "[lambda: next(shared)] * 4",
    "waiting for a socket": "[lambda: mrrc.read_table(here), lambda: next(mrrc.MARCReader(here))]",
    "calling a Python file": """[
        lambda: mrrc.read_table(File()),
        lambda: list(mrrc.MARCReader(File())),
        lambda: pa.table(mrrc.read_batches(File())),
        lambda: mrrc.write_marc(mrrc.read_batches(path), File()),
    ]""",
    "writing": """[
        lambda: mrrc.write_parquet(path, f"{folder}/{threading.get_ident()}.parquet"),
        lambda: mrrc.write_marc(mrrc.read_batches(path), f"{folder}/{threading.get_ident()}.mrc"),
    ] * 2""",
}


@pytest.mark.parametrize("what", LEFT_RUNNING)
def test_a_process_ends_while_threads_are_at_work(what: str, marc_file: Path, tmp_path: Path) -> None:
    works = " ".join(LEFT_RUNNING[what].split())
    for delay in (0.1, 0.113):
        run_script(
            f"""
            import socket, sys, threading, time, warnings
            import mrrc_arrow as mrrc, pyarrow as pa

            warnings.simplefilter("ignore", ResourceWarning)
            path, folder, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
            content = open(path, "rb").read()
            here, there = socket.socketpair()
            shared = mrrc.read_batches([path] * 100_000, batch_size=1)

            class File:
                def __init__(self):
                    self.rest = content

                def read(self, size):
                    time.sleep(0.002)
                    read, self.rest = self.rest[:1000], self.rest[1000:]
                    return read

                def write(self, data):
                    time.sleep(0.002)

            def work(read):
                while True:
                    read()

            for read in {works}:
                threading.Thread(target=work, args=(read,), daemon=True).start()
            time.sleep(delay)
            """,
            marc_file,
            tmp_path,
            delay,
        )
    # Of what was being written there is the whole, or what no pattern finds.
    for file in tmp_path.glob("*.parquet"):
        assert pl.read_parquet(file).height == 217
    for file in tmp_path.glob("*.mrc"):
        assert mrrc.read_table(file).num_rows == 217


# Runs code in another interpreter of the same process; what does that is called differently in each version.
INTERPRETERS = """
    import sys

    if sys.version_info >= (3, 13):
        import _interpreters as interpreters
    else:
        import _xxsubinterpreters as interpreters

    def run(code):
        # Later versions return what the code raised, earlier ones raise it.
        interpreter = interpreters.create()
        try:
            failed = interpreters.run_string(interpreter, code)
        finally:
            interpreters.destroy(interpreter)
        assert failed is None, failed

    refused = f'''if True:
        import sys
        sys.path[:0] = {sys.path!r}
        try:
            import mrrc_arrow
        except ImportError as error:
            assert "subinterpreters" in str(error), error
        else:
            raise AssertionError("imported")
    '''
"""


def test_another_interpreter_of_the_process_is_refused_and_does_no_harm(marc_file: Path) -> None:
    run_script(
        INTERPRETERS
        + """
    import mrrc_arrow as mrrc
    for _ in range(3):
        run(refused)
        assert mrrc.read_table(sys.argv[1]).num_rows == 217
    """,
        marc_file,
    )


def test_finalizers_that_run_in_the_middle_of_a_call_may_ask_the_same_reader(three: list[bytes]) -> None:
    # Garbage is collected where Python's objects are made: in calls of a reader's, and with its locks, if it held any.
    run_script(
        """
        import gc, sys, threading, time, mrrc_arrow as mrrc

        class Garbage:
            def __init__(self, use):
                self.use, self.me = use, self

            def __del__(self):
                time.sleep(0.001)  # lets other threads in
                try:
                    self.use()
                except RuntimeError as error:
                    assert "being read" in str(error)
                ran.append(self.use)

        def others():
            while not done:
                for reader in readers:
                    reader.problems

        content = bytes.fromhex(sys.argv[1])
        ran, done = [], []
        marc, batches = mrrc.MARCReader(content * 50), mrrc.read_batches(content * 50, batch_size=1, ignore_errors=True)
        readers = [marc, batches]
        thread = threading.Thread(target=others)
        thread.start()
        gc.set_threshold(1)
        for _ in range(20):
            for reader in readers:
                Garbage(lambda: reader.problems)
                reader.problems
                Garbage(lambda: marc.read_batch())
                try:
                    next(reader)
                except mrrc.RecordError:
                    pass
        done.append(True)
        thread.join()
        assert len(ran) > 20, ran
        """,
        (three[0] + b"00030 no MARC record\x1d").hex(),
    )
