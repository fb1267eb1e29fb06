"""
Functions that encode texts.

Source: "String functions for ARM templates": base64, dataUri, uriComponent.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote, unquote

from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.functions.registration import FunctionTable
from gateway.commands.importing.sources.template.limits import EvaluationFault, check_length
from gateway.errors import Location
from gateway.reading.yaml_nodes import YamlNode

TABLE = FunctionTable()


def _encodes(name: str, encode: Callable[[str], str]) -> None:
    @TABLE.known(name, 1, 1)
    def encoded(location: Location, arguments: list[YamlNode]) -> YamlNode:
        try:
            result = encode(values.as_text(arguments[0]))
        except ValueError:
            raise EvaluationFault(location, f"{name} cannot decode its text") from None
        check_length(len(result), location)
        return values.text(result, location)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _from_base64(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8")


def _from_data_uri(text: str) -> str:
    head, comma, data = text.partition(",")
    if not head.startswith("data:") or not comma:
        raise ValueError(text)
    return _from_base64(data) if head.endswith(";base64") else unquote(data)


_encodes("base64", _base64)
_encodes("base64ToString", _from_base64)
_encodes("dataUri", lambda text: f"data:text/plain;charset=utf8;base64,{_base64(text)}")
_encodes("dataUriToString", _from_data_uri)
_encodes("uriComponent", lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="!'()*~"))
_encodes("uriComponentToString", unquote)


@TABLE.known("base64ToJson", 1, 1)
def _base64_to_json(location: Location, arguments: list[YamlNode]) -> YamlNode:
    try:
        decoded = _from_base64(values.as_text(arguments[0]))
    except ValueError:
        raise EvaluationFault(location, "base64ToJson cannot decode its text") from None
    return values.from_json(decoded, location)
