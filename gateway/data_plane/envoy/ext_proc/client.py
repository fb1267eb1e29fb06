"""
What Envoy says about a request beside its head: the attributes that its configuration has it send.

Source: Envoy, "Attributes"; ``request_attributes`` and ``response_attributes`` of the filter.
"""

from __future__ import annotations

from typing import Any

from gateway.data_plane.envoy.host import Unanswerable
from gateway.wire.server.forwarding_fields import node_address

ADDRESS = "source.address"
DETAILS = "response.code_details"


class NoAddress(Unanswerable):
    """Envoy does not say who the client is."""


def attribute(message: Any, name: str) -> str:
    """A text among the attributes; empty: it is not there."""
    for group in message.attributes.values():
        if name in group.fields:
            value: str = group.fields[name].string_value
            return value
    return ""


def client_of(message: Any) -> str:
    """The client's address. Raises NoAddress."""
    address = node_address(attribute(message, ADDRESS))
    if not address:
        import grpc

        raise NoAddress(grpc.StatusCode.FAILED_PRECONDITION, f"request_attributes lacks {ADDRESS}")
    return address


def detail_of(message: Any) -> str:
    """How Envoy came to the answer: ``via_upstream``, or its own reason."""
    return attribute(message, DETAILS)
