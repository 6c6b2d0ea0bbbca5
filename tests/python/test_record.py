"""What a record, a field, a leader are: read-only, decoded when asked for, in pymarc's words."""

from __future__ import annotations

import io
import json
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pymarc
import pytest

from .marc import Entry, assemble, books, control, data, encode, with_base, with_length

if TYPE_CHECKING:
    from pathlib import Path


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


def test_iterations_are_independent(book: bytes) -> None:
    record = record_of(book)
    assert len([None for _ in record for _ in record]) == len(record.fields) ** 2
    field = record["650"]
    assert len([None for _ in field for _ in field]) == len(field.subfields) ** 2
    record.fields.clear()
    field.subfields.clear()
    assert len(record.fields) == 7
    assert len(field.subfields) == 2


def test_what_is_no_tag_or_code_is_not_in_a_record(book: bytes) -> None:
    record = record_of(book)
    for odd in ("", "24", "2455", "é", "\0\0\0", None, 245, b"245"):
        assert odd not in record
        assert odd not in record["245"]
    assert record.get_fields("24") == record.get_fields("24", "2455") == []
    assert record["245"].get_subfields("ab") == record["245"].get_subfields() == []
    with pytest.raises(KeyError, match="999"):
        record["999"]


def test_a_control_field_has_no_subfields(book: bytes) -> None:
    field = record_of(book)["001"]
    assert (field.control_field, field.is_control_field(), field.data, field.value()) == (True, True, "n1", "n1")
    assert (field.indicators, field.indicator1, field.indicator2) == (None, "", "")
    assert (field.subfields, list(field), field.subfields_as_dict(), field.get_subfields("a")) == ([], [], {}, [])
    assert (field.get("a"), field.get("a", "x"), field.linkage_occurrence_num()) == (None, "x", None)
    assert "a" not in field
    assert (str(field), field.as_marc(), field.as_marc21()) == ("=001  n1", b"n1\x1e", b"n1\x1e")
    # A delimiter in it is part of its value.
    assert record_of(encode([control("005", "a\x1fb")]))["005"].data == "a\x1fb"


def test_a_field_is_written_in_any_encoding(book: bytes) -> None:
    field = record_of(book)["100"]
    assert field.as_marc() == "1 \x1faNé, Zoë\x1e".encode()
    assert field.as_marc("latin-1") == field.as_marc21(encoding="latin-1") == "1 \x1faNé, Zoë\x1e".encode("latin-1")
    with pytest.raises(UnicodeEncodeError):
        field.as_marc("ascii")


def test_options_may_be_given_by_position_as_in_pymarc(book: bytes) -> None:
    raw = book.replace("ë".encode(), b"\xff\xfe")
    arguments: tuple[Any, ...] = (True, True, True, "replace", "cp1252", True)
    theirs = next(pymarc.MARCReader(raw, *arguments))
    assert next(mrrc.MARCReader(raw, *arguments))["100"]["a"] == theirs["100"]["a"] == "Né, Zo\ufffd\ufffd"


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
    long = with_length(book, len(book) + 2)
    missing = book[:-1] + b"\r\n" + book
    backwards = assemble([Entry(b"001", 2, 5), Entry(b"245", 5, 0)], b"00\x1fa\x1ex\x1e")
    moved = with_base(book, int(book[12:17]) + 1)
    for damaged in (long, missing, backwards[:-2] + b"\x1d", moved):
        record = record_of(damaged)
        assert record.problems
        again = record.as_marc()
        assert again == record.as_marc21() == record_of(again).as_marc()
        assert record_of(again).problems == []
        assert parts(record_of(again)) == parts(record)
        (theirs,) = pymarc.MARCReader(io.BytesIO(again))
        assert str(theirs) == str(record_of(again))
    assert record_of(long).as_marc() == record_of(missing).as_marc() == record_of(moved).as_marc() == book


def test_a_repaired_record_that_has_no_room_in_its_numbers_says_so() -> None:
    fields = [data("500", ("a", "x" * 9_000))] * 12
    record = record_of(encode(fields))
    assert record.problems
    assert [field["a"] for field in record] == ["x" * 9_000] * 12
    with pytest.raises(ValueError, match="99999"):
        record.as_marc()


def test_a_buffer_may_change_when_its_reader_is_open(three: list[bytes]) -> None:
    buffer = bytearray(b"".join(three))
    reader = mrrc.MARCReader(buffer)
    buffer[:] = b"x"
    assert [record.as_marc() for record in reader] == three


def test_bytes_are_shared_and_let_go(three: list[bytes]) -> None:
    content = b"".join(three * 1_000)
    before = sys.getrefcount(content)
    reader = mrrc.MARCReader(content)
    last = list(reader)[-1]
    assert sys.getrefcount(content) > before
    assert last.as_marc() == three[2]
    del last
    deadline = time.monotonic() + 5  # for the thread that reads ahead to end
    while sys.getrefcount(content) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sys.getrefcount(content) == before


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


def test_to_pymarc_says_what_it_needs(book: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymarc", None)
    with pytest.raises(ImportError, match="pip install pymarc") as caught:
        record_of(book).to_pymarc()
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_to_pymarc_lets_ctrl_c_through(book: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pymarc.py").write_text("raise KeyboardInterrupt")
    monkeypatch.delitem(sys.modules, "pymarc")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        record_of(book).to_pymarc()


def parts(record: mrrc.Record) -> list[tuple[object, ...]]:
    return [
        (field.tag, field.data)
        if field.control_field
        else (field.tag, field.indicator1, field.indicator2, [tuple(subfield) for subfield in field.subfields])
        for field in record
    ]


def parts_of_row(row: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (field["tag"], field["value"])
        if field["subfields"] is None
        else (field["tag"], field["ind1"], field["ind2"], [(s["code"], s["value"]) for s in field["subfields"]])
        for field in row["fields"]
    ]


def rows_without_warning(path: Path, options: mrrc.ReadOptions) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        rows: list[dict[str, Any]] = mrrc.read_table(path, **options).to_pylist()
        return rows


def test_records_and_rows_are_the_same_over_the_corpus(corpus: Path) -> None:
    options: mrrc.ReadOptions = {"ignore_errors": True, "string_type": "large_string", "categorical": False}
    same = 0
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        problems = mrrc.read_problems(path, ignore_errors=True).to_pylist()
        rejected = {problem["record"]: problem["code"] for problem in problems if problem["rejected"]}
        records = list(mrrc.MARCReader(path, permissive=True))
        bad = {number for number, record in enumerate(records) if record is None}
        assert bad == set(rejected), path
        # What is not UTF-8 in spite of its flag raises when it is asked of a record; tables have it decoded.
        doubtful = {p["record"] for p in problems if p["code"] in ("invalid_utf8", "marc8_not_flagged")}
        rows = mrrc.read_table(path, **options).to_pylist() if not rejected else rows_without_warning(path, options)
        kept = [(number, record) for number, record in enumerate(records) if number not in rejected]
        for (number, record), row in zip(kept, rows, strict=True):
            if number in doubtful:
                continue
            assert record is not None
            assert (str(record.leader), parts(record)) == (row["leader"], parts_of_row(row)), path
            same += 1
    assert same > 10_000


def test_to_pymarc_of_bytes_writes_what_was_read() -> None:
    (raw,) = books(1)
    copy = record_of(raw, to_unicode=False).to_pymarc()
    assert b"b'" not in copy.as_marc()
    assert copy.as_marc() == raw
