"""Read random byte strings through `read_table`, and watch that nothing goes wrong.

    python scripts/read_random.py [--count 1000000] [--seed 1]

A third each of: any bytes; bytes that mean something in ISO 2709; small records with some bytes changed. Each is read
with errors ignored and without, in one of the layouts and encodings, and record by record. A worker must neither crash
nor take longer than ten seconds for one of them, nor ever hold over 100 MB more than it began with; nothing but
`MrrcError` may be raised, tables must be valid to the last byte, rows, rejects and junk must be every byte that was
read, and the reader must find the same records.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import random
import resource
import subprocess
import sys
import time
import warnings
from typing import Literal, get_args

import mrrc_arrow as mrrc
from mrrc_arrow._options import Encoding

MEANINGFUL = b"\x1d\x1e\x1f\x1b 0123456789ab$\n\r\x00\xef\xbb\xbf\xe2\xc3\xa9"
LAYOUTS: tuple[Literal["records", "subfields"], ...] = ("records", "subfields")
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
# What a worker reads before the next begins.
SHARE = 50_000


def small_record(rng: random.Random) -> bytearray:
    """Make a record of some fields."""
    body, entries = b"", b""
    for _ in range(rng.randrange(6)):
        tag = rng.choice([b"001", b"008", b"100", b"245", b"650", b"880"])
        field = b"10\x1fa" + rng.randbytes(rng.randrange(12)) + b"\x1e"
        if tag == b"100":
            sets = rng.choice([b"0102", b"0103", b"0104", b"50  ", b"0189", b"    "])
            field = b"  \x1fa" + b"19990101d1999    m  y0frey" + sets + b"\x1e"
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


def peak_bytes() -> int:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read(content: bytes, number: int) -> None:
    """Read `content`; raise what is wrong."""
    options: mrrc.ReadOptions = {"encoding": ENCODINGS[number % len(ENCODINGS)], "layout": LAYOUTS[number % 3 % 2]}
    lenient: mrrc.ReadOptions = {"ignore_errors": True, "include_offsets": True}
    if number % 4 == 0:
        options |= {"encoding": "auto", "format": "unimarc"}
    try:
        table = mrrc.read_table(content, **(options | lenient))
        problems = mrrc.read_problems(content, **(options | lenient)).to_pylist()
    except mrrc.CorruptInputError:
        # What begins as gzip, zstd or bzip2 and is not.
        return
    table.validate(full=True)
    places = set(zip(table["offset"].to_pylist(), table["length"].to_pylist(), strict=True))
    at = 0
    for offset, length in sorted(places | {(p["offset"], p["length"]) for p in problems if p["severity"] != "repair"}):
        if offset != at:
            raise AssertionError(f"bytes {at} to {offset} are in two places or in none")
        at += length
    if at != len(content):
        raise AssertionError(f"{len(content) - at} bytes at the end are nowhere")
    rejects = [problem for problem in problems if problem["rejected"]]
    try:
        mrrc.read_table(content, **options)
    except mrrc.MrrcError as error:
        # What is no MARC at all has no place.
        if not rejects or (error.code, error.offset or 0) != (rejects[0]["code"], rejects[0]["offset"]):
            raise
    else:
        if rejects:
            raise AssertionError("a reject was not raised")
    reader = mrrc.MARCReader(io.BytesIO(content), permissive=True, format=options.get("format", "auto"))
    records = list(reader)
    if (len([r for r in records if r is not None]), records.count(None)) != (len(places), len(rejects)):
        raise AssertionError("the reader finds other records")


def worker(seed: int, count: int) -> None:
    """Read a share of the inputs."""
    warnings.simplefilter("ignore")
    read(b"", 0)
    began_with = peak_bytes()
    for number in range(seed, seed + count):
        content = make(random.Random(number))
        faulthandler.dump_traceback_later(10, exit=True)
        try:
            read(content, number)
        except BaseException:
            print(f"input {number}: {content!r}", file=sys.stderr)
            raise
        if peak_bytes() > began_with + 100e6:
            raise AssertionError(f"input {number}: {(peak_bytes() - began_with) / 1e6:.0f} MB were held")
    faulthandler.cancel_dump_traceback_later()
    print((peak_bytes() - began_with) // 1_000_000)


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
    print(f"{args.count} random byte strings in {seconds:.0f} s; at most {more} MB more held in any {SHARE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
