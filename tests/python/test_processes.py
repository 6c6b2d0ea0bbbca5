"""Ctrl-C, `fork` and the number of threads."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest

from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A pipe into which nobody writes: reading from it takes for ever."""
    path = tmp_path / "silent.mrc"
    os.mkfifo(path)
    yield path
    # Lets go whoever still waits for a writer.
    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


READS: dict[str, Callable[[Path], object]] = {
    "read_table": mrrc.read_table,
    "read_marc": mrrc.read_marc,
    "read_problems": mrrc.read_problems,
    "profile": mrrc.profile,
    "read_batches": lambda path: next(mrrc.read_batches(path)),
}


@pytest.mark.parametrize("read", READS)
def test_ctrl_c_ends_a_read_at_once(silent: Path, read: str) -> None:
    sent = 0.0

    def interrupt() -> None:
        nonlocal sent
        sent = time.monotonic()
        os.kill(os.getpid(), 2)

    # It is a read that is interrupted, and no import of what it needs.
    assert pl.DataFrame().is_empty()
    assert pa.table({}).num_rows == 0
    timer = threading.Timer(0.1, interrupt)

    def read_interrupted() -> None:
        # In here, for a collection of garbage may take longer than the timer.
        timer.start()
        READS[read](silent)

    with pytest.raises(KeyboardInterrupt):
        read_interrupted()
    assert time.monotonic() - sent < 1
    timer.join()


