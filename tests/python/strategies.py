"""Hypothesis strategies for records."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from .marc import Field, control, data

SEPARATORS = "\x1d\x1e\x1f"

text = st.text(st.characters(exclude_characters=SEPARATORS, exclude_categories=["Cs"]), max_size=40)
character = st.characters(exclude_characters=SEPARATORS, exclude_categories=["Cs"])
ascii_character = st.sampled_from(sorted(set(map(chr, range(1, 128))) - set(SEPARATORS)))
tags = st.sampled_from(["001", "005", "008", "020", "245", "650", "880", "999", "LOK", "24A", "00a", "   "]) | st.text(
    st.sampled_from(string.ascii_letters + string.digits + "=#$ ."), min_size=3, max_size=3
)
indicators = st.just("  ") | st.just("10") | st.text(ascii_character, min_size=2, max_size=2)
codes = st.sampled_from("abcxz069A=$") | character


def is_control(tag: str) -> bool:
    """Whether a tag is three digits below 010."""
    return tag.startswith("00") and tag[2] in string.digits


@st.composite
def fields(draw: st.DrawFn) -> Field:
    """Any field that can be written and read back, the odd ones included."""
    tag = draw(tags)
    if is_control(tag):
        return control(tag, draw(text | st.just("a\x1fb")))
    subfields = draw(st.lists(st.tuples(codes, text) | st.just(("", "")), max_size=5))
    if draw(st.integers(0, 9)) == 0:
        return data(tag, *subfields, ind=draw(st.just("") | ascii_character))
    stray = draw(st.none() | text.filter(bool)) if draw(st.integers(0, 9)) == 0 else None
    return data(tag, *subfields, ind=draw(indicators), text=stray)


leaders = st.builds(
    "{}{}a22{}4500".format,
    st.text(st.sampled_from(string.ascii_lowercase + string.digits + " #"), min_size=3, max_size=3),
    st.just(" "),
    st.text(st.sampled_from(string.ascii_letters + string.digits + " "), min_size=3, max_size=3),
)
records = st.lists(st.tuples(st.lists(fields(), max_size=12), leaders), max_size=8)
