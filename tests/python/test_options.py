from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Unpack, get_args, get_origin

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest

from .marc import StringType, books

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS: list[Callable[..., Any]] = [mrrc.read_table, mrrc.read_marc, mrrc.read_batches, mrrc.read_problems]
read_functions = pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
BAD = b"0000\x1d"
"""Too short to be a record: a reject of its own."""


def numbers(source: mrrc.Source, **options: Unpack[mrrc.ReadOptions]) -> list[int]:
    """Return the control numbers of the records in `source`, as the numbers that they were made from."""
    return [int(text[3:]) for text in mrrc.read_table(source, **options)["control_number"].to_pylist()]


# n_rows


@pytest.mark.parametrize("n_rows", [0, 1, 99, 100, 101, 216, 217, 218, 2**62])
@pytest.mark.parametrize("batch_size", [None, 100, 1])
def test_n_rows_is_how_many_rows_come(marc_file: Path, n_rows: int, batch_size: int | None) -> None:
    assert numbers(marc_file, n_rows=n_rows, batch_size=batch_size) == list(range(min(n_rows, 217)))
    with mrrc.read_batches(marc_file, n_rows=n_rows, batch_size=batch_size) as reader:
        assert sum(batch.num_rows for batch in reader) == min(n_rows, 217)


def test_n_rows_counts_over_all_sources(three: list[bytes]) -> None:
    assert numbers([three[0], b"".join(three), three[2]], n_rows=3) == [0, 0, 1]


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3])
def test_nothing_beyond_n_rows_raises_or_warns(three: list[bytes], batch_size: int | None) -> None:
    content = b"".join(three) + BAD + b"".join(three)[:-1]
    for ignore_errors in (False, True):
        for n_rows in range(4):
            options: mrrc.ReadOptions = {"n_rows": n_rows, "batch_size": batch_size, "ignore_errors": ignore_errors}
            assert numbers(content, **options) == list(range(n_rows))
            reader = mrrc.read_batches(content, **options)
            assert sum(batch.num_rows for batch in reader) == n_rows
            assert reader.problems == {}
    with pytest.raises(mrrc.RecordError):
        mrrc.read_table(content, n_rows=4, batch_size=batch_size)
    with pytest.warns(mrrc.MrrcWarning, match="^1 record"):
        assert numbers(content, n_rows=4, batch_size=batch_size, ignore_errors=True) == [0, 1, 2, 0]


def test_n_rows_counts_rows_and_not_rejected_records(three: list[bytes]) -> None:
    content = BAD + three[0] + BAD + three[1] + BAD + three[2]
    with pytest.warns(mrrc.MrrcWarning, match="^2 record"):
        assert numbers(content, n_rows=2, ignore_errors=True) == [0, 1]


def test_n_rows_ends_before_a_cut_or_foreign_source(three: list[bytes]) -> None:
    assert numbers([b"".join(three), b"<collection/>"], n_rows=3) == [0, 1, 2]
    assert numbers([b"".join(three), b"\x1f\x8b\x08\x00"], n_rows=3) == [0, 1, 2]


def test_few_rows_of_a_huge_file_are_cheap(tmp_path: Path, three: list[bytes]) -> None:
    path = tmp_path / "huge.mrc"
    with path.open("wb") as file:
        file.write(b"".join(three))
        file.truncate(1 << 40)  # sparse: takes no space, and an age to read
    assert numbers(path, n_rows=3) == [0, 1, 2]
    reader = mrrc.read_batches(path, n_rows=3)
    assert sum(batch.num_rows for batch in reader) == 3
    assert reader.bytes_read < 1 << 30


def test_n_rows_zero_still_looks_for_the_file(tmp_path: Path, three: list[bytes]) -> None:
    with pytest.raises(FileNotFoundError):
        mrrc.read_table(tmp_path / "missing.mrc", n_rows=0)
    assert mrrc.read_table(BAD, n_rows=0).schema == mrrc.read_table(three).schema


# row_index_name, include_offsets, include_file_paths


