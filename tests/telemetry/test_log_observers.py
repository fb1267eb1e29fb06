"""Log lines: whose trace they belong to, and who else gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gateway.telemetry import spans
from gateway.telemetry.log_observers import observe, traced
from gateway.telemetry.spans import Sampling, SpanRecorder


@pytest.fixture
def recorder() -> Iterator[SpanRecorder]:
    """A recorder that is in use."""
    found = SpanRecorder(lambda _: None, Sampling())
    spans.use(found)
    yield found
    spans.use(None)
    observe(None)


def test_without_telemetry() -> None:
    """A line stays as it is."""
    assert traced(None, "info", {"event": "x"}) == {"event": "x"}


def test_ids(recorder: SpanRecorder) -> None:
    """A line within a span has its ids, one that has ids keeps them, and one outside has none."""
    with spans.within(recorder.step("one", None, {})) as _:
        ids = spans.log_ids()
        assert traced(None, "info", {"event": "x"}) == {"event": "x", **ids}
        assert traced(None, "info", {"event": "x", "trace_id": "7"}) == {"event": "x", "trace_id": "7"}
    assert traced(None, "info", {"event": "x"}) == {"event": "x"}


def test_observers_get_copies(recorder: SpanRecorder) -> None:
    """What an observer does with a line does not change it."""
    lines: list[Mapping[str, Any]] = []
    observe(lines.append)
    event: dict[str, Any] = {"event": "x"}
    traced(None, "info", event)
    event["later"] = True
    assert lines == [{"event": "x"}]
