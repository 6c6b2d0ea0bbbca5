"""Write the tables of MARC 21: names of fields and subfields, and what stands where in fixed fields.

    python scripts/generate_marc21.py [--reference FOLDER] [--check]

What is written is `src/marc21/names.rs`, `src/marc21/positions.rs` and the tables in `docs/fixed-fields.md`.

Names and positions are taken from schemas in Avram's form, which are not part of the project and looked for beside the
checkout: tags, codes, positions and their names, nothing else. What none of them has is in `marc21_data.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from marc21_data import (
    HOLDINGS_008,
    HOLDINGS_LEADER,
    LEADERS,
    MATERIALS,
    MATERIALS_006,
    OTHER_FORMATS,
    OTHERWISE_IN_HOLDINGS,
    SHORT,
    SPELLING,
)
from rust_source import lines_of

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT.parent / "shared/data/reference"
BIBLIOGRAPHIC = "jorol__MARC-Schema/marc-schema.json"
AUTHORITY = "pkiraly__qa-catalogue/authority-schema.avram.json"
# A later state of the bibliographic format, without what is obsolete, and without positions.
LATER = "sul-dlss-labs__marctable/marc.json"
NAMES = ROOT / "src/marc21/names.rs"
POSITIONS = ROOT / "src/marc21/positions.rs"
DOCS = ROOT / "docs/fixed-fields.md"
BEGIN, END = "<!-- begin of what scripts/generate_marc21.py writes -->", "<!-- end -->"

LANGUAGES = "https://www.loc.gov/marc/languages/language_code.html"
COUNTRIES = "https://www.loc.gov/marc/countries/countries_code.html"

Codes: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Position:
    """Something at a place of a fixed field: its name and label, first and last character, codes and their meanings."""

    name: str
    label: str
    start: int
    end: int
    codes: Codes


@dataclass
class Fixed:
    """A fixed field: which table is meant by which characters, and the positions of each."""

    tag: str
    choices: list[tuple[str, str, str]]
    tables: dict[str, list[Position]]
    # The positions that are taken to be there where no table is meant.
    common: list[Position]
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put the names of all tables in an order: that of the first table that has one, common ones in their place."""
        first = {tag for tag, _, _ in self.choices}
        bibliographic = [name for name in self.tables if name not in {"authority", "holdings"} or len(first) == 1]
        places: dict[str, int] = {}
        for positions in [self.common, *(self.tables[name] for name in bibliographic)]:
            for position in positions:
                places.setdefault(position.name, position.start)
        self.names = sorted(places, key=lambda name: places[name])
        for positions in self.tables.values():
            self.names += [position.name for position in positions if position.name not in self.names]


def clean(label: str) -> str:
    """Give a label without what says that, and since when, it is obsolete."""
    label = re.sub(r"\s*\[OBSOLETE.*", "", " ".join(label.split()))
    return SPELLING.get(label, label)


def name_of(label: str) -> str:
    """Give the short name of a position."""
    return SHORT.get(label) or re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")


def snake(label: str) -> str:
    """Give the name of a table."""
    return re.sub(r"[ -]", "_", label.lower())


def codes_of(codes: object, width: int) -> Codes:
    """Read the codes of a position, without ranges of numbers."""
    if not isinstance(codes, dict):
        return ()
    known = {code: clean(meaning["label"] if isinstance(meaning, dict) else meaning) for code, meaning in codes.items()}
    return tuple(sorted((code, label) for code, label in known.items() if len(code) in (1, width)))


def list_of(codelist: dict[str, Any], blank: str | None) -> Codes:
    """Read a list of codes of three characters, filled with blanks. Those with a hyphen are discontinued."""
    codes = {"|||": "No attempt to code"}
    if blank is not None:
        codes["   "] = blank
    for code, meaning in sorted(codelist.items(), key=lambda item: item[0].startswith("-")):
        codes.setdefault(code.removeprefix("-").ljust(3), clean(meaning["label"]))
    return tuple(sorted(codes.items()))


def positions_of(positions: dict[str, Any], lists: dict[str, Codes]) -> list[Position]:
    """Read the positions of a table that are defined."""
    found = []
    for position in positions.values():
        label = re.sub(r" \(.*", "", position["label"])
        if label.startswith("Undefined"):
            continue
        start, end = position["start"], position["end"]
        name = name_of(label)
        codes = lists.get(name) or codes_of(position.get("codes"), end - start + 1)
        found.append(Position(name, label, start, end, codes))
    return sorted(found, key=lambda position: position.start)


