"""The list of the ready-made documents."""

from __future__ import annotations

from gateway.commands.ready_made import ReadyMade, documents


def listed() -> str:
    """A line for each document, one for what it needs, and how to get one."""
    lines = [line for document in documents().values() for line in _entry(document)]
    return "\n".join([*lines, "", *_HOW])


def _entry(document: ReadyMade) -> list[str]:
    needs = needed(document)
    return [f"{document.name:<24}{document.summary}", *([f"{'':<24}  needs {needs}"] if needs else [])]


def needed(document: ReadyMade) -> str:
    """What has to be configured: ``named values: a, b; certificate: c``."""
    return "; ".join(f"{kind}{'s' if len(names) > 1 else ''}: {', '.join(names)}" for kind, names in document.needs())


_HOW = (
    "gateway policies NAME              shows one (--xml: as XML)",
    "gateway policies NAME --copy DIR   copies it with its tests",
)
