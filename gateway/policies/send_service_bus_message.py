"""
send-service-bus-message: hand a message to the configured sink.

Source: APIM policy reference, "send-service-bus-message".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.errors import UpstreamError
from gateway.outside.seam import Event
from gateway.pipeline.policy import PolicyType

if TYPE_CHECKING:
    from gateway.outside.seam import EventSink
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_PROPERTY = Element(
    "message-property",
    "A property of the message.",
    attributes=(Attribute("name", "Its name.", required=True),),
    content=Content.TEXT,
)
_PAYLOAD = Element("payload", "The message.", content=Content.TEXT, required=True)


@dataclass(frozen=True, slots=True)
class SendServiceBusMessage(PolicyType):
    """One compiled send-service-bus-message; a message that cannot be handed over is an error."""

    shape: ClassVar[Element] = Element(
        "send-service-bus-message",
        "Sends a message to the configured logger.",
        attributes=(
            ID,
            Attribute("queue-name", "Queue; this or `topic-name`."),
            Attribute("topic-name", "Topic."),
            Attribute("namespace", "Host of the namespace."),
            Attribute("client-id", "Identity to send with."),
        ),
        children=(
            Child(Element("message-properties", "Properties.", children=(Child(_PROPERTY, maximum=None),))),
            Child(_PAYLOAD, minimum=1),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND, Section.ON_ERROR})
    changes: ClassVar[None] = None

    sink: EventSink | None
    destination: Value[str]
    properties: tuple[tuple[Value[str], Value[str]], ...]
    payload: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<send-service-bus-message>``. Raises LoadError: not one destination."""
        names = [name for name in ("queue-name", "topic-name") if settings.has(name)]
        payload, properties = settings.child("payload"), settings.child("message-properties")
        if len(names) != 1 or payload is None:
            raise settings.error("conflict", "exactly one of queue-name and topic-name must be given")
        return cls(
            sink=settings.services.sink,
            destination=settings.text(names[0]),
            properties=tuple(
                (message_property.text("name"), message_property.content())
                for message_property in (properties.all("message-property") if properties else ())
            ),
            payload=payload.content(),
        )

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None when the sink took the message immediately. Raises UpstreamError: there is no sink."""
        if self.sink is None:
            raise UpstreamError("BackendConnectionFailure", "no sink for messages is configured", 500)
        properties = tuple((name(context), value(context)) for name, value in self.properties)
        content = self.payload(context).encode()
        return self.sink.write(Event("servicebus", self.destination(context), content, properties))
