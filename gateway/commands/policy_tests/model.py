"""What a test file may contain. The JSON Schema of ``gateway schema test`` is generated from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from gateway.reading import durations
from gateway.reading.settings import Block, mistake
from gateway.reading.values import Duration, File, Id, OneOrMore, Status, Url

DEFAULT_CLOCK = "2026-01-01T12:00:00Z"


class Model(Block):
    """One mapping of a test file; a number is accepted where a text is expected."""

    model_config = ConfigDict(coerce_numbers_to_str=True)


def _lifetime(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return -durations.parse(value[1:]) if value.startswith("-") else durations.parse(value)
    except ValueError as error:
        raise mistake("bad-duration", str(error)) from None


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise mistake("bad-time", f"{value!r} is not a time", f"write it as {DEFAULT_CLOCK}") from None
    return value


def epoch(moment: str) -> float:
    """Seconds since the epoch of *moment*, UTC where it names no zone."""
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise mistake("bad-pattern", f"not a regular expression: {error}") from None
    return value


Lifetime = Annotated[float, BeforeValidator(_lifetime), Field(json_schema_extra={"type": "string"})]
"""Seconds; written ``1h``, or ``-1m`` for a token that has expired."""

Moment = Annotated[str, AfterValidator(_moment)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class Matching(Model):
    """What a text must be like; several keys must all hold."""

    equals: str | None = None
    """The whole text."""
    contains: str | None = None
    """A part of it."""
    matches: Pattern | None = None
    """A regular expression that is found in it."""
    absent: bool = False
    """It must not be there at all."""


Match: TypeAlias = str | list[str] | Matching | None
"""A text, the values of several lines, or a Matching; nothing written: it must not be there."""


class TokenKey(Model):
    """A key of the test's own."""

    secret: str
    """Base64 of an HMAC secret, as in issuer-signing-keys."""


class Token(Model):
    """A token to mint: like Entra's, unless these keys change it."""

    like: Id | None = None
    """A token under `tokens`, whose keys this one has where it gives none."""
    issuer: Url | None = None
    """OpenID metadata URL of the issuer. None: the first that the policies name."""
    version: Literal[1, 2] | None = None
    """Shape of Entra's v1 or v2 tokens. None: the issuer's URL decides."""
    app_only: bool = True
    """An application's token, or a user's."""
    audience: str | list[str] | None = None
    """`aud`."""
    roles: list[str] | None = None
    """App roles: `roles`."""
    scopes: list[str] | None = None
    """Delegated permissions: `scp`."""
    claims: dict[str, Any] = {}
    """Further claims; null removes one."""
    header: dict[str, Any] = {}
    """Further header members; null removes one."""
    lifetime_s: Lifetime = 3600.0
    """From the test's clock: `1h`; `-1m` has expired a minute ago."""
    key: Literal["published", "unknown", "forged"] | TokenKey = "published"
    """Who signs: a published key, a key that is not published, another key under a published id, or a secret."""
    algorithm: str | None = None
    """`alg`: RS256, or HS256 for a secret; `none` leaves it unsigned."""


class StubAnswer(Model):
    """What a stubbed backend or service answers, and to what; the first that fits answers."""

    method: str | None = None
    """Only to this method."""
    path: str | None = None
    """Only to this path, as sent; `*` matches anything."""
    url: str | None = None
    """Only to this URL without its query; `*` matches anything."""
    times: Annotated[int, Field(ge=1)] | None = None
    """How many times; after that the next one that fits answers."""
    status: Status = 200
    """Status code."""
    headers: dict[str, str | list[str]] = {}
    """Header fields."""
    body: str | None = None
    """The body. Give this or *json*."""
    json_: Any = Field(None, alias="json")
    """The body, as JSON."""
    delay_s: Duration = 0.0
    """Time before the answer; the test itself does not wait."""
    failure: Literal["connection", "timeout"] | None = None
    """No answer: the connection fails, or nothing ever comes."""


Answers = OneOrMore[StubAnswer]


