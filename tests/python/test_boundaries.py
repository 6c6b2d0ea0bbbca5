"""Where records begin and end: the one boundary rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

from .marc import book, books, control, data, encode, row, with_length
from .tiling import Account, assert_sound

if TYPE_CHECKING:
    from pathlib import Path

JUNK = {
    "line feeds": b"\n\n",
    "carriage return and line feed": b"\r\n",
    "blanks": b" " * 7,
    "NUL": b"\0" * 100,
    "Ctrl-Z": b"\x1a",
    "BOM": b"\xef\xbb\xbf",
    "two BOMs": b"\xef\xbb\xbf" * 2,
    "a lone record terminator": b"\x1d",
    "some of each": b"\x1d\r\n \0\x1a\xef\xbb\xbf\x1d\n",
    "over a piece": b"\n" * 200_000,
    "NULs over a piece": b"\0" * 200_000,
}


def fields_of(account: Account) -> list[Any]:
    """Return the fields of each row."""
    return [found["fields"] for found in account.rows]


def assert_books(account: Account, count: int) -> None:
    """Check that the rows are the records of `books`, whatever their leaders say."""
    assert fields_of(account) == [book(number) for number in range(count)]


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("where", ["before", "between", "after"])
def test_junk_around_records_is_skipped_and_counted(junk: bytes, where: str, three: list[bytes]) -> None:
    parts = {"before": (junk, b"", b""), "between": (b"", junk, b""), "after": (b"", b"", junk)}
    before, between, after = parts[where]
    content = before + between.join(three) + after
    account = assert_sound(content)
    assert_books(account, 3)
    assert set(account.codes) == {"junk"}
    assert {problem["severity"] for problem in account.problems} == {"junk"}
    assert len(account.problems) == (2 if where == "between" else 1) * -(-len(junk) // 65_536)
    assert sum(problem["length"] for problem in account.problems) == len(junk) * (2 if where == "between" else 1)
    assert {problem["record"] for problem in account.problems} == {None}


def test_junk_is_counted_by_a_reader(three: list[bytes]) -> None:
    with mrrc.read_batches(b"\n" + b"\r\n".join(three)) as reader:
        assert sum(batch.num_rows for batch in reader) == 3
        assert reader.problems == {"junk": 3}


@pytest.mark.parametrize("wrong", [2, 1, -1, -2, 17, -40, 10_000, 99_000])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_wrong_length_cuts_at_the_terminator(wrong: int, which: int, three: list[bytes]) -> None:
    three[which] = with_length(three[which], len(three[which]) + wrong)
    account = assert_sound(b"".join(three))
    assert_books(account, 3)
    assert account.codes == ["length_mismatch"]
    assert (account.problems[0]["record"], account.problems[0]["length"]) == (which, len(three[which]))


@pytest.mark.parametrize("length", [b"00000", b"00025", b"abcde", b"-0001", b"1 234", b"99999"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_length_that_is_none_cuts_at_the_terminator(length: bytes, which: int, three: list[bytes]) -> None:
    three[which] = with_length(three[which], length)
    account = assert_sound(b"".join(three))
    assert_books(account, 3)
    assert account.codes == ["length_mismatch"]


@pytest.mark.parametrize("separator", [b"", b"\r\n", b" \n\x1d"])
def test_a_length_that_spans_records_loses_none(separator: bytes) -> None:
    five = books(5)
    five[1] = with_length(five[1], sum(map(len, five[1:4])) + 2 * len(separator))
    account = assert_sound(separator.join(five))
    assert_books(account, 5)
    assert [code for code in account.codes if code != "junk"] == ["length_spans_records"]


def test_every_length_too_long_by_two_loses_no_record() -> None:
    content = b"".join(with_length(raw, len(raw) + 2) for raw in books(50))
    account = assert_sound(content)
    assert_books(account, 50)
    assert account.codes == ["length_mismatch"] * 50


@pytest.mark.parametrize("separator", [b"", b"\n", b"\r\n", b"   \0"])
def test_a_missing_terminator_cuts_before_the_next_leader(separator: bytes, three: list[bytes]) -> None:
    content = three[0][:-1] + separator + three[1][:-1] + separator + three[2]
    account = assert_sound(content)
    assert_books(account, 3)
    repairs = [problem for problem in account.problems if problem["severity"] == "repair"]
    assert [(problem["record"], problem["code"]) for problem in repairs] == [
        (0, "missing_terminator"),
        (1, "missing_terminator"),
    ]
    assert [problem["length"] for problem in repairs] == [len(three[0]) - 1, len(three[1]) - 1]


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_removing_the_terminator_of_every_tenth_record_loses_no_record(sample: Path, kind: str, tmp_path: Path) -> None:
    expected = mrrc.read_table(sample, string_type="large_string")
    spans = mrrc.scan_record_boundaries(sample.read_bytes())
    raws = [sample.read_bytes()[at : at + length] for at, length in spans]
    content = b"".join(raw[:-1] if number % 10 == 3 else raw for number, raw in enumerate(raws))
    path = tmp_path / "without.mrc"
    path.write_bytes(content)
    source: mrrc.Source = content if kind == "memory" else path
    assert mrrc.read_table(source, string_type="large_string").equals(expected)
    assert mrrc.read_problems(source)["code"].to_pylist() == ["missing_terminator"] * 30


@pytest.mark.parametrize("value", ["a\x1db", "\x1d", "x\x1d\x1d\x1dy", "00714\x1dcam", "\x1d00714cam a22"])
def test_a_terminator_within_data_is_data(value: str) -> None:
    fields = [control("001", value), data("245", ("a", value), ("b", "end"))]
    raw = encode(fields)
    account = assert_sound(raw * 3)
    assert fields_of(account) == [fields] * 3
    assert account.problems == []


def test_a_strong_boundary_cuts_whatever_the_length_says(three: list[bytes]) -> None:
    # One record that, by its own length and directory, has three others in a field of it.
    raw = encode([control("001", "outer"), data("900", ("a", "x" + b"".join(three).decode()))])
    account = assert_sound(raw)
    assert fields_of(account) == [book(0), book(1), book(2)]
    assert account.codes == ["truncated", "too_short"]


def test_control_fields_of_digits_are_no_leaders() -> None:
    fields = [
        control("001", "190204s19881987xxufrz 12345 eng"),
        control("005", "20260630120000.0"),
        control("008", "00714cam a2200205 a 4500001001000000003000700010"),
        data("245", ("a", "x"), ind="10"),
    ]
    raw = encode(fields)
    account = assert_sound(with_length(raw, 0) + with_length(raw, 99999) + raw)
    assert fields_of(account) == [fields] * 3


@pytest.mark.parametrize("blanks", [1, 2])
@pytest.mark.parametrize("separator", [b"", b"\n", b" ", b"\n    ", b"\x1d"])
def test_leading_blanks_of_a_length_belong_to_the_leader(blanks: int, separator: bytes, three: list[bytes]) -> None:
    padded = [b" " * blanks + raw[blanks:] for raw in three]
    account = assert_sound(separator + separator.join(padded))
    assert_books(account, 3)
    assert [found["leader"] for found in account.rows] == [raw[:24].decode() for raw in padded]
    assert {found["length"] for found in account.rows} == {len(raw) for raw in padded}
    assert set(account.codes) <= {"junk"}


@pytest.mark.parametrize("size", [12, 40])
def test_records_longer_than_a_leader_can_say_are_read(size: int, three: list[bytes]) -> None:
    fields = [control("001", "long"), *[data("520", ("a", f"{n} " + "x" * 9_000)) for n in range(size)]]
    raw = encode(fields)
    assert len(raw) > 100_000
    account = assert_sound(three[0] + raw + three[1] + raw)
    assert fields_of(account) == [book(0), fields, book(1), fields]
    assert account.rows[1]["leader"].startswith("99999")
    assert account.rows[1]["length"] == len(raw)
    assert set(account.codes) <= {"length_mismatch", "directory_mismatch"}


def test_scan_record_boundaries_finds_the_records_that_a_table_has(three: list[bytes]) -> None:
    content = b"\n" + three[0] + b"\r\n" + three[1][:-1] + with_length(three[2], 3) + three[0] + three[1][:50]
    pairs = mrrc.scan_record_boundaries(content)
    account = assert_sound(content)
    assert pairs == [(found["offset"], found["length"]) for found in account.rows]
    assert len(pairs) == 4
    for kind in (bytearray, memoryview):
        assert mrrc.scan_record_boundaries(kind(content)) == pairs
    for limit in range(6):
        assert mrrc.scan_record_boundaries(content, limit) == pairs[:limit]
    assert mrrc.scan_record_boundaries(content, limit=None) == pairs
    assert mrrc.scan_record_boundaries(b"") == mrrc.scan_record_boundaries(b"\n\0") == []
    with pytest.raises(TypeError, match="bytes, bytearray or memoryview, not str"):
        mrrc.scan_record_boundaries("text")  # type: ignore[arg-type]


def test_rows_are_what_the_records_say(three: list[bytes]) -> None:
    found = mrrc.read_table(b"\r\n".join(three)).to_pylist()
    assert found == [row(raw, book(number)) for number, raw in enumerate(three)]
