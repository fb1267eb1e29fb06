"""
The request that send-request and send-one-way-request make: shapes of its parts, and how they become one call.

Source: APIM policy reference, "send-request".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from gateway.documents.shape import Attribute, Child, Content, Element
from gateway.errors import UpstreamError
from gateway.outside.seam import Call
from gateway.pipeline.destination import Destination
from gateway.pipeline.values import Constant
from gateway.policies.authentication_basic import AuthenticationBasic
from gateway.policies.authentication_certificate import SHAPE as CERTIFICATE
from gateway.policies.authentication_certificate import client_certificate
from gateway.policies.authentication_managed_identity import AuthenticationManagedIdentity
from gateway.policies.parts.elements import NOT_COPIED, URL_TEXT, timeout
from gateway.policies.proxy import SHAPE as PROXY
from gateway.policies.proxy import http_proxy
from gateway.policies.set_body import SetBody
from gateway.policies.set_header import SetHeader
from gateway.policies.set_method import SetMethod
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.upstream.way import HttpProxy, StoredCertificate

if TYPE_CHECKING:
    from gateway.outside.seam import HttpClient
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

SET_URL = Element("set-url", "Where the request goes; absolute.", content=Content.TEXT, required=True, format=URL_TEXT)

ATTRIBUTES = (
    Attribute("mode", "`new`, or `copy` of the current request.", default="new", choices=("new", "copy")),
    timeout("timeout", "Seconds for the whole call.", "60"),
)
CHILDREN = (
    Child(SET_URL),
    Child(SetMethod.shape),
    Child(SetHeader.shape, maximum=None),
    Child(SetBody.shape),
    Child(AuthenticationBasic.shape),
    Child(CERTIFICATE),
    Child(AuthenticationManagedIdentity.shape),
    Child(PROXY),
)


@dataclass(slots=True)
class Draft:
    """A request in the making."""

    method: str = "GET"
    url: str = ""
    headers: Headers = field(default_factory=Headers)
    body: Body = field(default_factory=Body)
    certificate: StoredCertificate | None = None
    proxy: HttpProxy | None = None


# What one child does to the draft.
Change: TypeAlias = Callable[[Draft, "Context"], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    One compiled request.

    Attributes:
        destinations: Where it takes the client's headers: a new request has none of them.
    """

    client: HttpClient | None
    mode: Value[str]
    timeout_s: Value[float]
    changes: tuple[Change, ...]
    destinations: tuple[Destination, ...]

    @classmethod
    def compile(cls, settings: Settings) -> Outgoing:
        """From the element's attributes and children. Raises LoadError: no URL."""
        mode = settings.text("mode")
        is_new = isinstance(mode, Constant) and mode.value == "new"
        if is_new and settings.child("set-url") is None:
            raise settings.error("missing-child", f"{settings.shape.name} has no <set-url>", "add one, or mode='copy'")
        settings.reads.request_body |= not is_new
        destinations = () if is_new else (_destination(settings),)
        return cls(settings.services.http, mode, settings.number("timeout"), tuple(changes_of(settings)), destinations)

    async def send(self, context: Context) -> Response:
        """The answer. Raises UpstreamError: there is none."""
        if self.client is None:
            raise UpstreamError("BackendConnectionFailure", "no client for outgoing requests is configured", 500)
        return await self.client.send(await self.call(context))

    async def call(self, context: Context) -> Call:
        """The request, with everything that expressions give. Raises UpstreamError: the URL is none."""
        draft = _copy(context) if self.mode(context) == "copy" else Draft()
        for change in self.changes:
            waiting = change(draft, context)
            if waiting is not None:
                await waiting
        _check_url(draft.url)
        return Call(
            method=draft.method,
            url=draft.url,
            headers=draft.headers,
            body=draft.body.read(preserve=True),
            timeout_s=self.timeout_s(context),
            certificate=draft.certificate,
            proxy=draft.proxy,
            trace=None if context.span is None else context.span.parent,
        )


def _copy(context: Context) -> Draft:
    """The current request as it would go to the backend; its own body stays where it is."""
    request = context.request
    headers = request.headers.copy()
    for name in NOT_COPIED:
        headers.remove(name)
    if context.span is not None:
        context.span.disown(headers)  # the call has a span of its own
    body = request.body.content if request.body else b""  # as it was sent: its Content-Encoding is copied too
    return Draft(request.method, str(request.url), headers, Body(body))


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        raise UpstreamError("BackendConnectionFailure", "set-url is not an absolute http or https URL", 500)


# -- children to changes
def changes_of(settings: Settings) -> Iterator[Change]:
    """In the documented order, whatever the order in the file."""
    for name, compile_change in _PARTS.items():
        if settings.shape.child(name) is not None:
            yield from map(compile_change, settings.all(name))


def _destination(settings: Settings) -> Destination:
    child = settings.child("set-url")
    url = None if child is None else child.content()
    return Destination.at(url.value) if isinstance(url, Constant) else Destination()


def _set_url(settings: Settings) -> Change:
    url = settings.content()

    def change(draft: Draft, context: Context) -> None:
        draft.url = url(context).strip()

    return change


def _set_method(settings: Settings) -> Change:
    method = SetMethod.compile(settings)

    def change(draft: Draft, context: Context) -> None:
        draft.method = method.evaluate(context)

    return change


def _set_header(settings: Settings) -> Change:
    header = SetHeader.compile(settings)
    return lambda draft, context: header.change(draft.headers, context)


def _set_body(settings: Settings) -> Change:
    body = SetBody.compile(settings)

    def change(draft: Draft, context: Context) -> None:
        draft.body = body.change(draft.body, draft.headers, context)

    return change


def _basic(settings: Settings) -> Change:
    basic = AuthenticationBasic.compile(settings)
    return lambda draft, context: basic.change(draft.headers, context)


def _certificate(settings: Settings) -> Change:
    certificate = client_certificate(settings)

    def change(draft: Draft, context: Context) -> None:
        draft.certificate = certificate(context)

    return change


def _managed_identity(settings: Settings) -> Change:
    identity = AuthenticationManagedIdentity.compile(settings)
    return lambda draft, context: identity.change(draft.headers, context)


def _proxy(settings: Settings) -> Change:
    proxy = http_proxy(settings)

    def change(draft: Draft, context: Context) -> None:
        draft.proxy = proxy(context)

    return change


_PARTS: Mapping[str, Callable[[Settings], Change]] = {
    "set-url": _set_url,
    "set-method": _set_method,
    "set-header": _set_header,
    "set-body": _set_body,
    "authentication-basic": _basic,
    "authentication-certificate": _certificate,
    "authentication-managed-identity": _managed_identity,
    "proxy": _proxy,
}
