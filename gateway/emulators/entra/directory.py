"""
Who exists: tenants, applications (clients) and resources (APIs).

The identifiers are Microsoft's documentation GUIDs, so that they are not mistaken for a real tenant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
API = "00001111-aaaa-2222-bbbb-3333cccc4444"
CLIENT = "11112222-bbbb-3333-cccc-4444dddd5555"
SERVICE_PRINCIPAL = "22223333-cccc-4444-dddd-5555eeee6666"
USER = "33334444-dddd-5555-eeee-6666ffff7777"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"

SECRET = "emulator-secret"  # noqa: S105 - documented; it opens nothing but the emulator


@dataclass(frozen=True, slots=True)
class Application:
    """
    A client that may ask for tokens.

    Attributes:
        client_id: Application id, a GUID.
        object_id: Id of its service principal: ``oid`` and ``sub`` of its app-only tokens.
        secrets: Accepted client secrets.
        expired_secrets: Secrets answered with AADSTS7000222.
        certificates: PEM certificates whose keys may sign client assertions.
        roles: Resource (client id or URI) → app roles granted there; an absent resource has none.
    """

    client_id: str
    object_id: str
    secrets: tuple[str, ...] = ()
    expired_secrets: tuple[str, ...] = ()
    certificates: tuple[bytes, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resource:
    """
    An API for which tokens are issued. Its registration, not the endpoint called, determines the token's version.

    Attributes:
        client_id: GUID; always the ``aud`` of version 2 tokens.
        uris: Application ID URIs by which clients may ask for it.
        token_version: 1 or 2 (``accessTokenAcceptedVersion`` of the manifest).
        idtyp: Whether app-only tokens carry the optional claim ``idtyp``.
    """

    client_id: str
    uris: tuple[str, ...] = ()
    token_version: int = 2
    idtyp: bool = False

    def answers_to(self, name: str) -> bool:
        """Whether a client that asks for *name* means this resource; a final slash is ignored."""
        return name.rstrip("/") in {self.client_id, *(uri.rstrip("/") for uri in self.uris)}


@dataclass(frozen=True, slots=True)
class Directory:
    """
    Everything that is registered.

    Attributes:
        open: Issue tokens for unregistered resources, too: version 1 tokens whose audience is the requested URI. This
            suits Dynamics 365, whose instance URL is never registered.
    """

    applications: tuple[Application, ...] = ()
    resources: tuple[Resource, ...] = ()
    open: bool = True

    def application(self, client_id: str) -> Application | None:
        """The application with that id, in any letter case."""
        wanted = client_id.lower()
        return next((entry for entry in self.applications if entry.client_id.lower() == wanted), None)

    def resource(self, name: str) -> Resource | None:
        """The resource that *name* (client id or URI) means; None when it does not exist here."""
        known = next((entry for entry in self.resources if entry.answers_to(name)), None)
        return known or (Resource(name, token_version=1) if self.open else None)


def documentation_directory() -> Directory:
    """One API (version 2 tokens) and one client with the secret ``emulator-secret`` and the role ``Batch.Start``."""
    client = Application(CLIENT, SERVICE_PRINCIPAL, secrets=(SECRET,), roles={API: ("Batch.Start",)})
    return Directory((client,), (Resource(API, (f"api://{API}", "api://batch")),))
