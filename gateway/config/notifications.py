"""
The notification service's block: the keys of ``config.yaml`` for ``gateway.notifications.settings``.

Fields have the names of the settings, so that ``Model.build`` can hand them over, and their defaults.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema, model_validator

from gateway.config.values import (
    Count,
    Delay,
    Duration,
    File,
    Model,
    OneOrMore,
    Secret,
    Surroundings,
    Url,
    defaults_of,
    mistake,
)
from gateway.notifications import settings
from gateway.notifications.settings import ProfileName

_SERVICE, _D365 = defaults_of(settings.NotificationSettings), defaults_of(settings.D365Settings)
_POLLING, _BUDGETS = defaults_of(settings.PollingSettings), defaults_of(settings.BudgetSettings)
_CALLBACKS, _RULE = defaults_of(settings.CallbackSettings), defaults_of(settings.CallerRule)
_HOP, _RETENTION = defaults_of(settings.HopSettings), defaults_of(settings.RetentionSettings)

Profile = Literal["auto", "adf", "standard", "cloudevents", "plain"]


class D365(Model):
    """The Finance and Operations environment."""

    instance_url: Url
    """`https://contoso.operations.dynamics.com`."""
    token_url: str = ""
    """OAuth 2.0 token endpoint, v1 or v2; needed for the credential `secret`."""
    client_id: str = ""
    """Client id of the app registration."""
    client_secret: Secret | None = None
    """Its secret; for the credential `secret`."""
    credential: Literal["secret", "certificate", "managed-identity", "workload-identity"] = _D365.credential
    """How the service proves who it is; all but `secret` need the extra `[azure]`."""
    tenant_id: str = ""
    """Tenant; for the credential `certificate`."""
    certificate_path: File | None = None
    """PEM file with certificate and key; for the credential `certificate`."""
    cross_company: bool = _D365.cross_company
    """Whether reads ask for every legal entity."""
    select_fields: tuple[str, ...] = _D365.select_fields
    """`$select` of every read."""
    on_scheduled: Literal["fail", "wait"] = _D365.on_scheduled
    """What to do with a job that will only run at its next recurrence."""
    on_running: Literal["attach", "reject"] = _D365.on_running
    """What to do with a job that runs already."""
    hold_grace_s: Delay = _D365.hold_grace_s
    """A job withheld for longer ends as `held`."""
    scheduled_slack_s: Delay = _D365.scheduled_slack_s
    """A scheduled start further ahead means that the job will not run now."""
    settle_s: Delay = _D365.settle_s
    """How long to look again after a doubtful start."""
    start_retries: Annotated[int, Field(ge=0)] = _D365.start_retries
    """Attempts after a start that certainly failed."""
    connect_timeout_s: Duration = _D365.connect_timeout_s
    """For TCP and TLS."""
    read_timeout_s: Duration = _D365.read_timeout_s
    """For an answer; the first one after a restart is slow."""
    concurrency: Count = _D365.concurrency
    """Requests at once."""


class Polling(Model):
    """How often D365 is asked."""

    interval_s: Duration = _POLLING.interval_s
    """Between the first questions."""
    max_interval_s: Duration = _POLLING.max_interval_s
    """Between later ones."""
    growth: Annotated[float, Field(ge=1)] = _POLLING.growth
    """Factor by which the interval grows."""
    jitter: Annotated[float, Field(ge=0, le=1)] = _POLLING.jitter
    """Random share of the interval."""
    chunk: Count = _POLLING.chunk
    """Jobs in one question."""
    tick_s: Duration = _POLLING.tick_s
    """How often due questions are looked for."""


class Budgets(Model):
    """How long a job may take."""

    start_s: Duration = _BUDGETS.start_s
    """From the start call until the batch job executes."""
    run_s: Duration = _BUDGETS.run_s
    """From executing until it ends."""
    overall_s: Duration = _BUDGETS.overall_s
    """From the request until a callback, whatever the state; just below Data Factory's time-out of 10 min."""


class Callbacks(Model):
    """Where callbacks may go, and how they are sent."""

    hosts: tuple[str, ...] = _CALLBACKS.hosts
    """Allowed hosts: exact names, `*.suffix` or `*`."""
    allow_http: bool = _CALLBACKS.allow_http
    """For development: plain http, and any port."""
    allow_private_networks: bool = _CALLBACKS.allow_private_networks
    """For development: loopback and private addresses."""
    profile: Profile = _CALLBACKS.profile
    """Form of callbacks; `auto` sends `adf` when the request named the URL `callBackUri`, else `standard`."""
    signing_secrets: OneOrMore[Secret] = Field(default=(), alias="signing-secret")
    """`whsec_…`; of a list the first one signs, all are offered as signatures."""
    source: str = _CALLBACKS.source
    """`source` of CloudEvents."""
    webhook_origin: str | None = None
    """Our DNS name; with it, receivers of `cloudevents` are asked for consent (OPTIONS) before each delivery."""
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = _CALLBACKS.ports
    """Allowed ports."""
    connect_timeout_s: Duration = _CALLBACKS.connect_timeout_s
    """For TCP and TLS."""
    read_timeout_s: Duration = _CALLBACKS.read_timeout_s
    """For an answer."""
    total_timeout_s: Duration = _CALLBACKS.total_timeout_s
    """For one attempt."""
    lifetime_s: Duration = _CALLBACKS.lifetime_s
    """How long a callback is tried again when the caller gave no time-out."""
    margin_s: Delay = _CALLBACKS.margin_s
    """Beyond the overall budget: how long Data Factory still listens."""
    max_retry_after_s: Delay = _CALLBACKS.max_retry_after_s
    """Longest `Retry-After` that is honoured."""
    max_answer_bytes: Count = _CALLBACKS.max_answer_bytes
    """Of an answer, how much is read."""
    concurrency: Count = _CALLBACKS.concurrency
    """Callbacks at once."""


