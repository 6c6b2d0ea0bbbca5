"""Splits: whatever a file is cut into, together they are what it has."""

from __future__ import annotations

import copy
import gzip
import os
import pickle
import random
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import books, control, data, encode, with_length
from .script import run_script

if TYPE_CHECKING:
    from pathlib import Path

RECORD = encode([control("001", "x"), data("245", ("a", "Oz"))])
INNER = encode([control("001", "y"), data("500", ("a", "a\x1db"), ("b", "\x1d"))])
# A record with a whole one in its data, and one with what looks like the beginning of one.
NESTED = encode([control("001", "z"), data("500", ("a", RECORD.decode("latin-1") + "tail"))])
FAKE = encode([control("001", "f"), data("500", ("a", "\x1d" + RECORD.decode("latin-1")[:30]))])
LARGE = encode([control("001", "l"), *[data("500", ("a", "x" * 900))] * 60])
PIECES = st.one_of(
    st.sampled_from([RECORD, INNER, NESTED, FAKE]),
    st.sampled_from([RECORD, INNER, NESTED]).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda end: raw[:end])),
    st.sampled_from([RECORD, INNER]).flatmap(lambda raw: st.integers(0, len(raw)).map(lambda start: raw[start:])),
    st.sampled_from([with_length(RECORD, 99), with_length(INNER, 50), with_length(RECORD, 9_999), LARGE]),
    st.sampled_from([b" " * blanks + b"   " + RECORD[3:] for blanks in range(7)]),
    st.sampled_from([RECORD[:-1], RECORD[:-1] + b".", b"\0" * 65_530, b" " * 65_537, b"\xef\xbb"]),
    st.lists(st.sampled_from([b" ", b"\r\n", b"\0", b"\x1d", b"\x1e", b"\xef\xbb\xbf", b"0", b"x"]), max_size=6).map(
        b"".join
    ),
)
INPUTS = st.lists(PIECES, max_size=8).map(b"".join)
OPTIONS: mrrc.ReadOptions = {"ignore_errors": True, "include_offsets": True, "categorical": False}


def rows(table: pa.Table) -> list[dict[str, object]]:
    found: list[dict[str, object]] = table.to_pylist()
    return found


def problems(table: pa.Table) -> list[dict[str, object]]:
    return rows(table.drop_columns(["record"]))


