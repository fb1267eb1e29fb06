"""retry and wait: how often policies run, and side by side."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError, UpstreamError
from gateway.pipeline.values import Constant
from gateway.policies.retry import Delays
from gateway.wire.body import Body
from gateway.wire.messages import Response
from tests.policies.bench import Backend, Bench, Ran, answer, get, new_context, post

FORWARD = '<forward-request buffer-request-body="true"/>'
AGAIN = "@(context.Response.StatusCode >= 500)"


def sent(
    bench: Bench, answers: list[Response | Exception], condition: str = AGAIN, inner: str = FORWARD
) -> tuple[Ran, Backend]:
    """What the backend was sent by retry with three retries."""
    backend = Backend(answers=answers)
    context = new_context(post("body"))
    context.request.target = backend
    xml = f'<retry condition="{condition}" count="3" interval="0.001">{inner}</retry>'
    return bench.run(xml, section="backend", context=context), backend


@pytest.mark.parametrize(
    ("statuses", "tries", "status"), [([200], 1, 200), ([500, 503, 200], 3, 200), ([500], 4, 500)], ids=str
)
def test_how_often(bench: Bench, statuses: list[int], tries: int, status: int) -> None:
    """Once, then again while the condition holds and retries remain; the last response stays."""
    ran, backend = sent(bench, [answer(each) for each in statuses])
    assert backend.sent == ["POST http://backend.test/base/ body"] * tries
    assert ran.response.status_code == status


def test_a_backend_out_of_reach_is_tried_again(bench: Bench) -> None:
    """The condition is evaluated after a failure, too; it must itself handle the missing response."""
    failure = UpstreamError("BackendConnectionFailure", "refused")
    ran, backend = sent(
        bench, [failure, answer(200)], "@(context.Response == null || context.Response.StatusCode >= 500)"
    )
    assert (len(backend.sent), ran.response.status_code) == (2, 200)
    with pytest.raises(UpstreamError):
        sent(bench, [failure])
    with pytest.raises(UpstreamError):
        sent(bench, [failure], "true")


def test_other_errors_end_it(bench: Bench) -> None:
    """A policy that refuses is not asked again."""
    inner = '<forward-request fail-on-error-status-code="true"/>'
    with pytest.raises(PolicyError):
        sent(bench, [answer(500)], "true", inner)


def test_a_response_ends_it(bench: Bench) -> None:
    """return-response inside is the answer."""
    ran, backend = sent(bench, [answer(500)], "true", FORWARD + "<return-response/>")
    assert ran.outcome is not None
    assert len(backend.sent) == 1


def test_the_condition_may_read_the_body(bench: Bench) -> None:
    """The body of each run's response is in memory when it is asked for."""
    condition = "@(context.Response.Body.As&lt;string&gt;(preserveContent: true) == &quot;later&quot;)"
    _, backend = sent(bench, [Response(200, body=Body(b"later")), Response(200, body=Body(b"done"))], condition)
    assert len(backend.sent) == 2


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((10, None, None, False), [(10, 10)] * 3),
        ((10, None, 5, False), [(10, 10), (15, 15), (20, 20)]),
        ((10, None, 5, True), [(0, 0), (15, 15), (20, 20)]),
        ((10, 30, 5, False), [(14, 16), (22, 28), (30, 30)]),
        ((10, 5, None, False), [(5, 5)] * 3),
    ],
    ids="fixed linear fast exponential capped".split(),
)
def test_delays(settings: tuple[float, float | None, float | None, bool], expected: list[tuple[float, float]]) -> None:
    """Fixed, linear, or exponential with 20 % spread and a cap."""
    interval, longest, delta, fast = settings
    delays = Delays(
        Constant(interval),
        None if longest is None else Constant(longest),
        None if delta is None else Constant(delta),
        Constant(fast),
    )
    context = new_context(get("/"))
    for number, (least, most) in enumerate(expected, 1):
        assert least <= delays.before(number, context) <= most
