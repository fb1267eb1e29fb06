"""What reaches the backend of a GraphQL API, whatever its policies look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.errors import LoadError
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.graphql.rig import ECHO, Rig, looped

SHOW = """<return-response><set-body>@(context.Request.Method + " " + context.Request.Url.Path
 + context.Request.Url.QueryString + " " + context.Request.Body.As<string>())</set-body></return-response>"""


@pytest.mark.parametrize(
    ("method", "content", "query", "status"),
    [
        ("POST", b'{"query":"{users{id}}"}', "", 200),
        ("POST", b'{"query":"{nope}"}', "", 200),
        ("POST", b'{"query":"{a"}', "", 400),
        ("POST", b"{}", "", 400),
        ("POST", b" " * 102_500, "", 413),
        ("GET", b"", "query=%7Busers%7Bid%7D%7D", 200),
        ("GET", b"", "query=mutation%7Ba%7D", 405),
        ("GET", b"", "", 400),
        ("PUT", b'{"query":"{a}"}', "", 404),
    ],
)
@looped
async def test_requests(tmp_path: Path, method: str, content: bytes, query: str, status: int) -> None:
    """Without a policy the form and the bounds are checked, the schema is the backend's; a GET changes nothing."""
    rig = Rig(tmp_path)
    rig.policy(backend=ECHO)
    answer, body = await rig.send(method, content, "application/json" if content else "", query)
    assert answer == status
    if status == 200:
        assert body["query"].startswith("{\n  ")


@pytest.mark.parametrize(("path", "status"), [("/graphql", 200), ("/graphql/", 200), ("/graphql/admin", 404)])
@looped
async def test_paths(tmp_path: Path, path: str, status: int) -> None:
    """The endpoint is the API's own path; nothing below it is reached."""
    rig = Rig(tmp_path)
    rig.policy(backend=ECHO)
    assert (await rig.send("POST", b'{"query":"{a}"}', "application/json", path=path))[0] == status


@looped
async def test_a_get_becomes_a_post(tmp_path: Path) -> None:
    """The backend gets one form, with nothing left in the URL."""
    rig = Rig(tmp_path)
    rig.policy(backend=SHOW)
    answer = rig.gateway(Request("GET", "/graphql", "query={a}&variables=%7B%7D&x=1", Headers()))
    text = (await answer if hasattr(answer, "__await__") else answer).body.content.decode()
    method, _, rest = text.partition(" ")
    assert method == "POST"
    assert "?" not in rest
    assert json.loads(rest[rest.index("{") :]) == {"query": "{\n  a\n}", "variables": {}}


@looped
async def test_a_body_that_a_policy_makes_is_read_again(tmp_path: Path) -> None:
    """What set-body puts behind the validation is bounded and printed too."""
    rig = Rig(tmp_path)
    rig.policy('<validate-graphql-request /><set-body>{"query":"{other}"}</set-body>', ECHO)
    ((_, answer),) = await rig.ask("{users{id}}")
    assert answer["query"] == "{\n  other\n}"
    rig = Rig(tmp_path)
    rig.policy("<validate-graphql-request /><set-body>{</set-body>", ECHO)
    assert [status for status, _ in await rig.ask("{users{id}}")] == [400]


@pytest.mark.parametrize(
    ("settings", "query"),
    [("max-tokens: 5", "{users{id name}}"), ("max-fields: 2", "{users{id name}}"), ("max-request-bytes: 10", "{a}")],
)
@looped
async def test_bounds(tmp_path: Path, settings: str, query: str) -> None:
    """The bounds of the configuration hold."""
    rig = Rig(tmp_path, settings)
    rig.policy(backend=ECHO)
    ((status, answer),) = await rig.ask(query)
    assert status in (400, 413)
    assert "errors" in answer


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("    schema-file: s.graphql", "    schema-file: p.xml"), "bad-schema"),
        (("  graphql:\n    schema-file: s.graphql\n", ""), "one-of"),
        (("  type: graphql", "  type: http"), "one-of"),
        (("  type: graphql", "  type: graphql\n  operations: [{id: a, method: GET, url-template: /}]"), "one-of"),
    ],
)
def test_mistakes(tmp_path: Path, change: tuple[str, str], code: str) -> None:
    """A schema that is none, no schema, a schema of another type of API, operations besides the endpoint."""
    rig = Rig(tmp_path)
    rig.policy()
    config = rig.config()
    assert change[0] in config
    object.__setattr__(rig, "config", lambda: config.replace(*change))
    with pytest.raises(LoadError, match=code):
        _ = rig.gateway


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where graphql-core is missing the configuration does not load, and says what to install."""
    rig = Rig(tmp_path)
    monkeypatch.setattr("gateway.assembly.graphql.find_spec", lambda _: None)
    with pytest.raises(LoadError, match=r"missing-extra.*apim-policy-gateway\[graphql\]"):
        _ = rig.gateway


def test_behind_the_external_processor(tmp_path: Path) -> None:
    """Where Envoy asks the external processor, an API of the type refuses to load: WebSockets would pass unread."""
    rig = Rig(tmp_path)
    config = rig.config() + "envoy: {listen: 127.0.0.1:0, ext-proc: true}\n"
    object.__setattr__(rig, "config", lambda: config)
    with pytest.raises(LoadError, match="envoy-graphql"):
        _ = rig.gateway
