"""What a release says of itself: the same version and date in each place, and no more than is so."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path) -> Any:  # noqa: ANN401 - what TOML holds
    return tomllib.loads(path.read_text())


def field(root: Path, name: str) -> str | None:
    """A plain value at the top of CITATION.cff."""
    found = re.search(rf"^{name}: *(.*)$", (root / "CITATION.cff").read_text(), flags=re.MULTILINE)
    return found[1].strip("'\"") if found else None


@pytest.fixture
def version(root: Path) -> str:
    """What Cargo.toml says, which is where wheels have it from."""
    return str(read(root / "Cargo.toml")["package"]["version"])


@pytest.fixture
def heading(root: Path) -> str:
    """The first heading of the changelog."""
    found = re.search(r"^## (.*)$", (root / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert found
    return found[1]


def test_versions_agree(root: Path, version: str, heading: str) -> None:
    assert mrrc.__version__ == version
    assert field(root, "version") == version
    assert heading.split(",")[0] == version
    for lock in ("Cargo.lock", "fuzz/Cargo.lock"):
        if (root / lock).exists():  # a source distribution has one of them
            locked = {package["name"]: package["version"] for package in read(root / lock)["package"]}
            assert locked["mrrc_arrow"] == version, lock


def test_dates_agree(root: Path, heading: str) -> None:
    date = heading.partition(", ")[2]
    if date == "unreleased":
        assert field(root, "date-released") is None
    else:
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
        assert field(root, "date-released") == date


def test_the_crate_and_the_package_say_the_same(root: Path) -> None:
    crate, project = read(root / "Cargo.toml")["package"], read(root / "pyproject.toml")["project"]
    assert project["license"] == crate["license"]
    assert all(path in project["license-files"] for path in ("LICENSE-MIT", "LICENSE-APACHE"))
    assert "version" in project["dynamic"]
    oldest = re.fullmatch(r">=3\.(\d+)", project["requires-python"])
    assert oldest
    named = [line for line in project["classifiers"] if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", line)]
    assert named[0] == f"Programming Language :: Python :: 3.{oldest[1]}"
    assert f"abi3-py3{oldest[1]}" in read(root / "Cargo.toml")["dependencies"]["pyo3"]["features"]


def test_extras_hold_each_other(root: Path) -> None:
    extras = read(root / "pyproject.toml")["project"]["optional-dependencies"]
    assert set(extras) == {"polars", "pyarrow", "spark", "all"}
    assert set(extras["all"]) == set(extras["polars"]) | set(extras["pyarrow"])  # and not Spark, which wants Java
