"""emitted_metrics.py: what policies emit, bounded."""

from __future__ import annotations

import math

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from gateway.telemetry.emitted_metrics import MAX_METRICS, MAX_SERIES, EmittedMetrics, label_name, metric_name


def scraped(metrics: EmittedMetrics) -> str:
    """The text that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(metrics)
    return generate_latest(registry).decode()


def test_count_and_sum() -> None:
    """Values are counted and added up by their dimensions."""
    metrics = EmittedMetrics()
    for value, api in ((1.0, "a"), (2.5, "a"), (4.0, "b")):
        metrics.emit("Orders", "Sold items", value, (("API ID", api),))
    metrics.emit("Orders", "Sold items", 1.0, ())
    text = scraped(metrics)
    assert 'apim_orders_sold_items_count{api_id="a"} 2.0' in text
    assert 'apim_orders_sold_items_sum{api_id="a"} 3.5' in text
    assert 'apim_orders_sold_items_sum{api_id="b"} 4.0' in text
    assert "apim_orders_sold_items_count 1.0" in text
    assert text.count("# TYPE apim_orders_sold_items summary") == 1


def test_the_largest_sums() -> None:
    """For people: the largest first, no more than they read."""
    metrics = EmittedMetrics()
    for value, api in ((1.0, "a"), (2.5, "a"), (4.0, "b"), (0.5, "c")):
        metrics.emit("Orders", "Sold", value, (("API ID", api),))
    assert metrics.largest(2) == [
        ("apim_orders_sold", (("api_id", "b"),), 1, 4.0),
        ("apim_orders_sold", (("api_id", "a"),), 2, 3.5),
    ]


def test_bounds() -> None:
    """Neither values nor names that requests choose can fill the memory; what is dropped is counted."""
    metrics = EmittedMetrics()
    for number in range(MAX_SERIES + 5):
        metrics.emit("n", "m", 1.0, (("caller", f"c{number}"),))
    metrics.emit("n", "m", 1.0, (("caller", "x" * 1000),))
    assert 'apim_n_m_count{caller="(other)"} 6.0' in scraped(metrics)
    for number in range(MAX_METRICS + 2):
        metrics.emit("n", f"m{number}", 1.0, ())
    assert "gateway_emitted_dropped_total 3.0" in scraped(metrics)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number(value: float) -> None:
    """What is no number is dropped, and so are dimensions whose names fall together."""
    metrics = EmittedMetrics()
    metrics.emit("n", "m", value, ())
    metrics.emit("n", "m", 1.0, (("a b", "1"), ("a-b", "2")))
    assert "gateway_emitted_dropped_total 2.0" in scraped(metrics)


NAMES = {"API ID": "api_id", "5xx": "dimension_5xx", "": "dimension", "Größe": "gr_e", "a:b": "a_b"}


@pytest.mark.parametrize(("name", "label"), NAMES.items(), ids=NAMES)
def test_names(name: str, label: str) -> None:
    """Names become what Prometheus can read."""
    assert label_name(name) == label
    assert metric_name("", name).startswith("apim")
