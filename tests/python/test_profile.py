"""``profile``: the same as counting over rows of subfields, whatever the threads and batches, and profiles merge."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import duckdb
import mrrc_arrow as mrrc
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from mrrc_arrow import _native, errors

from .marc import books, control, data, encode, with_length

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = [
    "kind", "tag", "ind1", "ind2", "code", "position", "value", "records", "occurrences", "max_per_record", "bytes",
    "length_min", "length_mean", "length_max", "distinct", "samples", "sketch",
]  # fmt: skip
EXACT = 128
"""Distinct values that are counted exactly."""
STANDARD_ERROR = 0.023


def profile(source: mrrc.Source, **options: Any) -> pl.DataFrame:  # noqa: ANN401 - options of several functions
    """Profile `source`, without warnings, as plain strings."""
    table = pa.table(_native.collect_profile(source, categorical=False, ignore_errors=True, **options))
    table.validate(full=True)
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    assert frame.columns == COLUMNS
    return frame


def rows_of(source: mrrc.Source, **options: Any) -> pl.DataFrame:  # noqa: ANN401
    """Read rows of subfields, without warnings, as plain strings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        return mrrc.read_marc(source, layout="subfields", ignore_errors=True, **options).with_columns(
            pl.col("tag", "ind1", "ind2", "code").cast(pl.String)
        )


def cut(value: str) -> str:
    return value if len(value) <= 80 else value[:79] + "…"


