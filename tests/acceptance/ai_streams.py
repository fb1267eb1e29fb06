"""
Streams of a language model through token limit and token metric: what they are delayed by, and what is counted.

The gateway runs in this process, the emulated model and its clients in another. Streams with the policies and without
them begin in turn, a few milliseconds apart, so that all of one kind are under way at once and both kinds meet the same
load. Within the gateway each piece of a metered answer is watched: it has to be on its way to the client before the
loop's turn in which it came is over. For the processor time each kind then has rounds of its own.

    python -m tests.acceptance.ai_streams [STREAMS] [ROUNDS]
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.counters import Demand, FixedWindow
from gateway.policies.parts.answer_tokens import AnswerTokens, Tap
from gateway.policies.parts.prompts import prompt_tokens
from gateway.policies.parts.vocabularies import NEWER, count_tokens
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.wire.server.answer_stream import AnswerStream
from tests.acceptance.rig import Product, product

STREAMS, ROUNDS = 50, 10
MOST_DELAY_S = 0.005
FIRST_TOKEN_S, PACE_S, APART_S = 0.05, 0.012, 0.004
KINDS = ("plain", "metered")
QUOTA = 10**9

CONFIG = """
management: 127.0.0.1:0
apis:
  - {{id: plain, path: plain, service-url: "EMULATOR/v1"}}
  - {{id: metered, path: metered, service-url: "EMULATOR/v1", policy: metered.xml}}
"""
POLICY = f"""
<policies>
  <inbound>
    <llm-token-limit counter-key="k" tokens-per-minute="{QUOTA}" token-quota="{QUOTA}" token-quota-period="Weekly"
        estimate-prompt-tokens="true" remaining-tokens-header-name="x-left" />
    <llm-emit-token-metric namespace="ai">
      <dimension name="kind" value="@(context.Request.Headers.GetValueOrDefault(&quot;x-kind&quot;, &quot;&quot;))" />
    </llm-emit-token-metric>
  </inbound>
  <backend><forward-request /></backend><outbound /><on-error />
</policies>
"""


@dataclass
class Turns:
    """
    The turns of the loop in which pieces of metered answers came.

    Attributes:
        late: Turns that ended before everything that had come in them was on its way.
    """

    pieces: int = 0
    late: int = 0
    _under_way: dict[int, bytes] = field(default_factory=dict)

    def come(self, data: bytes) -> None:
        """A piece has come from the backend."""
        self.pieces += 1
        if not self._under_way:
            asyncio.get_running_loop().call_soon(self._end)
        self._under_way[id(data)] = data

    def go(self, data: bytes) -> None:
        """A piece is given to a client's connection."""
        if self._under_way:
            self._under_way[id(data)] = b""

    def _end(self) -> None:
        self.late += any(self._under_way.values())
        self._under_way.clear()


@contextmanager
def watched() -> Iterator[Turns]:
    """Every piece of an answer that is read for its tokens, until the end of the context."""
    turns, pass_on, send = Turns(), Tap.write, AnswerStream.write

    def tap_write(tap: Tap, data: bytes) -> None:
        if isinstance(getattr(tap._take, "__self__", None), AnswerTokens):
            turns.come(data)
        pass_on(tap, data)

    def stream_write(stream: AnswerStream, data: bytes) -> None:
        turns.go(data)
        send(stream, data)

    Tap.write, AnswerStream.write = tap_write, stream_write  # type: ignore[assignment, method-assign]
    try:
        yield turns
    finally:
        Tap.write, AnswerStream.write = pass_on, send  # type: ignore[method-assign]


@dataclass
class Seen:
    """
    What the clients have seen.

    Attributes:
        first_s: Path -> seconds until the first event, of each stream.
        reported: The sum of the tokens that the model has reported on the metered path.
        texts: The completions of metered streams that reported nothing.
    """

    first_s: dict[str, list[float]] = field(default_factory=lambda: {"plain": [], "metered": []})
    reported: int = 0
    texts: list[str] = field(default_factory=list)


