"""Ready columns for MARC 21 records: plain dicts, to be taken as they are or to be copied and changed.

``BIBLIOGRAPHIC`` is for descriptions of works, ``AUTHORITY`` for names and subjects, ``HOLDINGS`` for what a library
has of a work. Values are as the records have them, with the punctuation that cataloguers set; names of columns that are
coded positions are those of `mrrc_arrow.fixed`.

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
from mrrc_arrow._columns import exists, join, linked

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
    "other_titles": every("246$a$b", sep=" "),
    # With units of bodies and dates of persons: "Great Britain. Parliament", "Poe, Edgar Allan, 1809-1849".
    "author": join("100[0]$a$b$c$d|110[0]$a$b|111[0]$a$n$d$c"),
    "author_original": join(linked("100[0]$a$b$c$d|110[0]$a$b|111[0]$a$n$d$c")),
    # Those of the whole; with a $t they are authors of works within or beside it.
    "contributors": every(
        "700$a{!$t}$b{!$t}$c{!$t}$d{!$t}|710$a{!$t}$b{!$t}|711$a{!$t}$n{!$t}$d{!$t}$c{!$t}",
        sep=" ",
    ),
    "isbn": every("020$a"),
    "issn": every("022$a"),
    "lccn": "010$a",
    # The number alone, of "(OCoLC)12345".
    "oclc_number": r"035$a/7-#{/0-6=\(OCoLC)}",
    "language": "008/35-37",
    # 041 is for works in several languages, and absent in others.
    "languages_041": every("041$a"),
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
    # With subdivisions: "United States -- History -- Civil War".
    "subjects": every(
        "|".join(f"{tag}$a$x$y$z$v" for tag in ("600", "610", "611", "630", "647", "648", "650", "651", "653")),
        sep=" -- ",
    ),
    "genres": every("655$a$x$y$z$v", sep=" -- "),
    "lc_call_number": join("050[0]$a[0]$b"),
    "dewey": every("082$a"),
    "local_call_numbers": every("852$h$i", sep=" "),
    "urls": every("856$u"),
    # The work itself or a version of it; other links lead to tables of contents, covers, reviews.
    "is_online": exists(r"856$u{^2=\0|^2=\1}"),
}
"""Columns of bibliographic records."""

_HEADING = "$a-h$j-t$v$x-z"

AUTHORITY: dict[str, str | Column] = {
    "control_number": "001",
    "control_number_source": "003",
    "record_status": "LDR/5",
    "encoding_level": "LDR/17",
    "record_kind": "008/9",
    "heading": join(f"1..[0]{_HEADING}"),
    "heading_original": join(linked(f"1..[0]{_HEADING}")),
    "lccn": "010$a",
    "identifiers": every("024$a"),
    "see_from": every(f"4..{_HEADING}", sep=" "),
    "see_also": every(f"5..{_HEADING}", sep=" "),
    "equivalents": every("7..$0"),
    "birth_date": "046$f",
    "death_date": "046$g",
    "birth_place": "370$a",
    "death_place": "370$b",
    "associated_places": every("370$c$e$f"),
    "fields_of_activity": every("372$a"),
    "occupations": every("374$a"),
    "languages": every("377$a"),
    "sources": every("670$a"),
    "notes": every("678$a$b|680$i$a", sep=" "),
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
    # The first levels of each: volumes, and their years.
    "enumeration": every("863$a"),
    "chronology": every("863$i"),
    "textual_holdings": every("866$a"),
    "urls": every("856$u"),
}
"""Columns of holdings records."""
