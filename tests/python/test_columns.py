"""``columns={…}``: what MARCspecs are in a record, and the tables that they make."""

from __future__ import annotations

import json
import re
import time
import warnings
from pathlib import Path
from typing import Any

import mrrc_arrow as mrrc
import pytest

from .marc import StringType, books, control, data, encode

SUITE = Path(__file__).parents[3] / "shared/data/reference/MARCspec-Test-Suite"

# Field, its indicators, its subfields: what the examples of the language speak of.
RECORD = encode(
    [
        control("001", "id1"),
        control("007", "tu"),
        control("007", "vf cbahos"),
        control("008", "850506s1983    enka     b    001 0 eng d"),
        data("020", ("a", "9780000000001"), ("q", "paperback"), ("c", "£1")),
        data("020", ("z", "123"), ("c", "£2")),
        data("100", ("6", "880-01"), ("a", "Poe, Edgar Allan")),
        data("245", ("6", "880-02"), ("a", "Tales /"), ("b", "by Poe"), ("a", "again")),
        data("300", ("a", "1 v."), ("a", "2 v."), ("c", "20 cm")),
        data("300", ("a", "3 v.")),
        data("300", ("a", "4 v."), ("b", "ill.")),
        data("650", ("a", "Horror"), ind=" 0"),
        data("650", ("a", "Grusel"), ind=" 7"),
        data("800", ("a", "Poe, Edgar"), ind="12"),
        data("880", ("6", "100-01/$1"), ("a", "ポー")),
        data("880", ("6", "245-02/$1"), ("a", "物語"), ind="10"),
    ],
    leader="nam a22     4500",
)


# A directory may call a field as specs call the leader.
LEADER_FIELD = encode([control("001", "id1"), data("245", ("a", "Tales")), data("LDR", ("a", "hello"))])


def test_the_leader_has_no_subfields_whatever_fields_there_are() -> None:
    columns: dict[str, str | mrrc.Column] = {
        "first": "LDR$a",
        "all": mrrc.all("LDR$a"),
        "join": mrrc.join("LDR$a"),
        "count": mrrc.count("LDR$a"),
        "exists": mrrc.exists("LDR$a"),
    }
    none: dict[str, object] = {"first": None, "all": [], "join": None, "count": 0, "exists": False}
    assert mrrc.read_table(LEADER_FIELD, columns=columns).to_pylist() == [none]


def column(spec: str) -> list[str]:
    values: list[str] = mrrc.read_table(RECORD, columns={"x": mrrc.all(spec)}).to_pydict()["x"][0]
    return values


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("LDR/6", ["a"]),
        ("LDR/5-7", ["nam"]),
        ("LDR[1]", []),
        ("008/35-37", ["eng"]),
        ("008/99", []),
        ("007/1-#", ["u", "f cbahos"]),
        ("007/#-1", ["tu", "os"]),
        ("245$a/#-1", [" /", "in"]),
        ("245$a/#", ["/", "n"]),
        ("00.", ["id1", "tu", "vf cbahos", "850506s1983    enka     b    001 0 eng d"]),
        ("8..$a", ["Poe, Edgar", "ポー", "物語"]),
        ("300[0]", ["1 v. 2 v. 20 cm"]),
        ("300[1-#]", ["3 v.", "4 v. ill."]),
        ("300[#-1]", ["3 v.", "4 v. ill."]),
        ("300[#]$a", ["4 v."]),
        ("300[7]", []),
        ("300$a[0]", ["1 v.", "3 v.", "4 v."]),
        ("300$a[1]", ["2 v."]),
        ("300$a[#]", ["2 v.", "3 v.", "4 v."]),
        ("300[0]$a[0]", ["1 v."]),
        ("245$a-c", ["Tales /", "by Poe", "again"]),
        ("245$b$a", ["Tales /", "by Poe", "again"]),
        ("245$a[1]$b", ["by Poe", "again"]),
        ("...$_$$", []),
        ("880^1", [" ", "1"]),
        ("880[1]^2", ["0"]),
        ("020$c{?020$a}", ["£1", "£2"]),
        ("020$z{!020$a}", []),
        ("020$c{$a}", ["£1"]),
        ("020$c{!$a}", ["£2"]),
        (r"020$c{$q=\paperback}", ["£1"]),
        (r"008/18{LDR/6=\a}", ["a"]),
        (r"008/18{LDR/6=\t}", []),
        (r"245$b{007/0=\a|007/0=\t}", ["by Poe"]),
        (r"245$b{007/0=\a|007/0=\m}", []),
        (r"008/18{LDR/6=\a}{LDR/7=\a|LDR/7=\c|LDR/7=\d|LDR/7=\m}", ["a"]),
        (r"008/18{LDR/6=\a}{LDR/7=\s}", []),
        (r"880$a{100$6~$6/3-5}{100$6~\880}", ["ポー"]),
        (r"007[1]/3{/0=\v}", ["c"]),
        (r"007[0]/1{/0=\v}", []),
        (r"245$a{/#=\/}", ["Tales /"]),
        (r"800[0]$a{$a~\Poe}{^2=\1}", []),
        (r"800[0]$a{$a~\Poe}{^2=\2}", ["Poe, Edgar"]),
        (r"650$a{^2=\0}", ["Horror"]),
        (r"650$a{^2!=\0}", ["Grusel"]),
        (r"650$a{!~\o}", ["Grusel"]),
        (r"650$a{=\Horror}", ["Horror"]),
        (r"650{^2=\7}", ["Grusel"]),
        (r"650^2{$a=\Grusel}", ["7"]),
        (r"020$a{[1]$z}", ["9780000000001"]),
        (r"020$a{[0]$z}", []),
        (r"245$b{=\by\sPoe}", ["by Poe"]),
        ("999$a", []),
        ("001$a", []),
        ("001^1", []),
    ],
)
def test_what_a_spec_is_in_a_record(spec: str, values: list[str]) -> None:
    assert column(spec) == values


