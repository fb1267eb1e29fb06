"""
The token endpoint: a form in, a checked grant out. Pure: who is registered, the form and the time are parameters.

Source: "OAuth 2.0 client credentials flow" (v2.0: ``scope``; v1.0: ``resource``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.emulators.entra.authority import MULTI_TENANT
from gateway.emulators.entra.credentials import Assertions, authenticate
from gateway.emulators.entra.directory import Application, Directory, Resource
from gateway.emulators.entra.errors import EntraError

DEFAULT_SCOPE = "/.default"


@dataclass(frozen=True, slots=True)
class Grant:
    """
    A token that may be issued.

    Attributes:
        audience: What the client asked for, without ``/.default``; the ``aud`` of version 1 tokens.
        credential: ``1`` for a secret, ``2`` for a certificate.
    """

    application: Application
    resource: Resource
    audience: str
    credential: str

    def claims(self) -> dict[str, Any]:
        """The claims that depend on the client and the resource."""
        resource, roles = self.resource, self._roles()
        return {
            "aud": resource.client_id if resource.token_version == 2 else self.audience,
            "azp": self.application.client_id,
            "azpacr": self.credential,
            "oid": self.application.object_id,
            "roles": list(roles) or None,  # absent, not empty
            "idtyp": "app" if resource.idtyp else None,
        }

    def _roles(self) -> tuple[str, ...]:
        granted = self.application.roles
        return next((roles for name, roles in granted.items() if self.resource.answers_to(name)), ())


def grant(endpoint_version: int, form: Mapping[str, str], directory: Directory, assertions: Assertions) -> Grant:
    """
    Check a client-credentials request.

    Args:
        endpoint_version: 2 reads ``scope``, 1 reads ``resource``.
        form: Fields of the body, each of them once.

    Raises:
        EntraError: It has the AADSTS number of the first mistake.
    """
    if _field(form, "grant_type") != "client_credentials":
        raise EntraError(70003, form["grant_type"])
    application = directory.application(_field(form, "client_id"))
    if application is None:
        raise EntraError(700016, form["client_id"])
    credential = authenticate(application, form, assertions)
    audience = _audience(endpoint_version, form)
    resource = directory.resource(audience)
    if resource is None:
        raise EntraError(500011, audience)
    return Grant(application, resource, audience, credential)


def check_tenant(tenant: str, tenants: tuple[str, ...]) -> None:
    """
    Check that a token is requested from a specific tenant.

    Raises:
        EntraError: 50059 for ``common`` and ``organizations``, 90002 for a tenant that does not exist.
    """
    if tenant in MULTI_TENANT:
        raise EntraError(50059, tenant)
    if tenant not in tenants:
        raise EntraError(90002, tenant)


def answer(endpoint_version: int, token: str, audience: str, times: Mapping[str, int]) -> dict[str, Any]:
    """The success body; version 1 has every number as a string, and more members."""
    expires_in = times["exp"] - times["now"] - 1  # the real service answers 3599
    if endpoint_version == 2:
        lifetime: dict[str, Any] = {"expires_in": expires_in, "ext_expires_in": expires_in}
        return {"token_type": "Bearer", **lifetime, "access_token": token}
    lifetime = {"expires_in": str(expires_in), "ext_expires_in": str(expires_in)}
    lifetime |= {"expires_on": str(times["exp"]), "not_before": str(times["nbf"]), "resource": audience}
    return {"token_type": "Bearer", **lifetime, "access_token": token}


def _field(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise EntraError(900144, name)
    return form[name]


def _audience(endpoint_version: int, form: Mapping[str, str]) -> str:
    if endpoint_version == 1:
        return _field(form, "resource")
    scope = _field(form, "scope")
    if " " in scope.strip():
        raise EntraError(70011, scope)
    if not scope.endswith(DEFAULT_SCOPE):
        raise EntraError(1002012, scope)
    return scope.removesuffix(DEFAULT_SCOPE)  # one slash only: "https://host//.default" asks for "https://host/"
