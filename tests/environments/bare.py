"""What works where neither Polars nor pyarrow is installed: python bare.py SAMPLE. Run in an environment of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import mrrc_arrow as mrrc

path = Path(sys.argv[1])
for name in ("polars", "pyarrow"):
    assert importlib.util.find_spec(name) is None, f"{name} is installed"
with mrrc.read_batches(path, layout="subfields", batch_size=100) as reader:
    assert sum(batch.num_rows for batch in reader) > 300
assert all(record["245"]["a"] for record in mrrc.MARCReader(path))
program = [sys.executable, "-m", "mrrc_arrow"]
for command in (["count"], ["check"], ["profile"]):
    done = subprocess.run([*program, *command, path], capture_output=True, text=True, check=True)
    assert done.stdout, command
subprocess.run([*program, "convert", path, "bare.parquet"], check=True)
Path("bare.parquet").unlink()
print("neither Polars nor pyarrow: passed")
