"""
The library's client for what is configured: one server, a cluster, or the primary that Sentinel names.

MOVED, ASK and a change of primaries are the library's affair. Source: "Redis cluster specification"
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/), "Sentinel client spec"
(https://redis.io/docs/latest/develop/reference/sentinel-clients/).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from gateway.outside.redis_settings import RedisSettings

Client: TypeAlias = Redis | RedisCluster

TIMEOUT_S = 0.5
MAX_CONNECTIONS = 16  # more do not make one event loop faster

# The pools below refuse what exceeds their bound instead of waiting; the link lets in fewer.
_MOST = 2 * MAX_CONNECTIONS


def connect(
    settings: RedisSettings, timeout_s: float = TIMEOUT_S, credentials: CredentialProvider | None = None
) -> Client:
    """
    A client for *settings*; it connects when first used.

    Args:
        timeout_s: For connecting, for an answer, and for a free connection.
        credentials: In place of the URL's user and password.

    Raises:
        ValueError: The URL has malformed options.
    """
    options = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 1),  # a pooled connection may be stale: one more attempt
        **({} if credentials is None else {"credential_provider": credentials}),
    }
    makers: dict[str, Callable[[RedisSettings, dict[str, Any]], Client]] = {
        "single": _single,
        "cluster": _cluster,
        "sentinel": _sentinel,
    }
    return makers[settings.topology](settings, options)


def speaks_tls(client: Client) -> bool:
    """Whether the connections of *client* use TLS."""
    kind = (
        client.connection_kwargs.get("connection_class")
        if isinstance(client, RedisCluster)
        else client.connection_pool.connection_class
    )
    return isinstance(kind, type) and issubclass(kind, SSLConnection)


async def close(client: Client) -> None:
    """Close the connections of *client*, and those to the Sentinels, which the library leaves open."""
    await client.aclose()
    if isinstance(client, Redis) and isinstance(client.connection_pool, SentinelConnectionPool):
        for sentinel in client.connection_pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _single(settings: RedisSettings, options: dict[str, Any]) -> Redis:
    (url,) = settings.urls
    options |= {"max_connections": MAX_CONNECTIONS, "timeout": options["socket_timeout"], **_tls(settings)}
    return Redis.from_pool(BlockingConnectionPool.from_url(url, **options))


def _cluster(settings: RedisSettings, options: dict[str, Any]) -> RedisCluster:
    places = [_place(url) for url in settings.urls]
    host = places[0]["host"]
    return _Cluster(
        startup_nodes=[ClusterNode(place["host"], place["port"]) for place in places],
        max_connections=_MOST,
        # After some redirections the library would close all connections, also those that wait for an answer, to read
        # the cluster's state again. Each redirection tells it where the slot is, and the link asks for the rest.
        reinitialize_steps=0,
        address_remap=(lambda address: (host, address[1])) if settings.same_host else None,
        **_given(places[0], "db"),
        **_tls(settings, ssl=True),
        **options,
    )


class _Cluster(RedisCluster):
    """The library's, which also finds a node by the address that a redirection names when all are at the same host."""

    def get_node(
        self, host: str | None = None, port: int | None = None, node_name: str | None = None
    ) -> ClusterNode | None:
        """The node, if it is known."""
        node = super().get_node(host, port, node_name)
        if node is None and node_name is not None:
            announced, _, number = node_name.rpartition(":")
            node = super().get_node(*self.nodes_manager.remap_host_port(announced, int(number)))
        return node


def _sentinel(settings: RedisSettings, options: dict[str, Any]) -> Redis:
    places = [_place(url) for url in settings.urls]
    password = settings.sentinel_password
    own = {name: value for name, value in options.items() if name != "credential_provider"}
    make: Any = Sentinel  # which has no types
    sentinels = make(
        [(place["host"], place["port"]) for place in places],
        sentinel_kwargs={
            **own,
            **_tls(settings, ssl=True),
            **({} if password is None else {"password": password.get_secret_value()}),
        },
    )
    more = {**_given(places[0]), **_tls(settings, ssl=True), **options}
    client: Redis = sentinels.master_for(str(settings.service), max_connections=_MOST, **more)
    return client


def _place(url: str) -> dict[str, Any]:
    """Host, port and options of a URL; the scheme is told by ``_tls``."""
    return {"port": 6379, **parse_url(url)}


def _given(place: dict[str, Any], *without: str) -> dict[str, Any]:
    """What a URL says besides its place: user, password, database, options."""
    return {name: value for name, value in place.items() if name not in ("host", "port", "connection_class", *without)}


def _tls(settings: RedisSettings, **also: object) -> dict[str, Any]:
    """TLS as the library takes it, with *also*; nothing without TLS. It verifies certificate and name on its own."""
    if parse_url(settings.urls[0]).get("connection_class") is not SSLConnection:
        return {}
    files = {
        "ssl_ca_certs": settings.tls.ca,
        "ssl_certfile": settings.tls.certificate,
        "ssl_keyfile": settings.tls.key,
    }
    return {**also, **{name: str(file) for name, file in files.items() if file is not None}}
