"""``gateway keys``: withdraw a token issuer's key while the gateway runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from gateway.commands.options import CONFIG
from gateway.config import Config, load
from gateway.errors import GatewayError
from gateway.management.withdrawal import PATH
from gateway.reading.values import revealed

app = App(name="keys")

TIMEOUT_S = 10.0


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
    issuers = _ask(load(config), {"kid": kid} | ({"issuer": issuer} if issuer else {}))
    for url in issuers:
        print(f"{kid}: withdrawn at {url}")
    if not issuers:
        print(f"{kid}: no issuer uses it; it remains withdrawn if one publishes it later")
    print("This lasts until the gateway stops: add the key to withdrawn-keys in the configuration as well.")
    return 0


def _ask(config: Config, request: dict[str, str]) -> list[str]:
    import httpx2

    (host, port), token = config.management, revealed(config.console.token)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    shown = f"[{host}]" if ":" in host else host
    try:
        url = f"http://{shown}:{port}{PATH}"
        answer = httpx2.post(url, json=request, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        if answer.status_code == 404:
            raise GatewayError(str(answer.json()["error"]))
        answer.raise_for_status()
        issuers: list[str] = answer.json()["issuers"]
    except (httpx2.HTTPError, json.JSONDecodeError, KeyError) as error:
        raise GatewayError(f"the gateway at {shown}:{port} did not withdraw the key: {error}") from None
    return issuers
