"""Exceptions and the warning of this package.

Everything that is wrong with the *content* of an input is a `MrrcError`. A file that is missing or cannot be read is
the `OSError` that Python has for it (`FileNotFoundError`, `PermissionError`, ...), and an option that makes no sense is
a `ValueError` or `TypeError`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mrrc_arrow._native import Field


class MrrcError(Exception):
    """Base class of the errors of this package.

    Attributes
    ----------
    code : str
        Stable name of what is wrong, such as ``"truncated"``.
    source : str or None
        Path of the file; None for memory.
    record : int or None
        Number of the record, from 0 over all sources of the read, rejected ones included.
    offset : int or None
        Byte offset in the (decompressed) source.
    """

    code: str
    source: str | None
    record: int | None
    offset: int | None
    _message: str  # without what there is to do about it


class RecordError(MrrcError, ValueError):
    """A record that cannot be read; ``ignore_errors=True`` leaves such records out."""


class ChangedFileError(MrrcError, RuntimeError):
    """A file is not the one that it was when its splits were planned."""


class UnwritableError(MrrcError, ValueError):
    """A record that cannot be written; ``ignore_errors=True`` leaves such records out."""


class UnsupportedFormatError(MrrcError, ValueError):
    """Input that is not MARC in ISO 2709; the message says what it looks like."""


class CorruptInputError(MrrcError, OSError):
    """Input that cannot be decompressed, such as a gzip file that was cut."""


class ForkedError(MrrcError, RuntimeError):
    """A reader that was opened before the process forked, used in the child."""


class InternalError(MrrcError, RuntimeError):
    """A fault of this package; please report it."""


class MissingLinkedFields(MrrcError, LookupError):  # noqa: N818 - pymarc's name
    """A field says in $6 that an 880 belongs to it, and there is none.

    Attributes
    ----------
    field : Field
        The field.
    """

    code = "missing_linked_fields"
    source = record = offset = None

    def __init__(self, field: Field) -> None:
        super().__init__(f"field {field.tag} has a subfield 6, but no 880 field belongs to it")
        self.field = field


class MrrcWarning(UserWarning):
    """Records were left out of what was read or written, with ``ignore_errors=True``."""


_KINDS: dict[str, type[MrrcError]] = {
    "format": UnsupportedFormatError,
    "record": RecordError,
    "unwritable": UnwritableError,
    "changed": ChangedFileError,
    "io": CorruptInputError,
    "forked": ForkedError,
    "internal": InternalError,
}


def _from_native(
    kind: str,
    message: str,
    errno: int | None,
    *,
    hint: str | None,
    code: str,
    source: str | None,
    record: int | None,
    offset: int | None,
) -> Exception:
    """Make the exception for an error of the native core."""
    told = message if hint is None else f"{message}. {hint}"
    if kind == "option":
        return ValueError(told)
    if errno is not None:
        # Rust appends the number to the operating system's words.
        return OSError(errno, message.removesuffix(f" (os error {errno})"), source)
    error = _KINDS[kind](told)
    error._message = message
    error.code, error.source, error.record, error.offset = code, source, record, offset
    return error


def _advise(error: MrrcError, hint: str) -> None:
    """Have an error say what there is to do about it in place of what it says."""
    error.args = (f"{error._message}. {hint}",)


def _warn_of_rejects(rejected: int, problems: dict[str, int], stacklevel: int = 1) -> None:
    """Warn that `rejected` records were left out."""
    warnings.warn(_left_out(rejected, problems), MrrcWarning, stacklevel=stacklevel + 1)


def _warn_of_rejects_at(rejected: int, problems: dict[str, int], filename: str, line: int) -> None:
    """The same each time, in the name of a line that is not on the stack any more."""
    warnings.warn_explicit(_left_out(rejected, problems), MrrcWarning, filename, line, registry={})


def _warn_of_skipped(skipped: list[str], stacklevel: int = 1) -> None:
    """Warn that records were not written."""
    message = (
        f"{len(skipped)} record(s) could not be written and were left out ({skipped[0]}{', …' * (len(skipped) > 1)})"
    )
    warnings.warn(message, MrrcWarning, stacklevel=stacklevel + 1)


def _left_out(rejected: int, problems: dict[str, int]) -> str:
    from mrrc_arrow._native import REJECT_CODES

    counts = ", ".join(f"{code} {problems[code]}" for code in REJECT_CODES if code in problems)
    return f"{rejected} record(s) could not be read and were left out ({counts}); read_problems lists them"
