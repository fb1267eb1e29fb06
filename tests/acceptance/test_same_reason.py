"""A refused token has one reason, wherever somebody looks: trace, log, metric, explain."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from gateway.commands.explain.judging import Question, explained
from gateway.config import parse
from gateway.data_plane.dispatcher import UNWATCHED
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API
from tests.acceptance.rig import CONFIG, DOCUMENTS, product
from tests.wire.rig import settled

SECRET = "let-me-see"
TRACED = f"tracing:\n  enabled: true\n  secret: {SECRET}\n{CONFIG}"

TOKENS: dict[str, Callable[[EntraEmulator], str]] = {
    "TokenExpired": lambda entra: entra.mint(aud=API, lifetime_s=-60),
    "TokenAudienceNotAllowed": lambda entra: entra.mint(aud="api://other"),
    "TokenSignatureInvalid": lambda entra: entra.mint(
        aud=API, key=entra.foreign_key, header={"kid": entra.keys.active.kid}
    ),
    "JwtInvalid": lambda entra: "no.token",
}


async def _management(gateway: Any, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=gateway.management)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        return await client.get(path)


@pytest.mark.parametrize("reason", TOKENS, ids=str)
def test_one_reason(tmp_path: Path, reason: str) -> None:
    """The trace, the log line, the metric and explain name the same reason for the same token."""

    async def scenario() -> None:
        async with product(tmp_path, config=TRACED) as running:
            token = TOKENS[reason](running.entra)
            with capture_logs() as lines:
                fields = ("Ocp-Apim-Trace: true", f"Apim-Debug-Authorization: {SECRET}")
                reply = await running.call("/orders/items/1", *fields, token=token)
                assert await settled(lambda: any(line["event"] == "refused" for line in lines), 5)
            trace_id = reply.field("apim-trace-id")
            trace = (await _management(running.gateway, f"/traces/{trace_id}")).json()
            assert _reasons(trace) == {reason}
            assert {line["reason"] for line in lines if line["event"] == "refused"} == {reason}
            metrics = generate_latest(running.gateway.registry).decode()
            assert f'gateway_refusals_total{{policy="validate-jwt",reason="{reason}"}} 1.0' in metrics
            assert await _explained(running.entra, token, tmp_path) == reason
            assert token not in str(trace)
            assert SECRET not in str(trace)

    asyncio.run(scenario())


def _reasons(trace: dict[str, Any]) -> set[str]:
    entries = [entry["data"] for section in trace["traceEntries"].values() for entry in section]
    steps = {data["reason"] for data in entries if "reason" in data}
    return steps | {data["lastError"]["reason"] for data in entries if "lastError" in data}


async def _explained(entra: EntraEmulator, token: str, directory: Path) -> str:
    policy = DOCUMENTS / "caller-objectid.xml"
    text = TRACED.format(metadata=entra.metadata_url(), audience=API, backend=1, policy=policy)
    config = parse(text, "config.yaml", directory, os.environ)
    (verdict,) = await explained(Question(token, entra.clock()), config, "orders", "read")
    return verdict.explanation.reason


@pytest.mark.parametrize(
    "fields",
    {
        "no wish": (f"Apim-Debug-Authorization: {SECRET}",),
        "wrong secret": ("Ocp-Apim-Trace: true", "Apim-Debug-Authorization: guess"),
        "no secret": ("Ocp-Apim-Trace: true",),
        "not true": ("Ocp-Apim-Trace: 1", f"Apim-Debug-Authorization: {SECRET}"),
    }.items(),
    ids=lambda item: item[0],
)
def test_no_trace_without_both(tmp_path: Path, fields: tuple[str, tuple[str, ...]]) -> None:
    """Nothing is traced without the header and the operator's secret, and the secret never reaches the backend."""

    async def scenario() -> None:
        async with product(tmp_path, config=TRACED) as running:
            reply = await running.call("/orders/open", *fields[1])
            assert reply.field("apim-trace-id") is None
            assert running.received("apim-debug-authorization") == []
            assert (await _management(running.gateway, "/traces")).json() == {"traces": [], "summaries": []}
            assert (await _management(running.gateway, "/traces/unknown")).status_code == 404

    asyncio.run(scenario())


def test_off(tmp_path: Path) -> None:
    """Switched off, nothing is traced, and the management listener has no traces."""
    config = f"tracing: {{{{tail: {{{{enabled: false}}}}}}}}\n{CONFIG}"

    async def scenario() -> None:
        async with product(tmp_path, config=config) as running:
            reply = await running.call("/orders/open", "Ocp-Apim-Trace: true", "Apim-Debug-Authorization: x")
            assert reply.field("apim-trace-id") is None
            assert (await _management(running.gateway, "/traces")).status_code == 404
            assert running.gateway.dispatcher.watcher is UNWATCHED

    asyncio.run(scenario())


def test_all_access_key_traces(tmp_path: Path) -> None:
    """A subscription key for all APIs may trace without the secret, another key may not; the key is masked."""
    keys = (
        "subscriptions:\n"
        "  - {{id: operator, scope: /apis, all-access: true, primary-key: operator-key-1}}\n"
        "  - {{id: app, scope: /apis, primary-key: ordinary-key-1}}\n"
    )
    config = "tracing: {{enabled: true, keep: 1}}\n" + keys + CONFIG

    async def scenario() -> None:
        async with product(tmp_path, config=config) as running:
            wish = "Ocp-Apim-Trace: true"
            refused = await running.call("/orders/open", wish, "Ocp-Apim-Subscription-Key: ordinary-key-1")
            assert refused.field("apim-trace-id") is None
            for _ in range(2):
                query = "/orders/open?subscription-key=operator-key-1"
                reply = await running.call(query, wish, "Ocp-Apim-Subscription-Key: operator-key-1")
            listed = (await _management(running.gateway, "/traces")).json()["traces"]
            assert listed == [reply.field("apim-trace-id")]
            trace = (await _management(running.gateway, f"/traces/{listed[0]}")).text
            assert "operator-key-1" not in trace
            assert "forward-request" in trace

    asyncio.run(scenario())
