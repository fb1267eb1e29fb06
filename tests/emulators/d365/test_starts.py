"""The start action: its body, and the five forms of its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.starts import FORMS, requested_job, start_answer


def _unwrapped(form: str, ok: bool) -> dict[str, Any]:
    body = json.loads(bytes(start_answer(form, (7, ok, "why")).body))
    value = body.get("value", body)
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found


@pytest.mark.parametrize("form", [form for form in FORMS if form != "empty"])
@pytest.mark.parametrize("ok", [True, False])
def test_forms(form: str, ok: bool) -> None:
    """Every form carries the same facts: the id, success, and the sentence in one of two places."""
    fields = {name.replace(" ", "").lower(): value for name, value in _unwrapped(form, ok).items()}
    assert (fields["batchjobid"], fields["issuccess"], fields["responsestatuscode"]) == (7, ok, 200)
    message = fields.get("responsemessage", fields.get("reponsemessage"))
    assert (message, fields["exceptiondetails"]) == (("why", "") if ok else ("", "why"))


def test_sample_keys() -> None:
    """The sample form has the keys exactly as Microsoft prints them, mistakes included."""
    expected = {"ResponseStatusCode", "IsSuccess", "Batch JobId", "ExceptionDetails", "reponseMessage"}
    assert set(_unwrapped("sample", True)) == expected


def test_empty() -> None:
    """The empty form is a 204 without a body."""
    answer = start_answer("empty", (7, True, ""))
    assert (answer.status_code, answer.body) == (204, b"")


def test_requested_job() -> None:
    """The body names the job by number."""
    assert requested_job(b'{"batchJobId": 5637144576}') == 5637144576


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"BatchJobId": 1}', b'{"batchJobId": "1"}', b'{"batchJobId": true}']
)
def test_refused(body: bytes) -> None:
    """Anything else is a 400; the name is case sensitive."""
    with pytest.raises(ODataError, match="batchJobId"):
        requested_job(body)
