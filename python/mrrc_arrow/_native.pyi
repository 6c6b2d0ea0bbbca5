"""What the compiled core offers; the public functions over it are in `mrrc_arrow._read`."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, Unpack, final

from mrrc_arrow._read import ReadOptions, Source

__version__: str
DEFAULT_BATCH_SIZE: int

@final
class Schema:
    """The columns of a table: their names and, for Arrow libraries, their types."""

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order."""
    def __arrow_c_schema__(self) -> object: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...

@final
class RecordBatch:
    """One batch of rows; any Arrow library takes it (``pyarrow.record_batch(batch)``, ``pl.DataFrame(batch)``)."""

    @property
    def num_rows(self) -> int:
        """Number of rows."""
    @property
    def num_columns(self) -> int:
        """Number of columns."""
    @property
    def schema(self) -> Schema:
        """The columns' names and types."""
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_schema__(self) -> object: ...
    def __len__(self) -> int: ...

@final
class RecordBatchReader:
    """Batches of MARC records, read in the background and within bounds while they are consumed.

    An iterator of `RecordBatch`, a context manager, and an Arrow stream: each call of ``__arrow_c_stream__`` is a fresh
    read from the start, independent of the iteration.
    """

    @property
    def schema(self) -> Schema:
        """The columns' names and types, known before anything is read."""
    @property
    def problems(self) -> dict[str, int]:
        """How often each problem was met so far in the iteration, by code."""
    @property
    def rejected(self) -> int:
        """Number of records that the iteration left out so far."""
    @property
    def bytes_read(self) -> int:
        """Bytes of the sources that the iteration has read, after decompression."""
    @property
    def total_bytes(self) -> int | None:
        """Bytes of the sources as they lie on disk or in memory; None where that is not known."""
    def __iter__(self) -> Iterator[RecordBatch]: ...
    def __next__(self) -> RecordBatch: ...
    def close(self) -> None:
        """End the iteration and the reading behind it."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

@final
class Collected:
    """Finished batches, ready to be exported."""

    @property
    def problems(self) -> dict[str, int]: ...
    @property
    def rejected(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __arrow_c_schema__(self) -> object: ...

def collect(source: Source, **options: Unpack[ReadOptions]) -> Collected: ...
def collect_problems(source: Source, **options: Unpack[ReadOptions]) -> Collected: ...
def open_batches(source: Source, quiet: bool = False, /, **options: Unpack[ReadOptions]) -> RecordBatchReader: ...
def scan_record_boundaries(
    buffer: bytes | bytearray | memoryview, limit: int | None = None
) -> list[tuple[int, int]]: ...
def run_command(argv: list[str]) -> int: ...
