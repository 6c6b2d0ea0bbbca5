"""Read random byte strings through `read_table`, and watch that nothing goes wrong.

    python scripts/read_random.py [--count 1000000] [--seed 1]

A third each of: any bytes; bytes that mean something in ISO 2709; small records with some bytes changed. Each is read
with errors ignored, in one of the encodings, and every tenth without, too. A worker must neither crash nor take
longer than ten seconds for one of them, nor hold over 100 MB more than it began with; nothing but `MrrcError` may
be raised, and rows, rejects and junk must be as many bytes as were read.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import get_args

import mrrc_arrow as mrrc
from mrrc_arrow._options import Encoding

MEANINGFUL = b"\x1d\x1e\x1f\x1b 0123456789ab$\n\r\x00\xef\xbb\xbf\xe2\xc3\xa9"
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
# What a worker reads before the next begins.
SHARE = 50_000


def small_record(rng: random.Random) -> bytearray:
    """Make a record of some fields."""
    body, entries = b"", b""
    for _ in range(rng.randrange(6)):
        tag = rng.choice([b"001", b"008", b"100", b"245", b"650", b"880"])
        field = b"10\x1fa" + rng.randbytes(rng.randrange(12)) + b"\x1e"
        entries += tag + b"%04d%05d" % (len(field), len(body))
        body += field
    base = 25 + len(entries)
    leader = b"%05dnam%c 22%05d i 4500" % (base + len(body) + 1, rng.choice(b" a"), base)
    return bytearray(leader + entries + b"\x1e" + body + b"\x1d")


def make(rng: random.Random) -> bytes:
    """Make one input."""
    match rng.randrange(3):
        case 0:
            return rng.randbytes(rng.randrange(400))
        case 1:
            return bytes(rng.choices(MEANINGFUL, k=rng.randrange(200)))
        case _:
            content = bytearray().join(small_record(rng) for _ in range(rng.randint(1, 4)))
            for _ in range(rng.randrange(5)):
                at = rng.randrange(len(content))
                content[at : at + rng.randrange(3)] = bytes(rng.choices(MEANINGFUL, k=rng.randrange(3)))
                content = content or bytearray(b"0")
            return bytes(content)


def held_bytes() -> int:
    """Memory that this process holds now."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def read(content: bytes, number: int) -> None:
    """Read `content`; raise what is wrong."""
    encoding = ENCODINGS[number % len(ENCODINGS)]
    unimarc = number % 2 == 0
    try:
        table = mrrc.read_table(
            content,
            encoding=encoding,
            format="unimarc" if unimarc else "auto",
            ignore_errors=True,
            include_offsets=True,
        )
        problems = mrrc.read_problems(content, encoding=encoding, ignore_errors=True)
    except mrrc.CorruptInputError:
        # What begins as gzip, zstd or bzip2 and is not.
        return
    beside = zip(problems["length"].to_pylist(), problems["severity"].to_pylist(), strict=True)
    accounted = sum(table["length"].to_pylist()) + sum(length for length, what in beside if what != "repair")
    if accounted != len(content):
        raise AssertionError(f"{accounted} of {len(content)} bytes are accounted for")
    if number % 10 == 0:
        try:
            mrrc.read_table(content, encoding=encoding)
        except mrrc.MrrcError:
            return
        if "reject" in problems["severity"].to_pylist():
            raise AssertionError("a reject was not raised")


def worker(seed: int, count: int) -> None:
    """Read a share of the inputs."""
    warnings.simplefilter("ignore")
    read(b"", 0)
    began_with = held_bytes()
    for number in range(seed, seed + count):
        content = make(random.Random(number))
        faulthandler.dump_traceback_later(10, exit=True)
        try:
            read(content, number)
        except BaseException:
            print(f"input {number}: {content!r}", file=sys.stderr)
            raise
        if number % 1000 == 0 and held_bytes() > began_with + 100e6:
            raise AssertionError(f"input {number}: {(held_bytes() - began_with) / 1e6:.0f} MB are held")
    faulthandler.cancel_dump_traceback_later()
    print((held_bytes() - began_with) // 1_000_000)


def main() -> int:
    """Run workers over all inputs, one after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        worker(args.seed, args.count)
        return 0
    start, more = time.monotonic(), 0
    for seed in range(args.seed, args.seed + args.count, SHARE):
        count = min(SHARE, args.seed + args.count - seed)
        command = [sys.executable, __file__, "--worker", "--seed", str(seed), "--count", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"exit {done.returncode}:\n{done.stderr[-3000:]}", file=sys.stderr)
            return 1
        more = max(more, int(done.stdout))
    seconds = time.monotonic() - start
    print(
        f"{args.count} random byte strings in {seconds:.0f} s; at most {more} MB more held at the end of {SHARE}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
