"""Memory stays flat over many reads; `make leaks` has all ways in full length.

And a tour of the package, with marks around all that CPython's allocators hand out; `make asan` and `make valgrind`
have it under their eyes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="resident memory is read from /proc")


def run(root: Path, sample: Path, *arguments: str) -> str:
    command = [sys.executable, str(root / "tests/memory/leaks.py"), str(sample), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_hundred_reads_of_100_000_records_leave_nothing_behind(root: Path, sample: Path) -> None:
    assert "100 times" in run(root, sample, "--of", "streams")


def test_every_other_way_leaves_nothing_behind(root: Path, sample: Path) -> None:
    """What takes 300 bytes for each record, or more, shows; `make leaks` sees three."""
    said = run(root, sample, "--rounds", "12", "--records", "9000")
    assert len(re.findall("grown by", said)) == 8


def test_a_tour_of_the_package_breaks_no_mark_of_the_allocator(root: Path, sample: Path) -> None:
    command = [sys.executable, "-X", "dev", "-W", "ignore", str(root / "tests/memory/smoke.py"), str(sample)]
    environment = os.environ | {"PYTHONMALLOC": "debug"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=environment)
    assert (done.returncode, done.stdout) == (0, "passed, with pyarrow\n"), done.stderr
