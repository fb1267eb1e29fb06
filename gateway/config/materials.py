"""What policies draw on: named values, certificates, issuers and loggers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, SecretStr, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.config.values import (
    SOURCES_SCHEMA,
    Count,
    Duration,
    File,
    Model,
    NewFile,
    Secret,
    Surroundings,
    Url,
    mistake,
    secret_text,
)

MAX_VALUE_CHARACTERS = 4_096


class NamedValue(Model):
    """
    A text for `{{name}}` in policy documents: plain, `{value, secret}`, `{env, secret}` or `{file, secret}`.

    What comes from the environment or a file is secret unless it says otherwise.
    """

    value: SecretStr = Field(max_length=MAX_VALUE_CHARACTERS)
    """The text; may hold an expression, but no other named value."""
    secret: bool = False
    """Whether it is masked in traces."""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            return {"value": value}
        sources = [key for key in ("value", "env", "file") if key in value]
        if len(sources) != 1:
            raise mistake("one-of", "a named value has exactly one of value, env and file", "write one of them")
        if sources == ["value"] or not isinstance(info.context, Surroundings):
            return value
        source = {sources[0]: value[sources[0]]}
        rest = {key: item for key, item in value.items() if key not in source}
        return {"secret": True, **rest, "value": secret_text(source, info.context)}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        keys = ("value", "env", "file", "secret")
        flag = {"type": "boolean"}
        properties = {key: flag if key == "secret" else {"type": "string"} for key in keys}
        forms = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"description": written.get("description", ""), "anyOf": [SOURCES_SCHEMA[0], forms]}


class Certificate(Model):
    """A certificate that policies name by id or thumbprint."""

    file: File
    """PEM or PKCS#12 file: the certificate, and the private key where one is needed."""
    key: File | None = None
    """PEM file of the private key, when it is in a file of its own."""
    password: Secret | None = None
    """Password of the private key or of the PKCS#12 file."""


class FetchBudget(Model):
    """How many fetches unknown key ids may cause; scheduled refreshes are not counted."""

    window_s: Duration = 30.0
    """Time over which fetches are counted."""
    per_window: Count = 2
    """Fetches in any window, whoever asks."""
    unknown_s: Duration = 300.0
    """How long a key id that a fetch did not find causes no other fetch."""


class Issuer(Model):
    """Settings for one OpenID metadata URL."""

    ca_file: File | None = None
    """PEM bundle to trust for this issuer instead of the system's."""
    allow_http_loopback: bool = False
    """Whether plain http to this machine is allowed: for emulators."""
    refresh_s: Duration = 3_600.0
    """Age at which metadata and keys are fetched again."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""
    budget: FetchBudget = FetchBudget()
    """Fetches for unknown key ids."""


class TokenCache(Model):
    """How many verified tokens are remembered; a verdict never outlives its token, its keys or the configuration."""

    entries: Annotated[int, Field(ge=0)] = 65_536
    """Verdicts of one worker; 0 verifies every token in full."""
    max_bytes: Count = 64 * 1_048_576
    """Memory that they may take, estimated."""


class Logger(Model):
    """Where log-to-eventhub and its kin write: an HTTP endpoint or a file."""

    url: Url | None = None
    """Events are posted here. Give this or *file*."""
    headers: dict[str, Secret] = {}
    """Header fields of each post."""
    resource: str | None = None
    """Resource that a token of the gateway's own identity is sent for, as `Authorization`. None: no token."""
    file: NewFile | None = None
    """Events are appended here, one JSON object per line."""

    @model_validator(mode="after")
    def _one_place(self) -> Logger:
        if (self.url is None) == (self.file is None):
            raise mistake("one-of", "a logger has either url or file", "write one of them")
        return self


ValueName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,256}$")]
"""Name of a named value: letters, digits, dot, dash and underscore."""
