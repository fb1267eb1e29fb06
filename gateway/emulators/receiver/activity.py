"""
Data Factory's Webhook activity at work: post with a ``callBackUri``, wait for the callback, judge it.

The first call has a minute of its own; the timeout counts for the callback only.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from gateway.emulators.receiver.webhook import Activity, RunState, judge_callback

FIRST_CALL_S = 60.0


@dataclass(slots=True)
class Run:
    """
    One run of an activity.

    Attributes:
        id: Part of the callback URL; random, because anyone who knows the URL can call back.
        answer: Status and body of the first call's answer; None before it arrives.
        outcome: The state of the run.
    """

    id: str
    activity: Activity
    answer: tuple[int, str] | None = None
    outcome: RunState = field(default_factory=RunState)
    called_back: asyncio.Event = field(default_factory=asyncio.Event)

    def to_json(self) -> dict[str, Any]:
        """For ``GET /adf/runs/{id}``."""
        answer = None if self.answer is None else {"status": self.answer[0], "body": self.answer[1]}
        told = {"status": self.outcome.status, "output": self.outcome.output, "error": self.outcome.error}
        return {"id": self.id, **told, "answer": answer}


class Runs:
    """All runs of one receiver, and the tasks that wait for them."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, activity: Activity, base_url: str) -> Run:
        """Begin a run in the background, inside the running event loop."""
        run = Run(secrets.token_urlsafe(16), activity)
        self._runs[run.id] = run
        task = asyncio.create_task(perform(run, f"{base_url}/adf/callbacks/{run.id}"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return run

    def find(self, run_id: str) -> Run | None:
        """The run with that id."""
        return self._runs.get(run_id)

    def call_back(self, run_id: str, content_type: str, body: bytes) -> int:
        """
        A callback has arrived; return the status to answer.

        The URL works once: an unknown run, a second callback and a late one all get 404.
        """
        run = self._runs.get(run_id)
        if run is None or run.outcome.status != "InProgress":
            return 404
        judged = judge_callback(run.activity.report_status, content_type, body)
        if isinstance(judged, int):
            return judged
        run.outcome = judged
        run.called_back.set()
        return 200


async def perform(run: Run, callback_url: str) -> None:
    """Make the first call, then wait; the result is the run's outcome."""
    body = {**run.activity.body, "callBackUri": callback_url}
    try:
        run.answer = await _first_call(run.activity, body)
    except httpx2.HTTPError as error:
        code = "2128" if isinstance(error, httpx2.TimeoutException) else "2108"
        run.outcome = RunState("Failed", error={"errorCode": code, "message": type(error).__name__})
        return
    if not 200 <= run.answer[0] < 300:
        message = f"The endpoint answered {run.answer[0]}."
        run.outcome = RunState("Failed", error={"errorCode": "2108", "message": message})
        return
    await _wait(run)


async def _wait(run: Run) -> None:
    try:
        await asyncio.wait_for(run.called_back.wait(), run.activity.timeout_s)
    except TimeoutError:
        run.outcome = RunState("TimedOut")


async def _first_call(activity: Activity, body: Mapping[str, Any]) -> tuple[int, str]:
    async with httpx2.AsyncClient(timeout=FIRST_CALL_S, trust_env=False) as client:
        response = await client.post(activity.url, json=body, headers=dict(activity.headers))
    return response.status_code, response.text
