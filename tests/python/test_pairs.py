"""A damaged file of real records, and the same records mended: both have the same text, record by record.

marc4j has the two among its tests: records about "Pride and prejudice" from many catalogues, with errors of all kinds.
They were mended by a program, as its mistakes show. What sets the files apart is a rule below, and counted, or listed.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

import mrrc_arrow as mrrc
import pymarc
import pytest

from .marc import control, data, encode

if TYPE_CHECKING:
    from pathlib import Path

    from .marc import Field, Row

# A control field is its tag and its text; a data field its tag, indicators and subfields.
Control: TypeAlias = tuple[str, str]
Data: TypeAlias = tuple[str, str, str, list[tuple[str, str]]]
Difference: TypeAlias = tuple[int, str | None, str, str, str, str]

ROWS = 383
FIELDS = 7841
SUBFIELDS = 13_884  # of the mended file; the damaged one has the empty ones besides

# All leaders say UTF-8. Rows whose bytes are something else, which cannot be told from them with certainty: the reader
# reports `invalid_utf8` for exactly these, and a caller who knows reads them with `encoding`.
MARC8 = [191, 240, 250, 251, 285, 289, 301, 303, 304, 305, 306, 307, 309, 327]
MARC8 += [333, 334, 339, 345, 346, 349, 350, 352, 353, 379, 380, 381]
ISO_8859_1 = [92, 183, 267, 274, 355, 373]  # Swedish and Norwegian libraries in 852, such as b"\xd6stersund"
# French UNIMARC, such as b"imprim\xc2e".
ISO_5426 = [237, 290, 292, 295, 296, 297, 336]

# Rows whose leader says UTF-8, where the reader is certain that they are MARC-8. They need no `encoding`.
MARC8_FOR_CERTAIN = [1, 6, 9, 16, 23, 51, 53, 54, 55, 59, 72, 79, 81, 131, 171, 188, 217, 218, 276, 277, 288, 291, 293]
MARC8_FOR_CERTAIN += [294, 302, 308, 330, 331, 332, 340, 341, 342, 343, 348, 351]

# Rows with a leader of 23 bytes: the last byte of the entry map is not there.
SHORT_LEADERS = [92, 183, 202, 247, 264, 265, 266, 267, 274, 279, 286, 310, 335, 337, 355, 376]

# Text that really differs: row, control number, tag, code, the damaged file's text, the mended one's.
DIFFERENT: list[Difference] = [
    # ISO 8859-1 that was mended as if it were MARC-8, where 0xF6 is a line below the letter that follows.
    (183, "BTJ48172369D", "852", "a", "Utbildningsförv i Stockholm", "Utbildningsfr\u0332v i Stockholm"),
    (355, "BTJ40814090X", "852", "a", "Linköping", "Linkp\u0332ing"),
    # 0xD8 and the blank after it were mended into "_".
    (373, "042024412", "852", "b", "BØ Lydbok", "B_Lydbok"),
    # A single character of East Asian MARC-8 after ASCII that was left as it was.
    (284, "377949", "020", "a", "1858131111 (pbk.) 媷", "1858131111 (pbk.) $1!|E(B"),
    # Prices that begin with "$1", and a note that begins with "(B": taken for escape sequences, and removed.
    (311, "00085390", "010", "d", "CN$16.00", "CN6.00"),
    (356, "ocm35079637", "020", "c", "$17.80", "7.80"),
    (361, "100717264", "010", "d", "NT$150", "NT50"),
    (
        361,
        "100717264",
        "700",
        "c",
        "(Barrie, J. M. (James Matthew), 1860-1937)",
        "arrie, J. M. (James Matthew), 1860-1937)",
    ),
    (364, "00050413", "010", "d", "NT$160", "NT60"),
    (364, "00050413", "010", "d", "NT$160", "NT60"),
    (365, "00050413", "010", "d", "NT$160", "NT60"),
    (365, "00050413", "010", "d", "NT$160", "NT60"),
    (366, "100999164", "010", "d", "NT$169", "NT69"),
    (368, "100797272", "010", "d", "NT$160", "NT60"),
    (370, "100049861", "010", "d", "NT$180", "NT80"),
]

ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'"}

# Three bytes for a character, or a blank, between what is left of the escape sequences that go there and back.
EAST_ASIAN = re.compile(r"\$1((?:[!-~]{3}| )+?)\(B")

# How often each rule of `Mending` has something to do.
DONE = {
    "001 to the front": 8,
    "East Asian text": 549,
    "East Asian text with an unknown code": 34,
    "capital code": 28,
    "empty subfield": 17,
    "entity": 701,
    "last byte of a leader": len(SHORT_LEADERS),
}


def nfc(text: str) -> str:
    """MARC-8 is decoded to NFC, the mended file is partly in NFD."""
    return unicodedata.normalize("NFC", text)


class Mending:
    """What was done to the damaged file, rule by rule, and how often."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()

    def leader(self, row: int, leader: str) -> str:
        """Where the last byte is not there, which the reader has as a blank, it is 0."""
        if row not in SHORT_LEADERS:
            return leader
        assert leader[20:] == "450 "
        self.done["last byte of a leader"] += 1
        return leader[:23] + "0"

    def fields(self, fields: list[Control | Data]) -> list[Control | Data]:
        """001 is at the front, and all else where it was; control fields have nothing else to mend."""
        moved = [field for field in fields[1:] if field[0] == "001"]
        self.done["001 to the front"] += len(moved)
        rest = [field for field in fields if field not in moved]
        return [field if len(field) == 2 else self.field(field) for field in moved + rest]

    def field(self, field: Data) -> Data:
        """Subfields without text are gone. No field has only such."""
        tag, ind1, ind2, subfields = field
        kept = [(self.code(tag, code), self.text(text)) for code, text in subfields if text]
        assert kept
        self.done["empty subfield"] += len(subfields) - len(kept)
        return tag, ind1, ind2, kept

    def code(self, tag: str, code: str) -> str:
        """Capitals among the codes, which only the items of one library in 876 have, are small."""
        if tag != "876" or code not in "LABF":
            return code
        self.done["capital code"] += 1
        return code.lower()

    def text(self, text: str) -> str:
        """What came of XML and of the loss of escape characters is undone."""
        # The records were XML once. Entities are inside of East Asian text, too: "!9&gt;" is "!9>".
        text, count = re.subn("&(?:amp|lt|gt|quot|apos);", lambda found: ENTITIES[found[0]], text)
        self.done["entity"] += count
        # XML 1.0 cannot hold the escape character, so all those of MARC-8 were lost.
        text = EAST_ASIAN.sub(self.east_asian, text)
        return nfc(text)

    def east_asian(self, found: re.Match[str]) -> str:
        """Characters, up to the first code that stands for none; from there on, the codes are as they were."""
        codes = re.findall("[!-~]{3}| ", found[1])
        text = decoded(found[1])
        assert len(text) == len(codes)
        known = text.partition("\ufffd")[0]
        self.done["East Asian text"] += 1
        self.done["East Asian text with an unknown code"] += known != text
        return known + "".join(codes[len(known) :])


