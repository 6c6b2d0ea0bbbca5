"""Tables as MARC again: byte by byte what was read, or told why not."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .marc import Field, control, data, encode
from .script import run_script
from .strategies import records
from .writing import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mrrc_arrow._write import ArrowStreamExportable
    from typing_extensions import Buffer

    from .marc import StringType

Layout: TypeAlias = Literal["records", "subfields"]


def frame_of(fields: list[dict[str, Any]], leader: str | None = "00000nam a2200000 i 4500") -> pl.DataFrame:
    """A frame of one record."""
    blank = {"ind1": None, "ind2": None, "value": None, "subfields": None}
    schema = pl.Schema([("leader", pl.String()), ("fields", FIELDS)])
    return pl.DataFrame({"leader": [leader], "fields": [[blank | field for field in fields]]}, schema=schema)


FIELDS = pl.List(
    pl.Struct(
        {
            "tag": pl.String,
            "ind1": pl.String,
            "ind2": pl.String,
            "value": pl.String,
            "subfields": pl.List(pl.Struct({"code": pl.String, "value": pl.String})),
        }
    )
)


def title(*values: str, **changes: object) -> dict[str, Any]:
    subfields = [{"code": "a", "value": value} for value in values]
    return {"tag": "245", "ind1": "1", "ind2": "0", "subfields": subfields} | changes


@pytest.mark.parametrize("layout", ["records", "subfields"])
@pytest.mark.parametrize("string_type", ["view", "large_string", "string"])
@pytest.mark.parametrize("categorical", [True, False])
def test_the_sample_comes_out_as_it_went_in(
    sample: Path, layout: Layout, string_type: StringType, categorical: bool
) -> None:
    table = mrrc.read_table(sample, layout=layout, string_type=string_type, categorical=categorical)
    assert written(table) == sample.read_bytes()


ROUTES: dict[str, Callable[[Path, Layout], ArrowStreamExportable]] = {
    "polars": lambda path, layout: mrrc.read_marc(path, layout=layout),
    "polars strings": lambda path, layout: mrrc.read_marc(path, layout=layout, categorical=False),
    "small batches": lambda path, layout: mrrc.read_batches(path, layout=layout, batch_size=7),
    "one chunk": lambda path, layout: mrrc.read_marc(path, layout=layout).rechunk(),
    "pyarrow": lambda path, layout: pa.table(mrrc.read_table(path, layout=layout, string_type="large_string")),
    "rows by rows": lambda path, layout: pl.concat(mrrc.read_marc(path, layout=layout).iter_slices(11), rechunk=False),
    "duckdb": lambda path, layout: _through_duckdb(mrrc.read_table(path, layout=layout, categorical=False)),
    "lists of 32 bits": lambda path, layout: _through_parquet(mrrc.read_marc(path, layout=layout, categorical=False)),
}


def _through_duckdb(table: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("t", table)
        return connection.sql("SELECT * FROM t").to_arrow_table()


def _through_parquet(frame: pl.DataFrame) -> pa.Table:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    frame.write_parquet(out)
    return pq.read_table(out)


@pytest.mark.parametrize("layout", ["records", "subfields"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_libraries_hand_back_is_written_as_it_was_read(sample: Path, layout: Layout, route: str) -> None:
    assert written(ROUTES[route](sample, layout)) == sample.read_bytes()


@pytest.mark.parametrize("layout", ["records", "subfields"])
@settings(max_examples=60)
@given(content=records, size=st.integers(1, 5))
def test_arbitrary_records_come_out_as_they_went_in(
    layout: Layout, content: list[tuple[list[Field], str]], size: int
) -> None:
    raw = b"".join(encode(fields, leader=leader) for fields, leader in content)
    with mrrc.read_batches(raw, layout=layout, batch_size=size) as reader:
        again = written(reader)
    assert mrrc.read_table(again).to_pylist() == mrrc.read_table(written(mrrc.read_table(again))).to_pylist()
    assert mrrc.read_table(again)["fields"].to_pylist() == mrrc.read_table(raw)["fields"].to_pylist()
    if all(is_ascii_or_flagged(fields, leader) for fields, leader in content):
        assert again == raw


def is_ascii_or_flagged(fields: list[Field], leader: str) -> bool:
    return encode(fields, leader=leader).isascii() or leader[4:5] == "a"


def test_filtered_and_changed_frames_are_written(sample: Path, tmp_path: Path) -> None:
    frame = mrrc.read_marc(sample)
    some = frame.filter(pl.col("control_number").str.ends_with("7")).with_columns(other=pl.lit(1))
    assert 0 < some.height < frame.height
    assert mrrc.write_marc(some, tmp_path / "some.mrc").records == some.height
    assert mrrc.read_marc(tmp_path / "some.mrc").equals(some.drop("other"))

    rows = mrrc.read_marc(sample, layout="subfields", categorical=False)
    fewer = rows.filter(~pl.col("tag").str.starts_with("6"))
    shouted = fewer.with_columns(
        value=pl.when(tag="245", code="a").then(pl.col("value").str.to_uppercase()).otherwise("value")
    )
    assert mrrc.write_marc(shouted, tmp_path / "shouted.mrc").records == 300
    back = mrrc.read_marc(tmp_path / "shouted.mrc", layout="subfields", categorical=False)
    assert back.filter(pl.col("tag") != "LDR")["value"].equals(shouted.filter(pl.col("tag") != "LDR")["value"])
    assert back.filter(pl.col("tag").str.starts_with("6")).is_empty()


def test_leaders_are_what_the_record_says() -> None:
    plain = written(frame_of([title("Oz")], leader="99999nam  99xxxxx i x   "))
    assert plain[:24] == b"00045nam  2200037 i 4500"
    assert written(frame_of([title("Öz")], leader="99999nam  99xxxxx i x   "))[:24] == b"00046nam a2200037 i 4500"
    assert written(frame_of([]))[:26] == b"00026nam a2200025 i 4500\x1e\x1d"


def test_marc_8_reads_as_what_was_written() -> None:
    text = "Ångström, Žižek, Достоевский, 東京 ½ ℗"
    frame = frame_of([title(text, "\N{MUSICAL SYMBOL G CLEF}")])
    out = io.BytesIO()
    result = mrrc.write_marc(frame, out, encoding="marc-8")
    raw = out.getvalue()
    assert raw[9:10] == b" "
    assert result.references == 2
    subfields = mrrc.read_marc(raw)["fields"][0][0]["subfields"]
    assert [subfield["value"] for subfield in subfields] == [text.replace("½", "&#x00BD;"), "&#x1D11E;"]
    assert mrrc.read_problems(raw).num_rows == 0


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    (title("x" * 9_995), "field_too_long", "10000 bytes"),
    (title("a\x1db"), "delimiter_in_value", "1D, 1E and 1F"),
    (title("a\x1eb"), "delimiter_in_value", "1D, 1E and 1F"),
    (title("a\x1fb"), "delimiter_in_value", "1D, 1E and 1F"),
    (title("x", ind1="12"), "bad_indicator", '"12"'),
    (title("x", ind1=""), "bad_indicator", '""'),
    (title("x", ind2="é"), "bad_indicator", '"é"'),
    (title("x", tag="24"), "bad_tag", '"24"'),
    (title("x", tag="2é"), "bad_tag", '"2é"'),
    (title("x", tag=None), "no_tag", "null"),
    (title(subfields=[{"code": "ab", "value": "x"}]), "bad_code", '"ab"'),
    (title(subfields=[{"code": "", "value": "x"}]), "bad_code", "without a code"),
    (title(subfields=[{"code": "\x1e", "value": "x"}]), "bad_code", ""),
    (title(subfields=[{"code": None, "value": "x"}]), "no_value", "null"),
    (title(subfields=[{"code": "a", "value": None}]), "no_value", "null"),
    (title(subfields=[None]), "no_value", "null"),
    (title("x", tag="008"), "control_field", "control field"),
    ({"tag": "500", "value": "no indicators"}, "bad_indicator", "indicators"),
    ({"tag": "008", "value": "a\x1eb"}, "delimiter_in_value", "1D, 1E and 1F"),
]


@pytest.mark.parametrize(("field", "code", "says"), FAULTS)
def test_what_cannot_be_written_is_told_by_row_and_field(field: dict[str, Any], code: str, says: str) -> None:
    good = frame_of([{"tag": "001", "value": "1"}, title("fine")])
    table = pl.concat([good, frame_of([{"tag": "001", "value": "2"}, field]), good])
    with pytest.raises(mrrc.UnwritableError, match=r"^row 1, field 2.*: ") as error:
        written(table)
    assert error.value.code == code
    assert says in str(error.value)
    out = io.BytesIO()
    with pytest.warns(mrrc.MrrcWarning, match="1 record"):
        result = mrrc.write_marc(table, out, ignore_errors=True)
    assert out.getvalue() == written(pl.concat([good, good]))
    assert result.records == 2
    (skipped,) = result.skipped
    assert (skipped.row, skipped.field, skipped.code) == (1, 2, code)
    assert skipped.tag == field["tag"]


@pytest.mark.parametrize(
    ("leader", "code"),
    [("short", "bad_leader"), ("é" * 12, "bad_leader"), ("x" * 23 + "\x1e", "bad_leader"), (None, "no_leader")],
)
def test_leaders_that_are_none_are_told(leader: str | None, code: str) -> None:
    with pytest.raises(mrrc.UnwritableError, match=r"^row 0: ") as error:
        written(frame_of([title("x")], leader=leader))
    assert error.value.code == code


def test_records_that_are_too_long_are_told() -> None:
    with pytest.raises(mrrc.UnwritableError, match=r"^row 0: .*99999") as error:
        written(frame_of([title("x" * 9_000)] * 12))
    assert error.value.code == "record_too_long"
    with pytest.raises(mrrc.UnwritableError, match=r"^row 0: .*99999"):
        written(frame_of([title()] * 9_000))


def test_bytes_that_were_no_text_are_written_as_question_marks() -> None:
    raw = bytearray(encode([control("001", "1"), data("245", ("a", "x"))]))
    raw[5] = 0xFF
    raw[24 + 12] = 0xE9
    frame = mrrc.read_marc(bytes(raw))
    out = io.BytesIO()
    result = mrrc.write_marc(frame, out)
    assert result.replaced == 2
    again = mrrc.read_marc(out.getvalue())
    assert again["leader"][0][5] == "?"
    assert again["fields"][0][1]["tag"] == "?45"


def test_rows_that_are_no_records_are_told(sample: Path) -> None:
    rows = mrrc.read_marc(sample, layout="subfields", n_rows=200, categorical=False)
    for broken in [rows.filter(pl.col("tag") != "LDR"), rows.reverse(), rows.sort("tag", "value")]:
        with pytest.raises(mrrc.UnwritableError, match=r"row 0: .*LDR"):
            written(broken)
    shuffled = pl.concat([rows[:1], rows[5:9], rows[1:5]])
    with pytest.raises(mrrc.UnwritableError, match="sort rows"):
        written(shuffled)
    # The same records twice, with the same numbers.
    whole = rows.filter(pl.col("record") < 3)
    assert written(pl.concat([whole, whole])) == 2 * written(whole)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pl.DataFrame({"a": [1]}), "it has a"),
        (pl.DataFrame({"leader": ["x"], "fields": [1]}), "fields must be a list of structs"),
        (
            pl.DataFrame({"leader": [1], "fields": [[]]}, schema={"leader": pl.Int64, "fields": FIELDS}),
            "leader must be text",
        ),
        (pl.DataFrame({"leader": ["x"], "fields": [["x"]]}), "fields must be a list of structs"),
    ],
)
def test_tables_of_other_columns_are_refused(table: pl.DataFrame, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        written(table)


def test_what_is_no_table_or_no_file_is_refused(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="__arrow_c_stream__"):
        mrrc.write_marc([1], tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="collect it"):
        mrrc.write_marc(mrrc.scan_marc(sample), tmp_path / "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dest must be"):
        mrrc.write_marc(mrrc.read_marc(sample), 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="encoding"):
        mrrc.write_marc(mrrc.read_marc(sample), tmp_path / "x", encoding="latin-1")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        mrrc.write_marc(mrrc.read_marc(sample), tmp_path / "no" / "x.mrc")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_what_was_there(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.mrc"
    target.write_bytes(b"before")
    broken = pl.concat([frame_of([title("x")])] * 5000 + [frame_of([title("x", tag="2")])])
    with pytest.raises(mrrc.UnwritableError, match="row 5000"):
        mrrc.write_marc(broken, target)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]
    mrrc.write_marc(mrrc.read_marc(sample), target)
    assert target.read_bytes() == sample.read_bytes()


@pytest.mark.parametrize(("ending", "magic"), [(".mrc.gz", b"\x1f\x8b"), (".mrc.zst", b"\x28\xb5\x2f\xfd")])
def test_the_ending_says_whether_it_is_compressed(sample: Path, tmp_path: Path, ending: str, magic: bytes) -> None:
    frame = mrrc.read_marc(sample)
    target = tmp_path / f"x{ending}"
    mrrc.write_marc(frame, target)
    assert target.read_bytes().startswith(magic)
    assert target.stat().st_size < sample.stat().st_size / 2
    assert mrrc.read_marc(target).equals(frame)
    if ending == ".mrc.gz":
        assert gzip.decompress(target.read_bytes()) == sample.read_bytes()
    mrrc.write_marc(frame.head(0), target)
    assert mrrc.read_marc(target).height == 0
    assert target.read_bytes().startswith(magic)


def test_a_files_exception_is_the_one_that_comes_out(sample: Path) -> None:
    class FullError(Exception):
        pass

    class File:
        def write(self, _: bytes) -> int:
            raise FullError

    with pytest.raises(FullError):
        mrrc.write_marc(mrrc.read_marc(sample), File())


def test_no_rows_are_no_records(sample: Path) -> None:
    assert written(mrrc.read_marc(sample).head(0)) == b""
    assert written(mrrc.read_marc(sample, layout="subfields").head(0)) == b""


@pytest.mark.parametrize("missing", ["tag", "ind1", "ind2", "value", "subfields"])
def test_parts_that_are_not_there_are_not_taken_for_nothing(sample: Path, missing: str) -> None:
    frame = mrrc.read_marc(sample, categorical=False)
    renamed = pl.element().struct.rename_fields(
        [name if name != missing else f"{name}s" for name in ("tag", "ind1", "ind2", "value", "subfields")]
    )
    with pytest.raises(ValueError, match=rf"there is no fields\.{missing}"):
        written(frame.with_columns(pl.col("fields").list.eval(renamed)))
    rows = mrrc.read_marc(sample, layout="subfields", n_rows=100)
    for name in ("record", "field", "tag", "ind1", "ind2", "code", "value"):
        with pytest.raises(ValueError, match="it has"):
            written(rows.drop(name))


def rows_of(*rows: tuple[int, int, str, int, str | None, str], inds: str = "10") -> pl.DataFrame:
    """Rows of subfields: record, field, tag, subfield, code, value."""
    names = ["record", "field", "tag", "subfield", "code", "value"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    is_data = pl.col("tag") >= "010"
    return frame.with_columns(
        ind1=pl.when(is_data & (pl.col("tag") != "LDR")).then(pl.lit(inds[0])),
        ind2=pl.when(is_data & (pl.col("tag") != "LDR")).then(pl.lit(inds[1])),
    )


LEADER = "00000nam a2200000 i 4500"


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(0, 0, "LDR", 0, None, LEADER), (0, 0, "LDR", 0, None, LEADER)], "field 0"),
        (
            [
                *[(0, 0, "LDR", 0, None, LEADER), (0, 1, "999", 1, "a", "own")],
                *[(1, 0, "LDR", 0, None, LEADER), (1, 0, "999", 1, "a", "not for 0")],
            ],
            "row 2: .*field 0",
        ),
        ([(0, 0, "LDR", 0, None, LEADER), (0, 1, "245", 1, "a", "x"), (0, 1, "245", 1, "a", "x")], "twice"),
        ([(0, 0, "LDR", 0, None, LEADER), (0, 1, "245", 2, "a", "x"), (0, 1, "245", 1, "b", "x")], "disorder"),
        ([(0, 0, "LDR", 0, None, LEADER), (0, 1, "245", 1, "a", "x"), (0, 1, "246", 2, "b", "x")], "different tags"),
        ([(0, 0, "LDR", 0, None, LEADER), (0, 1, "245", 1, "a", "x"), (0, 1, "245", 2, None, "x")], "without code"),
    ],
)
def test_rows_that_contradict_each_other_are_told(
    rows: list[tuple[int, int, str, int, str | None, str]], says: str
) -> None:
    with pytest.raises(mrrc.UnwritableError, match=says) as error:
        written(rows_of(*rows))
    assert error.value.code == "order"


def test_indicators_that_contradict_each_other_are_told() -> None:
    frame = rows_of((0, 0, "LDR", 0, None, LEADER), (0, 1, "245", 1, "a", "x"), (0, 1, "245", 2, "b", "y"))
    assert b"10\x1fax\x1fby" in written(frame)
    with pytest.raises(mrrc.UnwritableError, match="different tags or indicators"):
        written(frame.with_columns(ind1=pl.Series([None, "1", "2"])))


def test_columns_of_nulls_alone_and_of_other_things_are_no_matter(sample: Path) -> None:
    layouts: list[Layout] = ["records", "subfields"]
    for layout in layouts:
        frame = mrrc.read_marc(sample, layout=layout).with_columns(x=None, y=pl.lit([None]))
        assert written(frame) == sample.read_bytes()
    number: dict[str, Any] = {"tag": "001", "ind1": None, "ind2": None, "value": "1", "subfields": None}
    none: list[dict[str, Any]] = [number, number | {"subfields": []}]
    for field in none:
        bare = pl.DataFrame({"leader": [LEADER], "fields": [[field]]})
        assert bare.schema["fields"] != FIELDS
        assert mrrc.read_marc(written(bare))["control_number"].to_list() == ["1"]


def test_values_in_a_large_dictionary(sample: Path) -> None:
    frame = mrrc.read_marc(sample, layout="subfields", categorical=False)
    table = frame.to_arrow()
    column = table.schema.get_field_index("value")
    packed = table.set_column(column, "value", table["value"].cast(pa.large_string()).dictionary_encode())
    assert written(packed) == sample.read_bytes()


def test_keys_that_are_not_in_their_dictionary_are_refused() -> None:
    wrong = pa.DictionaryArray.from_arrays(pa.array([5], pa.int8()), pa.array(["x"]), safe=False)
    fields = pa.array([[]], mrrc.read_table(b"", string_type="string", categorical=False).schema.field("fields").type)
    with pytest.raises(ValueError, match="not in its dictionary"):
        written(pa.table({"leader": wrong, "fields": fields}))


def test_what_a_stream_ends_with_comes_out(sample: Path) -> None:
    table = mrrc.read_table(sample, string_type="large_string", categorical=False)

    def stream(error: BaseException) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            yield from table.to_batches()
            raise error

        return pa.RecordBatchReader.from_batches(table.schema, batches())

    with pytest.raises(ValueError, match="the reason"):
        written(stream(RuntimeError("the reason")))
    with pytest.raises(KeyboardInterrupt):
        written(stream(KeyboardInterrupt()))

    class Failing:
        def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object:
            raise RuntimeError("my database is down")

    with pytest.raises(RuntimeError, match="my database is down"):
        written(Failing())
    # Ours keep their class, and where it was.
    with mrrc.read_batches(sample.read_bytes()[:-5]) as reader, pytest.raises(mrrc.RecordError) as caught:
        written(reader)
    assert caught.value.record == 299
    once = mrrc.read_batches(io.BufferedReader(io.BytesIO(sample.read_bytes())))
    assert written(once) == sample.read_bytes()
    with pytest.warns(mrrc.MrrcWarning, match="could not be read"):
        assert written(mrrc.read_batches(sample.read_bytes()[:-5], ignore_errors=True))


def test_files_that_do_not_write_all_are_no_files(sample: Path) -> None:
    frame = mrrc.read_marc(sample)

    class Raw(io.RawIOBase):
        def write(self, _: object) -> None:
            return None

    class Odd:
        def __init__(self, answer: object) -> None:
            self.answer = answer

        def write(self, _: bytes) -> object:
            return self.answer

    with pytest.raises(BlockingIOError):
        mrrc.write_marc(frame, Raw())
    with pytest.raises(TypeError, match="bool"):
        mrrc.write_marc(frame, Odd(True))
    with pytest.raises(OSError, match="gave 0"):
        mrrc.write_marc(frame, Odd(0))
    assert mrrc.write_marc(frame, Odd(None)).records == 300

    class Slow(io.BytesIO):
        def write(self, data: Buffer) -> int:
            return super().write(bytes(data)[:1000])

    slow = Slow()
    mrrc.write_marc(frame, slow)
    assert slow.getvalue() == sample.read_bytes()


@pytest.mark.parametrize("name", ["x.xml", "x.mrc.bz2", "x.mrc.xz", "x.json"])
def test_endings_that_promise_what_is_not_kept_are_refused(sample: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name.rsplit(".", 1)[1]):
        mrrc.write_marc(mrrc.read_marc(sample), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_links_are_followed_also_where_they_lead_nowhere_yet(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "link.mrc").symlink_to("real.mrc")
    mrrc.write_marc(mrrc.read_marc(sample), tmp_path / "link.mrc")
    assert (tmp_path / "link.mrc").is_symlink()
    assert (tmp_path / "real.mrc").read_bytes() == sample.read_bytes()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        mrrc.write_marc(mrrc.read_marc(sample), tmp_path / "loop")
    long = tmp_path / ("x" * 251 + ".mrc")
    mrrc.write_marc(mrrc.read_marc(sample), long)
    assert long.read_bytes() == sample.read_bytes()


def test_ctrl_c_is_answered(sample: Path, tmp_path: Path) -> None:
    script = """
        import os, signal, sys, threading, time, mrrc_arrow as mrrc
        frame = mrrc.read_marc([sys.argv[1]] * 600)
        for write in (
            lambda: mrrc.write_marc(frame, sys.argv[2]),
            lambda: mrrc.write_parquet([sys.argv[1]] * 2000, sys.argv[2]),
            lambda: mrrc.write_parquet([sys.argv[1]] * 2000, sys.argv[2], layout="subfields", partition_by="tag"),
            lambda: mrrc.write_parquet([sys.argv[1]] * 2000, sys.argv[2], partition_by=1000),
        ):
            struck = []
            def strike():
                time.sleep(0.05)
                struck.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
            thread = threading.Thread(target=strike)
            thread.start()
            try:
                write()
                print("not interrupted")
            except KeyboardInterrupt:
                print(time.monotonic() - struck[0] < 0.5)
            thread.join()
            print(os.listdir(os.path.dirname(sys.argv[2])))
        """
    said = run_script(script, sample, tmp_path / "x", timeout=60).splitlines()
    assert said == ["True", "[]"] * 4
