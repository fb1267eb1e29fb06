"""The documentation is true: examples run, generated pages are current, links lead somewhere, blocks can be copied."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cyclopts import CycloptsError

from docs.generate import EXAMPLES, PAGES, SHAPES, pages
from docs.policy_groups import OTHERS, grouped
from gateway.assembly.app import build
from gateway.cli import app
from gateway.commands.check.report import Report, check_file, check_text, offline_services
from gateway.commands.policy_tests.model import json_schema as policy_test_schema
from gateway.config import parse
from gateway.documents.files import parse_document, read_document
from gateway.documents.model import Section, same
from gateway.documents.yaml import format as yaml_format
from gateway.policies import POLICIES

ROOT = Path(__file__).parent.parent
WRITTEN = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*WRITTEN, *sorted((ROOT / "docs").glob("*/*.md")), *sorted(ROOT.glob("[CS]*.md"))]
EXAMPLE = ROOT / "config.example.yaml"
NAMES = sorted(SHAPES)
LINK = re.compile(r"!?\[[^\]]*\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

SECTIONS = {section.value for section in Section}


# -- examples
@pytest.mark.parametrize("name", NAMES)
def test_every_policy_has_an_example(name: str) -> None:
    """The page of each policy shows it at work, in a document that holds it."""
    document = read_document(EXAMPLES / f"{name}.xml", POLICIES)
    assert name in {node.name for section in document.sections.values() for node in section.walk()}


@pytest.mark.parametrize("name", NAMES)
def test_examples_compile(name: str) -> None:
    """An example can be copied: it loads, checks and compiles."""
    assert check_file(EXAMPLES / f"{name}.xml", offline_services()).problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_examples_mean_the_same_in_yaml(name: str) -> None:
    """The YAML on the page is the XML above it, and compiles too."""
    document = read_document(EXAMPLES / f"{name}.xml", POLICIES)
    text = yaml_format.dump(document, POLICIES).encode()
    other = parse_document(text, f"{name}.yaml", POLICIES)
    assert set(document.sections) == set(other.sections)
    assert all(same(document.sections[section], other.sections[section]) for section in document.sections)
    assert check_text(text, f"{name}.yaml", offline_services()).problems == ()


def test_no_example_is_left_over() -> None:
    """Every example belongs to a policy that runs."""
    assert {path.stem for path in EXAMPLES.iterdir()} == set(SHAPES)


# -- generated pages
def test_generated_pages_are_current() -> None:
    """What is committed is what `make docs` writes."""
    stale = [str(path.relative_to(ROOT)) for path, text in pages() if not path.exists() or path.read_text() != text]
    assert stale == []


def test_no_page_is_left_over() -> None:
    """A removed policy leaves no page behind."""
    assert set(PAGES.glob("*.md")) == {path for path, _ in pages() if path.parent == PAGES}


def test_every_policy_has_a_group() -> None:
    """The index sorts every policy by what it is for."""
    assert grouped(SHAPES).get(OTHERS, []) == []


# -- decisions
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Considered", "Surprises", "Consequences"]
STATUS = re.compile(r"Status: (accepted(; supersedes ADR \d+)?|superseded by ADR \d+)")


def test_decisions_are_numbered_without_gaps() -> None:
    """ADRs count from 1, and the number in the file's name is the one in its title."""
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    titled = [re.match(r"# (\d+)\. \S", path.read_text()) for path in DECISIONS]
    assert [int(title[1]) for title in titled if title] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", [*DECISIONS, ROOT / "docs" / "adr" / "template.md"], ids=lambda path: path.stem)
def test_decisions_follow_the_template(path: Path) -> None:
    """Each ADR has a status and the template's headings, in its order, each with a text below."""
    text = re.sub(r"<!--.*?-->\n*", "", path.read_text(), flags=re.DOTALL)
    _, status, body = text.split("\n\n", 2)
    assert STATUS.fullmatch(status)
    sections = re.split(r"^## (.+)\n", body, flags=re.MULTILINE)
    headings, texts = sections[1::2], sections[2::2]
    assert headings == [heading for heading in HEADINGS if heading in headings]
    assert {"Context", "Decision", "Consequences"} <= set(headings)
    assert sections[0] == ""
    assert all(map(str.strip, texts))


def test_every_link_of_the_index_has_a_text() -> None:
    """The index of decisions links each of them by its title."""
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    linked = re.findall(r"\| \d+ \| \[(.+)\]\((\d{4}-[^)]+)\)", index)
    assert [name for _, name in linked] == [path.name for path in DECISIONS]
    assert all(title.strip() for title, _ in linked)


# -- links
@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link points to a file or folder of the repository."""
    text = BLOCK.sub("", page.read_text())
    dead = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert dead == []


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    """A file of the repository that a page names in its text exists."""
    named = re.findall(r"`((?:gateway|tests|docs|policies|examples|benchmarks)/[\w./-]+\.\w+)`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / "gateway" / path).exists()] == []


PRIVATE = re.compile(
    r"\bdesign\.md|\b(peers|findings|engines|style-anchors|apim-policies|d365-and-callbacks)\.md"
    r"|\breference,? (sections? )?\d|\.\./shared\b"
)


@pytest.mark.parametrize("folder", ["docs", "policies", "examples", "deploy", "benchmarks", "gateway", "tests", "."])
def test_nothing_private_is_cited(folder: str) -> None:
    """No page, example or comment cites a file that its reader does not have."""
    found = (ROOT / folder).glob("*.*") if folder == "." else (ROOT / folder).rglob("*.*")
    texts = [path for path in found if path.suffix in {".md", ".yaml", ".xml", ".conf", ".toml", ".py"}]
    assert texts
    assert [str(path) for path in texts if PRIVATE.search(path.read_text())] == []


@pytest.mark.parametrize("start", [ROOT / "README.md", ROOT / "docs" / "README.md"], ids=str)
def test_every_page_can_be_found(start: Path) -> None:
    """The front page and the documentation's own lead to every written page."""
    linked = {(start.parent / target).resolve() for target in LINK.findall(start.read_text())}
    assert set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / "README.md"} <= linked


