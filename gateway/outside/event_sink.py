"""
Where log-to-eventhub and send-service-bus-message write: the configuration's loggers, files or HTTP endpoints.

A file gets one JSON object per line. An endpoint gets the content as the body of a POST, with the fields that Event
Hubs and Service Bus read over HTTPS, so that either the real service or a stand-in can be named.

Source: Event Hubs "Send event" and Service Bus "Send message" (REST): ``BrokerProperties``, custom properties.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

import httpx2
import structlog

from gateway.errors import UpstreamError
from gateway.outside.isolation import no_cookies
from gateway.outside.seam import CredentialSource, Event
from gateway.outside.settings import LoggerSettings
from gateway.telemetry.calls import timed_call

log = structlog.get_logger("gateway.events")

TIMEOUT_S = 10.0
PARTITION_KEY = "partition-key"
_PARTITION = frozenset({PARTITION_KEY, "partition-id"})


@dataclass(slots=True)
class ConfiguredSink:
    """
    An EventSink over the loggers of the configuration; queues and topics are loggers of that name.

    Attributes:
        credentials: For loggers that send a token of the gateway's own identity.
        lost: Events that were not written, by destination; unknown destinations count as one.
    """

    loggers: Mapping[str, LoggerSettings]
    credentials: CredentialSource | None = None
    lost: Counter[str] = field(default_factory=Counter)
    _client: httpx2.AsyncClient | None = None
    _files: dict[str, int] = field(default_factory=dict)

    def write(self, event: Event) -> Awaitable[None] | None:
        """
        Hand *event* over: at once to a file, later to an endpoint.

        Raises:
            UpstreamError: No logger has that name, or it did not accept the event. The awaitable raises it, too.
        """
        logger = self.loggers.get(event.destination)
        if logger is None:
            raise self._failed("", f"no logger is called {event.destination!r}")
        if logger.url is not None:
            return self._post(logger, event)
        self._append(logger, event)
        return None

    async def aclose(self) -> None:
        """Close files and connections."""
        while self._files:
            os.close(self._files.popitem()[1])
        if self._client is not None:
            await self._client.aclose()

    def _append(self, logger: LoggerSettings, event: Event) -> None:
        """One write per line on a file opened for appending: workers may share it."""
        try:
            if event.destination not in self._files:
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._files[event.destination] = os.open(str(logger.file), flags, 0o600)
            os.write(self._files[event.destination], _line(event))
        except OSError as error:
            raise self._failed(event.destination, f"the file cannot be written: {error.strerror}") from None

    async def _post(self, logger: LoggerSettings, event: Event) -> None:
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=None, follow_redirects=False, cookies=no_cookies())
        try:
            headers = await self._headers(logger, event)
            async with timed_call(event.kind, "POST", str(logger.url), TIMEOUT_S) as traced:
                answer = await self._client.post(str(logger.url), content=event.content, headers=headers)
                traced.status = answer.status_code
        except (TimeoutError, httpx2.HTTPError, OSError, UnicodeError) as error:
            raise self._failed(
                event.destination, f"the endpoint could not be reached: {type(error).__name__}"
            ) from None
        if not answer.is_success:
            raise self._failed(event.destination, f"the endpoint answered {answer.status_code}")

    async def _headers(self, logger: LoggerSettings, event: Event) -> dict[str, str]:
        headers = {"Content-Type": "application/octet-stream", **_properties(event)}
        headers |= {name: value.get_secret_value() for name, value in logger.headers.items()}
        if logger.resource is not None and self.credentials is not None:
            token = self.credentials.token(logger.resource, None)
            headers["Authorization"] = f"Bearer {token if isinstance(token, str) else await token}"
        return headers

    def _failed(self, destination: str, message: str) -> UpstreamError:
        self.lost[destination] += 1
        log.warning("event_lost", destination=destination, detail=message)
        return UpstreamError("BackendConnectionFailure", message, 500)


def _properties(event: Event) -> dict[str, str]:
    """Partition in ``BrokerProperties``; the author's own properties as fields with JSON values."""
    own = {name: json.dumps(value) for name, value in event.properties if name not in _PARTITION}
    partition = dict(event.properties).get(PARTITION_KEY)
    return own if partition is None else {**own, "BrokerProperties": json.dumps({"PartitionKey": partition})}


def _line(event: Event) -> bytes:
    """``{"time", "kind", "destination", "properties", "content"}``; ``content-base64`` where it is not UTF-8."""
    members: dict[str, object] = {"time": time.time(), "kind": event.kind, "destination": event.destination}
    members["properties"] = dict(event.properties)
    try:
        members["content"] = event.content.decode()
    except UnicodeDecodeError:
        members["content-base64"] = base64.b64encode(event.content).decode()
    return json.dumps(members).encode() + b"\n"
