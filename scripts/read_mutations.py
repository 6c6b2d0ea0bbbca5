"""Read random mutations of real files, with errors ignored and without, and watch that nothing goes wrong.

    python scripts/read_mutations.py [--count 10000] [--seed 1] [--corpus ../shared/data/iso2709]

Each mutation is a real file (or 300 kB of one) with a few bytes flipped, deleted, inserted, doubled or cut. It is read
in a worker process that must neither crash nor hang, may raise only `MrrcError` or `OSError`, must account for every
byte with errors ignored, and must not take more than 32 MB plus 6 times the file beyond what the process held once
everything was imported and something read. Without the corpus, the sample is mutated.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import mrrc_arrow as mrrc

ROOT = Path(__file__).resolve().parent.parent
INTERESTING = [b"\x1d", b"\x1e", b"\x1f", b" ", b"\n", b"\0", b"0", b"9", b"99999", b"\xff", b"\x1e\x1d", b"\xc3", b"a"]
LARGEST = 300_000
SAMPLE = ROOT / "tests" / "data" / "sample.mrc"
MOST_BYTES = 32_000_000


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Damage `data` in one to ten places."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 10)):
        at = rng.randrange(len(out)) if out else 0
        kind = rng.randrange(7)
        if kind == 0 and out:
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.randint(1, 50)]
        elif kind == 2:
            out[at:at] = rng.choice(INTERESTING)
        elif kind == 3:
            piece = rng.choice(INTERESTING)
            out[at : at + len(piece)] = piece
        elif kind == 4:
            out[at:at] = out[at : at + rng.randint(1, 3000)]
        elif kind == 5 and rng.random() < 0.3:
            del out[at:]
        else:
            # Leaders and directories are where a byte matters most.
            start = out.rfind(b"\x1d", 0, at) + 1
            where = start + rng.randrange(60)
            if where < len(out):
                out[where] = rng.choice(b"0123456789 a\x1e\x1f")
    return bytes(out)


def spans(data: bytes) -> list[tuple[int, int]]:
    """Offset and length of every row, reject and piece of junk."""
    rows = mrrc.read_table(data, include_offsets=True, ignore_errors=True)
    rows.validate(full=True)
    problems = mrrc.read_problems(data, ignore_errors=True).to_pylist()
    found = list(zip(rows["offset"].to_pylist(), rows["length"].to_pylist(), strict=True))
    return sorted(found + [(p["offset"], p["length"]) for p in problems if p["severity"] != "repair"])


def check(data: bytes) -> None:
    """Read `data` both ways; raise what is wrong."""
    with contextlib.suppress(mrrc.MrrcError, OSError):
        mrrc.read_table(data)
    if data[:2] == b"\x1f\x8b":
        with contextlib.suppress(mrrc.MrrcError, OSError):
            spans(data)
        return
    at = 0
    for offset, length in spans(data):
        if offset != at:
            raise AssertionError(f"bytes {at} to {offset} are in two places or in none")
        at += length
    if at != len(data):
        raise AssertionError(f"{len(data) - at} bytes at the end are nowhere")


def peak_bytes() -> int:
    """Most memory that this process has held since the last reset."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def reset_peak() -> None:
    """Start the high-water mark anew."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def worker(seed: int, count: int, files: list[Path]) -> None:
    """Read `count` mutations; report each before it is read, so that the parent knows what a crash was."""
    warnings.simplefilter("ignore")
    # Libraries are most of what the process holds, how much of them depends on the machine; and their first use imports
    # more of them.
    sample = SAMPLE.read_bytes()
    check(sample)
    check(b"junk" + sample[:-10])
    reset_peak()
    before = peak_bytes()
    worst = 0.0
    for number in range(seed, seed + count):
        rng = random.Random(number)
        data = rng.choice(files).read_bytes()
        if len(data) > LARGEST:
            start = data.find(b"\x1d", rng.randrange(len(data) - LARGEST)) + 1
            data = data[start : start + LARGEST]
        data = mutate(data, rng)
        print(number, flush=True)
        reset_peak()
        check(data)
        limit = MOST_BYTES + 6 * len(data)
        taken = peak_bytes() - before
        worst = max(worst, taken / limit)
        if taken > limit:
            raise AssertionError(
                f"mutation {number} of {len(data)} bytes took {taken / 1e6:.0f} MB beside {before / 1e6:.0f} MB"
            )
    print(json.dumps({"worst": worst}))


def main() -> int:
    """Run workers over all mutations."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "data" / "iso2709")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    files = sorted(path for path in args.corpus.rglob("*") if path.is_file())
    if not files:
        print(f"no corpus at {args.corpus}: mutating the sample", file=sys.stderr)
        files = [SAMPLE]
    if args.worker is not None:
        worker(args.worker, args.count, files)
        return 0
    chunk = 500
    # Each thread has memory of its own, and those that come into use late would seem to be a mutation's.
    environment = os.environ | {"RAYON_NUM_THREADS": "2"}
    worst = 0.0
    for start in range(args.seed, args.seed + args.count, chunk):
        count = min(chunk, args.seed + args.count - start)
        command = [
            sys.executable,
            __file__,
            "--worker",
            str(start),
            "--count",
            str(count),
            "--corpus",
            str(args.corpus),
        ]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        except subprocess.TimeoutExpired as hung:
            said = (hung.stdout or b"").decode().split()
            print(f"mutation {said[-1] if said else start} hung", file=sys.stderr)
            return 1
        said = done.stdout.split("\n")
        if done.returncode:
            last = next((line for line in reversed(said) if line), str(start))
            print(f"mutation {last} (exit {done.returncode}):\n{done.stderr[-3000:]}", file=sys.stderr)
            return 1
        worst = max(worst, json.loads(said[-2])["worst"])
    print(
        f"{args.count} mutations of {len(files)} files read both ways; memory at most {worst:.0%} of "
        f"{MOST_BYTES / 1e6:.0f} MB + 6 x file"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
