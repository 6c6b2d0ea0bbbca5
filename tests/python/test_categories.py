"""Frames of Polars with categories for tags, indicators and codes, of any kind, written as MARC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import mrrc_arrow as mrrc
import polars as pl
import pytest

from .writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from polars._typing import PolarsDataType

Layout: TypeAlias = Literal["records", "subfields"]
SYMBOLS = ("tag", "ind1", "ind2", "code")
CATEGORIES: dict[str, Callable[[], Mapping[str, PolarsDataType]]] = {
    "of all": lambda: dict.fromkeys(SYMBOLS, pl.Categorical()),
    "of their own": lambda: dict.fromkeys(SYMBOLS, pl.Categorical(pl.Categories("mine"))),
    "of their own, small": lambda: dict.fromkeys(SYMBOLS, pl.Categorical(pl.Categories("few", physical=pl.UInt8))),
    "of two kinds": lambda: {
        "tag": pl.Categorical(),
        "ind1": pl.Categorical(pl.Categories("other")),
        "ind2": pl.String(),
        "code": pl.Categorical(),
    },
    "and strings": lambda: {"tag": pl.String(), "ind1": pl.Categorical(), "ind2": pl.String(), "code": pl.String()},
    "and an enum": lambda: dict.fromkeys(SYMBOLS, pl.Categorical()) | {"ind2": pl.Enum([*" 0123456789"])},
    "none": lambda: dict.fromkeys(SYMBOLS, pl.String()),
}


def _of_types(frame: pl.DataFrame, layout: Layout, types: Mapping[str, PolarsDataType]) -> pl.DataFrame:
    """The same frame with other types of tags, indicators and codes."""
    if layout == "subfields":
        return frame.cast(cast("Any", types))
    subfields = pl.List(pl.Struct({"code": types["code"], "value": pl.String}))
    fields = {name: types[name] for name in ("tag", "ind1", "ind2")} | {"value": pl.String, "subfields": subfields}
    return frame.cast(cast("Any", {"fields": pl.List(pl.Struct(fields))}))


@pytest.mark.parametrize("categories", CATEGORIES)
@pytest.mark.parametrize("layout", ["records", "subfields"])
def test_frames_of_any_categories_in_chunks_come_out_as_they_went_in(
    sample: Path, layout: Layout, categories: str
) -> None:
    frame = mrrc.read_marc(sample, layout=layout, categorical=False)
    frame = _of_types(frame, layout, CATEGORIES[categories]())
    assert written(frame) == sample.read_bytes()
    parts = [frame.slice(start, 70) for start in range(0, frame.height, 70)]
    chunked = pl.concat(parts, rechunk=False)
    assert chunked.n_chunks() > 4
    assert written(chunked) == sample.read_bytes()
    assert written(pl.concat(frame.iter_slices(150), rechunk=False)) == sample.read_bytes()
    assert written(frame.clear()) == b""
    wanted = pl.col("control_number").str.ends_with("7")
    some = written(chunked.filter(wanted))
    assert some == b"".join(
        record.as_marc() for record in mrrc.MARCReader(sample) if str(record["001"].data).endswith("7")
    )


def test_text_of_categories_comes_out_as_it_went_in(sample: Path) -> None:
    """Values and leaders in place of tags; and lists of one length."""
    rows = mrrc.read_marc(sample, layout="subfields")
    frame = mrrc.read_marc(sample)
    leaders = pl.Enum(frame["leader"].unique())
    for changed in (
        rows.with_columns(pl.col("value").cast(pl.Categorical)),
        rows.with_columns(pl.col("value").cast(pl.Categorical(pl.Categories("values")))),
        frame.with_columns(pl.col("leader").cast(pl.Categorical)),
        frame.with_columns(pl.col("leader").cast(leaders)),
    ):
        assert written(changed) == sample.read_bytes()
    length = frame["fields"].list.len().mode()[0]
    alike = frame.filter(pl.col("fields").list.len() == length)
    arrays = alike.with_columns(pl.col("fields").list.to_array(length))
    assert isinstance(arrays.schema["fields"], pl.Array)
    assert written(arrays) == written(alike)


def test_attributes_of_others_are_no_categories(sample: Path) -> None:
    pandas = mrrc.read_table(sample, layout="subfields", string_type="large_string").to_pandas()
    pandas["_categories"] = pandas["categories"] = 1
    assert written(pandas) == sample.read_bytes()


def test_numbers_are_no_categories(sample: Path) -> None:
    frame = mrrc.read_marc(sample, layout="subfields")
    with pytest.raises(ValueError, match="code must be text, not UInt32"):
        written(frame.with_columns(code=pl.lit(1, pl.UInt32)))


def test_many_categories_are_no_matter(sample: Path) -> None:
    mine = pl.Categorical(pl.Categories("of everything"))
    others = pl.Series([f"other {number}" for number in range(11_000)], dtype=mine)
    frame = mrrc.read_marc(sample, categorical=False)
    assert written(_of_types(frame, "records", dict.fromkeys(SYMBOLS, mine))) == sample.read_bytes()
    assert others.len() == 11_000