def test_how_many_values_are_kept() -> None:
    columns: dict[str, str | mrrc.Column] = {
        "id": "001",
        "language": "008/35-37",
        "title": mrrc.join("245$a$b"),
        "dashed": mrrc.join("245$a$b", sep=' -"\\- '),
        "subjects": mrrc.all("650$a"),
        "copies": mrrc.count("300"),
        "volumes": "count(300$a)",
        "online": mrrc.exists("856$u"),
        "isbn": mrrc.first("020$a"),
        "none": mrrc.join("999$a"),
    }
    row = {
        "id": "id1",
        "language": "eng",
        "title": "Tales / by Poe again",
        "dashed": 'Tales / -"\\- by Poe -"\\- again',
        "subjects": ["Horror", "Grusel"],
        "copies": 3,
        "volumes": 4,
        "online": False,
        "isbn": "9780000000001",
        "none": None,
    }
    types_of_text: list[tuple[StringType, str]] = [
        ("view", "string_view"),
        ("large_string", "large_string"),
        ("string", "string"),
    ]
    for string_type, text in types_of_text:
        table = mrrc.read_table(RECORD + books(1)[0], columns=columns, string_type=string_type)
        table.validate(full=True)
        assert table.to_pylist()[0] == row
        assert table.num_rows == 2
        types = [str(field.type) for field in table.schema]
        assert types[0] == text
        assert types[4].startswith(f"large_list<item: {text} not null")
        assert types[5:8] == ["uint32", "uint32", "bool"]
        assert table.schema.equals(mrrc.read_table(b"", columns=columns, string_type=string_type).schema)


def test_columns_are_those_of_the_nested_table(sample: Path) -> None:
    columns: dict[str, str | mrrc.Column] = {"a": mrrc.all("...$a"), "id": mrrc.first("001"), "n": mrrc.count("6..")}
    nested = mrrc.read_table(sample).to_pylist()
    for batch_size in (None, 7):
        found = mrrc.read_table(sample, columns=columns, batch_size=batch_size).to_pylist()
        assert found == [
            {
                "a": [s["value"] for f in row["fields"] for s in f["subfields"] or () if s["code"] == "a"],
                "id": row["control_number"],
                "n": sum(field["tag"].startswith("6") for field in row["fields"]),
            }
            for row in nested
        ]


