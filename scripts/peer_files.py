"""Small files in ISO 2709 that libraries are asked to read, and what is made of their answers.

Every file is made here, byte by byte, so that what should come out is known. `CASES` are the rows of the tables that
`compare_peers.py` prints; a case's `judge` makes a cell of what a reader gave.
"""

from __future__ import annotations

import gzip
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIELD_END, RECORD_END, DELIMITER = b"\x1e", b"\x1d", b"\x1f"


class Field(NamedTuple):
    """A field as it should be read: a control field has a value, any other indicators and subfields."""

    tag: str
    ind1: str | None
    ind2: str | None
    value: str | None
    subfields: list[list[str]]


Record = list[Field]


@dataclass
class Answer:
    """What a reader gave for one file."""

    records: list[Record | None] = field(default_factory=list)
    error: str | None = None
    told: bool = False
    written: bytes | None = None
    ended: str | None = None
    partial: bool = False
    """Whether the reader gives columns instead of records: of fields their text, without indicators and order."""


@dataclass(frozen=True)
class Case:
    """One row of a table."""

    table: str
    name: str
    data: bytes
    records: list[Record]
    judge: Callable[[Answer, list[Record]], str]
    file: str = "case.mrc"
    encoding: str = "utf-8"
    write: bool = False

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Tags and codes that there are, for readers that have to be asked for each."""
        pairs = [(f.tag, code) for record in self.records for f in record for code, _ in f.subfields]
        return list(dict.fromkeys(pairs))


def control(tag: str, value: str) -> Field:
    """Make a control field."""
    return Field(tag, None, None, value, [])


def data(tag: str, *subfields: str, ind: str = "  ") -> Field:
    """Make a data field; each subfield begins with its code."""
    return Field(tag, ind[0], ind[1], None, [[text[:1], text[1:]] for text in subfields])


def body(f: Field, encoding: str = "utf-8") -> bytes:
    """Encode a field without its terminator."""
    if f.value is not None:
        return f.value.encode(encoding)
    head = f"{f.ind1 or ''}{f.ind2 or ''}".encode()
    return head + b"".join(DELIMITER + code.encode() + value.encode(encoding) for code, value in f.subfields)


def put_together(pieces: Sequence[tuple[str, bytes]], nine: str = "a", characters: bool = False) -> bytes:
    """Lay out a record; with `characters` the directory counts these in place of bytes."""
    listing, start = b"", 0
    for tag, piece in pieces:
        length = len(piece.decode()) + 1 if characters else len(piece) + 1
        listing += tag.encode() + b"%04d%05d" % (length, start)
        start += length
    text = b"".join(piece + FIELD_END for _, piece in pieces)
    base = 24 + len(listing) + 1
    leader = b"%05dnam %s22%05d i 4500" % (base + len(text) + 1, nine.encode(), base)
    return leader + listing + FIELD_END + text + RECORD_END


def encode(record: Record, nine: str = "a", encoding: str = "utf-8", characters: bool = False) -> bytes:
    """Encode a record."""
    return put_together([(f.tag, body(f, encoding)) for f in record], nine, characters)


def book(number: int, title: str = "") -> Record:
    """Give a small record, of which readers of columns see all text."""
    names = ("", "Erste Hälfte", "Café и чай", "Third part")
    return [
        control("001", f"no{number}"),
        control("008", "860506s1957    nyuab         001 0 eng  "),
        data("245", "a" + (title or names[number]), ind="10"),
        data("650", f"aSubject {number}", ind=" 0"),
    ]


def number_of(record: Record) -> str | None:
    """Give the control number."""
    return next((f.value for f in record if f.tag == "001"), None)


def text_of(record: Record, tag: str = "245") -> str:
    """Give the text of the first field with a tag, without its codes."""
    f = next((f for f in record if f.tag == tag), None)
    return "" if f is None else f.value or " ".join(value for _, value in f.subfields)


def same(read: Record, true: Record, partial: bool) -> bool:
    """Whether a record is as it should be, as far as the reader shows it."""
    if not partial:
        return [tuple(f) for f in read] == [tuple(f) for f in true]
    return number_of(read) == number_of(true) and all(
        text_of(read, tag) == text_of(true, tag) for tag in ("245", "650")
    )


def first(answer: Answer) -> Record | None:
    """Give the first record that there is."""
    return next((record for record in answer.records if record is not None), None)


def without_record(answer: Answer) -> str:
    """Say what came in place of a record."""
    if answer.ended:
        return answer.ended
    if answer.error:
        return answer.error
    if answer.records:
        return "None"
    return "lost, told" if answer.told else "**lost, silently**"


def whole(answer: Answer, records: list[Record]) -> str:
    """Judge damage: how many records came whole, changed, not at all, and whether anybody was told."""
    true = {number_of(record): record for record in records}
    read = [record for record in answer.records if record is not None]
    good = [r for r in read if number_of(r) in true and same(r, true[number_of(r)], answer.partial)]
    found = {number_of(record) for record in read}
    changed = len([r for r in read if number_of(r) in true]) - len(good)
    lost = len([number for number in true if number not in found])
    extra = len([r for r in read if number_of(r) not in true])
    nothing = sum(record is None for record in answer.records)
    parts = [f"{len(good)} whole"]
    parts += [f"{changed} changed"] * bool(changed)
    parts += [f"{lost} lost"] * bool(lost)
    parts += [f"{extra} made up"] * bool(extra)
    if answer.ended:
        return ", ".join([*parts, answer.ended])
    if answer.error:
        # Of nothing that was read, what is lost goes without saying.
        return ", ".join([*(parts if read else []), answer.error])
    if nothing:
        return ", ".join([*parts, "None"])
    silent = "**silent**" if changed or lost or extra else ""
    how = "told" if answer.told else silent
    return ", ".join([*parts, how] if how else parts)


def title(answer: Answer, records: list[Record]) -> str:
    """Judge text: what has become of the title of the first record."""
    record = first(answer)
    if record is None:
        return without_record(answer)
    read, true = text_of(record), text_of(records[0])
    if read == true:
        return "yes"
    if "\ufffd" in read:
        return "U+FFFD"
    if unicodedata.normalize("NFC", read) == true:
        return "yes, decomposed"
    if read == unicodedata.normalize("NFC", true):
        return "composed"
    if read == RAW_MARC8.decode("latin-1"):
        return "not decoded"
    return "**wrong letters**"


def compare(
    look: Callable[[Record], Any], kept: str = "kept", lost: str = "**changed**", columns: str = "left out"
) -> Any:  # noqa: ANN401
    """Judge content: whether what `look` sees is the same in the record that was read."""

    def judge(answer: Answer, records: list[Record]) -> str:
        record = first(answer)
        if record is None:
            return without_record(answer)
        if look(record) == look(records[0]):
            return kept
        return columns if answer.partial else lost

    return judge


def words(answer: Answer, records: list[Record]) -> str:
    """Judge whether all words of the subjects are there, and in how many fields."""
    record = first(answer)
    if record is None:
        return without_record(answer)
    there, true = [
        sorted(" ".join(text_of([f], "650") for f in one if f.tag == "650").split()) for one in (record, records[0])
    ]
    return "kept" if there == true else "**changed**"


def order(answer: Answer, records: list[Record]) -> str:
    """Judge the order of fields."""
    record = first(answer)
    if record is None:
        return without_record(answer)
    tags, true = [f.tag for f in record], [f.tag for f in records[0]]
    if answer.partial:
        return "columns"
    return "kept" if tags == true else "**by tag**" if tags == sorted(true) else "**changed**"


def present(answer: Answer, records: list[Record]) -> str:
    """Judge whether all text of the last field is there."""
    record = first(answer)
    if record is None:
        return without_record(answer)
    tag = records[0][-1].tag
    there = sorted(" ".join(value for _, value in f.subfields) for f in record if f.tag == tag)
    true = sorted(" ".join(value for _, value in f.subfields) for f in records[0] if f.tag == tag)
    return "kept" if there == true else "**left out**" if not there else f"**{len(there)} of {len(true)}**"


def bytes_back(answer: Answer, _records: list[Record]) -> str:
    """Judge what was written."""
    if answer.written is None:
        return "-" if not answer.error and not answer.ended else without_record(answer)
    return "byte by byte" if answer.written == ROUND_TRIP else "changed"


def another_order(record: Record) -> bytes:
    """Encode a record whose last field lies before all others; its directory says so."""
    pieces = [(f.tag, body(f) + FIELD_END) for f in record]
    laid = pieces[-1:] + pieces[:-1]
    starts = {tag: sum(len(piece) for _, piece in laid[:place]) for place, (tag, _) in enumerate(laid)}
    listing = b"".join(tag.encode() + b"%04d%05d" % (len(piece), starts[tag]) for tag, piece in pieces)
    text = b"".join(piece for _, piece in laid)
    base = 24 + len(listing) + 1
    return b"%05dnam a22%05d i 4500" % (base + len(text) + 1, base) + listing + FIELD_END + text + RECORD_END


def at(record: bytes, place: int, new: bytes) -> bytes:
    """Put bytes in the place of others."""
    return record[:place] + new + record[place + len(new) :]


def length_off(record: bytes, by: int) -> bytes:
    """Add to the length in the leader."""
    return at(record, 0, b"%05d" % (int(record[:5]) + by))


THREE = [book(1), book(2), book(3)]
ONE, TWO, LAST = (encode(record) for record in THREE)


def damaged(name: str, content: bytes, records: list[Record] | None = None, file: str = "case.mrc") -> Case:
    """Make a row of the table of damage."""
    return Case("damage", name, content, THREE if records is None else records, whole, file)


def long_record() -> tuple[bytes, Record]:
    """A record of more than 99,999 bytes: its leader has 99999, as writers without room do."""
    notes = [data("520", "a" + f"{number:04} " * 1900) for number in range(11)]
    record = [*book(2)[:3], *notes]
    pieces = [(f.tag, body(f)) for f in record]
    listing, start = b"", 0
    for tag, piece in pieces:
        listing += tag.encode() + b"%04d%05d" % (len(piece) + 1, start)
        start += len(piece) + 1
    base = 24 + len(listing) + 1
    text = b"".join(piece + FIELD_END for _, piece in pieces)
    return b"99999nam a22%05d i 4500" % base + listing + FIELD_END + text + RECORD_END, record


LONG, LONG_RECORD = long_record()

CAFE = "Café"
CYRILLIC = "Чай"
RAW_MARC8 = b"Caf\xe2e \x1b(N\x7eAJ\x1b(B"
ORDERED = [
    *book(1),
    data("651", "aPlace"),
    data("650", "aSecond subject", ind=" 7"),
    data("500", "aNote"),
]
REPEATED = [
    *book(1)[:3],
    data("650", "aHistory", "zFrance", "zParis", ind=" 0"),
    data("650", "aArt", "zItaly", ind=" 0"),
]
TITLES = [*book(1)[:2], data("245", "aFirst title", ind="10"), data("245", "aSecond title", ind="10")]
INDICATED = [*book(1)[:2], data("245", "aThe tea", ind="14"), data("650", "aArt", ind=" 7")]
ROUND_TRIP = encode(ORDERED)


def content(name: str, record: Record, judge: Callable[[Answer, list[Record]], str], raw: bytes | None = None) -> Case:
    """Make a row of the table of content."""
    return Case("content", name, raw or encode(record), [record], judge)


def titled(name: str, raw: bytes, true: str, encoding: str = "utf-8") -> Case:
    """Make a row of the table of text."""
    return Case("text", name, raw, [[*book(1)[:2], data("245", "a" + true, ind="10")]], title, encoding=encoding)


def with_title(title: bytes, nine: str, more: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """Encode a record with these bytes for a title."""
    head = [(f.tag, body(f)) for f in book(1)[:2]]
    return put_together([*head, *more, ("245", b"10\x1fa" + title)], nine)


DECOMPOSED = unicodedata.normalize("NFD", CAFE)
UNIMARC_100 = b"  \x1fa20010101d2001    m  y0frey0103    ba"

CASES = [
    titled("UTF-8", with_title(f"{CAFE} {CYRILLIC}".encode(), "a"), f"{CAFE} {CYRILLIC}"),
    titled(
        "UTF-8, accents as marks of their own",
        with_title(DECOMPOSED.encode(), "a"),
        DECOMPOSED,
    ),
    titled(
        "MARC-8 (é, Cyrillic)",
        with_title(RAW_MARC8, " "),
        f"{CAFE} {CYRILLIC}",
        "marc-8",
    ),
    titled("UTF-8 where the leader says MARC-8", with_title(CAFE.encode(), " "), CAFE),
    titled(
        "MARC-8 where the leader says UTF-8",
        with_title(RAW_MARC8, "a"),
        f"{CAFE} {CYRILLIC}",
    ),
    titled("ISO 8859-1 where the leader says UTF-8", with_title(b"Caf\xe9", "a"), CAFE),
    titled(
        "UNIMARC in ISO 5426",
        with_title(b"Caf\xc2e", " ", [("100", UNIMARC_100)]),
        CAFE,
        "unimarc",
    ),
    content("fields in the order of the record", ORDERED, order),
    content("fields laid out in another order than their entries", book(1), words, another_order(book(1))),
    content("indicators", INDICATED, compare(lambda record: [(f.ind1, f.ind2) for f in record])),
    content("a field twice (650)", ORDERED, words),
    content("a field twice (245)", TITLES, present),
    content(
        "a subfield twice in one field (650 $z)",
        REPEATED,
        words,
    ),
    content("local fields (949, 999)", [*book(1), data("949", "ashelf"), data("999", "aitem")], present),
    content("a tag of letters (LOK)", [*book(1), data("LOK", "alocal")], present),
    content("a code in upper case ($A)", [*book(1), data("500", "Anote")], compare(lambda record: record[-1:])),
    content(
        "a code that is no letter or digit ($=)", [*book(1), data("500", "=note")], compare(lambda record: record[-1:])
    ),
    content(
        "an indicator in upper case", [*book(1), data("500", "anote", ind="A ")], compare(lambda record: record[-1:])
    ),
    content(
        "missing indicators",
        [*book(1), Field("500", None, None, None, [["a", "note"]])],
        compare(lambda record: record[-1:], "told from blanks", "as blanks"),
    ),
    content(
        "an empty subfield",
        [*book(1), data("500", "a", "bnote")],
        compare(lambda record: record[-1:], lost="**dropped**"),
    ),
    content(
        "a delimiter that nothing follows",
        [*book(1), Field("500", " ", " ", None, [["a", "note"], ["", ""]])],
        compare(lambda record: record[-1:], lost="dropped"),
    ),
    content("no 001", book(1)[1:], compare(text_of, "read")),
    Case("content", "read and written again", ROUND_TRIP, [ORDERED], bytes_back, write=True),
    damaged("line breaks between records", b"\r\n".join([ONE, TWO, LAST])),
    damaged("text before the first record", b"junk, and no more of it\n" + ONE + TWO + LAST),
    damaged("a length two too long", ONE + length_off(TWO, 2) + LAST),
    damaged("a length two too short", ONE + length_off(TWO, -2) + LAST),
    damaged("a length that reaches over the next", ONE + length_off(TWO, len(LAST)) + LAST),
    damaged("a length that is no number", ONE + b"     " + TWO[5:] + LAST),
    damaged("no terminator of the record", ONE + TWO[:-1] + LAST),
    damaged("cut off in the middle of the file", ONE + TWO[:-20] + LAST),
    damaged("cut off at the end", ONE + TWO + LAST[:-20]),
    damaged("a wrong base address", ONE + at(TWO, 12, b"%05d" % (int(TWO[12:17]) + 10)) + LAST),
    damaged("a directory that counts characters", ONE + encode(THREE[1], characters=True) + LAST),
    damaged("an entry that points beyond the record", ONE + at(TWO, 24 + 36 + 7, b"90000") + LAST),
    damaged("an entry that is no number", ONE + at(TWO, 24 + 24 + 3, b"00x1") + LAST),
    damaged(
        "a terminator of records in a value",
        ONE + encode(book(2, "Second\x1dpart")) + LAST,
        [THREE[0], book(2, "Second\x1dpart"), THREE[2]],
    ),
    damaged("more than 99,999 bytes", ONE + LONG + LAST, [THREE[0], LONG_RECORD, THREE[2]]),
    damaged("an empty file", b"", []),
    damaged(
        "MARCXML in its place", b'<?xml version="1.0"?>\n<collection xmlns="http://www.loc.gov/MARC21/slim"/>\n', []
    ),
    damaged("gzip", gzip.compress(ONE + TWO + LAST, mtime=0), file="case.mrc.gz"),
    damaged(
        "gzip of two members", gzip.compress(ONE, mtime=0) + gzip.compress(TWO + LAST, mtime=0), file="case.mrc.gz"
    ),
    damaged("no such file", b"", [], file=""),
]
