"""MCP through the gateway, from the official SDK's client: operations as tools, and a server passed through."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import MCPError
from mcp_types import CallToolResult, TextContent

from gateway.assembly.app import build
from gateway.config import parse
from tests.acceptance.mcp_rig import Behind, McpFront, behind_gateways, mcp_front
from tests.wire.rig import settled


@pytest.fixture(scope="module")
def behind() -> Iterator[Behind]:
    """What is behind the gateways."""
    with behind_gateways() as running:
        yield running


def text_of(result: CallToolResult) -> str:
    """The text of a result that is one."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


MODES = ("2026-07-28", "auto", "legacy")


def test_the_sdk_lists_and_calls_tools(behind: Behind, tmp_path: Path) -> None:
    """In both eras a client of the official SDK sees the operations as tools, and gets their answers as results."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            for mode in MODES:
                await listed_and_called(front, mode)

    async def listed_and_called(front: McpFront, mode: str) -> None:
        async with front.client(mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == ["get_item", "add-item", "slow", "picture", "broken"]
            assert tools["get_item"].description == "Looks an item up by its id."
            assert tools["get_item"].annotations.read_only_hint is True  # type: ignore[union-attr]
            assert set(tools["get_item"].input_schema["properties"]) == {"id", "verbose", "X-Flavour", "x-tenant"}
            assert set(tools["add-item"].input_schema["properties"]) == {"name", "parent", "tags"}
            result = await client.call_tool("get_item", {"id": "a b", "verbose": True, "X-Flavour": "mint"})
            assert result.structured_content == {"path": "/items/a%20b", "query": "verbose=true", "body": ""}
            assert front.service.values("x-flavour") == ["mint"]
            result = await client.call_tool("add-item", {"name": "x", "tags": ["a"]})
            assert result.structured_content["body"] == '{"name":"x","tags":["a"]}'
            result = await client.call_tool("broken", {})
            assert result.is_error
            assert "out of order" in text_of(result)
            result = await client.call_tool("picture", {})
            assert result.content[0].type == "image"
            assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")

    asyncio.run(scenario())


def test_a_long_running_tool_streams(behind: Behind, tmp_path: Path) -> None:
    """While an operation runs, its caller is told of progress; the result is the same as of a quick one."""
    steps: list[float] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        steps.append(progress)

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            for mode in MODES:
                steps.clear()
                await called(front, mode)

    async def called(front: McpFront, mode: str) -> None:
        async with front.client(mode=mode) as client:
            result = await client.call_tool("slow", {}, progress_callback=told)
            assert text_of(result) == "slow and steady"
            assert len(steps) >= 2
            assert steps == sorted(steps)

    asyncio.run(scenario())


def test_an_existing_server_is_passed_through(behind: Behind, tmp_path: Path) -> None:
    """The client speaks to the server behind as if nothing were between, and each event comes when it is sent."""
    times: list[float] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        times.append(asyncio.get_running_loop().time())

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            for mode in MODES:
                times.clear()
                await passed_through(front, mode)

    async def passed_through(front: McpFront, mode: str) -> None:
        async with front.client("/existing", mode=mode) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["add", "count"]
            assert (await client.call_tool("add", {"a": 2, "b": 3})).structured_content == {"result": 5}
            await client.call_tool("count", {"steps": 3}, progress_callback=told)
            ended = asyncio.get_running_loop().time()
            assert len(times) == 3
            assert ended - times[0] > 0.1  # the first came long before the last
            assert {record["tool"] for record in front.records()} >= {"add", "count"}

    asyncio.run(scenario())


def test_a_call_has_a_record_of_its_own(behind: Behind, tmp_path: Path) -> None:
    """The request log has the message with its tool, and the operation's own request, which names it."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front, front.client() as client:
            await client.call_tool("get_item", {"id": "1"})
            told = front.service.values("x-request-id")
            await client.call_tool("broken", {})
            records = front.records()
            message = next(record for record in records if record["tool"] == "get_item")
            call = next(record for record in records if record["parent"] == message["id"])
            assert (message["api"], message["operation"], message["path"]) == ("tools", "get_item", "/tools/mcp")
            assert (call["api"], call["operation"], call["path"]) == ("orders", "get-item", "/orders/items/1")
            assert (call["method"], call["status"], [call["id"]]) == ("GET", 200, told)
            broken = next(record for record in records if record["operation"] == "broken" and record["parent"])
            assert (broken["status"], broken["outcome"], broken["source"]) == (500, "failed", "backend")
            await front.post(_message("tools/call", name="nothing"))
            counted = front.gateway.metrics.tool_calls("tools").statuses
            assert counted == {("get_item", 200): 1, ("broken", 200): 1, ("(others)", 200): 1}

    asyncio.run(scenario())


