"""The names that MARC 21 gives its fields and subfields, as a table."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest

from .marc21 import BIBLIOGRAPHIC, STRING_TYPES, schema

if TYPE_CHECKING:
    from pathlib import Path

    from .marc import StringType


@pytest.mark.parametrize("string_type", STRING_TYPES)
@pytest.mark.parametrize("categorical", [None, True, False])
def test_tags_and_codes_have_the_types_of_the_tables(
    sample: Path, string_type: StringType, categorical: bool | None
) -> None:
    names = mrrc.dictionary(string_type=string_type, categorical=categorical)
    rows = mrrc.read_table(sample, layout="subfields", n_rows=1, string_type=string_type, categorical=categorical)
    text = STRING_TYPES[string_type]
    assert names.schema.names == ["tag", "code", "name", "field_name", "repeatable", "obsolete"]
    assert [names.schema.field(name).nullable for name in names.schema.names] == [False, True, False, False, True, True]
    for name in ("tag", "code"):
        assert names.schema.field(name).type == rows.schema.field(name).type
    assert names.schema.types[2:] == [text, text, pa.bool_(), pa.bool_()]
    names.validate(full=True)


def test_fields_and_subfields_have_the_names_of_marc_21() -> None:
    rows = {(row["tag"], row["code"]): row for row in mrrc.dictionary().to_pylist()}
    for tag, code, name, repeatable, obsolete in [
        ("LDR", None, "Leader", False, None),
        ("001", None, "Control Number", False, None),
        ("007", None, "Physical Description", True, None),
        ("023", "a", "Cluster ISSN", False, False),
        ("245", None, "Title Statement", False, None),
        ("245", "a", "Title", False, False),
        ("650", None, "Subject Added Entry - Topical Term", True, None),
        ("650", "x", "General subdivision", True, False),
        ("650", "b", "Topical term following geographic name as entry element", None, True),
    ]:
        wanted = (tag, code, name, rows[tag, None]["name"], repeatable, obsolete)
        assert tuple(rows[tag, code].values()) == wanted
    assert len(rows) == mrrc.dictionary().num_rows
    authority = {(row["tag"], row["code"]): row["name"] for row in mrrc.dictionary("authority").to_pylist()}
    assert authority["100", None] == "Heading-Personal Name"
    assert authority["LDR", None] == "Leader"


def test_every_name_of_the_schemas_is_there() -> None:
    if not BIBLIOGRAPHIC.exists():
        pytest.skip(f"the schema is not at hand ({BIBLIOGRAPHIC})")
    rows = {(row["tag"], row["code"]): row["name"] for row in mrrc.dictionary().to_pylist()}
    for tag, field in schema(BIBLIOGRAPHIC).items():
        for code, entry in {None: field, **field.get("subfields", {})}.items():
            label = entry.get("label", "Leader").split(" [OBSOLETE")[0]
            assert rows[tag, code] == label.strip().replace("Classificaton", "Classification"), (tag, code)


def test_names_join_in_polars(sample: Path) -> None:
    """Categoricals with categoricals, and strings with strings."""
    for categorical in (True, False):
        rows = mrrc.read_marc(sample, layout="subfields", categorical=categorical)
        names = pl.DataFrame(mrrc.dictionary(categorical=categorical))
        joined = rows.join(names, on=["tag", "code"], how="left", nulls_equal=True, maintain_order="left")
        assert joined.height == rows.height
        assert joined.filter(pl.col("tag").cast(pl.String) == "001")["name"].unique().to_list() == ["Control Number"]
        titles = joined.filter((pl.col("tag").cast(pl.String) == "245") & (pl.col("code").cast(pl.String) == "a"))
        assert titles.height > 0
        assert titles["name"].unique().to_list() == ["Title"]


def test_names_join_in_duckdb_and_pyarrow(sample: Path) -> None:
    rows = mrrc.read_table(sample, layout="subfields", string_type="large_string")
    names = mrrc.dictionary(string_type="large_string")
    wanted = rows.filter(rows["code"].is_valid())
    joined = wanted.select(["tag", "code"]).join(names, ["tag", "code"], join_type="left outer")
    assert joined.num_rows == wanted.num_rows
    keys = {(row["tag"], row["code"]) for row in names.select(["tag", "code"]).to_pylist()}
    named = sum((row["tag"], row["code"]) in keys for row in rows.select(["tag", "code"]).to_pylist())
    assert 0 < named < rows.num_rows  # the sample has local fields
    coded = sum((row["tag"], row["code"]) in keys for row in wanted.select(["tag", "code"]).to_pylist())
    assert joined.num_rows - joined["name"].null_count == coded
    query = (
        "select count(*), count(n.name) from rows r left join names n "
        "on r.tag = n.tag and r.code is not distinct from n.code"
    )
    connection = duckdb.connect()
    for categorical in (True, False):
        connection.register("rows", mrrc.read_table(sample, layout="subfields", categorical=categorical))
        connection.register("names", mrrc.dictionary(categorical=categorical))
        assert connection.execute(query).fetchall() == [(rows.num_rows, named)]


def test_what_there_is_no_dictionary_of_is_told() -> None:
    odd: Any = "holdings"
    with pytest.raises(ValueError, match='kind must be "bibliographic" or "authority", not \'holdings\''):
        mrrc.dictionary(odd)
    with pytest.raises(ValueError, match="string_type must be"):
        mrrc.dictionary(string_type=odd)
    with pytest.raises(TypeError, match="categorical must be a bool or None, not str"):
        mrrc.dictionary(categorical=odd)


def test_without_pyarrow_the_dictionary_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=re.escape('pip install "mrrc-arrow[pyarrow]"')):
        mrrc.dictionary()
