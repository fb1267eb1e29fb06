"""OData error bodies."""

from __future__ import annotations

import json

from gateway.emulators.d365.errors import ODataError


def test_response() -> None:
    """The useful text is in ``innererror``, beside a stack trace; the code is empty."""
    response = ODataError(403, "Access denied.").response()
    error = json.loads(bytes(response.body))["error"]
    assert (response.status_code, error["code"], error["innererror"]["message"]) == (403, "", "Access denied.")
    assert "stacktrace" in error["innererror"]
