"""``tags=``: the same tables with some of the fields alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

from .marc import books, control, data, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SETS: list[list[str]] = [
    ["245"],
    ["6XX", "245"],
    ["00X"],
    ["..."],
    [],
    ["001", "9XX"],
    ["XXX"],
    ["LDR", "100"],
    ["008"],
]
sets = pytest.mark.parametrize("tags", SETS, ids=lambda tags: "+".join(tags) or "none")


def matches(tags: Sequence[str], tag: str) -> bool:
    """Whether one of the patterns matches."""
    return any(re.fullmatch(pattern.replace("X", "."), tag) for pattern in tags)


@sets
@pytest.mark.parametrize("categorical", [None, False])
def test_only_these_fields_are_in_the_table(tags: list[str], categorical: bool | None, sample: Path) -> None:
    odd = encode([data("245", ("é", "x")), control("001", "later"), data("9AX", ("a", "y")), control("001", "again")])
    marc8 = encode([control("001", "~"), data("245", ("a", "~"))], leader="nam  22 i 4500").replace(b"~", b"\xb1")
    whole_length = encode([control("001", "12345678901234567890")])
    sources: list[mrrc.Source] = [sample, odd + marc8 + whole_length + b"".join(books(3))]
    for source in sources:
        whole = mrrc.read_table(source, categorical=categorical).to_pylist()
        for row in whole:
            row["fields"] = [field for field in row["fields"] if matches(tags, field["tag"])]
        for batch_size in (None, 1):
            found = mrrc.read_table(source, tags=tags, categorical=categorical, batch_size=batch_size)
            found.validate(full=True)
            assert found.to_pylist() == whole
        flat: list[dict[str, Any]] = mrrc.read_table(source, layout="subfields").to_pylist()
        rows = mrrc.read_table(source, layout="subfields", tags=tags, categorical=categorical).to_pylist()
        assert rows == [row for row in flat if matches(tags, row["tag"])]


@sets
def test_rows_and_rejects_do_not_depend_on_tags(tags: list[str]) -> None:
    content = books(1)[0] + b"too short\x1d" + books(1)[0]
    with pytest.warns(mrrc.MrrcWarning, match="1 record"):
        assert mrrc.read_table(content, tags=tags, ignore_errors=True).num_rows == 2
    with pytest.raises(mrrc.RecordError):
        mrrc.read_table(content, tags=tags)


def test_what_is_told_is_told_of_these_fields_alone() -> None:
    bad = encode([control("001", "x~bad number that is long"), data("245", ("a", "x~"))], leader="nam  22 i 4500")
    odd = encode([control("001", "x"), data("245", ("a", "t")), data("500", ("a", "t"), ind="é")])
    for categorical in (None, False):
        for content, tags, expected in [
            (bad.replace(b"~", b"\xff"), ["001", "245"], {"unknown_character": 2}),
            # The control number is a column of its own.
            (bad.replace(b"~", b"\xff"), ["245"], {"unknown_character": 2}),
            (odd, ["245"], {}),
            (odd, ["500"], {"non_ascii_structure": 1}),
        ]:
            with mrrc.read_batches(content, tags=tags, categorical=categorical) as reader:
                assert sum(batch.num_rows for batch in reader) == 1
                assert reader.problems == expected


def test_a_set_of_tags_and_small_letters() -> None:
    content = b"".join(books(2))
    expected = mrrc.read_table(content, tags=["245", "6XX"]).to_pylist()
    assert mrrc.read_table(content, tags={"245", "6XX"}).to_pylist() == expected
    assert mrrc.read_table(content, tags=("245", "6xx")).to_pylist() == expected


def test_little_text_does_not_hold_on_to_the_file(sample: Path) -> None:
    content = sample.read_bytes() * 20
    whole = mrrc.read_table(content)
    some = mrrc.read_table(content, tags=["245"])
    assert whole.get_total_buffer_size() > len(content)
    assert some.get_total_buffer_size() < len(content) / 4


@pytest.mark.parametrize("tags", [["24"], ["2450"], ["24 "], ["24*"], [""]])
def test_what_is_no_tag_is_an_error(tags: list[str]) -> None:
    with pytest.raises(ValueError, match="three letters or digits"):
        mrrc.read_table(b"", tags=tags)


@pytest.mark.parametrize("tags", ["245", 245, [245], {"245": 1}])
def test_tags_are_a_list(tags: Any) -> None:  # noqa: ANN401
    with pytest.raises(TypeError, match="tags must be a list of str or None, not"):
        mrrc.read_table(b"", tags=tags)
