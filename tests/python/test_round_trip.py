"""Arbitrary records, written by the tests' own encoder, come back equal."""

from __future__ import annotations

import mrrc_arrow as mrrc
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import Field, Row, StringType, control, data, encode, rebuilt, row
from .strategies import records
from .tiling import assert_sound


def written(content: list[tuple[list[Field], str]]) -> tuple[bytes, list[Row]]:
    raws = [encode(fields, leader=leader) for fields, leader in content]
    return b"".join(raws), [row(raw, fields) for raw, (fields, _) in zip(raws, content, strict=True)]


@pytest.mark.parametrize("string_type", ["view", "large_string", "string"])
@pytest.mark.parametrize("categorical", [True, False])
@settings(max_examples=40)
@given(content=records)
def test_arbitrary_records_come_back_equal(
    string_type: StringType, categorical: bool, content: list[tuple[list[Field], str]]
) -> None:
    raw, rows = written(content)
    table = mrrc.read_table(raw, string_type=string_type, categorical=categorical)
    table.validate(full=True)
    assert table.to_pylist() == rows


@settings(max_examples=40)
@given(content=records)
def test_arbitrary_records_come_back_equal_in_polars(content: list[tuple[list[Field], str]]) -> None:
    raw, rows = written(content)
    frame = mrrc.read_marc(raw)
    assert frame["leader"].to_list() == [row["leader"] for row in rows]
    assert frame["control_number"].to_list() == [row["control_number"] for row in rows]
    assert frame["fields"].to_list() == [row["fields"] for row in rows]


@settings(max_examples=40)
@given(content=records, batch_size=st.integers(1, 4))
def test_arbitrary_records_have_no_problems_in_any_batch_size(
    content: list[tuple[list[Field], str]], batch_size: int
) -> None:
    raw, rows = written(content)
    assert mrrc.read_table(raw, batch_size=batch_size).to_pylist() == rows
    assert not assert_sound(raw).problems


@settings(max_examples=40)
@given(content=records, categorical=st.booleans())
def test_arbitrary_records_come_back_equal_as_columns(
    content: list[tuple[list[Field], str]], categorical: bool
) -> None:
    raw, rows = written(content)
    columns: dict[str, str | mrrc.Column] = {
        "leader": "LDR",
        "control_number": "001",
        "fields": mrrc.fields("..."),
    }
    table = mrrc.read_table(raw, columns=columns, categorical=categorical)
    table.validate(full=True)
    assert table.to_pylist() == rows


@settings(max_examples=40)
@given(content=records, categorical=st.booleans())
def test_arbitrary_records_can_be_put_together_from_rows_of_subfields(
    content: list[tuple[list[Field], str]], categorical: bool
) -> None:
    raw, rows = written(content)
    table = mrrc.read_table(raw, layout="subfields", categorical=categorical)
    table.validate(full=True)
    assert rebuilt(table.to_pylist()) == rows


ASCII = "".join(map(chr, range(0x20, 0x7F)))


@settings(max_examples=40)
@given(
    content=st.lists(
        st.tuples(st.text(st.sampled_from(ASCII), max_size=9), st.sampled_from([" ", "a", "#", "0"])), max_size=5
    )
)
def test_ascii_is_read_whatever_the_leader_says_of_its_encoding(content: list[tuple[str, str]]) -> None:
    records = [([control("001", text), data("245", ("a", text))], f"nam {coding}22 i 4500") for text, coding in content]
    raw, rows = written(records)
    assert mrrc.read_table(raw).to_pylist() == rows


def distinct_codes(count: int) -> list[str]:
    """Return printable ASCII and then characters of two bytes."""
    return [chr(code) for code in [*range(0x21, 0x7F), *range(0xC0, 0xC0 + count)]][:count]


@pytest.mark.parametrize("string_type", ["view", "large_string", "string"])
def test_more_codes_than_a_dictionary_holds_come_back(string_type: StringType) -> None:
    codes = distinct_codes(700)
    content = [[control("001", str(i)), data("245", *[(code, "v") for code in codes[i::7]])] for i in range(7)] * 3
    raw = b"".join(map(encode, content))
    table = mrrc.read_table(raw, string_type=string_type, categorical=True, include_offsets=True, row_index_name="n")
    assert table["fields"].to_pylist() == content
    assert table["n"].to_pylist() == list(range(21))
    assert [raw[o : o + 1] for o in table["offset"].to_pylist()] == [b"0"] * 21
    assert mrrc.read_problems(raw).num_rows == 0
    frame = pl.DataFrame(table)
    assert frame["fields"].to_list() == content


def test_a_dictionary_holds_255_codes_of_one_record() -> None:
    fields = [data("245", *[(code, "v") for code in distinct_codes(255)])]
    raw = encode(fields)
    assert mrrc.read_table(raw)["fields"].to_pylist() == [fields]
    assert mrrc.read_problems(raw).num_rows == 0


def test_one_record_with_more_codes_than_a_dictionary_holds_says_so() -> None:
    fields = [data("245", *[(code, "v") for code in distinct_codes(300)])]
    neighbour = [data("245", ("a", "x"))]
    raw = encode(neighbour) + encode(fields) + encode(neighbour)
    first, crowded, last = mrrc.read_table(raw)["fields"].to_pylist()
    assert first == last == neighbour
    codes = [subfield["code"] for subfield in crowded[0]["subfields"]]
    assert codes == distinct_codes(255) + ["\ufffd"] * 45
    with mrrc.read_batches(raw) as reader:
        assert sum(batch.num_rows for batch in reader) == 3
        assert reader.problems == {"dictionary_full": 1}


def test_one_record_with_more_codes_than_a_dictionary_holds_is_whole_without_dictionaries() -> None:
    fields = [data("245", *[(code, "v") for code in distinct_codes(300)])]
    assert mrrc.read_table(encode(fields), categorical=False)["fields"].to_pylist() == [fields]
    assert mrrc.read_table(encode(fields), string_type="large_string")["fields"].to_pylist() == [fields]


def test_more_tags_than_a_dictionary_of_bytes_holds_come_back() -> None:
    fields = [data(f"{i:03}", ("a", "x"), ind="") for i in range(10, 1000)]
    assert mrrc.read_table(encode(fields))["fields"].to_pylist() == [fields]
