"""MCP APIs at load: each mistake with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.errors import LoadError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response

ORDERS = (
    "  - id: orders\n    path: orders\n    service-url: http://127.0.0.1:1\n"
    "    operations: [{id: read, method: GET, url-template: '/{id}'}, {id: LONG, method: GET, url-template: /a}]\n"
).replace("LONG", "x" * 129)


def _gateway(folder: Path, server: str, more: str = "", envoy: str = "") -> Gateway:
    text = f"{envoy}apis:\n{ORDERS}{more}  - {{id: tools, path: tools, {server}}}\n"
    return build(parse(text, "config.yaml", folder, os.environ))


READ = "{api: orders, operation: read}"
CALLS = "  - {id: calls, path: c, type: grpc, operations: [{id: a, method: POST, url-template: /s/m}]}\n"
REFUSED = [
    ("type: mcp, mcp: {tools: [{api: orders, operation: reed}]}", "", "unknown-operation", "known: read"),
    ("type: mcp, mcp: {tools: [{api: bare}]}", "  - {id: bare, path: bare}\n", "unknown-operation", "definition"),
    ("type: mcp, mcp: {tools: [{api: tools}]}", "", "not-a-tool", "type http"),
    ("type: mcp, mcp: {tools: [{api: calls}]}", CALLS, "not-a-tool", "type http"),
    ("type: mcp, mcp: {tools: [{api: orders}]}", "", "bad-tool-name", "letters"),
    (
        "type: mcp, mcp: {tools: [{api: orders, operation: read}, {api: orders, operation: read}]}",
        "",
        "duplicate-tool",
        "another",
    ),
    ("type: mcp", "", "missing-key", "backend or service-url"),
    ("type: http, protected-resource: {scopes: [a]}", "", "missing-key", "authorization-servers"),
]


@pytest.mark.parametrize(("server", "more", "code", "remedy"), REFUSED)
def test_mistakes_have_a_place(tmp_path: Path, server: str, more: str, code: str, remedy: str) -> None:
    """What is no tool, or no protected resource, refuses to load, with the line and what to do."""
    with pytest.raises(LoadError) as refused:
        _gateway(tmp_path, server, more)
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.file, problem.location.line) == (code, "config.yaml", 6 + bool(more))
    assert remedy in problem.remedy


def test_a_body_that_is_no_argument_has_the_tools_place(tmp_path: Path) -> None:
    """The operation may be used otherwise; the line is the tool's."""
    (tmp_path / "files.yaml").write_text(
        "openapi: 3.0.3\ninfo: {title: f, version: '1'}\npaths:\n  /f:\n    post:\n      operationId: add\n"
        "      requestBody: {content: {multipart/form-data: {}}}\n      responses: {}\n"
    )
    files = "  - {id: files, path: files, service-url: 'http://127.0.0.1:1', openapi: files.yaml}\n"
    with pytest.raises(LoadError) as refused:
        _gateway(tmp_path, "type: mcp, mcp: {tools: [{api: files, operation: add}]}", files)
    (problem,) = refused.value.problems
    assert (problem.code, problem.location.line) == ("mcp-body", 7)


def test_versions_in_a_header_share_their_metadata(tmp_path: Path) -> None:
    """One path has one document."""
    protected = "protected-resource: {authorization-servers: ['https://issuer.example']}"
    version = "version: {{scheme: header, name: v, value: '{}'}}"
    other = f"  - {{id: old, path: tools, {version.format(1)}, {protected}}}\n"
    assert _gateway(tmp_path, f"{version.format(2)}, {protected}", other)


MADE, PASSED = f"type: mcp, mcp: {{tools: [{READ}]}}", "type: mcp, service-url: 'http://127.0.0.1:1'"


@pytest.mark.parametrize("server", [MADE, PASSED])
def test_behind_envoys_external_processor(tmp_path: Path, server: str) -> None:
    """Envoy brings bodies for policies alone, so that no policy would see a tool: MCP APIs do not load there."""
    with pytest.raises(LoadError) as refused:
        _gateway(tmp_path, server, envoy="envoy: {ext-proc: true}\n")
    assert [problem.code for problem in refused.value.problems] == ["envoy-mcp"]


@pytest.mark.parametrize("server", [MADE, PASSED])
def test_decisions_need_the_message(tmp_path: Path, server: str) -> None:
    """A proxy that asks whether a message may pass, without the message, is refused: the tool is in it."""
    dispatcher = _gateway(tmp_path, server).dispatcher
    call = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read"}}'
    blind = dispatcher.decide(Request("POST", "/tools", headers=Headers()))
    assert isinstance(blind, Response)
    assert blind.status_code == 400
    assert dispatcher.decide(Request("POST", "/tools", headers=Headers(), body=Body(call))) is None
