"""Curves of the simulation: ``make simulate`` measures them, into benchmarks/results; ``make docs`` draws them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.drawing import Picture

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "simulation.json"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axes:
    """
    A panel: where it is, and what its edges mean.

    Attributes:
        place: x, y, width and height.
        x, y: What the edges mean: the lowest and highest value.
        log: Whether both are logarithmic.
    """

    place: tuple[int, int, int, int]
    x: Point
    y: Point
    log: bool = False

    def at(self, point: Point) -> Point:
        """Where a value is drawn."""
        left, top, width, height = self.place
        return left + width * self._share(point[0], self.x), top + height * (1 - self._share(point[1], self.y))

    def _share(self, value: float, edges: Point) -> float:
        low, high = map(self._scaled, edges)
        return min(max((self._scaled(value) - low) / (high - low), 0.0), 1.0)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.log else value


def lag_picture() -> str:
    """How late an end is noticed, by the number of watched jobs of one environment."""
    picture = Picture(900, 400, "How late the end of a batch job is noticed, by the number of jobs of one environment")
    results = [result for result in _watched() if _is_plain(result)]
    axes = Axes((90, 60, 520, 280), (1_000, 1_000_000), (10, 10_000), log=True)
    picture.text(90, 36, "One environment, one gateway: from the end of a run to its report", "title")
    frame(picture, axes, "watched jobs", {10: "10 s", 60: "1 min", 600: "10 min", 3_600: "1 h"}, _thousands(axes.x))
    for name, colour, words, below in (
        ("p50", "green", "half", 5),
        ("p95", "blue", "95 %", 12),
        ("max", "red", "all", -4),
    ):
        points = [axes.at((result["scenario"]["jobs"], result["lag"][name])) for result in results]
        picture.curve(points, colour)
        picture.text(round(points[-1][0]) + 8, round(points[-1][1]) + below, words, "small")
    picture.text(660, 84, "Up to about 25,000 jobs", "title")
    picture.text(660, 106, "polling intervals decide:", "small")
    picture.text(660, 124, "10 s, growing to 60 s.", "small")
    picture.text(660, 164, "Beyond", "title")
    picture.text(660, 186, "F&O's answers decide:", "small")
    picture.text(660, 204, "three queries at a time,", "small")
    picture.text(660, 222, "40 jobs each, 0.2 s and", "small")
    picture.text(660, 240, "3 ms a row; the lag grows", "small")
    picture.text(660, 258, "with the number of jobs.", "small")
    return picture.svg()


def load_picture() -> str:
    """What F&O has to answer for them, and what a pause of F&O does."""
    picture = Picture(
        900, 400, "Queries per second by the number of jobs, and how late ends are noticed around a pause"
    )
    axes = Axes((80, 60, 340, 270), (1_000, 1_000_000), (0.1, 100), log=True)
    picture.text(80, 36, "Queries to F&O per second", "title")
    frame(picture, axes, "watched jobs", {0.1: "0.1", 1: "1", 10: "10", 20: "20", 100: "100"}, _thousands(axes.x))
    points = [(result["scenario"]["jobs"], result["queries_per_s"]) for result in _watched() if _is_plain(result)]
    picture.curve([axes.at(point) for point in points], "blue")
    picture.curve([axes.at((axes.x[0], 20)), axes.at((axes.x[1], 20))], "red")
    picture.text(90, round(axes.at((1_000, 20))[1]) - 8, "6,000 in 300 s", "small")
    busy = next(result for result in _watched() if result["scenario"]["busy_s"])
    axes = Axes((530, 60, 330, 270), (0, 65), (0, 800))
    picture.text(530, 36, "F&O answers 429 for ten minutes", "title")
    minutes: dict[float, str] = {0: "0", 20: "20", 40: "40", 60: "60 min"}
    frame(picture, axes, "when the run ended", {0: "0", 200: "200 s", 400: "400 s", 600: "600 s"}, minutes)
    picture.curve([axes.at((minute, lag)) for minute, lag in busy["curve"]], "blue")
    return picture.svg()


def fairness_picture() -> str:
    """How long jobs wait for their start while one caller asks for two thousand."""
    picture = Picture(900, 360, "While one caller starts 2,000 jobs, the jobs of nine others start within two seconds")
    axes = Axes((90, 60, 540, 230), (0, 310), (0, 350))
    picture.text(90, 36, "One caller asks for 2,000 jobs at once; nine others for one every 10 s", "title")
    seconds: dict[float, str] = {0: "0", 100: "100", 200: "200", 300: "300 s"}
    frame(picture, axes, "when it was asked for", {0: "0", 100: "100 s", 200: "200 s", 300: "300 s"}, seconds)
    for result in json.loads(RESULTS.read_text("utf-8"))["fairness"]:
        same = result["crowd"]["same"]
        points = [axes.at((moment * 10, wait)) for moment, wait in result["curve"]["others"]]
        picture.curve(points, "red" if same else "green")
    picture.text(340, 150, "how long the others wait if all are in one queue", "small")
    picture.text(340, 280, "with fair turns: at most 2 s", "small")
    return picture.svg()


def _watched() -> Sequence[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(RESULTS.read_text("utf-8"))["watching"]
    return sorted(results, key=lambda result: result["scenario"]["jobs"])


def _is_plain(result: dict[str, Any]) -> bool:
    scenario = result["scenario"]
    return scenario["environments"] == scenario["replicas"] == 1 and not scenario["busy_s"]


def _thousands(edges: Point) -> dict[float, str]:
    ticks = (10.0**power for power in range(round(math.log10(edges[0])), round(math.log10(edges[1])) + 1))
    return {tick: f"{tick:,.0f}" for tick in ticks}


def frame(picture: Picture, axes: Axes, below: str, rows: dict[float, str], columns: dict[float, str]) -> None:
    """The axes, with words beside some of their values; *below*: what the lower one means."""
    left, top, width, height = axes.place
    picture.curve([(left, top), (left, top + height), (left + width, top + height)], "line")
    for value, words in rows.items():
        picture.text(left - 8, round(axes.at((axes.x[0], value))[1]) + 4, words, "small", "end")
    for value, words in columns.items():
        picture.text(round(axes.at((value, axes.y[0]))[0]), top + height + 20, words, "small", "middle")
    picture.text(left + width // 2, top + height + 42, below, "small", "middle")


SIMULATION: Iterable[tuple[str, Callable[[], str]]] = (
    ("simulation-lag.svg", lag_picture),
    ("simulation-load.svg", load_picture),
    ("simulation-fairness.svg", fairness_picture),
)
