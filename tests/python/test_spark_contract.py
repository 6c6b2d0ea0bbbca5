"""The data source of Spark, called as Spark calls it, without a Java virtual machine; `make test-spark` has pyspark."""

from __future__ import annotations

import doctest
import importlib
import json
import pickle
from typing import TYPE_CHECKING, Any, Literal

import mrrc_arrow as mrrc
import pyarrow as pa
import pytest

from .marc import book, books, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytest.importorskip("pyspark.sql.datasource", reason="pyspark 4 is not installed: `make test-spark` has it")

from mrrc_arrow import spark
from mrrc_arrow.spark import MarcDataSource
from pyspark import cloudpickle
from pyspark.sql.datasource import CaseInsensitiveDict, DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import ArrayType, BooleanType, IntegerType, LongType, StringType, StructField, StructType

BAD = b"0000\x1d"
"""Too short to be a record: a reject of its own."""
FIELDS = (
    "array<struct<tag:string,ind1:string,ind2:string,value:string,subfields:array<struct<code:string,value:string>>>>"
)


def made(**options: str) -> MarcDataSource:
    """Make a source as Spark does: with names in lower case, and pickled on its way."""
    source = MarcDataSource(CaseInsensitiveDict({name.lower(): value for name, value in options.items()}))
    found: MarcDataSource = pickle.loads(cloudpickle.dumps(source))
    return found


def read(source: MarcDataSource, schema: StructType | None = None) -> list[dict[str, Any]]:
    """Read as Spark does, and hold every batch to what Spark asks of it."""
    schema = schema or source.schema()
    expected = to_arrow_schema(schema)
    reader = pickle.loads(cloudpickle.dumps(source.reader(schema)))
    assert isinstance(reader, DataSourceReader)
    partitions = reader.partitions()
    assert isinstance(partitions, list)
    rows: list[dict[str, Any]] = []
    for partition in pickle.loads(pickle.dumps(partitions)):
        assert isinstance(partition, InputPartition)
        for batch in reader.read(partition):
            assert isinstance(batch, pa.RecordBatch)
            assert expected.equals(batch.schema)
            assert str(batch.schema) == str(nullable(batch.schema))
            batch.validate(full=True)
            rows += batch.to_pylist()
    return rows


