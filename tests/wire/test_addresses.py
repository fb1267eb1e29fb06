"""Addresses that lead inwards are denied, in whatever clothes they come."""

from __future__ import annotations

import pytest

from gateway.wire.addresses import AddressRefused, allowed_address, is_denied

DENIED = """
127.0.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 0.0.0.0 fd00::1 fe80::1 ::1 ::
100.64.0.1 168.63.129.16 224.0.0.1 ff02::1 ff0e::1 192.0.0.8 192.88.99.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254
::ffff:100.64.0.1 ::ffff:224.0.0.1 ::ffff:168.63.129.16 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: ::127.0.0.1
2001::1 fec0::1 5f00::1 198.18.0.1 198.51.100.7 203.0.113.9 192.0.2.1 255.255.255.255 240.0.0.1 2001:db8::1
3fff::1 fe80::1%eth0 ::ffff:10.0.0.1 fc00::1 100::1
""".split()
PUBLIC = (
    "1.1.1.1 8.8.8.8 20.50.2.3 100.63.255.255 100.128.0.1 172.32.0.1 168.63.129.17 2606:4700::1111 2a01:111::1".split()
)
ALWAYS_DENIED = "169.254.169.254 168.63.129.16 224.0.0.1 0.0.0.0 fe80::1 ::ffff:169.254.169.254 64:ff9b::7f00:1".split()


@pytest.mark.parametrize("address", DENIED)
def test_denied(address: str) -> None:
    """Private, special, platform, multicast and disguised addresses are denied."""
    assert is_denied(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    """Addresses on the public internet are allowed, also the neighbours of denied ranges."""
    assert not is_denied(address)


@pytest.mark.parametrize("address", ALWAYS_DENIED)
def test_development_switch_is_narrow(address: str) -> None:
    """The development switch opens loopback and private networks, not metadata services or multicast."""
    assert is_denied(address, allow_private=True)
    assert not is_denied("127.0.0.1", allow_private=True)


def test_every_address_has_to_pass() -> None:
    """A name with one public and one private address is refused: we might connect to either."""
    assert allowed_address(["1.1.1.1", "8.8.8.8"]) == "1.1.1.1"
    with pytest.raises(AddressRefused, match="must not be called"):
        allowed_address(["1.1.1.1", "10.0.0.1"])
    with pytest.raises(AddressRefused, match="no address"):
        allowed_address([])
