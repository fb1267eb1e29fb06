"""``gateway explain --request ID``: what a running gateway recorded, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.emulators.serving import serve
from gateway.management.app import create_app
from gateway.management.health import Readiness
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord
from gateway.telemetry.requests.ring import RequestLog
from tests.commands.explain.test_judging import ran

REFUSED = RequestRecord(
    "r1",
    1_900_000_000.0,
    "GET",
    "/orders",
    RequestOutcome.REFUSED,
    "orders",
    "read",
    401,
    "validate-jwt",
    "api",
    "inbound",
    "orders.xml:4",
    "TokenAudienceNotAllowed",
    "Audience validation failed. Access denied.",
    ["api://orders"],
    ["api://stock"],
    RecordedCaller("o1", "a1", verified=True),
)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    """The configuration of a gateway that has served two requests."""
    log = RequestLog()
    log.add(REFUSED)
    log.add(RequestRecord("r2", 1_900_000_000.0, "GET", "/orders", status=200))
    with serve(create_app(Readiness(), CollectorRegistry(), requests=log)) as url:
        path = tmp_path / "config.yaml"
        path.write_text(f"management: {url.partition('//')[2]}\napis: []\n")
        yield str(path)


def test_a_refused_request(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence, the remedy and what is known are printed; the exit code says that it was refused."""
    assert ran("--request", "r1", "-c", config) == 1
    said = capsys.readouterr().out
    for line in (
        "GET /orders: 401, refused at 2030-03-17T17:46:40.000Z",
        "The token's audience is api://stock, and api://orders is accepted here.",
        "Request the token for api://orders.",
        "validate-jwt (api scope, inbound, orders.xml:4)",
        "object id o1, application a1",
    ):
        assert line in said


def test_for_programs(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is the record with its words."""
    assert ran("--request", "r1", "-c", config, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["reason"], told["remedy"]) == ("TokenAudienceNotAllowed", "Request the token for api://orders.")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--request", "r2"), 0, ""),
        (("--request", "r3"), 2, "no such request"),
        (("--request", "../healthz"), 2, "refused"),
        (("--request", "r1", "a.b.c"), 2, "either a token or --request"),
        ((), 2, "name a token"),
    ],
)
def test_exit_codes(
    config: str, arguments: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """0: it was answered; 2: it is not known, or the question is not clear."""
    assert ran(*arguments, "-c", config) == code
    assert said in capsys.readouterr().err
