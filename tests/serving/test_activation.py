"""Sockets that a service manager passes: each finds its listener, and one that does not fit ends the start."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.reading.values import Address, Place, UnixAddress
from gateway.serving.activation import assigned, taken_from

WANTED: dict[str, Place] = {"data": Address("127.0.0.1", 8080), "management": Address("127.0.0.1", 8081)}
FILES: dict[str, Place] = {
    "data": UnixAddress(Path("/run/gateway/http.sock")),
    "decisions": UnixAddress(Path("/run/gateway/authz.sock")),
}


class _Socket:
    """A socket that says where it is bound."""

    def __init__(self, host: str, port: int = 0) -> None:
        address = (host, port, 0, 0) if ":" in host else (host, port)
        self.bound = host if host.startswith("/") else address

    def getsockname(self) -> str | tuple[object, ...]:
        return self.bound


def passed(*named: str) -> list[tuple[str, socket.socket]]:
    """From ``name=host port``."""
    split = [each.partition("=") for each in named]
    return [(name, _Socket(*_place(place))) for name, _, place in split]  # type: ignore[misc]


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.partition(" ")
    return host, int(port or 0)


@pytest.mark.parametrize(
    ("given", "wanted", "found"),
    [
        (["data=127.0.0.1 8080", "management=127.0.0.1 8081"], WANTED, ["data", "management"]),
        (["management=127.0.0.1 8081"], WANTED, ["management"]),
        (["=127.0.0.1 8081", "=127.0.0.1 8080"], WANTED, ["data", "management"]),
        (["gateway.socket=127.0.0.1 8080"], WANTED, ["data"]),
        (["unknown=127.0.0.1 8080"], WANTED, ["data"]),
        (["data=:: 8080"], {"data": Address("0.0.0.0", 8080)}, ["data"]),
        (["data=0.0.0.0 80"], {"data": Address("::", 80)}, ["data"]),
        (["data=::1 8080"], {"data": Address("0:0:0:0:0:0:0:1", 8080)}, ["data"]),
        (["data=::ffff:127.0.0.1 8080"], WANTED, ["data"]),
        (["data=127.0.0.1 4711"], {"data": Address("127.0.0.1", 0)}, ["data"]),
        (["data=127.0.0.1 8080"], {"data": Address("localhost", 8080)}, ["data"]),
        (["=/run/gateway/http.sock"], FILES, ["data"]),
        (["decisions=/run/gateway/authz.sock"], FILES, ["decisions"]),
        ([], WANTED, []),
    ],
)
def test_each_socket_finds_its_listener(given: list[str], wanted: dict[str, Place], found: list[str]) -> None:
    """By its name, or by its address where its name says nothing."""
    assert sorted(assigned(passed(*given), wanted)) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["data=127.0.0.1 9090"],
            "the socket data is bound to 127.0.0.1:9090, and the configuration says",
        ),
        (["management=0.0.0.0 8081"], "the socket management is bound to 0.0.0.0:8081"),
        (["management=:: 8081"], "bound to [::]:8081"),
        (["data=/run/gateway/http.sock"], "the socket data is bound to unix:/run/gateway/http.sock"),
        (["decisions=127.0.0.1 8082"], "no listener for the socket decisions on 127.0.0.1:8082"),
        (
            ["=127.0.0.1 8082"],
            "no listener for the socket without a name on 127.0.0.1:8082; configured: data",
        ),
        (["data=127.0.0.1 8080", "data=127.0.0.1 8080"], "two sockets for data"),
        (["data=127.0.0.1 8080", "=127.0.0.1 8080"], "two sockets for data"),
    ],
)
def test_a_socket_that_does_not_fit_is_refused(given: list[str], said: str) -> None:
    """What is public, and who is asked for a token, follows from the configuration: a socket must agree with it."""
    with pytest.raises(GatewayError) as refused:
        assigned(passed(*given), WANTED)
    assert said in str(refused.value)


@pytest.fixture
def descriptors() -> Iterator[Callable[[socket.socket], int]]:
    """Puts a socket where systemd would, high enough to harm nothing."""
    with ExitStack() as closing:

        def put(passed: socket.socket) -> int:
            closing.callback(passed.close)
            number = os.dup2(passed.fileno(), 200)
            return number

        yield put


def environment(count: str = "1", process: str = "", names: str = "data") -> dict[str, str]:
    return {"LISTEN_PID": process or str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": names, "PATH": "/bin"}


def test_the_variables_are_removed(descriptors: Callable[[socket.socket], int]) -> None:
    """The sockets are taken once: no child takes them for its own."""
    number = descriptors(socket.create_server(("127.0.0.1", 0)))
    variables = environment()
    [(name, taken)] = taken_from(variables, first=number)
    with taken:
        assert (name, taken.getsockname()[0], taken.get_inheritable()) == ("data", "127.0.0.1", False)
    assert variables == {"PATH": "/bin"}


@pytest.mark.parametrize(
    "variables",
    [{}, environment(process="1"), environment(count="0"), environment(count="x"), environment(count="-1")],
)
def test_what_is_another_process_s_is_left(variables: dict[str, str]) -> None:
    """Without LISTEN_PID, or with another one, nothing was passed."""
    assert taken_from(variables) == []
    assert set(variables) <= {"PATH"}


def test_what_is_no_listening_socket_is_refused(descriptors: Callable[[socket.socket], int]) -> None:
    """A datagram socket, a connection (Accept=yes) or a file ends the start with what to write in the unit."""
    for wrong in (socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(), socket.socket(socket.AF_UNIX)):
        with pytest.raises(GatewayError, match="ListenStream=ADDRESS:PORT or a path, and Accept=no"):
            taken_from(environment(), first=descriptors(wrong))
    with pytest.raises(GatewayError, match=r"descriptor 900 \(data\) is not a socket"):
        taken_from(environment(), first=900)
    with pytest.raises(GatewayError, match="17 sockets"):
        taken_from(environment(count="17"))
