"""MARC as a data source of Apache Spark 4; its partitions are splits.

Spark registers it by itself where this package is installed on the driver (`pyspark_mrrc` is what it looks for); else
``spark.dataSource.register(MarcDataSource)`` does, once in a session::

    df = spark.read.format("marc").option("layout", "subfields").load("/data/dump/*.mrc")

Files are planned on the driver, by size alone, and opened by the workers, which must see them under the same paths and
have this package, too. What is read is made in the core in the types that Spark has; nothing is converted here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

try:
    import pyarrow as pa
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    from pyspark.sql.types import (
        ArrayType,
        BooleanType,
        DataType,
        IntegerType,
        LongType,
        StringType,
        StructField,
        StructType,
    )
except ImportError as error:
    raise ImportError('mrrc_arrow.spark needs Apache Spark 4 and pyarrow: pip install "mrrc-arrow[spark]"') from error

from mrrc_arrow import _native
from mrrc_arrow._read import read_problems
from mrrc_arrow._splits import Split, plan_splits
from mrrc_arrow.errors import RecordError, _advise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence

    from mrrc_arrow._options import ReadOptions

__all__ = ["MarcDataSource", "MarcDataSourceReader"]

_MODES = ("FAILFAST", "DROPMALFORMED", "PERMISSIVE")

# Of records that cannot be read, so many bytes or rows go into a batch.
_BATCH_BYTES = 16 << 20
_BATCH_ROWS = 10_000


class MarcDataSource(DataSource):
    """The format ``"marc"`` of ``spark.read``.

    Options, whose names may be written in any case; one that is not among them is an error:

    - ``path``, ``paths`` (a path, a JSON list of them): files, patterns or directories, as `plan_splits` takes them;
      ``load`` gives them. Only paths, or ``file:`` URIs, of files that driver and workers all see.
    - ``layout`` (``records``, ``subfields``): which table.
    - ``columns`` (a JSON object or list): a row per record with these columns, by name what each has:
      ``{"title": "245$a", "subjects": "all(650$a)"}``. Or, as a list, some columns of the layout.
    - ``tags`` (a JSON list, or tags with commas between): only these fields, ``["245", "6XX"]`` or ``245,6XX``.
    - ``format``, ``encoding``: as in `read_table`.
    - ``includeFilePaths`` (a name): a column with the path of each row.
    - ``includeOffsets`` (``true``, ``false``): columns ``offset`` and ``length``: where each record lies in its file.
      ``record`` counts from the first record of a partition, so it is path and offset that tell records apart.
    - ``splitBytes`` (a number): bytes of a partition, about (134,217,728).
    - ``batchRows`` (a number): records in a batch, at most.
    - ``mode`` (``FAILFAST``, ``DROPMALFORMED``, ``PERMISSIVE``): what becomes of a record that cannot be read.
      ``FAILFAST``, which is the default: the task fails with a `RecordError`. ``DROPMALFORMED``: it is left out.
      ``PERMISSIVE``: it is a row of nulls, after the other rows of its partition; its bytes, each as the character of
      its number (ISO 8859-1), are in the column ``_corrupt_record`` if the schema that the user gives has one, of type
      string. That column is null for all other rows and in all other modes.
    - ``columnNameOfCorruptRecord`` (a name): another name for that column.

    The schema is known without looking at files. One that the user gives (``.schema("control_number string")``) selects
    columns by name; only these are made.

    Examples
    --------
    >>> from mrrc_arrow.spark import MarcDataSource
    >>> MarcDataSource({"columns": '{"id": "001", "subjects": "all(650$a)"}'}).schema().simpleString()
    'struct<id:string,subjects:array<string>>'
    >>> spark.read.format("marc").load("catalogue.mrc").count()  # doctest: +SKIP
    300
    """

    def __init__(self, options: MutableMapping[str, str]) -> None:
        super().__init__(options)
        self._request = _requested(options)

    @classmethod
    def name(cls) -> str:
        """Give the name of the format.

        Returns
        -------
        str
            ``"marc"``.
        """
        return "marc"

    def schema(self) -> StructType:
        """Give the columns that the options make, without looking at files.

        Returns
        -------
        pyspark.sql.types.StructType
            Columns, all nullable.

        Raises
        ------
        ValueError
            Options that do not go together, or a column that is none.
        """
        return cast("StructType", _spark_type(pa.struct(list(_arrow_schema(self._request.read)))))

    def reader(self, schema: StructType) -> MarcDataSourceReader:
        """Make what plans and reads.

        Parameters
        ----------
        schema : pyspark.sql.types.StructType
            Columns of `schema` by name, in any order, and the column for corrupt records.

        Returns
        -------
        MarcDataSourceReader
            Plain data, that can be pickled.

        Raises
        ------
        ValueError
            There is nothing to read, or a column is not there or has another type.
        """
        if not self._request.paths:
            raise ValueError('there is no path to read: spark.read.format("marc").load(path)')
        made = {field.name: field for field in self.schema().fields}
        corrupt = StructField(self._request.corrupt, StringType())
        if corrupt.name in made:
            raise ValueError(
                f"column {corrupt.name!r} is that of corrupt records: give columnNameOfCorruptRecord another"
            )
        for field in schema.fields:
            expected = made.get(field.name) or (corrupt if field.name == corrupt.name else None)
            if expected is None:
                raise ValueError(f"there is no column {field.name!r}; there are {', '.join([*made, corrupt.name])}")
            if (field.dataType, field.nullable) != (expected.dataType, True):
                wanted, wrong = (
                    of.dataType.simpleString() + " not null" * (not of.nullable) for of in (expected, field)
                )
                raise ValueError(f"column {field.name!r} is {wanted}, all of which may be null, and not {wrong}")
        if not schema.fields:
            raise ValueError("the schema has no columns")
        return MarcDataSourceReader(self._request, schema.names)


class MarcDataSourceReader(DataSourceReader):
    """Plans partitions, and reads one of them; made by `MarcDataSource.reader`.

    Parameters
    ----------
    request : object
        What the options say.
    names : list of str
        Columns to give, in this order.
    """

    def __init__(self, request: _Request, names: Sequence[str]) -> None:
        self._request = request
        available = _arrow_schema(request.read)
        corrupt = pa.field(request.corrupt, pa.string())
        self._schema = pa.schema([available.field(name) if name in available.names else corrupt for name in names])
        self._read = _narrowed(request.read, available.names, set(names))

    def partitions(self) -> list[InputPartition]:
        """Plan partitions, by the sizes of files alone.

        Returns
        -------
        list of InputPartition
            Of a `Split` each.

        Raises
        ------
        FileNotFoundError
            A file is missing, or no file matches a pattern.
        """
        return [InputPartition(split) for split in plan_splits(self._request.paths, self._request.split_bytes)]

    def read(self, partition: InputPartition | None) -> Iterator[pa.RecordBatch]:
        """Read a partition.

        Parameters
        ----------
        partition : InputPartition or None
            One of `partitions`. Where there are none, Spark asks for one of no value, or None (4.0), which has no rows.

        Yields
        ------
        pyarrow.RecordBatch
            Rows in the order of the file; in mode ``PERMISSIVE`` those of records that cannot be read come last.

        Raises
        ------
        RecordError
            In mode ``FAILFAST``, the first record that cannot be read.
        UnsupportedFormatError
            In mode ``FAILFAST``, a file is not MARC in ISO 2709.
        ChangedFileError
            A file is not the one that it was when it was planned.
        """
        split: Split | None = None if partition is None else partition.value
        if split is None:
            return
        with _open(split, {**self._read, "ignore_errors": self._request.mode != "FAILFAST"}) as batches:
            try:
                for native in batches:
                    batch = pa.record_batch(native)
                    yield self._laid_out(batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))
            except RecordError as error:
                _advise(error, "Mode DROPMALFORMED leaves such records out; in mode PERMISSIVE they are rows of nulls")
                raise
            rejected = batches.rejected
        if self._request.mode == "PERMISSIVE" and rejected:
            yield from self._corrupt(split, rejected)

    def _corrupt(self, split: Split, rejected: int) -> Iterator[pa.RecordBatch]:
        """Give a row for each record of a split that cannot be read."""
        wanted = {"offset": "offset", "length": "length"} if self._read.get("include_offsets") else {}
        if self._request.corrupt in self._schema.names:
            wanted[self._request.corrupt] = "raw"
        if not wanted:
            for start in range(0, rejected, _BATCH_ROWS):
                yield self._corrupt_rows(split, min(_BATCH_ROWS, rejected - start), {})
            return
        # Only now that there are some: a second look at the split, for what is wrong with it.
        options: dict[str, Any] = {"ignore_errors": True}
        options.update((name, value) for name, value in self._read.items() if name in ("format", "encoding"))
        problems = read_problems(split, **options)
        for rows in _rejects(problems.select(["severity", *wanted.values()])):
            values = {name: [_for_spark(of, row[of]) for row in rows] for name, of in wanted.items()}
            yield self._corrupt_rows(split, len(rows), values)

    def _corrupt_rows(self, split: Split, rows: int, values: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
        """Make a batch of what is known of such records."""
        known = {
            name: pa.array(values[name], self._schema.field(name).type) for name in self._schema.names if name in values
        }
        path = self._read.get("include_file_paths")
        if path is not None:
            known[path] = pa.array([split.path] * rows, pa.string())
        return self._laid_out(rows, known)

    def _laid_out(self, rows: int, columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
        """Put columns in the order of the schema; those that are not there are null."""
        arrays = [
            columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in self._schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _rejects(problems: pa.Table) -> Iterator[list[dict[str, Any]]]:
    """Give the rows of the records that cannot be read, some at a time."""
    rows: list[dict[str, Any]] = []
    size = 0
    for batch in problems.to_batches(_BATCH_ROWS):
        for row in batch.to_pylist():
            if row["severity"] == "reject":
                rows.append(row)
                size += len(row.get("raw") or b"")
            if size >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


def _for_spark(name: str, value: Any) -> Any:  # noqa: ANN401 - numbers stay what they are
    """Give a character for each byte, and no length that the column has no room for (a large file that is no MARC)."""
    if name == "raw" and value is not None:
        return value.decode("latin-1")
    return None if name == "length" and value >= 1 << 31 else value


@dataclass(frozen=True)
class _Request:
    """What the options say; plain data, that can be pickled."""

    paths: tuple[str, ...]
    read: ReadOptions
    mode: str
    corrupt: str
    split_bytes: int


def _open(source: bytes | Split, read: ReadOptions) -> _native.RecordBatchReader:
    """Read in types that Spark has. Workers warn nobody: what is left out is asked for."""
    types = {"_plain": True, "string_type": "string", "categorical": False}
    return _native.open_batches(source, True, False, **cast("Any", {**read, **types}))


def _arrow_schema(read: ReadOptions) -> pa.Schema:
    with _open(b"", read) as reader:
        return pa.schema(reader.schema)


_SPARK_TYPES = {
    pa.string(): StringType(),
    pa.int32(): IntegerType(),
    pa.int64(): LongType(),
    pa.bool_(): BooleanType(),
}


def _spark_type(arrow: pa.DataType) -> DataType:
    if pa.types.is_list(arrow):
        return ArrayType(_spark_type(arrow.value_type))
    if pa.types.is_struct(arrow):
        return StructType([StructField(field.name, _spark_type(field.type)) for field in arrow])
    return _SPARK_TYPES[arrow]


def _narrowed(read: ReadOptions, available: Sequence[str], names: set[str]) -> ReadOptions:
    """Ask for these columns alone, and for one at least, since it tells how many rows there are."""
    read = read.copy()
    added = []
    if read.get("include_offsets"):
        added += ["offset", "length"]
        read["include_offsets"] = not names.isdisjoint(added)
    path = read.get("include_file_paths")
    if path is not None:
        added.append(path)
        if path not in names:
            del read["include_file_paths"]
    made = [name for name in available if name not in added]
    made = [name for name in made if name in names] or made[:1]
    columns = read.get("columns")
    read["columns"] = {name: columns[name] for name in made} if isinstance(columns, dict) else made
    return read


def _requested(options: Mapping[str, str]) -> _Request:
    """Understand the options."""
    given = {name.lower(): value for name, value in options.items()}
    known = {name.lower(): name for name in _OPTIONS}
    wrong = [name for name in options if name.lower() not in known]
    if wrong:
        raise ValueError(f"there is no option {wrong[0]!r}; there are {', '.join(_OPTIONS)}")
    taken = {known[name]: _OPTIONS[known[name]](known[name], value) for name, value in given.items()}
    paths = [taken["path"]] if "path" in taken else []
    read = {argument: taken[name] for name, argument in _ARGUMENTS.items() if name in taken}
    return _Request(
        paths=tuple(map(_local, [*paths, *taken.get("paths", [])])),
        read=cast("ReadOptions", read),
        mode=taken.get("mode", _MODES[0]),
        corrupt=taken.get("columnNameOfCorruptRecord", "_corrupt_record"),
        split_bytes=taken.get("splitBytes", 128 << 20),
    )


def _local(path: str) -> str:
    """Give the path of a file that is there for all machines alike, wherever a worker's working directory is."""
    if not path:
        raise ValueError("a path is empty")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):/", path)
    if scheme is None:
        return str(Path(path).expanduser().absolute())
    # By hand: ? and # have no meaning of their own here, where they may be in names and patterns.
    local = re.fullmatch(r"file:(?://(?:localhost)?)?(/(?!/).*)", path, flags=re.IGNORECASE | re.DOTALL)
    if local is None:
        raise ValueError(f"{path}: only files that driver and workers see under a path can be read")
    return unquote(local[1])