@functools.cache
def decoded(codes: str) -> str:
    """What the package makes of codes of East Asian MARC-8 that have their escape sequences; U+FFFD if nothing."""
    made = encode([control("001", "1"), data("880", ("a", f"\x1b$1{codes}\x1b(B"))])
    table = mrrc.read_table(made, encoding="marc-8")
    text = table["fields"].to_pylist()[0][1]["subfields"][0]["value"]
    assert isinstance(text, str)
    return text


def rows_of(path: Path, encoding: Literal["auto", "marc-8", "iso-8859-1", "iso-5426"] = "auto") -> list[Row]:
    table = mrrc.read_table(path, ignore_errors=True, encoding=encoding, string_type="large_string", categorical=False)
    rows: list[Row] = table.to_pylist()
    return rows


def read(fields: list[Field]) -> list[Control | Data]:
    """Fields of a row."""
    found: list[Control | Data] = []
    for field in fields:
        parts = field["ind1"], field["ind2"], field["value"], field["subfields"]
        match parts:
            case None, None, str(value), None:
                found.append((field["tag"], nfc(value)))
            case str(ind1), str(ind2), None, list(subfields):  # nothing stands before the first subfield
                found.append((field["tag"], ind1, ind2, [(s["code"], nfc(s["value"])) for s in subfields]))
            case _:
                pytest.fail(f"a field that is neither a control nor a data field: {field}")
    return found


