"""``layout="subfields"``: the same as the nested records, a row per subfield, and enough to rebuild each record."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any, Unpack

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from .marc import Row, StringType, books, control, data, encode, rebuilt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

COLUMNS = ["record", "control_number", "field", "tag", "ind1", "ind2", "subfield", "code", "value"]


def plain_rows(source: mrrc.Source, **options: Unpack[mrrc.ReadOptions]) -> pa.Table:
    """Read rows of subfields as plain strings."""
    options |= {"layout": "subfields", "string_type": "large_string", "categorical": False}
    return mrrc.read_table(source, **options)


def spread(rows: Iterable[Row], numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Give the rows of subfields that nested records should come to."""
    for number, row in zip(numbers, rows, strict=True):
        same = {"record": number, "control_number": row["control_number"]}
        nothing = {"ind1": None, "ind2": None, "subfield": 0, "code": None}
        yield {**same, "field": 0, "tag": "LDR", **nothing, "value": row["leader"]}
        for position, field in enumerate(row["fields"], 1):
            in_field = {**same, "field": position, "tag": field["tag"], "ind1": field["ind1"], "ind2": field["ind2"]}
            subfields = field["subfields"] or []
            if field["value"] is not None or not subfields:
                yield {**in_field, "subfield": 0, "code": None, "value": field["value"]}
            for at, subfield in enumerate(subfields, 1):
                yield {**in_field, "subfield": at, **subfield}


def assert_same(source: mrrc.Source, **options: Unpack[mrrc.ReadOptions]) -> list[dict[str, Any]]:
    """Compare the two layouts of `source`; return the rows."""
    options |= {"ignore_errors": True, "include_offsets": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        nested = mrrc.read_table(source, **options)
        options["layout"] = "subfields"
        flat = mrrc.read_table(source, **options)
    flat.validate(full=True)
    assert flat.column_names == [*COLUMNS, "offset", "length"]
    rows: list[dict[str, Any]] = flat.select(COLUMNS).to_pylist()
    records: list[Row] = nested.select(["leader", "control_number", "fields"]).to_pylist()
    numbers = sorted({row["record"] for row in rows})
    assert rows == list(spread(records, numbers))
    assert rebuilt(rows) == records
    places = zip(*(flat[name].to_pylist() for name in ("record", "offset", "length")), strict=True)
    of_records = zip(*(nested[name].to_pylist() for name in ("offset", "length")), strict=True)
    assert [place for _, *place in dict.fromkeys(places)] == [list(place) for place in of_records]
    return rows


ODD = [
    control("001", "odd"),
    control("001", "another"),
    data("100"),
    data("245", text="stray"),
    data("245", ("a", "x"), text="stray"),
    data("246", ("", ""), ("a", "")),
    data("500", ind=""),
    data("501", ind="1"),
    data("9XX", ("é", "é")),
]


@pytest.mark.parametrize("categorical", [None, False])
@pytest.mark.parametrize("string_type", ["view", "large_string", "string"])
def test_rows_are_those_of_the_records(string_type: StringType, categorical: bool | None, sample: Path) -> None:
    for source in (sample, encode(ODD), b"".join([*books(3), encode(ODD), encode([]), *books(2)]), b""):
        for batch_size in (None, 1, 7):
            assert_same(source, string_type=string_type, categorical=categorical, batch_size=batch_size)


def test_records_of_the_corpus_come_back(corpus: Path) -> None:
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file() and path.stat().st_size < 200_000]
    for path in files:
        try:
            rows = assert_same(path)
        except mrrc.CorruptInputError:
            continue
        assert len(rows) == 0 or rows[0]["tag"] == "LDR"


def test_the_types_of_columns() -> None:
    table = mrrc.read_table(books(1)[0], layout="subfields")
    symbol = {"tag": pa.uint16(), "ind1": pa.uint8(), "ind2": pa.uint8(), "code": pa.uint8()}
    other = {"record": pa.uint64(), "field": pa.uint32(), "subfield": pa.uint32()}
    for field in table.schema:
        if field.name in symbol:
            assert field.type == pa.dictionary(symbol[field.name], pa.string())
        else:
            assert field.type == other.get(field.name, pa.string_view())
    plain = mrrc.read_table(books(1)[0], layout="subfields", categorical=False)
    assert {plain.schema.field(name).type for name in symbol} == {pa.string_view()}
    nullable = [field.name for field in table.schema if field.nullable]
    assert nullable == ["control_number", "ind1", "ind2", "code", "value"]
    assert mrrc.read_table(b"", layout="subfields").schema == table.schema


def test_numbers_count_rejected_records_too() -> None:
    content = books(1)[0] + b"too short\x1d" + books(1)[0]
    with pytest.warns(mrrc.MrrcWarning):
        rows = mrrc.read_table([content, content], layout="subfields", ignore_errors=True)
    assert sorted(set(rows["record"].to_pylist())) == [0, 2, 3, 5]


def test_n_rows_may_cut_a_record_and_what_is_beyond_is_no_matter() -> None:
    content = b"".join(books(3))
    whole = plain_rows(content).to_pylist()
    each = len(whole) // 3
    for n_rows in (0, 1, 2, each - 1, each, each + 1, 2 * each, 3 * each):
        for batch_size in (None, 1):
            # Nothing beyond warns.
            cut = plain_rows(content + b"bad\x1d", n_rows=n_rows, batch_size=batch_size, ignore_errors=True)
            assert cut.to_pylist() == whole[:n_rows]
    assert plain_rows(content, n_rows=1000).to_pylist() == whole
    # An error beyond the rows that are wanted is none.
    broken = books(2)[0] + b"bad\x1d" + books(2)[1]
    assert plain_rows(broken, n_rows=each).num_rows == each
    with pytest.raises(mrrc.RecordError):
        plain_rows(broken, n_rows=each + 1)
    index = plain_rows(content, row_index_name="row", n_rows=each + 3)["row"].to_pylist()
    assert index == list(range(each + 3))


