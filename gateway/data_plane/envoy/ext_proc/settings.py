"""Settings of the external processor."""

from __future__ import annotations

from typing import Annotated, ClassVar

from gateway.reading.settings import Switch
from gateway.reading.values import Count, Duration, TextForm

FieldName = Annotated[
    str, TextForm(r"^[a-z][a-z0-9-]{0,63}$", "the name of a header field in lower case", "write x-gateway-backend")
]


class ExtProcSettings(Switch):
    """
    The whole pipeline as Envoy's external processor: `true`, `false`, or this mapping.

    What cannot run there is refused at load, in every document.
    """

    switched_key: ClassVar = "enabled"

    enabled: bool = True
    """Whether Envoy may send whole requests."""
    backend_header: FieldName = "x-gateway-backend"
    """Field in which the gateway names the cluster: the backend's id, or scheme and authority of a URL without one. \
Envoy's configuration must remove a client's own."""
    body_memory: Count = 256 * 1024 * 1024
    """Bytes of bodies that one worker holds at a time for all requests together; one more body gets 503."""
    longest: Duration = 3600.0
    """How long one request may take, with its answer's body; WebSockets and streams of events are among them."""