def read_by_pymarc(path: Path) -> list[tuple[str, list[Control | Data]]]:
    """Leaders and fields of a file without errors."""
    found: list[tuple[str, list[Control | Data]]] = []
    with path.open("rb") as file:
        for record in pymarc.MARCReader(file):
            assert record is not None
            fields: list[Control | Data] = [
                (field.tag, nfc(field.data or ""))
                if field.is_control_field()
                else (field.tag, field.indicator1, field.indicator2, [(c, nfc(text)) for c, text in field.subfields])
                for field in record.fields
            ]
            found.append((str(record.leader), fields))
    return found


@pytest.fixture(scope="module")
def damaged(corpus: Path) -> Path:
    """The records with errors."""
    return at_hand(corpus / "marc4j__marc4j" / "pride-and-prejudice-with-many-errors.mrc")


@pytest.fixture(scope="module")
def mended(corpus: Path) -> Path:
    """The same records without."""
    return at_hand(corpus / "marc4j__marc4j" / "pride-and-prejudice-fixed.mrc")


def at_hand(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"a file of the corpus is not at hand ({path})")
    return path


def test_what_is_wrong_with_the_damaged_file_is_told(damaged: Path) -> None:
    told: dict[str, set[int]] = {}
    for problem in mrrc.read_problems(damaged).to_pylist():
        assert not problem["rejected"]
        told.setdefault(problem["code"], set()).add(problem["record"])
    assert told == {
        "leader_length": set(SHORT_LEADERS),
        "marc8_not_flagged": set(MARC8_FOR_CERTAIN),
        "invalid_utf8": {*MARC8, *ISO_8859_1, *ISO_5426},
    }


def test_nothing_is_wrong_with_the_mended_file(mended: Path) -> None:
    assert mrrc.read_problems(mended).num_rows == 0
    assert [(row["leader"], read(row["fields"])) for row in rows_of(mended)] == read_by_pymarc(mended)


def test_the_damaged_file_has_the_text_of_the_mended_one(damaged: Path, mended: Path) -> None:
    ours = rows_of(damaged)
    for those, known in (
        (MARC8, rows_of(damaged, encoding="marc-8")),
        (ISO_8859_1, rows_of(damaged, encoding="iso-8859-1")),
        (ISO_5426, rows_of(damaged, encoding="iso-5426")),
    ):
        for row in those:
            ours[row] = known[row]
    theirs = read_by_pymarc(mended)
    assert len(ours) == len(theirs) == ROWS

    mending = Mending()
    fields = subfields = 0
    different: list[Difference] = []
    for row, (one, (their_leader, their_fields)) in enumerate(zip(ours, theirs, strict=True)):
        leader = mending.leader(row, one["leader"])
        # The two lengths in it were counted anew.
        assert (leader[5:12], leader[17:]) == (their_leader[5:12], their_leader[17:]), row
        for mine, other in zip(mending.fields(read(one["fields"])), their_fields, strict=True):
            fields += 1
            if len(mine) == 2 or len(other) == 2:
                assert mine == other, row
                continue
            assert mine[:3] == other[:3], row
            for (code, text), (their_code, their_text) in zip(mine[3], other[3], strict=True):
                subfields += 1
                assert code == their_code, (row, mine)
                if text != their_text:
                    different.append((row, one["control_number"], mine[0], code, text, their_text))
    assert different == sorted(DIFFERENT)
    assert (fields, subfields) == (FIELDS, SUBFIELDS)
    assert mending.done == DONE
