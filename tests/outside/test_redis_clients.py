"""redis_clients.py: each kind of server with the real one, and what a mistaken setting is called."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
import threading
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


CERTIFICATE_MISSING = "the server asks for a client certificate (add certificate and key"
CLOSED_WITHOUT_A_WORD = "the server closed the TLS connection without giving a reason (if it asks for a client certifi"


def test_client_certificate_is_missing(server: Server) -> None:
    """With a real server, whether its alert arrives before the connection ends is a race; both sentences are right."""
    url = f"rediss://:{SECRET}@localhost:{server.strict}"
    words = tried(settings_for(url, tls=ClientTls(ca=server.files.ca)))
    assert words.startswith((CERTIFICATE_MISSING, CLOSED_WITHOUT_A_WORD))


@contextlib.contextmanager
def strict_server(files: TlsFiles, alert: bool) -> Iterator[int]:
    """
    The port of a server that asks for a client certificate, and decides the race for its alert.

    Args:
        alert: It reads what the client still sends, so that its alert arrives; else it resets the connection.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.ca)
    context.load_cert_chain(files.server)
    context.verify_mode = ssl.CERT_REQUIRED

    def serve() -> None:
        with contextlib.suppress(OSError):  # the listener is closed: the test is over
            while True:
                _refuse(listener.accept()[0], context, alert)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _refuse(connection: socket.socket, context: ssl.SSLContext, alert: bool) -> None:
    """Shake hands until the missing certificate ends it, which is when the server knows what to say."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_side=True)
    with connection:
        while True:
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
            except ssl.SSLError:
                break
        if alert:
            connection.sendall(outgoing.read())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(("alert", "words"), [(True, CERTIFICATE_MISSING), (False, CLOSED_WITHOUT_A_WORD)])
def test_race_for_the_alert(alert: bool, words: str, server: Server) -> None:
    """A missing certificate is named where the server's alert arrives, and the likely cause where it is lost."""
    with strict_server(server.files, alert) as port:
        assert tried(settings_for(f"rediss://localhost:{port}", tls=ClientTls(ca=server.files.ca))).startswith(words)


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
