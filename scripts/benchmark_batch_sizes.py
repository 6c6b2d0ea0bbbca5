"""Find the best batch sizes by measuring them, and judge whether two threads gain from batches.

    python scripts/benchmark_batch_sizes.py [--mb 250] [--rounds 5] [--quick] [--tables] [--out benches/results]

Writes `speedup_curve.csv` and, from it by the rules in benches/decision.py, `PHASE_C_GATE_DECISION.txt`. Exits with 1
if the gate fails, with 2 if the cores were not idle; with fewer than two cores there is no verdict. `--quick` takes a
small file and one round: it tells that everything works and nothing about speed. `--tables` sweeps tables alone and
keeps what stands in OUT of the reader, and with it the gate.

What varies, the column `sweep`:

- ``size``: the batch size alone. For `PythonFile`, a `MARCReader` over an open file, 10 to 500 records, and 1000 and
  2000 while the curve still climbs, with the hard stops lifted: no limit on records, and in bytes 300 KB or, where
  that is less, 2,500 for each record. For `read_batches`, `read_table` and `read_marc` of a path, 256 to
  65,536 records.
- ``limits``: the hard stops, 300 and 600 KB, without a limit on records and with one of 200; `batch_size` is 2000.
- ``shipped``: nothing is given.

Every measurement is a process of its own on files in the page cache; settings alternate, rounds after rounds, every
other one backwards. The columns of the CSV are medians over the rounds unless they say otherwise, and empty where
they do not apply (tables run without the GIL on all cores):

=================== ====================================================================================================
backend, sweep      as above
batch_size          records in a batch; empty for the default
max_records         hard stop in records; empty for the default
max_bytes           hard stop in bytes; empty for the default
rounds              number of rounds
records             records in the file
batches             batches that came
read_calls          calls of the file's `.read`
gil_cycles          releases and acquisitions of the GIL by the reader, as it counts them
ms_per_10k          milliseconds for 10,000 records; for `PythonFile` of the gate's workload in one thread: batches
                    from a file object, directory walk and UTF-8 check of each record
ms_per_10k_variance variance of that over the rounds, in square milliseconds
ms_per_10k_min      the least
ms_per_10k_max      the most
peak_mb             most memory that the process held, in 10^6 bytes; the most of all rounds
two_threads         two files one after the other by the time of two threads with one each, of the gate's workload: the
                    least of the one by the least of the other
two_threads_min     the least of any round
two_threads_max     the most
loop_ms_per_10k     milliseconds for 10,000 records of `for record in reader`
loop_two_threads    two threads against one, of that, by the least times
cores_two_threads   two threads against one, of checksums in the cache without the GIL, measured beside these, by the
                    least times: what the cores gave
best                1 for the size that wins
measured            date
machine             cores, processor, system, Python
=================== ====================================================================================================
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).resolve().parent.parent))

from benches import batches, common
from benches.batches import Setting
from benches.decision import CONTROLS, TABLE_BACKENDS, Decision, Row, Stages, climbs

if TYPE_CHECKING:
    from benches.common import Figures

SIZES = [10, 25, 50, 100, 200, 500]
EXTENSIONS = [1000, 2000]
LIMITS = [
    Setting("PythonFile", "limits", 2000, records, limit)
    for limit in (300_000, 600_000)
    for records in (batches.UNLIMITED, 200)
]
SHIPPED = Setting("PythonFile", "shipped")
CURVE, DECISION = "speedup_curve.csv", "PHASE_C_GATE_DECISION.txt"
TABLE_SIZES = sorted([384, *(2**exponent for exponent in range(8, 17))])
TABLES = [Setting(backend, "size", size) for size in TABLE_SIZES for backend in TABLE_BACKENDS]
FIGURES = [
    *("backend", "sweep", "batch_size", "max_records", "max_bytes", "rounds", "records", "batches", "read_calls"),
    *("gil_cycles", "ms_per_10k", "ms_per_10k_variance", "ms_per_10k_min", "ms_per_10k_max", "peak_mb"),
    *("two_threads", "two_threads_min", "two_threads_max", "loop_ms_per_10k", "loop_two_threads", "cores_two_threads"),
    "best",
]
COLUMNS = [*FIGURES, "measured", "machine"]


def be_measured(task: str) -> None:
    """Be the process that `start` starts."""
    given = json.loads(task)
    setting, paths = Setting(**given["setting"]), [Path(path) for path in given["paths"]]
    match given["kind"]:
        case "single":
            common.report(batches.single(setting, paths[0]))
        case "pair":
            common.report(batches.pair(setting, paths, two_first=given["two_first"]))
        case "table":
            common.report(batches.table(setting, paths[0]))
        case "stage":
            common.report(batches.stage(setting, paths))
        case name:
            common.report(batches.control(name, setting, paths, two_first=given["two_first"]))


def task(kind: str, setting: Setting, *paths: Path, two_first: bool = False) -> list[str]:
    """The arguments for one measurement."""
    given = {"kind": kind, "setting": asdict(setting), "paths": [str(path) for path in paths], "two_first": two_first}
    return ["--one", json.dumps(given)]


def start(*tasks: list[str]) -> list[Figures]:
    """Measure, all tasks at the same time."""
    figures = common.run(__file__, *tasks)
    if figures is None:
        sys.exit("something to measure is not installed")
    return figures


class Sweep:
    """Measurements by setting."""

    def __init__(self, files: tuple[Path, Path], rounds: int) -> None:
        self.files = files
        self.rounds = rounds
        self.runs: dict[Setting, list[Figures]] = {}

    def measure(self, settings: list[Setting]) -> None:
        """Measure the settings in turn, round after round, every other one backwards."""
        for number in range(self.rounds):
            backwards = bool(number % 2)
            print(f"round {number + 1} of {self.rounds}, {len(settings)} settings", file=sys.stderr)
            for setting in settings[::-1] if backwards else settings:
                if setting.backend != "PythonFile":
                    figures = start(task("table", setting, self.files[0]))[0]
                else:
                    figures = start(task("single", setting, self.files[0]))[0]
                    if common.cores() >= 2:
                        pair = start(task("pair", setting, *self.files, two_first=backwards))[0]
                        figures |= {f"pair_{name}": value for name, value in pair.items()}
                self.runs.setdefault(setting, []).append(figures)

    def curve(self) -> dict[int, float]:
        """Seconds for a file by the reader's batch size."""
        return {
            setting.batch_size or 0: min(run["seconds"] for run in runs)
            for setting, runs in self.runs.items()
            if setting.backend == "PythonFile" and setting.sweep == "size"
        }

    def rows(self) -> list[Row]:
        """The rows of the CSV, but for what they have in common and who wins."""
        return [row(setting, runs) for setting, runs in sorted(self.runs.items(), key=lambda item: order(item[0]))]