def written_down(table: str) -> dict[str, Any]:
    """Read the positions of a table of the holdings format. A coded one may also have the fill character."""
    positions = {}
    for line in table.strip().splitlines():
        place, rest = line.split(" ", 1)
        label, _, codes = rest.partition(": ")
        known = {code[0].replace("#", " "): code[2:] for code in codes.split("; ") if code}
        start, _, end = place.partition("-")
        positions[place] = {
            "label": label,
            "start": int(start),
            "end": int(end or start),
            "codes": known | {"|": "No attempt to code"} if known else None,
        }
    return positions


def fixed_fields(bibliographic: dict[str, Any], authority: dict[str, Any]) -> list[Fixed]:
    """Read all fixed fields."""
    fields = bibliographic["fields"]
    lists = {
        "language": list_of(bibliographic["codelists"][LANGUAGES], "No information provided"),
        "country": list_of(bibliographic["codelists"][COUNTRIES], None),
    }
    leader = positions_of(fields["LDR"]["positions"], lists)
    shared = [position for position in leader if position.start not in OTHERWISE_IN_HOLDINGS]
    found = [
        Fixed(
            "LDR",
            LEADERS,
            {
                "bibliographic": leader,
                "authority": positions_of(authority["fields"]["LDR"]["positions"], lists),
                "holdings": sorted(
                    [*shared, *positions_of(written_down(HOLDINGS_LEADER), lists)],
                    key=lambda position: position.start,
                ),
            },
            leader,
        )
    ]
    for tag, choices in ("006", MATERIALS_006), ("008", MATERIALS):
        tables = {
            snake(material): positions_of(table["positions"], lists) for material, table in fields[tag]["types"].items()
        }
        common = tables.pop("all_materials")
        for name, positions in tables.items():
            tables[name] = sorted([*common, *positions], key=lambda position: position.start)
        tables = {name: tables[name] for name in dict.fromkeys(name for name, _, _ in choices)}
        if tag == "008":
            choices = choices + OTHER_FORMATS
            tables["authority"] = positions_of(authority["fields"]["008"]["positions"], lists)
            tables["holdings"] = positions_of(written_down(HOLDINGS_008), lists)
        found.append(Fixed(tag, choices, tables, common))
    types = fields["007"]["types"]
    common = positions_of(types["Common"]["positions"], lists)
    tables = {
        snake(material): [*common, *positions_of(table["positions"], lists)]
        for material, table in types.items()
        if material != "Common"
    }
    choices = [(snake(label), code, "") for code, label in common[0].codes if snake(label) in tables]
    if len(choices) != len(tables):
        raise ValueError("a table of the 007 that no code means")
    tables = {name: tables[name] for name, _, _ in choices}
    found.insert(2, Fixed("007", choices, tables, common))
    for fixed in found:
        for name, positions in fixed.tables.items():
            ends = [-1, *(position.end for position in positions)]
            if any(position.start <= end for position, end in zip(positions, ends, strict=False)):
                raise ValueError(f"{fixed.tag} {name}: positions overlap")
            if len({position.name for position in positions}) != len(positions):
                raise ValueError(f"{fixed.tag} {name}: a name occurs twice")
    return found


@dataclass(frozen=True)
class Name:
    """The name of a field or subfield, and what is said of it."""

    label: str
    repeatable: bool | None
    obsolete: bool


@dataclass
class Named:
    """A field and its subfields."""

    tag: str
    name: Name
    subfields: dict[str, Name]


def name_from(entry: dict[str, Any]) -> Name:
    """Read a name."""
    obsolete = bool(entry.get("deprecated"))
    return Name(clean(entry.get("label", "Leader")), None if obsolete else entry.get("repeatable"), obsolete)


def names_of(schema: dict[str, Any], later: dict[str, Any]) -> list[Named]:
    """Read the names of a format; where `later` has something as well, what may be repeated is taken from there."""
    found = []
    for tag in sorted(schema | later, key=lambda tag: (tag != "LDR", tag)):
        new = later.get(tag, {})
        old = schema.get(tag, new)
        name = name_from(old)
        if not name.obsolete:
            name = replace(name, repeatable=new.get("repeatable", name.repeatable))
        subfields = {}
        codes = {**old.get("subfields", {}), **new.get("subfields", {})}
        for code in sorted(codes, key=lambda code: (not code.isalpha(), code)):
            if len(code) != 1:
                continue
            of_code = name_from(old.get("subfields", {}).get(code, codes[code]))
            if not of_code.obsolete and code in new.get("subfields", {}):
                of_code = replace(of_code, repeatable=codes[code]["repeatable"])
            if of_code.label:
                subfields[code] = of_code
        found.append(Named(tag, name, subfields))
    return found