def many(*ranges: tuple[int, int]) -> list[bytes]:
    """Make records of two fields, the second with these codes each."""
    codes = [[chr(code) for code in range(*one)] for one in ranges]
    return [encode([control("001", "n"), data("500", *((code, "x") for code in some))]) for some in codes]


@pytest.mark.parametrize("tags", [None, ["500"], ["245"], ["001", "245"]])
def test_many_codes_in_a_dictionary_end_a_batch_and_not_a_record(tags: list[str] | None) -> None:
    first, second, third = many((0x100, 0x1C8), (0x200, 0x2C8), (0x300, 0x3C8))
    other = encode([control("001", "o"), data("245", ("a", "t"))])
    content = b"".join([other, first, other, second, other, third, *books(100)])
    if tags is None:
        assert_same(content)
    plain = plain_rows(content, tags=tags, include_offsets=True).to_pylist()
    found = mrrc.read_table(content, layout="subfields", tags=tags, include_offsets=True)
    found.validate(full=True)
    assert found.to_pylist() == plain
    if tags in (None, ["500"]):
        assert len(list(mrrc.read_batches(content, layout="subfields", tags=tags))) > 1
    for n_rows in (1, 2, 199, 200, 201, 202, 203, 204, 405, 600, len(plain)):
        cut = mrrc.read_table(content, layout="subfields", tags=tags, n_rows=n_rows, row_index_name="row")
        assert cut.drop(["row"]).to_pylist() == [{name: row[name] for name in COLUMNS} for row in plain[:n_rows]]
        assert cut["row"].to_pylist() == list(range(min(n_rows, len(plain))))


def test_a_record_that_overflows_a_dictionary_alone_loses_none_of_the_others() -> None:
    other = encode([control("001", "o"), data("245", ("a", "t"))])
    (large,) = many((0x100, 0x100 + 300))
    for tags in (None, ["500"], ["245"]):
        content = other + large + b"".join(many((0x61, 0x62), (0x61, 0x62)))
        rows = mrrc.read_table(content, layout="subfields", tags=tags)
        rows.validate(full=True)
        assert rows.num_rows == plain_rows(content, tags=tags).num_rows > 0


def test_a_long_control_number_is_no_matter() -> None:
    record = encode([control("001", "n" * 9998), *[data("500", *[("a", "")] * 4999) for _ in range(8)]])
    view = mrrc.read_table(record * 6, layout="subfields")
    assert view.get_total_buffer_size() < 40_000_000
    large = mrrc.read_batches(record, layout="subfields", string_type="string", categorical=False)
    assert sum(batch.num_rows for batch in large) * 6 == view.num_rows


def test_all_readers_take_the_layout(sample: Path) -> None:
    table = mrrc.read_table(sample, layout="subfields")
    frame = mrrc.read_marc(sample, layout="subfields")
    assert isinstance(frame, pl.DataFrame)
    assert frame.height == table.num_rows == sum(b.num_rows for b in mrrc.read_batches(sample, layout="subfields"))
    assert frame.columns == COLUMNS
    problems = mrrc.read_problems(sample, layout="subfields").to_pylist()
    assert problems == mrrc.read_problems(sample).to_pylist()


def test_a_question_in_three_libraries(sample: Path) -> None:
    """Titles of records with a subject, by Polars, DuckDB and pyarrow."""
    nested: list[Row] = mrrc.read_table(sample).to_pylist()
    titles = sorted(
        subfield["value"]
        for row in nested
        if any(field["tag"] == "650" for field in row["fields"])
        for field in row["fields"]
        if field["tag"] == "245"
        for subfield in field["subfields"] or []
        if subfield["code"] == "a"
    )
    assert titles
    frame = mrrc.read_marc(sample, layout="subfields")
    subjects = frame.filter(pl.col("tag") == "650").select("record").unique()
    title = frame.filter((pl.col("tag") == "245") & (pl.col("code") == "a"))
    assert sorted(title.join(subjects, on="record")["value"]) == titles

    table = mrrc.read_table(sample, layout="subfields")
    query = """
        select value from marc where tag = '245' and code = 'a'
        and record in (select record from marc where tag = '650')
    """
    with duckdb.connect() as connection:
        connection.register("marc", table)
        assert sorted(value for (value,) in connection.execute(query).fetchall()) == titles

    plain = plain_rows(sample)
    wanted = set(plain.filter(pc.equal(plain["tag"], "650"))["record"].to_pylist())
    is_title = pc.and_(pc.equal(plain["tag"], "245"), pc.equal(plain["code"], "a"))
    of_title = plain.filter(is_title)
    found = zip(of_title["record"].to_pylist(), of_title["value"].to_pylist(), strict=True)
    assert sorted(value for record, value in found if record in wanted) == titles


def test_random_records_come_back() -> None:
    chance = random.Random(3)
    for _ in range(200):
        fields = [control("001", "n")] if chance.random() < 0.8 else []
        for _ in range(chance.randrange(6)):
            values = chance.choices(["", "x", "Капитанская дочка"], k=chance.randrange(4))
            subfields = [(chance.choice("abcé"), value) for value in values]
            fields.append(data(chance.choice(["100", "245", "9XX"]), *subfields, text=chance.choice([None, None, "t"])))
        content = encode(fields)
        rows = mrrc.read_table(content, layout="subfields").select(COLUMNS).to_pylist()
        assert rebuilt(rows) == mrrc.read_table(content).to_pylist()
        assert rebuilt(rows)[0]["fields"] == fields
