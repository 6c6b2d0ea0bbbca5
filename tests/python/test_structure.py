"""Records whose leader or directory is wrong are put right, and each repair is told."""

from __future__ import annotations

from typing import Any

import mrrc_arrow as mrrc
import pytest

from .marc import Entry, Field, assemble, book, control, data, directory, encode, encode_field, row, with_base
from .tiling import Account, assert_sound

FIELDS = [
    control("001", "ocm00000001"),
    data("100", ("a", "Pushkin, Aleksandr"), ind="1 "),
    data("245", ("a", "Капитанская дочка /"), ("c", "Александр Пушкин."), ind="10"),
    data("650", ("a", "Peasant uprisings"), ind=" 0"),
]
BODY = b"".join(encode_field(field) + b"\x1e" for field in FIELDS)
AROUND = encode(book(7))


def read_between(raw: bytes) -> tuple[list[Any], list[dict[str, Any]], Account]:
    """Read `raw` between two sound records; return its fields, its problems and the whole account."""
    account = assert_sound(AROUND + raw + AROUND)
    assert [found["fields"] for found in account.rows[::2]] == [book(7), book(7)]
    assert {problem["record"] for problem in account.problems} <= {1}
    return account.rows[1]["fields"], account.problems, account


def codes_of(problems: list[dict[str, Any]]) -> list[str]:
    return [problem["code"] for problem in problems]


def shifted(entry: Entry, *, by: int = 0, longer: int = 0) -> Entry:
    return entry._replace(start=max(0, entry.start + by), length=entry.length + longer)


@pytest.mark.parametrize("base", [0, 24, 25, 99_999, b"     ", b"abcde", -1, +1, +12])
def test_a_wrong_base_address_is_put_right(base: int | bytes) -> None:
    raw = encode(FIELDS)
    wrong = int(raw[12:17]) + base if base in (-1, 1, 12) else base
    fields, problems, _ = read_between(with_base(raw, wrong))
    assert fields == FIELDS
    assert codes_of(problems) == ["base_address_mismatch"]
    assert [problem["severity"] for problem in problems] == ["repair"]


@pytest.mark.parametrize("base", [0, 24, 99_999, b"abcde"])
def test_a_wrong_base_address_is_put_right_in_the_only_record(base: int | bytes) -> None:
    account = assert_sound(with_base(encode(FIELDS), base))
    assert [found["fields"] for found in account.rows] == [FIELDS]


@pytest.mark.parametrize("excess", [b"9", b"65", b"65000180003"])
def test_an_incomplete_last_entry_is_left_out(excess: bytes) -> None:
    raw = encode(FIELDS)
    base = int(raw[12:17])
    raw = raw[: base - 1] + excess + raw[base - 1 :]
    raw = b"%05d" % len(raw) + raw[5:12] + b"%05d" % (base + len(excess)) + raw[17:]
    fields, problems, _ = read_between(raw)
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_size"]


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 0, 3, 2], [2, 0, 3, 1]])
def test_entries_in_any_order_need_no_repair(order: list[int]) -> None:
    entries = directory(FIELDS)
    fields, problems, _ = read_between(assemble([entries[i] for i in order], BODY))
    assert fields == [FIELDS[i] for i in order]
    assert problems == []


def test_entries_that_share_data_each_get_it() -> None:
    entries = directory(FIELDS)
    twin = entries[2]._replace(tag=b"246")
    fields, problems, _ = read_between(assemble([*entries, twin], BODY))
    expected: Field = {**FIELDS[2], "tag": "246"}
    assert fields == [*FIELDS, expected]
    assert codes_of(problems) == ["shared_data"]


def test_data_without_an_entry_is_told_with_its_bytes() -> None:
    entries = directory(FIELDS)
    fields, problems, _ = read_between(assemble([entries[0], entries[2]], BODY))
    assert fields == [FIELDS[0], FIELDS[2]]
    assert codes_of(problems) == ["unreferenced_data"]
    assert problems[0]["raw"] == encode_field(FIELDS[1]) + b"\x1e" + encode_field(FIELDS[3]) + b"\x1e"


@pytest.mark.parametrize("off", [1, -1, 2, 5])
def test_starts_that_are_off_are_put_right(off: int) -> None:
    entries = [directory(FIELDS)[0], *[shifted(entry, by=off) for entry in directory(FIELDS)[1:]]]
    fields, problems, _ = read_between(assemble(entries, BODY))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


@pytest.mark.parametrize("off", [1, -1, 300])
def test_lengths_that_are_off_are_put_right(off: int) -> None:
    fields, problems, _ = read_between(assemble([shifted(e, longer=off) for e in directory(FIELDS)], BODY))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


