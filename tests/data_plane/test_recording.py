"""What the request log says of a request that has ended, and what it never keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.pipeline.tracing.book import TraceBook
from gateway.telemetry.requests.record import RequestOutcome, RequestRecord
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Request, Response

CONFIG = """
request-log: {sample: 0}
apis:
  - id: orders
    path: orders
    service-url: http://127.0.0.1:9
    operations:
      - {id: read, method: GET, url-template: /read, policy: read.xml}
"""
RETURN = """
    <return-response><set-status code="403" reason="No"/><set-body>no</set-body></return-response>"""


def gateway(folder: Path, inbound: str) -> Gateway:
    """One operation with that policy."""
    (folder / "read.xml").write_text(f"<policies>\n  <inbound>\n    {inbound}\n  </inbound>\n</policies>")
    return build(parse(CONFIG, "config.yaml", folder, {}))


def answered(gateway: Gateway, path: str = "/orders/read", **headers: str) -> int:
    """The status of the gateway's answer, with the request brought to its end."""
    request = Request("GET", path, "token=secret", headers=Headers(headers.items()))
    answer = gateway.dispatcher.handle(request)
    assert isinstance(answer, Response)
    assert request.on_end is not None
    request.on_end(Ending(answer.status_code, 1, 2))
    return answer.status_code


def only_record(gateway: Gateway) -> RequestRecord:
    """The record of the only request."""
    (record,) = gateway.requests.recent()
    return record


def test_refusal_by_a_policy(tmp_path: Path) -> None:
    """Policy, scope, section, file and line, reason, and what was expected and found."""
    running = gateway(
        tmp_path,
        '<check-header name="X-A" failed-check-httpcode="400" failed-check-error-message="No" ignore-case="true"/>',
    )
    assert answered(running) == 400
    record = only_record(running)
    assert (record.outcome, record.source, record.scope, record.section) == (
        RequestOutcome.REFUSED, "check-header", "operation", "inbound",
    )  # fmt: skip
    assert record.place == f"{tmp_path / 'read.xml'}:3"
    assert (record.method, record.path, record.api, record.operation) == ("GET", "/orders/read", "orders", "read")
    assert (record.received, record.sent, record.status) == (1, 2, 400)


@pytest.mark.parametrize(
    "document", [RETURN, f"<choose><when condition='@(true)'>{RETURN}</when></choose>"], ids=["plain", "choose"]
)
def test_refusal_by_return_response(tmp_path: Path, document: str) -> None:
    """An error that return-response answers is the policy's refusal, at its own line, and counted as one."""
    running = gateway(tmp_path, document)
    assert answered(running) == 403
    record = only_record(running)
    assert (record.outcome, record.source, record.reason) == (RequestOutcome.REFUSED, "return-response", "Forbidden")
    assert record.place == f"{tmp_path / 'read.xml'}:4"


def test_ordinary_answers_leave_nothing(tmp_path: Path) -> None:
    """Without sampling, an answered request has no record."""
    running = gateway(tmp_path, "<return-response/>")
    assert answered(running) == 200
    assert running.requests.recent() == []


def test_no_route(tmp_path: Path) -> None:
    """A request that no operation matches is refused by the configuration."""
    running = gateway(tmp_path, "")
    assert answered(running, "/nowhere") == 404
    record = only_record(running)
    assert (record.source, record.reason, record.place) == ("configuration", "OperationNotFound", "")


@pytest.mark.parametrize("tail", [True, False])
def test_the_trace_that_is_kept(tmp_path: Path, tail: bool) -> None:
    """A record names the trace under the request's own id, which is in x-request-id, or none if none is kept."""
    (tmp_path / "read.xml").write_text(f"<policies><inbound>{RETURN}</inbound></policies>")
    setting = "true" if tail else "false"
    running = build(parse(f"tracing: {{tail: {{enabled: {setting}}}}}\n{CONFIG}", "config.yaml", tmp_path, {}))
    answered(running)
    record = only_record(running)
    assert record.trace == (record.id if tail else None)
    book = running.dispatcher.watcher
    assert (book.ids() if isinstance(book, TraceBook) else []) == ([record.id] if tail else [])
