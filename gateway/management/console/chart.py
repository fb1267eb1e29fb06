"""Numbers over time as pictures: inline SVG, coloured by the style sheet, readable without it by their titles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from gateway.management.console.markup import Html, element

WIDTH, HEIGHT = 240, 44
# A curve with axes: the whole picture, and the margins around the curve itself.
CURVE_WIDTH, CURVE_HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 132, 62, 8, 10, 20


def sparkline(values: Sequence[float], title: str) -> Html:
    """*values* from left to right, the highest at the top, without axes; *title* describes it in words."""
    highest = max(values, default=0.0) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    points = [
        f"{index * step:.1f},{HEIGHT - 1 - value / highest * (HEIGHT - 4):.1f}" for index, value in enumerate(values)
    ]
    line = element("polyline", points=" ".join(points), class_="line")
    area = element("polygon", points=" ".join([f"0,{HEIGHT}", *points, f"{WIDTH},{HEIGHT}"]), class_="area")
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element(
        "svg", element("title", title), area, line, class_="spark", viewBox=box, preserveAspectRatio="none", role="img"
    )


def curve(values: Sequence[float], title: str, shown: Callable[[float], str], minutes: int) -> Html:
    """
    *values* over the last *minutes*, the newest at the right, with axes.

    Args:
        title: Describes the picture in words.
        shown: A value in the words of the vertical axis.
    """
    highest = _ceiling(max(values, default=0.0))
    base, height = CURVE_HEIGHT - BOTTOM, CURVE_HEIGHT - BOTTOM - TOP
    step = (CURVE_WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)
    points = [f"{LEFT + index * step:.1f},{base - value / highest * height:.1f}" for index, value in enumerate(values)]
    area = [f"{LEFT},{base}", *points, f"{CURVE_WIDTH - RIGHT},{base}"]
    return element(
        "svg",
        element("title", title),
        *_levels(highest, shown),
        *_moments(minutes),
        element("polygon", points=" ".join(area), class_="area"),
        element("polyline", points=" ".join(points), class_="line"),
        class_="curve",
        viewBox=f"0 0 {CURVE_WIDTH} {CURVE_HEIGHT}",
        role="img",
    )


def _ceiling(highest: float) -> float:
    """The least of 1, 2, 5, 10, 20 … (and their tenths) that is not below *highest*."""
    if highest <= 0 or not math.isfinite(highest):
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= highest * 0.999999)


def _levels(highest: float, shown: Callable[[float], str]) -> Iterator[Html]:
    """Horizontal lines at nothing, half and all, each with its value at the left."""
    base, height = CURVE_HEIGHT - BOTTOM, CURVE_HEIGHT - BOTTOM - TOP
    for share in (0.0, 0.5, 1.0):
        y = base - share * height
        yield element("line", x1=LEFT, x2=CURVE_WIDTH - RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
        text = {"x": LEFT - 6, "y": f"{y + 4:.1f}", "text-anchor": "end"}
        yield element("text", shown(highest * share), class_="axis", **text)


def _moments(minutes: int) -> Iterator[Html]:
    """Below the curve: how long ago."""
    width = CURVE_WIDTH - LEFT - RIGHT
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        ago = minutes * (1 - share)
        text = {"x": f"{LEFT + share * width:.1f}", "y": CURVE_HEIGHT - 5, "text-anchor": anchor}
        yield element("text", f"{ago:g} min ago" if ago else "now", class_="axis", **text)


def timeline(stages: Sequence[tuple[str, float]], whole_ms: float) -> Html:
    """Stages of one request one after the other, in milliseconds, as one bar as wide as *whole_ms*."""
    width, x = 640.0, 0.0
    scale = width / max(whole_ms, sum(milliseconds for _, milliseconds in stages), 0.001)
    bars: list[Html] = [element("rect", x=0, y=4, width=width, height=16, class_="stage whole")]
    for name, milliseconds in stages:
        part = milliseconds * scale
        bars.append(element("rect", x=f"{x:.1f}", y=4, width=f"{max(part, 1):.1f}", height=16, class_=f"stage {name}"))
        if part > 60:
            bars.append(element("text", name, x=f"{x + 4:.1f}", y=34, class_="axis"))
        x += part
    said = ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in stages) or "no stages"
    title = element("title", f"{whole_ms:.1f} ms: {said}")
    return element("svg", title, *bars, viewBox="0 0 640 38", role="img", class_="timeline")
