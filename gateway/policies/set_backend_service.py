"""
set-backend-service: send the request to another backend.

Source: APIM policy reference, "set-backend-service"; Dapr, "Service invocation API".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import quote, urlsplit

from gateway.documents.model import Section
from gateway.documents.placeholders import UNRESOLVED
from gateway.documents.shape import ID, Attribute, Element
from gateway.errors import ExpressionError
from gateway.pipeline.changes import URL, Change
from gateway.pipeline.destination import Destination
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.wire.messages import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Target

DAPR_SIDECAR = "http://localhost:3500"

# example.com/path, localhost:8080: an address without its scheme.
_HOST_FIRST = re.compile(r"[\w-]+(?:\.[\w-]+|:\d+)")
_SERVICE_FABRIC = tuple(
    Attribute(name, "Azure Service Fabric; refused here.")
    for name in (
        "sf-resolve-condition",
        "sf-service-instance-name",
        "sf-partition-key",
        "sf-listener-name",
        "sf-replica-type",
    )
)


@dataclass(frozen=True, slots=True)
class Dapr:
    """The application that the sidecar calls, and its method."""

    app_id: Value[str]
    method: Value[str]
    namespace: Value[str] | None

    def path(self, context: Context) -> str:
        """Path of the invocation at the sidecar."""
        app = self.app_id(context)
        if self.namespace:
            app = f"{app}.{self.namespace(context)}"
        return f"/v1.0/invoke/{quote(app, safe='')}/method/{quote(self.method(context).lstrip('/'), safe='/')}"


@dataclass(frozen=True, slots=True)
class SetBackendService(PolicyType):
    """
    One compiled set-backend-service.

    Attributes:
        target: The target itself when it is known at load, else where to look it up for each request.
    """

    shape: ClassVar[Element] = Element(
        "set-backend-service",
        "Replaces scheme, host, port and base path of the backend; the path after the API's prefix is kept.",
        attributes=(
            ID,
            Attribute("base-url", "URL of the backend; this or `backend-id`."),
            Attribute("backend-id", "A backend of the configuration; `dapr` means the Dapr sidecar."),
            *_SERVICE_FABRIC,
            Attribute("dapr-app-id", "With `backend-id='dapr'`: the application to call."),
            Attribute("dapr-method", "With `backend-id='dapr'`: its method."),
            Attribute("dapr-namespace", "With `backend-id='dapr'`: its namespace."),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.BACKEND})
    changes: ClassVar[Change] = URL

    target: Value[Target]
    dapr: Dapr | None
    destination: Destination

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-backend-service>``. Raises LoadError: not one backend, an unknown one, or Service Fabric."""
        for attribute in _SERVICE_FABRIC:
            if settings.has(attribute.name):
                remedy = "use base-url or backend-id"
                raise settings.error("cloud-only", "Service Fabric exists only in Azure", remedy, at=attribute.name)
        if settings.has("base-url") == settings.has("backend-id"):
            remedy = "remove one of them" if settings.has("base-url") else "add base-url or backend-id"
            raise settings.error("conflict", "exactly one of base-url and backend-id must be given", remedy)
        dapr = _dapr(settings)
        if dapr:
            sidecar = settings.services.targets.for_url(DAPR_SIDECAR)
            return cls(Constant(sidecar), dapr, Destination(url=DAPR_SIDECAR))
        return cls(_target(settings), None, _destination(settings))

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The backend."""
        return (self.destination,)

    def apply(self, context: Context) -> None:
        """Changes where the request goes. Raises ExpressionError: an expression gave no backend."""
        context.request.target = self.target(context)
        if self.dapr:
            context.request.path = self.dapr.path(context)


def _dapr(settings: Settings) -> Dapr | None:
    if not settings.has("backend-id") or settings.constant("backend-id") != "dapr":
        return None
    namespace = settings.maybe(settings.text, "dapr-namespace")
    return Dapr(settings.text("dapr-app-id"), settings.text("dapr-method"), namespace)


def _target(settings: Settings) -> Value[Target]:
    targets, name = settings.services.targets, "base-url" if settings.has("base-url") else "backend-id"
    given, find = settings.text(name), targets.for_url if name == "base-url" else targets.for_id
    if not isinstance(given, Constant):
        return lambda context: _find_now(find, name, given(context))
    return Constant(_find_at_load(find, name, given.value, settings))


def _destination(settings: Settings) -> Destination:
    by_url = settings.has("base-url")
    given = settings.text("base-url" if by_url else "backend-id")
    if not isinstance(given, Constant):
        return Destination(any_backend=not by_url)
    return Destination.at(given.value) if by_url else Destination(backend=given.value.strip())


def _find_at_load(find: Callable[[str], Target], name: str, text: str, settings: Settings) -> Target:
    try:
        return find(_checked(name, text.strip()))
    except ValueError:
        code = "bad-value" if text.strip() else UNRESOLVED
        if "?" in text:
            remedy = "set it with set-query-parameter or rewrite-uri"
            raise settings.error(code, "a base-url has no query", remedy, at=name) from None
        remedy = f"write https://{text.strip()}" if _HOST_FIRST.match(text.strip()) else "write http://… or https://…"
        raise settings.error(code, f"{text!r} is not a URL", remedy, at=name) from None
    except KeyError:
        remedy = "add it under backends in the configuration"
        raise settings.error("unknown-backend", f"no backend {text!r}", remedy, at=name) from None


def _find_now(find: Callable[[str], Target], name: str, text: str) -> Target:
    try:
        return find(_checked(name, text.strip()))
    except (KeyError, ValueError):
        raise ExpressionError("ArgumentException", f"{name} of set-backend-service names no backend") from None


def _checked(name: str, text: str) -> str:
    """*text*; for base-url only when it is an absolute HTTP or WebSocket URL without credentials. Raises ValueError."""
    parts = urlsplit(text)
    if name == "base-url" and (parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc):
        raise ValueError(text)
    return text
