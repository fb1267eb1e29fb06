"""The proxy of the environment variables."""

from __future__ import annotations

import pytest

from gateway.errors import GatewayError
from gateway.wire.upstream.environment_proxy import environment_proxy
from gateway.wire.upstream.http_target import parse_base_url
from gateway.wire.upstream.way import HttpProxy

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def choose(monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str]) -> HttpProxy | None:
    """The proxy for *url* where only *variables* are set."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return environment_proxy(parse_base_url(url))


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("https://a.test", {}, None),
        ("https://a.test", {"HTTPS_PROXY": "http://p:3128"}, HttpProxy("http://p:3128")),
        ("https://a.test", {"https_proxy": "p:3128"}, HttpProxy("http://p:3128")),
        ("https://a.test", {"http_proxy": "http://p"}, None),
        ("https://a.test", {"all_proxy": "https://p"}, HttpProxy("https://p")),
        ("http://a.test", {"http_proxy": "http://[::1]:8080/"}, HttpProxy("http://[::1]:8080")),
        ("https://a.test", {"https_proxy": "http://u:p%40ss@p:1"}, HttpProxy("http://p:1", "u", "p@ss")),
        ("https://a.test", {"https_proxy": "http://p", "no_proxy": "b.test, a.test"}, None),
        ("https://x.a.test", {"https_proxy": "http://p", "no_proxy": ".a.test"}, None),
        ("https://xa.test", {"https_proxy": "http://p", "no_proxy": "a.test"}, HttpProxy("http://p")),
        ("https://a.test:444", {"https_proxy": "http://p", "no_proxy": "a.test:444"}, None),
        ("https://a.test", {"https_proxy": "http://p", "no_proxy": "*"}, None),
    ],
)
def test_choice(monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], proxy: HttpProxy | None) -> None:
    """The scheme's own variable comes first, ALL_PROXY is for every scheme, NO_PROXY has the exceptions."""
    assert choose(monkeypatch, url, variables) == proxy


@pytest.mark.parametrize("address", ["socks5://u:secret@p:1", "http://u:secret@p:port", "http://:1"])
def test_unusable(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """What is not an HTTP proxy is refused by the variable's name, without the password."""
    with pytest.raises(GatewayError, match="HTTPS_PROXY or ALL_PROXY") as caught:
        choose(monkeypatch, "https://a.test", {"https_proxy": address})
    assert "secret" not in str(caught.value)
