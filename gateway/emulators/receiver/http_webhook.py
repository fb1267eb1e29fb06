"""
Logic Apps' HTTP Webhook action: subscribe with a callback URL, wait for the callback, unsubscribe.

Its definition is taken unchanged from a workflow. Of the expressions only those that such a definition needs are
known: ``listCallbackUrl()``, ``parameters('…')`` and ``workflow()['run']['name']``.

Source: Microsoft Learn, "HTTP Webhook" of Azure Logic Apps; "Schema reference for trigger and action types".
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

_EXPRESSION = re.compile(r"@\{(?P<inner>[^}]*)\}|^@(?P<whole>.+)$")
_PARAMETER = re.compile(r"parameters\('([^']+)'\)")
_LIMIT = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_FIRST_CALL_S = 120.0


@dataclass(slots=True)
class WebhookRun:
    """
    One run of the action.

    Attributes:
        id: The run's name, and the secret part of its callback URL.
        status: ``Running``, ``Succeeded``, ``Failed`` (the subscription was refused) or ``TimedOut``.
        outputs: Headers and body of the callback.
        unsubscribed: The answer to the unsubscribe request; None before it, or without one.
    """

    id: str
    inputs: Mapping[str, Any]
    parameters: Mapping[str, str]
    timeout_s: float
    status: str = "Running"
    outputs: dict[str, Any] = field(default_factory=dict)
    subscribed: int | None = None
    unsubscribed: int | None = None
    called_back: asyncio.Event = field(default_factory=asyncio.Event)

    def to_json(self) -> dict[str, Any]:
        """For ``GET /logic-apps/runs/{id}``."""
        calls = {"subscribed": self.subscribed, "unsubscribed": self.unsubscribed}
        return {"id": self.id, "status": self.status, "outputs": self.outputs, **calls}


class WebhookRuns:
    """All runs of one receiver."""

    def __init__(self) -> None:
        self._runs: dict[str, WebhookRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, document: Mapping[str, Any], base_url: str) -> WebhookRun:
        """
        Begin a run in the background.

        Args:
            document: ``inputs`` and ``limit`` of the action, and ``parameters`` of the workflow.

        Raises:
            ValueError, KeyError: It is not an HTTP Webhook action.
        """
        inputs, run_id = document["inputs"], secrets.token_urlsafe(16)
        _ = inputs["subscribe"]["uri"], inputs["subscribe"]["method"]
        limit_s = parse_limit(document.get("limit", {}).get("timeout", "PT1H"))
        run = WebhookRun(run_id, inputs, document.get("parameters", {}), limit_s)
        self._runs[run.id] = run
        task = asyncio.create_task(perform(run, f"{base_url}/logic-apps/callbacks/{run.id}"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def find(self, run_id: str) -> WebhookRun | None:
        """The run with that id."""
        return self._runs.get(run_id)

    def call_back(self, run_id: str, headers: Mapping[str, str], body: bytes) -> int:
        """A callback has arrived; the status to answer. The URL works once."""
        run = self._runs.get(run_id)
        if run is None or run.status != "Running":
            return 404
        run.outputs = {"headers": dict(headers), "body": _read(body)}
        run.status = "Succeeded"
        run.called_back.set()
        return 200


async def perform(run: WebhookRun, callback_url: str) -> None:
    """Subscribe, wait, unsubscribe."""
    async with httpx2.AsyncClient(timeout=_FIRST_CALL_S, trust_env=False) as client:
        run.subscribed = await _request(client, run, run.inputs["subscribe"], callback_url)
        if not 200 <= run.subscribed < 300:
            run.status = "Failed"
            return
        try:
            await asyncio.wait_for(run.called_back.wait(), run.timeout_s)
        except TimeoutError:
            run.status = "TimedOut"
        if "unsubscribe" in run.inputs:
            run.unsubscribed = await _request(client, run, run.inputs["unsubscribe"], callback_url)


def parse_limit(text: str) -> float:
    """
    Seconds of an ISO 8601 duration up to hours.

    Raises:
        ValueError: For anything else.
    """
    match = _LIMIT.fullmatch(text)
    if match is None or text == "PT":
        raise ValueError(f"timeout {text!r} must be written like PT1H30M")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (hours * 60 + minutes) * 60.0 + seconds


def evaluate(value: Any, run: WebhookRun, callback_url: str) -> Any:
    """*value* with its expressions replaced, also in objects and lists. Raises ValueError: one is not known."""
    if isinstance(value, Mapping):
        return {name: evaluate(member, run, callback_url) for name, member in value.items()}
    if isinstance(value, list):
        return [evaluate(item, run, callback_url) for item in value]
    if not isinstance(value, str):
        return value
    return _EXPRESSION.sub(lambda match: _known(match["inner"] or match["whole"], run, callback_url), value)


def _known(expression: str, run: WebhookRun, callback_url: str) -> str:
    parameter = _PARAMETER.fullmatch(expression)
    if parameter is not None:
        return run.parameters[parameter[1]]
    known = {"listCallbackUrl()": callback_url, "workflow()['run']['name']": run.id}
    if expression not in known:
        raise ValueError(f"the emulator does not know the expression {expression!r}")
    return known[expression]


async def _request(client: httpx2.AsyncClient, run: WebhookRun, call: Mapping[str, Any], callback_url: str) -> int:
    """Send one of the two requests; 0: no answer. The parameter ``token`` is the managed identity's token."""
    evaluated = evaluate(
        {name: call[name] for name in ("uri", "method", "headers", "body") if name in call}, run, callback_url
    )
    headers = dict(evaluated.get("headers", {}))
    if call.get("authentication", {}).get("type") == "ManagedServiceIdentity":
        headers["Authorization"] = f"Bearer {run.parameters['token']}"
    content = {"json": evaluated["body"]} if "body" in evaluated else {}
    try:
        return (await client.request(evaluated["method"], evaluated["uri"], headers=headers, **content)).status_code
    except httpx2.HTTPError:
        return 0


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
