"""
How a part declares its settings: one frozen model per mapping of the configuration.

The part that a setting belongs to declares it, once: name, unit, default, range and meaning. The configuration composes
these declarations; the JSON Schema and the reference page are made from them. A field's docstring is its documentation.

Source: docs/adr/0037.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

# Nobody else's code sees what is configured, and no start asks every installed package whether it has such code.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def key_of(field: str) -> str:
    """The key of a field: kebab-case; a duration states its own unit, so the field's ``_s`` is dropped."""
    return field.removesuffix("_s").replace("_", "-")


class Block(BaseModel):
    """
    One mapping of a configuration: frozen, and unknown keys are refused.

    Python constructs it with the names of its fields, ``from_file`` with the keys that people write.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=key_of,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        validate_default=False,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _default_where_empty(cls, data: Any) -> Any:
        """A key without a value has its default."""
        if not isinstance(data, dict):
            return data
        known = {field.alias for field in cls.model_fields.values()}
        return {key: value for key, value in data.items() if value is not None or key not in known}

    @classmethod
    def from_file(cls, data: Any, surroundings: Surroundings) -> Self:
        """What is written in a file: only keys count, never names of fields. Raises pydantic.ValidationError."""
        return cls.model_validate(data, context=surroundings, by_alias=True, by_name=False)

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """Field → its documentation: its docstring."""
        from gateway.reading.field_docstrings import field_docstrings  # reads the source

        return field_docstrings(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler(schema)
        fields = handler.resolve_ref_schema(written).get("properties", {})
        for name, meaning in cls.meanings().items():
            fields[cls.model_fields[name].alias].setdefault("description", meaning)
        return written


class Switch(Block):
    """
    A mapping in whose place ``true`` or ``false`` may be written.

    Attributes:
        switched_key: The key of the mapping that they stand for.
    """

    switched_key: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {cls.switched_key: value}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(super().__get_pydantic_json_schema__(schema, handler))
        return {"description": written.pop("description", ""), "anyOf": [{"type": "boolean"}, written]}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    What the meaning of a value may depend on: the validation's context.

    Attributes:
        directory: Where relative paths start.
        files: Every file that a value names or was read from, collected while values are read.
    """

    directory: Path
    environ: Mapping[str, str]
    files: set[Path] = field(default_factory=set, compare=False)

    def file(self, written: str | Path) -> Path:
        """The file that a value names."""
        path = self.directory / written
        self.files.add(path)
        return path


def mistake(code: str, message: str, remedy: str = "", at: str = "") -> PydanticCustomError:
    """A validation error with a code and a remedy; of a mapping as a whole, *at* is the key that it is about."""
    return PydanticCustomError(code, "{message}", {"message": message, "remedy": remedy, "at": at})
