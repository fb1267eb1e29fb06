"""gRPC through the gateway, from a real client to a real service: every kind of call with every way it can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.acceptance.grpc_rig import KINDS, SERVICE, Front, fronted


@dataclass
class Ended:
    """How a call has ended, as the client sees it."""

    code: str
    message: str
    answers: list[bytes]
    initial: dict[str, Any] = field(default_factory=dict)
    trailing: dict[str, Any] = field(default_factory=dict)


async def _each(messages: Iterable[bytes]) -> AsyncIterator[bytes]:
    for message in messages:
        yield message


async def call(channel: grpc.aio.Channel, kind: str, *messages: bytes, **options: Any) -> Ended:
    """One call, read to its end."""
    name = "".join(f"_{part}" if part.isupper() else part for part in kind).lower()
    del name
    path = f"/{options.pop('service', SERVICE)}/{options.pop('method', kind)}"
    makers = {
        "UnaryUnary": channel.unary_unary,
        "UnaryStream": channel.unary_stream,
        "StreamUnary": channel.stream_unary,
        "StreamStream": channel.stream_stream,
    }
    sent: Any = messages[0] if kind.startswith("Unary") else _each(messages)
    running = makers[kind](path)(sent, **options)
    answers: list[bytes] = []
    try:
        if kind.endswith("Unary"):
            answers.append(await running)
        else:
            async for message in running:
                answers.append(message)
    except grpc.aio.AioRpcError:
        pass
    code, message = await running.code(), await running.details()
    initial, trailing = await running.initial_metadata(), await running.trailing_metadata()
    return Ended(code.name, message or "", answers, dict(initial or ()), dict(trailing or ()))


SENT = {"UnaryUnary": b"%b", "UnaryStream": b"3 %b", "StreamUnary": b"%b", "StreamStream": b"%b"}


@pytest.mark.parametrize("kind", KINDS)
def test_calls(tmp_path: Path, kind: str) -> None:
    """x"""

    async def scenario() -> None:
        async with fronted(tmp_path) as front, grpc.aio.insecure_channel(f"127.0.0.1:{front.port}") as channel:
            ended = await call(channel, kind, SENT[kind] % b"hello", metadata=(("x-a", "1"), ("x-b-bin", b"\x00\xff")))
            print(ended, front.service)
            ended = await call(channel, kind, SENT[kind] % b"abort:5:no such thing \xc3\xa4%")
            print(ended)

    asyncio.run(asyncio.wait_for(scenario(), 20))
