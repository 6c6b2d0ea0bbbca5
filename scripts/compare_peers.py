"""Show what libraries for MARC make of the same small files, as tables in Markdown.

    python scripts/compare_peers.py [--peers pymarc,mrrc] [--tables text,content,damage,process]

The files are made here (`peer_files.py`), each library reads them in a process of its own (`peer_readers.py`), and
cells say what came out. Of libraries that are not installed there is no column: `make compare` installs those that are
on PyPI, and `apt-get install yaz libmarc-record-perl libmarc4j-java default-jdk-headless` brings the others.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import peer_processes
from peer_files import CASES, Answer, Case, Field
from peer_readers import PEERS, Failed, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60
"""Seconds of silence after which a library counts as one that hangs."""

TITLES = {
    "text": "Text: is the title read right?",
    "content": "Content: what is left of it?",
    "damage": "Damage: of three records, the second is damaged",
}


def say(**message: object) -> None:
    """Tell the process that asks."""
    print(json.dumps(message), flush=True)


def answer_one(peer: Peer, case: Case, folder: Path) -> None:
    """Read the file of one case and tell what came out."""
    path = str(folder / (case.file or "missing.mrc"))
    if case.file:
        Path(path).write_bytes(case.data)
    try:
        if case.write:
            written = peer.write(path) if peer.write else None
            say(written=None if written is None else base64.b64encode(written).decode())
            return
        for given in peer.read(path, case):
            if isinstance(given, str):
                say(told=True)
            else:
                say(record=given)
    except Failed as error:
        say(error=str(error))
    except BaseException as error:
        say(error=f"raises {type(error).__name__}")


def answer_all(name: str, numbers: list[int]) -> None:
    """Be the process that reads for one library."""
    peer = next(peer for peer in PEERS if peer.name == name)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        os.dup2(errors.fileno(), 2)
        for number in numbers:
            say(case=number)
            before = os.fstat(errors.fileno()).st_size
            answer_one(peer, CASES[number], Path(folder))
            sys.stderr.flush()
            if os.fstat(errors.fileno()).st_size > before:
                say(told=True)


def as_record(fields: list[list[object]] | None) -> list[Field] | None:
    """Make fields of what came as JSON."""
    return None if fields is None else [Field(*of_field) for of_field in fields]  # type: ignore[arg-type]


def messages(command: list[str]) -> Iterator[dict[str, Any]]:
    """Give what a process of ours says, and at last how it ended; one that says nothing for long is killed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.stdout is not None:
            clock = threading.Timer(PATIENCE, process.kill)
            clock.start()
            line = process.stdout.readline()
            in_time = clock.is_alive()
            clock.cancel()
            if not line:
                break
            yield json.loads(line)
        code = process.wait()
        yield {"ended": "" if code == 0 else f"**crashes** (signal {-code})" if in_time else "**hangs**"}


def ask(peer: Peer, numbers: list[int]) -> dict[int, Answer]:
    """Have a library read the cases; a process that crashes or hangs is followed by another one for the rest."""
    answers: dict[int, Answer] = {}
    left = list(numbers)
    while left:
        answer = Answer()
        for message in messages([sys.executable, __file__, "--answer", peer.name, *map(str, left)]):
            match message:
                case {"case": number}:
                    left.remove(number)
                    answers[number] = answer = Answer(partial=peer.partial)
                case {"record": fields}:
                    answer.records.append(as_record(fields))
                case {"told": _}:
                    answer.told = True
                case {"written": written}:
                    answer.written = None if written is None else base64.b64decode(written)
                case {"error": error}:
                    answer.error = error
                case {"ended": how} if how:
                    answer.ended = how
    return answers


def print_table(name: str, peers: list[Peer], answers: dict[str, dict[int, Answer]]) -> None:
    """Print one table."""
    print(f"\n| {TITLES[name]} | {' | '.join(peer.name for peer in peers)} |")
    print(f"| --- |{' --- |' * len(peers)}")
    for number, case in enumerate(CASES):
        if case.table == name:
            cells = [case.judge(answers[peer.name][number], case.records) for peer in peers]
            print(f"| {case.name} | {' | '.join(cells)} |")


def measured(what: str, name: str, path: Path) -> str:
    """Start a process that measures something, and give what it says."""
    command = [sys.executable, __file__, "--measure", what, name, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"**crashes** (signal {-done.returncode})" if done.returncode < 0 else "fails"
    return done.stdout.splitlines()[-1]


def print_processes(names: list[str]) -> None:
    """Print the table of processes."""
    print(f"\n| Processes | {' | '.join(names)} |")
    print(f"| --- |{' --- |' * len(names)}")
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.mrc", Path(folder) / "large.mrc"
        peer_processes.make(small, peer_processes.SMALL_MB)
        peer_processes.make(large, peer_processes.LARGE_MB)
        for row, what in peer_processes.ROWS.items():
            cells = []
            for name in names:
                if what != "memory":
                    cells.append(measured(what, name, small))
                    continue
                peaks = [measured(what, name, path) for path in (small, large)]
                grown = (float(peaks[1]) - float(peaks[0])) / (peer_processes.LARGE_MB - peer_processes.SMALL_MB)
                cells.append("bounded" if grown < 0.5 else "grows with the file")
            print(f"| {row} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--peers", help="names of these alone, with commas between")
    parser.add_argument("--tables", default="text,content,damage,process", help="these tables alone")
    parser.add_argument("--answer", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.answer:
        answer_all(args.answer[0], [int(number) for number in args.answer[1:]])
        return
    if args.measure:
        print(peer_processes.measure(*args.measure))
        return
    wanted = args.peers.split(",") if args.peers else None
    peers = [p for p in PEERS if p.version() and (wanted is None or p.name.split(",")[0] in wanted)]
    tables = args.tables.split(",")
    print(", ".join(dict.fromkeys(f"{peer.name.split(',')[0]} {peer.version()}" for peer in peers)))
    numbers = [number for number, case in enumerate(CASES) if case.table in tables]
    answers = {peer.name: ask(peer, numbers) for peer in peers}
    for name in TITLES:
        if name in tables:
            print_table(name, peers, answers)
    if "process" in tables:
        work = peer_processes.WORK.items()
        print_processes([n for n, (version, _) in work if version() and (wanted is None or n.split(",")[0] in wanted)])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
