"""The run loop: left to right, synchronous until something waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.documents.model import Scope, Section
from gateway.errors import ClientLeft, ExpressionError, KeysUnavailable, PolicyError, UpstreamError
from gateway.pipeline.context import Context
from gateway.pipeline.outcome import MaybeLater, Outcome, finish
from gateway.pipeline.place import Place
from gateway.pipeline.run import as_policy_error, run
from gateway.pipeline.step import PipelineStep, Policy
from gateway.wire.body import BodyTooLarge
from gateway.wire.fields import FieldError
from gateway.wire.messages import Request, Response
from gateway.wire.pending import Pending
from tests.entities import API, DEPLOYMENT, OPERATION

PLACE = Place("probe", Scope.API, Section.INBOUND, "probe[1]")


class Probe(Policy):
    """A policy that records its turn and answers as scripted."""

    def __init__(self, name: str, notes: list[str], answer: Callable[[], MaybeLater] = lambda: None) -> None:
        self.name, self.notes, self.answer = name, notes, answer

    def apply(self, context: Context) -> MaybeLater:
        self.notes.append(self.name)
        return self.answer()


@pytest.fixture
def context() -> Context:
    return Context(Request("GET", "/"), DEPLOYMENT, API, OPERATION)


def steps(notes: list[str], *answers: Callable[[], MaybeLater]) -> tuple[PipelineStep, ...]:
    probes = [Probe(str(number), notes, answer) for number, answer in enumerate(answers, 1)]
    return tuple(PipelineStep(probe.apply, PLACE, probe) for probe in probes)


def nothing() -> None:
    """Continue."""


async def later(outcome: Outcome = None) -> Outcome:
    await asyncio.sleep(0)
    return outcome


def test_policies_run_in_order(context: Context) -> None:
    """Policies run strictly left to right, and a list without an answer gives none."""
    notes: list[str] = []
    assert run(steps(notes, nothing, nothing, nothing), context) is None
    assert notes == ["1", "2", "3"]


def test_the_first_response_ends_the_list(context: Context) -> None:
    """After a policy has answered, no later one runs."""
    notes: list[str] = []
    answer = Response(204)
    assert run(steps(notes, nothing, lambda: answer, nothing), context) is answer
    assert notes == ["1", "2"]


def test_a_waiting_last_policy_is_handed_through(context: Context) -> None:
    """A Pending at the end of the list comes back as it is: no coroutine wraps it."""
    pending: Pending[Outcome] = Pending()
    assert run(steps([], nothing, lambda: pending), context) is pending


@pytest.mark.parametrize("status", [None, 200], ids=["goes on", "answers"])
def test_a_waiting_policy_in_the_middle(context: Context, status: int | None) -> None:
    """The rest of the list runs after the wait, unless the policy answered."""
    notes: list[str] = []
    answer = None if status is None else Response(status)
    outcome = run(steps(notes, lambda: later(answer), lambda: later()), context)
    assert asyncio.run(finish(outcome)) is answer
    assert notes == (["1", "2"] if status is None else ["1"])


def test_finish_takes_what_is_there() -> None:
    """finish gives a synchronous outcome back without waiting."""
    answer = Response()
    assert asyncio.run(finish(answer)) is answer
    assert asyncio.run(finish(None)) is None


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (PolicyError(403, "CallerIpNotAllowed", "no"), 403, "CallerIpNotAllowed"),
        (ExpressionError("FormatException", "bad"), 500, "ExpressionValueEvaluationFailure"),
        (UpstreamError("Timeout", "slow", 504), 504, "Timeout"),
        (KeysUnavailable("issuer down", 7), 503, "KeysUnavailable"),
        (BodyTooLarge("too large"), 413, "RequestBodyTooLarge"),
        (FieldError("Malformed header name"), 500, "ExpressionValueEvaluationFailure"),
        (ClientLeft("left"), 499, "ClientConnectionFailure"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_errors_become_policy_errors(error: Exception, status: int, reason: str) -> None:
    """Every error that a request can cause has one status and one reason."""
    refusal = as_policy_error(error)
    assert refusal is not None
    assert (refusal.status, refusal.reason) == (status, reason)


def test_a_bug_is_no_policy_error() -> None:
    """A bug of ours is not disguised as a refusal."""
    assert as_policy_error(ZeroDivisionError()) is None


def test_keys_unavailable_tells_when_to_come_back() -> None:
    """Trouble with the issuer is answered with Retry-After."""
    refusal = as_policy_error(KeysUnavailable("issuer down", 7))
    assert refusal is not None
    assert refusal.headers == (("Retry-After", "7"),)


def test_the_place_is_known_before_a_policy_runs(context: Context) -> None:
    """While a policy runs, the context says which one it is, for LastError."""
    seen: list[Place | None] = []
    run(steps([], lambda: seen.append(context.place)), context)
    assert seen == [PLACE]


def test_what_an_expression_was_given_is_not_logged() -> None:
    """on-error reads .NET's whole message; the log has it without what that quotes, quotation marks inside too."""
    error = ExpressionError("FormatException", "The input string 'a caller's secret' was not in a correct format.")
    refusal = as_policy_error(error)
    assert refusal is not None
    assert "'a caller's secret'" in refusal.message
    assert refusal.logged_message.endswith("FormatException: The input string '…' was not in a correct format.")
