"""The schemas of MARC 21 that its tables are generated from, where they are at hand."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from .marc import StringType

REFERENCE = ROOT.parent / "shared/data/reference"
BIBLIOGRAPHIC = REFERENCE / "jorol__MARC-Schema/marc-schema.json"
AUTHORITY = REFERENCE / "pkiraly__qa-catalogue/authority-schema.avram.json"

STRING_TYPES: dict[StringType, pa.DataType] = {
    "view": pa.string_view(),
    "large_string": pa.large_string(),
    "string": pa.string(),
}


@functools.cache
def schema(path: Path) -> dict[str, Any]:
    """The fields of a schema, by tag."""
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["fields"]
    return fields
