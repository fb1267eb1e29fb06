"""
URLs and issuers.

A gateway under test must be able to fetch the metadata, so issuers are made from the emulator's own URL. With
``real_issuers`` they are the service's own, for tests that pin ``https://sts.windows.net/…`` in a policy.

Source: Microsoft Learn, "Access token claims reference" (``iss``); the metadata documents' ``issuer``.
"""

from __future__ import annotations

from dataclasses import dataclass

MULTI_TENANT = frozenset({"common", "organizations", "consumers"})
TEMPLATE = "{tenantid}"  # literally; the reader replaces it by the token's tid


@dataclass(frozen=True, slots=True)
class Authority:
    """
    The emulator's URLs and the issuer that it names.

    Attributes:
        base_url: Without a slash at the end.
        real_issuers: Name Microsoft's issuers instead of the emulator's.
    """

    base_url: str
    real_issuers: bool = False

    def issuer(self, version: int, tenant: str) -> str:
        """``iss`` of tokens for *tenant*; version 1 ends with a slash, version 2 does not."""
        name = TEMPLATE if tenant in MULTI_TENANT else tenant
        host = self._issuer_host(version)
        return f"{host}/{name}/v2.0" if version == 2 else f"{host}/{name}/"

    def token_endpoints(self, tenant: str) -> list[str]:
        """The URLs that a client assertion may name as its audience."""
        root = f"{self.base_url}/{tenant}"
        return [f"{root}/oauth2/v2.0/token", f"{root}/oauth2/token", f"{root}/v2.0", f"{root}/"]

    def _issuer_host(self, version: int) -> str:
        if not self.real_issuers:
            return self.base_url
        return "https://login.microsoftonline.com" if version == 2 else "https://sts.windows.net"
