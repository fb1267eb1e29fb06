"""llm-emit-token-metric: the tokens of each call, emitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.policies.bench import Bench
from tests.policies.language_model import EVENTS, PROMPT_TOKENS, answered, ask, events

pytestmark = pytest.mark.usefixtures("counted_now")

METRIC = '<llm-emit-token-metric namespace="n"><dimension name="API ID"/></llm-emit-token-metric>'
LABELS = (("API ID", "api"),)


@dataclass
class Emitted:
    """Keeps what was emitted."""

    numbers: list[object] = field(default_factory=list)

    def emit(self, *emitted: object) -> None:
        self.numbers.append(emitted)


@pytest.fixture
def metrics(bench: Bench) -> Emitted:
    """Where the bench's policies emit."""
    sink = Emitted()
    bench.use(metrics=sink)
    return sink


def rows(total: int, prompt: int, completion: int) -> list[object]:
    numbers = {"Total Tokens": total, "Prompt Tokens": prompt, "Completion Tokens": completion}
    return [("n", name, number, LABELS) for name, number in numbers.items()]


@pytest.mark.parametrize("name", ["llm-emit-token-metric", "azure-openai-emit-token-metric"])
def test_token_metrics(bench: Bench, metrics: Emitted, name: str) -> None:
    """Three numbers with their dimensions."""
    ask(bench, METRIC.replace("llm-emit-token-metric", name))
    assert metrics.numbers == rows(40, 10, 30)


def test_nothing_without_a_cost(bench: Bench, metrics: Emitted) -> None:
    """Answers without usage, errors, and what a policy has answered."""
    ask(bench, METRIC, answered("{}"))
    ask(bench, METRIC, answered(status=500))
    ask(bench, METRIC + '<mock-response status-code="200"/>')
    assert metrics.numbers == []


def test_without_a_sink(bench: Bench) -> None:
    """There is nothing to do, and nothing fails."""
    assert ask(bench, METRIC).response.status_code == 200


def test_cached_and_reasoning_tokens(bench: Bench, metrics: Emitted) -> None:
    """They are emitted where the model reports them."""
    usage = '{"usage":{"input_tokens":9,"output_tokens":5,"input_tokens_details":{"cached_tokens":4},'
    ask(bench, METRIC, answered(usage + '"output_tokens_details":{"reasoning_tokens":2}}}'))
    assert metrics.numbers == [
        *rows(14, 9, 5),
        ("n", "Cached Tokens", 4, LABELS),
        ("n", "Reasoning Tokens", 2, LABELS),
    ]


def test_streams(bench: Bench, metrics: Emitted) -> None:
    """What the stream reports; where it reports nothing, its prompt and its text."""
    ask(bench, METRIC, answered(events("a", usage={"prompt_tokens": 4, "completion_tokens": 1}), EVENTS))
    ask(bench, METRIC, answered(events("hello", " world"), EVENTS))
    assert metrics.numbers == rows(5, 4, 1) + rows(PROMPT_TOKENS + 2, PROMPT_TOKENS, 2)


def test_in_outbound(bench: Bench, metrics: Emitted) -> None:
    """Where a document has it in outbound, the answer that is there is counted, once."""
    ask(bench, f"<inbound></inbound><outbound>{METRIC}</outbound>")
    assert metrics.numbers == rows(40, 10, 30)


def test_beside_a_limit(bench: Bench, metrics: Emitted) -> None:
    """Limit and metric read the answer once, in either order."""
    limit = '<llm-token-limit counter-key="k" tokens-per-minute="100" estimate-prompt-tokens="true"/>'
    for xml in (METRIC + limit, limit + METRIC):
        ask(bench, xml)
    assert metrics.numbers == rows(40, 10, 30) * 2
    assert ask(bench, limit).response.status_code == 200
    assert ask(bench, limit).response.status_code == 429
