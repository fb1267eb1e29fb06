"""What policies use: named values and certificates."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler, SecretStr, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.reading.settings import Block, Surroundings, mistake
from gateway.reading.values import SOURCES_SCHEMA, File, Secret, TextForm, secret_text

MAX_VALUE_CHARACTERS = 4_096


class NamedValueSettings(Block):
    """
    A text for `{{name}}` in policy documents: plain, `{value, secret}`, `{env, secret}` or `{file, secret}`.

    What comes from the environment or a file is secret unless *secret* is false.
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
        sources = value.keys() & {"value", "env", "file"}
        if len(sources) != 1:
            raise mistake("one-of", "a named value has exactly one of value, env and file", "write one of them")
        if "value" in sources or not isinstance(info.context, Surroundings):
            return value
        rest = dict(value)
        source = {key: rest.pop(key) for key in sources}
        return {"secret": True, **rest, "value": secret_text(source, info.context)}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        keys = ("value", "env", "file", "secret")
        flag = {"type": "boolean"}
        properties = {key: flag if key == "secret" else {"type": "string"} for key in keys}
        forms = {"type": "object", "properties": properties, "additionalProperties": False}
        return {"description": written.get("description", ""), "anyOf": [SOURCES_SCHEMA[0], forms]}


class Certificate(Block):
    """A certificate that policies name by id or thumbprint."""

    file: File
    """PEM or PKCS#12 file: the certificate, and the private key where one is needed."""
    key: File | None = None
    """PEM file of the private key, if that is in a separate file."""
    password: Secret | None = None
    """Password of the private key or of the PKCS#12 file."""


AuthorizationName = Annotated[
    str, TextForm(r"^[^/\s]+/[^/\s]+$", "a provider and an authorization", "write it like github/bot")
]

ValueName = Annotated[
    str,
    TextForm(
        r"^[A-Za-z0-9._-]{1,256}$", "a name of letters, digits, dot, dash and underscore", "write it like backend-key"
    ),
]
"""Name of a named value: letters, digits, dot, dash and underscore."""
