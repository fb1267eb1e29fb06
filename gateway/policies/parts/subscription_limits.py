"""
Limits for each subscription: one for the document's scope, and inner ones for APIs and operations.

Source: APIM policy reference, "rate-limit" and "quota".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.counters import Demand
from gateway.counters.windows import Window
from gateway.documents.model import Scope

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Limit:
    """
    One limit.

    Attributes:
        api, operation: Id or name that it is for; None: any.
        by_api_id, by_operation_id: Whether that is an id.
        windows: What is counted, by kind (``call volume``, ``bandwidth``).
    """

    api: str | None
    operation: str | None
    by_api_id: bool
    by_operation_id: bool
    windows: tuple[tuple[str, Window], ...]

    def applies(self, context: Context) -> bool:
        """Whether the request is one of those that it is for."""
        api, operation = context.api, context.operation
        return (self.api is None or self.api == (api.id if self.by_api_id else api.name)) and (
            self.operation is None or self.operation == (operation.id if self.by_operation_id else operation.name)
        )


Windows = Callable[["Settings", int], tuple[tuple[str, Window], ...]]


def limits(settings: Settings, windows: Windows, period_s: int) -> tuple[Limit, ...]:
    """The outer limit and those in ``<api>`` and ``<operation>``. Raises LoadError: neither name nor id."""
    return (Limit(None, None, True, True, windows(settings, period_s)), *_inner(settings, windows, period_s))


def _inner(settings: Settings, windows: Windows, period_s: int) -> Iterator[Limit]:
    for api in settings.all("api"):
        name, by_id = _named(api)
        own_s = api.maybe(api.constant_int, "renewal-period")
        api_s = period_s if own_s is None else own_s
        yield Limit(name, None, by_id, True, windows(api, api_s))
        for operation in api.all("operation"):
            inner, inner_by_id = _named(operation)
            inner_s = operation.maybe(operation.constant_int, "renewal-period")
            yield Limit(name, inner, by_id, inner_by_id, windows(operation, api_s if inner_s is None else inner_s))


def _named(settings: Settings) -> tuple[str, bool]:
    """Id or name; the id wins."""
    for attribute in ("id", "name"):
        if settings.has(attribute):
            return settings.constant(attribute), attribute == "id"
    raise settings.error("missing-attribute", f"{settings.shape.name} needs id or name", "add id")


def demands(all_limits: tuple[Limit, ...], context: Context, amount: int = 1) -> list[tuple[str, Demand]]:
    """What this request draws on, by kind; nothing without a subscription, which APIM counts by."""
    if context.subscription is None:
        return []
    base = f"subscription/{context.subscription.id}/{_scope(context)}"
    return [
        (kind, Demand(f"{base}/{kind}/{limit.api or ''}/{limit.operation or ''}", window, amount, base))
        for limit in all_limits
        if limit.applies(context)
        for kind, window in limit.windows
    ]


def _scope(context: Context) -> str:
    """What the document is for: two products with the same limit count apart."""
    scope = context.place.scope if context.place else Scope.GLOBAL
    names = {
        Scope.GLOBAL: "",
        Scope.PRODUCT: context.product.id if context.product else "",
        Scope.API: context.api.id,
        Scope.OPERATION: f"{context.api.id}/{context.operation.id}",
    }
    return f"{scope.value}/{names[scope]}"
