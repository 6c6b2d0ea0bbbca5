"""The namespace `marc` on Polars frames of the layout ``"records"``.

It is there once `read_marc` or `scan_marc` was called, or this module imported::

    df.marc.select({"id": "001", "title": "245$a"})
    df.marc.explode()
    df.marc.to_marc("new.mrc")

To type checkers, which know nothing of it, `MarcNamespace(df)` is the same.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, overload

try:
    import polars as pl
except ImportError as error:
    raise ImportError('mrrc_arrow.polars needs Polars: pip install "mrrc-arrow[polars]"') from error

from mrrc_arrow import _native
from mrrc_arrow._write import _exportable, _write_marc

if TYPE_CHECKING:
    from mrrc_arrow._columns import Column
    from mrrc_arrow._write import ArrowStreamExportable, Destination, TextEncoding, WrittenMarc

__all__ = ["MarcNamespace"]


@pl.api.register_dataframe_namespace("marc")
class MarcNamespace:
    """What can be asked of a frame with a row per record, nested fields and all.

    Parameters
    ----------
    df : polars.DataFrame
        A frame with the columns ``leader`` and ``fields``, as `read_marc` gives it, whole, filtered or changed.
    """

    def __init__(self, df: pl.DataFrame) -> None:
        self._df = df

    def select(self, columns: Mapping[str, str | Column]) -> pl.DataFrame:
        """Give columns of each record, as ``read_marc(columns=…)`` does, from the frame at hand.

        Parameters
        ----------
        columns : mapping of str to str or Column
            Names and specs: ``{"title": "245$a", "subjects": mrrc.all("650$a")}``.

        Returns
        -------
        polars.DataFrame
            A row per record, in the same order.

        Raises
        ------
        ValueError
            A spec is wrong, or the frame is not in the layout ``"records"``.

        Examples
        --------
        >>> import mrrc_arrow as mrrc
        >>> df = mrrc.read_marc("tests/data/sample.mrc")
        >>> df.marc.select({"id": "001", "subjects": mrrc.count("650")}).row(0)
        ('mac00000001', 2)
        """
        if not isinstance(columns, Mapping):
            raise TypeError(f"columns must be a dict of specs by name, not {type(columns).__name__}")
        return pl.DataFrame(_native.select_columns(self._of_layout(), dict(columns)))

    def explode(self) -> pl.DataFrame:
        """Give a row per subfield, as ``read_marc(layout="subfields")`` does, from the frame at hand.

        Returns
        -------
        polars.DataFrame
            The columns of the layout ``"subfields"``; ``record`` is the row of this frame.

        Raises
        ------
        ValueError
            The frame is not in the layout ``"records"``.

        Examples
        --------
        >>> import mrrc_arrow as mrrc
        >>> df = mrrc.read_marc("tests/data/sample.mrc", n_rows=2)
        >>> df.marc.explode().select("record", "tag", "value").row(1)
        (0, '001', 'mac00000001')
        """
        return pl.DataFrame(_native.explode_records(self._of_layout()))

    @overload
    def to_marc(self, dest: None = None, *, encoding: TextEncoding = "utf-8", ignore_errors: bool = False) -> bytes: ...
    @overload
    def to_marc(
        self, dest: Destination, *, encoding: TextEncoding = "utf-8", ignore_errors: bool = False
    ) -> WrittenMarc: ...
    def to_marc(
        self, dest: Destination | None = None, *, encoding: TextEncoding = "utf-8", ignore_errors: bool = False
    ) -> bytes | WrittenMarc:
        """Write the records as MARC; see `write_marc`.

        Parameters
        ----------
        dest : path or binary file, optional
            Where to; without it, the bytes are returned.
        encoding : {"utf-8", "marc-8"}
            What text is written in.
        ignore_errors : bool
            Leave out records that cannot be written, and warn of them.

        Returns
        -------
        WrittenMarc or bytes
            How many records, and what was left out; or the records.

        Raises
        ------
        UnwritableError
            The first record that cannot be written, by row and field.

        Examples
        --------
        >>> import mrrc_arrow as mrrc
        >>> df = mrrc.read_marc("tests/data/sample.mrc", n_rows=1)
        >>> len(df.marc.to_marc())
        1236
        """
        if dest is not None:
            return _write_marc(self._df, dest, encoding, ignore_errors, stacklevel=3)
        buffer = io.BytesIO()
        _write_marc(self._df, buffer, encoding, ignore_errors, stacklevel=3)
        return buffer.getvalue()

    def _of_layout(self) -> ArrowStreamExportable:
        missing = {"leader", "fields"} - set(self._df.columns)
        if missing:
            names = ", ".join(sorted(missing))
            raise ValueError(f'the frame is not in layout="records": it has no column {names}')
        return _exportable(self._df.select("leader", "fields"))
