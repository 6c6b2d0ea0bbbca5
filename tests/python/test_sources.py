"""The same rows, wherever the bytes come from."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import mrrc_arrow as mrrc
import pytest

from .marc import books, control, encode

if TYPE_CHECKING:
    from collections.abc import Callable


def rows(source: mrrc.Source, **options: Unpack[mrrc.ReadOptions]) -> list[dict[str, Any]]:
    """Read `source` into plain Python."""
    found: list[dict[str, Any]] = mrrc.read_table(source, **options).to_pylist()
    return found


def numbers(source: mrrc.Source, **options: Unpack[mrrc.ReadOptions]) -> list[str]:
    """Return the control numbers of the records in `source`."""
    return [row["control_number"] for row in rows(source, **options)]


def file_of(path: Path, *names: str) -> Path:
    """Write records with these control numbers to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(encode([control("001", name)]) for name in names))
    return path


class Pathlike:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


class Upwards(str):
    """A subclass of `str`, as some libraries have for paths."""


class Chunk(bytes):
    """A subclass of `bytes`."""


@pytest.fixture(scope="module")
def content(sample: Path) -> bytes:
    """The sample's bytes."""
    return sample.read_bytes()


@pytest.fixture(scope="module")
def expected(sample: Path) -> list[dict[str, Any]]:
    """The sample's rows."""
    return rows(sample)


def test_paths_of_every_kind_give_the_same_rows(sample: Path, expected: list[Any]) -> None:
    for path in (str(sample), sample, Pathlike(sample), Upwards(sample)):
        assert rows(path) == expected


@pytest.mark.parametrize(
    "wrap",
    [
        bytes,
        Chunk,
        bytearray,
        memoryview,
        io.BytesIO,
        lambda content: memoryview(bytearray(content)),
        lambda content: memoryview(content).toreadonly(),
        lambda content: memoryview(b"left" + content + b"right")[4:-5],
        lambda content: memoryview(bytearray(b for byte in content for b in (byte, 0)))[::2],
        lambda content: memoryview(content[::-1])[::-1],
        lambda content: memoryview(content + b" " * (-len(content) % 8)).cast("Q"),
        lambda content: memoryview(content).cast("b"),
        gzip.compress,
        lambda content: bytearray(gzip.compress(content, 1)),
        lambda content: io.BytesIO(gzip.compress(content, 0)),
    ],
)
def test_memory_of_every_kind_gives_the_same_rows(
    wrap: Callable[[bytes], mrrc.Source], content: bytes, expected: list[Any]
) -> None:
    assert rows(wrap(content)) == expected


