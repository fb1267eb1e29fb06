"""redirect-content-urls: links in bodies lead through the gateway."""

from __future__ import annotations

from tests.policies.bench import Bench, answer, get, new_context, post


def test_links_lead_to_the_gateway(bench: Bench) -> None:
    """The backend's URL in a response becomes the gateway's, and back in a request."""
    context = new_context(get("/", host="gw.test"), answer(200, '{"next": "http://backend.test/base/items?p=2"}'))
    ran = bench.run("<redirect-content-urls/>", section="outbound", context=context)
    assert ran.response.body.content == b'{"next": "http://gw.test/api/items?p=2"}'
    body = bench.run("<redirect-content-urls/>", post("http://gw.test/api/x", host="gw.test")).request.body
    assert body is not None
    assert body.content == b"http://backend.test/base/x"
