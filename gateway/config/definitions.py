"""
An API's OpenAPI definition, joined with the configuration of its operations.

Source: APIM, "API import restrictions": an imported operation is known by its id, else by method and URL template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from gateway.config.apis import Api, Operation
from gateway.config.model import Config
from gateway.errors import LoadError, Location, Problem
from gateway.openapi import OperationDefinition, normalized, read_definition


def with_definitions(config: Config) -> Config:
    """*config* with the operations of every definition. Raises LoadError: with every mistake in them."""
    problems: list[Problem] = []
    described = {tool.api for api in config.apis if api.mcp is not None for tool in api.mcp.tools}
    apis = [
        _with_definition(config, index, api, problems, api.id in described) for index, api in enumerate(config.apis)
    ]
    if problems:
        raise LoadError(problems)
    return config.model_copy(update={"apis": tuple(apis)})


def _with_definition(config: Config, index: int, api: Api, problems: list[Problem], described: bool) -> Api:
    if api.openapi is None:
        return api
    try:
        joined = _Joined(_imported(api, api.openapi, config.location("apis", index, "openapi"), described))
    except LoadError as error:
        problems += error.problems
        return api
    for number, operation in enumerate(api.operations):
        problems += joined.add(operation, config.location("apis", index, "operations", number))
    return api.model_copy(update={"operations": joined.operations()})


def _imported(api: Api, file: Path, location: Location, described: bool) -> Sequence[OperationDefinition]:
    """The operations of *file*; none would let everything pass. Raises LoadError."""
    in_template = api.translate_required_query_parameters == "template"
    operations = read_definition(file, query_in_template=in_template, described=described)
    if not operations:
        message = f"{file.name} defines no operation"
        raise LoadError.at(location, "empty-definition", message, "add paths to it, or remove openapi")
    return operations


class _Joined:
    """The operations of one definition, and what is written about them."""

    def __init__(self, imported: Iterable[OperationDefinition]) -> None:
        self._by_id = {operation.id: operation for operation in imported}
        self._by_route: dict[tuple[str, str], OperationDefinition] = {}
        for operation in self._by_id.values():
            for template in (operation.url_template, operation.url_template.partition("?")[0]):
                self._by_route.setdefault((operation.method, template), operation)
        self._written: dict[str, Operation] = {}
        self._more: list[Operation] = []

    def add(self, operation: Operation, location: Location) -> Iterator[Problem]:
        """Take what is written about one operation; what cannot be matched becomes a problem."""
        by_id = self._by_id.get(normalized(operation.id))
        definition = by_id or self._by_route.get((operation.method, operation.url_template))
        if definition is not None:
            yield from self._complete(operation, definition, location, {"id": definition.id} if by_id else {})
        elif operation.method and operation.url_template:
            self._more.append(operation.defined(None, location))
        else:
            yield _unknown(operation, location, self._by_id)

    def _complete(
        self, operation: Operation, definition: OperationDefinition, location: Location, known: dict[str, str]
    ) -> Iterator[Problem]:
        if definition.id in self._written:
            message = f"{definition.method} {definition.url_template} is written twice"
            yield Problem(location, "duplicate-operation", message, "keep one")
        elif not _agrees(operation, definition):
            message = f"{operation.id!r} is {definition.method} {definition.url_template} in the definition"
            yield Problem(location, "other-operation", message, "remove method and url-template, or give another id")
        else:
            named = operation.model_copy(update={**known, "name": operation.name or definition.name})
            self._written[definition.id] = named.defined(definition, location)

    def operations(self) -> tuple[Operation, ...]:
        """All of them: the definition's in its order, then those that only the configuration has."""
        defined = (self._written.get(operation.id) or _bare(operation) for operation in self._by_id.values())
        return (*defined, *self._more)


def _bare(definition: OperationDefinition) -> Operation:
    operation = Operation.model_construct(id=definition.id, name=definition.name)
    return operation.defined(definition, definition.location)


def _agrees(operation: Operation, definition: OperationDefinition) -> bool:
    """Whether *operation* repeats the definition, or leaves it out."""
    templates = ("", definition.url_template, definition.url_template.partition("?")[0])
    return operation.method in ("", definition.method) and operation.url_template in templates


def _unknown(operation: Operation, location: Location, known: Iterable[str]) -> Problem:
    """*operation* has no method or URL template, and the definition does not know it."""
    close = get_close_matches(normalized(operation.id), known, n=1)
    remedy = f"did you mean {close[0]}?" if close else "add method and url-template"
    return Problem(location, "unknown-operation", f"the definition has no operation {operation.id!r}", remedy)
