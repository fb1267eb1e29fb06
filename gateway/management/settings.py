"""The console's settings."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, SecretStr, model_validator

from gateway.reading.settings import Switch, mistake
from gateway.reading.values import LOOPBACK_NETWORKS, Network, Secret, TextForm

HeaderName = Annotated[
    str, TextForm(r"^[A-Za-z0-9-]{1,100}$", "the name of a header", "write it like X-Forwarded-User")
]

_TOKEN = re.compile(r"[!-~]{16,512}")  # it is sent in a header, and must not be guessed


def _token(secret: SecretStr) -> SecretStr:
    if _TOKEN.fullmatch(secret.get_secret_value()) is None:
        remedy = "make one with: openssl rand -hex 32"
        raise mistake("bad-secret", "a token has 16 to 512 printable ASCII characters, without spaces", remedy)
    return secret


class ConsoleSettings(Switch):
    """
    Web pages for operators on the management plane: `true`, `false`, or this mapping.

    The token protects everything there but `/healthz`, `/readyz` and `/metrics`.
    """

    switched_key: ClassVar = "pages"

    pages: bool = True
    """Whether there are pages, at `/`."""
    token: Annotated[Secret, AfterValidator(_token)] | None = None
    """What callers must send as `Authorization: Bearer …`. None: on loopback nothing is asked for, and on any other
address everything that it would protect answers 403. In a browser, it is what one logs in with."""
    actions: bool = False
    """Whether those who are logged in may also do something there: reload, withdraw a key, send callbacks again, stop \
jobs, send requests. Needs *token* or *login-header*."""
    login_header: HeaderName | None = None
    """Header in which a proxy in front names whom it has logged in, such as `X-Forwarded-User`. None: none is
believed."""
    login_proxies: tuple[Network, ...] = LOOPBACK_NETWORKS
    """Networks of the proxies whose *login-header* is believed."""

    @model_validator(mode="after")
    def _guarded(self) -> ConsoleSettings:
        if self.actions and self.token is None and self.login_header is None:
            raise mistake("actions-without-login", "actions need a login", "set token as well, or login-header")
        return self
