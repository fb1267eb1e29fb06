"""EntraEmulator as tests use it: tokens right and wrong, keys on demand, failures on demand."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import TENANT

BASE = "http://entra.test"
NOW = 1_700_000_000.0


def _header(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _statuses(entra: EntraEmulator, *paths: str) -> list[int]:
    async def main() -> list[int]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(entra.app), base_url=BASE) as client:
            return [(await client.get(path)).status_code for path in paths]

    return asyncio.run(main())


def _verifies(entra: EntraEmulator, token: str) -> bool:
    try:
        jwt.decode(token, entra.keys.active.private.public_key(), ["RS256"], options={"verify_aud": False})
    except jwt.InvalidSignatureError:
        return False
    return True


@pytest.mark.parametrize(
    ("version", "members"), [(1, ["typ", "alg", "x5t", "kid"]), (2, ["typ", "alg", "kid"])], ids=["v1", "v2"]
)
def test_header(version: int, members: list[str]) -> None:
    """Only version 1 tokens carry ``x5t``."""
    assert list(_header(EntraEmulator(BASE).mint(version=version))) == members


@pytest.mark.parametrize(("real", "host"), [(False, BASE), (True, "https://login.microsoftonline.com")])
def test_issuer(real: bool, host: str) -> None:
    """Tokens name the emulator's issuer, or Microsoft's when that is asked for."""
    entra = EntraEmulator(BASE)
    entra.real_issuers = real
    assert _claims(entra.mint())["iss"] == entra.issuer() == f"{host}/{TENANT}/v2.0"


def test_real_v1_issuer() -> None:
    """The real version 1 issuer is another host, with a slash at the end."""
    entra = EntraEmulator()
    entra.real_issuers = True
    assert entra.issuer(1) == f"https://sts.windows.net/{TENANT}/"


def test_expired() -> None:
    """An expired token is otherwise valid."""
    entra = EntraEmulator(BASE, clock=lambda: NOW)
    token = entra.mint(lifetime_s=-1)
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, entra.keys.active.private.public_key(), ["RS256"], options={"verify_aud": False})
    assert _claims(token)["exp"] == NOW - 1


def test_unknown_key() -> None:
    """A token of the foreign key names a key that is not published."""
    entra = EntraEmulator(BASE)
    kid = _header(entra.mint(key=entra.foreign_key))["kid"]
    assert kid not in {key.kid for key in entra.keys.published}


def test_bad_signature() -> None:
    """A foreign signature under a known key id does not verify."""
    entra = EntraEmulator(BASE)
    assert not _verifies(entra, entra.mint(key=entra.foreign_key, header={"kid": entra.keys.active.kid}))


@pytest.mark.parametrize("alg", ["HS256", "none"])
def test_mint_with(alg: str) -> None:
    """Tokens of algorithms that a gateway must refuse can be made, with a known key id."""
    entra = EntraEmulator(BASE)
    token = entra.mint_with(alg, b"secret", header={"kid": "k"}, roles=("R",))
    assert _header(token) == {"typ": "JWT", "alg": alg, "kid": "k"}
    assert _claims(token)["roles"] == ["R"]


def test_header_member_removed() -> None:
    """A header member given as None is left out."""
    assert "kid" not in _header(EntraEmulator(BASE).mint(header={"kid": None}))


def test_rotation_and_withdrawal() -> None:
    """After a rotation tokens name the new key; the old one can be withdrawn."""
    entra = EntraEmulator(BASE)
    old = entra.keys.active.kid
    new = entra.rotate_keys().kid
    entra.withdraw(old)
    assert _header(entra.mint())["kid"] == new != old


def test_key_file(tmp_path: Path) -> None:
    """A second process with the same key file mints tokens that the first one's keys verify."""
    first = EntraEmulator(BASE, keys=tmp_path / "keys.json")
    second = EntraEmulator(BASE, keys=tmp_path / "keys.json")
    assert _verifies(first, second.mint())


def test_fail() -> None:
    """The next requests to one endpoint fail; the others are served; all are counted."""
    entra = EntraEmulator(BASE)
    entra.fail(2, 500, "metadata-v2")
    metadata, keys = entra.metadata_url(), f"/{TENANT}/discovery/v2.0/keys"
    assert _statuses(entra, metadata, keys, metadata, metadata) == [500, 200, 500, 200]
    assert entra.requests == {"metadata-v2": 3, "keys-v2": 1}


def test_delay() -> None:
    """A delayed answer is correct, but late."""
    entra = EntraEmulator(BASE)
    entra.delay(0.05)
    started = time.monotonic()
    assert _statuses(entra, entra.metadata_url(1, "common")) == [200]
    assert time.monotonic() - started >= 0.045


def test_refuse_unknown() -> None:
    """Only numbers with a known answer can be scripted."""
    with pytest.raises(KeyError, match="unknown AADSTS number 1"):
        EntraEmulator().refuse(1)
