"""What is compared in peers.py: for each group of contestants, who does the same work.

A contestant imports its library when it is made, with an ImportError if that is absent, and gives the work to be timed.
"""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sized


class Seen(NamedTuple):
    """What a loop over records came across."""

    records: int
    counted: int


@dataclass(frozen=True)
class Contestant:
    """One line of a table."""

    library: str
    work: str
    make: Callable[[str], Callable[[], int | Sized | Seen]]

    @property
    def name(self) -> str:
        """What the line is called."""
        return f"{self.library}, {self.work}"


def pymarc_iterate(path: str) -> Callable[[], Seen]:
    """`for record in pymarc.MARCReader(file)`."""
    import pymarc

    def work() -> Seen:
        with Path(path).open("rb") as file:
            records = sum(1 for _ in pymarc.MARCReader(file))
        return Seen(records, records)

    return work


def pymarc_titles(path: str) -> Callable[[], Seen]:
    """The first $a of the first 245."""
    import pymarc

    def work() -> Seen:
        records = titles = 0
        with Path(path).open("rb") as file:
            for record in pymarc.MARCReader(file):
                records += 1
                field = record.get("245")
                if field is not None and field.get("a") is not None:
                    titles += 1
        return Seen(records, titles)

    return work


def pymarc_subfields(path: str) -> Callable[[], Seen]:
    """Code and value of every subfield."""
    import pymarc

    def work() -> Seen:
        records = subfields = 0
        with Path(path).open("rb") as file:
            for record in pymarc.MARCReader(file):
                records += 1
                for field in record.fields:
                    for _code, _value in field.subfields:
                        subfields += 1
        return Seen(records, subfields)

    return work


def mrrc_iterate(path: str) -> Callable[[], Seen]:
    """`for record in mrrc.MARCReader(path)`."""
    import mrrc

    def work() -> Seen:
        records = sum(1 for _ in mrrc.MARCReader(path))
        return Seen(records, records)

    return work


def mrrc_titles(path: str) -> Callable[[], Seen]:
    """The first $a of the first 245; `get_field` is mrrc's shortest way to it."""
    import mrrc

    def work() -> Seen:
        records = titles = 0
        for record in mrrc.MARCReader(path):
            records += 1
            field = record.get_field("245")
            if field is not None and field["a"] is not None:
                titles += 1
        return Seen(records, titles)

    return work


def mrrc_subfields(path: str) -> Callable[[], Seen]:
    """Code and value of every subfield; in mrrc they are attributes of an object."""
    import mrrc

    def work() -> Seen:
        records = subfields = 0
        for record in mrrc.MARCReader(path):
            records += 1
            for field in record.fields():
                for subfield in field.subfields():
                    _code, _value = subfield.code, subfield.value
                    subfields += 1
        return Seen(records, subfields)

    return work


def polars_marc21_column(path: str) -> Callable[[], int | Sized]:
    """One column of control numbers, which is what it is fastest at; records in which it finds none are not there."""
    import polars_marc21

    importlib.import_module("polars")
    return lambda: polars_marc21.read_marc21(path, "001")


def marctable_parquet(path: str) -> Callable[[], int]:
    """All fields into Parquet, in memory."""
    from marctable.utils import to_parquet

    def work() -> int:
        with Path(path).open("rb") as file, io.BytesIO() as out:
            to_parquet(file, out)
            return int(pyarrow.parquet.read_metadata(out).num_rows)

    import pyarrow.parquet

    return work


def our_iterate(path: str) -> Callable[[], Seen]:
    """`for record in mrrc_arrow.MARCReader(path)`."""
    import mrrc_arrow

    def work() -> Seen:
        records = sum(1 for _ in mrrc_arrow.MARCReader(path))
        return Seen(records, records)

    return work


def our_iterate_file(path: str) -> Callable[[], Seen]:
    """`for record in mrrc_arrow.MARCReader(file)`."""
    import mrrc_arrow

    def work() -> Seen:
        with Path(path).open("rb") as file:
            records = sum(1 for _ in mrrc_arrow.MARCReader(file))
        return Seen(records, records)

    return work


def our_titles(path: str) -> Callable[[], Seen]:
    """The first $a of the first 245."""
    import mrrc_arrow

    def work() -> Seen:
        records = titles = 0
        for record in mrrc_arrow.MARCReader(path):
            records += 1
            field = record.get("245")
            if field is not None and field.get("a") is not None:
                titles += 1
        return Seen(records, titles)

    return work