# -- lists
def test_tree_names_every_package() -> None:
    """The tree in README.md shows each part of the gateway."""
    tree = (ROOT / "README.md").read_text().partition("## The tree")[2]
    parts = {path.parent.name for path in (ROOT / "gateway").glob("*/__init__.py")}
    assert parts - set(re.findall(r"(\w+)/", tree)) == set()


def test_every_dependency_has_its_reason() -> None:
    """ADR 2 has a row for each library that the gateway needs, and for no other."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = sum(project["optional-dependencies"].values(), project["dependencies"])
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "adr" / "0002-dependencies.md").read_text(), re.MULTILINE)
    named = {name for row in rows[1:] for name in re.findall(r"[a-z][a-z0-9.-]+", re.sub(r"\[.*?\]|\(.*?\)", "", row))}
    assert {re.split(r"[\[>=]", name)[0] for name in needed} == named


# -- blocks
@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _blocks(language: str) -> list[Block]:
    return [
        Block(page, page.read_text().count("\n", 0, found.start()) + 1, found[2])
        for page in WRITTEN
        for found in BLOCK.finditer(page.read_text())
        if found[1] == language
    ]


BUILDS = ROOT / "docs" / "ci.md"  # its blocks are other programs': tests/test_builds.py


@pytest.mark.parametrize("block", [block for block in _blocks("yaml") if block.page != BUILDS], ids=str)
def test_yaml_can_be_copied(block: Block) -> None:
    """A configuration builds with the documents that it names, an excerpt fits into the example; policies compile."""
    content = yaml.safe_load(block.text)
    if "tests" in content:
        jsonschema.validate(content | {"clock": str(content["clock"])}, policy_test_schema())
    elif isinstance(content, list) or set(content) & SECTIONS:
        assert _check_yaml(block).problems == ()
    elif "listen" in content:
        build(parse(block.text, str(block), ROOT, {}))
    else:
        whole = _merged(yaml.safe_load(EXAMPLE.read_text()), content)
        parse(yaml.safe_dump(whole), str(block), ROOT, _Anything())


def _check_yaml(block: Block) -> Report:
    text = block.text
    if text.lstrip().startswith("- "):
        text = "inbound:\n" + text
    return check_text(text.encode(), f"{block}.yaml", offline_services())


def _merged(whole: Any, part: Any) -> Any:
    """An excerpt put into the whole."""
    if not isinstance(whole, dict) or not isinstance(part, dict):
        return part
    return whole | {key: _merged(whole.get(key), value) for key, value in part.items()}


class _Anything(dict[str, str]):
    """An environment where every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "redis://host" if name == "REDIS_URL" else f"value-of-{name}"


@pytest.mark.parametrize("block", _blocks("xml"), ids=str)
def test_xml_can_be_copied(block: Block) -> None:
    """A document, a section or single policies check and compile."""
    text = block.text.strip()
    if re.match(r"<(inbound|backend|outbound|on-error)\b", text):
        text = f"<policies>{text}</policies>"
    elif not re.match(r"(<!--.*?-->\s*)?<(policies|fragment)\b", text, re.DOTALL):
        text = f"<fragment>{text}</fragment>"
    assert check_text(text.encode(), f"{block}.xml", offline_services()).problems == ()


def _commands() -> list[tuple[Block, str]]:
    return [
        (block, line.removeprefix("$ "))
        for block in _blocks("console")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("$ ")
    ]


@pytest.mark.parametrize(("block", "command"), _commands(), ids=str)
def test_commands_exist(block: Block, command: str) -> None:
    """A command on a page exists, with the options that it has there."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        words.pop(0)
    program, arguments = Path(words[0]).name, words[1:]
    if program == "make":
        assert set(arguments) <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    elif program == "gateway":
        _parse(arguments)


def _parse(arguments: list[str]) -> None:
    try:
        app.parse_args(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        pytest.fail(str(error))


# -- commands
def test_readme_lists_the_commands() -> None:
    """The table of commands in README.md names exactly the commands that there are."""
    listed = re.findall(r"^\| `gateway ([a-z]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(_subcommands(()))


def _subcommands(path: tuple[str, ...]) -> list[str]:
    inside = app
    for name in path:
        inside = inside[name]
    return [name for name in inside if not name.startswith("-")]


def _all_commands() -> list[tuple[str, ...]]:
    top = [(name,) for name in _subcommands(())]
    return [(), *top, *((*path, name) for path in top for name in _subcommands(path))]


@pytest.mark.parametrize("path", _all_commands(), ids=lambda path: " ".join(("gateway", *path)))
def test_help_works(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command explains itself."""
    app([*path, "--help"], result_action="return_value")
    assert "Usage: gateway" in capsys.readouterr().out