def test_columns_of_real_files_are_those_of_the_nested_table(corpus: Path) -> None:
    """Damaged ones, too: which records there are, and what is in them, is decided in one place."""
    columns: dict[str, str | mrrc.Column] = {
        "leader": "LDR",
        "a": mrrc.all("...$a"),
        "control": mrrc.all("00."),
        "second": mrrc.first("6..[1]$a"),
        "indicators": mrrc.all("24.^1"),
        "ends": mrrc.all("245$a-c/#-2"),
    }
    seen = 0
    for path in sorted(corpus.rglob("*.mrc")):
        if path.stat().st_size > 400_000:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", mrrc.MrrcWarning)
                nested = mrrc.read_table(path, ignore_errors=True).to_pylist()
                found = mrrc.read_table(path, ignore_errors=True, columns=columns).to_pylist()
        except mrrc.MrrcError:
            continue
        for row, record in zip(found, nested, strict=True):
            subfields = [(f["tag"], s) for f in record["fields"] for s in f["subfields"] or ()]
            of_sixes = [f["subfields"] or () for f in record["fields"] if f["tag"].startswith("6")]
            second = [s["value"] for s in (of_sixes[1] if len(of_sixes) > 1 else ()) if s["code"] == "a"]
            ends = [s["value"] for tag, s in subfields if tag == "245" and s["code"] in {"a", "b", "c"}]
            assert row == {
                "leader": record["leader"],
                "a": [s["value"] for _, s in subfields if s["code"] == "a"],
                "control": [f["value"] for f in record["fields"] if f["tag"].startswith("00") and not f["subfields"]],
                "second": second[0] if second else None,
                "indicators": [
                    f["ind1"] for f in record["fields"] if re.fullmatch("24.", f["tag"]) and f["ind1"] is not None
                ],
                "ends": [value[-3:] for value in ends if value],
            }, path
            seen += 1
    assert seen > 1000


def test_specs_are_taken_one_after_the_other() -> None:
    assert column("245$b|020$a|999$a|245$a") == ["by Poe", "9780000000001", "Tales /", "again"]
    columns: dict[str, str | mrrc.Column] = {
        "first": "999$a|020$z|020$a",
        "join": mrrc.join("300$c|250$a|001", sep="; "),
        "count": mrrc.count("300|650|LDR"),
        "exists": mrrc.exists("999|250"),
        "exists too": mrrc.exists("999$a|650^1"),
        "linked": mrrc.join(mrrc.linked("245$a|100$a")),
        "fields": "fields(245|001)",
    }
    row = mrrc.read_table(RECORD, columns=columns).to_pylist()[0]
    assert [field["tag"] for field in row.pop("fields")] == ["245", "001"]
    assert row == {
        "first": "123",
        "join": "20 cm; id1",
        "count": 6,
        "exists": False,
        "exists too": True,
        "linked": "物語 ポー",
    }


LINKED = encode(
    [
        control("001", "id1"),
        data("245", ("6", "880-01"), ("a", "One")),
        data("700", ("6", "880-02 "), ("a", "Two")),
        data("700", ("6", "880-3"), ("a", "Three")),
        data("700", ("6", "880-03"), ("a", "Three again")),
        data("700", ("a", "without")),
        data("700", ("6", "880-00"), ("a", "none")),
        data("700", ("6", "other"), ("a", "odd")),
        data("710", ("6", "800-04"), ("a", "not of an 880")),
        data("880", ("6", "700-03/(3/r"), ("a", "drei"), ind="12"),
        data("880", ("6", "700-02/$1"), ("a", "zwei"), ("b", "b")),
        data("880", ("6", "245-01"), ("a", "eins"), ("c", "c")),
        data("880", ("6", "245-02"), ("a", "of another tag")),
        data("880", ("6", "700-00"), ("a", "of none")),
        data("880", ("6", "710-04"), ("a", "of that")),
        data("880", ("6", "7001-02"), ("a", "odd")),
        data("880", ("a", "without")),
        data("880", ("6", "245-001"), ("a", "as a number"), ("6", "700-02")),
    ]
)


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        ("245$a", ["eins", "as a number"]),
        ("245$c", ["c"]),
        ("700$a", ["drei", "zwei"]),
        ("7..$a", ["drei", "zwei"]),
        ("700[0]$a", ["zwei"]),
        ("700[0]$a$b", ["zwei", "b"]),
        ("700[1]$a", ["drei"]),
        (r"700$a{^2=\2}", ["drei"]),
        (r"700$a{$b}", ["zwei"]),
        ("700^1", ["1", " "]),
        ("700", ["700-03/(3/r drei", "700-02/$1 zwei b"]),
        ("700$a/0", ["d", "z"]),
        ("710$a", []),
        ("999$a", []),
        ("001", []),
        ("880$a", []),
    ],
)
def test_what_is_linked_to_a_field(spec: str, values: list[str]) -> None:
    columns: dict[str, str | mrrc.Column] = {
        "first": mrrc.linked(spec),
        "all": mrrc.all(mrrc.linked(spec)),
        "join": mrrc.join(mrrc.linked(spec)),
        "count": mrrc.count(mrrc.linked(spec)),
        "exists": mrrc.exists(mrrc.linked(spec)),
    }
    assert mrrc.read_table(LINKED, columns=columns).to_pylist() == [
        {
            "first": values[0] if values else None,
            "all": values,
            "join": " ".join(values) if values else None,
            "count": len(values),
            "exists": bool(values),
        }
    ]


