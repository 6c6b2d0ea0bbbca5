from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mrrc_arrow as mrrc
import polars as pl
import pyarrow.parquet as pq
import pytest

from .marc import books, data, encode, with_length

MODULE = [sys.executable, "-m", "mrrc_arrow"]


def run(*arguments: object, command: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command and return how it ended."""
    return subprocess.run(
        [*(command or MODULE), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    """A file whose last record is cut."""
    path = tmp_path / "cut.mrc"
    path.write_bytes(b"".join(books(5))[:-3])
    return path


def test_the_console_script_is_the_same_command_as_the_module(marc_file: Path) -> None:
    script = shutil.which("mrrc-arrow", path=str(Path(sys.executable).parent))
    assert script is not None
    for arguments in (["count", str(marc_file)], ["--help"], ["no-such-command"]):
        ours, theirs = run(*arguments), run(*arguments, command=[script])
        assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)


def test_count_prints_the_number_of_records(marc_file: Path, tmp_path: Path) -> None:
    packed = tmp_path / "more.mrc.gz"
    packed.write_bytes(gzip.compress(b"".join(books(3))))
    for arguments, expected in (
        ([marc_file], 217),
        ([packed], 3),
        ([marc_file, packed, marc_file], 437),
        ([tmp_path / "*.mrc*"], 220),
    ):
        done = run("count", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{expected}\n", "")


def test_check_tells_what_is_wrong_and_where(tmp_path: Path) -> None:
    path = tmp_path / "mixed.mrc"
    wrong = encode([data("245", ("a", "Caf~"))])
    path.write_bytes(
        b"".join(books(2)) + b"\r\n" + wrong.replace(b"~", b"\xe9") + with_length(wrong, 99) * 5 + b"00012nam\x1d"
    )
    done = run("check", path)
    assert (done.returncode, done.stderr) == (1, "")
    start = len(b"".join(books(2)))
    lines = done.stdout.splitlines()
    assert lines[0] == "8 records read, 1 rejected"
    assert "reject too_short: 1" in lines
    assert f"    {path}: record 2 at byte {start + 2}, {len(wrong)} bytes, field 245: Caf\\xe9" in lines
    assert "repair length_mismatch: 5" in lines
    assert sum("record" in line and "at byte" in line for line in lines) == 1 + 1 + 3
    assert f"    {path}: at byte {start}, 2 bytes" in lines
    told = run("check", "--encoding", "iso-8859-1", "--examples", 0, path)
    assert "invalid_utf8" not in told.stdout
    assert "at byte" not in told.stdout


def test_check_tells_what_it_found_before_an_error(cut: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.mrc.gz"
    packed.write_bytes(gzip.compress(b"".join(books(500)))[:-20])
    done = run("check", cut, packed)
    assert done.returncode == 1
    assert "reject truncated: 1" in done.stdout
    assert "error: " in done.stderr
    assert "packed.mrc.gz" in done.stderr


def test_check_of_a_sound_file_is_one_line(marc_file: Path) -> None:
    done = run("check", marc_file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "217 records read, 0 rejected\n", "")


def test_count_of_a_cut_file_counts_what_can_be_read_and_fails(cut: Path) -> None:
    done = run("count", cut)
    assert (done.returncode, done.stdout) == (1, "4\n")
    assert "truncated" in done.stderr
    assert str(cut) in done.stderr
    # What there is to do is said in options of the command, not in those of Python.
    assert done.stderr.endswith("Read with --ignore-errors to leave such records out; mrrc-arrow check lists them\n")
    done = run("count", "--ignore-errors", cut)
    assert (done.returncode, done.stdout) == (0, "4\n")
    assert "truncated" in done.stderr


def test_count_tells_of_repairs(tmp_path: Path) -> None:
    path = tmp_path / "long.mrc"
    path.write_bytes(b"".join(with_length(raw, len(raw) + 2) for raw in books(3)))
    done = run("count", path)
    assert (done.returncode, done.stdout) == (0, "3\n")
    assert "3 length_mismatch" in done.stderr


def test_convert_writes_parquet_equal_to_the_table(sample: Path, tmp_path: Path) -> None:
    target = tmp_path / "sample.parquet"
    done = run("convert", sample, target)
    assert (done.returncode, done.stdout) == (0, "")
    assert "300" in done.stderr
    table = mrrc.read_table(sample)
    assert pq.read_table(target).to_pylist() == table.to_pylist()
    frame = pl.read_parquet(target)
    assert frame.columns == table.column_names
    assert frame.rows() == pl.DataFrame(table).rows()


def test_convert_writes_more_codes_than_a_dictionary_holds(tmp_path: Path) -> None:
    # Where a code was forgotten, the first letter of the text takes its place; large catalogues have hundreds of such.
    fields = [[data("245", *[(chr(0x100 + 10 * i + j), "v") for j in range(10)])] for i in range(70)]
    source, target = tmp_path / "codes.mrc", tmp_path / "codes.parquet"
    source.write_bytes(b"".join(map(encode, fields)))
    assert run("convert", source, target).returncode == 0
    assert pq.read_table(target)["fields"].to_pylist() == fields
    assert pl.read_parquet(target)["fields"].to_list() == fields


def test_convert_takes_a_layout_and_tags(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "subjects.parquet"
    done = run("convert", sample, path, "--layout", "subfields", "--tags", "245,6XX")
    expected = mrrc.read_marc(sample, layout="subfields", tags=["245", "6XX"], categorical=False)
    assert (done.returncode, done.stderr) == (0, f"{expected.height} rows written to {path}\n")
    assert pl.read_parquet(path).equals(expected)
    done = run("convert", sample, path, "--tags", "24")
    assert done.returncode == 2
    assert "three letters or digits" in done.stderr
    assert run("convert", sample, path, "--layout", "fields").returncode == 2


def test_convert_takes_columns(sample: Path, tmp_path: Path) -> None:
    path = tmp_path / "subjects.parquet"
    done = run("convert", sample, path, "--column", "id=001", "--column", "subjects=all(650$a)")
    assert (done.returncode, done.stderr) == (0, f"300 records written to {path}\n")
    assert pl.read_parquet(path).equals(mrrc.read_marc(sample, columns={"id": "001", "subjects": "all(650$a)"}))
    done = run("convert", sample, path, "--column", "id=001$A")
    assert done.returncode == 2
    assert "001$A\n" in done.stderr
    assert run("convert", sample, path, "--column", "id=001", "--tags", "245").returncode == 2


def test_commands_take_a_format(tmp_path: Path) -> None:
    path = tmp_path / "unimarc.mrc"
    coded = data("100", ("a", "19990101d1999    m  y0frey0103    ba"))
    path.write_bytes(encode([coded, data("200", ("a", "~~tude"))], leader="nam0 22   450 ").replace(b"~~", b"\xc2e"))
    out = tmp_path / "unimarc.parquet"
    assert run("convert", path, out, "--format", "unimarc").returncode == 0
    assert pl.read_parquet(out)["fields"][0][1]["subfields"][0]["value"] == "étude"
    assert run("check", path, "--format", "unimarc").stdout == "1 records read, 0 rejected\n"
    assert run("check", path, "--format", "marc").returncode == 2


def test_convert_takes_several_files_and_patterns(marc_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "all.PARQUET"
    assert run("convert", marc_file, tmp_path / "*.mrc", target).returncode == 0
    numbers = pl.read_parquet(target)["control_number"]
    assert numbers.to_list() == mrrc.read_marc([marc_file] * 2)["control_number"].to_list()


def test_convert_of_nothing_writes_an_empty_table(tmp_path: Path) -> None:
    empty, target = tmp_path / "empty.mrc", tmp_path / "empty.parquet"
    empty.touch()
    assert run("convert", empty, target).returncode == 0
    assert pl.read_parquet(target).shape == (0, 3)


def test_convert_replaces_its_target(marc_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    target.write_bytes(b"old")
    assert run("convert", marc_file, target).returncode == 0
    assert pl.read_parquet(target).height == 217


def assert_untouched(target: Path, *others: Path) -> None:
    """Check that `target` has its old content and that its folder has nothing besides `others`."""
    assert target.read_bytes() == b"old"
    assert sorted(target.parent.iterdir()) == sorted([target, *others])


def test_a_failed_convert_leaves_the_old_target_and_nothing_else(cut: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    target.write_bytes(b"old")
    done = run("convert", cut, target)
    assert (done.returncode, done.stdout) == (1, "")
    for part in ("error: ", str(cut), "record 4", "truncated"):
        assert part in done.stderr
    assert_untouched(target, cut)


@pytest.mark.parametrize("source", ["missing.mrc", "*.no-such", ".", "letter.mrc"])
def test_input_that_cannot_be_read_fails_and_writes_nothing(source: str, tmp_path: Path) -> None:
    letter, target = tmp_path / "letter.mrc", tmp_path / "out.parquet"
    letter.write_text("Dear reader, this is a letter. " * 10)
    target.write_bytes(b"old")
    done = run("convert", tmp_path / source, target)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert str(tmp_path / source) in done.stderr
    assert_untouched(target, letter)
    assert run("count", tmp_path / source).returncode == 1


def test_convert_with_ignored_errors_leaves_rejects_out_and_says_so(cut: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    done = run("convert", "--ignore-errors", cut, target)
    assert done.returncode == 0
    assert "1 truncated" in done.stderr
    assert "4" in done.stderr
    assert pl.read_parquet(target).height == 4


def test_a_target_that_cannot_be_written_fails(marc_file: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.parquet").mkdir()
    for target in (tmp_path / "no" / "such" / "out.parquet", tmp_path / "folder.parquet"):
        done = run("convert", marc_file, target)
        assert (done.returncode, done.stdout) == (1, "")
        assert str(target) in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["books.mrc", "folder.parquet"]


def test_a_target_whose_name_says_nothing_is_refused(marc_file: Path, tmp_path: Path) -> None:
    for name in ("out.txt", "out", "parquet", "out.parquet.gz"):
        done = run("convert", marc_file, tmp_path / name)
        assert done.returncode != 0
        assert ".parquet" in done.stderr
    assert list(tmp_path.iterdir()) == [marc_file]


@pytest.mark.parametrize("arguments", [[], ["count"], ["convert"], ["convert", "only.mrc"], ["--no-such"], ["no-such"]])
def test_wrong_usage_exits_with_2_and_says_how_to_use_it(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: mrrc-arrow" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["help"], ["convert", "--help"], ["count", "-h"]])
def test_help_goes_to_stdout_and_succeeds(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: mrrc-arrow" in done.stdout
    if len(arguments) == 1:
        assert "convert" in done.stdout
        assert "count" in done.stdout


def test_profile_prints_what_is_in_a_file(sample: Path) -> None:
    done = run("profile", sample)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"300 records, {sample.stat().st_size:,} bytes; ")
    table = pl.DataFrame(mrrc.profile(sample, categorical=False))
    fields = lines[next(number for number, line in enumerate(lines) if line.startswith("field")) :]
    labels = [line[: fields[0].index("  ")].strip() if line else "" for line in fields[1:]]
    control = table.filter(pl.col("kind") == "field", pl.col("tag") < "010")["tag"].to_list()
    title = table.filter(kind="subfield", tag="245", code="a").row(0, named=True)
    (line,) = [line for line in fields if line.startswith("245 $a ")]
    assert line.split()[2:5] == [f"{title['records']:,}", "100.0", f"{title['occurrences']:,}"]
    assert line.endswith(" | ".join(title["samples"]))
    assert set(control) <= {line.split()[0] for line in fields if line}
    assert labels
    assert run("profile", sample, "--tags", "24").returncode == 2
    some = run("profile", sample, "--tags", "245,6XX").stdout
    assert "245 $a" in some
    assert "100 $a" not in some


def test_profile_ignores_errors_where_it_is_told(cut: Path) -> None:
    done = run("profile", cut)
    assert (done.returncode, done.stdout) == (1, "")
    assert "truncated" in done.stderr
    done = run("profile", "--ignore-errors", cut)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 records, ")
    assert any(line.split() == ["truncated", "1", "25.0", "1"] for line in done.stdout.splitlines())


def test_profile_shows_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    path = tmp_path / "odd.mrc"
    path.write_bytes(encode([data("245", ("a", "\x1b[31mred\u202e"), ("\x07", "bell"))]))
    text = run("profile", path).stdout
    assert "\\u{1b}[31mred\\u{202e}" in text
    assert "245 $\\u{7}" in text
    assert not set(text) & {"\x1b", "\x07", "\u202e"}


def test_the_version_is_that_of_the_package() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"mrrc-arrow {mrrc.__version__}\n")


def test_a_path_that_is_no_unicode_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mrc"))
    path.write_bytes(b"".join(books(2)))
    done = run("count", path)
    assert (done.returncode, done.stdout) == (0, "2\n")


def test_ctrl_c_ends_the_command_and_leaves_the_old_target_and_nothing_else(tmp_path: Path) -> None:
    silent, target = tmp_path / "silent.mrc", tmp_path / "out.parquet"
    os.mkfifo(silent)
    target.write_bytes(b"old")
    process = subprocess.Popen([*MODULE, "convert", silent, target], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while sum(1 for _ in tmp_path.iterdir()) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)  # until it has begun to write
    process.send_signal(signal.SIGINT)
    assert process.wait(5) != 0
    assert_untouched(target, silent)


def test_a_closed_stdout_is_no_crash(marc_file: Path) -> None:
    with subprocess.Popen([*MODULE, "count", marc_file], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"panic" not in process.stderr.read()
        assert process.wait(20) == 0
