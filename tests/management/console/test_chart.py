"""The small pictures of the console: numbers over time as inline SVG, safe whatever the numbers are."""

from __future__ import annotations

import pytest

from gateway.management.console.chart import HEIGHT, WIDTH, sparkline


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
