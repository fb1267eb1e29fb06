"""
What is remembered from one request to the next never shows.

The same requests, once over one connection, where heads, tokens, refusals and log lines take every quick way that there
is, and once over a connection each with all of these ways closed, give the same bytes to clients and backend, the same
records, log lines and metrics.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jwt
import pytest
import structlog
from prometheus_client import generate_latest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.policies.parts import token_source
from gateway.telemetry import logs
from gateway.telemetry.requests import access_log, plain
from gateway.tokens import registered
from gateway.wire.server import listener
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import start
from gateway.wire.upstream import head_reader
from tests.wire.rig import Backend, Client, backend, client

KEY = b"0123456789012345678901234567890123456789"
CONFIG = """
request-log: {{sample: 1, answered: 1000}}
logging: {{requests: all}}
tracing: {{tail: {{enabled: false}}}}
apis:
  - id: orders
    path: orders
    service-url: "http://127.0.0.1:{port}"
    policy: orders.xml
    operations:
      - {{id: read, method: GET, url-template: "/{{id}}"}}
      - {{id: head, method: HEAD, url-template: "/{{id}}"}}
      - {{id: write, method: POST, url-template: "/{{id}}"}}
  - id: keyed
    path: keyed
    service-url: "http://127.0.0.1:{port}"
    subscription-required: true
    policy: keyed.xml
products: [{{id: p, apis: [orders, keyed]}}]
subscriptions:
  - {{id: s1, scope: /products/p, primary-key: key-one}}
  - {{id: s2, scope: /products/p, primary-key: key-two}}
"""
KEYS = f"<issuer-signing-keys><key>{base64.b64encode(KEY).decode()}</key></issuer-signing-keys>"
CALLER = '@(((Jwt)context.Variables["jwt"]).Subject)'
ORDERS = f"""<policies><inbound>
  <validate-jwt header-name="Authorization" output-token-variable-name="jwt">{KEYS}
    <audiences><audience>orders</audience></audiences></validate-jwt>
  <choose><when condition='@(context.Request.Headers.ContainsKey("X-Second"))'>
    <validate-jwt header-name="X-Second" failed-validation-error-message="@(context.LastError.Message)">
      {KEYS}</validate-jwt></when></choose>
  <check-header name="X-Tenant" failed-check-httpcode="403" failed-check-error-message="Not this tenant"
    ignore-case="false"><value>blue</value><value>green</value></check-header>
  <set-header name="X-Caller" exists-action="override"><value>{CALLER}</value></set-header>
</inbound><backend><forward-request /></backend><outbound>
  <set-header name="X-Seen" exists-action="append"><value>{CALLER}</value></set-header>
</outbound><on-error>
  <set-header name="X-Reason" exists-action="override"><value>@(context.LastError.Reason)</value></set-header>
</on-error></policies>"""
KEYED = """<policies><inbound>
  <set-header name="X-Subscription" exists-action="override"><value>@(context.Subscription.Id)</value></set-header>