def nullable(schema: pa.Schema) -> pa.Schema:
    """Give the schema with everything in it nullable, and in no types but Spark's."""

    def of(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_list(kind):
            return pa.list_(kind.value_field.with_nullable(True).with_type(of(kind.value_type)))
        if pa.types.is_struct(kind):
            return pa.struct([pa.field(field.name, of(field.type)) for field in kind])
        assert kind in (pa.string(), pa.int32(), pa.int64(), pa.bool_())
        return kind

    return pa.schema([pa.field(field.name, of(field.type)) for field in schema])


def expected(path: Path, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Give the rows that the package has without Spark."""
    rows: list[dict[str, Any]] = mrrc.read_table(path, string_type="string", categorical=False, **options).to_pylist()
    return rows


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Three records, and one that is none after the first and at the end."""
    first, second, third = books(3)
    path = tmp_path / "damaged.mrc"
    path.write_bytes(first + BAD + second + third + b"00026\xff\x1d")
    return path


def columns(*names: str) -> StructType:
    """Give a schema of strings."""
    return StructType([StructField(name, StringType()) for name in names])


def test_it_is_a_data_source_by_the_name_of_marc(sample: Path) -> None:
    assert issubclass(MarcDataSource, DataSource)
    assert MarcDataSource.name() == "marc"
    assert isinstance(made(path=str(sample)).reader(made().schema()), DataSourceReader)
    with pytest.raises(Exception, match="writer"):
        made(path=str(sample)).writer(made().schema(), overwrite=True)


def test_spark_finds_it_by_itself() -> None:
    assert importlib.import_module("pyspark_mrrc").DefaultSource is MarcDataSource


# Schemas


def test_schemas_are_spark_types_and_need_no_file() -> None:
    assert (
        made(path="/missing").schema().simpleString() == f"struct<leader:string,control_number:string,fields:{FIELDS}>"
    )
    assert made(layout="subfields").schema() == StructType(
        [
            StructField("record", LongType()),
            StructField("control_number", StringType()),
            StructField("field", IntegerType()),
            *(StructField(name, StringType()) for name in ("tag", "ind1", "ind2")),
            StructField("subfield", IntegerType()),
            *(StructField(name, StringType()) for name in ("code", "value")),
        ]
    )
    specs = {"id": "001", "subjects": "all(650$a)", "n": "count(650)", "online": "exists(856)", "added": "fields(700)"}
    source = made(columns=json.dumps(specs), includeOffsets="true", includeFilePaths="path")
    assert source.schema()["n"].dataType == IntegerType()
    assert source.schema()["online"].dataType == BooleanType()
    assert source.schema()["subjects"].dataType == ArrayType(StringType())
    assert source.schema().simpleString() == (
        f"struct<id:string,subjects:array<string>,n:int,online:boolean,added:{FIELDS},offset:bigint,length:int,path:string>"
    )
    assert all(field.nullable for field in source.schema().fields)
    assert (
        made(columns='["tag","record"]', layout="subfields").schema().simpleString()
        == "struct<tag:string,record:bigint>"
    )
    assert (
        made(columns='{"coded":"fixed(LDR, labels)"}')
        .schema()
        .simpleString()
        .startswith("struct<coded:struct<material:")
    )


# Rows


@pytest.mark.parametrize("split_bytes", [1, 300, 5_000, 10**9])
@pytest.mark.parametrize("layout", ["records", "subfields"])
def test_partitions_are_together_what_the_file_is(
    marc_file: Path, layout: Literal["records", "subfields"], split_bytes: int
) -> None:
    if split_bytes == 1:
        marc_file.write_bytes(b"".join(books(3)))
    source = made(path=str(marc_file), layout=layout, splitBytes=str(split_bytes), batchRows="7")
    rows, whole = read(source), expected(marc_file, layout=layout)
    for row in [*rows, *whole]:
        row.pop("record", None)
    assert rows == whole
    assert len(source.reader(source.schema()).partitions()) == max(marc_file.stat().st_size // split_bytes, 1) + (
        1 < split_bytes < marc_file.stat().st_size
    )


def test_columns_of_every_kind_have_their_values(sample: Path) -> None:
    specs = {
        "id": "001",
        "title": 'join(245$a$b, " ")',
        "subjects": "all(650$a)",
        "n": "count(650)",
        "online": "exists(856$u)",
        "added": "fields(700)",
        "coded": "fixed(008)",
    }
    source = made(path=str(sample), columns=json.dumps(specs), splitBytes="70000")
    assert read(source) == expected(sample, columns=specs)


def test_some_columns_of_a_layout(sample: Path) -> None:
    source = made(path=str(sample), layout="subfields", columns='["tag", "value"]')
    assert read(source) == expected(sample, layout="subfields", columns=["tag", "value"])


@pytest.mark.parametrize("tags", ['["245", "6XX"]', "245,6XX", " 245 , 6XX"])
def test_tags_may_be_a_list_or_text(sample: Path, tags: str) -> None:
    assert read(made(path=str(sample), layout="subfields", tags=tags)) == expected(
        sample, layout="subfields", tags=["245", "6XX"]
    )


def test_format_and_encoding_are_those_of_the_other_readers(tmp_path: Path) -> None:
    path = tmp_path / "latin.mrc"
    path.write_bytes(encode(book(1)).replace("а".encode(), b"\xe4\xe4"))  # noqa: RUF001 - Cyrillic
    for options in ({"encoding": "iso-8859-1"}, {"format": "unimarc"}):
        assert read(made(path=str(path), **options)) == expected(path, **options)


def test_places_tell_records_of_all_partitions_apart(marc_file: Path) -> None:
    source = made(
        path=str(marc_file), layout="subfields", includeOffsets="TRUE", includeFilePaths="path", splitBytes="5000"
    )
    rows = read(source)
    assert {row["path"] for row in rows} == {str(marc_file)}
    assert len({row["offset"] for row in rows}) == 217
    assert len({row["record"] for row in rows}) < 100


def test_paths_are_files_patterns_directories_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.mrc", "b c.mrc", "d.dat"):
        (tmp_path / name).write_bytes(b"".join(books(2)))
    for options, count in [
        ({"path": str(tmp_path)}, 6),
        ({"path": f"{tmp_path}/*.mrc"}, 4),
        ({"paths": json.dumps([f"{tmp_path}/a.mrc", f"{tmp_path}/d.dat"])}, 4),
        ({"path": f"{tmp_path}/a.mrc", "paths": json.dumps([f"{tmp_path}/d.dat"])}, 4),
        ({"path": f"file:{tmp_path}/b%20c.mrc"}, 2),
        ({"path": (tmp_path / "b c.mrc").as_uri()}, 2),
    ]:
        assert len(read(made(**options))) == count, options
    monkeypatch.chdir(tmp_path)
    (partition,) = made(path="a.mrc").reader(made().schema()).partitions()
    assert partition.value == mrrc.plan_splits(tmp_path / "a.mrc")[0]
    for path in ("s3://bucket/a.mrc", "hdfs:/a.mrc"):
        with pytest.raises(ValueError, match="only files that driver and workers see"):
            made(path=path)


def test_files_that_are_empty_or_missing(tmp_path: Path) -> None:
    path = tmp_path / "empty.mrc"
    path.write_bytes(b"")
    assert read(made(path=str(path))) == []
    (tmp_path / "folder").mkdir()
    source = made(path=str(tmp_path / "folder"))
    assert source.reader(source.schema()).partitions() == []
    for missing in ("no.mrc", "*.xml"):
        source = made(path=str(tmp_path / missing))
        with pytest.raises(FileNotFoundError, match=missing[1:]):
            source.reader(source.schema()).partitions()
    with pytest.raises(ValueError, match="no path"):
        made().reader(made().schema())
    with pytest.raises(ValueError, match="no path"):
        made(paths="[]").reader(made().schema())


def test_the_partition_that_spark_makes_of_none_is_empty(sample: Path) -> None:
    source = made(path=str(sample))
    assert list(source.reader(source.schema()).read(InputPartition(None))) == []
    assert list(source.reader(source.schema()).read(None)) == []


def test_files_that_changed_are_told(marc_file: Path) -> None:
    source = made(path=str(marc_file))
    reader = source.reader(source.schema())
    (partition,) = reader.partitions()
    marc_file.write_bytes(b"")
    with pytest.raises(mrrc.ChangedFileError):
        list(reader.read(partition))


# The user's schema


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["control_number", "leader"], {}),
        (["leader"], {"includeOffsets": "true", "includeFilePaths": "path"}),
        (["path", "leader"], {"includeOffsets": "true", "includeFilePaths": "path"}),
        (["path"], {"includeFilePaths": "path"}),
        (["value", "tag"], {"layout": "subfields"}),
        (["tag"], {"layout": "subfields", "columns": '["value", "tag"]', "tags": "245"}),
        (["c", "a"], {"columns": '{"a": "001", "b": "100$a", "c": "245$a"}'}),
    ],
)
def test_a_schema_selects_columns_by_name(marc_file: Path, names: list[str], options: Mapping[str, str]) -> None:
    source = made(path=str(marc_file), splitBytes="5000", **options)
    assert read(source, columns(*names)) == [{name: row[name] for name in names} for row in read(source)]


