"""A list of barcodes and a catalogue: the page on writing finds the records, and writes them as they are."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

from .conftest import ROOT
from .marc import book, data, encode
from .test_docs import blocks

if TYPE_CHECKING:
    from pathlib import Path


def test_the_barcodes_of_the_page_on_writing_find_their_records(tmp_path: Path) -> None:
    """25,000 records with 999 $i in none, one or some fields, and 1,500 barcodes, of which a hundred are nobody's."""
    rng = random.Random(25)
    records: list[bytes] = []
    owner: dict[str, int] = {}
    for number in range(25_000):
        codes = [f"{len(owner) + copy:014}" for copy in range(rng.choice([0, 1, 1, 1, 2, 3]))]
        owner |= dict.fromkeys(codes, number)
        records.append(encode([*book(number), *(data("999", ("a", "QL"), ("i", code)) for code in codes)]))
    wanted = [*rng.sample(list(owner), 1400), *(f"x{number}" for number in range(100))]
    rng.shuffle(wanted)
    (tmp_path / "barcodes.csv").write_text("\n".join(["barcode", *wanted]))
    (tmp_path / "catalogue.mrc").write_bytes(b"".join(records))
    (block,) = [
        block for block in blocks(ROOT / "docs" / "writing.md") if "wanted.mrc" in block and "read_csv" in block
    ]
    subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=tmp_path, check=True)
    hits = sorted({owner[code] for code in wanted if code in owner})
    assert 1300 < len(hits) < 1400
    assert (tmp_path / "wanted.mrc").read_bytes() == b"".join(records[hit] for hit in hits)
