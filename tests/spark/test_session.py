"""A real session of Spark, on two cores, where a task that fails is tried again; run by `make test-spark`."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import polars as pl
import pytest
from mrrc_arrow.spark import MarcDataSource, MarcDataSourceReader
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql.datasource import InputPartition
    from pyspark.sql.types import StructType

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "tests/data/sample.mrc"
BAD = b"0000\x1d"


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local[2,3]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The sample with a record that is none after the first, and at the end."""
    content = SAMPLE.read_bytes()
    first = mrrc.scan_record_boundaries(content, 1)[0][1]
    path = tmp_path / "damaged.mrc"
    path.write_bytes(content[:first] + BAD + content[first:] + b"00026\xff\x1d")
    return path


def load(session: SparkSession, path: Path | list[str], schema: str | None = None, **options: str) -> DataFrame:
    reader = session.read.format("marc").options(**options)
    if schema is not None:
        reader = reader.schema(schema)
    return reader.load(path if isinstance(path, list) else str(path))


def rows(df: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict(recursive=True) for row in df.collect()]


def tags(df: DataFrame) -> dict[str, int]:
    return {row["tag"]: row["count"] for row in df.groupBy("tag").count().collect()}


def tags_of(df: pl.DataFrame) -> dict[str, int]:
    return dict(df.group_by(pl.col("tag").cast(pl.String)).len().rows())


def test_spark_registers_it_by_itself(session: SparkSession) -> None:
    assert session.read.format("marc").load(str(SAMPLE)).count() == 300


def test_it_can_be_registered(session: SparkSession) -> None:
    other = session.newSession()
    if session.version.startswith("4.0."):
        with pytest.raises(Exception, match="ALREADY_EXISTS"):
            other.dataSource.register(MarcDataSource)
    else:
        other.dataSource.register(MarcDataSource)
    assert other.read.format("MARC").load(str(SAMPLE)).count() == 300


def test_every_value_arrives(session: SparkSession) -> None:
    for layout in ("records", "subfields"):
        df = load(session, SAMPLE, layout=layout, splitBytes="100000")
        assert df.rdd.getNumPartitions() == 4
        frame = mrrc.read_marc(SAMPLE, layout=layout, categorical=False)
        assert rows(df.drop("record")) == frame.drop("record", strict=False).to_dicts()


def test_counts_filters_and_groups_are_those_of_polars(session: SparkSession, tmp_path: Path) -> None:
    for number in range(3):
        shutil.copy(SAMPLE, tmp_path / f"{number}.mrc")
    frame = mrrc.read_marc(tmp_path / "*.mrc", layout="subfields")
    df = load(session, tmp_path, layout="subfields", splitBytes="100000")
    assert df.count() == frame.height
    assert tags(df) == tags_of(frame)
    found = df.filter((df.tag == "650") & (df.code == "a") & df.value.contains("History"))
    expected = frame.filter(tag="650", code="a").filter(pl.col("value").str.contains("History", literal=True))
    assert sorted(row.value for row in found.collect()) == sorted(expected["value"])


def test_real_files_are_read_as_polars_reads_them(session: SparkSession) -> None:
    folder = ROOT.parent / "shared/data/iso2709"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real files is not at hand ({folder})")
    paths = sorted(path for path in folder.rglob("*.mrc") if path.stat().st_size < 4_000_000)
    with pytest.warns(mrrc.MrrcWarning):
        frame = mrrc.read_marc(paths, layout="subfields", ignore_errors=True, glob=False)
    df = load(session, list(map(str, paths)), layout="subfields", mode="DROPMALFORMED", splitBytes="200000")
    assert tags(df) == tags_of(frame)


def test_a_task_that_fails_is_tried_again_and_nothing_comes_twice(session: SparkSession, tmp_path: Path) -> None:
    marks = str(tmp_path)

    # Within the test, so that workers, which cannot import it, get them whole.
    class FailingReader(MarcDataSourceReader):
        def read(self, partition: InputPartition | None) -> Iterator[pa.RecordBatch]:
            assert partition is not None
            mark = Path(marks, str(partition.value.start))
            for number, batch in enumerate(super().read(partition)):
                if number == 2 and not mark.exists():
                    mark.touch()
                    raise OSError("injected")
                yield batch

    class Failing(MarcDataSource):
        @classmethod
        def name(cls) -> str:
            return "failing"

        def reader(self, schema: StructType) -> MarcDataSourceReader:
            return FailingReader(self._request, schema.names)

    session.dataSource.register(Failing)
    df = session.read.format("failing").options(splitBytes="100000", batchRows="10").load(str(SAMPLE))
    numbers = [row.control_number for row in df.select("control_number").collect()]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "100000", "200000", "300000"]
    assert numbers == mrrc.read_marc(SAMPLE)["control_number"].to_list()


