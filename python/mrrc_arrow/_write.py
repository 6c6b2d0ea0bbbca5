"""Writing: tables as MARC, and MARC as Parquet."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, Unpack, cast

from mrrc_arrow import _native
from mrrc_arrow._options import ReadOptions, takes_read_options
from mrrc_arrow.errors import _warn_of_rejects, _warn_of_skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl
    from polars._typing import PolarsDataType

    from mrrc_arrow._read import Source

__all__ = ["Skipped", "WrittenMarc", "WrittenParquet", "write_marc", "write_parquet"]


class ArrowStreamExportable(Protocol):
    """A table that Arrow libraries take, such as a frame of Polars."""

    def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object:
        """Export it through Arrow's C stream interface."""


class WritableFile(Protocol):
    """An object whose `write` takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Write all of `data`, or tell how much of it was written."""


Destination: TypeAlias = str | os.PathLike[str] | WritableFile
TextEncoding: TypeAlias = Literal["utf-8", "marc-8"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that cannot be written.

    Attributes
    ----------
    row : int
        The row of the table that it is in, or begins in, from 0.
    field : int or None
        The position of the field in the record, from 1, where the fault is one field's.
    tag : str or None
        That field's tag.
    code : str
        Stable name of what is wrong, such as ``"field_too_long"``.
    message : str
        A sentence for people.
    """

    row: int
    field: int | None
    tag: str | None
    code: str
    message: str

    def __str__(self) -> str:
        """Say where and what, as the error would."""
        field = "" if self.field is None else f", field {self.field}"
        tag = "" if self.tag is None else f" ({self.tag})"
        return f"row {self.row}{field}{tag}: {self.message}"


@dataclass(frozen=True, slots=True)
class WrittenMarc:
    """What `write_marc` wrote.

    Attributes
    ----------
    records : int
        Number of records.
    references : int
        Characters that were written as references such as ``&#x1F3BC;``, since MARC-8 has no code for them.
    replaced : int
        Characters U+FFFD in leaders, tags and indicators (in MARC-8, of codes, too), which stand for bytes that were no
        text when they were read, written as ``?``.
    skipped : tuple of Skipped
        Records that were left out with `ignore_errors`.
    """

    records: int
    references: int
    replaced: int
    skipped: tuple[Skipped, ...]


def write_marc(
    data: ArrowStreamExportable,
    dest: Destination,
    *,
    encoding: TextEncoding = "utf-8",
    ignore_errors: bool = False,
) -> WrittenMarc:
    """Write a table as MARC (ISO 2709): lengths, base address and directory are made anew.

    A well-formed record that was read and is written comes out byte by byte as it went in; one that was repaired comes
    out valid. Leader 9 becomes ``a`` where the text is more than ASCII, and blank in MARC-8; 10-11 and 20-23 are ``22``
    and ``4500``.

    Parameters
    ----------
    data : object with ``__arrow_c_stream__``
        A table in the layout ``"records"`` (columns ``leader`` and ``fields``) or ``"subfields"`` (``record``,
        ``field``, ``tag``, ``ind1``, ``ind2``, ``subfield``, ``code``, ``value``; the rows of a record together and in
        order, that of its leader first): a frame of Polars or pandas, a `pyarrow.Table`, a DuckDB relation, or a reader
        of `read_batches`. Whole or filtered; other columns are ignored.
    dest : path or binary file
        A path ending in ``.gz`` or ``.zst`` is compressed. A file has its name only once it is whole; until then, and
        after an error, the name has what it had before.
    encoding : {"utf-8", "marc-8"}
        What text is written in. In MARC-8, characters that it has no code for become numeric character references, and
        are counted.
    ignore_errors : bool
        Leave out records that cannot be written, and warn of them.

    Returns
    -------
    WrittenMarc
        How many records, and what was left out.

    Raises
    ------
    UnwritableError
        The first record that cannot be written, by row and field: a field is over 9,999 bytes or the record over
        99,999, a value has a delimiter in it, an indicator or code is not one character.
    ValueError
        The columns are those of neither layout, or of types that these cannot have; or the table cannot be read to its
        end.
    TypeError
        `data` exports no Arrow stream, or `dest` is neither a path nor a binary file.
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import polars as pl
    >>> import mrrc_arrow as mrrc
    >>> df = mrrc.read_marc("tests/data/sample.mrc")
    >>> books = df.filter(pl.col("leader").str.slice(6, 2) == "am")
    >>> mrrc.write_marc(books, "books.mrc").records == books.height
    True
    """
    return _write_marc(data, dest, encoding, ignore_errors, stacklevel=3)


def _write_marc(
    data: ArrowStreamExportable, dest: Destination, encoding: TextEncoding, ignore_errors: bool, stacklevel: int
) -> WrittenMarc:
    """Write, and warn in the name of whoever is so many calls away."""
    if not hasattr(data, "__arrow_c_stream__") and hasattr(data, "collect"):
        raise TypeError("data is a query that has not run yet: collect it")
    written = _native.write_marc(_exportable(data), dest, encoding=encoding, ignore_errors=ignore_errors)
    skipped = tuple(Skipped(*skipped) for skipped in written["skipped"])
    if skipped:
        _warn_of_skipped([str(one) for one in skipped], stacklevel=stacklevel)
    return WrittenMarc(written["records"], written["references"], written["replaced"], skipped)


_COLUMNS = ("leader", "fields", "record", "field", "tag", "ind1", "ind2", "subfield", "code", "value")


def _exportable(data: ArrowStreamExportable) -> ArrowStreamExportable:
    """Give the columns of a Polars frame that matter, in types that others take."""
    polars = sys.modules.get("polars")
    if polars is None or not isinstance(cast("object", data), polars.DataFrame):
        return data
    frame = cast("pl.DataFrame", data)
    names = [name for name in frame.columns if name in _COLUMNS]
    if not names:
        return data
    # As `select` has it, without beginning a query for that.
    frame = frame if len(names) == frame.width else polars.DataFrame([frame.get_column(name) for name in names])
    # Polars exports columns of nulls alone in a form that is not Arrow's.
    types = {name: _without_null_type(name, dtype) for name, dtype in frame.schema.items()}
    return _by_chunks(frame if types == dict(frame.schema) else frame.cast(cast("Any", types)))


_SYMBOLS = ("tag", "ind1", "ind2", "code")
# Categories are of all that the process has: more than this are not for tags alone.
_MOST_CATEGORIES = 10_000


# Rows of a chunk, on average. Smaller ones would each be laid out by themselves: they are left to Polars.
_LEAST_ROWS = 128


class _Chunks:
    """A frame as a stream of its chunks, as they are in memory, with what its keys mean beside them."""

    def __init__(self, chunks: pl.Series, categories: list[str]) -> None:
        self._chunks = chunks
        self.categories = categories

    def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object:
        """Export the chunks."""
        return self._chunks.__arrow_c_stream__(requested_schema)


def _by_chunks(frame: pl.DataFrame) -> ArrowStreamExportable:
    """Export without a copy: Polars would put all into one chunk, and write each key of a category anew."""
    import polars as pl

    if frame.height < _LEAST_ROWS * frame.n_chunks():
        return frame
    found: list[Any] = []
    for name, dtype in _leaves(frame.schema):
        categories = getattr(dtype, "categories", None) if isinstance(dtype, pl.Categorical) else None
        if name in _SYMBOLS and hasattr(categories, "to_series"):
            found.append(categories)
        elif isinstance(dtype, (pl.Categorical, pl.Enum, pl.Array)) or (name in _SYMBOLS and dtype != pl.String):
            return frame
    if any(one != found[0] for one in found):
        return frame
    names = found[0].to_series() if found else pl.Series([], dtype=pl.String)
    if len(names) > _MOST_CATEGORIES:
        return frame
    physical = pl.DataFrame([column.to_physical() for column in frame.get_columns()])
    # Categories that another thread is about to make are null.
    return _Chunks(physical.to_struct(), names.fill_null("").to_list())


def _leaves(fields: Mapping[str, PolarsDataType]) -> Iterator[tuple[str, PolarsDataType]]:
    """Names and types of columns, and of what is in their lists and structs in place of these."""
    import polars as pl

    for name, of in fields.items():
        dtype = of
        while isinstance(dtype, pl.List):
            dtype = dtype.inner
        if isinstance(dtype, pl.Struct):
            yield from _leaves({field.name: field.dtype for field in dtype.fields})
        else:
            yield name, dtype


def _without_null_type(name: str, dtype: PolarsDataType) -> pl.DataType:
    import polars as pl

    one = dtype() if isinstance(dtype, type) else dtype
    if isinstance(one, pl.Null):
        return pl.List(pl.Struct({"code": pl.String, "value": pl.String})) if name == "subfields" else pl.String()
    if isinstance(one, pl.List):
        if name == "subfields" and one.inner == pl.Null:
            return _without_null_type(name, one.inner)
        return pl.List(_without_null_type(name, one.inner))
    if isinstance(one, pl.Struct):
        return pl.Struct({field.name: _without_null_type(field.name, field.dtype) for field in one.fields})
    return cast("pl.DataType", one)


@dataclass(frozen=True, slots=True)
class WrittenParquet:
    """What `write_parquet` wrote.

    Attributes
    ----------
    rows : int
        Number of rows of all files together.
    files : tuple of Path
        The files.
    rejected : int
        Records that could not be read and were left out with `ignore_errors`.
    problems : dict of str to int
        How often each problem was met in what was read, by code.
    """

    rows: int
    files: tuple[Path, ...]
    rejected: int
    problems: dict[str, int]


@takes_read_options
def write_parquet(
    source: Source,
    dest: str | os.PathLike[str],
    *,
    compression: Literal["zstd", "snappy", "lz4", "uncompressed"] = "zstd",
    compression_level: int | None = None,
    row_group_size: int | None = None,
    partition_by: Literal["tag"] | int | None = None,
    metadata: Mapping[str, str] | None = None,
    **options: Unpack[ReadOptions],
) -> WrittenParquet:
    """Convert MARC to Parquet, in bounded memory and on all cores.

    Files have statistics and page indexes (but of ``value``, which is in no order), and Bloom filters of
    ``control_number`` and ``tag``. Text is plain strings, lists are plain lists, for any reader to take. What was
    read, and what was wrong with it, is in the file's key-value metadata, under names that begin with ``mrrc_arrow.``;
    of files of so many rows each, what was wrong is in the last, by when it is known.

    Parameters
    ----------
    {options}
    dest : str or os.PathLike
        The file, or with `partition_by` the directory, which must not be there yet or be empty. It has its name only
        once it is whole; until then, and after an error, the name has what it had before.
    compression : {"zstd", "snappy", "lz4", "uncompressed"}
        How pages are compressed.
    compression_level : int, optional
        1 to 22 of zstd; 1 is the default.
    row_group_size : int, optional
        Rows of a row group. Default: as many as take some 20 MB of input, or fewer where there is little of it.
    partition_by : {"tag"} or int, optional
        Many files in a directory: one for each tag (``245.parquet``, of the layout ``"subfields"``), or one for each so
        many rows (``part-00000.parquet``).
    metadata : mapping of str to str, optional
        More key-value metadata.

    Returns
    -------
    WrittenParquet
        How many rows, in which files, and what was wrong with what was read.

    Raises
    ------
    RecordError
        At the first record that cannot be read, unless `ignore_errors`.
    UnsupportedFormatError
        The input is not MARC in ISO 2709.
    FileExistsError
        With `partition_by`, there is something in `dest`.
    OSError
        A file cannot be read or written.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> written = mrrc.write_parquet("tests/data/sample.mrc", "sample.parquet")
    >>> written.rows
    300
    """
    written = _native.write_parquet(
        source,
        str(Path(dest).expanduser()),
        compression=compression,
        compression_level=compression_level,
        row_group_size=row_group_size,
        partition_by=partition_by,
        metadata=list((metadata or {}).items()),
        **options,
    )
    if written["rejected"]:
        _warn_of_rejects(written["rejected"], written["problems"], stacklevel=2)
    files = tuple(Path(file) for file in written["files"])
    return WrittenParquet(written["rows"], files, written["rejected"], written["problems"])
