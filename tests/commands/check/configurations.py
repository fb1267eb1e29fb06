"""Configurations for the differential test: one that works, and what a careless hand makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

CONFIG = """\
listen: 127.0.0.1:8080
management: 127.0.0.1:8081
decisions: 127.0.0.1:8082
workers: 1
named-values:
  issuer: https://login.example/v2.0
  limit: "5"
  secret-key: {env: HOME, secret: true}
backends:
  orders: {url: "http://127.0.0.1:8090"}
  stock: {url: "https://stock.example/base", credentials: {headers: {x-a: [b]}}}
  both: {pool: [{backend: orders, priority: 1}, {backend: stock, priority: 2}]}
global-policy: global.xml
fragments: {correlation: correlation.xml}
schemas: {order: order.json}
apis:
  - id: orders
    path: orders
    backend: orders
    policy: orders.xml
    operations:
      - {id: read, method: GET, url-template: "/orders/{id}", policy: read.yaml}
      - {id: create, method: POST, url-template: /orders, policy: create.xml}
  - id: stock
    path: stock
    service-url: https://stock.example
    policy: stock.xml
products:
  - {id: gold, apis: [orders], policy: gold.xml}
subscriptions:
  - {id: one, scope: /products/gold, primary-key: {env: HOME}}
timeouts: {head: 5s, body: 30s}
limits: {body-buffer-bytes: 1000000}
trusted-proxies: [10.0.0.0/8]
notifications:
  store: sqlite:///jobs.db
  d365:
    instance-url: https://contoso.operations.dynamics.com
    token-url: https://login.example/oauth2/v2.0/token
    client-id: 11111111-1111-1111-1111-111111111111
    client-secret: {env: HOME}
  callers:
    - {object-id: 22222222-2222-2222-2222-222222222222, name: adf, batch-jobs: [1, 2], callback-hosts: ["*"]}
"""

DOCUMENTS = {
    "global.xml": """\
<policies>
  <inbound>
    <include-fragment fragment-id="correlation" />
    <cors><allowed-origins><origin>https://app.example</origin></allowed-origins></cors>
  </inbound>
  <backend><forward-request timeout="10" /></backend>
  <outbound />
  <on-error />
</policies>
""",
    "correlation.xml": """\
<fragment>
  <set-header name="x-correlation" exists-action="skip"><value>@(Guid.NewGuid().ToString())</value></set-header>
</fragment>
""",
    "orders.xml": """\
<policies>
  <inbound>
    <base />
    <validate-jwt header-name="Authorization" output-token-variable-name="jwt">
      <openid-config url="{{issuer}}/.well-known/openid-configuration" />
      <audiences><audience>api://orders</audience></audiences>
    </validate-jwt>
    <set-header name="caller"><value>@(((Jwt)context.Variables["jwt"]).Subject)</value></set-header>
    <rate-limit-by-key calls="{{limit}}" renewal-period="60" counter-key="@(context.Request.IpAddress)" />
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>
""",
    "read.yaml": """\
inbound:
  - base
  - rewrite-uri: {template: "/v2/{id}"}
  - choose:
      - when:
          condition: '@(context.Request.Method == "GET")'
          do: [{set-variable: {name: a, value: "1"}}]
      - otherwise: [{set-backend-service: {backend-id: stock}}]
outbound: [base]
""",
    "create.xml": """\
<policies>
  <inbound>
    <base />
    <validate-content unspecified-content-type-action="prevent" max-size="1000" size-exceeded-action="prevent">
      <content type="application/json" validate-as="json" action="prevent" schema-id="order" />
    </validate-content>
    <set-backend-service backend-id="both" />
    <set-body>@{ var body = context.Request.Body.As<JObject>(true); return body.ToString(); }</set-body>
  </inbound>
  <outbound><base /></outbound>
</policies>
""",
    "stock.xml": """\
<policies>
  <inbound>
    <base />
    <send-request mode="new" response-variable-name="answer" timeout="5" ignore-error="true">
      <set-url>https://stock.example/ping</set-url>
      <set-method>GET</set-method>
    </send-request>
    <return-response><set-status code="204" reason="No Content" /></return-response>
  </inbound>
</policies>
""",
    "gold.xml": '<policies><inbound><base /><rate-limit calls="5" renewal-period="60" /></inbound></policies>\n',
    "order.json": '{"type": "object", "properties": {"id": {"type": "string"}}}\n',
}

_ODD = """
-1 0 99999 1e9 "" null true nope 5x 1.5 ~ [] {} [a] {a:b} "*" "{{none}}" "@(1)" ${x} http://a/?q=1 ftp://a 127.0.0.1 :80
/../a "a b" é 0x10 {env:NONE_SUCH} {file:none.txt} ../none.xml config.yaml 10.0.0.0/33
""".split()
_SCALAR = re.compile(r"(?<=[:\[,] )[^\s,{}\[\]][^,{}\[\]\n]*")
_KEY = re.compile(r"[a-z][a-z0-9-]*(?=:(?: |\n|$))")
_ATTRIBUTE = re.compile(r'"[^"<>@]*"')
_TAG = re.compile(r"(?<=<)/?[a-z-]+")


def write(folder: Path, random: Random, changes: int) -> Path:
    """The configuration with this many *changes* in *folder*; its path."""
    files: dict[str, str] = {"config.yaml": CONFIG, **DOCUMENTS}
    for _ in range(changes):
        name = random.choice(["config.yaml", "config.yaml", *DOCUMENTS])
        changed = _changed(name, files.get(name), random)
        files = (
            {**files, name: changed} if changed is not None else {file: files[file] for file in files if file != name}
        )
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder / "config.yaml"


def _changed(name: str, text: str | None, random: Random) -> str | None:
    """*text* after one change; None for a file that is gone."""
    if not text:
        return DOCUMENTS.get(name, CONFIG)
    if name != "config.yaml" and random.random() < 0.03:
        return None
    patterns = [_ATTRIBUTE, _TAG] if name.endswith(".xml") else [_SCALAR, _KEY]
    change = random.choice([_drop_line, _repeat_line, _cut, _put, *(_replacing(pattern) for pattern in patterns * 3)])
    return change(text, random)


def _replacing(pattern: re.Pattern[str]) -> Callable[[str, Random], str]:
    def change(text: str, random: Random) -> str:
        places = list(pattern.finditer(text))
        if not places:
            return text
        place, donor = random.choice(places), random.choice(places)
        quote = place[0][0] if place[0][0] in "\"'" else ""
        other = donor[0] if random.random() < 0.4 else f"{quote}{random.choice(_ODD).strip(quote or None)}{quote}"
        return text[: place.start()] + other + text[place.end() :]

    return change


def _drop_line(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    del lines[random.randrange(len(lines))]
    return "".join(lines)


def _repeat_line(text: str, random: Random) -> str:
    lines = text.splitlines(keepends=True)
    index = random.randrange(len(lines))
    return "".join([*lines[: index + 1], lines[index], *lines[index + 1 :]])


def _cut(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + text[place + random.choice([1, 1, 2, 10]) :]


def _put(text: str, random: Random) -> str:
    place = random.randrange(len(text))
    return text[:place] + random.choice("\"'<>&{}[]()@:,-#\n\t é\x00") + text[place:]