def test_the_row_index_is_the_first_column_and_counts_rows(three: list[bytes]) -> None:
    with pytest.warns(mrrc.MrrcWarning):
        table = mrrc.read_table(
            [BAD + three[0], BAD, three[1] + three[2]],
            row_index_name="nr",
            row_index_offset=5,
            ignore_errors=True,
            batch_size=1,
        )
    assert table.column_names[0] == "nr"
    assert table.schema.field("nr") == pa.field("nr", pa.uint64(), nullable=False)
    assert table["nr"].to_pylist() == [5, 6, 7]
    assert mrrc.read_table(three[0], row_index_name="nr")["nr"].to_pylist() == [0]


def test_the_row_index_may_be_as_large_as_its_type(three: list[bytes]) -> None:
    table = mrrc.read_table(three[0], row_index_name="n", row_index_offset=2**64 - 2)
    assert table["n"].to_pylist() == [2**64 - 2]
    with pytest.raises(ValueError, match="row index"):
        mrrc.read_table(three, row_index_name="n", row_index_offset=2**64 - 2)


@pytest.mark.parametrize("string_type", ["view", "large_string", "string"])
def test_file_paths_are_the_last_column_and_null_for_memory(marc_file: Path, string_type: StringType) -> None:
    memory = b"".join(books(2))
    sources: list[Any] = [memory, marc_file, bytearray(memory), str(marc_file.parent / "*.mrc")]
    table = mrrc.read_table(sources, include_file_paths="path", include_offsets=True, string_type=string_type)
    table.validate(full=True)
    path = str(marc_file)
    assert table["path"].to_pylist() == [None] * 2 + [path] * 217 + [None] * 2 + [path] * 217
    assert table.column_names == ["leader", "control_number", "fields", "offset", "length", "path"]
    assert table.schema.field("path").type == table.schema.field("leader").type
    frame = mrrc.read_marc(sources, include_file_paths="path", string_type=string_type)
    assert frame["path"].to_list() == table["path"].to_pylist()


def test_offsets_say_where_each_record_lies(three: list[bytes]) -> None:
    content = b"\n" + three[0] + b"\r\n" + three[1] + three[2]
    table = mrrc.read_table([content, three[0]], include_offsets=True)
    assert table.schema.field("offset") == pa.field("offset", pa.uint64(), nullable=False)
    assert table.schema.field("length") == pa.field("length", pa.uint32(), nullable=False)
    spans = list(zip(table["offset"].to_pylist(), table["length"].to_pylist(), strict=True))
    assert [content[at : at + length] for at, length in spans[:3]] == three
    assert spans[3] == (0, len(three[0]))


@read_functions
@pytest.mark.parametrize(
    "options",
    [
        {"row_index_name": "leader"},
        {"include_file_paths": "fields"},
        {"row_index_name": "x", "include_file_paths": "x"},
        {"row_index_name": "offset", "include_offsets": True},
        {"include_file_paths": "length", "include_offsets": True},
    ],
)
def test_two_columns_of_one_name_are_a_value_error(
    read: Callable[..., Any], options: dict[str, Any], three: list[bytes]
) -> None:
    (clash,) = {"leader", "fields", "x", "offset", "length"} & set(options.values())
    with pytest.raises(ValueError, match=clash):
        read(three, **options)


def test_a_name_that_only_an_absent_column_has_is_free(three: list[bytes]) -> None:
    table = mrrc.read_table(three, row_index_name="offset", include_file_paths="")
    assert table.column_names == ["offset", "leader", "control_number", "fields", ""]


# Wrong options


@read_functions
def test_an_unknown_option_is_a_type_error_that_names_it(read: Callable[..., Any], three: list[bytes]) -> None:
    for name in ("batchsize", "column", "tag", "encodings", "reject"):
        with pytest.raises(TypeError, match=rf"unexpected keyword argument \W{name}\W"):
            read(three, **{name: 1})
    with pytest.raises(TypeError, match="positional"):
        read(three, "records")


NUMBERS = ["n_rows", "row_index_offset", "batch_size"]
TEXTS = ["row_index_name", "include_file_paths"]
TRUTHS = ["include_offsets", "glob", "ignore_errors", "categorical"]


@read_functions
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in NUMBERS for value in ("1", 1.0, b"1")]
    + [(name, value) for name in TEXTS for value in (1, b"name", True)]
    + [(name, value) for name in TRUTHS for value in ("yes", 1.0, b"")]
    + [(name, None) for name in ("include_offsets", "glob", "ignore_errors", "row_index_offset")],
)
def test_an_option_of_the_wrong_type_is_a_type_error_that_names_it(
    read: Callable[..., Any], name: str, value: object, three: list[bytes]
) -> None:
    with pytest.raises(TypeError, match=f"{name} must be .* not {type(value).__name__}"):
        read(three, **{name: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, 2**64])
