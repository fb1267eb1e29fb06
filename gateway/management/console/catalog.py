"""What is served, as the console lists it: fixed at load, the same in every process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import Problem


@dataclass(frozen=True, slots=True)
class OperationLine:
    """One operation; *id* is empty for an API as a whole, where every method and path passes."""

    id: str
    name: str
    method: str
    template: str


@dataclass(frozen=True, slots=True)
class ApiLine:
    """
    One API.

    Attributes:
        version: How callers name its version and revision, in words; empty when they do not.
        backend: Id or service URL; empty when a policy has to choose.
    """

    id: str
    name: str
    path: str
    version: str
    backend: str
    operations: tuple[OperationLine, ...]


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """One policy of an effective policy: its element, the scope that it comes from, and its ``id`` attribute."""

    element: str
    scope: str
    id: str | None


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """
    What runs, in order, for all operations that have it in common.

    Attributes:
        operations: In words, with the product where it is only for that product's subscriptions.
        sections: Section and policies, ``<base/>`` and fragments resolved; without empty ones.
    """

    operations: tuple[str, ...]
    sections: tuple[tuple[str, tuple[PolicyStep, ...]], ...]


class Catalog(Protocol):
    """The APIs of the configuration."""

    def apis(self) -> Sequence[ApiLine]:
        """All of them, as they stand in the file."""

    def find(self, api_id: str) -> ApiLine | None:
        """One of them, or None."""

    def policies(self, api_id: str) -> Sequence[EffectivePolicy]:
        """The effective policies of one API."""

    def notes(self, api_id: str) -> Sequence[Problem]:
        """What ``gateway check`` remarks on the documents that apply to an API."""
