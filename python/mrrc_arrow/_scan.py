"""`scan_marc`: MARC as a Polars query, of which nothing is read before it is asked for, and no more than that."""

from __future__ import annotations

import copy
import importlib
import inspect
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack, cast

from mrrc_arrow import _native
from mrrc_arrow._options import ReadOptions, takes_read_options
from mrrc_arrow._predicate import Test, pushed_down
from mrrc_arrow.errors import _warn_of_rejects_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    _OneSource: TypeAlias = str | os.PathLike[str] | bytes

__all__ = ["scan_marc"]

# Batches in a frame: tens of MB of input, at most.
_MOST_TOGETHER = 16


@takes_read_options
def scan_marc(source: _OneSource | Sequence[_OneSource], **options: Unpack[ReadOptions]) -> pl.LazyFrame:
    """Query MARC lazily, as `polars.scan_parquet` does Parquet.

    Nothing is read before ``collect`` (or a ``sink_…``), and then no more than the query asks for: columns that it does
    not name are not made; ``head`` and ``n_rows`` end the reading; and where it filters ``tag``, ``code``, ``ind1``,
    ``ind2``, ``record``, ``control_number``, ``leader`` or text of `columns` by equality, membership, ranges, prefixes
    or nulls, what it does not want is not built. Records that cannot be read raise, or are left out with
    `ignore_errors` and warned of at the end of the query, as far as it read.

    Of the options, `rejects` does not go with it, and `source` is a path, a glob, `bytes`, or a list of these.

    Parameters
    ----------
    {options}

    Returns
    -------
    polars.LazyFrame
        A query over a row per record, in the order of the input; it can be collected any number of times.

    Raises
    ------
    FileNotFoundError
        A file is missing. Other errors, those of `read_marc`, come with ``collect``.
    TypeError
        A source that cannot be read twice, such as a file object.
    ImportError
        Polars is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> import mrrc_arrow as mrrc
    >>> lf = mrrc.scan_marc("tests/data/sample.mrc", layout="subfields")
    >>> lf.filter(pl.col("tag") == "245", pl.col("code") == "a").select("value").collect().height
    300
    """
    try:
        import polars as pl
        from polars.io.plugins import register_io_source
    except ImportError as error:
        raise ImportError('scan_marc gives a polars.LazyFrame: pip install "mrrc-arrow[polars]"') from error
    importlib.import_module("mrrc_arrow.polars")
    sources = _lasting(source)
    if options.get("rejects") is not None:
        raise ValueError(
            "rejects goes with reading at once: a query may read any part of its input, and any number of times"
        )
    # Options are checked, and files are there.
    _native.open_batches(sources, True, **options).close()
    caller = sys._getframe(1)
    scan = _Scan(sources, options, (caller.f_code.co_filename, caller.f_lineno))
    wanted: dict[str, Any] = {"is_pure": True, "explain_name": "MARC", "explain_detail": scan.describe()}
    # Which of these there are depends on the version of Polars, and none changes a result.
    known = inspect.signature(register_io_source).parameters
    extra = {name: value for name, value in wanted.items() if name in known}
    return register_io_source(scan, schema=pl.Schema(scan.schema), **extra)


def _lasting(source: object) -> list[str | os.PathLike[str] | bytes]:
    """Give sources that can be read again."""
    sources = list(source) if isinstance(source, (list, tuple)) else [source]
    for one in sources:
        if not isinstance(one, (str, os.PathLike, bytes)):
            raise TypeError(
                f"scan_marc reads paths and bytes, which can be read again, not {type(one).__name__}; "
                "read_marc and read_batches take other sources"
            )
    return cast("list[str | os.PathLike[str] | bytes]", sources)


