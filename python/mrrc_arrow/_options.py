"""The options that all reading functions take, written down once."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, TypeVar

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence, Set

    from mrrc_arrow._columns import Column

Encoding: TypeAlias = Literal[
    "auto",
    "utf-8",
    "marc-8",
    "iso-8859-1",
    "windows-1252",
    "cp437",
    "cp850",
    "iso-5426",
    "iso-5427",
    "iso-5428",
    "iso-6438",
    "iso-ir-37",
    "windows-1251",
    "cp866",
    "koi8-r",
]


class ReadOptions(TypedDict, total=False):
    """Keyword arguments of `read_table`, `read_batches`, `read_marc` and `read_problems`.

    Named, and meant, as in `polars.scan_ndjson` and `polars.scan_csv`.
    """

    layout: Literal["records", "subfields"]
    columns: Mapping[str, str | Column] | Sequence[str] | None
    tags: Sequence[str] | Set[str] | None
    format: Literal["auto", "iso2709", "unimarc"]
    encoding: Encoding
    n_rows: int | None
    row_index_name: str | None
    row_index_offset: int
    include_file_paths: str | None
    include_offsets: bool
    glob: bool
    ignore_errors: bool
    rejects: str | os.PathLike[str] | None
    batch_size: int | None
    string_type: Literal["view", "large_string", "string"]
    categorical: bool | None


_DEFAULTS: ReadOptions = {
    "layout": "records",
    "columns": None,
    "tags": None,
    "format": "auto",
    "encoding": "auto",
    "n_rows": None,
    "row_index_name": None,
    "row_index_offset": 0,
    "include_file_paths": None,
    "include_offsets": False,
    "glob": True,
    "ignore_errors": False,
    "rejects": None,
    "batch_size": None,
    "string_type": "view",
    "categorical": None,
}

_PARAMETERS = """\
source : str, os.PathLike, bytes, bytearray, memoryview, io.BytesIO, binary file, socket.socket, or a list of these
    What to read: a path (with ``~`` and wildcards), MARC in memory, or an object whose ``read`` gives bytes. `bytes`
    are shared, other buffers copied; an `io.BytesIO` or a file is read from its position on, a file only once. gzip,
    zstd and bzip2 are recognised by their first bytes. The items of a list are read one after the other.
layout : {"records", "subfields"}
    Which table. ``"records"`` has a row per record: ``leader``, ``control_number`` (the first 001) and ``fields``, a
    list of structs ``tag, ind1, ind2, value, subfields``, with ``subfields`` a list of structs ``code, value``.
    ``"subfields"`` has a row per subfield, control field and leader: ``record`` (UInt64, its number over all sources),
    ``control_number``, ``field`` (UInt32, position in the record, from 1; 0 for the leader, whose ``tag`` is
    ``"LDR"``), ``tag``, ``ind1``, ``ind2``, ``subfield`` (UInt32, position in the field, from 1; 0 for what stands
    before a first delimiter, as the value of a control field does), ``code`` and ``value``. A data field without
    subfields is a row with null ``code`` and ``value``.
columns : list of str, or dict of str to str or Column, optional
    As a list: only these columns of the layout, in this order; what is left out is not made.
    As a dict: one row per record with these columns, each a MARCspec and how many of its values to keep, in place of a
    layout: ``{"id": "001", "subjects": mrrc.all("650$a")}``. A bare spec keeps the first value; see `first`, `all`,
    `join`, `count`, `exists`, `fields` and `linked`, and `mrrc_arrow.columns` for ready ones. Only the fields that are
    named are built, and their text is copied. `layout` and `tags` do not go with a dict.
tags : sequence or set of str, optional
    Only these fields, ``X`` standing for any character: ``["245", "6XX"]``. Nothing is built of the others, nor told of
    their text; a record without any is still one (in ``"subfields"``, where the leader is a field of tag ``LDR`` here,
    it has no row). Text that is little beside the input is copied, so that a table does not keep the input.
format : {"auto", "iso2709", "unimarc"}
    What the input is. Nothing in a record tells UNIMARC from MARC 21 for certain, so it has to be said.
encoding : {"auto", "utf-8", "marc-8", "iso-8859-1", "windows-1252", "cp437", "cp850", "iso-5426", "iso-5427", \
"iso-5428", "iso-6438", "iso-ir-37", "windows-1251", "cp866", "koi8-r"}
    What text is encoded in. ``"auto"`` goes by each record: what leader position 09 says (``a`` UTF-8, blank MARC-8),
    in UNIMARC 100 $a (ISO 5426 and others), or, where that cannot be, what the bytes are, which is counted as a repair.
    Anything else overrides the record. All but UTF-8, which is left as it is, becomes Unicode in NFC. What stands for
    no character becomes U+FFFD and is counted.
n_rows : int, optional
    Stop after this many rows, which may be in the middle of a record where these are subfields. Nothing beyond them
    raises or warns.
row_index_name : str, optional
    Add a first column of this name (UInt64) that counts rows.
row_index_offset : int
    Where that count begins.
include_file_paths : str, optional
    Add a last column of this name with the path of each row; null for memory.
include_offsets : bool
    Add ``offset`` (UInt64) and ``length`` (UInt32): where each record lies in its uncompressed source, in bytes.
glob : bool
    Expand wildcards (``*``, ``?``, ``[...]``, ``**``) in paths; files come in the order of their names.
ignore_errors : bool
    Leave records that cannot be read out and warn once, instead of raising at the first.
rejects : str or os.PathLike, optional
    With `ignore_errors`, write the bytes of the records that are left out to this file, one after the other. It is
    emptied when reading begins, and may not be among what is read. Of an input that is no MARC at all it gets the first
    64 MiB.
batch_size : int, optional
    Source records in a batch, at most: by default 1,024 in `read_table` and `read_marc`, and 384 where batches are
    handed out one by one. Batches are bounded in bytes, too.
string_type : {"view", "large_string", "string"}
    Arrow type of text. Views share the bytes that were read; the others are copies, for consumers that lack kernels
    on views (pyarrow cannot filter, sort or take them).
categorical : bool, optional
    Tags, indicators and subfield codes as dictionaries (Polars' Categorical). Default: where `string_type` is
    ``"view"``.
"""

_F = TypeVar("_F", bound="Callable[..., object]")


def takes_read_options(function: _F) -> _F:
    """Give `function(source, **options)` its full signature and documentation at run time, for `help` and notebooks."""
    signature = inspect.signature(function)
    keep = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        # Annotations as they are written, not as the references that a TypedDict makes of them.
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=getattr(annotation, "__forward_arg__", annotation),
        )
        for (name, default), annotation in zip(_DEFAULTS.items(), ReadOptions.__annotations__.values(), strict=True)
    ]
    function.__signature__ = signature.replace(parameters=keep + options)  # type: ignore[attr-defined]
    if function.__doc__:
        indent = "    "
        parameters = _PARAMETERS if "source" in signature.parameters else _PARAMETERS[_PARAMETERS.index("layout :") :]
        function.__doc__ = function.__doc__.replace(f"{indent}{{options}}\n", textwrap.indent(parameters, indent))
    return function
