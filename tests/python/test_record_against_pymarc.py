"""Records of real files, property by property and method by method, as pymarc reads them.

A field in which one of the differences that are meant shows is left out of the comparison, and counted; everything else
in its record is compared.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import mrrc_arrow as mrrc
import pymarc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import strategies
from .marc import DELIMITER, FIELD_TERMINATOR, Field, control, data, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Theirs: TypeAlias = Any  # pymarc's records and fields are not typed

# Properties of a record that are text, and the fields they are made of.
TEXTS = {
    "title": ["245"],
    "issn_title": ["222"],
    "isbn": ["020"],
    "issn": ["022"],
    "issnl": ["022"],
    "sudoc": ["086"],
    "author": ["100", "110", "111"],
    "uniformtitle": ["130", "240"],
    "publisher": ["260", "264"],
    "pubyear": ["260", "264"],
}
LISTS = ["series", "subjects", "addedentries", "location", "notes", "physicaldescription"]
LEADER = [name for name in dir(pymarc.Leader) if isinstance(getattr(pymarc.Leader, name), property)]
OF_TEXT = {
    "utf8_not_flagged",
    "marc8_not_flagged",
    "invalid_utf8",
    "unknown_character",
    "non_ascii_structure",
}  # problems that are no repair of the structure
POSITIONS: list[int | slice] = [0, 9, -1, slice(5), slice(12, 17), slice(None)]
# Of the differences, those that leave the other parts of a field as they are.
OF_STRUCTURE = {
    "missing indicators",
    "a delimiter that nothing follows",
    "text before the first delimiter of a data field",
}


class Place(NamedTuple):
    """A field: ours, its bytes without terminator, and whether the record is in MARC-8."""

    field: mrrc.Field
    data: bytes
    marc8: bool

    @property
    def subfields(self) -> list[bytes]:
        """Code and value of each subfield."""
        return [] if self.field.control_field else self.data.split(DELIMITER)[1:]


def complaints(subfields: list[bytes]) -> str:
    """What pymarc says on stderr when it decodes MARC-8."""
    if not any(b"\x1b" in subfield or not subfield.isascii() for subfield in subfields):
        return ""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        for subfield in subfields:
            pymarc.marc8.marc8_to_unicode(subfield[1:])
    # Of a blank in another set than ASCII, too; but that stays a blank.
    return re.sub("Unable to parse character 0x20 .*\n", "", said.getvalue())


# What differs on purpose, named by the words with which docs/differences.md begins to tell of it and give its reason.
DELIBERATE: dict[str, Callable[[Place], object]] = {
    "missing indicators": lambda place: not place.field.control_field and None in (place.field.indicators or ()),
    "a delimiter that nothing follows": lambda place: b"" in place.subfields,
    "text before the first delimiter of a data field": lambda place: (
        not place.field.control_field and len(place.data.split(DELIMITER)[0]) > 2
    ),
    "a subfield code that is not ASCII": lambda place: any(not s[:1].isascii() for s in place.subfields),
    "a record in MARC-8: control characters": lambda place: (
        place.marc8 and any(re.search(rb"[\x00-\x1a\x1c-\x1f\x7f-\x9f]", s[1:]) for s in place.subfields)
    ),
    # To pymarc, codes of sets that it has only in part stand for nothing, too.
    "the same: codes that stand for nothing": lambda place: (
        place.marc8 and ("\ufffd" in str(place.field) or complaints(place.subfields))
    ),
    "the same: combining marks at the end of a value": lambda place: (
        place.marc8 and any(re.search(rb"[\xe0-\xfe]\Z", s) for s in place.subfields)
    ),
    "UTF-8 in a record that is not flagged as UTF-8": lambda place: (
        place.marc8 and any(is_utf8_beyond_ascii(s[1:]) for s in place.subfields)
    ),
    "the same: control fields beyond ASCII": lambda place: (
        place.marc8 and place.field.control_field and not place.data.isascii()
    ),
}


def field_data(raw: bytes) -> list[bytes] | None:
    """The bytes of each field without its terminator; None where length, base address or directory are wrong.

    In such a record pymarc does not read what is there.
    """
    if not (raw[:5].isdigit() and raw[12:17].isdigit() and int(raw[:5]) == len(raw) and raw[-1:] == b"\x1d"):
        return None
    base = int(raw[12:17])
    if base < 25 or base > len(raw) or raw[base - 1] != 0x1E or (base - 25) % 12 or not raw[:base].isascii():
        return None
    found = []
    for at in range(24, base - 1, 12):
        entry = raw[at : at + 12]
        if not entry[3:].isdigit():
            return None
        start, length = base + int(entry[7:]), int(entry[3:7])
        field = raw[start : start + length]
        if len(field) != length or field.find(FIELD_TERMINATOR) != length - 1:
            return None
        found.append(field[:-1])
    return found


def is_canonical(raw: bytes) -> bool:
    """Whether the fields lie one after the other in directory order, with nothing between, as pymarc writes them."""
    base = int(raw[12:17])
    at = 0
    for entry in range(24, base - 1, 12):
        if int(raw[entry + 7 : entry + 12]) != at:
            return False
        at += int(raw[entry + 3 : entry + 7])
    return base + at + 1 == len(raw)


def is_utf8_all_the_same(raw: bytes) -> bool:
    """Whether a record that is not flagged as UTF-8 is."""
    return raw[9:10] != b"a" and is_utf8_beyond_ascii(raw)


def is_utf8_beyond_ascii(raw: bytes) -> bool:
    """Whether these bytes can hardly be anything else."""
    if raw.isascii() or b"\x1b" in raw:
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def theirs(raw: bytes, **options: Any) -> Theirs:  # noqa: ANN401 - options of several types
    """Read one record with pymarc; None where it fails."""
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # complaints about what is in DELIBERATE
            return pymarc.Record(data=raw, **options)
    except Exception:
        return None


def files(corpus: Path) -> Iterator[bytes]:
    """The content of each file, without its compression."""
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        content = path.read_bytes()
        yield gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def assert_same_field(ours: mrrc.Field, field: Theirs) -> None:
    assert (ours.tag, ours.control_field, ours.data) == (field.tag, field.control_field, field.data)
    assert ours.indicators == field.indicators
    assert (ours.indicator1, ours.indicator2) == (field.indicator1, field.indicator2)
    assert ours.subfields == list(ours) == field.subfields
    assert ours.value() == field.value()
    assert ours.format_field() == field.format_field()
    assert ours.subfields_as_dict() == field.subfields_as_dict()
    assert ours.is_subject_field() == field.is_subject_field()
    assert ours.is_control_field() == field.is_control_field()
    codes = [subfield.code for subfield in field.subfields]
    for code in {*codes, "a", "?"}:
        assert ours.get(code) == field.get(code)
        assert ours.get(code, "none") == field.get(code, "none")
        assert (code in ours) == (code in field)
        assert ours.get_subfields(code) == field.get_subfields(code)
        if code in field:
            assert ours[code] == field[code]
    with pytest.raises(KeyError):
        ours["?"]
    for several in ([], [*codes[:2], "b"], codes[::-1]):
        assert ours.get_subfields(*several) == field.get_subfields(*several)
    assert str(ours) == str(field)
    assert ours.as_marc() == ours.as_marc21() == field.as_marc("utf-8")
    if has_linkage(field):
        assert ours.linkage_occurrence_num() == field.linkage_occurrence_num()
    else:
        assert ours.linkage_occurrence_num() is None  # pymarc fails with an IndexError


def assert_alike(ours: mrrc.Field, field: Theirs) -> None:
    """Compare a field of which pymarc pads the indicators or drops empty subfields."""
    assert (ours.tag, ours.control_field) == (field.tag, field.control_field)
    assert [indicator or " " for indicator in ours.indicators or ()] == list(field.indicators or ())
    assert [subfield for subfield in ours.subfields if subfield.code] == field.subfields
    assert [value for value in ours.get_subfields("a", "b") if value] == field.get_subfields("a", "b")
    assert {code: values for code, values in ours.subfields_as_dict().items() if code} == field.subfields_as_dict()


def has_linkage(field: Theirs) -> bool:
    """Whether pymarc can say what is in subfield 6."""
    six = field.get("6")
    return not six or "-" in six


def linked(record: Theirs, field: Theirs, fields: list[Theirs]) -> list[int] | None:
    """The places of the fields that are linked with `field`; None if it names some and there are none."""
    try:
        return places(record.get_linked_fields(field), fields)
    except (pymarc.exceptions.MissingLinkedFields, mrrc.MissingLinkedFields):
        return None


def places(some: list[Theirs], fields: list[Theirs]) -> list[int]:
    """Which of `fields` `some` are; pymarc's are equal if they are the same object, ours if they are the same place."""
    return [fields.index(field) for field in some]


