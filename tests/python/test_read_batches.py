from __future__ import annotations

import gzip
import itertools
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest

from .marc import books
from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Iterable


def control_numbers(batches: Iterable[mrrc.RecordBatch]) -> list[str]:
    """Return the control numbers of batches, in order."""
    return [value for batch in batches for value in pa.record_batch(batch).column("control_number").to_pylist()]


def expected_numbers(count: int) -> list[str]:
    return [f"ocm{number:08}" for number in range(count)]


def producers() -> int:
    """Return how many reading threads this process has."""
    count = 0
    for comm in Path("/proc/self/task").glob("*/comm"):
        try:
            count += comm.read_text().startswith("mrrc-arrow-prod")
        except OSError:
            continue  # the thread has just ended
    return count


def wait_for_producers(count: int) -> None:
    deadline = time.monotonic() + 5
    while producers() != count:
        assert time.monotonic() < deadline, f"{producers()} reading threads instead of {count}"
        time.sleep(0.005)


def test_batches_have_at_most_batch_size_records(marc_file: Path) -> None:
    batches = list(mrrc.read_batches(marc_file, batch_size=100))
    assert [batch.num_rows for batch in batches] == [100, 100, 17]
    assert [len(batch) for batch in batches] == [100, 100, 17]
    assert control_numbers(batches) == expected_numbers(217)


