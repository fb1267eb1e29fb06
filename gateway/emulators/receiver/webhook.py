"""
Data Factory's Webhook activity, its data: what is configured, how a callback is read, and the state of the run.

Source: Microsoft Learn, "Webhook activity in Azure Data Factory"; what it leaves open is listed in docs/emulators.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

_TIMEOUT = re.compile(r"(?:(\d+)\.)?(\d\d):(60|[0-5]\d):(60|[0-5]\d)")
MEMBERS = {"url", "body", "headers", "timeout", "reportStatusOnCallBack"}


@dataclass(frozen=True, slots=True)
class Activity:
    """
    A configured Webhook activity.

    Attributes:
        url: Where it posts.
        body: A JSON object; ``callBackUri`` is added to it.
        headers: Further header fields, such as ``Authorization``.
        timeout_s: How long it waits for the callback; ten minutes by default.
        report_status: ``reportStatusOnCallBack``: whether the callback's body is evaluated.
    """

    url: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 600.0
    report_status: bool = False

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """
        Read ``typeProperties`` of an activity: ``url``, ``body``, ``headers``, ``timeout``, ``reportStatusOnCallBack``.

        Raises:
            ValueError: A member is unknown, or the timeout is not ``hh:mm:ss``.
        """
        if unknown := set(document) - MEMBERS:
            raise ValueError(f"unknown members: {', '.join(sorted(unknown))}; known are {', '.join(sorted(MEMBERS))}")
        timeout_s = parse_timeout(document.get("timeout", "00:10:00"))
        report = document.get("reportStatusOnCallBack", False) is True
        return cls(document["url"], document.get("body", {}), document.get("headers", {}), timeout_s, report)


@dataclass(frozen=True, slots=True)
class RunState:
    """
    The state of a run.

    Attributes:
        status: ``InProgress``, ``Succeeded``, ``Failed`` or ``TimedOut``.
        output: ``activity('X').output``.
        error: ``errorCode`` and ``message`` of a failure.
    """

    status: str = "InProgress"
    output: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)


def parse_timeout(text: str) -> float:
    """
    Seconds in ``hh:mm:ss`` or ``d.hh:mm:ss``.

    Raises:
        ValueError: For anything else.
    """
    match = _TIMEOUT.fullmatch(str(text))
    if match is None:
        raise ValueError(f"timeout {text!r} must be written hh:mm:ss or d.hh:mm:ss")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


def judge_callback(report_status: bool, content_type: str, body: bytes) -> RunState | int:
    """
    The run's state after a callback, or the HTTP status with which the callback is refused.

    Without *report_status* the content is ignored: a failed batch looks fine. With it, a status code from 400 up or an
    error message fails the activity. Member names are read in any case.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return 415
    members = _members(body)
    if members is None:
        return 400
    if not report_status:
        return RunState("Succeeded")
    output, error = members.get("output") or {}, _lower(members.get("error"))
    if _code(members.get("statuscode")) < 400 and not error.get("message"):
        return RunState("Succeeded", output)
    message = "The Webhook operation failed: an error is set in the callback's body."
    told = {"errorCode": str(error.get("errorcode", "")), "message": str(error.get("message", message))}
    return RunState("Failed", output, told)


def _members(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    return _lower(document) if isinstance(document, dict) else None


def _lower(document: Any) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in document.items()} if isinstance(document, dict) else {}


def _code(value: Any) -> int:
    try:
        return int(value or 200)
    except (TypeError, ValueError):
        return 500  # a status that is not a number is not a success
