"""Looking up revocation with real peers: an ``openssl ocsp`` responder and lists that nginx serves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path

import pytest
from cryptography import x509

from gateway.revocation.authorities import Authorities
from gateway.revocation.fetching import Fetcher
from gateway.revocation.lookup import REVOKED, UNDECIDED, RevocationLookup
from tests.nginx import free_port, nginx
from tests.revocation.pki import DAY, NOW, Authority, Identity, openssl_responder
from tests.wire.rig import backend


def lookup(*authorities: Authority, files: Sequence[Path] = (), private: bool = True) -> RevocationLookup:
    """A look-up that knows *authorities*."""
    known = Authorities(each.own.certificate for each in authorities)
    return RevocationLookup(known, Fetcher(2.0, private), files, time.time)


async def ask(found: RevocationLookup, certificate: x509.Certificate) -> str:
    """The problem with *certificate*, waited for."""
    problem = found.revocation(certificate)
    return await problem if isinstance(problem, Awaitable) else problem


async def asked(found: RevocationLookup, *identities: Identity) -> list[str]:
    """The problems with *identities*; closes the look-up."""
    try:
        return [await ask(found, each.certificate) for each in identities]
    finally:
        await found.aclose()


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("signer", ["authority", "delegate"])
def test_a_real_responder(tmp_path: Path, signer: str) -> None:
    """openssl's responder says who is revoked, whether the authority or its delegate signs."""

    async def scenario() -> None:
        port = free_port()
        authority = Authority()
        url = f"http://127.0.0.1:{port}/"
        good, gone = authority.issue("good", ocsp_url=url), authority.issue("gone", ocsp_url=url)
        own = authority.own if signer == "authority" else authority.responder()
        async with openssl_responder(tmp_path, authority, port, [gone], own):
            stranger = authority.issue("stranger", ocsp_url=url)
            found = await asked(lookup(authority), good, gone, stranger)
            assert found == ["", REVOKED, UNDECIDED]

    asyncio.run(scenario())


@pytest.mark.needs("nginx")
def test_lists_that_nginx_serves(tmp_path: Path) -> None:
    """The list at the certificate's own URL decides; what is not there, or stale, does not."""

    async def scenario() -> None:
        port = free_port()
        authority = Authority()
        base = f"http://127.0.0.1:{port}"
        good, gone = authority.issue("good", f"{base}/ca.crl"), authority.issue("gone", f"{base}/ca.crl")
        stale, none = authority.issue("stale", f"{base}/stale.crl"), authority.issue("none", f"{base}/none.crl")
        (tmp_path / "ca.crl").write_bytes(authority.crl([gone]))
        (tmp_path / "stale.crl").write_bytes(authority.crl(ends=NOW - DAY / 2))
        async with nginx(tmp_path, port):
            found = await asked(lookup(authority), good, gone, stale, none)
            assert found == ["", REVOKED, UNDECIDED, UNDECIDED]

    asyncio.run(scenario())


@pytest.mark.needs("nginx")
def test_a_list_stands_in_for_a_responder_that_is_down(tmp_path: Path) -> None:
    """Where the responder does not answer, the certificate's list is asked."""

    async def scenario() -> None:
        port, dead = free_port(), free_port()
        authority = Authority()
        urls = f"http://127.0.0.1:{port}/ca.crl", f"http://127.0.0.1:{dead}/"
        good, gone = authority.issue("good", *urls), authority.issue("gone", *urls)
        (tmp_path / "ca.crl").write_bytes(authority.crl([gone]))
        async with nginx(tmp_path, port):
            assert await asked(lookup(authority), good, gone) == ["", REVOKED]

    asyncio.run(scenario())


