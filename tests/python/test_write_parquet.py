"""`write_parquet`: what readers of Parquet find in it, in one file and in many."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from .marc import control, data, encode
from .script import run_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Layout: TypeAlias = Literal["records", "subfields"]
Compression: TypeAlias = Literal["zstd", "snappy", "lz4", "uncompressed"]
COLUMNS: dict[str, str | mrrc.Column] = {
    "id": "001",
    "title": "245$a",
    "subjects": mrrc.all("650$a"),
    "copies": mrrc.count("852"),
    "added": mrrc.fields("700"),
}


@pytest.mark.parametrize("options", [{}, {"layout": "subfields"}, {"columns": COLUMNS}, {"tags": ["245", "6XX"]}])
@pytest.mark.parametrize("row_group_size", [None, 7])
def test_readers_find_what_a_read_gives(
    sample: Path, tmp_path: Path, options: dict[str, Any], row_group_size: int | None
) -> None:
    target = tmp_path / "x.parquet"
    written = mrrc.write_parquet(sample, target, row_group_size=row_group_size, **options)
    expected = mrrc.read_marc(sample, categorical=False, **options)
    assert (written.rows, written.files, written.rejected) == (expected.height, (target,), 0)
    assert_frame_equal(pl.read_parquet(target), expected)
    assert pq.read_table(target).to_pylist() == expected.to_dicts()
    found = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(target)]).fetchall()
    assert [tuple(row) for row in found] == [tuple(row.values()) for row in expected.to_dicts()]
    groups = pq.ParquetFile(target).metadata.num_row_groups
    assert groups == (1 if row_group_size is None else -(-expected.height // 7))
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_files_say_where_they_are_from(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.parquet"
    mrrc.write_parquet([sample, sample.read_bytes()], target, layout="subfields", metadata={"purpose": "test"})
    metadata = pq.ParquetFile(target).metadata
    assert metadata.created_by == f"mrrc_arrow version {mrrc.__version__}"
    said = {key.decode(): value.decode() for key, value in metadata.metadata.items()}
    assert json.loads(said["mrrc_arrow.sources"]) == [str(sample), None]
    assert json.loads(said["mrrc_arrow.problems"]) == {}
    del said["mrrc_arrow.sources"], said["mrrc_arrow.problems"]
    assert said == {
        "mrrc_arrow.version": mrrc.__version__,
        "mrrc_arrow.layout": "subfields",
        "mrrc_arrow.rejected": "0",
        "purpose": "test",
    }


def test_lookups_have_statistics_and_bloom_filters(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.parquet"
    mrrc.write_parquet(sample, target, layout="subfields", row_group_size=1000)
    metadata = pq.ParquetFile(target).metadata
    group = metadata.row_group(1)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["record"].statistics.min < columns["record"].statistics.max
    assert columns["tag"].compression == "ZSTD"
    assert all(column.has_offset_index for column in columns.values())
    # Text is in no order.
    assert [name for name, column in columns.items() if not column.has_column_index] == ["value"]
    query = "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, 'control_number', ?)"
    probe = duckdb.connect().execute(query, [str(target), "mac00000007"]).fetchall()
    excluded = [excludes for (excludes,) in probe]
    assert False in excluded
    assert True in excluded


def test_lookups_find_what_is_beyond_a_full_dictionary(tmp_path: Path) -> None:
    numbers = [f"{number * 7919 % 300_007:07}-{'x' * 24}" for number in range(300_000)]
    record, place = encode([control("001", numbers[0])]), numbers[0].encode()
    source, target = tmp_path / "x.mrc", tmp_path / "x.parquet"
    source.write_bytes(b"".join(record.replace(place, number.encode()) for number in numbers))
    mrrc.write_parquet(source, target, columns={"control_number": "001"}, row_group_size=1_000_000)
    column = pq.ParquetFile(target).metadata.row_group(0).column(0)
    assert column.total_uncompressed_size > len(numbers) * len(numbers[0])
    assert {"PLAIN", "RLE_DICTIONARY"} <= set(column.encodings)
    duck, scan = duckdb.connect(), pl.scan_parquet(target)
    query = "SELECT control_number FROM read_parquet(?) WHERE control_number = ?"
    for number, found in ((numbers[0], 1), (numbers[150_000], 1), (numbers[-1], 1), ("0300001-", 0)):
        expected = [number] * found
        assert [one for (one,) in duck.execute(query, [str(target), number]).fetchall()] == expected
        assert scan.filter(pl.col("control_number") == number).collect()["control_number"].to_list() == expected
        table = pq.read_table(target, filters=[("control_number", "=", number)])
        assert table["control_number"].to_pylist() == expected


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "uncompressed"])
def test_compressions(sample: Path, tmp_path: Path, compression: Compression) -> None:
    target = tmp_path / "x.parquet"
    mrrc.write_parquet(sample, target, compression=compression)
    assert_frame_equal(pl.read_parquet(target), mrrc.read_marc(sample, categorical=False))
    assert pq.read_table(target).num_rows == 300


def test_levels(sample: Path, tmp_path: Path) -> None:
    sizes = []
    for level in (1, 19):
        mrrc.write_parquet(sample, tmp_path / "x.parquet", compression_level=level)
        sizes.append((tmp_path / "x.parquet").stat().st_size)
    assert sizes[1] < sizes[0]
    for wrong in (0, 23, -1):
        with pytest.raises(ValueError, match="compression_level"):
            mrrc.write_parquet(sample, tmp_path / "y.parquet", compression_level=wrong)
    with pytest.raises(ValueError, match="goes with zstd"):
        mrrc.write_parquet(sample, tmp_path / "y.parquet", compression="snappy", compression_level=3)
    assert not (tmp_path / "y.parquet").exists()


def test_a_file_for_each_tag(sample: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    expected = mrrc.read_marc(sample, layout="subfields", categorical=False)
    written = mrrc.write_parquet(sample, lake, layout="subfields", partition_by="tag")
    tags = expected["tag"].unique().sort().to_list()
    assert [path.name for path in written.files] == [f"{tag}.parquet" for tag in tags]
    assert sorted(lake.iterdir()) == list(written.files)
    assert written.rows == expected.height
    assert_frame_equal(pl.read_parquet(lake / "650.parquet"), expected.filter(pl.col("tag") == "650"))
    everything = pl.read_parquet(lake / "*.parquet").sort("record", "field", "subfield")
    assert_frame_equal(everything, expected)
    count = duckdb.connect().execute("SELECT count(*) FROM read_parquet(?)", [str(lake / "*.parquet")]).fetchall()
    assert count == [(expected.height,)]


@pytest.mark.parametrize("options", [{"categorical": True}, {"string_type": "string"}, {"string_type": "large_string"}])
def test_a_file_for_each_tag_whatever_the_type(sample: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    mrrc.write_parquet(sample, tmp_path / "lake", layout="subfields", partition_by="tag", **options)
    found = pl.read_parquet(tmp_path / "lake" / "*.parquet").sort("record", "field", "subfield")
    assert_frame_equal(found, mrrc.read_marc(sample, layout="subfields", categorical=False))


def test_tags_that_are_no_names_of_files(tmp_path: Path) -> None:
    raw = encode([control("001", "1"), data("../", ("a", "x")), data("a.b", ("a", "y"))])
    written = mrrc.write_parquet(raw, tmp_path / "lake", layout="subfields", partition_by="tag")
    names = sorted(path.name for path in written.files)
    assert names == ["%2E%2E%2F.parquet", "001.parquet", "LDR.parquet", "a%2Eb.parquet"]
    assert pl.read_parquet(tmp_path / "lake" / "*.parquet").height == 4


@pytest.mark.parametrize("rows", [1, 99, 100, 1000])
def test_a_file_for_so_many_rows(sample: Path, tmp_path: Path, rows: int) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    expected = mrrc.read_marc(sample, categorical=False)
    written = mrrc.write_parquet(sample, lake, partition_by=rows)
    assert len(written.files) == -(-300 // rows)
    assert [path.name for path in written.files[:2]] == ["part-00000.parquet", "part-00001.parquet"][
        : len(written.files)
    ]
    frames = [pl.read_parquet(path) for path in written.files]
    assert {frame.height for frame in frames[:-1]} <= {rows}
    assert_frame_equal(pl.concat(frames), expected)


def test_files_of_partitions_say_where_they_are_from(sample: Path, tmp_path: Path) -> None:
    damaged = sample.read_bytes() + b"00100nam a2200049 i 4500"
    cases: list[tuple[Literal["tag"] | int, Layout]] = [("tag", "subfields"), (100, "records")]
    for partition_by, layout in cases:
        lake = tmp_path / f"lake{partition_by}"
        with pytest.warns(mrrc.MrrcWarning):
            written = mrrc.write_parquet(
                damaged,
                lake,
                partition_by=partition_by,
                layout=layout,
                ignore_errors=True,
                metadata={"k": "v"},
            )
        said = [pq.ParquetFile(file).metadata.metadata for file in written.files]
        assert {one[b"mrrc_arrow.version"].decode() for one in said} == {mrrc.__version__}
        assert {one[b"mrrc_arrow.layout"].decode() for one in said} == {layout}
        assert {one[b"k"] for one in said} == {b"v"}
        assert said[-1][b"mrrc_arrow.rejected"] == b"1"


def test_a_directory_that_is_there_keeps_its_rights_and_links_stay(sample: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir(mode=0o700)
    link.symlink_to(real)
    mrrc.write_parquet(sample, link, partition_by=100)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o700
    assert len(list(real.iterdir())) == 3


def test_a_directory_that_cannot_be_replaced_is_refused(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="name a directory in it"):
        mrrc.write_parquet(sample, ".", partition_by=100)
    assert list(tmp_path.iterdir()) == []


def test_many_tags_take_bounded_memory_and_all_cores(tmp_path: Path) -> None:
    record = [control("001", "1"), *[data(f"{tag:03}", ("a", f"{tag}" * 60)) for tag in range(100, 160)]]
    raw = encode(record)
    source = tmp_path / "x.mrc"
    source.write_bytes(raw * (200_000_000 // len(raw)))
    script = """
        import sys, mrrc_arrow as mrrc
        mrrc.write_parquet(sys.argv[1], sys.argv[2], layout="subfields", partition_by="tag")
        # Of this program alone: what getrusage says begins with what its parent had.
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
        """
    assert int(run_script(script, source, tmp_path / "lake", timeout=120)) < 600_000
    assert len(list((tmp_path / "lake").iterdir())) == 62


@pytest.mark.parametrize(("level", "megabytes"), [(1, 200), (12, 100)])
def test_files_that_are_open_hold_no_more_than_their_pages(tmp_path: Path, level: int, megabytes: int) -> None:
    """Text that differs from row to row, of many tags: what encodes it is not kept for each of them."""
    place, tags = "#" * 24, range(100, 400)
    whole = encode([control("001", "1"), *[data(f"{tag:03}", ("a", place)) for tag in tags]])
    around = whole.split(place.encode())
    random = Random(1)
    source = tmp_path / "x.mrc"
    with source.open("wb") as file:
        for _ in range(megabytes * 1_000_000 // len(whole)):
            text = random.randbytes(12 * len(tags)).hex().encode()
            values = [text[at : at + 24] for at in range(0, len(text), 24)]
            file.write(b"".join(part for pair in zip(around, [*values, b""], strict=True) for part in pair))
    script = """
        import sys, mrrc_arrow as mrrc
        options = {"layout": "subfields", "partition_by": "tag", "compression_level": int(sys.argv[3])}
        mrrc.write_parquet(sys.argv[1], sys.argv[2], **options)
        print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
        """
    peak = run_script(script, source, tmp_path / "lake", level, timeout=120, RAYON_NUM_THREADS="2")
    assert int(peak) < 450_000
    assert len(list((tmp_path / "lake").iterdir())) == 302


def test_partitions_of_nothing(tmp_path: Path) -> None:
    written = mrrc.write_parquet(b"", tmp_path / "rows", partition_by=10)
    (file,) = written.files
    assert pl.read_parquet(file).columns == ["leader", "control_number", "fields"]
    mrrc.write_parquet(b"", tmp_path / "tags", layout="subfields", partition_by="tag")
    assert pl.read_parquet(tmp_path / "tags").columns[0] == "record"
    mrrc.write_parquet(b"", tmp_path / "x.parquet")
    assert pl.read_parquet(tmp_path / "x.parquet").height == 0


def test_what_is_there_is_left_alone(sample: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "mine").write_text("mine")
    with pytest.raises(FileExistsError):
        mrrc.write_parquet(sample, lake, partition_by=10)
    target = tmp_path / "x.parquet"
    target.write_bytes(b"before")
    damaged = sample.read_bytes() + b"00100nam a2200049 i 4500"
    for options in ({}, {"layout": "subfields"}):
        with pytest.raises(mrrc.RecordError):
            mrrc.write_parquet(damaged, target, **options)  # type: ignore[arg-type]
    with pytest.raises(mrrc.RecordError):
        mrrc.write_parquet(damaged, tmp_path / "new", partition_by=10)
    with pytest.raises(IsADirectoryError):
        mrrc.write_parquet(sample, lake)
    assert target.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake", "x.parquet"]
    assert [path.name for path in lake.iterdir()] == ["mine"]
    with pytest.warns(mrrc.MrrcWarning, match="1 record"):
        written = mrrc.write_parquet(damaged, target, ignore_errors=True)
    assert (written.rows, written.rejected) == (300, 1)
    said = pq.ParquetFile(target).metadata.metadata
    assert said[b"mrrc_arrow.rejected"] == b"1"
    assert json.loads(said[b"mrrc_arrow.problems"]) == written.problems


def test_links_stay_and_rights_are_kept(sample: Path, tmp_path: Path) -> None:
    real, link = tmp_path / "real.parquet", tmp_path / "link.parquet"
    real.write_bytes(b"")
    real.chmod(0o600)
    link.symlink_to(real)
    mrrc.write_parquet(sample, link)
    assert link.is_symlink()
    assert pl.read_parquet(real).height == 300
    assert real.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_is_written_to(sample: Path) -> None:
    mrrc.write_marc(mrrc.read_marc(sample), "/dev/null")
    script = """
        import sys, mrrc_arrow as mrrc
        print(mrrc.write_marc(mrrc.read_batches(sys.argv[1]), "/dev/null").records)
        """
    assert run_script(script, sample) == "300"


def test_a_directory_is_made_where_there_is_one(sample: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        mrrc.write_parquet(sample, missing / "lake", partition_by=100)
    assert caught.value.filename == str(missing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"row_group_size": 0}, ValueError, "above 0"),
        ({"row_group_size": -1}, ValueError, "row_group_size"),
        ({"row_group_size": "x"}, TypeError, "row_group_size"),
        ({"partition_by": 0}, ValueError, "above 0"),
        ({"partition_by": "code"}, ValueError, "partition_by"),
        ({"partition_by": 1.5}, TypeError, "partition_by"),
        ({"partition_by": True}, TypeError, "partition_by"),
        ({"metadata": {"mrrc_arrow.rejected": "0"}}, ValueError, "metadata"),
        ({"partition_by": "tag"}, ValueError, "subfields"),
        ({"partition_by": "tag", "layout": "subfields", "columns": ["value"]}, ValueError, "column tag"),
        (
            {"partition_by": "tag", "layout": "subfields", "columns": ["value"], "row_index_name": "tag"},
            ValueError,
            "column tag",
        ),
        ({"compression": "zip"}, ValueError, "compression"),
        ({"nonsense": 1}, TypeError, "nonsense"),
    ],
)
def test_options_that_make_no_sense(
    sample: Path, tmp_path: Path, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        mrrc.write_parquet(sample, tmp_path / "x", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_one_clear_error(tmp_path: Path, sample: Path) -> None:
    script = """
        import resource, signal, sys, pathlib, mrrc_arrow as mrrc
        source, target = sys.argv[1], pathlib.Path(sys.argv[2])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        frame = mrrc.read_marc(source)
        for write in (
            lambda: mrrc.write_parquet(source, target),
            lambda: mrrc.write_parquet(source, target, partition_by=200),
            lambda: mrrc.write_marc(frame, target),
        ):
            try:
                write()
            except OSError as error:
                print(error.errno, error.filename)
        print(list(target.parent.iterdir()))
        """
    target = tmp_path / "x"
    *errors, left = run_script(script, sample, target).splitlines()
    assert errors == [f"27 {target}", f"27 {target / 'part-00000.parquet'}", f"27 {target}"]
    assert left == "[]"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_without_room_is_one_clear_error(small_disk: Path, sample: Path) -> None:
    frame = mrrc.read_marc(sample)
    target = small_disk / "x"
    compressed = small_disk / "x.mrc.gz"
    writes: list[tuple[Path, Callable[[], object]]] = [
        (target, lambda: mrrc.write_parquet(sample, target)),
        (target, lambda: mrrc.write_parquet(sample, target, layout="subfields", row_group_size=100)),
        (target / "part-00000.parquet", lambda: mrrc.write_parquet(sample, target, partition_by=200)),
        (target, lambda: mrrc.write_marc(frame, target)),
        (compressed, lambda: mrrc.write_marc(frame, compressed)),
    ]
    for name, write in writes:
        with pytest.raises(OSError, match="No space left on device") as error:
            write()
        assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(name))
        assert list(small_disk.iterdir()) == []


def test_a_disk_without_room_is_one_clear_error_in_small_files(small_disk: Path, sample: Path) -> None:
    target = small_disk / "x"
    with pytest.raises(OSError, match="No space left on device") as error:
        mrrc.write_parquet(sample, target, layout="subfields", partition_by="tag")
    assert error.value.errno == errno.ENOSPC
    assert str(error.value.filename).startswith(f"{target}/")
    assert list(small_disk.iterdir()) == []


def test_the_command_tells_of_a_disk_without_room_in_a_line(small_disk: Path, sample: Path) -> None:
    target = small_disk / "x.parquet"
    command = [sys.executable, "-m", "mrrc_arrow", "convert", str(sample), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert str(target) in line
    assert "No space left on device" in line
    assert list(small_disk.iterdir()) == []


def test_text_of_any_length_in_small_row_groups(tmp_path: Path) -> None:
    raw = b"".join(encode([control("001", str(i)), data("500", ("a", "x" * i))]) for i in range(0, 3000, 17))
    mrrc.write_parquet(raw, tmp_path / "x.parquet", row_group_size=3, batch_size=5)
    assert_frame_equal(pl.read_parquet(tmp_path / "x.parquet"), mrrc.read_marc(raw, categorical=False))
    frame = pl.read_parquet(io.BytesIO((tmp_path / "x.parquet").read_bytes()))
    assert frame.height == len(range(0, 3000, 17))
