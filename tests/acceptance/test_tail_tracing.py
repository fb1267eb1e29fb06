"""The trace of any request, afterwards: from a real request to the management plane."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2

from gateway.emulators.entra.directory import API
from tests.acceptance.rig import CONFIG, Product, product

POLICY = """
<policies>
  <inbound>
    <cors><allowed-origins><origin>https://known.example</origin></allowed-origins></cors>
    <include-fragment fragment-id="shared" />
    <cache-lookup vary-by-developer="false" vary-by-developer-groups="false" />
    <choose><when condition="@(context.Request.Headers.GetValueOrDefault(&quot;X-Stop&quot;) == &quot;{{word}}&quot;)">
      <return-response><set-status code="403" /></return-response>
    </when></choose>
  </inbound>
  <backend><forward-request /></backend>
  <outbound><cache-store duration="60" /></outbound>
  <on-error />
</policies>
"""
FRAGMENT = '<fragment><set-variable name="made" value="{{word}}" /></fragment>'


async def management(running: Product, method: str, path: str, body: object = None) -> Any:
    """The management plane's JSON."""
    return (await ask(running, method, path, body)).json()


async def ask(running: Product, method: str, path: str, body: object = None) -> httpx2.Response:
    """The management plane's answer."""
    transport = httpx2.ASGITransport(app=running.gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.request(method, path, json=body)


async def newest(running: Product, count: int) -> Any:
    """The newest trace, when there are *count*."""
    for _ in range(200):
        ids = (await management(running, "GET", "/traces"))["traces"]
        if len(ids) == count:
            return await management(running, "GET", f"/traces/{ids[0]}")
        await asyncio.sleep(0.01)
    raise AssertionError(f"{len(ids)} traces instead of {count}")


def steps(trace: Any) -> list[tuple[str, str]]:
    """Source and place within the document of every policy, in all sections."""
    entries = [entry for section in trace["traceEntries"].values() for entry in section]
    return [(entry["source"], entry["data"]["path"]) for entry in entries if "path" in entry["data"]]


def test_ways_of_a_real_request(tmp_path: Path) -> None:
    """Refused, answered from the cache, a preflight: the request log and its page in the console lead to the trace."""
    (tmp_path / "policy.xml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "shared.xml").write_text(FRAGMENT, encoding="utf-8")
    more = "tracing: {{endpoint: true}}\nfragments: {{shared: shared.xml}}\n"
    named = "named-values:\n  word: {{value: open sesame, secret: true}}\n"
    config = more + CONFIG.replace("named-values:\n", named)

    async def scenario() -> None:
        async with product(tmp_path, policy=str(tmp_path / "policy.xml"), config=config) as running:
            await running.call("/orders/items/1", "X-Stop: open sesame", token=running.entra.mint(aud=API))
            refused = await newest(running, 1)
            assert steps(refused)[-2:] == [("choose", "choose[1]"), ("return-response", "choose[1]/return-response[1]")]
            assert steps(refused)[1] == ("set-variable", "include-fragment[1]/set-variable[1]")
            assert f"{tmp_path / 'shared.xml'}:1" in str(refused)
            assert "open sesame" not in str(refused)
            assert "{{word}}" in str(refused)
            (record,) = (await management(running, "GET", "/requests"))["requests"]
            assert record["trace"] == record["id"] == refused["traceId"]
            page = (await ask(running, "GET", f"/console/requests/{record['id']}")).text
            assert "choose[1]/return-response[1]" in page
            await running.call("/orders/items/2")
            order = await management(running, "POST", "/traces/next", {"path": "/orders/items/*", "count": 2})
            assert order["count"] == 2
            await running.call("/orders/items/2")
            hit = await newest(running, 2)
            assert hit["summary"]["cause"] == "next"
            assert "is in the cache" in str(hit)
            assert "forward-request" not in dict(steps(hit))
            fields = ("Origin: https://known.example", "Access-Control-Request-Method: GET")
            await running.call("/orders/items/3", *fields, method="OPTIONS")
            assert steps(await newest(running, 3)) == [("cors", "cors[1]")]
            assert await management(running, "GET", "/traces/next") == {"pending": []}

    asyncio.run(scenario())
