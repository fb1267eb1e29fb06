"""The lines of requests: which get one, and what they say about who is calling."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from gateway.telemetry.requests.access_log import AccessLog
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord
from gateway.telemetry.settings import LogSettings

CALLER = RecordedCaller("o1", "a1", "s1", {"oid": "o1", "aud": "api"}, verified=True)
KEY = SecretStr("a key of the operator's")


def record(**known: Any) -> RequestRecord:
    """One request of a known caller."""
    members = {"outcome": RequestOutcome.REFUSED, "status": 401, "reason": "TokenExpired", **known}
    return RequestRecord("r1", 1_900_000_000.0, "GET", "/a", caller=CALLER, client="192.0.2.1", **members)


def members(log: AccessLog, **known: Any) -> dict[str, Any]:
    """What the line says."""
    return log.members(record(**known))


@pytest.mark.parametrize(
    ("requests", "sample", "is_on", "share"),
    [("all", 1.0, True, 1.0), ("all", 0.25, True, 0.25), ("refused", 1.0, True, 0.0), ("none", 1.0, False, 0.0)],
)
def test_which_requests_get_a_line(requests: Any, sample: float, is_on: bool, share: float) -> None:
    """Every one or a sample, refused ones only, or none."""
    log = AccessLog(LogSettings(requests=requests, sample=sample))
    assert (log.is_on, log.share) == (is_on, share)


def test_a_line_has_what_is_known() -> None:
    """The members are those of the record, without what is empty and without claims."""
    line = members(AccessLog())
    assert (line["id"], line["reason"], line["object_id"], line["client"]) == ("r1", "TokenExpired", "o1", "192.0.2.1")
    assert not {"claims", "caller", "found", "backend"} & set(line)


def test_nobody_is_named() -> None:
    """callers: off leaves out whoever is calling, also where a claim that was refused says it."""
    line = members(AccessLog(LogSettings(callers="off")), expected={"claim": "oid", "values": ["o2"]}, found="o1")
    assert not {"object_id", "application_id", "subscription", "client", "found", "detail"} & set(line)
    assert "o1" not in str(line)


def test_hashes_can_be_joined() -> None:
    """callers: hashed shows the same hash for the same caller and key, another with another key, and never the name."""
    one, same = (members(AccessLog(LogSettings(callers="hashed", callers_key=KEY))) for _ in range(2))
    other = members(AccessLog(LogSettings(callers="hashed")))
    assert one == same
    assert one["object_id"] != other["object_id"]
    assert len({one[name] for name in ("object_id", "application_id", "subscription", "client")} & {"o1", "a1"}) == 0


def test_listeners_see_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What exports lines gets the members that are written."""
    log, seen = AccessLog(), list[dict[str, Any]]()
    log.listeners.append(seen.append)
    log.write(record())
    log.write(record(outcome=RequestOutcome.ANSWERED, status=200, reason=""))
    assert [line["status"] for line in seen] == [401, 200]
    capsys.readouterr()
