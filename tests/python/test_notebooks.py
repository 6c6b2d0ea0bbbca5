"""The notebooks run as they are, on the sample, and are kept without what running leaves in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(notebook: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text())
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    # Nothing of the machine and the editor that it was last open in.
    assert [cell for cell in notebook["cells"] if cell["metadata"]] == []
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    identifiers = [cell["id"] for cell in notebook["cells"]]
    assert len(set(identifiers)) == len(identifiers)


def test_a_notebook_begins_with_what_it_is_for_and_what_it_needs(path: Path) -> None:
    first = json.loads(path.read_text())["cells"][0]
    text = "".join(first["source"])
    assert first["cell_type"] == "markdown"
    assert text.startswith("# ")
    assert "pip install" in text


def test_a_notebook_runs_in_silence_and_shows_charts(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first import looks for fonts, and says so if that takes long.
    pytest.importorskip("matplotlib.font_manager", reason="the group `notebooks` is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the group `notebooks` is not installed")
    nbformat = pytest.importorskip("nbformat", reason="the group `notebooks` is not installed")
    config = pytest.importorskip("traitlets.config", reason="the group `notebooks` is not installed")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.delenv("MARC_FILE", raising=False)

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    # A failing cell is a CellExecutionError, with what it printed.
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        # The kernel is spoken to over TCP, which others on the machine could listen to.
        config=config.Config({"KernelManager": {"transport_encryption": "auto"}}),
    ).execute()

    outputs = [output for cell in cells(notebook, "code") for output in cell["outputs"]]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert [output for output in outputs if "image/png" in output.get("data", {})]
