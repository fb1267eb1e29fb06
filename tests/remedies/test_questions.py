"""What to write in which proxy: every fault has a remedy for every proxy, and the form of a question tells who asks."""

from __future__ import annotations

import pytest

from gateway.remedies.questions import REMEDIES, Proxy, QuestionFault, proxies_of, question_remedy, remedies_for


def test_every_fault_has_a_remedy_for_every_proxy() -> None:
    """No row and no column is missing, and none is empty."""
    assert set(REMEDIES) == set(QuestionFault)
    for fault, remedies in REMEDIES.items():
        assert (fault, set(remedies)) == (fault, set(Proxy))
        assert all(remedies.values())


@pytest.mark.parametrize(
    ("path", "original", "forwarded", "server", "proxies"),
    [
        ("/authz/orders", False, False, False, ["Envoy"]),
        ("/authz", True, False, False, ["nginx"]),
        ("/authz", False, True, True, ["Traefik"]),
        ("/authz", False, True, False, ["Traefik", "Caddy", "HAProxy"]),
        ("/authz", True, True, False, list(Proxy)),
        ("/", False, False, False, list(Proxy)),
    ],
)
def test_who_asks(path: str, original: bool, forwarded: bool, server: bool, proxies: list[str]) -> None:
    """Each proxy by the form of its question; where that says nothing, all of them."""
    assert [str(proxy) for proxy in proxies_of(path, original, forwarded, server)] == proxies


def test_one_remedy_for_all() -> None:
    """What is the same for every proxy is said once."""
    assert question_remedy(remedies_for(QuestionFault.CALLER)).startswith("The proxy: name the address")
    assert question_remedy(remedies_for(QuestionFault.NO_METHOD, (Proxy.NGINX,))) == (
        "nginx: proxy_set_header X-Original-Method $request_method;"
    )
