"""The listener and what one process keeps: TLS, limits and times, tracing, deployment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from gateway.pipeline.limits import WorkLimits
from gateway.reading.settings import Block, mistake
from gateway.reading.values import Count, Delay, Secret
from gateway.revocation.settings import RevocationSettings
from gateway.wire.settings import ClientLimits, ClientTimeouts, ListenerTls


def _worker_setting(value: object) -> object:
    text = str(value)  # a number in YAML is read as its text
    is_number = text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST_WORKERS
    if not is_number and text != "auto":
        message = f"it is neither auto nor a number from 1 to {MOST_WORKERS}"
        raise mistake("bad-value", message, "write auto, or how many processes there are to be")
    return int(text) if is_number else text


MOST_WORKERS = 1024
_Number = Annotated[int, Field(ge=1, le=MOST_WORKERS)]
WorkerSetting = Annotated[_Number | Literal["auto"], BeforeValidator(_worker_setting)]


class PublicTls(ListenerTls):
    """TLS of the public listener."""

    revocation: RevocationSettings = RevocationSettings()
    """How the revocation status of client certificates is looked up."""


class Limits(WorkLimits, ClientLimits):
    """How much the gateway accepts."""


class Timeouts(ClientTimeouts):
    """How long the gateway waits for a client."""

    drain_delay_s: Delay = 0.0
    """When the gateway is asked to stop: how long it keeps serving while reporting not ready, until load balancers \
have noticed."""


class Reload(Block):
    """How a running gateway takes a new configuration over; SIGHUP always asks it to."""

    watch: bool = False
    """Whether it watches the configuration and every file that it names, and takes over what has changed."""
    endpoint: bool = False
    """Whether `POST /reload` on the management plane asks for it."""


class Tracing(Block):
    """Step-by-step traces of single requests."""

    enabled: bool = False
    """Whether a caller with an all-access subscription key, or with *secret*, may ask for a trace."""
    secret: Secret | None = None
    """Value of `Apim-Debug-Authorization` that allows a trace."""
    keep: Count = 100
    """Traces kept for the management listener; the oldest is evicted."""


class Deployment(Block):
    """What expressions see as `context.Deployment`."""

    service_name: str = "gateway"
    """`context.Deployment.ServiceName`."""
    service_id: str = "gateway"
    """`context.Deployment.ServiceId`."""
    region: str = "local"
    """`context.Deployment.Region`."""
    gateway_id: str = "managed"
    """`context.Deployment.GatewayId`."""
