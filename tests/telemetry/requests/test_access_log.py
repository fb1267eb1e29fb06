"""The lines of requests."""

from __future__ import annotations

import json

import pytest

from gateway.telemetry.requests.access_log import AccessLog
from gateway.telemetry.requests.plain import Plain
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord
from gateway.telemetry.settings import LogSettings

ABOUT: dict[str, tuple[str, Plain, Plain]] = {
    "address": ("CallerIpNotAllowed", {"in": ["10.0.0.0/8"]}, "192.0.2.7"),
    "blocked address": ("CallerIpBlocked", {"not_in": ["192.0.2.7"]}, "192.0.2.7"),
    "certificate": ("ClientCertificateInvalid", {"checks": []}, {"subject": "CN=192.0.2.7"}),
    "subscription": ("SubscriptionKeyInvalid", {"api": "a"}, {"subscription": "192.0.2.7", "state": "not active"}),
    "claim": ("TokenClaimValueNotAllowed", {"claim": "oid", "values": ["o"]}, ["192.0.2.7"]),
}


def _record(name: str) -> RequestRecord:
    reason, expected, found = ABOUT[name]
    caller = RecordedCaller("192.0.2.7", "192.0.2.7", "192.0.2.7")
    detail = "Caller IP address 192.0.2.7 is not allowed."
    record = RequestRecord("r", 0.0, "GET", "/", RequestOutcome.REFUSED, reason=reason, detail=detail, caller=caller)
    record.expected, record.found, record.client = expected, found, "192.0.2.7"
    return record


@pytest.mark.parametrize("callers", ["hashed", "off"])
@pytest.mark.parametrize("name", ABOUT, ids=str)
def test_callers_are_hidden_everywhere(name: str, callers: str) -> None:
    """Where callers are not written, what a refusal found out about them is not written either."""
    log = AccessLog(LogSettings.model_validate({"callers": callers}))
    shown = log.members(_record(name))
    if name != "blocked address":  # the configuration's own list may have it
        assert "192.0.2.7" not in json.dumps(shown)
    assert "found" not in shown
    assert "detail" not in shown


def test_callers_are_clear() -> None:
    """Where they are, they are."""
    shown = AccessLog(LogSettings.model_validate({"callers": "clear"})).members(_record("address"))
    assert (shown["found"], shown["client"]) == ("192.0.2.7", "192.0.2.7")
