"""`df.marc`: frames of records, asked as if they had just been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import polars as pl
import pytest
from hypothesis import given, settings
from mrrc_arrow.polars import MarcNamespace
from polars.testing import assert_frame_equal

from .marc import Field, encode
from .script import run_script
from .strategies import records

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: dict[str, str | mrrc.Column] = {
    "leader": "LDR",
    "id": "001",
    "title": mrrc.join("245$a$b", sep=" "),
    "subjects": mrrc.all("650$a"),
    "lcsh": mrrc.all(r"650$a{^2=\0}"),
    "copies": mrrc.count("852"),
    "online": mrrc.exists("856$u"),
    "added": mrrc.fields("700"),
    "script": mrrc.linked("245$a"),
    "all": mrrc.fields("..."),
}


@pytest.mark.parametrize("categorical", [True, False])
def test_columns_are_those_of_a_read(sample: Path, categorical: bool) -> None:
    frame = mrrc.read_marc(sample, categorical=categorical)
    expected = mrrc.read_marc(sample, columns=COLUMNS)
    assert_frame_equal(MarcNamespace(frame).select(COLUMNS), expected)
    shuffled = frame.with_row_index().sample(fraction=0.5, shuffle=True, seed=1)
    assert_frame_equal(MarcNamespace(shuffled).select(COLUMNS), expected[shuffled["index"].to_list()])
    assert MarcNamespace(frame.head(0)).select(COLUMNS).schema == expected.schema


@pytest.mark.parametrize("categorical", [True, False])
def test_rows_of_subfields_are_those_of_a_read(sample: Path, categorical: bool) -> None:
    frame = mrrc.read_marc(sample, categorical=categorical)
    assert_frame_equal(MarcNamespace(frame).explode(), mrrc.read_marc(sample, layout="subfields"))
    last = MarcNamespace(frame.tail(1)).explode()
    assert last["record"].unique().to_list() == [0]
    assert MarcNamespace(frame.head(0)).explode().schema == mrrc.read_marc(b"", layout="subfields").schema


@settings(max_examples=60)
@given(content=records)
def test_of_arbitrary_records_too(content: list[tuple[list[Field], str]]) -> None:
    raw = b"".join(encode(fields, leader=leader) for fields, leader in content)
    frame = MarcNamespace(mrrc.read_marc(raw))
    assert_frame_equal(frame.select(COLUMNS), mrrc.read_marc(raw, columns=COLUMNS))
    assert_frame_equal(frame.explode(), mrrc.read_marc(raw, layout="subfields"))


def test_frames_with_more_codes_than_a_dictionary_holds() -> None:
    codes = [chr(code) for code in [*range(0x21, 0x7F), *range(0xC0, 0xC0 + 600)]]
    fields: list[Any] = [
        [{"tag": "245", "ind1": "1", "ind2": "0", "value": None, "subfields": [{"code": code, "value": code}]}]
        for code in codes
    ]
    schema = mrrc.read_marc(b"", categorical=False).schema
    leaders = ["00000nam a2200000 i 4500"] * len(codes)
    frame = pl.DataFrame({"leader": leaders, "control_number": None, "fields": fields}, schema=schema)
    exploded = MarcNamespace(frame).explode()
    assert exploded["record"].unique().to_list() == list(range(len(codes)))
    assert exploded.filter(pl.col("tag") == "245")["code"].cast(pl.String).to_list() == codes
    assert mrrc.read_marc(MarcNamespace(frame).to_marc(), categorical=False)["fields"].to_list() == fields
    fields[300][0]["tag"] = "24"
    broken = pl.DataFrame({"leader": leaders, "control_number": None, "fields": fields}, schema=schema)
    with pytest.raises(mrrc.UnwritableError, match="row 300, field 1 "):
        MarcNamespace(broken).to_marc()


def test_records_are_written(sample: Path, tmp_path: Path) -> None:
    frame = MarcNamespace(mrrc.read_marc(sample))
    assert frame.to_marc() == sample.read_bytes()
    assert frame.to_marc(tmp_path / "x.mrc").records == 300
    assert (tmp_path / "x.mrc").read_bytes() == sample.read_bytes()


def test_warnings_are_in_the_name_of_the_caller(sample: Path, tmp_path: Path) -> None:
    frame = mrrc.read_marc(sample, n_rows=2).with_columns(leader=pl.Series(["x", None]))
    for dest in (None, tmp_path / "x.mrc"):
        with pytest.warns(mrrc.MrrcWarning, match=r"row 0: .*, …") as warned:
            MarcNamespace(frame).to_marc(dest, ignore_errors=True)
        assert warned[0].filename == __file__


def test_other_frames_are_refused(sample: Path) -> None:
    frame = MarcNamespace(mrrc.read_marc(sample, layout="subfields"))
    with pytest.raises(ValueError, match="no column fields, leader"):
        frame.explode()
    with pytest.raises(ValueError, match="no column fields, leader"):
        frame.select({})
    with pytest.raises(TypeError, match="dict of specs"):
        MarcNamespace(mrrc.read_marc(sample)).select(["245$a"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="245"):
        MarcNamespace(mrrc.read_marc(sample)).select({"x": "245$"})
    schema = mrrc.read_marc(b"").select("leader", "fields").schema
    nulls = pl.DataFrame({"leader": [None], "fields": [None]}, schema=schema)
    with pytest.raises(ValueError, match="row 0: the record has no leader"):
        MarcNamespace(nulls).explode()


def test_the_namespace_is_there_after_a_read_and_polars_is_not_imported_before(sample: Path) -> None:
    script = f"""
import sys
import mrrc_arrow as mrrc
assert "polars" not in sys.modules
import polars as pl
df = mrrc.read_marc({str(sample)!r})
print(df.marc.select({{"id": "001"}}).height, df.marc.explode().height > 300)
assert pl.from_arrow(mrrc.read_table({str(sample)!r})).marc.explode().height > 300
print(mrrc.scan_marc({str(sample)!r}).collect().marc.to_marc() == open({str(sample)!r}, "rb").read())
"""
    assert run_script(script).split() == ["300", "True", "True"]
