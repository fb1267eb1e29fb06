"""What the differential fuzzer plays: the same bytes for the same seed, whoever asks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.fuzz import mutated

_PATHS = [
    "/api/small.json",
    "/body/jobs",
    "/open/a?b=c",
    "/open/%41%2f;x",
    "/nowhere",
    "/api/../open",
    "*",
    "http://h/open/z",
]
_METHODS = ["GET"] * 6 + ["HEAD", "POST", "PUT", "OPTIONS", "DELETE", "get", "BREW"]
_FIELDS = [
    "Accept: */*",
    "Accept-Encoding: gzip, br",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "X-Forwarded-For: 192.0.2.1, 10.0.0.1",
    "Caller-ObjectId: me",
    "caller_objectid: me",
    "Connection: close",
    "Connection: keep-alive, X-A",
    "X-A: b",
    "X-A: \xe9\t ",
    "TE: trailers",
    "Expect: 100-continue",
    "Host: other",
    "Cookie: " + "c=d; " * 40,
    "X-Long: " + "y" * 9_000,
    'If-None-Match: "e"',
    "Origin: https://example.com",
]
_CHUNKED = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"1;a=b\r\na\r\nA\r\n0123456789\r\n0\r\nX-T: u\r\n\r\n",
    b"0\r\n\r\n",
    b"zz\r\n",
]
_JSON = b'{"batchId": 5637515827, "parameters": [{"name": "a", "value": 1.5}], "note": "x"}'
_WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
_ANSWERS = [
    *[_WHOLE] * 4,
    b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nETag: "2"\r\nDate: now\r\n\r\nhello',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n" + _CHUNKED[1],
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000,
    b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 300,
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _WHOLE,
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 9_000 + b"\r\nContent-Length: 0\r\n\r\n",
    _WHOLE + b"and more",
    b"\0\0\0",
    b"",
]


@dataclass(frozen=True, slots=True)
class Step:
    """What a client sends, what the backend answers, and how far the clock moves then; no *answer*: it closes."""

    pieces: list[bytes]
    answer: list[bytes]
    pause_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One connection of a client."""

    seed: int
    steps: list[Step]

    @classmethod
    def of(cls, seed: int, tokens: Sequence[str]) -> Scenario:
        """The scenario of *seed*; its requests show *tokens*, or something like them."""
        chance = random.Random(seed)
        wild = chance.random() < 0.4
        steps: list[Step] = []
        for _ in range(chance.randint(1, 6)):
            last = b"".join(steps[-1].pieces) if steps else b""
            data = last if last and chance.random() < 0.3 else _requests(chance, tokens)
            answer = chance.choice(_ANSWERS)
            if wild and chance.random() < 0.5:
                data = mutated(data, chance)
            if wild and chance.random() < 0.3:
                answer = mutated(answer, chance)
            pause_s = chance.choice([0.0, 0.01, 0.3, 0.3, 1.0, 20.0])
            steps.append(Step(_split(data, chance), _split(answer, chance), pause_s))
        return cls(seed, steps)


def _requests(chance: random.Random, tokens: Sequence[str]) -> bytes:
    """One request, or several that are sent ahead."""
    return b"".join(_request(chance, tokens) for _ in range(chance.choice([1, 1, 1, 2, 3])))


def _request(chance: random.Random, tokens: Sequence[str]) -> bytes:
    fields = chance.sample(_FIELDS, chance.choice([0, 1, 2, 5]))
    token = chance.choice(tokens)
    shown = chance.choice([token] * 5 + [token[:-3], token.rpartition(".")[0], "", token + "A", "a.b.c"])
    if chance.random() < 0.8:
        fields.append(f"Authorization: {chance.choice(['Bearer', 'Bearer', 'bearer', 'Basic'])} {shown}")
    if chance.random() < 0.05:
        fields += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    framing, body = _body(chance)
    version = chance.choice(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/2.0"])
    line = f"{chance.choice(_METHODS)} {chance.choice(_PATHS)} {version}"
    return "\r\n".join([line, "Host: gateway.example", *fields, *framing, "", ""]).encode("latin-1") + body


def _body(chance: random.Random) -> tuple[list[str], bytes]:
    """Fields of framing, and the body."""
    kind = chance.random()
    if kind < 0.6:
        return [], b""
    if kind < 0.7:
        return ["Content-Type: application/json", f"Content-Length: {len(_JSON)}"], _JSON
    if kind < 0.8:
        return ["Content-Length: 50000"], b"z" * chance.choice([0, 10, 50_000])
    return ["Transfer-Encoding: chunked"], chance.choice(_CHUNKED)


def _split(data: bytes, chance: random.Random) -> list[bytes]:
    """*data* as it may arrive; nothing for nothing."""
    places = sorted(chance.randint(0, len(data)) for _ in range(chance.choice([0, 0, 0, 1, 2, 5])))
    ends = zip([0, *places], [*places, len(data)], strict=True)
    return [piece for start, end in ends if (piece := data[start:end])]
