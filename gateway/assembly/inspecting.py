"""
What a token says, and which routes it would pass: judged by the functions and keys with which requests are judged.

Nothing is fetched, counted or kept: an issuer without keys leaves the verdict open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.assembly.apis import Assembly
from gateway.data_plane.dispatcher import ApiRuntime, OperationRuntime
from gateway.errors import TokenError
from gateway.management.console.process import Ability
from gateway.pipeline.context import Context
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import PipelineStep, TokenJudge
from gateway.pipeline.token_checks import token_checks
from gateway.tokens.compact import Jws, parse
from gateway.tokens.explain import Explanation, explain
from gateway.wire.messages import Request

MOST_PIPELINES = 500  # that are judged for one token; the rest are counted


@dataclass(frozen=True, slots=True)
class _JudgedRoute:
    """One operation with one of its pipelines."""

    api: ApiRuntime
    operation: OperationRuntime
    product: str | None
    pipeline: Pipeline


def inspecting(assembly: Assembly) -> Ability:
    """``{"token"}`` → ``{"error", "header", "claims", "routes": [{"api", "operation", "product", "outcome", …}]}``."""

    async def perform(given: Mapping[str, str]) -> Mapping[str, Any]:
        token = given["token"]
        try:
            jws = parse(token)
        except TokenError as error:
            return {"error": error.message, "header": {}, "claims": {}, "routes": [], "left_out": 0}
        shown = {"header": dict(jws.header), "claims": dict(jws.payload) if isinstance(jws, Jws) else {}}
        routes, left_out = await _judged(assembly, token)
        return {"error": "", **shown, "routes": routes, "left_out": left_out}

    return perform


async def _judged(assembly: Assembly, token: str) -> tuple[list[dict[str, Any]], int]:
    """The verdict on every route; routes with one pipeline in common are judged together."""
    verdicts: dict[int, dict[str, Any]] = {}
    routes, left_out = [], 0
    for route in _routes(assembly):
        key = id(route.pipeline)
        if key not in verdicts and len(verdicts) >= MOST_PIPELINES:
            left_out += 1
            continue
        if key not in verdicts:
            verdicts[key] = _verdict(assembly, route, token)
            await asyncio.sleep(0)  # requests go on between two of them
        info = route.operation.info
        named = {"api": route.api.info.id, "operation": info.id, "product": route.product}
        routes.append({**named, "method": info.method, "template": info.url_template, **verdicts[key]})
    return routes, left_out


def _routes(assembly: Assembly) -> Iterator[_JudgedRoute]:
    for routed in assembly.apis:
        api: ApiRuntime = routed.payload
        operations: list[OperationRuntime] = [operation.payload for operation in routed.operations]
        for operation in operations or [api.whole]:
            yield from (_JudgedRoute(api, operation, *chosen) for chosen in operation.pipelines.items())


def _verdict(assembly: Assembly, route: _JudgedRoute, token: str) -> dict[str, Any]:
    """``outcome``: ``open`` where no policy asks for a token, ``passes``, ``refused``, or ``unknown`` without keys."""
    checks = list(token_checks(route.pipeline))
    if not checks:
        return {"outcome": "open", "checks": []}
    context = Context(_request(token), assembly.dispatcher.deployment, route.api.info, route.operation.info)
    judged = [_check(step, judge, context, token) for step, judge in checks]
    first = next((check["outcome"] for check in judged if check["outcome"] != "passes"), "passes")
    return {"outcome": first, "checks": judged}


def _request(token: str) -> Request:
    request = Request("GET", "/")
    request.headers.replace("Authorization", f"Bearer {token}")
    return request


def _check(step: PipelineStep, judge: TokenJudge, context: Context, token: str) -> dict[str, Any]:
    place = {"policy": step.place.source, "scope": step.place.scope.value, "place": step.place.position}
    is_conditional = "/" in step.place.path
    try:
        explanation = explain(judge.validator(context), token, time.time(), rules=judge.rules(context))
    except Exception as error:  # an expression in its rules needs a real request
        detail = f"needs a real request: {type(error).__name__}"
        return {**place, "conditional": is_conditional, "outcome": "unknown", "steps": [], "note": detail}
    steps = [
        {
            "name": check.name,
            "outcome": check.outcome,
            "decisive": check.decisive,
            "expected": check.expected,
            "found": check.found,
            "reason": check.reason,
            "message": check.message,
            "hint": check.hint,
        }
        for check in explanation.steps
    ]
    outcome = _outcome(explanation)
    return {**place, "conditional": is_conditional, "outcome": outcome, "steps": steps, "note": explanation.note}


def _outcome(explanation: Explanation) -> str:
    if explanation.accepted:
        return "passes"
    return "refused" if explanation.reason else "unknown"
