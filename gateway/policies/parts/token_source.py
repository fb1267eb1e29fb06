"""
Where validate-jwt and validate-azure-ad-token find the token: a header, a query parameter, or an expression.

Source: APIM "validate-jwt", attributes; RFC 6750 §2 and §3.1; RFC 9110 §11.1 for the scheme.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.documents.shape import Attribute
from gateway.errors import PolicyError, TokenError
from gateway.pipeline.values import Constant
from gateway.policies.parts import query
from gateway.policies.parts.elements import FIELD_NAME
from gateway.tokens.jwt import without_scheme
from gateway.wire.fields import field_key, fold_name

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Request

AUTHORIZATION = "authorization"
BEARER = "Bearer"
NOT_PRESENT = "TokenNotPresent"
_SCHEMES = frozenset({"basic", "bearer", "digest", "dpop", "negotiate", "ntlm"})

SOURCES = ("header-name", "query-parameter-name", "token-value")
SOURCE_ATTRIBUTES = (
    Attribute("header-name", "Header that holds the token.", format=FIELD_NAME),
    Attribute("query-parameter-name", "Query parameter that holds the token; it is not forwarded."),
    Attribute("token-value", "The bare token itself, without a scheme."),
)


def not_present(where: str = "", present: str | None = None) -> TokenError:
    """No token: APIM's reason and text; *where* it was looked for, and what was there."""
    return TokenError(NOT_PRESENT, "JWT not present.", expected=where or None, found=present)


def ambiguous(what: str) -> PolicyError:
    """More than one credential: it is unknown which one the backend would believe (RFC 6750 §3.1, invalid_request)."""
    message = f"The request has more than one {what}."
    return PolicyError(400, "JwtInvalid", message, "Bad request", expected=f"one {what}", found="several")


def _other_credential(value: str) -> str | None:
    """What a header without the wanted token holds, in words; None: nothing. Only known schemes are named."""
    if not value:
        return None
    scheme, _, rest = value.partition(" ")
    if not rest.strip():
        return "only a scheme" if scheme.lower() in _SCHEMES else "a text without a scheme"
    return f"the scheme {scheme.capitalize()}" if scheme.lower() in _SCHEMES else "another scheme"


@dataclass(frozen=True, slots=True)
class HeaderToken:
    """
    A token in a header.

    Attributes:
        scheme: What must precede it in ``Authorization``; other headers hold the bare token.
        forgiving: Whether ``Bearer`` may precede it if no scheme is required.
    """

    name: Value[str]
    scheme: Value[str] | None
    forgiving: bool

    def __call__(self, context: Context) -> str:
        """The bare token. Raises TokenError: none; PolicyError: several."""
        name = self.name(context)
        lines = context.request.headers.values(name)
        if len(lines) > 1:
            raise ambiguous(f"{name} header")
        value = lines[0].strip(" ") if lines else ""
        token = self._bare(value, name, context)
        if not token:
            raise not_present(f"the header {name}", _other_credential(value))
        return token

    def _bare(self, value: str, name: str, context: Context) -> str | None:
        if self.scheme is not None and fold_name(name) == AUTHORIZATION:
            return without_scheme(value, self.scheme(context))
        if not self.forgiving or value[: len(BEARER)].lower() != BEARER.lower():
            return value
        return "" if len(value) == len(BEARER) else without_scheme(value) or value


@dataclass(frozen=True, slots=True)
class BearerToken:
    """
    The usual case of HeaderToken, prepared: ``Bearer`` in a header known at load.

    Attributes:
        key: The header's key in ``Headers.lines``.
        beginning: Of the line, as clients usually write it.
        general: Takes every request that does not look usual.
    """

    key: str
    beginning: str
    general: HeaderToken

    def __call__(self, context: Context) -> str:
        """The bare token. Raises TokenError: none; PolicyError: several."""
        line = context.request.headers.lines.get(self.key, "")
        if line.startswith(self.beginning):
            token = line[len(self.beginning) :]
            if token.split() == [token]:  # no white space in it, and no second line
                return token
        scheme, _, token = line[line.find(":") + 1 :].strip(" \t").partition(" ")
        if scheme != BEARER or not token or "\r\n" in line:
            return self.general(context)
        return token.lstrip(" ")


@dataclass(frozen=True, slots=True)
class QueryToken:
    """A token in the query, which ends here: URLs are written into logs (RFC 6750 §2.3)."""

    name: Value[str]

    def __call__(self, context: Context) -> str:
        """The bare token. Raises TokenError: none; PolicyError: several."""
        name, request = self.name(context), context.request
        values = query.values(request.query, name)
        if len(values) > 1:
            raise ambiguous(f"{name} query parameter")
        if not values or not values[0]:
            raise not_present(f"the query parameter {name}")
        _take_away(request, name)
        return values[0]


@dataclass(frozen=True, slots=True)
class GivenToken:
    """A token that an expression gives."""

    value: Value[str]

    def __call__(self, context: Context) -> str:
        """The bare token. Raises TokenError: none."""
        token = self.value(context).strip()
        if not token:
            raise not_present()
        return token


def token_source(settings: Settings, scheme: Value[str] | None, forgiving: bool) -> Value[str]:
    """The source that the element names, or ``Authorization``. Raises LoadError: there are several."""
    given = [name for name in SOURCES if settings.has(name)]
    if not given:
        return HeaderToken(Constant("Authorization"), scheme, forgiving)
    if len(given) > 1:
        remedy = f"write one of {', '.join(SOURCES)}"
        raise settings.error("conflict", f"{settings.shape.name} takes one token source", remedy)
    value = settings.text(given[0])
    if given[0] == "header-name":
        return _prepared(HeaderToken(value, scheme, forgiving))
    return QueryToken(value) if given[0] == "query-parameter-name" else GivenToken(value)


def _prepared(source: HeaderToken) -> Value[str]:
    """*source*, or its usual case where the document leaves nothing open."""
    if not isinstance(source.name, Constant):
        return source
    name, scheme = source.name.value, source.scheme
    if scheme is None or fold_name(name) != AUTHORIZATION:
        usual = source.forgiving
    else:
        usual = isinstance(scheme, Constant) and scheme.value.lower() == BEARER.lower()
    return BearerToken(field_key(name), f"{name}: {BEARER} ", source) if usual else source


def _take_away(request: Request, name: str) -> None:
    request.query = query.without(request.query, [name])
