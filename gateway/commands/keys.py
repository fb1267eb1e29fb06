"""``gateway keys``: withdraw a token issuer's key while the gateway runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from gateway.commands.asking import ask
from gateway.commands.options import CONFIG
from gateway.config import load
from gateway.management.withdrawal import PATH

app = App(name="keys")


@app.command
def withdraw(
    kid: str,
    *,
    issuer: str | None = None,
    config: Annotated[Path, Parameter(name=["--config", "-c"])] = CONFIG,
) -> int:
    """
    Stop accepting a key, in every worker; tokens that it has signed are refused immediately.

    This lasts until the gateway stops, so add the key to `issuers/URL/withdrawn-keys` as well.

    Parameters
    ----------
    kid
        Key id (`kid`) or certificate thumbprint (`x5t`) of the key.
    issuer
        Metadata URL of the issuer; every issuer unless given.
    config
        The configuration of the running gateway; its `management` address is asked, with its `console/token` if
        there is one.
    """
    request = {"kid": kid} | ({"issuer": issuer} if issuer else {})
    issuers: list[str] = ask(load(config), PATH, request)["issuers"]
    for url in issuers:
        print(f"{kid}: withdrawn at {url}")
    if not issuers:
        print(f"{kid}: no issuer uses it; it remains withdrawn if one publishes it later")
    print("This lasts until the gateway stops: add the key to withdrawn-keys in the configuration as well.")
    return 0
