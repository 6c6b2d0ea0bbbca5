"""The scanner against a map of boundaries that is made independently: the rule as it is written, in plain Python."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc

if TYPE_CHECKING:
    from pathlib import Path

JUNK = re.compile(rb"(?:[\r\n \x00\x1a\x1d]|\xef\xbb\xbf)*")
JUNK_AFTER_FIELD = re.compile(rb"(?:[\r\n \x00\x1a]|\xef\xbb\xbf)*")
LEADER = re.compile(rb"(?= {0,4}\d+| {5})(?=[ \d]{5})[^\x1d-\x1f]{12}(\d{5})[^\x1d-\x1f]{7}", re.DOTALL)


def is_leader(data: bytes, at: int) -> bool:
    """Whether a plausible leader begins at `at`."""
    leader = LEADER.match(data, at)
    if leader is None or not re.fullmatch(rb" {0,4}\d{1,5}| {5}", data[at : at + 5]):
        return False
    base = int(leader[1])
    if base < 25 or len(data) <= at + 24:
        return False
    if data[at + 24] != 0x1E and not re.fullmatch(rb"\d{9}", data[at + 27 : at + 36]):
        return False
    if at + base - 1 >= len(data):
        return data[at : at + 5] != b"     "
    return data[at + base - 1] == 0x1E


def leader_after(data: bytes, after: int, junk: int) -> int | None:
    """Where the leader begins that follows junk in `after:junk`, counting in blanks that belong to it."""
    for start in range(junk, max(after, junk - 5) - 1, -1):
        if is_leader(data, start):
            return start
        if start == after or data[start - 1] != 0x20:
            break
    return None


def is_strong(data: bytes, terminator: int) -> bool:
    """Whether the 0x1D at `terminator` ends a record whatever a length says."""
    junk = end_of(JUNK, data, terminator + 1)
    return junk == len(data) or leader_after(data, terminator + 1, junk) is not None


def end_of(junk: re.Pattern[bytes], data: bytes, at: int) -> int:
    """Where the junk at `at` ends."""
    found = junk.match(data, at)
    return at if found is None else found.end()


def boundaries(data: bytes) -> list[tuple[int, int]]:
    """Offset and length of every record."""
    found: list[tuple[int, int]] = []
    at = 0
    while True:
        start = end_of(JUNK, data, at)
        if start == len(data):
            return found
        if start > at and data[start - 1] == 0x20:
            leader = leader_after(data, at, start)
            start = start if leader is None else leader
        end = record_end(data, start)
        if end is None:
            return found
        found.append((start, end - start))
        at = end


def length_of(data: bytes, at: int) -> int | None:
    """The length in the leader at `at`."""
    length = re.fullmatch(rb" {0,4}(\d{1,5})", data[at : at + 5])
    return int(length[1]) if length and len(data) >= at + 24 and int(length[1]) >= 26 else None


def record_end(data: bytes, start: int) -> int | None:
    """Where the record ends that begins at `start`; None if it is cut off."""
    length = length_of(data, start)
    end = None if length is None else start + length
    if end is not None:
        inside = (at for at in range(start, min(end - 1, len(data))) if data[at] == 0x1D)
        if data[end - 1 : end] == b"\x1d" and not any(is_strong(data, at) for at in inside):
            return end
    for at in range(start, len(data)):
        if at == end and leader_after(data, at, end_of(JUNK_AFTER_FIELD, data, at)) is not None:
            return at
        if data[at] == 0x1D:
            record = data[: at + 1]
            inner = (at for at in range(start + 1, len(record)) if at + (length_of(record, at) or 0) == len(record))
            sound = (at for at in inner if record[at + 10 : at + 12] == b"22" and is_leader(record, at))
            return next(sound, at + 1)
        if data[at] == 0x1E and leader_after(data, at + 1, end_of(JUNK_AFTER_FIELD, data, at + 1)) is not None:
            return at + 1
    # All of it is there but its terminator.
    return end if end == len(data) and b"\x1e" in data[-2:] else None


def scanned(data: bytes) -> list[tuple[int, int]]:
    return [(int(offset), int(length)) for offset, length in mrrc.scan_record_boundaries(data)]


def test_the_map_of_the_corpus(corpus: Path) -> None:
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file() and path.stat().st_size < 400_000]
    assert len(files) > 100
    for path in files:
        data = path.read_bytes()
        assert scanned(data) == boundaries(data), path


def test_the_map_of_damaged_records(sample: Path) -> None:
    data = sample.read_bytes()[:6000]
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(damaged))
            match chance.randrange(4):
                case 0:
                    damaged[at] = chance.choice(b"\x1d\x1e\x1f 0\r\n")
                case 1:
                    del damaged[at : at + chance.choice([1, 2, 30])]
                case 2:
                    damaged[at:at] = chance.choice([b"\r\n", b"\x1d", b"   ", b"\xef\xbb\xbf", b"junk"])
                case _:
                    found = damaged.find(b"\x1d", at)
                    if found >= 0:
                        del damaged[found]
        assert scanned(bytes(damaged)) == boundaries(bytes(damaged))
