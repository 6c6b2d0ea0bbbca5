"""What a record, a field, a leader are: read-only, decoded when asked for, in pymarc's words."""

from __future__ import annotations

import io
import json
from typing import Any

import mrrc_arrow as mrrc
import pymarc
import pytest

from .marc import control, data, encode


def record_of(raw: bytes, **options: Any) -> mrrc.Record:  # noqa: ANN401 - options of several types
    """The one record in `raw`."""
    record = mrrc.MARCReader(raw, **options).read_record()
    assert record is not None
    return record


@pytest.fixture
def book() -> bytes:
    """A record with a bit of everything."""
    return encode(
        [
            control("001", "n1"),
            data("020", ("a", "978-3-16-148410-0 (pbk.)")),
            data("100", ("a", "Né, Zoë"), ind="1 "),
            data("245", ("6", "880-01"), ("a", "One :"), ("b", "two /"), ("c", "three."), ind="10"),
            data("650", ("a", "Subject"), ("x", "History."), ind=" 0"),
            data("650", ("a", "Other"), ("a", "again"), ind=" 7"),
            data("880", ("6", "245-01/(N"), ("a", "Один")),
        ]
    )


def test_fields_are_found_by_tag(book: bytes) -> None:
    record = record_of(book)
    assert record["245"]["a"] == "One :"
    assert record["001"].data == "n1"
    assert [field.tag for field in record] == ["001", "020", "100", "245", "650", "650", "880"]
    assert "650" in record
    assert "651" not in record
    assert record.get("651") is None
    assert record.get("651", 5) == 5
    assert [field["a"] for field in record.get_fields("650", "020")] == [
        "978-3-16-148410-0 (pbk.)",
        "Subject",
        "Other",
    ]
    with pytest.raises(KeyError):
        record["651"]
    with pytest.raises(KeyError):
        record["245"]["z"]
    with pytest.raises(KeyError):
        record["001"]["a"]


def test_properties(book: bytes) -> None:
    record = record_of(book)
    assert (record.title, record.isbn, record.author) == ("One : two /", "9783161484100", "Né, Zoë")
    assert [str(field) for field in record.subjects] == ["=650  \\0$aSubject$xHistory.", "=650  \\7$aOther$aagain"]
    assert record.subjects[0].format_field() == "Subject -- History."
    assert (record.issn, record.publisher, record.series) == (None, None, [])


def test_subfields_and_indicators_are_named_tuples(book: bytes) -> None:
    field = record_of(book)["650"]
    indicators = field.indicators
    assert indicators is not None
    assert (indicators.first, indicators.second) == (" ", "0")
    assert indicators == mrrc.Indicators(" ", "0") == (" ", "0")
    assert field.subfields == [("a", "Subject"), ("x", "History.")]
    assert isinstance(field.subfields[0], mrrc.Subfield)
    assert field.subfields[0]._replace(value="x") == mrrc.Subfield("a", "x")
    assert [code for code, _ in field] == ["a", "x"]


def test_linked_fields(book: bytes) -> None:
    record = record_of(book)
    assert record["245"].linkage_occurrence_num() == "01"
    assert [field["a"] for field in record.get_linked_fields(record["245"])] == ["Один"]
    alone = record_of(encode([data("245", ("6", "880-07"), ("a", "x"))]))
    with pytest.raises(mrrc.MissingLinkedFields) as caught:
        alone.get_linked_fields(alone["245"])
    assert caught.value.field == alone["245"]


def test_a_leader_is_read_by_name_and_by_position(book: bytes) -> None:
    leader = record_of(book).leader
    assert str(leader) == leader.leader == book[:24].decode()
    assert (leader[9], leader[0:5], leader["coding_scheme"], leader[-1]) == ("a", f"{len(book):05}", "a", "0")
    assert len(leader) == 24
    assert leader == record_of(book).leader
    assert hash(leader) == hash(record_of(book).leader)
    with pytest.raises(AttributeError):
        leader["title"]
    with pytest.raises(IndexError):
        leader[24]


