"""Ready columns for MARC 21 records: plain dicts, to be taken as they are or to be copied and changed.

``BIBLIOGRAPHIC`` is for descriptions of works, ``AUTHORITY`` for names and subjects, ``HOLDINGS`` for what a library
has of a work. Values are as the records have them, with the punctuation that cataloguers set.

Examples
--------
>>> import mrrc_arrow as mrrc
>>> df = mrrc.read_marc("tests/data/sample.mrc", columns=mrrc.columns.BIBLIOGRAPHIC)
>>> df["title"].null_count()
0
>>> mine = {name: mrrc.columns.BIBLIOGRAPHIC[name] for name in ("title", "author")} | {"notes": mrrc.all("500$a")}
>>> mrrc.read_marc("tests/data/sample.mrc", columns=mine).columns
['title', 'author', 'notes']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mrrc_arrow._columns import all as every
from mrrc_arrow._columns import exists, first, join, linked

if TYPE_CHECKING:
    from mrrc_arrow._columns import Column

__all__ = ["AUTHORITY", "BIBLIOGRAPHIC", "HOLDINGS"]

BIBLIOGRAPHIC: dict[str, str | Column] = {
    "control_number": "001",
    "control_number_source": "003",
    "record_status": "LDR/5",
    "record_type": "LDR/6",
    "bibliographic_level": "LDR/7",
    "encoding_level": "LDR/17",
    "title": join("245[0]$a$b$n$p"),
    "responsibility": "245$c",
    "title_original": join(linked("245[0]$a$b$n$p")),
    "uniform_title": join("130[0]$a$n$p$l|240[0]$a$n$p$l"),
    "other_titles": every("246$a"),
    "author": "100$a|110$a|111$a",
    "author_original": first(linked("100$a|110$a|111$a")),
    "contributors": every("700$a|710$a|711$a"),
    "isbn": every("020$a"),
    "issn": every("022$a"),
    "lccn": "010$a",
    "oclc_number": r"035$a{~\(OCoLC)}",
    "language": "008/35-37",
    "languages": every("041$a"),
    "country": "008/15-17",
    "date_type": "008/6",
    "date1": "008/7-10",
    "date2": "008/11-14",
    "place": r"264$a{^2=\1}|260$a",
    "publisher": r"264$b{^2=\1}|260$b",
    "publication_date": r"264$c{^2=\1}|260$c",
    "edition": "250$a",
    "extent": "300$a",
    "series": every("490$a|440$a"),
    "summary": "520$a",
    "subjects": every("600$a|610$a|611$a|630$a|647$a|648$a|650$a|651$a|653$a"),
    "genres": every("655$a"),
    "lc_call_number": join("050[0]$a$b"),
    "dewey": every("082$a"),
    "local_call_numbers": every("852$h"),
    "urls": every("856$u"),
    "is_online": exists("856$u"),
}
"""Columns of bibliographic records."""

AUTHORITY: dict[str, str | Column] = {
    "control_number": "001",
    "control_number_source": "003",
    "record_status": "LDR/5",
    "encoding_level": "LDR/17",
    "record_kind": "008/9",
    "heading": join("1..[0]$a-z"),
    "heading_original": join(linked("1..[0]$a-z")),
    "lccn": "010$a",
    "identifiers": every("024$a"),
    "see_from": every("4..$a"),
    "see_also": every("5..$a"),
    "equivalents": every("7..$0"),
    "birth": "046$f",
    "death": "046$g",
    "place": "370$a",
    "field_of_activity": every("372$a"),
    "occupations": every("374$a"),
    "languages": every("377$a"),
    "sources": every("670$a"),
    "notes": every("678$a|680$a"),
}
"""Columns of authority records."""

HOLDINGS: dict[str, str | Column] = {
    "control_number": "001",
    "bibliographic_record": "004",
    "record_status": "LDR/5",
    "record_type": "LDR/6",
    "encoding_level": "LDR/17",
    "receipt_status": "008/6",
    "acquisition_method": "008/7",
    "retention_policy": "008/12",
    "lending_policy": "008/20",
    "institution": "852$a",
    "location": "852$b",
    "shelving_locations": every("852$c"),
    "call_number": join("852[0]$h$i"),
    "copy_number": "852$t",
    "barcodes": every("852$p|876$p"),
    "public_notes": every("852$z"),
    "enumeration": every("863$a"),
    "chronology": every("863$i"),
    "textual_holdings": every("866$a"),
    "urls": every("856$u"),
}
"""Columns of holdings records."""
