"""Errors say what there is to do about them, in the words of Python; the command has its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest
from mrrc_arrow.polars import MarcNamespace

from .marc import control, data, encode

if TYPE_CHECKING:
    from pathlib import Path

BAD = b"00030 this is no MARC record at all\x1d"


def test_a_record_that_cannot_be_read_may_be_left_out(three: list[bytes]) -> None:
    hint = r"\. Read with ignore_errors=True to leave such records out; read_problems lists them$"
    with pytest.raises(mrrc.RecordError, match=hint):
        mrrc.read_table(three[0] + BAD)
    # Also where an error is no more than text.
    with pytest.raises(Exception, match=hint):
        pa.table(mrrc.read_batches(three[0] + BAD))


def test_a_reader_goes_on_after_a_record_that_cannot_be_read(three: list[bytes]) -> None:
    reader = mrrc.MARCReader(BAD + three[0])
    hint = r"\. Go on with the next record, or read with permissive=True to get None in its place$"
    with pytest.raises(mrrc.RecordError, match=hint):
        next(reader)
    assert next(reader).as_marc() == three[0]


def test_a_record_that_has_no_room_is_there_as_it_was_read() -> None:
    # More than a directory entry can count, and a directory that is wrong about it.
    long = b"99999nam a2200037 a 4500500999900000\x1e  \x1fa" + b"x" * 12_000 + b"\x1e\x1d"
    reader = mrrc.MARCReader(long + encode([control("001", "next")]))
    record = next(reader)
    hint = r"12005 bytes.*\. Its bytes as they were read are the reader's current_chunk until the next record is read$"
    with pytest.raises(mrrc.RecordError, match=hint):
        record.as_marc()
    assert reader.current_chunk == long
    next(reader)
    assert reader.current_chunk != long


def test_a_record_that_cannot_be_written_may_be_left_out() -> None:
    frame = mrrc.read_marc(encode([control("001", "1"), data("500", ("a", "x"))]))
    frame = frame.with_columns(leader=pl.lit("too short"))
    with pytest.raises(mrrc.UnwritableError, match=r"\. Write with ignore_errors=True to leave such records out$"):
        MarcNamespace(frame).to_marc()


def test_files_by_tag_are_of_subfields(sample: Path, tmp_path: Path) -> None:
    hint = r'of the layout subfields\. Read with layout="subfields", without columns by name$'
    columns: list[dict[str, Any]] = [{}, {"columns": {"tag": mrrc.all("650$a")}}, {"columns": {"tag": "001"}}]
    columns.append({"row_index_name": "tag"})
    for options in columns:
        with pytest.raises(ValueError, match=hint):
            mrrc.write_parquet(sample, tmp_path / "lake", partition_by="tag", **options)
    # Who has done so is not told to do it.
    with pytest.raises(ValueError, match=r"not among those that were selected$"):
        mrrc.write_parquet(sample, tmp_path / "lake", partition_by="tag", layout="subfields", columns=["value"])
    assert list(tmp_path.iterdir()) == []