</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>"""


def token(subject: str, **changes: Any) -> str:
    """A token of *subject*, who is anybody."""
    return jwt.encode({"sub": subject, "oid": subject, "aud": "orders", "exp": 4e9, **changes}, KEY, "HS256")


ALICE, BOB, EXPIRED = token("alice"), token("bob"), token("old", exp=1)
# Every line of a head, with what may stand in its place; None: it is left out.
LINES: dict[str, list[str | None]] = {
    "authorization": [
        *(f"Authorization: Bearer {shown}" for shown in (ALICE, BOB, ALICE[:-3], EXPIRED, token("x", aud="y"))),
        f"authorization: bearer {BOB}", "Authorization: Bearer", "Authorization: Basic YTpi", None,
        f"Authorization: Bearer {ALICE}\r\nAuthorization: Bearer {BOB}",
    ],
    "second": [None, None, None, f"X-Second: Bearer {BOB}", f"X-Second: Bearer {BOB[:-4]}", "X-Second: none"],
    "tenant": ["X-Tenant: blue", "X-Tenant: green", "X-Tenant: red", "x_tenant: blue", None],
    "key": ["Ocp-Apim-Subscription-Key: key-one", "Ocp-Apim-Subscription-Key: key-two", "Ocp-Apim-Subscription-Key: no",
            None],
    "trace": [f"X-Trace: {number}" for number in range(9)],
    "more": [None, "Cookie: a=1", "Cookie: a=2\r\nCookie: b=3", "X-Caller: mallory", "Connection: x-trace",
             "Via: 1.1 a", "X-Forwarded-For: 9.9.9.9", "X-Request-Id: theirs", "Connection: close", " folded: 1",
             "X-Trace: twice", "If-None-Match: 1"],
}  # fmt: skip
# What the backend answers, by the last word of the path; "|" ends a line.
ANSWERS = [
    "HTTP/1.1 200 OK|Date: 1|Set-Cookie: who=one|Content-Length: 2||ok",
    "HTTP/1.1 200 OK|Date: 2|Set-Cookie: who=two|Content-Length: 2||ok",
    "HTTP/1.1 200 OK|Date: 2|Set-Cookie: who=two|Content-Length: 5||hello",
    "HTTP/1.1 200 OK|Date: 2|set-cookie: who=three|Content-Length: 5||hello",
    "HTTP/1.1 200 OK|Date: 2|Set-Cookie: a|Set-Cookie: b|Content-Length: 5||hello",
    "HTTP/1.1 200 OK|Date: 2|Connection: date|Content-Length: 5||hello",
    "HTTP/1.1 200 OK|Date: 2|Transfer-Encoding: chunked||2|ok|0||",
    "HTTP/1.1 404 No|Date: 3|Set-Cookie: who=four|Content-Length: 2||no",
    "HTTP/1.1 500 No|Date: 3|Set-Cookie: who=five|Content-Length: 2||no",
    "HTTP/1.1 103 Early|Link: 1||HTTP/1.1 200 OK|Date: 2|Set-Cookie: who=six|Content-Length: 2||ok",
    "HTTP/1.1 304 Not|Date: 4|ETag: 1|Content-Length: 7||",
    "HTTP/1.1 304 Not|Date: 5|ETag: 2|Content-Length: 8||",
    "HTTP/1.1 204 No|Date: 5|ETag: 2||",
]
REASONS = (
    "TokenNotPresent",
    "TokenExpired",
    "TokenSignatureInvalid",
    "HeaderValueNotAllowed",
    "SubscriptionKeyInvalid",
)
REQUESTS = 250


class Sent(NamedTuple):
    """One request."""

    method: str
    data: bytes


def requests(seed: int) -> Iterator[Sent]:
    """Requests each of which differs from the one before in a line or two, sometimes in many."""
    choices = random.Random(seed)
    lines = {name: usual[0] for name, usual in LINES.items()}
    method, answer, api, order = "GET", 0, "orders", list(lines)
    for _ in range(REQUESTS):
        for name in choices.sample(list(lines), choices.choice([0, 1, 1, 1, 2, 3])):
            lines[name] = choices.choice(LINES[name])
        if choices.random() < 0.4:
            lines |= {"authorization": f"Authorization: Bearer {choices.choice([ALICE, BOB])}", "second": None,
                      "tenant": "X-Tenant: blue", "more": None}  # fmt: skip
        if choices.random() < 0.1:
            choices.shuffle(order)
        answer = choices.choice([answer, *[0, 1, 2] * 5, *range(len(ANSWERS))])
        method = choices.choice([*["GET"] * 8, method, "HEAD", "POST"])
        api = choices.choice([api, api, "orders", "keyed"])
        target = "/orders/%00" if choices.random() < 0.03 else f"/{api}/{answer}"
        shown = [line for line in map(lines.__getitem__, order) if line is not None]
        body = [f"Content-Length: {choices.choice([3, 4])}"] if method == "POST" else []
        head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: h", *shown, *body, "", ""])
        yield Sent(method, head.encode() + b"body"[: int(body[0][-1]) if body else 0])


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """Answer each request as its path says."""
    while True:
        head = await behind.head(reader)
        await behind.body(reader, head)
        said = ANSWERS[int(head.split(b" ")[1][1:])].replace("|", "\r\n").encode()
        writer.write(said.rpartition(b"\r\n\r\n")[0] + b"\r\n\r\n" if head.startswith(b"HEAD") else said)


async def answer_to(connection: Client, sent: Sent) -> bytes:
    """All bytes of the answer, interim ones too."""
    connection.send(sent.data)
    received = b""
    while True:
        reply = await connection.reply(sent.method)
        received += reply.head + reply.body
        if reply.status >= 200:
            return received


async def over_one_connection(port: int, sent: Iterator[Sent]) -> list[bytes]:
    """The answers; a new connection only where the gateway has closed the last one."""
    answers = list[bytes]()
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(client(port))
        for request in sent:
            answers.append(await answer_to(connection, request))
            if b"connection: close" in answers[-1].lower():
                connection = await stack.enter_async_context(client(port))
    return answers


async def over_many_connections(port: int, sent: Iterator[Sent]) -> list[bytes]:
    """The answers, each over its own connection."""
    answers = list[bytes]()
    for request in sent:
        async with client(port) as connection:
            answers.append(await answer_to(connection, request))
    return answers


def same_for_all(text: str, port: int) -> str:
    """*text* without what differs from run to run: ids, times and the backend's port."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "(id)", text)
    text = re.sub(r'("(?:elapsed_ms|inbound_ms|backend_ms|outbound_ms|now)"): ?[0-9.e-]+', r"\1:0", text)
    text = re.sub(r'("(?:time|timestamp)"): ?"[^"]*"', r"\1:0", text)
    text = re.sub(r"(?<=Date: )\w{3}, [^\r]+", "0", text)
    return text.replace(f":{port}", ":(port)")


