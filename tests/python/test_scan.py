"""`scan_marc`: every query over it gives what the same query over `read_marc` gives."""

from __future__ import annotations

import functools
import gc
import gzip
import operator
import warnings
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import mrrc_arrow as mrrc
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mrrc_arrow import _native
from mrrc_arrow._predicate import pushed_down
from polars.testing import assert_frame_equal

from .marc import Field, books, control, data, encode
from .script import run_script
from .strategies import records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Engine: TypeAlias = Literal["in-memory", "streaming"]

# Before Polars 2 an exception in a source becomes one of Polars' own, and sources have no names.
IS_POLARS_1 = pl.__version__.startswith("1.")
RecordError: type[Exception] = pl.exceptions.ComputeError if IS_POLARS_1 else mrrc.RecordError
MissingError: type[Exception] = pl.exceptions.ComputeError if IS_POLARS_1 else FileNotFoundError

CLOSED: list[Literal["both", "left", "right", "none"]] = ["both", "left", "right", "none"]
ENGINES: list[Engine] = ["in-memory", "streaming"]
COLUMNS = {
    "id": "001",
    "title": "245$a",
    "all": mrrc.all("650$a"),
    "joined": mrrc.join("650$a$x", " -- "),
    "count": mrrc.count("650"),
    "there": mrrc.exists("245"),
}
INPUTS: list[dict[str, Any]] = [
    {},
    {"layout": "subfields"},
    {"columns": COLUMNS},
    {"layout": "subfields", "tags": ["6XX", "245", "LDR"]},
    {"layout": "subfields", "categorical": False},
    {"layout": "subfields", "row_index_name": "row", "include_offsets": True, "include_file_paths": "path"},
    {"row_index_name": "row", "include_offsets": True},
    {"layout": "subfields", "n_rows": 7},
    {"columns": COLUMNS, "n_rows": 2, "row_index_name": "row"},
    {"layout": "subfields", "columns": ["value", "tag"]},
    {"string_type": "string"},
]

# What random values are compared with: some that occur, some that do not.
WORDS = ["", " ", "0", "1", "245", "650", "999", "LDR", "a", "b", "x", "é", "zz", "00000nam", "24", "6"]
words = st.sampled_from(WORDS)


def texts(column: pl.Expr) -> st.SearchStrategy[pl.Expr]:
    """Predicates of a column of text."""
    text = column.cast(pl.String)
    return st.one_of(
        words.map(lambda word: column == word),
        words.map(lambda word: column != word),
        words.map(lambda word: column.eq_missing(word)),
        words.map(lambda word: pl.lit(word) < column),
        words.map(lambda word: column <= word),
        words.map(lambda word: column > word),
        words.map(lambda word: pl.lit(word) >= column),
        words.map(text.str.starts_with),
        words.map(text.str.ends_with),
        st.tuples(words, words).map(lambda ends: text.is_between(pl.lit(ends[0]), pl.lit(ends[1]))),
        st.lists(words, max_size=4).map(lambda words: column.is_in(words)),
        st.sampled_from([column.is_null(), column.is_not_null(), text.str.len_chars() > 3]),
    )


def numbers(column: pl.Expr) -> st.SearchStrategy[pl.Expr]:
    """Predicates of a column of numbers."""
    number = st.integers(-2, 9)
    return st.one_of(
        number.map(lambda number: column == number),
        number.map(lambda number: column != number),
        number.map(lambda number: column < number),
        number.map(lambda number: pl.lit(number) <= column),
        number.map(lambda number: column > number + 0.5),
        st.tuples(number, number, st.sampled_from(CLOSED)).map(
            lambda ends: column.is_between(ends[0], ends[1], closed=ends[2])
        ),
        st.lists(number, max_size=4).map(lambda numbers: column.is_in(numbers)),
    )


def predicates(schema: pl.Schema) -> st.SearchStrategy[pl.Expr]:
    """Any predicate, pushed down or not."""
    each = []
    for name, dtype in schema.items():
        if dtype in (pl.String, pl.Categorical):
            each.append(texts(pl.col(name)))
        elif dtype.is_numeric():
            each.append(numbers(pl.col(name)))
    leaves = st.one_of(each)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda one: ~one),
            st.tuples(inner, inner).map(lambda both: both[0] | both[1]),
            st.tuples(inner, inner).map(lambda both: both[0] & both[1]),
        ),
        max_leaves=4,
    )


