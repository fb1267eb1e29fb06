"""
Certificates: no private key is written by an import; what uses one names the file in which it is to be put.

Source: "Microsoft.ApiManagement service/certificates".
"""

from __future__ import annotations

from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource


class Certificates:
    """Maps the certificates that policies or backends use."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._thumbprints: dict[str, str] = {}

    def map(self) -> None:
        """Write those that policies name."""
        for resource in self._instance.all("certificates"):
            taker = self._instance.take(resource, f"certificate {resource.name[-1]}")
            thumbprint = taker.text("thumbprint")
            self._thumbprints[thumbprint.upper()] = resource.name[-1]
            taker.skip("data", "password", "keyVault")
            name = resource.name[-1]
            if self._instance.mentions(name) or (thumbprint and self._instance.mentions(thumbprint)):
                self._write(resource, taker)
            else:
                self._draft.harmless(resource.location, taker.what, "no policy names it")

    def _write(self, resource: ArmResource, taker: Taker) -> None:
        name = resource.name[-1]
        id = self._instance.ids.give("certificates", name, resource.workspace)
        file = f"certs/{id}.pfx"
        entry: dict[str, Any] = {"file": file}
        if taker.scalar("password") is not None:
            variable = self._draft.variable(f"{id}-password", f"{taker.what}: its password", taker.location)
            entry["password"] = {"env": variable}
        self._draft.entry("certificates", id, entry, self._instance.origin(resource.location))
        vault = taker.inner("keyVault")
        source = f" (in the Key Vault at {vault.text('secretIdentifier')})" if vault else ""
        if vault is not None:
            vault.skip("identityClientId")
        message = "a policy uses it, and private keys are not written by an import"
        self._draft.needs_you(resource.location, taker.what, message, f"save it as {file}{source}")

    def use_for_backend(self, name: str, backend: Taker) -> None:
        """Report that *backend* presents the certificate called *name*, or with that thumbprint."""
        known = self._thumbprints.get(name.upper(), name)
        message = f"it presents the certificate {known}, and private keys are not written by an import"
        remedy = "save it as a PEM file, and name that under the backend's tls/certificate-file"
        self._draft.needs_you(backend.location, backend.what, message, remedy)