@pytest.mark.parametrize("cores", ["all", "one"])
def test_ctrl_c_ends_a_long_read(sample: Path, tmp_path: Path, cores: str) -> None:
    if cores == "one" and not hasattr(os, "sched_setaffinity"):
        pytest.skip("a process cannot be kept on one core here")
    path = tmp_path / "long.mrc"
    path.write_bytes(sample.read_bytes() * 300)
    printed = run_script(
        """
        import collections, os, signal, sys, threading, time
        if sys.argv[2] == "one":
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import polars, pyarrow, mrrc_arrow as mrrc

        def batches(batch_size=None):
            for _ in mrrc.read_batches(source, batch_size=batch_size):
                pass

        source = [sys.argv[1]] * 50
        reads = {
            "read_table": lambda: mrrc.read_table(source),
            "read_marc": lambda: mrrc.read_marc(source),
            "read_problems": lambda: mrrc.read_problems(source),
            "profile": lambda: mrrc.profile(source),
            "batches": batches,
            "large batches": lambda: batches(10**6),
            # These take all of it without coming back to the interpreter.
            "list": lambda: list(mrrc.read_batches(source)),
            "stream": lambda: pyarrow.RecordBatchReader.from_stream(mrrc.read_batches(source)).read_all(),
            "records": lambda: collections.deque(mrrc.MARCReader(source), maxlen=0),
        }
        # It is a read that is interrupted, and no import of what it needs.
        polars.DataFrame().is_empty(), pyarrow.table({}).num_rows
        sent = 0.0

        def interrupt():
            global sent
            sent = time.monotonic()
            signal.raise_signal(signal.SIGINT)

        for name, read in reads.items():
            timer = threading.Timer(0.1, interrupt)
            timer.start()
            try:
                read()
                sys.exit(f"{name}: it was read to its end")
            except KeyboardInterrupt:
                pass
            except pyarrow.ArrowInvalid as error:
                # The consumer's own error has the name of ours.
                assert name == "stream" and "KeyboardInterrupt" in str(error), error
            print(f"{name}:{time.monotonic() - sent}")
            timer.join()
        """,
        path,
        cores,
        RAYON_NUM_THREADS="1" if cores == "one" else os.environ.get("RAYON_NUM_THREADS", "0"),
    )
    took = dict(line.split(":") for line in printed.splitlines())
    assert len(took) == 9
    assert all(float(seconds) < 1 for seconds in took.values()), took


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be kept on one core here")
def test_on_one_core_large_batches_alone_are_read_by_the_pool(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.mrc"
    path.write_bytes(sample.read_bytes() * 30)
    printed = run_script(
        """
        import os, re, sys, time
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import mrrc_arrow as mrrc
        from pathlib import Path

        def turns():
            # How often a thread of the pool had something to do, and then no more.
            found = 0
            for task in Path("/proc/self/task").iterdir():
                if (task / "comm").read_text().startswith("mrrc-arrow"):
                    status = (task / "status").read_text()
                    found += int(re.search("^voluntary_ctxt_switches:(.*)", status, re.MULTILINE)[1])
            return found

        def resting():
            before = 0
            # It is there, and has rested once.
            while (now := turns()) != before or now == 0:
                before = now
                time.sleep(0.2)
            return now

        list(mrrc.read_batches(sys.argv[1]))
        for batch_size in (None, 100, 4096, 4097):
            before = resting()
            list(mrrc.read_batches(sys.argv[1], batch_size=batch_size))
            print(resting() > before)
        """,
        path,
        RAYON_NUM_THREADS="1",
    )
    assert printed.split() == ["False", "False", "False", "True"]


@pytest.mark.parametrize("cores", ["all", "one"])
def test_ctrl_c_ends_a_read_that_skips_foreign_input(tmp_path: Path, cores: str) -> None:
    if cores == "one" and not hasattr(os, "sched_setaffinity"):
        pytest.skip("a process cannot be kept on one core here")
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.write(b"<collection>")
        file.truncate(1 << 40)  # sparse: takes no space, and an age to read
    run_script(
        """
        import os, signal, sys, time
        if sys.argv[2] == "one":
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import mrrc_arrow as mrrc

        def reading():
            before = time.process_time()
            time.sleep(0.05)
            return time.process_time() - before > 0.02

        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            mrrc.read_table(sys.argv[1], ignore_errors=True)
        except KeyboardInterrupt:
            end = time.monotonic() + 2
            while (goes_on := reading()) and time.monotonic() < end:
                pass
            # Nothing goes on reading behind our back.
            os._exit(goes_on)
        # It was read to its end, or nobody was interrupted.
        os._exit(2)
        """,
        path,
        cores,
        RAYON_NUM_THREADS="1" if cores == "one" else os.environ.get("RAYON_NUM_THREADS", "0"),
    )


def test_other_threads_run_while_a_read_waits(silent: Path) -> None:
    reader = mrrc.read_batches(silent)
    thread = threading.Thread(target=lambda: list(reader), daemon=True)
    thread.start()
    start = time.monotonic()
    while time.monotonic() - start < 0.2:
        assert mrrc.read_table(b"").num_rows == 0
    # The waiting thread lets others at the reader.
    assert reader.bytes_read == 0
    reader.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_pipe_is_read_to_its_end(silent: Path, three: list[bytes]) -> None:
    threading.Thread(target=lambda: silent.write_bytes(b"".join(three))).start()
    assert mrrc.read_table(silent).num_rows == 3


FORK = """
    import os, signal, sys, warnings
    import mrrc_arrow as mrrc

    def in_child(check):
        # A child that hangs is ended by the alarm, which fails the test.
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            try:
                check()
                os._exit(0)
            except BaseException as error:
                print(repr(error), file=sys.stderr, flush=True)
                os._exit(1)
        status = os.waitpid(child, 0)[1]
        assert status == 0, status

    def rows():
        assert sum(batch.num_rows for batch in mrrc.read_batches(path, batch_size=10)) == 217

    def forked(use):
        try:
            use()
        except mrrc.ForkedError as error:
            assert error.code == "forked", error.code
        else:
            raise AssertionError("no ForkedError")

    path = sys.argv[1]
"""


def run_forking(source: str, path: Path) -> None:
    # From Python 3.12 on, a fork of a process with threads warns.
    run_script(FORK + "    warnings.simplefilter('ignore', DeprecationWarning)\n" + source, path)


def test_a_forked_child_reads_after_its_parent_did(marc_file: Path) -> None:
    run_forking(
        """
    rows()
    for _ in range(3):
        in_child(rows)
        rows()
    in_child(lambda: in_child(rows))
    """,
        marc_file,
    )


def test_a_forked_child_reads_while_its_parent_is_reading(marc_file: Path) -> None:
    run_forking(
        """
    reader = mrrc.read_batches([path] * 100, batch_size=3)
    for _ in range(50):
        next(reader)
        in_child(rows)
    assert sum(batch.num_rows for batch in reader) == 217 * 100 - 150
    """,
        marc_file,
    )


def test_a_reader_from_before_a_fork_raises_in_the_child(marc_file: Path) -> None:
    run_forking(
        """
    def check():
        forked(lambda: next(reader))
        forked(lambda: list(reader))  # Again: to end as if all had been read would be a lie.
        rows()

    reader = mrrc.read_batches(path, batch_size=3)
    assert next(reader).num_rows == 3
    in_child(check)
    # The parent's reader is none the worse for it.
    assert sum(batch.num_rows for batch in reader) == 214
    """,
        marc_file,
    )


def test_a_reader_from_before_a_fork_can_be_closed_and_dropped_in_the_child(marc_file: Path) -> None:
    run_forking(
        """
    def check():
        global reader, dropped
        reader.close()
        dropped = None
        rows()

    reader, dropped = (mrrc.read_batches([path] * 10, batch_size=3) for _ in range(2))
    next(reader), next(dropped)
    in_child(check)
    """,
        marc_file,
    )


def test_children_forked_at_any_moment_can_close_a_reader(marc_file: Path) -> None:
    # The reading thread is at work while the process forks, with whatever locks it holds.
    run_forking(
        """
    for turn in range(200):
        with mrrc.read_batches([path] * 20, batch_size=1) as reader:
            for _ in range(1 + turn % 7):
                next(reader)
            in_child(reader.close)
    """,
        marc_file,
    )


def test_a_reader_that_another_thread_waits_for_raises_in_the_child(marc_file: Path, tmp_path: Path) -> None:
    run_forking(
        f"""
    import threading, time
    silent = {str(tmp_path / "silent")!r}
    os.mkfifo(silent)
    reader = mrrc.read_batches(silent)
    threading.Thread(target=lambda: list(reader), daemon=True).start()
    time.sleep(0.2)
    for _ in range(3):
        in_child(lambda: forked(lambda: next(reader)))
    os.close(os.open(silent, os.O_RDWR | os.O_NONBLOCK))
    """,
        marc_file,
    )


def test_a_reader_not_yet_iterated_can_be_used_after_a_fork(marc_file: Path) -> None:
    run_forking(
        """
    def check():
        assert sum(batch.num_rows for batch in reader) == 217

    rows()
    reader = mrrc.read_batches(path)
    in_child(check)
    check()
    """,
        marc_file,
    )


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_pool_has_as_many_threads_as_rayon_num_threads_says(marc_file: Path, threads: int) -> None:
    printed = run_script(
        """
        import os, sys, time, mrrc_arrow as mrrc
        from pathlib import Path
        for _ in range(3):
            assert mrrc.read_table(sys.argv[1], batch_size=5).num_rows == 217
        def threads():
            names = [comm.read_text() for comm in Path("/proc/self/task").glob("*/comm")]
            return sum(name.startswith("mrrc-arrow-") and name[11].isdigit() for name in names)
        # A thread names itself when it begins, for which it may have to wait.
        deadline = time.monotonic() + 30
        while threads() < int(os.environ["RAYON_NUM_THREADS"]) and time.monotonic() < deadline:
            time.sleep(0.01)
        print(threads())
        """,
        marc_file,
        RAYON_NUM_THREADS=str(threads),
    )
    assert printed == str(threads)


@pytest.mark.parametrize("threads", ["1", "2", "of one core"])
def test_the_number_of_threads_changes_no_row(sample: Path, threads: str) -> None:
    if threads == "of one core" and not hasattr(os, "sched_setaffinity"):
        pytest.skip("a process cannot be kept on one core here")
    printed = run_script(
        """
        import hashlib, os, sys
        if sys.argv[2] == "of one core":
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import mrrc_arrow as mrrc
        for batch_size in (1, 7, 1000, 10**6):
            rows = mrrc.read_table(sys.argv[1], batch_size=batch_size, row_index_name="n").to_pylist()
            print(hashlib.sha256(repr(rows).encode()).hexdigest())
        """,
        sample,
        threads,
        RAYON_NUM_THREADS=threads if threads.isdigit() else "1",
    )
    digests = printed.split()
    assert len(digests) == 4
    assert len(set(digests)) == 1
    rows = mrrc.read_table(sample, row_index_name="n").to_pylist()
    assert digests[0] == hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.mark.parametrize("read", ["read_table(here)", "read_marc(here)", "read_problems(here)", "read_batches(here)"])
def test_a_process_ends_while_a_socket_is_waited_for(read: str) -> None:
    # After Ctrl-C, or with a reader that nobody reads to its end.
    printed = run_script(
        f"""
        import os, socket, threading, warnings, mrrc_arrow as mrrc, polars as pl
        warnings.simplefilter("ignore", ResourceWarning)
        # Polars has a handler of its own, after which the system goes on with a call that a signal interrupts.
        pl.DataFrame({{"a": [1]}}).lazy().collect()
        here, there = socket.socketpair()
        threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()
        try:
            found = mrrc.{read}
            next(found)
        except KeyboardInterrupt:
            print("interrupted")
        """
    )
    assert printed == "interrupted"


def test_a_process_ends_while_tables_are_handed_over() -> None:
    # With a `pyarrow.RecordBatchReader` in between one in three of these processes aborted.
    for round_ in range(12):
        run_script(
            """
            import sys, threading, time
            import pyarrow
            from mrrc_arrow import _native
            from mrrc_arrow._read import _as_table

            collected = _native.collect(b"00038nam a2200037 a 4500001000100000\\x1eX\\x1d")

            def work():
                while True:
                    _as_table(pyarrow, collected)

            for _ in range(6):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(float(sys.argv[1]))
            """,
            0.05 + 0.002 * round_,
        )
