"""Leave in a source distribution's Cargo.lock only what is built from it: python scripts/prune_lock.py dist/*.tar.gz.

The repository's lock is that of a workspace with benchmarks of their own dependencies. They are left out of source
distributions, and with them in it ``cargo build --locked`` would refuse. Versions stay as they are.
"""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def prune(path: Path) -> None:
    """Rewrite an archive with the lock that cargo makes of its own."""
    with tarfile.open(path) as archive, tempfile.TemporaryDirectory() as folder:
        archive.extractall(folder, filter="data")
        (root,) = Path(folder).iterdir()
        command = ["cargo", "metadata", "--offline", "--format-version", "1"]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
        lock = (root / "Cargo.lock").read_bytes()
        # No name and time in the header: the same sources make the same archive.
        with (
            io.BytesIO() as content,
            gzip.GzipFile(fileobj=content, mode="wb", filename="", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as pruned,
        ):
            for member in archive:
                data = archive.extractfile(member)
                if member.name == f"{root.name}/Cargo.lock":
                    data, member.size = io.BytesIO(lock), len(lock)
                pruned.addfile(member, data)
            pruned.close()
            packed.close()
            path.write_bytes(content.getvalue())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        prune(Path(name))