@pytest.mark.parametrize("batch_size", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("kind", ["path", "bytes", "gzip"])
def test_the_batch_size_changes_no_row(
    sample: Path, content: bytes, expected: list[Any], batch_size: int, kind: str
) -> None:
    source: dict[str, mrrc.Source] = {"path": sample, "bytes": content, "gzip": gzip.compress(content, 1)}
    assert rows(source[kind], batch_size=batch_size) == expected


def test_bytesio_is_read_from_its_position_and_stands_at_its_end() -> None:
    first, *rest = books(4)
    file = io.BytesIO(b"".join([first, *rest]))
    file.seek(len(first))
    assert numbers(file) == ["ocm00000001", "ocm00000002", "ocm00000003"]
    assert file.tell() == len(file.getvalue())
    assert numbers(file) == []
    assert not file.closed


def test_a_reader_of_bytesio_can_be_opened_again() -> None:
    reader = mrrc.read_batches(io.BytesIO(b"".join(books(3))))
    assert sum(batch.num_rows for batch in reader) == 3
    import polars as pl

    assert pl.DataFrame(reader).height == 3


def members(content: bytes, size: int) -> bytes:
    """Compress `content` in members of `size` bytes, wherever that cuts, some of them empty."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(gzip.compress(piece, 1) + gzip.compress(b"") for piece in pieces)


@pytest.mark.parametrize("size", [1_001, 65_536, 10**7])
def test_gzip_of_several_members_is_read_whole(size: int, content: bytes, expected: list[Any], tmp_path: Path) -> None:
    packed = members(content, size)
    path = tmp_path / "books.bin"  # the name does not matter
    path.write_bytes(packed)
    assert rows(packed) == expected
    assert rows(path) == expected


def test_gzip_may_be_padded_with_zeros(three: list[bytes]) -> None:
    assert numbers(gzip.compress(b"".join(three)) + bytes(1000)) == numbers(b"".join(three))


@pytest.mark.parametrize("cut", [1, 4, 9, 200])
@pytest.mark.parametrize("kind", ["path", "bytes"])
def test_cut_gzip_raises(cut: int, kind: str, content: bytes, tmp_path: Path) -> None:
    packed = gzip.compress(content)[:-cut]
    path = tmp_path / "cut.mrc.gz"
    path.write_bytes(packed)
    source: mrrc.Source = path if kind == "path" else packed
    for ignore_errors in (False, True):
        with pytest.raises(mrrc.CorruptInputError) as caught:
            mrrc.read_table(source, ignore_errors=ignore_errors)
        assert isinstance(caught.value, OSError)
        assert caught.value.source == (str(path) if kind == "path" else None)
    with pytest.raises(mrrc.CorruptInputError):
        mrrc.read_problems(source)


def test_damaged_gzip_raises(content: bytes) -> None:
    packed = bytearray(gzip.compress(content))
    packed[-6] ^= 1  # in the checksum
    with pytest.raises(mrrc.CorruptInputError):
        mrrc.read_table(packed)


def test_bytes_after_gzip_are_not_dropped_in_silence(three: list[bytes]) -> None:
    with pytest.raises(mrrc.CorruptInputError, match="gzip"):
        mrrc.read_table(gzip.compress(three[0]) + three[1])


def test_lists_and_tuples_are_read_one_after_the_other(tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.mrc", "a1", "a2")
    packed = gzip.compress(encode([control("001", "z")]))
    memory = encode([control("001", "m")])
    sources: list[str | Path | bytes | bytearray | memoryview | io.BytesIO] = [
        memory,
        str(path),
        packed,
        path,
        io.BytesIO(memory),
        bytearray(memory),
        memoryview(memory),
    ]
    expected = ["m", "a1", "a2", "z", "a1", "a2", "m", "m", "m"]
    assert numbers(sources) == expected
    assert numbers(tuple(sources[:4])) == expected[:6]
    assert numbers([]) == numbers(()) == []


def test_a_record_does_not_continue_in_the_next_source(three: list[bytes]) -> None:
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.read_table([three[0] + three[1][:60], three[1][60:], three[2]])
    assert (caught.value.code, caught.value.record, caught.value.offset) == ("truncated", 1, len(three[0]))


def test_globs_are_expanded_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b", "a10", "a2", "c"):
        file_of(tmp_path / f"{name}.mrc", name)
    file_of(tmp_path / "d.txt", "d")
    (tmp_path / "folder.mrc").mkdir()
    for pattern in (f"{tmp_path}/*.mrc", tmp_path / "*.mrc", Pathlike(tmp_path / "*.mrc")):
        assert numbers(pattern) == ["a10", "a2", "b", "c"]
    assert numbers(f"{tmp_path}/?.mrc") == ["b", "c"]
    assert numbers(f"{tmp_path}/[ac]*.mrc") == ["a10", "a2", "c"]
    assert numbers([f"{tmp_path}/c*", f"{tmp_path}/a*"]) == ["c", "a10", "a2"]


def test_globs_may_be_recursive(tmp_path: Path) -> None:
    for name in ("top", "x/one", "x/y/two", "z/three"):
        file_of(tmp_path / f"{name}.mrc", name)
    assert numbers(f"{tmp_path}/**/*.mrc") == ["top", "x/one", "x/y/two", "z/three"]


def test_glob_false_takes_names_as_they_stand(tmp_path: Path) -> None:
    file_of(tmp_path / "a.mrc", "a")
    odd = file_of(tmp_path / "*.mrc", "star")
    assert numbers(str(odd), glob=False) == ["star"]
    with pytest.raises(FileNotFoundError):
        mrrc.read_table(tmp_path / "?.mrc", glob=False)


def test_a_path_that_contains_brackets_is_that_file(tmp_path: Path) -> None:
    path = file_of(tmp_path / "records [1-3]" / "part[1].mrc", "brackets")
    file_of(tmp_path / "records [1-3]" / "part1.mrc", "decoy")
    assert numbers(path) == numbers(str(path)) == ["brackets"]


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file_of(tmp_path / "in home.mrc", "home")
    assert numbers("~/in home.mrc") == numbers(Path("~/in home.mrc")) == numbers("~/*.mrc") == ["home"]


def test_a_path_may_be_relative_or_not_ascii(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file_of(tmp_path / "Кириллица é.mrc", "name")
    assert numbers("Кириллица é.mrc") == numbers("*é.mrc") == ["name"]


def test_a_pathlike_may_give_bytes(marc_file: Path) -> None:
    (entry,) = os.scandir(os.fsencode(marc_file.parent))
    assert isinstance(entry.path, bytes)
    assert len(rows(entry)) == 217  # type: ignore[arg-type]


def test_a_path_may_be_no_unicode_at_all(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mrc"))
    file_of(path, "latin")
    assert numbers(path) == ["latin"]
    assert numbers(str(path)) == ["latin"]


@pytest.mark.parametrize("nothing", [b"", [], [b""], [b"", b""], gzip.compress(b""), io.BytesIO(), bytearray()])
def test_empty_input_gives_no_rows_with_the_full_schema(nothing: mrrc.Source) -> None:
    options: mrrc.ReadOptions = {"row_index_name": "n", "include_offsets": True, "include_file_paths": "path"}
    table = mrrc.read_table(nothing, **options)
    assert table.num_rows == 0
    assert table.schema == mrrc.read_table(books(1), **options).schema
    assert mrrc.read_marc(nothing).shape == (0, 3)
    assert list(mrrc.read_batches(nothing)) == []
    assert mrrc.read_problems(nothing).num_rows == 0


def test_an_empty_file_gives_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "empty.mrc"
    path.touch()
    assert mrrc.read_table(path).schema == mrrc.read_table(books(1)).schema
    assert mrrc.read_table(path).num_rows == 0


@pytest.mark.parametrize("size", [1, 100, 200_000])
@pytest.mark.parametrize("junk", [b"\n", b"\r\n", b" ", b"\0", b"\x1a", b"\xef\xbb\xbf", b"\x1d", b" \0\r\n\x1a\x1d"])
def test_a_file_of_junk_gives_no_rows(junk: bytes, size: int, tmp_path: Path) -> None:
    content = junk * size
    path = tmp_path / "junk.mrc"
    path.write_bytes(content)
    sources: list[mrrc.Source] = [content, path]
    for source in sources:
        assert mrrc.read_table(source).num_rows == 0
        problems = mrrc.read_problems(source)
        assert set(problems["code"].to_pylist()) == {"junk"}
        assert b"".join(problems["raw"].to_pylist()) == content
