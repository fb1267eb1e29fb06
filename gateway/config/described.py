"""
APIs whose operations are in a WSDL or in OData's metadata, joined with the configuration of these operations.

Source: APIM, "Import a SOAP API", "Import an OData API".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from gateway.config.apis import Api, Operation
from gateway.config.model import Config
from gateway.errors import LoadError, Location, Problem
from gateway.odata.csdl import read_metadata
from gateway.odata.metadata import ServiceModel
from gateway.soap.settings import SoapSettings
from gateway.soap.wsdl import SoapOperation, read_wsdl

SERVICE_DOCUMENT, METADATA_DOCUMENT = "service-document", "metadata"


@dataclass(frozen=True, slots=True)
class DescribedOperation:
    """One operation of a description: the name that it has there, and what ``context.Operation`` shows of it."""

    name: str
    method: str
    url_template: str
    location: Location
    actions: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name as an id: letters, digits, dot, dash and underscore."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).lstrip("-._") or "operation"


def with_descriptions(config: Config) -> Config:
    """*config* with the operations of every WSDL and every metadata. Raises LoadError: with every mistake in them."""
    problems: list[Problem] = []
    apis = [_with_description(config, index, api, problems) for index, api in enumerate(config.apis)]
    if problems:
        raise LoadError(problems)
    return config.model_copy(update={"apis": tuple(apis)})


def _with_description(config: Config, index: int, api: Api, problems: list[Problem]) -> Api:
    if api.wsdl is None and api.metadata is None:
        return api
    try:
        completed, described = _soap(api) if api.wsdl is not None else _odata(api)
    except LoadError as error:
        problems += error.problems
        return api
    joined = _Joining({operation.id.lower(): operation for operation in described})
    for number, operation in enumerate(api.operations):
        problems += joined.add(operation, config.location("apis", index, "operations", number), api.type)
    return completed.model_copy(update={"operations": joined.operations()})


def _soap(api: Api) -> tuple[Api, list[DescribedOperation]]:
    if api.wsdl is None:
        raise ValueError("the API has no WSDL")
    operations = read_wsdl(api.wsdl, api.soap)
    described = _described(operations)
    return api.describes({"soap": operations, "names": _names(described)}), described


def _described(operations: Iterable[SoapOperation]) -> list[DescribedOperation]:
    return [
        DescribedOperation(operation.name, "POST", "/", operation.location, tuple(sorted(operation.actions)))
        for operation in operations
    ]


def soap_operations(file: Path, settings: SoapSettings) -> list[DescribedOperation]:
    """The operations of a WSDL. Raises LoadError: it cannot be published."""
    described = _described(read_wsdl(file, settings))
    _names(described)
    return described


def odata_operations(file: Path) -> list[DescribedOperation]:
    """The operations of OData's metadata. Raises LoadError: it cannot be published."""
    described = _of_model(read_metadata(file), Location(str(file)))
    _names(described)
    return described


def _odata(api: Api) -> tuple[Api, list[DescribedOperation]]:
    if api.metadata is None:
        raise ValueError("the API has no metadata")
    metadata = read_metadata(api.metadata)
    described = _of_model(metadata, Location(str(api.metadata)))
    return api.describes({"odata": metadata, "names": _names(described)}), described


def _of_model(metadata: ServiceModel, start: Location) -> list[DescribedOperation]:
    return [
        *(DescribedOperation(name, "*", f"/{name}", place) for name, place in metadata.places.items()),
        DescribedOperation(SERVICE_DOCUMENT, "GET", "/", start),
        DescribedOperation(METADATA_DOCUMENT, "GET", "/$metadata", start),
    ]


def _names(described: list[DescribedOperation]) -> Mapping[str, str]:
    """The descriptions' names by id. Raises LoadError: two of them have the same id."""
    taken: set[str] = set()
    for operation in described:
        if operation.id.lower() in taken:
            message = f"{operation.name} and another operation have the same id, case aside"
            raise LoadError.at(operation.location, "ambiguous-description", message, "publish it as type: http")
        taken.add(operation.id.lower())
    return {operation.id: operation.name for operation in described}


class _Joining:
    """The operations of one description, and what is written about them."""

    def __init__(self, described: Mapping[str, DescribedOperation]) -> None:
        self._described = described
        self._written: dict[str, Operation] = {}
        self._more: list[Operation] = []

    def add(self, operation: Operation, location: Location, kind: str) -> Iterator[Problem]:
        """Take what is written about one operation; what cannot be matched becomes a problem."""
        known = self._described.get(operation.id.lower())
        if known is None:
            yield from self._add_own(operation, location, kind)
        elif known.id in self._written:
            yield Problem(location, "duplicate-operation", f"{known.id} is written twice", "keep one")
        elif operation.method or operation.url_template:
            message = f"method and URL template of {known.id} are those of the description"
            yield Problem(location, "other-operation", message, "remove method and url-template")
        else:
            self._written[known.id] = _completed(operation, known, location)

    def _add_own(self, operation: Operation, location: Location, kind: str) -> Iterator[Problem]:
        """An operation that only the configuration has. A SOAP API can have some, which no message can reach."""
        if kind == "soap" and operation.method not in ("", "*", "POST") and operation.url_template:
            self._more.append(operation.at(location))
            return
        close = get_close_matches(operation.id.lower(), self._described, n=1)
        what = "the WSDL" if kind == "soap" else "the metadata"
        remedy = f"did you mean {self._described[close[0]].id}?" if close else "remove it"
        yield Problem(location, "unknown-operation", f"{what} has no operation {operation.id!r}", remedy)

    def operations(self) -> tuple[Operation, ...]:
        """All of them: the description's in its order, then those that only the configuration has."""
        listed = (
            self._written.get(known.id) or _completed(Operation.model_construct(id=known.id), known, known.location)
            for known in self._described.values()
        )
        return (*listed, *self._more)


def _completed(operation: Operation, known: DescribedOperation, location: Location) -> Operation:
    facts = {
        "id": known.id,
        "name": operation.name or known.name,
        "method": known.method,
        "url_template": known.url_template,
    }
    return operation.model_copy(update=facts).at(location)