def _text(_name: str, value: str) -> str:
    return value


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"\s*[0-9]+\s*", value) or int(value) < 1:
        raise ValueError(f"{name} must be a number of at least 1, not {value!r}")
    return int(value)


def _truth(name: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return value.lower() == "true"


def _mode(name: str, value: str) -> str:
    if value.upper() not in _MODES:
        raise ValueError(f"{name} must be {', '.join(_MODES)}, not {value!r}")
    return value.upper()


def _json(name: str, value: str, what: str) -> Any:  # noqa: ANN401 - it is whatever was written
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"{name} must be {what} in JSON, not {value!r}: {error}") from None


def _texts(name: str, value: str) -> list[str]:
    found = _json(name, value, "a list of strings")
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name} must be a list of strings in JSON, not {value!r}")
    return found


def _tags(name: str, value: str) -> list[str]:
    return _texts(name, value) if value.lstrip().startswith("[") else [tag.strip() for tag in value.split(",")]


def _columns(name: str, value: str) -> dict[str, str] | list[str]:
    if not value.lstrip().startswith("{"):
        return _texts(name, value)
    found: dict[str, str] = _json(name, value, "an object of strings")
    if not all(isinstance(one, str) for one in found.values()):
        raise ValueError(f"{name} must be an object of strings in JSON, not {value!r}")
    return found


_OPTIONS: dict[str, Callable[[str, str], Any]] = {
    "path": _text,
    "paths": _texts,
    "layout": _text,
    "columns": _columns,
    "tags": _tags,
    "format": _text,
    "encoding": _text,
    "includeFilePaths": _text,
    "includeOffsets": _truth,
    "splitBytes": _number,
    "batchRows": _number,
    "mode": _mode,
    "columnNameOfCorruptRecord": _text,
}

# What the reading functions call those that are for them.
_ARGUMENTS = {
    "layout": "layout",
    "columns": "columns",
    "tags": "tags",
    "format": "format",
    "encoding": "encoding",
    "includeFilePaths": "include_file_paths",
    "includeOffsets": "include_offsets",
    "batchRows": "batch_size",
}
