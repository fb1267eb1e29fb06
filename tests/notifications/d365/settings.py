"""Settings of a D365 that is a function."""

from __future__ import annotations

from collections.abc import Callable

import httpx2 as httpx
from pydantic import SecretStr

from gateway.notifications.settings import D365Settings

SETTINGS = D365Settings(
    instance_url="https://Contoso.operations.dynamics.com/",
    token_url="https://login.test/t/oauth2/v2.0/token",
    client_id="id",
    client_secret=SecretStr("s+/=e"),
)


Handler = Callable[[httpx.Request], httpx.Response]
