"""A service of models as a Python object that tests and the demo script."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.emulators.faults import Fault, FaultPlan
from gateway.emulators.openai.errors import filtered_body, throttled_body
from gateway.emulators.openai.quota import TokenQuota, retry_fields

MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
KEPT_RESPONSES = 1000


class ModelService:
    """
    One endpoint with its deployments.

    Args:
        base_url: Its URL; ``serving.serve(emulator)`` sets it.
        name: Which endpoint it is, where there are several: the field ``x-ms-region`` of every answer.
        keys: Keys that are accepted as ``api-key`` or bearer token; none given: any, but there must be one.
        deployments: Names of deployments or models; none given: any.
        tokens_per_minute: Its own limit, after which it answers 429; None: no limit.
        clock: Seconds since the epoch.

    Attributes:
        first_token_s: Seconds until the answer begins.
        pace_s: Seconds between the events of a stream.
        quota: The limit, and what is used of it.
        faults: Scripted failures, and the request counters ``faults.requests``.
        received: The newest hundred calls: method, path, query, headers and body.
        responses: Those of the Responses API that are stored, by id.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1",
        *,
        name: str = "emulated",
        keys: Iterable[str] = (),
        deployments: Iterable[str] = (),
        tokens_per_minute: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = base_url
        self.name = name
        self.keys = frozenset(keys)
        self.deployments = frozenset(deployments)
        self.quota = TokenQuota(tokens_per_minute)
        self.clock = clock
        self.first_token_s = 0.0
        self.pace_s = 0.0
        self.faults = FaultPlan()
        self.received: deque[dict[str, Any]] = deque(maxlen=100)
        self.responses: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._scripted: deque[str] = deque()
        self._answers = 0

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by endpoint: ``chat``, ``completions``, ``responses``, ``embeddings``, ``images``, ``models``."""
        return self.faults.requests

    @property
    def models(self) -> list[str]:
        """The names that the list of models shows."""
        return sorted(self.deployments or MODELS)

    def knows(self, deployment: str) -> bool:
        """Whether there is such a deployment."""
        return not self.deployments or deployment in self.deployments

    def say(self, *texts: str) -> None:
        """Answer the next calls with these texts, instead of what was said."""
        self._scripted.extend(texts)

    def next_text(self) -> str | None:
        """The scripted text of this answer."""
        return self._scripted.popleft() if self._scripted else None

    def next_number(self) -> int:
        """Counts answers, from 1."""
        self._answers += 1
        return self._answers

    def keep(self, response: dict[str, Any]) -> None:
        """Store an answer of the Responses API; the oldest of a thousand is forgotten."""
        self.responses[response["id"]] = response
        if len(self.responses) > KEPT_RESPONSES:
            self.responses.popitem(last=False)

    def throttle(self, next_n: int | None = 1, retry_after_s: float = 1, form: str = "both") -> None:
        """Answer 429; *form* is how it says when to come again: both, seconds, milliseconds, date or none."""
        fields = retry_fields(retry_after_s, form, self.clock())
        self.faults.add(Fault(None, next_n, 429, fields, throttled_body(retry_after_s)))

    def fail(self, next_n: int | None = 1, status: int = 500, endpoint: str | None = None) -> None:
        """Answer with *status* and an error of the service."""
        body = '{"error":{"message":"The server had an error processing your request.","type":"server_error"}}'
        self.faults.add(Fault(endpoint, next_n, status, body=body))

    def filter_content(self, next_n: int | None = 1) -> None:
        """Answer 400: the content filter has stopped the prompt."""
        self.faults.add(Fault(None, next_n, 400, body=filtered_body()))

    def delay(self, delay_s: float, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Answer properly, but late."""
        self.faults.add(Fault(endpoint, next_n, delay_s=delay_s))

    def drop(self, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Cut the connection instead of head."""
        self.faults.add(Fault(endpoint, next_n, drop=True))

    def cut(self, after_events: int = 3, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Cut the connection in the middle of the answer, after this many events of a stream."""
        self.faults.add(Fault(endpoint, next_n, cut_after=after_events))