@pytest.mark.filterwarnings("ignore::mrrc_arrow.MrrcWarning")
@settings(max_examples=250, deadline=None)
@given(content=INPUTS, split_bytes=st.one_of(st.integers(1, 3), st.integers(1, 400)))
def test_splits_are_together_what_the_file_is(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, split_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "split.mrc"
    # From its beginning on it is MARC.
    path.write_bytes(RECORD + content)
    if len(content) > 2000:
        split_bytes *= 50
    splits = mrrc.plan_splits(path, split_bytes)
    assert [(split.start, split.end) for split in splits] == [
        (at, min(at + split_bytes, path.stat().st_size)) for at in range(0, path.stat().st_size, split_bytes)
    ]
    whole = mrrc.read_table(path, **OPTIONS)
    parts = [pa.RecordBatchReader.from_stream(mrrc.read_split(split, **OPTIONS)).read_all() for split in splits]
    assert [row for part in parts for row in rows(part)] == rows(whole)
    found = [problem for split in splits for problem in problems(mrrc.read_problems(split))]
    assert found == problems(mrrc.read_problems(path))


@pytest.mark.filterwarnings("ignore::mrrc_arrow.MrrcWarning")
def test_splits_of_real_files_are_together_what_these_are(corpus: Path) -> None:
    dice = random.Random(20261126)
    for path in sorted(corpus.rglob("*")):
        if not path.is_file() or path.stat().st_size > 400_000:
            continue
        split_bytes = dice.choice([dice.randint(200, 5_000), dice.randint(5_000, 100_000)])
        splits = mrrc.plan_splits(path, split_bytes, glob=False)
        try:
            whole = mrrc.read_table(path, **OPTIONS)
        except OSError as error:
            # What cannot be decompressed.
            with pytest.raises(type(error)):
                mrrc.read_table(splits, **OPTIONS)
            continue
        assert rows(mrrc.read_table(splits, **OPTIONS)) == rows(whole), path
        found = mrrc.read_problems(splits, ignore_errors=True)
        assert problems(found) == problems(mrrc.read_problems(path, ignore_errors=True)), path


@pytest.mark.filterwarnings("ignore::mrrc_arrow.MrrcWarning")
def test_what_is_no_marc_is_its_first_split_whatever_comes(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"This is no MARC, but a letter.\n" * 3000 + b"\x1d" + RECORD * 100)
    splits = mrrc.plan_splits(path, 10_000)
    with pytest.raises(mrrc.UnsupportedFormatError):
        count(splits[0])
    assert sum(map(count, splits[1:])) == 0
    assert problems(mrrc.read_problems(splits, ignore_errors=True)) == problems(
        mrrc.read_problems(path, ignore_errors=True)
    )


def test_much_junk_and_long_records_between(tmp_path: Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(RECORD + b"\0" * 300_000 + RECORD + LARGE * 3 + b" " * 70_000 + RECORD)
    whole = mrrc.read_table(path, **OPTIONS)
    assert whole.num_rows == 6
    for split_bytes in (1_000, 33_333, 65_536, 100_000, 299_999):
        splits = mrrc.plan_splits(path, split_bytes)
        assert rows(mrrc.read_table(splits, **OPTIONS)) == rows(whole)
        assert problems(mrrc.read_problems(splits)) == problems(mrrc.read_problems(path))


def test_splits_are_plain_data_for_workers(sample: Path) -> None:
    splits = mrrc.plan_splits(sample, 50_000)
    assert len(splits) == -(-sample.stat().st_size // 50_000)
    assert pickle.loads(pickle.dumps(splits)) == splits == copy.deepcopy(splits) == sorted(splits)
    with ProcessPoolExecutor(2, mp_context=__import__("multiprocessing").get_context("spawn")) as pool:
        counts = list(pool.map(count, splits))
    assert sum(counts) == 300
    assert len([count for count in counts if count]) > 5


def count(split: mrrc.Split) -> int:
    """How many records a split has."""
    with mrrc.read_split(split) as reader:
        return sum(batch.num_rows for batch in reader)


def test_other_readers_take_splits(sample: Path) -> None:
    splits = mrrc.plan_splits(sample, 100_000)
    columns: dict[str, str | mrrc.Column] = {"id": "001"}
    expected = mrrc.read_marc(sample, columns=columns)
    assert mrrc.read_marc(splits, columns=columns).equals(expected)
    assert [record["001"].data for split in splits for record in mrrc.MARCReader(split) if record] == expected[
        "id"
    ].to_list()
    frame = pl.concat(mrrc.read_marc(split, layout="subfields", include_offsets=True) for split in splits)
    whole = mrrc.read_marc(sample, layout="subfields", include_offsets=True)
    assert frame.drop("record").equals(whole.drop("record"))
    assert frame["record"].min() == 0
    paths = mrrc.read_marc(splits[1], columns=["leader"], include_file_paths="path")["path"]
    assert paths.unique().to_list() == [str(sample)]


def test_directories_patterns_and_lists(tmp_path: Path) -> None:
    for name in ("b.mrc", "a.mrc", ".hidden.mrc"):
        (tmp_path / name).write_bytes(b"".join(books(3)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "packed.mrc.gz").write_bytes(gzip.compress(b"".join(books(50))))
    names = [split.path.removeprefix(f"{tmp_path}/") for split in mrrc.plan_splits(tmp_path, 300)]
    assert names == ["a.mrc"] * names.count("a.mrc") + ["b.mrc"] * names.count("b.mrc") + ["packed.mrc.gz"]
    assert names.count("a.mrc") > 1
    assert len(mrrc.plan_splits(str(tmp_path / "*.mrc"))) == 2
    assert len(mrrc.plan_splits([tmp_path / "a.mrc", str(tmp_path / "b.mrc")])) == 2
    assert mrrc.read_table(mrrc.plan_splits(tmp_path, 300)).num_rows == 56
    for missing in (tmp_path / "no.mrc", tmp_path / "*.xml"):
        with pytest.raises(FileNotFoundError, match="no"):
            mrrc.plan_splits(missing)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="split_bytes"):
            mrrc.plan_splits(tmp_path, wrong)


def test_what_is_compressed_is_read_by_the_first(tmp_path: Path) -> None:
    path = tmp_path / "by_another_name.mrc"
    path.write_bytes(gzip.compress(b"".join(books(500))))
    splits = mrrc.plan_splits(path, 500)
    assert len(splits) > 3
    assert [count(split) for split in splits] == [500, *[0] * (len(splits) - 1)]


def test_empty_files_are_a_split_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.mrc"
    path.write_bytes(b"")
    (split,) = mrrc.plan_splits(path)
    assert (split.start, split.end, count(split)) == (0, 0, 0)
    assert mrrc.read_split(split).schema.names == ["leader", "control_number", "fields"]


def test_files_that_changed_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(RECORD * 3)
    (split,) = mrrc.plan_splits(path)
    reader = mrrc.read_split(split)
    later = split.mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))
    for read in (lambda: next(reader), lambda: mrrc.read_split(split), lambda: mrrc.read_table(split)):
        with pytest.raises(mrrc.ChangedFileError, match="plan anew") as error:
            read()
        assert (error.value.code, error.value.source) == ("changed", str(path))
    os.utime(path, ns=(split.mtime_ns, split.mtime_ns))
    assert count(split) == 3
    path.write_bytes(RECORD * 2)
    os.utime(path, ns=(split.mtime_ns, split.mtime_ns))
    with pytest.raises(mrrc.ChangedFileError):
        count(split)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        mrrc.read_split(split)


def test_files_that_change_while_they_are_read_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.mrc"
    for change in ("shorter", "other"):
        path.write_bytes(LARGE * 400)
        (split,) = mrrc.plan_splits(path)
        reader = mrrc.read_split(split, batch_size=10)
        assert next(reader).num_rows == 10
        if change == "shorter":
            os.truncate(path, len(LARGE) * 300)
        else:
            os.utime(path, ns=(0, 0))
        with pytest.raises(mrrc.ChangedFileError):
            sum(batch.num_rows for batch in reader)


def test_holes_take_no_memory_and_are_looked_through_once(tmp_path: Path) -> None:
    script = """
        import sys, time, mrrc_arrow as mrrc
        path, size = sys.argv[1], 300_000_000
        record = open(path, "rb").read()
        with open(path, "wb") as file:
            file.write(record * 1000)
            file.truncate(size)
            file.seek(size)
            file.write(record * 3)
        counts = []
        for split in mrrc.plan_splits(path, 3_000_000):
            counts.append(sum(batch.num_rows for batch in mrrc.read_split(split)))
        print(sum(counts), next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
        """
    path = tmp_path / "x.mrc"
    path.write_bytes(RECORD)
    rows, peak = map(int, run_script(script, path, timeout=120).split())
    assert rows == 1003
    assert peak < 250_000


def test_reading_a_split_starts_no_threads(sample: Path) -> None:
    script = """
        import os, sys, mrrc_arrow as mrrc
        before = len(os.listdir("/proc/self/task"))
        splits = mrrc.plan_splits(sys.argv[1], 100_000)
        rows = sum(batch.num_rows for split in splits for batch in mrrc.read_split(split))
        print(rows, len(os.listdir("/proc/self/task")) - before)
        """
    assert run_script(script, sample).split()[0] == "300"
    assert int(run_script(script, sample).split()[1]) <= 1


def test_what_is_no_file_is_no_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="no regular file"):
        mrrc.plan_splits(tmp_path / "pipe")
    with pytest.raises(ValueError, match="empty"):
        mrrc.plan_splits("")
    (tmp_path / "dangling.mrc").symlink_to("nowhere")
    (tmp_path / "x.mrc").write_bytes(RECORD)
    monkeypatch.chdir(tmp_path)
    (split,) = mrrc.plan_splits(".")
    assert split.path == str(tmp_path / "x.mrc")
    large = tmp_path / "large.mrc"
    with large.open("wb") as file:
        file.truncate(2_000_000)
    with pytest.raises(ValueError, match="2000000 splits"):
        mrrc.plan_splits(large, 1)


def test_what_a_split_cannot_know_is_refused(sample: Path) -> None:
    (split,) = mrrc.plan_splits(sample)
    with pytest.raises(ValueError, match="row_index_name"):
        next(mrrc.read_split(split, row_index_name="n"))
    with pytest.raises(TypeError, match="must be a Split"):
        mrrc.read_split(sample)  # type: ignore[arg-type]


def test_errors_say_where_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(RECORD * 10 + b"00012nam\x1d" + RECORD * 10)
    splits = mrrc.plan_splits(path, 300)
    with pytest.raises(mrrc.RecordError) as whole:
        mrrc.read_table(path)
    errors = []
    for split in splits:
        try:
            count(split)
        except mrrc.RecordError as error:
            errors.append(error)
    assert [(error.code, error.offset) for error in errors] == [(whole.value.code, whole.value.offset)]
