"""
Azure AI Content Safety as a client sees it: harm categories, blocklists and prompt shields.

Source: Microsoft, "Content Safety REST API", 2024-09-01, text:analyze and text:shieldPrompt
(https://learn.microsoft.com/rest/api/contentsafety/).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.errors import PolicyError, UpstreamError
from gateway.language_models.service_call import COGNITIVE_SERVICES, ask

if TYPE_CHECKING:
    from gateway.outside.seam import CredentialSource
    from gateway.wire.messages import Target

API_VERSION = "2024-09-01"

# Characters that the service takes at once: Unicode code points, as Python counts them.
MOST_CHARACTERS = 10_000

# Of one text; a longer one is refused.
MOST_WINDOWS = 64

# At once, for one request.
_TOGETHER = 4


@dataclass(frozen=True, slots=True)
class SafetyRules:
    """
    What is looked for in one request.

    Attributes:
        thresholds: Category -> the least severity that is refused.
        levels: The service's ``outputType``.
        shields: Whether attacks on the model are looked for, too.
    """

    thresholds: dict[str, int]
    levels: str = "FourSeverityLevels"
    blocklists: tuple[str, ...] = ()
    shields: bool = False

    def questions(self, pieces: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Operation and body of each question to the service; what holds no text needs none."""
        if self.thresholds or self.blocklists:
            yield from (("text:analyze", self._analysis(piece)) for piece in filter(str.strip, pieces))
        if self.shields:
            for piece in filter(str.strip, pieces):
                yield "text:shieldPrompt", {"userPrompt": piece, "documents": []}

    def _analysis(self, text: str) -> dict[str, Any]:
        question: dict[str, Any] = {"text": text, "outputType": self.levels, "haltOnBlocklistHit": True}
        if self.thresholds:
            question["categories"] = list(self.thresholds)
        if self.blocklists:
            question["blocklistNames"] = list(self.blocklists)
        return question


@dataclass(frozen=True, slots=True)
class SafetyService:
    """One resource of the service, for one request; each of its answers has *timeout_s* seconds."""

    target: Target
    rules: SafetyRules
    timeout_s: float
    credentials: CredentialSource | None = field(default=None, repr=False)

    async def judge(self, pieces: Sequence[str]) -> None:
        """
        Have *pieces* judged, none of which is longer than ``MOST_CHARACTERS``.

        Whoever calls writes the system messages, too, so attacks are looked for in every piece.

        Raises:
            PolicyError: 403: something is found, or there is too much text; 503: the service has not answered.
        """
        if len(pieces) > MOST_WINDOWS:
            raise refusal("the text is too long to be checked", {"windows": len(pieces)})
        questions = list(self.rules.questions(pieces))
        for start in range(0, len(questions), _TOGETHER):
            await self._ask_all(questions[start : start + _TOGETHER])

    async def _ask_all(self, questions: list[tuple[str, dict[str, Any]]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                _ = [group.create_task(self._ask(operation, question)) for operation, question in questions]
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    async def _ask(self, operation: str, question: dict[str, Any]) -> None:
        path, query = f"/contentsafety/{operation}", f"api-version={API_VERSION}"
        try:
            authorization = await self._authorization()
            answer = await ask(self.target, path, query, question, self.timeout_s, authorization)
        except UpstreamError as error:
            raise unavailable(error.message) from None
        if operation == "text:analyze":
            self._judge_analysis(answer)
        else:
            _judge_shield(answer)

    async def _authorization(self) -> str:
        """A token, unless the backend brings credentials."""
        if self.credentials is None or getattr(self.target, "has_credentials", False):
            return ""
        token = self.credentials.token(COGNITIVE_SERVICES, None)
        return f"Bearer {await token if isinstance(token, Awaitable) else token}"

    def _judge_analysis(self, answer: dict[str, Any]) -> None:
        """Raises PolicyError: a blocklist matches, a category is too severe, or the answer lacks one."""
        if matches := answer.get("blocklistsMatch"):
            raise refusal("a blocklist matches", {"blocklists": _names(matches)})
        severities = _severities(answer)
        for category, threshold in self.rules.thresholds.items():
            if category not in severities:
                raise unavailable(f"the answer says nothing of {category}")
            if severities[category] >= threshold:
                facts = {"category": category, "severity": severities[category], "threshold": threshold}
                raise refusal(f"{category} is found", facts)


def refusal(message: str, facts: object) -> PolicyError:
    """The service has found something; the caller is not told what."""
    public = "Request failed content safety check."
    return PolicyError(403, "ContentSafetyViolation", f"Content safety: {message}.", public, found=facts)


def unavailable(message: str) -> PolicyError:
    """The service has not judged the text: what is not known to be harmless does not pass."""
    public = "Content safety check is not available."
    return PolicyError(503, "ContentSafetyUnavailable", f"Content safety: {message}.", public)


def _judge_shield(answer: dict[str, Any]) -> None:
    match answer:
        case {"userPromptAnalysis": {"attackDetected": False}}:
            return
        case {"userPromptAnalysis": {"attackDetected": True}}:
            raise refusal("an attack on the model is found", {"attack": "user prompt"})
    raise unavailable("the answer says nothing of attacks")


def _severities(answer: dict[str, Any]) -> dict[str, int]:
    """Category -> severity, where the answer has a number."""
    parts = answer.get("categoriesAnalysis")
    rated = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {str(part.get("category")): part["severity"] for part in rated if isinstance(part.get("severity"), int)}


def _names(matches: Any) -> list[str]:
    """Which blocklists; what has matched is the caller's text."""
    parts = matches if isinstance(matches, list) else []
    return sorted({str(part.get("blocklistName")) for part in parts if isinstance(part, dict)})
