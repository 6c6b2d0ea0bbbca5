"""Every kind of input, for records and for tables: the same bytes, the same rows, the same errors."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import socket
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pyarrow as pa
import pytest

from .marc import books
from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUPPORTED = ["str", "Path", "bytes", "bytearray", "memoryview", "BytesIO", "open", "unbuffered", "gzip.open", "socket"]
NAMED = ["str", "os.PathLike", "bytes", "bytearray", "memoryview", "io.BytesIO", "file", "socket.socket"]
PACKED = ["gzip", "zstd", "bzip2"]
BACKENDS = {"str": "RustFile", "Path": "RustFile", "open": "PythonFile", "unbuffered": "PythonFile"} | {
    "gzip.open": "PythonFile",
    "socket": "PythonFile",
}


@contextmanager
def opened(kind: str, path: Path) -> Iterator[Any]:
    """The content of `path` as a source of this kind."""
    content = path.read_bytes()
    match kind:
        case "str":
            yield str(path)
        case "Path":
            yield path
        case "bytes":
            yield content
        case "bytearray":
            yield bytearray(content)
        case "memoryview":
            yield memoryview(content)
        case "BytesIO":
            yield io.BytesIO(content)
        case "open":
            with path.open("rb") as file:
                yield file
        case "unbuffered":
            with path.open("rb", buffering=0) as unbuffered:
                yield unbuffered
        case "gzip.open":
            with gzip.open(io.BytesIO(gzip.compress(content, 1))) as packed:
                yield packed
        case "socket":
            here, there = socket.socketpair()

            def send() -> None:
                with there:
                    there.sendall(content)

            sender = threading.Thread(target=send)
            sender.start()
            with here:
                yield here
            sender.join()


def pack(kind: str, content: bytes) -> bytes:
    """Compress in two parts, one after the other."""
    middle = len(content) // 2
    parts = content[:middle], content[middle:]
    if kind == "zstd":
        return b"".join(pa.compress(part, codec="zstd", asbytes=True) for part in parts)
    compress: Callable[[bytes], bytes] = gzip.compress if kind == "gzip" else bz2.compress
    return b"".join(compress(part) for part in parts)


def chunks(source: mrrc.Source) -> list[bytes | None]:
    """The bytes of each record; None for a bad one."""
    reader = mrrc.MARCReader(source, permissive=True)
    return [None if record is None else reader.current_chunk for record in reader]


def account(source: mrrc.Source, **options: Any) -> list[object]:  # noqa: ANN401 - options of several types
    """All that a reader says: bytes and repairs of each record, what is wrong with a bad one, counts of problems."""
    reader = mrrc.MARCReader(source, permissive=True, **options)
    found: list[object] = []
    for record in reader:
        error = reader.current_exception
        assert (record is None) == (error is not None)
        if record is not None:
            found.append((reader.current_chunk, record.problems))
        else:
            assert isinstance(error, mrrc.MrrcError)
            found.append((reader.current_chunk, error.code, error.record, error.offset))
    return [*found, reader.problems]


def files(corpus: Path) -> list[Path]:
    return sorted(path for path in corpus.rglob("*") if path.is_file())


class Ragged:
    """A file object in pure Python that gives from one byte up to `most` at a time."""

    def __init__(self, content: bytes, most: int, seed: int = 0) -> None:
        self.file, self.most, self.random = io.BytesIO(content), most, random.Random(seed)

    def read(self, size: int, /) -> bytes:
        return self.file.read(min(size, self.random.randint(1, self.most)))


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """A file of 500 records."""
    path = tmp_path / "books.mrc"
    path.write_bytes(b"".join(books(500)))
    return path


@pytest.mark.parametrize("kind", SUPPORTED)
def test_type_detection_correctness(kind: str, five: Path) -> None:
    with opened(kind, five) as source:
        reader = mrrc.MARCReader(source)
        assert reader.backend == BACKENDS.get(kind, "CursorBackend")
        assert [record.as_marc() for record in reader] == books(500)


@pytest.mark.parametrize("kind", SUPPORTED)
def test_every_kind_gives_the_same_rows(kind: str, five: Path) -> None:
    expected = mrrc.read_table(five)
    for read in (mrrc.read_table, lambda source: pa.table(mrrc.read_batches(source, batch_size=7))):
        with opened(kind, five) as source:
            assert read(source).combine_chunks().to_pylist() == expected.to_pylist()
    with opened(kind, five) as source:
        assert mrrc.read_marc(source).height == 500


@pytest.mark.parametrize("kind", PACKED)
def test_every_compression_gives_the_same_records(kind: str, five: Path, tmp_path: Path) -> None:
    packed = tmp_path / f"books.{kind}"
    packed.write_bytes(pack(kind, five.read_bytes()))
    with packed.open("rb") as file:
        sources: list[mrrc.Source] = [packed, packed.read_bytes(), io.BytesIO(packed.read_bytes()), file]
        for source in sources:
            assert chunks(source) == books(500)
    with packed.open("rb") as file:
        assert mrrc.read_table(file).equals(mrrc.read_table(packed))
    assert mrrc.read_table(packed).to_pylist() == mrrc.read_table(five).to_pylist()


@pytest.mark.parametrize("kind", PACKED)
def test_a_cut_compressed_input_raises(kind: str, five: Path) -> None:
    packed = pack(kind, five.read_bytes())[:-5]
    with pytest.raises(mrrc.CorruptInputError):
        mrrc.read_table(packed)
    with pytest.raises(mrrc.CorruptInputError):
        list(mrrc.MARCReader(packed))


def test_unknown_type_raises_type_error(five: Path) -> None:
    class Unreadable:
        read = 5

    with five.open(encoding="utf-8") as text:
        for source in (5, None, object(), {}, io.StringIO("text"), Unreadable(), io.BytesIO, text):
            for read in (mrrc.MARCReader, mrrc.read_table, mrrc.read_batches):
                with pytest.raises(TypeError) as caught:
                    read(source)  # type: ignore[arg-type]
                assert all(name in str(caught.value) for name in NAMED)


def test_supported_types_complete(five: Path) -> None:
    files = [five.open("rb") for _ in range(2)]
    sources: list[Any] = [str(five), five, five.read_bytes(), io.BytesIO(five.read_bytes()), *files]
    reader = mrrc.MARCReader(sources)
    assert reader.backend == "RustFile, CursorBackend, PythonFile"
    assert [record.as_marc() for record in reader] == books(500) * 6
    for file in files:
        file.close()
    assert [r["001"].data for r in mrrc.MARCReader(str(five.parent / "*.mrc"))] == [
        r["001"].data for r in mrrc.MARCReader(five)
    ]


def content_of(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def assert_parity(corpus: Path, source_of: Callable[[Path], mrrc.Source]) -> None:
    total = 0
    for path in files(corpus):
        with path.open("rb") as file:
            expected = account(file)
        assert account(source_of(path)) == expected, path
        total += len(expected)
    assert total > 1_000


def test_rust_file_parity(corpus: Path) -> None:
    assert_parity(corpus, lambda path: path)


def test_cursor_backend_parity(corpus: Path) -> None:
    assert_parity(corpus, lambda path: path.read_bytes())


@pytest.mark.parametrize(
    ("most", "options"),
    [
        (700, {}),
        (5_000, {"batch_size": 7}),
        (400_000, {}),
        (10**9, {"batch_size": 1}),
        (10**9, {"_max_records": 9_999}),
    ],
)
def test_how_much_a_read_gives_changes_nothing(most: int, options: dict[str, int], corpus: Path) -> None:
    for seed, path in enumerate(files(corpus)):
        content = content_of(path)
        assert account(Ragged(content, most, seed), **options) == account(content), path


def test_tables_are_the_same_over_the_corpus(corpus: Path) -> None:
    options: mrrc.ReadOptions = {"ignore_errors": True, "include_offsets": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        for seed, path in enumerate(files(corpus)):
            content = path.read_bytes()
            expected = mrrc.read_table(path, **options).combine_chunks()
            sources: list[mrrc.Source] = [content, io.BytesIO(content), Ragged(content, 100_000, seed)]
            for source in sources:
                assert mrrc.read_table(source, **options).combine_chunks().equals(expected), path
            problems = mrrc.read_problems(path, ignore_errors=True).drop_columns("source")
            ragged = Ragged(content, 100_000, seed)
            assert mrrc.read_problems(ragged, ignore_errors=True).drop_columns("source").equals(problems), path


def test_a_source_that_can_be_read_once_says_so_the_second_time(five: Path) -> None:
    with five.open("rb") as file:
        reader = mrrc.read_batches(file)
        assert sum(batch.num_rows for batch in reader) == 500
        assert list(reader) == []
        with pytest.raises(ValueError, match="only once"):
            pa.table(reader)


def test_rejects_are_written_to_a_file(tmp_path: Path) -> None:
    one, two, three = books(3)
    bad = [b"00030 no MARC record\x1d", b"00031 none either, and longer\x1d"]
    path, out = tmp_path / "bad.mrc", tmp_path / "rejects.mrc"
    path.write_bytes(one + bad[0] + two + bad[1] + three)
    out.write_bytes(b"what was there before")
    for read in (mrrc.read_table, mrrc.read_marc, lambda *a, **k: list(mrrc.read_batches(*a, **k))):
        with pytest.warns(mrrc.MrrcWarning, match="2 record"):
            read(path, ignore_errors=True, rejects=out)
        assert out.read_bytes() == b"".join(bad)
    mrrc.read_table(one, ignore_errors=True, rejects=str(out))
    assert out.read_bytes() == b""
    with pytest.raises(ValueError, match="ignore_errors"):
        mrrc.read_table(one, rejects=out)
    with pytest.raises(FileNotFoundError):
        mrrc.read_table(one, ignore_errors=True, rejects=tmp_path / "no such folder" / "x")


def test_rejects_are_what_read_problems_lists_over_the_corpus(corpus: Path, tmp_path: Path) -> None:
    out, total = tmp_path / "rejects", 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        for path in files(corpus):
            with path.open("rb") as file:
                for batch in mrrc.read_batches(file, ignore_errors=True, rejects=out, batch_size=50):
                    assert batch.num_rows
            problems = mrrc.read_problems(path, ignore_errors=True).to_pylist()
            assert out.read_bytes() == b"".join(problem["raw"] for problem in problems if problem["rejected"]), path
            total += out.stat().st_size
    assert total > 1_000


def test_rejects_end_where_the_rows_do(three: list[bytes], tmp_path: Path) -> None:
    bad = b"00030 no MARC record\x1d"
    content, out = bad.join(three), tmp_path / "rejects"
    for n_rows, expected in ((0, b""), (1, b""), (2, bad)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            assert mrrc.read_table(content, ignore_errors=True, rejects=out, n_rows=n_rows).num_rows == n_rows
        assert out.read_bytes() == expected
    out.write_bytes(b"as it was")
    mrrc.read_batches(content, ignore_errors=True, rejects=out).close()
    assert out.read_bytes() == b"as it was"  # nothing was read


@pytest.fixture
def no_switches() -> Iterator[None]:
    """Threads that wait for the GIL do not ask for it: one runs only when another lets go of it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(100)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("read", ["read_table(path)", "read_marc(path)", "MARCReader(path).read_record()"])
