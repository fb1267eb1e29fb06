"""
OpenAPI definitions: read at load, asked for while requests run.

``reader`` makes operations of a file, ``documents`` follows references, ``schemas`` and ``json_schema`` read and apply
JSON Schema, ``parameters`` reads values from text, ``samples`` makes values.
"""

from __future__ import annotations

from gateway.openapi.definition import UNDEFINED, BodyContent, MediaType, OperationDefinition, ResponseDefinition
from gateway.openapi.identifiers import normalized
from gateway.openapi.json_schema import Schema, closed, first_mistake, validator_class
from gateway.openapi.parameters import Parameter, SeveralValues, Unreadable
from gateway.openapi.reader import read_definition
from gateway.reading.json_text import read_json

__all__ = [
    "UNDEFINED",
    "BodyContent",
    "MediaType",
    "OperationDefinition",
    "Parameter",
    "ResponseDefinition",
    "Schema",
    "SeveralValues",
    "Unreadable",
    "closed",
    "first_mistake",
    "normalized",
    "read_definition",
    "read_json",
    "validator_class",
]
