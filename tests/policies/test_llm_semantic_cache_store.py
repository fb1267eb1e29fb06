"""llm-semantic-cache-store: which answers are kept, and that they pass unchanged."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.policies.llm_semantic_cache_lookup import SemanticPlan
from gateway.policies.llm_semantic_cache_store import AnswerReader
from gateway.value_cache.memory_vectors import MemoryVectors
from gateway.value_cache.vectors import MAX_VALUE_BYTES, unit_vector
from gateway.wire.body import Body, BodyStream
from gateway.wire.messages import Response
from tests.policies.bench import Bench, answer, new_context
from tests.policies.test_llm_semantic_cache_lookup import JSON, SAID, STORE

VECTOR = unit_vector([1, 0]) or b""

ANSWERS: dict[str, tuple[Response, bool]] = {
    "complete": (answer(200, SAID, JSON), True),
    "in memory": (Response(200, answer(200, "", JSON).headers, Body(SAID.encode())), True),
    "an error": (answer(429, SAID, JSON), False),
    "created": (answer(201, SAID, JSON), False),
    "not JSON": (answer(200, SAID, [("Content-Type", "text/html")]), False),
    "compressed": (answer(200, SAID, [*JSON, ("Content-Encoding", "gzip")]), False),
    "cut by length": (answer(200, SAID.replace("stop", "length"), JSON), False),
    "too long": (answer(200, SAID + " " * MAX_VALUE_BYTES, JSON), False),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("policy", ["llm", "azure-openai"])
def test_what_is_kept(bench: Bench, name: str, policy: str) -> None:
    """Only a complete answer is, and the caller gets each of them as it was."""
    given, kept = ANSWERS[name]
    response = answer(given.status_code, _content(given), list(given.headers.items()))
    if given.body.stream is None:
        response = Response(given.status_code, given.headers, Body(given.body.content))
    cache = MemoryVectors()
    context = new_context(response=response)
    context.cache_plan = SemanticPlan(cache, "p", VECTOR, "owner")
    bench.run(STORE.format(policy), section="outbound", context=context)

    async def read() -> bytes:
        await response.body.buffer(10 * MAX_VALUE_BYTES)
        return response.body.content

    assert asyncio.run(read()) == _content(given)
    assert (cache.nearest("p", VECTOR, 0) is not None) == kept


def _content(response: Response) -> bytes:
    stream = response.body.stream
    return response.body.content if stream is None else b"".join(stream._chunks)


def test_without_a_look_up_nothing_is_kept(bench: Bench) -> None:
    """The store policy alone does nothing."""
    context = new_context(response=answer(200, SAID, JSON))
    stream = context.response and context.response.body.stream
    bench.run(STORE.format("llm"), section="outbound", context=context)
    assert context.response is not None
    assert context.response.body.stream is stream


def test_a_cut_answer_is_not_kept() -> None:
    """What fails for the caller is kept for nobody, even where it looks complete."""
    kept: list[bytes] = []
    source = BodyStream()
    response = Response(200, body=Body(stream=source))
    AnswerReader(False, kept.append).read_along(response)

    async def read() -> None:
        source.feed(SAID.encode())
        source.fail(UpstreamError("BackendConnectionFailure", "gone"))
        await response.body.buffer(10_000)

    with pytest.raises(UpstreamError):
        asyncio.run(read())
    assert kept == []
