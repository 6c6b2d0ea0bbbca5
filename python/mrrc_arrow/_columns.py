"""Columns: a MARCspec, and how many of its values to keep."""

from __future__ import annotations

from dataclasses import dataclass

from mrrc_arrow import _native


@dataclass(frozen=True)
class Column:
    """What a column has of each record, for the `columns` of `read_marc` and its like.

    Made by `first`, `all`, `join`, `count`, `exists`, `fields` and `linked`, or of text.

    Parameters
    ----------
    expression : str
        The column as text: a spec, of which the first value is kept, or ``all(650$a)``, ``all(650$a$x, " -- ")``,
        ``join(245$a$b, " ")``, ``count(852)``, ``exists(856$u)``, ``fields(700)``; in each of these specs with ``|``
        between, or ``linked(245$a)``. Or ``fixed(008)``, ``fixed(008, labels)``.

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


def first(spec: str | Column) -> Column:
    """Keep the first value: a string, or null where there is none. A bare spec means this.

    Parameters
    ----------
    spec : str or Column
        A MARCspec, or what `linked` makes of one.

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
    return Column(f"first({_checked(spec)})")


def all(spec: str | Column, sep: str | None = None) -> Column:
    """Keep all values: a list of strings, which is empty where there are none.

    Parameters
    ----------
    spec : str or Column
        A MARCspec, or what `linked` makes of one.
    sep : str, optional
        Make one value of those of each field, with this between.

    Returns
    -------
    Column
        A column of lists.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> df = mrrc.read_marc("tests/data/sample.mrc", columns={"subjects": mrrc.all("650$a$x", sep=" -- ")})
    >>> df["subjects"].null_count()
    0
    """
    return Column(f"all({_checked(spec)})" if sep is None else f"all({_checked(spec)}, {_quoted(sep)})")


def _checked(spec: str | Column) -> str:
    """Give a spec as text."""
    if not isinstance(spec, (str, Column)):
        raise TypeError(f"spec must be str or Column, not {type(spec).__name__}; one after the other is 100$a|110$a")
    return str(spec)


def _quoted(text: str) -> str:
    """Put text in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def join(spec: str | Column, sep: str = " ") -> Column:
    """Keep all values as one string, or null where there are none.

    Parameters
    ----------
    spec : str or Column
        A MARCspec, or what `linked` makes of one.
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
    return Column(f"join({_checked(spec)}, {_quoted(sep)})")


def count(spec: str | Column) -> Column:
    """Count the values; of a spec without subfields, the fields.

    Parameters
    ----------
    spec : str or Column
        A MARCspec, or what `linked` makes of one.

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
    return Column(f"count({_checked(spec)})")


def exists(spec: str | Column) -> Column:
    """Tell whether there is a value.

    Parameters
    ----------
    spec : str or Column
        A MARCspec, or what `linked` makes of one.

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
    return Column(f"exists({_checked(spec)})")


def fields(spec: str | Column) -> Column:
    """Keep whole fields, nested: a list of structs, which is empty where there are none.

    Parameters
    ----------
    spec : str or Column
        A MARCspec without subfields, positions and indicators (tests in braces may speak of those), or what `linked`
        makes of one.

    Returns
    -------
    Column
        A column of lists of structs ``tag, ind1, ind2, value, subfields``, as in ``layout="records"``.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> df = mrrc.read_marc("tests/data/sample.mrc", columns={"added": mrrc.fields("700")})
    >>> [field.name for field in df.schema["added"].inner.fields]
    ['tag', 'ind1', 'ind2', 'value', 'subfields']
    """
    return Column(f"fields({_checked(spec)})")


def fixed(spec: str, labels: bool = False) -> Column:
    r"""Take the leader, 006, 007 or 008 apart into what its positions mean by their place (MARC 21).

    Which table a record has is told by its own leader/06 and 07 (008, LDR), or by the field's first character (006,
    007). The page "Fixed fields" of the documentation lists names and places.

    Parameters
    ----------
    spec : str
        ``"LDR"``, ``"006"``, ``"007"`` or ``"008"``; of several fields the first, or with an index the one that it
        says: ``"006[1]"``. A test in braces may choose: ``r"007{/0=\v}"`` is the first of a videorecording.
    labels : bool, default False
        What the codes mean in place of the codes. Those that have no meaning in MARC 21 stay as they are. Several codes
        of one position are joined with ``"; "``.

    Returns
    -------
    Column
        A column of structs of strings: ``material`` (such as ``"books"``; null where MARC 21 has no such material) and
        the positions of all materials by name. One is null where the record's material does not have it, and where the
        field is absent or ends before.

    Raises
    ------
    ValueError
        The spec is of another field, or of a part of one; the message points at the character.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> df = mrrc.read_marc("tests/data/sample.mrc", columns={"coded": mrrc.fixed("008")}).unnest("coded")
    >>> df["material"].null_count(), df.columns[:4]
    (0, ['material', 'date_entered', 'date_type', 'date1'])
    >>> mrrc.fixed("LDR", labels=True)
    Column(expression='fixed(LDR, labels)')
    """
    return Column(f"fixed({spec}, labels)" if labels else f"fixed({spec})")


def linked(spec: str) -> Column:
    """Take the spec of the 880s that belong to the fields it names: their text in another script.

    An 880 belongs to a field if its first $6 has the field's tag and a number (``245-02``) that the field's first $6
    has after ``880-``. Tag and index say of which fields, all else in the spec speaks of the 880s.

    Parameters
    ----------
    spec : str
        A MARCspec.

    Returns
    -------
    Column
        A column with the first of these values, or for `all`, `join`, `count`, `exists` and `fields` to take.

    Examples
    --------
    >>> import mrrc_arrow as mrrc
    >>> mrrc.all(mrrc.linked("700$a"))
    Column(expression='all(linked(700$a))')
    """
    return Column(f"linked({_checked(spec)})")
