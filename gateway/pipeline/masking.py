"""What traces may show of a value: secrets are masked, long texts cut, tokens shown by their claims, bodies never."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from gateway.pipeline.notes import Shown
from gateway.pipeline.secret_texts import SecretTexts
from gateway.telemetry.requests.record import SAFE_CLAIMS
from gateway.tokens.jwt import Jwt
from gateway.wire.fields import fold_name

MASK = "*****"
MAX_CHARACTERS = 200
MAX_SEARCHED = 4_096  # characters of a text in which secrets are looked for; the rest is never shown
MAX_ITEMS = 20
MAX_NAMES = 2_048  # of headers, about which is remembered whether they are secret

SECRET_HEADERS = frozenset(
    """
    authorization proxy-authorization cookie set-cookie ocp-apim-subscription-key api-key x-api-key x-functions-key
    apim-debug-authorization
    """.split()
)

# A trace cannot tell a subscription key from any other text, so what usually holds credentials is named here.
SECRET_PARAMETERS = frozenset("subscription-key access_token id_token client_secret code sig api_key apikey".split())

# Names of headers and variables whose texts are credentials.
_SECRET_NAME = re.compile(
    r"passw(?:or)?d|passphrase|secret|credential|(?:access|refresh|id|auth|bearer|security|session)[-_]?token"
    r"|^(?:x[-_])?token$|(?:api|access|account|function|shared|private|signing|subscription|primary|secondary)[-_]?key$"
)
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")

# Three base64url parts: a token, wherever it turns up.
_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,2}")
_CUT_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_.-]*$")
_CREDENTIAL = re.compile(r"(?i)\b(bearer|basic|sharedaccesssignature)\s+[A-Za-z0-9+/=._~%&-]{8,}")


class Cut(str):
    """The beginning of a longer text."""

    __slots__ = ()


def is_secret_name(name: str) -> bool:
    """Whether a header or variable of that name usually holds a credential."""
    return _SECRET_NAME.search(_WORD.sub("-", name).lower()) is not None


class Masking:
    """
    Masks texts and values.

    Args:
        secrets: Texts that must never be shown: keys. Shorter than four characters are ignored, because masking them
            would only reveal them.
        headers, parameters: Further names of header fields and query parameters that hold credentials.
        named: Secret named values by their names, which are shown instead.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        headers: Iterable[str] = (),
        parameters: Iterable[str] = (),
        named: Mapping[str, str] | None = None,
    ) -> None:
        self._hides: dict[str, bool] = {}
        self._headers = SECRET_HEADERS | {fold_name(name) for name in headers}
        names = "|".join(map(re.escape, sorted({*SECRET_PARAMETERS, *parameters}, key=len, reverse=True)))
        self.parameters = re.compile(rf"(?i)([?&](?:{names})=)([^&#\s\"<>]*)")
        by_name = {secret: f"{{{{{name}}}}}" for name, secret in (named or {}).items()}
        self._secrets = SecretTexts(dict.fromkeys(secrets, MASK) | by_name)

    def text(self, text: str) -> str:
        """*text* without secrets and tokens, cut to a readable length."""
        if isinstance(text, Shown):
            return str(text)
        is_cut = isinstance(text, Cut) or len(text) > MAX_SEARCHED
        text = self._secrets.masked(text[:MAX_SEARCHED], is_cut)
        text = self.parameters.sub(rf"\1{MASK}", _CREDENTIAL.sub(rf"\1 {MASK}", _TOKEN.sub(MASK, text)))
        text = _CUT_TOKEN.sub(MASK, text) if is_cut else text
        return text if len(text) <= MAX_CHARACTERS and not is_cut else f"{text[:MAX_CHARACTERS]}…"

    def url(self, url: str) -> str:
        """*url* without the values of query parameters that hold credentials."""
        return self.text(url)

    def header(self, name: str, value: str) -> str:
        """A header's value; credentials are masked whole."""
        return MASK if self.hides_header(fold_name(name)) else self.text(value)

    def hides_header(self, key: str) -> bool:
        """Whether the header with that folded name holds a credential."""
        hides = self._hides.get(key)
        if hides is None:
            hides = key in self._headers or is_secret_name(key)
            if len(self._hides) < MAX_NAMES:
                self._hides[key] = hides
        return hides

    def value(self, value: object) -> object:
        """A variable's value: plain ones masked, a token by its safe claims, everything else by its type only."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Jwt():
                return self.claims(value.payload)
        return f"({type(value).__name__})"

    def claims(self, payload: Mapping[str, object]) -> dict[str, object]:
        """The claims of *payload* that say who is calling, and nothing else about them."""
        return {name: self._claim(payload[name]) for name in SAFE_CLAIMS if name in payload}

    def _claim(self, value: object) -> object:
        if isinstance(value, list | tuple):
            return [self.value(item) for item in islice(value, MAX_ITEMS)]
        return self.value(value)
