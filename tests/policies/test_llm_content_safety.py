"""llm-content-safety on the bench; tests/acceptance/test_content_safety.py runs it whole."""

from __future__ import annotations

import json

import pytest

from gateway.errors import LoadError, PolicyError
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response, Url
from tests.policies.bench import Backend, Bench, Targets, codes, get, new_context, post
from tests.policies.outgoing import Credentials

SAFETY = '<llm-content-safety backend-id="orders" {0}>{1}</llm-content-safety>'
HATE = '<categories><category name="Hate" threshold="4"/></categories>'
LISTS = "<blocklists><id>a</id><id>b</id></blocklists>"
HELLO = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]})


def service(bench: Bench, reply: str) -> Backend:
    """The service that answers so."""
    backend = Backend(Url("https", "safety.test", 443, "/"), [Response(200, body=Body(reply.encode()))])
    bench.use(targets=Targets({"orders": backend}))
    return backend


SAFE = '{"blocklistsMatch": [], "categoriesAnalysis": [{"category": "Hate", "severity": 2}]}'


def test_the_question(bench: Bench) -> None:
    """What the service's API wants, with a token of the gateway's own identity where there is one."""
    backend, credentials = service(bench, SAFE), Credentials()
    bench.use(credentials=credentials)
    bench.run(SAFETY.format("", HATE + LISTS), post(HELLO))
    method, url, body = backend.sent[0].split(" ", 2)
    assert (method, url) == ("POST", "https://safety.test/contentsafety/text:analyze?api-version=2024-09-01")
    assert json.loads(body) == {
        "text": "Hello",
        "outputType": "FourSeverityLevels",
        "haltOnBlocklistHit": True,
        "categories": ["Hate"],
        "blocklistNames": ["a", "b"],
    }
    assert credentials.asked == [("https://cognitiveservices.azure.com", None)]


REPLIES = {
    SAFE: 0,
    SAFE.replace("2}", "4}"): 403,
    '{"blocklistsMatch": [{"blocklistName": "a"}], "categoriesAnalysis": []}': 403,
    '{"categoriesAnalysis": []}': 503,
    '{"categoriesAnalysis": [{"category": "Hate"}]}': 503,
    '{"categoriesAnalysis": "none"}': 503,
    "[]": 503,
    "": 503,
}


@pytest.mark.parametrize("reply", REPLIES)
def test_the_judgement(bench: Bench, reply: str) -> None:
    """A severity at the threshold refuses, and so does an answer that leaves a category open."""
    service(bench, reply)
    if not REPLIES[reply]:
        bench.run(SAFETY.format("", HATE), post(HELLO))
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(SAFETY.format("", HATE), post(HELLO))
    assert caught.value.status == REPLIES[reply]
    assert "Hate" not in caught.value.public_message


# Media type, answer -> the texts that are judged.
ANSWERS: dict[str, tuple[str, bytes, list[str]]] = {
    "lines": ("application/x-ndjson", b'{"response":"go an"}\n{"response":"d \\u006bill"}\n', ["go and kill"]),
    "no type": ("", b'{"choices":[{"message":{"content":"kill"}}]}', ["kill"]),
    "unknown type": ("application/octet-stream", b"go and kill", ["go and kill"]),
    "text": ("text/plain", b"kill", ["kill"]),
    "a name": ("application/json", b'{"content":[{"type":"tool_use","input":{"kill him":1}}]}', ["kill him"]),
    "candidates": (
        "text/event-stream",
        b'data: {"candidates":[{"index":0,"parts":[{"text":"ki"}]},{"index":1,"parts":[{"text":"-"}]}]}\n\n'
        b'data: {"candidates":[{"index":1,"parts":[{"text":"-"}]},{"index":0,"parts":[{"text":"ll"}]}]}\n\n',
        ["kill", "--"],
    ),
    "picture": ("image/png", b"kill", []),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_whatever_a_model_answers_is_judged(bench: Bench, name: str) -> None:
    """An answer of another media type holds text as well, unless it is a picture, a sound or a film."""
    kind, content, judged = ANSWERS[name]
    backend = service(bench, SAFE)
    given = Response(200, Headers([("Content-Type", kind)] if kind else []), Body(content))
    bench.run(SAFETY.format("", HATE), section="outbound", context=new_context(None, given))
    assert [json.loads(sent.split(" ", 2)[2])["text"] for sent in backend.sent] == judged


RETURNED = "<return-response>{0}<set-body>@(context.Response.Body.As&lt;string&gt;())</set-body></return-response>"
ENFORCED = (
    "<inbound>" + SAFETY.format('enforce-on-completions="true"', HATE) + "</inbound>"
    "<backend><forward-request/></backend><outbound>{0}</outbound>"
)


@pytest.mark.parametrize("status", ["", '<set-status code="201" reason="Created"/>'])
def test_an_answer_that_outbound_returns_is_judged(bench: Bench, status: str) -> None:
    """return-response may return what the model has said."""
    backend = service(bench, SAFE)
    request = post(HELLO)
    request.target = Backend(answers=[Response(200, body=Body(b"It says this."))])
    backend.answers = [Response(200, body=Body(reply.encode())) for reply in (SAFE, SAFE.replace("2}", "6}"))]
    ran = bench.execute(ENFORCED.format(RETURNED.format(status)), request)
    assert ran.response.status_code == 403
    assert "It says this." in backend.sent[1]


@pytest.mark.parametrize("section", ["inbound", "outbound"])
def test_a_websocket_is_refused(bench: Bench, section: str) -> None:
    """It has no body, and nobody would judge what it carries."""
    service(bench, SAFE)
    context = new_context(get(), Response(101))
    context.request.upgrade = "websocket"
    with pytest.raises(PolicyError) as caught:
        bench.run(SAFETY.format("", HATE), section=section, context=context)
    assert caught.value.status == 501


def test_a_request_without_a_body_passes(bench: Bench) -> None:
    """There is nothing to judge."""
    backend = service(bench, SAFE)
    bench.run(SAFETY.format("", HATE))
    assert backend.sent == []


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (SAFETY.format("", ""), "missing-child"),
        (SAFETY.format("", HATE).replace("orders", "nowhere"), "unknown-backend"),
        (SAFETY.format('window-size="10" window-overlap-size="10"', HATE), "bad-value"),
        (SAFETY.format('window-size="10001"', HATE), "bad-value"),
        (SAFETY.format("", HATE.replace('"4"', '"8"')), "bad-value"),
        (SAFETY.format("", HATE.replace("Hate", "Spam")), "bad-value"),
    ],
)
def test_mistakes_refuse_to_load(bench: Bench, xml: str, code: str) -> None:
    """What cannot work is told at load."""
    with pytest.raises(LoadError) as caught:
        bench.compile(xml)
    assert codes(caught.value) == {code}
