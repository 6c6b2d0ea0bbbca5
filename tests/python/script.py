"""Running Python in a process of its own: for signals, `fork`, environment variables and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap


def run_script(source: str, *arguments: object, timeout: float = 20, **environment: str) -> str:
    """Run `source` with `arguments` in a fresh interpreter and return what it printed; fail if it does."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(source), *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
