"""A table of remedies, of which each is used by a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.remedies.facts import Facts, Remedy


def unused(remedies: Sequence[Remedy], cases: Iterable[Facts]) -> list[str]:
    """The remedies that decide no case: they are never the first that knows one."""
    deciding = {next((remedy for remedy in remedies if remedy(facts)), None) for facts in cases}
    return [remedy.__name__ for remedy in remedies if remedy not in deciding]
