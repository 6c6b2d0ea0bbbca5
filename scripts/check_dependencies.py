"""Licences and sources of all that is compiled in, by the rules of deny.toml, without a network.

    python scripts/check_dependencies.py

`make deny` asks cargo-deny, which reads the licences themselves and the list of known holes, too. This asks what the
crates say of themselves, and takes no longer than `cargo metadata`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from license_expression import LicenseExpression, get_spdx_licensing

ROOT = Path(__file__).resolve().parent.parent
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"

Package = dict[str, Any]


def compiled_in(metadata: dict[str, Any]) -> list[Package]:
    """The crate's dependencies, and theirs: what is built for the crate and its wheels, tests and benchmarks aside."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    ours = next(package["id"] for package in metadata["packages"] if package["name"] == "mrrc_arrow")
    seen: set[str] = set()
    ahead = [ours]
    while ahead:
        this = ahead.pop()
        if this not in seen:
            seen.add(this)
            deps = nodes[this]["deps"]
            ahead += [dep["pkg"] for dep in deps if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]
    return [packages[this] for this in seen - {ours}]


def allows(expression: LicenseExpression, allowed: set[str]) -> bool:
    """Whether licences that are allowed will do: one of an OR, each of an AND."""
    if getattr(expression, "args", ()):
        results = [allows(part, allowed) for part in expression.args]
        return any(results) if expression.operator.strip() == "OR" else all(results)
    return str(expression) in allowed


def main() -> int:
    """Check, and tell what is wrong."""
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--all-features"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    licensing = get_spdx_licensing()
    packages = compiled_in(metadata)
    wrong = []
    used: set[str] = set()
    for package in packages:
        name = f"{package['name']} {package['version']}"
        expression = licensing.parse((package["license"] or "").replace("/", " OR "))
        if expression is None or not allows(expression, allowed):
            wrong.append(f"{name}: licence {package['license']} is not in deny.toml")
        if package["source"] != CRATES_IO:
            wrong.append(f"{name}: comes from {package['source']}, not from crates.io")
        used |= (
            {str(licence) for licence in licensing.license_symbols(expression, decompose=False)}
            if expression is not None
            else set()
        )
    wrong += [f"deny.toml allows {licence}, which nothing has" for licence in sorted(allowed - used)]
    print("\n".join(wrong) or f"{len(packages)} crates: licences and sources are as deny.toml allows")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