class _Scan:
    """What Polars calls for the frames of a query."""

    def __init__(self, sources: list[Any], options: ReadOptions, caller: tuple[str, int]) -> None:
        import polars as pl

        self.sources = sources
        # What the caller does with theirs afterwards changes no query.
        self.options = copy.deepcopy(options)
        # The file and line that warnings are in the name of.
        self.caller = caller
        empty: ReadOptions = {**options, "n_rows": 0}
        self.schema: Mapping[str, pl.DataType] = pl.DataFrame(_native.collect(b"", **empty)).schema

    def describe(self) -> str:
        """Say in a line what is scanned, for ``explain``."""
        names = ["bytes" if isinstance(source, bytes) else os.fsdecode(source) for source in self.sources]
        others = f" and {len(names) - 3} more" if len(names) > 3 else ""
        columns = self.options.get("columns")
        what = "columns" if isinstance(columns, Mapping) else f"layout={self.options.get('layout', 'records')}"
        return f"{', '.join(names[:3])}{others} ({what})"

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,  # noqa: ARG002 - a hint; batches are as large as they are built fastest
    ) -> Iterator[pl.DataFrame]:
        """Read the columns and rows that a query needs."""
        options, prefilter = self._narrowed(with_columns, predicate, n_rows if predicate is None else None)
        return self._frames(options, prefilter, with_columns, predicate, n_rows)

    def _narrowed(
        self, with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None
    ) -> tuple[ReadOptions, list[Test] | None]:
        """Give options with which no more is read, and tests for what need not be built."""
        options = self.options.copy()
        wanted = set(self.schema)
        if with_columns is not None:
            wanted = {*with_columns, *(predicate.meta.root_names() if predicate is not None else [])}
        if options.get("row_index_name") not in wanted:
            options["row_index_name"] = None
        if options.get("include_file_paths") not in wanted:
            options["include_file_paths"] = None
        if not wanted & {"offset", "length"}:
            options["include_offsets"] = False
        limits = [limit for limit in (options.get("n_rows"), n_rows) if limit is not None]
        options["n_rows"] = min(limits, default=None)
        columns = options.get("columns")
        own = self._own_columns()
        if isinstance(columns, Mapping):
            named = {name: column for name, column in columns.items() if name in wanted}
            # A row per record in any case.
            options["columns"] = named or dict(list(columns.items())[:1])
            if not named and "leader" not in wanted:
                options["columns"] = ["leader"]
        elif wanted != set(self.schema) or columns is not None:
            options["columns"] = [name for name in own if name in wanted] or own[:1]
        # What counts rows has to see all of them.
        if options["n_rows"] is not None or options["row_index_name"] is not None:
            return options, None
        if predicate is None:
            return options, []
        layout = None if isinstance(columns, Mapping) else options.get("layout", "records")
        return options, pushed_down(predicate, {name: self.schema[name] for name in own}, layout)

    def _own_columns(self) -> list[str]:
        """Give the columns of the layout, or those by name, without what is added beside them."""
        beside = {self.options.get("row_index_name"), self.options.get("include_file_paths")}
        if self.options.get("include_offsets"):
            beside |= {"offset", "length"}
        return [name for name in self.schema if name not in beside]

    def _frames(
        self,
        options: ReadOptions,
        prefilter: list[Test] | None,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
    ) -> Iterator[pl.DataFrame]:
        pushed: Any = {} if prefilter is None else {"_prefilter": prefilter}
        reader = _native.open_batches(self.sources, True, **options, **pushed)
        left, last = n_rows, None
        try:
            for frame in _gathered(reader):
                if predicate is not None:
                    frame = frame.filter(predicate)
                if left is not None:
                    frame = frame.head(left)
                    left -= frame.height
                if left == 0:
                    last = frame
                    break
                yield _selected(frame, with_columns)
        finally:
            reader.close()
            # Without `ignore_errors` the first of them is an error.
            if reader.rejected and options.get("ignore_errors"):
                _warn_of_rejects_at(reader.rejected, reader.problems, *self.caller)
        # Nobody may ask for more, nor let go of this for a while, so that reading is over by now.
        if last is not None:
            yield _selected(last, with_columns)


def _selected(frame: pl.DataFrame, names: list[str] | None) -> pl.DataFrame:
    """Select columns; where that is none at all, which is how rows are counted, rows stay."""
    import polars as pl

    if names is None:
        return frame
    return frame.select(names) if names else pl.DataFrame(height=frame.height)


def _gathered(reader: _native.RecordBatchReader) -> Iterator[pl.DataFrame]:
    """Give batches as frames: the first alone, then twice as many together each time, so that a query costs little."""
    import polars as pl

    together = 1
    frames = []
    for batch in reader:
        frames.append(pl.DataFrame(batch))
        if len(frames) == together:
            yield pl.concat(frames, rechunk=False)
            frames = []
            together = min(2 * together, _MOST_TOGETHER)
    if frames:
        yield pl.concat(frames, rechunk=False)
