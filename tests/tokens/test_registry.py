"""One issuer per URL, refreshed in the background, reported in readiness."""

from __future__ import annotations

import asyncio

import pytest

from gateway.tokens.fetch import FetchResult, HttpFetch
from gateway.tokens.issuer import LifeCycle
from gateway.tokens.registry import IssuerRegistry
from tests.tokens.minting import JWKS_URL, METADATA_URL, Clock, Site, entra_site, jwk, rsa_key


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


@pytest.mark.parametrize("gone", [False, True])
def test_a_withdrawn_key_stays_withdrawn_in_the_next_registry(gone: bool) -> None:
    """Whatever it is called by then, and though its issuer's settings have changed, or it was not used for a while."""

    async def scenario() -> None:
        first = IssuerRegistry(entra_site(jwk(rsa_key("leaked"), "k1"), jwk(rsa_key("k2"), "k2")), Clock())
        await first.issuer(METADATA_URL).refresh()
        first.withdraw("k1")
        if gone:
            before, first = first, IssuerRegistry(entra_site(), Clock())
            await first.start(before)
        renamed = entra_site(jwk(rsa_key("leaked"), "renamed"), jwk(rsa_key("k2"), "k2"))
        second = IssuerRegistry(renamed, Clock())
        issuer = second.issuer(METADATA_URL)
        await issuer.refresh()
        await second.start(first)
        assert issuer.keyset is not None
        assert set(issuer.keyset.by_kid) == {"k2"}
        await second.aclose()

    asyncio.run(scenario())


def test_another_process_knows_a_renamed_key() -> None:
    """What one process has seen of a withdrawn key, another one learns: there the key does not verify when renamed."""

    async def scenario() -> None:
        first = IssuerRegistry(entra_site(jwk(rsa_key("leaked"), "k1"), jwk(rsa_key("k2"), "k2")), Clock())
        await first.issuer(METADATA_URL).refresh()
        assert first.seen_withdrawn() == set()
        first.withdraw("k1")
        second = IssuerRegistry(entra_site(jwk(rsa_key("leaked"), "renamed"), jwk(rsa_key("k2"), "k2")), Clock())
        issuer = second.issuer(METADATA_URL)
        await issuer.refresh()
        second.withdraw("k1")
        assert issuer.keyset is not None
        assert set(issuer.keyset.by_kid) == {"renamed", "k2"}  # it cannot know yet
        second.learn_withdrawn(first.seen_withdrawn())
        assert set(issuer.keyset.by_kid) == {"k2"}
        assert second.seen_withdrawn() == first.seen_withdrawn()

    asyncio.run(scenario())


def test_an_issuer_that_is_listed_no_longer_ends() -> None:
    """Metadata that states what a policy listed by hand is refused again once no policy does; that of others stays."""

    async def scenario() -> None:
        first = IssuerRegistry(entra_site(issuer="https://front.example"), Clock())
        issuer = first.issuer(METADATA_URL, expected=["https://front.example"])
        await issuer.refresh()
        for listed, usable in (["https://front.example"], 1), (["https://other.example"], 0):
            second = IssuerRegistry(warm=first.unchanged([]))
            assert second.issuer(METADATA_URL, expected=listed) is issuer
            assert issuer.status(0).usable_keys == 1  # nothing has been taken over yet
            await second.start(first)
            assert issuer.status(0).usable_keys == usable
            first = second
        await issuer.refresh()
        assert "states another issuer" in issuer.status(0).error
        await first.aclose()

    asyncio.run(scenario())


def test_an_issuer_that_is_listed_no_longer_is_not_fetched() -> None:
    """Keys that arrive when the policy that listed their issuer has gone are not used."""

    async def scenario() -> None:
        site = entra_site(issuer="https://front.example")

        async def fetch(url: str) -> FetchResult:
            if url == JWKS_URL:
                issuer.expect(frozenset())
            return await site(url)

        issuer = IssuerRegistry(fetch, Clock()).issuer(METADATA_URL, expected=["https://front.example"])
        await issuer.refresh()
        assert issuer.keyset is None
        assert "no longer listed" in issuer.status(0).error

    asyncio.run(scenario())
