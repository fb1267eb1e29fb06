"""
Settings of the notification service, as ``config.yaml`` has them under ``notifications``.

Everything that can be checked without a network is checked when they are made.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from gateway.notifications.store.access import StoreLogin, require_safe
from gateway.notifications.store.url import Store
from gateway.outside.settings import ClientTls, IdentitySettings
from gateway.reading.settings import Block, mistake
from gateway.reading.values import Count, Delay, Duration, File, OneOrMore, Secret, TextForm, Url, http_url

DEFAULT_ENVIRONMENT = "d365"
ANY = "*"
EnvironmentName = Annotated[
    str,
    TextForm(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "a name of letters, digits, dot, dash and underscore",
        "write it like test-eu",
    ),
]
"""The name of an F&O environment."""

HostPattern = Annotated[
    str,
    TextForm(
        r"^(\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f:.]+)$",
        "a host's name, without scheme and port,",
        "write hooks.example.com, *.example.com or *",
    ),
]
"""An allowed host: an exact name, ``*.suffix`` or ``*``."""

ProfileName = Literal["adf", "standard", "cloudevents", "plain"]

DAY_S = 86_400.0
_ADF_PATIENCE_S = 570.0

_DNS_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)


class D365Settings(Block):
    """The Finance and Operations environment."""

    instance_url: Url
    """`https://contoso.operations.dynamics.com`."""
    token_url: str = ""
    """OAuth 2.0 token endpoint, v1 or v2; needed for the credential `secret`."""
    client_id: str = ""
    """Client id of the app registration."""
    client_secret: Secret | None = None
    """Its secret; for the credential `secret`."""
    credential: Literal["secret", "certificate", "managed-identity", "workload-identity"] = "secret"
    """How the service authenticates; all but `secret` need the extra `[azure]`."""
    tenant_id: str = ""
    """Tenant; for the credential `certificate`."""
    certificate_path: File | None = None
    """PEM file with certificate and key; for the credential `certificate`."""
    cross_company: bool = False
    """Whether reads cover every legal entity."""
    select_fields: tuple[str, ...] = (
        "BatchJobRecId",
        "Status",
        "StartDateTime",
        "EndDateTime",
        "OrigStartDateTime",
        "JobDescription",
    )
    """`$select` of every read; left out after the environment has refused a field."""
    on_scheduled: Literal["fail", "wait"] = "fail"
    """What to do with a job that will only run at its next recurrence."""
    on_running: Literal["attach", "reject"] = "attach"
    """What to do with a job that is already running."""
    hold_grace_s: Delay = 120.0
    """A job that is withheld for longer gets the outcome `held`."""
    scheduled_slack_s: Delay = 120.0
    """If a scheduled start is further ahead, the job is taken not to run now."""
    settle_s: Delay = 60.0
    """How long after the end of a doubtful start call its effect may take to show."""
    start_retries: Annotated[int, Field(ge=0)] = 5
    """Attempts after a start that certainly failed."""
    connect_timeout_s: Duration = 10.0
    """For TCP and TLS."""
    read_timeout_s: Duration = 120.0
    """For an answer; the first one after a restart of F&O is slow."""
    concurrency: Count = 4
    """Simultaneous requests."""
    max_retry_after_s: Duration = 600.0
    """Longest pause that a 429 causes, whatever its `Retry-After`."""

    job_link: str = "{instance}/data/BatchJobs({id})"
    """Link to the batch job that callbacks carry: `{instance}` and `{id}` are filled in."""

    def link_to(self, batch_id: int) -> str:
        """The address of a batch job, for people and programs."""
        return self.job_link.replace("{instance}", self.instance_url).replace("{id}", str(batch_id))

    @property
    def call_limit_s(self) -> float:
        """When a call is given up: an answer that trickles in does not count."""
        return self.connect_timeout_s + self.read_timeout_s

    @field_validator("instance_url")
    @classmethod
    def _audience(cls, url: str) -> str:
        """It becomes the audience of tokens, which F&O compares as text: lower case, without a slash at its end."""
        return url.rstrip("/").lower()

    @field_validator("job_link")
    @classmethod
    def _absolute(cls, link: str) -> str:
        """It is an address once it is filled in."""
        http_url(link.replace("{instance}", "https://a").replace("{id}", "1"))
        return link

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        require_https(self.instance_url, "instance-url")
        if self.credential == "secret":
            require_https(self.token_url, "token-url")
        return self


class PollingSettings(Block):
    """How often D365 is polled."""

    interval_s: Duration = 10.0
    """Interval between the first polls."""
    max_interval_s: Duration = 60.0
    """Between later ones."""
    growth: Annotated[float, Field(ge=1)] = 1.5
    """Factor by which the interval grows."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Random share of the interval."""
    chunk: Count = 40
    """Jobs per query."""
    tick_s: Duration = 1.0
    """How often the poller looks for jobs that are due."""