def test_links_are_no_more_work_than_the_record_has() -> None:
    fields = [data(tag, ("6", f"{other}-01")) for tag, other in (("245", "880"), ("880", "245")) for _ in range(2500)]
    start = time.process_time()
    assert mrrc.read_table(encode(fields), columns={"n": "count(linked(245))"}).to_pydict() == {"n": [2500]}
    assert time.process_time() - start < 5


@pytest.mark.parametrize("categorical", [True, False])
def test_fields_are_those_of_the_nested_table(sample: Path, categorical: bool) -> None:
    """With their types, too, and keeping no more than they show."""
    columns: dict[str, str | mrrc.Column] = {
        "added": mrrc.fields("7.."),
        "control": mrrc.fields("00."),
        "second": mrrc.fields("650[1]"),
        "lcsh": mrrc.fields(r"650{^2=\0}"),
        "all": mrrc.fields("..."),
    }
    for string_type in ("view", "large_string", "string"):
        options: Any = {"string_type": string_type, "categorical": categorical}
        nested = mrrc.read_table(sample, **options)
        found = mrrc.read_table(sample, columns=columns, **options)
        found.validate(full=True)
        assert {field.type for field in found.schema} == {nested.schema.field("fields").type}
        records = nested.to_pylist()
        assert found.to_pylist() == [
            {
                "added": [f for f in row["fields"] if f["tag"][0] == "7"],
                "control": [f for f in row["fields"] if f["tag"][:2] == "00"],
                "second": [f for f in row["fields"] if f["tag"] == "650"][1:2],
                "lcsh": [f for f in row["fields"] if f["tag"] == "650" and f["ind2"] == "0"],
                "all": row["fields"],
            }
            for row in records
        ]
    few = mrrc.read_table(sample, columns={"x": mrrc.fields("260")})
    assert few.nbytes < sample.stat().st_size / 4
    linked = mrrc.read_table(LINKED, columns={"x": mrrc.fields(mrrc.linked("700{$b}"))}).to_pylist()[0]["x"]
    assert [[s["value"] for s in field["subfields"]] for field in linked] == [["700-02/$1", "zwei", "b"]]


def test_links_in_real_files(corpus: Path) -> None:
    columns: dict[str, str | mrrc.Column] = {
        "title": mrrc.all(mrrc.linked("245$a")),
        "added": mrrc.all(mrrc.linked("7..$a")),
    }

    def link(field: dict[str, Any]) -> tuple[str, int] | None:
        found = [s["value"] for s in field["subfields"] or () if s["code"] == "6"]
        match = re.match(r"\s*([^-]*)-([0-9]+)", found[0]) if found else None
        return (match[1], int(match[2])) if match and int(match[2]) else None

    def texts(fields: list[dict[str, Any]], tag: str) -> list[str]:
        links = set()
        for field in fields:
            found = link(field) if re.fullmatch(tag, field["tag"]) else None
            if found and found[0] == "880":
                links.add((field["tag"], found[1]))
        linked = [f for f in fields if f["tag"] == "880" and link(f) in links]
        return [s["value"] for f in linked for s in f["subfields"] if s["code"] == "a"]

    seen = 0
    for path in sorted(corpus.rglob("*.mrc")):
        if path.stat().st_size > 2_000_000 or b"\x1f6245-0" not in path.read_bytes():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            nested = mrrc.read_table(path, ignore_errors=True)["fields"].to_pylist()
            found = mrrc.read_table(path, ignore_errors=True, columns=columns).to_pylist()
        assert found == [{"title": texts(row, "245"), "added": texts(row, "7..")} for row in nested], path
        seen += sum(bool(row["title"]) for row in found)
    assert seen > 100


