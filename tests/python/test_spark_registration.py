"""What Spark imports by its name, and what there is without Spark."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    "missing", ["pyspark", "pyspark.sql.datasource", "pyarrow", "mrrc_arrow", "mrrc_arrow.spark", "mrrc_arrow._native"]
)
def test_the_module_that_spark_imports_never_raises(missing: str) -> None:
    hidden = "import sys; sys.modules[{!r}] = None; import pyspark_mrrc as found; "
    assert run(hidden.format(missing) + "print(found.__all__, hasattr(found, 'DefaultSource'))") == "[] False"


def test_who_asks_for_it_is_told_what_is_missing() -> None:
    script = """
import sys
sys.modules["pyspark"] = None
try:
    import mrrc_arrow.spark
except ImportError as error:
    print(error)
"""
    assert 'pip install "mrrc-arrow[spark]"' in run(script)


def test_the_package_does_not_import_spark() -> None:
    assert run("import sys, mrrc_arrow; print([name for name in sys.modules if 'spark' in name])") == "[]"
