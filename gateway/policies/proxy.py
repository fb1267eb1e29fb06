"""
proxy: reach the backend through an HTTP proxy.

Source: APIM policy reference, "proxy".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant, combined
from gateway.wire.upstream.way import HttpProxy

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

SHAPE = Element(
    "proxy",
    "Reaches the backend through an HTTP proxy.",
    attributes=(
        ID,
        Attribute("url", "URL of the proxy.", required=True),
        Attribute("username", "User name at the proxy."),
        Attribute("password", "Password at the proxy."),
    ),
)


@dataclass(frozen=True, slots=True)
class ProxyPolicy(PolicyType):
    """One compiled proxy."""

    shape: ClassVar[Element] = SHAPE
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None

    proxy: Value[HttpProxy]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<proxy>``."""
        return cls(http_proxy(settings))

    def apply(self, context: Context) -> None:
        """forward-request will go through the proxy; see there."""
        context.request.proxy = self.proxy(context)


def http_proxy(settings: Settings) -> Value[HttpProxy]:
    """The proxy that the element names."""
    absent: Value[str] = Constant("")
    parts = [settings.text("url")]
    parts += [settings.maybe(settings.text, name) or absent for name in ("username", "password")]
    return combined(parts, lambda texts: HttpProxy(texts[0], texts[1] or None, texts[2] or None))
