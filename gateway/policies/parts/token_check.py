"""
One token check at work: take the token, have it verified, refuse or continue.

validate-jwt and validate-azure-ad-token differ in how they are written, not in what happens then.

Source: APIM "validate-jwt"; docs/reference/apim.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.documents.shape import Attribute, Kind
from gateway.errors import PolicyError, TokenError
from gateway.pipeline.changes import Change, Header, OneVariable, several
from gateway.pipeline.context import LastError, ShownToken
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant
from gateway.policies.parts.token_source import NOT_PRESENT, BearerToken
from gateway.tokens.jwt import Jwt
from gateway.tokens.registered import NUMBER
from gateway.wire.fields import fold_name

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.policies.parts.token_extensions import Extensions
    from gateway.policies.parts.token_rules import RuleSet
    from gateway.tokens.rules import TokenRules
    from gateway.tokens.validator import TokenValidator

# Which check a token failed is written to the log, not to the caller, who may be guessing.
INVALID = "Invalid JWT."

REFUSAL_ATTRIBUTES = (
    Attribute(
        "failed-validation-httpcode",
        "HTTP status of the refusal.",
        Kind.INTEGER,
        default="401",
        minimum=200,
        maximum=599,
    ),
    Attribute("failed-validation-error-message", "Message of the refusal; if absent, a short one by cause."),
)
OUTPUT = Attribute("output-token-variable-name", "Variable that receives the `Jwt`, on success only.", expression=False)


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """The answer that the caller gets when the token fails."""

    status: Value[int]
    message: Value[str] | None

    @classmethod
    def compile(cls, settings: Settings) -> TokenRefusal:
        """From the ``failed-validation-…`` attributes."""
        message = settings.maybe(settings.text, "failed-validation-error-message")
        return cls(settings.integer("failed-validation-httpcode"), message)

    def of(self, error: TokenError, context: Context, extensions: Extensions) -> PolicyError:
        """The PolicyError for *error*."""
        status = self.status(context)
        challenge = extensions.challenge
        headers = (challenge.header(error.reason, status),) if challenge else ()
        default = error.message if error.reason == NOT_PRESENT else INVALID
        refusal = PolicyError(
            status, error.reason, error.message, default, headers, expected=error.expected, found=error.found
        )
        if error.payload is not None:
            context.token = ShownToken(error.payload, error.verified)
        if self.message is not None:
            if not isinstance(self.message, Constant):
                # The author's expression may show LastError.Message, so it must be there before on-error begins.
                context.last_error = LastError.of(refusal, context.place)
            refusal.public_message = self.message(context)
        return refusal


# A token as a request shows it: the header line that alone decides about the rest, the token, its validator, rules and
# key in the cache.
_Shown: TypeAlias = "tuple[str | None, str, TokenValidator, TokenRules | None, bytes]"


@dataclass(frozen=True, slots=True, eq=False)
class TokenCheck:
    """
    One compiled check.

    Attributes:
        validator: The validator of this request; the same object every time unless metadata URLs are expressions.
        variable: Receives the Jwt.
        line_key: Key of the header whose line alone decides what is verified, because nothing is computed: a line that
            comes again with the next request of the connection is not read again. Empty where there is more to it.
        fixed: Where nothing is computed, the validator.
    """

    token: Value[str]
    validator: Callable[[Context], TokenValidator]
    rules: RuleSet
    refusal: TokenRefusal
    variable: str | None
    extensions: Extensions
    now: Callable[[], float]
    line_key: str
    fixed: TokenValidator | None

    @classmethod
    def compile(
        cls,
        settings: Settings,
        *,
        token: Value[str],
        validator: Callable[[Context], TokenValidator],
        rules: RuleSet,
        extensions: Extensions,
    ) -> TokenCheck:
        """The check with what both elements write alike: refusal and output variable."""
        fixed = validator.value if isinstance(validator, Constant) and not rules.computed else None
        return cls(
            token=token,
            validator=validator,
            rules=rules,
            refusal=TokenRefusal.compile(settings),
            variable=settings.maybe(settings.constant, "output-token-variable-name"),
            extensions=extensions,
            now=settings.services.now,
            line_key=token.key if fixed is not None and isinstance(token, BearerToken) else "",
            fixed=fixed,
        )

    def verify(self, context: Context) -> Jwt | Awaitable[Jwt]:
        """The verified token, at once when keys are at hand. Raises TokenError, PolicyError, KeysUnavailable."""
        request = context.request
        line = request.headers.lines.get(self.line_key)
        shown: _Shown | None = request.line_memo.get(self)
        if shown is None or line is None or shown[0] is not line:
            shown = self._shown(line, context)
        _, token, validator, rules, key = shown
        certificate = request.certificate.public_bytes(Encoding.DER) if request.certificate else None
        now, source = self.now(), request.ip_address
        return validator.verify(token, now, source=source, certificate=certificate, rules=rules, key=key)

    def _shown(self, line: str | None, context: Context) -> _Shown:
        """The token of *context*, remembered for heads like this one. Raises TokenError, PolicyError."""
        token = self.token(context)
        if self.fixed is not None:
            rules, validator = None, self.fixed
        else:
            rules, validator = self.rules(context), self.validator(context)
        shown = line, token, validator, rules, validator.cache_key(token, rules)
        if line is not None:
            context.request.line_memo[self] = shown
        return shown

    def accept(self, jwt: Jwt, context: Context) -> None:
        """What the document asks to do with the claims of a good token."""
        for claim_header in self.extensions.claim_headers:
            claim_header.write(jwt, context.request.headers)
        if self.variable:
            context.variables[self.variable] = jwt
        context.token = jwt
        expires, request = jwt.payload.get("exp"), context.request
        if isinstance(expires, NUMBER) and (request.expires_at is None or expires < request.expires_at):
            request.expires_at = expires  # the earliest of several tokens ends a stream that outlives it


@dataclass(frozen=True, slots=True)
class TokenPolicy(PolicyType):
    """A policy that is one token check; how the check is written is the subclass's own."""

    check: TokenCheck

    def apply(self, context: Context) -> MaybeLater:
        """None when the token is good. Raises PolicyError: APIM's reasons; KeysUnavailable."""
        check = self.check
        try:
            outcome = check.verify(context)
            if not isinstance(outcome, Jwt):
                return self._accept_later(outcome, context)
            check.accept(outcome, context)
        except TokenError as error:
            raise check.refusal.of(error, context, check.extensions) from None
        return None

    async def _accept_later(self, waiting: Awaitable[Jwt], context: Context) -> None:
        try:
            self.check.accept(await waiting, context)
        except TokenError as error:
            raise self.check.refusal.of(error, context, self.check.extensions) from None

    @property
    def sets_headers(self) -> tuple[str, ...]:
        """The headers that claims are written to."""
        return tuple(claim_header.header for claim_header in self.check.extensions.claim_headers)

    @property
    def changes(self) -> Change | None:
        """The variable for the token, and the headers for its claims."""
        headers = [Header(fold_name(name), on_request=True) for name in self.sets_headers]
        return several(*map(OneVariable, filter(None, [self.check.variable])), *headers)

    @property
    def token_judge(self) -> TokenCheck:
        """The check."""
        return self.check
