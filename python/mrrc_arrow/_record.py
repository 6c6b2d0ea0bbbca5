"""The named tuples that fields are made of."""

from __future__ import annotations

from typing import NamedTuple


class Subfield(NamedTuple):
    """A subfield: its code, one character or none, and its value."""

    code: str
    value: str


class Indicators(NamedTuple):
    """The two indicators of a data field; None where the record has none."""

    first: str | None
    second: str | None
