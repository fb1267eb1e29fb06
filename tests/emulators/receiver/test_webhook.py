"""How Data Factory's Webhook activity is configured, and how it reads a callback."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.emulators.receiver.webhook import Activity, RunState, judge_callback, parse_timeout

JSON = "application/json; charset=utf-8"
FAILED = {
    "Output": {"id": 1},
    "Error": {"ErrorCode": "BatchJobFailed", "Message": "The job failed."},
    "StatusCode": "500",
}


def _judge(report_status: bool, document: object, content_type: str = JSON) -> RunState | int:
    return judge_callback(report_status, content_type, json.dumps(document).encode())


@pytest.mark.parametrize("document", [FAILED, {}])
def test_not_reported(document: dict[str, Any]) -> None:
    """Without ``reportStatusOnCallBack`` any callback is a success: a failed batch looks successful."""
    assert _judge(False, document) == RunState("Succeeded")


def test_empty_callback() -> None:
    """An empty POST is a success too, as long as it says that it is JSON."""
    assert judge_callback(False, "application/json", b"") == RunState("Succeeded")


@pytest.mark.parametrize(
    ("document", "status", "error"),
    [
        ({"Output": {"id": 1}, "StatusCode": "200"}, "Succeeded", {}),
        ({"Output": {"id": 1}}, "Succeeded", {}),
        ({"Output": {"id": 1}, "StatusCode": 399}, "Succeeded", {}),
        (FAILED, "Failed", {"errorCode": "BatchJobFailed", "message": "The job failed."}),
        (
            {"output": {"id": 1}, "statusCode": 409, "error": {"message": "m"}},
            "Failed",
            {"errorCode": "", "message": "m"},
        ),
        ({"Output": {"id": 1}, "Error": {"Message": "m"}}, "Failed", {"errorCode": "", "message": "m"}),
    ],
    ids=["200", "no status", "399", "500", "lower case", "error without status"],
)
def test_reported(document: dict[str, Any], status: str, error: dict[str, str]) -> None:
    """With it, a status from 400 up or an error message fails the activity; the output is kept."""
    assert _judge(True, document) == RunState(status, {"id": 1}, error)


@pytest.mark.parametrize("code", ["abc", [1]], ids=["word", "list"])
def test_odd_status(code: object) -> None:
    """A status that is not a number is not a success, and has its own message."""
    judged = _judge(True, {"StatusCode": code})
    assert isinstance(judged, RunState)
    assert judged.status == "Failed"
    assert "error is set" in judged.error["message"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("text/plain", b"{}", 415), ("", b"{}", 415), ("application/json", b"{", 400), ("application/json", b"[]", 400)],
)
def test_refused(content_type: str, body: bytes, status: int) -> None:
    """A callback that is not JSON is refused and does not end the run."""
    assert judge_callback(True, content_type, body) == status


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:10:00", 600), ("1.02:03:04", 93_784), ("00:00:60", 60), ("00:60:00", 3600)]
)
def test_timeout(text: str, seconds: float) -> None:
    """Timeouts are written as Data Factory writes them, days included."""
    assert parse_timeout(text) == seconds


@pytest.mark.parametrize("text", ["10", "0:10:00", "00:61:00", "10m", ""])
def test_timeout_refused(text: str) -> None:
    """Any other form is refused, and the message shows the right one."""
    with pytest.raises(ValueError, match="hh:mm:ss"):
        parse_timeout(text)


def test_from_json() -> None:
    """An activity is read from its ``typeProperties``; the defaults are Data Factory's."""
    properties = {"url": "u", "body": {"batchId": 1}, "headers": {"a": "b"}, "timeout": "00:00:05"}
    assert Activity.from_json({"url": "u"}) == Activity("u", timeout_s=600.0, report_status=False)
    expected = Activity("u", {"batchId": 1}, {"a": "b"}, 5.0, True)
    assert Activity.from_json({**properties, "reportStatusOnCallBack": True}) == expected


def test_from_json_refuses() -> None:
    """A misspelt property is an error."""
    with pytest.raises(ValueError, match="reportStatusOnCallback"):
        Activity.from_json({"url": "u", "reportStatusOnCallback": True})
