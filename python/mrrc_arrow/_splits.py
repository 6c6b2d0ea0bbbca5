"""Parts of files, for many workers to read: planned by size alone, and found by each worker for itself."""

from __future__ import annotations

import glob as _glob
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Unpack

from mrrc_arrow import _native
from mrrc_arrow._options import ReadOptions, takes_read_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Split", "plan_splits", "read_split"]

_Path: TypeAlias = str | os.PathLike[str]

# Splits of a file, at most.
_MOST = 1_000_000

# Of these, only the beginning can be found.
_PACKED = (".gz", ".bgz", ".zst", ".bz2")


@dataclass(frozen=True, order=True, slots=True)
class Split:
    """A part of a file; plain data, that can be pickled.

    It has the records from the first strong boundary at or after `start` (or the file's first record, where that is 0)
    to the first strong boundary at or after `end`, so that splits that lie one after the other have together what the
    file has, on clean files and on damaged ones.

    Attributes
    ----------
    path : str
        The file, by its absolute path.
    start, end : int
        Bytes of the file.
    size : int
        The file's size in bytes.
    mtime_ns : int
        When it was changed, in nanoseconds since 1970.
    """

    path: str
    start: int
    end: int
    size: int
    mtime_ns: int


def plan_splits(paths: _Path | Sequence[_Path], split_bytes: int = 128 << 20, *, glob: bool = True) -> list[Split]:
    """Divide files among workers, without reading them.

    A compressed file (``.gz``, ``.zst``, ``.bz2``) is one split: nobody can begin in its middle.

    Parameters
    ----------
    paths : str, os.PathLike, or a list of these
        Files, patterns, or directories, of which all files are taken that are not hidden.
    split_bytes : int
        Bytes of a split, about: 64 to 256 MiB keep workers busy for some seconds each.
    glob : bool
        Expand wildcards (``*``, ``?``, ``[...]``, ``**``) in paths; files come in the order of their names.

    Returns
    -------
    list of Split
        In the order of the files.

    Raises
    ------
    FileNotFoundError
        A file is missing, or no file matches a pattern.
    ValueError
        `split_bytes` is below 1.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> splits = mrrc.plan_splits("tests/data/sample.mrc", split_bytes=100_000)
    >>> sum(batch.num_rows for split in splits for batch in mrrc.read_split(split))
    300
    """
    if split_bytes < 1:
        raise ValueError(f"split_bytes must be at least 1, not {split_bytes}")
    splits: list[Split] = []
    for path in _files([paths] if isinstance(paths, (str, os.PathLike)) else paths, glob):
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{path} is no regular file, and cannot be divided")
        step = split_bytes if not path.lower().endswith(_PACKED) else max(found.st_size, 1)
        starts = range(0, found.st_size, step) or range(1)
        if len(starts) > _MOST:
            raise ValueError(f"split_bytes={split_bytes} would make {len(starts)} splits of {path}")
        splits.extend(
            Split(path, start, min(start + step, found.st_size), found.st_size, found.st_mtime_ns) for start in starts
        )
    return splits


def _files(paths: Sequence[_Path], glob: bool) -> Iterator[str]:
    for given in paths:
        if not os.fspath(given):
            raise ValueError("a path is empty")
        # Who reads it may be in another directory.
        path = Path(os.path.abspath(os.path.expanduser(given)))  # noqa: PTH100, PTH111 - links and .. stay as they are
        text = str(path)
        if path.is_dir():
            names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
            yield from (str(path / name) for name in names if (path / name).is_file())
        elif glob and not path.exists() and _glob.has_magic(text):
            found = sorted(name for name in _glob.glob(text, recursive=True) if not Path(name).is_dir())  # noqa: PTH207
            if not found:
                raise FileNotFoundError(2, "no file matches", text)
            yield from found
        else:
            yield text


@takes_read_options
def read_split(split: Split, **options: Unpack[ReadOptions]) -> _native.RecordBatchReader:
    """Read a split batch by batch, on one thread: that of whoever asks for the next.

    The other reading functions take splits as sources, too. ``record`` counts from the split's first record; ``offset``
    is that in the file.

    Parameters
    ----------
    split : Split
        One of those that `plan_splits` gives.
    {options}

    Returns
    -------
    RecordBatchReader
        An iterator of batches, a context manager, and an object that Arrow libraries take as a stream.

    Raises
    ------
    ChangedFileError
        The file has another size, or was changed, since the split was planned.
    FileNotFoundError
        The file is missing.
    ValueError
        `row_index_name` is given: a split does not know how many rows come before it.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> first, *_ = mrrc.plan_splits("tests/data/sample.mrc", split_bytes=100_000)
    >>> mrrc.read_split(first, layout="subfields", tags=["245"]).schema.names[:3]
    ['record', 'control_number', 'field']
    """
    if not isinstance(split, Split):
        raise TypeError(f"split must be a Split, as plan_splits gives it, not {type(split).__name__}")
    return _native.open_batches(split, **options)
