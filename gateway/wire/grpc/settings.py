"""What the configuration states about the gRPC calls of one API."""

from __future__ import annotations

from gateway.reading.settings import Block
from gateway.reading.values import Count

USUAL_BYTES = 4 * 1024 * 1024  # what gRPC's own libraries accept unless told otherwise


class GrpcSettings(Block):
    """How gRPC calls pass."""

    max_request_message_bytes: Count = USUAL_BYTES
    """Largest message of a client; a larger one ends its call with RESOURCE_EXHAUSTED. Messages are counted on the
    wire, compressed if they are; how many a stream has does not matter."""
    max_response_message_bytes: Count = USUAL_BYTES
    """Largest message of the backend."""
    web: bool = False
    """Whether calls in gRPC-Web's form, binary or text, are translated for the backend."""
