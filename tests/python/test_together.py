"""What a record is does not depend on the records beside it, odd ones included."""

from __future__ import annotations

from typing import Any

import mrrc_arrow as mrrc
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

OPTIONS: list[dict[str, Any]] = [
    {},
    {"layout": "subfields"},
    {"tags": ["245", "650"]},
    {"layout": "subfields", "tags": ["245", "650"]},
    {"columns": {"a": mrrc.all("245$a"), "i": "245^1", "whole": mrrc.fields("650"), "every": mrrc.all("...")}},
    {"string_type": "string"},
    {"layout": "subfields", "categorical": False},
]


def record(*fields: tuple[bytes, bytes]) -> bytes:
    """A record of raw fields, whatever marks are in them; each entry covers its field."""
    entries, body = b"", b""
    for tag, content in fields:
        entries += tag + b"%04d%05d" % (len(content) + 1, len(body))
        body += content + b"\x1e"
    base = 24 + len(entries) + 1
    return b"%05dnam a22%05d a 4500" % (base + len(body) + 1, base) + entries + b"\x1e" + body + b"\x1d"


def check(records: list[bytes], options: dict[str, Any]) -> None:
    alone = [mrrc.read_marc(raw, ignore_errors=True, **options) for raw in records]
    if options.get("layout") == "subfields":
        # Records are numbered over the whole input.
        alone = [frame.with_columns(record=pl.lit(number, pl.UInt64)) for number, frame in enumerate(alone)]
    together = mrrc.read_table(b"".join(records), ignore_errors=True, **options)
    together.validate(full=True)
    assert_frame_equal(mrrc.read_marc(b"".join(records), ignore_errors=True, **options), pl.concat(alone))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_mark_where_a_code_was_is_no_code_afterwards(options: dict[str, Any]) -> None:
    """A terminator within a field is kept as a code or an indicator; in the next record it is a terminator."""
    check(
        [
            record((b"001", b"a"), (b"245", b"10\x1faT\x1f\x1ezz")),
            record((b"001", b"b"), (b"245", b"10\x1faX\x1f"), (b"650", b"10\x1fa" + b"Y" * 30)),
        ],
        options,
    )
    check(
        [
            record((b"001", b"a"), (b"245", b"\x1e1\x1faT")),
            record((b"001", b"b"), (b"245", b""), (b"246", b"1\x1faQQ")),
        ],
        options,
    )


pieces = st.lists(
    st.sampled_from(
        [b"\x1e", b"\x1f", b"\x1f", b"\x1fa", b"\x1fb", b"1", b"0", b" ", b"x", b"long text " * 3, b"\x1b", b"\x00"]
    ),
    max_size=8,
).map(b"".join)
fields = st.tuples(st.sampled_from([b"001", b"245", b"246", b"650"]), pieces)
records = st.lists(st.lists(fields, min_size=1, max_size=4).map(lambda fields: record(*fields)), max_size=5)


@pytest.mark.filterwarnings("ignore::mrrc_arrow.MrrcWarning")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@settings(max_examples=60)
@given(records=records)
def test_records_together_are_what_each_is_alone(options: dict[str, Any], records: list[bytes]) -> None:
    if records:
        check(records, options)
