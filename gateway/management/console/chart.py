"""A line of numbers over time as a small picture: inline SVG, coloured by the style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.management.console.markup import Html, element

WIDTH = 240
HEIGHT = 44


def sparkline(values: Sequence[float], title: str) -> Html:
    """*values* from left to right, the highest at the top; *title* describes it in words."""
    highest = max(values, default=0.0) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    points = [
        f"{index * step:.1f},{HEIGHT - 1 - value / highest * (HEIGHT - 4):.1f}" for index, value in enumerate(values)
    ]
    line = element("polyline", points=" ".join(points), class_="line")
    area = element("polygon", points=" ".join([f"0,{HEIGHT}", *points, f"{WIDTH},{HEIGHT}"]), class_="area")
    return element(
        "svg",
        element("title", title),
        area,
        line,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
    )