def test_records_are_read_only(book: bytes) -> None:
    record = record_of(book)
    for thing, name in ((record, "leader"), (record["245"], "tag"), (record.leader, "record_status")):
        with pytest.raises(AttributeError):
            setattr(thing, name, "x")


def test_a_field_is_itself(book: bytes) -> None:
    record = record_of(book)
    first, second = record.get_fields("650")
    assert first == record["650"] != second
    assert hash(first) == hash(record["650"])
    assert first != record_of(book)["650"]
    assert first != "650"


def test_what_is_missing_or_empty_stays_so() -> None:
    raw = encode([data("500", ("a", ""), ("", ""), ("b", "x")), data("501", ind="1"), data("502", ("a", "y"), ind="")])
    record = record_of(raw)
    assert record["500"].subfields == [("a", ""), ("", ""), ("b", "x")]
    assert record["501"].indicators == ("1", None)
    assert record["502"].indicators == (None, None)
    assert record["502"].as_marc() == b"  \x1fay\x1e"
    assert record.as_dict()["fields"][2] == {"502": {"ind1": " ", "ind2": " ", "subfields": [{"a": "y"}]}}


def test_bytes_where_no_text_is_wanted(book: bytes) -> None:
    record = record_of(book, to_unicode=False)
    assert record["001"].data == b"n1"  # type: ignore[comparison-overlap]
    assert record["100"]["a"] == "Né, Zoë".encode()  # type: ignore[comparison-overlap]
    assert record["245"].tag == "245"
    assert record.title == "One : two /"


def unflagged(raw: bytes) -> bytes:
    return raw[:9] + b" " + raw[10:]


def test_utf8_that_is_none_raises_when_it_is_asked_for(book: bytes) -> None:
    raw = book.replace("ë".encode(), b"\xff\xfe")
    record = record_of(raw)
    assert record["245"]["a"] == "One :"
    with pytest.raises(UnicodeDecodeError) as caught:
        record["100"]["a"]
    assert "record 0 at byte 0" in caught.value.__notes__[0]
    assert record.problems == ["invalid_utf8"]
    assert record_of(raw, utf8_handling="replace")["100"]["a"] == "Né, Zo\ufffd\ufffd"
    assert record_of(raw, utf8_handling="ignore")["100"]["a"] == "Né, Zo"


def test_text_that_is_not_flagged_is_read_as_what_it_is(book: bytes) -> None:
    record = record_of(unflagged(book))
    assert (record["100"]["a"], record.problems) == ("Né, Zoë", ["utf8_not_flagged"])
    marc8 = unflagged(encode([data("245", ("a", "CafXYe"))])).replace(b"XY", b"\xe2\x65").replace(b"\xe2ee", b"\xe2e ")
    assert record_of(marc8)["245"]["a"] == "Café "
    latin = unflagged(encode([data("245", ("a", "CafX"))])).replace(b"X", b"\xe9")
    assert record_of(latin, file_encoding="cp1252")["245"]["a"] == "Café"
    with pytest.raises(UnicodeDecodeError):
        record_of(latin, force_utf8=True)["245"]["a"]


def test_a_sound_record_comes_back_as_it_was(book: bytes) -> None:
    record = record_of(book)
    assert record.as_marc() == record.as_marc21() == book
    assert record.problems == []


def test_a_repaired_record_is_laid_out_anew(book: bytes) -> None:
    long = b"%05d" % (len(book) + 2) + book[5:]
    for damaged in (long, book[:-1] + b"\r\n" + book):
        record = record_of(damaged)
        assert record.problems
        assert record.as_marc() == book
        assert len(list(pymarc.MARCReader(io.BytesIO(record.as_marc())))) == 1


def test_other_forms(book: bytes) -> None:
    record = record_of(book)
    theirs = next(pymarc.MARCReader(io.BytesIO(book)))
    assert str(record) == str(theirs)
    assert record.as_dict() == theirs.as_dict()
    assert json.loads(record.as_json(indent=1)) == theirs.as_dict()
    copy = record.to_pymarc()
    copy["245"]["a"] = "New :"
    assert copy.title == "New : two /"
    assert copy.as_marc()[24:30] == theirs.as_marc()[24:30]
