"""What the assembled gateway serves, as the console lists it: read from the compiled pipelines when somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gateway.config import Config
from gateway.config.apis import Api
from gateway.data_plane.dispatcher import OperationRuntime
from gateway.data_plane.routing import RoutedApi
from gateway.documents.model import Section
from gateway.errors import Problem
from gateway.management.console.catalog import ApiLine, EffectivePolicy, OperationLine, PolicyStep
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import Steps


class AssembledCatalog:
    """
    The console's ``Catalog``.

    Args:
        assembled: The APIs of *config*, in its order.
        remarks: Notes on all documents.
    """

    def __init__(self, config: Config, assembled: Sequence[RoutedApi], remarks: Sequence[Problem]) -> None:
        self._config = config
        self._apis = {api.id: (api, routed) for api, routed in zip(config.apis, assembled, strict=True)}
        self._remarks = remarks

    def apis(self) -> list[ApiLine]:
        """All of them, as they stand in the file."""
        return [_line(api, routed) for api, routed in self._apis.values()]

    def find(self, api_id: str) -> ApiLine | None:
        """One of them."""
        found = self._apis.get(api_id)
        return None if found is None else _line(*found)

    def policies(self, api_id: str) -> list[EffectivePolicy]:
        """The effective policies of one API, each with the operations that share it."""
        shared: dict[int, tuple[Pipeline, list[str]]] = {}
        for name, pipeline in _pipelines(self._apis[api_id][1]):
            shared.setdefault(id(pipeline), (pipeline, []))[1].append(name)
        return [EffectivePolicy(tuple(names), _sections(pipeline)) for pipeline, names in shared.values()]

    def notes(self, api_id: str) -> list[Problem]:
        """What ``gateway check`` remarks on the documents that may apply to an API."""
        if not self._remarks:
            return []
        files = {str(path) for path in self._documents(self._apis[api_id][0]) if path is not None}
        return [note for note in self._remarks if note.location.file in files]

    def _documents(self, api: Api) -> Iterator[Path | None]:
        """Every document of *api*'s scopes, and all fragments: which ones it includes is not asked."""
        yield from (self._config.global_policy, api.policy)
        yield from (operation.policy for operation in api.operations)
        yield from (one.policy for one in self._config.products if api.id in one.apis or one.id in api.products)
        yield from self._config.fragments.values()


def _line(api: Api, routed: RoutedApi) -> ApiLine:
    """*api* with its operations; the API as a whole where it has none."""
    whole: OperationRuntime = routed.payload.whole
    infos = [operation.payload.info for operation in routed.operations] or [whole.info]
    operations = tuple(OperationLine(info.id, info.name, info.method, info.url_template) for info in infos)
    backend = api.backend or api.service_url or ""
    return ApiLine(api.id, api.name or api.id, api.path.strip("/"), _version(api), backend, operations)


def _version(api: Api) -> str:
    version = "" if api.version is None else f"{api.version.value} in {api.version.name or api.version.scheme}"
    revision = "" if api.current else f"revision {api.revision}, not current"
    return ", ".join(filter(None, (version, revision)))


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
    steps = (pipeline.inbound, pipeline.backend, pipeline.outbound, pipeline.on_error)
    named = zip((section.value for section in Section), steps, strict=True)
    return tuple((name, tuple(_steps(each))) for name, each in named if each)


def _steps(steps: Steps) -> Iterable[PolicyStep]:
    """One for each policy: the steps that bring a body into memory for it stand at the same place."""
    places = (place for place, _ in groupby(step.place for step in steps))
    return (PolicyStep(place.source, place.scope.value, place.policy_id) for place in places)
