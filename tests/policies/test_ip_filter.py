"""ip-filter: callers allowed or forbidden by their address."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from tests.policies.bench import Bench, get

ALLOW = (
    '<ip-filter action="allow"><address>10.0.0.1</address><address>192.168.0.0/16</address>'
    '<address-range from="10.1.0.0" to="10.1.0.9"/><address>@("::1")</address></ip-filter>'
)


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("192.168.7.7", True),
        ("10.1.0.0", True),
        ("10.1.0.9", True),
        ("10.1.0.10", False),
        ("::1", True),
        ("::2", False),
        ("fe80::1%eth0", False),
    ],
)
def test_ip_filter(bench: Bench, address: str, listed: bool) -> None:
    """allow lets only those listed in, forbid only the others; both with APIM's reasons."""
    cases = ((ALLOW, listed, "CallerIpNotAllowed"), (ALLOW.replace("allow", "forbid"), not listed, "CallerIpBlocked"))
    for xml, passes, reason in cases:
        if passes:
            assert bench.run(xml, get("/", ip_address=address)).outcome is None
            continue
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, get("/", ip_address=address))
        assert (caught.value.status, caught.value.reason) == (403, reason)


def test_an_unknown_caller_is_refused(bench: Bench) -> None:
    """A peer without an address (a socket file) does not pass either filter."""
    for xml in (ALLOW, ALLOW.replace("allow", "forbid")):
        with pytest.raises(PolicyError) as caught:
            bench.run(xml, get("/", ip_address=""))
        assert caught.value.reason == "FailedToParseCallerIP"
