"""The documentation builds as a site: strictly, with every link leading somewhere and nothing loaded from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from docs.site import ROOT, broken_links, build, foreign_parts, pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, as `make site` builds it; a broken link or a foreign part fails the build."""
    return build(tmp_path_factory.mktemp("documentation"))


def test_every_page_is_on_the_site(site: Path) -> None:
    """Each page below docs/ has its HTML page, and so has each page that another one leads to."""
    written = {path for path in pages() | set((ROOT / "docs").rglob("*.md")) if path.name != "README.md"}
    assert [str(path) for path in written if not (site / path.relative_to(ROOT)).with_suffix(".html").exists()] == []


@pytest.mark.parametrize("words", ["requestedAccessTokenVersion", "TokenAudienceNotAllowed", "drain-delay", "no task"])
def test_search_finds(site: Path, words: str) -> None:
    """The site's search index has what a reader looks for."""
    index = json.loads((site / "search.json").read_text())
    assert any(words in f"{entry['title']} {entry['text']}" for entry in index["items"])


def test_broken_links_are_found(tmp_path: Path) -> None:
    """A link to a page or an anchor that is not there is named, with its page."""
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html"></a><a href="#top"></a><a href="#no"></a>')
    assert list(broken_links(tmp_path)) == ["a.html: b.html leads nowhere", "a.html: #no leads nowhere"]


def test_foreign_parts_are_found(tmp_path: Path) -> None:
    """A script or style sheet from another host is named; a link to one is not."""
    cdn = "https://cdn.example/x"
    (tmp_path / "a.html").write_text(f'<script src="{cdn}.js"></script><link href="{cdn}.css"><a href="{cdn}"></a>')
    assert list(foreign_parts(tmp_path)) == [f"a.html: loads {cdn}.js", f"a.html: loads {cdn}.css"]