def test_a_number_out_of_range_is_a_value_error_that_names_it(name: str, value: int, three: list[bytes]) -> None:
    for read in READS:
        with pytest.raises(ValueError, match=name):
            read(three, **{name: value})


@read_functions
def test_a_batch_size_of_zero_is_a_value_error(read: Callable[..., Any], three: list[bytes]) -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        read(three, batch_size=0)


@read_functions
@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("layout", ["records"]),
        ("format", ["auto", "iso2709"]),
        ("encoding", ["auto", "utf-8", "marc-8", "iso-8859-1", "windows-1252", "cp437", "cp850"]),
        ("string_type", ["view", "large_string", "string"]),
    ],
)
def test_a_bad_choice_is_a_value_error_that_names_the_choices(
    read: Callable[..., Any], name: str, choices: list[str], three: list[bytes]
) -> None:
    for bad in ("other", "", choices[0].upper(), None, 1):
        with pytest.raises(ValueError, match=f"^{name} must be ") as caught:
            read(three, **{name: bad})
        assert all(f'"{choice}"' in str(caught.value) for choice in choices)
        assert repr(bad) in str(caught.value)
    for good in choices:
        read(three, **{name: good})


@read_functions
def test_none_means_the_default_where_it_is_allowed(read: Callable[..., Any], three: list[bytes]) -> None:
    names = ["n_rows", "row_index_name", "include_file_paths", "batch_size", "categorical"]
    read(three, **dict.fromkeys(names))


def test_wrong_options_are_found_before_the_source_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="string_type"):
        mrrc.read_batches(tmp_path / "missing.mrc", string_type="utf8")  # type: ignore[arg-type]


# What help and notebooks show


@read_functions
def test_the_signature_shows_every_option_with_its_default(read: Callable[..., Any], three: list[bytes]) -> None:
    parameters = list(inspect.signature(read).parameters.values())
    assert parameters[0].name == "source"
    assert [parameter.name for parameter in parameters[1:]] == list(mrrc.ReadOptions.__annotations__)
    assert {parameter.kind for parameter in parameters[1:]} == {inspect.Parameter.KEYWORD_ONLY}
    read(three, **{parameter.name: parameter.default for parameter in parameters[1:]})


@read_functions
def test_the_docstring_tells_of_every_option(read: Callable[..., Any]) -> None:
    documentation = inspect.getdoc(read) or ""
    assert "{options}" not in documentation
    for name in ("source", *mrrc.ReadOptions.__annotations__):
        assert f"\n{name} : " in documentation


def test_the_choices_of_types_and_documentation_are_the_same() -> None:
    documentation = inspect.getdoc(mrrc.read_table) or ""
    for name, annotation in inspect.get_annotations(mrrc.ReadOptions, eval_str=True).items():
        if str(get_origin(annotation)) == "typing.Literal":
            choices = ", ".join(f'"{choice}"' for choice in get_args(annotation))
            assert f"\n{name} : {{{choices}}}\n" in documentation


def test_every_public_name_is_documented() -> None:
    assert sorted(mrrc.__all__) == sorted(set(mrrc.__all__))
    for name in mrrc.__all__:
        assert getattr(mrrc, name).__doc__


def test_polars_names_its_options_the_same() -> None:
    theirs = inspect.signature(pl.scan_ndjson).parameters
    shared = {"n_rows", "row_index_name", "row_index_offset", "include_file_paths", "ignore_errors", "batch_size"}
    assert shared <= set(mrrc.ReadOptions.__annotations__)
    assert shared <= set(theirs)


def test_read_problems_writes_rejects_or_refuses_them(three: list[bytes], tmp_path: Path) -> None:
    out = tmp_path / "rejects"
    content = three[0] + b"00030 no MARC record\x1d"
    try:
        mrrc.read_problems(content, ignore_errors=True, rejects=out)
    except (TypeError, ValueError):
        return
    assert out.read_bytes() == b"00030 no MARC record\x1d"
