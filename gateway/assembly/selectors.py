"""APIs whose operations are not told apart by path and method alone: what chooses them, and which paths lead there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.data_plane.routing import RoutedOperation
from gateway.errors import Location, Problem
from gateway.soap.settings import SoapSettings

if TYPE_CHECKING:
    from gateway.config.apis import Api
    from gateway.data_plane.dispatcher import OperationRuntime, OperationSelector
    from gateway.pipeline.pipeline import Pipeline


def selector(api: Api, runtimes: Mapping[str, OperationRuntime]) -> OperationSelector | None:
    """What chooses among *runtimes*, by id; None: paths and methods say which operation is called."""
    named = {name: runtimes[id] for id, name in api.described_names.items()}
    if api.type == "soap":
        from gateway.data_plane.soap import SoapSelector

        return SoapSelector(api.soap_operations, named, (api.soap or SoapSettings()).max_message_bytes)
    if api.type == "odata":
        from gateway.config.described import METADATA_DOCUMENT, SERVICE_DOCUMENT
        from gateway.data_plane.odata import ODataSelector

        documents = {"": named.pop(SERVICE_DOCUMENT), "$metadata": named.pop(METADATA_DOCUMENT)}
        return ODataSelector(named, documents)
    return None


def selected_routes(api: Api, listed: list[RoutedOperation], whole: OperationRuntime) -> list[RoutedOperation]:
    """The routes of an API that has a selector: one that leads to it, and the operations that paths do say."""
    method, template = ("POST", "/") if api.type == "soap" else ("*", "/*")
    own = [operation for operation in listed if operation.id not in api.described_names]
    return [RoutedOperation("", method, template, whole, listed[0].location), *own]


def misplaced_validation(api: Api, pipelines: Iterable[Pipeline]) -> Iterator[Problem]:
    """Each validate-odata-request that every request to *api* meets, and that has no metadata to judge it by."""
    if api.type == "odata":
        return
    places = (step.place for pipeline in pipelines for step in pipeline.inbound)
    for place in (place for place in places if place.source == "validate-odata-request"):
        file, _, line = place.position.rpartition(":")
        message = f"validate-odata-request needs metadata, and the API {api.id} has none"
        remedy = "give the API type: odata and metadata, or let a choose leave it out"
        yield Problem(Location(file, int(line)), "no-metadata", message, remedy)
