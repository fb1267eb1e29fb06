"""Settings of the listener that Envoy asks over gRPC."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from gateway.data_plane.envoy.ext_proc.settings import ExtProcSettings
from gateway.reading.settings import Block, Surroundings
from gateway.reading.values import LOOPBACK_NETWORKS, Address, Count, File, ListenTcp, Network, Secret
from gateway.wire.pem import require_bundle, require_pair


class EnvoyTls(Block):
    """TLS towards Envoy."""

    certificate: File
    """PEM file: the certificate and its chain."""
    key: File
    """PEM file: the private key."""
    key_password: Secret | None = None
    """Password of the private key."""
    client_ca: File | None = None
    """PEM bundle; only an Envoy with a certificate whose chain leads to it may connect. None: none is asked for."""

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> Self:
        if isinstance(info.context, Surroundings):
            require_pair(self.certificate, self.key, self.key_password)
            if self.client_ca is not None:
                require_bundle(self.client_ca)
        return self


class EnvoySettings(Block):
    """Questions of Envoy over gRPC (`ext_authz`, `ext_proc`); needs the extra `[envoy]`."""

    listen: ListenTcp = Address("127.0.0.1", 8083)
    """Address of the gRPC listener; keep it private. Each worker listens there."""
    tls: EnvoyTls | None = None
    """TLS on it. None: HTTP/2 without TLS."""
    callers: tuple[Network, ...] = LOOPBACK_NETWORKS
    """Networks of the Envoys that may ask and are trusted to name the client; others get PERMISSION_DENIED."""
    message_bytes: Annotated[int, Field(ge=16 * 1024, le=2**31 - 1)] = 4 * 1024 * 1024
    """Largest question, with the request's headers and what Envoy sends of its body."""
    streams_per_connection: Annotated[int, Field(ge=1, le=65_536)] = 100
    """Open questions of one connection; for more, Envoy opens another connection, which may reach another worker."""
    questions: Count = 10_000
    """Open questions of one worker; one more gets RESOURCE_EXHAUSTED."""
    connections: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1_000
    """Open connections of one worker; one more is closed."""
    ext_proc: ExtProcSettings | None = None
    """The whole pipeline as Envoy's external processor: `true`, or a mapping. None: decisions only."""

    @property
    def processor(self) -> ExtProcSettings | None:
        """Of the external processor, if it is on."""
        return self.ext_proc if self.ext_proc is not None and self.ext_proc.enabled else None
