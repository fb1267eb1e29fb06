"""
Fuzzes everything that reads what strangers or authors write: heads, chunks, tokens, documents, expressions.

Each input is a seed with a few changes. Nothing but the documented refusals may escape, and it may take no more
processor time and memory than its length explains.

Run it with ``make fuzz``, or ``python -m tests.fuzz.fuzz SECONDS_EACH [NAME…]``; test_fuzz.py runs a few hundred inputs
of each kind. An input that failed is printed as Python bytes and can become a test as it is.
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.documents.files import parse_document
from gateway.errors import GatewayError
from gateway.policies import POLICIES
from gateway.wire.decoders import ChunkedDecoder, FramingError
from gateway.wire.server.request_head import HeadError, parse_head
from gateway.wire.settings import ServerSettings
from tests.expressions.stubs import compiled, context
from tests.fuzz import fuzz_token

ROOT = Path(__file__).parents[2]
SETTINGS = ServerSettings()
MAX_BYTES = 8_192
# Room for a loaded machine and for what the first input of its kind loads; then a price for each byte.
TIME_S, TIME_PER_BYTE_S = 0.5, 1e-4
MEMORY_BYTES, MEMORY_PER_BYTE = 16 << 20, 4_096
INTERESTING = [
    b"\0",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"=",
    b'"',
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
]
INTERESTING += [b"(", b")", b"<", b">", b"&", b"%", b"%00", b"%2f", b"@(", b"@{", b"{{", b"}}", b"\xff", b"\xc0\xaf"]
INTERESTING += [b"0", b"-1", b"9" * 40, b"ffffffffffffffff", b"null", b"chunked", b"Content-Length", b"<base/>"]


def read_head(data: bytes) -> None:
    """One request head. The only refusal is a HeadError."""
    with suppress(HeadError):
        parse_head(data, data.decode("latin-1").split("\r\n"), SETTINGS)


def read_chunks(data: bytes) -> None:
    """A chunked body, whole and byte by byte: both must come to the same end."""
    assert _decoded([data]) == _decoded([data[at : at + 1] for at in range(len(data))])


def _decoded(pieces: Sequence[bytes]) -> bytes | None:
    decoder, content = ChunkedDecoder(), b""
    try:
        for piece in pieces:
            if decoder.done:
                break
            content += decoder.decode(piece)
    except FramingError:
        return None
    return content


def read_document(data: bytes) -> None:
    """A policy document in both forms. The only refusal is a GatewayError with places."""
    for name in ("policy.xml", "policy.yaml"):
        with suppress(GatewayError):
            parse_document(data, name, POLICIES)


def read_expression(data: bytes) -> None:
    """An expression, compiled and, when it compiles, evaluated."""
    with suppress(GatewayError):
        compiled(data.decode("utf-8", "replace"))(context())


def _documents() -> list[bytes]:
    folders = (ROOT / "policies", ROOT / "docs" / "policies" / "examples")
    return [path.read_bytes() for folder in folders for path in sorted(folder.glob("*.xml"))][:60]


_HEADS = [
    b"GET /a?b=c HTTP/1.1\r\nHost: h",
    b"POST /a%20b;rev=2 HTTP/1.1\r\nHost: h:80\r\nContent-Length: 5\r\nExpect: 100-continue",
    b"PUT http://h/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close, x-a\r\nX-A: b",
    b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Forwarded-For: 192.0.2.1",
]
_CHUNKS = [b"5\r\nhello\r\n0\r\n\r\n", b'1;a="b"\r\na\r\nA\r\n0123456789\r\n0\r\nX-T: u\r\n\r\n', b"0\r\n\r\n"]
_EXPRESSIONS = [
    b'@(context.Request.Headers.GetValueOrDefault("X-A", "b").Split(\',\').Length > 1 ? "c" : "d")',
    b'@{ var n = 0; foreach (var c in "abc") { n += c; } return n.ToString("X4"); }',
    b'@(JObject.Parse("{\\"a\\": [1, 2.5, null]}")["a"].Select(t => t.ToString()).FirstOrDefault())',
    b'@(System.Text.RegularExpressions.Regex.Match("aab", "(a+)(b)").Groups[1].Value + DateTime.UtcNow.Year)',
]


@dataclass(frozen=True, slots=True)
class Fuzz:
    """One kind of input."""

    read: Callable[[bytes], None]
    seeds: Sequence[bytes]


KINDS: dict[str, Fuzz] = {
    "heads": Fuzz(read_head, _HEADS),
    "chunks": Fuzz(read_chunks, _CHUNKS),
    "tokens": Fuzz(fuzz_token.check, fuzz_token.seeds()),
    "documents": Fuzz(read_document, _documents()),
    "expressions": Fuzz(read_expression, _EXPRESSIONS),
}


@dataclass(slots=True)
class Findings:
    """What a run has found: the dearest input of each sort, and what failed."""

    inputs: int = 0
    slowest: tuple[float, bytes] = (0.0, b"")
    largest: tuple[int, bytes] = (0, b"")
    failures: list[tuple[str, bytes]] = field(default_factory=list)

    def measure(self, kind: Fuzz, data: bytes, with_memory: bool) -> None:
        """Read *data* once; memory costs much to measure, so it is looked at now and then."""
        self.inputs += 1
        if with_memory:
            tracemalloc.start()
        began = time.thread_time()
        try:
            kind.read(data)
        except Exception as error:
            self.failures.append((f"{type(error).__name__}: {error}"[:300], data))
        self._price(time.thread_time() - began, data, with_memory)

    def _price(self, took_s: float, data: bytes, with_memory: bool) -> None:
        if with_memory:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.largest = max(self.largest, (peak, data))
            if peak > MEMORY_BYTES + MEMORY_PER_BYTE * len(data):
                self.failures.append((f"{peak} bytes of memory", data))
            return
        self.slowest = max(self.slowest, (took_s, data))
        if took_s > TIME_S + TIME_PER_BYTE_S * len(data):
            self.failures.append((f"{took_s:.3f} s of processor time", data))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """*data* with one to six changes: a piece cut out, doubled, repeated often, swapped, or something interesting."""
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.randint(0, 12))
        piece = data[start:end]
        put = chance.choice(
            [
                b"",
                piece * 2,
                piece * chance.randint(2, 200),
                chance.choice(INTERESTING),
                piece + chance.choice(INTERESTING) * chance.randint(1, 60),
                bytes(byte ^ (1 << chance.randrange(8)) for byte in piece),
            ]
        )
        data = (data[:start] + put + data[end:])[:MAX_BYTES]
    return data


def run(kind: Fuzz, *, inputs: int | None = None, seconds: float = 0.0, seed: int | None = None) -> Findings:
    """Read *inputs* inputs, or as many as fit into *seconds*."""
    chance, findings = random.Random(seed), Findings()
    kind.read(kind.seeds[0])  # whatever is loaded at the first use is nobody's price
    end = time.monotonic() + seconds
    while findings.inputs < inputs if inputs is not None else time.monotonic() < end:
        data = mutated(chance.choice(kind.seeds), chance)
        findings.measure(kind, data, with_memory=findings.inputs % 20 == 19)
    return findings


def main(arguments: Sequence[str]) -> int:
    """Fuzz each kind, print what it cost, and say what failed."""
    seconds, names = float(arguments[0]) if arguments else 60.0, arguments[1:] or list(KINDS)
    failed = 0
    for name in names:
        found = run(KINDS[name], seconds=seconds)
        slow_s, large = found.slowest[0], found.largest[0]
        print(f"{name:12} {found.inputs:8} inputs  slowest {slow_s * 1e3:8.1f} ms  largest {large / 1024:8.0f} KiB")
        for what, data in found.failures[:10]:
            print(f"  {what}\n    {data!r}")
        failed += len(found.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
