"""
TokenValidator: the one place that decides whether a token is good.

``verify`` is synchronous when keys are at hand, because the request loop must not pay for a coroutine per request; it
returns an awaitable only when keys have to be fetched first.

Source: RFC 8725; APIM "validate-jwt"; docs/tokens.md.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gateway.errors import TokenError
from gateway.tokens.accepted_issuers import IssuerUndecided, is_own
from gateway.tokens.cache import LASTING, Refused, TokenCache, Verdict, estimated_size
from gateway.tokens.checks import Check, TokenEvidence, checks_for
from gateway.tokens.claims import check_audience, check_lifetime, check_required_claims, seconds
from gateway.tokens.compact import Jwe, Jws, parse, too_long
from gateway.tokens.decrypt import DEFAULT_RULES, decrypted
from gateway.tokens.extensions import bound_certificate, thumbprint
from gateway.tokens.issuer import Issuer
from gateway.tokens.jwt import Jwt
from gateway.tokens.key_management import DecryptionKey, DecryptionRules
from gateway.tokens.keys import Key
from gateway.tokens.keyset import InlineKeys, KeySet, Signer
from gateway.tokens.rules import TokenRules
from gateway.tokens.selection import KeyNotFound, Offer, check_algorithm, find_signer, key_id


@dataclass(frozen=True, slots=True)
class KeySources:
    """
    Where the keys of one policy come from.

    Attributes:
        inline: ``<issuer-signing-keys>``.
        issuers: One per ``<openid-config>``.
        decryption: ``<decryption-keys>``.
        decryption_rules: Encryption algorithms that are off by default.
    """

    inline: tuple[Key, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    decryption: tuple[DecryptionKey, ...] = ()
    decryption_rules: DecryptionRules = DEFAULT_RULES


@dataclass(slots=True)
class VerifyCall:
    """The arguments of one call of ``verify``."""

    token: str
    now: float
    source: str
    certificate: bytes | None
    rules: TokenRules
    cache_key: bytes


class TokenValidator:
    """
    One validate-jwt or validate-azure-ad-token element, made at load.

    Args:
        rules: The rules that tokens must satisfy, unless a call has its own.
        keys: Where the keys come from.
        cache: Shared verified-token cache; None: every token is verified in full.
    """

    def __init__(self, rules: TokenRules, keys: KeySources, cache: TokenCache | None = None) -> None:
        self.rules = rules
        self.keys = keys
        self._cache = cache if cache is not None and cache.max_entries > 0 else None
        self._inline = InlineKeys(KeySet(None, keys.inline))
        self._checks: tuple[Check, ...] = checks_for(rules)
        # Verdicts must never be shared between validators or rule sets, so both are hashed together with the token.
        self._identity = b"" if self._cache is None else self._cache.identity_of(rules, keys)

    def verify(
        self,
        token: str,
        now: float,
        *,
        source: str = "",
        certificate: bytes | None = None,
        rules: TokenRules | None = None,
        key: bytes | None = None,
    ) -> Jwt | Awaitable[Jwt]:
        """
        The verified token.

        Args:
            token: Bare compact token, without a scheme.
            now: Seconds since the epoch, UTC.
            source: The client's address, so that one client cannot use up the fetch budget of all.
            certificate: The client's TLS certificate, DER, for bound tokens.
            rules: Rules of this call, from ``rules.with_values``; None: those given at load.
            key: ``cache_key`` of the same token and rules, if the caller already has it.

        Raises:
            TokenError: The token is refused; ``reason`` is APIM's. Also raised by the awaitable.
            KeysUnavailable: It cannot be judged, because an issuer is down: 503.
        """
        active = self.rules if rules is None else rules
        if len(token) > active.max_token_bytes:
            raise too_long(token, active.max_token_bytes)
        if key is None:
            key = self.cache_key(token, rules)
        cache = self._cache
        if cache is None:
            return self._judge(VerifyCall(token, now, source, certificate, active, key), may_fetch=True)
        verdict = cache.find(key)
        if verdict is not None and self._still_holds(verdict, now, certificate):
            return verdict.jwt
        self._refuse_again(cache.find_refused(key), now)
        return self._judge_and_keep(VerifyCall(token, now, source, certificate, active, key), cache)

    def _refuse_again(self, refused: Refused | None, now: float) -> None:
        if refused is not None and refused.since <= now and refused.keysets == self._keysets():
            raise refused.again()

    def _still_holds(self, verdict: Verdict, now: float, certificate: bytes | None) -> bool:
        """Whether a verdict is still valid: it ends with its token, and if its key sets or its certificate change."""
        if not verdict.starts <= now <= verdict.ends or verdict.source.keyset is not verdict.keyset:
            return False
        if verdict.consulted is not None and verdict.consulted != self._keysets():
            return False
        return verdict.certificate is None or (
            certificate is not None and thumbprint(certificate) == verdict.certificate
        )

    def cache_key(self, token: str, rules: TokenRules | None) -> bytes:
        """The cache key of the verdict on *token*: a hash, so that no token can be read from the cache's memory."""
        active = self.rules if rules is None else rules
        if self._cache is None or len(token) > active.max_token_bytes:
            return b""  # never looked up
        own = b"" if rules is None else rules.identity
        return sha256(self._identity + own + token.encode("ascii", "replace")).digest()

    def _judge_and_keep(self, call: VerifyCall, cache: TokenCache) -> Jwt | Awaitable[Jwt]:
        """Judge, and remember a lasting refusal. An acceptance has already been remembered."""
        try:
            return self._judge(call, may_fetch=True)
        except TokenError as error:
            if error.reason in LASTING:
                refused = Refused.of(error, self._keysets(), call.now)
                cache.keep_refused(call.cache_key, refused)
                error.expected, error.found, error.payload = refused.expected, refused.found, refused.payload
            raise

    def _keysets(self) -> tuple[KeySet | None, ...]:
        return tuple([issuer.keyset for issuer in self.keys.issuers])

    def _judge(self, call: VerifyCall, may_fetch: bool) -> Jwt | Awaitable[Jwt]:
        jws = self.open(call.token, call.rules)
        signer: Signer | None = None
        try:
            check_algorithm(jws, call.rules)
            signer = find_signer(jws, self.offers(call.now))
            evidence = TokenEvidence(jws, call.rules, call.now, self.keys.issuers, signer, call.certificate)
            for check in self._checks if call.rules is self.rules else checks_for(call.rules):
                check(evidence)
        except TokenError as error:
            error.payload, error.verified = jws.payload, signer is not None
            if isinstance(error, KeyNotFound | IssuerUndecided):
                return self._without_key(jws, call, error, may_fetch)
            raise
        return self._accept(jws, signer, call)

    def open(self, token: str, rules: TokenRules) -> Jws:
        """The signed token in *token*, decrypted if necessary; nothing is verified yet."""
        opened = parse(token, rules.max_token_bytes)
        return opened if isinstance(opened, Jws) else self._decrypted(opened, rules)

    def _decrypted(self, jwe: Jwe, rules: TokenRules) -> Jws:
        keys = self.keys
        return decrypted(jwe, keys.decryption, keys.decryption_rules, rules.max_token_bytes)

    def offers(self, now: float) -> list[Offer]:
        """The available key sets, the policy's own first; at least one, even if it is empty."""
        offers: list[Offer] = [(self._inline, self._inline.keyset)] if self.keys.inline else []
        for issuer in self.keys.issuers:
            keyset = issuer.keys_at(now)
            if keyset is not None:
                offers.append((issuer, keyset))
        return offers or [(self._inline, self._inline.keyset)]

    def _without_key(self, jws: Jws, call: VerifyCall, error: TokenError, may_fetch: bool) -> Awaitable[Jwt]:
        """Fetch keys if that can help; answer 503 if they are missing through our fault."""
        askable = self.askable(jws, call.rules, call.now)
        unread = [issuer for issuer in self.keys.issuers if issuer.keyset is None]
        if isinstance(error, IssuerUndecided):
            askable = unread
        # Until the first keys arrive every token waits for them, so that the reason of its refusal is the right one.
        landings = self._fetch_from(askable or unread, jws, call) if may_fetch else []
        if landings:
            return self._judge_after_fetch(call, landings)
        down = self.missing_keys_of(askable)
        raise error if down is None else down.unavailable(call.now)

    @staticmethod
    def _fetch_from(issuers: Sequence[Issuer], jws: Jws, call: VerifyCall) -> list[Awaitable[None]]:
        kid = key_id(jws)
        landings = [issuer.fetch_for(kid, call.source, call.now) for issuer in issuers]
        return [landing for landing in landings if landing is not None]

    @staticmethod
    def missing_keys_of(askable: Sequence[Issuer]) -> Issuer | None:
        """The first issuer whose keys are missing not through the client's fault: none so far, or a failed fetch."""
        return next((issuer for issuer in askable if issuer.keyset is None or issuer.failing), None)

    def askable(self, jws: Jws, rules: TokenRules, now: float) -> Sequence[Issuer]:
        """Issuers whose missing key could still make this token pass; none if its claims are refused anyway."""
        try:
            for check in (check_lifetime, check_audience, check_required_claims):
                check(jws.payload, rules, now)
        except TokenError:
            return ()
        issuer = str(jws.payload.get("iss", ""))
        listed = issuer in rules.issuers
        return [
            publisher
            for publisher in self.keys.issuers
            if listed or publisher.keyset is None or publisher.owns(issuer, jws.payload)
        ]

    async def _judge_after_fetch(self, call: VerifyCall, landings: Sequence[Awaitable[None]]) -> Jwt:
        await asyncio.gather(*landings)
        verified = self._judge(call, may_fetch=False)
        assert isinstance(verified, Jwt)  # noqa: S101 - only a judgement that may fetch returns an awaitable
        return verified

    def _accept(self, jws: Jws, signer: Signer, call: VerifyCall) -> Jwt:
        jwt = Jwt.of(jws.header, jws.payload)
        if self._cache is not None:
            rests_on_signer = not self.keys.issuers or is_own(jws.payload.get("iss"), jws.payload, signer)
            consulted = None if rests_on_signer else self._keysets()
            self._cache.keep(call.cache_key, _verdict(jwt, jws, signer, call, consulted))
        return jwt


def _verdict(
    jwt: Jwt, jws: Jws, signer: Signer, call: VerifyCall, consulted: tuple[KeySet | None, ...] | None
) -> Verdict:
    rules, payload = call.rules, jws.payload
    expires, starts = seconds(payload, "exp"), seconds(payload, "nbf")
    ends = math.inf if expires is None else expires + rules.clock_skew_s
    if signer.key is not None:
        ends = min(ends, signer.keyset.retirement(signer.key))
    bound = bound_certificate(payload) if rules.confirmation == "certificate" else None
    begins = -math.inf if starts is None else starts - rules.clock_skew_s
    return Verdict(jwt, begins, ends, signer.source, signer.keyset, estimated_size(len(call.token)), bound, consulted)
