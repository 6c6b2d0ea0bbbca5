"""The page about marctable holds what it says of marctable, where that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_what_the_page_says_of_marctable_is_so(root: Path, sample: Path, tmp_path: Path) -> None:
    pytest.importorskip("marctable")
    page = (root / "docs" / "from-marctable.md").read_text()
    blocks = re.findall(r"^```py(?:thon)?\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    shutil.copy(sample, tmp_path)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    one_of_each, all_of_them, *_ = re.findall(r"^\d+$", done.stdout, flags=re.MULTILINE)
    said = re.findall(r"^print\(.*#\s(\d+)", "\n".join(blocks), flags=re.MULTILINE)
    assert [one_of_each, all_of_them] == said
