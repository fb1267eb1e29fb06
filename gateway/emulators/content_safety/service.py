"""A resource of Azure AI Content Safety as a Python object that tests and the demo script."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.emulators.content_safety.blocklists import Blocklist
from gateway.emulators.content_safety.words import CATEGORIES, in_four_levels, is_attack, severities
from gateway.emulators.faults import Fault, FaultPlan

MOST_CHARACTERS = 10_000
MOST_DOCUMENTS = 5
LEVELS = ("FourSeverityLevels", "EightSeverityLevels")


class RequestRefused(Exception):
    """A request that the service refuses: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class SafetyResource:
    """
    One resource.

    Args:
        base_url: Its URL; ``serving.serve(emulator)`` sets it.
        keys: Keys that are accepted as ``Ocp-Apim-Subscription-Key``; none given: any key or bearer token.

    Attributes:
        blocklists: By name.
        faults: Scripted failures, and the request counters ``faults.requests``.
        received: The newest hundred requests to analyse or shield: operation and body.
    """

    def __init__(self, base_url: str = "http://127.0.0.1", *, keys: Iterable[str] = ()) -> None:
        self.base_url = base_url
        self.keys = frozenset(keys)
        self.blocklists: dict[str, Blocklist] = {}
        self.faults = FaultPlan()
        self.received: deque[dict[str, Any]] = deque(maxlen=100)

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by endpoint: ``analyze``, ``shield-prompt``, ``blocklists``."""
        return self.faults.requests

    def block(self, blocklist: str, *texts: str) -> None:
        """Add *texts* to a blocklist, which is made where there is none."""
        self.blocklists.setdefault(blocklist, Blocklist(blocklist)).add([{"text": text} for text in texts])

    def fail(self, next_n: int | None = 1, status: int = 500, endpoint: str | None = None) -> None:
        """Answer with *status* and an error of the service."""
        body = '{"error":{"code":"InternalError","message":"The server had an error."}}'
        self.faults.add(Fault(endpoint, next_n, status, body=body))

    def delay(self, delay_s: float, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Answer properly, but late."""
        self.faults.add(Fault(endpoint, next_n, delay_s=delay_s))

    def drop(self, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Cut the connection instead of answering."""
        self.faults.add(Fault(endpoint, next_n, drop=True))

    def analyze(self, document: dict[str, Any]) -> dict[str, Any]:
        """The answer of text:analyze. Raises RequestRefused."""
        text = _text(document.get("text"), "text")
        levels, categories = _scale(document)
        matches = self._matches(text, document)
        if matches and document.get("haltOnBlocklistHit") is True:
            return {"blocklistsMatch": matches, "categoriesAnalysis": []}
        rated, shown = severities(text), in_four_levels if levels == LEVELS[0] else int
        analysis = [{"category": name, "severity": shown(rated[name])} for name in categories]
        return {"blocklistsMatch": matches, "categoriesAnalysis": analysis}

    def shield(self, document: dict[str, Any]) -> dict[str, Any]:
        """The answer of text:shieldPrompt. Raises RequestRefused."""
        prompt, documents = document.get("userPrompt", ""), _documents(document)
        if not prompt and not documents:
            raise RequestRefused(400, "InvalidRequestBody", "userPrompt or documents are needed.")
        for name, text in (("userPrompt", prompt), ("documents", "".join(map(str, documents)))):
            _text(text or "-", name)
        return {
            "userPromptAnalysis": {"attackDetected": is_attack(str(prompt))},
            "documentsAnalysis": [{"attackDetected": is_attack(str(text))} for text in documents],
        }

    def _matches(self, text: str, document: dict[str, Any]) -> list[dict[str, Any]]:
        lists = [self._blocklist(name) for name in document.get("blocklistNames", [])]
        return [match for blocklist in lists for match in blocklist.matches(text)]

    def _blocklist(self, name: str) -> Blocklist:
        if name not in self.blocklists:
            raise RequestRefused(404, "NotFound", f"Blocklist {name!r} is not found.")
        return self.blocklists[name]


def _documents(document: dict[str, Any]) -> list[Any]:
    documents = document.get("documents") or []
    if not isinstance(documents, list) or len(documents) > MOST_DOCUMENTS:
        raise RequestRefused(400, "InvalidRequestBody", "At most 5 documents can be shielded.")
    return documents


def _scale(document: dict[str, Any]) -> tuple[str, list[str]]:
    """The levels and categories that are asked for."""
    levels, categories = document.get("outputType", LEVELS[0]), document.get("categories", list(CATEGORIES))
    if levels not in LEVELS or not isinstance(categories, list) or not set(categories) <= set(CATEGORIES):
        raise RequestRefused(400, "InvalidRequestBody", "outputType or categories are not known.")
    return levels, categories


def _text(given: object, name: str) -> str:
    if not isinstance(given, str) or not given:
        raise RequestRefused(400, "InvalidRequestBody", f"{name} is missing or empty.")
    if len(given) > MOST_CHARACTERS:
        raise RequestRefused(400, "InvalidRequestBody", f"{name} has more than {MOST_CHARACTERS} characters.")
    return given
