"""Where events and metrics of the bench arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.outside.seam import Event


@dataclass
class Sink:
    """Keeps events and counts."""

    events: list[Event] = field(default_factory=list)
    counts: list[object] = field(default_factory=list)

    def write(self, event: Event) -> None:
        self.events.append(event)

    def emit(self, *counted: object) -> None:
        self.counts.append(counted)
