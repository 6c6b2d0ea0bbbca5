"""What docs/comparison.md says of us and of pymarc is what the script prints that it names."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def columns(text: str, wanted: set[str]) -> Iterator[tuple[str, str, str]]:
    """Each cell of the wanted columns in the tables of the script: row, column, and what is there."""
    titles = ("Text:", "Content:", "Damage:")
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("| "):
            header = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0].startswith(titles):
            header = cells
        elif header and cells[0] != "---":
            pairs = zip(header[1:], cells[1:], strict=True)
            yield from ((cells[0], column, cell) for column, cell in pairs if column in wanted)


def test_the_tables_are_what_the_script_prints(root: Path) -> None:
    command = [sys.executable, str(root / "scripts" / "compare_peers.py"), "--peers", "pymarc,mrrc_arrow"]
    done = subprocess.run(
        [*command, "--tables", "text,content,damage"],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    wanted = {"pymarc", "mrrc_arrow", "mrrc_arrow, ignore_errors"}
    printed = list(columns(done.stdout, wanted))
    assert len(printed) > 100
    assert list(columns((root / "docs" / "comparison.md").read_text(), wanted)) == printed


def test_nothing_is_lost_in_silence(root: Path) -> None:
    cells = list(columns((root / "docs" / "comparison.md").read_text(), {"mrrc_arrow", "mrrc_arrow, ignore_errors"}))
    assert not [cell for cell in cells if "**" in cell[2]]
