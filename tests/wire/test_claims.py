"""Which fields claim something about where a request comes from."""

from __future__ import annotations

import pytest

from gateway.wire.claims import claims, is_claim

NAMES = {
    "forwarded": True,
    "x-forwarded-for": True,
    "x-forwarded-prefix": True,
    "true-client-ip": True,
    "client-cert": True,
    "ssl-client-verify": True,
    "x-ms-token-aad-id-token": True,
    "x-remote-extra-scopes": True,
    "x-forward": False,
    "x-request-id": False,
    "remote-users": False,
    "caller-objectid": False,
}


@pytest.mark.parametrize(("name", "claimed"), NAMES.items())
def test_which_names_are_claims(name: str, claimed: bool) -> None:
    """A name is one wherever it stands, asked for alone or found among others, the first time and later."""
    assert is_claim(name) is claimed
    for _ in range(2):
        assert claims({"accept": "", name: ""}) == ([name] if claimed else [])
