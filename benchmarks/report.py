"""Results as a table of ratios, as JSON and as a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

BASE = "haproxy"
COLOURS = {
    "gateway": "#2563eb",
    "haproxy": "#6b7280",
    "envoy": "#a855f7",
    "nginx-plain": "#9ca3af",
    "null": "#d1d5db",
    "naive": "#f59e0b",
}


@dataclass(frozen=True, slots=True)
class Result:
    """The median of one workload on one contender; *value* is requests per second, or microseconds for latency."""

    workload: str
    title: str
    contender: str
    value: float
    p99_us: float
    cpu_us: float
    latency: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the suite. *machine* says what the numbers depend on; memory is in MiB."""

    date: str
    machine: Mapping[str, str]
    memory: Mapping[str, Mapping[str, float]]
    results: tuple[Result, ...]

    def cpu_ratio(self, result: Result) -> float | None:
        """How much less processor time an answer costs than HAProxy's: what the ratio is on a machine of one's own."""
        base = next((r.cpu_us for r in self.results if (r.workload, r.contender) == (result.workload, BASE)), None)
        return base / result.cpu_us if base and result.cpu_us else None

    def table(self) -> str:
        """
        Markdown: one row per workload, one column per contender: processor time per answer in µs, its ratio to
        HAProxy's, and then the requests per second; of a latency that itself.
        """
        names = list(dict.fromkeys(result.contender for result in self.results))
        lines = [f"| workload | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
        for workload in dict.fromkeys(result.workload for result in self.results):
            row = {result.contender: result for result in self.results if result.workload == workload}
            first = next(iter(row.values()))
            cells = [self._cell(row.get(name)) for name in names]
            lines.append(f"| {workload} {first.title} | {' | '.join(cells)} |")
        used = [self.memory.get(name) for name in names]
        idle = [f"{memory['idle']:.0f} / {memory['peak']:.0f}" if memory else "–" for memory in used]
        lines.append(f"| memory idle / peak, MiB | {' | '.join(idle)} |")
        return "\n".join(lines)

    def _cell(self, result: Result | None) -> str:
        if result is None:
            return "–"
        ratio = self.cpu_ratio(result)
        rival = f" ({ratio:.2f})" if ratio else ""
        text = f"{result.cpu_us:,.0f} µs{rival}; {result.value:,.0f}{' µs latency' if result.latency else '/s'}"
        return f"**{text}**" if result.contender == "gateway" else text

    def write(self, folder: Path, image: Path) -> Path:
        """Write the JSON below *folder* and the plot to *image*; where the JSON is."""
        folder.mkdir(parents=True, exist_ok=True)
        image.parent.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.date.replace(':', '').replace(' ', '-')}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        image.write_text(self.plot(), encoding="utf-8")
        return path

    def plot(self) -> str:
        """Bars of the ratio to HAProxy, as SVG."""
        shown = [result for result in self.results if self.cpu_ratio(result) is not None]
        width, row, left = 760, 20, 230
        largest = max((self.cpu_ratio(result) or 0 for result in shown), default=1)
        scale = (width - left - 70) / largest
        bars: list[str] = []
        y = 34
        for workload in dict.fromkeys(result.workload for result in shown):
            for result in (r for r in shown if r.workload == workload):
                ratio = self.cpu_ratio(result) or 0
                bars.append(_bar(left, y, ratio, scale, result))
                y += row
            y += 10
        note = f"Processor time per answer: HAProxy jwt_verify's in the same run, as a multiple of it; {self.date}"
        base = left + scale
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" '
            f'font-family="system-ui, sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#ffffff"/>'
            f'<text x="10" y="20" font-size="13">{escape(note)}</text>'
            f'<line x1="{base:.0f}" y1="28" x2="{base:.0f}" y2="{y}" stroke="#ef4444" stroke-dasharray="4 3"/>'
            f"{''.join(bars)}</svg>\n"
        )


def _bar(left: int, y: int, ratio: float, scale: float, result: Result) -> str:
    colour = COLOURS.get(result.contender, "#000000")
    label = escape(f"{result.workload} {result.contender}")
    return (
        f'<text x="{left - 8}" y="{y + 11}" text-anchor="end">{label}</text>'
        f'<rect x="{left}" y="{y}" width="{max(1.0, ratio * scale):.1f}" height="14" fill="{colour}"/>'
        f'<text x="{left + ratio * scale + 6:.0f}" y="{y + 11}">{ratio:.2f}</text>'
    )
