"""
Which headers the clients of each API may not send: those that its own documents own, and those of APIs beside it.

A backend that believes a header believes it whichever API the request came through. So the names that one API's
documents make trustworthy are taken from clients on every API that leads to the same place, unless that API itself
reads the client's value before it sets its own. Policies lead to other places than the API's backend, too: where an
expression gives the URL, the API leads everywhere.

Source: docs/adr/0003-header-contract.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.config import Config
from gateway.config.apis import Api
from gateway.data_plane.mcp.settings import McpSettings
from gateway.pipeline.destination import Destination
from gateway.pipeline.pipeline import Pipeline
from gateway.wire.contract import HeaderContract

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class _Names:
    """What the pipelines of one API own and guard, and where its requests go (*is_anywhere*: not known at load)."""

    owned: frozenset[str]
    guarded: frozenset[str]
    places: frozenset[object]
    is_anywhere: bool

    def meets(self, other: _Names) -> bool:
        """Whether requests of both may get to the same place."""
        return self.is_anywhere or other.is_anywhere or bool(self.places & other.places)


def contracts(
    config: Config, pipelines: Mapping[str, Iterable[Pipeline]], trusted: frozenset[str]
) -> dict[str, HeaderContract]:
    """The contract of each API by its id; clients send *trusted* in no case."""
    names = {api.id: _names(tuple(pipelines[api.id]), api, config) for api in config.apis}
    return {id: HeaderContract(_owned(own, names.values()) | trusted) for id, own in names.items()}


def _names(pipelines: tuple[Pipeline, ...], api: Api, config: Config) -> _Names:
    owned = frozenset[str]().union(*(pipeline.owned_headers for pipeline in pipelines))
    guarded = frozenset[str]().union(*(pipeline.guarded_headers for pipeline in pipelines))
    destinations = frozenset[Destination]().union(*(pipeline.destinations for pipeline in pipelines))
    places = _places(api, config).union(*(_destination_places(destination, config) for destination in destinations))
    return _Names(owned - guarded, guarded, places, any(destination.is_anywhere for destination in destinations))


def _owned(own: _Names, all_names: Iterable[_Names]) -> frozenset[str]:
    """The API's own names, and those of every API with a backend in common."""
    neighbours = (other.owned for other in all_names if own.meets(other))
    return own.owned | (frozenset[str]().union(*neighbours) - own.guarded)


def _places(api: Api, config: Config) -> frozenset[object]:
    """Where the API's requests go: host and port of each backend, or the application in this process."""
    if api.service_url is not None:
        return frozenset({_place(str(api.service_url))})
    if api.mcp is not None and api.mcp.tools:
        return _tools_places(api.mcp, config)
    return frozenset() if api.backend is None else frozenset(_backend_places(api.backend, config))


def _tools_places(mcp: McpSettings, config: Config) -> frozenset[object]:
    """Where the operations are that are its tools."""
    used = {tool.api for tool in mcp.tools}
    places = (_places(other, config) for other in config.apis if other.id in used and other.type != "mcp")
    return frozenset[object]().union(*places)


def _backend_places(name: str, config: Config) -> Iterable[object]:
    entry = config.backends[name]
    if entry.app is not None:
        yield ("app", entry.app)
    elif entry.url is not None:
        yield _place(str(entry.url))
    for member in entry.pool or ():
        yield from _backend_places(member.backend, config)


def _destination_places(destination: Destination, config: Config) -> Iterable[object]:
    if destination.url is not None:
        yield _place(destination.url)
    for name in config.backends:
        if destination.any_backend or name == destination.backend:
            yield from _backend_places(name, config)


def _place(url: str) -> tuple[str, int]:
    """Host and port; paths below them belong to the same server."""
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
