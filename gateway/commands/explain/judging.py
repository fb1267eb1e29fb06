"""
One token against the token checks of a document or a configuration, step by step.

The checks are found in the compiled pipeline and judged by ``tokens.explain``, which calls the very functions that the
gateway calls. Nothing of the token but its claims' values is printed, and secret named values are masked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from gateway.assembly import entities
from gateway.assembly.apis import assemble
from gateway.assembly.certificates import load_certificates
from gateway.assembly.issuers import issuer_registry
from gateway.assembly.targets import ConfiguredTargets
from gateway.assembly.traces import secrets_of
from gateway.config import Config, parse
from gateway.config.apis import Api, Operation
from gateway.errors import GatewayError
from gateway.pipeline.context import Context
from gateway.pipeline.masking import Masking
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.place import Place
from gateway.pipeline.services import Services
from gateway.pipeline.step import TokenJudge
from gateway.pipeline.token_checks import token_checks
from gateway.telemetry.metrics import GatewayMetrics
from gateway.tokens.explain import CheckStep, Explanation, explain
from gateway.tokens.jwt import without_scheme
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.messages import Request

Entity = TypeVar("Entity", Api, Operation)

ACCEPTED, REFUSED, UNKNOWN = 0, 1, 2
MAX_TOKEN_CHARACTERS = 1 << 20


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is to be explained.

    Attributes:
        token: The bare token.
        at: Seconds since the epoch.
        offline: Whether keys must not be fetched; a signature then is unknown unless the document holds the key.
    """

    token: str
    at: float
    offline: bool = False


@dataclass(frozen=True, slots=True)
class TokenVerdict:
    """One token check's explanation, and the place of the check."""

    place: Place
    explanation: Explanation

    @property
    def outcome(self) -> int:
        """Accepted, refused, or unknown because keys are missing."""
        if self.explanation.accepted:
            return ACCEPTED
        return REFUSED if self.explanation.reason else UNKNOWN


