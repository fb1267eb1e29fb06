"""What is served, as the console lists it: read from the compiled pipelines when a page is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gateway.data_plane.dispatcher import OperationRuntime
from gateway.data_plane.routing import RoutedApi
from gateway.documents.model import Section
from gateway.errors import Problem
from gateway.management.console.document_source import DocumentSources
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import Steps


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
    """
    One policy of an effective policy.

    Attributes:
        scope: That it comes from.
        id: Its ``id`` attribute.
        position: ``file:line`` of its document.
    """

    element: str
    scope: str
    id: str | None
    position: str


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


NO_SOURCES = DocumentSources()


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """
    One API as the configuration describes it, and as it is served.

    Attributes:
        line: Its line in the list.
        notes: What ``gateway check`` notes about the documents that may apply to it.
        sources: Those documents.
    """

    line: ApiLine
    routed: RoutedApi
    notes: tuple[Problem, ...] = ()
    sources: DocumentSources = NO_SOURCES


class Catalog:
    """The APIs of the configuration. *entries*: in the order of the file."""

    def __init__(self, entries: Iterable[CatalogEntry]) -> None:
        self._entries = {entry.line.id: entry for entry in entries}

    def apis(self) -> list[ApiLine]:
        """All of them, in the order of the file."""
        return [entry.line for entry in self._entries.values()]

    def find(self, api_id: str) -> ApiLine | None:
        """One of them, or None."""
        entry = self._entries.get(api_id)
        return None if entry is None else entry.line

    def policies(self, api_id: str) -> list[EffectivePolicy]:
        """The effective policies of one API, each with the operations that share it."""
        shared: dict[int, tuple[Pipeline, list[str]]] = {}
        for name, pipeline in _pipelines(self._entries[api_id].routed):
            shared.setdefault(id(pipeline), (pipeline, []))[1].append(name)
        return [EffectivePolicy(tuple(names), _sections(pipeline)) for pipeline, names in shared.values()]

    def sources(self, api_id: str) -> DocumentSources:
        """The documents that may apply to an API."""
        return self._entries[api_id].sources

    def notes(self, api_id: str) -> Sequence[Problem]:
        """What ``gateway check`` notes about the documents that may apply to an API."""
        return self._entries[api_id].notes


def operation_lines(routed: RoutedApi) -> tuple[OperationLine, ...]:
    """The operations of an API; the API as a whole where it has none."""
    whole: OperationRuntime = routed.payload.whole
    infos = [operation.payload.info for operation in routed.operations] or [whole.info]
    return tuple(OperationLine(info.id, info.name, info.method, info.url_template) for info in infos)


def _pipelines(routed: RoutedApi) -> Iterator[tuple[str, Pipeline]]:
    """Every pipeline of an API, with what it is for in words."""
    for operation in routed.operations:
        yield from _variants(f"{operation.method} {operation.url_template}", operation.payload)
    if not routed.operations:
        yield from _variants("every request", routed.payload.whole)


def _variants(name: str, runtime: OperationRuntime) -> Iterator[tuple[str, Pipeline]]:
    for product, pipeline in runtime.pipelines.items():
        yield (name if product is None else f"{name} (product {product})"), pipeline


def _sections(pipeline: Pipeline) -> tuple[tuple[str, tuple[PolicyStep, ...]], ...]:
    sections = (pipeline.inbound, pipeline.backend, pipeline.outbound, pipeline.on_error)
    named = zip((section.value for section in Section), sections, strict=True)
    return tuple((name, tuple(_policy_steps(steps))) for name, steps in named if steps)


def _policy_steps(steps: Steps) -> Iterator[PolicyStep]:
    """One for each policy: the steps that bring a body into memory for it share its place."""
    places = (place for place, _ in groupby(step.place for step in steps))
    return (PolicyStep(place.source, place.scope.value, place.policy_id, place.position) for place in places)
