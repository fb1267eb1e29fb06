"""Headers, query parameters and bodies of requests and responses, as expressions read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote_plus

from gateway.expressions import primitives as p
from gateway.expressions.clr import Type, array_of, definition_of, make
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.formatting.text import text
from gateway.expressions.runtime import classify, iterate, represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, invalid_cast
from gateway.expressions.types.dictionaries import MISSING, Dictionary, Map
from gateway.expressions.types.lists import ListValue


class HeadersLike(Protocol):
    """The engine's header collection, as far as it is used here."""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a name; empty when it is absent."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Every field line."""


class BodyLike(Protocol):
    """A body that is in memory."""

    def read(self, preserve: bool) -> bytes:
        """The bytes; without *preserve* the body is empty afterwards."""


class HeaderMap(Map):
    """Headers as ``IReadOnlyDictionary<string, string[]>``; names in any case."""

    __slots__ = ("headers",)
    types = (p.STRING, array_of(p.STRING))

    def __init__(self, headers: HeadersLike) -> None:
        self.headers = headers

    def look(self, key: Any) -> object:
        """The values of a header, or MISSING."""
        if key is None:
            raise argument_null("key")
        values = self.headers.values(key)
        return strings(values) if values else MISSING

    def pairs(self) -> Iterable[tuple[object, object]]:
        """Names and values; a repeated name is one entry."""
        entries: dict[str, tuple[str, ArrayValue]] = {}
        for name, value in self.headers.items():
            entries.setdefault(name.lower(), (name, strings([])))[1].append(value)
        return list(entries.values())


class QueryMap(Map):
    """Decoded query parameters as ``IReadOnlyDictionary<string, string[]>``; names in any case."""

    __slots__ = ("params",)
    types = (p.STRING, array_of(p.STRING))

    def __init__(self, params: dict[str, list[str]]) -> None:
        self.params = params

    def look(self, key: Any) -> object:
        """The values of a parameter, or MISSING."""
        if key is None:
            raise argument_null("key")
        wanted = key.lower()
        values = [value for name, given in self.params.items() if name.lower() == wanted for value in given]
        return strings(values) if values else MISSING

    def pairs(self) -> Iterable[tuple[object, object]]:
        """Names and values."""
        return [(name, strings(values)) for name, values in self.params.items()]


def _map_type(value: object) -> Type:
    definition = definition_of("System.Collections.Generic.IReadOnlyDictionary", 2)
    return make(definition, *value.types)  # type: ignore[attr-defined]


represent(HeaderMap, _map_type, iter)
represent(QueryMap, _map_type, iter)

# Full name of T → how the body's bytes become a T; the JSON and XML parts add theirs.
READERS: dict[str, Callable[[bytes], object]] = {
    "System.String": lambda data: decode(data),
    "System.Byte[]": bytes,
    "System.Object": lambda data: decode(data),
}


def decode(data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark, or UTF-16 with one."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8-sig", errors="replace")


def read_as(types: tuple[Type, ...], body: BodyLike, preserve: bool = False) -> object:
    """``body.As<T>(preserveContent)``."""
    wanted = types[0]
    reader = READERS.get(wanted.full_name)
    if reader is None:
        raise invalid_cast("System.String", wanted.full_name)
    return reader(bytes(body.read(preserve)))


def _form(body: BodyLike, preserve: bool = False) -> Dictionary:
    fields = Dictionary((p.STRING, find_list()))
    for name, value in parse_qsl(decode(bytes(body.read(preserve))), keep_blank_values=True):
        values = fields.look(name)
        if not isinstance(values, ListValue):
            values = ListValue([], p.STRING)
            fields.store(name, values)
        values.append(value)
    return fields


def find_list() -> Type:
    """``IList<string>``."""
    definition = definition_of("System.Collections.Generic.IList", 1)
    return make(definition, p.STRING)


def _pairs_text(form: Map) -> str:
    pairs = ((name, value) for name, values in form.pairs() for value in iterate(values))
    return "&".join(f"{quote_plus(text(name))}={quote_plus(text(value))}" for name, value in pairs)


BODY = define("Microsoft.Azure.ApiManagement.IMessageBody", {
    "generic T As<T>(bool preserveContent = false)": read_as,
    "IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false)": _form,
}, kind="interface")  # fmt: skip
define("Microsoft.Azure.ApiManagement.FormExtensions", {
    "ext string ToQueryString(IDictionary<string, IList<string>> form)": _pairs_text,
    "ext string ToFormUrlEncodedContent(IDictionary<string, IList<string>> form)": _pairs_text,
}, kind="static")  # fmt: skip


@classify
def _by_reader(value: object) -> Type | None:
    return BODY if hasattr(value, "read") and hasattr(value, "size") else None
