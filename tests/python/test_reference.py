"""Everything public is in the API reference of the documentation site, once, and the examples that it shows run."""

from __future__ import annotations

import ast
import doctest
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "python/mrrc_arrow"


def exported(module: str) -> list[str]:
    """Give a module's ``__all__``, without importing what it may need."""
    for statement in ast.parse((PACKAGE / f"{module}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return names
    raise AssertionError(f"{module} has no __all__")


def helpers() -> list[str]:
    """Give what is imported into the package by a public name and is not in its ``__all__``."""
    aliases = [
        alias
        for statement in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    ]
    names = {alias.asname or alias.name for alias in aliases} - set(exported("__init__"))
    return sorted(name for name in names if not name.startswith("_"))


def documented() -> Counter[str]:
    pages = "\n".join(page.read_text() for page in (ROOT / "docs/api").glob("*.md"))
    return Counter(re.findall(r"^::: (\S+)$", pages, flags=re.MULTILINE))


def test_every_public_name_is_in_the_reference_once() -> None:
    names = [*exported("__init__"), *helpers()]
    names += [f"{module}.{name}" for module in ("columns", "polars", "spark") for name in exported(module)]
    wanted = {f"mrrc_arrow.{name}" for name in names} - {"mrrc_arrow.__version__"}
    assert {"mrrc_arrow.all", "mrrc_arrow.linked", "mrrc_arrow.columns.HOLDINGS"} <= wanted
    found = documented()
    assert wanted - set(found) == set()
    assert [name for name, times in found.items() if times > 1] == []


def test_the_reference_has_nothing_else_but_modules() -> None:
    names = {name.removeprefix("mrrc_arrow.") for name in documented()}
    known = {*exported("__init__"), *helpers(), "columns", "errors", "polars", "spark"}
    assert {name.split(".")[0] for name in names} <= known


def examples() -> list[doctest.DocTest]:
    """Give the docstrings with examples of all sources and stubs."""
    found = []
    for path in sorted(PACKAGE.glob("*.py*")):
        # Which needs Spark, and is tried with it.
        if path.name == "spark.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                name = f"{path.name}:{getattr(node, 'name', '')}"
                found.append(doctest.DocTestParser().get_doctest(ast.get_docstring(node) or "", {}, name, path.name, 0))
    return [one for one in found if one.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_examples_in_docstrings_run(
    example: doctest.DocTest, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What they write is written here.
    (tmp_path / "tests").symlink_to(root / "tests")
    monkeypatch.chdir(tmp_path)
    assert doctest.DocTestRunner().run(example).failed == 0
