"""llm-emit-token-metric: the tokens of each call, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.policies.bench import Bench
from tests.policies.language_model import ask

pytestmark = pytest.mark.usefixtures("counted_now")


@dataclass
class Counted:
    """Keeps what was counted."""

    counts: list[object] = field(default_factory=list)

    def emit(self, *counted: object) -> None:
        self.counts.append(counted)


@pytest.mark.parametrize("name", ["llm-emit-token-metric", "azure-openai-emit-token-metric"])
def test_token_metrics(bench: Bench, name: str) -> None:
    """Three numbers with their dimensions; none without a usage or a sink."""
    xml = f'<{name} namespace="n"><dimension name="API ID"/></{name}>'
    ask(bench, xml)
    metrics = Counted()
    bench.use(metrics=metrics)
    ask(bench, xml, body="{}")
    ask(bench, xml)
    labels = (("API ID", "api"),)
    assert metrics.counts == [
        ("n", "Total Tokens", 40, labels),
        ("n", "Prompt Tokens", 10, labels),
        ("n", "Completion Tokens", 30, labels),
    ]