@pytest.mark.needs("nginx")
def test_a_revoked_authority_revokes_what_it_issued(tmp_path: Path) -> None:
    """Every certificate below the root is asked about, not only the client's own."""

    async def scenario() -> None:
        port = free_port()
        root = Authority("Root")
        good = Authority("Good", root, f"http://127.0.0.1:{port}/root.crl")
        gone = Authority("Gone", root, f"http://127.0.0.1:{port}/root.crl")
        for authority in (good, gone):
            (tmp_path / f"{authority.name}.crl").write_bytes(authority.crl())
        clients = [each.issue("client", f"http://127.0.0.1:{port}/{each.name}.crl") for each in (good, gone)]
        (tmp_path / "root.crl").write_bytes(root.crl([gone.own]))
        async with nginx(tmp_path, port):
            assert await asked(lookup(root, good, gone), *clients) == ["", REVOKED]

    asyncio.run(scenario())


def test_lists_of_the_configuration(tmp_path: Path) -> None:
    """In a closed network files decide, each for its own authority; nothing is fetched."""
    one, two = Authority("One"), Authority("Two")
    files = [tmp_path / "one.crl", tmp_path / "two.pem"]
    clients = [one.issue("a"), one.issue("b"), two.issue("c"), two.issue("d")]
    files[0].write_bytes(one.crl([clients[1]]))
    files[1].write_bytes(two.crl([clients[3]]))
    found = asyncio.run(asked(lookup(one, two, files=files, private=False), *clients))
    assert found == ["", REVOKED, "", REVOKED]


def test_what_cannot_be_decided(tmp_path: Path) -> None:
    """Without list and responder, with an unknown issuer, a missing file or an inner address, none passes."""
    authority, other = Authority(), Authority("Other")
    inner = authority.issue("inner", "http://127.0.0.1:9/ca.crl", "http://169.254.169.254/")
    odd = lookup(authority, files=[tmp_path / "gone.crl"], private=False)
    found = asyncio.run(asked(odd, authority.issue("silent"), other.issue("stranger"), inner))
    assert found == [UNDECIDED] * 3


def test_two_authorities_of_one_name_are_told_apart() -> None:
    """The issuer is the authority whose key has signed, not one with the same name."""
    one, two = Authority("Same"), Authority("Same")
    client = two.issue("client")
    found = lookup(one, two)
    assert found.issuer_of(client.certificate) == two.own.certificate
    assert lookup(one).issuer_of(client.certificate) is None
    assert asyncio.run(asked(found)) == []


def test_the_second_question_is_answered_at_once(tmp_path: Path) -> None:
    """What has been found is kept: the next request of the same client does not wait, good or bad."""
    authority = Authority()
    good, gone, unknown = authority.issue("a"), authority.issue("b"), Authority("Other").issue("c")
    file = tmp_path / "ca.crl"
    file.write_bytes(authority.crl([gone]))

    async def scenario() -> None:
        found = lookup(authority, files=[file])
        for identity, expected in ((good, ""), (gone, REVOKED), (unknown, UNDECIDED)):
            first, second = found.revocation(identity.certificate), None
            assert isinstance(first, Awaitable)
            assert await first == expected
            second = found.revocation(identity.certificate)
            assert second == expected
        await found.aclose()

    asyncio.run(scenario())


def test_everybody_silent_is_bounded() -> None:
    """However many URLs a certificate names, the whole look-up ends in time."""

    async def silent(*_: object) -> None:
        await asyncio.sleep(30)

    async def scenario() -> float:
        async with backend(silent) as server:
            base = f"http://127.0.0.1:{server.port}"
            authorities = [Authority("0", None)]
            for number in range(1, 6):
                authorities.append(Authority(str(number), authorities[-1], f"{base}/{number}"))
            client = authorities[-1].issue("client", f"{base}/crl", f"{base}/ocsp")
            known = Authorities(each.own.certificate for each in authorities)
            begun = time.monotonic()
            assert await asked(RevocationLookup(known, Fetcher(0.2, True), (), time.time), client) == [UNDECIDED]
            return time.monotonic() - begun

    assert asyncio.run(scenario()) < 2.0
