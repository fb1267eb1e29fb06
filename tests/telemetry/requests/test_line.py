"""The line of a refused request that is put together from parts is the one that its members give, to the byte."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from gateway.telemetry import logs
from gateway.telemetry.requests import access_log
from gateway.telemetry.requests.access_log import AccessLog
from gateway.telemetry.requests.line import parts_of
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord, Timings, safe_claims
from gateway.telemetry.settings import LogSettings

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
CLAIMS = safe_claims({"oid": "o-1", "azp": "a-1", "sub": "s", "aud": ["x"] * 30})
RECORDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "caller": {"caller": RecordedCaller("o-1", "a-1", "sub-1", CLAIMS, verified=False)},
    "everything": {
        "backend": "batch", "trace": "t-1", "trace_id": "a" * 32, "span_id": "b" * 16, "client_left": True,
        "received": 12, "sent": 34, "timings": Timings(1.5, 2.25, 0.001), "elapsed_ms": 3.751,
    },
    "nothing": {"api": "", "operation": "", "status": None, "source": "", "reason": "", "detail": ""},
    "not read": {"method": "", "path": ""},
    "texts": {"path": '/ä"\\\n/😀', "found": {"kid": "é", "n": 1}, "expected": ["a", None, True, 0.5]},
    "half a surrogate pair": {"path": "/\ud800"},
    "half a surrogate pair in the message": {"detail": "\udfff"},
    "a credential behind half a surrogate pair": {"found": "\udfffBearer abcdefgh12345678"},
    "a gRPC call": {"status": 200, "grpc_status": 14},
    "a GraphQL request": {"graphql": "query Users"},
    "a call of a tool": {"tool": "search_orders"},
    "for a call of a tool": {"parent": "id-0"},
    "secrets as names": {"found": {JWT: {"the-own-secret": 1}, "Bearer abcdefgh12345678": 2}},
    "a number beyond 64 bits": {"found": 1 << 70},
    "token in the path": {"path": f"/{JWT}"},
    "token found": {"found": JWT},
    "credential in the message": {"detail": "Not Bearer abcdefgh12345678."},
    "password": {"found": "https://user:secret@host.example/"},
    "own secret in the path": {"path": "/the-own-secret"},
    "own secret in the message": {"detail": "No the-own-secret."},
    "long": {"found": ["x" * 200] * 20, "expected": ["y" * 200] * 20},
    "failed": {"outcome": RequestOutcome.FAILED, "status": 502, "reason": "Timeout"},
    "left": {"outcome": RequestOutcome.LEFT, "status": None, "reason": "ClientConnectionFailure"},
    "answered": {"outcome": RequestOutcome.ANSWERED, "status": 200},
}  # fmt: skip


def record(**changes: Any) -> RequestRecord:
    facts: dict[str, Any] = {
        "method": "GET", "path": "/orders/1", "outcome": RequestOutcome.REFUSED, "status": 401,
        "api": "orders", "operation": "read",
        "source": "validate-jwt", "scope": "api", "section": "inbound", "place": "orders.xml:7",
        "reason": "TokenExpired", "detail": "Lifetime validation failed.", "client": "192.0.2.1", "expected": "a JWT",
        "timings": Timings(0.25), "elapsed_ms": 0.25,
    }  # fmt: skip
    return RequestRecord("id-1", 1e9, **{**facts, **changes})


# Parts of the caller and of the timings, which the records above have, and a number.
SET_OTHERWISE = {"object_id", "application_id", "subscription", "timings", "grpc_status"}


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The lines that are written, all in the same moment."""
    written: list[str] = []
    monkeypatch.setattr(logs._lines, "msg", written.append)
    monkeypatch.setattr(logs._Stamp, "now", lambda _: "2030-01-01T00:00:00.000000Z")
    before = structlog.get_config()
    logs.configure()
    logs.hide(["the-own-secret"])
    yield written
    logs.hide([])
    structlog.configure(**before)


@pytest.mark.parametrize("name", RECORDS, ids=str)
def test_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch, lines: list[str], name: str) -> None:
    """Whatever a record holds; what is suspicious, or not JSON, is looked at as a whole and masked."""
    log = AccessLog()
    log.write(record(**RECORDS[name]))
    monkeypatch.setattr(access_log, "parts_of", lambda _: None)
    log.write(record(**RECORDS[name]))
    assert lines[0] == lines[1]
    assert not any(secret in lines[0] for secret in (JWT, "abcdefgh", ":secret", "own-secret"))
    assert ("grpc_status" in json.loads(lines[0])) is ("grpc_status" in RECORDS[name])


@pytest.mark.parametrize("name", sorted(record().own_members().keys() - SET_OTHERWISE))
def test_no_member_is_forgotten(lines: list[str], name: str) -> None:
    """Whatever a record may have of its own is in its line, whichever way that is made; a new member, too."""
    shown = record(**{name: {"client_left": True, "received": 7, "sent": 7, "elapsed_ms": 7.5}.get(name, "m-1")})
    AccessLog().write(shown)
    assert json.loads(lines[0])[name] == shown.own_members()[name]