def text(value: str) -> str:
    """Write a string literal of Rust."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def array(name: str, kind: str, items: list[str], doc: str, public: str = "pub(super) ") -> str:
    """Write a Rust static."""
    head = ["", f"/// {doc}", "#[rustfmt::skip]", f"{public}static {name}: [{kind}; {len(items)}] = ["]
    return "\n".join([*head, *lines_of(items), "];", ""])


NAMES_HEAD = """\
//! Names of fields and subfields, and which of them may be repeated or are obsolete.
//!
//! Generated by `scripts/generate_marc21.py`; do not edit.

use super::Named;
use super::Use::{self, Obsolete as O, Once as N, Repeatable as R};

/// A field: its tag, its name as a place in [`LABELS`], whether it may be repeated, and its subfields likewise.
const fn f(tag: &'static str, label: u16, of: Use, subfields: &'static [(u8, Use, u16)]) -> Named {
    Named { tag, label, of, subfields }
}
"""


def render_names(formats: dict[str, list[Named]]) -> str:
    """Write `names.rs`."""
    labels = sorted(
        {
            name.label
            for fields in formats.values()
            for named in fields
            for name in [named.name, *named.subfields.values()]
        }
    )
    place = {label: at for at, label in enumerate(labels)}

    def flags(name: Name) -> str:
        if name.obsolete:
            return "O"
        if name.repeatable is None:
            raise ValueError(f"nothing says whether {name.label} may be repeated")
        return "R" if name.repeatable else "N"

    def entry(named: Named) -> str:
        subfields = [f"(b'{code}',{flags(name)},{place[name.label]})" for code, name in named.subfields.items()]
        head = f'f("{named.tag}", {place[named.name.label]}, {flags(named.name)}, &['
        lines = [head]
        for subfield in subfields:
            if len(lines[-1]) + len(subfield) + 1 > 110:
                lines.append("        ")
            lines[-1] += subfield + ","
        return "\n".join(lines).removesuffix(",") + "])"

    def fields(name: str, doc: str, items: list[Named]) -> str:
        head = f"\n/// {doc}\n#[rustfmt::skip]\npub(super) static {name}: [Named; {len(items)}] = [\n"
        return head + "".join(f"    {entry(named)},\n" for named in items) + "];\n"

    return "".join(
        [
            NAMES_HEAD,
            fields("BIBLIOGRAPHIC", "The bibliographic format, in the order of tags.", formats["bibliographic"]),
            fields("AUTHORITY", "The authority format, in the order of tags.", formats["authority"]),
            array("LABELS", "&str", [text(label) for label in labels], "All names, each once."),
        ]
    )


POSITIONS_HEAD = """\
//! What stands where in the leader, 006, 007 and 008, and what the codes there mean.
//!
//! Generated by `scripts/generate_marc21.py`; do not edit.

use super::fixed::{Codes, FixedField, Position, Table};

/// A position: its place among the names of the field, its first and last character, its codes.
const fn p(name: usize, start: usize, end: usize, codes: Codes) -> Position {
    Position { name, start, end, codes }
}

