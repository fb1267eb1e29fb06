"""What the configuration of an MCP API refuses, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import parse
from gateway.errors import LoadError

REFUSED = [
    ("type: http, mcp: {}", "one-of", "type: mcp"),
    ("type: mcp, service-url: 'http://a', mcp: {tools: [{api: other}]}", "one-of", "remove one"),
    ("type: mcp, operations: [{id: x, method: GET, url-template: /x}]", "one-of", "mcp.tools"),
    ("type: mcp, mcp: {allowed-origins: ['https://a/b']}", "bad-value", "without a path"),
    ("type: mcp, mcp: {tools: [{api: other, name: x}]}", "one-of", "add operation"),
    ("type: mcp, mcp: {tools: [{api: other, operation: x, name: 'a b'}]}", "bad-value", "get_order"),
    ("type: mcp, mcp: {tools: [{api: nobody}]}", "unknown-api", "apis"),
    ("type: http, protected-resource: {scopes: ['a b']}", "bad-value", "one scope each"),
    ("type: http, protected-resource: {scopes: ['a\", x=\"b']}", "bad-value", "one scope each"),
    ("type: mcp, mcp: {keep-alive: 0s}", "bad-duration", "1ms"),
]


@pytest.mark.parametrize(("api", "code", "remedy"), REFUSED)
def test_mistakes_are_refused(tmp_path: Path, api: str, code: str, remedy: str) -> None:
    """Each mistake has its code, its line and a remedy."""
    text = f"apis:\n  - {{id: other, path: o}}\n  - {{id: tools, path: t, {api}}}\n"
    with pytest.raises(LoadError) as refused:
        parse(text, "c.yaml", tmp_path, {})
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.line) == (code, 3)
    assert remedy in str(problem)
