"""Random MARCspecs on random records, against an evaluation written for this test alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import mrrc_arrow as mrrc
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import Field, Row, control, data, encode

Span: TypeAlias = tuple[int | None, int | None]
"""First and last; `None` is the last one, and with it first it counts from the end."""


@dataclass(frozen=True)
class Codes:
    """Subfields: a range of codes, which of them, which characters, on what conditions."""

    first: str
    last: str
    index: Span | None
    chars: Span | None
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Part:
    """What is taken of a field: all of its text, subfields, or an indicator."""

    chars: Span | None = None
    codes: tuple[Codes, ...] = ()
    indicator: int | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Spec:
    """A whole spec."""

    tag: str
    index: Span | None
    part: Part


@dataclass(frozen=True)
class Outer:
    """A part of the field outside, or of another occurrence of it."""

    index: Span | None
    part: Part


@dataclass(frozen=True)
class Chars:
    """Characters of the value outside."""

    span: Span


Term: TypeAlias = str | Spec | Outer | Chars


@dataclass(frozen=True)
class Test:
    """Two terms, or one, and an operator."""

    __test__ = False
    left: Term | None
    operator: str
    right: Term


Condition: TypeAlias = tuple[Test, ...]


# As text.


def write_span(span: Span) -> str:
    start, end = ("#" if place is None else str(place) for place in span)
    return start if start == end else f"{start}-{end}"


def write_index(span: Span | None) -> str:
    return "" if span is None else f"[{write_span(span)}]"


def write_chars(span: Span | None) -> str:
    return "" if span is None else f"/{write_span(span)}"


def write_part(part: Part) -> str:
    if part.codes:
        return "".join(
            f"${codes.first}"
            + (f"-{codes.last}" if codes.last != codes.first else "")
            + write_index(codes.index)
            + write_chars(codes.chars)
            + write_conditions(codes.conditions)
            for codes in part.codes
        )
    what = f"^{part.indicator}" if part.indicator else write_chars(part.chars)
    return what + write_conditions(part.conditions)


def write_spec(spec: Spec) -> str:
    return spec.tag + write_index(spec.index) + write_part(spec.part)


def write_term(term: Term) -> str:
    match term:
        case str():
            return "\\" + term.replace(" ", "\\s")
        case Spec():
            return write_spec(term)
        case Outer(index, part):
            return write_index(index) + write_part(part)
        case Chars(span):
            return write_chars(span)


def write_conditions(conditions: tuple[Condition, ...]) -> str:
    def write(test: Test) -> str:
        return ("" if test.left is None else write_term(test.left)) + test.operator + write_term(test.right)

    return "".join("{" + "|".join(map(write, tests)) + "}" for tests in conditions)


# What it is in a record.


def places(span: Span | None, count: int) -> range:
    if span is None:
        return range(count)
    start, end = span
    if start is None:
        return range(max(0, count - 1 - (end or 0)), count)
    return range(start, count if end is None else min(end + 1, count))


@dataclass
class Outside:
    """The value that conditions speak of."""

    record: Row
    tag: str
    field: Field | None
    whole: str
    value: str


def fields_of(record: Row, tag: str, index: Span | None) -> list[Field]:
    found = [
        field
        for field in record["fields"]
        if len(field["tag"]) == 3 and all(want in (".", have) for want, have in zip(tag, field["tag"], strict=True))
    ]
    return [found[place] for place in places(index, len(found))]


def values_of(record: Row, spec: Spec) -> list[str]:
    if spec.tag == "LDR":
        return part_of(record, "LDR", None, spec.part) if 0 in places(spec.index, 1) else []
    found = fields_of(record, spec.tag, spec.index)
    return [value for field in found for value in part_of(record, spec.tag, field, spec.part)]


def part_of(record: Row, tag: str, field: Field | None, part: Part) -> list[str]:
    def kept(whole: str, chars: Span | None, conditions: tuple[Condition, ...]) -> list[str]:
        value = "".join(whole[place] for place in places(chars, len(whole)))
        if chars is not None and not value:
            return []
        outside = Outside(record, tag, field, whole, value)
        return [value] if all(any(holds(test, outside) for test in tests) for tests in conditions) else []

    subfields = (field["subfields"] or []) if field else []
    if part.codes:
        found = []
        counts = [0] * len(part.codes)
        for subfield in subfields:
            for number, codes in enumerate(part.codes):
                if not codes.first <= subfield["code"] <= codes.last:
                    continue
                alike = sum(codes.first <= other["code"] <= codes.last for other in subfields)
                if counts[number] in places(codes.index, alike):
                    found += kept(subfield["value"], codes.chars, codes.conditions)
                counts[number] += 1
        return found
    if part.indicator:
        symbol = field["ind1" if part.indicator == 1 else "ind2"] if field else None
        return [] if symbol is None else kept(symbol, None, part.conditions)
    if field is None:
        return kept(record["leader"], part.chars, part.conditions)
    text = [] if field["value"] is None else [field["value"]]
    return kept(" ".join(text + [subfield["value"] for subfield in subfields]), part.chars, part.conditions)


def term_of(term: Term, outside: Outside) -> list[str]:
    record = outside.record
    match term:
        case str():
            return [term]
        case Spec():
            return values_of(record, term)
        case Chars(span):
            value = "".join(outside.whole[place] for place in places(span, len(outside.whole)))
            return [value] if value else []
        case Outer(None, part):
            return part_of(record, outside.tag, outside.field, part)
        case Outer(index, part):
            found = fields_of(record, outside.tag, index) if outside.field else []
            return [value for field in found for value in part_of(record, outside.tag, field, part)]


def holds(test: Test, outside: Outside) -> bool:
    right = term_of(test.right, outside)
    if test.operator in ("?", "!"):
        return bool(right) == (test.operator == "?")
    left = [outside.value] if test.left is None else term_of(test.left, outside)
    pairs = [(one, other) for one in left for other in right]
    if "=" in test.operator:
        return any((one == other) != ("!" in test.operator) for one, other in pairs)
    return any((other in one) != ("!" in test.operator) for one, other in pairs)


# Random ones: few tags, codes and letters, so that they meet.

place = st.none() | st.integers(0, 3)
spans = st.tuples(place, place).map(lambda span: span if None in span else (min(span), max(span)))  # type: ignore[type-var]
maybe_span = st.none() | spans
words = st.text(st.sampled_from("ab "), max_size=3)
literals = st.text(st.sampled_from("ab "), min_size=1, max_size=2)
tags = st.sampled_from(["001", "008", "100", "650", "651", "65.", "6..", "...", "00."])


def specs(depth: int) -> st.SearchStrategy[Spec]:
    return st.one_of(
        st.builds(Spec, tags, maybe_span, parts(depth)),
        st.builds(Spec, st.just("LDR"), maybe_span, parts(depth)),
    )


def parts(depth: int) -> st.SearchStrategy[Part]:
    ranges = st.sampled_from([("a", "a"), ("b", "b"), ("a", "b"), ("b", "c"), ("0", "9"), ("_", "_")])
    codes = st.builds(
        lambda ends, index, chars, tests: Codes(ends[0], ends[1], index, chars, tests),
        ranges,
        maybe_span,
        maybe_span,
        conditions(depth),
    )
    return st.one_of(
        st.builds(lambda chars, tests: Part(chars=chars, conditions=tests), maybe_span, conditions(depth)),
        st.builds(lambda codes: Part(codes=tuple(codes)), st.lists(codes, min_size=1, max_size=2)),
        st.builds(lambda one, tests: Part(indicator=one, conditions=tests), st.sampled_from([1, 2]), conditions(depth)),
    )


def conditions(depth: int) -> st.SearchStrategy[tuple[Condition, ...]]:
    if depth == 0:
        return st.just(())
    is_written = lambda part: bool(part.codes or part.indicator)  # noqa: E731 # what is else begins with nothing
    outer = st.builds(Outer, st.none(), parts(depth - 1).filter(is_written)) | st.builds(Outer, spans, parts(depth - 1))
    term = st.one_of(literals, specs(depth - 1), outer, st.builds(Chars, spans))
    tests = st.builds(Test, st.none(), st.sampled_from(["=", "!=", "~", "!~", "?", "!"]), term) | st.builds(
        Test, term, st.sampled_from(["=", "!=", "~", "!~", "?", "!"]), term
    )
    return st.lists(st.lists(tests, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    tag = draw(st.sampled_from(["001", "008", "100", "650", "650", "651"]))
    if tag < "010":
        return control(tag, draw(words))
    subfields = draw(st.lists(st.tuples(st.sampled_from("abc0_"), words), max_size=4))
    indicators = draw(st.text(st.sampled_from("ab "), min_size=2, max_size=2))
    if draw(st.integers(0, 9)) == 0:
        return data(tag, *subfields, ind=draw(st.sampled_from(["", "a"])))
    return data(tag, *subfields, ind=indicators, text=draw(st.none() | st.just("b")))


@settings(max_examples=300, deadline=None)
@given(content=st.lists(st.lists(fields(), max_size=8), min_size=1, max_size=3), spec=specs(2), other=specs(1))
def test_a_spec_is_what_its_rules_say(content: list[list[Field]], spec: Spec, other: Spec) -> None:
    raw = b"".join(encode(fields) for fields in content)
    rows: list[Row] = mrrc.read_table(raw).to_pylist()
    expected = [values_of(row, spec) + values_of(row, other) for row in rows]
    text = f"{write_spec(spec)}|{write_spec(other)}"
    columns: dict[str, str | mrrc.Column] = {
        "all": mrrc.all(text),
        "first": mrrc.first(text),
        "count": mrrc.count(text),
        "exists": mrrc.exists(text),
        "join": mrrc.join(text, sep="|"),
    }
    assert mrrc.read_table(raw, columns=columns).to_pylist() == [
        {
            "all": values,
            "first": values[0] if values else None,
            "count": len(values),
            "exists": bool(values),
            "join": "|".join(values) if values else None,
        }
        for values in expected
    ], text
