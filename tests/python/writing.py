"""What tests of `write_marc` share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc

if TYPE_CHECKING:
    from mrrc_arrow._write import ArrowStreamExportable, TextEncoding


def written(table: ArrowStreamExportable, encoding: TextEncoding = "utf-8") -> bytes:
    """The bytes of a table as MARC."""
    out = io.BytesIO()
    mrrc.write_marc(table, out, encoding=encoding)
    return out.getvalue()
