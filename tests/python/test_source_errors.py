"""What cannot be read says so, with the exception that Python has for it."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

READS: list[Callable[..., Any]] = [mrrc.read_table, mrrc.read_marc, mrrc.read_batches, mrrc.read_problems]
read_functions = pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)


@read_functions
@pytest.mark.parametrize(
    "source",
    [
        5,
        None,
        1.5,
        object(),
        {"a.mrc": b""},
        {b"set"},
        (record for record in [b""]),
        iter([b""]),
        io.StringIO("text"),
        [b"", 5],
        [[b""]],
        [None],
    ],
    ids=lambda source: type(source).__name__,
)
def test_other_types_are_type_errors_that_list_what_is_taken(read: Callable[..., Any], source: object) -> None:
    with pytest.raises(TypeError) as caught:
        read(source)
    message = str(caught.value)
    for accepted in (
        "str",
        "os.PathLike",
        "bytes",
        "bytearray",
        "memoryview",
        "io.BytesIO",
        "binary file",
        "socket.socket",
        "list",
    ):
        assert accepted in message


def test_a_type_error_names_the_type(three: list[bytes]) -> None:
    class Catalogue:
        pass

    with pytest.raises(TypeError, match=r"\bCatalogue\b"):
        mrrc.read_table(Catalogue())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"\bint\b"):
        mrrc.read_table([*three, 5])  # type: ignore[list-item]


@read_functions
def test_files_opened_for_text_are_type_errors_and_stay_as_they_were(read: Callable[..., Any], marc_file: Path) -> None:
    with marc_file.open(encoding="utf-8") as text:
        with pytest.raises(TypeError, match=r'opened for text.*"rb"'):
            read(text)
        assert text.tell() == 0
        assert not text.closed


@read_functions
def test_a_missing_file_is_file_not_found(read: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "missing.mrc"
    for source in (path, str(path), [path], [b"", str(path)]):
        with pytest.raises(FileNotFoundError) as caught:
            read(source)
        assert caught.value.filename == str(path)
        assert caught.value.errno == errno.ENOENT
        assert caught.value.strerror == "No such file or directory"


@read_functions
def test_a_folder_is_an_is_a_directory_error(read: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        read(tmp_path)
    assert caught.value.filename == str(tmp_path)
    assert caught.value.errno == errno.EISDIR


@read_functions
@pytest.mark.parametrize("pattern", ["*.mrc", "no/such/folder/*.mrc", "**/[ab]?.mrc"])
def test_a_glob_without_a_match_is_file_not_found(read: Callable[..., Any], pattern: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file matches") as caught:
        read(tmp_path / pattern)
    assert caught.value.filename == str(tmp_path / pattern)
    assert caught.value.errno == errno.ENOENT


def test_a_malformed_glob_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="glob pattern"):
        mrrc.read_table("a[.mrc")


def test_a_loop_of_links_is_an_os_error_with_its_number(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mrc"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links") as caught:
        mrrc.read_table(loop)
    assert caught.value.errno == errno.ELOOP
    assert caught.value.filename == str(loop)


def test_a_file_that_vanishes_before_the_first_batch_is_file_not_found(marc_file: Path) -> None:
    reader = mrrc.read_batches(marc_file)
    marc_file.unlink()
    with pytest.raises(FileNotFoundError):
        next(reader)


def test_every_file_is_looked_for_before_anything_is_read(marc_file: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mrrc.read_batches([marc_file, tmp_path / "missing.mrc"])


def test_a_path_with_a_nul_is_the_value_error_of_python() -> None:
    with pytest.raises(ValueError, match="null byte"):
        mrrc.read_table("a\0b.mrc")


def test_a_pathlike_that_fails_passes_its_error_on() -> None:
    class Failing:
        def __fspath__(self) -> str:
            raise LookupError("no path")

    with pytest.raises(LookupError, match="no path"):
        mrrc.read_table(Failing())


def test_a_released_memoryview_is_a_value_error(three: list[bytes]) -> None:
    view = memoryview(three[0])
    view.release()
    with pytest.raises(ValueError, match="released"):
        mrrc.read_table(view)


def test_a_closed_bytesio_is_a_value_error() -> None:
    file = io.BytesIO(b"")
    file.close()
    with pytest.raises(ValueError, match="closed"):
        mrrc.read_table(file)


def test_bytes_that_are_a_path_say_how_to_give_one(marc_file: Path) -> None:
    with pytest.raises(mrrc.UnsupportedFormatError, match="pass its path as text"):
        mrrc.read_table(str(marc_file).encode())


def test_a_missing_dependency_is_an_import_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, three: list[bytes]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r"mrrc-arrow\[pyarrow\]"):
        mrrc.read_table(three)
    with pytest.raises(ImportError, match=r"mrrc-arrow\[pyarrow\]"):
        mrrc.read_problems(three)
    with pytest.raises(ImportError, match=r"mrrc-arrow\[polars\]"):
        mrrc.read_marc(three)
    assert sum(batch.num_rows for batch in mrrc.read_batches(three)) == 3


def test_an_unreadable_file_is_an_os_error() -> None:
    # Opens, but cannot be read; also for the superuser, who may read everything else.
    memory = Path("/proc/self/mem")
    if not memory.exists():
        pytest.skip("needs /proc")
    with pytest.raises(OSError, match="Input/output error") as caught:
        mrrc.read_table(memory)
    assert caught.value.errno == errno.EIO
    assert caught.value.filename == str(memory)
