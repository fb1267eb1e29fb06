"""What another site makes a browser send is told from what people and programs send."""

from __future__ import annotations

import pytest

from gateway.management.origins import is_foreign

# method, fields → foreign; the request names localhost:8081
CASES = [
    ("GET", {}, False),
    ("POST", {}, False),
    ("POST", {"origin": "http://localhost:8081"}, False),
    ("POST", {"origin": "https://localhost:8081", "sec-fetch-site": "same-origin"}, False),
    ("POST", {"origin": "http://LOCALHOST:8081"}, False),
    ("POST", {"origin": "http://localhost:3000"}, True),
    ("POST", {"origin": "http://localhost"}, True),
    ("POST", {"origin": "http://127.0.0.1:8081"}, True),
    ("POST", {"origin": "http://evil.example"}, True),
    ("POST", {"origin": "http://localhost:8081.evil.example"}, True),
    ("POST", {"origin": "null"}, True),
    ("POST", {"origin": ""}, True),
    ("POST", {"origin": "http://[::"}, True),
    ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, True),
    ("POST", {"sec-fetch-site": "same-site", "origin": "http://localhost:8081"}, True),
    ("PUT", {"origin": "http://evil.example"}, True),
    ("GET", {"sec-fetch-site": "none"}, False),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, False),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, True),
    ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, True),
    ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, True),
    ("GET", {"origin": "http://evil.example"}, False),
]


@pytest.mark.parametrize(("method", "fields", "foreign"), CASES)
def test_foreign(method: str, fields: dict[str, str], foreign: bool) -> None:
    """Another port is another site; a followed link is the only thing that it may cause; programs say nothing."""
    headers = [(b"host", b"localhost:8081"), *((name.encode(), value.encode()) for name, value in fields.items())]
    assert is_foreign({"type": "http", "method": method, "headers": headers}) == foreign


def test_two_origins() -> None:
    """With two origins it is unclear who sends it."""
    headers = [(b"host", b"localhost:8081"), *[(b"origin", b"http://localhost:8081")] * 2]
    assert is_foreign({"type": "http", "method": "POST", "headers": headers})
