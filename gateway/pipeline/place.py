"""The place of a policy: what errors, traces and ``context.LastError`` report of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.documents.model import Scope, Section


@dataclass(frozen=True, slots=True)
class Place:
    """
    The place of one policy in its document.

    Attributes:
        path: Within its document, 1-based per name: ``choose[3]/when[2]``.
        sets_secrets: Whether the policy there puts secrets into variables; traces mask them.
        position: ``file:line`` of the element; empty for a built-in step.
        scope_name, section_name: The two as APIM writes them.
    """

    source: str
    scope: Scope
    section: Section
    path: str
    policy_id: str | None = None
    sets_secrets: bool = False
    position: str = ""
    scope_name: str = field(init=False)
    section_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope_name", self.scope.value)
        object.__setattr__(self, "section_name", self.section.value)
