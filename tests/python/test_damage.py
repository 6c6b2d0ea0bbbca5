"""Records that cannot be read: they raise by default, and are left out, counted and listed on demand."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pyarrow as pa
import pytest

from .marc import Entry, assemble, book, books, control, data, encode, encode_field, with_base
from .tiling import account_of, assert_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS: list[Callable[..., Any]] = [
    mrrc.read_table,
    mrrc.read_marc,
    lambda *args, **options: list(mrrc.read_batches(*args, **options)),
]
read_functions = pytest.mark.parametrize("read", READS, ids=["read_table", "read_marc", "read_batches"])


# Cut files


@read_functions
def test_a_cut_file_raises_by_default(read: Callable[..., Any], tmp_path: Path, three: list[bytes]) -> None:
    path = tmp_path / "cut.mrc"
    offset = len(three[0]) + len(three[1])
    path.write_bytes(b"".join(three)[:-1])
    with pytest.raises(mrrc.RecordError) as caught:
        read(path)
    error = caught.value
    assert isinstance(error, (mrrc.MrrcError, ValueError))
    assert (error.code, error.source, error.record, error.offset) == ("truncated", str(path), 2, offset)
    for part in (str(path), "record 2", f"byte {offset}", "truncated", "ignore_errors=True", "read_problems"):
        assert part in str(error)


def test_a_file_cut_anywhere_in_its_last_record_raises(tmp_path: Path, three: list[bytes]) -> None:
    whole = b"".join(three)
    offset = len(three[0]) + len(three[1])
    path = tmp_path / "cut.mrc"
    assert mrrc.read_table(whole[:offset]).num_rows == 2
    for end in range(offset + 1, len(whole)):
        path.write_bytes(whole[:end])
        sources: list[mrrc.Source] = [whole[:end], path]
        for source in sources:
            with pytest.raises(mrrc.RecordError) as caught:
                mrrc.read_table(source)
            error = caught.value
            assert (error.code, error.record, error.offset) == ("truncated", 2, offset)
            assert error.source == (str(path) if source is path else None)
            with pytest.warns(mrrc.MrrcWarning) as warned:
                table = mrrc.read_table(source, ignore_errors=True)
            assert table["fields"].to_pylist() == [book(0), book(1)]
            assert len(warned) == 1
            assert warned[0].filename == __file__


def test_a_file_of_one_record_cut_anywhere_raises(three: list[bytes]) -> None:
    for end in range(1, len(three[0])):
        with pytest.raises(mrrc.RecordError) as caught:
            mrrc.read_table(three[0][:end])
        assert (caught.value.code, caught.value.record, caught.value.offset) == ("truncated", 0, 0), end


def test_a_cut_file_in_a_list_is_named(tmp_path: Path, three: list[bytes]) -> None:
    paths = [tmp_path / f"{name}.mrc" for name in "abc"]
    for path in paths:
        path.write_bytes(b"".join(three))
    paths[1].write_bytes(b"".join(three)[:-20])
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.read_table(tmp_path / "*.mrc")
    error = caught.value
    # Records are counted over all sources, offsets in each.
    assert (error.source, error.record, error.offset) == (str(paths[1]), 5, len(three[0]) + len(three[1]))
    with pytest.warns(mrrc.MrrcWarning, match="^1 record"):
        assert mrrc.read_table(tmp_path / "*.mrc", ignore_errors=True).num_rows == 8


def test_offsets_in_gzip_are_of_the_decompressed_bytes(three: list[bytes]) -> None:
    packed = gzip.compress(three[0]) + gzip.compress(three[1] + three[2][:-5])
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.read_table(packed)
    assert (caught.value.record, caught.value.offset) == (2, len(three[0]) + len(three[1]))


def test_the_cut_record_is_listed_with_its_bytes(three: list[bytes]) -> None:
    content = b"".join(three)[:-7]
    (problem,) = mrrc.read_problems(content).to_pylist()
    message = problem.pop("message")
    assert "download" in message
    assert problem == {
        "source": None,
        "record": 2,
        "offset": len(three[0]) * 2,
        "length": len(three[2]) - 7,
        "tag": None,
        "code": "truncated",
        "severity": "reject",
        "rejected": True,
        "raw": three[2][:-7],
    }


# Other rejects

MARC8 = encode([control("001", "1"), data("245", ("a", "Caf~e"))], leader="nam  22 i 4500")
REJECTS = {
    "too_short": b"00012nam\x1d",
    "no_directory": b"00060nam a2200049 i 4500001000200000245000700002 no end\x1d",
    "not_marc": with_base(assemble([Entry(b"\x41\x42\x43", 0, 0)], b""), b"bases").replace(b"000000000", b"ninechars"),
}
INVALID = encode([data("245", ("a", "Caf~"))]).replace(b"~", b"\xe9")


@pytest.mark.parametrize("code", REJECTS)
@pytest.mark.parametrize("batch_size", [None, 1])
def test_a_rejected_record_raises_or_is_left_out(code: str, batch_size: int | None) -> None:
    content = encode(book(0)) + REJECTS[code] + encode(book(1))
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.read_table(content, batch_size=batch_size)
    error = caught.value
    assert (error.code, error.record, error.offset, error.source) == (code, 1, len(encode(book(0))), None)
    assert code in str(error)
    with pytest.warns(mrrc.MrrcWarning, match=f"^1 record.*{code} 1"):
        table = mrrc.read_table(content, ignore_errors=True, batch_size=batch_size)
    assert table["fields"].to_pylist() == [book(0), book(1)]
    (problem,) = mrrc.read_problems(content).to_pylist()
    assert (problem["code"], problem["severity"], problem["raw"]) == (code, "reject", REJECTS[code])


def test_rejects_of_every_kind_tile_with_the_rest() -> None:
    content = b"\n".join([part for reject in REJECTS.values() for part in (encode(book(0)), reject)])
    account = assert_sound(content)
    assert [problem["code"] for problem in account.rejects] == list(REJECTS)
    assert len(account.rows) == len(REJECTS)


def test_bad_text_in_one_record_leaves_its_neighbours_text_alone() -> None:
    # Invalid text in a batch must not spread, nor let unchecked text through.
    good = [control("001", "ok"), data("245", ("a", "Капитанская дочка"), ("b", "é"))]
    account = assert_sound((encode(good) + INVALID) * 20 + MARC8.replace(b"~", b"e"))
    assert len(account.rows) == 41
    assert account.codes == ["invalid_utf8"] * 20
    rows = mrrc.read_table((encode(good) + INVALID) * 20)["fields"].to_pylist()
    assert rows == [good, [data("245", ("a", "Caf\ufffd"))]] * 20


def test_the_first_reject_in_the_order_of_the_input_raises() -> None:
    content = b"".join(books(500)) + REJECTS["too_short"] + b"".join(books(500)) + REJECTS["no_directory"]
    for batch_size in (1, 10, 1000, None):
        with pytest.raises(mrrc.RecordError) as caught:
            mrrc.read_table(content, batch_size=batch_size)
        assert (caught.value.code, caught.value.record) == ("too_short", 500)


def test_one_warning_sums_up_a_read() -> None:
    content = b"".join([*REJECTS.values(), *REJECTS.values(), encode(book(0))[:-3]])
    with pytest.warns(mrrc.MrrcWarning, match="^7 record") as caught:
        assert mrrc.read_marc(content, ignore_errors=True).height == 0
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert all(f"{code} 2" in message for code in REJECTS)
    assert "truncated 1" in message
    assert "read_problems" in message


def test_the_warning_has_what_was_left_out_and_no_repairs() -> None:
    with pytest.warns(mrrc.MrrcWarning, match=r"left out \(too_short 1\); read_problems"):
        mrrc.read_table(b"\n".join([encode(book(0)), INVALID, REJECTS["too_short"]]), ignore_errors=True)


def test_a_run_of_64_mib_without_a_cut_is_rejected_in_pieces(three: list[bytes]) -> None:
    run = b"00100nam a2200049 i 4500001000200000\x1e" + b"x" * (70 << 20)
    content = three[0] + run + b"\x1e\x1d" + three[1]
    account = account_of(content)
    assert [found["fields"] for found in account.rows] == [book(0), book(1)]
    assert account.rejects[0]["code"] == "no_terminator"
    assert account.rejects[0]["length"] == 64 << 20
    assert sum(problem["length"] for problem in account.rejects) == len(run) + 2


# The table of problems


def test_read_problems_has_the_documented_columns() -> None:
    expected = {
        "source": pa.string(),
        "record": pa.uint64(),
        "offset": pa.uint64(),
        "length": pa.uint64(),
        "tag": pa.string(),
        "code": pa.string(),
        "severity": pa.string(),
        "rejected": pa.bool_(),
        "message": pa.string(),
    }
    for source in (b"", b"".join(REJECTS.values())):
        schema = mrrc.read_problems(source).schema
        assert schema.names == [*expected, "raw"]
        assert {name: schema.field(name).type for name in expected} == expected
        assert schema.field("raw").type in (pa.binary(), pa.large_binary(), pa.binary_view())


def test_read_problems_lists_all_in_the_order_of_the_input(tmp_path: Path, three: list[bytes]) -> None:
    path = tmp_path / "some.mrc"
    path.write_bytes(b"\n" + three[0][:-1] + three[1] + REJECTS["too_short"])
    table = mrrc.read_problems([path, three[0], with_base(three[1], 0) + b"\0", path])
    found = table.select(["source", "record", "code", "severity"]).to_pylist()
    in_file = [(None, "junk", "junk"), (0, "missing_terminator", "repair"), (2, "too_short", "reject")]
    in_memory = [(4, "base_address_mismatch", "repair"), (None, "junk", "junk")]
    again = [(None, "junk", "junk"), (5, "missing_terminator", "repair"), (7, "too_short", "reject")]
    assert [tuple(problem.values()) for problem in found] == [
        *[(str(path), *problem) for problem in in_file],
        *[(None, *problem) for problem in in_memory],
        *[(str(path), *problem) for problem in again],
    ]


def test_read_problems_never_raises_or_warns_for_a_record() -> None:
    content = b"".join(REJECTS.values())
    for ignore_errors in (False, True):
        codes = mrrc.read_problems(content, ignore_errors=ignore_errors)["code"].to_pylist()
        assert codes == list(REJECTS)


def test_read_problems_tells_what_a_table_could_not_hold() -> None:
    # Only with categorical columns are there too many codes for one record.
    crowded = encode([data("245", *[(chr(0x100 + i), "v") for i in range(300)])])
    assert mrrc.read_problems(crowded)["code"].to_pylist() == ["dictionary_full"]
    assert mrrc.read_problems(crowded, categorical=False).num_rows == 0


def test_n_rows_bounds_what_read_problems_looks_at(three: list[bytes]) -> None:
    content = b"\n" + three[0][:-1] + three[1][:-1] + three[2][:-1]
    codes = [mrrc.read_problems(content, n_rows=n)["code"].to_pylist() for n in range(3)]
    assert codes == [[], ["junk", "missing_terminator"], ["junk", "missing_terminator", "missing_terminator"]]


def test_raw_has_what_no_field_got() -> None:
    stray = data("500", ("a", "nobody points at me"))
    body = encode_field(control("001", "1")) + b"\x1e" + encode_field(stray) + b"\x1e"
    (problem,) = mrrc.read_problems(assemble([Entry(b"001", 2, 0)], body)).to_pylist()
    assert (problem["code"], problem["raw"]) == ("unreferenced_data", encode_field(stray) + b"\x1e")
