"""The Python blocks of README and docs run as they stand, one after the other, beside the sample."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_what_a_page_shows_runs(page: Path, sample: Path, tmp_path: Path) -> None:
    for name in ("sample.mrc", "catalogue.mrc", "monday.mrc", "tuesday.mrc"):
        shutil.copy(sample, tmp_path / name)
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump/one.mrc.gz").write_bytes(gzip.compress(sample.read_bytes()))
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page)))
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
