"""
A query answered by resolvers: graphql-core runs it, and asks for each field that has one.

A field without a resolver is a member of its parent's object. There is no batching: a resolver of a list's items is
called once for each item, within the bounds of the request.

Source: GraphQL specification §6; APIM, "Configure a GraphQL resolver".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    MiddlewareManager,
    execute,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution import Executor

from gateway.graphql.call import GraphQLCall
from gateway.graphql.refusals import BAD_REQUEST, LIMIT, GraphQLRefusal, error_of, refusal
from gateway.wire.slices import driven, rest
from gateway.wire.work import Work, WorkExceeded

_FIELD_S = 1.5e-5  # processor time of completing a field
_MOST_ERRORS = 50
_SAID_BY_LIBRARY = "Cannot return null for non-nullable field"
_UNRESOLVED = "The field could not be resolved."


class Fetch(Protocol):
    """Gets the value of a field."""

    def __call__(self, source: Any, arguments: Mapping[str, Any], parent: Any) -> Awaitable[object]:
        """The value that *source* gives for a field of *parent*. Raises ResolverFailed."""


class ResolverFailed(Exception):
    """A resolver has no value for its field; the text is for the caller."""


@dataclass(slots=True)
class Execution:
    """
    One query being answered.

    Attributes:
        spent: Whether the request has used up what it may compute.
    """

    call: GraphQLCall
    fetch: Fetch
    work: Work
    places: asyncio.Semaphore = field(init=False)
    spent: bool = False

    def __post_init__(self) -> None:
        self.places = asyncio.Semaphore(self.call.api.settings.max_concurrent_calls)

    async def run(self, variables: dict[str, Any] | None) -> dict[str, Any]:
        """The answer, ``{"data", "errors"?}``. Raises GraphQLRefusal: it could not begin, or took too much."""
        result = execute(
            self.call.api.judge.schema,
            self.call.node or DocumentNode(definitions=(self.call.operation,)),
            variable_values=variables,
            operation_name=self.call.name or None,
            field_resolver=self._resolve,
            type_resolver=_type_name,
            middleware=MiddlewareManager(self),
            executor_class=_SlicedExecutor,
            max_coercion_errors=5,
        )
        answer = result if isinstance(result, ExecutionResult) else await result
        if self.spent:
            raise refusal(LIMIT, "The request needs more than one request may have.", 413)
        return self._answer(answer)

    def _answer(self, result: ExecutionResult) -> dict[str, Any]:
        errors = [_shown(error) for error in (result.errors or [])[:_MOST_ERRORS]]
        if result.data is None and errors and all("path" not in error for error in errors):
            raise GraphQLRefusal(BAD_REQUEST, errors, "The variables do not fit the operation.")
        errors += self.call.removed
        return {"errors": errors, "data": result.data} if errors else {"data": result.data}

    def resolve(self, following: Callable[..., Any], parent: Any, info: GraphQLResolveInfo[Any], **named: Any) -> Any:
        """What graphql-core calls for each field, those of introspection too; *following* has its value."""
        rest()
        self._pay()
        return following(parent, info, **named)

    def _resolve(self, parent: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        """The value of a field of the schema's own."""
        key = (info.parent_type.name, info.field_name)
        source = self.call.api.resolvers.get(key) or self.call.resolvers.get(key)
        if source is None:
            return parent.get(info.field_name) if isinstance(parent, Mapping) else None
        self.call.calls += 1
        if self.call.calls > self.call.api.settings.max_resolver_calls:
            raise ResolverFailed("The request needs more calls of resolvers than one request may have.")
        return self._call(source, arguments, parent, info)

    def _pay(self) -> None:
        try:
            self.work.draw(_FIELD_S)
        except WorkExceeded:
            self.spent = True
            raise ResolverFailed("The request needs more than one request may have.") from None

    async def _call(self, source: Any, arguments: Mapping[str, Any], parent: Any, info: GraphQLResolveInfo[Any]) -> Any:
        async with self.places:
            value = await self.fetch(source, arguments, parent)
        if isinstance(value, str) and not is_leaf_type(get_nullable_type(info.return_type)):
            raise ResolverFailed(_UNRESOLVED)
        return value


class _SlicedExecutor(Executor[Any]):
    """What has been waited for is completed in slices, as the beginning of the query is."""

    def complete_awaitable_value(self, *arguments: Any) -> Any:
        """As graphql-core does it, in the turns that the event loop has for it."""
        return driven(super().complete_awaitable_value(*arguments))


def _type_name(value: Any, info: GraphQLResolveInfo[Any], abstract_type: Any) -> str | None:
    """The type of an object behind an interface or a union: its ``__typename``, as in APIM."""
    name = value.get("__typename") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else None


def _shown(error: GraphQLError) -> dict[str, Any]:
    """*error* without anything of a backend: what it has answered, or where it is."""
    if error.path is None:
        return error_of(error.message)
    known = isinstance(error.original_error, ResolverFailed) or error.message.startswith(_SAID_BY_LIBRARY)
    return error_of(error.message if known else _UNRESOLVED, path=error.path)
