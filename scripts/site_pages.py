"""Pages of the documentation site that do not lie in docs/, and links between pages and the repository.

Hooks of MkDocs, which mkdocs.yml names. The change log, the contributors' page and the notebooks become pages. A link
to one of these is followed; a link to any other file of the repository, which the site does not have, becomes its text.
A link to what is not in the repository is left to MkDocs, which with --strict ends the build.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent

# Files of the repository that are pages.
PAGES = {"CHANGELOG.md": "changes.md", "CONTRIBUTING.md": "contributing.md"}

# Where `make notebooks` leaves notebooks with what came of running them.
EXECUTED = ROOT / "build/notebooks"

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*?$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#:]+)(#[^()\s]*)?\)")
_TABLE_ROW = re.compile(r"^\|.*$", re.MULTILINE)
_ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe|video|audio|source)\b[^>]*\ssrc=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b[^>]*\srel=["']?(?:stylesheet|preconnect|preload|icon)[^>]*\shref=["']?(?:https?:)?//[^>]*>"""
    r"""|<link\b[^>]*\shref=["']?(?:https?:)?//[^>]*\srel=["']?(?:stylesheet|preconnect|preload|icon)[^>]*>""",
    re.IGNORECASE,
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere in the repository."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text, images = _rendered(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=text))
        files.append(File.generated(config, f"notebooks/{notebook.name}", content=notebook.read_bytes()))
        for name, image in images.items():
            files.append(File.generated(config, f"notebooks/{name}", content=image))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:  # noqa: ANN401 - what else MkDocs tells
    """Point links at pages, wherever these lie in the repository, and mend what is Markdown on GitHub alone."""
    pages = {_origin(file.src_uri): file.src_uri for file in files if not file.src_uri.endswith(".ipynb")}

    def mended(text: str) -> str:
        return _TABLE_ROW.sub(_unescaped, _linked(text, page.file.src_uri, pages))

    at = 0
    parts = []
    for fence in _FENCE.finditer(markdown):
        parts += [mended(markdown[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, mended(markdown[at:])])


def on_post_page(output: str, page: Page, **_: Any) -> str:  # noqa: ANN401 - as above
    """Refuse what a page would fetch from the network."""
    found = _ELSEWHERE.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} fetches from the network: {found[0]}")
    return output


def _unescaped(row: re.Match[str]) -> str:
    """Take the backslash from a bar within code, which GitHub wants in tables and Python-Markdown shows."""
    return re.sub(r"`[^`]+`", lambda code: code[0].replace(r"\|", "|"), row[0])


def _origin(uri: str) -> str:
    """Tell where in the repository a file of the site lies."""
    for name, page in PAGES.items():
        if page == uri:
            return name
    return re.sub(r"\.md$", ".ipynb", uri) if uri.startswith("notebooks/") else f"docs/{uri}"


def _linked(markdown: str, page: str, pages: Mapping[str, str]) -> str:
    def mended(link: re.Match[str]) -> str:
        text, path, anchor = link[1], link[2], link[3] or ""
        there = posixpath.normpath(posixpath.join(posixpath.dirname(_origin(page)), path))
        if there in pages:
            return f"[{text}]({posixpath.relpath(pages[there], posixpath.dirname(page) or '.')}{anchor})"
        return text if not there.startswith("..") and (ROOT / there).exists() else link[0]

    return _LINK.sub(mended, markdown)


def _rendered(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Make Markdown of a notebook, with the output of its last run, if that was of the same cells; and its images."""
    cells = _cells(notebook)
    executed = EXECUTED / notebook.name
    if executed.exists() and _sources(_cells(executed)) == _sources(cells):
        cells = _cells(executed)
    parts: list[str] = []
    images: dict[str, bytes] = {}
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(_fenced(source, "python"))
            parts += [_output(output, notebook, images) for output in cell["outputs"]]
    parts.append(f"This page is the notebook [`{notebook.name}`]({notebook.name}).")
    return "\n\n".join(part for part in parts if part) + "\n", images


def _cells(notebook: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def _sources(cells: list[dict[str, Any]]) -> list[str]:
    return ["".join(cell["source"]) for cell in cells]


def _output(output: Mapping[str, Any], notebook: Path, images: dict[str, bytes]) -> str:
    """Show what a cell gave; of several forms of it the first that the site can show without the network."""
    if output["output_type"] == "error":
        raise PluginError(f"{notebook.name} was run and failed: {output['ename']}: {output['evalue']}")
    if output["output_type"] == "stream":
        return _fenced("".join(output["text"]), "text")
    data = {kind: "".join(text) for kind, text in output["data"].items() if not isinstance(text, dict)}
    for kind, suffix in (("image/svg+xml", "svg"), ("image/png", "png")):
        if kind in data:
            name = f"{notebook.stem}-{len(images) + 1}.{suffix}"
            images[name] = data[kind].encode() if suffix == "svg" else base64.b64decode(data[kind])
            # Finer than it is large, where the notebook says so. What it shows is in the words around it.
            width = output.get("metadata", {}).get(kind, {}).get("width")
            return f"![]({name}){{ .output" + (f' width="{width}"' if width else "") + " }"
    if "text/html" in data and "<script" not in data["text/html"]:
        return f'<div class="output">\n{data["text/html"]}\n</div>'
    return _fenced(data["text/plain"], "text") if "text/plain" in data else ""


def _fenced(text: str, language: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
