"""What docs/scaling.md shows for Dask, Ray and Daft runs, and finds the same: python engines.py PAGE SAMPLE.

Run in an environment of its own, which has these.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mrrc_arrow as mrrc

page, sample = Path(sys.argv[1]), Path(sys.argv[2])
blocks = re.findall(r"^```py\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
table = mrrc.read_table(sample, layout="subfields", tags=["650"], string_type="large_string", categorical=False)
values = table["value"].to_pylist()
for name in ("dask", "ray", "daft"):
    (block,) = (block for block in blocks if re.search(rf"^(import|from) {name}\b", block, flags=re.MULTILINE))
    # Several files of several splits.
    block = block.replace('plan_splits("dump")', 'plan_splits("dump", split_bytes=100_000)')
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "dump").mkdir()
        for copy in ("a.mrc", "b.mrc"):
            shutil.copy(sample, Path(folder) / "dump" / copy)
        script = Path(folder) / "script.py"
        script.write_text(block)
        done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (name, done.stderr)
    found = [int(number) for number in re.findall(r"\b\d+$", done.stdout, flags=re.MULTILINE)]
    if name == "dask":
        counts = {values.count(value) * 2 for value in values}
        assert len(found) == 5, (name, done.stdout)
        assert counts.issuperset(found), (name, done.stdout)
    else:
        assert found == [2 * len(values)], (name, done.stdout)
    print(f"{name}: passed")
