"""Global, product, API and operation scope together, with subscription keys, versions and fragments, over sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.acceptance.rig import Product, product

CONFIG = """
management: 127.0.0.1:0
named-values: {{mark: "m-a-r-k", secret-mark: {{value: hush, secret: true}}}}
global-policy: everywhere.xml
fragments: {{stamp: stamp.xml}}
backends:
  static: {{url: "http://127.0.0.1:{backend}/base", credentials: {{headers: {{x-backend-key: "b-key"}}}}}}
apis:
  - id: open
    path: open/api
    backend: static
    policy: api.yaml
    operations:
      - {{id: read, method: GET, url-template: "/items/{{id}}?lang={{lang}}", policy: read.xml}}
      - {{id: any, method: GET, url-template: "/*"}}
  - {{id: keyed, path: keyed, backend: static, subscription-required: true, products: [gold]}}
  - {{id: v1, path: versioned, backend: static, version: {{scheme: path, value: v1}}}}
  - {{id: v2, path: versioned, backend: static, version: {{scheme: header, name: api-version, value: "2"}}}}
products:
  - {{id: gold, policy: gold.xml}}
subscriptions:
  - {{id: s1, scope: /products/gold, primary-key: gold-key}}
  - {{id: s2, scope: /apis, primary-key: all-key}}
# {metadata} {audience} {policy}
"""

FILES = {
    "everywhere.xml": """<policies>
        <inbound><set-header name="x-global"><value>{{mark}}</value></set-header></inbound>
        <backend><forward-request /></backend>
        <outbound><set-header name="x-out"><value>global</value></set-header></outbound>
        <on-error>
            <choose><when condition="@(context.LastError.Reason == "OperationNotFound")">
                <return-response><set-status code="405" reason="Method Not Allowed" /></return-response>
            </when></choose>
        </on-error></policies>""",
    "stamp.xml": '<fragment><set-header name="x-stamp"><value>@("s-" + context.Api.Id)</value></set-header></fragment>',
    "api.yaml": """
inbound:
  - base
  - include-fragment: {fragment-id: stamp}
outbound: [base]
backend: [base]
on-error: [base]
""",
    "read.xml": """<policies><inbound><base />
        <set-header name="x-id">
            <value>@(context.Request.MatchedParameters["id"] + "/" + "{{secret-mark}}")</value>
        </set-header>
        <rewrite-uri template="/found/{id}" />
        </inbound><backend><base /></backend><outbound /><on-error><base /></on-error></policies>""",
    "gold.xml": """<policies><inbound><base />
        <set-header name="x-product"><value>@(context.Product.Id + " " + context.Subscription.Id)</value></set-header>
        </inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>""",
}


def run(directory: Path, scenario: Callable[[Product], Awaitable[None]]) -> None:
    for name, text in FILES.items():
        (directory / name).write_text(text)

    async def main() -> None:
        async with product(directory, config=CONFIG) as running:
            await scenario(running)

    asyncio.run(main())


def test_scopes_join(tmp_path: Path) -> None:
    """Global, fragment, API and operation policies all act, and the backend sees the rewritten path below its base."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/Open/API/items/a%20b?lang=sv&x=1")
        assert reply.status == 200
        assert running.backend.received.startswith(b"GET /base/found/a%20b?x=1 HTTP/1.1\r\n")
        assert running.received("x-global") == ["m-a-r-k"]
        assert running.received("x-stamp") == ["s-open"]
        assert running.received("x-id") == ["a b/hush"]
        assert running.received("x-backend-key") == ["b-key"]
        assert reply.field("x-out") is None  # read.xml has an outbound without <base/>

    run(tmp_path, scenario)


def test_a_section_without_a_document_inherits(tmp_path: Path) -> None:
    """An operation without a document of its own runs its API's and the global one."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/open/api/else/where/")
        assert reply.field("x-out") == "global"
        assert running.backend.received.startswith(b"GET /base/else/where/ HTTP/1.1\r\n")

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("fields", "path", "status", "seen"),
    [
        ((), "/keyed/x", 401, None),
        (("Ocp-Apim-Subscription-Key: wrong",), "/keyed/x", 401, None),
        (("Ocp-Apim-Subscription-Key: gold-key",), "/keyed/x", 200, ["gold s1"]),
        ((), "/keyed/x?subscription-key=gold-key", 200, ["gold s1"]),
        (("Ocp-Apim-Subscription-Key: all-key",), "/keyed/x", 200, []),
        (("Ocp-Apim-Subscription-Key: wrong",), "/open/api/x", 401, None),
    ],
    ids=["none", "wrong", "product", "query", "all APIs", "wrong on an open API"],
)
def test_subscription_keys(
    tmp_path: Path, fields: tuple[str, ...], path: str, status: int, seen: list[str] | None
) -> None:
    """A key gives access to its scope and adds its product's policies; a wrong one is refused everywhere."""

    async def scenario(running: Product) -> None:
        reply = await running.call(path, *fields)
        assert reply.status == status
        if seen is None:
            assert (reply.field("www-authenticate") or "").startswith("AzureApiManagementKey realm=")
            assert running.backend.connections == 0
        else:
            assert running.received("x-product") == seen

    run(tmp_path, scenario)


def test_the_405_trick(tmp_path: Path) -> None:
    """Global on-error can answer a request that matched nothing, with its own reason in the status line."""

    async def scenario(running: Product) -> None:
        reply = await running.call("/nowhere")
        assert reply.head.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("path", "fields", "status", "target"),
    [
        ("/versioned/v1/a", (), 200, b"GET /base/a "),
        ("/versioned/a", ("api-version: 2",), 200, b"GET /base/a "),
        ("/versioned/a", ("api-version: 3",), 405, b""),
    ],
)
def test_versions(tmp_path: Path, path: str, fields: tuple[str, ...], status: int, target: bytes) -> None:
    """A version is given by a path segment or a header; an unknown one matches nothing."""

    async def scenario(running: Product) -> None:
        assert (await running.call(path, *fields)).status == status
        assert running.backend.received.startswith(target)

    run(tmp_path, scenario)
