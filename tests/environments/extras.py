"""An installation with one extra can do what the extra is for, and the rest names its own: python extras.py EXTRA ROOT.

Run in an environment of its own, with the wheel and that extra alone (``none`` for no extra). ROOT is the repository,
for its README and its sample; the package is the one that is installed.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARIES = {
    "none": set[str](),
    "polars": {"polars", "pyarrow"},
    "pyarrow": {"pyarrow"},
    "spark": {"pyspark", "pyarrow"},
    "all": {"polars", "pyarrow"},
}
EXTRA_OF = {"polars": "polars", "pyarrow": "pyarrow", "pyspark": "spark"}


def write(sample: Path) -> bool:
    """Write as MARC and Parquet, for which no library is needed."""
    with tempfile.TemporaryDirectory() as folder:
        mrrc.write_parquet(sample, Path(folder) / "sample.parquet")
        mrrc.write_marc(mrrc.read_batches(sample), Path(folder) / "again.mrc")
        return (Path(folder) / "again.mrc").read_bytes() == sample.read_bytes()


def tasks(sample: Path) -> list[tuple[str, str | None, Callable[[], object], object]]:
    """What is done, with which library, how, and what comes out."""
    load = importlib.import_module
    return [
        ("MARCReader", None, lambda: sum(1 for _ in mrrc.MARCReader(sample)), 300),
        ("read_batches", None, lambda: sum(batch.num_rows for batch in mrrc.read_batches(sample)), 300),
        ("write_marc, write_parquet", None, lambda: write(sample), True),
        ("read_table", "pyarrow", lambda: mrrc.read_table(sample).num_rows, 300),
        ("read_problems", "pyarrow", lambda: mrrc.read_problems(sample).num_rows, 0),
        ("profile", "pyarrow", lambda: mrrc.profile(sample).num_rows > 50, True),
        ("merge_profiles", "pyarrow", lambda: mrrc.merge_profiles([mrrc.profile(sample)]).num_rows > 50, True),
        ("dictionary", "pyarrow", lambda: mrrc.dictionary().num_rows > 1000, True),
        ("read_marc", "polars", lambda: mrrc.read_marc(sample).height, 300),
        ("scan_marc", "polars", lambda: mrrc.scan_marc(sample).collect().height, 300),
        ("mrrc_arrow.polars", "polars", lambda: load("mrrc_arrow.polars").__all__, ["MarcNamespace"]),
        ("mrrc_arrow.spark", "pyspark", lambda: load("mrrc_arrow.spark").MarcDataSource.name(), "marc"),
        ("pyspark_mrrc", "pyspark", lambda: load("pyspark_mrrc").DefaultSource.name(), "marc"),
    ]  # fmt: skip


def end_while_a_thread_reads() -> None:
    """End an interpreter in which a thread is still in a read, which glibc then ends through frames of the core."""
    script = """
import os, sys, threading, time, mrrc_arrow as mrrc
os.mkfifo(sys.argv[1])
reader = mrrc.read_batches(sys.argv[1])
threading.Thread(target=lambda: list(reader), daemon=True).start()
time.sleep(0.2)
os.close(os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK))
"""
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-c", script, Path(folder) / "silent"], check=True)


def run_quick_start(readme: Path, sample: Path) -> None:
    """Run the blocks of the README that need no library which no extra has."""
    blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(), flags=re.DOTALL | re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sample.mrc", "catalogue.mrc"):
            shutil.copy(sample, Path(folder) / name)
        script = Path(folder) / "script.py"
        script.write_text("\n".join(block for block in blocks if "import duckdb" not in block))
        subprocess.run([sys.executable, script], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def run_session(sample: Path) -> str:
    """Read in a session of Spark, where there is the Java that it needs."""
    if shutil.which("java") is None:
        return "registered; no Java, so no session"
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    frame = session.read.format("marc").option("layout", "subfields").load(str(sample))
    assert frame.filter("tag = '245' and code = 'a'").count() == 300
    session.stop()
    return "a session read the sample"


def main() -> None:
    """Check the one installation that this runs in."""
    extra, root = sys.argv[1], Path(sys.argv[2]).resolve()
    sample = root / "tests/data/sample.mrc"
    assert not Path(mrrc.__file__).is_relative_to(root / "python"), "the package of the repository itself"
    assert importlib.metadata.version("mrrc-arrow") == mrrc.__version__
    found = {name for name in EXTRA_OF if importlib.util.find_spec(name)}
    assert found == LIBRARIES[extra], found
    for name, library, run, expected in tasks(sample):
        if library is None or library in found:
            assert run() == expected, name
        elif name != "pyspark_mrrc":  # which must never raise, and is for Spark alone
            message = ""
            try:
                run()
            except ImportError as error:
                message = str(error)
            assert f'pip install "mrrc-arrow[{EXTRA_OF[library]}]"' in message, (name, message)
    program = Path(sys.executable).parent / "mrrc-arrow"
    done = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["mrrc-arrow", mrrc.__version__], done.stdout
    end_while_a_thread_reads()
    more = ""
    if "polars" in found:
        run_quick_start(root / "README.md", sample)
        more = "the README's blocks ran"
    if "pyspark" in found:
        more = run_session(sample)
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, {extra}: passed" + (f" ({more})" if more else ""))


if __name__ == "__main__":
    main()
