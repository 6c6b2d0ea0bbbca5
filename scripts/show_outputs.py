"""Run what a page of the documentation shows, in its order, and write what is printed below it.

``python scripts/show_outputs.py [--check] PAGE.md...``

A page is run from top to bottom in a folder of its own, with the sample catalogue as ``sample.mrc`` and the checkout as
``mrrc_arrow``. Blocks of Python share one namespace; what one prints, warnings too, is in the block of text that
follows it. Lines of a console that begin with ``$`` are run by bash; what they print, on a terminal of 100 columns, is
in the lines below. A line of ``…`` in what is shown stands for any lines. With ``--check`` nothing is written: the exit
code is 1 where a page shows other than what is printed, or does not show it.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<shown>.*?)^```\n)?|^```console\n(?P<console>.*?)^```\n",
    re.DOTALL | re.MULTILINE,
)
NOT_RUN = ("python3 -m venv", ". env/", "pip install")
"""What installs, which whoever runs this has done."""
LINES, COLUMNS = 40, 100
ANY = "…"


class Page:
    """A page that is run: the namespace of its Python, and where it said other than it showed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.differences: list[str] = []

    def run(self) -> str:
        """Run the page in the current folder and return it with what was printed."""
        return BLOCK.sub(self.block, self.path.read_text())

    def block(self, found: re.Match[str]) -> str:
        """Run a block and return it with what it printed."""
        if found["code"] is None:
            return f"```console\n{self.console(found['console'])}```\n"
        printed = io.StringIO()
        # As many lines as the page has before the block, so that errors name its lines.
        before = "\n" * (found.string.count("\n", 0, found.start()) + 1)
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.showwarning = lambda message, category, *_: print(f"{category.__name__}: {message}")
            exec(compile(before + found["code"], self.path.name, "exec"), self.names)
        shown = self.compared(found["code"], found["shown"] or "", printed.getvalue())
        return f"```python\n{found['code']}```\n" + (f"\n```text\n{shown}```\n" if shown else "")

    def console(self, block: str) -> str:
        """Run the commands of a console and return it with what they printed."""
        written = ""
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            written += f"$ {command}\n"
            if not command.startswith(NOT_RUN):
                written += self.compared(command, shown, on_terminal(command))
        return written

    def compared(self, source: str, shown: str, printed: str) -> str:
        """Return what is to be shown: what is, if it is what was printed."""
        printed = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
        pattern = "".join("(?:.*\n)*?" if line == ANY else re.escape(f"{line}\n") for line in shown.splitlines())
        if re.fullmatch(pattern, printed):
            return shown
        lines = difflib.unified_diff(shown.splitlines(), printed.splitlines(), "shown", "printed", lineterm="")
        self.differences.append(f"{self.path.name}:\n{source.rstrip()}\n" + "\n".join(lines))
        return printed


def on_terminal(command: str) -> str:
    """Run a command and return what a terminal would show of it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"PATH": search, "NO_COLOR": "1"},
    ) as running:
        os.close(theirs)
        printed = bytearray()
        # The end of what others wrote to a terminal is an error on Linux.
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                printed += piece
    os.close(ours)
    text = printed.decode().replace("\r\n", "\n")
    if running.returncode != 0 and not text:
        raise SystemExit(f"{command}: exit code {running.returncode}")
    return text


def main() -> int:
    """Run pages, and write them or compare."""
    parser = argparse.ArgumentParser(description="Run what a page shows, and write what is printed below it.")
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE.md")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    differences = []
    for path in args.pages:
        page = Page(path.resolve())
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            shutil.copy(ROOT / "tests/data/sample.mrc", "sample.mrc")
            Path("mrrc_arrow").symlink_to(ROOT)
            text = page.run()
        if not args.check:
            page.path.write_text(text)
        differences += page.differences
    print("\n\n".join(differences) or "as shown")
    return 1 if args.check and differences else 0


if __name__ == "__main__":
    sys.exit(main())
