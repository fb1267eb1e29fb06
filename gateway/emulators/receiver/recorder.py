"""The far end of callbacks as a Python object, for tests that script it and for the demo."""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.emulators.receiver.activity import Runs
from gateway.emulators.receiver.answers import Answer, Script
from gateway.emulators.receiver.deliveries import Deliveries, Delivery
from gateway.emulators.receiver.http_webhook import WebhookRuns


class Recorder:
    """
    Records callbacks and answers as scripted; emulates Data Factory's Webhook activity.

    Args:
        base_url: Where it will be reached; ``serving.serve(receiver)`` sets it.
        secret: Signing secret, ``whsec_`` and base64; without it signatures are recorded but not checked.
        clock: Seconds since the epoch.

    Attributes:
        runs: Runs of Webhook activities.
        webhook_runs: Runs of Logic Apps' HTTP Webhook actions.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1",
        *,
        secret: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = base_url
        self.secret = secret
        self.clock = clock
        self.script = Script()
        self.recorded = Deliveries()
        self.runs = Runs()
        self.webhook_runs = WebhookRuns()

    def url(self, name: str = "default") -> str:
        """A callback URL; *name* distinguishes deliveries."""
        return f"{self.base_url}/callbacks/{name}"

    def deliveries(self, name: str = "") -> list[Delivery]:
        """What arrived under ``/callbacks/{name}…``, oldest first."""
        return self.recorded.under(f"/callbacks/{name}")

    def answer(self, *answers: Answer) -> None:
        """Script the next answers; after them the answer is 200 again."""
        self.script.add(*answers)
