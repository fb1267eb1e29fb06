"""Refusals of every kind, made by a real client at a running gateway, and what their ids alone then explain."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import jwt as pyjwt

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.remedies.recorded import record_in_words
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.tokens.minting import jwk, rsa_key
from tests.wire.rig import Backend, ask, backend, settled

TENANT = "6a7f5b0a-6d4b-4e1e-9f0c-0d5f3b1d7a11"
API = "1f0c2b3d-1111-4222-8333-444455556666"
V1, V2 = f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0"

CONFIG = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
decisions: 127.0.0.1:0
limits: {{body-buffer-bytes: 64, request-line-bytes: 512}}
backends:
  tripping:
    url: http://127.0.0.1:{refusing}
    circuit-breaker: {{count: 1}}
  down: {{url: "http://127.0.0.1:{refusing}"}}
products: [{{id: basic, apis: [keyed]}}]
subscriptions:
  - {{id: alice, scope: /products/basic, primary-key: alices-primary-key}}
  - {{id: bob, scope: /apis/open, primary-key: bobs-primary-key}}
  - {{id: carol, scope: /products/basic, primary-key: carols-primary-key, state: suspended}}
apis:
  - {{id: keyed, path: keyed, service-url: "http://127.0.0.1:{backend}", subscription-required: true}}
  - id: open
    path: open
    service-url: http://127.0.0.1:{backend}
    operations: [{{id: read, method: GET, url-template: "/items/{{id}}"}}]
"""
_ROUTE = "  - {{id: {name}, path: {name}, {target}, policy: {name}.xml}}\n"
_TOKEN = '<validate-jwt header-name="Authorization" require-scheme="Bearer"{attributes}>{inner}</validate-jwt>'
_CHECK = 'failed-check-httpcode="403" failed-check-error-message="No" ignore-case="false"'


@cache
def _keys() -> str:
    public = jwk(rsa_key())
    return f'<issuer-signing-keys><key id="2026-11" n="{public["n"]}" e="{public["e"]}"/></issuer-signing-keys>'


def _claim(name: str, value: str) -> str:
    return f'<required-claims><claim name="{name}" match="any"><value>{value}</value></claim></required-claims>'


def policies(issuer_port: int) -> dict[str, str]:
    """Inbound policies by API; one with a slash is for another section."""
    audiences = f"<audiences><audience>api://orders</audience><audience>{API}</audience></audiences>"
    usual = f"{_keys()}{audiences}<issuers><issuer>{V2}</issuer></issuers>"
    down = f'<openid-config url="http://127.0.0.1:{issuer_port}/.well-known/openid-configuration"/>'
    return {
        "token": _TOKEN.format(attributes="", inner=usual),
        "v1": _TOKEN.format(attributes="", inner=f"{_keys()}<issuers><issuer>{V1}</issuer></issuers>"),
        "role": _TOKEN.format(attributes="", inner=usual + _claim("roles", "Orders.Read")),
        "scope": _TOKEN.format(attributes="", inner=usual + _claim("scp", "orders.write")),
        "issuer": _TOKEN.format(attributes="", inner=down),
        "rate": '<rate-limit-by-key calls="1" renewal-period="60" counter-key="one"/>',
        "quota": '<quota-by-key calls="1" renewal-period="3600" counter-key="one"/>',
        "address": '<ip-filter action="allow"><address-range from="10.0.0.0" to="10.0.255.255"/></ip-filter>',
        "blocked": '<ip-filter action="forbid"><address>127.0.0.1</address></ip-filter>',
        "header": f'<check-header name="X-Front-Door" {_CHECK}><value>the-shared-secret</value></check-header>',
        "choose": '<choose><when condition="@(!context.Request.Headers.ContainsKey(&quot;X-Tenant&quot;))">'
        '<return-response><set-status code="403" reason="Forbidden"/></return-response></when></choose>',
        "cors": "<cors><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>",
        "certificate": '<validate-client-certificate validate-revocation="false" validate-trust="false">'
        '<identities><identity subject="CN=client"/></identities></validate-client-certificate>',
        "content": '<validate-content unspecified-content-type-action="prevent" max-size="10" '
        'size-exceeded-action="prevent"><content type="application/json" validate-as="json" action="prevent"/>'
        "</validate-content>",
        "body": '<set-variable name="b" value="@(context.Request.Body.As&lt;string&gt;())"/>',
        "expression": '<set-variable name="n" value="@(int.Parse(context.Request.Headers[&quot;X-N&quot;][0]))"/>',
        "down": "",
        "tripping": "",
        "slow": "",
        "failing": "",
        "busy": "",
    }


_BACKEND = {
    "slow": '<forward-request timeout-ms="30"/>',
    "busy": '<limit-concurrency key="one" max-count="1"><forward-request timeout="5"/></limit-concurrency>',
}
_TARGET = {"down": "backend: down", "tripping": "backend: tripping"}


