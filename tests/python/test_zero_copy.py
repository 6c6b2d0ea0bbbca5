"""Text is not copied between the bytes that were given and the data frame."""

from __future__ import annotations

import mrrc_arrow as mrrc
import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from .marc import control, data, encode
from .script import run_script

LINE = "A long line of text that no view holds in itself. "


@pytest.fixture(scope="module")
def large() -> bytes:
    """100 MB: 2,000 records of 50 kB, so that text outweighs everything else."""
    fields = [control("001", "a control number of more than twelve bytes")]
    fields += [data("520", ("a", LINE * 100)) for _ in range(10)]
    return encode(fields) * 2000


def address(content: bytes) -> int:
    """Return where the bytes of `content` lie."""
    return int(np.frombuffer(content, np.uint8).ctypes.data)


def text_buffers(array: pa.Array) -> list[pa.Buffer]:
    """Return the buffers behind every view in `array`, however nested."""
    if pa.types.is_string_view(array.type):
        return [buffer for buffer in array.buffers()[2:] if buffer is not None]
    if pa.types.is_struct(array.type):
        return [buffer for part in array.flatten() for buffer in text_buffers(part)]
    if pa.types.is_large_list(array.type):
        return text_buffers(array.values)
    return []


def table_buffers(table: pa.Table) -> list[pa.Buffer]:
    """Return the buffers behind every view in `table`."""
    return [buffer for column in table.columns for chunk in column.chunks for buffer in text_buffers(chunk)]


def assert_within(buffers: list[pa.Buffer], content: bytes) -> None:
    """Check that `buffers` are pieces of `content` and cover all of it."""
    start, end = address(content), address(content) + len(content)
    assert all(start <= buffer.address and buffer.address + buffer.size <= end for buffer in buffers)
    assert len({buffer.address for buffer in buffers}) > 1
    pieces = {(buffer.address, buffer.size) for buffer in buffers}
    assert sum(size for _, size in pieces) == len(content)


def test_strings_are_views_into_the_bytes_that_were_given(large: bytes) -> None:
    table = mrrc.read_table(large)
    assert table.num_rows == 2000
    buffers = table_buffers(table)
    # leader, control_number, value and subfields.value share one buffer in each batch.
    assert len(buffers) == 4 * len(table["leader"].chunks)
    assert_within(buffers, large)


def test_polars_shares_the_bytes_that_were_given(large: bytes) -> None:
    frame = pl.from_arrow(mrrc.read_table(large))
    assert isinstance(frame, pl.DataFrame)
    assert_within(table_buffers(frame.to_arrow(compat_level=pl.CompatLevel.newest())), large)


def test_read_marc_shares_the_bytes_that_were_given(large: bytes) -> None:
    frame = mrrc.read_marc(large)
    assert_within(table_buffers(frame.to_arrow(compat_level=pl.CompatLevel.newest())), large)


def test_the_table_outlives_the_bytes_it_was_made_from() -> None:
    content = encode([control("001", "1"), data("520", ("a", LINE * 100))]) * 50
    column = mrrc.read_table(content)["fields"]
    del content
    # Would reuse the memory, were it free.
    rubbish = [b"\xff" * 250_000 for _ in range(20)]
    assert column.to_pylist()[49][1]["subfields"] == [{"code": "a", "value": LINE * 100}]
    del rubbish


def test_changing_a_bytearray_changes_no_table() -> None:
    content = bytearray(encode([control("001", "1"), data("520", ("a", LINE))]))
    tables = [mrrc.read_table(content), mrrc.read_table(memoryview(content).toreadonly())]
    content[:] = b"\xff" * len(content)
    for table in tables:
        assert table["fields"].to_pylist()[0][1]["subfields"][0]["value"] == LINE


def test_memory_hardly_grows_from_bytes_to_a_frame() -> None:
    grown = run_script(
        """
        import gc, sys
        import polars as pl, pyarrow, mrrc_arrow as mrrc
        from pathlib import Path

        def resident():
            gc.collect()
            return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

        value = b"10\\x1fa" + b"Some words " * 900 + b"\\x1e"
        entries = b"".join(b"520%04d%05d" % (len(value), i * len(value)) for i in range(5))
        base = 25 + len(entries)
        head = b"%05dnam a22%05d i 4500" % (base + 5 * len(value) + 1, base)
        content = (head + entries + b"\\x1e" + value * 5 + b"\\x1d") * 2000
        pl.from_arrow(mrrc.read_table(content[: len(content) // 2000 * 3]))  # what is set up once
        before = resident()
        table = mrrc.read_table(content)
        read = resident()
        frame = pl.from_arrow(table)
        framed = resident()
        assert frame.height == 2000, frame.shape
        print(len(content), read - before, framed - read)
        """
    )
    size, by_reading, by_framing = map(int, grown.split())
    assert size > 90_000_000
    assert by_reading < size / 10
    assert by_framing < size / 10
