"""
Control endpoints of the emulated models, for tests that are not written in Python.

    GET    /emulator                       requests, and tokens of this minute
    POST   /emulator/answers               {"text": "Paris"}: say this next; "times" for more than once
    POST   /emulator/settings              {"first_token_s": 1, "pace_s": 0.1, "tokens_per_minute": 1000, "name": "b"}
    POST   /emulator/throttle              {"times": 2, "retry_after_s": 5, "form": "milliseconds"}: 429
    POST   /emulator/faults                script another failure, see ``faults.Fault``
    DELETE /emulator/faults                forget the failures still to come
"""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from gateway.emulators.control import command, optional_number
from gateway.emulators.faults import Fault
from gateway.emulators.openai.service import ModelService

NUMBERS = ("first_token_s", "pace_s", "tokens_per_minute")
MAX_TIMES = 1000


def control(service: ModelService) -> list[Route]:
    """The routes of the list above."""
    return [
        command("/emulator", lambda _: _state(service), "GET"),
        command("/emulator/answers", lambda body: _say(service, body)),
        command("/emulator/settings", lambda body: _settle(service, body)),
        command("/emulator/throttle", lambda body: _throttle(service, body)),
        command("/emulator/faults", lambda body: service.faults.add(Fault.from_json(body))),
        command("/emulator/faults", lambda _: service.faults.clear(), "DELETE"),
    ]


def _say(service: ModelService, document: dict[str, Any]) -> None:
    optional_number(document, "times")
    service.say(*[str(document["text"])] * min(int(document.get("times", 1)), MAX_TIMES))


def _settle(service: ModelService, document: dict[str, Any]) -> None:
    if unknown := set(document) - {*NUMBERS, "name"}:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    optional_number(document, *NUMBERS)
    service.first_token_s = document.get("first_token_s", service.first_token_s)
    service.pace_s = document.get("pace_s", service.pace_s)
    service.quota.per_minute = document.get("tokens_per_minute", service.quota.per_minute)
    service.name = str(document.get("name", service.name))


def _throttle(service: ModelService, document: dict[str, Any]) -> None:
    optional_number(document, "times", "retry_after_s")
    service.throttle(document.get("times", 1), document.get("retry_after_s", 1), document.get("form", "both"))


def _state(service: ModelService) -> dict[str, Any]:
    return {
        "base_url": service.base_url,
        "name": service.name,
        "requests": dict(service.requests),
        "tokens_used": service.quota.used,
        "tokens_per_minute": service.quota.per_minute,
    }