def claims(**changes: object) -> dict[str, object]:
    """Those of an access token of Entra, v2.0, which every check accepts."""
    now = int(time.time())
    usual: dict[str, object] = {"iss": V2, "aud": API, "sub": "s", "oid": "o", "tid": TENANT, "ver": "2.0"}
    made = usual | {"nbf": now - 60, "exp": now + 3600, "scp": "orders.read", "azp": "a"} | changes
    return {name: value for name, value in made.items() if value is not None}


def token(kid: str = "2026-11", key: str = "k1", **changes: object) -> str:
    """A signed token."""
    return pyjwt.encode(claims(**changes), rsa_key(key), "RS256", {"kid": kid})


def _bearer(text: str) -> str:
    return f"Authorization: Bearer {text}"


def _forged() -> str:
    """Another payload below a good signature."""
    head, _, signature = token().split(".")
    payload = token(roles=["Admin"]).split(".")[1]
    return f"{head}.{payload}.{signature}"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; *before*: how many like it come first, which are not looked at."""

    path: str
    fields: tuple[str, ...] = ()
    method: str = "GET"
    body: str = ""
    before: int = 0

    @property
    def data(self) -> bytes:
        """As it is on the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: api.example", *self.fields]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", self.body]).encode()


def _token(*fields: str, path: str = "/token") -> Sent:
    return Sent(path, fields)


_JSON = "Content-Type: application/json"

# What a client does wrong, in the words of docs/refusals.md.
REQUESTS: dict[str, Callable[[], Sent]] = {
    "no token": lambda: _token(),
    "another scheme": lambda: _token("Authorization: Basic dXNlcjpwYXNzd29yZA=="),
    "a token for another API": lambda: _token(_bearer(token(aud="api://stock"))),
    "a token for Microsoft Graph": lambda: _token(_bearer(token(aud="https://graph.microsoft.com"))),
    "a token of version 1.0, where 2.0 is accepted": lambda: _token(_bearer(token(iss=V1, ver="1.0"))),
    "a token of version 2.0, where 1.0 is accepted": lambda: _token(_bearer(token()), path="/v1"),
    "an expired token": lambda: _token(_bearer(token(nbf=int(time.time()) - 9000, exp=int(time.time()) - 5430))),
    "a token that is not valid yet": lambda: _token(_bearer(token(nbf=int(time.time()) + 1800))),
    "a token without an end": lambda: _token(_bearer(token(exp=None))),
    "an unknown key": lambda: _token(_bearer(token(kid="2026-10", key="k2"))),
    "a forged signature": lambda: _token(_bearer(_forged())),
    "an unsigned token": lambda: _token(_bearer(pyjwt.encode(claims(), "", "none"))),
    "a token signed with a shared secret": lambda: _token(_bearer(pyjwt.encode(claims(), "s" * 32, "HS256"))),
    "a missing role": lambda: _token(_bearer(token()), path="/role"),
    "another role": lambda: _token(_bearer(token(roles=["Orders.Write"])), path="/role"),
    "another scope": lambda: _token(_bearer(token()), path="/scope"),
    "several scopes in one text": lambda: _token(_bearer(token(scp="orders.read orders.write")), path="/scope"),
    "a token in quotation marks": lambda: _token(_bearer(f'"{token()}"')),
    "the word Bearer twice": lambda: _token(_bearer(f"Bearer {token()}")),
    "a variable that was never set": lambda: _token(_bearer("{{access_token}}")),
    "an opaque token": lambda: _token(_bearer("d41d8cd98f00b204e9800998ecf8427e")),
    "a token that was cut": lambda: _token(_bearer(token().rpartition(".")[0])),
    "a token with a broken part": lambda: _token(_bearer(token().replace(".", ".=", 1))),
    "an encrypted token": lambda: _token(_bearer("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkExMjhHQ00ifQ.a.b.c.d")),
    "two Authorization headers": lambda: _token(_bearer(token()), _bearer(token())),
    "keys that cannot be fetched": lambda: _token(_bearer(token()), path="/issuer"),
    "too many calls": lambda: Sent("/rate", before=1),
    "a quota that is used up": lambda: Sent("/quota", before=1),
    "an address that is not allowed": lambda: Sent("/address"),
    "an address that is blocked": lambda: Sent("/blocked"),
    "a missing header": lambda: Sent("/header"),
    "a header with another value": lambda: Sent("/header", ("X-Front-Door: guess",)),
    "no subscription key": lambda: Sent("/keyed"),
    "an unknown subscription key": lambda: Sent("/keyed", ("Ocp-Apim-Subscription-Key: nobodys-key",)),
    "a subscription key for another API": lambda: Sent("/keyed", ("Ocp-Apim-Subscription-Key: bobs-primary-key",)),
    "a suspended subscription": lambda: Sent("/keyed", ("Ocp-Apim-Subscription-Key: carols-primary-key",)),
    "a path of no API": lambda: Sent("/none/items/1"),
    "a path of no operation": lambda: Sent("/open/things"),
    "another method": lambda: Sent("/open/items/1", method="DELETE"),
    "a path with an encoded slash": lambda: Sent("/open/items/a%2Fb"),
    "no client certificate": lambda: Sent("/certificate"),
    "a body of another type": lambda: Sent("/content", ("Content-Type: text/plain",), "POST", "text"),
    "a body that is no JSON": lambda: Sent("/content", (_JSON,), "POST", "{"),
    "a body over the policy's limit": lambda: Sent("/content", (_JSON,), "POST", '{"a": "a long text"}'),
    "a body too large to be read": lambda: Sent("/body", (_JSON,), "POST", "x" * 600_000),
    "an expression that fails": lambda: Sent("/expression", ("X-N: many",)),
    "a condition that answers": lambda: Sent("/choose"),
    "a page of another origin": lambda: Sent(
        "/cors", ("Origin: https://other.example", "Access-Control-Request-Method: PUT"), "OPTIONS"
    ),
    "a backend that is down": lambda: Sent("/down"),
    "a backend whose circuit is open": lambda: Sent("/tripping", before=1),
    "a backend that is too slow": lambda: Sent("/slow"),
    "a backend that answers 500": lambda: Sent("/failing"),
    "an address that is too long": lambda: Sent("/open/" + "a" * 600),
    "a header line without a colon": lambda: Sent("/open/items/1", ("no colon",)),
    "two Host headers": lambda: Sent("/open/items/1", ("Host: another.example",)),
    "two lengths of a body": lambda: Sent("/open/items/1", ("Content-Length: 1", "Content-Length: 2"), "POST"),
}