def test_only_the_columns_of_the_schema_are_made(marc_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    native = spark._open

    def noted(source: Any, options: mrrc.ReadOptions) -> mrrc.RecordBatchReader:  # noqa: ANN401
        asked.append(options)
        return native(source, options)

    monkeypatch.setattr(spark, "_open", noted)
    source = made(
        path=str(marc_file), columns='{"a": "001", "b": "100$a"}', includeOffsets="true", includeFilePaths="p"
    )
    read(source, columns("b"))
    assert asked[-1]["columns"] == {"b": "100$a"}
    assert not asked[-1]["include_offsets"]
    assert "include_file_paths" not in asked[-1]


def test_a_schema_of_places_alone(marc_file: Path) -> None:
    source = made(path=str(marc_file), layout="subfields", includeOffsets="true")
    schema = StructType([StructField("length", IntegerType()), StructField("offset", LongType())])
    rows = read(source, schema)
    assert len(rows) == len(expected(marc_file, layout="subfields"))
    assert list(rows[0]) == ["length", "offset"]


def test_a_schema_that_cannot_be_is_told(sample: Path) -> None:
    source = made(path=str(sample), layout="subfields")
    for field, message in [
        (StructField("title", StringType()), "no column 'title'; there are record, .*, _corrupt_record"),
        (StructField("record", IntegerType()), "'record' is bigint, .* and not int"),
        (StructField("tag", StringType(), nullable=False), "'tag' is string, .* and not string not null"),
        (StructField("_corrupt_record", LongType()), "'_corrupt_record' is string, .* and not bigint"),
    ]:
        with pytest.raises(ValueError, match=message):
            source.reader(StructType([field]))
    with pytest.raises(ValueError, match="no columns"):
        source.reader(StructType([]))
    source.reader(StructType([StructField("tag", StringType(), metadata={"comment": "three characters"})]))
    with pytest.raises(ValueError, match="columnNameOfCorruptRecord"):
        read(made(path=str(sample), columns='{"_corrupt_record": "001"}'))


# Records that cannot be read


def test_the_first_that_cannot_be_read_fails_the_task(damaged: Path) -> None:
    for options in ({}, {"mode": "FAILFAST"}, {"mode": "failfast"}):
        hint = r"\. Mode DROPMALFORMED leaves such records out; in mode PERMISSIVE they are rows of nulls$"
        with pytest.raises(mrrc.RecordError, match=hint) as error:
            read(made(path=str(damaged), **options))
        assert "ignore_errors" not in str(error.value)
        assert (error.value.code, error.value.source, error.value.record) == ("too_short", str(damaged), 1)


@pytest.mark.filterwarnings("error")
def test_those_that_cannot_be_read_are_left_out(damaged: Path) -> None:
    rows = read(made(path=str(damaged), mode="dropMalformed"), columns("control_number", "_corrupt_record"))
    assert [row["control_number"] for row in rows] == ["ocm00000000", "ocm00000001", "ocm00000002"]
    assert {row["_corrupt_record"] for row in rows} == {None}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layout", ["records", "subfields"])
def test_those_that_cannot_be_read_are_rows_of_nulls_at_the_end_of_their_partition(damaged: Path, layout: str) -> None:
    good = read(made(path=str(damaged), mode="DROPMALFORMED", layout=layout))
    source = made(path=str(damaged), mode="permissive", layout=layout)
    assert read(source) == good + 2 * [dict.fromkeys(good[0])]
    rows = read(source, StructType([*source.schema().fields, StructField("_corrupt_record", StringType())]))
    assert [row["_corrupt_record"] for row in rows] == [None] * len(good) + ["0000\x1d", "00026ÿ\x1d"]
    assert [row["_corrupt_record"].encode("latin-1") for row in rows[-2:]] == [BAD, b"00026\xff\x1d"]
    assert read(source, columns("_corrupt_record")) == [{"_corrupt_record": row["_corrupt_record"]} for row in rows]


def test_each_partition_has_its_own_that_cannot_be_read(damaged: Path) -> None:
    source = made(path=str(damaged), mode="PERMISSIVE", splitBytes="100")
    rows = read(source, columns("_corrupt_record", "control_number"))
    assert [row["_corrupt_record"] or row["control_number"] for row in rows] == [
        "ocm00000000",
        "0000\x1d",
        "ocm00000001",
        "ocm00000002",
        "00026ÿ\x1d",
    ]


def test_another_name_for_what_cannot_be_read(damaged: Path) -> None:
    source = made(path=str(damaged), mode="PERMISSIVE", columnNameOfCorruptRecord="bad")
    assert [row["bad"] for row in read(source, columns("bad"))] == [None, None, None, "0000\x1d", "00026ÿ\x1d"]
    with pytest.raises(ValueError, match="no column '_corrupt_record'"):
        read(source, columns("_corrupt_record"))


def test_where_it_is_that_cannot_be_read(damaged: Path) -> None:
    source = made(path=str(damaged), mode="PERMISSIVE", includeOffsets="true", includeFilePaths="path")
    first, second, third = map(len, books(3))
    nulls = dict.fromkeys(["leader", "control_number", "fields"])
    assert read(source)[3:] == [
        {**nulls, "offset": first, "length": 5, "path": str(damaged)},
        {**nulls, "offset": first + 5 + second + third, "length": 7, "path": str(damaged)},
    ]


def test_many_that_cannot_be_read_come_in_batches(
    tmp_path: Path, three: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bad.mrc"
    path.write_bytes(b"".join(three) + BAD * 30_000 + b"".join(three))
    monkeypatch.setattr(spark, "_BATCH_BYTES", 20_000)
    source = made(path=str(path), mode="PERMISSIVE", splitBytes="100000")
    for schema in (None, columns("_corrupt_record")):
        assert len(read(source, schema)) == 30_006
    assert [row["_corrupt_record"] for row in read(source, columns("_corrupt_record"))].count("0000\x1d") == 30_000


def test_what_is_no_marc_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"This is no MARC, but a letter.\n" * 3000)
    with pytest.raises(mrrc.UnsupportedFormatError):
        read(made(path=str(path)))
    assert read(made(path=str(path), mode="DROPMALFORMED")) == []
    rows = read(made(path=str(path), mode="PERMISSIVE"), columns("_corrupt_record", "leader"))
    assert rows == [{"_corrupt_record": path.read_text(), "leader": None}]


def test_rows_of_real_files_are_as_many_as_their_records(corpus: Path) -> None:
    for path in sorted(corpus.rglob("*.mrc"))[:40]:
        if path.stat().st_size > 400_000:
            continue
        whole = mrrc.read_problems(path, ignore_errors=True).to_pylist()
        rejects = [problem["raw"] for problem in whole if problem["severity"] == "reject"]
        source = made(path=str(path), mode="PERMISSIVE", splitBytes="50000")
        rows = read(source, columns("leader", "_corrupt_record"))
        assert [row["_corrupt_record"].encode("latin-1") for row in rows if row["leader"] is None] == rejects
        assert [row for row in read(source) if row["leader"]] == read(made(path=str(path), mode="DROPMALFORMED"))


# Options


def test_options_have_any_case_and_unknown_ones_are_told(sample: Path) -> None:
    assert len(MarcDataSource({"PATH": str(sample), "LayOut": "records"}).schema()) == 3
    with pytest.raises(ValueError, match="no option 'pathGlobFilter'; there are path, paths, layout, "):
        MarcDataSource({"pathGlobFilter": "*.mrc"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "rows"}, "layout must be"),
        ({"format": "marcxml"}, "format must be"),
        ({"encoding": "utf-16"}, "encoding must be"),
        ({"mode": "LENIENT"}, "mode must be FAILFAST, DROPMALFORMED, PERMISSIVE, not 'LENIENT'"),
        ({"splitBytes": "64m"}, "splitBytes must be a number of at least 1, not '64m'"),
        ({"splitBytes": "0"}, "splitBytes must be"),
        ({"batchRows": "-1"}, "batchRows must be"),
        ({"includeOffsets": "yes"}, "includeOffsets must be true or false"),
        ({"paths": "a.mrc"}, "paths must be a list of strings in JSON"),
        ({"paths": "[1]"}, "paths must be a list of strings in JSON"),
        ({"tags": '["245"'}, "tags must be a list of strings in JSON"),
        ({"tags": "245,title"}, "title"),
        ({"columns": "245$a"}, "columns must be a list of strings in JSON"),
        ({"columns": '{"a": 1}'}, "columns must be an object of strings in JSON"),
        ({"columns": '{"a": "245$"}'}, "245"),
        ({"columns": "{}"}, "at least one column"),
        ({"columns": '["title"]'}, "title"),
        ({"columns": '{"a": "001"}', "tags": "245"}, "tags"),
        ({"columns": '{"a": "001"}', "layout": "subfields"}, "layout"),
    ],
)
def test_options_that_make_no_sense_are_told_before_anything_is_read(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(path="/missing", **options).schema()


def test_every_option_is_documented() -> None:
    for name in spark._OPTIONS:
        assert name in (MarcDataSource.__doc__ or "")


def test_examples_in_docstrings_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert doctest.testmod(spark).failed == 0
