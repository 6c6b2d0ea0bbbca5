from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pymarc
import pytest

from .marc import Entry, Field, StringType, assemble, books, control, data, directory, encode, encode_field, row

if TYPE_CHECKING:
    from pathlib import Path

STRING_TYPES: dict[StringType, pa.DataType] = {
    "view": pa.string_view(),
    "large_string": pa.large_string(),
    "string": pa.string(),
}


def expected_schema(text: pa.DataType, *, categorical: bool) -> pa.Schema:
    tag = pa.dictionary(pa.uint16(), pa.string()) if categorical else text
    code = pa.dictionary(pa.uint8(), pa.string()) if categorical else text
    subfield = pa.struct([pa.field("code", code, nullable=False), pa.field("value", text, nullable=False)])
    field = pa.struct(
        [
            pa.field("tag", tag, nullable=False),
            pa.field("ind1", code),
            pa.field("ind2", code),
            pa.field("value", text),
            pa.field("subfields", pa.large_list(pa.field("item", subfield, nullable=False))),
        ]
    )
    return pa.schema(
        [
            pa.field("leader", text, nullable=False),
            pa.field("control_number", text),
            pa.field("fields", pa.large_list(pa.field("item", field, nullable=False)), nullable=False),
        ]
    )


def read_fields(fields: list[Field], **options: Unpack[mrrc.ReadOptions]) -> list[Any]:
    """Write one record, read it back and return its fields."""
    (only,) = mrrc.read_table(encode(fields), **options).to_pylist()
    found: list[Any] = only["fields"]
    return found


def test_polars_makes_a_frame_with_a_row_per_record(sample: Path) -> None:
    frame = pl.from_arrow(mrrc.read_table(sample))
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == ["leader", "control_number", "fields"]
    assert frame.height == 300


def test_read_marc_gives_the_same_frame_as_read_table(sample: Path) -> None:
    frame = mrrc.read_marc(sample)
    table = pl.from_arrow(mrrc.read_table(sample))
    assert isinstance(table, pl.DataFrame)
    assert frame.schema == table.schema
    assert frame.rows() == table.rows()


@pytest.mark.parametrize("string_type", STRING_TYPES)
@pytest.mark.parametrize("categorical", [None, True, False])
def test_the_schema_is_the_documented_one(string_type: StringType, categorical: bool | None) -> None:
    table = mrrc.read_table(b"".join(books(2)), string_type=string_type, categorical=categorical)
    by_default = string_type == "view"
    expected = expected_schema(
        STRING_TYPES[string_type], categorical=by_default if categorical is None else categorical
    )
    assert table.schema.equals(expected, check_metadata=True)
    table.validate(full=True)


@pytest.mark.parametrize("string_type", STRING_TYPES)
@pytest.mark.parametrize("categorical", [True, False])
def test_the_sample_reads_as_pymarc_reads_it(sample: Path, string_type: StringType, categorical: bool) -> None:
    rows = mrrc.read_table(sample, string_type=string_type, categorical=categorical).to_pylist()
    with sample.open("rb") as file:
        records = list(pymarc.MARCReader(file, to_unicode=True))
    assert len(rows) == len(records) == 300
    for ours, theirs in zip(rows, records, strict=True):
        assert theirs is not None
        assert ours["leader"] == str(theirs.leader)
        assert ours["control_number"] == theirs["001"].data
        assert [flat(field) for field in ours["fields"]] == [
            (field.tag, field.data)
            if field.control_field
            else (field.tag, *field.indicators, [tuple(s) for s in field.subfields])
            for field in theirs.fields
        ]


def flat(field: dict[str, Any]) -> tuple[Any, ...]:
    if field["subfields"] is None:
        return field["tag"], field["value"]
    assert field["value"] is None
    return field["tag"], field["ind1"], field["ind2"], [(s["code"], s["value"]) for s in field["subfields"]]


def test_the_sample_has_no_problems(sample: Path) -> None:
    assert mrrc.read_problems(sample).num_rows == 0