def assert_same(ours: mrrc.Record, record: Theirs, meant: list[list[str]]) -> None:
    """Compare a record; `meant` tells for each of its fields which differences are."""
    mine, other = ours.fields, record.fields
    plain = [not differences for differences in meant]
    assert len(mine) == len(other)
    assert list(ours) == mine
    assert [field.tag for field in mine] == [field.tag for field in other]
    different = {field.tag for field, same in zip(other, plain, strict=True) if not same}
    for one, two, differences in zip(mine, other, meant, strict=True):
        if not differences:
            assert_same_field(one, two)
        elif not set(differences) - OF_STRUCTURE:
            assert_alike(one, two)
    for name, made_of in TEXTS.items():
        if not different.intersection(made_of):
            assert getattr(ours, name) == getattr(record, name), name
    for name in LISTS:
        assert places(getattr(ours, name), mine) == places(getattr(record, name), other), name
    for name in LEADER:
        assert getattr(ours.leader, name) == ours.leader[name] == getattr(record.leader, name), name
    assert [ours.leader[at] for at in POSITIONS] == [record.leader[at] for at in POSITIONS]
    assert str(ours.leader) == ours.leader.leader == str(record.leader)
    tags = {field.tag for field in other}
    for tag in {*tags, "001", "245", "880", "???"}:
        assert (tag in ours) == (tag in record)
        assert places(ours.get_fields(tag), mine) == places(record.get_fields(tag), other)
        assert ours.get(tag) == (mine[other.index(record[tag])] if tag in record else None)
        if tag in record:
            assert ours[tag] == mine[other.index(record[tag])]
    with pytest.raises(KeyError):
        ours["???"]
    assert places(ours.get_fields("650", "500", "245"), mine) == places(record.get_fields("650", "500", "245"), other)
    assert ours.get_fields() == mine
    if "880" in tags and "880" not in different and all(map(has_linkage, other)):
        for one, two, same in zip(mine, other, plain, strict=True):
            if same and two.tag != "880":
                assert linked(ours, one, mine) == linked(record, two, other)
    expected = record.as_dict()
    for found in (ours.as_dict(), json.loads(ours.as_json())):
        assert found["leader"] == expected["leader"]
        assert [f for f, same in zip(found["fields"], plain, strict=True) if same] == [
            f for f, same in zip(expected["fields"], plain, strict=True) if same
        ]
    text = f"=LDR  {ours.leader}\n" + "".join(f"{field}\n" for field in mine)
    assert str(ours) == text
    copy = ours.to_pymarc()
    assert str(copy) == text
    if all(plain):
        assert text == str(record)
        assert ours.as_json(sort_keys=True) == record.as_json(sort_keys=True)


