"""Actions of the management plane in the form in which the console asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.management.console.process import Ability
from gateway.management.reload import Reload
from gateway.management.withdrawal import Withdraw


def reloading(reload: Reload) -> Ability:
    """Reload; the report is that of ``POST /reload``."""

    async def perform(_: Mapping[str, str]) -> Mapping[str, Any]:
        return await reload()

    return perform


def withdrawing(withdraw: Withdraw) -> Ability:
    """Withdraw the key *kid* of *issuer*, of every issuer if that is empty: ``{"issuers"}`` or ``{"error"}``."""

    async def perform(given: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            return {"issuers": list(await withdraw(given["kid"], given.get("issuer") or None))}
        except (LookupError, RuntimeError) as error:
            return {"error": str(error.args[0])}

    return perform
