"""Libraries take the results, and queries over them give what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import mrrc_arrow as mrrc
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from .marc import StringType, control, data, encode

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = [["Whales"], ["Whales", "Ships"], [], ["Ships", "Whales", "Sea stories"]]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Four records with their subjects."""
    path = tmp_path / "catalogue.mrc"
    path.write_bytes(
        b"".join(
            encode(
                [
                    control("001", f"id{number}"),
                    data("245", ("a", f"Title {number} /"), ("c", "someone."), ind="10"),
                    *[data("650", ("a", subject), ("2", "local"), ind=" 7") for subject in subjects],
                    data("952", ("a", "shelf")),
                ]
            )
            for number, subjects in enumerate(SUBJECTS)
        )
    )
    return path


def count_subjects() -> dict[str, int]:
    flat = [subject for subjects in SUBJECTS for subject in subjects]
    return {subject: flat.count(subject) for subject in flat}


@pytest.mark.parametrize("options", [{}, {"categorical": False}, {"string_type": "large_string"}, {"batch_size": 1}])
def test_polars_counts_subjects(catalogue: Path, options: mrrc.ReadOptions) -> None:
    frame = pl.DataFrame(mrrc.read_table(catalogue, **options))
    counts = (
        frame.select("control_number", pl.col("fields"))
        .explode("fields")
        .unnest("fields")
        .filter(pl.col("tag") == "650")
        .select("control_number", pl.col("subfields"))
        .explode("subfields")
        .unnest("subfields")
        .filter(pl.col("code") == "a")
        .group_by("value")
        .agg(pl.len())
    )
    assert dict(counts.rows()) == count_subjects()


def test_polars_filters_lazily_and_within_lists(catalogue: Path) -> None:
    lazy = pl.DataFrame(mrrc.read_table(catalogue)).lazy()
    subjects = pl.col("fields").list.filter(pl.element().struct["tag"] == "650")
    frame = lazy.filter(subjects.list.len() > 1).select("control_number", subjects.list.len().alias("n")).collect()
    assert frame.rows() == [("id1", 2), ("id3", 3)]


def test_polars_starts_with_works_on_categorical_tags(catalogue: Path) -> None:
    frame = mrrc.read_marc(catalogue).explode("fields").unnest("fields")
    assert frame.filter(pl.col("tag").cat.starts_with("6")).height == 6


def test_polars_concatenates_frames_with_different_dictionaries(catalogue: Path) -> None:
    other = encode([control("001", "x"), data("LOK", ("é", "v"), ind="AB")])
    frame = pl.concat([mrrc.read_marc(catalogue), mrrc.read_marc(other)])
    tags = frame.explode("fields").unnest("fields")["tag"].cast(pl.String)
    assert set(tags) == {"001", "245", "650", "952", "LOK"}
    assert tags.to_list()[-2:] == ["001", "LOK"]


def test_polars_writes_parquet_that_reads_back(catalogue: Path, tmp_path: Path) -> None:
    frame = mrrc.read_marc(catalogue)
    frame.write_parquet(tmp_path / "out.parquet")
    back = pl.read_parquet(tmp_path / "out.parquet")
    assert back.rows() == frame.rows()


@pytest.mark.parametrize("options", [{}, {"categorical": False}, {"string_type": "string"}, {"batch_size": 1}])
def test_duckdb_counts_subjects(catalogue: Path, options: mrrc.ReadOptions) -> None:
    connection = duckdb.connect()
    connection.register("catalogue", mrrc.read_table(catalogue, **options))
    counts = connection.sql(
        """
        with field as (select unnest(fields) as f from catalogue),
             subfield as (select unnest(f.subfields) as s from field where f.tag = '650')
        select s.value, count(*) from subfield where s.code = 'a' group by all
        """
    ).fetchall()
    assert dict(counts) == count_subjects()


@pytest.mark.parametrize("string_type", ["large_string", "string"])
def test_pyarrow_filters_sorts_and_compares(catalogue: Path, string_type: StringType) -> None:
    table = mrrc.read_table(catalogue, string_type=string_type)
    assert table.filter(pc.equal(table["control_number"], "id2")).num_rows == 1
    down = table.sort_by([("control_number", "descending")])
    assert down["control_number"].to_pylist() == ["id3", "id2", "id1", "id0"]
    fields = pc.list_flatten(table["fields"])
    assert pc.sum(pc.equal(pc.struct_field(fields, "tag"), "650")).as_py() == 6
    assert table.equals(mrrc.read_table(catalogue, string_type=string_type, batch_size=1))


@pytest.mark.parametrize("string_type", ["large_string", "string"])
@pytest.mark.parametrize("categorical", [True, False])
def test_pyarrow_writes_parquet_that_reads_back(
    catalogue: Path, tmp_path: Path, string_type: StringType, categorical: bool
) -> None:
    table = mrrc.read_table(catalogue, string_type=string_type, categorical=categorical)
    pq.write_table(table, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == table.to_pylist()


def test_pyarrow_casts_views_to_strings(catalogue: Path) -> None:
    table = mrrc.read_table(catalogue)
    assert table["leader"].cast(pa.string()).to_pylist() == table["leader"].to_pylist()


@pytest.mark.parametrize("options", [{}, {"categorical": False}, {"string_type": "large_string"}])
def test_pandas_counts_subjects(catalogue: Path, options: mrrc.ReadOptions) -> None:
    frame = mrrc.read_table(catalogue, **options).to_pandas()
    assert isinstance(frame, pd.DataFrame)
    fields = pd.DataFrame(list(frame.set_index("control_number")["fields"].explode()))
    subfields = pd.DataFrame(list(fields[fields["tag"] == "650"]["subfields"].explode()))
    counts = subfields[subfields["code"] == "a"]["value"].value_counts()
    assert counts.to_dict() == count_subjects()


def test_everything_takes_an_empty_table() -> None:
    table = mrrc.read_table(b"")
    assert pl.DataFrame(table).shape == (0, 3)
    assert table.to_pandas().shape == (0, 3)
    connection = duckdb.connect()
    connection.register("catalogue", table)
    assert connection.sql("select * from catalogue").fetchall() == []


TABLES: dict[str, mrrc.ReadOptions] = {
    "records": {},
    "subfields": {"layout": "subfields"},
    "columns": {
        "columns": {
            "control_number": "001",
            "subjects": mrrc.all("650$a"),
            "titles": mrrc.fields("245"),
            "n": mrrc.count("650"),
        }
    },
}


@pytest.mark.parametrize("layout", TABLES)
@pytest.mark.parametrize("engine", ["polars", "duckdb", "pyarrow"])
def test_a_query_of_a_table_is_a_table(catalogue: Path, layout: str, engine: str) -> None:
    """The rows that a filter leaves, nested values and all, back in Arrow."""
    options: Any = TABLES[layout]
    table = mrrc.read_table(catalogue, **options)
    wanted = [row for row in table.to_pylist() if row["control_number"] == "id2"]
    assert wanted
    if engine == "polars":
        back = pl.DataFrame(table).lazy().filter(pl.col("control_number") == "id2").collect().to_arrow()
    elif engine == "duckdb":
        with duckdb.connect() as connection:
            connection.register("catalogue", table)
            back = connection.sql("select * from catalogue where control_number = 'id2'").to_arrow_table()
    else:
        plain = mrrc.read_table(catalogue, string_type="large_string", **options)
        back = plain.filter(pc.equal(plain["control_number"], "id2"))
    assert back.column_names == table.column_names
    assert back.to_pylist() == wanted
