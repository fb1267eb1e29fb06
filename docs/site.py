"""
Builds the documentation as a searchable site: ``make site``, then open ``build/site/index.html``.

The site keeps the repository's layout, so every relative link works there as it does in a checkout: each Markdown page
is rendered, and each file that a page links to lies beside it. Nothing is loaded from elsewhere, not even a font.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build"
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
GROUP = re.compile(r"^\*\*(.+?)\*\*: (.+)$", re.MULTILINE)
ENTRY = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")

_SETTINGS = """\
[project]
site_name = "APIM policy gateway"
site_description = "An API gateway that runs Azure API Management policies anywhere."
docs_dir = "source"
site_dir = "site"
use_directory_urls = false
nav = [
{nav}
]
[project.theme]
language = "en"
font = false
features = [
  "content.code.copy", "navigation.footer", "navigation.indexes", "navigation.path", "navigation.top",
  "search.highlight",
]
[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"
toggle.icon = "lucide/sun"
toggle.name = "Dark"
[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"
toggle.icon = "lucide/moon"
toggle.name = "Light"
[project.markdown_extensions]
attr_list = {{}}
tables = {{}}
toc.permalink = true
pymdownx.highlight.pygments_lang_class = true
pymdownx.superfences = {{}}
"""


def build(directory: Path = BUILD) -> Path:
    """Write the site below *directory*, and return its folder. Raises SystemExit with what is broken."""
    source, site = directory / "source", directory / "site"
    for folder in (source, site):
        shutil.rmtree(folder, ignore_errors=True)
    _stage(source)
    (directory / "zensical.toml").write_text(_SETTINGS.format(nav="\n".join(_navigation())))
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")
    broken = [*broken_links(site), *foreign_parts(site)]
    if broken:
        raise SystemExit("\n".join(broken))
    return site


# -- what goes in
def _stage(source: Path) -> None:
    """Copy the pages, and every file that one of them links to, into *source*."""
    for page in sorted(pages()):
        text = page.read_text()
        for target in _targets(text):
            _copy((page.parent / target).resolve(), source)
        copy = source / page.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_with_indexes(page, text))


def pages() -> set[Path]:
    """The Markdown pages that the front page leads to, link by link."""
    found, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found:
            found.add(page)
            linked = ((page.parent / target).resolve() for target in _targets(page.read_text()))
            waiting += [path / "README.md" if path.is_dir() else path for path in linked if _is_page(path)]
    return found


def _is_page(path: Path) -> bool:
    return path.suffix == ".md" or (path / "README.md").exists()


def _targets(text: str) -> list[str]:
    """Relative targets of the links in *text*, those in blocks of code excepted."""
    return [target for target, _ in LINK.findall(CODE.sub("", text))]


def _copy(path: Path, source: Path) -> None:
    """Put a linked file into the site; a folder is shown as the list of its files."""
    copy = source / path.relative_to(ROOT)
    if path.is_dir() and not (path / "README.md").exists():
        copy.mkdir(parents=True, exist_ok=True)
        files = sorted(file for file in path.iterdir() if file.is_file())
        lines = [f"- [{file.name}]({file.name})" for file in files]
        (copy / "README.md").write_text("\n".join([f"# {path.relative_to(ROOT)}", "", *lines, ""]))
        for file in files:
            shutil.copy(file, copy)
    elif path.is_file() and path.suffix != ".md":
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def _with_indexes(page: Path, text: str) -> str:
    """*text* with links to folders leading to their README.md."""

    def index(link: re.Match[str]) -> str:
        is_folder = (page.parent / link[1]).is_dir()
        return f"]({link[1].rstrip('/')}/README.md{link[2] or ''})" if is_folder else link[0]

    return LINK.sub(index, text)


def _navigation() -> Iterator[str]:
    """The groups of docs/README.md, as settings of the generator."""
    yield '{ "Home" = "README.md" },'
    for group, entries in GROUP.findall((ROOT / "docs" / "README.md").read_text()):
        links = [f'{{ {json.dumps(title)} = "docs/{target}" }}' for title, target in ENTRY.findall(entries)]
        yield f"{{ {json.dumps(group)} = [{', '.join(links)}] }},"
    yield '{ "Changelog" = "CHANGELOG.md" },'


# -- what came out
class _Parts(HTMLParser):
    """Anchors, links and loaded parts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what *tag* refers to."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if "href" in values:
            (self.loaded if tag == "link" and values.get("rel") != "canonical" else self.links).append(values["href"])
        if "src" in values:
            self.loaded.append(values["src"])


def broken_links(site: Path) -> Iterator[str]:
    """Links and parts of the site's pages that lead nowhere."""
    parts = {path: _Parts(path.read_text()) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    for page, found in parts.items():
        for link in [*found.links, *found.loaded]:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            anchored = not address.fragment or target not in parts or unquote(address.fragment) in parts[target].anchors
            if not target.exists() or not anchored:
                yield f"{page.relative_to(site)}: {link} leads nowhere"


def foreign_parts(site: Path) -> Iterator[str]:
    """Scripts, styles, fonts and pictures that a page would load from another host."""
    for page in sorted(site.rglob("*.html")):
        for link in _Parts(page.read_text()).loaded:
            if urlsplit(link).netloc:
                yield f"{page.relative_to(site)}: loads {link}"


if __name__ == "__main__":
    print(f"{build().relative_to(ROOT)}/index.html")
