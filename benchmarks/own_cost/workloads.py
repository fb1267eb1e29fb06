"""What is asked of the gateway, request by request, and what has to come of it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hpack import Encoder

from benchmarks.issuer import Issuer

REMEMBERED = 1_000  # tokens that are cycled
FORGERIES = 500  # that are repeated
OPERATIONS = 200
UNSEEN_TURN = 150
KNOWN, UNSEEN = "known-tokens", "unseen-tokens"
OTHER_ALGORITHMS = ("ES256", "EdDSA")
KEYS_PATH = "tenant/keys"
COPIED = "stand-ins"  # the workload without a gateway

TITLES = {
    "W1": "one valid token",
    "W1 HTTP/2": "the same over HTTP/2",
    "W1 answers": "the same, answers differ",
    "W1b": "14 browser fields, 2 of them change",
    "W2 remembered": f"{REMEMBERED:,} tokens cycled",
    "W2 unseen": "each token once",
    "W2 ES256": "the same, signed with ES256",
    "W2 EdDSA": "the same, signed with EdDSA",
    "W3 repeated": f"{FORGERIES} forgeries cycled",
    "W3 new": "each forgery once",
    "malformed": "tokens without a signature",
    "W6": "200 operations, ten policies",
    "POST": "1 KiB as JObject, set-body",
}

_HEADERS, _FRAME, _OK = 1, 9, 0x88  # of HTTP/2: a type, the bytes before the payload, and ":status: 200"
_WINDOW = (2**31 - 1 - 65_535).to_bytes(4)
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_CALLER = re.compile(rb"^caller[-_]objectid:[ \t]*(.*?)[ \t]*\r$", re.MULTILINE | re.IGNORECASE)

# What a browser sends with every call of a page's script, beside the token and two fields that are new each time.
BROWSER = "".join(
    f"{line}\r\n"
    for line in (
        "Host: gateway.example",
        "Connection: keep-alive",
        'sec-ch-ua-platform: "Windows"',
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0",
        'sec-ch-ua: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
        "Accept: application/json, text/plain, */*",
        "Origin: https://portal.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Mode: cors",
        "Referer: https://portal.example/jobs",
        "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
    )
)


def _statuses(answers: bytes) -> list[int]:
    """Of answers over HTTP/1.1."""
    return [int(status) for status in _STATUS.findall(answers)]


def _http2_statuses(answers: bytes) -> list[int]:
    """Of answers over HTTP/2; 0 for every one that is not 200."""
    statuses, at = [], 0
    while at < len(answers):
        size, kind = int.from_bytes(answers[at : at + 3]), answers[at + 3]
        if kind == _HEADERS:
            statuses.append(200 if answers[at + _FRAME] == _OK else 0)
        at += _FRAME + size
    return statuses


class Call(NamedTuple):
    """One request; *caller* has to arrive at the backend, None where nothing may arrive."""

    request: bytes
    caller: str | None


Turn = list[Call]


@dataclass(frozen=True, slots=True)
class Workload:
    """
    One question.

    Attributes:
        calls: Its requests, without end or for as long as there are tokens.
        turn: Requests that are timed together.
        warm_up: Requests after which the gateway has seen all that it will see again.
        status: Of every answer.
        mark: What each request has at the backend.
        guarded: Whether a caller that a client makes up must not arrive there.
        statuses: Of the answers.
        varied: Whether the backend's answers differ.
    """

    name: str
    calls: Callable[[], Iterator[Call]]
    turn: int
    warm_up: int = 100
    status: int = 200
    mark: bytes = b"caller-objectid: "
    guarded: bool = True
    statuses: Callable[[bytes], list[int]] = _statuses
    varied: bool = False

    def check(self, turn: Turn, answers: bytes, received: bytes) -> None:
        """Raises SystemExit: the answers to *turn*, or what the backend has received, are not right."""
        statuses = self.statuses(answers)
        callers = [caller.decode() for caller in _CALLER.findall(received)]
        marks = received.count(self.mark)
        expected = [call.caller for call in turn if call.caller is not None]
        if (statuses, callers, marks) != ([self.status] * len(turn), expected, len(expected)):
            raise SystemExit(f"{self.name}: wrong: answers {set(statuses)}, {marks} marks, callers {callers[:3]}")


def write_tokens(folder: Path, issuer: Issuer, known: int, unseen: int) -> None:
    """Leave tokens of the callers 0, 1, 2 … in *folder*: *known* ones to repeat, *unseen* ones for once."""
    tokens = list(map(issuer.token, range(known + unseen)))
    others = {
        name: [issuer.token(number, name) for number in range(known, known + unseen)] for name in OTHER_ALGORITHMS
    }
    for name, part in {KNOWN: tokens[:known], UNSEEN: tokens[known:], **others}.items():
        (folder / name).write_text("\n".join(part), encoding="ascii")


def prepare(folder: Path) -> list[Workload]:
    """All workloads, with the tokens in *folder*."""
    known, unseen, curve, edwards = (
        (folder / name).read_text(encoding="ascii").split("\n") for name in (KNOWN, UNSEEN, *OTHER_ALGORITHMS)
    )
    tokens = [*known, *unseen]
    forgeries, malformed = list(itertools.islice(forged(tokens), FORGERIES)), [halved(token) for token in known]
    return [
        Workload(COPIED, lambda: itertools.repeat(_refuse(known[0])), 2_000, guarded=False),
        Workload("W1", lambda: itertools.repeat(_call(known[0], 0)), 600),
        Workload("W1 HTTP/2", lambda: _streams(known[0]), 600, guarded=False, statuses=_http2_statuses),
        Workload("W1 answers", lambda: itertools.repeat(_call(known[0], 0)), 600, varied=True),
        Workload("W1b", lambda: _browser(known[0]), 300),
        Workload("W2 remembered", lambda: _cycle(known), 400, len(known)),
        Workload("W2 unseen", lambda: _each(unseen, len(known)), UNSEEN_TURN, 0),
        Workload("W2 ES256", lambda: _each(curve, len(known)), UNSEEN_TURN, 0),
        Workload("W2 EdDSA", lambda: _each(edwards, len(known)), UNSEEN_TURN, 0),
        Workload("W3 repeated", lambda: _refused(forgeries), 300, len(forgeries), 401),
        Workload("W3 new", lambda: map(_refuse, forged(tokens, FORGERIES)), 150, 50, 401),
        Workload("malformed", lambda: _refused(malformed), 150, 100, 401),
        Workload("W6", lambda: _spread(known[0]), 200, 300, 200, b"\r\nx-tier: gold\r\n"),
        Workload("POST", lambda: _posted(known[0]), 40, 40, 200, b'"caller":'),
    ]


def _call(token: str, caller: int | None, path: str = "/api/small.json", fields: str = "") -> Call:
    head = f"GET {path} HTTP/1.1\r\nHost: gateway.example\r\nAuthorization: Bearer {token}\r\n{fields}\r\n"
    return Call(head.encode("ascii"), None if caller is None else _subject(caller))


def _streams(token: str) -> Iterator[Call]:
    """The same request, stream after stream. Source: RFC 9113 §3.4, §6.2, §6.5 and §6.9."""
    encoder, start = Encoder(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(8, 0, 0, _WINDOW)
    fields = [(":method", "GET"), (":scheme", "http"), (":authority", "gateway.example"), (":path", "/api/small.json")]
    for stream in itertools.count(1, 2):
        block = encoder.encode([*fields, ("authorization", f"Bearer {token}")])
        yield Call(start + _frame(_HEADERS, 0x5, stream, block), _subject(0))
        start = b""


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _subject(number: int) -> str:
    """Of the issuer's token of that number."""
    return f"22222222-2222-2222-2222-{number:012d}"


