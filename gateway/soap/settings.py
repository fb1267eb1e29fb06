"""What the configuration states about the SOAP messages of one API."""

from __future__ import annotations

from gateway.reading.settings import Block
from gateway.reading.values import Count

USUAL_BYTES = 1024 * 1024


class SoapSettings(Block):
    """Which part of the WSDL the API publishes, and how large its messages may be."""

    service: str | None = None
    """Name of the service in the WSDL. None: all of them."""
    port: str | None = None
    """Name of the port (endpoint). None: every port that has a SOAP binding over HTTP."""
    max_message_bytes: Count = USUAL_BYTES
    """Largest envelope, without its content coding. It is held in memory, because its body says which operation is
    called."""
