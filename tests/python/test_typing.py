"""Typed usage: mypy checks the types that are asserted here, and refuses what it is told to refuse."""

from __future__ import annotations

import importlib.resources
import io
from typing import TYPE_CHECKING, TextIO, assert_type

import mrrc_arrow as mrrc
import polars as pl
import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_results_have_the_types_that_the_stubs_say(sample: Path) -> None:
    frame = assert_type(mrrc.read_marc(sample), pl.DataFrame)
    assert isinstance(frame, pl.DataFrame)
    with mrrc.read_batches(sample, batch_size=100) as opened:
        reader = assert_type(opened, mrrc.RecordBatchReader)
        assert isinstance(reader, mrrc.RecordBatchReader)
        batch = assert_type(next(reader), mrrc.RecordBatch)
        assert isinstance(batch, mrrc.RecordBatch)
        assert isinstance(assert_type(batch.num_rows, int), int)
        assert isinstance(assert_type(batch.num_columns, int), int)
        schema = assert_type(batch.schema, mrrc.Schema)
        assert isinstance(schema, mrrc.Schema)
        assert all(isinstance(name, str) for name in assert_type(schema.names, list[str]))
        assert isinstance(assert_type(reader.problems, dict[str, int]), dict)
        assert isinstance(assert_type(reader.bytes_read, int), int)
        assert isinstance(assert_type(reader.total_bytes, int | None), int)
        assert all(isinstance(assert_type(batch, mrrc.RecordBatch), mrrc.RecordBatch) for batch in reader)
    pairs = assert_type(mrrc.scan_record_boundaries(sample.read_bytes(), 1), list[tuple[int, int]])
    assert len(pairs) == 1
    assert isinstance(assert_type(mrrc.__version__, str), str)
    profile = mrrc.profile(sample, tags=["245"], format="iso2709", encoding="utf-8", categorical=True)
    assert mrrc.merge_profiles([profile], categorical=False).num_rows == profile.num_rows


def test_every_kind_of_source_is_accepted(sample: Path) -> None:
    content = sample.read_bytes()
    sources: list[mrrc.Source] = [
        sample,
        str(sample),
        content,
        bytearray(content),
        memoryview(content),
        io.BytesIO(content),
        [sample, str(sample), content],
        (content, bytearray(content)),
        [],
    ]
    rows = [mrrc.read_marc(source, n_rows=1).height for source in sources]
    assert rows == [1] * 8 + [0]
    paths: list[Path] = [sample, sample]
    texts: list[str] = [str(sample)]
    assert mrrc.read_marc(paths).height == 600
    assert mrrc.read_marc(texts).height == 300


def test_options_can_be_kept_in_a_dict(sample: Path) -> None:
    options: mrrc.ReadOptions = {
        "layout": "records",
        "tags": ["245"],
        "format": "iso2709",
        "n_rows": 3,
        "row_index_name": "n",
        "encoding": "utf-8",
        "row_index_offset": 1,
        "include_file_paths": "path",
        "include_offsets": True,
        "glob": False,
        "ignore_errors": True,
        "rejects": None,
        "batch_size": 2,
        "string_type": "large_string",
        "categorical": True,
    }
    assert mrrc.read_marc(sample, **options).shape == (3, 7)
    # Which go with no layout.
    assert {*options, "columns"} == set(mrrc.ReadOptions.__annotations__)


def test_attributes_of_errors_are_typed() -> None:
    with pytest.raises(mrrc.MrrcError) as caught:
        mrrc.read_marc(b"00")
    error = assert_type(caught.value, mrrc.MrrcError)
    assert isinstance(assert_type(error.code, str), str)
    assert assert_type(error.source, str | None) is None
    assert assert_type(error.record, int | None) == 0
    assert assert_type(error.offset, int | None) == 0


def refused_by_the_type_checker(file: TextIO) -> None:
    """Never called: each line is an error to mypy, which would complain of an ignore that is not needed."""
    mrrc.read_marc(5)  # type: ignore[arg-type]
    mrrc.read_marc(None)  # type: ignore[arg-type]
    mrrc.read_marc(file)  # type: ignore[arg-type]
    mrrc.read_marc("a", batchsize=1)  # type: ignore[call-arg]
    mrrc.read_marc("a", n_rows="1")  # type: ignore[arg-type]
    mrrc.read_marc("a", layout="rows")  # type: ignore[arg-type]
    mrrc.read_marc("a", string_type="utf8")  # type: ignore[arg-type]
    mrrc.profile("a", encoding="utf8")  # type: ignore[arg-type]
    mrrc.profile("a", n_rows=1)  # type: ignore[call-arg]


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files("mrrc_arrow").joinpath("py.typed").is_file()


def test_stubs_name_what_there_is() -> None:
    for kind in (mrrc.Schema, mrrc.RecordBatch, mrrc.RecordBatchReader):
        assert kind.__module__ == "mrrc_arrow"
    public = {name for name in dir(mrrc.RecordBatchReader) if not name.startswith("_")}
    assert public == {"schema", "problems", "rejected", "bytes_read", "total_bytes", "close"}
    assert {name for name in dir(mrrc.RecordBatch) if not name.startswith("_")} == {"num_rows", "num_columns", "schema"}
    assert {name for name in dir(mrrc.Schema) if not name.startswith("_")} == {"names"}
