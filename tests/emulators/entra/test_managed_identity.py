"""Managed identities: Microsoft's own client gets its token without a secret, from a local endpoint."""

from __future__ import annotations

import msal
import pytest
import requests

from gateway.emulators.entra import Directory, EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SERVICE_PRINCIPAL, documentation_directory
from gateway.emulators.entra.errors import EntraError
from gateway.emulators.entra.managed_identity import IDENTITY_HEADER, identity_grant
from gateway.emulators.serving import serve


def test_msal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is the identity's own, for the resource asked for."""
    entra = EntraEmulator()
    with serve(entra) as base_url, requests.Session() as session:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{base_url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
        client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=session)
        answered = client.acquire_token_for_client(resource="api://batch")
    assert answered["token_type"] == "Bearer"
    assert 3500 < answered["expires_in"] <= 3600
    assert entra.requests == {"managed-identity": 1}


@pytest.mark.parametrize("client_id", [None, CLIENT])
def test_grant(client_id: str | None) -> None:
    """The first application is the system's identity; another is named by its client id."""
    query = {"resource": "api://batch"} | ({"client_id": client_id} if client_id else {})
    claims = identity_grant(query, IDENTITY_HEADER, documentation_directory()).claims()
    assert (claims["aud"], claims["oid"], claims["azpacr"]) == (API, SERVICE_PRINCIPAL, "2")


@pytest.mark.parametrize(
    ("query", "header", "number"),
    [
        ({"resource": API}, "wrong", 7000218),
        ({"resource": API}, None, 7000218),
        ({}, IDENTITY_HEADER, 900144),
        ({"resource": API}, IDENTITY_HEADER, 500011),
        ({"resource": API, "client_id": "nobody"}, IDENTITY_HEADER, 500011),
    ],
)
def test_refused(query: dict[str, str], header: str | None, number: int) -> None:
    """Without the header, a resource or a registration there is no token."""
    with pytest.raises(EntraError) as refused:
        identity_grant(query, header, Directory(open=False))
    assert refused.value.number == number


@pytest.mark.parametrize("query", [{}, {"client_id": "nobody"}])
def test_no_identity(query: dict[str, str]) -> None:
    """An identity that does not exist has no token."""
    with pytest.raises(EntraError) as refused:
        identity_grant(query | {"resource": API}, IDENTITY_HEADER, Directory())
    assert refused.value.number == 700016
