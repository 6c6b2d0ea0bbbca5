"""``mrrc_arrow.columns``: what the ready sets make of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc

from .marc import Field, control, data, encode

if TYPE_CHECKING:
    from pathlib import Path


def row_of(fields: list[Field], leader: str, columns: dict[str, str | mrrc.Column]) -> dict[str, Any]:
    row: dict[str, Any] = mrrc.read_table(encode(fields, leader=leader), columns=columns).to_pylist()[0]
    return {name: value for name, value in row.items() if value not in (None, [], False)}


def test_ready_columns_of_a_bibliographic_record() -> None:
    fields = [
        control("001", "id1"),
        control("003", "DLC"),
        control("008", "850506s1983    enka     b    001 0 eng d"),
        data("010", ("a", "   85000001 ")),
        data("020", ("a", "9780000000001"), ("q", "paperback")),
        data("022", ("a", "1234-5679")),
        data("035", ("a", "(DE-101)1")),
        data("035", ("a", "(OCoLC)12345")),
        data("041", ("a", "eng"), ("a", "fre")),
        data("050", ("a", "QA76"), ("a", "QA77"), ("b", ".B5"), ind="00"),
        data("082", ("a", "005.1"), ("2", "23"), ind="00"),
        data("110", ("6", "880-01"), ("a", "Great Britain."), ("b", "Parliament.")),
        data("240", ("a", "Works."), ("l", "English"), ind="10"),
        data("245", ("6", "880-02"), ("a", "Title :"), ("b", "rest /"), ("c", "by them."), ind="10"),
        data("246", ("a", "Other :"), ("b", "rest")),
        data("250", ("a", "2nd ed.")),
        data("264", ("a", "Printville :"), ("b", "Printer"), ind=" 3"),
        data("264", ("a", "London :"), ("b", "HMSO,"), ("c", "1983."), ind=" 1"),
        data("300", ("a", "vi, 23 p. ;"), ("c", "20 cm")),
        data("490", ("a", "Series ;"), ("v", "1")),
        data("520", ("a", "Summary.")),
        data("650", ("a", "Law"), ("z", "England"), ("x", "History"), ("0", "x"), ind=" 0"),
        data("655", ("a", "Reports."), ("2", "lcgft"), ind=" 7"),
        data("700", ("a", "Poe, Edgar Allan,"), ("d", "1809-1849."), ("e", "author")),
        data("700", ("a", "Moe, Jane."), ("t", "Her work.")),
        data("710", ("a", "HMSO")),
        data("852", ("h", "JN500"), ("i", ".A1")),
        data("856", ("u", "http://x/toc"), ind="42"),
        data("880", ("6", "110-01"), ("a", "英国"), ("b", "国会")),
        data("880", ("6", "245-02"), ("a", "題"), ("b", "残り")),
    ]
    expected = {
        "control_number": "id1",
        "control_number_source": "DLC",
        "record_status": "n",
        "record_type": "a",
        "bibliographic_level": "m",
        "encoding_level": " ",
        "title": "Title : rest /",
        "responsibility": "by them.",
        "title_original": "題 残り",
        "uniform_title": "Works. English",
        "other_titles": ["Other : rest"],
        "author": "Great Britain. Parliament.",
        "author_original": "英国 国会",
        "contributors": ["Poe, Edgar Allan, 1809-1849.", "HMSO"],
        "isbn": ["9780000000001"],
        "issn": ["1234-5679"],
        "lccn": "   85000001 ",
        "oclc_number": "12345",
        "language": "eng",
        "languages_041": ["eng", "fre"],
        "country": "enk",
        "date_type": "s",
        "date1": "1983",
        "date2": "    ",
        "place": "London :",
        "publisher": "HMSO,",
        "publication_date": "1983.",
        "edition": "2nd ed.",
        "extent": "vi, 23 p. ;",
        "series": ["Series ;"],
        "summary": "Summary.",
        "subjects": ["Law -- England -- History"],
        "genres": ["Reports."],
        "lc_call_number": "QA76 .B5",
        "dewey": ["005.1"],
        "local_call_numbers": ["JN500 .A1"],
        "urls": ["http://x/toc"],
    }
    found = row_of(fields, "nam a22     4500", mrrc.columns.BIBLIOGRAPHIC)
    assert found == expected
    assert set(mrrc.columns.BIBLIOGRAPHIC) - set(found) == {"is_online"}
    online = [*fields, data("856", ("u", "http://x"), ind="40")]
    assert row_of(online, "nam a22     4500", mrrc.columns.BIBLIOGRAPHIC)["is_online"]


def test_ready_columns_of_an_authority_record() -> None:
    fields = [
        control("001", "n1"),
        control("003", "DLC"),
        control("008", "850506n| azannaabn          |a aaa      "),
        data("010", ("a", "n  1")),
        data("024", ("a", "Q1"), ("2", "wikidata"), ind="7 "),
        data("046", ("f", "1809"), ("g", "1849")),
        data("110", ("6", "880-01"), ("a", "United States."), ("b", "Army")),
        data("370", ("a", "Boston"), ("b", "Baltimore"), ("c", "U.S."), ("e", "Richmond")),
        data("372", ("a", "War")),
        data("374", ("a", "Soldiers")),
        data("377", ("a", "eng")),
        data("410", ("w", "nne"), ("a", "U.S."), ("b", "Army")),
        data("510", ("w", "a"), ("a", "Continental Army"), ("i", "Predecessor")),
        data("670", ("a", "A book, 1999"), ("b", "title page")),
        data("680", ("i", "Here are entered works on"), ("a", "Army")),
        data("710", ("a", "Heer"), ("0", "(DE-588)1"), ind="27"),
        data("880", ("6", "110-01"), ("a", "米国"), ("b", "陸軍")),
    ]
    assert row_of(fields, "nz  a22     4500", mrrc.columns.AUTHORITY) == {
        "control_number": "n1",
        "control_number_source": "DLC",
        "record_status": "n",
        "encoding_level": " ",
        "record_kind": "a",
        "heading": "United States. Army",
        "heading_original": "米国 陸軍",
        "lccn": "n  1",
        "identifiers": ["Q1"],
        "see_from": ["U.S. Army"],
        "see_also": ["Continental Army"],
        "equivalents": ["(DE-588)1"],
        "birth_date": "1809",
        "death_date": "1849",
        "birth_place": "Boston",
        "death_place": "Baltimore",
        "associated_places": ["U.S.", "Richmond"],
        "fields_of_activity": ["War"],
        "occupations": ["Soldiers"],
        "languages": ["eng"],
        "sources": ["A book, 1999"],
        "notes": ["Here are entered works on Army"],
    }


def test_ready_columns_of_a_holdings_record() -> None:
    fields = [
        control("001", "h1"),
        control("004", "id1"),
        control("008", "8505064p    8   4001baeng0850506"),
        data(
            "852",
            ("a", "DLC"),
            ("b", "MAIN"),
            ("c", "Stacks"),
            ("h", "QA76"),
            ("i", ".B5"),
            ("t", "2"),
            ("p", "39"),
            ("z", "Ask"),
        ),
        data("863", ("a", "1-3"), ("i", "1990-1992")),
        data("866", ("a", "v.1-v.3")),
        data("856", ("u", "http://x")),
        data("876", ("p", "40")),
    ]
    assert row_of(fields, "nx  a22     4500", mrrc.columns.HOLDINGS) == {
        "control_number": "h1",
        "bibliographic_record": "id1",
        "record_status": "n",
        "record_type": "x",
        "encoding_level": " ",
        "receipt_status": "4",
        "acquisition_method": "p",
        "retention_policy": "8",
        "lending_policy": "b",
        "institution": "DLC",
        "location": "MAIN",
        "shelving_locations": ["Stacks"],
        "call_number": "QA76 .B5",
        "copy_number": "2",
        "barcodes": ["39", "40"],
        "public_notes": ["Ask"],
        "enumeration": ["1-3"],
        "chronology": ["1990-1992"],
        "textual_holdings": ["v.1-v.3"],
        "urls": ["http://x"],
    }


def test_ready_columns_of_real_files(sample: Path, corpus: Path) -> None:
    table = mrrc.read_table(sample, columns=mrrc.columns.BIBLIOGRAPHIC)
    assert table.column_names == list(mrrc.columns.BIBLIOGRAPHIC)
    assert table["title"].null_count == 0
    path = corpus / "folio-org__stripes-testing/100_MARC_authority_records.mrc"
    authorities = mrrc.read_table(path, columns=mrrc.columns.AUTHORITY).to_pylist()
    assert len(authorities) == 100
    assert all(row["heading"] and row["control_number"] for row in authorities)
    assert any(row["see_from"] for row in authorities)
