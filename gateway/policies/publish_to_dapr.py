"""
publish-to-dapr and invoke-dapr-binding: messages through the Dapr sidecar beside the gateway.

Source: APIM policy reference, "publish-to-dapr" and "invoke-dapr-binding"; Dapr, "Pub/sub API" and "Bindings API".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import quote

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.errors import UpstreamError
from gateway.expressions import to_text
from gateway.outside.seam import Call
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.body_text import message
from gateway.policies.parts.elements import FIELD_VALUE, timeout
from gateway.policies.parts.liquid_template import template_of
from gateway.wire.headers import Headers

if TYPE_CHECKING:
    from gateway.outside.seam import HttpClient
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response

SIDECAR = "http://localhost:3500"

_COMMON = (
    Attribute("response-variable-name", "Variable for the sidecar's answer.", expression=False),
    timeout("timeout", "Seconds.", "5"),
    Attribute(
        "template",
        "`Liquid`: the content is a Liquid template.",
        choices=("Liquid", "liquid", "none"),
        expression=False,
    ),
    Attribute("content-type", "Type of the data.", default="application/json", format=FIELD_VALUE),
    Attribute("ignore-error", "Whether to ignore a failure.", Kind.BOOLEAN, default="false"),
)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """How the sidecar is called."""

    client: HttpClient | None
    timeout_s: Value[float]
    content_type: Value[str]
    ignores_error: Value[bool]
    variable: str | None

    @classmethod
    def compile(cls, settings: Settings) -> Sidecar:
        """From the attributes that both policies have."""
        return cls(
            client=settings.services.http,
            timeout_s=settings.number("timeout"),
            content_type=settings.text("content-type"),
            ignores_error=settings.boolean("ignore-error"),
            variable=settings.maybe(settings.constant, "response-variable-name"),
        )

    async def post(self, path: str, content: bytes, context: Context) -> None:
        """Send *content*. Raises UpstreamError: the sidecar is not there, or refuses."""
        try:
            answer = await self._post(path, content, context)
        except UpstreamError:
            if not self.ignores_error(context):
                raise
            answer = None
        if self.variable:
            context.variables[self.variable] = answer

    async def _post(self, path: str, content: bytes, context: Context) -> Response:
        if self.client is None:
            raise UpstreamError("BackendConnectionFailure", "no client for outgoing requests is configured", 500)
        headers = Headers([("Content-Type", self.content_type(context))])
        answer = await self.client.send(Call("POST", SIDECAR + path, headers, content, self.timeout_s(context)))
        if answer.status_code >= 400:
            raise UpstreamError("BackendConnectionFailure", f"Dapr answered {answer.status_code}", 502)
        return answer


@dataclass(frozen=True, slots=True)
class PublishToDapr(PolicyType):
    """One compiled publish-to-dapr."""

    shape: ClassVar[Element] = Element(
        "publish-to-dapr",
        "Publishes a message through the Dapr sidecar.",
        attributes=(
            ID,
            Attribute("pubsub-name", "The component."),
            Attribute("topic", "The topic; in older documents component/topic.", required=True),
            *_COMMON,
        ),
        content=Content.TEXT,
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None

    sidecar: Sidecar
    component: Value[str] | None
    topic: Value[str]
    content: Value[bytes]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<publish-to-dapr>``."""
        component = settings.maybe(settings.text, "pubsub-name")
        return cls(Sidecar.compile(settings), component, settings.text("topic"), _content(settings, settings))

    async def apply(self, context: Context) -> None:
        """Waits for the sidecar. Raises UpstreamError."""
        topic = self.topic(context)
        if self.component:
            topic = f"{self.component(context)}/{topic}"
        await self.sidecar.post(f"/v1.0/publish/{quote(topic, safe='/')}", self.content(context), context)


_ITEM = Element("item", "One entry.", attributes=(Attribute("key", "Its key.", required=True),), content=Content.TEXT)


@dataclass(frozen=True, slots=True)
class InvokeDaprBinding(PolicyType):
    """One compiled invoke-dapr-binding."""

    shape: ClassVar[Element] = Element(
        "invoke-dapr-binding",
        "Calls an output binding of the Dapr sidecar.",
        attributes=(
            ID,
            Attribute("name", "The binding.", required=True),
            Attribute("operation", "The operation that it performs."),
            *_COMMON,
        ),
        children=(
            Child(Element("metadata", "Metadata of the call.", children=(Child(_ITEM, maximum=None),))),
            Child(Element("data", "The data.", content=Content.TEXT)),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})
    changes: ClassVar[None] = None

    sidecar: Sidecar
    name: Value[str]
    operation: Value[str] | None
    metadata: tuple[tuple[Value[str], Value[str]], ...]
    data: Value[bytes] | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<invoke-dapr-binding>``."""
        metadata, data = settings.child("metadata"), settings.child("data")
        return cls(
            sidecar=Sidecar.compile(settings),
            name=settings.text("name"),
            operation=settings.maybe(settings.text, "operation"),
            metadata=tuple((item.text("key"), item.content()) for item in metadata.all("item")) if metadata else (),
            data=_content(settings, data) if data else None,
        )

    async def apply(self, context: Context) -> None:
        """Waits for the sidecar. Raises UpstreamError."""
        call: dict[str, object] = {}
        if self.operation:
            call["operation"] = self.operation(context)
        if self.metadata:
            call["metadata"] = {key(context): value(context) for key, value in self.metadata}
        if self.data:
            call["data"] = _json(self.data(context))
        name = quote(self.name(context), safe="")
        await self.sidecar.post(f"/v1.0/bindings/{name}", json.dumps(call).encode(), context)


def _content(policy: Settings, holder: Settings) -> Value[bytes]:
    """The text of *holder*, by the *policy*'s ``template``."""
    if (policy.maybe(policy.constant, "template") or "none").lower() != "liquid":
        value = holder.content_object()
        return lambda context: _bytes(value(context))
    template, on_request = template_of(holder), policy.on_request
    return lambda context: template(*message(context, on_request), context).encode()


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else to_text(value).encode()


def _json(content: bytes) -> object:
    """JSON as it is, anything else as a text."""
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
