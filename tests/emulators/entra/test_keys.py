"""Signing keys: published in the service's shape, rotated on demand, kept in a private file."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from gateway.emulators.entra.authority import Authority
from gateway.emulators.entra.directory import CONSUMERS, TENANT
from gateway.emulators.entra.keys import FOREIGN, KeyRing, SigningKey, shared_key
from tests import published

AUTHORITY = Authority("http://127.0.0.1:9")


def _jwks(ring: KeyRing, version: int = 2, tenant: str = TENANT) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = ring.jwks(AUTHORITY, version, tenant)["keys"]
    return keys


@published.needs(published.ENTRA)
@pytest.mark.parametrize(("name", "version"), [("jwks.v1.common.json", 1), ("jwks.v2.common.json", 2)])
def test_shape(name: str, version: int) -> None:
    """A published key has the members of the real ones in their order; there is no ``alg``, and more than one key."""
    real = json.loads((published.ENTRA / name).read_bytes())["keys"][0]
    keys = _jwks(KeyRing(), version)
    assert [list(key) for key in keys] == [list(real)] * 2


def test_kid_is_thumbprint() -> None:
    """``kid`` and ``x5t`` are the SHA-1 thumbprint of the certificate in ``x5c``, and the certificate holds the key."""
    jwk = _jwks(KeyRing())[0]
    der = base64.b64decode(jwk["x5c"][0])
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(der, usedforsecurity=False).digest()).rstrip(b"=").decode()
    assert jwk["kid"] == jwk["x5t"] == thumbprint
    assert x509.load_der_x509_certificate(der).public_key() == shared_key(0).private.public_key()


@pytest.mark.parametrize(
    ("tenant", "issuers"),
    [
        (TENANT, [f"http://127.0.0.1:9/{TENANT}/v2.0"]),
        ("organizations", ["http://127.0.0.1:9/{tenantid}/v2.0"]),
        ("common", ["http://127.0.0.1:9/{tenantid}/v2.0", f"http://127.0.0.1:9/{CONSUMERS}/v2.0"]),
    ],
)
def test_key_issuer(tenant: str, issuers: list[str]) -> None:
    """A key of personal accounts names their tenant, and only ``common`` shows it."""
    personal = SigningKey.of(shared_key(1).private, shared_key(1).certificate, CONSUMERS)
    assert [key["issuer"] for key in _jwks(KeyRing([shared_key(0), personal]), 2, tenant)] == issuers


def test_rotate() -> None:
    """Rotation publishes a new key and signs with it; the older ones stay."""
    ring = KeyRing()
    before = [key["kid"] for key in _jwks(ring)]
    rotated = ring.rotate()
    assert [key["kid"] for key in _jwks(ring)] == [*before, rotated.kid]
    assert ring.active is rotated


def test_withdraw() -> None:
    """A withdrawn key is removed from the sets; the newest remaining one signs."""
    ring = KeyRing()
    ring.withdraw(ring.active.kid)
    assert [key["kid"] for key in _jwks(ring)] == [shared_key(0).kid] == [ring.active.kid]


def test_withdraw_other() -> None:
    """Withdrawing a key that does not sign leaves the signing key."""
    ring = KeyRing()
    signing = ring.active
    ring.withdraw(shared_key(0).kid)
    assert ring.active is signing


def test_withdraw_refuses() -> None:
    """The last key, and a key that is not there, cannot be withdrawn."""
    ring = KeyRing([shared_key(0)])
    with pytest.raises(ValueError, match="last key"):
        ring.withdraw(shared_key(0).kid)
    with pytest.raises(KeyError, match="no published key"):
        ring.withdraw("x")


def test_odd_keys() -> None:
    """Odd keys are published unchanged, after the good ones."""
    ring = KeyRing()
    ring.odd.append({"kty": "XYZ"})
    assert _jwks(ring, 1)[-1] == _jwks(ring, 2)[-1] == {"kty": "XYZ"}


def test_file(tmp_path: Path) -> None:
    """The key file is private and gives another process the same keys, the rotated one included."""
    path = tmp_path / "keys.json"
    ring = KeyRing.at(path)
    rotated = ring.rotate()
    assert path.stat().st_mode & 0o777 == 0o600
    again = KeyRing.at(path)
    assert again.active.kid == rotated.kid
    assert _jwks(again) == _jwks(ring)
    assert again.active.private.private_numbers() == rotated.private.private_numbers()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"active": "x", "keys": [shared_key(0).public_jwk()]}),
        json.dumps({"active": "x", "keys": [shared_key(0).private_jwk()]}),
        json.dumps({"active": "x", "keys": [{"kty": "RSA"}]}),
        json.dumps({"active": "x", "keys": []}),
        "[]",
        "{}",
        "x",
    ],
    ids=["public", "unknown active", "broken key", "no keys", "list", "empty", "no json"],
)
def test_wrong_file(tmp_path: Path, content: str) -> None:
    """A file that cannot sign is refused by name, with the remedy."""
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"keys\.json is not a key file; delete it"):
        KeyRing.at(path)


def test_shared_keys() -> None:
    """Emulators of one process share their keys, and none of them has the foreign one."""
    assert KeyRing().active is KeyRing().active
    assert shared_key(FOREIGN) not in KeyRing().published
