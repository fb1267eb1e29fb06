"""
What a text is that is not a token: quoted, doubled, cut, opaque.

Only the form is described. Nothing of the text itself is in the answer.

Source: RFC 6750 section 2.1; RFC 7515 section 7.1; RFC 7516 section 7.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

LOOKED_AT = 4_096  # characters: what is wrong shows at the beginning, or in the number of parts


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What was sent instead of a token, and what to do about it."""

    description: str
    remedy: str


_PLACEHOLDER = re.compile(
    r"(?i)(?:<.*>|\{\{.*\}\}|\$\{?\w+\}?|%\w+%|null|undefined|none|nil|\[object \w+\]|your[-_ ]?\w*token)"
)
_OPAQUE_PREFIXES = (
    ("ya29.", "an access token of Google for Google's own APIs", "Send the ID token, or a token of your own issuer."),
    ("1//", "a refresh token of Google", "Exchange it at the token endpoint, and send the access token."),
    ("EwA", "an access token of a personal Microsoft account", "Ask for a scope of your own API: api://…/.default."),
    ("EwB", "an access token of a personal Microsoft account", "Ask for a scope of your own API: api://…/.default."),
    ("0.A", "a refresh token or code of Entra ID", "Exchange it at the token endpoint, and send the access token."),
    ("1.A", "a refresh token or code of Entra ID", "Exchange it at the token endpoint, and send the access token."),
    ("gh", "a token of GitHub", "GitHub's API tokens are not JWTs; for workflows request an OIDC token."),
    ("PHNhbW", "a SAML assertion", "Exchange it for a JWT at the token endpoint (RFC 7522)."),
    (
        "PD94bWw",
        "an XML document, probably a SAML assertion",
        "Exchange it for a JWT at the token endpoint (RFC 7522).",
    ),
    ("sv=", "a shared access signature", "Ask the issuer for an access token."),
    ("Basic ", "Basic credentials", "Ask the issuer for an access token."),
)
_SEND_BARE = "Send the token as it is: Authorization: Bearer TOKEN."


def form_of(token: str) -> TokenForm:
    """What *token* is, which could not be read as a compact JWS or JWE."""
    text = token[:LOOKED_AT]
    return next(filter(None, (look(text) for look in _LOOKS)), None) or _by_parts(token)


def _empty(text: str) -> TokenForm | None:
    return None if text.strip() else TokenForm("nothing after the scheme", _SEND_BARE)


def _doubled(text: str) -> TokenForm | None:
    if text[:7].lower() != "bearer ":
        return None
    return TokenForm("the word Bearer twice", "The client adds the scheme itself: give it the token only.")


def _quoted(text: str) -> TokenForm | None:
    if text[0] not in "\"'`“”":
        return None
    return TokenForm("a token in quotation marks", f"Remove them: the value was copied as a JSON text. {_SEND_BARE}")


def _response(text: str) -> TokenForm | None:
    if text[0] not in "{[" or text.startswith("{{") or _PLACEHOLDER.fullmatch(text):
        return None
    return TokenForm("a JSON document", "Send the value of its member access_token, not the whole response.")


def _placeholder(text: str) -> TokenForm | None:
    if not _PLACEHOLDER.fullmatch(text):
        return None
    return TokenForm("a placeholder", "The client's variable was never set: look at the step that requests the token.")


def _encoded(text: str) -> TokenForm | None:
    if "%2E" not in text.upper() and "%20" not in text:
        return None
    return TokenForm("a percent-encoded text", f"Headers are not URL-encoded. {_SEND_BARE}")


def _broken(text: str) -> TokenForm | None:
    if not any(space in text.strip() for space in " \t\r\n") or text[:6] == "Basic ":
        return None
    return TokenForm(
        "a text with spaces or line breaks", "The token was wrapped or joined with something: send it on one line."
    )


def _opaque(text: str) -> TokenForm | None:
    return next(
        (TokenForm(description, remedy) for prefix, description, remedy in _OPAQUE_PREFIXES if text.startswith(prefix)),
        None,
    )


_LOOKS: tuple[Callable[[str], TokenForm | None], ...] = (
    _empty, _doubled, _quoted, _placeholder, _response, _encoded, _broken, _opaque,
)  # fmt: skip


def _by_parts(token: str) -> TokenForm:
    parts = token.count(".") + 1
    if parts == 1:
        remedy = (
            "An opaque token cannot be checked here. Auth0 issues them without an audience parameter, Okta and Google "
            "for their own APIs: request a token for your API."
        )
        return TokenForm("an opaque text without dots", remedy)
    if parts == 5:
        return TokenForm("an encrypted token (JWE)", "Configure decryption-keys, or ask the issuer for a signed token.")
    if parts == 3:
        remedy = (
            "A part is cut or altered, for example by a limit of the client's variable or a copy: request a new one."
        )
        return TokenForm("three parts, of which one cannot be read", remedy)
    if parts == 2:
        return TokenForm("two parts: the signature is missing", "The token was cut at its second dot: send all of it.")
    return TokenForm(f"{parts} parts", "A JWT has three parts, an encrypted one five: send exactly one token.")