class BudgetSettings(Block):
    """How long a job may take."""

    start_s: Duration = 900.0
    """From the start call until the batch job executes."""
    run_s: Duration = 7_200.0
    """From executing until it ends."""
    overall_s: Duration | None = None
    """From the request until a callback, whatever the state. None: 9m30s for the profile `adf`, just below Data
    Factory's 10 min; `start` and `run` together for others."""

    follow_up_s: Duration = DAY_S
    """From a report that a budget was used up until the actual end, for requests with `followUp`."""

    def overall_for(self, profile: str) -> float:
        """The overall budget in seconds for a form of callbacks."""
        if self.overall_s is not None:
            return self.overall_s
        return _ADF_PATIENCE_S if profile == "adf" else self.start_s + self.run_s


class CallbackSettings(Block):
    """Where callbacks may go, and how they are sent."""

    hosts: tuple[HostPattern, ...] = ("*.azure.com",)
    """Allowed hosts: exact names, `*.suffix` or `*`."""
    allow_http: bool = False
    """For development: plain http, and any port."""
    allow_private_networks: bool = False
    """For development: loopback and private addresses."""
    profile: Literal["auto", "adf", "standard", "cloudevents", "plain"] = "auto"
    """Form of callbacks; `auto` sends `adf` when the request named the URL `callBackUri`, else `standard`."""
    signing_secret: OneOrMore[Secret] = ()
    """`whsec_…`; with a list, callbacks carry a signature for each secret."""
    source: str = "urn:gateway:notifications"
    """`source` of CloudEvents."""
    webhook_origin: str | None = None
    """The service's DNS name. With it, `cloudevents` receivers are asked for consent (OPTIONS) before each delivery."""
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (443,)
    """Allowed ports."""
    connect_timeout_s: Duration = 5.0
    """For TCP and TLS."""
    read_timeout_s: Duration = 15.0
    """For an answer."""
    total_timeout_s: Duration = 30.0
    """For one attempt."""
    lifetime_s: Duration = DAY_S
    """How long a callback is retried if the caller gave no time-out."""
    margin_s: Delay = 30.0
    """Beyond the overall budget: how long Data Factory still accepts a callback."""
    max_retry_after_s: Delay = 3_600.0
    """Longest `Retry-After` that is honoured."""
    max_answer_bytes: Count = 16_384
    """How much of an answer is read."""
    concurrency: Count = 100
    """Simultaneous callbacks."""

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """The texts of *signing_secret*; the first one signs."""
        return tuple(secret.get_secret_value() for secret in self.signing_secret)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        for secret in self.signing_secrets:
            signing_key(secret)
        if self.webhook_origin is not None and not _DNS_NAME.fullmatch(self.webhook_origin):
            message = "webhook-origin must be a DNS name in lower case"
            raise mistake("bad-value", message, "write it like gateway.example.com", at="webhook-origin")
        return self


def _jobs(value: object) -> object:
    if isinstance(value, list) and "*" in value:
        raise mistake("bad-value", "every batch job is a star alone, not in a list", 'write "*" without the brackets')
    return None if value == "*" else value