_VALIDATE = """<validate-jwt header-name="Authorization" require-scheme="Bearer">
  <openid-config url="{metadata}"/><audiences><audience>{audience}</audience></audiences>
  <required-claims><claim name="scp" match="any" separator=" "><value>Items.Read</value></claim></required-claims>
</validate-jwt>"""
_PROTECTED = ("    path: tools\n", "    path: tools\n    protected-resource: {scopes: [api://items/Items.Read]}\n")

_PROXY = ("management: 127.0.0.1:0\n", "management: 127.0.0.1:0\ntrusted-proxies: [127.0.0.0/8]\n")

_REFUSING = """
  - {{id: refusing, path: refusing, service-url: "{backend}/refusing",
     protected-resource: {{authorization-servers: ["https://issuer.example"]}}}}
"""


def test_a_protected_server(behind: Behind, tmp_path: Path) -> None:
    """Without a token a client is refused and told where to get one; with one it lists and calls; scope counts."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"tools": _VALIDATE}, _REFUSING, [_PROTECTED, _PROXY]) as front:
            where = front.url("/.well-known/oauth-protected-resource/tools/mcp")
            refused = await front.post(_message("ping"))
            scope = 'scope="api://items/Items.Read"'
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{where}", {scope}'
            async with httpx2.AsyncClient() as http:
                metadata = (await http.get(where)).json()
            assert metadata["resource"] == front.url("/tools/mcp")
            issuer = front.entra.metadata_url().removesuffix("/.well-known/openid-configuration")
            assert (metadata["authorization_servers"], metadata["scopes_supported"]) == (
                [issuer],
                ["api://items/Items.Read"],
            )
            proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example"}
            proxy = await front.post(_message("ping"), headers=proxied)
            public = "https://api.example/.well-known/oauth-protected-resource/tools/mcp"
            assert f'resource_metadata="{public}"' in proxy.headers["www-authenticate"]
            forged = await front.post(_message("ping"), headers={"Authorization": "Bearer x.y.z"})
            assert forged.headers["www-authenticate"].startswith('Bearer error="invalid_token", resource_metadata=')
            async with httpx2.AsyncClient() as http:
                theirs = await http.get(front.url("/refusing/x"))
            assert theirs.headers["www-authenticate"] == 'Basic realm="theirs"'
            weak = front.entra.mint(app_only=False, scp="Items.Write")
            insufficient = await front.post(_message("ping"), headers={"Authorization": f"Bearer {weak}"})
            assert insufficient.status_code == 403
            assert insufficient.headers["www-authenticate"].startswith('Bearer error="insufficient_scope", ')
            async with front.client(token=front.entra.mint(app_only=False, scp="Items.Read")) as client:
                assert (await client.call_tool("get_item", {"id": "1"})).structured_content["path"] == "/items/1"

    asyncio.run(scenario())


def test_an_operation_judges_the_same_caller(behind: Behind, tmp_path: Path) -> None:
    """The operation's own policies run for each call, with the caller's token; a refusal is an error of the tool."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"orders": _VALIDATE}) as front:
            async with front.client() as client:
                result = await client.call_tool("get_item", {"id": "1"})
                assert result.is_error
                assert text_of(result).startswith("HTTP 401")
            async with front.client(token=front.entra.mint(app_only=False, scp="Items.Read")) as client:
                assert not (await client.call_tool("get_item", {"id": "1"})).is_error

    asyncio.run(scenario())


_KEYED = ("    policy: existing.xml\n", "    policy: existing.xml\n    mcp: {session-key: 0123456789abcdef}\n")


