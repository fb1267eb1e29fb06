"""What SetBatchJobToWaiting answers, in each of its forms."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.start_answer import StartAnswer, parse_start

DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    ("body", "accepted", "message"),
    [
        (b'{"IsSuccess": true, "Batch JobId": 1, "reponseMessage": "Set."}', True, "Set."),
        (b'{"IsSuccess": false, "ExceptionDetails": "Locked."}', False, "Locked."),
        (b'{"isSuccess": "False", "ResponseMessage": "No."}', False, "No."),
        (b'{"@odata.context": "x", "value": "{\\"IsSuccess\\": false}"}', False, ""),
        (b'{"value": {"IsSuccess": true}}', True, ""),
        (b'{"value": "just text"}', True, ""),
        (b'{"value": [1]}', True, ""),
        (b"", True, ""),
        (b"null", True, ""),
    ],
)
def test_start_answer(body: bytes, accepted: bool, message: str) -> None:
    """All forms of the action's answer are read; success needs IsSuccess not to be false."""
    assert parse_start(body) == StartAnswer(accepted, message)


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"maintenance", b'{"IsSuccess": tr', DEEP], ids=len)
def test_not_an_answer(body: bytes) -> None:
    """A page instead of an answer does not say that the job was started."""
    assert parse_start(body) is None