def test_values_of_a_field_are_one() -> None:
    columns: dict[str, str | mrrc.Column] = {
        "subjects": mrrc.all("650$a|245$a$b", sep=" -- "),
        "copies": mrrc.all("300$a", sep='"'),
        "kept": mrrc.all(r"020$a$q$c{$q=\paperback}", sep=" "),
        "linked": mrrc.all(mrrc.linked("245$6$a"), sep="|"),
        "control": mrrc.all("00.|LDR/6|880^1", sep=" "),
        "none": mrrc.all("999$a", sep=" "),
    }
    assert mrrc.read_table(RECORD, columns=columns).to_pylist()[0] == {
        "subjects": ["Horror", "Grusel", "Tales / -- by Poe -- again"],
        "copies": ['1 v."2 v.', "3 v.", "4 v."],
        "kept": ["9780000000001 paperback £1"],
        "linked": ["245-02/$1|物語"],
        "control": ["id1", "tu", "vf cbahos", "850506s1983    enka     b    001 0 eng d", "a", " ", "1"],
        "none": [],
    }


def test_other_options_go_with_columns(sample: Path) -> None:
    table = mrrc.read_table(
        sample,
        columns={"id": "001"},
        n_rows=5,
        row_index_name="i",
        include_offsets=True,
        include_file_paths="path",
    )
    assert table.column_names == ["i", "id", "offset", "length", "path"]
    assert table.num_rows == 5
    assert mrrc.read_marc(sample, columns={"id": "001"}).shape == (300, 1)


def test_rows_do_not_depend_on_columns() -> None:
    content = RECORD + b"too short\x1d" + books(1)[0]
    with pytest.warns(mrrc.MrrcWarning, match="1 record"):
        assert mrrc.read_table(content, columns={"x": "999$a"}, ignore_errors=True).to_pydict() == {"x": [None, None]}