def test_a_task_that_goes_on_failing_says_why(session: SparkSession, damaged: Path) -> None:
    with pytest.raises(Exception, match="RecordError") as error:
        load(session, damaged).count()
    assert str(damaged) in str(error.value)


def test_empty_files_and_folders_have_no_rows(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "empty.mrc").touch()
    (tmp_path / "folder").mkdir()
    for name in ("empty.mrc", "folder"):
        df = load(session, tmp_path / name)
        assert df.count() == 0
        assert df.columns == ["leader", "control_number", "fields"]


def test_missing_files_are_told(session: SparkSession, tmp_path: Path) -> None:
    for name in ("no.mrc", "*.xml"):
        with pytest.raises(Exception, match="FileNotFoundError.*" + re.escape(name)):
            load(session, tmp_path / name).count()


def test_columns_are_those_of_the_options(session: SparkSession) -> None:
    specs = {"id": "001", "subjects": "all(650$a)", "n": "count(650)", "online": "exists(856)", "added": "fields(700)"}
    df = load(session, SAMPLE, columns=json.dumps(specs), splitBytes="100000")
    assert rows(df) == mrrc.read_marc(SAMPLE, columns=specs, categorical=False).to_dicts()
    df = load(session, SAMPLE, layout="subfields", tags="245,6XX", format="auto", encoding="utf-8")
    frame = mrrc.read_marc(SAMPLE, layout="subfields", tags=["245", "6XX"])
    assert tags(df) == tags_of(frame)


def test_a_schema_selects_columns(session: SparkSession) -> None:
    df = load(session, SAMPLE, "value string, tag string", layout="subfields")
    assert df.columns == ["value", "tag"]
    frame = mrrc.read_marc(SAMPLE, layout="subfields", categorical=False)
    assert [tuple(row) for row in df.collect()] == frame.select("value", "tag").rows()
    with pytest.raises(Exception, match="no column 'title'"):
        load(session, SAMPLE, "title string").count()
    with pytest.raises(Exception, match="'record' is bigint"):
        load(session, SAMPLE, "record string", layout="subfields").count()


def test_paths_and_places_tell_records_of_all_files_apart(session: SparkSession, tmp_path: Path) -> None:
    for name in ("a.mrc", "b.mrc"):
        shutil.copy(SAMPLE, tmp_path / name)
    df = load(
        session, tmp_path, layout="subfields", includeFilePaths="path", includeOffsets="true", splitBytes="100000"
    )
    assert df.select("path", "offset").distinct().count() == 600


def test_each_mode(session: SparkSession, damaged: Path) -> None:
    with pytest.raises(Exception, match="RecordError"):
        load(session, damaged, mode="FAILFAST").count()
    assert load(session, damaged, mode="DROPMALFORMED").count() == 300
    df = load(session, damaged, mode="PERMISSIVE")
    assert (df.count(), df.filter("leader is null").count()) == (302, 2)
    df = load(session, damaged, "control_number string, _corrupt_record string", mode="PERMISSIVE", splitBytes="100000")
    found = df.filter("_corrupt_record is not null")
    assert {row.control_number for row in found.collect()} == {None}
    raw = found.select(sf.encode("_corrupt_record", "ISO-8859-1").alias("raw")).collect()
    assert [bytes(row.raw) for row in raw] == [BAD, b"00026\xff\x1d"]


def test_a_table_in_sql(session: SparkSession) -> None:
    session.sql(f"CREATE OR REPLACE TEMPORARY VIEW marc_rows USING marc OPTIONS (path '{SAMPLE}', layout 'subfields')")
    (row,) = session.sql("SELECT count(*) AS n FROM marc_rows WHERE tag = '245' AND code = 'a'").collect()
    assert row.n == mrrc.read_marc(SAMPLE, layout="subfields", tags=["245"]).filter(code="a").height


def test_what_the_documentation_shows_runs(
    session: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dump").mkdir()
    for name in ("one.mrc", "two.mrc"):
        shutil.copy(SAMPLE, tmp_path / "dump" / name)
    page = (ROOT / "docs/scaling.md").read_text()
    blocks = re.findall(r"^```py\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    # Relative paths are relative to where the session began.
    shown = "\n".join(block for block in blocks if "spark." in block).replace('"dump', f'"{tmp_path}/dump')
    exec(shown, {"spark": session, "__name__": "page"})
    leaders = mrrc.read_marc(SAMPLE, columns=["leader"])["leader"]
    books = 2 * int((leaders.str.slice(6, 2) == "am").sum())
    assert capsys.readouterr().out.endswith(f"\n600 {books}\n600\n0\n")
