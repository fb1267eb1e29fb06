"""One issuer per URL, refreshed in the background, reported in readiness."""

from __future__ import annotations

import asyncio

import pytest

from gateway.tokens.fetch import FetchResult, HttpFetch
from gateway.tokens.issuer import LifeCycle
from gateway.tokens.registry import IssuerRegistry
from tests.tokens.minting import METADATA_URL, Clock, Site, entra_site


def test_one_issuer_per_url() -> None:
    """Policies that name the same URL share keys; another CA file makes another issuer; listed issuers add up."""
    registry = IssuerRegistry(entra_site())
    one = registry.issuer(METADATA_URL, expected=["a"])
    assert registry.issuer(METADATA_URL, expected=["b"]) is one
    assert one.expected == {"a", "b"}
    assert registry.issuer(METADATA_URL, "ca.pem") is not one


def test_default_fetch_is_https() -> None:
    """Without a seam, issuers fetch over HTTPS with their own CA file."""
    issuer = IssuerRegistry().issuer(METADATA_URL, "ca.pem")
    assert isinstance(issuer._fetch, HttpFetch)


def test_start_fetches_in_the_background() -> None:
    """start returns at once; issuers that are added later are watched too; aclose ends it."""

    async def scenario() -> None:
        site = entra_site()
        registry = IssuerRegistry(site, Clock())
        first = registry.issuer(METADATA_URL)
        await registry.start()
        assert not first.status(0).ready
        second = registry.issuer(METADATA_URL, "ca.pem")
        while not (first.status(0).ready and second.status(0).ready):
            await asyncio.sleep(0)
        await registry.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_close_abandons_a_fetch() -> None:
    """A fetch that hangs does not hold up the end."""

    async def scenario() -> None:
        async def hanging(url: str) -> FetchResult:
            await asyncio.sleep(60)
            raise AssertionError(url)

        registry = IssuerRegistry(hanging, Clock())
        registry.issuer(METADATA_URL)
        await registry.start()
        await asyncio.sleep(0.01)
        await registry.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_statuses() -> None:
    """Readiness names each issuer, and why it is not ready."""

    async def scenario() -> None:
        registry = IssuerRegistry(Site(), Clock(), LifeCycle())
        issuer = registry.issuer(METADATA_URL)
        await issuer.refresh()
        (status,) = registry.statuses()
        assert (status.url, status.ready, status.error, status.age_s) == (
            METADATA_URL,
            False,
            "cannot be reached",
            None,
        )
        assert (status.fetches, status.failures, status.usable_keys, status.issuer) == (1, 1, 0, None)

    asyncio.run(scenario())


def test_one_issuer_for_every_spelling_of_its_url() -> None:
    """Settings and keys belong to the address, however its host is written."""
    shouted = METADATA_URL.replace("login.microsoftonline.com", "LOGIN.microsoftonline.com:443")
    life = LifeCycle(withdrawn=frozenset({"k1"}))
    registry = IssuerRegistry(entra_site(), Clock(), special={shouted: (entra_site(), life)})
    issuer = registry.issuer(METADATA_URL)
    asyncio.run(issuer.refresh())
    assert issuer is registry.issuer(shouted)
    assert issuer.keyset is not None
    assert "k1" not in issuer.keyset.by_kid


def test_withdrawing_names_the_issuers_that_had_the_key() -> None:
    """A key is withdrawn at one issuer or at all; the answer tells where it was in use."""
    registry = IssuerRegistry(entra_site(), Clock())
    asyncio.run(registry.issuer(METADATA_URL).refresh())
    with pytest.raises(LookupError, match=f"no policy uses the issuer https://other.example; known: {METADATA_URL}"):
        registry.withdraw("k1", "https://other.example")
    assert registry.withdraw("k1") == (METADATA_URL,)
    assert registry.withdraw("k1") == ()
