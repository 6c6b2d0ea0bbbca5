"""Fixed fields, taken apart by position."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import polars as pl
import pytest

from .conftest import ROOT
from .marc import control, encode
from .marc21 import AUTHORITY, BIBLIOGRAPHIC, STRING_TYPES, schema

if TYPE_CHECKING:
    from pathlib import Path


def fixed(raw: bytes, expression: str) -> dict[str, str | None]:
    """What a fixed field of one record is taken apart into."""
    struct: dict[str, str | None] = mrrc.read_table(raw, columns={"x": expression}).to_pydict()["x"][0]
    return struct


def set_in(raw: bytes, expression: str) -> dict[str, str]:
    """The same without what is null."""
    return {name: value for name, value in fixed(raw, expression).items() if value is not None}


def record(kind: str, *fields: tuple[str, str]) -> bytes:
    """A record whose leader/06 and 07 are `kind`, with control fields."""
    return encode([control(tag, value) for tag, value in fields], leader=f"n{kind} a22 i 4500")


FIRST = {"date_entered": "860506", "date_type": "s", "date1": "1957", "date2": "    ", "country": "nyu"}
LAST = {"language": "eng", "modified_record": " ", "cataloging_source": "d"}


@pytest.mark.parametrize(
    ("kind", "middle", "material", "positions"),
    [
        (
            "am",
            "ab  j" + " bc   011 1a ",
            "books",
            {
                "illustrations": "ab  ",
                "audience": "j",
                "form_of_item": " ",
                "nature_of_contents": "bc  ",
                "government_publication": " ",
                "conference_publication": "0",
                "festschrift": "1",
                "index": "1",
                "literary_form": "1",
                "biography": "a",
            },
        ),
        ("tm", "a   ", "books", {"illustrations": "a   "}),
        (
            "mm",
            "    eo  d f      ",
            "computer_files",
            {"audience": "e", "form_of_item": "o", "type_of_computer_file": "d", "government_publication": "f"},
        ),
        (
            "em",
            "bg  ab d  fr 1 e ",
            "maps",
            {
                "relief": "bg  ",
                "projection": "ab",
                "type_of_cartographic_material": "d",
                "government_publication": "f",
                "form_of_item": "r",
                "index": "1",
                "special_format_characteristics": "e ",
            },
        ),
        (
            "cm",
            "syadjrbde   f  a ",
            "music",
            {
                "form_of_composition": "sy",
                "format_of_music": "a",
                "music_parts": "d",
                "audience": "j",
                "form_of_item": "r",
                "accompanying_matter": "bde   ",
                "literary_text": "f ",
                "transposition_and_arrangement": "a",
            },
        ),
        (
            "as",
            "mr p o  bc i1   b0",
            "continuing_resources",
            {
                "frequency": "m",
                "regularity": "r",
                "type_of_continuing_resource": "p",
                "form_of_original_item": " ",
                "form_of_item": "o",
                "nature_of_entire_work": " ",
                "nature_of_contents": " bc",
                "government_publication": " ",
                "conference_publication": "i",
                "original_alphabet": " ",
                "entry_convention": "b",
            },
        ),
        (
            "gm",
            "095 g     fo   vl",
            "visual_materials",
            {
                "running_time": "095",
                "audience": "g",
                "government_publication": "f",
                "form_of_item": "o",
                "type_of_visual_material": "v",
                "technique": "l",
            },
        ),
        ("pc", "     o", "mixed_materials", {"form_of_item": "o"}),
    ],
)
def test_an_008_is_what_the_leader_says(kind: str, middle: str, material: str, positions: dict[str, str]) -> None:
    value = f"860506s1957    nyu{middle:<17.17}eng d"
    struct = fixed(record(kind, ("008", value)), "fixed(008)")
    for name, wanted in {"material": material, **FIRST, **LAST, **positions}.items():
        assert struct[name] == wanted, name


def test_authorities_and_holdings_have_tables_of_their_own() -> None:
    struct = set_in(record("z ", ("008", "860506n| azannaabn          |n aaa     d")), "fixed(008)")
    assert struct == {
        "material": "authority",
        "date_entered": "860506",
        "geographic_subdivision": "n",
        "romanization_scheme": "|",
        "language_of_catalog": " ",
        "record_kind": "a",
        "cataloging_rules": "z",
        "thesaurus": "a",
        "type_of_series": "n",
        "series_numbering": "n",
        "heading_use_main": "a",
        "heading_use_subject": "a",
        "heading_use_series": "b",
        "type_of_subject_subdivision": "n",
        "type_of_government_agency": "|",
        "reference_evaluation": "n",
        "record_update_in_process": "a",
        "undifferentiated_personal_name": "a",
        "level_of_establishment": "a",
        "modified_record": " ",
        "cataloging_source": "d",
    }
    for kind in "uvxy":
        raw = record(f"{kind} ", ("008", "0012284p    8   4001aueng0901128"))
        struct = set_in(raw, "fixed(008)")
        assert struct == {
            "material": "holdings",
            "date_entered": "001228",
            "receipt_status": "4",
            "acquisition_method": "p",
            "expected_acquisition_end_date": "    ",
            "retention_policy": "8",
            "policy_type": " ",
            "number_of_units": " ",
            "unit_type": " ",
            "completeness": "4",
            "copies_reported": "001",
            "lending_policy": "a",
            "reproduction_policy": "u",
            "language": "eng",
            "copy_report": "0",
            "date_of_report": "901128",
        }
        assert set_in(raw, "fixed(008, labels)")["retention_policy"] == "Permanently retained"


def test_what_is_of_no_material_has_what_all_have() -> None:
    for kind in ("a ", "hm", "  "):
        struct = set_in(record(kind, ("008", "860506s1957    nyuab  j bc   011 1aeng d")), "fixed(008)")
        assert struct == {**FIRST, **LAST, "modified_record": " ", "cataloging_source": "d"}


def test_an_006_and_an_007_say_themselves_what_they_are_of() -> None:
    raw = record(
        "am",
        ("006", "m    eo  d f      "),
        ("006", "jsymnn  bd   f    "),
        ("007", "ta"),
        ("007", "vf cbahos"),
        ("007", "xx"),
    )
    assert set_in(raw, "fixed(006)") == {
        "material": "computer_files",
        "form_of_material": "m",
        "audience": "e",
        "form_of_item": "o",
        "type_of_computer_file": "d",
        "government_publication": "f",
    }
    assert set_in(raw, "fixed(006[1])")["form_of_composition"] == "sy"
    assert set_in(raw, "fixed(006[2])") == {}
    assert set_in(raw, "fixed(007)") == {"material": "text", "category_of_material": "t", "material_designation": "a"}
    video = {
        "material": "videorecording",
        "category_of_material": "v",
        "material_designation": "f",
        "color": "c",
        "videorecording_format": "b",
        "sound_on_medium": "a",
        "medium_for_sound": "h",
        "dimensions": "o",
        "playback_channels": "s",
    }
    assert set_in(raw, "fixed(007[1])") == video
    assert set_in(raw, r"fixed(007{/0=\v})") == video
    assert set_in(raw, "fixed(007[#])") == {"category_of_material": "x"}


def test_a_leader_is_of_one_of_three_formats() -> None:
    for kind, material, names in [
        ("am", "bibliographic", {"bibliographic_level", "descriptive_cataloging_form"}),
        ("hm", "bibliographic", {"bibliographic_level", "descriptive_cataloging_form"}),
        ("z ", "authority", {"punctuation_policy"}),
        ("y ", "holdings", {"item_information_in_record"}),
    ]:
        struct = set_in(record(kind, ("001", "1")), "fixed(LDR)")
        assert struct["material"] == material
        assert struct["record_type"] == kind[0]
        assert names <= struct.keys()
    labels = set_in(record("am", ("001", "1")), "fixed(LDR, labels)")
    assert labels["record_status"] == "New"
    assert labels["character_coding"] == "UCS/Unicode"
    assert labels["base_address"] == "00037"


def test_what_a_field_does_not_reach_is_null() -> None:
    whole = "860506s1957    nyuab  j bc   011 1aeng d"
    names = fixed(record("am", ("008", whole)), "fixed(008)")
    for length in range(len(whole) + 1):
        struct = set_in(record("am", ("008", whole[:length])), "fixed(008)")
        assert struct.pop("material") == "books"
        assert all(names[name] == value for name, value in struct.items())
        assert ("language" in struct) == (length >= 38)
        assert ("date1" in struct) == (length >= 11)
    longer = fixed(record("am", ("008", whole + " and more")), "fixed(008)")
    assert longer == names
    assert set_in(record("am", ("001", "1")), "fixed(008)") == {}
    assert set_in(record("am", ("008", "")), "fixed(008)") == {"material": "books"}


def test_characters_are_counted_not_bytes() -> None:
    struct = fixed(record("am", ("008", "860506s19é7    ñyuab  j bc   011 1aéng 日")), "fixed(008)")
    assert struct["date1"] == "19é7"
    assert struct["country"] == "ñyu"
    assert struct["language"] == "éng"
    assert struct["cataloging_source"] == "日"
    assert struct["material"] == "books"


def test_labels_are_what_codes_mean() -> None:
    def meant(**codes: str) -> dict[str, str]:
        parts = {
            "date_type": "s",
            "country": "nyu",
            "illustrations": "    ",
            "audience": " ",
            "language": "eng",
        } | codes
        value = "860506{date_type}1957    {country}{illustrations}{audience} bc   011 1a{language} d".format(**parts)
        return set_in(record("am", ("008", value)), "fixed(008, labels)")

    plain = meant()
    assert plain["material"] == "books"
    assert plain["date_entered"] == "860506"
    assert plain["date1"] == "1957"
    assert plain["date_type"] == "Single known date/probable date"
    assert plain["country"] == "New York (State)"
    assert plain["language"] == "English"
    assert plain["modified_record"] == "Not modified"
    assert plain["illustrations"] == "No illustrations"
    assert plain["nature_of_contents"] == "Bibliographies; Catalogs"
    assert plain["literary_form"] == "Fiction (not further specified)"
    assert meant(illustrations="abo ")["illustrations"] == "Illustrations; Maps; Photographs"
    assert meant(illustrations="a a ")["illustrations"] == "Illustrations"
    assert meant(illustrations="a?é ")["illustrations"] == "Illustrations; ?; é"
    assert meant(illustrations="||||")["illustrations"] == "No attempt to code"
    assert meant(date_type="?")["date_type"] == "?"
    assert meant(language="xyz")["language"] == "xyz"
    assert meant(country="ne ")["country"] == "Netherlands"


def test_columns_have_one_schema_whatever_the_records_are(sample: Path) -> None:
    columns = {tag: mrrc.fixed(tag) for tag in ("LDR", "006", "007", "008")}
    whole = mrrc.read_table(sample, columns=columns)
    empty = mrrc.read_table(b"", columns=columns)
    assert whole.schema == empty.schema
    whole.validate(full=True)
    pieces = mrrc.read_table(sample, columns=columns, batch_size=7)
    assert pieces.to_pydict() == whole.to_pydict()
    for string_type, text in STRING_TYPES.items():
        table = mrrc.read_table(sample, columns=columns, string_type=string_type)
        for field in table.schema:
            assert not field.nullable
            assert {(child.type, child.nullable) for child in field.type} == {(text, True)}
        assert table.to_pydict() == whole.to_pydict()
    labels = mrrc.read_table(sample, columns={"x": mrrc.fixed("008", labels=True)}, batch_size=7)
    labels.validate(full=True)
    assert labels.schema.field("x").type == whole.schema.field("008").type


@pytest.mark.parametrize(
    ("expression", "message", "at"),
    [
        ("fixed(008", "the spec ends here; ) is wanted", 9),
        ("fixed(008/35-37)", "fields are taken whole, without positions", 9),
        ("fixed(008$a)", "fields are taken whole, without subfields", 9),
        ("fixed(008^1)", "fields are taken whole, without indicators", 9),
        ("fixed(006[1]/0)", "fields are taken whole, without positions", 12),
        ("fixed(245)", "what has its meaning by position is LDR, 006, 007 or 008", 6),
        ("fixed(00.)", "what has its meaning by position is LDR, 006, 007 or 008", 6),
        ("fixed(006|008)", "one field is taken apart, not one after the other", 9),
        ("fixed(008, label)", "labels is what may be asked for here", 11),
        ("fixed(008, labels", ") is wanted here", 17),
        ("fixed(008) ", "the column ends here, and something follows", 10),
        ("fixed(linked(008))", "", 6),
        ("all(fixed(008))", "a spec is wanted here", 4),
    ],
)
def test_what_is_no_fixed_field_is_pointed_at(expression: str, message: str, at: int) -> None:
    with pytest.raises(ValueError, match="no column") as caught:
        mrrc.Column(expression)
    first, spec, pointer = str(caught.value).split("\n")
    assert message in first
    assert spec == "  " + expression
    assert pointer == " " * (2 + at) + "^"


def test_a_struct_is_written_to_parquet(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "coded.parquet"
    argv = ["convert", str(sample), str(target), "--column", "coded=fixed(008, labels)"]
    # In a process of its own: the command takes over what Ctrl-C does.
    subprocess.run([sys.executable, "-m", "mrrc_arrow", *argv], check=True, capture_output=True)
    frame = mrrc.read_marc(sample, columns={"coded": mrrc.fixed("008", labels=True)})
    assert pl.read_parquet(target).rows() == frame.rows()


def documented() -> dict[str, dict[str, str]]:
    """Label to name of each position, as the documentation lists them."""
    text = (ROOT / "docs/fixed-fields.md").read_text(encoding="utf-8")
    sections = re.split(r"^### (\w+)$", text, flags=re.MULTILINE)[1:]
    rows = {
        tag: re.findall(r"^\| `(\w+)` \| (.*?) \|", body, flags=re.MULTILINE)
        for tag, body in zip(sections[::2], sections[1::2], strict=True)
    }
    names = {tag: {label: name for name, label in found} for tag, found in rows.items()}
    names["LDR"]["Subfield code length"] = names["LDR"]["Subfield code count"]
    return names


def tables() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The positions of each fixed field and material, straight from the schemas."""
    fields, authority = schema(BIBLIOGRAPHIC), schema(AUTHORITY)
    found = {"LDR": {"bibliographic": [*fields["LDR"]["positions"].values()]}}
    for tag, common in ("006", "All Materials"), ("007", "Common"), ("008", "All Materials"):
        types = fields[tag]["types"]
        found[tag] = {
            re.sub("[ -]", "_", name.lower()): [*types[common]["positions"].values(), *of["positions"].values()]
            for name, of in types.items()
            if name != common
        }
    for tag in ("LDR", "008"):
        found[tag]["authority"] = [*authority[tag]["positions"].values()]
    return found