def test_a_directory_that_counts_characters_is_put_right() -> None:
    entries, start = [], 0
    for field in FIELDS:
        length = len(encode_field(field).decode()) + 1
        entries.append(Entry(field["tag"].encode(), length, start))
        start += length
    fields, problems, _ = read_between(assemble(entries, BODY))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


def test_an_entry_that_spans_two_fields_is_put_right() -> None:
    entries = directory(FIELDS)
    entries[1] = shifted(entries[1], longer=entries[2].length)
    fields, problems, _ = read_between(assemble(entries, BODY))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


def test_entries_that_are_not_digits_pair_in_order() -> None:
    raw = encode(FIELDS)
    entry = raw.index(b"245", 24)
    raw = raw[: entry + 3] + b"abcdefghi" + raw[entry + 12 :]
    fields, problems, _ = read_between(raw)
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


def test_with_fewer_entries_than_fields_each_takes_the_piece_that_holds_its_start() -> None:
    entries = [shifted(entry, longer=1) for entry in directory(FIELDS)]
    entries[3] = shifted(entries[3], by=4)
    fields, problems, _ = read_between(assemble([entries[3], entries[0], entries[2]], BODY))
    assert fields == [FIELDS[3], FIELDS[0], FIELDS[2]]
    assert codes_of(problems) == ["directory_mismatch", "unreferenced_data"]
    assert problems[1]["raw"] == encode_field(FIELDS[1]) + b"\x1e"


def test_an_entry_that_points_nowhere_is_left_out_and_told_with_its_tag() -> None:
    entries = [*directory(FIELDS), Entry(b"999", 5, 5_000)]
    fields, problems, _ = read_between(assemble(entries, BODY))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch", "entry_without_field"]
    assert [problem["tag"] for problem in problems] == [None, "999"]


def test_a_last_field_without_a_terminator_comes_back() -> None:
    fields, problems, _ = read_between(assemble(directory(FIELDS), BODY[:-1]))
    assert fields == FIELDS
    assert codes_of(problems) == ["directory_mismatch"]


def test_many_entries_that_share_one_field_do_not_multiply_memory() -> None:
    entries = [Entry(b"520", 9_000, 0)] * 1_500
    raw = assemble(entries, encode_field(data("520", ("a", "x" * 8_995))) + b"\x1e")
    fields, problems, account = read_between(raw)
    assert len(fields) == 1_500
    total = sum(len(subfield["value"]) for field in fields for subfield in field["subfields"])
    assert total <= 5 * len(raw)
    assert {"shared_data", "shared_data_limit"} <= set(codes_of(problems))
    assert len(account.rows) == 3


def test_utf8_in_a_record_that_is_not_flagged_is_read_and_told() -> None:
    raw = encode(FIELDS, leader="nam  22 i 4500")
    fields, problems, _ = read_between(raw)
    assert fields == FIELDS
    assert codes_of(problems) == ["utf8_not_flagged"]


def test_leaders_tags_and_indicators_that_are_no_text_become_replacement_characters() -> None:
    raw = encode(FIELDS).replace(b"245", b"2\xe95", 1).replace(b"\x1e10\x1f", b"\x1e1\xff\x1f", 1)
    raw = raw[:6] + b"\xc0" + raw[7:]
    fields, problems, account = read_between(raw)
    assert fields == [*FIELDS[:2], {**FIELDS[2], "tag": "2\ufffd5", "ind2": "\ufffd"}, FIELDS[3]]
    assert account.rows[1]["leader"] == raw[:6].decode() + "\ufffd" + raw[7:24].decode()
    assert set(codes_of(problems)) == {"non_ascii_structure"}
    assert [problem["tag"] for problem in problems] == [None, "2\ufffd5"]


def test_a_directory_that_cuts_inside_a_character_never_makes_invalid_text() -> None:
    # The first field takes half a character of what should have been the second's.
    body = "1 \x1faé".encode() + b"\x1e" + "éé".encode() + b"\x1e"
    for start in range(8):
        for length in range(1, 8):
            raw = assemble([Entry(b"245", 6, 0), Entry(b"001", length, start)], body)
            account = assert_sound(AROUND + raw)
            for found in account.rows:
                assert str(found).encode()  # raises on anything but text


def test_repairs_are_counted_by_a_reader() -> None:
    raw = with_base(encode(FIELDS), 0)
    with mrrc.read_batches(raw * 3 + AROUND) as reader:
        assert sum(batch.num_rows for batch in reader) == 4
        assert reader.problems == {"base_address_mismatch": 3}


def test_a_sound_record_has_no_problems() -> None:
    raw = encode(FIELDS)
    assert mrrc.read_table(raw).to_pylist() == [row(raw, FIELDS)]
    assert mrrc.read_problems(raw).num_rows == 0
