"""The small pictures of the console: numbers over time as inline SVG, safe whatever the numbers are."""

from __future__ import annotations

import re

import pytest

from gateway.management.console.chart import (
    BOTTOM,
    CURVE_HEIGHT,
    CURVE_WIDTH,
    HEIGHT,
    LEFT,
    TOP,
    WIDTH,
    curve,
    sparkline,
)
from gateway.management.console.history import History
from gateway.telemetry.metrics import GatewayMetrics


def points(svg: str) -> list[tuple[float, float]]:
    """The points of the line."""
    text = svg.partition("<polyline ")[2].partition('points="')[2].partition('"')[0]
    return [(float(x), float(y)) for x, y in (point.split(",") for point in text.split())]


@pytest.mark.parametrize("values", [[], [0.0], [5.0], [0.0, 0.0, 0.0], [1.0, 2.0, 4.0], [1e12, 1.0]])
def test_the_line_stays_in_its_box(values: list[float]) -> None:
    """From left to right, the highest at the top, nothing outside."""
    line = points(str(sparkline(values, "title")))
    assert len(line) == len(values)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    if any(values):
        assert min(y for _, y in line) == line[values.index(max(values))][1] == 3.0


def test_the_title_is_text() -> None:
    """The text in the picture cannot become mark-up."""
    assert "<b>" not in str(sparkline([1.0], "<b>"))


@pytest.mark.parametrize(
    ("values", "levels"),
    [([], "0 0.5 1"), ([0.0], "0 0.5 1"), ([3.0, 1.0], "0 2.5 5"), ([100.0], "0 50 100"), ([0.07], "0 0.05 0.1")],
)
def test_a_curve_has_axes(values: list[float], levels: str) -> None:
    """A curve stays within its axes, which name a round value above the highest one, and how long ago."""
    svg = str(curve(values, "title", lambda value: f"{value:g}", 10))
    assert re.findall(r">([^<]+)</text>", svg) == [*levels.split(), "10 min ago", "5 min ago", "now"]
    assert all(LEFT <= x <= CURVE_WIDTH and TOP <= y <= CURVE_HEIGHT - BOTTOM for x, y in points(svg))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a", 1), ("<b>", 1)],
)
def test_each_api_has_its_own_numbers(name: str, shown: int) -> None:
    """The samples know what each API answered, so that the page can show its curve."""
    metrics = GatewayMetrics()
    kept = History(metrics, lambda: 100.0)
    metrics.operation(name, "x").observe(503, 0.1)
    assert [(part.api, part.requests, part.errors) for part in kept.running().apis] == [(name, shown, 1)]