def counted(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Count records, occurrences and the most of one record."""
    each = rows.group_by(*by, "record").agg(n=pl.len())
    return each.group_by(*by).agg(
        records=pl.len().cast(pl.UInt64),
        occurrences=pl.col("n").sum().cast(pl.UInt64),
        max_per_record=pl.col("n").max().cast(pl.UInt64),
    )


def assert_right(source: mrrc.Source, **options: Any) -> pl.DataFrame:  # noqa: ANN401
    """Compare a profile with what Polars counts in rows of subfields; return it."""
    found = profile(source, **options)
    rows = rows_of(source, **{**options, "batch_size": None})
    leaders = rows.filter(tag="LDR", field=0)
    rows = rows.filter(pl.col("field") > 0)
    fields = rows.unique(["record", "field"], keep="first", maintain_order=True)
    is_control = pl.col("tag").str.contains("^00[0-9]$")

    expected = counted(fields, "tag").sort("tag")
    assert found.filter(kind="field").select(expected.columns).equals(expected)
    by = ["tag", "ind1", "ind2"]
    expected = counted(fields.filter(~is_control), *by).sort(by, nulls_last=False)
    assert found.filter(kind="indicators").select(expected.columns).equals(expected)

    values = rows.filter(pl.col("value").is_not_null())
    length = pl.col("value").str.len_chars()
    exact = counted(values, "tag", "code").join(
        values.group_by("tag", "code").agg(
            length_min=length.min().cast(pl.UInt64),
            length_mean=length.mean(),
            length_max=length.max().cast(pl.UInt64),
            n=pl.col("value").n_unique(),
            samples=pl.col("value").unique(maintain_order=True).head(5),
        ),
        on=["tag", "code"],
        nulls_equal=True,
    )
    exact = exact.sort("tag", "code", nulls_last=False)
    subfields = found.filter(kind="subfield")
    compared = ["tag", "code", "records", "occurrences", "max_per_record", "length_min", "length_max"]
    assert subfields.select(compared).equals(exact.select(compared))
    assert subfields["length_mean"].to_list() == pytest.approx(exact["length_mean"].to_list(), rel=1e-12)
    assert subfields["samples"].to_list() == [[cut(value) for value in values] for values in exact["samples"]]
    for estimate, truth in zip(subfields["distinct"], exact["n"], strict=True):
        if truth <= EXACT:
            assert estimate == truth
        else:
            # One in a million is further off.
            assert abs(estimate / truth - 1) < 5 * STANDARD_ERROR

    if options.get("tags") is None:
        texts = leaders["value"]
        for position in [*range(5, 12), *range(17, 24)]:
            there = texts.str.slice(position, 1).value_counts().sort("value")
            row = found.filter(kind="leader", position=position)
            assert (row["value"].to_list(), row["records"].to_list()) == (
                there["value"].to_list(),
                there["count"].to_list(),
            )
        file = found.filter(kind="file").row(0, named=True)
        assert file["records"] == leaders.height
        assert sum(found.filter(kind="encoding")["records"]) == leaders.height
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mrrc.MrrcWarning)
        with mrrc.read_batches(source, ignore_errors=True, **options) as reader:
            for _ in reader:
                pass
            problems = found.filter(kind="problem")
            assert dict(zip(problems["value"], problems["occurrences"], strict=True)) == reader.problems
            assert found.filter(kind="file")["bytes"][0] == reader.bytes_read
    return found


def test_the_sample_is_counted_as_polars_counts_it(sample: Path) -> None:
    found = assert_right(sample)
    assert found.filter(kind="file").select("records", "bytes").row(0) == (300, sample.stat().st_size)
    lengths = mrrc.read_marc(sample, include_offsets=True)["length"]
    file = found.filter(kind="file").row(0, named=True)
    assert (file["length_min"], file["length_max"]) == (lengths.min(), lengths.max())
    assert file["length_mean"] == pytest.approx(lengths.mean())
    kinds = found["kind"].unique(maintain_order=True).to_list()
    assert kinds == ["file", "leader", "encoding", "field", "indicators", "subfield"]
    assert_right(sample, tags=["245", "6XX", "008"])


def test_real_files_are_counted_as_polars_counts_them(corpus: Path) -> None:
    files = sorted(path for path in corpus.rglob("*") if path.is_file() and path.stat().st_size < 2_000_000)
    assert files
    done = 0
    for path in files:
        problems = profile(path).filter(kind="problem")["value"]
        # A record that overflows a dictionary does so in both, but rows say so for other codes; the other is no MARC.
        if {"dictionary_full", "unsupported_format"}.isdisjoint(problems):
            assert_right(path)
            done += 1
    assert done


def test_damaged_records_are_counted_as_tables_have_them(sample: Path) -> None:
    content = sample.read_bytes()
    for seed in range(60):
        chance = random.Random(seed)
        damaged = bytearray(content[: chance.randrange(2000, 60_000)])
        for _ in range(chance.randrange(1, 200)):
            at = chance.randrange(len(damaged))
            if chance.random() < 0.5:
                damaged[at] = chance.choice([0x1D, 0x1E, 0x1F, 0x20, 0x30, 0x61, 0xC3, 0xFF])
            else:
                del damaged[at]
        assert_right(bytes(damaged), batch_size=chance.choice([None, 1, 3]))


def test_bytes_at_random_between_marks_are_counted_as_tables_have_them() -> None:
    for seed in range(30):
        chance = random.Random(seed)
        records = []
        for _ in range(chance.randrange(1, 30)):
            fields = []
            for _ in range(chance.randrange(0, 12)):
                tag = chance.choice(["001", "005", "245", "650", "LOK", "9X9", "00A", "\x00a "])
                body = bytes(chance.choice(b"\x1fabc1 \xc3\xa9\xff\x00") for _ in range(chance.randrange(0, 40)))
                fields.append((tag, body))
            records.append(raw(fields))
        assert_right(b"".join(records), batch_size=chance.choice([None, 1, 7]))


def raw(fields: list[tuple[str, bytes]]) -> bytes:
    """Make a record of fields as they stand."""
    directory, body = "", b""
    for tag, field in fields:
        directory += f"{tag}{len(field) + 1:04d}{len(body):05d}"
        body += field + b"\x1e"
    base = 25 + len(directory)
    head = f"{base + len(body) + 1:05d}nam a22{base:05d} a 4500{directory}\x1e"
    return head.encode("latin-1") + body + b"\x1d"


def test_corners_are_what_tables_make_of_them() -> None:
    found = assert_right(
        raw([("001", b"a\x1fb"), ("245", b"10\x1faT\x1f\x1fa"), ("246", b""), ("500", b"1"), ("501", b"  text\x1fax")])
    )
    field = found.filter(kind="field").select("tag", "records").rows()
    assert field == [("001", 1), ("245", 1), ("246", 1), ("500", 1), ("501", 1)]
    pairs = found.filter(kind="indicators").select("tag", "ind1", "ind2").rows()
    assert pairs == [("245", "1", "0"), ("246", None, None), ("500", "1", None), ("501", " ", " ")]
    values = found.filter(kind="subfield").select("tag", "code", "occurrences", "samples").rows()
    assert values == [
        ("001", None, 1, ["a\x1fb"]),
        ("245", "", 1, [""]),
        ("245", "a", 2, ["T", ""]),
        ("501", None, 1, ["text"]),
        ("501", "a", 1, ["x"]),
    ]


def test_lengths_are_of_characters_and_samples_are_cut() -> None:
    long = "Ἡ Ὀδύσσεια " * 10
    found = assert_right(encode([data("245", ("a", "é€𝄞"), ("b", long), ("b", long + "!"))]))
    short, cut_off = found.filter(kind="subfield").select("length_max", "samples").rows()
    assert short == (3, ["é€𝄞"])
    assert cut_off == (111, [long[:79] + "…"] * 2)


def test_more_than_a_few_values_are_estimated() -> None:
    numbers = [encode([control("001", f"number {number:06d}"), data("100", ("a", f"{number % 128}"))]) for number in range(20_000)]  # fmt: skip  # noqa: E501
    found = assert_right(b"".join(numbers))
    sketches = found.filter(kind="subfield").select("tag", "distinct", pl.col("sketch").bin.size()).rows()
    assert abs(sketches[0][1] / 20_000 - 1) < 5 * STANDARD_ERROR
    assert sketches[1][1] == 128
    assert max(row[2] for row in sketches) < 2100


# Nothing but records and their order matters


THREADS = """
import sys
from mrrc_arrow import _native
import pyarrow as pa
import pyarrow.ipc
out = pa.BufferOutputStream()
for size in (None, 1, 7, 100):
    table = pa.table(_native.collect_profile(sys.argv[1], categorical=False, ignore_errors=True, batch_size=size))
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table.combine_chunks())
sys.stdout.buffer.write(out.getvalue())
"""


def test_threads_and_batches_do_not_matter(sample: Path, tmp_path: Path) -> None:
    content = sample.read_bytes()
    chance = random.Random(5)
    pieces = [content[at : at + length] for at, length in mrrc.scan_record_boundaries(content)]
    path = tmp_path / "many.mrc"
    path.write_bytes(b"".join(chance.choice(pieces) for _ in range(5000)) + b"00012nam\x1d" * 5 + content)
    results = []
    for threads in (1, 2, 8):
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        done = subprocess.run(
            [sys.executable, "-c", THREADS, str(path)], env=environment, capture_output=True, check=True
        )
        with pa.BufferReader(done.stdout) as stream:
            for _ in range(4):
                with pa.ipc.open_stream(stream) as reader:
                    results.append(reader.read_all())
    assert len(results) == 12
    assert all(table.equals(results[0]) for table in results)


def test_all_kinds_of_sources_give_the_same(sample: Path) -> None:
    expected = profile(sample)
    assert profile(sample.read_bytes()).equals(expected)
    with sample.open("rb") as file:
        assert profile(file).equals(expected)
    assert mrrc.profile(str(sample)).num_rows == expected.height


# Merging


def test_a_merge_is_the_profile_of_all(sample: Path, tmp_path: Path) -> None:
    content = sample.read_bytes()
    pieces = [content[at : at + length] for at, length in mrrc.scan_record_boundaries(content)]
    long = [encode([data("856", ("u", "https://example.org/" + "x" * 80 + str(number)))]) for number in range(9)]
    middle, end = b"".join(long[:4]) + b"\r\n", b"".join(pieces[100:]) + b"00012nam\x1d"
    parts = [b"".join(pieces[:100]), middle, end, b"".join(long)]
    expected = profile(list(parts))
    tables = []
    for number, part in enumerate(parts):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", mrrc.MrrcWarning)
            table = mrrc.profile(part, ignore_errors=True)
        path = tmp_path / f"{number}.parquet"
        if number % 2:
            pq.write_table(table, path)
        else:
            pl.DataFrame(table).write_parquet(path)
        tables.append(pq.read_table(path) if number < 2 else pl.read_parquet(path))
    assert_same(mrrc.merge_profiles(tables, categorical=False), expected)
    first = mrrc.merge_profiles(tables[:2])
    assert_same(mrrc.merge_profiles([first, mrrc.merge_profiles(tables[2:])], categorical=False), expected)
    # Several in one table.
    one = pl.concat([pl.DataFrame(mrrc.merge_profiles([table], categorical=False)) for table in tables])
    assert_same(mrrc.merge_profiles([one], categorical=False), expected)
    assert_same(mrrc.merge_profiles([], categorical=False), profile(b""))


def assert_same(table: pa.Table, expected: pl.DataFrame) -> None:
    assert pl.DataFrame(table).equals(expected)


def test_what_is_no_profile_is_refused(sample: Path) -> None:
    good = mrrc.profile(sample, categorical=False)
    for bad in (1, "profile.parquet", None):
        with pytest.raises(TypeError, match=type(bad).__name__):
            mrrc.merge_profiles([bad])
    with pytest.raises(TypeError):
        mrrc.merge_profiles(5)  # type: ignore[arg-type]
    frame = pl.DataFrame(good)
    for name in set(COLUMNS) - {"distinct"}:  # which the sketch has
        with pytest.raises(ValueError, match=f"no column .{name}"):
            mrrc.merge_profiles([good.drop_columns([name])])
    text = pl.lit("x")
    for wrong in (
        frame.with_columns(kind=text),
        frame.with_columns(tag=text),
        frame.with_columns(code=pl.lit("xy")),
        frame.with_columns(position=pl.lit(None, pl.UInt8)),
        frame.with_columns(occurrences=pl.lit(None, pl.UInt64)),
        frame.with_columns(sketch=pl.lit(b"\x00\x09")),
        frame.with_columns(sketch=pl.lit(b"")),
        frame.with_columns(value=pl.lit("x" * 100)),
        frame.with_columns(records=text),
        frame.with_columns(max_per_record=pl.lit(2**40)),
    ):
        with pytest.raises(ValueError, match="no table that profile gave"):
            mrrc.merge_profiles([wrong])
    assert issubclass(errors.MrrcError, Exception)


# The table


def test_symbols_are_those_of_tables_and_join_with_them(sample: Path) -> None:
    table = mrrc.profile(sample)
    rows = mrrc.read_table(sample, layout="subfields")
    for name in ("tag", "ind1", "ind2", "code"):
        assert table.schema.field(name).type == rows.schema.field(name).type
        assert mrrc.profile(sample, categorical=False).schema.field(name).type == pa.string()
    counts = pl.DataFrame(table).filter(kind="subfield").select("tag", "code", "occurrences")
    joined = pl.DataFrame(rows).join(counts, on=["tag", "code"], how="inner")
    assert joined.height == pl.DataFrame(rows)["code"].count()
    with duckdb.connect() as connection:
        connection.register("profile", table.select(["kind", "records"]))
        assert connection.execute("select records from profile where kind = 'file'").fetchall() == [(300,)]


def test_more_codes_than_a_dictionary_holds_are_in_several_batches() -> None:
    fields = [[data("245", *[(chr(0x100 + 10 * i + j), "v") for j in range(10)])] for i in range(70)]
    content = b"".join(map(encode, fields))
    table = mrrc.profile(content)
    assert table.column("code").num_chunks > 1
    found = pl.DataFrame(table).filter(kind="subfield")
    assert found.height == 700
    assert found["code"].cast(pl.String).to_list() == [chr(0x100 + number) for number in range(700)]
    assert_same(mrrc.merge_profiles([table], categorical=False), assert_right(content))


def test_of_hostile_tags_some_are_counted_together() -> None:
    letters = [chr(code) for code in range(0x21, 0x7F)]
    tags = [a + b + c for a in letters[:9] for b in letters for c in letters][:70_000]
    records = [raw([(tag, b"10\x1fax") for tag in tags[at : at + 500]]) for at in range(0, len(tags), 500)]
    content = b"".join([*records, *books(3), *records])
    found = profile(content)
    assert found.equals(profile(content, batch_size=3))
    for kind in ("field", "indicators", "subfield"):
        rows = found.filter(kind=kind)
        assert rows.height == 65_536 + 1
        beyond = rows.row(0, named=True)
        assert (beyond["tag"], beyond["records"], beyond["max_per_record"]) == (None, None, None)
        together = rows_of(books(3)).filter(pl.col("field") > 0)
        is_control = pl.col("tag").str.contains("^00[0-9]$")
        ours = {
            "field": together.unique(["record", "field"]).height,
            "indicators": together.filter(~is_control).unique(["record", "field"]).height,
            "subfield": together.height,
        }[kind]
        assert rows["occurrences"].sum() == 2 * len(tags) + ours
        # What is a number comes first.
        assert {"001", "245"} <= set(rows["tag"]) or kind == "indicators"
    whole = mrrc.merge_profiles([found.select(pl.all()), profile(b"")], categorical=False)
    assert_same(whole, found)


def test_text_is_in_what_it_was_read_in(tmp_path: Path) -> None:
    utf8 = encode([data("245", ("a", "é"))])
    assert utf8[9:10] == b"a"
    unflagged = utf8[:9] + b" " + utf8[10:]
    marc8 = encode([data("245", ("a", "plain"))])
    marc8 = marc8[:9] + b" " + marc8[10:]
    found = profile([utf8, unflagged, marc8, marc8])
    assert found.filter(kind="encoding").select("value", "records").rows() == [("marc-8", 2), ("utf-8", 2)]
    assert found.filter(kind="problem").select("value", "records").rows() == [("utf8_not_flagged", 1)]
    told = profile([utf8, marc8], encoding="iso-8859-1")
    assert told.filter(kind="encoding").select("value", "records").rows() == [("iso-8859-1", 2)]
    coded = data("100", ("a", "19990101d1999    m  y0frey0103    ba"))
    path = tmp_path / "unimarc.mrc"
    path.write_bytes(encode([coded, data("200", ("a", "~~tude"))], leader="nam0 22   450 ").replace(b"~~", b"\xc2e"))
    found = profile(path, format="unimarc")
    assert found.filter(kind="encoding").select("value", "records").rows() == [("iso-5426", 1)]
    assert found.filter(tag="200", code="a")["samples"][0].to_list() == ["étude"]


# Errors


def test_rejected_records_raise_or_are_counted_and_warned_of_once(three: list[bytes]) -> None:
    content = b"".join(three) + b"00012nam\x1d" + three[0] + b"00012nam\x1d"
    with pytest.raises(mrrc.RecordError) as caught:
        mrrc.profile(content)
    assert (caught.value.record, caught.value.code) == (3, "too_short")
    with pytest.warns(mrrc.MrrcWarning, match="^2 record") as warned:
        table = mrrc.profile(content, ignore_errors=True)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    found = pl.DataFrame(table)
    assert found.filter(kind="file").select("records", "bytes").row(0) == (4, len(content))
    assert found.filter(kind="problem").select("value", "records", "occurrences").rows() == [("too_short", 2, 2)]


def test_repairs_and_junk_are_counted(three: list[bytes]) -> None:
    wrong = with_length(three[0], 99)
    found = assert_right(three[1] + b"\r\n" + wrong * 3)
    rows = found.filter(kind="problem").select("value", "records", "occurrences").rows()
    assert rows == [("junk", None, 1), ("length_mismatch", 3, 3)]


def test_other_input_is_an_error(tmp_path: Path, three: list[bytes]) -> None:
    with pytest.raises(mrrc.UnsupportedFormatError):
        mrrc.profile(b"<collection/>")
    with pytest.warns(mrrc.MrrcWarning):
        table = mrrc.profile([three[0], b"<collection/>"], ignore_errors=True)
    assert pl.DataFrame(table).filter(kind="problem")["value"].to_list() == ["unsupported_format"]
    with pytest.raises(FileNotFoundError):
        mrrc.profile(tmp_path / "missing.mrc")
    with pytest.raises(TypeError, match="unexpected keyword"):
        mrrc.profile(three, columns=["a"])  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="go with tables"):
        _native.collect_profile(three, n_rows=1)
    with pytest.raises(ValueError, match="three letters or digits"):
        mrrc.profile(three, tags=["24"])


def test_nothing_is_a_profile_of_one_row() -> None:
    found = profile(b"")
    assert found.height == 1
    assert found.select("kind", "records", "bytes", "length_min").row(0) == ("file", 0, 0, None)


def test_a_large_record_takes_no_more_time_than_it_has_values() -> None:
    """Each of whose codes has values of its own, all of them in the place of samples."""
    codes = [chr(code) for code in range(0x21, 0x7F)]
    one = encode([data("650", *((code, f"{code}{number}") for number in range(1500) for code in codes))])
    start = time.process_time()
    found = mrrc.profile(one)
    assert time.process_time() - start < 5
    assert found.filter(pc.equal(found["kind"], "subfield")).num_rows == len(codes)


def test_a_large_record_takes_no_more_time_than_it_has_subfields() -> None:
    """Of many tags with as many codes, so that most of what is in it is new, and shown."""
    codes = [chr(code) for code in range(0x21, 0x7F)]
    fields = [data(f"{tag:03}", *((code, "v") for code in codes)) for tag in range(100, 790)]
    # Longer than a leader can tell, which makes it no other record.
    small, large = encode(fields[:20]), encode(fields)
    subfields = pc.equal(mrrc.profile(large)["kind"], "subfield")
    assert pc.sum(subfields).as_py() == len(fields) * len(codes)

    def seconds(record: bytes, times: int) -> float:
        start = time.process_time()
        for _ in range(times):
            mrrc.profile(record)
        return time.process_time() - start

    seconds(small, 1)
    # It takes about as long as records that have as many subfields together.
    assert min(seconds(large, 1) for _ in range(3)) < 4 * seconds(small, 35)


def test_counts_that_do_not_fit_stay_as_large_as_may_be(sample: Path) -> None:
    frame = pl.DataFrame(mrrc.profile(sample, categorical=False))
    large = frame.with_columns(pl.when(pl.col("records") > 0).then(pl.lit(2**63, pl.UInt64)).alias("records"))
    merged = pl.DataFrame(mrrc.merge_profiles([large, large], categorical=False))
    assert merged.filter(kind="file")["records"].item() == 2**64 - 1


def test_one_profile_needs_no_list(sample: Path) -> None:
    table = mrrc.profile(sample)
    assert mrrc.merge_profiles(table).equals(table)


def test_records_leaders_and_encodings_do_not_depend_on_tags(corpus: Path) -> None:
    about_records = pl.col("kind").is_in(["file", "leader", "encoding"])
    done = 0
    for path in sorted(corpus.rglob("*.mrc")):
        if path.stat().st_size > 100_000:
            continue
        whole = profile(path).filter(about_records)
        for tags in (["245"], [], ["LOK", "6XX"]):
            assert profile(path, tags=tags).filter(about_records).equals(whole), path
        done += 1
    assert done > 100


def test_there_are_no_more_different_values_than_values(sample: Path) -> None:
    """However an estimate goes: each of the 300 control numbers is another one."""
    values = profile(sample).filter(kind="subfield")
    assert (values["distinct"] <= values["occurrences"]).all()
    assert values.filter(tag="001")["distinct"].item() == pytest.approx(300, rel=3 * STANDARD_ERROR)
