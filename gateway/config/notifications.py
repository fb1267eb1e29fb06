"""
The notification service's block: the keys of ``config.yaml`` for ``gateway.notifications.settings``.

Fields have the names of the settings, so that ``Model.build`` can hand them over.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema, model_validator

from gateway.config.values import Count, Delay, Duration, File, Model, OneOrMore, Secret, Surroundings, Url, mistake
from gateway.notifications import settings
from gateway.notifications.settings import DAY_S, ProfileName

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
    credential: Literal["secret", "certificate", "managed-identity", "workload-identity"] = "secret"
    """How the service proves who it is; all but `secret` need the extra `[azure]`."""
    tenant_id: str = ""
    """Tenant; for the credential `certificate`."""
    certificate_path: File | None = None
    """PEM file with certificate and key; for the credential `certificate`."""
    cross_company: bool = False
    """Whether reads ask for every legal entity."""
    select_fields: tuple[str, ...] = ("BatchJobRecId", "Status", "StartDateTime", "EndDateTime", "OrigStartDateTime")
    """`$select` of every read."""
    on_scheduled: Literal["fail", "wait"] = "fail"
    """What to do with a job that will only run at its next recurrence."""
    on_running: Literal["attach", "reject"] = "attach"
    """What to do with a job that runs already."""
    hold_grace_s: Delay = 120.0
    """A job withheld for longer ends as `held`."""
    scheduled_slack_s: Delay = 120.0
    """A scheduled start further ahead means that the job will not run now."""
    settle_s: Delay = 60.0
    """How long to look again after a doubtful start."""
    start_retries: Annotated[int, Field(ge=0)] = 5
    """Attempts after a start that certainly failed."""
    connect_timeout_s: Duration = 10.0
    """For TCP and TLS."""
    read_timeout_s: Duration = 120.0
    """For an answer; the first one after a restart is slow."""
    concurrency: Count = 4
    """Requests at once."""


class Polling(Model):
    """How often D365 is asked."""

    interval_s: Duration = 10.0
    """Between the first questions."""
    max_interval_s: Duration = 60.0
    """Between later ones."""
    growth: Annotated[float, Field(ge=1)] = 1.5
    """Factor by which the interval grows."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Random share of the interval."""
    chunk: Count = 40
    """Jobs in one question."""
    tick_s: Duration = 1.0
    """How often due questions are looked for."""


class Budgets(Model):
    """How long a job may take."""

    start_s: Duration = 900.0
    """From the start call until the batch job executes."""
    run_s: Duration = 7_200.0
    """From executing until it ends."""
    overall_s: Duration = 570.0
    """From the request until a callback, whatever the state; just below Data Factory's time-out of 10 min."""


class Callbacks(Model):
    """Where callbacks may go, and how they are sent."""

    hosts: tuple[str, ...] = ("*.azure.com",)
    """Allowed hosts: exact names, `*.suffix` or `*`."""
    allow_http: bool = False
    """For development: plain http, and any port."""
    allow_private_networks: bool = False
    """For development: loopback and private addresses."""
    profile: Profile = "auto"
    """Form of callbacks; `auto` sends `adf` when the request named the URL `callBackUri`, else `standard`."""
    signing_secrets: OneOrMore[Secret] = Field(default=(), alias="signing-secret")
    """`whsec_…`; of a list the first one signs, all are offered as signatures."""
    source: str = "urn:gateway:notifications"
    """`source` of CloudEvents."""
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = (443,)
    """Allowed ports."""
    connect_timeout_s: Duration = 5.0
    """For TCP and TLS."""
    read_timeout_s: Duration = 15.0
    """For an answer."""
    total_timeout_s: Duration = 30.0
    """For one attempt."""
    lifetime_s: Duration = DAY_S
    """How long a callback is tried again when the caller gave no time-out."""
    margin_s: Delay = 30.0
    """Beyond the overall budget: how long Data Factory still listens."""
    max_retry_after_s: Delay = 3_600.0
    """Longest `Retry-After` that is honoured."""
    max_answer_bytes: Count = 16_384
    """Of an answer, how much is read."""
    concurrency: Count = 100
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
    batch_jobs: BatchJobs = frozenset()
    """Batch job ids that may be started; `*` is every one."""
    callback_hosts: tuple[str, ...] = ("*",)
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
    secret_header: str = "gateway-secret"  # noqa: S105 - a header's name
    """Name of that header."""
    mtls: bool = False
    """Whether the listener demands the gateway's client certificate."""


class Retention(Model):
    """When finished jobs are deleted."""

    keep_s: Duration = 30 * DAY_S
    """Age of their last change."""
    sweep_interval_s: Duration = 3_600.0
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
    callers: tuple[Caller, ...] = ()
    """Who may do what."""
    default_caller: DefaultCaller = None
    """`deny`, or the rule for everyone who has none."""
    hop: Hop = Hop()
    """Whom to believe about the caller."""
    retention: Retention = Retention()
    """When finished jobs are deleted."""
    public_url: Url | None = None
    """Absolute prefix of `Location`. None: relative."""
    send_location: bool = True
    """Whether 202 has a `Location`; Data Factory's Web activity polls it."""
    encryption_key: Secret | None = None
    """Seals callback URLs at rest; needed with PostgreSQL."""
    takeover_interval_s: Duration = 5.0
    """How often a replica looks for dead ones."""
    max_body_bytes: Count = 65_536
    """Largest request body."""

    @model_validator(mode="after")
    def _acceptable(self) -> Notifications:
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