def _jobs(value: object) -> object:
    return None if value == "*" else value


BatchJobs = Annotated[
    frozenset[int] | None,
    BeforeValidator(_jobs),
    WithJsonSchema({"anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "integer"}}]}),
]


class Rule(Model):
    """What callers may do."""

    name: str = "default"
    """Shown to a caller whom the rule refuses."""
    batch_jobs: BatchJobs = _RULE.batch_jobs
    """Batch job ids that may be started; `*` is every one."""
    callback_hosts: tuple[str, ...] = _RULE.callback_hosts
    """Allowed hosts, within `callbacks.hosts`."""
    max_active: Count | None = None
    """Jobs at once. None: no limit."""
    profile: ProfileName | None = None
    """Form of callbacks when the request names none."""
    overall_s: Duration | None = None
    """Overall budget instead of the general one."""


class Caller(Rule):
    """What one caller may do."""

    object_id: str
    """The object id that the gateway vouches for."""


class Hop(Model):
    """Whom to believe about the caller's object id when the gateway is another process."""

    shared_secret: Secret | None = None
    """Value that the gateway sends in *secret-header*."""
    secret_header: str = _HOP.secret_header
    """Name of that header."""
    mtls: bool = _HOP.mtls
    """Whether the listener demands the gateway's client certificate."""


class Retention(Model):
    """When finished jobs are deleted."""

    keep_s: Duration = _RETENTION.keep_s
    """Age of their last change."""
    sweep_interval_s: Duration = _RETENTION.sweep_interval_s
    """How often the old ones are looked for."""


def _default_caller(value: object) -> object:
    if isinstance(value, str) and value != "deny":
        raise mistake("bad-value", "default-caller is deny or a rule", "write deny")
    return None if value == "deny" else value


def _deny_for_null(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"const": "deny"} if form == {"type": "null"} else form for form in schema["anyOf"]]
    schema["default"] = "deny"


def _beside_file(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """A SQLite file, too, starts at the configuration file."""
    url = value.get_secret_value()
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or path.startswith(("/", ":")) or not isinstance(info.context, Surroundings):
        return value
    return SecretStr(f"{_SQLITE}{info.context.directory / path}")


_SQLITE = "sqlite:///"

DefaultCaller = Annotated[Rule | None, BeforeValidator(_default_caller), Field(json_schema_extra=_deny_for_null)]
Store = Annotated[Secret, AfterValidator(_beside_file)]


class Notifications(Model):
    """The batch-notification service."""

    store_url: Store = Field(alias="store")
    """`sqlite:///file` for one process, `postgresql://user@host/db` when replicas share it."""
    d365: D365
    """Where batch jobs run."""
    polling: Polling = Polling()
    """How often D365 is asked."""
    budgets: Budgets = Budgets()
    """How long a job may take."""
    callbacks: Callbacks = Callbacks()
    """Where callbacks may go."""
    callers: tuple[Caller, ...] = _SERVICE.callers
    """Who may do what."""
    default_caller: DefaultCaller = None
    """`deny`, or the rule for everyone who has none."""
    hop: Hop = Hop()
    """Whom to believe about the caller."""
    retention: Retention = Retention()
    """When finished jobs are deleted."""
    public_url: Url | None = None
    """Absolute prefix of `Location`. None: relative."""
    send_location: bool = _SERVICE.send_location
    """Whether 202 has a `Location`; Data Factory's Web activity polls it."""
    encryption_key: Secret | None = None
    """Seals callback URLs at rest; needed with PostgreSQL."""
    allow_readable_urls: bool = _SERVICE.allow_readable_urls
    """Lets a PostgreSQL store keep callback URLs, which are bearer secrets, readable."""
    takeover_interval_s: Duration = _SERVICE.takeover_interval_s
    """How often a replica looks for dead ones."""
    max_body_bytes: Count = _SERVICE.max_body_bytes
    """Largest request body."""

    @model_validator(mode="after")
    def _acceptable(self) -> Notifications:
        embedded = self.store_url.get_secret_value().startswith("sqlite")
        if not (embedded or self.encryption_key or self.allow_readable_urls):
            message = "a PostgreSQL store without encryption-key keeps callback URLs (bearer secrets) readable"
            remedy = "set encryption-key, the same on every replica, or allow-readable-urls: true"
            raise mistake("no-encryption-key", message, remedy)
        self.settings()
        return self

    def settings(self) -> settings.NotificationSettings:
        """The same for the service. Raises ValueError."""
        absent: dict[str, Any] = {} if self.d365.client_secret else {"client_secret": ""}
        if self.d365.certificate_path is None:
            absent["certificate_path"] = ""
        return self.build(
            settings.NotificationSettings,
            d365=self.d365.build(settings.D365Settings, **absent),
            polling=self.polling.build(settings.PollingSettings),
            budgets=self.budgets.build(settings.BudgetSettings),
            callbacks=self.callbacks.build(settings.CallbackSettings),
            callers=tuple(caller.build(settings.CallerRule) for caller in self.callers),
            default_caller=self.default_caller and self.default_caller.build(settings.CallerRule, object_id="*"),
            hop=self.hop.build(settings.HopSettings),
            retention=self.retention.build(settings.RetentionSettings),
        )
