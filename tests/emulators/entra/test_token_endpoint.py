"""The token endpoint's rules, without HTTP: what is granted, and the number of each refusal."""

from __future__ import annotations

import pytest

from gateway.emulators.entra.credentials import Assertions
from gateway.emulators.entra.directory import (
    API,
    CLIENT,
    SECRET,
    SERVICE_PRINCIPAL,
    TENANT,
    Directory,
    Resource,
    documentation_directory,
)
from gateway.emulators.entra.errors import EntraError
from gateway.emulators.entra.token_endpoint import answer, check_tenant, grant

CHECK = Assertions([], now=0.0)
FORM = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
INSTANCE = "https://contoso.operations.dynamics.com"


@pytest.mark.parametrize(
    ("version", "target", "audience", "token_version"),
    [
        (2, {"scope": "api://batch/.default"}, API, 2),
        (2, {"scope": f"{API}/.default"}, API, 2),
        (2, {"scope": f"{INSTANCE}/.default"}, INSTANCE, 1),
        (2, {"scope": f"{INSTANCE}//.default"}, f"{INSTANCE}/", 1),
        (1, {"resource": INSTANCE}, INSTANCE, 1),
        (1, {"resource": "api://batch"}, API, 2),
    ],
    ids=["v2 by uri", "v2 by id", "v1 resource", "double slash", "v1 endpoint", "v2 token of the v1 endpoint"],
)
def test_audience(version: int, target: dict[str, str], audience: str, token_version: int) -> None:
    """The resource decides the token's version; a version 1 audience is what was asked for, slash and all."""
    granted = grant(version, FORM | target, documentation_directory(), CHECK)
    assert (granted.claims()["aud"], granted.resource.token_version) == (audience, token_version)


def test_claims() -> None:
    """A grant has the client, its kind of credential, and its roles at that resource."""
    claims = grant(2, FORM | {"scope": "api://batch/.default"}, documentation_directory(), CHECK).claims()
    expected = {"aud": API, "azp": CLIENT, "azpacr": "1", "oid": SERVICE_PRINCIPAL, "roles": ["Batch.Start"]}
    assert claims == expected | {"idtyp": None}


def test_no_roles() -> None:
    """Without a granted role the claim is missing, not empty; ``idtyp`` comes when the resource asks for it."""
    directory = Directory(documentation_directory().applications, (Resource("other", idtyp=True),))
    claims = grant(2, FORM | {"scope": "other/.default"}, directory, CHECK).claims()
    assert (claims["roles"], claims["idtyp"]) == (None, "app")


@pytest.mark.parametrize(
    ("version", "change", "number"),
    [
        (2, {"grant_type": ""}, 900144),
        (2, {"grant_type": "password"}, 70003),
        (2, {"client_id": ""}, 900144),
        (2, {"client_id": "nobody"}, 700016),
        (2, {"client_secret": "wrong"}, 7000215),
        (2, {"scope": ""}, 900144),
        (2, {"scope": "api://batch"}, 1002012),
        (2, {"scope": "a/.default b/.default"}, 70011),
        (1, {"resource": ""}, 900144),
        (2, {"scope": "api://unknown/.default"}, 500011),
    ],
)
def test_refused(version: int, change: dict[str, str], number: int) -> None:
    """Each mistake has its AADSTS number; they are found in the order in which the real service checks."""
    directory = Directory(documentation_directory().applications, open=False)
    with pytest.raises(EntraError) as refused:
        grant(version, FORM | {"scope": f"{API}/.default"} | change, directory, CHECK)
    assert refused.value.number == number


@pytest.mark.parametrize(("tenant", "number"), [("common", 50059), ("organizations", 50059), ("x", 90002)])
def test_tenant(tenant: str, number: int) -> None:
    """A token needs a specific, existing tenant."""
    check_tenant(TENANT, (TENANT,))
    with pytest.raises(EntraError) as refused:
        check_tenant(tenant, (TENANT,))
    assert refused.value.number == number


def test_answer() -> None:
    """Version 2 answers numbers; version 1 answers strings, and has more members."""
    times = {"now": 1000, "iat": 700, "nbf": 700, "exp": 4600}
    v2 = {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "t"}
    assert answer(2, "t", "a", times) == v2
    v1 = {"expires_in": "3599", "ext_expires_in": "3599", "expires_on": "4600", "not_before": "700", "resource": "a"}
    assert answer(1, "t", "a", times) == {"token_type": "Bearer", **v1, "access_token": "t"}
