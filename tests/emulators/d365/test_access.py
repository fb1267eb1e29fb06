"""Which tokens F&O takes: the audience and tenant rules, the object id, the applications form, the signature."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.emulators.d365.access import Access
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import CLIENT

URL = "https://contoso.operations.dynamics.com"
NOW = 1_700_000_000.0
ENTRA = EntraEmulator(clock=lambda: NOW)


def _client(access: Access, base_url: str = URL, **claims: Any) -> str | None:
    token = ENTRA.mint(**{"version": 1, "aud": URL, **claims})
    return access.client(f"Bearer {token}", base_url, NOW)


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({}, True),
        ({"version": 2}, True),
        ({"aud": f"{URL}/"}, False),
        ({"aud": "https://Contoso.operations.dynamics.com"}, False),
        ({"aud": CLIENT}, False),
        ({"tid": "other"}, False),
        ({"oid": None}, False),
        ({"lifetime_s": 0}, False),
        ({"exp": None}, False),
    ],
    ids=["v1", "v2", "slash", "capitals", "app id", "tenant", "no oid", "expired", "no exp"],
)
def test_rules(claims: dict[str, Any], accepted: bool) -> None:
    """The audience is the environment's URL, in lower case and without a slash; tenant and object id must be right."""
    assert (_client(Access(), **claims) == CLIENT) == accepted


def test_instance_url() -> None:
    """The audience can be set, for an emulator that is reached under another name."""
    assert _client(Access(instance_url=f"{URL}/"), "http://127.0.0.1:1") == CLIENT


@pytest.mark.parametrize(("known", "accepted"), [(CLIENT, True), ("other", False)])
def test_applications(known: str, accepted: bool) -> None:
    """A valid token of an application that is not in F&O's list is refused: the step that is most often forgotten."""
    assert (_client(Access(applications=frozenset({known}))) == CLIENT) == accepted


@pytest.mark.parametrize("key", [None, ENTRA.foreign_key], ids=["published", "foreign"])
def test_signature(key: Any) -> None:
    """With the issuer's keys the signature is checked too."""
    assert (_client(Access(keys=ENTRA.keys), key=key) == CLIENT) == (key is None)


def test_bad_signature() -> None:
    """A foreign signature under a known key id is refused."""
    header = {"kid": ENTRA.keys.active.kid}
    assert _client(Access(keys=ENTRA.keys), key=ENTRA.foreign_key, header=header) is None


@pytest.mark.parametrize("authorization", ["", "Basic eDp5", "Bearer", "Bearer x.y.z"])
def test_no_token(authorization: str) -> None:
    """Without a token there is no client."""
    assert Access().client(authorization, URL, NOW) is None
