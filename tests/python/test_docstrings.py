"""An option that several functions take is told in the same words by all of them.

Docstrings are whole, each by itself, for `help` and for the reference, so that what functions share is written down
more than once. The words of the reading functions are the measure: `mrrc_arrow._options` has them.
"""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING, Any

import mrrc_arrow as mrrc
import pytest
from mrrc_arrow import _options

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

Options = dict[str, tuple[str, str]]
"""Of each option its type and its paragraph."""

OTHERS: list[Callable[..., Any]] = [mrrc.plan_splits, mrrc.profile, mrrc.dictionary]

# Of the same name, and of another meaning: which columns are categorical, and whose batches they are.
OTHER_MEANINGS = {"MARCReader": {"batch_size"}, "dictionary": {"categorical"}, "profile": {"categorical"}}

# Told in short, with a reference to the reading functions: all that can be read, and the names of all encodings.
IN_SHORT = {"source": "paragraph", "encoding": "type"}


def options_of(docstring: str) -> Options:
    """Take apart the parameters of a docstring in the manner of numpydoc, or the paragraphs of them alone."""
    _, _, after = inspect.cleandoc(docstring).rpartition("Parameters\n----------\n")
    section = re.split(r"\n\n\S+( \S+)*\n-+\n", after, maxsplit=1)[0]
    found: Options = {}
    for option in re.split(r"\n(?=\S)", section):
        head, _, paragraph = option.partition("\n")
        name, _, kind = head.partition(" : ")
        found[name] = (kind, " ".join(paragraph.split()))
    return found


def first_sentence(paragraph: str) -> str:
    return re.split(r"(?<=\.)\s", paragraph, maxsplit=1)[0]


def docstring_of_stub(name: str) -> str:
    """Give what the stub of the native module says of a class."""
    stub = ast.parse((ROOT / "python/mrrc_arrow/_native.pyi").read_text(encoding="utf-8"))
    found = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == name)
    return ast.get_docstring(found) or ""


def documented() -> dict[str, Options]:
    functions = {function.__name__: options_of(function.__doc__ or "") for function in OTHERS}
    return {**functions, "MARCReader": options_of(docstring_of_stub("MARCReader"))}


@pytest.mark.parametrize("name", ["plan_splits", "profile", "dictionary", "MARCReader"])
def test_an_option_has_the_words_that_it_has_in_the_reading_functions(name: str) -> None:
    measure = options_of(_options._PARAMETERS)
    options = documented()[name]
    shared = options.keys() & measure.keys() - OTHER_MEANINGS.get(name, set())
    assert shared, "nothing was compared"
    for option in sorted(shared):
        (kind, paragraph), (known_kind, known_paragraph) = options[option], measure[option]
        if IN_SHORT.get(option) != "type":
            assert kind == known_kind, option
        if IN_SHORT.get(option) != "paragraph":
            assert first_sentence(paragraph) == first_sentence(known_paragraph), option


@pytest.mark.parametrize("function", OTHERS)
def test_an_option_has_the_default_that_it_has_in_the_reading_functions(function: Callable[..., Any]) -> None:
    for option, parameter in inspect.signature(function).parameters.items():
        if option in _options._DEFAULTS:
            assert parameter.default == _options._DEFAULTS[option], option  # type: ignore[literal-required]


@pytest.mark.parametrize(
    "function",
    [mrrc.read_table, mrrc.read_marc, mrrc.read_batches, mrrc.read_problems, mrrc.scan_marc, mrrc.write_parquet],
)
def test_the_reading_functions_have_every_option_in_full(function: Callable[..., Any]) -> None:
    measure = options_of(_options._PARAMETERS)
    assert measure.keys() == {"source", *_options._DEFAULTS}
    options = options_of(function.__doc__ or "")
    assert {name: options[name] for name in measure} == measure
