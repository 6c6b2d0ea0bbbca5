"""The examples in Python run, and do what they say; those in Rust are `tests/examples.rs`'s."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import polars as pl
import pytest

from .conftest import ROOT
from .marc import books

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

EXAMPLES = ROOT / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-W", "error", *map(str, [EXAMPLES / f"{name}.py", *arguments])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def dump(sample: Path, tmp_path: Path) -> Path:
    """A folder with three catalogues and what is none."""
    folder = tmp_path / "dump"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mrc").write_bytes(sample.read_bytes())
    (folder / "d.mrc").write_bytes(b"<collection/>")
    return folder


def test_every_example_is_listed_and_run() -> None:
    listed = (EXAMPLES / "README.md").read_text()
    names = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".rs"})
    assert [name for name in names if f"]({name})" not in listed] == []
    assert [name for name in names if name.endswith(".py")] == ["concurrent_reading.py", "concurrent_writing.py"]
    in_rust = (ROOT / "tests/examples.rs").read_text()
    assert [name for name in names if name.endswith(".rs") and f'"../examples/{name}"' not in in_rust] == []


def test_concurrent_reading_reads_all_files_and_tells_of_the_bad_one(dump: Path, sample: Path) -> None:
    *files, one_call, languages = run("concurrent_reading", dump / "*.mrc")
    assert files[:3] == ["a.mrc: 300", "b.mrc: 300", "c.mrc: 300"]
    assert "d.mrc: not MARC" in files[3]
    assert one_call == "in one call: 900"
    counts = Counter(mrrc.read_marc(sample, columns={"l": "008/35-37"})["l"].drop_nulls().to_list())
    assert [int(count) for count in languages.split()[2::2]] == [3 * count for _, count in counts.most_common(3)]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_that_share_a_reader_count_every_record_once(threads: int, dump: Path) -> None:
    paths = [dump / "a.mrc", dump / "b.mrc"]
    alone = mrrc.read_marc([str(path) for path in paths], columns={"l": "008/35-37"})["l"].drop_nulls()
    assert load("concurrent_reading").batch_by_batch(paths, threads) == Counter(alone.to_list())


def test_an_error_in_a_shared_reader_is_raised_and_leaves_no_thread_behind(dump: Path) -> None:
    before = threading.active_count()
    with pytest.raises(mrrc.UnsupportedFormatError):
        load("concurrent_reading").batch_by_batch([dump / "a.mrc", dump / "d.mrc"], 3)
    assert threading.active_count() == before


def test_concurrent_writing_makes_a_lake_and_tells_of_the_bad_file(dump: Path, sample: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    rows = mrrc.read_marc(sample, layout="subfields")
    headings = rows.filter(tag="650", code="a")
    *files, bad, last = run("concurrent_writing", dump / "*.mrc", lake)
    assert files == [f"{name}.mrc.parquet: {rows.height} rows" for name in "abc"]
    assert "not MARC" in bad
    assert last == f"headings: {3 * headings.height}"
    assert sorted(path.name for path in lake.iterdir()) == [
        *(f"{name}.mrc.parquet" for name in "abc"),
        "headings.parquet",
    ]
    found = pl.read_parquet(lake / "headings.parquet")["heading"]
    assert found.to_list() == headings["value"].str.to_lowercase().to_list() * 3


def test_two_files_with_one_name_are_refused_before_either_is_written(sample: Path, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "books.mrc").write_bytes(sample.read_bytes())
    lake = tmp_path / "lake"
    paths = [tmp_path / "a/books.mrc", tmp_path / "b/books.mrc"]
    with pytest.raises(ValueError, match="one name"):
        load("concurrent_writing").lake(paths, lake, 2)
    assert not lake.exists()


def test_a_queue_bounds_what_is_read_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = load("concurrent_writing")
    source = tmp_path / "books.mrc"
    source.write_bytes(b"".join(books(512)) * 60)
    waiting: list[int] = []

    class Slow(example.pq.ParquetWriter):  # type: ignore[misc, name-defined]
        def write_table(self, table: object) -> None:
            time.sleep(0.01)
            waiting.append(batches[0].qsize())
            super().write_table(table)

    batches: list[Any] = []

    class Queue(example.queue.Queue):  # type: ignore[misc, name-defined]
        def __init__(self, most: int) -> None:
            super().__init__(most)
            batches.append(self)

    monkeypatch.setattr(example.pq, "ParquetWriter", Slow)
    monkeypatch.setattr(example.queue, "Queue", Queue)
    assert example.through_a_queue([source], tmp_path / "out.parquet", waiting=3) == 512 * 60
    assert max(waiting) == 3


@pytest.mark.parametrize("fails", ["the writer", "the reader", "both"])
def test_where_one_side_of_the_queue_fails_the_other_ends_and_there_is_no_file(
    fails: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = load("concurrent_writing")
    source, folder = tmp_path / "books.mrc", tmp_path / "out"
    folder.mkdir()
    broken = b"" if fails == "the writer" else b"00030 no MARC record\x1d"
    source.write_bytes(b"".join(books(512)) * 30 + broken + b"".join(books(10)))

    class Full(example.pq.ParquetWriter):  # type: ignore[misc, name-defined]
        def write_table(self, _: object) -> None:
            raise OSError(28, "No space left on device")

    if fails != "the reader":
        monkeypatch.setattr(example.pq, "ParquetWriter", Full)
    with pytest.raises(mrrc.RecordError if fails == "the reader" else OSError):
        example.through_a_queue([source], folder / "out.parquet", waiting=2)
    assert list(folder.iterdir()) == []
