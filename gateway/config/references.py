"""What no single model can see: ids and addresses that occur twice, and ids that name nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from gateway.config.apis import Api, Group, Product, Subscription, User
from gateway.config.model import Config
from gateway.errors import Location, Problem
from gateway.reading.values import UNIX, Address, Place


def _lists(config: Config) -> dict[str, Sequence[Api | Product | Subscription | User | Group]]:
    return {
        "apis": config.apis,
        "products": config.products,
        "subscriptions": config.subscriptions,
        "users": config.users,
        "groups": config.groups,
    }


def unresolved(config: Config) -> Iterator[Problem]:
    """Every doubled id and every reference without a target."""
    yield from _doubled(config)
    for index, api in enumerate(config.apis):
        yield from _incomplete(config, index, api)
    known = {name: {entity.id for entity in entities} for name, entities in _lists(config).items()}
    for path, value, kind in _references(config):
        yield from _missing(config, path, value, known.get(kind, config.backends), kind)
    yield from _bad_backends(config)
    yield from _shared_addresses(config)
    yield from _without_senders(config)


def _doubled(config: Config) -> Iterator[Problem]:
    for name, entities in _lists(config).items():
        for index in _repeated(entity.id for entity in entities):
            yield _duplicate(config.location(name, index, "id"), entities[index].id)
    for index, api in enumerate(config.apis):
        for number in _repeated(operation.id for operation in api.operations):
            operation = api.operations[number]
            place = operation.location or config.location("apis", index, "operations", number, "id")
            yield _duplicate(place, operation.id)


def _repeated(ids: Iterable[str]) -> Iterator[int]:
    """The position of an id that occurred before."""
    seen: set[str] = set()
    for index, id in enumerate(ids):
        if id in seen:
            yield index
        seen.add(id)


def _duplicate(location: Location, id: str) -> Problem:
    return Problem(location, "duplicate-id", f"the id {id!r} is used twice", "give each its own")


def _incomplete(config: Config, index: int, api: Api) -> Iterator[Problem]:
    """Operations without a method or a template; a definition would have completed them."""
    for number, operation in enumerate(api.operations):
        missing = "url-template" if operation.method else "method"
        if not (operation.method and operation.url_template):
            location = config.location("apis", index, "operations", number)
            yield Problem(location, "missing-key", f"{operation.id!r} has no {missing}", f"add {missing}")


def _references(config: Config) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """Path, id and kind of everything that names something else."""
    for index, api in enumerate(config.apis):
        if api.backend is not None:
            yield ("apis", index, "backend"), api.backend, "backends"
        yield from _each(("apis", index, "products"), api.products, "products")
        yield from _of_tools(index, api)
    for index, product in enumerate(config.products):
        yield from _each(("products", index, "apis"), product.apis, "apis")
        yield from _each(("products", index, "groups"), product.groups, "groups")
    for index, subscription in enumerate(config.subscriptions):
        if subscription.user is not None:
            yield ("subscriptions", index, "user"), subscription.user, "users"
        _, kind, *names = subscription.scope.split("/")
        yield from ((("subscriptions", index, "scope"), name, kind) for name in names)
    for index, user in enumerate(config.users):
        yield from _each(("users", index, "groups"), user.groups, "groups")


def _of_tools(index: int, api: Api) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    """The APIs whose operations are tools."""
    for number, tool in enumerate(api.mcp.tools if api.mcp else ()):
        yield ("apis", index, "mcp", "tools", number, "api"), tool.api, "apis"


def _each(path: tuple[Any, ...], names: Iterable[str], kind: str) -> Iterator[tuple[tuple[Any, ...], str, str]]:
    return (((*path, index), name, kind) for index, name in enumerate(names))


def _missing(config: Config, path: tuple[Any, ...], name: str, known: Collection[str], kind: str) -> Iterator[Problem]:
    if name in known:
        return
    close = get_close_matches(name, known, n=1)
    remedy, one = f"did you mean {close[0]}?" if close else f"add it under {kind}", kind.removesuffix("s")
    yield Problem(
        config.location(*path),
        f"unknown-{one}",
        f"no {one} has the id {name!r}",
        remedy,
    )


def _bad_backends(config: Config) -> Iterator[Problem]:
    """Members of pools that are missing or pools themselves; the application that has no settings."""
    for name, backend in config.backends.items():
        for index, member in enumerate(backend.pool):
            yield from _bad_member(config, ("backends", name, "pool", index, "backend"), member.backend)
        if backend.app == "notifications" and config.notifications is None:
            message = "the notification service is not configured"
            yield Problem(config.location("backends", name, "app"), "missing-key", message, "add notifications:")


def _bad_member(config: Config, path: tuple[Any, ...], name: str) -> Iterator[Problem]:
    yield from _missing(config, path, name, config.backends, "backends")
    if name in config.backends and config.backends[name].pool:
        yield Problem(config.location(*path), "nested-pool", f"{name} is a pool itself", "name its members here")


def _shared_addresses(config: Config) -> Iterator[Problem]:
    """Two listeners on one address; port 0 is any free one."""
    seen: dict[Place, str] = {}
    listeners = {"listen": config.listen, "management": config.management, "decisions": config.decisions}
    if config.envoy is not None:
        listeners["envoy"] = config.envoy.listen
    for name, address in listeners.items():
        if address is None or (isinstance(address, Address) and address.port == 0):
            continue
        if address in seen:
            message = f"{name} is the address of {seen[address]}, too"
            yield Problem(config.location(name), "conflict", message, "give each listener an address of its own")
        seen[address] = name


def _without_senders(config: Config) -> Iterator[Problem]:
    """PROXY headers are expected, and nothing may send them."""
    if not config.proxy_protocol:
        return
    if isinstance(config.listen, Address):
        senders = any(peers != UNIX for peers in config.trusted_proxies)
        remedy = "list the networks of the proxies under trusted-proxies"
    else:
        senders, remedy = UNIX in config.trusted_proxies, "add unix: to trusted-proxies"
    if not senders:
        message = "PROXY headers are accepted from trusted-proxies only, and none of them can connect to listen"
        yield Problem(config.location("proxy-protocol"), "missing-setting", message, remedy)