def forging(call: Call) -> Call:
    """*call* by a client that claims to be somebody else, in two spellings."""
    head, _, body = call.request.partition(b"\r\n\r\n")
    fields = b"\r\ncaller-objectid: me\r\nCaller_ObjectID: me\r\n\r\n"
    return Call(head + fields + body, call.caller)


def _browser(token: str) -> Iterator[Call]:
    for number in itertools.count():
        changing = f"traceparent: 00-{number * 7919:032x}-{number:016x}-01\r\nx-ms-client-request-id: {number:032x}\r\n"
        fields = f"{BROWSER}{changing}Authorization: Bearer {token}\r\n"
        yield Call(f"GET /api/small.json HTTP/1.1\r\n{fields}\r\n".encode("ascii"), _subject(0))


def _cycle(tokens: list[str]) -> Iterator[Call]:
    return itertools.cycle([_call(token, number) for number, token in enumerate(tokens)])


def _each(tokens: list[str], first: int) -> Iterator[Call]:
    return (_call(token, number) for number, token in enumerate(tokens, first))


def _refuse(token: str) -> Call:
    return _call(token, None)


def _refused(tokens: list[str]) -> Iterator[Call]:
    return itertools.cycle(list(map(_refuse, tokens)))


def forged(tokens: list[str], first: int = 0) -> Iterator[str]:
    """Claims of one token with the signature of another, no two the same; the first of them left out."""
    parts = [token.rpartition(".") for token in tokens]
    pairs = (
        f"{parts[number][0]}.{parts[(number + step) % len(parts)][2]}"
        for step in range(1, len(parts))
        for number in range(len(parts))
    )
    return itertools.islice(pairs, first, None)


def halved(token: str) -> str:
    """Without its signature, dot included."""
    return token.rpartition(".")[0]


def _spread(token: str) -> Iterator[Call]:
    paths = [f"/many/part{number % 14}/o{number}/{number * 7}" for number in range(OPERATIONS)]
    return itertools.cycle([_call(token, 0, path) for path in paths])


def _posted(token: str) -> Iterator[Call]:
    body = json.dumps(job())
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head = f"POST /body/jobs HTTP/1.1\r\nHost: gateway.example\r\nAuthorization: Bearer {token}\r\n{fields}\r\n"
    return itertools.repeat(Call((head + body).encode("ascii"), _subject(0)))


def job() -> dict[str, object]:
    """A batch job as a client writes it, 1 KiB as JSON."""
    parameters = [
        {"name": f"parameter{number}", "value": f"value {number}", "required": number % 2 == 0, "order": number}
        for number in range(10)
    ]
    job = {"batchId": 5637515827, "callBackUri": "https://prod-00.example/upload?code=abc", "start": True}
    text = json.dumps({**job, "parameters": parameters, "note": ""})
    return {**job, "parameters": parameters, "note": "x" * (1024 - len(text))}
