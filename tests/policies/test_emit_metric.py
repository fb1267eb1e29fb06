"""emit-metric: a value counted with its dimensions."""

from __future__ import annotations

from tests.policies.bench import Bench
from tests.policies.sinks import Sink


def test_metrics(bench: Bench) -> None:
    """Namespace, name, value and dimensions are counted; without a sink nothing happens."""
    xml = (
        '<emit-metric name="n" value="@(1.5)" namespace="mine"><dimension name="API ID"/>'
        '<dimension name="a" value="@("b" + 1)"/></emit-metric>'
    )
    assert bench.run(xml).outcome is None
    sink = Sink()
    bench.use(metrics=sink).run(xml)
    assert sink.counts == [("mine", "n", 1.5, (("API ID", "api"), ("a", "b1")))]
