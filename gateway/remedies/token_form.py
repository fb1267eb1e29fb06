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
_SEND_BARE = "Send the token as it is: Authorization: Bearer TOKEN."
_EXCHANGE_SAML = "Exchange it for a JWT at the token endpoint (RFC 7522)."
_EXCHANGE = "Exchange it at the token endpoint, and send the access token."
_OWN_SCOPE = "Ask for a scope of your own API: api://…/.default."
_ASK = "Ask the issuer for an access token."
_PERSONAL = TokenForm("an access token of a personal Microsoft account", _OWN_SCOPE)
_ENTRA_CODE = TokenForm("a refresh token or code of Entra ID", _EXCHANGE)
_OPAQUE_PREFIXES = {
    "ya29.": TokenForm(
        "an access token of Google for Google's own APIs", "Send the ID token, or a token of your own issuer."
    ),
    "1//": TokenForm("a refresh token of Google", _EXCHANGE),
    "EwA": _PERSONAL,
    "EwB": _PERSONAL,
    "0.A": _ENTRA_CODE,
    "1.A": _ENTRA_CODE,
    "gh": TokenForm("a token of GitHub", "GitHub's API tokens are not JWTs; for workflows request an OIDC token."),
    "PHNhbW": TokenForm("a SAML assertion", _EXCHANGE_SAML),
    "PD94bWw": TokenForm("an XML document, probably a SAML assertion", _EXCHANGE_SAML),
    "sv=": TokenForm("a shared access signature", _ASK),
    "Basic ": TokenForm("Basic credentials", _ASK),
}
_EMPTY = TokenForm("nothing after the scheme", _SEND_BARE)
_DOUBLED = TokenForm("the word Bearer twice", "The client adds the scheme itself: give it the token only.")
_QUOTED = TokenForm("a token in quotation marks", f"Remove them: the value was copied as a JSON text. {_SEND_BARE}")
_RESPONSE = TokenForm("a JSON document", "Send the value of its member access_token, not the whole response.")
_UNSET = TokenForm("a placeholder", "The client's variable was never set: look at the step that requests the token.")
_ENCODED = TokenForm("a percent-encoded text", f"Headers are not URL-encoded. {_SEND_BARE}")
_SPACED = TokenForm(
    "a text with spaces or line breaks", "The token was wrapped or joined with something: send it on one line."
)
_OPAQUE = TokenForm(
    "an opaque text without dots",
    "An opaque token cannot be checked here. Auth0 issues them without an audience parameter, Okta and Google "
    "for their own APIs: request a token for your API.",
)
_SEALED = TokenForm("an encrypted token (JWE)", "Configure decryption-keys, or ask the issuer for a signed token.")
_UNREADABLE = TokenForm(
    "three parts, of which one cannot be read",
    "A part is cut or altered, for example by a limit of the client's variable or a copy: request a new one.",
)
_CUT = TokenForm("two parts: the signature is missing", "The token was cut at its second dot: send all of it.")
_OTHER_PARTS = "A JWT has three parts, an encrypted one five: send exactly one token."
_BY_PARTS = {1: _OPAQUE, 2: _CUT, 3: _UNREADABLE, 5: _SEALED}
_FORMS = (
    *_OPAQUE_PREFIXES.values(), *_BY_PARTS.values(), _EMPTY, _DOUBLED, _QUOTED, _RESPONSE, _UNSET, _ENCODED, _SPACED,
)  # fmt: skip
_REMEDIES = {form.description: form.remedy for form in _FORMS}


def form_of(token: str, looked_at: int = LOOKED_AT, parts: int = 0) -> TokenForm:
    """What *token* is, which could not be read as a compact JWS or JWE; of *parts* parts."""
    text = token[:looked_at]
    if len(text) > _LONGEST_WORD and _PLAIN.fullmatch(text):  # quick, because whoever sends these sends many
        return _opaque(text) or _by_parts(parts or token.count(".") + 1)
    return next(filter(None, (look(text) for look in _LOOKS)), None) or _by_parts(parts or token.count(".") + 1)


def remedy_for_form(description: str) -> str:
    """What to do about a text that was recorded as *description*; empty if it is not one of these."""
    return _REMEDIES.get(description) or (_OTHER_PARTS if _COUNTED.fullmatch(description) else "")


def _empty(text: str) -> TokenForm | None:
    return None if text.strip() else _EMPTY


def _doubled(text: str) -> TokenForm | None:
    return _DOUBLED if text[:7].lower() == "bearer " else None


def _quoted(text: str) -> TokenForm | None:
    return _QUOTED if text[0] in "\"'`“”" else None


def _response(text: str) -> TokenForm | None:
    if text[0] not in "{[" or text.startswith("{{") or _PLACEHOLDER.fullmatch(text):
        return None
    return _RESPONSE


def _placeholder(text: str) -> TokenForm | None:
    return _UNSET if _PLACEHOLDER.fullmatch(text) else None


def _encoded(text: str) -> TokenForm | None:
    return _ENCODED if "%" in text and ("%2E" in text.upper() or "%20" in text) else None


def _broken(text: str) -> TokenForm | None:
    return _SPACED if text[:6] != "Basic " and _SPACE.search(text.strip()) else None


def _opaque(text: str) -> TokenForm | None:
    prefix = _PREFIX.match(text)
    return None if prefix is None else _OPAQUE_PREFIXES[prefix[0]]


_LONGEST_WORD = 40  # of a placeholder without marks, such as undefined or your_access_token
_PLAIN = re.compile(r"[A-Za-z0-9_.=+/-]*+")
_SPACE = re.compile(r"[ \t\r\n]")
_COUNTED = re.compile(r"\d{1,9} parts")
_PREFIX = re.compile("|".join(map(re.escape, _OPAQUE_PREFIXES)))
_LOOKS: tuple[Callable[[str], TokenForm | None], ...] = (
    _empty, _doubled, _quoted, _placeholder, _response, _encoded, _broken, _opaque,
)  # fmt: skip


def _by_parts(parts: int) -> TokenForm:
    return _BY_PARTS.get(parts) or TokenForm(f"{parts} parts", _OTHER_PARTS)
