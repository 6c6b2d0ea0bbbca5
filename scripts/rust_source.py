"""Writing tables as Rust, for the scripts that make them."""

from __future__ import annotations


def lines_of(items: list[str]) -> list[str]:
    """Join `items` with commas, to lines of 120 characters."""
    lines = ["   "]
    for item in items:
        if len(lines[-1]) + len(item) + 2 > 120:
            lines.append("   ")
        lines[-1] += f" {item},"
    return lines
