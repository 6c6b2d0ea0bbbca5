"""`mrrc-arrow convert`, `select`, `head`, `schema` and `completions`."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Literal

import mrrc_arrow as mrrc
import polars as pl
import pyarrow.feather
import pymarc
import pytest
from polars.testing import assert_frame_equal

from .marc import control, data, encode
from .test_cli import MODULE, run
from .test_cli_filter import piped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("layout", ["records", "subfields"])
@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "ndjson", "jsonl", "ndjson.gz", "ndjson.zst"])
def test_formats_have_what_a_read_has(
    sample: Path, tmp_path: Path, layout: Literal["records", "subfields"], ending: str
) -> None:
    out = tmp_path / f"x.{ending}"
    done = run("convert", "--layout", layout, sample, out)
    assert done.returncode == 0, done.stderr
    expected = mrrc.read_marc(sample, layout=layout, categorical=False)
    assert done.stderr.endswith(f"{expected.height} {'records' if layout == 'records' else 'rows'} written to {out}\n")
    if ending == "parquet":
        found = pl.read_parquet(out)
    elif ending in ("arrow", "feather"):
        assert pyarrow.feather.read_table(out).num_rows == expected.height
        found = pl.read_ipc(out)
    else:
        found = pl.read_ndjson(out, schema=expected.schema)
    assert_frame_equal(found, expected)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz"])
def test_rows_of_subfields_as_csv(sample: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"x.{ending}"
    assert run("convert", "--layout", "subfields", sample, out).returncode == 0
    raw = out.read_bytes()
    text = (gzip.decompress(raw) if ending.endswith("gz") else raw).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if ending == "tsv" else ","))
    expected = mrrc.read_marc(sample, layout="subfields", categorical=False)
    assert rows[0] == expected.columns
    assert rows[1:] == [["" if cell is None else str(cell) for cell in row] for row in expected.rows()]


def test_what_an_error_advises_helps(sample: Path, tmp_path: Path) -> None:
    csv, lake = tmp_path / "x.csv", tmp_path / "lake"
    done = run("convert", sample, csv)
    advice = "Choose other columns, in convert --layout subfields, or another format, by the output's name or --to"
    assert (done.returncode, done.stderr.rstrip().endswith(f". {advice}")) == (2, True), done.stderr
    assert run("convert", "--layout", "subfields", sample, csv).returncode == 0
    assert run("convert", sample, tmp_path / "x.ndjson").returncode == 0
    for columns in ([], ["--column", "tag=all(650$a)"], ["--column", "tag=001"]):
        done = run("convert", *columns, "--partition-by", "tag", sample, lake)
        advice = "files by tag are of the layout subfields. Choose --layout subfields, without --column"
        assert (done.returncode, done.stderr.rstrip().endswith(advice)) == (2, True), done.stderr
    assert run("convert", "--layout", "subfields", "--partition-by", "tag", sample, lake).returncode == 0


def test_nested_tables_are_no_csv(sample: Path, tmp_path: Path) -> None:
    done = run("convert", sample, tmp_path / "x.csv")
    assert done.returncode == 2
    assert "--layout subfields" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_options_of_tables(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.ndjson"
    run("convert", "--layout", "subfields", "--tags", "245", "--select", "code,value", "-n", 3, sample, out)
    expected = mrrc.read_marc(sample, layout="subfields", tags=["245"], columns=["code", "value"], n_rows=3)
    assert [json.loads(line) for line in out.read_text().splitlines()] == expected.to_dicts()
    lake = tmp_path / "lake"
    done = run("convert", "--partition-by", "100", sample, lake)
    assert done.stderr.endswith(f"300 records written to 3 files in {lake}\n")
    assert pl.read_parquet(lake / "*.parquet").height == 300
    run("convert", "--partition-by", "tag", "--layout", "subfields", sample, tmp_path / "tags")
    assert (tmp_path / "tags" / "245.parquet").exists()
    small = tmp_path / "small.parquet"
    run("convert", "--compression-level", 19, "--row-group-size", 100, sample, small)
    large = tmp_path / "large.parquet"
    run("convert", "--compression", "uncompressed", sample, large)
    assert small.stat().st_size < large.stat().st_size
    for wrong, says in (
        (["--partition-by", "0", sample, "x"], "tag or a number"),
        (["--partition-by", "tag", sample, tmp_path / "y"], "subfields"),
        (["--partition-by", "9", "--to", "csv", sample, "x"], "goes with Parquet"),
        (["--compression", "snappy", sample, "x.csv"], "goes with Parquet"),
        (["--separator", ",", sample, "x.parquet"], "goes with CSV"),
        (["--to", "parquet", sample, "-"], "written to files"),
        (["--to", "csv", sample, "x.parquet"], "by its name"),
        (["--to", "parquet", sample, "x.mrc"], "would be MARC"),
        (["--to", "parquet", sample, "x.parquet.gz"], "compressed as a whole"),
        ([sample, "x.txt"], "what to write?"),
        (["--select", "nonsense", sample, "x.csv"], "nonsense"),
    ):
        done = run("convert", *wrong)
        assert done.returncode == 2
        assert says in done.stderr


def test_tables_go_to_standard_output(sample: Path) -> None:
    done = piped("convert", "--layout", "subfields", "--to", "ndjson", "-", "-", stdin=sample.read_bytes())
    expected = mrrc.read_marc(sample, layout="subfields", categorical=False)
    assert_frame_equal(pl.read_ndjson(done.stdout, schema=expected.schema), expected)
    arrow = piped("convert", "--to", "arrow", sample, "-")
    assert pl.read_ipc(io.BytesIO(arrow.stdout)).height == 300


def test_select_prints_columns(tmp_path: Path) -> None:
    source = tmp_path / "x.mrc"
    source.write_bytes(
        encode(
            [
                control("001", "1"),
                data("245", ("a", 'Say "no", twice')),
                data("650", ("a", "x")),
                data("650", ("a", "y")),
            ]
        )
        + encode([control("001", "2")])
    )
    done = run("select", "-c", "id=001", "--column", "245$a", "-c", "all(650$a)", "-c", "n=count(650)", source)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == 'id,245$a,all(650$a),n\n1,"Say ""no"", twice",x; y,2\n2,,,0\n'
    done = run("select", "-c", "s=all(650$a)", "--separator", "|", "--to", "tsv", "-n", 1, source)
    assert done.stdout == "s\nx|y\n"
    done = run("select", "-c", "s=all(650$a)", "--to", "ndjson", source)
    assert done.stdout == '{"s":["x","y"]}\n{"s":[]}\n'
    done = run("select", "-c", "f=fields(650)", source)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nested" in done.stderr
    done = run("select", "-c", "x=245$", source)
    assert done.returncode == 2
    out = tmp_path / "x.csv.gz"
    run("select", "-c", "id=001", source, "-o", out)
    assert gzip.decompress(out.read_bytes()) == b"id\n1\n2\n"
    run("select", "-c", "id=001", "-c", "245$a", source, "-o", tmp_path / "x.tsv")
    assert (tmp_path / "x.tsv").read_text().startswith("id\t245$a\n")
    assert run("select", "-c", "=001", source).returncode == 2
    between = run("convert", source, "--layout", "subfields", tmp_path / "between.csv")
    assert between.returncode == 0


def test_a_test_in_a_column_is_no_name(sample: Path) -> None:
    done = run("select", "-c", r"LDR{/6=\a}", "-c", r"x=LDR{/6=\a}", sample)
    assert done.stdout.splitlines()[0] == r"LDR{/6=\a},x"


def test_head_shows_records(sample: Path) -> None:
    done = run("head", "-n", 2, sample)
    assert (done.returncode, done.stderr) == (0, "")
    with sample.open("rb") as file:
        expected = [str(record) for record, _ in zip(pymarc.MARCReader(file), range(2), strict=False)]
    assert done.stdout == "".join(f"{text}\n" for text in expected)
    assert run("head", sample).stdout.count("=LDR") == 10
    assert run("head", "-n", 0, sample).stdout == ""


def test_head_as_json_is_marc_in_json(sample: Path) -> None:
    done = run("head", "--json", "-n", 300, sample)
    with sample.open("rb") as file:
        expected = [record.as_dict() for record in pymarc.MARCReader(file) if record is not None]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_head_shows_what_came_before_an_error(tmp_path: Path) -> None:
    source = tmp_path / "x.mrc"
    source.write_bytes(encode([control("001", "a\x1b[31m\nb")]) + b"00100nam a22000")
    done = run("head", source)
    assert done.returncode == 1
    assert "=001  a\\u{1b}[31m\\nb\n" in done.stdout
    assert "truncated" in done.stderr or "too_short" in done.stderr


def test_nothing_in_a_file_moves_the_cursor(tmp_path: Path) -> None:
    raw = bytearray(encode([control("001", "1"), data("245", ("a", "$5.00 {x} \\ \u202e"))]))
    raw[5:9] = b"\x1b[3m"
    source = tmp_path / "x.mrc"
    source.write_bytes(bytes(raw))
    done = run("head", source)
    assert "\x1b" not in done.stdout
    assert r"$a{dollar}5.00 {lcub}x{rcub} {bsol} \u{202e}" in done.stdout
    assert "\x1b" not in run("head", "--json", source).stdout


def test_what_cannot_be_written_is_an_error(sample: Path) -> None:
    for command in (["count", sample], ["check", sample], ["profile", sample], ["schema"], ["completions", "bash"]):
        line = f"{shlex.join([*MODULE, *map(str, command)])} > /dev/full"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1, command
        assert "No space left" in done.stderr


def test_schema_prints_columns() -> None:
    assert run("schema").stdout.splitlines()[:2] == ["leader: Utf8View, not null", "control_number: Utf8View"]
    assert run("schema", "--layout", "subfields").stdout.splitlines()[0] == "record: UInt64, not null"
    done = run("schema", "-c", "n=count(650)", "-c", "245$a", "--string-type", "string")
    assert done.stdout == "n: UInt32, not null\n245$a: Utf8\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_name_the_commands(shell: str) -> None:
    done = run("completions", shell)
    assert done.returncode == 0
    assert "partition-by" in done.stdout


def test_every_command_has_help_with_an_example() -> None:
    commands = [
        "cat",
        "check",
        "completions",
        "convert",
        "count",
        "filter",
        "head",
        "profile",
        "schema",
        "select",
        "split",
    ]
    text = run("--help").stdout
    for command in commands:
        assert f"  {command}" in text
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Example" in done.stdout, command
    assert "Exit codes" in text
