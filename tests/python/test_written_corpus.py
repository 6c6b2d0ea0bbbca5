"""Real files, the damaged ones included, read and written: the same bytes, or valid ones."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import subprocess
import unicodedata
import warnings
from typing import TYPE_CHECKING, Any, Literal

import mrrc_arrow as mrrc
import polars as pl
import pymarc
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LARGEST = 8_000_000


@pytest.fixture(scope="module")
def files(corpus: Path) -> list[Path]:
    """The files in ISO 2709, but for a few that are large."""
    found = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    return [path for path in found if path.stat().st_size < LARGEST]


def plain(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def is_well_formed(raw: bytes) -> bool:
    """Whether a record is as the standard wants it: written anew, it is the same byte by byte."""
    leader, base = raw[:24], raw[12:17]
    if not (leader.isascii() and raw[:5] == b"%05d" % len(raw) and base.isdigit()):
        return False
    if raw[10:12] != b"22" or raw[20:24] != b"4500" or raw[-1:] != b"\x1d":
        return False
    directory, data = raw[24 : int(base) - 1], raw[int(base) : -1]
    if raw[int(base) - 1 : int(base)] != b"\x1e" or len(directory) % 12 or not directory.isascii():
        return False
    start = 0
    for at in range(0, len(directory), 12):
        entry = directory[at : at + 12]
        if not entry[3:].isdigit() or int(entry[7:]) != start or b"\x1e" in entry:
            return False
        length = int(entry[3:7])
        if data[start : start + length].find(b"\x1e") != length - 1:
            return False
        field = data[start : start + length - 1]
        # Which writing refuses, or cannot tell from what was repaired.
        if b"\x1d" in field or (entry[:3] >= b"010" and not field[:2].isascii()):
            return False
        start += length
    if start != len(data):
        return False
    if raw[9:10] == b"a":
        return is_utf8(data)
    return data.isascii() and b"\x1b" not in data


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def records_of(written: bytes) -> Iterator[bytes]:
    while written:
        length = int(written[:5])
        yield written[:length]
        written = written[length:]


def frames(content: bytes, layout: Literal["records", "subfields"]) -> tuple[pl.DataFrame, list[bytes]]:
    """A frame, and the bytes of each of its records."""
    options: Any = {"ignore_errors": True, "categorical": False, "include_offsets": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        frame = mrrc.read_marc(content, layout=layout, **options)
    places = frame.select("offset", "length").unique(maintain_order=True)
    return frame, [content[at : at + length] for at, length in places.iter_rows()]


@pytest.mark.parametrize("layout", ["records", "subfields"])
def test_well_formed_records_come_out_byte_by_byte(files: list[Path], layout: Literal["records", "subfields"]) -> None:
    well_formed = total = 0
    for path in files:
        try:
            frame, raws = frames(plain(path), layout)
        except mrrc.UnsupportedFormatError:
            continue
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            result = mrrc.write_marc(frame, out, ignore_errors=True)
        starts = {row: number for number, row in enumerate(first_rows(frame, layout))}
        skipped = {starts[one.row] for one in result.skipped}
        kept = [raw for number, raw in enumerate(raws) if number not in skipped]
        again = list(records_of(out.getvalue()))
        assert len(again) == len(kept), path
        for raw, written in zip(kept, again, strict=True):
            if is_well_formed(raw):
                assert written == raw, path
        assert not any(is_well_formed(raws[number]) for number in skipped), (path, result.skipped)
        well_formed += sum(map(is_well_formed, kept))
        total += len(raws)
    # That it is about something.
    assert well_formed > total / 3 > 1000


def first_rows(frame: pl.DataFrame, layout: str) -> list[int]:
    if layout == "records":
        return list(range(frame.height))
    return frame.with_row_index()["index"].filter(frame["tag"] == "LDR").to_list()


REFERENCE = re.compile(r"&#x([0-9A-F]{4,6});")


@pytest.mark.parametrize("encoding", ["utf-8", "marc-8"])
def test_whatever_was_read_is_written_valid(files: list[Path], encoding: Literal["utf-8", "marc-8"]) -> None:
    everything = io.BytesIO()
    for path in files:
        try:
            frame, _ = frames(plain(path), "records")
        except mrrc.UnsupportedFormatError:
            continue
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            result = mrrc.write_marc(frame, out, encoding=encoding, ignore_errors=True)
        written = out.getvalue()
        skipped = {one.row for one in result.skipped}
        kept = frame.filter(~pl.int_range(pl.len()).is_in(list(skipped)))
        assert result.records == kept.height, path
        problems = mrrc.read_problems(written)
        assert problems.num_rows == 0, (path, problems.to_pylist()[:3])
        back = mrrc.read_marc(written, categorical=False)
        if not result.replaced:
            assert texts(back, encoding) == texts(kept, encoding), path
        regular = [is_regular(fields, leader) for fields, leader in kept.select("fields", "leader").iter_rows()]
        everything.write(b"".join(raw for raw, wanted in zip(records_of(written), regular, strict=True) if wanted))
    assert_others_read(everything.getvalue())


def texts(frame: pl.DataFrame, encoding: str) -> list[list[object]]:
    """What is in the fields; of MARC-8, which has one form of each character, in that form."""
    same: Callable[[str | None], str | None] = (lambda text: text) if encoding == "utf-8" else decomposed
    return [
        [
            (
                *(field["tag"], field["ind1"], field["ind2"], same(field["value"])),
                *((part["code"], same(part["value"])) for part in field["subfields"] or []),
            )
            for field in fields
        ]
        for fields in frame["fields"].to_list()
    ]


def decomposed(text: str | None) -> str | None:
    """Text with characters for references, in NFD, without which half of a mark over two letters is the right one."""
    if text is None or (text.isascii() and "&#x" not in text):
        return text
    text = REFERENCE.sub(lambda match: chr(int(match[1], 16)), text)
    return unicodedata.normalize("NFD", text).translate({0x361: "\ufe20", 0x360: "\ufe22", 0xFE21: "", 0xFE23: ""})


def is_regular(fields: list[dict[str, Any]], leader: str) -> bool:
    """Whether others read such a record at all: with fields, all in subfields, and a leader without controls."""
    data = [field for field in fields if field["tag"] >= "010"]
    in_subfields = all(field["value"] is None for field in data)
    codes = "".join(part["code"] for field in data for part in field["subfields"])
    return bool(fields) and in_subfields and codes.isascii() and leader.isprintable()


def assert_others_read(written: bytes) -> None:
    reader = pymarc.MARCReader(written, to_unicode=False, hide_utf8_warnings=True)
    count = 0
    for record in reader:
        assert record is not None, reader.current_exception
        count += 1
    assert count == sum(1 for _ in records_of(written))
    yaz = shutil.which("yaz-marcdump")
    if yaz is None:
        pytest.skip("yaz-marcdump is not installed: only pymarc has read what was written")
    done = subprocess.run([yaz, "-n", "/dev/stdin"], input=written, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
