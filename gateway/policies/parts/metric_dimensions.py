"""
Dimensions of metrics: named values, or one of those that every request has.

Source: APIM policy reference, "emit-metric", default dimension names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateway.documents.shape import Attribute, Element

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

MAX_CHARS = 256

DIMENSION = Element(
    "dimension",
    "A dimension of the metric.",
    attributes=(
        Attribute("name", "Its name.", required=True, expression=False),
        Attribute("value", "Its value; absent for `API ID`, `Operation ID`, `User ID` and so on."),
    ),
)

DEFAULTS: Mapping[str, Callable[[Context], str]] = {
    "API ID": lambda context: context.api.id,
    "Operation ID": lambda context: context.operation.id,
    "Product ID": lambda context: context.product.id if context.product else "",
    "User ID": lambda context: context.user.id if context.user else "",
    "Subscription ID": lambda context: context.subscription.id if context.subscription else "",
    "Location": lambda context: context.deployment.region,
    "Gateway ID": lambda context: context.deployment.gateway_id,
    "Backend ID": lambda context: context.backend.id if context.backend else "",
    "Client IP address": lambda context: context.request.ip_address,
}


def dimensions(settings: Settings) -> tuple[tuple[str, Value[str]], ...]:
    """Names and values. Raises LoadError: a dimension without value is none of the defaults."""
    return tuple(_dimension(dimension) for dimension in settings.all("dimension"))


def _dimension(settings: Settings) -> tuple[str, Value[str]]:
    name = settings.constant("name")
    if settings.has("value"):
        given = settings.text("value")
        return name, lambda context: given(context)[:MAX_CHARS]
    default = _BY_PLAIN_NAME.get(_plain(name))
    if default is None:
        remedy = f"add value, or use one of: {', '.join(DEFAULTS)}"
        raise settings.error("missing-attribute", f"dimension {name!r} needs a value", remedy)
    return name, default


def _plain(name: str) -> str:
    """``API ID`` and ``ApiId`` are one dimension."""
    return name.replace(" ", "").lower()


_BY_PLAIN_NAME = {_plain(name): value for name, value in DEFAULTS.items()}
