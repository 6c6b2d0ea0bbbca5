"""Inputs that are no MARC in ISO 2709 say what they look like instead."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import pytest

from .marc import books
from .tiling import assert_sound

if TYPE_CHECKING:
    from pathlib import Path


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("books.mrc", content)
    return file.getvalue()


def tarred(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("books.mrc", "more.mrc"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def isis() -> bytes:
    """Return records as ISIS writes them: `#` ends fields and records, `^` begins subfields."""
    return b"".join(books(20)).replace(b"\x1e", b"#").replace(b"\x1d", b"#").replace(b"\x1f", b"^")


def in_lines(content: bytes, end: bytes = b"\n") -> bytes:
    """Break `content` into lines of 80 bytes."""
    return b"".join(content[at : at + 80] + end for at in range(0, len(content), 80))


LINES = b"Dear reader, this is a letter and no catalogue.\n" * 50
FOREIGN: dict[str, tuple[bytes, str]] = {
    "MARCXML": (b'<?xml version="1.0"?>\n<collection xmlns="http://www.loc.gov/MARC21/slim"/>', "XML"),
    "XML after a BOM": (b"\xef\xbb\xbf\r\n<record/>", "XML"),
    "HTML": (b"<!DOCTYPE html><html><body>404</body></html>", "HTML"),
    "JSON": (b'{"leader": "00714cam a2200205 a 4500", "fields": []}', "JSON"),
    "a list in JSON": (b'[\n  {"001": "1"}\n]', "JSON"),
    "MARCMaker": (b"=LDR  00714cam a2200205 a 4500\r\n=001  1\r\n", "mnemonic"),
    "Aleph sequential": (b"000000001 LDR   L 00714cam\n000000001 24510 L $$aTitle\n", "Aleph"),
    "text": (LINES, "text"),
    "text in another script": ("Дорогой читатель, это не каталог. ".encode() * 50, "text"),
    "zip": (zipped(b"".join(books(2))), "zip"),
    "bzip2 within gzip": (gzip.compress(bz2.compress(b"".join(books(2)))), "bzip2"),
    "xz": (lzma.compress(b"".join(books(2))), "xz"),
    "zstd within gzip": (gzip.compress(b"\x28\xb5\x2f\xfd\x04\x00\x41\x00\x00"), "zstd"),
    "gzip within gzip": (gzip.compress(gzip.compress(b"".join(books(2)))), "gzip"),
    "Parquet": (b"PAR1\x15\x04\x15", "Parquet"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
    "SQLite": (b"SQLite format 3\0" + bytes(84), "SQLite"),
    "UTF-16": ("\ufeff00714cam".encode("utf-16-le"), "UTF-16"),
    "ISIS": (isis(), "ISIS"),
    "ISIS in lines of 80 bytes": (in_lines(isis()), "ISIS"),
    "ISIS in lines of 80 bytes as in DOS": (in_lines(isis(), b"\r\n"), "ISIS"),
    "ISIS with other delimiters": (isis().replace(b"#", b"^"), "ISIS"),
    "MARCMaker with terminators": (b"=LDR  00714cam a2200205 a 4500\n=245  10$aTitle\x1e\x1d\n" * 50, "mnemonic"),
    "tar": (tarred(b"".join(books(20))), "tar"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "7z"),
    "rar": (b"Rar!\x1a\x07\x01" + bytes(100), "rar"),
    "MAB2": (b"00100nM2.01200024      h001 0000001\x1e331 Titel\x1e\x1d", "MAB2"),
    "noise": (bytes(range(32, 256)) * 200, "binary|text"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_input_raises_and_says_what_it_looks_like(name: str, tmp_path: Path) -> None:
    content, looks_like = FOREIGN[name]
    path = tmp_path / "input"
    path.write_bytes(content)
    sources: list[mrrc.Source] = [content, path]
    for source in sources:
        for read in (mrrc.read_table, mrrc.read_marc, mrrc.read_problems):
            with pytest.raises(mrrc.UnsupportedFormatError, match=f"looks like.*({looks_like})") as caught:
                read(source)
            error = caught.value
            assert isinstance(error, ValueError)
            assert error.code == "unsupported_format"
            assert error.source == (str(path) if source is path else None)
            assert str(path) in str(error) or source is content


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_input_is_one_reject_where_errors_are_ignored(name: str, tmp_path: Path) -> None:
    content, _ = FOREIGN[name]
    plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    path = tmp_path / "input"
    path.write_bytes(content)
    sources: list[mrrc.Source] = [content, path]
    for source in sources:
        with pytest.warns(mrrc.MrrcWarning, match=r"^1 record.*unsupported_format 1") as caught:
            table = mrrc.read_table(source, ignore_errors=True)
        assert len(caught) == 1
        assert table.num_rows == 0
        assert table.schema == mrrc.read_table(b"").schema
        (problem,) = mrrc.read_problems(source, ignore_errors=True).to_pylist()
        assert (problem["code"], problem["severity"], problem["rejected"]) == ("unsupported_format", "reject", True)
        assert (problem["record"], problem["offset"], problem["length"]) == (0, 0, len(plain))
        assert "looks like" in problem["message"]
        assert problem["raw"] == plain


def test_foreign_input_tiles_like_any_other() -> None:
    for content, _ in FOREIGN.values():
        if not content.startswith(b"\x1f\x8b"):
            assert_sound(content)


@pytest.mark.parametrize("batch_size", [None, 1])
@pytest.mark.parametrize("copies", [1, 50, 2000])
def test_what_is_told_of_foreign_input_does_not_depend_on_how_it_came(
    copies: int, batch_size: int | None, tmp_path: Path
) -> None:
    content = LINES * copies
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    sources: list[mrrc.Source] = [content, path, gzip.compress(content, 1)]
    for source in sources:
        (problem,) = mrrc.read_problems(source, ignore_errors=True, batch_size=batch_size).to_pylist()
        assert problem["length"] == len(content)
        assert problem["raw"] == content


def test_foreign_input_among_other_sources_is_left_out_alone(three: list[bytes]) -> None:
    sources = [b"".join(three), b"<collection/>", b"".join(three)[:-1]]
    with pytest.raises(mrrc.UnsupportedFormatError):
        mrrc.read_table(sources)
    with pytest.warns(mrrc.MrrcWarning, match="^2 record"):
        assert mrrc.read_table(sources, ignore_errors=True).num_rows == 5
    problems = mrrc.read_problems(sources, ignore_errors=True)
    # The foreign input counts as one record.
    assert problems["record"].to_pylist() == [3, 6]
    assert problems["code"].to_pylist() == ["unsupported_format", "truncated"]


def test_foreign_input_is_told_before_much_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as file:
        file.write(b"<collection>")
        file.truncate(1 << 40)  # sparse: takes no space, and an age to read
    with pytest.raises(mrrc.UnsupportedFormatError):
        mrrc.read_table(path)


@pytest.mark.parametrize("prefix", [b"\n", b"\xef\xbb\xbf", b"\r\n ", b"\0", b"\x1d"])
def test_junk_does_not_make_marc_foreign(prefix: bytes, three: list[bytes]) -> None:
    assert mrrc.read_table(prefix + three[0]).num_rows == 1


def test_errors_share_one_base_class() -> None:
    for error in (
        mrrc.RecordError,
        mrrc.UnsupportedFormatError,
        mrrc.CorruptInputError,
        mrrc.ForkedError,
        mrrc.InternalError,
    ):
        assert issubclass(error, mrrc.MrrcError)
    assert issubclass(mrrc.MrrcWarning, UserWarning)
    assert not issubclass(mrrc.MrrcWarning, mrrc.MrrcError)
