"""Tokens by the identities that Azure's own library knows."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest

from gateway.notifications.d365.azure_credentials import AzureCredential, build_credential
from gateway.notifications.d365.errors import D365Error, FailureKind
from tests.notifications.conftest import run
from tests.notifications.d365.settings import SETTINGS


class _Credential:
    """The part of azure-identity's interface that is used."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error
        self.closed = False

    async def get_token(self, scope: str) -> Any:
        self.calls += 1
        await asyncio.sleep(0.01)
        if self.error:
            raise self.error
        token = type("Token", (), {"token": f"{scope}#{self.calls}", "expires_on": 10**10})
        return token

    async def close(self) -> None:
        self.closed = True


def test_azure_credential() -> None:
    """Simultaneous requests become a single call of azure-identity, and a rejected token another one."""
    credential = _Credential()

    async def many() -> None:
        found = AzureCredential(SETTINGS, credential)
        first = set(await asyncio.gather(*(found.token() for _ in range(10))))
        assert first == {"https://contoso.operations.dynamics.com/.default#1"}
        await found.token(rejected=first.pop())
        await found.close()

    run(many())
    assert (credential.calls, credential.closed) == (2, True)


@pytest.mark.parametrize(
    ("name", "kind"), [("ClientAuthenticationError", FailureKind.AUTH), ("OtherError", FailureKind.TRANSIENT)]
)
def test_azure_failure(name: str, kind: FailureKind) -> None:
    """azure-identity's errors become our own; their texts are not passed on."""
    error = type(name, (Exception,), {})("with a secret")
    with pytest.raises(D365Error) as caught:
        run(AzureCredential(SETTINGS, _Credential(error)).token())
    assert caught.value.kind is kind
    assert "secret" not in caught.value.hint


@pytest.mark.parametrize("kind", ["certificate", "managed-identity", "workload-identity"])
def test_azure_extra(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Each kind of credential asks azure-identity for its own; without the extra the message says how to get it."""
    settings = SETTINGS.model_copy(update={"credential": kind, "tenant_id": "t", "certificate_path": "/c.pem"})
    made: list[str] = []

    class Identity:
        def __getattr__(self, name: str) -> Any:
            return lambda *args, **options: made.append(name)

    monkeypatch.setattr(importlib, "import_module", lambda name: Identity())
    build_credential(settings)
    assert made[0].lower().startswith(kind.partition("-")[0])

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ValueError, match=r"\[azure\]"):
        build_credential(settings)
