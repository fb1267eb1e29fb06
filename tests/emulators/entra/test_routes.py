"""The emulator over HTTP: discovery leads to keys that verify its tokens; everything can be scripted from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import jwt
import pytest

from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT

BASE = "http://entra.test"
FORM = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}


def _call(entra: EntraEmulator, method: str, path: str, **options: Any) -> httpx2.Response:
    async def main() -> httpx2.Response:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(entra.app), base_url=BASE) as client:
            return await client.request(method, path, **options)

    return asyncio.run(main())


def _json(entra: EntraEmulator, path: str) -> Any:
    return _call(entra, "GET", path).json()


@pytest.mark.parametrize(
    ("version", "endpoint", "target", "audience"),
    [
        (2, "oauth2/v2.0/token", {"scope": "api://batch/.default"}, API),
        (1, "oauth2/token", {"resource": "https://contoso.example"}, "https://contoso.example"),
    ],
)
def test_token(version: int, endpoint: str, target: dict[str, str], audience: str) -> None:
    """A token of either endpoint verifies with the keys that the metadata of its version points to."""
    entra = EntraEmulator(BASE)
    answered = _call(entra, "POST", f"/{TENANT}/{endpoint}", data=FORM | target)
    metadata = _json(entra, entra.metadata_url(version))
    keys = jwt.PyJWKSet.from_dict(_json(entra, metadata["jwks_uri"]))
    token = answered.json()["access_token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, ["RS256"], audience=audience, issuer=metadata["issuer"])
    assert claims["ver"] == f"{version}.0"
    assert answered.headers["cache-control"] == "no-store, no-cache"
    assert entra.requests == {f"token-v{version}": 1, f"metadata-v{version}": 1, f"keys-v{version}": 1}


def test_multipart() -> None:
    """The blog's way of asking, a multipart form, is answered too."""
    fields = FORM | {"scope": "api://batch/.default"}
    form = {name: (None, value) for name, value in fields.items()}
    assert _call(EntraEmulator(BASE), "POST", f"/{TENANT}/oauth2/v2.0/token", files=form).status_code == 200


def test_refusal() -> None:
    """A refusal carries the caller's correlation id and the trace id in body and headers."""
    sent = {"client-request-id": "c-1"}
    answered = _call(EntraEmulator(BASE), "POST", "/common/oauth2/v2.0/token", data=FORM, headers=sent)
    assert (answered.status_code, answered.json()["error_codes"]) == (400, [50059])
    assert answered.headers["client-request-id"] == answered.json()["correlation_id"] == "c-1"
    assert answered.headers["x-ms-request-id"] == answered.json()["trace_id"]


@pytest.mark.parametrize(
    "path", ["/x/.well-known/openid-configuration", "/x/v2.0/.well-known/openid-configuration", "/x/discovery/keys"]
)
def test_unknown_tenant(path: str) -> None:
    """A tenant that does not exist has neither metadata nor keys."""
    answered = _call(EntraEmulator(BASE), "GET", path)
    assert (answered.status_code, answered.json()["error_codes"]) == (400, [90002])


def test_tenant_in_any_case() -> None:
    """A tenant id is found in capitals too."""
    assert _call(EntraEmulator(BASE), "GET", f"/{TENANT.upper()}/discovery/v2.0/keys").status_code == 200


@pytest.mark.parametrize(
    ("query", "tenant"), [("", TENANT), ("?authorization_endpoint=https://host:1/common/oauth2/authorize", "common")]
)
def test_instance_discovery(query: str, tenant: str) -> None:
    """Instance discovery names the metadata of the tenant that was asked about."""
    document = _json(EntraEmulator(BASE), f"/common/discovery/instance{query}")
    assert document["tenant_discovery_endpoint"] == f"{BASE}/{tenant}/v2.0/.well-known/openid-configuration"


def test_appid() -> None:
    """``?appid=`` is carried on to the key set's URL."""
    document = _json(EntraEmulator(BASE), f"/common/.well-known/openid-configuration?appid={API}")
    assert document["jwks_uri"] == f"{BASE}/common/discovery/keys?appid={API}"


def test_control_keys() -> None:
    """Keys are rotated and withdrawn from outside, and the state shows it."""
    entra = EntraEmulator(BASE)
    before = _json(entra, "/emulator")
    rotated = _call(entra, "POST", "/emulator/rotate").json()["kid"]
    _call(entra, "POST", "/emulator/withdraw", json={"kid": before["active"]})
    after = _json(entra, "/emulator")
    assert after["active"] == rotated
    assert before["active"] in before["published"]
    assert before["active"] not in after["published"]
    assert after["issuers"] == [f"{BASE}/{TENANT}/", f"{BASE}/{TENANT}/v2.0"]


def test_control_faults() -> None:
    """Failures are scripted and forgotten from outside."""
    entra = EntraEmulator(BASE)
    _call(entra, "POST", "/emulator/faults", json={"endpoint": "keys-v2", "times": None, "status": 503})
    path = f"/{TENANT}/discovery/v2.0/keys"
    assert _call(entra, "GET", path).status_code == 503
    _call(entra, "DELETE", "/emulator/faults")
    assert _call(entra, "GET", path).status_code == 200


def test_control_refusals() -> None:
    """An AADSTS error is scripted from outside; an unknown number is refused."""
    entra = EntraEmulator(BASE)
    _call(entra, "POST", "/emulator/refusals", json={"number": 7000222})
    token_path = f"/{TENANT}/oauth2/v2.0/token"
    assert _call(entra, "POST", token_path).json()["error_codes"] == [7000222]
    assert _call(entra, "POST", token_path).json()["error_codes"] == [900144]
    assert _call(entra, "POST", "/emulator/refusals", json={"number": 1}).status_code == 400


@pytest.mark.parametrize("foreign", [False, True])
def test_control_tokens(foreign: bool) -> None:
    """Tokens of any content are minted from outside, with the active key or an unpublished one."""
    entra = EntraEmulator(BASE)
    body = {"version": 1, "app_only": False, "claims": {"scp": "a b"}, "foreign": foreign}
    token = _call(entra, "POST", "/emulator/tokens", json=body).json()["access_token"]
    signing = entra.foreign_key if foreign else entra.keys.active
    claims = jwt.decode(token, signing.private.public_key(), ["RS256"], options={"verify_aud": False})
    assert (claims["scp"], claims["ver"]) == ("a b", "1.0")
