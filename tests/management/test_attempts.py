"""Tokens can be guessed a few times a minute, from each address, within bounded memory."""

from __future__ import annotations

import pytest

from gateway.management.attempts import MOST, PER_MINUTE, WINDOW_S, Attempts, network_of


@pytest.mark.parametrize(
    ("number", "pause", "client", "waits"),
    [
        (PER_MINUTE - 1, 0.0, "10.0.0.1", False),
        (PER_MINUTE, 0.0, "10.0.0.1", True),
        (PER_MINUTE, WINDOW_S, "10.0.0.1", False),
        (PER_MINUTE, 0.0, "10.0.0.2", False),
    ],
)
def test_bounded(number: int, pause: float, client: str, waits: bool) -> None:
    """After ten wrong tokens an address waits out its minute; others do not."""
    moment = 100.0
    attempts = Attempts(lambda: moment)
    for _ in range(number):
        attempts.failed("10.0.0.1")
    moment += pause
    assert bool(attempts.wait_s(client)) == waits


def test_a_network_is_one_address() -> None:
    """Who has a whole IPv6 network has no more guesses than others."""
    attempts = Attempts()
    for number in range(PER_MINUTE):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait_s("2001:db8::ffff:1")
    assert not attempts.wait_s("2001:db8:0:1::1")


def test_ipv4_clients_of_an_ipv6_socket() -> None:
    """Where the gateway listens on `::`, each IPv4 client counts alone: a stranger locks no one else out."""
    attempts = Attempts()
    for _ in range(PER_MINUTE):
        attempts.failed("::ffff:10.0.0.1")
    assert (attempts.wait_s("10.0.0.1") > 0, attempts.wait_s("::ffff:10.0.0.2")) == (True, 0.0)
    assert [network_of(client) for client in ("fe80::1%eth0", "", "unix")] == ["fe80::/64", "", "unix"]


def test_memory_is_bounded() -> None:
    """However many addresses guess, a fixed number of them is remembered."""
    attempts = Attempts()
    for number in range(MOST + 50):
        attempts.failed(f"10.0.{number // 256}.{number % 256}")
    assert len(attempts._wrong) == MOST
