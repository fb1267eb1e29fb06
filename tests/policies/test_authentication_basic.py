"""authentication-basic: name and password for the backend."""

from __future__ import annotations

import base64

import pytest

from tests.policies.bench import Bench, get
from tests.policies.outgoing import Http, send

pytestmark = pytest.mark.usefixtures("outgoing")


def test_basic_credentials(bench: Bench, http: Http) -> None:
    """authentication-basic replaces Authorization, here and in send-request."""
    xml = '<authentication-basic username="u" password="pä"/>'
    expected = "Basic " + base64.b64encode("u:pä".encode()).decode()
    ran = bench.run(xml, get("/", [("Authorization", "old")]))
    assert ran.request.headers.values("Authorization") == (expected,)
    bench.run(send("<set-url>http://a.test</set-url>" + xml))
    assert http.calls[0].headers.first("Authorization") == expected
