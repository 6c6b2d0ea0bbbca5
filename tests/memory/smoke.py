"""Every way into the core and out of it, once, for memory checkers to watch: python smoke.py SAMPLE [--without-arrow].

Reads, in all layouts, of all kinds of sources, of sound and of damaged records, to the end and half of the way; errors;
records and fields; profiles; splits; Parquet and MARC written. Tables go to pyarrow where it is installed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import io
import random
import socket
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(sys.argv[1]).read_bytes()
ARROW = importlib.util.find_spec("pyarrow") is not None and "--without-arrow" not in sys.argv
TABLES: list[mrrc.ReadOptions] = [
    {},
    {"layout": "subfields"},
    {"layout": "subfields", "tags": ["245", "6XX"], "categorical": False, "string_type": "large_string"},
    {"include_file_paths": "path", "include_offsets": True, "row_index_name": "row", "n_rows": 50},
    {"columns": mrrc.columns.BIBLIOGRAPHIC},
    {
        "columns": {
            "title": mrrc.join("245$a$b"),
            "subjects": mrrc.all(r"650$a{^2=\0}"),
            "added": mrrc.fields("700"),
            "original": mrrc.linked("245$a"),
            "fixed": mrrc.fixed("008"),
            "notes": mrrc.count("5.."),
            "online": mrrc.exists("856$u"),
        }
    },
]


def consume(reader: mrrc.RecordBatchReader) -> int:
    """Read to the end; look at the Arrow arrays where somebody can."""
    rows = 0
    with reader:
        for batch in reader:
            rows += batch.num_rows
            if ARROW:
                import pyarrow as pa

                pa.record_batch(batch).validate(full=True)
    return rows


def sources(folder: Path) -> Iterator[object]:
    """The sample, as all that can be read."""
    path = folder / "sample.mrc"
    path.write_bytes(SAMPLE)
    yield path
    yield str(folder / "*.mrc")
    yield [path, SAMPLE]
    yield SAMPLE
    yield bytearray(SAMPLE)
    yield memoryview(SAMPLE)
    yield io.BytesIO(SAMPLE)
    yield path.open("rb")


def damaged(seed: int) -> bytes:
    """The sample with bytes put in place of others, taken out and added."""
    chance = random.Random(seed)
    data = bytearray(SAMPLE[: 60_000 + seed])
    for _ in range(60):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at] = chance.choice(b"\x1d\x1e\x1f\x1b\xe2\xc3\x80 9a")
            case 1:
                del data[at : at + chance.randrange(1, 9)]
            case _:
                data[at:at] = bytes(chance.choices(b"\x1d\x1e\x1f0 a\xff", k=chance.randrange(1, 9)))
    return bytes(data)


def read(folder: Path) -> None:
    """All sources in all tables."""
    for options in TABLES:
        for source in sources(folder):
            assert consume(mrrc.read_batches(source, **options)) > 0  # type: ignore[arg-type]
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            theirs.sendall(SAMPLE)

    sender = threading.Thread(target=send)
    sender.start()
    with ours:
        assert consume(mrrc.read_batches(ours)) == 300
    sender.join()
    if ARROW:
        assert mrrc.read_table(SAMPLE).num_rows == 300
        assert mrrc.read_problems(damaged(0)).num_rows > 0


def read_damaged(folder: Path) -> None:
    """Damage, in every table and in every encoding."""
    for seed in range(4):
        data = damaged(seed)
        for options in TABLES:
            tolerant: mrrc.ReadOptions = {**options, "ignore_errors": True, "rejects": folder / "rejects.mrc"}
            consume(mrrc.read_batches(data, **tolerant))
            with contextlib.suppress(mrrc.RecordError):
                consume(mrrc.read_batches(data, **options))
        for encoding in ("marc-8", "iso-8859-1", "iso-5426"):
            consume(mrrc.read_batches(data, encoding=encoding, ignore_errors=True))
        for record in mrrc.MARCReader(data, permissive=True):
            if record is not None:
                with contextlib.suppress(UnicodeError):
                    str(record)


def refusals(folder: Path) -> None:
    """What cannot be read, asked or written."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(f"cannot read {size} bytes")

    for source in (folder / "missing.mrc", b"<collection/>", b"\x1f\x8b" + bytes(40), 3, io.StringIO(), Broken()):
        try:
            consume(mrrc.read_batches(source))  # type: ignore[arg-type]
        except (OSError, TypeError, mrrc.MrrcError):
            continue
        raise AssertionError(source)
    for spec in ("24", "245$", "245$a{", "245$a{" * 300, "\u1e9e"):
        try:
            mrrc.read_batches(SAMPLE, columns={"x": spec})
        except ValueError:
            continue
        raise AssertionError(spec)


def half_way(folder: Path) -> None:
    """Readers that are let go of while they read, here and in another thread."""
    path = folder / "long.mrc"
    path.write_bytes(SAMPLE * 30)
    for source in (path, path.read_bytes()):
        reader = mrrc.read_batches(source, batch_size=10)
        next(reader)
        del reader
        records = mrrc.MARCReader(source)
        record = next(records)
        del records
        assert record["245"]["a"]
        thread = threading.Thread(target=next, args=(mrrc.read_batches(source, batch_size=10),))
        thread.start()
        thread.join()
    path.unlink()


def records() -> None:
    """Records and fields, method by method."""
    for record in mrrc.MARCReader(SAMPLE):
        assert record.as_marc()
        assert record.title
        assert str(record.leader)
        for field in record.fields:
            assert field.format_field() is not None
            assert field.as_marc()
            assert all(len(subfield.code) <= 1 for subfield in field.subfields)
        assert record.get_fields("650", "700") is not None
        assert "245" in record


def write(folder: Path) -> None:
    """Parquet and MARC, written, and what is refused."""
    path = folder / "sample.mrc"
    mrrc.write_parquet(path, folder / "all.parquet")
    mrrc.write_parquet(path, folder / "subfields.parquet", layout="subfields", row_group_size=1000)
    mrrc.write_parquet(path, folder / "lake", layout="subfields", partition_by="tag")
    for layout in ("records", "subfields"):
        mrrc.write_marc(mrrc.read_batches(SAMPLE, layout=layout), folder / "again.mrc")
        assert (folder / "again.mrc").read_bytes() == SAMPLE
        mrrc.write_marc(mrrc.read_batches(SAMPLE, layout=layout), folder / "marc8.mrc", encoding="marc-8")
        with contextlib.suppress(ValueError):
            mrrc.write_marc(mrrc.read_batches(SAMPLE, columns={"x": "001"}), folder / "again.mrc")


def main() -> None:
    """Do all of it."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        read(folder)
        read_damaged(folder)
        refusals(folder)
        half_way(folder)
        records()
        for source in (SAMPLE, folder / "sample.mrc"):
            assert consume(mrrc.read_batches(source)) == 300
        if ARROW:
            assert mrrc.profile(folder / "sample.mrc").num_rows > 0
            assert mrrc.dictionary().num_rows > 0
        splits = mrrc.plan_splits(folder / "sample.mrc", split_bytes=50_000)
        assert sum(consume(mrrc.read_split(split)) for split in splits) == 300
        assert len(mrrc.scan_record_boundaries(SAMPLE)) == 300
        write(folder)
    gc.collect()
    print("passed, with pyarrow" if ARROW else "passed, without pyarrow")


if __name__ == "__main__":
    main()
