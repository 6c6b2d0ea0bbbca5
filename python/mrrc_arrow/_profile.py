"""What is in MARC files: a table that is made in one pass, and can be merged with others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mrrc_arrow import _native
from mrrc_arrow._read import Source, _as_table, _pyarrow
from mrrc_arrow.errors import _warn_of_rejects

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set

    import pyarrow as pa

    from mrrc_arrow._options import Encoding

__all__ = ["merge_profiles", "profile"]


def profile(
    source: Source,
    *,
    tags: Sequence[str] | Set[str] | None = None,
    format: Literal["auto", "iso2709", "unimarc"] = "auto",
    encoding: Encoding = "auto",
    glob: bool = True,
    ignore_errors: bool = False,
    categorical: bool | None = None,
) -> pa.Table:
    """Count what is in MARC: which fields, indicators and subfields, how often, how long, and how many that differ.

    One parallel pass in bounded memory. The result depends on the records and their order alone, and not on how many
    threads there are. Needs pyarrow.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview, io.BytesIO, binary file, socket.socket, or a list of these
        What to read, as for `read_table`; all of it comes to one profile.
    tags : sequence or set of str, optional
        Only these fields, ``X`` standing for any character: ``["245", "6XX"]``. Leaders and records are counted all
        the same.
    format : {"auto", "iso2709", "unimarc"}
        What the input is. Nothing in a record tells UNIMARC from MARC 21 for certain, so it has to be said.
    encoding : str
        What text is encoded in. ``"auto"`` goes by what each record says, anything else overrides that; `read_table`
        lists the names.
    glob : bool
        Expand wildcards (``*``, ``?``, ``[...]``, ``**``) in paths; files come in the order of their names.
    ignore_errors : bool
        Leave records that cannot be read out and warn once, instead of raising at the first. They are counted in the
        rows of kind ``problem``.
    categorical : bool, optional
        ``tag``, ``ind1``, ``ind2`` and ``code`` as dictionaries (Polars' Categorical), as they are in tables by
        default, with which they join. Default: True; else plain strings.

    Returns
    -------
    pyarrow.Table
        Rows of seven kinds, one after the other, each in the order of tags, indicators and codes, or positions and
        values. Columns are null where they do not apply.

        - ``kind``: ``file`` (one row), ``leader`` (a row for each character at each position), ``encoding`` (what text
          was read in), ``problem``, ``field`` (a row for each tag), ``indicators`` (tag and both indicators),
          ``subfield`` (tag and code; a null code for values of control fields and for text before a first delimiter).
        - ``tag``, ``ind1``, ``ind2``, ``code``: what the row is about. Missing indicators are null.
        - ``position`` (UInt8, of the leader, from 0), ``value`` (the character there, an encoding, or the code of a
          problem).
        - ``records``, ``occurrences``, ``max_per_record`` (UInt64): records with it, how often there is one, and the
          most of them in one record. ``records`` of the file are those that were read, rejected ones left out.
        - ``bytes`` (UInt64): of the input, after decompression.
        - ``length_min``, ``length_mean`` (Float64), ``length_max`` (UInt64): of values in characters; of the file,
          those of records in bytes.
        - ``distinct`` (UInt64): how many different values; exact up to 128, then an estimate with a standard error of
          2.3 %.
        - ``samples`` (list of str): the first five different values in the order of the input. Of one that is longer
          than 80 characters, the first 79 and ``…``.
        - ``sketch`` (binary): what ``distinct`` is estimated from, for `merge_profiles`.

        A kind has 65,536 tags, pairs of indicators or codes at most; a row with a null ``tag`` has what is beyond.

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
    >>> df = pl.from_arrow(mrrc.profile("tests/data/sample.mrc"))
    >>> df.filter(kind="field", tag="245").select("records", "max_per_record").row(0)
    (300, 1)
    """
    pa = _pyarrow("profile", "`mrrc-arrow profile` prints the same")
    collected = _native.collect_profile(
        source,
        tags=tags,
        format=format,
        encoding=encoding,
        glob=glob,
        ignore_errors=ignore_errors,
        categorical=categorical,
    )
    if collected.rejected:
        _warn_of_rejects(collected.rejected, collected.problems, stacklevel=2)
    return _as_table(pa, collected)


def merge_profiles(profiles: Iterable[object], *, categorical: bool | None = None) -> pa.Table:
    """Merge profiles of several inputs into the one of all of them, without reading these again. Needs pyarrow.

    Parameters
    ----------
    profiles : iterable of tables, or one
        Tables that `profile` or this function gave, also after they were in Parquet or another data frame library:
        `pyarrow.Table`, `polars.DataFrame`, anything with ``__arrow_c_stream__``. A table may be several of them, one
        after the other. Their order is that of the inputs, which samples depend on.
    categorical : bool, optional
        As for `profile`.

    Returns
    -------
    pyarrow.Table
        What `profile` gives for all inputs as one.

    Raises
    ------
    TypeError
        A profile is no table.
    ValueError
        A table is no profile, or one of a later version.
    ImportError
        pyarrow is not installed.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> one = mrrc.profile("tests/data/sample.mrc")
    >>> mrrc.merge_profiles([one, one])["records"][0].as_py()
    600
    """
    pa = _pyarrow("merge_profiles", "`mrrc-arrow profile` prints the profile of several files")
    # A table is an iterable of its columns, too.
    tables = [profiles] if hasattr(profiles, "__arrow_c_stream__") else profiles
    return _as_table(pa, _native.merge_profiles(tables, categorical))
