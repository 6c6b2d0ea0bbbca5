"""The `mrrc-arrow` console script: the native command with Python's arguments."""

from __future__ import annotations

import signal
import sys

from mrrc_arrow import _native


def main() -> int:
    """Run `mrrc-arrow` and return its exit code."""
    # The command runs outside the interpreter and answers Ctrl-C itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_command(["mrrc-arrow", *sys.argv[1:]])
