"""What of a Polars predicate the parser can ask itself, so that what nobody wants is not built.

Whoever pushes a part of a predicate down still applies the whole of it: what comes out of here may let pass what is not
wanted, and may drop nothing that is. Of predicates that are not known for certain to be that, nothing is pushed down.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    import polars as pl

Test: TypeAlias = tuple[str, str, object]
"""A column, what is asked of it, and of what: as ``layout::ColumnTest`` in the core."""

_MOST = 2**64 - 1
_MOST_BYTES = 1 << 18

# Of these columns all values that are worth knowing can be listed; what else there is passes.
_ASCII: tuple[str | None, ...] = (None, *map(chr, range(0x20, 0x7F)))
_SYMBOLS: dict[str, tuple[str | None, ...]] = {
    "tag": ("LDR", *(f"{number:03}" for number in range(1000))),
    "ind1": _ASCII,
    "ind2": _ASCII,
    "code": _ASCII,
}

# What can be asked before rows are made.
_EARLY = {"records": {"leader", "control_number"}, "subfields": {"record", "control_number", *_SYMBOLS}}

# What goes by each value alone, of which a table can be made.
_COMPARISONS = {"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "EqValidity", "NotEqValidity"}
_BOOLEAN = {"IsNull", "IsNotNull", "Not", "IsIn", "IsBetween"}
_TEXT = {"StartsWith", "EndsWith"}

_MIRRORED = {"Lt": "Gt", "LtEq": "GtEq", "Gt": "Lt", "GtEq": "LtEq"}
_ORDERS = {"Lt": "lt", "LtEq": "le", "Gt": "gt", "GtEq": "ge"}


def pushed_down(predicate: pl.Expr, schema: Mapping[str, pl.DataType], layout: str | None) -> list[Test]:
    """Give tests that every row passes for which `predicate` is true.

    Parameters
    ----------
    predicate : polars.Expr
        What rows are filtered by.
    schema : mapping of str to polars.DataType
        The columns of the layout, or those by name; none that are added beside them.
    layout : {"records", "subfields"}, optional
        Whose columns those are; None where they are columns by name.

    Returns
    -------
    list of (str, str, object)
        Tests of columns; none for what cannot be pushed down.
    """
    early = schema.keys() if layout is None else schema.keys() & _EARLY[layout]
    try:
        # Long lists are written down byte by byte; to read them again takes longer than the parser would spare.
        if early.isdisjoint(predicate.meta.root_names()) or len(predicate.meta.serialize()) > _MOST_BYTES:
            return []
        nodes = _conjuncts(json.loads(predicate.meta.serialize(format="json")))
        found = [_test_of(node, schema, early, layout) for node in nodes]
    except Exception:  # how expressions are written down is Polars' own matter, and they may be nested without end
        return []
    return [test for test in found if test is not None]


def _conjuncts(node: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    match node:
        case {"BinaryExpr": {"left": left, "op": "And" | "LogicalAnd", "right": right}}:
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case _:
            yield node


def _test_of(
    node: Any,  # noqa: ANN401 - JSON
    schema: Mapping[str, pl.DataType],
    early: Set[str],
    layout: str | None,
) -> Test | None:
    columns = set(_columns(node))
    if len(columns) != 1 or not columns <= early:
        return None
    (column,) = columns
    try:
        if layout is not None and column in _SYMBOLS:
            return _by_table(node, column, schema[column])
        return _of_number(node, column) if layout is not None and column == "record" else _of_text(node, column)
    except Exception:
        return None


def _columns(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    match node:
        case {"Column": str(name)}:
            yield name
        case {"Literal": _}:
            return
        case dict():
            for value in node.values():
                yield from _columns(value)
        case list():
            for value in node:
                yield from _columns(value)


def _by_table(node: Any, column: str, dtype: pl.DataType) -> Test | None:  # noqa: ANN401 - JSON
    """Ask Polars which of all values that there may be are wanted."""
    import polars as pl

    if not _goes_by_each_value(node):
        return None
    expression = pl.Expr.deserialize(io.BytesIO(json.dumps(node).encode()), format="json")
    values = _SYMBOLS[column]
    wanted = pl.DataFrame({column: values}, schema={column: dtype}).select(expression).to_series()
    if wanted.len() != len(values) or wanted.dtype != pl.Boolean:
        return None
    refused = [value for value, is_wanted in zip(values, wanted, strict=True) if is_wanted is not True]
    return column, "none_of", ({value for value in refused if value is not None}, None in refused)


def _goes_by_each_value(node: Any) -> bool:  # noqa: ANN401 - JSON
    match node:
        case {"Column": _} | {"Literal": {"Scalar": _} | {"Dyn": _}}:
            return True
        case {"BinaryExpr": {"left": left, "op": op, "right": right}}:
            return op in _COMPARISONS | {"And", "Or"} and _goes_by_each_value(left) and _goes_by_each_value(right)
        case {"Cast": {"expr": inner}}:
            return _goes_by_each_value(inner)
        case {"Function": {"input": [first, {"Literal": _}], "function": {"Boolean": {"IsIn": _}}}}:
            return _goes_by_each_value(first)
        case {"Function": {"input": list(inputs), "function": function}}:
            match function:
                case {"Boolean": kind}:
                    name = next(iter(kind)) if isinstance(kind, dict) else kind
                    is_known = name in _BOOLEAN - {"IsIn"}
                case {"StringExpr": str(name)}:
                    is_known = name in _TEXT
                case {"Categorical": {"StartsWith": str()} | {"EndsWith": str()}}:
                    is_known = True
                case _:
                    is_known = False
            return is_known and all(map(_goes_by_each_value, inputs))
    return False


def _of_text(node: Any, column: str) -> Test | None:  # noqa: ANN401 - JSON
    match _comparison(node):
        case ("Eq" | "EqValidity", {"String": str(value)}):
            return column, "one_of", {value}
        case (op, {"String": str(value)}) if op in _ORDERS:
            return column, _ORDERS[op], value
    match node:
        case {"Function": {"input": [{"Column": _}], "function": {"Boolean": "IsNull"}}}:
            return column, "is_null", None
        case {"Function": {"input": [{"Column": _}], "function": {"Boolean": "IsNotNull"}}}:
            return column, "is_not_null", None
        case {"Function": {"input": [{"Column": _}, literal], "function": {"StringExpr": "StartsWith"}}}:
            match _literal(literal):
                case {"String": str(value)}:
                    return column, "starts_with", value
        case {"Function": {"input": [{"Column": _}, literal], "function": {"Boolean": {"IsIn": _}}}}:
            values = _list(literal)
            if values is not None and all(isinstance(value, str) for value in values):
                return column, "one_of", set(values)
    return None


def _of_number(node: Any, column: str) -> Test | None:  # noqa: ANN401 - JSON
    match _comparison(node):
        case (op, dict(literal)) if (number := _number(literal)) is not None:
            bounds = {
                "Eq": (number, number),
                "EqValidity": (number, number),
                "Lt": (0, number - 1),
                "LtEq": (0, number),
                "Gt": (number + 1, _MOST),
                "GtEq": (number, _MOST),
            }
            return _range(column, *bounds[op]) if op in bounds else None
    match node:
        case {"Function": {"input": [{"Column": _}, low, high], "function": {"Boolean": {"IsBetween": _}}}}:
            first, last = _number(_literal(low) or {}), _number(_literal(high) or {})
            # Whether the ends are in it is asked later.
            return _range(column, first, last) if first is not None and last is not None else None
        case {"Function": {"input": [{"Column": _}, literal], "function": {"Boolean": {"IsIn": _}}}}:
            values = _list(literal)
            if values and all(isinstance(value, int) for value in values):
                return _range(column, min(values), max(values))
    return None


def _range(column: str, first: int, last: int) -> Test:
    first, last = max(first, 0), min(last, _MOST)
    return column, "range", (first, last) if first <= last else (1, 0)


def _comparison(node: Any) -> tuple[str, dict[str, Any]] | None:  # noqa: ANN401 - JSON
    """Give the operator and the literal that a column is compared with, the column standing on the left."""
    match node:
        case {"BinaryExpr": {"left": {"Column": _}, "op": str(op), "right": right}}:
            literal = _literal(right)
            return (op, literal) if literal else None
        case {"BinaryExpr": {"left": left, "op": str(op), "right": {"Column": _}}}:
            literal = _literal(left)
            return (_MIRRORED.get(op, op), literal) if literal else None
    return None


def _literal(node: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    """Give a literal as its type and its value; None for what is none."""
    match node:
        case {"Literal": {"Scalar": dict(value)} | {"Dyn": dict(value)}} if len(value) == 1:
            return {"String" if name == "Str" else name: of for name, of in value.items()}
    return None


def _number(literal: dict[str, Any]) -> int | None:
    match literal:
        case {"Int": int(number)} if not isinstance(number, bool):
            return number
        case {"Int8": int(n)} | {"Int16": int(n)} | {"Int32": int(n)} | {"Int64": int(n)}:
            return n
        case {"UInt8": int(n)} | {"UInt16": int(n)} | {"UInt32": int(n)} | {"UInt64": int(n)}:
            return n
    return None


def _list(node: Any) -> list[Any] | None:  # noqa: ANN401 - JSON
    """Give the values of a literal list, which is written down as an Arrow stream."""
    import polars as pl

    match node:
        case {"Literal": {"Scalar": {"List": list(stream)}}}:
            return pl.read_ipc_stream(io.BytesIO(bytes(stream))).to_series().to_list()
    return None