class Sent(Model):
    """A request as a client sends it."""

    method: str | None = None
    """GET, or the operation's method."""
    path: str | None = None
    """Path; below the API's own path when the file names an API."""
    query: str | dict[str, str | list[str]] = ""
    """Query without `?`, or parameters."""
    headers: dict[str, str | list[str]] = {}
    """Header fields."""
    token: Id | Token | None = None
    """Bearer token in `Authorization`: a name under `tokens`, or a token."""
    token_header: str = "Authorization"  # noqa: S105 (a field's name)
    """Where the token goes; in any other field it has no `Bearer` before it."""
    body: str | None = None
    """The body. Give this or *json*."""
    json_: Any = Field(None, alias="json")
    """The body, as JSON."""
    scheme: Literal["http", "https"] = "https"
    """Scheme."""
    host: str = "gateway.test"
    """Host."""
    ip: str = "192.0.2.1"
    """The client's address."""


class Seen(Model):
    """What a request to a backend or service must have been."""

    method: str | None = None
    """Method."""
    url: Match = None
    """URL without its query."""
    path: Match = None
    """Path without its query."""
    query: dict[str, Match] = {}
    """Parameters."""
    headers: dict[str, Match] = {}
    """Header fields."""
    body: Match = None
    """Body."""
    json_: Any = Field(None, alias="json")
    """Body, as JSON."""
    json_contains: Any = None
    """Members that the JSON body must have."""
    times: Annotated[int, Field(ge=1)] | None = None
    """How many such requests there were."""


class ErrorSeen(Model):
    """`context.LastError`."""

    source: Match = None
    """Policy that refused."""
    reason: Match = None
    """APIM's reason, such as TokenExpired."""
    message: Match = None
    """Message."""
    section: Match = None
    """Section."""
    path: Match = None
    """Place within the document: `choose[1]/validate-jwt[1]`."""


class Expectation(Model):
    """What must have happened; anything left out is not checked."""

    status: Status | list[Status] | None = None
    """Status of the answer, or several that will do."""
    reason: Match = None
    """Reason phrase of the answer."""
    headers: dict[str, Match] = {}
    """Header fields of the answer; nothing written: absent."""
    body: Match = None
    """Body of the answer."""
    json_: Any = Field(None, alias="json")
    """Body of the answer, as JSON."""
    json_contains: Any = None
    """Members that the JSON body must have."""
    backend: Literal["not-called"] | Seen | None = None
    """What the backend saw last."""
    send_request: Literal["not-called"] | list[Seen] | None = None
    """What other services saw, in order."""
    variables: dict[str, Any] = {}
    """`context.Variables` at the end: values, or what they are like."""
    error: Literal["none"] | ErrorSeen | None = None
    """`context.LastError` at the end."""


class Fixture(Model):
    """What a test runs in; a test's own keys come before its file's."""

    clock: Moment | None = None
    """Time at the start of the test: `2026-01-01T12:00:00Z`."""
    named_values: dict[str, str] = {}
    """Named values."""
    variables: dict[str, Any] = {}
    """`context.Variables` before the first policy."""
    backend: Answers | None = None
    """What backends answer. None: 200 without a body."""
    send_request: Answers = ()
    """What other services answer; a call that none fits fails the test."""
    request: Sent = Sent.model_validate({})
    """The request; a test's own keys come before its file's, header fields by name."""


class Case(Fixture):
    """One test."""

    name: str
    """What is promised, in a sentence."""
    before: list[Sent] = []
    """Requests sent before, on the same counters and caches."""
    repeat: Annotated[int, Field(ge=1, le=10_000)] = 1
    """How often the request is sent; the last answer is judged."""
    skip: str | None = None
    """Why this test is not run."""
    expect: Expectation
    """What must have happened."""


class Suite(Fixture):
    """A test file."""

    policy: File | None = None
    """Policy document under test. Give this or *config*."""
    config: File | None = None
    """Configuration under test."""
    api: Id | None = None
    """API of the configuration that requests go to."""
    operation: Id | None = None
    """Operation that they must be matched to."""
    settings: dict[str, Any] = {}
    """Further keys of a configuration, for a policy on its own: backends, certificates, fragments, …"""
    environment: dict[str, str] = {}
    """Environment variables that the configuration reads."""
    tokens: dict[Id, Token] = {}
    """Tokens by name."""
    tests: Annotated[list[Case], Field(min_length=1)]
    """The tests."""

    @model_validator(mode="after")
    def _one_subject(self) -> Suite:
        if (self.policy is None) == (self.config is None):
            raise mistake("one-of", "a test file names either policy or config", "write one of them")
        if self.operation is not None and self.api is None:
            raise mistake("missing-setting", "operation needs api", "add api")
        return self


def json_schema() -> dict[str, Any]:
    """JSON Schema of test files, for editors."""
    schema = Suite.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "gateway policy tests"}
