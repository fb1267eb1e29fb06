"""The listener and what one process keeps: TLS, limits and times, tracing, deployment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, GetCoreSchemaHandler, GetPydanticSchema, ValidatorFunctionWrapHandler, WithJsonSchema
from pydantic_core.core_schema import CoreSchema, no_info_wrap_validator_function

from gateway.pipeline.limits import WorkLimits
from gateway.reading.settings import Block
from gateway.reading.values import Count, Delay, Duration, Secret
from gateway.revocation.settings import RevocationSettings
from gateway.wire.settings import ClientLimits, ClientTimeouts, ListenerTls

MOST_WORKERS = 1024
_Number = Annotated[int, Field(ge=1, le=MOST_WORKERS)]


def _number_or_auto(_: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    """A union would report what is wrong with both of its members."""

    def validate(value: object, number: ValidatorFunctionWrapHandler) -> object:
        return value if value == "auto" else number(value)

    return no_info_wrap_validator_function(validate, handler(_Number))


WorkerSetting = Annotated[
    int | Literal["auto"],
    GetPydanticSchema(_number_or_auto),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_WORKERS}, {"const": "auto"}]}),
]


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


class TailTracing(Block):
    """Traces of requests that went wrong, kept afterwards, without anyone asking for them."""

    enabled: bool = True
    """Whether refused, failed and slow requests keep their traces."""
    slow: Duration = 5.0
    """How long the answer to a slow request takes."""
    keep: Count = 200
    """How many; a flood of one kind evicts only traces of that kind. Each takes at most 64 KiB, and usually 4."""


class Tracing(Block):
    """Step-by-step traces of single requests."""

    enabled: bool = False
    """Whether a caller with an all-access subscription key, or with *secret*, may ask for a trace."""
    secret: Secret | None = None
    """Value of `Apim-Debug-Authorization` that allows a trace."""
    keep: Count = 100
    """Traces kept of requests for which someone asked; the oldest is evicted."""
    tail: TailTracing = TailTracing()
    """Traces of requests that went wrong, kept afterwards, without anyone asking for them."""
    endpoint: bool = False
    """Whether `POST /traces/next` on the management plane asks for the trace of the next request that matches."""


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
