"""Callback URLs that lead inwards are refused, in whatever clothes they come."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.notifications.callbacks.ssrf import UrlRefused, matches, parse_target, require_addresses, require_host
from gateway.notifications.settings import CallbackSettings
from gateway.notifications.store import tables
from gateway.wire.addresses import resolve
from tests.notifications.conftest import run

STRICT = CallbackSettings(hosts=("*",))
DEVELOPMENT = STRICT.model_copy(update={"allow_http": True, "allow_private_networks": True})


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.1", "localhost"])
def test_odd_spellings(host: str) -> None:
    """Addresses in spellings that only the resolver understands are judged by what they resolve to."""
    addresses = run(resolve(host, 443))
    with pytest.raises(UrlRefused, match="must not be called"):
        require_addresses(addresses, STRICT)


def test_one_bad_address() -> None:
    """A name with one public and one private address is refused: we might connect to either."""
    with pytest.raises(UrlRefused):
        require_addresses(["1.1.1.1", "10.0.0.1"], STRICT)
    assert require_addresses(["1.1.1.1", "8.8.8.8"], STRICT) == "1.1.1.1"
    with pytest.raises(UrlRefused, match="no address"):
        require_addresses([], STRICT)


# 253 characters, as long as a name in DNS may be.
LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])


def test_longest_name() -> None:
    """The longest name that DNS allows is accepted, and fits into the store's column."""
    target = parse_target(f"https://{LONGEST}/", STRICT)
    assert (target.host, len(LONGEST)) == (LONGEST, 253)
    column = tables.jobs.c.host.type
    assert isinstance(column, sa.String)
    assert (column.length or 0) >= len(LONGEST)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.azure.com/x",
        "ftp://a.azure.com/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user@a.azure.com/",
        "https://user:password@a.azure.com/",
        "https://@a.azure.com/",
        "https://a.azure.com/#fragment",
        "https://a.azure.com/#",
        "https://a.azure.com:8443/",
        "https://a.azure.com:99999/",
        "https://a.azure.com:x/",
        "https://a.azure.com\\@evil.example/",
        "https://a.azure.com/\r\nX: y",
        "https://a.azure.com/ x",
        " https://a.azure.com/",
        "https://a.azure.com/\x00",
        "https://аzure.com/",
        "https:///x",
        "https://",
        "https://[::1",
        "https://a_%2e.com/",
        "https://-.com-/",
        "//a.azure.com/x",
        "a.azure.com",
        "",
        "https://a.azure.com/" + "x" * 4096,
        f"https://{'a' * 64}.azure.com/",
        f"https://{LONGEST}a/",
    ],
)
def test_refused_text(url: str) -> None:
    """Anything but a plain https URL with a clean host and an allowed port is refused; the message hides the URL."""
    with pytest.raises(UrlRefused) as caught:
        parse_target(url, STRICT)
    assert not url or url not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://dpWestEurope.svc.datafactory.azure.com/x?sig=1", "dpwesteurope.svc.datafactory.azure.com", 443),
        ("https://a.azure.com.:443/", "a.azure.com", 443),
        ("HTTPS://a.azure.com", "a.azure.com", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
    ],
)
def test_accepted_text(url: str, host: str, port: int) -> None:
    """Proper URLs give their host in one spelling."""
    target = parse_target(url, STRICT)
    assert (target.host, target.port) == (host, port)


def test_development_url() -> None:
    """With the development switch plain http and any port are fine."""
    assert parse_target("http://localhost:8080/x", DEVELOPMENT).port == 8080
    assert parse_target("http://localhost/x", DEVELOPMENT).port == 80


@pytest.mark.parametrize(
    ("host", "pattern", "found"),
    [
        ("a.azure.com", "*.azure.com", True),
        ("a.b.azure.com", "*.azure.com", True),
        ("azure.com", "*.azure.com", False),
        ("evilazure.com", "*.azure.com", False),
        ("a.azure.com.evil.example", "*.azure.com", False),
        ("azure.com", "azure.com", True),
        ("a.azure.com", "azure.com", False),
        ("anything", "*", True),
    ],
)
def test_matches(host: str, pattern: str, found: bool) -> None:
    """A star covers whole labels below a suffix and nothing beside it."""
    assert matches(host, pattern) is found


def test_empty_list_allows_nothing() -> None:
    """Without an allow-list no host is allowed."""
    with pytest.raises(UrlRefused, match="not in the list"):
        require_host("a.azure.com", ())