@pytest.mark.parametrize("count", [1, 15, 16, 50])
def test_lines_made_together_are_the_same_in_their_turn(
    monkeypatch: pytest.MonkeyPatch, lines: list[str], count: int
) -> None:
    """In an event loop lines are made later, many at once: the same bytes with the time of their request, in order."""
    records = [record(**RECORDS[name], client=f"192.0.2.{number}") for number, name in enumerate(cycled(count))]
    log = AccessLog()
    for shown in records:
        log.write(shown)
    immediately, handed_over = lines.copy(), list[str]()
    monkeypatch.undo()
    monkeypatch.setattr(logs._Output.writer, "write", lambda _, batch: handed_over.extend(batch))

    async def say_all() -> None:
        for shown in records:
            log.write(shown)
        logs._lines.msg("another line")

    logs.flush()
    began = time.time()
    asyncio.run(say_all())
    logs.flush()
    assert handed_over.pop() == "another line"
    assert [
        re.sub('(?<="timestamp":")[^"]+', "2030-01-01T00:00:00.000000Z", line) for line in handed_over
    ] == immediately
    said = [datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp() for line in handed_over]
    assert said == sorted(said)
    assert began - 1e-3 <= said[0] <= said[-1] <= time.time()


def test_lines_made_together_take_a_part_of_a_turn(lines: list[str]) -> None:
    """However many of them have to be cleaned text by text: a turn of the loop has 20 ms of processor time."""
    log, log_of_secrets = AccessLog(), [f"configured-secret-{number}" for number in range(100)]
    logs.hide(log_of_secrets)
    words = ("Bearer aaaaaaaa ", "basic ", "https://a:bcdef@ ", "eyJ", log_of_secrets[-1])
    hostile = [
        record(
            path="/" + word * 60, detail=word * 60, expected=[word * 12] * 20, found={f"{word}{n}": word for n in "abc"}
        )
        for word in words
    ]

    def spent_on(shown: RequestRecord) -> float:
        began = time.thread_time()
        for _ in range(logs._MADE_TOGETHER):
            log.write(shown)
        return time.thread_time() - began

    assert max(min(spent_on(shown) for _ in range(5)) for shown in hostile) < 0.02


def cycled(count: int) -> Iterator[str]:
    """So many names of records that are refused, in turn."""
    refused = [name for name in RECORDS if name not in ("left", "answered")]
    return itertools.islice(itertools.cycle(refused), count)


def test_most_lines_are_put_together(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """An ordinary refusal's line does not take the long way; without that it would be no quicker."""
    monkeypatch.setattr(AccessLog, "members", lambda *_: pytest.fail("its members were listed"))
    for name in ("plain", "caller", "everything", "texts", "failed"):
        assert parts_of(record(**RECORDS[name])) is not None
        AccessLog().write(record(**RECORDS[name]))
    assert len(lines) == 5


SECRETS = (JWT, "Bearer abcdefgh12345678", "https://user:secret@host.example/", "the-own-secret", 'own"quoted\\secret')
SCRAPS = (
    *('"', "\\", "\0", "\x1f", "\n", "\u2028", "\ud800", "\udfff", "😀", "</script>", "x" * 600, "eyJ", "@", "://"),
    *(f" {secret} " for secret in SECRETS),
)


def test_random_records_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    """Hostile texts and secrets in every member: both ways write the same JSON, and none of the secrets."""
    logs.hide(SECRETS[3:])
    pieces = random.Random(11)
    records = [random_record(pieces) for _ in range(400)]
    for hostile in records:
        AccessLog().write(hostile)
    quick = lines.copy()
    lines.clear()
    monkeypatch.setattr(access_log, "parts_of", lambda _: None)
    for hostile in records:
        AccessLog().write(hostile)
    assert quick == lines
    assert [shown["id"] for shown in map(json.loads, quick)] == ["id-1"] * len(records)
    assert not re.search(r"c2lnbmF0|abcdefgh1234|user:secret|own-secret|quoted", "".join(lines))


def random_record(pieces: random.Random) -> RequestRecord:
    """A record each of whose members has a hostile text now and then."""

    def text() -> str:
        return "".join(pieces.choices(SCRAPS, k=pieces.randint(1, 3))) if pieces.random() < 0.1 else "a"

    def value(depth: int) -> object:
        kind = pieces.random()
        if depth and kind < 0.2:
            return {text(): value(depth - 1) for _ in range(3)}
        if depth and kind < 0.4:
            return [value(depth - 1) for _ in range(3)]
        return pieces.choice([text(), None, True, 1 << 70, float("nan"), 0.5]) if kind < 0.6 else text()

    named = {name: text() for name in "path api operation source scope section place reason detail backend".split()}
    claims = safe_claims({name: value(1) for name in ("oid", "azp", "sub", "aud")})
    caller = RecordedCaller(claims.object_id, claims.application_id, text(), claims, verified=False)
    grpc_status = pieces.choice([None, 0, 14])
    facts = {"caller": caller, "expected": value(2), "found": value(2), "grpc_status": grpc_status, "client": text()}
    return record(**named, **facts)


@pytest.mark.parametrize("callers", ["hashed", "off"])
def test_callers_stay_hidden(lines: list[str], callers: str) -> None:
    """Where callers are not written as they are, no part of the quick way writes them."""
    log = AccessLog(LogSettings.model_validate({"callers": callers}))
    log.write(record(**RECORDS["caller"]))
    assert not any(name in lines[0] for name in ("o-1", "a-1", "sub-1", "192.0.2.1"))


def test_whoever_wants_the_members_gets_them(lines: list[str]) -> None:
    """A listener gets each line's members, and may keep them; the line is the same."""
    log, heard = AccessLog(), list[dict[str, Any]]()
    log.write(record())
    log.listeners.append(heard.append)
    log.write(record())
    assert lines[0] == lines[1]
    assert heard[0]["reason"] == "TokenExpired"
    assert "level" not in heard[0]


def test_silenced_lines_are_not_written(lines: list[str]) -> None:
    """An event that the configuration leaves out is left out here too."""
    logs.configure(unsaid=["refused"])
    AccessLog().write(record())
    assert lines == []
