"""Tutorial and cookbook show what their commands print."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "docs" / name for name in ("tutorial.md", "cookbook.md")]
SCRIPT = ROOT / "scripts" / "show_outputs.py"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_what_is_printed(page: Path) -> None:
    done = run("--check", page)
    assert done.returncode == 0, done.stdout + done.stderr


PAGE = """\
```console
$ pip install nothing
$ mrrc-arrow count sample.mrc | tee count.txt
300
$ mrrc-arrow count sample.mrc
300
```

```python
import warnings
from pathlib import Path

warnings.warn("odd")
print(Path("count.txt").read_text())
```

```text
UserWarning: odd
300
```

```python
print(*range(3), sep="\\n")
```

```text
0
…
```

```python
print(1)
```

```text
1
```
"""


def test_what_is_not_printed_is_told_and_put_right(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert run("--check", page).returncode == 0
    wrong = PAGE.replace("300\n$", "301\n$").replace("\n300\n```\n\n```py", "\n```\n\n```py")
    wrong = wrong.replace("UserWarning: odd\n", "").replace("0\n…", "1\n…").replace("\n```text\n1\n```\n", "")
    page.write_text(wrong)
    done = run("--check", page)
    assert (done.returncode, page.read_text()) == (1, wrong)
    assert done.stdout.count("page.md:\n") == 5
    assert run(page).returncode == 0
    assert page.read_text() == PAGE.replace("0\n…", "0\n1\n2")


def test_a_page_that_fails_is_told_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("\n# A page\n\n```python\nprint(1)\nraise OSError\n```\n")
    done = run("--check", page)
    assert done.returncode != 0
    assert "page.md" in done.stderr
    assert "line 6" in done.stderr
    page.write_text("```console\n$ false\n```\n")
    assert run("--check", page).returncode != 0