@pytest.mark.parametrize("batch_size", [1, 2, 216, 217, 218, 10**6, 2**40])
def test_any_batch_size_gives_all_rows_in_order(marc_file: Path, batch_size: int) -> None:
    batches = list(mrrc.read_batches(marc_file, batch_size=batch_size))
    assert len(batches) == -(-217 // batch_size)
    assert control_numbers(batches) == expected_numbers(217)


def test_a_batch_is_taken_by_polars_and_pyarrow(marc_file: Path) -> None:
    batch = next(mrrc.read_batches(marc_file, batch_size=10))
    assert isinstance(batch, mrrc.RecordBatch)
    assert batch.num_columns == 3
    assert batch.schema.names == ["leader", "control_number", "fields"]
    assert pl.DataFrame(batch).shape == (10, 3)
    arrow = pa.record_batch(batch)
    arrow.validate(full=True)
    assert arrow.schema == pa.schema(batch.schema)


def test_the_schema_is_known_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "no.mrc"
    path.write_bytes(b"00")
    reader = mrrc.read_batches(path, row_index_name="n", include_offsets=True, include_file_paths="path")
    names = ["n", "leader", "control_number", "fields", "offset", "length", "path"]
    assert reader.schema.names == names
    assert len(reader.schema) == 7
    assert pa.schema(reader.schema).names == pa.schema(reader).names == names
    assert reader.bytes_read == 0
    with pytest.raises(mrrc.RecordError):
        next(reader)


def test_schemas_compare_by_their_columns(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file)
    assert reader.schema == next(reader).schema == mrrc.read_batches(b"").schema
    assert reader.schema != mrrc.read_batches(b"", include_offsets=True).schema


def test_every_batch_has_the_schema_of_the_reader(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, batch_size=50)
    assert all(batch.schema == reader.schema for batch in reader)


def test_each_opening_of_the_stream_is_a_fresh_read(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, batch_size=50)
    for _ in range(2):
        stream = pa.RecordBatchReader.from_stream(reader)
        assert [batch.num_rows for batch in stream] == [50, 50, 50, 50, 17]
        assert pl.DataFrame(reader)["control_number"].to_list() == expected_numbers(217)
        assert pa.table(reader).num_rows == 217
        connection = duckdb.connect()
        connection.register("books", reader)
        for _ in range(2):
            assert connection.sql("select count(distinct control_number) from books").fetchall() == [(217,)]
    # None of that moved the reader's own iteration.
    assert reader.bytes_read == 0
    assert control_numbers(reader) == expected_numbers(217)


def test_streams_of_one_reader_do_not_disturb_each_other(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, batch_size=100)
    one, two = pa.RecordBatchReader.from_stream(reader), pa.RecordBatchReader.from_stream(reader)
    sizes = []
    for _ in range(3):
        sizes += [one.read_next_batch().num_rows, two.read_next_batch().num_rows, next(reader).num_rows]
    assert sizes == [100] * 6 + [17] * 3


@pytest.mark.skipif(not hasattr(pl, "scan_arrow_c_stream"), reason="this Polars has no scan_arrow_c_stream")
def test_polars_scans_a_reader_lazily(marc_file: Path) -> None:
    lazy = pl.scan_arrow_c_stream(mrrc.read_batches(marc_file, batch_size=50))
    assert lazy.filter(pl.col("control_number") == "ocm00000200").collect().height == 1


def test_an_error_in_a_stream_reaches_its_consumer(three: list[bytes]) -> None:
    reader = mrrc.read_batches(b"".join(three)[:-1])
    with pytest.raises(Exception, match="truncated"):
        pl.DataFrame(reader)
    with pytest.raises(Exception, match="truncated"):
        pa.table(reader)


def test_the_iteration_stays_at_its_end(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file)
    assert sum(batch.num_rows for batch in reader) == 217
    assert list(reader) == []
    with pytest.raises(StopIteration):
        next(reader)


def test_the_iteration_ends_after_an_error(three: list[bytes]) -> None:
    reader = mrrc.read_batches(b"".join([*three, *three])[:-1], batch_size=2)
    assert [next(reader).num_rows, next(reader).num_rows] == [2, 2]
    with pytest.raises(mrrc.RecordError) as caught:
        next(reader)
    assert caught.value.record == 5
    assert list(reader) == []
    assert reader.problems == {"truncated": 1}


def test_close_ends_the_iteration(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, batch_size=10)
    next(reader)
    reader.close()
    assert list(reader) == []
    reader.close()


def test_close_before_the_first_batch_ends_the_iteration(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file)
    reader.close()
    assert list(reader) == []


def test_a_with_block_closes_the_reader(marc_file: Path) -> None:
    with mrrc.read_batches(marc_file, batch_size=10) as reader:
        assert next(reader).num_rows == 10
    assert list(reader) == []


def test_a_with_block_lets_exceptions_through(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, batch_size=10)
    with pytest.raises(KeyError), reader:
        raise KeyError(next(reader))
    assert list(reader) == []


def test_rejects_are_warned_of_once_and_counted(three: list[bytes]) -> None:
    reader = mrrc.read_batches(b"\n".join(three)[:-1], ignore_errors=True)
    assert reader.problems == {}
    with pytest.warns(mrrc.MrrcWarning, match=r"1 record.*truncated 1") as caught:
        assert sum(batch.num_rows for batch in reader) == 2
    assert [warning.filename for warning in caught] == [__file__]
    assert reader.problems == {"junk": 2, "truncated": 1}
    assert list(reader) == []
    reader.close()


def test_closing_early_warns_of_what_was_read_alone(three: list[bytes]) -> None:
    rejected = b"0000\x1d"
    content = three[0] + rejected + three[1] + rejected + three[2] * 50 + rejected
    with (
        pytest.warns(mrrc.MrrcWarning, match="^1 record"),
        mrrc.read_batches(content, ignore_errors=True, batch_size=3) as reader,
    ):
        assert next(reader).num_rows == 2
    with mrrc.read_batches(content, ignore_errors=True, batch_size=1) as reader:
        next(reader)


def test_who_reads_on_a_closed_reader_is_told_of_rejects(three: list[bytes]) -> None:
    """A reader that is closed while a thread reads, which then finds it so."""
    started, go_on = threading.Event(), threading.Event()

    class Slow:
        parts = iter([three[0] + b"0000\x1d" + three[1]])

        def read(self, size: int) -> bytes:
            part = next(self.parts, b"")
            assert len(part) < size
            if not part:
                started.set()
                go_on.wait(10)
            return part

    reader = mrrc.read_batches(Slow(), ignore_errors=True)
    caught: list[warnings.WarningMessage] = []

    def read() -> None:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            for _ in reader:
                pass
        caught.extend(seen)

    thread = threading.Thread(target=read)
    thread.start()
    assert started.wait(10)
    reader.close()
    go_on.set()
    thread.join()
    assert reader.rejected == 1
    assert [str(warning.message)[:8] for warning in caught] == ["1 record"]
    reader.close()


def test_a_stream_warns_of_rejects_too(three: list[bytes]) -> None:
    reader = mrrc.read_batches(b"".join(three)[:-1], ignore_errors=True)
    with pytest.warns(mrrc.MrrcWarning, match="^1 record") as caught:
        assert pa.table(reader).num_rows == 2
    assert len(caught) == 1


def test_bytes_are_counted(marc_file: Path, tmp_path: Path) -> None:
    size = marc_file.stat().st_size
    reader = mrrc.read_batches([marc_file, marc_file.read_bytes()], batch_size=10)
    assert reader.total_bytes == 2 * size
    seen = [reader.bytes_read for _ in reader]
    assert seen == sorted(seen)
    assert reader.bytes_read == 2 * size
    packed = tmp_path / "books.mrc.gz"
    packed.write_bytes(gzip.compress(marc_file.read_bytes()))
    reader = mrrc.read_batches(packed)
    assert reader.total_bytes == packed.stat().st_size
    assert sum(1 for _ in reader) == 1
    assert reader.bytes_read == size


def test_threads_that_share_a_reader_get_each_batch_once(marc_file: Path) -> None:
    reader = mrrc.read_batches([marc_file] * 20, batch_size=3)
    found: list[list[mrrc.RecordBatch]] = [[], []]
    barrier = threading.Barrier(2)

    def consume(mine: list[mrrc.RecordBatch]) -> None:
        barrier.wait()
        mine.extend(reader)

    threads = [threading.Thread(target=consume, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(control_numbers(found[0] + found[1])) == sorted(expected_numbers(217) * 20)
    # Each thread sees its batches in the order of the input.
    starts = [[int(control_numbers([batch])[0][3:]) for batch in mine] for mine in found]
    assert all(sum(a > b for a, b in itertools.pairwise(mine)) < 20 for mine in starts)


@pytest.mark.parametrize("how", ["close", "drop", "drop the stream"])
def test_leaving_half_way_ends_the_reading_thread(how: str) -> None:
    wait_for_producers(0)
    # What has to be decompressed is read by a thread of its own.
    reader = mrrc.read_batches(gzip.compress(b"".join(books(50)) * 200, 1), batch_size=10)
    stream = pa.RecordBatchReader.from_stream(reader) if how == "drop the stream" else None
    assert (stream.read_next_batch() if stream else next(reader)).num_rows == 10
    # Far more than fits the channel is left, so the thread is waiting for us.
    assert producers() == 1
    if how == "close":
        reader.close()
    del stream, reader
    wait_for_producers(0)


def test_an_error_ends_the_reading_thread(three: list[bytes]) -> None:
    wait_for_producers(0)
    with pytest.raises(mrrc.RecordError):
        mrrc.read_table([gzip.compress(b"0000\x1d"), *three * 1000], batch_size=1)
    wait_for_producers(0)


def test_many_readers_may_be_open_at_once(marc_file: Path) -> None:
    readers = [mrrc.read_batches(marc_file, batch_size=20) for _ in range(40)]
    sizes = [[batch.num_rows for batch in batches] for batches in zip(*readers, strict=True)]
    assert sizes == [[20] * 40] * 10 + [[17] * 40]


def test_n_rows_ends_the_reading_thread(three: list[bytes]) -> None:
    wait_for_producers(0)
    assert mrrc.read_table(three * 1000, n_rows=2).num_rows == 2
    wait_for_producers(0)


def test_a_table_reader_that_reads_itself_raises() -> None:
    run_script(
        """
        import mrrc_arrow as mrrc

        class Loop:
            def read(self, size):
                next(self.reader)
                return b""

        file = Loop()
        file.reader = mrrc.read_batches(file)
        try:
            next(file.reader)
        except RuntimeError:
            pass
        """,
        timeout=5,
    )


@pytest.mark.parametrize("use", ["close()", "problems", "rejected", "bytes_read", "__exit__()"])
def test_a_table_reader_in_use_by_a_waiting_thread_answers(use: str) -> None:
    run_script(
        f"""
        import os, socket, threading, time, mrrc_arrow as mrrc
        here, there = socket.socketpair()
        reader = mrrc.read_batches(here)
        threading.Thread(target=lambda: next(reader), daemon=True).start()
        time.sleep(0.2)
        reader.{use}
        threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()
        try:
            next(reader)
        except KeyboardInterrupt:
            os._exit(0)
        os._exit(1)
        """,
        timeout=5,
    )


def test_a_stream_has_the_types_that_are_asked_for(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file, layout="subfields", batch_size=50)
    plain = mrrc.read_table(marc_file, layout="subfields", string_type="large_string", categorical=False)
    asked = pa.RecordBatchReader.from_stream(reader, schema=plain.schema).read_all()
    assert asked.schema.types == plain.schema.types
    assert asked.to_pylist() == plain.to_pylist()
