"""Every kind of input, for records and for tables: the same bytes, the same rows, the same errors."""

from __future__ import annotations

import bz2
import gzip
import io
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pyarrow as pa
import pytest

from .marc import books

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUPPORTED = ["str", "Path", "bytes", "bytearray", "memoryview", "BytesIO", "open", "unbuffered", "gzip.open", "socket"]
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
            with pytest.raises(TypeError) as caught:
                mrrc.MARCReader(source)  # type: ignore[arg-type]
            for name in (
                "str",
                "os.PathLike",
                "bytes",
                "bytearray",
                "memoryview",
                "io.BytesIO",
                "file",
                "socket.socket",
            ):
                assert name in str(caught.value)


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


@pytest.mark.parametrize("backend", ["rust", "cursor"])
def test_parity_over_the_corpus(backend: str, corpus: Path) -> None:
    total = 0
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            expected = chunks(file)
        found = chunks(path if backend == "rust" else path.read_bytes())
        assert found == expected, path
        total += len(found)
    assert total > 1_000


def test_rust_file_parity(corpus: Path) -> None:
    test_parity_over_the_corpus("rust", corpus)


def test_cursor_backend_parity(corpus: Path) -> None:
    test_parity_over_the_corpus("cursor", corpus)


def test_records_and_rows_are_the_same_over_the_corpus(corpus: Path) -> None:
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        content = content_of(path)
        problems = mrrc.read_problems(path, ignore_errors=True)
        text = {"invalid_utf8", "unsupported_encoding", "unsupported_format"}
        rejects = [
            code for code, gone in zip(*(problems[c].to_pylist() for c in ("code", "rejected")), strict=True) if gone
        ]
        found = chunks(content)
        # A table rejects what it cannot decode; a reader says so when it is asked for the text.
        assert found.count(None) == sum(code not in text - {"unsupported_format"} for code in rejects), path


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


@pytest.mark.parametrize("kind", ["str", "bytes", "open"])
@pytest.mark.parametrize("what", ["records", "table"])
def test_another_thread_runs_while_one_reads(kind: str, what: str, tmp_path: Path) -> None:
    # Without a request for it every 5 ms, only a thread that lets go of the GIL lets another run.
    path = tmp_path / "large.mrc"
    path.write_bytes(b"".join(books(20_000)))
    turns, done, before = [0], threading.Event(), sys.getswitchinterval()

    def count() -> None:
        while not done.is_set():
            turns[0] += 1
            done.wait(0.0001)

    def read(source: mrrc.Source) -> None:
        if what == "table":
            mrrc.read_table(source)
            return
        reader = mrrc.MARCReader(source)
        while reader._check_batch():
            pass

    sys.setswitchinterval(100)
    counter = threading.Thread(target=count)
    try:
        with opened(kind, path) as source:
            counter.start()
            at_first = turns[0]
            read(source)
            assert turns[0] > at_first
    finally:
        done.set()
        sys.setswitchinterval(before)
        counter.join()
