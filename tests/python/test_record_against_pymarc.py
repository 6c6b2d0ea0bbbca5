"""Records of real files, property by property and method by method, as pymarc reads them.

What differs on purpose is left out, and counted; the reasons are in docs/differences.md: missing indicators are None
where pymarc pads a blank; a delimiter that nothing follows is a subfield where pymarc drops it; text in MARC-8 keeps
control characters and marks without a base, and has U+FFFD for what means nothing, where pymarc drops all of these.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import logging
import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import mrrc_arrow as mrrc
import pymarc
import pytest

Theirs: TypeAlias = Any  # pymarc's records and fields are not typed

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["title", "issn_title", "isbn", "issn", "issnl", "sudoc", "author", "uniformtitle", "publisher", "pubyear"]
LISTS = ["series", "subjects", "addedentries", "location", "notes", "physicaldescription"]
LEADER = [name for name in dir(pymarc.Leader) if isinstance(getattr(pymarc.Leader, name), property)]


def is_sound(raw: bytes) -> bool:
    """Whether length, base address and directory are right, so that pymarc reads what is there."""
    if not (raw[:5].isdigit() and raw[12:17].isdigit() and int(raw[:5]) == len(raw) and raw[-1:] == b"\x1d"):
        return False
    base = int(raw[12:17])
    if base < 25 or base > len(raw) or raw[base - 1] != 0x1E or (base - 25) % 12 or not raw[:24].isascii():
        return False
    for at in range(24, base - 1, 12):
        entry = raw[at : at + 12]
        if not entry[3:].isdigit() or not entry[:3].isascii():
            return False
        field = raw[base + int(entry[7:]) : base + int(entry[7:]) + int(entry[3:7])]
        if len(field) != int(entry[3:7]) or field[-1:] != b"\x1e" or field.count(b"\x1e") != 1:
            return False
    return True


def theirs(raw: bytes) -> Theirs | None:
    """Read one record with pymarc; None where it fails or says that it lost something."""
    lies = raw[9:10] != b"a" and not raw.isascii() and b"\x1b" not in raw
    if lies:
        try:
            raw.decode()
        except UnicodeDecodeError:
            lies = False
    complaints = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaints), warnings.catch_warnings():
            warnings.simplefilter("error")
            record = pymarc.Record(data=raw, force_utf8=lies)
    except Exception:
        return None
    return None if complaints.getvalue() else record


def differs(raw: bytes, record: mrrc.Record) -> bool:
    """Whether one of the differences that are meant, and that show in every method, is in this record."""
    # A delimiter that nothing follows, or missing indicators, or text before the first delimiter.
    odd = b"\x1f\x1f" in raw or b"\x1f\x1e" in raw
    for field in record:
        odd = odd or (not field.control_field and (None in (field.indicators or ())))
    if raw[9:10] == b"a":
        return odd
    # Controls, marks at the end of a value, unknown codes, and control fields, which pymarc takes for Latin-1.
    controls = any(byte < 0x1B or 0x80 <= byte < 0xA0 for byte in raw) or re.search(rb"[\xe0-\xfe][\x1d-\x1f]", raw)
    return odd or bool(controls) or "\ufffd" in str(record) or not control_ascii(record)


def control_ascii(record: mrrc.Record) -> bool:
    return all((field.data or "").isascii() for field in record)


def assert_same_field(ours: mrrc.Field, field: Theirs) -> None:
    assert (ours.tag, ours.control_field, ours.data) == (field.tag, field.control_field, field.data)
    assert ours.indicators == field.indicators
    assert (ours.indicator1, ours.indicator2) == (field.indicator1, field.indicator2)
    assert ours.subfields == field.subfields
    assert ours.value() == field.value()
    assert ours.format_field() == field.format_field()
    assert ours.subfields_as_dict() == field.subfields_as_dict()
    assert ours.is_subject_field() == field.is_subject_field()
    assert ours.is_control_field() == field.is_control_field()
    codes = [subfield.code for subfield in field.subfields]
    for code in {*codes, "a", "?"}:
        assert ours.get(code) == field.get(code)
        assert (code in ours) == (code in field)
        assert ours.get_subfields(code) == field.get_subfields(code)
    assert ours.get_subfields(*codes[:2], "b") == field.get_subfields(*codes[:2], "b")
    assert str(ours) == str(field)
    assert ours.as_marc() == field.as_marc("utf-8")
    six = field.get("6")
    if not six or "-" in six:
        assert ours.linkage_occurrence_num() == field.linkage_occurrence_num()
    else:
        # pymarc fails with an IndexError.
        assert ours.linkage_occurrence_num() is None


def tags(fields: list[Theirs]) -> list[str]:
    return [str(field) for field in fields]


def linked(record: Theirs, field: Theirs) -> list[str] | None:
    try:
        return tags(record.get_linked_fields(field))
    except (pymarc.exceptions.MissingLinkedFields, mrrc.MissingLinkedFields):
        return None


def assert_same(ours: mrrc.Record, record: Theirs, raw: bytes) -> None:
    assert len(ours.fields) == len(record.fields)
    for field, other in zip(ours.fields, record.fields, strict=True):
        assert_same_field(field, other)
    for name in TEXTS:
        assert getattr(ours, name) == getattr(record, name), name
    for name in LISTS:
        assert tags(getattr(ours, name)) == tags(getattr(record, name)), name
    for name in LEADER:
        assert getattr(ours.leader, name) == getattr(record.leader, name), name
        assert ours.leader[name] == record.leader[name]
    assert (ours.leader[5], ours.leader[0:5], ours.leader[-1]) == (
        record.leader[5],
        record.leader[0:5],
        record.leader[-1],
    )
    for tag in ("001", "245", "650", "880", "999"):
        assert (tag in ours) == (tag in record)
        assert tags(ours.get_fields(tag, "500")) == tags(record.get_fields(tag, "500"))
        if tag in record:
            assert str(ours[tag]) == str(record[tag])
        else:
            with pytest.raises(KeyError):
                ours[tag]
    assert tags(ours.get_fields()) == tags(record.get_fields())
    if all("-" in six for field in record for six in field.get_subfields("6") if six):
        for field, other in zip(ours.fields, record.fields, strict=True):
            if other.get("6") and other.tag != "880":
                assert linked(ours, field) == linked(record, other)
    assert ours.as_dict() == record.as_dict()
    assert json.loads(ours.as_json()) == record.as_dict()
    assert str(ours) == str(record)
    if not set(ours.problems) - {"utf8_not_flagged"}:
        assert ours.as_marc() == raw
    copy = ours.to_pymarc()
    assert str(copy) == str(record)


def deliberate() -> set[str]:
    with (ROOT / "tests" / "deliberate_differences.tsv").open() as lines:
        return {row[0] for row in csv.reader(lines, delimiter="\t") if row and not row[0].startswith("#")}


def test_each_property_and_method_gives_what_pymarc_gives(corpus: Path) -> None:
    logging.getLogger("pymarc").setLevel(logging.CRITICAL)
    counts: Counter[str] = Counter()
    skipped = deliberate()
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        if any(str(path).endswith(name) for name in skipped):
            continue
        content = path.read_bytes()
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        reader = mrrc.MARCReader(content, permissive=True)
        for ours in reader:
            raw = reader.current_chunk
            assert raw is not None
            if ours is None or not is_sound(raw):
                counts["bad or unsound"] += 1
                continue
            record = theirs(raw)
            if record is None:
                counts["only ours"] += 1
                continue
            try:
                if differs(raw, ours):
                    counts["differs on purpose"] += 1
                    continue
                assert_same(ours, record, raw)
            except (AssertionError, UnicodeDecodeError) as error:
                error.add_note(f"{path}: {ours!r}")
                raise
            counts["same"] += 1
    assert counts["same"] > 10 * counts["differs on purpose"] > 0, counts
