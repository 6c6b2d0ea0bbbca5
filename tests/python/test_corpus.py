"""Real files, the damaged ones included. They are only read where they are at hand."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import pytest

from .tiling import account_of, assert_default_agrees, assert_tiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def files(corpus: Path) -> list[Path]:
    """Every file of the corpus."""
    found = sorted(path for path in corpus.rglob("*") if path.is_file())
    assert found
    return found


def plain(path: Path) -> bytes:
    """Return what is in a file, decompressed."""
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def test_every_file_is_tiled_by_rows_rejects_and_junk(files: list[Path]) -> None:
    for path in files:
        try:
            account = account_of(path)
            assert_tiles(plain(path), account)
            assert_default_agrees(path, account)
        except AssertionError as error:
            error.add_note(str(path))
            raise


def test_every_file_is_read_the_same_in_small_batches(files: list[Path]) -> None:
    for path in files:
        if path.stat().st_size < 300_000:
            assert account_of(path, batch_size=3) == account_of(path), path


def test_every_file_raises_nothing_but_errors_of_the_package(files: list[Path]) -> None:
    for path in files:
        for ignore_errors in (False, True):
            try:
                with mrrc.read_batches(path, ignore_errors=ignore_errors) as reader:
                    rows = sum(batch.num_rows for batch in reader)
            except mrrc.MrrcWarning:
                assert ignore_errors  # the suite makes errors of warnings
            except (mrrc.MrrcError, OSError):
                assert not ignore_errors, path
            else:
                assert rows >= 0


def test_damaged_copies_of_real_files_are_tiled(files: list[Path]) -> None:
    dice = random.Random(20261123)
    small = [path for path in files if 100 < path.stat().st_size < 60_000]
    for path in dice.choices(small, k=80):
        content = bytearray(plain(path))
        for _ in range(dice.randint(1, 6)):
            at, size = dice.randrange(len(content)), dice.choice([1, 2, 5, 30, 500])
            match dice.randrange(4):
                case 0:
                    content[at] = dice.choice([0x1D, 0x1E, 0x1F, 0x20, 0x0A, 0x30, dice.randrange(256)])
                case 1 if len(content) > 2 * size:
                    del content[at : at + size]
                case 2:
                    content[at:at] = content[at : at + size]
                case _:
                    content[at:at] = dice.randbytes(size)
        try:
            account = account_of(bytes(content))
            assert_tiles(bytes(content), account)
        except AssertionError as error:
            error.add_note(f"{path}: {bytes(content)!r}"[:2000])
            raise
