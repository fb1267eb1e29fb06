"""The parser of forwarding fields: from the nearest proxy outwards, refused where it cannot be read or contradicts."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.wire.headers import Headers
from gateway.wire.server.forwarding_fields import (
    Forwarding,
    UnreadableForwarding,
    is_within,
    members,
    node_address,
    read_forwarding,
)

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5000", "192.0.2.1"),
        ("192.0.2.1:_port", "192.0.2.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", ""),
        ("_hidden", ""),
        ("192.0.2.1:", ""),
        ("192.0.2.1:123456", ""),
        ("[2001:db8::1]x", ""),
        ("fe80::1%eth0", ""),
        ("300.0.0.1", ""),
        ("", ""),
    ],
)
def test_an_address_of_a_node(node: str, address: str) -> None:
    """An address with or without a port, in each of RFC 7239 §6's forms; anything else has none."""
    assert node_address(node) == address


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Forwarding()),
        ([("X-Forwarded-For", "192.0.2.1")], Forwarding("192.0.2.1")),
        ([("X-Forwarded-For", "198.51.100.7, 192.0.2.1, 10.0.0.1")], Forwarding("192.0.2.1")),
        ([("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.1")], Forwarding("192.0.2.1")),
        ([("X-Forwarded-For", "10.0.0.2, 10.0.0.1")], Forwarding("10.0.0.2")),
        (
            [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "HTTPS"), ("X-Forwarded-Host", "a.test")],
            Forwarding("192.0.2.1", "https", "a.test"),
        ),
        (
            [("X-Forwarded-For", "192.0.2.1, 10.0.0.1"), ("X-Forwarded-Proto", "https, http")],
            Forwarding("192.0.2.1", "https"),
        ),
        (
            [("Forwarded", 'for="[2001:db8::1]:5";proto=HTTPS;host="a.test"')],
            Forwarding("2001:db8::1", "https", "a.test"),
        ),
        ([("Forwarded", "for=192.0.2.1, for=10.0.0.1")], Forwarding("192.0.2.1")),
        ([("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.1")], Forwarding("192.0.2.1")),
        (
            [("Forwarded", "for=192.0.2.1;proto=https"), ("X-Forwarded-Proto", "HTTPS")],
            Forwarding("192.0.2.1", "https"),
        ),
        ([("X_Forwarded_For", "198.51.100.7")], Forwarding()),
    ],
    ids="none one chain lines proxies-only all hops standard standard-chain agree agree-on-case underscore".split(),
)
def test_what_trusted_proxies_say(fields: list[tuple[str, str]], expected: Forwarding) -> None:
    """The nearest address that is not a proxy's, and the scheme and host that the same proxy wrote."""
    assert read_forwarding(Headers(fields).lines, PROXIES) == expected


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Forwarded-For", "unknown")],
        [("X-Forwarded-For", "192.0.2.1, nonsense")],
        [("Forwarded", "for=unknown")],
        [("Forwarded", "proto=https")],
        [("Forwarded", 'for="192.0.2.1')],
        [("Forwarded", "for=192.0.2.1;For=192.0.2.2")],
        [("Forwarded", "for 192.0.2.1")],
        [("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")],
        [("Forwarded", "for=192.0.2.1;proto=http"), ("X-Forwarded-Proto", "https")],
        [("Forwarded", "for=192.0.2.1;host=a"), ("X-Forwarded-Host", "b")],
    ],
    ids="unknown nonsense standard-unknown no-address quote twice no-pair addresses schemes hosts".split(),
)
def test_what_cannot_be_believed(fields: list[tuple[str, str]]) -> None:
    """Unreadable fields are refused, and so are two families that contradict each other."""
    with pytest.raises(UnreadableForwarding):
        read_forwarding(Headers(fields).lines, PROXIES)


def test_beyond_the_first_stranger_nothing_counts() -> None:
    """What lies beyond the client's address was written by the client, readable or not."""
    lines = Headers([("X-Forwarded-For", "no address, 192.0.2.1")]).lines
    assert read_forwarding(lines, PROXIES).address == "192.0.2.1"


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd00::1", True), ("11.0.0.1", False), ("fe00::1", False)],
)
def test_networks(address: str, inside: bool) -> None:
    """An IPv4-mapped IPv6 address is the same as the IPv4 address."""
    assert is_within(address, PROXIES) is inside


def test_members() -> None:
    """Several lines are one list; empty members do not count."""
    assert members(Headers([("Via", "a, ,b"), ("via", " c\t")]).lines, "via") == ["a", "b", "c"]
