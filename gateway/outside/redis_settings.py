"""
Settings of Redis or Valkey: one server, a cluster, or a primary that Sentinel watches; TLS; Entra ID in place of a
password.

Source: "redis URI scheme" (https://www.iana.org/assignments/uri-schemes/prov/redis); docs/adr/0079.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.outside.settings import ClientTls
from gateway.reading.settings import Block, Surroundings, mistake
from gateway.reading.values import SOURCES_SCHEMA, OneOrMore, Secret, secret_text

_SCHEMES = ("redis", "rediss", "unix")
_REMEDY = "write redis://host:6379/0, or rediss://host:6380/0 for TLS"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class RedisLogin(Block):
    """Entra ID in place of a password: a token of the gateway's own identity, renewed before it ends."""

    resource: str = "https://redis.azure.com"
    """What the token is for."""
    client_id: str = ""
    """Identity to use. Empty: the one of *managed-identity*."""
    user: str = ""
    """Object id of the identity, which is the user's name in Redis. Empty: what the token's `oid` names."""


class RedisSettings(Block):
    """Redis or Valkey. A text in place of the mapping is its *url*."""

    url: Annotated[OneOrMore[Secret], Field(min_length=1)]
    """`redis://user:password@host:6379/0`, `rediss://…` for TLS, `unix:///path`; several for a cluster or Sentinel."""
    topology: Literal["single", "cluster", "sentinel"] = "single"
    """What is at *url*: `single` server, nodes of a `cluster`, or the addresses of `sentinel` processes."""
    service: str | None = None
    """Sentinel's name of the primary."""
    sentinel_password: Secret | None = None
    """Password of the Sentinel processes themselves; the URL's is the one of the servers that they watch."""
    same_host: bool = False
    """Whether a cluster's nodes are all reached at the host of *url*, each at the port that it announces: so it is with
    Azure Managed Redis, whose nodes announce addresses that no certificate names."""
    tls: ClientTls = ClientTls()
    """What `rediss://` trusts and presents."""
    entra: RedisLogin | None = None
    """Entra ID in place of a password. None: what *url* has."""

    @property
    def urls(self) -> tuple[str, ...]:
        """The texts of *url*."""
        return tuple(url.get_secret_value() for url in self.url)

    @model_validator(mode="after")
    def _possible(self, info: ValidationInfo) -> Self:
        if not isinstance(info.context, Surroundings):
            return self
        places = [_parts(url) for url in self.urls]
        _require_one_kind(self, places)
        for place in places:
            _require_topology(self, place)
            _require_login(self, place)
        return self


def _require_one_kind(settings: RedisSettings, places: list[SplitResult]) -> None:
    """Refuse addresses that cannot be meant together."""
    if len({place.scheme for place in places}) > 1:
        raise mistake("bad-value", "the addresses have different schemes", "use TLS for all of them", at="url")
    if len(places) > 1 and settings.topology == "single":
        raise mistake("bad-value", "one server has one address", "add topology: cluster, or sentinel", at="url")
    if (settings.topology == "sentinel") != bool(settings.service):
        raise mistake("missing-setting", "sentinel and service belong together", "name the primary: service: mymaster")
    if settings.tls.is_set and places[0].scheme != "rediss":
        raise mistake("bad-value", "tls applies to rediss:// only", "write rediss:// in url", at="tls")


def _parts(url: str) -> SplitResult:
    """The parts of a URL, which is not repeated in an error: it may hold a password."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in _SCHEMES and parts.port != 0 and not re.search(r"[\x00-\x20\x7f]", url)
    except ValueError:
        good = False
    if not good or not (parts.hostname if parts.scheme != "unix" else parts.path):
        raise mistake("bad-url", "not a Redis URL", _REMEDY, at="url")
    return parts


def _require_topology(settings: RedisSettings, place: SplitResult) -> None:
    if settings.topology != "single" and place.scheme == "unix":
        raise mistake("bad-value", f"a {settings.topology} is not reached through a socket file", _REMEDY, at="url")
    if settings.topology == "cluster" and place.path.strip("/") not in ("", "0"):
        raise mistake("bad-value", "a cluster has database 0 only", "remove the number from url", at="url")


def _require_login(settings: RedisSettings, place: SplitResult) -> None:
    if settings.entra is None:
        return
    if place.username or place.password:
        raise mistake("bad-value", "url has a user, and so has entra", "remove one of them", at="entra")
    if place.scheme == "redis" and place.hostname not in _LOOPBACK:
        raise mistake("bad-value", "a token would be sent unencrypted", "write rediss:// in url", at="entra")


def _from_text(value: object, info: ValidationInfo) -> object:
    """A text, or where it is to be read from, is the URL of one server."""
    is_source = isinstance(value, dict) and bool(value) and set(value) <= {"env", "file"}
    if is_source and isinstance(info.context, Surroundings):
        value = secret_text(value, info.context)
    return {"url": [value]} if isinstance(value, str | SecretStr) else value


class _TextInSchema:
    """Lets editors accept a URL in place of the mapping."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [*SOURCES_SCHEMA, handler(schema)]}


RedisStore = Annotated[RedisSettings, BeforeValidator(_from_text), _TextInSchema]
"""Redis: its URL, or the mapping."""
