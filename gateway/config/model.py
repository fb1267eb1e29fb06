"""The whole of ``config.yaml``, typed and frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import PrivateAttr, model_validator

from gateway.backends.settings import BackendSettings
from gateway.config.apis import Api, Group, Product, Subscription, User
from gateway.config.listening import Deployment, Limits, PublicTls, Reload, Timeouts, Tracing, WorkerSetting
from gateway.config.materials import AuthorizationName, Certificate, NamedValueSettings, ValueName
from gateway.config.positions import Positions
from gateway.data_plane.envoy.settings import EnvoySettings
from gateway.errors import Location
from gateway.language_models.settings import LanguageModelSettings
from gateway.management.settings import ConsoleSettings
from gateway.notifications.settings import NotificationSettings
from gateway.outside.redis_settings import RedisStore
from gateway.outside.settings import IdentitySettings, KeptAuthorization, LoggerSettings
from gateway.reading.settings import Block
from gateway.reading.values import (
    LOOPBACK_NETWORKS,
    UNIX,
    Address,
    File,
    FileMode,
    HostName,
    Id,
    Listen,
    NewFile,
    Peers,
    TextForm,
)
from gateway.telemetry.otel.settings import TelemetrySettings
from gateway.telemetry.settings import LogSettings, RequestLogSettings
from gateway.tokens.settings import IssuerSettings, TokenCacheSettings
from gateway.wire.settings import VIA, Http2Settings, RequestIds, ServerSettings


class Config(Block):
    """Everything that `config.yaml` may contain. Relative paths in it start at the file itself."""

    listen: Listen = Address("127.0.0.1", 8080)
    """Address of the data plane: `host:port`, or `unix:` and the path of a socket file."""
    management: Listen = Address("127.0.0.1", 8081)
    """Address of the management plane: health, metrics, console. Keep it private. `host:port` or `unix:path`."""
    management_hosts: tuple[HostName, ...] = ()
    """Names by which scrapers and load balancers call the management plane, besides *localhost* and addresses."""
    console: ConsoleSettings = ConsoleSettings()
    """Web pages for operators on the management plane, at `/`: `true` (unless set), `false`, or a mapping."""
    decisions: Listen | None = None
    """Address of the decision endpoint `/authz` for nginx, Traefik, Caddy and Envoy; keep it private. `host:port` or
    `unix:path`. None: off."""
    decision_callers: tuple[Peers, ...] = LOOPBACK_NETWORKS
    """Networks of the proxies that may ask for decisions and are trusted to name the client; others get 403. `unix:`:
    whatever may connect to the socket file of *decisions*, which the default includes."""
    socket_mode: FileMode = 0o660
    """Permissions of the socket files that the gateway makes, in octal digits: who may connect to them."""
    envoy: EnvoySettings | None = None
    """Where Envoy asks over gRPC (`ext_authz`, `ext_proc`); needs the extra `[envoy]`. None: off."""
    tls: PublicTls | None = None
    """TLS of the data plane. None: plain http."""
    workers: WorkerSetting = 1
    """Processes that share the listener, 1 to 1024; `auto`: as many as there are processors and memory for."""
    trusted_proxies: tuple[Peers, ...] = ()
    """Networks of proxies in front of the gateway, whose `X-Forwarded-*` fields are trusted. `unix:`: whatever may
    connect to the socket file of *listen*."""
    proxy_protocol: bool = False
    """Whether every connection from *trusted-proxies* to *listen* begins with a PROXY header, version 1 or 2, that
    names the client. Connections from elsewhere begin without one."""
    http2: Http2Settings = Http2Settings()
    """HTTP/2 from clients."""
    via: Annotated[
        str,
        TextForm(r"^[A-Za-z0-9._-]{0,64}$", "up to 64 letters, digits, dots, dashes and underscores", "write gateway"),
    ] = VIA
    """The gateway's name in the `Via` header of requests to backends (RFC 9110, section 7.6.3). Empty: no header;
    nginx, for one, does not compress answers to requests that have one unless `gzip_proxied` says so."""
    request_id: RequestIds = RequestIds()
    """The id of every request."""
    limits: Limits = Limits()
    """How much the gateway accepts."""
    timeouts: Timeouts = Timeouts()
    """How long the gateway waits for clients."""
    logging: LogSettings = LogSettings()
    """What is logged."""
    request_log: RequestLogSettings = RequestLogSettings()
    """Which of the last requests are kept in memory, for `/requests` and the console."""
    reload: Reload = Reload()
    """How a running gateway takes a new configuration over; SIGHUP always asks it to."""
    tracing: Tracing = Tracing()
    """Step-by-step traces of single requests."""
    telemetry: TelemetrySettings | None = None
    """OpenTelemetry: traces, metrics and logs for a collector. None: nothing is exported, and no library loaded."""
    deployment: Deployment = Deployment()
    """What expressions see as `context.Deployment`."""
    token_cache: TokenCacheSettings = TokenCacheSettings()
    """How many verified tokens are remembered."""
    language_models: LanguageModelSettings = LanguageModelSettings()
    """What the policies for language models ask of other services, and how much a worker keeps for them."""
    redis: RedisStore | None = None
    """`redis://host:6379/0`, or a mapping: counters and caches shared by replicas. None: each worker has its own."""
    quota_file: NewFile | None = None
    """SQLite file that keeps quotas across restarts, on one machine. None: they start again. Not used with *redis*."""
    managed_identity: IdentitySettings | None = None
    """The gateway's own identity. None: what `IDENTITY_ENDPOINT` or `AZURE_FEDERATED_TOKEN_FILE` offer, else none."""
    authorizations: dict[AuthorizationName, KeptAuthorization] = {}
    """What get-authorization-context gets tokens for, by `provider/authorization`. Any other name is asked of
    *managed-identity*."""
    named_values: dict[ValueName, NamedValueSettings] = {}
    """Texts for `{{name}}` in policy documents, by name."""
    backends: dict[Id, BackendSettings] = {}
    """Where requests can go, by id."""
    global_policy: File | None = None
    """Policy document of the global scope, XML or YAML. None: forward every request."""
    fragments: dict[Id, File] = {}
    """Policy fragments by id."""
    certificates: dict[Id, Certificate] = {}
    """Certificates that policies use, by id."""
    schemas: dict[Id, File] = {}
    """JSON or XML schemas that policies use, by id."""
    loggers: dict[Id, LoggerSettings] = {}
    """Where log-to-eventhub and similar policies write, by id."""
    issuers: dict[str, IssuerSettings] = {}
    """Settings for single issuers, by OpenID metadata URL; others have the defaults."""
    apis: tuple[Api, ...] = ()
    """The APIs."""
    products: tuple[Product, ...] = ()
    """The products."""
    subscriptions: tuple[Subscription, ...] = ()
    """The subscriptions."""
    users: tuple[User, ...] = ()
    """The users."""
    groups: tuple[Group, ...] = ()
    """The groups."""
    notifications: NotificationSettings | None = None
    """The batch-notification service, for the backend `{app: notifications}`."""

    _positions: Positions | None = PrivateAttr(None)
    _files: frozenset[Path] = PrivateAttr(frozenset())

    @model_validator(mode="after")
    def _one_identity(self) -> Self:
        if self.notifications is not None:
            self.notifications.use_identity(self.managed_identity)
        return self

    @property
    def files(self) -> frozenset[Path]:
        """Every file that it names, as it is written: links are not followed."""
        return self._files

    def location(self, *path: Any) -> Location:
        """The position of the value under *path*: ``config.location("apis", 0, "path")``."""
        return self._positions.find(path) if self._positions else Location("(built in)")

    def let_positions_go(self) -> None:
        """Whoever asks for one from now on waits until the file's text has been read again."""
        if self._positions is not None:
            self._positions.let_go()

    @property
    def decision_peers(self) -> tuple[Peers, ...]:
        """Those of *decision_callers*. By default this machine may ask, also through a socket file."""
        callers = self.decision_callers
        return (*callers, UNIX) if callers == LOOPBACK_NETWORKS else callers

    def server_settings(self) -> ServerSettings:
        """Limits and times for the wire."""
        return ServerSettings(
            limits=self.limits,
            timeouts=self.timeouts,
            trusted_proxies=self.trusted_proxies,
            proxy_protocol=self.proxy_protocol,
            via=self.via,
            id_header=self.request_id.name,
            client_id_header=self.request_id.client_header or "",
            farewell_s=min(1.0, self.timeouts.drain_s / 4),
            http2=self.http2,
            path_escapes=frozenset(escape for api in self.apis for escape in api.path_escapes),
        )

    def product_apis(self, product: Product) -> tuple[str, ...]:
        """Ids of the APIs in *product*, whichever of the two names the other."""
        listed = (api.id for api in self.apis if product.id in api.products)
        return tuple(dict.fromkeys([*product.apis, *listed]))
