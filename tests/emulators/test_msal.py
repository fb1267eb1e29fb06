"""Microsoft's own client library gets its tokens from the emulator, over TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from gateway.emulators.entra import Application, Directory, EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, SERVICE_PRINCIPAL, documentation_directory
from gateway.emulators.entra.keys import shared_key
from gateway.emulators.serving import Binding, serve

CERTIFIED = "99998888-dddd-7777-cccc-6666bbbb5555"
KEY = shared_key(0)
PEM = x509.load_der_x509_certificate(KEY.certificate).public_bytes(serialization.Encoding.PEM)
SCOPES = ["api://batch/.default"]


@pytest.fixture(scope="module")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraEmulator]:
    """The emulator over TLS, trusted through REQUESTS_CA_BUNDLE."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle: Path = tmp_path_factory.mktemp("msal") / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    registered = documentation_directory()
    certified = Application(CERTIFIED, SERVICE_PRINCIPAL, certificates=(PEM,))
    emulator = EntraEmulator(directory=Directory((*registered.applications, certified), registered.resources))
    with serve(emulator, Binding(tls=context)), pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        yield emulator


def _client(entra: EntraEmulator, client_id: str, credential: Any, **options: Any) -> Any:
    authority = f"{entra.base_url}/{entra.tenants[0]}"
    return msal.ConfidentialClientApplication(client_id, credential, authority, instance_discovery=False, **options)


def _claims(entra: EntraEmulator, token: str) -> dict[str, Any]:
    key = entra.keys.active.private.public_key()
    claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=API, issuer=entra.issuer())
    return claims


def test_secret(entra: EntraEmulator) -> None:
    """A client with a secret gets a token, and the second call is answered by msal's own cache."""
    client = _client(entra, CLIENT, SECRET)
    before = entra.requests["token-v2"]
    answered = client.acquire_token_for_client(SCOPES)
    again = client.acquire_token_for_client(SCOPES)
    claims = _claims(entra, answered["access_token"])
    assert (claims["azp"], claims["azpacr"], claims["roles"]) == (CLIENT, "1", ["Batch.Start"])
    assert answered["expires_in"] == 3599
    assert again["access_token"] == answered["access_token"]
    assert entra.requests["token-v2"] == before + 1


def test_certificate(entra: EntraEmulator) -> None:
    """A client with a certificate authenticates with a signed assertion."""
    private = KEY.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    credential = {"private_key": private.decode(), "public_certificate": PEM.decode()}
    answered = _client(entra, CERTIFIED, credential).acquire_token_for_client(SCOPES)
    assert _claims(entra, answered["access_token"])["azpacr"] == "2"


def test_wrong_secret(entra: EntraEmulator) -> None:
    """A wrong secret comes back as the service's error, number included."""
    answered = _client(entra, CLIENT, "wrong").acquire_token_for_client(SCOPES)
    assert (answered["error"], answered["error_codes"]) == ("invalid_client", [7000215])
    assert answered["error_description"].startswith("AADSTS7000215: ")


def test_instance_discovery(entra: EntraEmulator) -> None:
    """Instance discovery, pointed at the emulator, leads to its metadata."""
    client = msal.ConfidentialClientApplication(
        CLIENT,
        SECRET,
        f"{entra.base_url}/{entra.tenants[0]}",
        instance_discovery=f"{entra.base_url}/common/discovery/instance",
    )
    assert client.authority.token_endpoint.startswith(entra.base_url)
    assert entra.requests["instance-discovery"] >= 1
