"""The promise that nothing is lost: rows, rejects and junk together are the input, byte for byte."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import mrrc_arrow as mrrc
import pytest

if TYPE_CHECKING:
    from pathlib import Path

JUNK_BYTES = b"\r\n \0\x1a\x1d\xef\xbb\xbf"


class Account(NamedTuple):
    """Everything that a read says about its input."""

    rows: list[dict[str, Any]]
    problems: list[dict[str, Any]]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        """The problems that are rejected records."""
        return [problem for problem in self.problems if problem["rejected"]]

    @property
    def codes(self) -> list[str]:
        """The code of each problem."""
        return [problem["code"] for problem in self.problems]


def account_of(source: mrrc.Source, *, batch_size: int | None = None) -> Account:
    """Read `source` with errors ignored, and list its problems."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = mrrc.read_table(
            source, ignore_errors=True, include_offsets=True, string_type="large_string", batch_size=batch_size
        )
    problems = mrrc.read_problems(source, ignore_errors=True, batch_size=batch_size).to_pylist()
    account = Account(table.to_pylist(), problems)
    rejected = len(account.rejects)
    assert [warning.category for warning in caught] == [mrrc.MrrcWarning] * (rejected > 0)
    if rejected:
        assert str(rejected) in str(caught[0].message)
    return account


def assert_tiles(content: bytes, account: Account) -> None:
    """Check that rows, rejects and junk tile `content` in order, and that problems point at them."""
    rows = [(row["offset"], row["length"]) for row in account.rows]
    rejects = [(problem["offset"], problem["length"]) for problem in account.rejects]
    junk = [(problem["offset"], problem["length"]) for problem in account.problems if problem["severity"] == "junk"]
    at = 0
    for offset, length in sorted(rows + rejects + junk):
        assert (offset, length > 0) == (at, True), f"a gap or overlap at byte {at}"
        at += length
    assert at == len(content)
    for offset, length in junk:
        assert not content[offset : offset + length].strip(JUNK_BYTES)
    records = sorted(rows + rejects)
    for problem in account.problems:
        assert problem["severity"] in {"junk", "repair", "reject"}
        assert problem["rejected"] == (problem["severity"] == "reject")
        assert problem["source"] is None or isinstance(problem["source"], str)
        span = (problem["offset"], problem["length"])
        if problem["severity"] == "junk":
            assert problem["record"] is None
        else:
            assert records[problem["record"]] == span
        if problem["severity"] != "repair":
            assert problem["raw"] == content[span[0] : sum(span)]


def assert_default_agrees(source: mrrc.Source, account: Account) -> None:
    """Check that a read by default fails at the first reject, and only there, with a `MrrcError` that points at it."""
    if not account.rejects:
        rows = mrrc.read_table(source, include_offsets=True, string_type="large_string").to_pylist()
        assert rows == account.rows
        return
    first = account.rejects[0]
    with pytest.raises(mrrc.MrrcError) as caught:
        mrrc.read_table(source, include_offsets=True, string_type="large_string")
    assert caught.value.code == first["code"]
    if not isinstance(caught.value, mrrc.UnsupportedFormatError):
        assert (caught.value.record, caught.value.offset) == (first["record"], first["offset"])


def assert_sound(content: bytes, path: Path | None = None) -> Account:
    """Check all of the above for `content`, which `path` holds if given, and that batches change nothing."""
    source: mrrc.Source = content if path is None else path
    account = account_of(source)
    assert_tiles(content, account)
    assert_default_agrees(source, account)
    assert account_of(source, batch_size=1) == account
    return account