@st.composite
def queries(draw: st.DrawFn, schema: pl.Schema) -> Callable[[pl.LazyFrame], pl.LazyFrame]:
    """Filters, then a projection, a slice or an aggregation."""
    filters = draw(st.lists(predicates(schema), max_size=2))
    names = draw(st.lists(st.sampled_from(list(schema)), min_size=1, unique=True))
    offset, length = draw(st.integers(-3, 5)), draw(st.integers(0, 6))
    ends: list[Callable[[pl.LazyFrame], pl.LazyFrame]] = [
        lambda lf: lf,
        lambda lf: lf.select(names),
        lambda lf: lf.select(pl.len()),
        lambda lf: lf.head(length),
        lambda lf: lf.tail(length),
        lambda lf: lf.slice(offset, length).select(names),
        lambda lf: lf.select(names).head(length),
        lambda lf: lf.select(pl.col(names[0]).count(), pl.len().alias("len")),
        lambda lf: lf.with_columns(pl.lit(1).alias("one")).select(*names, "one"),
        lambda lf: lf.with_row_index("index of").select("index of"),
        lambda lf: lf.select(pl.int_range(pl.len()).alias("number")),
    ]
    if schema[names[0]] in (pl.String, pl.Categorical):
        ends.append(lambda lf: lf.group_by(names[0], maintain_order=True).agg(pl.len()))
    end = draw(st.sampled_from(ends))
    is_before = draw(st.booleans())

    def query(lf: pl.LazyFrame) -> pl.LazyFrame:
        lf = end(lf) if is_before and not filters else lf
        for predicate in filters:
            lf = lf.filter(predicate)
        return lf if is_before and not filters else end(lf)

    return query


@pytest.mark.parametrize("options", INPUTS, ids=str)
@settings(max_examples=40)
@given(content=records, choice=st.data())
def test_a_query_is_that_of_the_whole_table(
    options: dict[str, Any], content: list[tuple[list[Field], str]], choice: st.DataObject
) -> None:
    common = [control("001", "a"), data("245", ("a", "b"), ("x", "é"), ind="1 "), data("650", ("a", "zz"), ("x", "1"))]
    content = [
        ([*common, *fields] if number % 2 else fields, leader) for number, (fields, leader) in enumerate(content)
    ]
    raw = b"".join(encode(fields, leader=leader) for fields, leader in content)
    whole = mrrc.read_marc(raw, **options, batch_size=3)
    scan = mrrc.scan_marc(raw, **options, batch_size=3)
    assert scan.collect_schema() == whole.schema
    query = choice.draw(queries(whole.schema))
    expected = query(whole.lazy()).collect()
    for engine in ENGINES:
        assert_frame_equal(query(scan).collect(engine=engine), expected)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_any_number_of_threads_gives_the_same(threads: str, sample: Path) -> None:
    output = run_script(
        """
        import sys
        import polars as pl, mrrc_arrow as mrrc
        from polars.testing import assert_frame_equal
        path = sys.argv[1]
        for options in ({}, {"layout": "subfields"}, {"columns": {"id": "001", "title": "245$a"}}):
            whole, scan = mrrc.read_marc(path, **options), mrrc.scan_marc(path, **options, batch_size=7)
            text = [name for name, dtype in whole.schema.items() if dtype in (pl.String, pl.Categorical)]
            for name in text:
                for wanted in whole[name].unique().sort()[:20]:
                    for engine in ("in-memory", "streaming"):
                        predicate = pl.col(name).eq_missing(pl.lit(wanted))
                        assert_frame_equal(scan.filter(predicate).collect(engine=engine), whole.filter(predicate))
        print("alike")
        """,
        str(sample),
        # Some hundred queries, each of them twice.
        timeout=120,
        RAYON_NUM_THREADS=threads,
    )
    assert output.strip() == "alike"


def pushed(predicate: pl.Expr, options: dict[str, Any]) -> list[tuple[str, str, object]]:
    schema = mrrc.scan_marc(b"", **options).collect_schema()
    return pushed_down(predicate, schema, None if "columns" in options else options.get("layout", "records"))