/// A table: the material it is of, the characters that mean it, its positions.
const fn t(material: &'static str, types: &'static str, levels: &'static str, positions: &'static [Position]) -> Table {
    Table { material, types, levels, positions }
}
"""


@dataclass
class CodeLists:
    """Lists of codes, each written once, where it is met first."""

    known: dict[Codes, str] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    def reference(self, position: Position) -> str:
        """Give what a position refers to its codes by."""
        if not position.codes:
            return "&[]"
        if position.codes not in self.known:
            name = self.known[position.codes] = f"C{len(self.known)}"
            pairs = [f"({text(code)}, {text(label)})" for code, label in position.codes]
            self.written.append(array(name, "(&str, &str)", pairs, f"{position.label}.", public=""))
        return f"&{self.known[position.codes]}"


def render_field(fixed: Fixed, lists: CodeLists) -> tuple[str, str]:
    """Write the statics of one fixed field, and what refers to them."""
    prefix = fixed.tag if fixed.tag.isalpha() else f"F{fixed.tag}"
    tables = {"common": (fixed.common, f"{fixed.tag}, where it is not known of what it is.")}
    tables |= {name: (positions, f"{fixed.tag} of `{name}`.") for name, positions in fixed.tables.items()}
    parts = []
    for name, (positions, doc) in tables.items():
        items = [f"p({fixed.names.index(p.name)}, {p.start}, {p.end}, {lists.reference(p)})" for p in positions]
        parts.append(array(f"{prefix}_{name.upper()}", "Position", items, doc, public=""))
    choices = [f't("{name}", "{types}", "{levels}", &{prefix}_{name.upper()})' for name, types, levels in fixed.choices]
    parts.append(array(f"{prefix}_NAMES", "&str", [text(name) for name in fixed.names], f"Names of {fixed.tag}.", ""))
    parts.append(array(f"{prefix}_TABLES", "Table", choices, f"Tables of {fixed.tag}.", ""))
    statics = f"names: &{prefix}_NAMES, tables: &{prefix}_TABLES, common: &{prefix}_COMMON"
    return "".join(parts), f'    FixedField {{ tag: *b"{fixed.tag}", {statics} }},\n'


def render_positions(fields: list[Fixed]) -> str:
    """Write `positions.rs`."""
    lists = CodeLists()
    written = [render_field(fixed, lists) for fixed in fields]
    head = f"\n/// The fixed fields.\n#[rustfmt::skip]\npub(super) static FIXED: [FixedField; {len(fields)}] = [\n"
    statics, rows = zip(*written, strict=True)
    return "".join([POSITIONS_HEAD, *lists.written, *statics, head, *rows, "];\n"])


def which(fixed: Fixed, materials: list[str]) -> str:
    """Tell in which materials a position is, shortly where it is in all of some kind."""
    all_of = [name for name in fixed.tables if name not in {"authority", "holdings"}]
    if len(materials) == len(fixed.tables):
        return ""
    if fixed.tag == "008" and materials[: len(all_of)] == all_of:
        materials = ["all bibliographic", *materials[len(all_of) :]]
    return f" {', '.join(materials)}"


def render_docs(fields: list[Fixed]) -> str:
    """Write the tables of the documentation: for each field and name, where it is in which material."""
    lines = []
    for fixed in fields:
        lines += ["", f"### {fixed.tag}", "", "| name | label | where |", "| --- | --- | --- |"]
        for name in fixed.names:
            places: dict[tuple[int, int], list[str]] = {}
            label = ""
            for material, positions in fixed.tables.items():
                for position in positions:
                    if position.name == name:
                        label = label or position.label
                        places.setdefault((position.start, position.end), []).append(material)
            where = "; ".join(
                (f"{start:02}" if start == end else f"{start:02}-{end:02}") + which(fixed, materials)
                for (start, end), materials in places.items()
            )
            lines.append(f"| `{name}` | {label} | {where} |")
    return "\n".join([*lines, "", ""])


def render(reference: Path) -> dict[Path, str]:
    """Write all files."""
    bibliographic, authority, later = (
        json.loads((reference / name).read_text(encoding="utf-8")) for name in (BIBLIOGRAPHIC, AUTHORITY, LATER)
    )
    fields = fixed_fields(bibliographic, authority)
    names = {
        "bibliographic": names_of(bibliographic["fields"], later["fields"]),
        "authority": names_of(authority["fields"], {}),
    }
    docs = DOCS.read_text(encoding="utf-8")
    before, rest = docs.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return {
        NAMES: render_names(names),
        POSITIONS: render_positions(fields),
        DOCS: before + BEGIN + "\n" + render_docs(fields) + END + after,
    }


def main() -> int:
    """Write the tables, or with ``--check`` compare them with the files on disk."""
    parser = argparse.ArgumentParser(description="Write the tables of MARC 21.")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help=f"folder of schemas; default: {REFERENCE}")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    differ = 0
    for path, content in render(args.reference).items():
        if args.check:
            same = path.is_file() and path.read_text(encoding="utf-8") == content
            differ += not same
            print(f"{path}: {'as generated' if same else 'differs from what is generated'}")
        else:
            path.write_text(content, encoding="utf-8")
            print(f"{path}: {len(content.splitlines())} lines")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
