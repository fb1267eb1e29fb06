"""redis_clients.py: each kind of server with the real one, and what a mistaken setting is called."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import structlog

from gateway.counters import Demand, FixedWindow, SlidingWindow
from gateway.counters.redis_counters import RedisCounters
from gateway.outside.redis_clients import connect
from gateway.outside.redis_link import RedisLink
from gateway.outside.redis_settings import RedisSettings
from gateway.outside.settings import ClientTls
from gateway.value_cache.redis_cache import RedisCache
from tests.redis_server import RedisServer, TlsFiles, free_port, running_redis, settings_for

pytestmark = pytest.mark.needs("redis-server")

SECRET = "hunter2"


class Server(NamedTuple):
    """
    A server with users that also speaks TLS.

    Attributes:
        secure: The port for TLS.
        strict: The one of another server, which asks clients for a certificate.
    """

    plain: RedisServer
    secure: int
    strict: int
    files: TlsFiles


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For all tests of this file."""
    directory = tmp_path_factory.mktemp("redis")
    files, secure, strict = TlsFiles.written(directory), free_port(), free_port()
    with (
        running_redis(directory, *files.options(secure)) as plain,
        running_redis(directory, "--requirepass", SECRET, *files.options(strict, "yes")),
    ):
        plain.ask("ACL", "SETUSER", "full", "on", f">{SECRET}", "~*", "+@all")
        plain.ask("ACL", "SETUSER", "reader", "on", f">{SECRET}", "~*", "+@connection")
        yield Server(plain, secure, strict, files)


def tried(settings: RedisSettings) -> str:
    """What the first call finds: ``counted``, or why not, with the remedy."""

    async def scenario() -> str:
        link = RedisLink(connect(settings, timeout_s=5))
        owner = "} {a{} \udc80"  # what callers send may look like a hash tag, or be no text at all
        demands = [
            Demand(f"{part}/{owner}", window, owner=owner)
            for part in ("a", "{b}", "")
            for window in (SlidingWindow(5, 60), FixedWindow(5, 60))
        ]
        await RedisCounters(link).admit(demands)
        await RedisCache(link).store("{key}", b"value", 60)
        away = link.away
        await link.aclose()
        return "counted" if away is None else f"{away.words} ({away.remedy})"

    with structlog.testing.capture_logs() as logs:
        found = asyncio.run(scenario())
    assert SECRET not in f"{found} {logs}"
    return found


def test_one_server(server: Server) -> None:
    """By URL, with a user; over TLS with the authority from a file, and with a certificate where it asks for one."""
    files = server.files
    own = ClientTls(ca=files.ca, certificate=files.client, key=files.client)
    assert tried(settings_for(server.plain.url)) == "counted"
    assert tried(settings_for(f"redis://full:{SECRET}@127.0.0.1:{server.plain.port}")) == "counted"
    assert tried(settings_for(f"rediss://localhost:{server.secure}", tls=ClientTls(ca=files.ca))) == "counted"
    assert tried(settings_for(f"rediss://:{SECRET}@localhost:{server.strict}", tls=own)) == "counted"


REFUSALS = {
    "redis://full:wrong@127.0.0.1:{plain}": "user or password is refused (check the user and password in redis.url",
    "redis://reader:hunter2@127.0.0.1:{plain}": "the user lacks a permission (allow it the keys gateway/*",
    "redis://127.0.0.1:{secure}": "the server closed the connection (if it expects TLS, write rediss://",
    "rediss://localhost:{secure}": "the server's certificate comes from an unknown authority (name the authority's",
    "rediss://127.0.0.1:{secure} ca": "the server's certificate is for another name (name the host in redis.url",
    "rediss://:hunter2@localhost:{strict} ca": "the server asks for a client certificate (add certificate and key",
    "rediss://localhost:{strict} client": "the server asks for a password (write redis://user:password@host",
    "redis://127.0.0.1:{free}": "the connection is refused (check redis.url",
    "redis://unknown.invalid": "the host's name is not known (check redis.url)",
    "redis://127.0.0.1:{plain} cluster": "the server is not part of a cluster (remove topology: cluster)",
    "redis://127.0.0.1:{plain} sentinel": "the server is not a Sentinel (name the Sentinels in redis.url",
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str, server: Server) -> None:
    """What is wrong is said in words, with what to do about it; user, password and address are not repeated."""
    files = server.files
    ports = {"plain": server.plain.port, "secure": server.secure, "strict": server.strict, "free": free_port()}
    url, _, how = case.format(**ports).partition(" ")
    ways: dict[str, dict[str, object]] = {
        "": {},
        "ca": {"tls": ClientTls(ca=files.ca)},
        "client": {"tls": ClientTls(ca=files.ca, certificate=files.client, key=files.client)},
        "cluster": {"topology": "cluster"},
        "sentinel": {"topology": "sentinel", "service": "main"},
    }
    assert tried(settings_for(url, **ways[how])).startswith(REFUSALS[case])


def test_malformed_option() -> None:
    """An option of the URL that the library cannot read is an error at start."""
    with pytest.raises(ValueError, match="health_check_interval"):
        connect(settings_for("redis://h?health_check_interval=x"))


@pytest.mark.needs("redis-server")
@pytest.mark.parametrize("topology", ["single", "cluster", "sentinel"])
def test_nothing_stays_open(topology: str, server: Server) -> None:
    """When a link is closed, as at a reload, so is each of its connections, those to Sentinels included."""

    async def scenario() -> None:
        more = {"service": "main"} if topology == "sentinel" else {}
        link = RedisLink(connect(settings_for(f"redis://127.0.0.1:{server.plain.port}", topology=topology, **more)))
        await link.check()
        await link.aclose()

    asyncio.run(scenario())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(warning.message) for warning in caught if "unclosed Connection" in str(warning.message)] == []
