"""What traces may show of a value: secrets are masked, long texts cut, tokens and bodies named but not printed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gateway.wire.fields import fold_name

MASK = "*****"
MAX_CHARACTERS = 200

SECRET_HEADERS = frozenset(
    """
    authorization proxy-authorization cookie set-cookie ocp-apim-subscription-key api-key x-api-key x-functions-key
    apim-debug-authorization
    """.split()
)

# A trace cannot tell a subscription key from any other text, so what usually holds credentials is named here.
SECRET_PARAMETERS = frozenset("subscription-key access_token id_token client_secret code sig api_key apikey".split())

# Three base64url parts: a token, wherever it turns up.
_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class Masking:
    """
    Masks texts and values.

    Args:
        secrets: Texts that must never be shown: secret named values, keys. Shorter than four characters are ignored,
            because masking them would only reveal them.
        headers, parameters: Further names of header fields and query parameters that hold credentials.
    """

    def __init__(
        self, secrets: Iterable[str] = (), headers: Iterable[str] = (), parameters: Iterable[str] = ()
    ) -> None:
        self._headers = SECRET_HEADERS | {fold_name(name) for name in headers}
        names = "|".join(map(re.escape, sorted({*SECRET_PARAMETERS, *parameters}, key=len, reverse=True)))
        self._parameters = re.compile(rf"(?i)([?&](?:{names})=)[^&#]*")
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """*text* without secrets and tokens, cut to a readable length."""
        if self._secrets is not None:
            text = self._secrets.sub(MASK, text)
        text = _TOKEN.sub(MASK, text)
        return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}…"

    def url(self, url: str) -> str:
        """*url* without the values of query parameters that hold credentials."""
        return self.text(self._parameters.sub(rf"\1{MASK}", url))

    def header(self, name: str, value: str) -> str:
        """A header's value; credentials are masked whole."""
        return MASK if fold_name(name) in self._headers else self.text(value)

    def value(self, value: object) -> object:
        """A variable's value: plain ones masked, everything else by its type only."""
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(value) if isinstance(value, str) else f"({type(value).__name__})"