CORNERS: dict[str, Field] = {
    "a control field keeps a stray delimiter": control("001", "12\x1fa34"),
    "a control field may be empty": control("005", ""),
    "tag 000 is a control field": control("000", "zero"),
    "tag 010 is a data field": data("010", ("a", "x")),
    "a tag with a letter is a data field": data("00A", ("a", "x")),
    "a tag in letters is a data field": data("LOK", ("0", "x"), ind=" 1"),
    "a tag of blanks is a data field": data("   ", ("a", "x")),
    "a delimiter with nothing after it": data("245", ("a", "x"), ("", ""), ("b", "y")),
    "a delimiter with nothing after it at the end": data("245", ("a", "x"), ("", "")),
    "nothing but a delimiter": data("245", ("", "")),
    "no second indicator": data("245", ("a", "x"), ind="1"),
    "no indicators": data("245", ("a", "x"), ind=""),
    "an indicator alone": data("245", ind="1"),
    "indicators alone": data("245", ind="10"),
    "an empty field": data("245", ind=""),
    "text before the first delimiter": data("245", ("a", "x"), ind="10", text="stray"),
    "text without subfields": data("245", ind="10", text="Just text, and more of it than fits a view"),
    "empty values": data("245", ("a", ""), ("b", ""), ("a", "")),
    "indicators in upper case and punctuation": data("245", ("a", "x"), ind="A="),
    "codes in upper case and punctuation": data("245", ("A", "x"), ("=", "y"), ("$", "z"), (" ", " ")),
    "codes of several bytes": data("245", ("é", "two"), ("‡", "three"), ("𝄞", "four bytes")),
    "a repeated code": data("650", ("a", "1"), ("a", "2"), ("x", "3"), ("a", "4")),
    "control characters in a value": data("500", ("a", "tab\tnewline\nescape\x1bnul\x00")),
    "characters that are not normalised": data("500", ("a", "e\u0301 é ﬁ \ufeff \ufffd 𝔐 👩‍🚀")),  # noqa: RUF001
}


@pytest.mark.parametrize("string_type", STRING_TYPES)
@pytest.mark.parametrize("categorical", [True, False])
@pytest.mark.parametrize("corner", CORNERS)
def test_corners_come_back_as_documented(corner: str, string_type: StringType, categorical: bool) -> None:
    fields = [data("100", ("a", "before")), CORNERS[corner], data("900", ("a", "after"))]
    assert read_fields(fields, string_type=string_type, categorical=categorical) == fields
    assert mrrc.read_problems(encode(fields)).num_rows == 0


def test_polars_sees_the_corners_as_documented() -> None:
    fields = list(CORNERS.values())
    frame = mrrc.read_marc(encode(fields))
    assert frame["fields"].to_list() == [fields]


def test_the_control_number_is_the_first_001() -> None:
    records = [
        [control("001", "one"), control("001", "two")],
        [control("003", "no number")],
        [control("001", "")],
        [data("245", ("a", "x")), control("001", "late")],
        [],
    ]
    table = mrrc.read_table(b"".join(map(encode, records)))
    assert table["control_number"].to_pylist() == ["one", None, "", "late", None]
    assert table["fields"].to_pylist() == records


def test_a_file_of_control_fields_alone_can_be_queried() -> None:
    record = encode([control("001", "1"), control("008", "x")])
    table = mrrc.read_table(record * 3)
    table.validate(full=True)
    frame = pl.DataFrame(table).explode("fields").unnest("fields")
    assert frame["tag"].cast(pl.String).to_list() == ["001", "008"] * 3
    assert frame["ind1"].to_list() == frame["subfields"].to_list() == [None] * 6


def test_repeated_fields_keep_their_order() -> None:
    fields = [data(tag, ("a", str(number))) for number, tag in enumerate(["650", "651", "650", "245", "650", "100"])]
    assert read_fields(fields) == fields


def test_fields_come_in_the_order_of_the_directory() -> None:
    fields = [control("001", "1"), data("245", ("a", "title")), data("100", ("a", "name")), data("650", ("a", "x"))]
    entries = directory(fields)
    shuffled = [2, 3, 0, 1]
    body = b"".join(encode_field(field) + b"\x1e" for field in fields)
    raw = assemble([entries[i] for i in shuffled], body)
    assert mrrc.read_table(raw).to_pylist() == [row(raw, [fields[i] for i in shuffled])]
    assert mrrc.read_problems(raw).num_rows == 0


def test_a_record_without_fields_is_a_row() -> None:
    raw = assemble([], b"")
    assert len(raw) == 26
    assert mrrc.read_table(raw).to_pylist() == [row(raw, [])]


def test_the_longest_field_that_a_directory_can_name_comes_back() -> None:
    fields = [control("001", "1"), data("520", ("a", "x" * 9994)), data("520", ("a", "é" * 4997))]
    assert directory(fields)[1:] == [Entry(b"520", 9999, 2), Entry(b"520", 9999, 10001)]
    assert read_fields(fields) == fields


@pytest.mark.parametrize("size", [1, 11, 12, 13, 200])
def test_short_and_long_values_come_back(size: int) -> None:
    # Twelve bytes are the most that an Arrow view holds in itself.
    fields = [control("001", "n" * size), data("245", ("a", "v" * size), text="t" * size)]
    assert read_fields(fields) == fields
