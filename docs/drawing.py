"""
Boxes, arrows and words as SVG, readable on light and dark pages: each picture brings its own background.

Everything is placed by hand in user units; nothing is measured, so a text must be known to fit its box.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

_LIGHT = {
    "page": "#ffffff",
    "edge": "#d1d9e0",
    "box": "#f6f8fa",
    "line": "#59636e",
    "ink": "#1f2328",
    "pale": "#59636e",
    "blue": "#ddf4ff",
    "blue-line": "#0969da",
    "red": "#ffebe9",
    "red-line": "#cf222e",
    "green": "#dafbe1",
    "green-line": "#1a7f37",
}
_DARK = {
    "page": "#0d1117",
    "edge": "#3d444d",
    "box": "#151b23",
    "line": "#9198a1",
    "ink": "#f0f6fc",
    "pale": "#9198a1",
    "blue": "#0c2d6b",
    "blue-line": "#58a6ff",
    "red": "#4b1113",
    "red-line": "#f85149",
    "green": "#04260f",
    "green-line": "#3fb950",
}
_RULES = """\
.page{fill:var(--page);stroke:var(--edge)}
.box{fill:var(--box);stroke:var(--line)}
.blue{fill:var(--blue);stroke:var(--blue-line)}
.red{fill:var(--red);stroke:var(--red-line)}
.green{fill:var(--green);stroke:var(--green-line)}
.frame{fill:none;stroke:var(--line);stroke-dasharray:5 4}
.arrow{fill:none;stroke:var(--line);stroke-width:1.5}
.fail{fill:none;stroke:var(--red-line);stroke-width:1.5;stroke-dasharray:5 4}
.tip{fill:var(--line)}
.fail-tip{fill:var(--red-line)}
text{fill:var(--ink);font:14px -apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.title{font-weight:600}
.small{font-size:12px;fill:var(--pale)}
.code{font-family:ui-monospace,"SF Mono",Consolas,"DejaVu Sans Mono",monospace;font-size:12px}
.number{font-weight:600;fill:var(--blue-line)}"""


def _palette(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


_STYLE = f"svg{{{_palette(_LIGHT)}}}\n@media(prefers-color-scheme:dark){{svg{{{_palette(_DARK)}}}}}\n{_RULES}"
_TIPS = "".join(
    f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    f'<path class="{name}" d="M0 0L8 4L0 8z"/></marker>'
    for name in ("tip", "fail-tip")
)


@dataclass
class Picture:
    """
    One SVG of *width* × *height*.

    Attributes:
        title: What a screen reader announces.
    """

    width: int
    height: int
    title: str
    _parts: list[str] = field(default_factory=list)

    def box(self, place: tuple[int, int, int, int], lines: Iterable[str] = (), kind: str = "box") -> None:
        """A box at (x, y, width, height) with centred *lines*, the first of them bold."""
        x, y, width, height = place
        self._parts.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="7"/>')
        rows = list(lines)
        top = y + height / 2 - 9 * (len(rows) - 1) + 5
        for index, row in enumerate(rows):
            self.text(x + width // 2, round(top + 18 * index), row, "small" if index else "title", anchor="middle")

    def text(self, x: int, y: int, words: str, kind: str = "", anchor: str = "start") -> None:
        """*words* with their base line at *y*."""
        self._parts.append(f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>')

    def arrow(self, path: str, kind: str = "arrow") -> None:
        """A line along *path* (SVG path data) with a tip at its end; *kind* ``fail`` is red and dashed."""
        tip = "fail-tip" if kind == "fail" else "tip"
        self._parts.append(f'<path class="{kind}" d="{path}" marker-end="url(#{tip})"/>')

    def curve(self, points: Iterable[tuple[float, float]], colour: str) -> None:
        """A line through *points*; *colour* is ``blue``, ``red``, ``green``, or ``line`` for axes."""
        name, width = ("line", 1) if colour == "line" else (f"{colour}-line", 2)
        through = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        style = f"fill:none;stroke:var(--{name});stroke-width:{width};stroke-linejoin:round"
        self._parts.append(f'<polyline style="{style}" points="{through}"/>')

    def svg(self) -> str:
        """The file's text."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img" aria-label="{escape(self.title)}">'
        )
        back = f'<rect class="page" x=".5" y=".5" width="{self.width - 1}" height="{self.height - 1}" rx="10"/>'
        style = f"<style>{_STYLE}</style><defs>{_TIPS}</defs>"
        return "\n".join([head, f"<title>{escape(self.title)}</title>", style, back, *self._parts, "</svg>", ""])