BatchJobs = Annotated[
    frozenset[int] | None,
    BeforeValidator(_jobs),
    WithJsonSchema({"anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "integer"}}]}),
]
"""Batch job ids; None, written ``*``, is every one."""


class CallerRule(Block):
    """What callers may do."""

    name: str = "default"
    """Shown to a caller that the rule refuses."""
    batch_jobs: BatchJobs = frozenset()
    """Batch job ids that may be started and watched; `*` is every one."""
    watch_jobs: BatchJobs = frozenset()
    """Further batch job ids that may be watched, not started; `*` is every one."""
    callback_hosts: tuple[HostPattern, ...] = ("*",)
    """Allowed hosts, within `callbacks.hosts`."""
    environments: OneOrMore[str] = ()
    """F&O environments that requests may name, `*` for each; the first is used where none is named. None: `d365`."""
    max_active: Count | None = None
    """Simultaneous jobs. None: no limit."""
    profile: ProfileName | None = None
    """Form of callbacks when the request names none."""
    overall_s: Duration | None = None
    """Overall budget instead of the general one."""


class NamedCaller(CallerRule):
    """What one caller may do."""

    object_id: str
    """The object id that the gateway took from a verified token."""


class HopSettings(Block):
    """When to trust the caller's object id if the gateway is another process."""

    shared_secret: Secret | None = None
    """Value that the gateway sends in *secret-header*."""
    secret_header: str = "gateway-secret"  # noqa: S105 (the name of a header)
    """Name of that header."""
    mtls: bool = False
    """Whether the listener demands the gateway's client certificate."""


class RetentionSettings(Block):
    """When finished jobs are deleted."""

    keep_s: Duration = 30 * DAY_S
    """Age of their last change."""
    sweep_interval_s: Duration = 3_600.0
    """How often expired ones are deleted."""


def _default_caller(value: object) -> object:
    if isinstance(value, str) and value != "deny":
        raise mistake("bad-value", "default-caller is deny or a rule", "write deny")
    return None if value == "deny" else value


def _deny_for_null(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"const": "deny"} if form == {"type": "null"} else form for form in schema["anyOf"]]
    schema["default"] = "deny"


DefaultCaller = Annotated[CallerRule | None, BeforeValidator(_default_caller), Field(json_schema_extra=_deny_for_null)]
"""A rule; None, written ``deny``, refuses."""


class NotificationSettings(Block):
    """The batch-notification service."""

    store: Store
    """`sqlite:///file` for one process, `postgresql://user@host/db` when replicas share it."""
    store_tls: ClientTls | None = None
    """TLS towards PostgreSQL, which is then required and verified; `{}` trusts the system's authorities."""
    store_entra: StoreLogin | None = None
    """Entra ID in place of PostgreSQL's password. None: what *store* has."""
    d365: D365Settings | None = None
    """Where batch jobs run: the environment called `d365`, which is used where none is named."""
    environments: dict[EnvironmentName, D365Settings] = {}
    """Further environments of F&O, by the name that callers' rules and requests use; needed where *d365* is missing."""
    polling: PollingSettings = PollingSettings()
    """How often D365 is polled."""
    budgets: BudgetSettings = BudgetSettings()
    """How long a job may take."""
    callbacks: CallbackSettings = CallbackSettings()
    """Where callbacks may go."""
    callers: tuple[NamedCaller, ...] = ()
    """What each caller may do."""
    default_caller: DefaultCaller = None
    """`deny`, or the rule for callers without one."""
    hop: HopSettings = HopSettings()
    """When to trust the caller's object id."""
    retention: RetentionSettings = RetentionSettings()
    """When finished jobs are deleted."""
    public_url: Url | None = None
    """Absolute prefix of `Location`. None: relative."""
    send_location: bool = True
    """Whether 202 has a `Location`; Data Factory's Web activity polls it."""
    encryption_key: OneOrMore[Secret] = ()
    """Encrypts callback URLs at rest; needed with PostgreSQL. Of a list, the first encrypts, the rest decrypt."""
    allow_readable_urls: bool = False
    """Lets a PostgreSQL store keep callback URLs, which are bearer secrets, readable."""
    takeover_interval_s: Duration = 5.0
    """How often a replica renews its lease and looks for others without one."""
    lease_s: Duration | None = None
    """How long a replica that cannot renew its lease keeps its jobs. None: three times `takeover-interval`."""
    max_body_bytes: Count = 65_536
    """Largest request body."""
    intake_deadline_s: Duration = 4.0
    """How long a request waits for the store before it is answered with 503."""

    _identity: IdentitySettings | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _acceptable(self) -> Self:
        require_safe(self.store_url, self.store_tls, self.store_entra)
        if not (self.embedded or self.encryption_key or self.allow_readable_urls):
            message = "a PostgreSQL store without encryption-key keeps callback URLs (bearer secrets) readable"
            remedy = "set encryption-key, the same on every replica, or allow-readable-urls: true"
            raise mistake("no-encryption-key", message, remedy, at="store")
        if self.lease_length_s < 2 * self.takeover_interval_s:
            message = "a lease shorter than two renewals is lost when one renewal is late"
            raise mistake("bad-value", message, "make lease at least twice takeover-interval", at="lease")
        require_unique(self.callers)
        require_environments(self)
        return self

    @property
    def all_environments(self) -> dict[str, D365Settings]:
        """Every environment by its name."""
        own = {} if self.d365 is None else {DEFAULT_ENVIRONMENT: self.d365}
        return own | self.environments

    @property
    def default_environment(self) -> str | None:
        """The environment of a request that names none: `d365`, or the only one there is."""
        names = list(self.all_environments)
        if DEFAULT_ENVIRONMENT in names:
            return DEFAULT_ENVIRONMENT
        return names[0] if len(names) == 1 else None

    @property
    def settle_s(self) -> float:
        """How long after the end of a doubtful start call its effect may take to show, in the slowest environment."""
        return max(environment.settle_s for environment in self.all_environments.values())

    @property
    def lease_length_s(self) -> float:
        """The length of a lease in seconds."""
        return 3 * self.takeover_interval_s if self.lease_s is None else self.lease_s

    @property
    def store_url(self) -> str:
        """The text of *store*."""
        return self.store.get_secret_value()

    @property
    def identity(self) -> IdentitySettings | None:
        """The gateway's own identity, which the file has elsewhere."""
        return self._identity

    def use_identity(self, identity: IdentitySettings | None) -> None:
        """Name it."""
        self._identity = identity

    @property
    def embedded(self) -> bool:
        """Whether the store is a SQLite file, and this process therefore alone."""
        return self.store_url.startswith("sqlite")


def require_environments(settings: NotificationSettings) -> None:
    """
    Refuse to work without an environment, with two names for one of them, or with a rule that names an unknown one.

    Two names for one environment would be two accounts of its batch jobs: each could start the same job.
    """
    if DEFAULT_ENVIRONMENT in settings.environments and settings.d365 is not None:
        raise mistake(
            "bad-value", "the environment d365 is given twice", "keep d365: or environments: d365:", at="environments"
        )
    names: dict[object, str] = {}
    for name, environment in settings.all_environments.items():
        if (other := names.setdefault(_place(environment.instance_url), name)) != name:
            message = f"the environments {other} and {name} have one instance-url"
            raise mistake("bad-value", message, "give each F&O environment one name", at="environments")
    if not names:
        raise mistake("missing-key", "d365 is missing", "add d365: with instance-url, or environments:")
    _require_known(settings)


def _place(url: str) -> object:
    """What *url* means: its scheme's own port and the root's dot may be written or not. Source: RFC 3986 §6.2.3."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").rstrip("."), port, parts.path.rstrip("/")


def _require_known(settings: NotificationSettings) -> None:
    known = {*settings.all_environments, ANY}
    for rule in (*settings.callers, *filter(None, [settings.default_caller])):
        if unknown := sorted(set(rule.environments) - known):
            message = f"rule {rule.name!r} names an environment that is not configured: {unknown[0]!r}"
            raise mistake("unknown-environment", message, "add it under environments", at="callers")


def require_https(url: str, name: str) -> None:
    """Refuse a URL that would carry a credential in clear; loopback (emulators, tests) is the exception."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise mistake("bad-value", f"{name} must be an https URL", "plain http is accepted for loopback only", at=name)


def is_loopback(host: str) -> bool:
    """Whether *host* is ``localhost`` or a loopback literal."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_unique(callers: tuple[NamedCaller, ...]) -> None:
    """Refuse two rules for one caller: it would be unclear which one applies."""
    seen: set[str] = set()
    for rule in callers:
        if rule.object_id.lower() in seen:
            raise mistake("bad-value", f"caller {rule.object_id} has two rules", "keep one of them", at="callers")
        seen.add(rule.object_id.lower())


def signing_key(secret: str) -> bytes:
    """
    Key bytes of a Standard Webhooks secret, ``whsec_`` and base64.

    Raises:
        ValueError: Without repeating the secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:  # binascii.Error is one; so is what a text beyond ASCII gives
        key = b""
    if not 16 <= len(key) <= 64:
        message = "a signing secret is whsec_ followed by base64 of 24 to 64 random bytes"
        raise mistake("bad-value", message, "make one with: openssl rand -base64 32", at="signing-secret")
    return key