def order(setting: Setting) -> tuple[int, int, int]:
    """Where a setting stands in the CSV."""
    backends = ["PythonFile", *TABLE_BACKENDS]
    sweeps = ["size", "limits", "shipped"]
    return backends.index(setting.backend), sweeps.index(setting.sweep), setting.batch_size or 0


def row(setting: Setting, runs: list[Figures]) -> Row:
    """One row of the CSV."""
    per_10k = [run["seconds"] / run["records"] * 1e7 for run in runs]
    cells: dict[str, object] = asdict(setting) | {"rounds": len(runs), "records": runs[0]["records"]}
    for count in ("batches", "read_calls", "gil_cycles"):
        cells[count] = statistics.median_low(run[count] for run in runs) if count in runs[0] else None
    cells["ms_per_10k"] = f"{statistics.median(per_10k):.4f}"
    cells["ms_per_10k_variance"] = f"{statistics.pvariance(per_10k):.6f}"
    cells |= {"ms_per_10k_min": f"{min(per_10k):.4f}", "ms_per_10k_max": f"{max(per_10k):.4f}"}
    cells["peak_mb"] = f"{max(run['peak_mb'] for run in runs):.1f}"
    pairs = [run for run in runs if "pair_one" in run]
    if pairs:
        ratios = [run["pair_one"] / run["pair_two"] for run in pairs]
        cells["two_threads"] = f"{gain(pairs, 'pair'):.3f}"
        cells |= {"two_threads_min": f"{min(ratios):.3f}", "two_threads_max": f"{max(ratios):.3f}"}
        loops = [run["pair_loop_one"] / run["pair_records"] * 1e7 for run in pairs]
        cells["loop_ms_per_10k"] = f"{statistics.median(loops):.4f}"
        for work in ("loop", "cores"):
            cells[f"{work}_two_threads"] = f"{gain(pairs, f'pair_{work}'):.3f}"
    return {name: "" if cells.get(name) is None else str(cells[name]) for name in FIGURES}


def gain(runs: list[Figures], work: str) -> float:
    """Two threads against one: the least time of one by the least of two."""
    return min(run[f"{work}_one"] for run in runs) / min(run[f"{work}_two"] for run in runs)


