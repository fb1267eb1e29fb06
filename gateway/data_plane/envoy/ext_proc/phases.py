"""
The phases of one request behind Envoy, and which message may come in each.

    START ──request_headers──► JUDGING ──body wanted──► AWAITING_BODY ──request_body──► JUDGING
    JUDGING ──answer──► OVER            (an immediate response)
    JUDGING ──sent──► SENT ──response_headers──► ANSWERING ──body wanted──► AWAITING_ANSWER ──response_body──► ANSWERING
    ANSWERING ──answer──► OVER          (mutations of the backend's answer)
    ANSWERING ──body watched──► STREAMING ──response_body…──► OVER

Whatever does not come in this order is not Envoy's, or not of an Envoy that is configured as documented: the stream
ends with an error, and Envoy refuses the request.

Source: Envoy, "External Processing"; docs/adr/0086.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from gateway.errors import GatewayError


class OutOfOrder(GatewayError):
    """A message that cannot come now."""


class ProcessingPhase(IntEnum):
    """The progress of one request."""

    START = 0
    JUDGING = 1
    """Inbound and backend sections run; Envoy waits."""
    AWAITING_BODY = 2
    """A policy reads the request's body, which Envoy collects."""
    SENT = 3
    """Envoy has the request for the backend."""
    ANSWERING = 4
    """Outbound runs; Envoy waits."""
    AWAITING_ANSWER = 5
    """A policy reads the answer's body, which Envoy collects."""
    STREAMING = 6
    """The answer's body comes here piece by piece and goes back: a policy watches it."""
    OVER = 7
    """The answer is Envoy's to send; only trailers may follow."""


_NOT_LET_GO = "Envoy brings an answer's body that nothing has asked for: set allow_mode_override: true"
_ALWAYS = frozenset({"request_trailers"})  # they have a way of their own once the request has been sent

EXPECTED: Mapping[ProcessingPhase, frozenset[str]] = {
    ProcessingPhase.START: frozenset({"request_headers", "response_headers"}),
    ProcessingPhase.JUDGING: frozenset(),
    ProcessingPhase.AWAITING_BODY: frozenset({"request_body", "response_headers"}),
    ProcessingPhase.SENT: frozenset({"response_headers"}) | _ALWAYS,
    ProcessingPhase.ANSWERING: frozenset(),
    ProcessingPhase.AWAITING_ANSWER: frozenset({"response_body"}) | _ALWAYS,
    ProcessingPhase.STREAMING: frozenset({"response_body", "response_trailers"}) | _ALWAYS,
    ProcessingPhase.OVER: frozenset({"response_trailers"}) | _ALWAYS,
}


def require(phase: ProcessingPhase, kind: str | None, seen: set[str]) -> str:
    """*kind*, if such a message may come in *phase* and is the first of its kind. Raises OutOfOrder."""
    if kind is None or kind not in EXPECTED[phase] or kind in seen:
        raise OutOfOrder(_NOT_LET_GO if kind == "response_body" else f"{kind or 'nothing'} while {phase.name}")
    if phase is not ProcessingPhase.STREAMING or kind != "response_body":
        seen.add(kind)
    return kind
