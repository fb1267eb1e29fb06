"""The dispatcher: CORS preflights through routing, who answers them, and what they may not reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response

CORS = "<cors><allowed-origins><origin>https://app.test</origin></allowed-origins></cors>"
REFUSE = '<return-response><set-status code="403"/></return-response>'
CONFIG = """
apis:
  - id: open
    path: open
    service-url: http://127.0.0.1:9
    policy: cors.xml
    operations:
      - {id: read, method: GET, url-template: /items}
      - {id: own, method: OPTIONS, url-template: /own, policy: refuse.xml}
      - {id: own-read, method: GET, url-template: /own}
  - {id: any, path: any, service-url: "http://127.0.0.1:9", policy: cors.xml}
  - id: closed
    path: closed
    service-url: http://127.0.0.1:9
    operations:
      - {id: read, method: GET, url-template: /items}
"""


@pytest.mark.parametrize(
    ("path", "announced", "status", "granted"),
    [
        ("/open/items", "GET", 200, True),
        ("/open/items", "POST", 404, False),
        ("/open/nowhere", "GET", 404, False),
        ("/open/own", "GET", 403, False),
        ("/any/thing", "PUT", 200, False),
        ("/any/thing", "GET", 200, True),
        ("/closed/items", "GET", 404, False),
        ("/none", "GET", 404, False),
    ],
    ids="operation other-method other-path own-options any-denied any-granted no-cors no-api".split(),
)
def test_preflights(tmp_path: Path, path: str, announced: str, status: int, granted: bool) -> None:
    """Only an operation's cors policies answer its preflight; without them OPTIONS is 404 as before."""
    (tmp_path / "cors.xml").write_text(f"<policies><inbound>{CORS}{REFUSE}</inbound></policies>")
    (tmp_path / "refuse.xml").write_text(f"<policies><inbound>{REFUSE}</inbound></policies>")
    gateway = build(parse(CONFIG, "config.yaml", tmp_path, {}))
    headers = Headers([("Origin", "https://app.test"), ("Access-Control-Request-Method", announced)])
    answer = gateway.dispatcher.handle(Request("OPTIONS", path, headers=headers))
    assert isinstance(answer, Response)
    assert answer.status_code == status
    assert ("Access-Control-Allow-Origin" in answer.headers) is granted


def test_the_wire_learns_which_names_are_the_policies_own(tmp_path: Path) -> None:
    """What the documents of the API set is reserved in its requests: no trailer may have such a name."""
    own = '<set-header name="X-Own"><value>1</value></set-header>'
    (tmp_path / "cors.xml").write_text(f"<policies><inbound>{own}{REFUSE}</inbound></policies>")
    (tmp_path / "refuse.xml").write_text(f"<policies><inbound>{REFUSE}</inbound></policies>")
    gateway = build(parse(CONFIG, "config.yaml", tmp_path, {}))
    request = Request("GET", "/open/items")
    gateway.dispatcher.handle(request)
    assert request.reserved is not None
    assert "x-own" in request.reserved


CHECK = """<check-header name="X-Key" failed-check-httpcode="403" failed-check-error-message="No" ignore-case="true">
  <value>right</value></check-header>"""
NUMBER = """<set-variable name="n" value='@(int.Parse(context.Request.Headers.GetValueOrDefault("X-Key", "")))' />"""


@pytest.mark.parametrize("policy", [CHECK, NUMBER], ids=["a refused value", "a failed expression"])
def test_the_log_has_nothing_that_a_caller_has_sent(tmp_path: Path, policy: str) -> None:
    """The log line of a refused request says what went wrong, with … in place of the caller's data."""
    (tmp_path / "cors.xml").write_text(f"<policies><inbound>{policy}</inbound></policies>")
    (tmp_path / "refuse.xml").write_text(f"<policies><inbound>{REFUSE}</inbound></policies>")
    gateway = build(parse(CONFIG, "config.yaml", tmp_path, {}))
    request = Request("GET", "/open/items", "q=canary", Headers([("X-Key", "canary")]))
    gateway.dispatcher.handle(request)
    assert request.on_end is not None
    with capture_logs() as lines:
        request.on_end(Ending(403))
    assert ["canary" in str(line) for line in lines] == [False]
    assert "…" in lines[0]["detail"]