def stages_of(setting: Setting, files: tuple[Path, Path], rounds: int, records: float) -> Stages:
    """Measure the stages: one thread alone, two processes, two threads."""
    alone, processes, threads, ratios = [], [], [], []
    for _ in range(rounds):
        one = [start(task("stage", setting, file))[0] for file in files]
        both = start(*(task("stage", setting, file) for file in files))
        alone += one
        processes += both
        threads += start(task("stage", setting, *files))
        together = max(run["end"] for run in both) - min(run["start"] for run in both)
        ratios.append(sum(run["end"] - run["start"] for run in one) / together)

    def medians(runs: list[Figures]) -> tuple[float, float]:
        return statistics.median(run["inside"] for run in runs), statistics.median(run["rest"] for run in runs)

    return Stages(records, medians(alone), medians(processes), medians(threads), statistics.median(ratios))


def controls_of(setting: Setting, files: tuple[Path, Path], rounds: int) -> dict[str, list[float]]:
    """Two threads against one, of parts of the workload and of variants."""
    ratios: dict[str, list[float]] = {name: [] for name in CONTROLS}
    for number in range(rounds):
        for name in CONTROLS:
            run = start(task(name, setting, *files, two_first=bool(number % 2)))[0]
            ratios[name].append(run["one"] / run["two"])
    return ratios


@dataclass(frozen=True)
class Kept:
    """What was measured of the reader, and judged, when only tables are swept anew."""

    headline: list[str]
    rows: list[Row]
    account: str

    @classmethod
    def of(cls, folder: Path) -> Kept:
        """What stands in the results."""
        with (folder / CURVE).open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["backend"] == "PythonFile"]
        text = (folder / DECISION).read_text()
        _, *headline = text.split("\n\n")[0].split("\n")
        tables = next((at for at, line in enumerate(headline) if line.startswith("Tables: ")), len(headline))
        account = text.find("\nStages at ")
        return cls(headline[:tables], rows, text[account:] if account >= 0 else "")


def sweep_reader(sweep: Sweep) -> None:
    """Measure the reader, with larger batches as long as those gain."""
    sizes = [Setting.lifted(size) for size in SIZES]
    sweep.measure([*sizes, *LIMITS, SHIPPED])
    for size in EXTENSIONS:
        if not climbs(sweep.curve()):
            break
        # Beside the size before it, which it has to beat.
        sizes.append(Setting.lifted(size))
        sweep.measure(sizes[-2:])


def main() -> int:
    """Sweep, write and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--mb", type=float, default=250, help="size of each of the two files")
    parser.add_argument("--rounds", type=int, default=5, help="at least 5")
    parser.add_argument("--quick", action="store_true", help="4 MB and one round, to see that it works")
    parser.add_argument("--tables", action="store_true", help="tables alone: what is in OUT of the reader is kept")
    parser.add_argument("--out", type=Path, default=common.ROOT / "benches" / "results")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        be_measured(args.one)
    if args.rounds < 5:
        parser.error("--rounds must be at least 5")
    megabytes, rounds = (4, 1) if args.quick else (args.mb, args.rounds)
    load = os.getloadavg()[0]
    files = (common.make_file(megabytes), common.make_file(megabytes, seed=2))
    common.warm(*files)

    sweep = Sweep(files, rounds)
    kept = Kept.of(args.out) if args.tables else None
    if kept is None:
        sweep_reader(sweep)
    sweep.measure(TABLES)

    rows, cores = sweep.rows(), common.cores()
    measured = dt.datetime.now(dt.UTC).date().isoformat()
    for cells in rows:
        cells |= {"measured": measured, "machine": common.machine()}
    rows = [*(kept.rows if kept else []), *rows]
    decision = Decision.of(rows)
    for cells in rows:
        winner = decision.winner(cells["backend"])
        cells["best"] = str(int(cells["sweep"] == "size" and cells["batch_size"] == str(winner)))
    stages, controls = None, {}
    if kept is None and cores >= 2:
        print("stages and controls", file=sys.stderr)
        stages = stages_of(Setting.lifted(decision.reader), files, rounds, float(rows[0]["records"]))
        controls = controls_of(Setting.lifted(decision.reader), files, rounds)

    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / CURVE).open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    quick = " --quick" if args.quick else f" --mb {megabytes:g} --rounds {rounds}"
    tables = " --tables" if kept else ""
    headline = [
        f"{'Tables: m' if kept else 'M'}easured on {measured}: {common.machine()}, {cores} of them usable;"
        f" load average before {load:.2f}.",
        f"By `python scripts/benchmark_batch_sizes.py{tables}{quick}`: two files of {megabytes:g} MB in the page cache,"
        f" {rounds} rounds.",
    ]
    if args.quick:
        headline.append("A quick run: it tells nothing about speed.")
    if kept:
        text = decision.text([*kept.headline, *headline], rows, None, {}) + kept.account
    else:
        text = decision.text(headline, rows, stages, controls)
    (args.out / DECISION).write_text(text)
    print(text, end="")
    return decision.exit_code


if __name__ == "__main__":
    sys.exit(main())
