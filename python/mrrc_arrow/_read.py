"""Reading MARC into tables: thin functions over the native core."""

from __future__ import annotations

import importlib
import io
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, Unpack

from mrrc_arrow import _native
from mrrc_arrow._options import ReadOptions, takes_read_options
from mrrc_arrow._splits import Split
from mrrc_arrow.errors import _warn_of_rejects

if TYPE_CHECKING:
    from types import ModuleType

    import polars as pl
    import pyarrow as pa

__all__ = [
    "ReadOptions",
    "Source",
    "read_batches",
    "read_marc",
    "read_problems",
    "read_table",
    "scan_record_boundaries",
]


class BinaryFile(Protocol):
    """An object whose `read` gives bytes, at most as many as it is asked for and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Read at most `size` bytes."""


_OneSource: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | io.BytesIO | BinaryFile | socket.socket | Split
)
Source: TypeAlias = _OneSource | Sequence[_OneSource]
"""What the reading functions take: a path, a buffer, a file object or a socket, or a sequence of these."""


@takes_read_options
def read_table(source: Source, **options: Unpack[ReadOptions]) -> pa.Table:
    """Read MARC into a `pyarrow.Table` whose strings are views into the bytes that were read.

    Needs pyarrow: ``pip install "mrrc-arrow[pyarrow]"``. pyarrow 26 cannot filter, take, sort or write nested Parquet
    on string views; hand the table to Polars or DuckDB, or ask for ``string_type="large_string"``.

    Parameters
    ----------
    {options}

    Returns
    -------
    pyarrow.Table
        A row per record, in the order of the input, in chunks of at most `batch_size` rows.

    Raises
    ------
    RecordError
        At the first record that cannot be read, unless `ignore_errors`.
    UnsupportedFormatError
        The input is not MARC in ISO 2709.
    OSError
        A file is missing (`FileNotFoundError`) or cannot be read.
    ImportError
        pyarrow is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> import mrrc_arrow as mrrc
    >>> df = pl.from_arrow(mrrc.read_table("tests/data/sample.mrc"))
    >>> df.shape
    (300, 3)
    """
    if "polars" in sys.modules:
        # Frames that are made of it have the namespace, too.
        importlib.import_module("mrrc_arrow.polars")
    pa = _pyarrow("read_table", "read_marc gives a Polars frame and read_batches a stream that Arrow libraries take")
    return _as_table(pa, _collect(source, options))


@takes_read_options
def read_marc(source: Source, **options: Unpack[ReadOptions]) -> pl.DataFrame:
    """Read MARC into a `polars.DataFrame`; pyarrow is not needed.

    Parameters
    ----------
    {options}

    Returns
    -------
    polars.DataFrame
        A row per record, in the order of the input.

    Raises
    ------
    RecordError
        At the first record that cannot be read, unless `ignore_errors`.
    UnsupportedFormatError
        The input is not MARC in ISO 2709.
    OSError
        A file is missing (`FileNotFoundError`) or cannot be read.
    ImportError
        Polars is not installed.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.read_marc("tests/data/sample.mrc", n_rows=2).columns
    ['leader', 'control_number', 'fields']
    """
    try:
        import polars as pl
    except ImportError as error:
        raise ImportError('read_marc gives a polars.DataFrame: pip install "mrrc-arrow[polars]"') from error
    importlib.import_module("mrrc_arrow.polars")
    # Each batch is taken over while the next ones are read.
    with _native.open_batches(source, True, True, **options) as reader:
        frames = [pl.DataFrame(batch) for batch in reader]
        if reader.rejected:
            _warn_of_rejects(reader.rejected, reader.problems, stacklevel=2)
    if not frames:
        options["n_rows"] = 0
        options["rejects"] = None
        return pl.DataFrame(_native.collect(b"", **options))
    return pl.concat(frames, rechunk=False)


@takes_read_options
def read_batches(source: Source, **options: Unpack[ReadOptions]) -> _native.RecordBatchReader:
    """Read MARC batch by batch, in bounded memory.

    Parameters
    ----------
    {options}

    Returns
    -------
    RecordBatchReader
        An iterator of batches, a context manager, and an object that Arrow libraries take as a stream.

    Raises
    ------
    FileNotFoundError
        A file is missing; other errors come with the batch that they concern.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> with mrrc.read_batches("tests/data/sample.mrc", batch_size=100) as reader:
    ...     [batch.num_rows for batch in reader]
    [100, 100, 100]
    """
    return _native.open_batches(source, **options)


@takes_read_options
def read_problems(source: Source, **options: Unpack[ReadOptions]) -> pa.Table:
    """List everything that is wrong with MARC input: junk, repairs and rejected records. Needs pyarrow.

    Rejected records never raise here. The rows of a table, the rejects and the junk are together the whole input, byte
    for byte.

    Parameters
    ----------
    {options}

    Returns
    -------
    pyarrow.Table
        ``source``, ``record``, ``offset``, ``length``, ``tag``, ``code``, ``severity`` (``junk``, ``repair`` or
        ``reject``), ``rejected``, ``message``, ``raw``: a row per problem, in the order of the input. ``raw`` has the
        bytes that are in no table on account of the problem.

    Raises
    ------
    UnsupportedFormatError
        The input is not MARC in ISO 2709; with `ignore_errors`, that is one row.
    OSError
        A file is missing (`FileNotFoundError`) or cannot be read.
    ImportError
        pyarrow is not installed.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.read_problems("tests/data/sample.mrc").num_rows
    0
    """
    pa = _pyarrow("read_problems", "`mrrc-arrow check` tells how often each problem was met, and where")
    return _as_table(pa, _native.collect_problems(source, **options))


def scan_record_boundaries(buffer: bytes | bytearray | memoryview, limit: int | None = None) -> list[tuple[int, int]]:
    r"""Find the records in a buffer without parsing them.

    Parameters
    ----------
    buffer : bytes, bytearray, or memoryview
        ISO 2709, uncompressed, taken to be a whole input.
    limit : int, optional
        Stop after this many records.

    Returns
    -------
    list of (int, int)
        Offset and length in bytes of each record, in order. What lies between two is junk; a record that the end of the
        buffer cuts off is not among them.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> record = b"00038nam a2200037 a 4500001000100000\x1eX\x1d"
    >>> mrrc.scan_record_boundaries(record + b"\n" + record)
    [(0, 39), (40, 39)]
    """
    return _native.scan_record_boundaries(buffer, limit)


def _pyarrow(function: str, without: str) -> ModuleType:
    """Import pyarrow before anything is read, or say how to get it and what there is without it."""
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise ImportError(
            f'{function} gives a pyarrow.Table, which needs pyarrow: pip install "mrrc-arrow[pyarrow]". '
            f"Without it, {without}"
        ) from error


def _as_table(pyarrow: ModuleType, collected: _native.Collected) -> pa.Table:
    """Hand over finished batches; unlike `pyarrow.table`, this does not import pandas.

    Nor is a `pyarrow.RecordBatchReader` made, which gives up the GIL while it is let go of: where Python ends daemon
    threads that come back for it, as it does before 3.14, that is the end of the process.
    """
    table: pa.Table = pyarrow.Table.from_struct_array(pyarrow.chunked_array(collected))
    return table


def _collect(source: Source, options: ReadOptions) -> _native.Collected:
    """Read everything and warn of rejected records, in the name of the caller's caller."""
    collected = _native.collect(source, **options)
    if collected.rejected:
        _warn_of_rejects(collected.rejected, collected.problems, stacklevel=3)
    return collected
