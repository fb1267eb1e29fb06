"""
Readiness: is everything that requests depend on available?

A part that is not ready takes only its own routes down (they answer 503); the process stays alive and reports which.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Status:
    """
    One dependency's state. *detail* is for operators and holds no secret.

    Attributes:
        concern: Whether an operator should look at it although requests are served.
    """

    ready: bool
    detail: str = ""
    concern: bool = False


# A part that has to ask another system first (a database) answers later.
Check = Callable[[], Mapping[str, Status] | Awaitable[Mapping[str, Status]]]


@dataclass(slots=True)
class Readiness:
    """
    What ``/readyz`` answers.

    Attributes:
        checks: Group (issuers, shared-state, notifications) → function that gives each member's status.
        draining: Set when the process is asked to stop: not ready for new work, even if everything else is well.
    """

    checks: dict[str, Check] = field(default_factory=dict)
    draining: bool = False

    async def report(self) -> tuple[bool, dict[str, object]]:
        """Whether everything is ready, and each part's status."""
        answers = {group: check() for group, check in self.checks.items()}
        groups = {group: await answer if isinstance(answer, Awaitable) else answer for group, answer in answers.items()}
        ready = not self.draining and all(status.ready for group in groups.values() for status in group.values())
        parts: dict[str, object] = {group: shown(members) for group, members in groups.items()}
        return ready, {"ready": ready, "draining": self.draining, **parts}


def shown(members: Mapping[str, Status]) -> dict[str, object]:
    """A group as ``/readyz`` shows it."""
    return {name: _part(status) for name, status in members.items()}


def _part(status: Status) -> dict[str, object]:
    part: dict[str, object] = {"ready": status.ready, "detail": status.detail}
    return {**part, "concern": True} if status.concern else part
