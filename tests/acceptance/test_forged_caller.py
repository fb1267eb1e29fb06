"""In front of the notification service nobody can be somebody else, not even where no policy sets the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import start
from tests.acceptance.rig import product
from tests.wire.rig import OK, answer, ask, backend

CONFIG = """
management: 127.0.0.1:0
backends:
  notifications: {{app: notifications}}
apis:
  - {{id: bare, path: bare, backend: notifications}}
  - {{id: routed, path: routed, service-url: "http://127.0.0.1:{backend}", policy: routed.xml}}
notifications:
  store: sqlite:///n.db
  d365: {{instance-url: "http://127.0.0.1:9", token-url: "http://127.0.0.1:9/t", client-id: i, client-secret: s}}
  default-caller: {{name: all, batch-jobs: "*"}}
"""

ROUTED = """
<policies>
  <inbound><set-backend-service backend-id="notifications" /></inbound>
  <backend><forward-request /></backend><outbound /><on-error />
</policies>
"""


@pytest.mark.parametrize("path", ["/bare/jobs", "/routed/jobs"])
@pytest.mark.parametrize("field", ["caller-objectid: me", "Caller_ObjectId: me", "CALLER-OBJECTID: me"])
def test_forged_caller(tmp_path: Path, path: str, field: str) -> None:
    """A client that names itself gets 401, on an API without policies and on one whose policy routes it there."""

    async def scenario() -> None:
        (tmp_path / "routed.xml").write_text(ROUTED)
        async with product(tmp_path, config=CONFIG, warm=False) as running:
            assert (await running.call(path, field)).status == 401

    asyncio.run(scenario())


LEADING = {
    "a URL": '<set-backend-service base-url="http://127.0.0.1:{backend}" />',
    "a backend": '<set-backend-service backend-id="believer" />',
    "a URL that an expression chooses": """<set-backend-service
        base-url='@("http://127.0.0.1:" + context.Request.Headers.GetValueOrDefault("x-port", ""))' />""",
    "a backend that an expression chooses": """<set-backend-service
        backend-id='@(context.Request.Headers.GetValueOrDefault("x-backend", "believer"))' />""",
    "a copy": """<send-request mode="copy" response-variable-name="r">
        <set-url>http://127.0.0.1:{backend}/open</set-url></send-request>""",
    "a copy to a URL that an expression chooses": """<send-request mode="copy" response-variable-name="r">
        <set-url>@("http://127.0.0.1:" + context.Request.Headers.GetValueOrDefault("x-port", "") + "/open")</set-url>
        </send-request>""",
}
OWNER = """
<policies>
  <inbound><set-header name="caller-objectid" exists-action="override"><value>from the gateway</value></set-header>
  </inbound><backend><forward-request /></backend><outbound /><on-error />
</policies>
"""
TWO_APIS = """
listen: 127.0.0.1:0
backends: {{believer: {{url: "http://127.0.0.1:{backend}"}}}}
apis:
  - {{id: owner, path: owner, backend: believer, policy: owner.xml}}
  - {{id: open, path: open, service-url: "http://127.0.0.1:{other}", policy: open.xml}}
"""


@pytest.mark.parametrize("leading", LEADING.values(), ids=list(LEADING))
def test_no_other_api_forges_the_caller(tmp_path: Path, leading: str) -> None:
    """However another API reaches the backend, even through an expression, the client's copy never arrives there."""

    async def scenario() -> None:
        async with backend(answer(OK)) as behind, backend(answer(OK)) as other:
            policy = leading.format(backend=behind.port)
            (tmp_path / "owner.xml").write_text(OWNER)
            (tmp_path / "open.xml").write_text(
                f"<policies><inbound>{policy}</inbound><backend><forward-request /></backend><outbound /><on-error />"
                "</policies>"
            )
            config = TWO_APIS.format(backend=behind.port, other=other.port)
            built = build(parse(config, "config.yaml", tmp_path, {}))
            await built.start()
            server = await start(built.dispatcher, settings=built.config.server_settings())
            forged = f"GET /open/a HTTP/1.1\r\nHost: h\r\nx-port: {behind.port}\r\nCaller_ObjectId: me\r\n"
            reply = await ask(server.port, (forged + "CALLER-OBJECTID: me\r\n\r\n").encode())
            await server.aclose()
            await built.aclose()
        assert reply.status == 200
        assert behind.received.count(b"GET /") == 1
        assert b"objectid" not in behind.received.lower()

    asyncio.run(scenario())
