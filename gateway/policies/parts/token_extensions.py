"""
What our token policies can do beyond APIM's: the ``extensions`` child. Ours, not APIM's, and all of it off by default.

Source: RFC 8725 §3.1 (algorithms), §3.11 (typ); RFC 8705 §3 (bound tokens); RFC 6750 §3 and RFC 9728 §5.1 (challenge).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.documents.shape import Attribute, Child, Element, Kind
from gateway.errors import TokenError
from gateway.pipeline.values import Constant
from gateway.policies.parts.elements import FIELD_NAME, NOT_COPIED
from gateway.policies.parts.token_source import NOT_PRESENT
from gateway.tokens.rules import ScopeOrRole
from gateway.tokens.signature import ALGORITHMS

if TYPE_CHECKING:
    from gateway.pipeline.settings import Settings
    from gateway.tokens.jwt import Jwt
    from gateway.wire.headers import Headers

MAX_CLAIM_CHARS = 4096

# An identity goes to a header as printable ASCII or not at all: backends disagree on every other character.
_NOT_AN_IDENTITY = frozenset(NOT_COPIED)
# ASCII, and no white space around it, which would be lost on the way: docs/adr/0049.
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def _option(name: str, doc: str, kind: Kind = Kind.STRING, **more: Any) -> Attribute:
    return Attribute(name, doc, kind, expression=False, extension=True, **more)


_CLAIM_HEADER = Element(
    "claim-header",
    "Puts a claim of the verified token into a request header; what the client sent there is dropped.",
    attributes=(
        _option("claim", "Name of the claim.", required=True),
        _option("name", "Name of the header.", required=True, format=FIELD_NAME),
        _option(
            "missing",
            "Without the claim (or with an empty one): `refuse` the token, or `omit` the header.",
            default="refuse",
            choices=("refuse", "omit"),
        ),
    ),
)

EXTENSIONS = Element(
    "extensions",
    "Checks and effects that APIM does not have, all off unless written. Remove the element before an upload to APIM.",
    attributes=(
        _option("algorithms", "Accepted `alg` values, separated by spaces; a token with another is refused."),
        _option("token-types", "Accepted `typ` values, such as `at+jwt`, separated by spaces."),
        _option("max-lifetime", "Longest lifetime of a token, in seconds.", Kind.NUMBER, minimum=1),
        _option("scopes", "Delegated tokens need one of these scopes; separated by spaces. See `roles`."),
        _option("roles", "App-only tokens need one of these roles; with `scopes`, either is enough."),
        _option("denied-token-ids", "Refused `jti` (or Entra `uti`) values, separated by spaces."),
        _option(
            "binding",
            "Tokens bound to a key (`cnf`): `refuse` them, check them against the client `certificate`, or `ignore`.",
            default="refuse",
            choices=("refuse", "certificate", "ignore"),
        ),
        _option("require-binding", "Whether tokens that are not bound are refused.", Kind.BOOLEAN, default="false"),
        _option("challenge", "Whether refusals carry `WWW-Authenticate`.", Kind.BOOLEAN, default="false"),
        _option("resource-metadata", "URL of the protected resource's metadata, for the challenge."),
    ),
    children=(Child(_CLAIM_HEADER, maximum=None),),
)


@dataclass(frozen=True, slots=True)
class ClaimHeader:
    """One claim on its way into a header."""

    claim: str
    header: str
    optional: bool

    def write(self, jwt: Jwt, headers: Headers) -> None:
        """Raises TokenError: the claim is missing, empty, too long, or unfit for a header."""
        text = ",".join(jwt.claims.get(self.claim, ()))
        if not text and self.optional:
            return headers.remove(self.header)
        if not text:
            message = f"JWT token is missing the following claims: {self.claim} Access denied."
            raise TokenError("TokenClaimNotFound", message, expected={"claim": self.claim})
        if len(text) > MAX_CLAIM_CHARS or not _PRINTABLE.fullmatch(text):
            message = f"Claim {self.claim} cannot be sent in a header. Access denied."
            expected = f"at most {MAX_CLAIM_CHARS} printable characters"
            raise TokenError("TokenClaimValueNotAllowed", message, expected=expected, found={"characters": len(text)})
        return headers.replace(self.header, text)


@dataclass(frozen=True, slots=True)
class Challenge:
    """``WWW-Authenticate`` of a refusal."""

    resource_metadata: str | None

    def header(self, reason: str, status: int) -> tuple[str, str]:
        """Source: RFC 6750 §3.1: no error code where no credentials were sent; descriptions stay in the log."""
        error = {400: "invalid_request", 403: "insufficient_scope"}.get(status, "invalid_token")
        parts = [] if reason == NOT_PRESENT else [f'error="{error}"']
        if self.resource_metadata:
            parts.append(f'resource_metadata="{self.resource_metadata}"')
        return "WWW-Authenticate", f"Bearer {', '.join(parts)}".strip()


@dataclass(frozen=True, slots=True)
class Extensions:
    """
    What is switched on.

    Attributes:
        rules: Fields of TokenRules.
    """

    rules: dict[str, Constant[Any]]
    claim_headers: tuple[ClaimHeader, ...] = ()
    challenge: Challenge | None = None


def extensions(settings: Settings | None) -> Extensions:
    """From ``<extensions>``; nothing is switched on without it. Raises LoadError."""
    if settings is None:
        return Extensions({})
    return Extensions(_rules(settings), tuple(map(_claim_header, settings.all("claim-header"))), _challenge(settings))


def _rules(settings: Settings) -> dict[str, Constant[Any]]:
    words = {name: _words(settings, name) for name in ("scopes", "roles", "token-types", "denied-token-ids")}
    rules: dict[str, Any] = {
        "types": frozenset(word.lower().removeprefix("application/") for word in words["token-types"]),
        "denied_ids": words["denied-token-ids"],
        "max_lifetime_s": settings.maybe(settings.constant_number, "max-lifetime"),
        "confirmation": settings.constant("binding"),
        "require_bound": settings.constant_bool("require-binding"),
        "algorithms": _algorithms(settings),
    }
    if words["scopes"] or words["roles"]:
        rules["scope_or_role"] = ScopeOrRole(words["scopes"], words["roles"])
    return {name: Constant(value) for name, value in rules.items()}


def _words(settings: Settings, name: str) -> frozenset[str]:
    return frozenset((settings.maybe(settings.constant, name) or "").split())


def _algorithms(settings: Settings) -> frozenset[str]:
    given = _words(settings, "algorithms")
    if unknown := given - ALGORITHMS:
        remedy = f"known: {', '.join(sorted(ALGORITHMS))}"
        raise settings.error("bad-value", f"no algorithm {sorted(unknown)[0]!r}", remedy, at="algorithms")
    return given or ALGORITHMS


def _claim_header(settings: Settings) -> ClaimHeader:
    name = settings.constant("name")
    if name.lower() in _NOT_AN_IDENTITY:
        raise settings.error(
            "bad-value", f"{name} states where a request goes, not who sends it", "name another", at="name"
        )
    return ClaimHeader(settings.constant("claim"), name, settings.constant("missing") == "omit")


def _challenge(settings: Settings) -> Challenge | None:
    url = settings.maybe(settings.constant, "resource-metadata")
    if url and not re.fullmatch(r"https?://[!#-\[\]-~]+", url):
        raise settings.error("bad-value", f"{url!r} is not a URL", "write https://…", at="resource-metadata")
    return Challenge(url) if settings.constant_bool("challenge") else None