def our_subfields(path: str) -> Callable[[], Seen]:
    """Code and value of every subfield."""
    import mrrc_arrow

    def work() -> Seen:
        records = subfields = 0
        for record in mrrc_arrow.MARCReader(path):
            records += 1
            for field in record.fields:
                for _code, _value in field.subfields:
                    subfields += 1
        return Seen(records, subfields)

    return work


def pymarc_rows(path: str) -> Callable[[], int | Sized]:
    """A Polars frame with a row per subfield and control field, by way of a list of dicts."""
    import polars as pl
    import pymarc

    def work() -> pl.DataFrame:
        rows: list[dict[str, object]] = []
        with Path(path).open("rb") as file:
            for number, record in enumerate(pymarc.MARCReader(file)):
                for position, field in enumerate(record.fields, 1):
                    same = {"record": number, "field": position, "tag": field.tag}
                    if field.is_control_field():
                        rows.append({**same, "ind1": None, "ind2": None, "code": None, "value": field.data})
                        continue
                    same |= {"ind1": field.indicator1, "ind2": field.indicator2}
                    rows.extend({**same, "code": code, "value": value} for code, value in field.subfields)
        return pl.DataFrame(rows)

    return work


def our_frame(path: str) -> Callable[[], int | Sized]:
    """A Polars frame of everything, kept."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path)


def our_frame_again(path: str) -> Callable[[], int | Sized]:
    """The same once a first frame was made and let go of: threads are there, and memory is in use already."""
    task = our_frame(path)
    task()
    return task


def our_rows(path: str) -> Callable[[], int | Sized]:
    """The same with a row per subfield."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path, layout="subfields")


def our_rows_again(path: str) -> Callable[[], int | Sized]:
    """The same once a first table was made and let go of: threads are there, and memory is in use already."""
    task = our_rows(path)
    task()
    return task


def our_subjects(path: str) -> Callable[[], int | Sized]:
    """The subfields of some fields alone."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path, layout="subfields", tags=["6XX"])


def our_titles_scanned(path: str) -> Callable[[], int | Sized]:
    """What 245 says, as a query that the parser is told of."""
    import mrrc_arrow
    import polars as pl

    scan = mrrc_arrow.scan_marc(path, layout="subfields")
    return lambda: scan.filter(pl.col("tag") == "245").select("value").collect()


def our_titles_filtered(path: str) -> Callable[[], int | Sized]:
    """The same query over a table of everything."""
    import mrrc_arrow
    import polars as pl

    def work() -> Sized:
        whole = mrrc_arrow.read_marc(path, layout="subfields").lazy()
        return whole.filter(pl.col("tag") == "245").select("value").collect()

    return work


def our_titles_read(path: str) -> Callable[[], int | Sized]:
    """All columns of 245 alone."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path, layout="subfields", tags=["245"])


def our_length_scanned(path: str) -> Callable[[], int | Sized]:
    """How many records there are, as a query."""
    import mrrc_arrow
    import polars as pl

    scan = mrrc_arrow.scan_marc(path)

    def work() -> int:
        length: int = scan.select(pl.len()).collect().item()
        return length

    return work


def polars_marc21_columns(path: str) -> Callable[[], int | Sized]:
    """Four columns; it makes a row for each pair of an author and a subject."""
    import polars_marc21

    importlib.import_module("polars")
    return lambda: polars_marc21.read_marc21(path, "001,245/*.a,100/*.a,650/*.a")


def our_columns(path: str) -> Callable[[], int | Sized]:
    """The same four columns, a row for each record."""
    import mrrc_arrow

    importlib.import_module("polars")
    columns: dict[str, Any] = {"id": "001", "title": "245$a", "author": "100$a", "subjects": mrrc_arrow.all("650$a")}
    return lambda: mrrc_arrow.read_marc(path, columns=columns)


def our_column(path: str) -> Callable[[], int | Sized]:
    """One column of short strings."""
    import mrrc_arrow

    importlib.import_module("polars")
    return lambda: mrrc_arrow.read_marc(path, columns={"language": "008/35-37"})


