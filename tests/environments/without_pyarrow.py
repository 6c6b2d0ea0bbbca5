"""What works with Polars alone: python without_pyarrow.py SAMPLE. Run in an environment of its own."""

from __future__ import annotations

import importlib.util
import sys

import mrrc_arrow as mrrc
import polars as pl

path = sys.argv[1]
assert importlib.util.find_spec("pyarrow") is None, "pyarrow is installed"
for options in ({}, {"layout": "subfields"}, {"columns": mrrc.columns.BIBLIOGRAPHIC}):
    frame = mrrc.read_marc(path, **options)
    scan = mrrc.scan_marc(path, **options)
    assert scan.collect().equals(frame)
    assert scan.select(pl.len()).collect().item() == frame.height
rows = mrrc.scan_marc(path, layout="subfields").filter(pl.col("tag").is_in(["245"]), pl.col("code") == "a")
assert rows.select("value").collect().height == 300
assert pl.DataFrame(mrrc.read_batches(path)).height == 300
print(f"Polars {pl.__version__} without pyarrow: passed")
