"""llm-semantic-cache-lookup on the bench; tests/acceptance/test_semantic_cache.py runs it whole."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from gateway.errors import LoadError, UpstreamError
from gateway.value_cache import Caches, MemoryCache
from gateway.value_cache.vectors import Unready
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response, Url
from tests.policies.bench import Backend, Bench, Targets, codes, post
from tests.policies.outgoing import Credentials

LOOKUP = (
    '<{0}-semantic-cache-lookup score-threshold="0.1" embeddings-backend-id="orders" {1}>{2}'
    "</{0}-semantic-cache-lookup>"
)
STORE = '<{0}-semantic-cache-store duration="60"/>'
WHOLE = "<inbound>" + LOOKUP + "</inbound><backend><forward-request/></backend><outbound>" + STORE + "</outbound>"
HELLO = json.dumps({"messages": [{"role": "user", "content": "Hello"}]})
SAID = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi"}}]})
JSON = [("Content-Type", "application/json")]


def reply(status: int, body: str) -> Response:
    return Response(status, Headers(JSON), Body(body.encode()))


def embeddings(bench: Bench, given: Response | Exception, path: str = "/openai/deployments/e") -> Backend:
    """The service that answers so."""
    service = Backend(Url("https", "models.test", 443, path), [given])
    bench.use(targets=Targets({"orders": service}))
    return service


def vector(*numbers: Any) -> Response:
    return reply(200, json.dumps({"data": [{"embedding": list(numbers)}]}))


def asked(bench: Bench, model: Backend, name: str = "llm", attributes: str = "") -> None:
    request = post(HELLO, "/chat/completions", JSON)
    request.target = model
    assert bench.execute(WHOLE.format(name, attributes, ""), request).response.status_code == 200


PATHS = {
    "/openai/deployments/e": "/openai/deployments/e/embeddings?api-version=2024-10-21",
    "/openai/deployments/e/embeddings": "/openai/deployments/e/embeddings?api-version=2024-10-21",
    "/v1": "/v1/embeddings",
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["llm", "azure-openai"])
def test_where_embeddings_are_asked_for(bench: Bench, path: str, name: str) -> None:
    """At the backend's own URL, as Azure's and OpenAI's APIs have it, with the text alone; then the model rests."""
    service, model = embeddings(bench, vector(1, 0), path), Backend(answers=[reply(200, SAID)])
    for _ in range(2):
        asked(bench, model, name)
    method, url, body = service.sent[0].split(" ", 2)
    assert (method, url.removeprefix("https://models.test")) == ("POST", PATHS[path])
    assert json.loads(body)["input"] == "Hello"
    assert len(model.sent) == 1


USELESS: dict[str, Response | Exception] = {
    "status": reply(401, "{}"),
    "unreachable": UpstreamError("BackendConnectionFailure", "no"),
    "no JSON": reply(200, "<html>"),
    "no vector": reply(200, '{"data": []}'),
    "empty vector": vector(),
    "NaN": vector(math.nan, 1.0),
    "no direction": vector(0, 0),
    "texts": vector("1"),
}


@pytest.mark.parametrize("name", USELESS)
def test_useless_embeddings_make_a_miss(bench: Bench, name: str) -> None:
    """Whatever the service answers, the model is asked, and nothing is stored."""
    embeddings(bench, USELESS[name])
    model = Backend(answers=[reply(200, SAID)])
    for _ in range(2):
        asked(bench, model)
    assert len(model.sent) == 2


def test_another_number_of_dimensions_is_another_cache(bench: Bench) -> None:
    """A service that changes its model finds nothing of before, and breaks nothing."""
    service, model = embeddings(bench, vector(1, 0)), Backend(answers=[reply(200, SAID)])
    asked(bench, model)
    service.answers = [vector(1, 0, 0)]
    asked(bench, model)
    asked(bench, model)
    assert len(model.sent) == 2


@pytest.mark.parametrize("attributes", ["", 'embeddings-backend-auth="system-assigned"'], ids=["absent", "given"])
def test_a_token_is_asked_for_where_the_document_says_so(bench: Bench, attributes: str) -> None:
    """embeddings-backend-auth is a token for Azure's services; without it a stranger's service sees none."""
    credentials = Credentials(later=True)
    embeddings(bench, vector(1, 0))
    bench.use(credentials=credentials)
    asked(bench, Backend(answers=[reply(200, SAID)]), attributes=attributes)
    assert credentials.asked == ([("https://cognitiveservices.azure.com", None)] if attributes else [])


class Emitted:
    """Where metrics go."""

    def __init__(self) -> None:
        self.numbers: list[tuple[object, ...]] = []

    def emit(self, *emitted: object) -> None:
        self.numbers.append(emitted)


def test_a_hit_is_no_consumption(bench: Bench) -> None:
    """A metric in outbound counts what a model has answered, and not its answer's usage once more for each hit."""
    embeddings(bench, vector(1, 0))
    metrics, model = Emitted(), Backend(answers=[reply(200, SAID[:-1] + ', "usage": {"total_tokens": 5}}')])
    bench.use(metrics=metrics)
    metric = '<llm-emit-token-metric namespace="n"><dimension name="API ID"/></llm-emit-token-metric>'
    for _ in range(3):
        request = post(HELLO, "/chat/completions", JSON)
        request.target = model
        bench.execute(WHOLE.format("llm", "", "").replace("</outbound>", metric + "</outbound>"), request)
    assert len(model.sent) == 1
    assert [number[1] for number in metrics.numbers].count("Total Tokens") == 1


class Away:
    """No place for vectors."""

    def prepare(self) -> Unready:
        return Unready("no-vector-search", "nothing is searched", "use another")

    def nearest(self, partition: str, vector: bytes, distance: float) -> None: ...
    def store(self, partition: str, vector: bytes, value: bytes, ttl_s: float, owner: str = "") -> None: ...


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (LOOKUP.format("llm", "", "").replace("orders", "nowhere"), "unknown-backend"),
        (LOOKUP.format("llm", "", "").replace("0.1", "1.5"), "bad-value"),
        (LOOKUP.format("llm", 'max-message-count="0"', ""), "bad-value"),
        (LOOKUP.format("llm", 'embeddings-backend-auth="none"', ""), "bad-value"),
        ('<llm-semantic-cache-lookup score-threshold="0.1"/>', "missing-attribute"),
    ],
)
def test_mistakes_refuse_to_load(bench: Bench, xml: str, code: str) -> None:
    """What cannot work is told at load."""
    with pytest.raises(LoadError) as caught:
        bench.compile(xml)
    assert codes(caught.value) == {code}


def test_without_a_place_for_vectors_nothing_loads(bench: Bench) -> None:
    """The place says why, and what to do."""
    bench.use(caches=Caches(MemoryCache(), vectors=Away()))
    with pytest.raises(LoadError, match="nothing is searched"):
        bench.compile(LOOKUP.format("llm", "", ""))
