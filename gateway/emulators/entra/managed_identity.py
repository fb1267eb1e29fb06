"""
The local endpoint from which an application in Azure gets the token of its managed identity (Data Factory's ``MSI``,
App Service).

It speaks plain HTTP in Azure too: point ``IDENTITY_ENDPOINT`` at ``{base_url}/msi/token`` and set ``IDENTITY_HEADER``.

Source: "Managed identities in App Service", REST protocol 2019-08-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.emulators.entra.directory import Application, Directory
from gateway.emulators.entra.errors import EntraError
from gateway.emulators.entra.token_endpoint import Grant

IDENTITY_HEADER = "emulated-identity"
BY_CERTIFICATE = "2"  # the certificates of managed identities are not visible to clients


def identity_grant(query: Mapping[str, str], header: str | None, directory: Directory) -> Grant:
    """
    Check a managed identity's request for a token.

    Args:
        query: ``resource``; ``client_id`` for a user-assigned identity, otherwise the directory's first application.
        header: Value of ``X-IDENTITY-HEADER``, which proves that the caller runs on this machine.

    Raises:
        EntraError: 7000218 without the right header, 900144 without a resource, 700016, 500011.
    """
    if header != IDENTITY_HEADER:
        raise EntraError(7000218)
    if not query.get("resource"):
        raise EntraError(900144, "resource")
    resource = directory.resource(query["resource"])
    if resource is None:
        raise EntraError(500011, query["resource"])
    return Grant(_identity(query.get("client_id"), directory), resource, query["resource"], BY_CERTIFICATE)


def identity_answer(token: str, resource: str, expires: int) -> dict[str, Any]:
    """The success body; the time is a string of epoch seconds."""
    return {"access_token": token, "expires_on": str(expires), "resource": resource, "token_type": "Bearer"}


def _identity(client_id: str | None, directory: Directory) -> Application:
    if client_id is None and directory.applications:
        return directory.applications[0]
    identity = directory.application(client_id or "")
    if identity is None:
        raise EntraError(700016, client_id or "")
    return identity
