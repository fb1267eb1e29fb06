"""
Why a token is accepted or refused: the validator's own steps, one by one, with expected and found values.

Nothing is decided here. Each step calls the function that ``TokenValidator.verify`` calls, so the two cannot drift; a
test compares their verdicts. The token's signature and keys never appear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.errors import TokenError
from gateway.tokens.accepted_issuers import IssuerUndecided
from gateway.tokens.checks import CHECKS, TokenEvidence
from gateway.tokens.compact import Jws
from gateway.tokens.descriptions import DESCRIPTIONS
from gateway.tokens.hints import form_for, hint_for, hint_for_key, identity_note
from gateway.tokens.keyset import Signer
from gateway.tokens.rules import TokenRules
from gateway.tokens.selection import KeyNotFound, check_algorithm, find_signer
from gateway.tokens.validator import TokenValidator

Outcome = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class CheckStep:
    """
    One check.

    Attributes:
        name: Such as ``audience``.
        outcome: ``unknown``: an issuer's keys are missing, so the gateway would answer 503.
        decisive: The gateway reports this failure; later steps are shown for information.
        expected, found: Human-readable; empty if the rule is not set.
        reason, message: APIM's reason and the message, if it failed.
        hint: The usual cause.
    """

    name: str
    outcome: Outcome
    decisive: bool = False
    expected: str = ""
    found: str = ""
    reason: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    The result of every check of one token.

    Attributes:
        header, claims: As read; unverified if an earlier step failed, None if the token cannot be read.
        note: A warning that is not a verdict, such as ``sub`` not being the object id.
    """

    steps: tuple[CheckStep, ...]
    header: Mapping[str, object] | None = None
    claims: Mapping[str, object] | None = None
    note: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the gateway would let the token pass."""
        return all(step.outcome == "passed" for step in self.steps)

    @property
    def reason(self) -> str:
        """The reason that the gateway would report; empty when the token passes or cannot be judged."""
        return next((step.reason for step in self.steps if step.decisive), "")


def explain(
    validator: TokenValidator,
    token: str,
    now: float,
    certificate: bytes | None = None,
    rules: TokenRules | None = None,
) -> Explanation:
    """
    Run every check on *token*, without stopping at the first failure.

    Keys must be available: first call ``Issuer.refresh`` for the validator's issuers, or accept ``unknown`` signatures.
    """
    active = validator.rules if rules is None else rules
    try:
        jws = validator.open(token, active)
    except TokenError as error:
        return Explanation((_unreadable(token, error),))
    steps = [CheckStep("format", "passed", found=f"{len(token)} characters")]
    steps.append(_attempt("algorithm", lambda: check_algorithm(jws, active), actual=str(jws.header["alg"])))
    signature, signer = _signature_step(validator, jws, active, now)
    steps.append(signature)
    evidence = TokenEvidence(jws, active, now, validator.keys.issuers, signer, certificate)
    steps += [_check_step(name, evidence) for name, _ in CHECKS]
    return Explanation(_marked(steps), jws.header, jws.payload, identity_note(jws))


def _marked(steps: list[CheckStep]) -> tuple[CheckStep, ...]:
    """The steps, with the first failure marked as decisive; a missing key is not, because the answer then is 503."""
    first = next((index for index, step in enumerate(steps) if step.outcome != "passed"), None)
    if first is not None and steps[first].outcome == "failed":
        steps[first] = _as_decisive(steps[first])
    return tuple(steps)


def _as_decisive(step: CheckStep) -> CheckStep:
    return replace(step, decisive=True)


def _signature_step(validator: TokenValidator, jws: Jws, rules: TokenRules, now: float) -> tuple[CheckStep, Signer]:
    offers = validator.offers(now)
    named_key = f"kid {jws.header.get('kid', '(none)')}"
    expected = f"one of {sum(len(keyset.keys) for _, keyset in offers)} keys"
    source, keyset = offers[0]
    try:
        return CheckStep("signature", "passed", False, expected, named_key), find_signer(jws, offers)
    except TokenError as error:
        missing = validator.missing_keys_of(validator.askable(jws, rules, now)) is not None
        outcome: Outcome = "unknown" if missing and isinstance(error, KeyNotFound) else "failed"
        hint = hint_for_key(jws, error, missing, rules, validator.keys.issuers)
        step = _failed("signature", error, outcome=outcome, expected=expected, found=named_key, hint=hint)
        return step, Signer(None, keyset, source)


def _check_step(name: str, evidence: TokenEvidence) -> CheckStep:
    describe = DESCRIPTIONS[name]
    expected, actual = describe(evidence)
    try:
        dict(CHECKS)[name](evidence)
    except IssuerUndecided:  # the gateway would fetch, or answer 503
        hint = "Metadata that may own the issuer is not available."
        return CheckStep(name, "unknown", False, expected, actual, hint=hint)
    except TokenError as error:
        hint = hint_for(name, evidence)
        return _failed(name, error, expected=expected, found=actual, hint=hint)
    return CheckStep(name, "passed", False, expected, actual)


def _attempt(name: str, check: Callable[[], None], actual: str) -> CheckStep:
    try:
        check()
    except TokenError as error:
        return _failed(name, error, found=actual)
    return CheckStep(name, "passed", found=actual)


def _unreadable(token: str, error: TokenError) -> CheckStep:
    form = form_for(token, error)
    facts: dict[str, Any] = {} if form is None else {"found": form.description, "hint": form.remedy}
    return _failed("format", error, decisive=True, **facts)


def _failed(name: str, error: TokenError, outcome: Outcome = "failed", **facts: Any) -> CheckStep:
    """A step with *error*'s reason and message; *facts*: its other fields."""
    return CheckStep(name, outcome, reason=error.reason, message=error.message, **facts)
