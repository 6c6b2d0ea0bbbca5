"""Tables in documents, put in place of those that were there: between ``<!-- peers: NAME -->`` and ``<!-- end -->``."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

_PLACE = re.compile(r"(<!-- peers: (\w+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def places(text: str) -> list[str]:
    """Names of the tables that a page has places for."""
    return [match[2] for match in _PLACE.finditer(text)]


def put(text: str, name: str, table: str) -> str:
    """The page with `table` in the places of that name."""
    return _PLACE.sub(lambda at: f"{at[1]}\n{table.strip()}\n\n{at[3]}" if at[2] == name else at[0], text)


def put_into(pages: Collection[Path], name: str, table: str) -> None:
    """Put a table into each page that has a place for it."""
    for page in pages:
        text = page.read_text()
        changed = put(text, name, table)
        if changed != text:
            page.write_text(changed)


class _Tee(io.StringIO):
    """Keeps what is printed, and prints it."""

    def write(self, text: str, /) -> int:
        if sys.__stdout__ is not None:
            sys.__stdout__.write(text)
        return super().write(text)


def printed(work: Callable[[], bool]) -> tuple[bool, str]:
    """What `work` gives, and what it prints, which is printed."""
    tee = _Tee()
    with contextlib.redirect_stdout(tee):
        result = work()
    return result, tee.getvalue()
