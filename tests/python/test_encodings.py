"""Text in MARC-8 and other encodings, in tables: what it becomes, and what is said of it."""

from __future__ import annotations

import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

import mrrc_arrow as mrrc
import pytest

from tests.python.marc import Field, control, data, encode

if TYPE_CHECKING:
    from pathlib import Path

    from mrrc_arrow._options import Encoding

MARC8 = "nam  22 i 4500"
Said: TypeAlias = tuple[str, str | None, bytes | None]


def record(value: bytes, *, flagged: bool = False, tag: str = "245") -> bytes:
    """Make a record of one value."""
    leader = "nam a22 i 4500" if flagged else MARC8
    placeholder = "~" * len(value)
    made = encode([control("001", "1"), data(tag, ("a", placeholder), ("b", "plain"))], leader=leader)
    return made.replace(placeholder.encode(), value)


def read(content: bytes, **options: Unpack[mrrc.ReadOptions]) -> tuple[list[str], list[Said]]:
    """Return the first subfield of each record, and what is said of it."""
    table = mrrc.read_table(content, **options)
    fields = table["fields"].to_pylist()
    assert all(row[1]["subfields"][1] == {"code": "b", "value": "plain"} for row in fields)
    problems = mrrc.read_problems(content, **options).to_pylist()
    values = [row[1]["subfields"][0]["value"] for row in fields]
    return values, [(problem["code"], problem["tag"], problem["raw"]) for problem in problems]


MARC8_TEXT = {
    b"Caf\xe2e": "Café",
    b"\xe3\xf2o": "ộ",
    b"\x1b(NrOSSIQ\x1b(B x": "Россия x",
    b"H\x1bb2\x1bsO": "H₂O",
    b"x\x1bp2\x1bs": "x²",
    b"\x1bga\x1bs-rays": "α-rays",  # noqa: RUF001
    b"\x1b$1!0!\x1b(B": "一",
    b"\x1b(2a\x1b(B": "ב",
    b"\x1b(3G\x1b(B": "ا",  # noqa: RUF001
    b"\x1b(Sa\x1b(B": "α",  # noqa: RUF001
    b"\xa1\xb1": "Łł",
}


@pytest.mark.parametrize("value", MARC8_TEXT)
@pytest.mark.parametrize("categorical", [True, False])
def test_marc8_becomes_unicode_in_nfc(value: bytes, categorical: bool) -> None:
    content = record(b"before") + record(value) + record(b"after, which is long")
    values, problems = read(content, categorical=categorical)
    assert values == ["before", MARC8_TEXT[value], "after, which is long"]
    assert problems == []
    assert unicodedata.is_normalized("NFC", values[1])
    (one,) = mrrc.MARCReader(record(value))
    assert one is not None
    assert one["245"]["a"] == MARC8_TEXT[value]


def test_long_text_that_was_decoded_is_no_view_of_the_input_and_the_rest_is() -> None:
    long = b"Une tr\xe1es longue histoire de la po\xe2esie fran\xf0caise"
    content = (record(long) + record(b"A long title that is plain ASCII")) * 1000
    values, problems = read(content)
    assert values == ["Une très longue histoire de la poésie française", "A long title that is plain ASCII"] * 1000
    assert problems == []
    for string_type in ("large_string", "string"):
        assert read(content, string_type=string_type)[0] == values
    assert read(content, batch_size=7)[0] == values


def test_codes_that_stand_for_nothing_are_told() -> None:
    values, problems = read(record(b"ab\xffcd") + record(b"x\x1b%Gy", tag="500"))
    assert values == ["ab\ufffdcd", "x\ufffd%Gy"]
    assert problems == [("unknown_character", "245", b"ab\xffcd"), ("unknown_character", "500", b"x\x1b%Gy")]


def test_a_record_that_is_utf8_all_the_same_is_told_once() -> None:
    values, problems = read(record("Café".encode()))
    assert (values, problems) == (["Café"], [("utf8_not_flagged", None, None)])


def test_a_value_of_utf8_among_others_in_marc8_is_told_with_its_tag() -> None:
    mixed = record("Café".encode()).replace(b"\x1fbplain", b"\x1fbp\xe1an")
    rows = mrrc.read_table(mixed)["fields"].to_pylist()
    assert rows[0][1]["subfields"] == [{"code": "a", "value": "Café"}, {"code": "b", "value": "pàn"}]
    problems = mrrc.read_problems(mixed).to_pylist()
    assert ("utf8_not_flagged", "245") in [(problem["code"], problem["tag"]) for problem in problems]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Po\xe2esie fran\xf0caise", "Poésie française"),
        (b"\xb90.75", "£0.75"),
        (b"\x1b(NrOSSIQ\x1b(B", "Россия"),
        (b"Caf\xe2e \x1b$1!0!\x1b(B", "Café 一"),
    ],
)
def test_marc8_that_is_flagged_as_utf8_is_read_as_marc8_where_it_is_certain(value: bytes, text: str) -> None:
    values, problems = read(record(value, flagged=True))
    assert (values, problems) == ([text], [("marc8_not_flagged", "245", value)])


@pytest.mark.parametrize(
    "value", [b"Caf\xe9", b"Caf\xe2e", b"S\xe3o Paulo", b"M\xfcller", b"\xa30.75", b"\xabmot\xbb", "é".encode()[:1]]
)
def test_what_is_neither_becomes_replacement_characters_and_is_told(value: bytes) -> None:
    values, problems = read(record(value, flagged=True))
    assert values == [value.decode("utf-8", "replace")]
    assert problems == [("invalid_utf8", "245", value)]


