"""
A query as raw pairs: changing one parameter leaves the spelling of the others alone.

Source: RFC 3986 §3.4; WHATWG URL, application/x-www-form-urlencoded, for names and values.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote_plus

# What may be unescaped in a value; "&", "=", "+", "#" and "%" must not.
_SAFE = "-._~!$'()*,;:@/?"


def pairs(query: str) -> list[str]:
    """The raw ``name=value`` parts of *query*."""
    return [pair for pair in query.split("&") if pair]


def join(raw: Iterable[str]) -> str:
    """A query of raw parts."""
    return "&".join(raw)


def name_of(pair: str) -> str:
    """The decoded name of a raw part, without case: .NET's query collections ignore it."""
    return unquote_plus(pair.partition("=")[0]).casefold()


def value_of(pair: str) -> str:
    """The decoded value of a raw part."""
    return unquote_plus(pair.partition("=")[2])


def encode(name: str, value: str) -> str:
    """A raw part."""
    return f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}"


def values(query: str, name: str) -> list[str]:
    """The decoded values of the parameter *name*, in order."""
    wanted = name.casefold()
    return [value_of(pair) for pair in pairs(query) if name_of(pair) == wanted]


def without(query: str, names: Iterable[str]) -> str:
    """*query* without the parameters *names*, in any case and encoding."""
    unwanted = {name.casefold() for name in names}
    return join(pair for pair in pairs(query) if name_of(pair) not in unwanted)