def test_what_is_pushed_down_leaves_out_what_is_not_wanted() -> None:
    raw = b"".join(books(20))
    subfields: dict[str, Any] = {"layout": "subfields"}
    for options, predicate in [
        (subfields, pl.col("tag") == "245"),
        (subfields, pl.col("tag").is_in(["245", "001"])),
        (subfields, pl.col("tag").cast(pl.String).str.starts_with("2")),
        (subfields, (pl.col("tag") >= "200") & (pl.col("tag") < "300")),
        (subfields, (pl.col("tag") == "001") | (pl.col("tag") == "245")),
        (subfields, pl.col("code") == "a"),
        (subfields, pl.col("code").is_null()),
        (subfields, pl.col("ind1") == "1"),
        (subfields, pl.col("ind2").is_not_null()),
        (subfields, pl.col("record") < 3),
        (subfields, pl.col("record").is_between(3, 4)),
        (subfields, pl.col("control_number").is_in(["1", "2"])),
        ({}, pl.col("control_number") == "7"),
        ({}, pl.col("leader").str.starts_with("x")),
        ({"columns": {"id": "001"}}, pl.col("id") > "ocm00000005"),
    ]:
        whole = mrrc.read_marc(raw, **options)
        tests = pushed(predicate, options)
        assert tests, predicate
        extra: Any = {"_prefilter": tests}
        rows = sum(batch.num_rows for batch in _native.open_batches(raw, **options, **extra))
        assert rows == whole.filter(predicate).height, predicate
        assert rows < whole.height


@pytest.mark.parametrize(
    "predicate",
    [
        pl.col("value") == "x",
        pl.col("tag") == pl.col("code"),
        pl.col("tag") == pl.col("tag").first(),
        pl.col("record") == pl.col("record").max(),
        pl.col("control_number").str.to_lowercase() == "x",
        pl.col("control_number") != "x",
        (pl.col("tag") == "245") | (pl.col("code") == "a"),
    ],
    ids=str,
)
def test_what_is_not_known_for_certain_is_not_pushed_down(predicate: pl.Expr) -> None:
    assert pushed(predicate, {"layout": "subfields"}) == []


@pytest.mark.parametrize(
    ("options", "predicate"),
    [
        ({"columns": ["leader"], "include_file_paths": "control_number"}, pl.col("control_number").is_not_null()),
        ({"columns": ["leader"], "include_file_paths": "control_number"}, pl.col("control_number").is_null()),
        ({"layout": "subfields", "columns": ["value"], "include_file_paths": "tag"}, pl.col("tag").str.contains("/")),
        (
            {"layout": "subfields", "columns": ["value"], "include_file_paths": "tag"},
            pl.col("tag").str.starts_with("/"),
        ),
        ({"columns": {"title": "245$a"}, "include_file_paths": "leader"}, pl.col("leader").str.starts_with("/")),
        ({"columns": {"title": "245$a"}, "row_index_name": "leader"}, pl.col("leader") > 100),
        ({"columns": {"record": "001", "tag": "245$a"}}, pl.col("record") > "mac0000010"),
        ({"columns": {"record": "001", "tag": "245$a"}}, pl.col("tag") == "245"),
    ],
    ids=str,
)
def test_names_of_columns_are_no_matter(sample: Path, options: dict[str, Any], predicate: pl.Expr) -> None:
    whole, scan = mrrc.read_marc(sample, **options), mrrc.scan_marc(sample, **options)
    assert_frame_equal(scan.filter(predicate).collect(), whole.filter(predicate))
    for name in whole.columns:
        assert_frame_equal(scan.select(name).collect(), whole.select(name))
        assert_frame_equal(scan.filter(predicate).select(name).collect(), whole.filter(predicate).select(name))


