"""datafusion, nanoarrow and arro3 take a reader as a stream, query it, and write files of it that pyarrow reads."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import arro3.core
import arro3.io
import datafusion
import mrrc_arrow as mrrc
import nanoarrow
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from nanoarrow.ipc import StreamWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS: dict[str, Any] = {"columns": {"id": "001", "subjects": mrrc.all("650$a"), "n": mrrc.count("650")}}
TABLES: dict[str, dict[str, Any]] = {
    "records": {},
    "subfields": {"layout": "subfields"},
    "columns": COLUMNS,
    "plain records": {"string_type": "string"},
    "large subfields": {"layout": "subfields", "string_type": "large_string", "batch_size": 7},
}
options = pytest.mark.parametrize("options", TABLES.values(), ids=TABLES)

# How many fields are subjects, as each table says it in SQL.
QUESTIONS = {
    "records": "select count(*) as n from (select unnest(fields) as f from catalogue) where f.tag = '650'",
    "subfields": "select count(*) as n from (select distinct record, field from catalogue where tag = '650')",
    "columns": "select sum(n) as n from catalogue",
}


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Give a table as values, whatever its strings are."""
    values: list[dict[str, Any]] = table.to_pylist()
    return values


@options
def test_datafusion_queries_a_reader(sample: Path, options: dict[str, Any], tmp_path: Path) -> None:
    context = datafusion.SessionContext()
    frame = context.from_arrow(mrrc.read_batches(sample, **options), name="catalogue")
    kind = "columns" if "columns" in options else options.get("layout", "records")
    subjects = mrrc.read_marc(sample, columns={"n": mrrc.count("650")})["n"].sum()
    assert context.sql(QUESTIONS[kind]).to_pylist() == [{"n": subjects}]
    frame.write_parquet(str(tmp_path / "out"))
    written = sum(pq.read_metadata(path).num_rows for path in (tmp_path / "out").iterdir())
    assert written == mrrc.read_table(sample, **options).num_rows


@options
def test_nanoarrow_takes_a_reader(sample: Path, options: dict[str, Any]) -> None:
    expected = mrrc.read_table(sample, **options)
    array = nanoarrow.ArrayStream(mrrc.read_batches(sample, **options)).read_all()
    assert [child.name for child in array.schema.fields] == expected.column_names
    assert len(array) == expected.num_rows
    if options.get("string_type"):
        # Its writer knows no views yet.
        out = io.BytesIO()
        with StreamWriter.from_writable(out) as writer:
            writer.write_stream(mrrc.read_batches(sample, **options))
        assert rows(pa.ipc.open_stream(out.getvalue()).read_all()) == rows(expected)


@options
def test_arro3_takes_a_reader_and_writes_files_of_it(sample: Path, options: dict[str, Any], tmp_path: Path) -> None:
    expected = mrrc.read_table(sample, **options)
    table = arro3.core.Table.from_arrow(mrrc.read_batches(sample, **options))
    assert (table.num_rows, table.column_names) == (expected.num_rows, expected.column_names)
    path = str(tmp_path / "out")
    arro3.io.write_parquet(mrrc.read_batches(sample, **options), path)
    assert rows(pq.read_table(path)) == rows(expected)
    arro3.io.write_ipc(mrrc.read_batches(sample, **options), path)
    assert rows(pa.ipc.open_file(path).read_all()) == rows(expected)


def by_polars(write: str) -> Callable[[Any, str], None]:
    def call(table: Any, path: str) -> None:  # noqa: ANN401 - anything that exports Arrow
        getattr(pl.DataFrame(table), write)(path)

    return call


WRITERS: dict[str, Callable[[Any, str], None]] = {
    "pyarrow, Feather": lambda table, path: feather.write_feather(pa.table(table), path),
    "pyarrow, Parquet": lambda table, path: pq.write_table(pa.table(table), path),
    "polars, IPC": by_polars("write_ipc"),
    "polars, Parquet": by_polars("write_parquet"),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("options", [{}, {"layout": "subfields"}, COLUMNS], ids=["records", "subfields", "columns"])
def test_files_that_are_written_read_back(sample: Path, options: dict[str, Any], writer: str, tmp_path: Path) -> None:
    plain: dict[str, Any] = {**options, "string_type": "large_string"}
    table = mrrc.read_table(sample, **(plain if "pyarrow" in writer else options))
    path = str(tmp_path / "out")
    WRITERS[writer](table, path)
    read = pl.read_parquet if "Parquet" in writer else pl.read_ipc
    assert read(path).rows() == mrrc.read_marc(sample, **options).rows()
