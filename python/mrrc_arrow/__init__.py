"""MARC library catalogue records in Polars, DuckDB, pandas and Parquet.

The records of a file in ISO 2709 become an Arrow table: in parallel, with strings that are views into the bytes that
were read, and with nothing lost on the way.

>>> import mrrc_arrow as mrrc
>>> table = mrrc.read_table("tests/data/sample.mrc")
>>> table.num_rows
300
"""

from mrrc_arrow import columns
from mrrc_arrow._columns import Column
from mrrc_arrow._columns import all as all
from mrrc_arrow._columns import count as count
from mrrc_arrow._columns import exists as exists
from mrrc_arrow._columns import fields as fields
from mrrc_arrow._columns import first as first
from mrrc_arrow._columns import fixed as fixed
from mrrc_arrow._columns import join as join
from mrrc_arrow._columns import linked as linked
from mrrc_arrow._marc21 import dictionary
from mrrc_arrow._native import (
    Field,
    Leader,
    MARCReader,
    Record,
    RecordBatch,
    RecordBatchReader,
    Schema,
    __version__,
)
from mrrc_arrow._profile import merge_profiles, profile
from mrrc_arrow._read import (
    ReadOptions,
    Source,
    read_batches,
    read_marc,
    read_problems,
    read_table,
    scan_record_boundaries,
)
from mrrc_arrow._record import Indicators, Subfield
from mrrc_arrow._scan import scan_marc
from mrrc_arrow._splits import Split, plan_splits, read_split
from mrrc_arrow._write import Skipped, WrittenMarc, WrittenParquet, write_marc, write_parquet
from mrrc_arrow.errors import (
    ChangedFileError,
    CorruptInputError,
    ForkedError,
    InternalError,
    MissingLinkedFields,
    MrrcError,
    MrrcWarning,
    RecordError,
    UnsupportedFormatError,
    UnwritableError,
)

__all__ = [
    "ChangedFileError",
    "Column",
    "CorruptInputError",
    "Field",
    "ForkedError",
    "Indicators",
    "InternalError",
    "Leader",
    "MARCReader",
    "MissingLinkedFields",
    "MrrcError",
    "MrrcWarning",
    "ReadOptions",
    "Record",
    "RecordBatch",
    "RecordBatchReader",
    "RecordError",
    "Schema",
    "Skipped",
    "Source",
    "Split",
    "Subfield",
    "UnsupportedFormatError",
    "UnwritableError",
    "WrittenMarc",
    "WrittenParquet",
    "__version__",
    "columns",
    "dictionary",
    "merge_profiles",
    "plan_splits",
    "profile",
    "read_batches",
    "read_marc",
    "read_problems",
    "read_split",
    "read_table",
    "scan_marc",
    "scan_record_boundaries",
    "write_marc",
    "write_parquet",
]
