"""What policies declare to change is all that they change, so that traces show what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.changes import EVERYTHING
from gateway.pipeline.context import Context
from gateway.pipeline.outcome import MaybeLater
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import PipelineStep, Policy, Steps
from gateway.wire.messages import Response
from tests.pipeline.tracing.rig import book, steps_of, through, trace_of
from tests.policies.bench import Backend, Bench, answer, get

REFUSE = "<return-response><set-status code='400'/></return-response>"
INBOUND = [
    "<set-header name='accept'><value>b</value></set-header>",
    "<set-header name='x-new'><value>b</value></set-header><set-header name='x-new'><value>c</value></set-header>",
    "<set-header name='@(\"x\" + \"-a\")' exists-action='append'><value>b</value></set-header>",
    "<set-header name='x-a' exists-action='delete'/>",
    "<set-variable name='v' value='1'/><set-variable name='v' value='2'/>",
    "<set-variable name='known' value='2'/>",
    "<set-method>PUT</set-method><rewrite-uri template='/b'/>",
    "<set-query-parameter name='q' exists-action='override'><value>2</value></set-query-parameter>",
    "<set-backend-service base-url='http://other.test/x'/>",
    "<set-backend-service backend-id='orders'/>",
    "<authentication-basic username='u' password='p'/>",
    "<check-header name='x-a' failed-check-httpcode='400' failed-check-error-message='' ignore-case='true'/>",
    "<ip-filter action='forbid'><address>9.9.9.9</address></ip-filter>",
    "<rate-limit-by-key calls='5' renewal-period='9' counter-key='a' remaining-calls-variable-name='left'/>",
    "<quota-by-key calls='5' renewal-period='900' counter-key='a'/>",
    "<cache-lookup-value key='k' variable-name='v' default-value='d'/>",
    "<cache-store-value key='k' value='d' duration='9'/><cache-remove-value key='k'/>",
    "<cors><allowed-origins><origin>*</origin></allowed-origins></cors>",
    "<set-body>text</set-body><find-and-replace from='t' to='u'/>",
    "<choose><when condition='@(true)'><set-variable name='v' value='1'/></when></choose>",
    "<limit-concurrency key='a' max-count='2'><set-variable name='v' value='1'/></limit-concurrency>",
    "<trace source='s'><message>m</message></trace><emit-metric name='m'><dimension name='API ID'/></emit-metric>",
]
OUTBOUND = [
    "<set-status code='401' reason='No'/>",
    "<set-header name='x-b'><value>new</value></set-header>",
    "<set-header name='x-b' exists-action='delete'/><set-body>b</set-body>",
    "<set-variable name='v' value='@(context.Response.StatusCode)'/>",
    "<redirect-content-urls/>",
]
CASES = [
    *(f"<inbound>{policies}</inbound><backend/><outbound>{REFUSE}</outbound>" for policies in INBOUND),
    *(
        f"<inbound/><backend><forward-request/></backend><outbound>{policies}{REFUSE}</outbound>"
        for policies in OUTBOUND
    ),
    "<inbound/><backend><retry condition='@(true)' count='1' interval='0'><forward-request/></retry></backend>"
    f"<outbound>{REFUSE}</outbound>",
]

# What is inside these policies is changed by steps of their own.
AROUND = ("choose", "limit-concurrency", "retry")


class Undeclared(Policy):
    """The same policy, without what it declares."""

    __slots__ = ("policy",)

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def apply(self, context: Context) -> MaybeLater:
        return self.policy.apply(context)

    @property
    def nested(self) -> tuple[Steps, ...]:
        return self.policy.nested


def undeclared(pipeline: Pipeline) -> Pipeline:
    """*pipeline* with policies that may change everything."""
    sections = (pipeline.inbound, pipeline.backend, pipeline.outbound)
    inbound, backend, outbound = (tuple(map(_undeclared, steps)) for steps in sections)
    return replace(pipeline, inbound=inbound, backend=backend, outbound=outbound)


def _undeclared(step: PipelineStep) -> PipelineStep:
    if isinstance(step.policy, BufferBody):
        return step
    return PipelineStep(step.apply, step.place, Undeclared(step.policy))


class AnyBench(Bench):
    """Compiles policies that declare nothing."""

    def compile(self, *arguments: object, **more: object) -> Pipeline:
        return undeclared(super().compile(*arguments, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("policies", CASES)
def test_declared(policies: str) -> None:
    """A trace shows the same changes as one that compares the whole request before and after each step."""
    shown = []
    for bench in (Bench(), AnyBench()):
        traces = book()

        def prepare(context: Context) -> None:
            context.request.target = Backend(answers=[answer(200, "x", [("x-b", "b")]), Response(500)])

        request = get("/a?q=1", [("Accept", "a"), ("X-A", "a"), ("Origin", "http://o")])
        trace = trace_of(traces, through(bench, traces, policies, request, prepare=prepare))
        steps = [step for step in steps_of(trace) if "/" not in step.get("path", "/")]
        shown.append([(step["source"], step["changes"]) for step in steps])
    for (source, declared), (_, changes) in zip(*shown, strict=True):
        assert declared == ({} if source in AROUND else changes)


def test_everything_is_the_default() -> None:
    """A policy that declares nothing may change everything: a trace never misses what it did."""
    assert Policy().changes is EVERYTHING