def test_many_codes_make_no_difference() -> None:
    """More codes than a dictionary has room for."""
    odd = [data("500", *((chr(0x100 + 200 * i + j), "x") for j in range(200)), ("a", f"y{i}")) for i in range(3)]
    records = b"".join(encode([field], leader="nam a22     4500") for field in odd)
    table = mrrc.read_table(records, columns={"x": "500$a", "n": "count(500$a)"})
    assert table.to_pydict() == {"x": ["y0", "y1", "y2"], "n": [1, 1, 1]}


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("245$A", 4),
        ("all(6XX$a)", 5),
        ("all(650$a", 9),
        ("all(650$a))", 10),
        ("join(245$a, )", 12),
        ('join(245$a, "x)', 15),
        ("650$a{^2=0}", 9),
        ("fields(700$a)", 10),
        ("fields(700[0]^1)", 13),
        (r"fields(650{$a=\x}/0)", 17),
        ("fields(008/0)", 10),
        ("fields(245|LDR)", 11),
        ("all(linked(LDR/6))", 11),
        ("all(linked(245$a)", 17),
        ("linked(245$a", 12),
        ("linked(all(245$a))", 7),
        ("all(first(245$a))", 4),
        ("all(245$a|linked(245$a))", 10),
        ("245$a|", 6),
        ("245$a||650$a", 6),
        ("245$a |650$a", 5),
        ("245$a|6", 6),
    ],
)
def test_a_mistake_is_pointed_at(expression: str, at: int) -> None:
    with pytest.raises(ValueError, match=r"\^") as raised:
        mrrc.read_table(b"", columns={"x": expression})
    line, caret = str(raised.value).splitlines()[-2:]
    assert line == f"  {expression}"
    assert caret.index("^") == at + 2
    with pytest.raises(ValueError, match="no column"):
        mrrc.Column(expression)


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("245$abc", r"\$ before it, as in \$a\$b"),
        ("245a", r"\$ before it, as in 245\$a"),
        ("245.a", r"\$ before it, as in 245\$a"),
        ("650_0$a", r"indicators are told in braces, as in 650\{\^2=\\0\}"),
        ("245 $a", "no blanks"),
        ("Leader/06", "letters of a tag"),
        ("leader/06", "the leader is LDR"),
        ("LEADER", "the leader is LDR"),
        ("650$a{^2=0}", "text begins with a backslash"),
        ("008/35-37{LDR/6=a}", "text begins with a backslash"),
    ],
)
def test_what_other_tools_have_is_met_with_advice(expression: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        mrrc.Column(expression)


def test_lists_are_no_specs() -> None:
    for make in (mrrc.first, mrrc.all, mrrc.join, mrrc.count, mrrc.exists, mrrc.fields, mrrc.linked):
        with pytest.raises(
            TypeError, match=r"spec must be str or Column, not list; one after the other is 100\$a\|110\$a"
        ):
            make(["100$a", "110$a"])  # type: ignore[arg-type]


def test_no_spec_is_too_long_to_be_told_of() -> None:
    with pytest.raises(ValueError, match="a code is one printable character") as raised:
        mrrc.Column("245$a{" + "$b|" * 30_000 + "$A}")
    assert str(raised.value).splitlines()[-1] == " " * (2 + 6 + 90_000 + 1) + "^"


def test_a_backslash_between_values_stands_before_quotes_alone() -> None:
    with pytest.raises(ValueError, match="backslash"):
        mrrc.Column(r'join(650$a, "\n")')


@pytest.mark.parametrize(
    "spec", ["$a{" * 16 + "$a" + "}" * 16, "$a{=" * 16 + "$a" + "}" * 16, r"$a{$a=\x}", r"$a{650$a=\x}", "$a{$a{$b}}"]
)
def test_conditions_are_no_more_work_than_the_record_has(spec: str) -> None:
    """Each of them is asked of a field once; 16 in one another, asked anew by each value, would take for ever."""
    many = encode([data("650", *[("a", str(i % 7)) for i in range(300)])])
    start = time.process_time()
    mrrc.read_table(many, columns={"n": f"count(650{spec})"})
    assert time.process_time() - start < 5


@pytest.mark.parametrize("test", ["=$b", "~$b", "$b~$a", "!~$b", "!=$b", "$a=$b", "[0]$b", "650$b=$a", "$a!~$b"])
def test_many_values_are_compared_with_many(test: str) -> None:
    """A record that is no larger than most readers take, and each value of 15,000 against each other."""
    one = data("650", *[(code, f"{code}{i:05}") for i in range(5000) for code in "ab"])
    many = [data("650", ("a", f"{i:05}"), ("b", f"-{i}")) for i in range(5000)]
    start = time.process_time()
    mrrc.read_table(encode([one]) + encode(many), columns={"n": f"count(650$a{{{test}}})"})
    assert time.process_time() - start < 5


def test_what_does_not_go_together_is_an_error(sample: Path) -> None:
    with pytest.raises(ValueError, match="layout"):
        mrrc.read_table(sample, columns={"x": "001"}, layout="records")
    with pytest.raises(ValueError, match="tags"):
        mrrc.read_table(sample, columns={"x": "001"}, tags=["245"])
    with pytest.raises(ValueError, match="at least one"):
        mrrc.read_table(sample, columns={})
    with pytest.raises(ValueError, match="two columns"):
        mrrc.read_table(sample, columns={"offset": "001"}, include_offsets=True)
    odd: Any = {"x": 1}
    with pytest.raises(TypeError, match="a column must be a str"):
        mrrc.read_table(sample, columns=odd)


def test_the_public_suite_is_told_right_from_wrong() -> None:
    """File by file; where a file is of one production, that is put where it belongs."""
    if not SUITE.is_dir():
        pytest.skip(f"{SUITE} is absent")
    whole = {
        "ComparisonString": ["...{{$a=\\{}}}"],
        "Indicators": ["...^{}"],
        "PositionOrRange": ["...[{}]", ".../{}"],
        "SubfieldTag": ["...${}"],
        "SubfieldRange": ["...${}"],
        "SubSpec": ["...{}"],
    }
    seen = {"valid": 0, "invalid": 0}
    for kind in seen:
        for path in sorted((SUITE / kind).glob("*.json")):
            for case in json.loads(path.read_text())["tests"]:
                seen[kind] += 1
                for form in whole.get(path.stem.removeprefix(kind), ["{}"]):
                    spec = form.format(case["data"])
                    try:
                        mrrc.Column(spec)
                        accepted = True
                    except ValueError:
                        accepted = False
                    assert accepted == (kind == "valid"), f"{path.name}: {spec}"
    assert seen == {"valid": 2887, "invalid": 88}
