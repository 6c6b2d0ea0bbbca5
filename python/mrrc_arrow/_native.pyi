"""What the compiled core offers; the public functions over it are in `mrrc_arrow._read`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, final, overload

from mrrc_arrow._columns import Column
from mrrc_arrow._read import ReadOptions, Source
from mrrc_arrow._record import Indicators, Subfield
from mrrc_arrow._write import ArrowStreamExportable, Destination, TextEncoding

_T = TypeVar("_T")

__version__: str
DEFAULT_BATCH_SIZE: int
KEPT_BATCH_SIZE: int
READER_BATCH_SIZE: int
REJECT_CODES: list[str]

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
    """Batches of MARC records, read within bounds while they are consumed.

    Reading goes on in the background, but for Python files, which the thread that asks for a batch calls, and mostly
    for paths and memory where the process has one core.

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
class Leader:
    """The 24 characters at the start of a record, by position (``leader[5]``), slice or name; read-only."""

    @property
    def record_length(self) -> str:
        """Record length (00-04)."""
    @property
    def record_status(self) -> str:
        """Record status (05)."""
    @property
    def type_of_record(self) -> str:
        """Type of record (06)."""
    @property
    def bibliographic_level(self) -> str:
        """Bibliographic level (07)."""
    @property
    def type_of_control(self) -> str:
        """Type of control (08)."""
    @property
    def coding_scheme(self) -> str:
        """Character coding scheme (09)."""
    @property
    def indicator_count(self) -> str:
        """Indicator count (10)."""
    @property
    def subfield_code_count(self) -> str:
        """Subfield code count (11)."""
    @property
    def base_address(self) -> str:
        """Base address of data (12-16)."""
    @property
    def encoding_level(self) -> str:
        """Encoding level (17)."""
    @property
    def cataloging_form(self) -> str:
        """Descriptive cataloging form (18)."""
    @property
    def multipart_ressource(self) -> str:
        """Multipart resource record level (19)."""
    @property
    def length_of_field_length(self) -> str:
        """Length of the length-of-field portion (20)."""
    @property
    def starting_character_position_length(self) -> str:
        """Length of the starting-character-position portion (21)."""
    @property
    def implementation_defined_length(self) -> str:
        """Length of the implementation-defined portion (22)."""
    @property
    def leader(self) -> str:
        """All 24 characters."""
    def __getitem__(self, item: int | slice | str) -> str: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Field:
    """A field of a record, read-only, decoded when it is asked for. Two are equal if they are the same place.

    ``field["a"]`` is the first value with a code, and a `KeyError` where there is none; ``"a" in field`` tells;
    iterating gives each `Subfield`. With ``to_unicode=False``, values are `bytes`.
    """

    @property
    def tag(self) -> str:
        """The tag."""
    @property
    def control_field(self) -> bool:
        """Whether the tag is three digits below 010."""
    @property
    def data(self) -> str | None:
        """A control field's value; None for a data field."""
    @property
    def indicators(self) -> Indicators | None:
        """Both indicators, None each where it is missing; None for a control field."""
    @property
    def indicator1(self) -> str | None:
        """The first indicator; an empty string for a control field."""
    @property
    def indicator2(self) -> str | None:
        """The second indicator; an empty string for a control field."""
    @property
    def subfields(self) -> list[Subfield]:
        """The subfields in order, empty ones included; none in a control field."""
    def __getitem__(self, code: str) -> str: ...
    def __contains__(self, code: object) -> bool: ...
    def __iter__(self) -> Iterator[Subfield]: ...
    @overload
    def get(self, code: str, default: None = None) -> str | None: ...
    @overload
    def get(self, code: str, default: _T) -> str | _T:
        """The first value with this code, or `default`."""
    def get_subfields(self, *codes: str) -> list[str]:
        """Values with any of these codes, in the order of the field."""
    def subfields_as_dict(self) -> dict[str, list[str]]:
        """For each code its values."""
    def value(self) -> str:
        """All text of the field, subfields parted by blanks."""
    def format_field(self) -> str:
        """The same for people: subdivisions of subjects set apart, without $6."""
    def is_control_field(self) -> bool:
        """Whether it is a control field."""
    def is_subject_field(self) -> bool:
        """Whether the tag begins with 6."""
    def linkage_occurrence_num(self) -> str | None:
        """The occurrence number in $6 (``880-03/$1`` has ``03``); None without one."""
    def as_marc(self, encoding: str = "utf-8") -> bytes:
        """The field as it stands in a record, with its terminator, in `encoding`."""
    def as_marc21(self, encoding: str = "utf-8") -> bytes:
        """The same as `as_marc`, by the name that pymarc has for it, too."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Record:
    """A record: a light, read-only handle on the bytes that were read. Nothing is decoded until it is asked for.

    ``record["245"]`` is the first field with a tag, and a `KeyError` where there is none; ``"245" in record`` tells;
    iterating gives each `Field`.

    It shares these bytes, up to 512 kB, with the records read beside it: to keep few records of many, keep `as_marc()`.
    """

    @property
    def leader(self) -> Leader:
        """The leader."""
    @property
    def fields(self) -> list[Field]:
        """All fields, in the order of the directory."""
    @property
    def problems(self) -> list[str]:
        """Codes of what had to be put right in this record, in its structure and in its text."""
    @property
    def title(self) -> str | None:
        """245 $a and $b."""
    @property
    def issn_title(self) -> str | None:
        """222 $a and $b."""
    @property
    def isbn(self) -> str | None:
        """The ISBN in the first 020 $a, without dashes."""
    @property
    def issn(self) -> str | None:
        """022 $a."""
    @property
    def issnl(self) -> str | None:
        """022 $l."""
    @property
    def sudoc(self) -> str | None:
        """086."""
    @property
    def author(self) -> str | None:
        """100, 110 or 111."""
    @property
    def uniformtitle(self) -> str | None:
        """130 or 240."""
    @property
    def publisher(self) -> str | None:
        """$b of the first 260, or 264 with second indicator 1."""
    @property
    def pubyear(self) -> str | None:
        """$c of the same."""
    @property
    def series(self) -> list[Field]:
        """440, 490, 800, 810, 811, 830."""
    @property
    def subjects(self) -> list[Field]:
        """The subject fields."""
    @property
    def addedentries(self) -> list[Field]:
        """The added entries."""
    @property
    def location(self) -> list[Field]:
        """852."""
    @property
    def notes(self) -> list[Field]:
        """The notes."""
    @property
    def physicaldescription(self) -> list[Field]:
        """300."""
    def __getitem__(self, tag: str) -> Field: ...
    def __contains__(self, tag: object) -> bool: ...
    def __iter__(self) -> Iterator[Field]: ...
    @overload
    def get(self, tag: str, default: None = None) -> Field | None: ...
    @overload
    def get(self, tag: str, default: _T) -> Field | _T:
        """The first field with this tag, or `default`."""
    def get_fields(self, *tags: str) -> list[Field]:
        """The fields with any of these tags, in the order of the directory; all fields without a tag."""
    def get_linked_fields(self, field: Field) -> list[Field]:
        """The 880 fields that belong to `field`; `MissingLinkedFields` if it names some and there are none."""
    def as_marc(self) -> bytes:
        """The bytes as they were read; of a repaired record, laid out anew with directory and lengths put right."""
    def as_marc21(self) -> bytes:
        """The same as `as_marc`, by the name that pymarc has for it, too."""
    def as_dict(self) -> dict[str, Any]:
        """The record in the form of MARC-in-JSON."""
    def as_json(self, **kwargs: Any) -> str:  # noqa: ANN401 - json's
        """`as_dict` as JSON; keyword arguments are those of `json.dumps`."""
    def to_pymarc(self) -> Any:  # noqa: ANN401 - pymarc is optional
        """An editable `pymarc.Record` with the same content; `ImportError` without pymarc."""

class MARCReader:
    """Iterate over records, in the manner of pymarc and many times as fast.

    Parameters
    ----------
    source : str, os.PathLike, bytes, bytearray, memoryview, io.BytesIO, binary file, socket.socket, or a list of these
        As for `read_table`. Files and memory are read ahead, without the GIL; a Python file is called
        by the thread that asks, for up to 300 kB at a time.
    to_unicode : bool
        Values as `str`; else as `bytes`, undecoded.
    force_utf8 : bool
        UTF-8 whatever leader 09 says.
    hide_utf8_warnings : bool
        Accepted for pymarc's sake; nothing is ever printed.
    utf8_handling : {"strict", "replace", "ignore", "backslashreplace"}
        What becomes of bytes that are not UTF-8 in a record that says it is. ``"strict"`` raises `UnicodeDecodeError`
        when such a value is asked for.
    file_encoding : str
        Codec of records that are not flagged as UTF-8. Its default means MARC-8, as in pymarc, and in UNIMARC what the
        record says.
    permissive : bool
        Yield None for a record that cannot be read, with `current_exception` and `current_chunk`, instead of raising.
        Either way reading goes on after it.
    format : {"auto", "iso2709", "unimarc"}
        What the input is. It tells where records say what their text is encoded in: in leader position 09 or, in
        UNIMARC, in 100 $a.
    glob : bool
        Expand wildcards (``*``, ``?``, ``[...]``, ``**``) in paths; files come in the order of their names.
    batch_size : int, optional
        Records of a Python file object that are looked at for each release of the GIL, at most 200 and 300 kB; one
        call of its ``read`` may serve several of these batches.

    Raises
    ------
    RecordError
        From the iteration: a record that cannot be read. The next call goes on after it.
    OSError
        A file is missing (`FileNotFoundError`) or cannot be read.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> with mrrc.MARCReader("tests/data/sample.mrc") as reader:
    ...     titles = [record.title for record in reader]
    >>> len(titles)
    300
    """

    def __init__(
        self,
        source: Source,
        to_unicode: bool = True,
        force_utf8: bool = False,
        hide_utf8_warnings: bool = False,
        utf8_handling: Literal["strict", "replace", "ignore", "backslashreplace"] = "strict",
        file_encoding: str = "iso8859-1",
        permissive: bool = False,
        *,
        format: Literal["auto", "iso2709", "unimarc"] = "auto",
        glob: bool = True,
        batch_size: int | None = None,
        _max_records: int | None = None,
        _max_bytes: int | None = None,
    ) -> None: ...
    @property
    def backend(self) -> str:
        """What reads the bytes: ``RustFile``, ``CursorBackend`` or ``PythonFile``; several for several kinds."""
    @property
    def permissive(self) -> bool:
        """Whether a bad record is None instead of an exception."""
    @property
    def problems(self) -> dict[str, int]:
        """How often each problem of boundary and structure was met in what was read so far, by code."""
    @property
    def current_exception(self) -> BaseException | None:
        """What was wrong with the record that was read last; None if nothing was."""
    @property
    def current_chunk(self) -> bytes | None:
        """The bytes of the record that was read last, good or bad."""
    @property
    def _counters(self) -> dict[str, int]: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Record | Any: ...  # noqa: ANN401 - None only where `permissive`
    def read_record(self) -> Record | None:
        """Read the next record; None at the end, for ever, and in place of a bad record where `permissive`."""
    def read_batch(self) -> list[Record | None]:
        """Take the records that are queued, or those of the next batch; an empty list at the end, for ever."""
    def _check_batch(self) -> int: ...
    def close(self) -> None:
        """End the reading. Files that the caller opened stay open."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None: ...

