"""Whatever a client sends, no secret of it is in a record, in a log line or at /requests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2
import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.telemetry.logs import render
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
CONFIG = """
request-log: {sample: 1}
logging: {requests: all}
apis:
  - {id: keyed, path: keyed, service-url: "http://127.0.0.1:9", subscription-required: true}
  - id: open
    path: open
    service-url: http://127.0.0.1:9
    policy: refuse.xml
products: [{id: p, apis: [keyed], policy: null}]
subscriptions: [{id: s, scope: /products/p, primary-key: the-key-of-s, state: suspended}]
"""
KEYS = "<issuer-signing-keys><key>MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=</key></issuer-signing-keys>"
CHECKS = 'failed-check-httpcode="403" failed-check-error-message="No" ignore-case="false"'

# Policies that refuse, and what they refuse.
REFUSALS = {
    "jwt": f'<validate-jwt header-name="Authorization">{KEYS}</validate-jwt>',
    "jwt in the query": f'<validate-jwt query-parameter-name="token">{KEYS}</validate-jwt>',
    "jwt in a header": f'<validate-jwt header-name="X-Key">{KEYS}</validate-jwt>',
    "header": f'<check-header name="X-Key" {CHECKS}><value>right</value></check-header>',
    "expression": """<set-variable name="n" value='@(int.Parse(context.Request.Headers["X-Key"][0]))' />""",
    "body": """<set-variable name="n" value='@(context.Request.Body.As&lt;JObject&gt;()["a"].ToString())' />""",
    "address": '<ip-filter action="allow"><address>192.0.2.1</address></ip-filter>',
    "limit": '<rate-limit-by-key calls="1" renewal-period="60" counter-key="@(context.Request.OriginalUrl.Query)" />'
    * 2,
    "return-response": '<return-response><set-status code="401" reason="No"/></return-response>',
    "backend": "",
    "route": "",
    "key": "",
}
PATHS = {"route": "/none/", "key": "/keyed/"}
SECRETS = ("canary", JWT, JWT[:30], JWT.split(".")[1], JWT.split(".")[2], "the-key-of-s", "bm90IGEgdG9rZW4")


async def outputs(gateway: Gateway, path: str) -> list[str]:
    """Everything that may be read about a request: records, log lines, and the management plane's answers."""
    gateway.dispatcher.access_log.listeners.append(lambda members: lines.append(render(None, "info", {**members})))
    lines: list[str] = []
    headers = [
        ("Authorization", f"Bearer {JWT}"),
        ("Cookie", "session=canary"),
        ("X-Key", JWT),
        ("X-Request-Id", "canary"),
        ("Proxy-Authorization", "Basic bm90IGEgdG9rZW4="),
        ("Ocp-Apim-Subscription-Key", "the-key-of-s"),
        ("Content-Type", "application/json"),
    ]
    query = f"token={JWT}&subscription-key=canary&sig=canary"
    request = Request("POST", f"{path}{JWT}", query, Headers(headers), Body(b'{"a": "canary'))
    answer = gateway.dispatcher.handle(request)
    response = answer if isinstance(answer, Response) else await answer
    assert response.status_code >= 400
    assert request.on_end is not None
    request.on_end(Ending(response.status_code))
    transport = httpx2.ASGITransport(gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        pages = [await client.get(page) for page in ("/requests", f"/requests/{request.id}")]
    (record,) = gateway.requests.recent()
    assert len(lines) == 1
    return [json.dumps(record.as_json()), *lines, *(page.text for page in pages)]


@pytest.mark.parametrize("name", REFUSALS, ids=str)
def test_nothing_secret_is_shown(tmp_path: Path, name: str) -> None:
    """A token in header, query or path, a cookie, a key, a query and a body are in no output of a refusal."""
    (tmp_path / "refuse.xml").write_text(
        f"<policies><inbound>{REFUSALS[name]}</inbound><backend><base /></backend></policies>"
    )
    gateway = build(parse(CONFIG.replace(", policy: null", ""), "config.yaml", tmp_path, {}))
    for text in asyncio.run(outputs(gateway, PATHS.get(name, "/open/"))):
        assert [secret for secret in SECRETS if secret in text] == [], text
