"""What is generated into the source is what its generator writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_code_tables_are_those_that_the_generator_writes() -> None:
    tables = ROOT.parent / "shared" / "data" / "reference"
    if not tables.exists():
        pytest.skip(f"the code tables are not at hand ({tables})")
    command = [sys.executable, str(ROOT / "scripts" / "make_code_tables.py"), "--reference", str(tables), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
