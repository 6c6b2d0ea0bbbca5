"""What peers.py compares in its table of writing: MARC to Parquet, and records in memory to MARC.

Each writes a file, in a folder that goes with the process, and tells how many rows or records that has, and its bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from benches.contestants import Contestant, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Comparison(NamedTuple):
    """One table: who takes part, and whom the others are compared with."""

    title: str
    contestants: list[Contestant]
    bases: list[str]
    of_one_kind: bool  # everyone writes the same number of rows


def new_path(name: str) -> Path:
    """A path for a file to write."""
    folder = tempfile.mkdtemp(prefix="mrrc-bench-")
    atexit.register(shutil.rmtree, folder)
    return Path(folder) / name


def parquet_rows(path: Path) -> Seen:
    """Rows and bytes of a Parquet file."""
    import pyarrow.parquet

    return Seen(int(pyarrow.parquet.read_metadata(path).num_rows), path.stat().st_size)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Send what is printed, from whatever language, nowhere: stdout is for figures."""
    with Path(os.devnull).open("wb") as nowhere:
        kept = os.dup(1), os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        finally:
            for number, one in enumerate(kept, 1):
                os.dup2(one, number)
                os.close(one)


def marctable_parquet(*, subfields: bool) -> Callable[[str], Callable[[], Seen]]:
    """A row per record, of the fields of MARC 21 alone: a column for each, or for each of its subfields.

    By default the subfields of a field are one text; to have them as they are, all have to be named.
    """

    def make(path: str) -> Callable[[], Seen]:
        import pyarrow.parquet  # noqa: F401 - before the clock runs
        from marctable.marc import MARC
        from marctable.utils import to_parquet

        target = new_path("out.parquet")
        known = MARC.from_avram(None).fields if subfields else []
        rules = [field.tag + "".join(one.code for one in field.subfields or []) for field in known]

        def work() -> Seen:
            with Path(path).open("rb") as file, target.open("wb") as out:
                to_parquet(file, out, rules=rules)
            return parquet_rows(target)

        return work

    return make


def bib2_parquet(path: str) -> Callable[[], Seen]:
    """What its command does: a row per subfield (and indicator), by way of a file for each tag, sorted by tag."""
    import bib2

    target = new_path("out.parquet")

    def work() -> Seen:
        with silence():
            bib2.convert.callback([path], "marc", str(target), 2_000_000_000)
        return parquet_rows(target)

    return work


def our_parquet(layout: Literal["records", "subfields"]) -> Callable[[str], Callable[[], Seen]]:
    """`write_parquet` of everything."""

    def make(path: str) -> Callable[[], Seen]:
        import mrrc_arrow

        target = new_path("out.parquet")

        def work() -> Seen:
            written = mrrc_arrow.write_parquet(path, target, layout=layout)
            return Seen(written.rows, target.stat().st_size)

        return work

    return make


def our_sink(
    layout: Literal["records", "subfields"], row_group_size: int | None = None
) -> Callable[[str], Callable[[], Seen]]:
    """The same by Polars."""

    def make(path: str) -> Callable[[], Seen]:
        import mrrc_arrow
        import pyarrow.parquet  # noqa: F401 - before the clock runs

        target = new_path("out.parquet")
        scan = mrrc_arrow.scan_marc(path, layout=layout)

        def work() -> Seen:
            scan.sink_parquet(target, row_group_size=row_group_size)
            return parquet_rows(target)

        return work

    return make


def pymarc_write(path: str) -> Callable[[], Seen]:
    """Records that are in memory."""
    import pymarc

    target = new_path("out.mrc")
    with Path(path).open("rb") as file:
        records = list(pymarc.MARCReader(file))

    def work() -> Seen:
        with target.open("wb") as out:
            writer = pymarc.MARCWriter(out)
            for record in records:
                writer.write(record)
        return Seen(len(records), target.stat().st_size)

    return work


def mrrc_write(path: str) -> Callable[[], Seen]:
    """Records that are in memory; to a path, which is a little faster than to a file."""
    import mrrc

    target = new_path("out.mrc")
    records = list(mrrc.MARCReader(path))

    def work() -> Seen:
        with mrrc.MARCWriter(str(target)) as writer:
            for record in records:
                writer.write(record)
        return Seen(len(records), target.stat().st_size)

    return work


def our_write(path: str) -> Callable[[], Seen]:
    """A frame that is in memory; the file is on the disk (`fsync`) before it has its name."""
    import mrrc_arrow

    target = new_path("out.mrc")
    frame = mrrc_arrow.read_marc(path)

    def work() -> Seen:
        written = mrrc_arrow.write_marc(frame, target)
        return Seen(written.records, target.stat().st_size)

    return work


def our_write_file(path: str) -> Callable[[], Seen]:
    """The same into a file of Python, which nobody waits for, as with the others."""
    import mrrc_arrow

    target = new_path("out.mrc")
    frame = mrrc_arrow.read_marc(path)

    def work() -> Seen:
        with target.open("wb") as out:
            written = mrrc_arrow.write_marc(frame, out)
        return Seen(written.records, target.stat().st_size)

    return work


OURS = Contestant("mrrc_arrow", 'write_parquet, layout="subfields"', our_parquet("subfields"))
SINK = Contestant("mrrc_arrow", 'scan_marc, layout="subfields", sink_parquet', our_sink("subfields"))
RECORDS_SINK = Contestant("mrrc_arrow", "scan_marc, sink_parquet, row_group_size=4096", our_sink("records", 4096))

# On a small file.
PARQUET = Comparison(
    "MARC to Parquet",
    [
        Contestant("marctable", "to_parquet, fields", marctable_parquet(subfields=False)),
        Contestant("marctable", "to_parquet, subfields", marctable_parquet(subfields=True)),
        Contestant("bib2", "convert", bib2_parquet),
        OURS,
    ],
    ["marctable, to_parquet, fields", "marctable, to_parquet, subfields", "bib2, convert"],
    of_one_kind=False,
)
MARC = Comparison(
    "records in memory to MARC",
    [
        Contestant("pymarc", "MARCWriter", pymarc_write),
        Contestant("mrrc", "MARCWriter", mrrc_write),
        Contestant("mrrc_arrow", "write_marc", our_write),
        Contestant("mrrc_arrow", "write_marc, open(…, 'wb')", our_write_file),
    ],
    ["mrrc, MARCWriter", "pymarc, MARCWriter"],
    of_one_kind=True,
)

# On a large one, each layout against its own sink.
SUBFIELDS = Comparison("MARC to Parquet, subfields", [SINK, OURS], [SINK.name], of_one_kind=True)
RECORDS = Comparison(
    "MARC to Parquet, records",
    [RECORDS_SINK, Contestant("mrrc_arrow", "write_parquet", our_parquet("records"))],
    [RECORDS_SINK.name],
    of_one_kind=True,
)

EVERYONE = {one.name: one for table in (PARQUET, MARC, SUBFIELDS, RECORDS) for one in table.contestants}
