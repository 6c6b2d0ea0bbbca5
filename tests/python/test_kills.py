"""What writes files may be killed at any moment, and nothing half written is found; `make kills` does it more often."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 6


def test_a_kill_leaves_what_was_there_or_all_of_it(root: Path, sample: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.mrc"
    source.write_bytes(sample.read_bytes() * 10)
    command = [sys.executable, str(root / "scripts" / "measure_kills.py"), str(source), "--kills", str(KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:1] == "|"]
    cases = [[int(cell) for cell in cells] for _, *cells in rows[2:]]
    assert len(cases) == 6
    assert all(kills == KILLS == unchanged + whole for kills, unchanged, whole, _, _ in cases)
    # Kills came in time.
    assert sum(left for *_, left, _ in cases) >= KILLS


def test_patterns_that_look_into_hidden_directories_find_nothing_half_written(tmp_path: Path, sample: Path) -> None:
    """Those of Polars and DuckDB do, as `pathlib` does."""
    script = "import sys, mrrc_arrow as mrrc; mrrc.write_parquet([sys.argv[1]] * 100, sys.argv[2], partition_by=10)"
    child = subprocess.Popen([sys.executable, "-c", script, str(sample), str(tmp_path / "lake")])
    while child.poll() is None and len(list(tmp_path.rglob("*"))) < 5:
        time.sleep(0.001)
    child.kill()
    child.wait()
    assert not (tmp_path / "lake").exists()
    assert len(list(tmp_path.rglob("*"))) >= 5
    assert list(tmp_path.rglob("*.parquet")) == []
