"""wait: branches that run at the same time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.pipeline.outcome import finish
from gateway.pipeline.run import run
from gateway.wire.messages import Request
from tests.policies.bench import Bench, get, new_context, post
from tests.policies.outgoing import Http, send

pytestmark = pytest.mark.usefixtures("outgoing")


def _waits(mode: str) -> str:
    calls = "".join(send(f"<set-url>http://{name}.test/</set-url>").replace('"r"', f'"{name}"') for name in ("a", "b"))
    return f'<wait for="{mode}">{calls}</wait>'


@pytest.mark.parametrize(("mode", "expected"), [("all", {"a", "b"}), ("any", {"b"})])
def test_wait(bench: Bench, http: Http, mode: str, expected: set[str]) -> None:
    """Both run at the same time; any goes on with the first."""
    http.delays = {"http://a.test/": 0.05}
    assert set(bench.run(_waits(mode)).variables) == expected


def test_wait_fails_with_the_first_error(bench: Bench, http: Http) -> None:
    """An error ends the wait, and LastError names the policy that failed."""
    http.failure = UpstreamError("Timeout", "slow")
    context = new_context(get("/"))
    with pytest.raises(UpstreamError):
        bench.run(_waits("all"), context=context)
    assert context.place is not None
    assert context.place.source == "send-request"


def test_wait_may_answer(bench: Bench) -> None:
    """A choose inside may end the pipeline."""
    xml = '<wait><choose><when condition="true"><return-response/></when></choose></wait>'
    assert bench.run(xml).outcome is not None


def test_wait_reads_the_body_once(bench: Bench) -> None:
    """A body that a branch reads is in memory before any branch runs."""
    condition = "@(context.Request.Body.As&lt;string&gt;(preserveContent: true) == &quot;x&quot;)"
    inner = f'<choose><when condition="{condition}"><set-variable name="v" value="1"/></when></choose>'
    request: Request = post("x")
    assert bench.run(f"<wait>{inner}{send()}</wait>", request).variables["v"] == "1"


def test_wait_for_nothing(bench: Bench) -> None:
    """Without policies inside nothing happens."""
    (step,) = bench.compile("<wait/>").inbound
    assert asyncio.run(finish(run((step,), new_context(get("/"))))) is None