def read_token(argument: str) -> str:
    """The token in *argument*: itself, ``-`` for standard input, ``@FILE``. Raises GatewayError: it cannot be read."""
    try:
        text = sys.stdin.read(MAX_TOKEN_CHARACTERS) if argument == "-" else argument
        if argument.startswith("@"):
            text = Path(argument[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(f"the token cannot be read: {error}") from None
    text = text.strip()
    return without_scheme(text, "Bearer") or text


def moment(text: str | None) -> float:
    """Seconds since the epoch of ISO 8601 *text*, or of a number; now without one. Raises GatewayError."""
    if text is None:
        return time.time()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise GatewayError(f"{text!r} is not a time; write 2026-01-01T12:00:00Z") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def config_of_policy(policy: Path, named_values: Mapping[str, str]) -> Config:
    """A configuration with one API that runs *policy*. Raises LoadError."""
    api = {"id": "api", "path": "/", "policy": str(policy.resolve())}
    document = {"apis": [api], "named-values": dict(named_values)}
    return parse(json.dumps(document), str(policy), Path.cwd(), {})


def run(question: Question, config: Config, scope: tuple[str | None, str | None], machine_readable: bool) -> int:
    """Explain and print; *scope* is API and operation. The exit code. Raises GatewayError."""
    verdicts = asyncio.run(explained(question, config, *scope))
    masking = Masking([*secrets_of(config), question.token])
    if machine_readable:
        print(json.dumps(as_json(verdicts, masking), indent=2, ensure_ascii=False))
    else:
        print("\n".join(text(verdicts, masking)))
    return outcome(verdicts)


async def explained(
    question: Question, config: Config, api: str | None = None, operation: str | None = None
) -> list[TokenVerdict]:
    """
    Every token check of the effective inbound, in order, with its explanation.

    Raises:
        GatewayError: The API or operation does not exist, or nothing there checks a token. LoadError is one.
    """
    issuers = issuer_registry(config)
    pipeline, context = _runtime(config, issuers, api, operation)
    context.request.headers.replace("Authorization", f"Bearer {question.token}")
    checks = list(token_checks(pipeline))
    if not checks:
        raise GatewayError("no policy in it checks a token")
    try:
        return [TokenVerdict(step.place, await _judge(check, question, context)) for step, check in checks]
    finally:
        await issuers.aclose()


def _runtime(
    config: Config, issuers: IssuerRegistry, api_id: str | None, operation_id: str | None
) -> tuple[Pipeline, Context]:
    """The effective policy, and a context for expressions in its rules. Raises GatewayError."""
    api = _named(config.apis, api_id, "API")
    if operation_id is not None:
        _named(api.operations, operation_id, "operation")
    targets = ConfiguredTargets(config, None)
    services = Services(targets, issuers, certificates=load_certificates(config))
    runtime = assemble(config, services, targets, GatewayMetrics()).runtime(api.id, operation_id)
    context = Context(
        Request("GET", "/"),
        entities.deployment_info(config, services.certificates),
        entities.api_info(api, None),
        runtime.info,
    )
    return runtime.pipelines[None], context


def _named(known: Sequence[Entity], name: str | None, kind: str) -> Entity:
    """The entity called *name*; without a name the only one. Raises GatewayError."""
    matches = [entity for entity in known if name is None or entity.id == name]
    if len(matches) != 1:
        names = ", ".join(entity.id for entity in known) or "none"
        raise GatewayError(f"name one {kind} with --{kind.lower()}; there are: {names}")
    return matches[0]


async def _judge(check: TokenJudge, question: Question, context: Context) -> Explanation:
    validator = check.validator(context)
    if not question.offline:
        await asyncio.gather(*(issuer.refresh() for issuer in validator.keys.issuers))
    explanation = explain(validator, question.token, question.at, rules=check.rules(context))
    missing = question.offline and any(issuer.keyset is None for issuer in validator.keys.issuers)
    return _without_keys(explanation) if missing else explanation


def _without_keys(explanation: Explanation) -> Explanation:
    """Keys that were not fetched prove nothing: the signature is unknown, and what else is wrong decides."""
    steps = [replace(step, decisive=False) for step in explanation.steps]
    for index, step in enumerate(steps):
        if step.name == "signature" and step.reason == "TokenSignatureKeyNotFound":
            steps[index] = replace(step, outcome="unknown", reason="", message="", hint="Keys were not fetched.")
    first = next((index for index, step in enumerate(steps) if step.outcome == "failed"), None)
    if first is not None:
        steps[first] = replace(steps[first], decisive=True)
    return replace(explanation, steps=tuple(steps))


def as_json(verdicts: list[TokenVerdict], masking: Masking) -> dict[str, object]:
    """``{"accepted", "reason", "checks": [{"policy", "path", "accepted", "reason", "note", "steps": [{…}]}]}``."""
    checks = [_check_json(verdict, masking) for verdict in verdicts]
    reason = next((verdict.explanation.reason for verdict in verdicts if verdict.explanation.reason), "")
    return {"accepted": outcome(verdicts) == ACCEPTED, "reason": reason, "checks": checks}


def _check_json(verdict: TokenVerdict, masking: Masking) -> dict[str, object]:
    explanation = verdict.explanation
    steps = [{name: _plain(value, masking) for name, value in asdict(step).items()} for step in explanation.steps]
    place = {"policy": verdict.place.source, "scope": verdict.place.scope.value, "path": verdict.place.path}
    story = {"accepted": explanation.accepted, "reason": explanation.reason, "note": explanation.note}
    return {**place, **story, "steps": steps}


def _plain(value: object, masking: Masking) -> object:
    return masking.text(value) if isinstance(value, str) else value


def text(verdicts: list[TokenVerdict], masking: Masking) -> Iterator[str]:
    """Human-readable lines."""
    for verdict in verdicts:
        place, explanation = verdict.place, verdict.explanation
        yield f"{place.source} ({place.scope.value} scope, {place.section.value}, {place.path})"
        for step in explanation.steps:
            yield from (f"  {masking.text(line)}" for line in _step_lines(step))
        if explanation.note:
            yield f"  note: {explanation.note}"
        yield f"  → {_WORDS[verdict.outcome]}{f': {explanation.reason}' if explanation.reason else ''}"


_SIGNS = {"passed": "ok  ", "failed": "FAIL", "unknown": "?   "}
_WORDS = {ACCEPTED: "accepted", REFUSED: "refused", UNKNOWN: "cannot be judged: keys are missing"}


def _step_lines(step: CheckStep) -> Iterator[str]:
    reason = f"  {step.reason}" if step.reason else ""
    yield f"{_SIGNS[step.outcome]} {step.name}{reason}{'  (decides)' if step.decisive else ''}"
    said = {"expected": step.expected, "found": step.found, "message": step.message, "hint": step.hint}
    yield from (f"       {label}: {text}" for label, text in said.items() if text)


def outcome(verdicts: list[TokenVerdict]) -> int:
    """The first check that does not accept decides, as in the pipeline."""
    return next((verdict.outcome for verdict in verdicts if verdict.outcome != ACCEPTED), ACCEPTED)