@pytest.mark.parametrize(
    ("encoding", "value", "text"),
    [
        ("utf-8", "é".encode(), "é"),
        ("marc-8", b"Caf\xe2e", "Café"),
        ("marc-8", "é".encode(), "©♭"),
        ("iso-8859-1", b"Caf\xe9 \xa30.75", "Café £0.75"),
        ("windows-1252", b"\x80 \xe9", "€ é"),
        ("cp437", b"Caf\x82", "Café"),
        ("cp850", b"\xb7 la carte", "À la carte"),
    ],
)
@pytest.mark.parametrize("flagged", [True, False])
def test_a_caller_who_knows_is_believed(encoding: Encoding, value: bytes, text: str, flagged: bool) -> None:
    assert read(record(value, flagged=flagged), encoding=encoding) == ([text], [])


def test_control_fields_and_stray_text_are_decoded_too() -> None:
    made = encode([control("001", "c~f"), data("245", ("a", "x"), text="st~y")], leader=MARC8)
    made = made.replace(b"~", b"\xa1")
    table = mrrc.read_table(made)
    assert table["control_number"].to_pylist() == ["cŁf"]
    assert [field["value"] for field in table["fields"].to_pylist()[0]] == ["cŁf", "stŁy"]


# Records of the corpus that are there twice


def fields_of(path: Path) -> list[list[Any]]:
    table = mrrc.read_table(path, string_type="large_string", categorical=False)
    return [plain(row) for row in table["fields"].to_pylist()]


def plain(fields: list[Field]) -> list[Any]:
    """Fields as tuples, their text in NFC."""
    return [
        (field["tag"], nfc(field["value"] or ""))
        if field["subfields"] is None
        else (field["tag"], field["ind1"], field["ind2"], [(s["code"], nfc(s["value"])) for s in field["subfields"]])
        for field in fields
    ]


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def of_json(path: Path) -> list[Any]:
    """Fields of a record in MARC-in-JSON."""
    return [
        (tag, nfc(content))
        if isinstance(content, str)
        else (
            tag,
            content["ind1"],
            content["ind2"],
            [(code, nfc(value)) for subfield in content["subfields"] for code, value in subfield.items()],
        )
        for field in json.loads(path.read_text())["fields"]
        for tag, content in field.items()
    ]


def of_xml(path: Path) -> list[Any]:
    """Fields of the one record in MARCXML."""
    found: list[Any] = []
    for element in ET.parse(path).iter():
        kind, tag = element.tag.split("}")[-1], element.get("tag", "")
        if kind == "controlfield":
            found.append((tag, nfc(element.text or "")))
        elif kind == "datafield":
            subfields = [(child.get("code"), nfc(child.text or "")) for child in element]
            found.append((tag, element.get("ind1"), element.get("ind2"), subfields))
    return found


def test_marc8_and_its_siblings_in_unicode_have_the_same_text(corpus: Path) -> None:
    yaz = corpus / "indexdata__yaz"
    pairs = [("marc8.marc", "marc8.json"), ("marc9.marc", "marc9.json"), ("marc9.json.marc", "marc9.json")]
    for name, sibling in [*pairs, ("marc10.json.marc", "marc10.json"), ("marc11.json.marc", "marc11.json")]:
        assert fields_of(yaz / name) == [of_json(corpus.parent / "marcjson" / "indexdata__yaz" / sibling)], name
    for name, sibling in [("marc8.marc", "marc8.xml"), ("marc9.marc", "marc9.xml"), ("marc8.marc", "xml2marc8.xml")]:
        assert fields_of(yaz / name) == [of_xml(corpus.parent / "marcxml" / "indexdata__yaz" / sibling)], name


def halves(text: str) -> str:
    """A double ligature or tilde as its two halves, which is how MARC-8 has them: over a letter each."""
    text = re.sub("\u0361(.)", "\ufe20\\1\ufe21", text)
    return nfc(re.sub("\u0360(.)", "\ufe22\\1\ufe23", text))


def of_mnemonic(path: Path) -> list[list[Any]]:
    """Records in MARCMaker's format."""
    found = []
    for block in re.split(r"\r?\n\r?\n", path.read_text("utf-8").strip()):
        fields: list[Any] = []
        for tag, content in re.findall(r"^=(\d\d\d)  (.*?)\r?$", block, re.MULTILINE):
            if tag < "010":
                fields.append((tag, content.replace("\\", " ")))
                continue
            indicators = content[:2].replace("\\", " ")
            subfields = [(s[0], halves(s[1:].replace("{dollar}", "$"))) for s in content[2:].split("$")[1:]]
            fields.append((tag, indicators[0], indicators[1], subfields))
        found.append(fields)
    return found


def test_marcmaker_s_test_records_have_the_same_text(corpus: Path) -> None:
    ours = fields_of(corpus / "marc4j__marc4j" / "brkrtest.mrc")
    theirs = of_mnemonic(corpus.parent / "mrk" / "marc4j__marc4j" / "brkrtest.mrk8")
    different = [
        (one, two)
        for ones, twos in zip(ours, theirs, strict=True)
        for one, two in zip(ones, twos, strict=True)
        if one != two
    ]
    assert different == []


def test_a_record_of_bad_values_alone_takes_no_room_for_telling() -> None:
    # Its field is longer than a directory has digits for, which is told, too.
    problems = mrrc.read_problems(record(b"\x1fa\xff" * 20_000, flagged=True)).to_pylist()
    (problem,) = [problem for problem in problems if problem["code"] == "invalid_utf8"]
    assert (problem["tag"], problem["raw"]) == ("245", b"\xff" * 20_000)
