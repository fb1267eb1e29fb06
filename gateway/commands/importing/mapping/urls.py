"""
URLs of backends: named values in them are filled in, and what the gateway's own form refuses is put where it belongs.

A URL that is not known is written below ``.invalid``, which never resolves, and is the user's to complete.

Source: RFC 2606, section 2.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.named_values import NamedValues
from gateway.commands.importing.mapping.taking import Taker, stand_in
from gateway.commands.importing.resources import Unresolved

_NOT_IN_HOSTS = re.compile(r"[^a-z0-9-]+")
_OWN = " "  # no workspace has this name: the id is another one than that of any backend of the source
_SECRET = re.compile(r"(.*[-_.])?(api-?key|code|key|password|pwd|secret|sig|signature|token)", re.IGNORECASE)
_SCHEMES = {"wss": "https", "ws": "http"}


class ReadUrl(NamedTuple):
    """A URL without its query, and the query's parameters."""

    url: str
    query: dict[str, list[Any]]


class Urls:
    """Reads URLs of one plan."""

    def __init__(self, instance: Instance, values: NamedValues) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._values = values

    def service(self, taker: Taker, backend: str) -> dict[str, str]:
        """Where an API leads: ``service-url``, or a backend of its own called *backend* for a URL with a query."""
        read = self.read(taker, "serviceUrl")
        if read is None:
            return {}
        if not read.query:
            return {"service-url": read.url}
        backend = self._instance.ids.give("backends", backend, _OWN)
        self._draft.entry("backends", backend, {"url": read.url, "credentials": {"query": read.query}})
        message = f"its URL has a query, which the backend {backend} adds to every request"
        self._draft.changed(taker.location_of("serviceUrl"), taker.what, message)
        return {"backend": backend}

    def read(self, taker: Taker, name: str) -> ReadUrl | None:
        """The URL under *name*, or None where there is none."""
        scalar = taker.scalar(name)
        if scalar is None or not scalar.value.strip():
            return None
        if isinstance(scalar, Unresolved):
            text = stand_in(scalar)
            self._draft.unresolved(scalar, f"{taker.what}: {name}", "write the URL into config.yaml")
            return ReadUrl(_unknown(text), {})
        filled = self._values.filled(scalar.value.strip())
        if filled is None:
            message = f"{_shown(scalar.value)} depends on a named value that is not plain text here"
            self._draft.needs_you(scalar.location, f"{taker.what}: {name}", message, "write the URL into config.yaml")
            return ReadUrl(_unknown(scalar.value), {})
        return self._known(filled, taker, name)

    def _known(self, text: str, taker: Taker, name: str) -> ReadUrl:
        parts = _split(text)
        if parts is None:
            message = f"{_shown(text)!r} is not an absolute http or https URL"
            self._draft.needs_you(
                taker.location_of(name), f"{taker.what}: {name}", message, "write the URL into config.yaml"
            )
            return ReadUrl(_unknown(text), {})
        query: dict[str, list[Any]] = {}
        for key, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(key, []).append(self._parameter(key, value, taker, name))
        scheme = _SCHEMES.get(parts.scheme, parts.scheme)
        return ReadUrl(f"{scheme}://{parts.netloc}{parts.path}", query)

    def _parameter(self, key: str, value: str, taker: Taker, name: str) -> Any:
        """A parameter of a query; one that is called as keys are (``?code=…`` of Azure Functions) is a secret."""
        if not value or _SECRET.fullmatch(key) is None:
            return value
        wanted = f"{taker.what.replace('API ', '').replace('backend ', '')}-{key}"
        return {"env": self._draft.variable(wanted, f"{taker.what}: {key} of its URL", taker.location_of(name))}


def _shown(text: str) -> str:
    """*text* without what may be a secret in it: a password, a query."""
    head, at, rest = text.partition("?")[0].rpartition("@")
    return f"…@{rest}" if at and head else rest


def _split(text: str) -> Any:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    good = parts.scheme in ("http", "https", *_SCHEMES) and parts.hostname and parts.username is None
    return parts if good and not re.search(r"[\x00-\x20\x7f]", text) else None


def _unknown(text: str) -> str:
    """A URL that leads nowhere, with a host that says what it stands for."""
    host = text.partition("://")[2] or text
    host = host.partition("?")[0].rpartition("@")[2]
    name = _NOT_IN_HOSTS.sub("-", host.partition("/")[0].lower()).strip("-")[:60].strip("-")
    return f"https://{name or 'unknown'}.invalid"