def test_each_property_and_method_gives_what_pymarc_gives(corpus: Path) -> None:
    counts: Counter[str] = Counter()
    for content in files(corpus):
        reader = mrrc.MARCReader(content, permissive=True)
        for ours in reader:
            raw = reader.current_chunk
            assert raw is not None
            data = field_data(raw)
            if ours is None or data is None:
                counts["rejected or repaired"] += 1
                continue
            if not set(ours.problems) - OF_TEXT:
                assert ours.as_marc() == ours.as_marc21() == raw
                counts["as it was"] += 1
            hidden = is_utf8_all_the_same(raw)
            record = theirs(raw, force_utf8=hidden)
            if record is None:
                counts["only ours"] += 1
                continue
            marc8 = raw[9:10] != b"a" and not hidden
            meant = [
                [what for what, differs in DELIBERATE.items() if differs(Place(field, piece, marc8))]
                for field, piece in zip(ours.fields, data, strict=True)
            ]
            for differences in meant:
                counts.update(differences)
            try:
                assert_same(ours, record, meant)
                if raw[9:10] == b"a" and not any(meant) and is_canonical(raw):
                    assert ours.as_marc() == record.as_marc()
                    counts["written as pymarc writes it"] += 1
            except (AssertionError, UnicodeDecodeError) as error:
                error.add_note(repr(raw))
                raise
            counts["same"] += 1
    assert counts["same"] > 15_000, counts
    assert counts["written as pymarc writes it"] > 1_000, counts
    assert counts["only ours"] < 100, counts
    for what in DELIBERATE:
        assert counts[what], f"no example of {what}"


