"""Whatever happens to a file: every byte is in a row, in a reject or junk, and nothing but `MrrcError` is raised."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import books
from .tiling import account_of, assert_default_agrees, assert_sound, assert_tiles

if TYPE_CHECKING:
    from pathlib import Path

SPECIAL = [
    b"\x1d",
    b"\x1e",
    b"\x1f",
    b"\x1e\x1d",
    b"\x1b",
    b" ",
    b"\n",
    b"\0",
    b"\x1a",
    b"\xef\xbb\xbf",
    b"0",
    b"99999",
]
chunks = st.sampled_from(SPECIAL) | st.binary(max_size=30)
places = st.floats(0, 1, exclude_max=True)
sizes = st.sampled_from([1, 1, 2, 5, 12, 24, 100, 400, 3000])


@st.composite
def mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """Damage `content` in a few places."""
    mutated = bytearray(content)
    for _ in range(draw(st.integers(0, 8))):
        at, size = int(draw(places) * (len(mutated) + 1)), draw(sizes)
        match draw(
            st.sampled_from(["flip", "delete", "insert", "overwrite", "duplicate", "move", "truncate", "shift"])
        ):
            case "flip" if at < len(mutated):
                mutated[at] ^= 1 << draw(st.integers(0, 7))
            case "delete":
                del mutated[at : at + size]
            case "insert":
                mutated[at:at] = draw(chunks)
            case "overwrite":
                chunk = draw(chunks)
                mutated[at : at + len(chunk)] = chunk
            case "duplicate":
                mutated[at:at] = mutated[at : at + size]
            case "move":
                piece = mutated[at : at + size]
                del mutated[at : at + size]
                to = int(draw(places) * (len(mutated) + 1))
                mutated[to:to] = piece
            case "truncate" if draw(st.integers(0, 4)) == 0:
                del mutated[at:]
            case "shift":
                # Bytes go missing where records begin, end or have their numbers.
                target = draw(st.sampled_from([b"\x1d", b"\x1e", b"\x1f", b"4500"]))
                found = mutated.find(target, at)
                if found >= 0:
                    mutated[found : found + len(target)] = draw(st.sampled_from([b"", *SPECIAL]))
    return bytes(mutated)


@pytest.fixture(scope="module")
def pieces(sample: Path) -> list[bytes]:
    """The sample in runs of twelve records."""
    content = sample.read_bytes()
    ends = [at + length for at, length in mrrc.scan_record_boundaries(content)]
    starts = [0, *ends[11:-1:12]]
    return [content[a:b] for a, b in zip(starts, [*starts[1:], len(content)], strict=True)]


@settings(max_examples=300)
@given(data=st.data(), piece=st.integers(0, 24))
def test_damaged_files_are_tiled_by_rows_rejects_and_junk(pieces: list[bytes], data: st.DataObject, piece: int) -> None:
    assert_sound(data.draw(mutations(pieces[piece])))


@settings(max_examples=300)
@given(data=st.data())
def test_small_damaged_files_are_tiled_by_rows_rejects_and_junk(data: st.DataObject) -> None:
    # Small, so that damage is dense and meets leaders and directories.
    assert_sound(data.draw(mutations(b"".join(books(2)))))


@settings(max_examples=25)
@given(data=st.data())
def test_damaged_streams_are_read_as_damaged_memory_is(sample: Path, data: st.DataObject) -> None:
    # A stream is read piece by piece, so that every cut may meet the end of a buffer.
    content = data.draw(mutations(sample.read_bytes()))
    from_memory = account_of(content)
    assert_tiles(content, from_memory)
    for batch_size in (5, 10_000):
        assert account_of(gzip.compress(content, 0), batch_size=batch_size) == from_memory


RECORDS = [b"00026nam a2200025 i 4500\x1e\x1d", b"00038nam a2200037 a 4500", b"001000200000", b"245000900002\x1e"]
alphabet = st.sampled_from([*SPECIAL, *RECORDS, b"9", b"a", b"\xc3", b"\xa9"])


@settings(max_examples=400)
@given(parts=st.lists(alphabet, max_size=40))
def test_arbitrary_bytes_are_tiled_by_rows_rejects_and_junk(parts: list[bytes]) -> None:
    assert_sound(b"".join(parts))


@settings(max_examples=200)
@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_errors_of_the_package(content: bytes) -> None:
    if content.startswith(b"\x1f\x8b\x08"):
        return  # gzip, which has errors of its own
    account = account_of(content)
    assert_default_agrees(content, account)
    for at, length in mrrc.scan_record_boundaries(content):
        assert 0 <= at < at + length <= len(content)


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_gzip_raises_or_is_read(data: st.DataObject) -> None:
    damaged = data.draw(mutations(gzip.compress(b"".join(books(3)))))
    try:
        mrrc.read_problems(damaged)
        mrrc.read_table(damaged)
    except mrrc.MrrcError:
        pass


@settings(max_examples=40)
@given(data=st.data(), piece=st.integers(0, 24))
def test_the_boundary_scanner_agrees_with_the_table(pieces: list[bytes], data: st.DataObject, piece: int) -> None:
    content = data.draw(mutations(pieces[piece]))
    account = account_of(content)
    if "unsupported_format" in account.codes:
        return
    spans = [(found["offset"], found["length"]) for found in account.rows]
    spans = sorted(spans + [(p["offset"], p["length"]) for p in account.rejects])
    # What the end of the input cuts off has no boundary.
    if any(p["code"] == "truncated" and p["offset"] + p["length"] == len(content) for p in account.rejects):
        spans.pop()
    assert mrrc.scan_record_boundaries(content) == spans