def our_table(path: str) -> Callable[[], int | Sized]:
    """A pyarrow table of everything, kept."""
    import mrrc_arrow

    importlib.import_module("pyarrow")
    return lambda: mrrc_arrow.read_table(path)


def our_batches(path: str) -> Callable[[], int | Sized]:
    """Batch after batch, none kept."""
    import mrrc_arrow

    return lambda: sum(batch.num_rows for batch in mrrc_arrow.read_batches(path))


def our_profile(path: str) -> Callable[[], int | Sized]:
    """A profile of everything; its first number is that of records."""
    import mrrc_arrow

    importlib.import_module("pyarrow")

    def work() -> int:
        records: int = mrrc_arrow.profile(path)["records"][0].as_py()
        return records

    return work


BATCHES = Contestant("mrrc_arrow", "read_batches", our_batches)

# Whole files, against iterating over their records in other libraries.
WHOLE = [
    Contestant("pymarc", "iterate", pymarc_iterate),
    Contestant("mrrc", "iterate", mrrc_iterate),
    Contestant("polars-marc21", "001 alone", polars_marc21_column),
    Contestant("marctable", "to_parquet", marctable_parquet),
    Contestant("mrrc_arrow", "read_marc", our_frame),
    Contestant("mrrc_arrow", "read_marc, a second time", our_frame_again),
    Contestant("mrrc_arrow", "read_table", our_table),
    BATCHES,
]

# Who is known not to have a row for every record.
LOSSY = {"polars-marc21, 001 alone"}

# Record by record, by what is counted on the way; each group is compared within itself.
RECORDS = {
    "records": [
        Contestant("pymarc", "iterate", pymarc_iterate),
        Contestant("mrrc", "iterate", mrrc_iterate),
        Contestant("mrrc_arrow", "iterate", our_iterate),
        Contestant("mrrc_arrow", "iterate, open(…, 'rb')", our_iterate_file),
    ],
    "titles": [
        Contestant("pymarc", "245 $a", pymarc_titles),
        Contestant("mrrc", "245 $a", mrrc_titles),
        Contestant("mrrc_arrow", "245 $a", our_titles),
    ],
    "subfields": [
        Contestant("pymarc", "every subfield", pymarc_subfields),
        Contestant("mrrc", "every subfield", mrrc_subfields),
        Contestant("mrrc_arrow", "every subfield", our_subfields),
    ],
}

# Frames that are kept: layouts on a large file, and rows of subfields against pymarc's on a small one.
LAYOUTS = [
    Contestant("mrrc_arrow", "read_marc", our_frame),
    Contestant("mrrc_arrow", 'read_marc, layout="subfields"', our_rows),
    Contestant("mrrc_arrow", 'read_marc, layout="subfields", tags=["6XX"]', our_subjects),
]
ROWS = [
    Contestant("pymarc", "list of dicts, pl.DataFrame", pymarc_rows),
    Contestant("mrrc_arrow", 'read_marc, layout="subfields"', our_rows),
    Contestant("mrrc_arrow", 'read_marc, layout="subfields", a second time', our_rows_again),
]

# Chosen columns.
COLUMNS = [
    Contestant("polars-marc21", "001, 245 $a, 100 $a, 650 $a", polars_marc21_columns),
    Contestant("mrrc_arrow", "read_marc", our_frame),
    Contestant("mrrc_arrow", "read_marc, the four as columns", our_columns),
    Contestant("mrrc_arrow", "read_marc, 008/35-37 alone", our_column),
]

# Queries that the parser is told of, against those that it is not.
LAZY = [
    Contestant("mrrc_arrow", "read_marc, then a filter of 245 and one column", our_titles_filtered),
    Contestant("mrrc_arrow", "scan_marc with the same filter", our_titles_scanned),
    Contestant("mrrc_arrow", 'read_marc, tags=["245"]', our_titles_read),
    Contestant("mrrc_arrow", "scan_marc, pl.len() of records", our_length_scanned),
]

# What is in a file, against a pass over it that keeps nothing.
PROFILE = [
    BATCHES,
    Contestant("mrrc_arrow", "profile", our_profile),
]

_GROUPS = [WHOLE, LAYOUTS, ROWS, COLUMNS, LAZY, PROFILE, *RECORDS.values()]
EVERYONE = {contestant.name: contestant for group in _GROUPS for contestant in group}