TAGS = sorted({"440", "500", "650", "700", "852", "880", *(tag for tags in TEXTS.values() for tag in tags)})
links = st.from_regex(r"(880|245)-[0-9]{2}(/\(N)?", fullmatch=True)
numbers = st.from_regex(r"[0-9]{9}[0-9X]( \(pbk\))?|\s*\w\s*", fullmatch=True)
values = (strategies.text | links | numbers).filter(lambda value: not set(value) & set(strategies.SEPARATORS))
data_fields = st.builds(
    lambda tag, subfields, ind: data(tag, *subfields, ind=ind),
    st.sampled_from(TAGS),
    st.lists(st.tuples(st.sampled_from("abclx6"), values)),
    st.sampled_from(["  ", "10", " 1", "\\0"]),
)
control_fields = st.builds(control, st.sampled_from(["001", "008"]), strategies.text)


@given(fields=st.lists(data_fields | control_fields, min_size=1, max_size=9))
def test_arbitrary_records_read_as_pymarc_reads_them(fields: list[Field]) -> None:
    raw = encode(fields, leader="cas a22ui 4500")
    ours = mrrc.MARCReader(raw).read_record()
    assert ours is not None
    assert ours.problems == []
    record = theirs(raw)
    assert_same(ours, record, [[] for _ in fields])
    assert ours.as_marc() == record.as_marc() == raw


def test_every_difference_is_told_in_the_documentation(root: Path) -> None:
    told = (root / "docs" / "differences.md").read_text()
    for what in DELIBERATE:
        assert f"\n| {what}" in told


def content_of(record: Theirs) -> list[object]:
    """All values in a record; without codes, on some of which we differ, and where pymarc keeps the subfield."""
    return [
        (field.tag, field.data) if field.control_field else (field.tag, [s.value for s in field.subfields if s.code])
        for field in record.fields
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"to_unicode": False},
        {"force_utf8": True},
        {"force_utf8": True, "utf8_handling": "replace"},
        {"utf8_handling": "replace", "file_encoding": "cp1252"},
        {"utf8_handling": "ignore", "file_encoding": "latin-1"},
        {"file_encoding": "utf-8"},
    ],
    ids=str,
)
def test_options_mean_what_they_mean_in_pymarc(options: dict[str, Any], corpus: Path) -> None:
    same = 0
    for content in files(corpus):
        reader = mrrc.MARCReader(content, permissive=True, **options)
        for ours in reader:
            raw = reader.current_chunk
            assert raw is not None
            # Records in ASCII are the same under all of these.
            if ours is None or field_data(raw) is None or raw.isascii():
                continue
            record = theirs(raw, **options)
            if record is None:
                continue
            try:
                assert content_of(ours) == content_of(record)
            except (AssertionError, UnicodeDecodeError) as error:
                error.add_note(repr(raw))
                raise
            same += 1
    assert same > 1_000
