"""proxy: the proxy in front of a backend."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench
from tests.policies.outgoing import Http, send

pytestmark = pytest.mark.usefixtures("outgoing")


def test_a_proxy(bench: Bench, http: Http) -> None:
    """send-request goes through a proxy."""
    bench.run(send('<set-url>http://a.test</set-url><proxy url="http://p.test" username="u" password="p"/>'))
    proxy = http.calls[0].proxy
    assert proxy is not None
    assert (proxy.url, proxy.username, proxy.password) == ("http://p.test", "u", "p")
