"""
How values of expressions are kept in a cache: each with its exact .NET type, so that a cast finds what was stored.

Codes are in the stored bytes: they are never used for anything else.

Source: ADR 13 for the types; APIM "cache-store-value".
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from gateway.expressions import values
from gateway.expressions.clr import Type
from gateway.expressions.collections import ArrayValue
from gateway.expressions.json.reader import parse
from gateway.expressions.json.tree import JArray, JObject, JToken, JValue
from gateway.expressions.json.writer import write
from gateway.expressions.limits import LimitExceeded, forget
from gateway.expressions.moments import DateTime, DateTimeOffset, TimeSpan
from gateway.expressions.signatures import read_type
from gateway.expressions.thrown import Thrown
from gateway.expressions.types.comparers import Comparer
from gateway.expressions.types.dictionaries import Dictionary
from gateway.expressions.types.lists import ListValue
from gateway.tokens.jwt import Jwt
from gateway.value_cache import Codec, ValueForm
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response


def _forms() -> Iterator[ValueForm]:
    yield ValueForm(1, Response, _dump_response, _load_response)
    for code, token in enumerate((JObject, JArray, JValue), 2):
        yield ValueForm(code, token, lambda value: write(value, False), _load_token)
    for code, number in enumerate(_NUMBERS, 10):
        yield ValueForm(code, number, _plain_number, number)
    yield ValueForm(18, values.Char, str, values.Char)
    yield ValueForm(19, Decimal, str, _load_decimal)
    yield ValueForm(20, DateTime, lambda value: [value.ticks, value.kind], lambda kept: DateTime(*kept))
    yield ValueForm(21, DateTimeOffset, lambda value: [value.ticks, value.offset], lambda kept: DateTimeOffset(*kept))
    yield ValueForm(22, TimeSpan, lambda value: value.ticks, TimeSpan)
    yield ValueForm(23, uuid.UUID, str, uuid.UUID)
    yield ValueForm(24, ArrayValue, _dump_list, _list_loader(ArrayValue))
    yield ValueForm(25, ListValue, _dump_list, _list_loader(ListValue))
    yield ValueForm(26, Dictionary, _dump_dictionary, _load_dictionary)
    yield ValueForm(27, Jwt, _dump_jwt, _load_jwt)


_NUMBERS: tuple[type[Any], ...] = (
    values.SByte,
    values.Byte,
    values.Int16,
    values.UInt16,
    values.UInt32,
    values.Int64,
    values.UInt64,
    values.Single,
)


def _plain_number(value: int | float) -> int | float:
    return float(value) if isinstance(value, float) else int(value)


def _load_decimal(kept: str) -> Decimal:
    try:
        return Decimal(kept)
    except InvalidOperation:
        raise ValueError("not a decimal") from None


def _load_token(kept: str) -> JToken:
    forget()
    try:
        return parse(kept)
    except (Thrown, LimitExceeded):
        raise ValueError("not JSON") from None


def _type(name: str) -> Type:
    """The type that C# spells *name*; the text comes from the cache's server, so it may be anything."""
    try:
        return read_type(name)
    except (LookupError, Thrown):
        raise ValueError("unknown type") from None


def _dump_list(value: ArrayValue | ListValue) -> object:
    return [value.element.name, list(value)]


def _list_loader(kind: type[ArrayValue] | type[ListValue]) -> Callable[[Any], object]:
    def load(kept: Any) -> object:
        name, items = kept
        return kind(items, _type(name))

    return load


def _dump_dictionary(value: Dictionary) -> object:
    key, item = (clr_type.name for clr_type in value.types)
    return [key, item, value.comparer is not None, [list(pair) for pair in value.pairs()]]


def _load_dictionary(kept: Any) -> Dictionary:
    key, item, ignores_case, pairs = kept
    dictionary = Dictionary((_type(key), _type(item)), Comparer(True) if ignores_case else None)
    for name, value in pairs:
        dictionary.store(name, value)
    return dictionary


def _dump_jwt(jwt: Jwt) -> object:
    return [json.dumps(dict(jwt.header)), json.dumps(dict(jwt.payload))]


def _load_jwt(kept: Any) -> Jwt:
    header, payload = kept
    return Jwt.of(json.loads(header), json.loads(payload))


def _dump_response(response: Response) -> object:
    headers = [list(field) for field in response.headers.items()]
    return [response.status_code, response.reason, headers, response.body.read(preserve=True)]


def _load_response(kept: Any) -> Response:
    status_code, reason, headers, content = kept
    return Response(status_code, Headers((name, value) for name, value in headers), Body(content), reason)


CODEC = Codec(tuple(_forms()))