async def _behind(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """A backend that answers by path."""
    while True:
        head = await behind.head(reader)
        await behind.body(reader, head)
        if b"x-case: slow" in head.lower():
            await asyncio.sleep(3600)
        failing = b"x-case: failing" in head.lower()
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nno" % (b"500 Oops" if failing else b"200 OK"))


def _document(name: str, inbound: str) -> str:
    """The policy document of an API; its backend learns which case it is."""
    case = f'<set-header name="x-case" exists-action="override"><value>{name}</value></set-header>'
    behind = _BACKEND.get(name, "<base/>")
    return f"<policies><inbound>{inbound}{case}</inbound><backend>{behind}</backend></policies>"


@dataclass
class Refusing:
    """The running gateway."""

    port: int
    management: int
    decisions: int
    gateway: Gateway

    async def refused(self, sent: Sent) -> dict[str, Any]:
        """What ``/requests`` tells of a request by its answer's id alone."""
        for _ in range(sent.before):
            await ask(self.port, sent.data, sent.method)
        reply = await ask(self.port, sent.data, sent.method)
        request_id = reply.field("x-request-id")
        assert request_id is not None, reply
        assert await settled(lambda: self.gateway.requests.find(request_id) is not None, 5), reply
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.management}") as asking:
            record: dict[str, Any] = (await asking.get(f"/requests/{request_id}")).json()
        return record


@asynccontextmanager
async def refusing(directory: Path) -> AsyncIterator[Refusing]:
    """A gateway with an API for each kind of refusal."""
    nobody = bind("127.0.0.1", 0)  # an address that refuses connections: nothing listens there
    refused_port = nobody.getsockname()[1]
    nobody.close()
    async with backend(_behind) as behind:
        text = CONFIG.format(backend=behind.port, refusing=refused_port)
        for name, inbound in policies(refused_port).items():
            (directory / f"{name}.xml").write_text(_document(name, inbound))
            target = _TARGET.get(name, f'service-url: "http://127.0.0.1:{behind.port}"')
            text += _ROUTE.format(name=name, target=target)
        gateway = build(parse(text, "config.yaml", directory, os.environ))
        sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0), bind("127.0.0.1", 0))
        async with serving_gateway(LiveGateway(gateway), sockets) as server:
            management = sockets.management.getsockname()[1]
            assert sockets.decisions is not None
            yield Refusing(server.port, management, sockets.decisions.getsockname()[1], gateway)


_SHOWN = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "TIME"),
    (re.compile(r"[\w/.-]*/(\w+\.xml)"), r"\1"),
    (re.compile(r"(possible in|another) [\d.]+ (?:s|minutes)"), r"\1 A WHILE"),
    (re.compile(r"has expired \d+ \w+|expired \d+ \w+ ago"), "expired A WHILE ago"),
    (re.compile(r"begins in \d+ \w+"), "begins in A WHILE"),
)


def explained(record: dict[str, Any]) -> dict[str, Any]:
    """A row of docs/refusals.json, without what differs from run to run."""
    words = record_in_words(record)
    what, remedy = words.what, words.remedy
    for pattern, name in _SHOWN:
        what, remedy = pattern.sub(name, what), pattern.sub(name, remedy)
    status, source, reason = record["status"], record["source"], record["reason"]
    return {"status": status, "source": source, "reason": reason, "what": what, "remedy": remedy}


async def table(directory: Path) -> dict[str, dict[str, Any]]:
    """Every refusal, explained."""
    async with refusing(directory) as running:
        return {name: explained(await running.refused(make())) for name, make in REQUESTS.items()}


if __name__ == "__main__":  # rewrites what the test compares: read every changed sentence
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        rows = asyncio.run(table(Path(temporary)))
    path = Path(__file__).parents[2] / "docs" / "refusals.json"
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
