"""``columns`` as a list: some columns of a layout."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Literal

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import Field, books, control, data, encode
from .strategies import records

if TYPE_CHECKING:
    from pathlib import Path

LAYOUTS: dict[Literal["records", "subfields"], list[str]] = {
    "records": ["leader", "control_number", "fields"],
    "subfields": ["record", "control_number", "field", "tag", "ind1", "ind2", "subfield", "code", "value"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("options", [{}, {"string_type": "string"}, {"categorical": False}, {"tags": ["245", "001"]}])
@settings(max_examples=20)
@given(content=records, choice=st.data())
def test_a_selection_is_that_of_the_whole_table(
    layout: Literal["records", "subfields"],
    options: dict[str, Any],
    content: list[tuple[list[Field], str]],
    choice: st.DataObject,
) -> None:
    raw = b"".join(encode(fields, leader=leader) for fields, leader in content)
    names = choice.draw(st.lists(st.sampled_from(LAYOUTS[layout]), min_size=1, unique=True))
    whole = mrrc.read_table(raw, layout=layout, **options)
    part = mrrc.read_table(raw, layout=layout, columns=names, **options)
    part.validate(full=True)
    assert part.column_names == names
    assert part.schema.equals(whole.select(names).schema)
    assert part.to_pylist() == whole.select(names).to_pylist()


def test_what_is_added_stays_beside_a_selection(sample: Path) -> None:
    options: Any = {"row_index_name": "i", "include_offsets": True, "include_file_paths": "path", "n_rows": 7}
    frame = mrrc.read_marc(sample, columns=["control_number"], **options)
    assert frame.columns == ["i", "control_number", "offset", "length", "path"]
    assert frame.equals(mrrc.read_marc(sample, **options).drop("leader", "fields"))
    rows = mrrc.read_marc(sample, columns=("value", "tag"), layout="subfields", tags=["245"])
    assert rows.columns == ["value", "tag"]
    assert rows.equals(mrrc.read_marc(sample, layout="subfields", tags=["245"]).select("value", "tag"))
    assert mrrc.read_marc(b"", columns=["tag"], layout="subfields").columns == ["tag"]


def test_text_that_is_left_out_is_not_kept() -> None:
    text = encode([control("001", "a control number that is long"), data("245", ("a", "x" * 9000))]) * 50
    for layout, columns in (("records", ["control_number"]), ("subfields", ["control_number", "tag"])):
        options: Any = {"layout": layout, "columns": columns}
        assert mrrc.read_table(text, **options).nbytes < len(text) / 10
    assert mrrc.read_table(text, columns=["fields"]).nbytes > len(text)
    decoded = encode([control("001", "a number that is long"), data("245", ("a", "\u00e9" * 4000))]) * 50
    options = {"layout": "subfields", "columns": ["control_number", "tag"], "encoding": "iso-8859-1"}
    assert mrrc.read_table(decoded, **options).nbytes < len(decoded) / 10
    odd: Any = {**options, "string_type": "string", "columns": ["tag"], "categorical": False}
    assert mrrc.read_table(decoded, **odd).num_rows == 150


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_table_of_a_file_keeps_of_it_no_more_than_the_text_of_long_values(
    layout: Literal["records", "subfields"], compressed: bool, tmp_path: Path
) -> None:
    titles = [data("245", ("a", f"{number} " + "long " * number)) for number in range(40)]
    subjects = [data("650", ("a", "short"))] * 9
    raw = b"".join(encode([control("001", str(number)), title, *subjects]) for number, title in enumerate(titles))
    path = tmp_path / "some.mrc"
    path.write_bytes(gzip.compress(raw * 20) if compressed else raw * 20)
    kept = mrrc.read_table(path, layout=layout)
    kept.validate(full=True)
    # What is in memory anyway is shared, all of it.
    shared = mrrc.read_table(raw * 20, layout=layout)
    assert kept.equals(shared)
    streamed = pa.table(mrrc.read_batches(path, layout=layout))
    assert kept.equals(streamed)
    spared = len(raw * 20) * 0.6
    for other in (shared, streamed):
        assert kept.get_total_buffer_size() < other.get_total_buffer_size() - spared
    # Where nearly all of it is text of long values, it stays as it is.
    path.write_bytes(encode([data("245", ("a", "x" * 9000))]) * 20)
    large = mrrc.read_table(path, layout=layout)
    assert large.get_total_buffer_size() > path.stat().st_size
    assert large.equals(pa.table(mrrc.read_batches(path, layout=layout)))


def test_damage_is_the_same_whatever_is_selected() -> None:
    content = books(1)[0] + b"too short\x1d" + books(1)[0]
    for columns in (["leader"], ["control_number"], ["fields"]):
        with pytest.raises(mrrc.RecordError):
            mrrc.read_table(content, columns=columns)
        with pytest.warns(mrrc.MrrcWarning, match="1 record"):
            assert mrrc.read_table(content, columns=columns, ignore_errors=True).num_rows == 2


def test_a_selection_of_nothing_or_of_what_is_not_there_is_an_error(sample: Path) -> None:
    with pytest.raises(ValueError, match='no column "tag"; this layout has leader'):
        mrrc.read_table(sample, columns=["tag"])
    with pytest.raises(ValueError, match="at least one"):
        mrrc.read_table(sample, columns=[])
    with pytest.raises(ValueError, match="two columns"):
        mrrc.read_table(sample, columns=["leader", "leader"])
    odd: Any
    for odd in ("leader", [1], 1):
        with pytest.raises(TypeError, match="columns must be a dict of columns, a list of names"):
            mrrc.read_table(sample, columns=odd)


def test_polars_counts_tags_with_two_columns(sample: Path) -> None:
    frame = mrrc.read_marc(sample, layout="subfields", columns=["record", "tag"])
    subjects = frame.filter(pl.col("tag").cast(pl.String).str.starts_with("6"))
    assert (
        subjects["record"].n_unique()
        == mrrc.read_marc(sample, columns={"has": mrrc.exists("6..")}).filter("has").height
    )
