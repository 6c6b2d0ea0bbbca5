"""Collect the licences of what a wheel is linked from into LICENSES-THIRD-PARTY.txt: python scripts/third_party.py.

They ask for their notices to go where copies go, and a wheel is a copy. Crates are those that the extension module is
linked from on Linux, as Cargo.lock has them, with the C libraries that some of them bring. ``--check`` writes nothing,
and fails where the file is not what it would be or a crate has a licence that is not among `PERMISSIVE`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUTPUT = ROOT / "LICENSES-THIRD-PARTY.txt"

# The wheels that there are; `make wheel` builds these.
TARGET = "x86_64-unknown-linux-gnu"

# Terms under which a wheel may be handed on with nothing but their notices in it.
PERMISSIVE = {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "Unicode-3.0", "Zlib", "bzip2-1.0.6"}

# Names of files with terms or notices, in a crate's folder or that of C sources right below it.
NOTICES = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)([-_.].*)?", re.IGNORECASE)
OTHER_TERMS = re.compile(r"apache|unlicense|boost", re.IGNORECASE)

Package = dict[str, Any]


def linked() -> list[Package]:
    """Give the crates that the extension module is linked from, by name, without what only builds them."""
    options = ["--locked", "--no-default-features", "--features", "python", "--filter-platform", TARGET]
    command = ["cargo", "metadata", "--format-version", "1", *options]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    (root,) = (name for name, package in packages.items() if Path(package["manifest_path"]).parent == ROOT)
    found, ahead = {root}, [root]
    while ahead:
        for dependency in nodes[ahead.pop()]["deps"]:
            name = dependency["pkg"]
            macro = any("proc-macro" in target["kind"] for target in packages[name]["targets"])
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and not macro and name not in found:
                found.add(name)
                ahead.append(name)
    crates = (packages[name] for name in found - {root})
    return sorted(crates, key=lambda package: (package["name"], package["version"]))


def permitted(expression: str) -> bool:
    """Tell whether an SPDX expression can be met by permissive terms alone; where parentheses lack, the strict way."""
    expression = re.sub(r" WITH [\w.-]+", "", expression.replace("/", " OR "))
    choices = [part.strip("() ").split(" OR ") for part in expression.split(" AND ")]
    return all(any(term.strip("() ") in PERMISSIVE for term in terms) for terms in choices)


def notices(package: Package) -> list[str]:
    """Give a crate's texts; of those that leave a choice, the ones of the MIT licence, where it has them."""
    folder = Path(package["manifest_path"]).parent
    texts = []
    for where in (folder, *(path for path in sorted(folder.iterdir()) if path.is_dir())):
        paths = [path for path in sorted(where.iterdir()) if NOTICES.fullmatch(path.name) and path.is_file()]
        chosen = [path for path in paths if not OTHER_TERMS.search(path.name)]
        if "MIT" in package["license"] and "AND" not in package["license"] and chosen:
            paths = chosen
        texts += [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    # zstd's C sources are under the BSD licence or this one, as you like.
    return [text for text in texts if "GNU GENERAL PUBLIC LICENSE" not in text[:200]]


def tidy(text: str) -> str:
    """Give a text without a mark at its beginning, trailing blanks or many empty lines."""
    lines = "\n".join(line.rstrip() for line in text.removeprefix("\ufeff").replace("\f", "").splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")


def document(packages: list[Package]) -> str:
    """Give the whole file: a list of crates with their terms, and each text once, under those that it is of."""
    texts: dict[str, str] = {}
    users: dict[str, list[str]] = {}
    for package in packages:
        for text in notices(package):
            # Where lines break makes no other text.
            words = " ".join(text.removeprefix("\ufeff").split())
            texts.setdefault(words, tidy(text))
            names = users.setdefault(words, [])
            if package["name"] not in names:
                names.append(package["name"])
    rule = "=" * 80
    parts = [
        "mrrc_arrow is linked from the libraries below, and from the standard library of Rust (MIT OR Apache-2.0).\n"
        "Written by scripts/third_party.py.",
        "\n".join(sorted({f"{package['name']}: {package['license']}" for package in packages})),
    ]
    parts += [f"{rule}\n{', '.join(names)}\n{rule}\n\n{texts[words]}" for words, names in users.items()]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where the file is out of date")
    check = parser.parse_args().check
    packages = linked()
    refused = [f"{package['name']}: {package['license']}" for package in packages if not permitted(package["license"])]
    if refused:
        print("not permissive:", *refused, sep="\n", file=sys.stderr)
        return 1
    text = document(packages)
    if not check:
        OUTPUT.write_text(text, encoding="utf-8")
    elif OUTPUT.read_text(encoding="utf-8") != text:
        print(f"{OUTPUT.name} is out of date: python scripts/third_party.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
