"""Curves and table of ``make scale``, from what it has measured into benchmarks/results; ``make docs`` draws them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from benchmarks.scale.dimensions import DIMENSIONS, Dimension
from docs.drawing import Picture
from docs.simulation_pictures import Axes, Point, frame

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "scale.json"

_WIDTH, _HEIGHT, _COLUMNS = 940, 480, 4
_PANEL = 150, 120  # width and height of one curve
_STEP = 225, 220  # from one to the next
_FLAT_UP_TO = 1.25  # workers share two cores and their caches; repeated runs differ by a tenth
_STRAIGHT_UP_TO = 1.5


def scale_picture() -> str:
    """All curves, each in a panel of its own."""
    picture = Picture(_WIDTH, _HEIGHT, "Processor time per answer by what the gateway has, a curve for each thing")
    picture.text(24, 30, "Processor time per answer, in microseconds", "title")
    curves = _report()["curves"]
    for number, dimension in enumerate(DIMENSIONS):
        row, column = divmod(number, _COLUMNS)
        _panel(picture, (60 + _STEP[0] * column, 60 + _STEP[1] * row), dimension, curves[dimension.key])
    return picture.svg()


def _panel(picture: Picture, corner: tuple[int, int], dimension: Dimension, curve: list[Point]) -> None:
    most = _round_up(max(cost for _, cost in curve))
    places = [(_place(dimension, size), cost) for size, cost in curve]
    axes = Axes((*corner, *_PANEL), (places[0][0], places[-1][0]), (0, most))
    columns = {place: f"{size:,}" for (size, _), (place, _) in zip(curve, places, strict=True)}
    first, *_, last = columns
    rows = {0: "0", most / 2: f"{most / 2:g}", most: f"{most:g}"}
    frame(picture, axes, dimension.title, rows, {place: columns[place] for place in (first, last)})
    picture.curve([axes.at(point) for point in places], "green" if dimension.flat else "blue")


def _place(dimension: Dimension, size: float) -> float:
    """Where a size is drawn: what should be flat on a logarithmic scale, what may grow on a linear one."""
    return math.log10(max(size, 10)) if dimension.flat and dimension.sizes[-1] > 10 else size


def _round_up(value: float) -> float:
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def scale_markdown() -> str:
    """The table, with each curve's slope and whether it is as it should be."""
    report = _report()
    machine = ", ".join(f"{name} {text}" for name, text in report["machine"].items())
    lines = [
        f"{report['date']}; {machine}; load average {report['load']} at the end.",
        "",
        "![Curves](images/scale.svg)",
        "",
        "| By | Sizes | µs per answer | Slope | As it should be |",
        "|---|---|---|---|---|",
        *(_row(dimension, report["curves"][dimension.key]) for dimension in DIMENSIONS),
        "",
    ]
    return "\n".join(lines)


def _row(dimension: Dimension, curve: list[Point]) -> str:
    sizes = ", ".join(f"{size:,}" for size, _ in curve)
    costs = ", ".join(f"{cost:.0f}" for _, cost in curve)
    slope, is_right = _flat(curve) if dimension.flat else _straight(dimension, curve)
    return f"| {dimension.title} | {sizes} | {costs} | {slope} | {'yes' if is_right else '**no**'} |"


def _flat(curve: list[Point]) -> tuple[str, bool]:
    """How much more the largest costs than the smallest."""
    ratio = curve[-1][1] / curve[0][1]
    return f"flat: the last is {ratio:.2f} times the first", ratio <= _FLAT_UP_TO


def _straight(dimension: Dimension, curve: list[Point]) -> tuple[str, bool]:
    """What one more costs, and how much more steeply the curve ends than it rises as a whole."""
    (first, low), (last, high) = curve[0], curve[-1]
    slope = (high - low) / (last - first)
    (before, cost) = curve[-2]
    bend = (high - cost) / (last - before) / slope if slope > 0 else 1.0
    words = f"{slope * dimension.per:.2f} µs per {dimension.unit}; the last part is {bend:.2f} times as steep"
    return words, bend <= _STRAIGHT_UP_TO


def _report() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return report
