"""What is generated into the source is what its generators write."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .conftest import ROOT

REFERENCE = ROOT.parent / "shared/data/reference"


@pytest.mark.parametrize("generator", ["generate_marc21.py", "make_code_tables.py"])
def test_what_is_generated_is_what_its_generator_writes(generator: str) -> None:
    if not REFERENCE.exists():
        pytest.skip(f"what it is generated from is not at hand ({REFERENCE})")
    command = [sys.executable, str(ROOT / "scripts" / generator), "--reference", str(REFERENCE), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
