"""Fixtures: the sample catalogue that ships with the project, and the corpus of real files where it is at hand."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from .marc import books

ROOT = Path(__file__).resolve().parents[2]

settings.register_profile(
    "mrrc", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("mrrc")

# A job in the background of a shell begins with Ctrl-C ignored, and tests of it would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def sample() -> Path:
    """300 records in UTF-8."""
    return ROOT / "tests" / "data" / "sample.mrc"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """A folder of real files in ISO 2709."""
    folder = ROOT.parent / "shared" / "data" / "iso2709"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real files is not at hand ({folder})")
    return folder


@pytest.fixture
def three() -> list[bytes]:
    """Three small records."""
    return books(3)


@pytest.fixture
def marc_file(tmp_path: Path) -> Path:
    """217 small records in a file."""
    path = tmp_path / "books.mrc"
    path.write_bytes(b"".join(books(217)))
    return path
