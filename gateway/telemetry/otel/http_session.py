"""
The connection of an exporter over HTTP: a collector's answer decides nothing but whether an export was taken.

So no more than its first bytes are read, whatever it sends and however slowly, and a redirect is a failure: nobody has
got the data.

Source: OpenTelemetry specification, "OTLP/HTTP Response".
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

import requests

from gateway.telemetry.otel.batches import explain

MAX_ANSWER_BYTES: Final = 65_536
USUAL_TIMEOUT_S: Final = 10.0
_LAZY: Final = {"stream": True, "allow_redirects": False}


class BoundedSession(requests.Session):
    """A session whose answers are bounded in size and time."""

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """The answer, its body read and dropped. Raises requests.RequestException: there is none, or a redirect."""
        # Only a session that trusts the system's authorities lets REQUESTS_CA_BUNDLE replace them.
        verify = {} if self.verify is True else {"verify": self.verify}
        try:
            answer = super().request(method, url, *args, **{**options, **verify, **_LAZY})
        except requests.RequestException as error:
            explain(type(error).__name__)
            raise
        explain(f"HTTP {answer.status_code}")
        ended = False
        with suppress(Exception):  # the status has come: a body that breaks off changes nothing
            ended = _is_read(answer, options.get("timeout") or USUAL_TIMEOUT_S)
        (answer.raw.release_conn if ended else answer.close)()
        answer._content = b""
        if 300 <= answer.status_code < 400:
            raise requests.TooManyRedirects("the collector redirects", response=answer)
        return answer


def _is_read(answer: requests.Response, timeout_s: float) -> bool:
    """Whether the body has ended within *timeout_s* and the limit."""
    until, left = time.monotonic() + timeout_s, MAX_ANSWER_BYTES
    for piece in iter(partial(answer.raw.read1, MAX_ANSWER_BYTES, decode_content=False), b""):
        left -= len(piece)
        if left <= 0 or time.monotonic() > until:
            return False
    return True
