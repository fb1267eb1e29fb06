"""A language model behind the bench: it answers with its usage, as a whole or in events, or fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from gateway.pipeline.context import Context
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, Response
from tests.policies.bench import Backend, Bench, Ran, new_context, post

USAGE = '{"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40}}'
JSON, EVENTS = "application/json", "text/event-stream"
# Three tokens for each of two: a message and the answer; one for the role, two for the text.
PROMPT = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello world"}]})
PROMPT_TOKENS = 9


def events(*texts: str, usage: dict[str, int] | None = None) -> str:
    """A stream of chat completions, with a report at its end where *usage* is given."""
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    chunks += [{"choices": [], "usage": usage}] if usage else []
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def answered(body: str = USAGE, kind: str = JSON, status: int = 200) -> Response:
    """What the model answers."""
    return Response(status, Headers([("Content-Type", kind)]), Body(body.encode()))


def ask(
    bench: Bench, xml: str, *answers: Response | Exception, prompt: str = PROMPT, path: str = "/", read: bool = True
) -> Ran:
    """One call to the model, its answer read to the end unless the client leaves before."""
    request = post(prompt, path, [("Accept-Encoding", "gzip"), ("Content-Type", JSON)])
    context = new_context(request)
    context.request.target = Backend(answers=list(answers) or [answered()])
    sections = xml if "<inbound>" in xml else f"<inbound>{xml}</inbound>"
    pipeline = bench.compile(
        sections if "<backend>" in sections else sections + "<backend><forward-request /></backend>"
    )

    async def run() -> Response:
        waiting = pipeline.execute(context)
        answer = waiting if isinstance(waiting, Response) else await waiting
        if read:
            await answer.body.buffer(10_000_000)
        end(context, answer.status_code)
        for _ in range(50):  # a long answer is read in several turns
            await asyncio.sleep(0)
        await bench.services.background.ended(10)
        return answer

    return Ran(context, asyncio.run(run()))


def end(context: Context, status: int | None) -> None:
    """The exchange is over."""
    for follow_up in context.after_response or ():
        follow_up(context, Ending(status))
