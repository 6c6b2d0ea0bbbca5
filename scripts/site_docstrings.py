"""Docstrings for the documentation site: an extension of griffe, which reads sources and stubs for mkdocs.yml.

They are written for `help`, in numpydoc: a name in single backticks is a reference, ``::`` begins a literal block, and
what the reading functions take is written once, in `mrrc_arrow._options`, and put in at run time. Here all of that
becomes what the site shows: links, code blocks, and the options in one place.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import TYPE_CHECKING, Any

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = "mrrc_arrow"

# Modules whose public names are written without them, in the package or beside it.
_MODULES = ("columns", "errors", "polars", "spark")


class Docstrings(griffe.Extension):
    """What is done to the package once griffe has read it."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:  # noqa: ANN401 - what else griffe tells
        """Write the options, then mend the text of every docstring."""
        if pkg.path != _PACKAGE:
            return
        _write_options(pkg)
        aliases = _aliases(pkg)
        targets = _targets(pkg)
        for one in list(_objects(pkg)):
            if isinstance(one, griffe.Function):
                for parameter in one.parameters:
                    parameter.annotation = _spelled_out(parameter.annotation, aliases)
            if isinstance(one, griffe.Attribute):
                one.value = _spelled_out(one.value, aliases)
            if isinstance(one, griffe.Class):
                _gather_properties(one)
                _make_of_overloads(one)
            if one.docstring:
                one.docstring.value = _markdown(one.docstring.value, one, targets)


def _objects(module: griffe.Module) -> Iterator[griffe.Object]:
    """Give a module and everything that is defined in it."""
    todo: list[griffe.Object] = [module]
    while todo:
        one = todo.pop()
        yield one
        todo += [member for member in one.members.values() if isinstance(member, griffe.Object)]


def _write_options(package: griffe.Module) -> None:
    """Describe the options once, where the reference has `ReadOptions`, and refer to that in each function."""
    module = package["_options"]
    text, defaults = (ast.literal_eval(str(module[name].value)) for name in ("_PARAMETERS", "_DEFAULTS"))
    at = text.index("layout :")
    described = module["ReadOptions"]
    described.docstring.value += f"\n\nParameters\n----------\n{text[at:]}"
    parameters = (
        griffe.Parameter(
            name,
            kind=griffe.ParameterKind.keyword_only,
            default=repr(default),
            annotation=described[name].annotation,
        )
        for name, default in defaults.items()
    )
    described.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*parameters)))
    for one in _objects(package):
        # What `takes_read_options` fills in at run time.
        if isinstance(one, griffe.Function) and one.docstring and "{options}\n" in one.docstring.value:
            source = text[:at] if "source" in one.parameters else ""
            options = f"{source}**options : Unpack[ReadOptions]\n    Any of `ReadOptions`, by name.\n"
            one.docstring.value = one.docstring.value.replace("{options}\n", options)


def _aliases(package: griffe.Module) -> dict[str, Any]:
    """Give the type aliases that are not public themselves, by their paths."""
    public = {str(name) for name in package.exports or []}
    return {
        one.path: one.value
        for one in _objects(package)
        if isinstance(one, griffe.Attribute) and str(one.annotation) == "TypeAlias" and one.name not in public
    }


def _spelled_out(annotation: Any, aliases: dict[str, Any]) -> Any:  # noqa: ANN401 - what griffe has for a type
    """Put types in the place of the aliases for them."""
    if isinstance(annotation, griffe.ExprName) and annotation.canonical_path in aliases:
        return _spelled_out(aliases[annotation.canonical_path], aliases)
    if isinstance(annotation, griffe.Expr):
        parts = {field.name: getattr(annotation, field.name) for field in dataclasses.fields(annotation)}
        own = {name: _spelled_out(part, aliases) for name, part in parts.items() if name != "parent"}
        return dataclasses.replace(annotation, **own)
    return [_spelled_out(one, aliases) for one in annotation] if isinstance(annotation, list) else annotation


def _gather_properties(one: griffe.Class) -> None:
    """Tell of a class's properties in a table, where each alone would take a heading."""
    properties = [m for m in one.members.values() if isinstance(m, griffe.Attribute) and "property" in m.labels]
    properties = [member for member in properties if member.docstring and not member.name.startswith("_")]
    if properties and one.docstring:
        rows = "".join(f"{m.name} : {m.annotation}\n    {m.docstring.value}\n" for m in properties if m.docstring)
        one.docstring.value += f"\n\nAttributes\n----------\n{rows}"
        for member in properties:
            one.del_member(member.name)


def _make_of_overloads(one: griffe.Class) -> None:
    """Make a method of overloads alone, as stubs have them."""
    for name, overloads in one.overloads.items():
        if name not in one.members:
            overloads[-1].overloads = overloads
            one.set_member(name, overloads[-1])


def _targets(package: griffe.Module) -> dict[str, str]:
    """Give what can be written in single backticks, each with the name that the reference has it under."""
    public = [name for name in package.members if not name.startswith("_")]
    # A module by its whole name alone: options have the same names.
    names = {name if name not in _MODULES else f"{_PACKAGE}.{name}": f"{_PACKAGE}.{name}" for name in public}
    for module in _MODULES:
        exported = package[module].exports or []
        names |= {str(name): f"{_PACKAGE}.{module}.{name}" for name in exported if str(name) not in names}
    return names


def _markdown(text: str, owner: griffe.Object, targets: dict[str, str]) -> str:
    """Make Markdown of what is numpydoc alone."""
    own = {owner.name, owner.parent.name if owner.parent else ""}

    def linked(name: re.Match[str]) -> str:
        target = targets.get(name[1])
        return name[0] if name[1] in own or target is None else f"[{name[0]}][{target}]"

    # Choices as the type that they are.
    text = re.sub(r"^( *\w+ : )\{(.*)\}", r"\1Literal[\2]", text, flags=re.MULTILINE)
    lines = []
    for line in text.splitlines():
        if not line.lstrip().startswith((">>>", "...")):
            line = re.sub(r"(?<![`\w])`([A-Za-z_][\w.]*)`(?![`\w])", linked, line)
            line = line[:-1] if line.endswith("::") else line
        lines.append(line)
    return "\n".join(lines)
