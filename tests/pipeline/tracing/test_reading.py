"""What a trace says: a table of requests that took every way, and what changed on it."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import UpstreamError
from gateway.pipeline.context import Context
from gateway.pipeline.notes import MAX_NOTES
from gateway.tokens.jwt import Jwt
from gateway.wire.messages import Response
from tests.pipeline.tracing.rig import book, steps_of, through, trace_of
from tests.policies.bench import Backend, Bench, get

RETURN = '<return-response><set-status code="{0}" reason="No"/></return-response>'
ON_ERROR = (
    '<inbound><ip-filter action="allow"><address>9.9.9.9</address></ip-filter></inbound>'
    '<on-error><set-header name="why"><value>@(context.LastError.Reason)</value></set-header></on-error>'
)
CHOOSE = (
    '<choose><when condition="@(context.Request.Method == &quot;POST&quot;)"><set-method>PUT</set-method></when>'
    '<when condition="@(true)"><set-variable name="v" value="1"/>' + RETURN.format(403) + "</when></choose>"
)
RETRY = (
    '<inbound/><backend><retry condition="@(context.Response == null || context.Response.StatusCode == 503)"'
    ' count="2" interval="0" first-fast-retry="true"><forward-request/></retry></backend><outbound/>'
)
WAIT = (
    "<wait for='all'><choose><when condition='@(true)'><set-variable name='a' value='1'/></when></choose>"
    "<choose><when condition='@(false)'><set-variable name='b' value='2'/></when></choose></wait>" + RETURN.format(400)
)

# Policies, the backend's answers, and what has to be found: source, and a part of the entry.
CASES: dict[str, tuple[str, list[Any], list[tuple[str, dict[str, Any]]]]] = {
    "return-response": (
        RETURN.format(403),
        [Response(200)],
        [("return-response", {"message": "The policy answered; the pipeline ends here."})],
    ),
    "on-error": (
        ON_ERROR,
        [Response(200)],
        [
            ("ip-filter", {"reason": "CallerIpNotAllowed", "changes": {}}),
            ("set-header", {"changes": {"response.headers[why]": {"before": None, "after": "CallerIpNotAllowed"}}}),
        ],
    ),
    "choose": (
        CHOOSE,
        [Response(200)],
        [
            (
                "choose",
                {
                    "changes": {},
                    "conditions": [
                        {"condition": '@(context.Request.Method == "POST")', "value": False},
                        {"condition": "@(true)", "value": True},
                    ],
                },
            ),
            ("set-variable", {"changes": {"variables[v]": {"before": None, "after": "1"}}}),
            ("return-response", {}),
        ],
    ),
    "retries": (
        RETRY,
        [UpstreamError("BackendConnectionFailure", "gone", 502), Response(503), Response(500)],
        [
            (
                "retry",
                {
                    "conditions": [
                        {
                            "condition": "@(context.Response == null || context.Response.StatusCode == 503)",
                            "value": value,
                        }
                        for value in (True, True)
                    ]
                },
            ),
            ("forward-request", {"reason": "BackendConnectionFailure", "message": "gone", "changes": {}}),
            ("forward-request", {"changes": {"response.status": {"before": None, "after": 503}}}),
            ("forward-request", {"changes": {"response.status": {"before": 503, "after": 500}}}),
        ],
    ),
    "branches side by side": (
        WAIT,
        [Response(200)],
        [
            ("wait", {"changes": {}}),
            ("choose", {"conditions": [{"condition": "@(true)", "value": True}]}),
            ("set-variable", {"changes": {"variables[a]": {"before": None, "after": "1"}}}),
            ("choose", {"conditions": [{"condition": "@(false)", "value": False}]}),
            ("return-response", {}),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_ways(bench: Bench, case: str) -> None:
    """Each step is there once for each time it ran, in order, with what it changed and which conditions it saw."""
    policies, answers, expected = CASES[case]
    traces = book()

    def prepare(context: Context) -> None:
        context.request.target = Backend(answers=list(answers))

    steps = steps_of(trace_of(traces, through(bench, traces, policies, prepare=prepare)))
    assert [step["source"] for step in steps] == [source for source, _ in expected]
    for step, (_, part) in zip(steps, expected, strict=True):
        assert {name: step.get(name) for name in part} == part
        assert step["took_ms"] is not None


def test_what_came_and_what_went(bench: Bench) -> None:
    """The first entry is the request as it came, although policies have changed it since; the last are the answer."""
    traces = book()
    policies = (
        '<set-header name="Accept"><value>new</value></set-header><set-header name="x-b" exists-action="delete"/>'
        '<rewrite-uri template="/other"/><set-query-parameter name="q" exists-action="override"><value>2</value>'
        "</set-query-parameter><set-method>PUT</set-method>" + RETURN.format(418)
    )
    trace = trace_of(traces, through(bench, traces, policies, get("/p?q=1", [("accept", "old"), ("X-B", "b")])))
    entries = trace["traceEntries"]["inbound"]
    assert entries[0]["data"]["request"] == {
        "method": "GET",
        "url": "http://localhost/p?q=1",
        "headers": [{"name": "accept", "value": "old"}, {"name": "X-B", "value": "b"}],
    }
    assert [step["changes"] for step in steps_of(trace)[:5]] == [
        {
            "request.headers[accept]": {"before": "old", "after": None},
            "request.headers[Accept]": {"before": None, "after": "new"},
        },
        {"request.headers[X-B]": {"before": "b", "after": None}},
        {"request.url": {"before": "http://backend.test/base/p?q=1", "after": "http://backend.test/base/other?q=1"}},
        {
            "request.url": {
                "before": "http://backend.test/base/other?q=1",
                "after": "http://backend.test/base/other?q=2",
            }
        },
        {"request.method": {"before": "GET", "after": "PUT"}},
    ]
    assert entries[-2]["data"]["response"]["status"] == {"code": 418, "reason": "No"}
    assert entries[-1]["data"]["status"] == 418
    assert trace["summary"]["cause"] == "refused"
    assert (trace["summary"]["source"], trace["summary"]["reason"]) == ("return-response", "I'maTeapot")


def test_a_token_by_its_safe_claims(bench: Bench) -> None:
    """A variable with a token shows who is calling, and nothing else that the token says."""
    traces = book()

    def prepare(context: Context) -> None:
        context.variables["jwt"] = Jwt.of({}, {"oid": "me", "roles": ["a", "b"], "email": "who@example.com"})

    policies = '<set-variable name="copy" value="@(context.Variables[&quot;jwt&quot;])"/>' + RETURN.format(400)
    trace = trace_of(traces, through(bench, traces, policies, prepare=prepare))
    shown = {"oid": "me", "roles": ["a", "b"]}
    assert steps_of(trace)[0]["changes"] == {"variables[copy]": {"before": None, "after": shown}}
    assert "who@example.com" not in str(trace)


def test_a_loop_has_an_end(bench: Bench) -> None:
    """Whatever runs again and again leaves a bounded number of notes, which says so."""
    inner = "".join(f'<set-variable name="v{n}" value="x"/>' for n in range(40))
    policies = (
        f'<retry condition="@(true)" count="50" interval="0" first-fast-retry="true">{inner}</retry>'
        + RETURN.format(400)
    )
    traces = book()
    steps = steps_of(trace_of(traces, through(bench, traces, policies)))
    assert MAX_NOTES < len(steps) < MAX_NOTES + 100
    assert [step["source"] for step in steps].count("gateway") == 1
    assert steps[-1]["source"] == "return-response"
    assert steps[0]["took_ms"] >= 0
