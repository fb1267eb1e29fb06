"""Log events have names that alerts can match: one style, each on the page of events with its levels."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "logging.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z, ]+) \|", re.MULTILINE)
LEVELS = {"debug", "info", "warning", "error", "exception"}


def _calls() -> Iterator[tuple[ast.expr, str]]:
    """The event of every call that writes a structured line, with its level."""
    for module in (ROOT / "gateway").rglob("*.py"):
        text = module.read_text()
        if "structlog.get_logger(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                    yield node.args[0], level.replace("exception", "error")
                case ast.Call(func=ast.Attribute(value=ast.Name(id="logs"), attr="say")):
                    yield node.args[1], "info"


def _names(event: ast.expr) -> list[str]:
    """The names that an event can have: one text, or one of two. Anything else is no fixed name."""
    match event:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_names(body), *_names(orelse)]
    raise AssertionError(f"{ast.unparse(event)} is not a fixed name")


def _events() -> dict[str, set[str]]:
    levels: dict[str, set[str]] = defaultdict(set)
    for event, level in _calls():
        for name in _names(event):
            levels[name].add(level)
    return dict(levels)


def test_the_page_lists_every_event() -> None:
    """The page of log events names each event that the code writes, with its levels, and no other."""
    listed = {name: set(levels.split(", ")) for name, levels in ROW.findall(PAGE.read_text())}
    assert listed == _events()


def test_events_are_written_in_one_style() -> None:
    """Events are words in snake_case, never sentences."""
    assert [name for name in _events() if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name)] == []


def test_every_logger_is_seen() -> None:
    """Structured loggers are called log everywhere, so that the tests above miss none."""
    named = [
        line
        for module in (ROOT / "gateway").rglob("*.py")
        for line in module.read_text().splitlines()
        if "structlog.get_logger(" in line and not line.startswith("log = ")
    ]
    assert named == []
