"""UNIMARC: what 100 $a says of character sets, and what becomes of records that lie about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

from tests.python.marc import control, data, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

UNIMARC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "iso2709"
LEADER = "nam0 22   450 "


def record(value: bytes, sets: str | None, *, tag: str = "200", leader: str = LEADER) -> bytes:
    """Make a record of one title whose 100 $a names these character sets."""
    placeholder = "~" * len(value)
    coded = [] if sets is None else [data("100", ("a", f"19990101d1999    m  y0frey{sets}    ba"))]
    made = encode([control("001", "1"), *coded, data(tag, ("a", placeholder))], leader=leader)
    return made.replace(placeholder.encode(), value)


def read(content: bytes) -> tuple[str, list[str]]:
    """Return the title of the only record, the same from the table and the reader, and what is told of it."""
    (row,) = mrrc.read_table(content, format="unimarc")["fields"].to_pylist()
    title: str = row[-1]["subfields"][0]["value"]
    (one,) = mrrc.MARCReader(content, format="unimarc", utf8_handling="replace")
    assert one is not None
    assert one[row[-1]["tag"]]["a"] == title
    problems = [problem["code"] for problem in mrrc.read_problems(content, format="unimarc").to_pylist()]
    assert sorted(one.problems) == sorted(problems)
    return title, problems


SAID = {
    ("0103", b"L'\xc2etude des fa\xd0cons, \xeauvre"): "L'étude des façons, Œuvre",
    ("0103", b"\x88Les \x89mis\xc2erables"): "\x98Les \x9cmisérables",
    ("0102", b"\xf2\xcf\xd3\xd3\xc9\xd1"): "Россия",
    ("0103", b"\x1b(NrOSSIQ\x1b(B, etc."): "Россия, etc.",
    ("0104", b"\xe7\xc6"): "Їі",
    ("0105", b"\xc1\xa2\xe1"): "Αά",
    ("0106", b"\xba\xb5"): "ƒɖ",
    ("50  ", "Étude / Россия".encode()): "Étude / Россия",
    ("0150", "Étude / Россия".encode()): "Étude / Россия",
    ("0189", "Проблемы экологии".encode("cp1251")): "Проблемы экологии",
    ("0179", "Проблемы экологии".encode("cp866")): "Проблемы экологии",
    ("0199", "Проблемы экологии".encode("koi8-r")): "Проблемы экологии",
    ("01  ", b"Plain"): "Plain",
    ("0103", b"Plain"): "Plain",
}


@pytest.mark.parametrize(("sets", "value"), SAID)
def test_100a_says_what_text_is_encoded_in(sets: str, value: bytes) -> None:
    assert read(record(value, sets)) == (SAID[sets, value], [])


LIES = {
    # UTF-8 whatever is said, which is the commonest lie.
    ("0103", "Étude".encode()): ("Étude", "utf8_not_flagged"),
    ("0189", "Россия".encode()): ("Россия", "utf8_not_flagged"),
    ("||||", "Étude".encode()): ("Étude", "utf8_not_flagged"),
    # windows-1251 under another name.
    ("0102", "Медико-социальные".encode("cp1251")): ("Медико-социальные", "wrong_character_set"),
    ("0103", "Медико-социальные".encode("cp1251")): ("Медико-социальные", "wrong_character_set"),
    ("50  ", "Медико-социальные".encode("cp1251")): ("Медико-социальные", "wrong_character_set"),
    ("01  ", "Медико-социальные".encode("cp1251")): ("Медико-социальные", "wrong_character_set"),
    # Nothing said, or nothing known: the set that nearly all have.
    ("01  ", b"\xc2etude"): ("étude", "character_set_unknown"),
    ("0108", b"\xc2etude"): ("étude", "character_set_unknown"),
    # Another set for ASCII's codes is told, and not believed.
    ("0203", b"Plain"): ("Plain", "character_set_unknown"),
    # No text of what is said.
    ("50  ", b"Caf\xe9"): ("Caf\ufffd", "invalid_utf8"),
    ("0103", b"Caf\xff"): ("Caf\ufffd", "unknown_character"),
}


@pytest.mark.parametrize(("sets", "value"), LIES)
def test_what_cannot_be_is_read_as_what_it_is_and_told(sets: str, value: bytes) -> None:
    title, code = LIES[sets, value]
    assert read(record(value, sets)) == (title, [code])


def test_a_record_without_100_is_read_as_iso_5426() -> None:
    assert read(record(b"\xc2etude", None)) == ("étude", ["character_set_unknown"])


def test_leader_09_means_nothing() -> None:
    assert read(record(b"\xc2etude", "0103", leader="nam a22   450 ")) == ("étude", [])


def test_authorities_name_their_sets_elsewhere() -> None:
    fields = [control("001", "1"), data("100", ("a", "19990101afrey0103    ba0")), data("200", ("a", "~~"))]
    content = encode(fields, leader="nx  j22   450 ").replace(b"~~", b"\xc2e")
    assert read(content) == ("é", [])


def test_encoding_overrides_the_record() -> None:
    content = record(b"Caf\xe9", "0103")
    (row,) = mrrc.read_table(content, format="unimarc", encoding="iso-8859-1")["fields"].to_pylist()
    assert row[-1]["subfields"][0]["value"] == "Café"
    (row,) = mrrc.read_table(record(b"Caf\xc2e", "50  "), encoding="iso-5426")["fields"].to_pylist()
    assert row[-1]["subfields"][0]["value"] == "Café"


def test_unimarc_has_to_be_said() -> None:
    # The codes of ISO 5426 have other meanings in MARC-8.
    (row,) = mrrc.read_table(record(b"\xc2e", "0103"))["fields"].to_pylist()
    assert row[-1]["subfields"][0]["value"] == "℗e"
    with pytest.raises(ValueError, match="unimarc"):
        mrrc.MARCReader(b"", format="marc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unimarc"):
        mrrc.read_table(b"", format="marc")  # type: ignore[arg-type]


def titles(path: Path) -> Iterator[str]:
    """Give the title proper of each record."""
    fields: list[list[dict[str, Any]]] = mrrc.read_table(path, format="unimarc")["fields"].to_pylist()
    for row in fields:
        subfields = [s for field in row if field["tag"] == "200" for s in field["subfields"]]
        yield from [s["value"] for s in subfields if s["code"] == "a"][:1]


def test_real_files() -> None:
    if not UNIMARC.exists():
        pytest.skip(f"the corpus is not at hand ({UNIMARC})")
    iso_5426 = list(titles(UNIMARC / "jcollonville__marc-rs" / "bibliographiq_unimarc_iso5426.not"))
    assert "\x98L'\x9cInformation financière, économique et politique" in iso_5426
    assert len(iso_5426) == 258
    for name in ("rusmarc_1.iso", "rusmarc_2.iso"):
        (title,) = titles(UNIMARC / "afronkin__marcrecord" / name)
        assert title.startswith(("Медико-социальные", "Электромеханическое преобразование"))
    told = mrrc.read_problems(UNIMARC / "xbib__marc" / "periouni.mrc", format="unimarc")["code"].to_pylist()
    assert set(told) == {"utf8_not_flagged"}
