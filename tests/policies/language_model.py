"""A language model on the bench: it answers with its usage."""

from __future__ import annotations

import asyncio

from gateway.wire.messages import Response
from tests.policies.bench import Bench, Ran, answer, post

USAGE = '{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40}}'


def ask(bench: Bench, xml: str, prompt: str = "x" * 40, body: str = USAGE) -> Ran:
    """One call to the model, its answer read to the end."""

    async def read(response: Response) -> None:
        await response.body.buffer(100_000)

    ran = bench.run(xml, post(prompt, "/", [("Accept-Encoding", "gzip")]))
    final = ran.context.finished(answer(200, body))
    asyncio.run(read(final))
    assert final.body.content.decode() == body
    ran.outcome = final
    return ran
