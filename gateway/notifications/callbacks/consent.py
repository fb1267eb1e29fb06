"""
Abuse protection of CloudEvents' web hooks: a receiver is asked before anything is delivered to it.

The question is an OPTIONS request with ``WebHook-Request-Origin``; the header ``WebHook-Allowed-Origin`` of its answer
counts, whatever the status. Granting later (``WebHook-Request-Callback``) is not offered, and no rate is asked for: a
callback URL gets one event.

Source: CloudEvents "HTTP 1.1 Web Hooks for Event Delivery" 1.0, section 4.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.notifications.callbacks.classification import CallbackAnswer, Decision, Doubt, classify

PROFILE = "cloudevents"


def question(origin: str) -> dict[str, str]:
    """The header that names us, in the question and in every delivery; *origin* is a DNS name."""
    return {"webhook-request-origin": origin}


def refusal(answer: CallbackAnswer, origin: str) -> CallbackAnswer | None:
    """None when *answer* to the question is a grant; else what came of the attempt. Nothing was delivered by it."""
    if (answer.allowed_origin or "").lower() in (origin, "*"):
        return None
    if classify(answer, doubted_before=False) is Decision.RETRY:
        return replace(answer, doubt=Doubt.NONE)
    return CallbackAnswer(
        error="consent-refused", excerpt=f"OPTIONS was answered {answer.status} without a grant for {origin}"
    )
