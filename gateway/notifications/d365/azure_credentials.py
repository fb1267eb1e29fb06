"""
Certificates, managed and workload identity through azure-identity: the extra ``[azure]``, imported only when asked for.

Source: azure-identity, ``azure.identity.aio``.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import Any

from gateway.notifications.d365.errors import D365Error, FailureKind
from gateway.notifications.settings import D365Settings


class AzureCredential:
    """
    A TokenProvider around one of azure-identity's asynchronous credentials.

    azure-identity keeps its own cache but is not single-flight (ten cold callers make ten requests), hence the lock.
    """

    def __init__(self, settings: D365Settings, credential: Any = None) -> None:
        self._scope = f"{settings.instance_url}/.default"
        self._credential = credential or build_credential(settings)
        self._lock = asyncio.Lock()
        self._value: str | None = None
        self._refresh_at = 0.0

    async def token(self, rejected: str | None = None) -> str:
        """See TokenProvider."""
        async with self._lock:
            if self._value is None or self._value == rejected or time.time() >= self._refresh_at:
                await self._refresh()
            assert self._value is not None  # noqa: S101 - _refresh sets it or raises
            return self._value

    async def close(self) -> None:
        """Close the credential's own HTTP session."""
        await self._credential.close()

    async def _refresh(self) -> None:
        try:
            token = await self._credential.get_token(self._scope)
        except Exception as error:  # azure-core's tree is not importable without the extra
            kind = FailureKind.AUTH if type(error).__name__ == "ClientAuthenticationError" else FailureKind.TRANSIENT
            raise D365Error(kind, f"azure-identity could not get a token ({type(error).__name__}).") from error
        self._value, self._refresh_at = token.token, token.expires_on - 300


def build_credential(settings: D365Settings) -> Any:
    """
    The azure-identity credential for ``settings.credential``.

    Raises:
        ValueError: When the extra is not installed.
    """
    try:
        aio = importlib.import_module("azure.identity.aio")
    except ImportError as error:
        raise ValueError(
            f"credential {settings.credential} needs the extra: pip install 'apim-policy-gateway[azure]'"
        ) from error
    if settings.credential == "certificate":
        return aio.CertificateCredential(settings.tenant_id, settings.client_id, str(settings.certificate_path or ""))
    client_id = settings.client_id or None
    if settings.credential == "managed-identity":
        return aio.ManagedIdentityCredential(client_id=client_id)
    return aio.WorkloadIdentityCredential(tenant_id=settings.tenant_id or None, client_id=client_id)
