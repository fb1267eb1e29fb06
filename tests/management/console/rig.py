"""A gateway whose configuration is as hostile to its own console as one can be, and a client of the console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import httpx2

from gateway.assembly.app import Gateway
from tests.acceptance.rig import Product, product

HOSTILE = """<img src=x onerror="document.title='owned'">'&"""
SECRET = "very-secret-named-value"
POLICY = """<policies>
  <inbound>
    <base />
    <set-variable name="seen" value="{{{{hidden}}}}" />
    <choose><when condition='@(context.Request.Url.Query.ContainsKey("teapot"))'>
      <return-response><set-status code="418" reason="Teapot" /></return-response></when></choose>
    <set-body id="&lt;b&gt;">@(context.Request.Body == null ? "" : context.Request.Body.As<string>())</set-body>
  </inbound>
  <backend><base /></backend>
  <outbound><base /><set-header name="X-Seen"><value>1</value></set-header></outbound>
  <on-error><base /><emit-metric name="evil" value="2.5" namespace="teapots">
    <dimension name="who" value="&lt;img src=x&gt;" /></emit-metric></on-error>
</policies>"""
CONFIG = """
management: 127.0.0.1:0
tracing: {{enabled: true, secret: trace-secret, tail: {{enabled: false}}}}
deployment: {{service-name: "<script>document.title='owned'</script>"}}
named-values:
  my-openid-configuration-url: {metadata}
  my-audience: {audience}
  hidden: {{value: %(secret)s, secret: true}}
backends:
  up:
    url: http://127.0.0.1:{backend}/base
    circuit-breaker: {{count: 1}}
    credentials: {{headers: {{X-Key: %(secret)s}}}}
  down: {{url: "http://127.0.0.1:1", circuit-breaker: {{count: 1, trip-duration: 40s}}}}
  both: {{pool: [{{backend: down}}, {{backend: up, priority: 2, weight: 3}}]}}
apis:
  - id: evil
    name: %(hostile)s
    path: evil
    backend: up
    policy: policy.xml
    operations:
      - {{id: one, name: %(hostile)s, method: GET, url-template: "/one/{{id}}"}}
      - {{id: two, method: POST, url-template: /two}}
      - {{id: token, method: GET, url-template: /token, policy: "{policy}"}}
  - {{id: down, path: down, backend: down}}
  - {{id: plain, path: plain, service-url: "http://127.0.0.1:{backend}", products: [gold]}}
products:
  - {{id: gold, subscription-required: false, policy: gold.xml}}
"""
GOLD = '<policies><inbound><base /><set-header name="X-Gold"><value>1</value></set-header></inbound></policies>'


@asynccontextmanager
async def hostile_product(directory: Path, config: str = CONFIG) -> AsyncIterator[Product]:
    """The gateway, running."""
    (directory / "policy.xml").write_text(POLICY.format())
    (directory / "gold.xml").write_text(GOLD)
    quoted = "'" + HOSTILE.replace("'", "''") + "'"
    async with product(directory, config=config % {"secret": SECRET, "hostile": quoted}) as running:
        yield running


async def look(gateway: Gateway, path: str, host: str = "localhost") -> httpx2.Response:
    """One page."""
    transport = httpx2.ASGITransport(gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.get(path)


def text_of(html: str) -> str:
    """What is read on a page: without elements, spaces made one."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