class _Options(ReadOptions, total=False):
    _plain: bool
    _prefilter: Sequence[tuple[str, str, object]]

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
def collect_profile(source: Source, **options: Unpack[ReadOptions]) -> Collected: ...
def write_marc(
    data: ArrowStreamExportable, dest: Destination, *, encoding: TextEncoding, ignore_errors: bool
) -> dict[str, Any]: ...
def write_parquet(
    source: Source,
    dest: str,
    *,
    compression: str,
    compression_level: int | None,
    row_group_size: int | None,
    partition_by: str | int | None,
    metadata: list[tuple[str, str]],
    **options: Unpack[ReadOptions],
) -> dict[str, Any]: ...
def select_columns(data: ArrowStreamExportable, columns: Mapping[str, str | Column]) -> Collected: ...
def explode_records(data: ArrowStreamExportable) -> Collected: ...
def merge_profiles(profiles: Iterable[object], categorical: bool | None = None) -> Collected: ...
def open_batches(
    source: Source, quiet: bool = False, retain: bool = False, /, **options: Unpack[_Options]
) -> RecordBatchReader: ...
def scan_record_boundaries(
    buffer: bytes | bytearray | memoryview, limit: int | None = None
) -> list[tuple[int, int]]: ...
def dictionary(
    kind: Literal["bibliographic", "authority"],
    string_type: Literal["view", "large_string", "string"],
    categorical: bool | None,
) -> RecordBatch:
    """Give the names of MARC 21's fields and subfields."""

def check_column(expression: str) -> None: ...
def run_command(argv: list[str]) -> int: ...
