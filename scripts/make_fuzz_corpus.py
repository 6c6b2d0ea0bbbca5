"""Write seeds for the fuzz targets: pieces of the sample and, where they are at hand, of real files.

python scripts/make_fuzz_corpus.py fuzz/corpus
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "iso2709"
LARGEST = 6000


def pieces(content: bytes) -> list[bytes]:
    """Return up to four pieces of whole records, where a terminator is believed to end one."""
    records = [record + b"\x1d" for record in content.split(b"\x1d")[:12] if record]
    found = [b"".join(records[start : start + 3]) for start in range(0, len(records), 3)]
    return [piece for piece in found if len(piece) <= LARGEST]


def main() -> None:
    """Write a file for each seed, named by its content."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    files = [ROOT / "tests" / "data" / "sample.mrc"]
    if REAL.is_dir():
        files += [path for path in sorted(REAL.rglob("*")) if path.is_file() and path.stat().st_size < 100_000]
    for piece in (piece for path in files for piece in pieces(path.read_bytes())):
        seeds = {
            "scanner": [piece],
            "read": [bytes([way]) + piece for way in (14, 15)],
            "record": piece.split(b"\x1d")[:1],
            "text": [],
        }
        seeds["record"] = [record + b"\x1d" for record in seeds["record"]]
        values = [value for value in piece.split(b"\x1f") if not value.isascii() or b"\x1b" in value]
        seeds["text"] = [bytes([way]) + value for way in (1, 6) for value in values[:2]]
        for target, contents in seeds.items():
            (folder / target).mkdir(parents=True, exist_ok=True)
            for content in contents:
                (folder / target / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


if __name__ == "__main__":
    main()
