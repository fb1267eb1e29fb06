"""
The lines of requests: the same members as in their records, without claims, and without what is empty.

Who is calling is personal data: ``callers`` decides whether it is written as it is, as a keyed hash, or not at all. A
caller's hash stays the same as long as the key does, so lines can still be counted and joined.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b

import structlog

from gateway.telemetry import logs
from gateway.telemetry.requests.line import parts_of
from gateway.telemetry.requests.plain import Plain
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord
from gateway.telemetry.settings import LogSettings

log = structlog.get_logger("gateway.access")

# Claims whose values say who somebody is; a refusal for one of them repeats its value.
_IDENTIFYING = frozenset(["sub", "oid", "azp", "appid", "upn", "email", "preferred_username", "name", "unique_name"])
# Reasons whose ``found`` is an address, a certificate's subject or a subscription.
_ABOUT_THE_CALLER = frozenset(
    [
        "CallerIpNotAllowed",
        "CallerIpBlocked",
        "FailedToParseCallerIP",
        "ClientCertificateInvalid",
        "SubscriptionKeyInvalid",
    ]
)
_ORDINARY = (RequestOutcome.ANSWERED, RequestOutcome.LEFT)
_CALLER = ("object_id", "application_id", "subscription", "client")


class AccessLog:
    """
    Writes a line of those requests that get one.

    Attributes:
        is_on: Whether requests that were refused or have failed get one.
        share: Which share of the others gets one, 0 to 1.
        listeners: Called with the members of every line before it is written, for tests and exporters. They must not
            raise, and not wait.
    """

    def __init__(self, settings: LogSettings | None = None) -> None:
        settings = LogSettings() if settings is None else settings
        self.is_on = settings.requests != "none"
        self.share = settings.sample if settings.requests == "all" else 0.0
        self._callers = settings.callers
        key = settings.callers_key
        self._key = secrets.token_bytes(32) if key is None else key.get_secret_value().encode()[:64]
        self.listeners: list[Callable[[dict[str, Plain]], None]] = []

    def write(self, record: RequestRecord) -> None:
        """One line, ``answered`` or ``refused``; ``outcome`` says more exactly which."""
        is_refused = record.outcome not in _ORDINARY
        is_usual = is_refused and not self.listeners and self._callers == "clear"
        if is_usual and logs.say_later("refused", self._line, record):
            return
        members = self.members(record)
        for listener in self.listeners:
            listener(members.copy())
        logs.say(log, "refused" if is_refused else "answered", members)

    def _line(self, record: RequestRecord, stamp: str) -> str:
        """The line of a refused request, which was said at *stamp*."""
        parts = parts_of(record)
        line = None if parts is None else logs.ready_line("refused", parts, stamp)
        return logs.full_line("refused", self.members(record), stamp) if line is None else line

    def members(self, record: RequestRecord) -> dict[str, Plain]:
        """What the line of *record* says."""
        shown = record.line_members()
        if self._callers != "clear":
            self._hide(shown)
        return {name: value for name, value in shown.items() if value is not None and value != ""}

    def _hide(self, shown: dict[str, Plain]) -> None:
        """Replace what says who is calling."""
        for name in _CALLER:
            value = shown[name]
            shown[name] = self._hashed(str(value)) if value and self._callers == "hashed" else None
        if _identifies(shown):
            shown["found"] = shown["detail"] = None

    def _hashed(self, text: str) -> str:
        return blake2b(text.encode(errors="surrogatepass"), digest_size=8, key=self._key).hexdigest()


def _identifies(shown: Mapping[str, Plain]) -> bool:
    """Whether what was found says who is calling, and the message repeats it."""
    expected = shown["expected"]
    claim = expected.get("claim") if isinstance(expected, dict) else None
    return shown["reason"] in _ABOUT_THE_CALLER or claim in _IDENTIFYING
