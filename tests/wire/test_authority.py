"""``host[:port]`` is accepted only where every receiver reads it alike."""

from __future__ import annotations

import pytest

from gateway.wire.authority import is_authority


@pytest.mark.parametrize(
    "text",
    "a a.b. a-b_c.example A:1 a:65535 127.0.0.1:80 [::1] [::1]:8080 [2001:db8::1] [::ffff:1.2.3.4]".split()
    + ["h" * 255],
)
def test_accepts_names_addresses_and_ports(text: str) -> None:
    """A name, an IPv4 address or an IPv6 literal, with or without a port from 1 to 65535."""
    assert is_authority(text)


@pytest.mark.parametrize("text", ["", "h" * 256, "a\n", "a:80\n", "[fe80::1%1]", "[0:0]", "a:٣"])
def test_refuses_what_receivers_read_differently(text: str) -> None:
    """The rest of the table is in test_request_head, where it comes over the wire."""
    assert not is_authority(text)
