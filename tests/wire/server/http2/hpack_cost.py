"""
What decoding a head costs with our decoder and with the hpack library: processor time, interleaved, medians.

Run: ``python -m tests.wire.server.http2.hpack_cost``.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

from hpack import Decoder, Encoder

from gateway.wire.server.http2.hpack import HpackDecoder

HEADS = 3_000
ROUNDS = 7
TOKEN = b"Bearer " + bytes(random.Random(1).choices(range(65, 91), k=900))
USUAL = [(b":authority", b"gateway.example"), (b"authorization", TOKEN), (b"user-agent", b"x/1"), (b"accept", b"*/*")]


def _paths() -> Iterator[bytes]:
    return (b"/api/items/%d/details" % number for number in range(HEADS))


def _heads(kind: str) -> Iterator[list[tuple[bytes, bytes]]]:
    chance = random.Random(2)
    for path in _paths():
        target = path if kind == "a new path" else b"/api/small.json"
        fields = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", target), *USUAL]
        if kind == "a new cookie":
            fields.append((b"cookie", b"session=" + bytes(chance.choices(b"abcdef0123456789", k=120))))
        yield fields


def _cost_us(decode: Callable[[bytes], object], blocks: list[bytes]) -> float:
    start = time.thread_time()
    for block in blocks:
        decode(block)
    return (time.thread_time() - start) / len(blocks) * 1e6


def main() -> None:
    """Print a line for each kind of head."""
    for kind in ("repeated", "a new path", "a new cookie"):
        encoder, costs = Encoder(), defaultdict(list)
        blocks = [encoder.encode(fields) for fields in _heads(kind)]
        for _ in range(ROUNDS):
            costs["hpack"].append(_cost_us(partial(Decoder(1 << 20).decode, raw=True), blocks))
            costs["ours"].append(_cost_us(HpackDecoder(1 << 20).decode, blocks))
        library_us, own_us = (statistics.median(costs[name]) for name in ("hpack", "ours"))
        print(f"{kind:14} hpack {library_us:6.1f} µs, ours {own_us:6.1f} µs, x {library_us / own_us:.1f}")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
