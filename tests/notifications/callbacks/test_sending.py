"""One callback: to the address that was checked, bounded in every direction, never following anybody elsewhere."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from gateway.emulators.serving import Binding, serve
from gateway.notifications.callbacks.classification import CallbackAnswer, Doubt
from gateway.notifications.callbacks.sending import CallbackSender
from gateway.notifications.settings import CallbackSettings
from gateway.wire.addresses import Resolve
from tests.notifications.conftest import run
from tests.notifications.receiver import Receiver, answer, drop, slow, trickle
from tests.speed import on_this_machine

OPEN = CallbackSettings(
    hosts=("*",), allow_http=True, allow_private_networks=True, read_timeout_s=0.3, total_timeout_s=2.0
)


def resolving(*answers: list[str]) -> Resolve:
    """A resolver that gives these answers in turn; the last one repeats."""
    left = list(answers)

    async def resolver(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolver


LOOPBACK = resolving(["127.0.0.1"])


def send(
    url: str, settings: CallbackSettings = OPEN, resolver: Resolve = LOOPBACK, tls: ssl.SSLContext | None = None
) -> CallbackAnswer:
    """One attempt with a sender of its own."""

    async def attempt() -> CallbackAnswer:
        sender = CallbackSender(settings, resolver, tls)
        try:
            return await sender.send(url, {"content-type": "application/json"}, b"{}")
        finally:
            await sender.close()

    return run(attempt())


@pytest.mark.parametrize("turns", range(5))
def test_cancelled_with_an_answer(turns: int) -> None:
    """A cancellation that coincides with the name server's answer ends the attempt, or comes after it."""

    async def cancel() -> bool:
        answered: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()

        async def resolver(_host: str, _port: int) -> list[str]:
            return await answered

        sender = CallbackSender(OPEN, resolver)
        attempt = asyncio.create_task(sender.send("http://hook.test/a", {}, b"{}"))
        await asyncio.sleep(0.05)
        answered.set_exception(OSError("no such name"))
        for _ in range(turns):
            await asyncio.sleep(0)
        came_in_time = attempt.cancel()
        await asyncio.wait([attempt])
        await sender.close()
        return attempt.cancelled() or not came_in_time

    assert run(cancel())


def test_delivered(receiver: Receiver) -> None:
    """The receiver sees the name it was called by, a content type, and no second request on the connection."""
    port = receiver.base_url.rpartition(":")[2]
    assert send(f"http://hook.test:{port}/a?sig=1").status == 200
    [got] = receiver.received("/a")
    assert (got.headers["host"], got.headers["connection"]) == (f"hook.test:{port}", "close")
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("script", "status", "error", "doubt"),
    [
        (answer(500, b"broken"), 500, None, Doubt.NONE),
        (answer(302, location="http://127.0.0.1:1/"), 302, None, Doubt.NONE),
        (answer(429, retry_after="7"), 429, None, Doubt.NONE),
        (slow(1.0), None, "read-timeout", Doubt.POSSIBLE),
        (drop(), None, "remote-protocol", Doubt.POSSIBLE),
    ],
    ids=["500", "redirect", "429", "slow", "closes early"],
)
def test_answers(receiver: Receiver, script: object, status: int | None, error: str | None, doubt: Doubt) -> None:
    """Each kind of receiver gives its kind of answer, and no redirect is followed."""
    receiver.script("/b", script)  # type: ignore[arg-type]
    found = send(f"{receiver.base_url}/b")
    assert (found.status, found.error, found.doubt) == (status, error, doubt)
    assert len(receiver.received()) == 1


def test_excerpt_and_retry_after(receiver: Receiver) -> None:
    """Of an answer 1 kB is kept, and Retry-After as it was."""
    receiver.script("/c", answer(503, b"x" * 100_000, retry_after="9"))
    found = send(f"{receiver.base_url}/c")
    assert (found.excerpt, found.retry_after) == ("x" * 1024, "9")


def test_endless_success(receiver: Receiver) -> None:
    """A 200 counts as soon as its headers have arrived; its body does not matter."""
    receiver.script("/d", trickle(200))
    began = time.monotonic()
    assert send(f"{receiver.base_url}/d").status == 200
    assert time.monotonic() - began < on_this_machine(1.0)


def test_endless_failure(receiver: Receiver) -> None:
    """A failure whose body never ends is cut off, and is still the same failure."""
    receiver.script("/e", trickle(503))
    assert send(f"{receiver.base_url}/e", OPEN.model_copy(update={"total_timeout_s": 10})).status == 503


def test_nobody_there() -> None:
    """A refused connection has reached no receiver."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found = send(f"http://127.0.0.1:{probe.getsockname()[1]}/")
    assert (found.error, found.doubt) == ("connect", Doubt.NONE)


def test_drip_feed() -> None:
    """Header bytes that come one by one are cut off by the total time-out."""
    with _dripping() as port:
        patient = OPEN.model_copy(update={"read_timeout_s": 20.0, "total_timeout_s": 0.5})
        found = send(f"http://127.0.0.1:{port}/", patient)
    assert (found.error, found.doubt) == ("timeout", Doubt.POSSIBLE)


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        ("https://hook.test/", CallbackSettings(hosts=("*",))),
        ("https://hook.test/", CallbackSettings(hosts=("other.test",))),
        ("http://hook.test/", CallbackSettings(hosts=("*",))),
    ],
    ids=["private address", "host not allowed", "no TLS"],
)
def test_refused(url: str, settings: CallbackSettings) -> None:
    """A forbidden address is not called, neither at delivery nor at intake."""
    assert send(url, settings).error == "url-refused"


def test_no_dns() -> None:
    """A name that cannot be resolved is a temporary failure."""

    async def failing(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    found = send("http://hook.test/", resolver=failing)
    assert (found.error, found.doubt) == ("dns-failure", Doubt.NONE)


def test_rebinding(receiver: Receiver) -> None:
    """The connection goes to the address that was checked, however the name resolves a moment later."""
    port = receiver.base_url.rpartition(":")[2]
    strict = OPEN.model_copy(update={"allow_private_networks": False, "connect_timeout_s": 0.3})
    resolver = resolving(["203.0.114.1"], ["127.0.0.1"])
    first = send(f"http://hook.test:{port}/f", strict, resolver)
    second = send(f"http://hook.test:{port}/f", strict, resolver)
    assert (first.status, second.error) == (None, "url-refused")
    assert receiver.received() == []


def test_proxies_are_ignored(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy settings of the environment would undo the address check, so they do not apply."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert send(f"{receiver.base_url}/g").status == 200


@pytest.mark.parametrize(("name", "status"), [("hook.test", 200), ("other.test", None)])
def test_tls(name: str, status: int | None) -> None:
    """The certificate is checked against the name, although the connection goes to an address."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hook.test").configure_cert(server)
    authority.configure_trust(client)
    with serve(Receiver(), Binding(tls=server)) as url:
        found = send(f"https://{name}:{url.rpartition(':')[2]}/", tls=client)
    assert found.status == status
    assert status or (found.error, found.doubt) == ("certificate-refused", Doubt.NONE)


@contextmanager
def _dripping() -> Iterator[int]:
    """A server that sends a header without end, a byte at a time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_drip, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        try:
            for _ in range(100):
                connection.sendall(b"y")
                time.sleep(0.05)
        except OSError:
            return
