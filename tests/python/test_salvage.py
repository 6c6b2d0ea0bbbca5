"""Faults of real files, each with what is made of it: nothing is swallowed, and no field gets another's data."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

from .marc import Entry, Field, assemble, book, books, control, data, directory, encode, encode_field, with_length
from .tiling import Account, account_of, assert_sound

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = [
    control("001", "ocm00000001"),
    control("008", "860506s1957    nyuac         000 1 eng  "),
    data("100", ("a", "Pushkin, Aleksandr"), ind="1 "),
    data("245", ("a", "Капитанская дочка /"), ("c", "Александр Пушкин."), ind="10"),
    data("650", ("a", "Peasant uprisings"), ind=" 0"),
]
BODY = b"".join(encode_field(field) + b"\x1e" for field in FIELDS)
AROUND = encode(book(7))


def between(raw: bytes) -> tuple[list[Field], list[str], Account]:
    """Read `raw` between two sound records; return its fields, the codes of its problems and the whole account."""
    account = assert_sound(AROUND + raw + AROUND)
    assert [row["fields"] for row in account.rows[::2]] == [book(7), book(7)]
    return account.rows[1]["fields"], account.codes, account


def by_characters(fields: Sequence[Field]) -> list[Entry]:
    """Make a directory that counts characters."""
    entries, start = [], 0
    for field in fields:
        length = len(encode_field(field).decode()) + 1
        entries.append(Entry(field["tag"].encode(), length, start))
        start += length
    return entries


# Records that others would swallow


def found(account: Account) -> list[list[Field]]:
    """Return the fields of every row."""
    return [row["fields"] for row in account.rows]


@pytest.mark.parametrize("put", [b"", b".", b"\n", b"\x00"])
@pytest.mark.parametrize("separator", [b"", b"\n", b"\r\n"])
def test_a_record_whose_terminator_is_another_byte_swallows_none(put: bytes, separator: bytes) -> None:
    three = books(3)
    three[0] = three[0][:-1] + put
    account = assert_sound(separator.join(three))
    assert found(account) == [book(0), book(1), book(2)]
    assert "missing_terminator" in account.codes


def test_a_file_in_which_all_terminators_are_other_bytes_is_read() -> None:
    account = assert_sound(b"".join(raw[:-1] + b"." for raw in books(5)))
    assert found(account) == [book(number) for number in range(5)]


@pytest.mark.parametrize("cut", [30, 60, 100, 150, 200, 250, 300])
@pytest.mark.parametrize("separator", [b"", b"\n"])
def test_a_record_that_is_cut_in_the_middle_of_a_file_swallows_none(cut: int, separator: bytes) -> None:
    three = books(3)
    account = assert_sound(separator.join([three[0], three[1][:cut], three[2]]))
    assert found(account) == [book(0), book(2)]
    (reject,) = account.rejects
    # What stands between records is the cut one's, whose end nobody knows.
    assert (reject["code"], reject["record"], reject["raw"]) == ("truncated", 1, three[1][:cut] + separator)


@pytest.mark.parametrize("stray", [b"\t", b"\x0c", b"\xff", b"\xc2\xa0", b"<br>", b"00914", b"HTTP/1.1 200 OK\r\n"])
def test_stray_bytes_before_a_record_are_rejects(stray: bytes) -> None:
    account = assert_sound(stray.join([b"", *books(3)]))
    assert found(account) == [book(0), book(1), book(2)]
    assert [(problem["code"], problem["raw"]) for problem in account.problems] == [("too_short", stray)] * 3
    longer = b"Content-Type: application/marc; " + stray
    account = assert_sound(AROUND + longer + AROUND)
    assert found(account) == [book(7), book(7)]
    assert [(problem["code"], problem["raw"]) for problem in account.problems] == [("not_marc", longer)]


def test_a_blank_length_belongs_to_its_leader() -> None:
    three = books(3)
    account = assert_sound(b"".join(b"     " + raw[5:] for raw in three))
    assert found(account) == [book(0), book(1), book(2)]
    assert [row["leader"] for row in account.rows] == ["     " + raw[5:24].decode() for raw in three]
    assert set(account.codes) == {"length_mismatch"}


def test_a_wrong_length_and_a_terminator_in_the_data() -> None:
    raw = encode([control("001", "1"), data("245", ("a", "half\x1dhalf")), data("650", ("a", "x"))])
    account = assert_sound(with_length(raw, 70) + AROUND)
    # Nothing tells which terminator is the record's: the first is. The rest is a reject, and not lost.
    assert found(account)[-1] == book(7)
    assert [problem["severity"] for problem in account.problems if problem["rejected"]] == ["reject"]


# Directories


def test_a_directory_that_counts_characters_and_is_not_in_order() -> None:
    entries = by_characters(FIELDS)
    fields, codes, _ = between(assemble([entries[i] for i in (0, 1, 4, 3, 2)], BODY))
    assert fields == [FIELDS[i] for i in (0, 1, 4, 3, 2)]
    assert codes == ["directory_mismatch"]


def test_a_directory_that_counts_characters_of_a_field_with_a_terminator_in_it() -> None:
    fields = [*FIELDS[:4], data("500", ("a", "one\x1etwo"))]
    body = b"".join(encode_field(field) + b"\x1e" for field in fields)
    found_fields, codes, _ = between(assemble(by_characters(fields), body))
    assert found_fields == fields
    assert codes == ["directory_mismatch"]


def test_a_field_with_a_terminator_in_it() -> None:
    fields = [*FIELDS[:3], data("500", ("a", "one\x1etwo")), FIELDS[4]]
    body = b"".join(encode_field(field) + b"\x1e" for field in fields)
    found_fields, codes, _ = between(assemble(directory(fields), body))
    assert found_fields == fields
    assert codes == ["terminator_in_field"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_field_terminator_that_is_missing(number: int) -> None:
    at = sum(len(encode_field(field)) + 1 for field in FIELDS[: number + 1]) - 1
    fields, codes, _ = between(assemble(directory(FIELDS), BODY[:at] + BODY[at + 1 :]))
    assert fields == FIELDS
    assert codes == ["missing_field_terminator"]
    # Another byte in its place is kept.
    fields, codes, _ = between(assemble(directory(FIELDS), BODY[:at] + b"|" + BODY[at + 1 :]))
    assert [field["tag"] for field in fields] == [field["tag"] for field in FIELDS]
    assert encode_field(fields[number]) == encode_field(FIELDS[number]) + b"|"
    assert fields[:number] + fields[number + 1 :] == FIELDS[:number] + FIELDS[number + 1 :]
    assert codes == ["missing_field_terminator"]


@pytest.mark.parametrize("put", [b"", b"\x1f", b"0", b"\n"])
def test_a_directory_terminator_that_is_missing(put: bytes) -> None:
    raw = encode(FIELDS)
    at = raw.index(b"\x1e")
    raw = raw[:at] + put + raw[at + 1 :]
    # Its base address is where the data begin.
    base = at + len(put)
    raw = b"%05d" % len(raw) + raw[5:12] + b"%05d" % base + raw[17:]
    account = assert_sound(AROUND + raw)
    assert found(account) == [book(7), FIELDS]
    assert account.codes == ["missing_directory_terminator"]


@pytest.mark.parametrize("length", [16, 20, 22, 23, 25, 26, 29, 30])
@pytest.mark.parametrize("characters", [False, True])
def test_a_leader_of_another_length(length: int, characters: bool) -> None:
    raw = assemble(by_characters(FIELDS) if characters else directory(FIELDS), BODY)
    leader = (raw[5:24] + b"xxxxxx")[: length - 5]
    raw = b"%05d" % (len(raw) + length - 24) + leader + raw[24:]
    account = assert_sound(AROUND + raw)
    assert found(account) == [book(7), FIELDS]
    assert account.rows[1]["leader"] == raw[: min(length, 24)].decode().ljust(24)
    codes = set(account.codes) - {"base_address_mismatch", "utf8_not_flagged"}
    assert codes == ({"leader_length", "directory_mismatch"} if characters else {"leader_length"})


def test_line_breaks_after_every_terminator() -> None:
    raw = encode(FIELDS).replace(b"\x1e", b"\x1e\n")
    fields, codes, _ = between(with_length(raw, len(raw)))
    assert fields == FIELDS
    assert codes == ["directory_mismatch", "unreferenced_data"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_breaks_within_the_directory(end: bytes) -> None:
    raw = encode(FIELDS)
    raw = raw[:40] + end + raw[40:60] + end + raw[60:]
    fields, codes, account = between(raw)
    assert fields == FIELDS
    assert set(codes) == {"length_mismatch", "directory_size", "base_address_mismatch"}
    (lost,) = [problem["raw"] for problem in account.problems if problem["code"] == "directory_size"]
    assert lost == end * 2


def test_blanks_before_the_record_terminator() -> None:
    raw = encode(FIELDS)
    fields, codes, account = between(with_length(raw[:-1] + b"  \r\n\x1d", len(raw)))
    assert fields == FIELDS
    assert codes == ["length_mismatch", "unreferenced_data"]
    assert account.problems[-1]["raw"] == b"  \r\n"


def test_one_wrong_start_moves_no_other_field() -> None:
    for number in range(len(FIELDS)):
        for start in (0, 43, 60, 150, 90_002):
            entries = directory(FIELDS)
            entries[number] = entries[number]._replace(start=start)
            fields, _, _ = between(assemble(entries, BODY))
            assert fields == FIELDS


def test_a_start_within_another_field_does_not_tear_it() -> None:
    entries = directory(FIELDS)
    inside = entries[3].start + 20
    some = [*entries[:2], entries[3], entries[4]._replace(start=inside)]
    fields, codes, _ = between(assemble(some, BODY))
    assert fields[:3] == [FIELDS[0], FIELDS[1], FIELDS[3]]
    assert "directory_mismatch" in codes or "unreferenced_data" in codes


@pytest.mark.parametrize("order", [[0, 4, 2, 3, 1], [0, 1, 2, 4, 3]])
def test_line_breaks_within_a_directory_that_is_not_in_order(order: list[int]) -> None:
    entries = directory(FIELDS)
    raw = assemble([entries[i] for i in order], BODY)
    fields, _, _ = between(raw[:36] + b"\n" + raw[36:])
    assert fields == [FIELDS[i] for i in order]


@pytest.mark.parametrize("characters", [False, True])
def test_a_directory_terminator_that_is_missing_out_of_order(characters: bool) -> None:
    entries = by_characters(FIELDS) if characters else directory(FIELDS)
    entries = [entries[i] for i in (0, 1, 4, 3, 2)]
    raw = assemble(entries, BODY)
    at = raw.index(b"\x1e")
    raw = raw[:at] + b"!" + raw[at + 1 :]
    account = assert_sound(AROUND + raw)
    assert found(account)[1] == [FIELDS[i] for i in (0, 1, 4, 3, 2)]
    expected = ["missing_directory_terminator", *["directory_mismatch"] * characters]
    assert account.codes == expected
    # A wrong length besides: there is an entry for each piece, and the order of starts fits better.
    entries[1] = entries[1]._replace(length=99)
    raw = assemble(entries, BODY)
    account = assert_sound(AROUND + raw[:at] + b"!" + raw[at + 1 :])
    assert found(account)[1] == [FIELDS[i] for i in (0, 1, 4, 3, 2)]
    assert account.codes == ["missing_directory_terminator", "directory_mismatch"]


@pytest.mark.parametrize("characters", [False, True])
def test_another_byte_for_the_record_terminator_is_no_field(characters: bool) -> None:
    entries = by_characters(FIELDS) if characters else directory(FIELDS)
    fields, codes, account = between(assemble(entries, BODY)[:-1] + b".")
    assert fields == FIELDS
    expected = ["missing_terminator", *["directory_mismatch"] * characters, "unreferenced_data"]
    assert codes == ([*expected[1:]] if codes[0] != "missing_terminator" else expected)
    assert account.problems[-1]["raw"] == b"."


def test_a_title_that_looks_like_the_mark_of_a_tar_archive() -> None:
    title = data("245", ("a", "Grey Poupon, a history of mustard and other pastes"))
    records = [encode([control("001", "x" * length), title]) for length in range(150, 200)]
    assert any(raw[257:262] == b"ustar" for raw in records)
    for raw in records:
        for source in (raw, io.BytesIO(raw)):
            assert mrrc.read_table(source).num_rows == 1


def test_leaders_of_a_reader_are_those_of_the_table() -> None:
    raw = assemble(directory(FIELDS), BODY)
    short = b"%05d" % (len(raw) - 2) + raw[5:22] + raw[24:]
    (record,) = mrrc.MARCReader(short)
    assert record is not None
    assert str(record.leader) == mrrc.read_table(short)["leader"][0].as_py() == short[:22].decode() + "  "


# Numbers that have no room


def long_record(fields: Sequence[Field]) -> bytes:
    """Encode fields with lengths and starts cut to the digits that there are, from the left."""
    body, entries = b"", b""
    for field in fields:
        text = encode_field(field) + b"\x1e"
        entries += field["tag"].encode() + b"%04d%05d" % (len(text) % 10_000, len(body) % 100_000)
        body += text
    base = 24 + len(entries) + 1
    leader = b"%05dnam a22%05d i 4500" % ((base + len(body) + 1) % 100_000, base % 100_000)
    return leader + entries + b"\x1e" + body + b"\x1d"


def test_a_record_whose_numbers_are_cut_to_their_digits() -> None:
    fields = [control("001", "1"), *[data("500", ("a", f"{number} " + "x" * 900)) for number in range(150)]]
    found_fields, codes, _ = between(long_record(fields))
    assert found_fields == fields
    assert codes == ["length_mismatch", "directory_mismatch"]


def test_a_field_whose_length_is_cut_to_its_digits() -> None:
    fields = [control("001", "1"), data("520", ("a", "x" * 12_000)), data("650", ("a", "y"))]
    found_fields, codes, _ = between(long_record(fields))
    assert found_fields == fields
    assert codes == ["directory_mismatch"]


@pytest.mark.parametrize("length", [b"0O308", b"l0308", b"-----", b"^^^^^", b"+0308", b"003 8"])
def test_a_length_with_other_characters(length: bytes) -> None:
    fields, codes, _ = between(length + encode(FIELDS)[5:])
    assert fields == FIELDS
    assert codes == ["length_mismatch"]


def test_a_last_record_without_its_terminator() -> None:
    account = account_of(AROUND + encode(FIELDS)[:-1] + b"\x00")
    assert found(account) == [book(7), FIELDS]
    assert account.codes == ["missing_terminator", "unreferenced_data"]


def test_a_cut_in_a_directory_is_no_reading_of_it() -> None:
    """What is told apart by exact sums is not taken for it by others."""
    entries = directory(FIELDS)
    # Lengths that account for one byte too many, and starts that follow from them.
    wrong: list[Any] = [entries[0]._replace(length=entries[0].length + 1)]
    wrong += [entry._replace(start=entry.start + 1) for entry in entries[1:]]
    fields, codes, _ = between(assemble(wrong, BODY))
    assert fields == FIELDS
    assert codes == ["directory_mismatch"]
