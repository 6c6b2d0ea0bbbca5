"""The same content as pymarc over the real files, but for the differences that are listed with their reasons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def test_ascii_and_utf8_records_of_the_corpus_read_as_pymarc_reads_them() -> None:
    tool, corpus = SHARED / "tools" / "check_against_pymarc.py", SHARED / "data" / "iso2709"
    if not (tool.exists() and corpus.exists()):
        pytest.skip(f"no corpus at {corpus}")
    allowed = ROOT / "tests" / "deliberate_differences.tsv"
    command = [sys.executable, str(tool), str(corpus), "--encodings", "utf-8", "--allow", str(allowed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "-> 0 wrong" in done.stdout


def test_every_deliberate_difference_is_told_in_the_documentation() -> None:
    told = (ROOT / "docs" / "differences.md").read_text()
    lines = (ROOT / "tests" / "deliberate_differences.tsv").read_text().splitlines()
    places = [line.split("\t")[0] for line in lines if not line.startswith("#")]
    assert places
    for place in places:
        assert place.removeprefix("iso2709/") in told
