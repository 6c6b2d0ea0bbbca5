"""The sweep of batch sizes: what it found is what the code has, it varies what it says, and it can fail."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mrrc_arrow import _native

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benches.decision import (
    EXIT_CODES,
    GATE,
    IDLE,
    KEPT_BACKENDS,
    STREAM_BACKENDS,
    TABLE_BACKENDS,
    Decision,
    Row,
    best,
    climbs,
    reader_size,
    verdict,
)
from benches.pages import places, printed, put_into
from benches.peers import TABLES

DECISION = "PHASE_C_GATE_DECISION.txt"
CURVE = "speedup_curve.csv"


def read_rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def batches_by_size(rows: list[Row], backend: str) -> dict[int, int]:
    of_backend = [row for row in rows if row["backend"] == backend and row["sweep"] == "size"]
    return {int(row["batch_size"]): int(row["batches"]) for row in of_backend}


def assert_varies(rows: list[Row]) -> None:
    """The number of batches is what the batch size makes it, up to batches that are bounded in bytes."""
    for backend in ("PythonFile", *TABLE_BACKENDS):
        batches = batches_by_size(rows, backend)
        records = next(float(row["records"]) for row in rows if row["backend"] == backend)
        assert len(batches) >= 6
        for size, count in batches.items():
            assert records / size <= count <= 1.05 * records / size + 1, (backend, size)


@pytest.fixture(scope="module")
def results(root: Path) -> Path:
    return root / "benches" / "results"


@pytest.fixture(scope="module")
def committed(results: Path) -> list[Row]:
    return read_rows(results / CURVE)


@pytest.fixture(scope="module")
def quick(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    out = tmp_path_factory.mktemp("results")
    command = [sys.executable, str(root / "scripts" / "benchmark_batch_sizes.py"), "--quick", "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False), out


def test_the_reader_has_the_batch_size_that_won(committed: list[Row]) -> None:
    assert Decision.of(committed).reader == _native.READER_BATCH_SIZE


def test_tables_have_the_batch_size_that_won(committed: list[Row]) -> None:
    decision = Decision.of(committed)
    assert (decision.stream, decision.kept) == (_native.DEFAULT_BATCH_SIZE, _native.KEPT_BATCH_SIZE)


def test_the_winners_are_marked_in_the_curve(committed: list[Row]) -> None:
    marked = {(row["backend"], row["batch_size"]) for row in committed if row["best"] == "1"}
    assert marked == {
        ("PythonFile", str(_native.READER_BATCH_SIZE)),
        *((backend, str(_native.DEFAULT_BATCH_SIZE)) for backend in STREAM_BACKENDS),
        *((backend, str(_native.KEPT_BATCH_SIZE)) for backend in KEPT_BACKENDS),
    }


def test_the_curve_rests_on_five_rounds_or_more(committed: list[Row]) -> None:
    assert min(int(row["rounds"]) for row in committed) >= 5


def test_the_decision_is_the_one_that_follows_from_the_curve(results: Path, committed: list[Row]) -> None:
    decision, text = Decision.of(committed), (results / DECISION).read_text()
    assert text.startswith(f"GATE: {decision.gate}\n")
    assert f"\nREADER_BATCH_SIZE = {decision.reader}\n" in text
    assert f"\nDEFAULT_BATCH_SIZE = {decision.stream}\n" in text
    assert f"\nKEPT_BATCH_SIZE = {decision.kept}\n" in text


def test_a_gate_that_fails_names_what_stops_it(results: Path) -> None:
    text = (results / DECISION).read_text()
    if text.startswith("GATE: failed"):
        assert "Largest loss:" in text
        assert "Tried:" in text


def test_the_sweep_varied_the_batch_size(committed: list[Row]) -> None:
    assert_varies(committed)
    cycles = [int(row["gil_cycles"]) for row in committed if row["backend"] == "PythonFile" and row["sweep"] == "size"]
    assert cycles == sorted(set(cycles), reverse=True)


def test_a_quick_sweep_writes_a_curve_that_varies(
    quick: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, out = quick
    assert (out / CURVE).exists(), done.stderr
    assert_varies(read_rows(out / CURVE))


def test_a_sweep_of_tables_keeps_what_was_measured_of_the_reader(root: Path, results: Path, tmp_path: Path) -> None:
    for name in (CURVE, DECISION):
        shutil.copy(results / name, tmp_path)
    before, text_before = read_rows(results / CURVE), (results / DECISION).read_text()
    command = [sys.executable, str(root / "scripts" / "benchmark_batch_sizes.py"), "--quick", "--tables"]
    for _ in range(2):
        done = subprocess.run(
            [*command, "--out", str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
        )
        after, text = read_rows(tmp_path / CURVE), (tmp_path / DECISION).read_text()
        reader = [row for row in before if row["backend"] == "PythonFile"]
        assert [row for row in after if row["backend"] == "PythonFile"] == reader, done.stderr
        tables = [row for row in after if row["backend"] != "PythonFile"]
        assert {row["rounds"] for row in tables} == {"1"}
        decision = Decision.of(after)
        marked = {row["backend"]: row["batch_size"] for row in tables if row["best"] == "1"}
        assert marked == {backend: str(decision.winner(backend)) for backend in TABLE_BACKENDS}
        # The headline of the reader's sweep, then one of this one.
        first, last = "\n".join(text_before.split("\n")[:3]), text_before[text_before.index("\nStages at ") :]
        assert text.startswith(first)
        assert text.endswith(last)
        assert text.count("\nTables: measured on ") == 1
        assert text.count(" --tables --quick`: two files of 4 MB") == 1


def test_the_exit_code_agrees_with_the_decision(quick: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, out = quick
    text = (out / DECISION).read_text()
    gate = text.split("\n")[0].removeprefix("GATE: ")
    assert done.returncode == EXIT_CODES[gate], done.stderr
    assert gate == Decision.of(read_rows(out / CURVE)).gate
    assert done.stdout == text


def test_the_best_size_is_the_smallest_that_is_as_good_as_the_fastest() -> None:
    assert best({10: 20.0, 25: 10.2, 50: 10.0, 100: 9.99}) == 25


@pytest.mark.parametrize(
    ("curve", "size"),
    [
        ({10: 10.0, 100: 9.9, 500: 9.8}, 100),  # flat
        ({10: 20.0, 100: 10.0, 500: 9.9}, 100),  # flattens
        ({10: 20.0, 100: 10.0, 500: 8.0}, 500),  # still climbs
        ({10: 20.0, 100: 10.0, 500: 12.0}, 100),  # falls again
    ],
)
def test_the_curve_decides_the_size(curve: dict[int, float], size: int) -> None:
    assert reader_size(curve)[0] == size


def test_a_curve_climbs_if_its_last_size_beats_all_others() -> None:
    assert climbs({10: 20.0, 100: 10.0, 500: 9.0})
    assert not climbs({10: 20.0, 100: 10.0, 500: 9.8})
    assert not climbs({10: 20.0, 100: 8.0, 500: 9.0})


def test_the_gate_asks_two_threads_for_both_sizes_and_two_idle_cores() -> None:
    assert verdict(GATE, GATE, IDLE) == "passed"
    assert verdict(GATE - 0.01, GATE, IDLE) == "failed"
    assert verdict(GATE, GATE - 0.01, IDLE) == "failed"
    assert verdict(GATE, GATE, IDLE - 0.01) == "not idle"
    assert verdict(None, None, None) == "no verdict"


def test_the_table_of_writing_is_printed(root: Path, sample: Path) -> None:
    command = [sys.executable, str(root / "benches" / "peers.py"), str(sample), "--table", "writing", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| mrrc_arrow, ")]
    rows = {
        'write_parquet, layout="subfields"': "19,198",
        'scan_marc, layout="subfields", sink_parquet': "19,198",
        "write_parquet": "300",
        "scan_marc, sink_parquet, row_group_size=4096": "300",
        "write_marc": "300",
        "write_marc, open(…, 'wb')": "300",
    }
    assert {line[0].removeprefix("mrrc_arrow, "): line[1] for line in lines} == rows


def test_a_page_without_a_place_is_refused(root: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text, options, says in (
        ("no place", [], "places for tables: none"),
        ("<!-- peers: hole -->\n<!-- end -->\n", [], "places for tables: hole"),
        (
            "<!-- peers: whole -->\n<!-- end -->\n",
            ["--table", "writing"],
            "--into measures the tables that the pages have",
        ),
    ):
        page.write_text(text)
        command = [sys.executable, str(root / "benches/peers.py"), "--into", str(page), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 2
        assert says in done.stderr
        assert page.read_text() == text


def test_tables_are_put_into_pages_where_there_is_a_place_for_them(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Before\n\n<!-- peers: whole -->\nold\n<!-- end -->\n\nbetween <!-- peers: limits -->\nkept<!-- end -->\n"
    )
    assert places(page.read_text()) == ["whole", "limits"]
    agree, table = printed(lambda: print("| a |\n") is None)
    assert agree
    put_into([page], "whole", table)
    once = page.read_text()
    assert once.startswith("Before\n\n<!-- peers: whole -->\n\n| a |\n\n<!-- end -->\n")
    assert once.endswith("<!-- peers: limits -->\nkept<!-- end -->\n")
    put_into([page], "whole", table)
    assert page.read_text() == once


def test_pages_have_places_for_tables_that_exist(root: Path) -> None:
    for page in (root / "README.md", root / "docs/performance.md"):
        assert set(places(page.read_text())) <= set(TABLES)
    assert "whole" in places((root / "README.md").read_text())