def test_a_session_is_its_callers(behind: Behind, tmp_path: Path) -> None:
    """A session goes on with a new token of the same caller; with another caller's it does not exist, nor unsealed."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"existing": _VALIDATE}, replaced=[_KEYED]) as front:

            async def asked(message: dict[str, Any], session: str | None, sub: str) -> httpx2.Response:
                token = front.entra.mint(app_only=False, scp="Items.Read", sub=sub)
                fields = {"Authorization": f"Bearer {token}"} | ({"Mcp-Session-Id": session} if session else {})
                reply: httpx2.Response = await front.post(message, "/existing", fields)
                return reply

            client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
            session = (await asked(_message("initialize", **client), None, sub="alice")).headers["mcp-session-id"]
            assert (await asked(_message("ping"), session, sub="alice")).status_code == 200
            for stolen, sub in ((session, "bob"), (session.rpartition(".")[0], "alice")):
                refused = await asked(_message("ping"), stolen, sub=sub)
                assert refused.status_code == 404
                assert "Mcp-Session-Id" not in refused.headers
            assert (await asked(_message("ping"), f"{session}x", sub="alice")).status_code == 404

    asyncio.run(scenario())


_LIMITED = """<choose><when condition='@((string)context.Variables.GetValueOrDefault("mcp-tool", "") == "get_item")'>
  <rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Operation.Id)"/></when></choose>"""


# Without our variables, as documents for APIM have to do it.
_BY_BODY = """<set-variable name="body" value="@(context.Request.Body.As&lt;string&gt;(preserveContent: true))"/>
<choose><when condition='@(Newtonsoft.Json.Linq.JObject.Parse((string)context.Variables["body"])["method"] != null
    &amp;&amp; JObject.Parse((string)context.Variables["body"]).SelectToken("params.name")?.ToString() == "get_item")'>
  <rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Request.IpAddress)"/></when></choose>"""


def test_a_limit_by_the_body(behind: Behind, tmp_path: Path) -> None:
    """A document that reads the message itself runs, and leaves it to be answered."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"tools": _BY_BODY}) as front, front.client(mode="legacy") as client:
            assert not (await client.call_tool("get_item", {"id": "1"})).is_error
            with pytest.raises(MCPError):
                await client.call_tool("get_item", {"id": "1"})
            assert not (await client.call_tool("picture", {})).is_error

    asyncio.run(scenario())


@pytest.mark.parametrize(("api", "path", "tool"), [("tools", "/tools", "get_item"), ("existing", "/existing", "add")])
def test_a_limit_for_one_tool(behind: Behind, tmp_path: Path, api: str, path: str, tool: str) -> None:
    """A policy of the MCP API counts the calls of one tool; other tools and messages do not count."""
    inbound = {api: _LIMITED.replace("get_item", tool)}
    arguments: dict[str, Any] = {"id": "1"} if tool == "get_item" else {"a": 1, "b": 2}

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, inbound) as front:
            for number, mode in enumerate(MODES):
                await counted(front, mode, number == 0)

    async def counted(front: McpFront, mode: str, is_first: bool) -> None:
        async with front.client(path, mode=mode) as client:
            await client.list_tools()
            if is_first:
                assert not (await client.call_tool(tool, arguments)).is_error
            with pytest.raises(MCPError):
                await client.call_tool(tool, arguments)
            other = {"tools": "picture", "existing": "count"}[api]
            assert not (await client.call_tool(other, {} if api == "tools" else {"steps": 0})).is_error

    asyncio.run(scenario())


_STATELESS = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def _message(method: str, id: Any = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def _modern(method: str, **params: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A message of the stateless era and its header fields."""
    fields = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    fields |= {"Mcp-Name": params["name"]} if "name" in params else {}
    return _message(method, **{"_meta": _STATELESS, **params}), fields