def test_large_and_deep_predicates_are_no_matter(sample: Path) -> None:
    whole, scan = mrrc.read_marc(sample, layout="subfields"), mrrc.scan_marc(sample, layout="subfields")
    many = pl.col("control_number").is_in([f"mac{number:08}" for number in range(0, 200_000, 2)])
    deep = functools.reduce(operator.or_, (pl.col("tag") == f"{number:03}" for number in range(500)))
    for predicate in (many, deep):
        assert_frame_equal(scan.filter(predicate).collect(), whole.filter(predicate))
    nested: Any = {"Column": "tag"}
    for _ in range(100_000):
        nested = {"BinaryExpr": {"left": nested, "op": "Or", "right": {"Column": "tag"}}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("json.loads", lambda _: nested)
        assert pushed(pl.col("tag") == "245", {"layout": "subfields"}) == []


def test_what_becomes_of_options_afterwards_changes_no_query(sample: Path) -> None:
    columns, tags, paths = {"a": "001"}, ["245"], [sample]
    named, some = mrrc.scan_marc(paths, columns=columns), mrrc.scan_marc(paths, tags=tags)
    expected = [mrrc.read_marc(sample, columns=columns), mrrc.read_marc(sample, tags=tags)]
    columns["a"] = "245$a"
    tags.clear()
    paths.clear()
    assert_frame_equal(named.collect(), expected[0])
    assert_frame_equal(some.collect(), expected[1])


def test_a_scan_can_be_collected_again(marc_file: Path) -> None:
    scan = mrrc.scan_marc(marc_file)
    assert [scan.collect().height for _ in range(3)] == [217, 217, 217]
    both = pl.concat([scan, scan]).select(pl.len())
    assert both.collect().item() == 434


def test_a_missing_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.mrc"):
        mrrc.scan_marc(tmp_path / "gone.mrc")
    with pytest.raises(FileNotFoundError, match=r"\*\.mrc"):
        mrrc.scan_marc(str(tmp_path / "*.mrc"))


def test_a_file_that_goes_between_is_told(marc_file: Path) -> None:
    scan = mrrc.scan_marc(marc_file)
    marc_file.unlink()
    with pytest.raises(MissingError, match=r"books\.mrc"):
        scan.collect()


@pytest.mark.parametrize("options", INPUTS[:3], ids=str)
def test_nothing_at_all_is_a_frame_without_rows(tmp_path: Path, options: dict[str, Any]) -> None:
    empty = tmp_path / "empty.mrc"
    empty.touch()
    sources: list[Any] = [empty, b"", []]
    for source in sources:
        scan = mrrc.scan_marc(source, **options)
        assert_frame_equal(scan.collect(), mrrc.read_marc(b"", **options))
        assert scan.select(pl.len()).collect().item() == 0
        assert scan.filter(pl.first().is_null()).collect().is_empty()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_keeps_its_class(three: list[bytes], engine: Engine) -> None:
    raw = three[0] + b"00025nam a2200037 a 4500\x1d" + three[1]
    scan = mrrc.scan_marc(raw)
    with pytest.raises(RecordError, match="record 1 at byte"):
        scan.collect(engine=engine)
    with pytest.raises(RecordError, match="record 1 at byte"):
        scan.filter(pl.col("control_number") == "no such").collect(engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_query_warns_once_of_what_it_left_out(three: list[bytes], engine: Engine) -> None:
    raw = (three[0] + b"00025nam a2200037 a 4500\x1d") * 40
    scan = mrrc.scan_marc(raw, ignore_errors=True, batch_size=1)
    for query in (
        scan,
        scan.filter(pl.col("control_number") == "no such"),
        scan.select("leader"),
        scan.select(pl.len()),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            query.collect(engine=engine)
            gc.collect()
        assert [str(warning.message)[:12] for warning in caught] == ["40 record(s)"]
        assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):
            scan.collect(engine=engine)
        gc.collect()
    assert len(caught) == 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert scan.head(1).collect(engine=engine).height == 1
        gc.collect()
    assert not caught


def test_head_reads_no_further_than_it_needs(three: list[bytes], tmp_path: Path) -> None:
    # Not one of these bytes is looked at.
    raw = b"".join(three) + b"no MARC at all" * 1000
    assert mrrc.scan_marc(raw).head(3).collect().height == 3
    packed = tmp_path / "cut.mrc.gz"
    whole = gzip.compress(b"".join(books(100_000)), 1)
    packed.write_bytes(whole[: len(whole) // 2])
    assert mrrc.scan_marc(packed).head(10).collect().height == 10


@pytest.mark.parametrize("odd", [1, None, open, bytearray(b"x"), [b"", 3]], ids=str)
def test_what_cannot_be_read_again_is_refused(odd: Any) -> None:  # noqa: ANN401 - anything
    with pytest.raises(TypeError, match="paths and bytes"):
        mrrc.scan_marc(odd)


def test_options_are_checked_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rejects"):
        mrrc.scan_marc(b"", rejects=tmp_path / "bad.mrc", ignore_errors=True)
    with pytest.raises(ValueError, match="no column"):
        mrrc.scan_marc(b"", columns=["no such"])
    with pytest.raises(TypeError, match="unexpected"):
        mrrc.scan_marc(b"", no_such=1)  # type: ignore[call-arg]


def test_explain_says_what_is_read(sample: Path) -> None:
    scan = mrrc.scan_marc(sample, layout="subfields")
    plan = scan.filter(pl.col("tag") == "245").select("value").explain()
    assert IS_POLARS_1 or ("MARC" in plan and "sample.mrc (layout=subfields)" in plan)
    assert "PROJECT 2/9" in plan
    assert "SELECTION" in plan
    assert 'col("tag")' in plan


def test_a_query_goes_into_a_file(marc_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    mrrc.scan_marc(marc_file, layout="subfields").sink_parquet(target)
    assert_frame_equal(pl.read_parquet(target), mrrc.read_marc(marc_file, layout="subfields"))