def test_another_thread_runs_while_one_waits_for_a_file(read: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # In a process of its own, which is ended if it hangs.
    run_script(
        f"""
        import sys, threading, mrrc_arrow as mrrc
        from pathlib import Path
        path = Path(sys.argv[1])
        sys.setswitchinterval(100)
        thread = threading.Thread(target=lambda: mrrc.{read})
        thread.start()
        # It waits for these bytes, which only this thread can write.
        path.write_bytes(bytes.fromhex(sys.argv[2]))
        thread.join()
        """,
        tmp_path / "pipe",
        books(1)[0].hex(),
    )


@pytest.mark.usefixtures("no_switches")
def test_another_thread_runs_while_what_a_python_file_gave_is_looked_at() -> None:
    content = b"".join(books(2_000)) * 50
    turns, turns_after_read, done = [0], [0], threading.Event()

    class File(Ragged):
        """It never lets go of the GIL."""

        def read(self, size: int, /) -> bytes:
            read = self.file.read(size)
            turns_after_read[0] = turns[0]
            return read

    def count() -> None:
        while not done.wait(0.0001):
            turns[0] += 1

    reader = mrrc.MARCReader(File(content, 0), batch_size=100_000, _max_records=100_000, _max_bytes=len(content))
    counter = threading.Thread(target=count)
    counter.start()
    try:
        assert reader._check_batch() == 100_000
        assert turns[0] > turns_after_read[0]
    finally:
        done.set()
        counter.join()


@pytest.mark.parametrize("kind", ["str", "bytes", "open"])
@pytest.mark.parametrize("what", ["records", "table"])
@pytest.mark.usefixtures("no_switches")
def test_another_thread_runs_while_one_reads(kind: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / "large.mrc"
    # Long enough that a busy machine gets round to the other thread.
    path.write_bytes(b"".join(books(20_000)) * 25)
    turns, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            turns[0] += 1
            done.wait(0.0001)

    def read(source: mrrc.Source) -> None:
        if what == "table":
            mrrc.read_table(source)
            return
        reader = mrrc.MARCReader(source)
        assert reader._check_batch()
        # What opening and the first batch let run does not count.
        turns[0] = -1
        while reader._check_batch():
            pass
        assert turns[0] > -1

    counter = threading.Thread(target=count)
    try:
        with opened(kind, path) as source:
            counter.start()
            at_first = turns[0]
            read(source)
            assert turns[0] > at_first
    finally:
        done.set()
        counter.join()


def test_rejects_never_overwrite_what_is_read(three: list[bytes], tmp_path: Path) -> None:
    path, link = tmp_path / "books.mrc", tmp_path / "link.mrc"
    content = three[0] + b"00030 no MARC record\x1d" + three[1]
    path.write_bytes(content)
    link.symlink_to(path)
    sources: list[mrrc.Source] = [path, str(tmp_path / "b*.mrc"), [b"", path]]
    for source in sources:
        for rejects in (path, link):
            with pytest.raises(ValueError, match="rejects"):
                mrrc.read_table(source, ignore_errors=True, rejects=rejects)
            assert path.read_bytes() == content
