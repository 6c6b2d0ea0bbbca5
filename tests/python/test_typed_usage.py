"""What users write, for strict checking by pyright: nothing in it is unknown to it, and it runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal, assert_type

import mrrc_arrow as mrrc
import polars as pl
import pytest
from mrrc_arrow.polars import MarcNamespace

if TYPE_CHECKING:
    from pathlib import Path


def test_frames_and_queries(sample: Path) -> None:
    columns: dict[str, str | mrrc.Column] = {
        "id": "001",
        "title": mrrc.join("245$a$b", sep=" "),
        "subjects": mrrc.all("650$a"),
        "copies": mrrc.count("852"),
        "online": mrrc.exists("856$u"),
        "added": mrrc.fields("700"),
        "date": mrrc.first("008/7-10"),
        "script": mrrc.linked("245$a"),
        "coded": mrrc.fixed("008"),
    }
    frame = assert_type(mrrc.read_marc(sample, columns=columns), pl.DataFrame)
    assert frame.columns == list(columns)
    ready = mrrc.read_marc([sample, str(sample)], columns=mrrc.columns.BIBLIOGRAPHIC, n_rows=3)
    assert ready.height == 3
    query = assert_type(mrrc.scan_marc(sample, layout="subfields", tags={"245"}), pl.LazyFrame)
    assert query.filter(pl.col("code") == "a").select("value").collect().height == 300
    options: mrrc.ReadOptions = {"layout": "subfields", "categorical": False, "ignore_errors": True}
    assert mrrc.read_marc(io.BytesIO(sample.read_bytes()), **options).schema["tag"] == pl.String


def test_batches(sample: Path) -> None:
    with mrrc.read_batches(sample, batch_size=100) as reader:
        names = assert_type(reader.schema.names, list[str])
        rows = sum(assert_type(batch.num_rows, int) for batch in reader)
        problems = assert_type(reader.problems, dict[str, int])
    assert (rows, problems, names[0]) == (300, {}, "leader")


def test_records(sample: Path) -> None:
    titles: list[str] = []
    for record in mrrc.MARCReader(sample):
        if record is None:
            continue
        for field in record.get_fields("245"):
            titles.extend(field.get_subfields("a"))
    assert len(titles) == 300


def test_writing(sample: Path, tmp_path: Path) -> None:
    frame = mrrc.read_marc(sample)
    encodings: list[Literal["utf-8", "marc-8"]] = ["utf-8", "marc-8"]
    for encoding in encodings:
        written = assert_type(
            mrrc.write_marc(frame, tmp_path / "x.mrc", encoding=encoding, ignore_errors=True), mrrc.WrittenMarc
        )
        skipped = assert_type(written.skipped, tuple[mrrc.Skipped, ...])
        assert [one.row for one in skipped] == []
    with mrrc.read_batches(sample) as reader:
        assert mrrc.write_marc(reader, io.BytesIO()).records == 300
    parquet = assert_type(
        mrrc.write_parquet(sample, tmp_path / "lake", partition_by="tag", layout="subfields"), mrrc.WrittenParquet
    )
    assert assert_type(parquet.files, "tuple[Path, ...]")


def test_the_namespace(sample: Path, tmp_path: Path) -> None:
    marc = MarcNamespace(mrrc.read_marc(sample))
    assert assert_type(marc.select({"id": "001"}), pl.DataFrame).height == 300
    assert assert_type(marc.explode(), pl.DataFrame).height > 300
    assert assert_type(marc.to_marc(), bytes) == sample.read_bytes()
    assert assert_type(marc.to_marc(tmp_path / "x.mrc"), mrrc.WrittenMarc).records == 300


def test_errors(sample: Path) -> None:
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.read_marc(sample.read_bytes()[:-5])
    assert assert_type(caught.value.code, str) == "truncated"
    assert assert_type(caught.value.record, int | None) == 299
