"""authentication-managed-identity: the gateway's own token for the backend."""

from __future__ import annotations

import pytest

from gateway.errors import UpstreamError
from tests.policies.bench import Bench, get
from tests.policies.outgoing import Credentials, Http, send

pytestmark = pytest.mark.usefixtures("outgoing")


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_managed_identity(bench: Bench, http: Http, later: bool) -> None:
    """The token becomes the bearer token, or a variable; a missing one is an error unless that is ignored."""
    source = Credentials(later)
    bench.use(credentials=source)
    xml = '<authentication-managed-identity resource="api://b" client-id="c" {0}/>'
    ran = bench.run(xml.format(""), get("/", [("Authorization", "old")]))
    assert ran.request.headers.values("Authorization") == ("Bearer token-for-api://b",)
    assert source.asked == [("api://b", "c")]
    ran = bench.run(xml.format('output-token-variable-name="t"'), get("/", [("Authorization", "old")]))
    assert (ran.variables["t"], ran.request.headers.first("Authorization")) == ("token-for-api://b", "old")
    bench.run(send("<set-url>http://a.test</set-url>" + xml.format("")))
    assert http.calls[0].headers.first("Authorization") == "Bearer token-for-api://b"


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_no_identity(bench: Bench, later: bool) -> None:
    """Without a token the request fails; with ignore-error the variable is null."""
    bench.use(credentials=Credentials(later))
    xml = '<authentication-managed-identity resource="api://nope" output-token-variable-name="t" {0}/>'
    with pytest.raises(UpstreamError):
        bench.run(xml.format(""))
    assert bench.run(xml.format('ignore-error="true"')).variables == {"t": None}
    with pytest.raises(UpstreamError):
        bench.use(credentials=None).run(xml.format(""))
