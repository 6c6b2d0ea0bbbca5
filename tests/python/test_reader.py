"""Records one at a time: the queue, its end, bad records, threads, forks."""

from __future__ import annotations

import gc
import gzip
import io
import os
import socket
import threading
import weakref
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import pytest

from .marc import books, control, data, encode
from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class File:
    """A binary file that counts its reads and gives at most `most` bytes at a time."""

    def __init__(self, content: bytes, most: int | None = None) -> None:
        self.file, self.most, self.sizes = io.BytesIO(content), most, list[int]()

    def read(self, size: int, /) -> bytes:
        read = self.file.read(min(size, self.most or size))
        self.sizes.append(len(read))
        return read


def chunks(reader: mrrc.MARCReader) -> list[bytes]:
    return [record.as_marc() for record in reader]


def many(count: int, size: int = 300) -> list[bytes]:
    """Records of about `size` bytes."""
    texts = ["x" * min(9_000, size - at) for at in range(90, size, 9_000)]
    return [
        encode([control("001", f"n{number:07}"), *(data("500", ("a", text)) for text in texts)])
        for number in range(count)
    ]


def test_records_come_in_order(three: list[bytes]) -> None:
    assert chunks(mrrc.MARCReader(b"".join(three))) == three


def test_iterator_idempotence(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(b"".join(three))
    assert iter(reader) is reader
    assert len(list(reader)) == 3
    assert list(reader) == []
    assert list(iter(reader)) == []


def test_stopiteration_semantics(three: list[bytes]) -> None:
    file = File(b"".join(three))
    reader = mrrc.MARCReader(file)
    assert len(list(reader)) == 3
    reads = len(file.sizes)
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(reader)
        assert reader.read_record() is None
        assert reader.read_batch() == []
    assert len(file.sizes) == reads


def test_read_batch_returns_100_records() -> None:
    reader = mrrc.MARCReader(File(b"".join(many(500))), batch_size=100)
    assert [len(reader.read_batch()) for _ in range(6)] == [100] * 5 + [0]


def test_partial_batch_at_eof() -> None:
    records = many(217)
    reader = mrrc.MARCReader(File(b"".join(records)), batch_size=100)
    batches = [reader.read_batch() for _ in range(5)]
    assert [len(batch) for batch in batches] == [100, 100, 17, 0, 0]
    assert [record.as_marc() for batch in batches for record in batch if record] == records


@pytest.mark.parametrize("size", [200, 1_000, 5_000, 40_000])
def test_batch_memory_bounds(size: int) -> None:
    records = many(900 if size < 5_000 else 150, size)
    reader = mrrc.MARCReader(File(b"".join(records)), batch_size=100_000)
    found: list[bytes] = []
    while batch := reader.read_batch():
        taken = [record.as_marc() for record in batch if record]
        assert len(taken) <= 200
        assert sum(map(len, taken)) <= 300_000
        # As many as the limits allow, but where a read ended.
        assert len(taken) >= min(200, 300_000 // len(taken[0]) - 1, len(records) - len(found)) // 2
        found += taken
    assert found == records


def test_a_record_larger_than_a_batch_is_delivered_whole() -> None:
    (large,) = many(1, 450_000)
    before, after = many(2)
    reader = mrrc.MARCReader(File(before + large + after))
    sizes = []
    for _ in reader:
        chunk = reader.current_chunk
        assert chunk is not None
        sizes.append(len(chunk))
    assert sizes == [len(before), len(large), len(after)]


def test_a_batch_is_one_read_and_a_queued_record_none() -> None:
    file = File(b"".join(many(2_000, 3_000)))
    reader = mrrc.MARCReader(file, batch_size=200)
    for batches in range(1, 16):
        assert len(reader.read_batch()) > 90
        assert len(file.sizes) == batches
    next(reader)
    before = len(file.sizes)
    for _ in range(50):
        next(reader)
    assert len(file.sizes) == before
    counters = reader._counters
    assert counters["gil_cycles"] <= counters["batches"] + 2


@pytest.mark.parametrize("most", [1, 2, 7, 100, 4_096])
def test_short_reads_lose_nothing(most: int) -> None:
    records = many(20)
    content = b"\r\n".join(records)
    assert chunks(mrrc.MARCReader(File(content, most))) == records
    assert mrrc.read_table(File(content, most)).num_rows == 20


def test_what_is_whole_does_not_wait_for_more() -> None:
    here, there = socket.socketpair()
    first, second, third = many(3)
    with here, there:
        reader = mrrc.MARCReader(here)
        there.sendall(first + second + third[:50])
        assert next(reader).as_marc() == first
        assert next(reader).as_marc() == second
        there.sendall(third[50:])
        there.shutdown(socket.SHUT_WR)
        assert chunks(reader) == [third]


def test_a_batch_of_a_socket_does_not_wait_for_more(three: list[bytes]) -> None:
    here, there = socket.socketpair()
    with here, there:
        reader = mrrc.read_batches(here)
        there.sendall(three[0] + three[1][:50])
        assert next(reader).num_rows == 1
        there.sendall(three[1][50:])
        assert next(reader).num_rows == 1
        there.shutdown(socket.SHUT_WR)
        assert list(reader) == []


def bad(three: list[bytes]) -> bytes:
    """Three records, the second of which is no MARC."""
    return three[0] + b"00030 this is no MARC record at all\x1d" + three[2]


def test_permissive_gives_none_for_a_bad_record_and_goes_on(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(bad(three), permissive=True)
    first, second, third = list_with_state(reader)
    assert first == (three[0], None)
    assert third == (three[2], None)
    assert second[0] == b"00030 this is no MARC record at all\x1d"
    assert isinstance(second[1], mrrc.RecordError)
    assert second[1].record == 1
    assert reader.problems == {"no_directory": 1}


def list_with_state(reader: mrrc.MARCReader) -> list[tuple[bytes | None, BaseException | None]]:
    found = []
    for record in reader:
        assert (record is None) == (reader.current_exception is not None)
        found.append((reader.current_chunk, reader.current_exception))
    return found


def test_a_bad_record_raises_and_the_next_call_goes_on(three: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "bad.mrc"
    path.write_bytes(bad(three))
    with path.open("rb") as file:
        sources: list[mrrc.Source] = [path, path.read_bytes(), file]
        for source in sources:
            reader = mrrc.MARCReader(source)
            next(reader)
            with pytest.raises(mrrc.RecordError, match="record 1 at byte") as caught:
                next(reader)
            assert (caught.value.record, caught.value.offset) == (1, len(three[0]))
            assert caught.value.source == (None if isinstance(source, bytes) else str(path))
            current = reader.current_exception
            # The same but not identical: a reader that kept what it raised would keep the frames it was raised in.
            assert isinstance(current, mrrc.RecordError)
            assert (current.args, vars(current)) == (caught.value.args, vars(caught.value))
            assert reader.current_chunk == b"00030 this is no MARC record at all\x1d"
            assert next(reader).as_marc() == three[2]
            assert reader.read_record() is None


def test_a_batch_gives_the_records_before_a_bad_one_first(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(bad(three))
    assert len(reader.read_batch()) == 1
    with pytest.raises(mrrc.RecordError):
        reader.read_batch()
    assert len(reader.read_batch()) == 1
    assert reader.read_batch() == []


def test_a_batch_has_none_for_a_bad_record_where_that_is_permitted(three: list[bytes]) -> None:
    batch = mrrc.MARCReader(bad(three), permissive=True).read_batch()
    assert [record and record.as_marc() for record in batch] == [three[0], None, three[2]]


def test_an_input_that_is_no_marc_raises_or_is_one_none() -> None:
    with pytest.raises(mrrc.UnsupportedFormatError):
        next(mrrc.MARCReader(b"<collection/>"))
    reader = mrrc.MARCReader(b"<collection/>", permissive=True)
    assert list(reader) == [None]


def test_a_truncated_tail_raises(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(File((three[0] + three[1])[:-5]))
    next(reader)
    with pytest.raises(mrrc.RecordError) as caught:
        next(reader)
    assert caught.value.code == "truncated"


class Broken(File):
    """A file that raises in the middle."""

    def read(self, size: int, /) -> bytes:
        if self.sizes:
            raise ZeroDivisionError("of our own")
        return super().read(size)


@pytest.mark.parametrize("read", [lambda file: list(mrrc.MARCReader(file)), mrrc.read_table, mrrc.read_marc])
def test_an_exception_of_the_file_comes_out_as_it_is(read: object) -> None:
    assert callable(read)
    with pytest.raises(ZeroDivisionError, match="of our own"):
        read(Broken(b"".join(many(3)), 500))


def test_records_before_an_exception_of_the_file_are_delivered() -> None:
    records = many(3)
    reader = mrrc.MARCReader(Broken(b"".join(records), 500))
    assert next(reader).as_marc() == records[0]
    with pytest.raises(ZeroDivisionError):
        next(reader)
    assert reader.read_record() is None


@pytest.mark.parametrize(("given", "error"), [("text", TypeError), (None, BlockingIOError), (b"x" * 10**6, ValueError)])
def test_a_read_that_gives_no_bytes_says_so(given: object, error: type[Exception]) -> None:
    class Odd:
        def read(self, _: int, /) -> bytes:
            return given  # type: ignore[return-value]

    with pytest.raises(error, match=r"Odd\.read"):
        next(mrrc.MARCReader(Odd()))


def test_a_file_is_read_from_its_position_and_stays_open(three: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "three.mrc"
    path.write_bytes(b"".join(three))
    with path.open("rb") as file:
        file.seek(len(three[0]))
        with mrrc.MARCReader(file) as reader:
            assert chunks(reader) == three[1:]
        assert not file.closed


def test_bytesio_is_read_from_its_position_and_stands_at_its_end(three: list[bytes]) -> None:
    file = io.BytesIO(b"".join(three))
    file.seek(len(three[0]))
    reader = mrrc.MARCReader(file)
    assert file.tell() == len(file.getvalue())
    file.close()
    assert chunks(reader) == three[1:]


def test_records_outlive_their_reader_and_its_file(three: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "three.mrc"
    path.write_bytes(b"".join(three))
    with path.open("rb") as file, mrrc.MARCReader(file) as reader:
        records = list(reader)
    path.unlink()
    del reader
    assert [record.as_marc() for record in records] == three
    assert records[2]["001"].data == "ocm00000002"


@pytest.mark.parametrize("kind", ["path", "socket"])
def test_ctrl_c_ends_a_wait(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent")
    # In a process of its own: Polars has a handler of signals that lets system calls go on.
    run_script(
        """
        import os, socket, sys, threading, mrrc_arrow as mrrc
        ends = socket.socketpair()
        reader = mrrc.MARCReader(ends[0] if sys.argv[1] == "socket" else sys.argv[2])
        threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()
        try:
            next(reader)
        except KeyboardInterrupt:
            os._exit(0)
        sys.exit("no KeyboardInterrupt")
        """,
        kind,
        tmp_path / "silent",
    )


def test_a_closed_reader_is_at_its_end(three: list[bytes]) -> None:
    for source in (b"".join(three), File(b"".join(three))):
        with mrrc.MARCReader(source) as reader:
            next(reader)
        assert list(reader) == []
        reader.close()


@pytest.mark.parametrize("kind", ["bytes", "file"])
def test_two_threads_share_a_reader(kind: str) -> None:
    records = many(5_000)
    content = b"".join(records)
    reader = mrrc.MARCReader(content if kind == "bytes" else File(content, 10_000))
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.extend(chunks(reader))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == records


def test_a_reader_that_reads_itself_raises(three: list[bytes]) -> None:
    class Loop(File):
        reader: mrrc.MARCReader

        def read(self, _: int, /) -> bytes:
            next(self.reader)
            return b""

    file = Loop(b"".join(three))
    file.reader = mrrc.MARCReader(file)
    with pytest.raises(RuntimeError, match="being read"):
        next(file.reader)


@pytest.mark.parametrize("kind", ["bytes", "file"])
def test_a_reader_opened_before_a_fork_raises_in_the_child(kind: str) -> None:
    content = b"".join(many(5_000))
    reader = mrrc.MARCReader(content if kind == "bytes" else File(content))
    next(reader)
    child = os.fork()
    if child == 0:
        try:
            next(reader)
        except mrrc.ForkedError:
            reader.close()
            os._exit(len(list(mrrc.MARCReader(content))) != 5_000)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(list(reader)) == 4_999


def resident() -> int:
    with open("/proc/self/statm") as statm:  # noqa: PTH123 - not a file
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_grow_over_100_000_records(tmp_path: Path) -> None:
    path = tmp_path / "many.mrc"
    path.write_bytes(b"".join(many(5_000)))
    first = 0
    for turn in range(20):
        for record in mrrc.MARCReader(path):
            assert record["500"]["a"]
        first = first or (resident() if turn == 4 else 0)
    assert resident() < first + 5_000_000


def test_unknown_options_are_refused(three: list[bytes]) -> None:
    with pytest.raises(ValueError, match="utf8_handling"):
        mrrc.MARCReader(three[0], utf8_handling="lenient")  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        mrrc.MARCReader(three[0], file_encoding="no such codec")
    with pytest.raises(ValueError, match="batch_size"):
        mrrc.MARCReader(three[0], batch_size=0)
    with pytest.raises(FileNotFoundError):
        mrrc.MARCReader("missing.mrc")
    assert len(list(mrrc.MARCReader(books(4)))) == 4


@pytest.mark.parametrize("use", ["close()", "problems", "current_chunk", "current_exception", "_counters"])
def test_a_reader_in_use_by_a_waiting_thread_answers(use: str) -> None:
    run_script(
        f"""
        import os, socket, threading, time, mrrc_arrow as mrrc
        here, there = socket.socketpair()
        reader = mrrc.MARCReader(here)
        threading.Thread(target=lambda: next(reader), daemon=True).start()
        time.sleep(0.2)
        reader.{use}
        os._exit(0)
        """,
        timeout=5,
    )


def test_ctrl_c_ends_the_wait_for_a_thread_that_reads() -> None:
    run_script(
        """
        import os, socket, threading, time, mrrc_arrow as mrrc
        here, there = socket.socketpair()
        reader = mrrc.MARCReader(here)
        threading.Thread(target=lambda: next(reader), daemon=True).start()
        time.sleep(0.2)
        threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()
        try:
            next(reader)
        except KeyboardInterrupt:
            os._exit(0)
        os._exit(1)
        """,
        timeout=5,
    )


@pytest.mark.parametrize("size", [300, 1_000, 3_000, 20_000])
def test_every_record_before_an_exception_of_the_file_is_delivered(size: int) -> None:
    class Once(File):
        def read(self, size: int, /) -> bytes:
            if self.sizes:
                raise ZeroDivisionError
            return super().read(size)

    records = many(1_500, size)
    file = Once(b"".join(records))
    found: list[bytes] = []

    def read() -> None:
        for record in mrrc.MARCReader(file):
            found.append(record.as_marc())

    with pytest.raises(ZeroDivisionError):
        read()
    assert found == records[: file.sizes[0] // len(records[0])]


def test_nothing_is_wrong_any_more_at_the_end(three: list[bytes]) -> None:
    reader = mrrc.MARCReader((three[0] + three[1])[:-5], permissive=True)
    found = []
    while (record := reader.read_record()) or reader.current_exception:
        found.append(record)
        assert len(found) < 5
    assert [record is None for record in found] == [False, True]
    assert reader.current_chunk is None


def test_a_bad_record_that_was_not_handed_out_shows_nowhere(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(bad(three))
    reader.read_batch()
    assert (reader.current_exception, reader.current_chunk) == (None, three[0])


def test_a_reader_that_raised_is_let_go_with_its_file(three: list[bytes]) -> None:
    def load() -> weakref.ref[File]:
        file = File(bad(three))
        reader = mrrc.MARCReader(file)
        with pytest.raises(mrrc.RecordError):
            list(reader)
        return weakref.ref(file)

    file = load()
    gc.collect()
    assert file() is None


@pytest.mark.parametrize("turn", [0, 1], ids=["second", "first"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_interrupted_read_is_told_at_once_and_goes_on(pack: Callable[[bytes], bytes], turn: int) -> None:
    class Interrupted(File):
        turns = 0

        def read(self, size: int, /) -> bytes:
            self.turns += 1
            if self.turns % 2 == turn:
                raise KeyboardInterrupt
            return super().read(size)

    records = many(60, 3_000)
    reader = mrrc.MARCReader(Interrupted(pack(b"".join(records)), 20_000))
    found, interrupts = [], 0
    while True:
        try:
            found.append(next(reader).as_marc())
        except KeyboardInterrupt:
            interrupts += 1
        except StopIteration:
            break
    assert found == records
    assert interrupts > 0
    with pytest.raises(KeyboardInterrupt):
        mrrc.read_table(Interrupted(pack(b"".join(records)), 20_000))
