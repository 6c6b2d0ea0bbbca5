"""Look at what would be released: python scripts/check_dist.py dist/*.whl dist/*.tar.gz.

That wheels and source distributions have what they must and nothing else, that names and tags agree with the version in
Cargo.toml, and that the extension module is stripped and of the size that it should be.
"""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION: str = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]

# One wheel for CPython 3.11 and later; glibc 2.17 is that of every Linux that is still looked after.
WHEEL = re.compile(rf"mrrc_arrow-{re.escape(VERSION)}-cp311-abi3-(manylinux2014_x86_64|manylinux_2_17_x86_64|\.)+\.whl")
MODULE = "mrrc_arrow/_native.abi3.so"
LICENSES = ("LICENSE-MIT", "LICENSE-APACHE", "LICENSES-THIRD-PARTY.txt")
INFO = f"mrrc_arrow-{VERSION}.dist-info"
TOOLS = re.compile(rf"{re.escape(INFO)}/(METADATA|WHEEL|RECORD|entry_points\.txt|sboms/[\w.-]+\.json)")

# Bytes; what is larger has something in it that nobody meant to ship, and wants a look.
MOST_OF_A_WHEEL = 12_000_000
MOST_OF_A_SOURCE = 2_000_000

# Where a source distribution has files, beside those at the root, and what it cannot do without.
SOURCE_FOLDERS = ("src", "python", "tests", "benches", "docs", "examples", "scripts")
NEEDED = (
    *LICENSES, "PKG-INFO", "Cargo.toml", "Cargo.lock", "pyproject.toml", "Makefile", "README.md", "CHANGELOG.md",
    "CITATION.cff", "SECURITY.md", "python/mrrc_arrow/py.typed", "python/mrrc_arrow/_native.pyi", "src/lib.rs",
    "tests/data/sample.mrc", "tests/python/conftest.py", "tests/memory/leaks.py", "scripts/asan.sh",
)  # fmt: skip


def tracked(folder: str) -> set[str]:
    """Give the files below a folder of the repository that git has."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return {name for name in listed.stdout.split("\0") if name}


def sections(module: bytes) -> set[str]:
    """Give the names of the sections of a 64-bit little-endian ELF file."""
    (table,) = struct.unpack_from("<Q", module, 0x28)
    size, count, names = struct.unpack_from("<HHH", module, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", module, table + index * size) for index in range(count)]
    start = headers[names][4]
    return {module[start + header[0] :].split(b"\0", 1)[0].decode() for header in headers}


def check_wheel(path: Path) -> list[str]:
    """Give what is wrong with a wheel."""
    wrong = []
    if not WHEEL.fullmatch(path.name):
        wrong.append(f"its name is not that of a wheel of {VERSION} for CPython 3.11 and glibc 2.17")
    if path.stat().st_size > MOST_OF_A_WHEEL:
        wrong.append(f"{path.stat().st_size} bytes, over {MOST_OF_A_WHEEL}")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        package = {name.removeprefix("python/") for name in tracked("python")}
        expected = package | {MODULE} | {f"{INFO}/licenses/{name}" for name in LICENSES}
        found = {name for name in names if not TOOLS.fullmatch(name)}
        wrong += [f"has no {name}" for name in sorted(expected - found)]
        wrong += [f"has {name}" for name in sorted(found - expected)]
        if f"{INFO}/entry_points.txt" not in names:
            wrong.append("has no mrrc-arrow command")
        if MODULE in names and {".symtab", ".debug_info"} & sections(wheel.read(MODULE)):
            wrong.append("the extension module is not stripped")
        if MODULE in names and b"\0libgcc_s.so.1\0" not in wheel.read(MODULE):
            wrong.append("the extension module has an unwinder of its own, beside that of the process")
        tags = re.findall(r"^Tag: (.*)$", wheel.read(f"{INFO}/WHEEL").decode(), flags=re.MULTILINE)
        _, _, interpreter, abi, platforms = path.stem.split("-")
        if set(tags) != {f"{interpreter}-{abi}-{platform}" for platform in platforms.split(".")}:
            wrong.append(f"its tags are {tags}")
    return wrong


def check_source(path: Path) -> list[str]:
    """Give what is wrong with a source distribution."""
    wrong = []
    top = f"mrrc_arrow-{VERSION}"
    if path.name != f"{top}.tar.gz":
        wrong.append(f"its name is not that of {VERSION}")
    if path.stat().st_size > MOST_OF_A_SOURCE:
        wrong.append(f"{path.stat().st_size} bytes, over {MOST_OF_A_SOURCE}")
    with tarfile.open(path) as archive:
        names = [member.name for member in archive.getmembers() if not member.isdir()]
        lock = archive.extractfile(f"{top}/Cargo.lock")
        if lock is None or b'name = "mrrc_arrow_polars"' in lock.read():
            wrong.append("its Cargo.lock is that of the repository, which --locked refuses")
    inside = {name.removeprefix(f"{top}/") for name in names if name.startswith(f"{top}/")}
    wrong += [f"has {name}, outside {top}" for name in names if not name.startswith(f"{top}/")]
    wrong += [f"has no {name}" for name in NEEDED if name not in inside]
    allowed = {name for folder in SOURCE_FOLDERS for name in tracked(folder)} - tracked("benches/results")
    allowed |= {name for name in tracked(".") if "/" not in name} | {"PKG-INFO"}
    wrong += [f"has {name}, which is none of its sources" for name in sorted(inside - allowed)]
    wrong += [f"has no {name}" for name in sorted((tracked("src") | tracked("python")) - inside)]
    return wrong


def main() -> int:
    """Check each file, and print a line for it."""
    paths = [Path(name) for name in sys.argv[1:]]
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    failed = 0
    for path in paths:
        wrong = check_wheel(path) if path.suffix == ".whl" else check_source(path)
        print(f"{path.name}: {path.stat().st_size:,} bytes: {'; '.join(wrong) or 'passed'}")
        failed += bool(wrong)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