def counted(gateway: Gateway) -> list[str]:
    """The metrics that count requests."""
    shown = generate_latest(gateway.registry).decode().splitlines()
    return [line for line in shown if re.match(r"gateway_(requests|refusals|request_duration\w*_count)", line)]


def outcome(folder: Path, seed: int, ask: Callable[[int, Iterator[Sent]], Any], written: list[str]) -> dict[str, Any]:
    """Everything that *ask* gives: to clients, backend, request log, log and metrics."""
    written.clear()

    async def scenario() -> dict[str, Any]:
        async with backend(answering) as behind:
            gateway = build(parse(CONFIG.format(port=behind.port), "config.yaml", folder, {}))
            await gateway.start()
            dispatcher = gateway.dispatcher
            entrance = Listener(dispatcher, gateway.config.server_settings(), dispatcher.note_refusal)
            server = await start(entrance)
            answers = await ask(server.port, requests(seed))
            await server.aclose()
            records = [json.dumps(record.as_json()) for record in list(gateway.requests)]
            metrics = counted(gateway)
            await gateway.aclose()
            logs.flush()
            texts = {
                "answers": [data.decode("latin-1") for data in answers],
                "backend": behind.received.decode("latin-1").split("\r\n\r\n"),
                "records": records,
                "lines": written.copy(),
                "metrics": metrics,
            }
            return {name: [same_for_all(text, behind.port) for text in some] for name, some in texts.items()}

    return asyncio.run(scenario())


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The lines that the log gets."""
    lines, before = list[str](), structlog.get_config()
    logs.configure()
    monkeypatch.setattr(logs._Output.writer, "write", lambda _, batch: lines.extend(batch))
    yield lines
    structlog.configure(**before)


def noted(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[bool]:
    """What the function *name* of *module* returns from now on."""
    results, original = list[bool](), getattr(module, name)

    def note(*arguments: Any) -> bool:
        results.append(original(*arguments))
        return results[-1]

    monkeypatch.setattr(module, name, note)
    return results


def close_quick_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read, looked up and written in full."""
    monkeypatch.setattr(listener, "vary", lambda *_: False)
    monkeypatch.setattr(head_reader, "vary_response", lambda *_: False)
    monkeypatch.setattr(token_source.BearerToken, "__call__", lambda self, context: self.general(context))
    monkeypatch.setattr(registered, "_is_usual", lambda _: False)
    monkeypatch.setattr(plain, "_are_few_and_short", lambda _: False)
    monkeypatch.setattr(access_log, "parts_of", lambda _: None)
    monkeypatch.setattr(logs, "say_later", lambda *_: False)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_remembered_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: list[str], seed: int
) -> None:
    """Other tokens, callers, keys, paths, fields and answers, one after another on one connection."""
    (tmp_path / "orders.xml").write_text(ORDERS)
    (tmp_path / "keyed.xml").write_text(KEYED)
    varied = [noted(monkeypatch, listener, "vary"), noted(monkeypatch, head_reader, "vary_response")]
    quick = outcome(tmp_path, seed, over_one_connection, written)
    assert min(map(sum, varied)) > 10
    close_quick_ways(monkeypatch)
    exact = outcome(tmp_path, seed, over_many_connections, written)
    for name in exact:
        assert quick[name] == exact[name], name
    for what, texts in {"answers": ("alice", "bob", "who=two", "hello", "103", "304"), "records": REASONS}.items():
        assert [text for text in texts if text not in "".join(exact[what])] == []
    assert len(exact["lines"]) == REQUESTS
