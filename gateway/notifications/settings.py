"""
Settings of the notification service: frozen, checked when made, every unit in the name.

The configuration loader maps the kebab-case keys of ``config.yaml`` onto these; nothing here knows YAML.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

ProfileName = Literal["adf", "standard", "cloudevents", "plain"]

DAY_S = 86_400.0

_DNS_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)


@dataclass(frozen=True, slots=True)
class D365Settings:
    """
    The Finance and Operations environment and how we prove who we are to it.

    Attributes:
        instance_url: ``https://contoso.operations.dynamics.com``; lower-cased, no trailing slash (it becomes ``aud``).
        token_url: OAuth 2.0 token endpoint, v1 or v2 (told apart by ``/v2.0/``).
        credential: ``secret`` asks *token_url* itself; the others need the extra ``[azure]``.
        select_fields: ``$select`` of every read; dropped once if the environment does not know a field.
        on_scheduled: What to do with a job that will only run at its next recurrence.
        on_running: What to do with a batch job that is already queued or running.
        hold_grace_s: A job withheld for longer than this ends as ``held``.
        scheduled_slack_s: A scheduled start further ahead than this means "will not run now".
        settle_s: After a doubtful start: how long to re-read before starting again.
        read_timeout_s: F&O's first answer after a restart is very slow, so this is long.
    """

    instance_url: str
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    credential: Literal["secret", "certificate", "managed-identity", "workload-identity"] = "secret"
    tenant_id: str = ""
    certificate_path: str = ""
    cross_company: bool = False
    select_fields: tuple[str, ...] = ("BatchJobRecId", "Status", "StartDateTime", "EndDateTime", "OrigStartDateTime")
    on_scheduled: Literal["fail", "wait"] = "fail"
    on_running: Literal["attach", "reject"] = "attach"
    hold_grace_s: float = 120.0
    scheduled_slack_s: float = 120.0
    settle_s: float = 60.0
    start_retries: int = 5
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 120.0
    concurrency: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "instance_url", self.instance_url.rstrip("/").lower())
        require_https(self.instance_url, "instance-url")
        if self.credential == "secret":
            require_https(self.token_url, "token-url")


@dataclass(frozen=True, slots=True)
class PollingSettings:
    """How often F&O is asked. Many watches share one query of up to *chunk* ids."""

    interval_s: float = 10.0
    max_interval_s: float = 60.0
    growth: float = 1.5
    jitter: float = 0.2
    chunk: int = 40
    tick_s: float = 1.0


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """
    How long a watch may last; each budget ends in an outcome of its own.

    Attributes:
        start_s: From the start call until the job executes.
        run_s: From executing until a terminal state.
        overall_s: From the request until we report, whatever the state; just below ADF's default time-out of 10 min.
    """

    start_s: float = 900.0
    run_s: float = 7_200.0
    overall_s: float = 570.0


@dataclass(frozen=True, slots=True)
class CallbackSettings:
    """
    Where callbacks may go and how they are sent.

    Attributes:
        hosts: Allow-list: exact names, ``*.suffix`` or ``*``. Empty allows none.
        allow_http: Development switch: plain ``http`` and any port.
        allow_private_networks: Development switch: loopback and private addresses.
        profile: ``auto`` sends ``adf`` when the request named the URL ``callBackUri``, else ``standard``.
        signing_secrets: ``whsec_…``; the first signs, all are offered as signatures (key rotation).
        webhook_origin: Our DNS name towards receivers of the profile ``cloudevents``, which are then asked for consent
            before each delivery; None asks nobody.
        lifetime_s: How long a callback is retried when the caller gave no time-out of its own.
        margin_s: ADF still listens this long after our overall budget; its callback is retried until then.
        total_timeout_s: One attempt: connect, send, read the answer.
    """

    hosts: tuple[str, ...] = ("*.azure.com",)
    allow_http: bool = False
    allow_private_networks: bool = False
    profile: Literal["auto", "adf", "standard", "cloudevents", "plain"] = "auto"
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    source: str = "urn:gateway:notifications"
    webhook_origin: str | None = None
    ports: tuple[int, ...] = (443,)
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 15.0
    total_timeout_s: float = 30.0
    lifetime_s: float = DAY_S
    margin_s: float = 30.0
    max_retry_after_s: float = 3_600.0
    max_answer_bytes: int = 16_384
    concurrency: int = 100

    def __post_init__(self) -> None:
        for secret in self.signing_secrets:
            signing_key(secret)
        if self.webhook_origin is not None and not _DNS_NAME.fullmatch(self.webhook_origin):
            raise ValueError("webhook-origin must be a DNS name in lower case, like gateway.example.com")


@dataclass(frozen=True, slots=True)
class CallerRule:
    """
    What one caller (an object id) may do.

    Attributes:
        object_id: The ``caller-objectid`` that the gateway vouches for; ``*`` in the default rule.
        name: Shown to the caller when the rule refuses.
        batch_jobs: BatchJobRecIds it may start; None allows every job.
        callback_hosts: As ``CallbackSettings.hosts``; both lists must allow a host.
        max_active: Jobs at once; None is unlimited.
        profile: Callback profile when the request names none.
        overall_s: Overall budget instead of the general one, in seconds.
    """

    object_id: str
    name: str
    batch_jobs: frozenset[int] | None = frozenset()
    callback_hosts: tuple[str, ...] = ("*",)
    max_active: int | None = None
    profile: ProfileName | None = None
    overall_s: float | None = None


@dataclass(frozen=True, slots=True)
class HopSettings:
    """
    Whom to believe about ``caller-objectid`` when the gateway is another process.

    Attributes:
        shared_secret: Value that the gateway sends in *secret_header*; compared in constant time.
        mtls: The listener demands client certificates, so whoever reaches us is the gateway.
    """

    shared_secret: str | None = field(default=None, repr=False)
    secret_header: str = "gateway-secret"  # noqa: S105 - the name of a header
    mtls: bool = False


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """Finished jobs, their attempts and idempotency keys are deleted *keep_s* after their last change."""

    keep_s: float = 30 * DAY_S
    sweep_interval_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class NotificationSettings:
    """
    Everything the service needs.

    Attributes:
        store_url: ``sqlite:///file`` (one process) or ``postgresql://…`` (replicas).
        default_caller: Rule for callers that have none; None refuses them.
        public_url: Absolute prefix of ``Location`` (Logic Apps insists on one); None gives a relative ``Location``.
        send_location: ADF's Web activity polls ``Location``; switch off if that is not wanted.
        encryption_key: Seals callback URLs at rest. SQLite makes its own key file when None; PostgreSQL needs it.
        allow_readable_urls: Do without *encryption_key* on PostgreSQL: whoever reads the database, a backup or a
            replication stream can call back in our name.
        takeover_interval_s: How often a replica looks for dead ones.
    """

    store_url: str
    d365: D365Settings
    polling: PollingSettings = PollingSettings()
    budgets: BudgetSettings = BudgetSettings()
    callbacks: CallbackSettings = CallbackSettings()
    callers: tuple[CallerRule, ...] = ()
    default_caller: CallerRule | None = None
    hop: HopSettings = HopSettings()
    retention: RetentionSettings = RetentionSettings()
    public_url: str | None = None
    send_location: bool = True
    encryption_key: str | None = field(default=None, repr=False)
    allow_readable_urls: bool = False
    takeover_interval_s: float = 5.0
    max_body_bytes: int = 65_536

    def __post_init__(self) -> None:
        require_unique(rule.object_id for rule in self.callers)
        if not (self.embedded or self.encryption_key or self.allow_readable_urls):
            raise ValueError("a PostgreSQL store needs encryption-key: callback URLs are bearer secrets")

    @property
    def embedded(self) -> bool:
        """Whether the store is a SQLite file, and this process therefore alone."""
        return self.store_url.startswith("sqlite")


def require_https(url: str, name: str) -> None:
    """Refuse a URL that would carry a credential in clear; loopback (emulators, tests) is the exception."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise ValueError(f"{name} must be an https URL (plain http is accepted for loopback only)")


def is_loopback(host: str) -> bool:
    """Whether *host* is ``localhost`` or a loopback literal."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_unique(object_ids: Iterable[str]) -> None:
    """Refuse two rules for one caller: which of them wins would be anybody's guess."""
    seen: set[str] = set()
    for object_id in object_ids:
        if object_id.lower() in seen:
            raise ValueError(f"caller {object_id} has two rules")
        seen.add(object_id.lower())


def signing_key(secret: str) -> bytes:
    """
    Key bytes of a Standard Webhooks secret, ``whsec_`` and base64.

    Raises:
        ValueError: Without repeating the secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not 16 <= len(key) <= 64:
        raise ValueError("a signing secret is whsec_ followed by base64 of 24 to 64 random bytes")
    return key
