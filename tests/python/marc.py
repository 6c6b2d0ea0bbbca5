"""A small ISO 2709 encoder, independent of the package under test, and what its records should come back as."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECORD_TERMINATOR = b"\x1d"
FIELD_TERMINATOR = b"\x1e"
DELIMITER = b"\x1f"

StringType: TypeAlias = Literal["view", "large_string", "string"]


class Subfield(TypedDict):
    """A subfield as a row has it."""

    code: str
    value: str


class Field(TypedDict):
    """A field as a row has it."""

    tag: str
    ind1: str | None
    ind2: str | None
    value: str | None
    subfields: list[Subfield] | None


class Row(TypedDict):
    """A record as a row of ``layout="records"``."""

    leader: str
    control_number: str | None
    fields: list[Field]


class Entry(NamedTuple):
    """A directory entry."""

    tag: bytes
    length: int
    start: int

    def encode(self) -> bytes:
        """Return the twelve bytes, with numbers that do not fit cut off at their largest."""
        return self.tag + b"%04d%05d" % (min(self.length, 9999), min(self.start, 99999))


def control(tag: str, value: str) -> Field:
    """Make a control field."""
    return {"tag": tag, "ind1": None, "ind2": None, "value": value, "subfields": None}


def data(tag: str, *subfields: tuple[str, str], ind: str = "  ", text: str | None = None) -> Field:
    """Make a data field; `ind` has up to two characters, `text` stands before the first delimiter."""
    return {
        "tag": tag,
        "ind1": ind[0] if ind else None,
        "ind2": ind[1] if len(ind) > 1 else None,
        "value": text,
        "subfields": [{"code": code, "value": value} for code, value in subfields],
    }


def encode_field(field: Field) -> bytes:
    """Return the bytes of a field without its terminator."""
    head = "".join(field[part] or "" for part in ("ind1", "ind2", "value"))
    subfields = "".join(f"\x1f{s['code']}{s['value']}" for s in field["subfields"] or [])
    return (head + subfields).encode()


def directory(fields: Iterable[Field]) -> list[Entry]:
    """Return the entries for fields that lie one after the other."""
    entries, start = [], 0
    for field in fields:
        length = len(encode_field(field)) + 1
        entries.append(Entry(field["tag"].encode(), length, start))
        start += length
    return entries


def assemble(entries: Sequence[Entry], body: bytes, *, leader: str = "nam a22 i 4500") -> bytes:
    """Put a record together; `leader` has positions 5-11 and 17-23.

    Length and base address are right as far as they fit five digits.
    """
    listing = b"".join(entry.encode() for entry in entries) + FIELD_TERMINATOR
    base = 24 + len(listing)
    length = base + len(body) + 1
    head = b"%05d" % min(length, 99999) + leader[:7].encode() + b"%05d" % min(base, 99999) + leader[7:].encode()
    return head + listing + body + RECORD_TERMINATOR


def encode(fields: Sequence[Field], *, leader: str = "nam a22 i 4500") -> bytes:
    """Return a well-formed record."""
    body = b"".join(encode_field(field) + FIELD_TERMINATOR for field in fields)
    return assemble(directory(fields), body, leader=leader)


def row(raw: bytes, fields: Sequence[Field]) -> Row:
    """Return what a record should come back as."""
    numbers = [field["value"] for field in fields if field["tag"] == "001"]
    return {
        "leader": raw[:24].decode(),
        "control_number": numbers[0] if numbers else None,
        "fields": list(fields),
    }


def book(number: int) -> list[Field]:
    """Return the fields of a small record."""
    return [
        control("001", f"ocm{number:08}"),
        control("008", "860506s1957    nyuab         001 0 eng  "),
        data("100", ("a", "Pushkin, Aleksandr Sergeevich,"), ("d", "1799-1837."), ind="1 "),
        data("245", ("a", f"Капитанская дочка {number} /"), ("c", "Александр Пушкин."), ind="10"),
        data("650", ("a", "Peasant uprisings"), ("z", "Россия"), ("v", "Fiction."), ind=" 0"),
    ]


def books(count: int) -> list[bytes]:
    """Return small records, numbered from 0."""
    return [encode(book(number)) for number in range(count)]


def with_length(raw: bytes, length: int | bytes) -> bytes:
    """Return the record with another length in its leader."""
    return (length if isinstance(length, bytes) else b"%05d" % length) + raw[5:]


def with_base(raw: bytes, base: int | bytes) -> bytes:
    """Return the record with another base address in its leader."""
    return raw[:12] + (base if isinstance(base, bytes) else b"%05d" % base) + raw[17:]


def rebuilt(rows: Iterable[dict[str, Any]]) -> list[Row]:
    """Rebuild nested records from rows of subfields."""
    records: list[Row] = []
    for _, group in itertools.groupby(rows, key=lambda row: row["record"]):
        leader, *rest = group
        record: Row = {"leader": leader["value"], "control_number": leader["control_number"], "fields": []}
        for _, of_field in itertools.groupby(rest, key=lambda row: row["field"]):
            one = list(of_field)
            is_control = one[0]["tag"] in {f"00{digit}" for digit in range(10)}
            heads = [row["value"] for row in one if row["subfield"] == 0]
            field: Field = {
                "tag": one[0]["tag"],
                "ind1": one[0]["ind1"],
                "ind2": one[0]["ind2"],
                "value": heads[0] if heads else None,
                "subfields": None
                if is_control
                else [{"code": row["code"], "value": row["value"]} for row in one if row["subfield"]],
            }
            record["fields"].append(field)
        records.append(record)
    return records