def body(with_usage: bool) -> bytes:
    """A request whose answer takes some thirty events."""
    text = "The quick brown fox jumps over the lazy dog. " * 3
    options = {"stream_options": {"include_usage": True}} if with_usage else {}
    return json.dumps(
        {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": text}], **options}
    ).encode()


async def stream(port: int, path: str, with_usage: bool, seen: Seen) -> None:
    """One stream, read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content, kind = body(with_usage), "reported" if with_usage else "counted"
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\napi-key: k\r\nx-kind: {kind}\r\n"
    sent = time.perf_counter()
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    answer = await reader.readuntil(b"data: ")
    seen.first_s[path].append(time.perf_counter() - sent)
    answer += await reader.read()
    writer.close()
    while chunk := await reader.read():
        answer += chunk
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    if path == "metered":
        note(answer, with_usage, seen)


def note(answer: bytes, with_usage: bool, seen: Seen) -> None:
    """What the events of a metered stream say."""
    lines = [line[6:] for line in answer.split(b"\n") if line.startswith(b"data: {")]
    events = [json.loads(line) for line in lines]
    if with_usage:
        seen.reported += events[-1]["usage"]["total_tokens"]
        return
    deltas = [choice["delta"].get("content") or "" for event in events for choice in event["choices"]]
    seen.texts.append("".join(deltas))


async def run_round(port: int, kinds: list[str], streams: int, seen: Seen) -> None:
    """That many streams of each kind, one after the other."""
    begun = []
    for index in range(streams):
        for kind in kinds if index % 2 else reversed(kinds):
            begun.append(asyncio.create_task(stream(port, kind, index % 4 < len(kinds), seen)))
            await asyncio.sleep(APART_S / len(kinds))
    await asyncio.gather(*begun)


def world(streams: int, pace_s: float) -> None:
    """In a process of its own: the model, and its clients. A line of input has the gateway's port and some kinds."""
    from gateway.emulators.openai import OpenAIEmulator
    from gateway.emulators.serving import serve

    emulator, seen = OpenAIEmulator(), Seen()
    emulator.first_token_s, emulator.pace_s = FIRST_TOKEN_S, pace_s
    with serve(emulator) as url:
        print(url, flush=True)
        for line in sys.stdin:
            port, *kinds = line.split()
            asyncio.run(run_round(int(port), kinds, streams, seen))
            print(json.dumps([seen.first_s, seen.reported, seen.texts]), flush=True)


@dataclass
class Result:
    """
    What came of it.

    Attributes:
        counted: Tokens that the gateway has emitted, by kind; and those that it has charged.
        expected: The same, by what the clients have seen.
        processor_s: Kind -> the gateway's processor time for a stream.
    """

    turns: Turns
    seen: Seen
    processor_s: dict[str, float]
    counted: dict[str, int]
    expected: dict[str, int]

    @property
    def delay_s(self) -> float:
        """How much later the first event comes, in the median."""
        return self.median_s("metered") - self.median_s("plain")

    def median_s(self, path: str) -> float:
        """Seconds until the first event on *path*."""
        return statistics.median(self.seen.first_s[path])


async def measure(folder: Path, streams: int, rounds: int, pace_s: float = PACE_S) -> Result:
    """All rounds through a gateway in this loop."""
    (folder / "metered.xml").write_text(POLICY, "utf-8")
    command = [sys.executable, "-m", "tests.acceptance.ai_streams", "world", str(streams), str(pace_s)]
    other = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=100_000_000
    )
    requests, replies = other.stdin, other.stdout
    assert requests is not None
    assert replies is not None
    try:
        url = (await replies.readline()).decode().strip()
        async with product(folder, config=CONFIG.replace("EMULATOR", url)) as running:

            async def ask(*kinds: str) -> tuple[Seen, float]:
                began = time.process_time()
                requests.write(f"{running.port} {' '.join(kinds)}\n".encode())
                return Seen(*json.loads(await replies.readline())), time.process_time() - began

            await ask(*KINDS)  # warms everything up
            spent_s = {kind: 0.0 for kind in KINDS}
            with watched() as turns:
                for _ in range(rounds):
                    together, _ = await ask(*KINDS)
            for number in range(rounds if rounds > 1 else 0):
                kind = KINDS[(number + number // 2) % 2]
                spent_s[kind] += (await ask(kind))[1] / streams / (rounds // 2)
            seen, _ = await ask()
            seen.first_s = {kind: times[streams:] for kind, times in together.first_s.items()}
            return Result(turns, seen, spent_s, counted(running), expected(seen))
    finally:
        requests.close()
        await other.wait()


def counted(running: Product) -> dict[str, int]:
    """What the gateway has counted."""
    sums: dict[str, int] = {}
    metrics: Any = running.gateway.services.metrics
    assert isinstance(metrics, EmittedMetrics)
    for family in metrics.collect():
        for sample in family.samples:
            if sample.name == "apim_ai_total_tokens_sum":
                sums[sample.labels["kind"]] = int(sample.value)
    counters: Any = running.gateway.services.counters
    demand = Demand("tokens/k", FixedWindow(QUOTA, 604_800), 0)
    return sums | {"charged": counters.admit([demand]).usages[0].used}


def expected(seen: Seen) -> dict[str, int]:
    """What it should have: the model's numbers, and those of prompt and text where it gave none."""
    prompt = prompt_tokens(body(with_usage=False), "")
    texts = sum(prompt + count_tokens([text], NEWER) for text in seen.texts)
    return {"reported": seen.reported, "counted": texts, "charged": seen.reported + texts}


def report(result: Result) -> str:
    """As text."""
    lines = []
    for path, times in result.seen.first_s.items():
        cuts = statistics.quantiles(times, n=20)
        first = f"first event after {result.median_s(path) * 1000:.2f} ms (95 %: {cuts[-1] * 1000:.2f} ms)"
        processor = f"{result.processor_s[path] * 1e6:.0f} µs of the gateway's processor time for each"
        lines.append(f"{path:8} {len(times)} streams, {first}, {processor}")
    lines.append(f"delayed by {result.delay_s * 1000:.2f} ms in the median, of at most {MOST_DELAY_S * 1000:.0f}")
    lines.append(
        f"{result.turns.pieces} pieces of metered streams, {result.turns.late} turns ended before they went on"
    )
    lines.append(f"tokens counted {result.counted}, expected {result.expected}")
    return "\n".join(lines)


def main() -> None:
    """Exit code 1 where a promise is broken."""
    if sys.argv[1:2] == ["world"]:
        world(int(sys.argv[2]), float(sys.argv[3]))
        return
    streams, rounds = [*map(int, sys.argv[1:]), *(STREAMS, ROUNDS)[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(measure(Path(folder), streams, rounds))
    print(report(result))
    kept = result.delay_s < MOST_DELAY_S and not result.turns.late and result.counted == result.expected
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
