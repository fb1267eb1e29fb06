"""The listener: addresses, TLS, limits and times of the client side; logging and tracing."""

from __future__ import annotations

from typing import Literal

from pydantic import ValidationInfo, model_validator

from gateway.config.pem import require_bundle, require_pair
from gateway.config.values import Count, Delay, Duration, File, Model, Secret, Surroundings, defaults_of, mistake
from gateway.wire.settings import ServerSettings

_SERVER = defaults_of(ServerSettings)


class Revocation(Model):
    """Where validate-client-certificate learns that a client certificate has been revoked."""

    crl_files: tuple[File, ...] = ()
    """Revocation lists, PEM or DER, of authorities in *client-ca*; asked first, and read again every 15 minutes."""
    timeout_s: Duration = 5.0
    """One fetch of a list or of a responder's answer; a whole look-up may take three times as long."""
    allow_private_networks: bool = False
    """Whether URLs in certificates may lead to private networks and this machine: for a closed network."""


class ListenerTls(Model):
    """TLS of the public listener."""

    certificate: File
    """PEM file: the certificate and its chain."""
    key: File
    """PEM file: the private key."""
    key_password: Secret | None = None
    """Password of the private key."""
    client_ca: File | None = None
    """PEM bundle; clients may then present certificates that lead to it."""
    client_certificate: Literal["request", "require"] = "request"
    """Whether a client without a certificate may connect; only with `client-ca`."""
    revocation: Revocation = Revocation()
    """How it is found out whether a client certificate has been revoked."""

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> ListenerTls:
        if self.client_certificate == "require" and self.client_ca is None:
            raise mistake("bad-value", "client-certificate: require needs client-ca", "name the CA's PEM bundle")
        if isinstance(info.context, Surroundings):
            require_pair(self.certificate, self.key, self.key_password)
            if self.client_ca is not None:
                require_bundle(self.client_ca)
        return self


class Limits(Model):
    """How much the gateway accepts."""

    request_line_bytes: Count = _SERVER.max_request_line_bytes
    """Longest request line; beyond it 414."""
    header_line_bytes: Count = _SERVER.max_field_line_bytes
    """Longest header field line; beyond it 431."""
    head_bytes: Count = _SERVER.max_head_bytes
    """Request line and all fields together; beyond it 431."""
    header_count: Count = _SERVER.max_fields
    """Header field lines of a request; beyond it 431."""
    connections: Count | None = None
    """Open client connections of one worker; one more gets 503. None: no limit."""
    body_buffer_bytes: Count = 10 * 1024 * 1024
    """Largest body that is held in memory for a policy that reads it; beyond it 413. Other bodies stream, unlimited."""
    expression_time_s: Duration = 0.25
    """Processor time of one policy expression, in which no other request is served; large JSON or XML gives it more."""


class Timeouts(Model):
    """How long the gateway waits for a client."""

    head_s: Duration = _SERVER.head_timeout_s
    """From the first byte of a request to the end of its head."""
    body_s: Duration = _SERVER.body_timeout_s
    """Between two pieces of a request's body."""
    idle_s: Duration = _SERVER.idle_timeout_s
    """Between two requests on one connection."""
    write_s: Duration = _SERVER.write_timeout_s
    """Without a byte taken by the client while an answer waits to be sent."""
    linger_s: Delay = _SERVER.linger_s
    """How long the rest of an unread body is thrown away before the connection is closed."""
    drain_delay_s: Delay = 0.0
    """When the gateway is told to stop: how long it goes on, not ready, until load balancers have noticed."""
    drain_s: Delay = _SERVER.drain_timeout_s
    """For running requests to end when the gateway stops."""
    expiry_grace_s: Delay = _SERVER.expiry_grace_s
    """How long a streamed answer may outlive the token that opened it."""


class Logging(Model):
    """What is logged to standard output; never a header, a query, a body or a token."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    format: Literal["json", "console"] = "json"
    """One JSON object per line, or lines for people."""
    requests: Literal["all", "refused"] = "refused"
    """Which requests get a line: every one, or those that ended in an error."""


class Tracing(Model):
    """Step-by-step traces of single requests."""

    enabled: bool = False
    """Whether a caller with an all-access subscription key, or with *secret*, may ask for a trace."""
    secret: Secret | None = None
    """Value of `Apim-Debug-Authorization` that allows a trace."""
    keep: Count = 100
    """Traces kept for the management listener; the oldest makes room."""


class Deployment(Model):
    """What expressions see as `context.Deployment`."""

    service_name: str = "gateway"
    """`context.Deployment.ServiceName`."""
    service_id: str = "gateway"
    """`context.Deployment.ServiceId`."""
    region: str = "local"
    """`context.Deployment.Region`."""
    gateway_id: str = "managed"
    """`context.Deployment.GatewayId`."""