LEGACY: list[tuple[Any, dict[str, str], int, Any]] = [
    (_message("ping"), {}, 200, {}),
    (_message("ping", id="a"), {"MCP-Protocol-Version": "2025-06-18"}, 200, {}),
    (_message("initialize", protocolVersion="2025-06-18"), {}, 200, {"protocolVersion": "2025-06-18"}),
    (_message("initialize", protocolVersion="2024-11-05"), {}, 200, {"protocolVersion": "2025-11-25"}),
    (_message("initialize", protocolVersion=["x"]), {}, 200, {"protocolVersion": "2025-11-25"}),
    (_message("resources/list"), {}, 200, -32601),
    (_message("server/discover"), {}, 200, -32601),
    (_message("tools/list", cursor="7"), {}, 200, -32602),
    (_message("tools/list", cursor=7), {}, 200, -32602),
    (_message("tools/call", name="nope"), {}, 200, -32602),
    (_message("tools/call", name="get_item", arguments=[1]), {}, 200, -32602),
    (_message("ping"), {"MCP-Protocol-Version": "2031-01-01"}, 400, -32022),
    ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, {}, 202, None),
    ({"jsonrpc": "2.0", "id": 3, "result": {}}, {}, 202, None),
    ([_message("ping"), _message("ping")], {}, 400, -32600),
    ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, {}, 400, -32600),
    ({"jsonrpc": "2.0", "id": None, "method": "ping"}, {}, 400, -32600),
    ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, {}, 400, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}, {}, 400, -32602),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "method": "tools/call"}', {}, 400, -32700),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": "\\ud800"}}', {}, 400, -32700),
    (b"[" * 100_000, {}, 400, -32700),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": ' + b'{"a":' * 500 + b"1" + b"}" * 501, {}, 400, -32600),
    (b'{"jsonrpc": "2.0", "id": 1' + b"0" * 5000 + b', "method": "ping"}', {}, 400, -32700),
    (b"", {}, 400, -32700),
    (_message("ping"), {"Content-Type": "text/plain"}, 415, None),
    (_message("ping"), {"Accept": "text/html"}, 406, None),
    (_message("ping"), {"Origin": "https://evil.example"}, 403, None),
    (_message("ping"), {"Origin": "null"}, 403, None),
    (_message("ping"), {"Origin": "https://APP.example:443"}, 200, {}),
    (_message("ping"), {"Content-Encoding": "gzip"}, 415, None),
    (b'{"a": "' + b"x" * 300_000 + b'"}', {}, 413, None),
]
MODERN: list[tuple[tuple[dict[str, Any], dict[str, str]], dict[str, str], int, Any]] = [
    (_modern("server/discover"), {}, 200, {"resultType": "complete"}),
    (_modern("tools/list"), {}, 200, {"ttlMs": 60000, "cacheScope": "private"}),
    (_modern("ping"), {}, 404, -32601),
    (_modern("initialize"), {}, 404, -32601),
    (_modern("tools/call", name="nope"), {}, 400, -32602),
    (_modern("tools/call", name="get_item"), {"Mcp-Name": "slow"}, 400, -32020),
    (_modern("tools/call", name="get_item"), {"Mcp-Name": ""}, 400, -32020),
    (_modern("tools/call", name="picture"), {"Mcp-Name": "=?base64?cGljdHVyZQ==?="}, 200, {"isError": False}),
    (_modern("tools/list"), {"Mcp-Method": "ping"}, 400, -32020),
    (_modern("tools/list", _meta={}), {}, 400, -32602),
]


WHOLE = {"Accept": "application/json"}  # also where a call takes longer than a keep-alive


def test_messages_on_the_wire(behind: Behind, tmp_path: Path) -> None:
    """Status and answer of each message of both eras, whatever client sends it."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            rows = [*LEGACY, *((message, {**fields, **more}, *rest) for (message, fields), more, *rest in MODERN)]
            for message, fields, status, expected in rows:
                reply = await front.post(message, headers={**WHOLE, **fields})
                assert reply.status_code == status, (str(message)[:200], fields, reply.text)
                if isinstance(expected, int):
                    assert reply.json()["error"]["code"] == expected, (message, reply.text)
                elif expected is not None:
                    assert expected.items() <= reply.json()["result"].items(), (message, reply.text)
            async with httpx2.AsyncClient() as http:
                assert (await http.get(front.url())).status_code == 405
                assert (await http.delete(front.url())).status_code == 405
                assert (await http.post(front.url("/tools/other"), json=_message("ping"))).status_code == 404

    asyncio.run(scenario())


INJECTIONS: list[tuple[dict[str, Any], str]] = [
    ({"id": "../admin"}, "refused"),
    ({"id": ".."}, "cannot be part"),
    ({"id": "a/../../b"}, "refused"),
    ({"id": "%2e%2e"}, "refused"),
    ({"id": ""}, "cannot be part"),
    ({"id": "a\r\nHost: evil"}, "cannot be part"),
    ({"id": "a\x00"}, "cannot be part"),
    ({"id": ["a"]}, "single"),
    ({"id": "a", "X-Flavour": "mint\r\nHost: evil"}, "printable"),
    ({"id": "a", "X-Flavour": "mint\nx-other: 1"}, "printable"),
    ({"id": "a", "Authorization": "Bearer stolen"}, "unknown argument"),
    ({"id": "a", "caller-objectid": "root"}, "unknown argument"),
    ({"id": "a", "Host": "evil"}, "unknown argument"),
    ({}, "missing argument: id"),
]


def test_arguments_stay_in_their_place(behind: Behind, tmp_path: Path) -> None:
    """No argument reaches another path, another field or the head of the request; none of these reaches the backend."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front, front.client() as client:
            for arguments, told in INJECTIONS:
                result = await client.call_tool("get_item", arguments)
                assert result.is_error, arguments
                assert told in text_of(result), (arguments, result.content)
            assert front.service.seen == []
            result = await client.call_tool("get_item", {"id": "a?b=c&d#e+f;g"})
            assert result.structured_content["path"] == "/items/a%3Fb%3Dc%26d%23e%2Bf%3Bg"

    asyncio.run(scenario())


