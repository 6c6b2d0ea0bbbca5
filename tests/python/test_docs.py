"""The Python blocks and our commands in README and docs run as they stand, one after the other, beside the sample."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT
from .test_tutorial import PAGES as IN_ORDER

# Of some pages commands and blocks are run together, and compared with what is shown, in test_tutorial.py.
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - set(IN_ORDER))]


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """The lines for our own program."""
    consoles = re.findall(r"^```console\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix("$ ") for console in consoles for line in console.splitlines() if line.startswith("$ ")]
    return [line for line in lines if line.startswith("mrrc-arrow ")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_commands_that_a_page_shows_run(page: Path, sample: Path, tmp_path: Path) -> None:
    lay_out(sample, tmp_path)
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands(page):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=tmp_path,
            env=os.environ | {"PATH": search},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert "error" not in done.stderr, command


def lay_out(sample: Path, tmp_path: Path) -> None:
    """Put files where pages say that they are."""
    for name in ("sample.mrc", "catalogue.mrc", "monday.mrc", "tuesday.mrc"):
        shutil.copy(sample, tmp_path / name)
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump/one.mrc.gz").write_bytes(gzip.compress(sample.read_bytes()))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
def test_what_a_page_shows_runs(page: Path, sample: Path, tmp_path: Path) -> None:
    lay_out(sample, tmp_path)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page)))
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
