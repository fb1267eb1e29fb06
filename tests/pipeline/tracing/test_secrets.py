"""No secret and no body is in a trace, wherever policies have put it, and whatever a client has sent."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

import pytest

from gateway.expressions.entities import Authorization
from gateway.pipeline.context import Context
from gateway.pipeline.step import PipelineStep
from gateway.pipeline.tracing.book import TraceBook
from gateway.wire.messages import Ending
from tests.pipeline.tracing.rig import book, steps_of, through, trace_of
from tests.policies.bench import Bench, get, post

SECRET = 'p@ss w0rd/+=é"x'
REFUSE = (
    '<return-response><set-status code="403"/><set-header name="X-Out"><value>{0}</value></set-header>'
    "</return-response>"
)
COPY = (
    '<set-variable name="copy" value="@(&quot;[&quot; + {0} + &quot;]&quot;)"/>'
    '<set-header name="X-Copy"><value>@((string)context.Variables[&quot;copy&quot;])</value></set-header>'
    '<set-query-parameter name="q" exists-action="override"><value>'
    "@((string)context.Variables[&quot;copy&quot;])</value></set-query-parameter>"
    '<trace source="s"><message>@((string)context.Variables[&quot;copy&quot;])</message></trace>'
    + REFUSE.format("@((string)context.Variables[&quot;copy&quot;])")
)


def header(name: str) -> str:
    """An expression that gives what the client sent in a header."""
    return f"context.Request.Headers.GetValueOrDefault(&quot;{name}&quot;)"


# What the client sends, which expression copies it, and what must not be shown.
SENT: dict[str, tuple[list[tuple[str, str]], str, list[str]]] = {
    "opaque bearer": ([("Authorization", "Bearer opaque-token-1")], header("Authorization"), ["opaque-token-1"]),
    "basic": (
        [("Authorization", "Basic " + base64.b64encode(b"joe:hunter22").decode())],
        header("Authorization") + ".AsBasic().Password",
        ["hunter22", base64.b64encode(b"joe:hunter22").decode()],
    ),
    "basic beyond ASCII": ([("Authorization", "Basic \xe9t\xe9-1234")], header("Authorization"), ["\xe9t\xe9-1234"]),
    "cookie": ([("Cookie", "a=1; session=abcdef123")], header("Cookie") + ".Substring(13)", ["abcdef123"]),
    "subscription key": (
        [("Ocp-Apim-Subscription-Key", "key-of-mine")],
        header("Ocp-Apim-Subscription-Key"),
        ["key-of-mine"],
    ),
    "partner's key": ([("x_partner_key", "partner-key-1")], header("X-Partner-Key"), ["partner-key-1"]),
    "a name that tells": ([("X-Refresh-Token", "refresh-me-1")], header("X-Refresh-Token"), ["refresh-me-1"]),
    "long": ([("Authorization", "Bearer " + "z1" * 40_000)], header("Authorization"), ["z1z1z1"]),
}


@pytest.mark.parametrize("case", SENT)
def test_what_a_client_sends(bench: Bench, case: str) -> None:
    """A credential in a request is not shown, nor is a copy in a variable, a header, a URL, a message or the answer."""
    fields, expression, hidden = SENT[case]
    traces = book(headers=["X-Partner-Key"])
    text = str(trace_of(traces, through(bench, traces, COPY.format(expression), get("/p", fields))))
    assert not [secret for secret in hidden if secret in text or quote(secret) in text]
    assert "X-Copy" in text


@pytest.mark.parametrize("name", ["subscription-key", "sig", "code", "ticket"])
def test_secrets_in_urls(bench: Bench, name: str) -> None:
    """A credential in the query is not shown, nor is a copy of it."""
    traces = book(parameters=["ticket"])
    copy = COPY.format(f"context.Request.OriginalUrl.Query.GetValueOrDefault(&quot;{name}&quot;)")
    text = str(trace_of(traces, through(bench, traces, copy, get(f"/p?a=1&{name}=open%20sesame"))))
    assert "sesame" not in text


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "within base64": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "in a callback": lambda secret: f"https://host/x?sig={quote(secret)}",
}


@pytest.mark.parametrize("form", FORMS)
def test_named_values(bench: Bench, form: str) -> None:
    """A secret named value is shown by its name, in every form in which policies write it."""
    traces = book(named={"deep": SECRET})
    written = FORMS[form](SECRET)

    def prepare(context: Context) -> None:
        context.variables["made"] = written

    text = str(
        trace_of(
            traces, through(bench, traces, COPY.format("(string)context.Variables[&quot;made&quot;]"), prepare=prepare)
        )
    )
    assert not [each for each in (written, SECRET, quote(SECRET), "w0rd") if each in text]
    assert ("{{deep}}" in text) or ("*****" in text)


def test_half_a_secret_is_one(bench: Bench) -> None:
    """A long text is cut, and a secret that the cut goes through is not shown by half."""
    secret = "begin" + "0123456789" * 600
    traces = book(named={"long": secret})

    def prepare(context: Context) -> None:
        context.variables["made"] = "x" * 100 + secret

    text = str(trace_of(traces, through(bench, traces, REFUSE.format("a"), prepare=prepare)))
    traced = COPY.format("(string)context.Variables[&quot;made&quot;]")
    text += str(trace_of(traces, through(bench, traces, traced, prepare=prepare)))
    assert "begin0123" not in text
    assert "{{long}}" in text


def test_fetched_tokens(bench: Bench) -> None:
    """What a policy fetches as a secret is not shown, nor are its copies, whatever they look like."""
    traces = book()
    copy = COPY.format("((Authorization)context.Variables[&quot;auth&quot;])?.AccessToken")

    (step,) = bench.compile('<set-variable name="auth" value="x"/>').inbound
    fetching = PipelineStep(step.apply, replace(step.place, sets_secrets=True), step.policy)

    def prepare(context: Context) -> None:
        context.variables["auth"] = Authorization("opaque-and-fetched")

    text = str(trace_of(traces, through(bench, _Fetching(traces, fetching), copy, prepare=prepare)))
    assert "opaque-and-fetched" not in text
    assert "X-Copy" in text


@dataclass(frozen=True)
class _Fetching:
    """A book that notes a step first which has fetched the variable ``auth``."""

    traces: TraceBook
    step: PipelineStep

    def begins(self, context: Context) -> None:
        self.traces.begins(context)
        context.note(self.step)

    def ended(self, context: Context, ending: Ending) -> str | None:
        return self.traces.ended(context, ending)


def test_no_body(bench: Bench) -> None:
    """A body is in no trace, and neither is an object made of it; a variable's text is cut."""
    policies = (
        '<set-variable name="whole" value="@(context.Request.Body.As&lt;JObject&gt;(true))"/>'
        '<set-variable name="text" value="@(context.Request.Body.As&lt;string&gt;(true))"/>' + REFUSE.format("a")
    )
    traces = book()
    body = '{"a": "' + "b" * 70_000 + '", "end": "end-of-body"}'
    steps = steps_of(trace_of(traces, through(bench, traces, policies, post(body))))
    assert steps[0]["changes"] == {"variables[whole]": {"before": None, "after": "(JObject)"}}
    assert steps[1]["changes"]["variables[text]"]["after"] == f"(text of {len(body)} characters)"
    assert "end-of-body" not in str(steps)