def material_of(tag: str, leader: str, value: str | None) -> str | None:
    """Which table a field has, by the text of MARC 21."""
    if value is None:
        return None
    kind, level = leader[6], leader[7]
    if tag == "LDR":
        if kind in "z":
            return "authority"
        return "holdings" if kind in "uvxy" else "bibliographic" if kind in "abcdefghijkmnoprt" else None
    books = {"a": "books" if level in "acdm" else "continuing_resources" if level in "bis" else None, "t": "books"}
    others = {
        "computer_files": "m",
        "maps": "ef",
        "music": "cdij",
        "visual_materials": "gkor",
        "mixed_materials": "p",
    }
    by_code = {code: name for name, codes in others.items() for code in codes}
    if tag == "008":
        return ({"z": "authority"} | dict.fromkeys("uvxy", "holdings") | books | by_code).get(kind)
    if tag == "006":
        return (by_code | {"a": "books", "t": "books", "s": "continuing_resources"}).get(value[:1])
    types = schema(BIBLIOGRAPHIC)["007"]["types"]
    label = types["Common"]["positions"]["00"]["codes"].get(value[:1], {}).get("label")
    return label and re.sub("[ -]", "_", label.lower())


def test_positions_of_real_records_are_slices_of_their_fields(corpus: Path) -> None:
    """By the schemas themselves: every string is the characters that stand there, everything else is null."""
    if not BIBLIOGRAPHIC.exists():
        pytest.skip(f"the schema is not at hand ({BIBLIOGRAPHIC})")
    names, schemas = documented(), tables()
    checked = dict.fromkeys(((tag, material) for tag, of in schemas.items() for material in of), 0)
    columns = {"leader": "LDR"} | {f"text{tag}": tag for tag in names} | {f"x{tag}": f"fixed({tag})" for tag in names}
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            frame = mrrc.read_marc(path, columns=columns, ignore_errors=True)
        for tag in names:
            texts = frame.select("leader", text=f"text{tag}", x=f"x{tag}").unnest("x")
            known = {row: material_of(tag, *row) for row in texts.select("leader", "text").unique().rows()}
            wanted = pl.Series([known[row] for row in texts.select("leader", "text").rows()], dtype=pl.String)
            assert texts["material"].equals(wanted), (path, tag)
            for (material,), rows in texts.group_by("material"):
                positions = schemas[tag].get(str(material))
                if positions is None:
                    continue
                checked[tag, str(material)] += rows.height
                seen = {"leader", "text", "material"}
                for position in positions:
                    label = position["label"].split(" (")[0]
                    if label.startswith("Undefined"):
                        continue
                    name, start, end = names[tag][label], position["start"], position["end"]
                    length = rows["text"].str.len_chars()
                    slices = rows.select(
                        pl.when(length > end).then(pl.col("text").str.slice(start, end - start + 1)).alias(name)
                    )
                    assert rows[name].equals(slices[name]), (path, tag, material, name)
                    seen.add(name)
                for name in set(rows.columns) - seen:
                    assert rows[name].null_count() == rows.height, (path, tag, material, name)
    assert all(count > 0 for (tag, _), count in checked.items() if tag in {"LDR", "008"}), checked
