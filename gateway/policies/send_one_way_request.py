"""
send-one-way-request: notify another service, without waiting for its answer.

Source: APIM policy reference, "send-one-way-request".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Element
from gateway.errors import UpstreamError
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.outgoing import ATTRIBUTES, CHILDREN, Outgoing

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.outside.seam import Call, HttpClient
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.destination import Destination
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class SendOneWayRequest(PolicyType):
    """One compiled send-one-way-request; a failure is a line in the log."""

    shape: ClassVar[Element] = Element(
        "send-one-way-request",
        "Sends a request to another service and continues immediately; the answer is discarded.",
        attributes=(ID, *ATTRIBUTES),
        children=CHILDREN,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    outgoing: Outgoing
    background: Background

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<send-one-way-request>``."""
        return cls(Outgoing.compile(settings), settings.services.background)

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """The other service, where the request is a copy."""
        return self.outgoing.destinations

    async def apply(self, context: Context) -> None:
        """Makes the request from the context as it is now, then leaves it to the background."""
        client = self.outgoing.client
        if client is None:
            raise UpstreamError("BackendConnectionFailure", "no client for outgoing requests is configured", 500)
        self.background.start(_send(client, await self.outgoing.call(context)), "send-one-way-request")


async def _send(client: HttpClient, call: Call) -> None:
    await client.send(call)
