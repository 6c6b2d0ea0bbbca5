"""Columns: a MARCspec, and how many of its values to keep."""

from __future__ import annotations

from dataclasses import dataclass

from mrrc_arrow import _native


@dataclass(frozen=True)
class Column:
    """What a column has of each record, for the `columns` of `read_marc` and its like.

    Made by `first`, `all`, `join`, `count` and `exists`, or of text.

    Parameters
    ----------
    expression : str
        The column as text: a spec, of which the first value is kept, or ``all(650$a)``, ``join(245$a$b, " ")``,
        ``count(852)``, ``exists(856$u)``.

    Raises
    ------
    ValueError
        The expression is none; the message points at the character.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.all("650$a")
    Column(expression='all(650$a)')
    """

    expression: str

    def __post_init__(self) -> None:
        """Refuse what is no column."""
        _native.check_column(self.expression)

    def __str__(self) -> str:
        """Give the column as text, as the command line takes it."""
        return self.expression


def first(spec: str) -> Column:
    """Keep the first value: a string, or null where there is none. A bare spec means this.

    Parameters
    ----------
    spec : str
        A MARCspec.

    Returns
    -------
    Column
        A column of strings.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.read_marc("tests/data/sample.mrc", columns={"id": mrrc.first("001")}, n_rows=1).columns
    ['id']
    """
    return Column(f"first({spec})")


def all(spec: str) -> Column:
    """Keep all values: a list of strings, which is empty where there are none.

    Parameters
    ----------
    spec : str
        A MARCspec.

    Returns
    -------
    Column
        A column of lists.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> df = mrrc.read_marc("tests/data/sample.mrc", columns={"subjects": mrrc.all("650$a")})
    >>> df["subjects"].null_count()
    0
    """
    return Column(f"all({spec})")


def join(spec: str, sep: str = " ") -> Column:
    """Keep all values as one string, or null where there are none.

    Parameters
    ----------
    spec : str
        A MARCspec.
    sep : str
        What goes between values.

    Returns
    -------
    Column
        A column of strings.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.join("245$a$b", sep=" : ")
    Column(expression='join(245$a$b, " : ")')
    """
    quoted = sep.replace("\\", "\\\\").replace('"', '\\"')
    return Column(f'join({spec}, "{quoted}")')


def count(spec: str) -> Column:
    """Count the values; of a spec without subfields, the fields.

    Parameters
    ----------
    spec : str
        A MARCspec.

    Returns
    -------
    Column
        A column of UInt32.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.count("852")
    Column(expression='count(852)')
    """
    return Column(f"count({spec})")


def exists(spec: str) -> Column:
    """Tell whether there is a value.

    Parameters
    ----------
    spec : str
        A MARCspec.

    Returns
    -------
    Column
        A column of Boolean.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.exists("856$u")
    Column(expression='exists(856$u)')
    """
    return Column(f"exists({spec})")
