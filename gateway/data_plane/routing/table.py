"""The router's input: APIs and their operations, as the configuration has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.errors import Location

NOWHERE = Location("config.yaml")


@dataclass(frozen=True, slots=True)
class RoutedVersion:
    """
    How callers name an API's version.

    Attributes:
        scheme: ``segment``: the first path segment below the API's path; ``header``, ``query``: a field called *name*.
        value: The version: ``v1``. Path segments compare without case, like every path; the other two exactly.
    """

    scheme: Literal["segment", "header", "query"]
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class RoutedOperation:
    """
    One operation.

    Attributes:
        method: ``GET`` …; ``*`` is every method (ours: APIM has no such thing).
        url_template: Below the API's path: ``/jobs/{id}``, ``/files/{name}.json``, ``/{*rest}``, ``/add?a={a}``.
        payload: What the caller of the router wants back: the compiled pipeline.
    """

    id: str
    method: str
    url_template: str
    payload: Any = None
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class RoutedApi:
    """
    One revision of one version of an API. Without *operations* every method and path passes.

    Attributes:
        path: URL prefix, whole segments, any case; empty means all that no other API claims.
        revision: ``2`` is addressed by ``;rev=2`` behind the prefix; the current one also without.
        routes: Where paths lead, if not to the *operations* themselves: something chooses among those later.
    """

    id: str
    path: str
    operations: Sequence[RoutedOperation] = ()
    payload: Any = None
    version: RoutedVersion | None = None
    revision: str = field(kw_only=True)
    is_current: bool = True
    location: Location = NOWHERE
    routes: Sequence[RoutedOperation] | None = None

    @property
    def routed(self) -> Sequence[RoutedOperation]:
        """What the API's paths are matched against."""
        return self.operations if self.routes is None else self.routes
