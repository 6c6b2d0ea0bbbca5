"""What MARC 21 calls its fields and subfields, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mrrc_arrow import _native
from mrrc_arrow._read import _pyarrow

if TYPE_CHECKING:
    import pyarrow as pa


def dictionary(
    kind: Literal["bibliographic", "authority"] = "bibliographic",
    *,
    string_type: Literal["view", "large_string", "string"] = "view",
    categorical: bool | None = None,
) -> pa.Table:
    """Give the names of MARC 21's fields and subfields, to be joined with ``layout="subfields"``.

    Needs pyarrow: ``pip install "mrrc-arrow[pyarrow]"``. Tags and codes have the very types that tables of records have
    with the same options. Local fields are not among them.

    Parameters
    ----------
    kind : {"bibliographic", "authority"}
        Which format. There are no names of the holdings format beyond fields that bibliographic records may have, too.
    string_type : {"view", "large_string", "string"}
        Arrow type of text.
    categorical : bool, optional
        Tags and codes as dictionaries; by default where `string_type` is ``"view"``.

    Returns
    -------
    pyarrow.Table
        A row for each field (``LDR`` and control fields, too), and one for each of its subfields after it: ``tag``;
        ``code``, null for the field itself; ``name`` of the subfield or field; ``field_name``; ``repeatable``, null for
        what is obsolete; ``obsolete``, null where that is not known: of fields, and in the authority format.

    Raises
    ------
    ValueError
        `kind` or `string_type` is none of these.
    ImportError
        pyarrow is not installed.

    Examples
    --------
    >>> import polars as pl
    >>> import mrrc_arrow as mrrc
    >>> names = pl.DataFrame(mrrc.dictionary())
    >>> names.filter(pl.col("tag") == "650").select("code", "name").rows()[:2]
    [(None, 'Subject Added Entry - Topical Term'), ('a', 'Topical term or geographic name entry element')]
    >>> df = mrrc.read_marc("tests/data/sample.mrc", layout="subfields")
    >>> df = df.join(names, on=["tag", "code"], how="left", nulls_equal=True)
    >>> df.filter(pl.col("tag") == "008")["name"][0]
    'General Information'
    """
    pa = _pyarrow("dictionary", "MARC 21's own pages at https://www.loc.gov/marc/ have the names")
    batch = _native.dictionary(kind, string_type, categorical)
    return pa.Table.from_batches([pa.record_batch(batch)])
