"""`mrrc-arrow filter`, `split` and `cat`: MARC from MARC."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING

import mrrc_arrow as mrrc
import polars as pl
import pytest

from .marc import books, control, data, encode, with_length
from .test_cli import MODULE, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def raws(path: Path) -> list[bytes]:
    content = path.read_bytes()
    return [content[at : at + length] for at, length in mrrc.scan_record_boundaries(content)]


def piped(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*MODULE, *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False)


SUBJECTS = mrrc.all("650$a")
FILTERS: dict[str, Callable[[pl.DataFrame], pl.Series]] = {
    '008/35-37 = "eng"': lambda df: df["language"] == "eng",
    '008/35-37 != "eng"': lambda df: (df["language"] == "eng").fill_null(False).not_(),
    '008/35-37 in ("eng", "fre")': lambda df: df["language"].is_in(["eng", "fre"]),
    '008/35-37 not in ("eng", "fre")': lambda df: df["language"].is_in(["eng", "fre"]).fill_null(False).not_(),
    "exists(880)": lambda df: df["script"],
    "880": lambda df: df["script"],
    "not 880": lambda df: df["script"].not_(),
    "count(650) > 1": lambda df: df["count"] > 1,
    "count(650) = 0": lambda df: df["count"] == 0,
    "008/7-10 >= 1950": lambda df: df["year"].cast(pl.Int32, strict=False).fill_null(-1) >= 1950,
    '008/7-10 < "1950"': lambda df: (df["year"] < "1950").fill_null(False),
    '650$a ~ "ra"': lambda df: df["subjects"].list.join("|").str.contains("ra", literal=True),
    '650$a !~ "ra"': lambda df: df["subjects"].list.join("|").str.contains("ra", literal=True).not_(),
    'first(650$a) ~ "ra"': lambda df: df["subjects"].list.first().str.contains("ra", literal=True).fill_null(False),
    'LDR/6 = "a" and (008/35-37="eng" OR 008/35-37="ger") and not exists(856)': lambda df: (
        (df["leader"].str.slice(6, 1) == "a") & df["language"].is_in(["eng", "ger"]) & df["online"].not_()
    ),
    r'650$a{^2=\0} ~ "a"': lambda df: df["lcsh"].list.join("|").str.contains("a", literal=True),
    'join(245$a$b, " ") ~ " : "': lambda df: df["title"].str.contains(" : ", literal=True).fill_null(False),
}


@pytest.fixture(scope="module")
def facts(sample: Path) -> pl.DataFrame:
    return mrrc.read_marc(
        sample,
        columns={
            "leader": "LDR",
            "language": "008/35-37",
            "year": "008/7-10",
            "script": mrrc.exists("880"),
            "online": mrrc.exists("856"),
            "count": mrrc.count("650"),
            "subjects": SUBJECTS,
            "lcsh": mrrc.all(r"650$a{^2=\0}"),
            "title": mrrc.join("245$a$b", sep=" "),
        },
    )


@pytest.mark.parametrize("expression", FILTERS)
def test_records_of_which_it_holds_come_byte_by_byte(
    sample: Path, tmp_path: Path, facts: pl.DataFrame, expression: str
) -> None:
    wanted = FILTERS[expression](facts).to_list()
    expected = b"".join(raw for raw, is_wanted in zip(raws(sample), wanted, strict=True) if is_wanted)
    assert 0 < sum(wanted) < 300
    out = tmp_path / "out.mrc"
    done = run("filter", expression, sample, "-o", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"{sum(wanted)} records written to {out}\n"
    assert out.read_bytes() == expected
    others = piped("filter", "--invert", expression, sample)
    assert others.stdout == b"".join(raw for raw, is_wanted in zip(raws(sample), wanted, strict=True) if not is_wanted)


@pytest.mark.parametrize(
    ("expression", "says", "caret"),
    [
        ("", "three characters", 0),
        ("245$a =", "double quotes", 7),
        ("245$a = x", "double quotes", 8),
        ('245$a = "x" or', "three characters", 14),
        ('245$a = "x" 1', "and, or, or the end", 12),
        ('(245$a = "x"', ") is wanted", 12),
        ("245$", "a code is one", 4),
        ("count(245) ~ 1", None, None),
        ("count(245) in (1, 2)", None, None),
        ('count(245) in ("1")', "compared with a number", 11),
        ('count(245) = "1"', "compared with a number", 11),
        ('exists(245) = "1"', "test by itself", 12),
        ("fields(245)", "nothing that could be compared", 0),
        ('245$a in "x"', "@FILE", 9),
        ('245$a in ("x"', ", or )", 13),
        ("not " * 70 + "245", "inside of each other", None),
    ],
)
def test_mistakes_are_pointed_at(sample: Path, expression: str, says: str | None, caret: int | None) -> None:
    done = run("filter", expression, sample)
    if says is None:
        assert done.returncode == 0
        return
    assert done.returncode == 2
    assert says in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: no filter: ")
    if caret is not None:
        assert lines[2] == "  " + " " * caret + "^"


def test_values_come_from_files(sample: Path, tmp_path: Path) -> None:
    ids = mrrc.read_marc(sample, columns={"id": "001"})["id"].to_list()
    wanted = [ids[3], ids[250], "not there"]
    expected = raws(sample)[3] + raws(sample)[250]
    (tmp_path / "ids.txt").write_text("\n".join(wanted) + "\n")
    (tmp_path / "ids.csv").write_text("\ufeffid,note\n" + "".join(f'"{one}","a, b"\n' for one in wanted))
    (tmp_path / "with blank.txt").write_text("\r\n".join(wanted))
    for given in (f"@{tmp_path}/ids.txt", f"@{tmp_path}/ids.csv", f'@"{tmp_path}/with blank.txt"'):
        assert piped("filter", f"001 in {given}", sample).stdout == expected
        assert piped("filter", f"(001 in {given}) and 245", sample).stdout == expected
    missing = run("filter", "001 in @no-such-file", sample)
    assert missing.returncode == 1
    assert missing.stderr == "error: no-such-file: cannot read: No such file or directory (os error 2)\n"
    (tmp_path / "ids.csv").write_text("id;note\n" + "".join(f" {one} ;x\n" for one in wanted))
    found = piped("filter", f"001 in @{tmp_path}/ids.csv", sample)
    assert found.stdout == expected
    assert f"4 values to look for in {tmp_path}/ids.csv".encode() in found.stderr
    found = piped("filter", "001 in @-", sample, stdin="\n".join(wanted).encode())
    assert found.stdout == expected


def test_standard_input_is_taken_once(sample: Path) -> None:
    for command in (["filter", "001 in @-", "-"], ["count", "-", "-"]):
        done = piped(*command, stdin=sample.read_bytes())
        assert done.returncode == 2
        assert b"can be read once" in done.stderr


def test_the_barcodes(tmp_path: Path) -> None:
    """1,500 barcodes and 25,000 records: those records, and no others."""
    content = [encode([control("001", str(i)), data("999", ("i", f"3{i:09}"))]) for i in range(25_000)]
    (tmp_path / "catalogue.mrc").write_bytes(b"".join(content))
    wanted = range(7, 25_000, 25_000 // 1500)[:1500]
    (tmp_path / "barcodes.csv").write_text("barcode\n" + "".join(f"3{i:09}\n" for i in reversed(wanted)))
    out = tmp_path / "wanted.mrc"
    done = run("filter", f"999$i in @{tmp_path}/barcodes.csv", tmp_path / "catalogue.mrc", "-o", out)
    assert done.stderr.endswith(f"\n1500 records written to {out}\n")
    assert out.read_bytes() == b"".join(content[i] for i in wanted)


def test_damage_is_told_and_records_stay_as_they_are(tmp_path: Path) -> None:
    good = books(3)
    wrong = with_length(good[1], 9_999)
    source = tmp_path / "x.mrc"
    source.write_bytes(good[0] + wrong + b"\r\n" + good[2] + good[0][:-9])
    done = piped("filter", "001", source)
    assert done.returncode == 1
    assert b"truncated" in done.stderr
    done = piped("filter", "--ignore-errors", "001", source)
    assert (done.returncode, done.stdout) == (0, good[0] + wrong + good[2])
    assert b"reject: 1 truncated" in done.stderr
    assert b"repair: 1 length" in done.stderr
    assert b"3 records written to standard output" in done.stderr


def test_cat_puts_damage_right(tmp_path: Path) -> None:
    good = books(3)
    source = tmp_path / "x.mrc"
    source.write_bytes(good[0] + with_length(good[1], 9_999) + b"\r\n" + good[2])
    packed = tmp_path / "y.mrc.gz"
    packed.write_bytes(gzip.compress(b"".join(good)))
    out = tmp_path / "all.mrc.gz"
    done = run("cat", source, packed, "-o", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert gzip.decompress(out.read_bytes()) == b"".join(good) * 2
    assert done.stderr.splitlines()[-1] == f"6 records written to {out}"


def test_cat_changes_the_encoding(tmp_path: Path) -> None:
    utf8 = encode([control("001", "1"), data("245", ("a", "Ångström 東 \N{MUSICAL SYMBOL G CLEF}"))])
    source = tmp_path / "x.mrc"
    source.write_bytes(utf8)
    marc8 = piped("cat", "--to", "marc-8", source)
    assert marc8.returncode == 0
    assert marc8.stdout[9:10] == b" "
    assert b"1 characters that MARC-8 has no code for" in marc8.stderr
    back = piped("cat", "--to", "utf-8", "-", stdin=marc8.stdout)
    assert back.stdout[9:10] == b"a"
    assert "Ångström 東 &#x1D11E;".encode() in back.stdout


@pytest.mark.parametrize("records", [1, 99, 100, 300, 1000])
def test_split_cuts_into_files(sample: Path, tmp_path: Path, records: int) -> None:
    done = run("split", "--records", records, sample, "-o", tmp_path / "part-{}.mrc")
    files = sorted(tmp_path.iterdir())
    assert len(files) == -(-300 // records)
    assert files[0].name == "part-00000.mrc"
    assert done.stderr == f"300 records written to {len(files)} files\n"
    assert {len(raws(file)) for file in files[:-1]} <= {records}
    assert b"".join(file.read_bytes() for file in files) == sample.read_bytes()


def test_split_may_take_its_own_parts(sample: Path, tmp_path: Path) -> None:
    content = b"".join(raws(sample)) * 200
    for number in range(4):
        (tmp_path / f"part-{number:05}.mrc").write_bytes(content)
    done = run("split", "--records", 50_000, tmp_path / "part-*.mrc", "-o", tmp_path / "part-{}.mrc")
    files = sorted(tmp_path.iterdir())
    assert [len(raws(file)) for file in files] == [50_000] * 4 + [40_000]
    assert done.stderr == "240000 records written to 5 files\n"
    fewer = run("split", "--records", 100_000, tmp_path / "part-*.mrc", "-o", tmp_path / "part-{}.mrc")
    assert fewer.stderr.endswith(f"warning: {files[3]} is not of these, but was there before\n")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    files[0].write_bytes(before[files[0]] + b"00100nam a2200049")
    assert run("split", "--records", 1000, files[0], "-o", tmp_path / "part-{}.mrc").returncode == 1
    assert set(tmp_path.iterdir()) == set(before)


def test_records_that_have_no_room_are_left_out_if_that_is_said(tmp_path: Path) -> None:
    good = books(2)
    fields = [control("001", "long"), *[data("500", ("a", "x" * 9000))] * 12]
    long = encode(fields)
    source = tmp_path / "x.mrc"
    source.write_bytes(good[0] + long + good[1])
    for to in ([], ["--to", "utf-8"]):
        done = piped("cat", *to, source)
        if done.returncode == 0:
            # It was sound as it stood.
            assert done.stdout == source.read_bytes()
            continue
        assert b"99999" in done.stderr
        assert done.stderr.endswith(b". Leave such records out with --ignore-errors\n")
        done = piped("cat", *to, "--ignore-errors", source)
        assert (done.returncode, done.stdout) == (0, b"".join(good))
        assert b"1 records could not be written and were left out" in done.stderr


def test_what_is_compressed_is_so_together(sample: Path, tmp_path: Path) -> None:
    source = tmp_path / "x.mrc"
    source.write_bytes(sample.read_bytes() * 100)
    out = tmp_path / "out.mrc.gz"
    run("filter", "001", source, "-o", out)
    assert out.stat().st_size < 1.3 * len(gzip.compress(source.read_bytes()))


def test_split_makes_any_number_of_files(tmp_path: Path) -> None:
    source, parts = tmp_path / "x.mrc", tmp_path / "parts"
    record = encode([control("001", "1")])
    source.write_bytes(record * 12_000)
    parts.mkdir()
    done = run("split", "--records", 1, source, "-o", parts / "{}.mrc")
    assert (done.returncode, done.stderr) == (0, "12000 records written to 12000 files\n")
    assert {file.stat().st_size for file in parts.iterdir()} == {len(record)}


def test_split_compresses_and_wants_a_place_for_numbers(sample: Path, tmp_path: Path) -> None:
    run("split", "--records", 200, sample, "-o", tmp_path / "part-{}.mrc.zst")
    assert [mrrc.read_marc(file).height for file in sorted(tmp_path.iterdir())] == [200, 100]
    for wrong in ("x.mrc", "{}{}.mrc"):
        done = run("split", "--records", 1, sample, "-o", wrong)
        assert (done.returncode, "once" in done.stderr) == (2, True)
    assert run("split", "--records", 0, sample).returncode == 2


def test_pipes(sample: Path) -> None:
    first = piped("filter", "exists(880)", "-", stdin=gzip.compress(sample.read_bytes()))
    counted = piped("count", "-", stdin=first.stdout)
    with_script = mrrc.read_marc(sample, columns={"x": mrrc.exists("880")})["x"].sum()
    assert counted.stdout == f"{with_script}\n".encode()
    shown = piped("head", "-n", 1, "-", stdin=first.stdout)
    assert shown.stdout.startswith(b"=LDR  ")


def test_who_reads_no_more_is_no_error(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "much.mrc").write_bytes(sample.read_bytes() * 40)
    for command in (["cat"], ["filter", "001"], ["select", "-c", "001"], ["head", "-n", "9999"]):
        line = f"{' '.join([*MODULE, *command])} {tmp_path / 'much.mrc'} 2> {tmp_path / 'err'} | head -c 10 > /dev/null"
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], timeout=60, check=False)
        assert done.returncode == 0, command
        assert "error" not in (tmp_path / "err").read_text()