_OWNING = '<set-header name="x-tenant" exists-action="override"><value>mine</value></set-header>'


def test_a_header_that_policies_remove_is_no_argument(behind: Behind, tmp_path: Path) -> None:
    """What the MCP API's policies take from a message, in a branch too, an argument does not bring back."""
    removing = '<set-header name="X_Tenant" exists-action="delete"/>'
    policies = f'<choose><when condition="@(true)">{removing}</when></choose>'

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {"tools": policies}) as front, front.client() as client:
            assert (await client.call_tool("get_item", {"id": "1", "x-tenant": "yours"})).is_error
            assert not (await client.call_tool("get_item", {"id": "1"})).is_error

    asyncio.run(scenario())


@pytest.mark.parametrize("api", ["tools", "orders"])
def test_a_header_that_policies_set_is_no_argument(behind: Behind, tmp_path: Path, api: str) -> None:
    """A header that either API's policies set comes from them: it is no argument, and no client sends it either."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path, {api: _OWNING}) as front, front.client() as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert "x-tenant" not in tools["get_item"].input_schema["properties"]
            assert (await client.call_tool("get_item", {"id": "1", "x-tenant": "yours"})).is_error
            call = _message("tools/call", name="get_item", arguments={"id": "1"})
            reply = await front.post(call, headers={"X_Tenant": "yours", "x-tenant": "yours"})
            assert reply.status_code == 200
            assert front.service.values("x-tenant") == (["mine"] if api == "orders" else [])

    asyncio.run(scenario())


def test_a_client_that_leaves_ends_the_operation(behind: Behind, tmp_path: Path) -> None:
    """Whether its answer has begun or not, an operation does not run on for nobody; its record says so."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            front.service.slow_s = 5
            for number, after_s in enumerate((0.02, 0.1), 1):
                call = asyncio.create_task(front.post(_message("tools/call", name="slow")))
                assert await settled(lambda number=number: len(front.service.seen) == number)  # type: ignore[misc]
                await asyncio.sleep(after_s)
                call.cancel()
                assert await settled(lambda number=number: len(calls(front)) == number)  # type: ignore[misc]
            assert {(record["operation"], record["outcome"], record["client_left"]) for record in calls(front)} == {
                ("slow", "left", True)
            }

    def calls(front: McpFront) -> list[dict[str, Any]]:
        return [record for record in front.records() if record["parent"]]

    asyncio.run(scenario())


ACCEPTED = {
    "application/json": "application/json",
    "text/event-stream": "text/event-stream",
    "application/json, text/event-stream": "text/event-stream",
    "*/*": "text/event-stream",
}


def test_what_the_client_accepts(behind: Behind, tmp_path: Path) -> None:
    """A slow call is answered in the form that the client understands, without events where it does not."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front:
            front.service.slow_s = 0.1
            for accept, media_type in ACCEPTED.items():
                reply = await front.post(_message("tools/call", name="slow"), headers={"Accept": accept})
                assert reply.headers["content-type"] == media_type
                assert "slow and steady" in reply.text

    asyncio.run(scenario())


def test_tools_change_with_a_reload(behind: Behind, tmp_path: Path) -> None:
    """After a reload the next message sees the new tools, on the same connection."""

    async def scenario() -> None:
        async with mcp_front(behind, tmp_path) as front, front.client() as client:
            await client.list_tools()
            changed = front.text.replace("operation: slow}", "operation: slow, name: snail}")
            fresh = build(parse(changed, "config.yaml", tmp_path, {}), front.gateway)
            await front.live.replace(fresh)
            names = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
            assert "snail" in names
            assert "slow" not in names
            with pytest.raises(MCPError):
                await client.call_tool("slow", {})

    asyncio.run(scenario())
