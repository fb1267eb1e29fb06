"""Caches on the bench: one that answers later, and a pipeline that keeps its responses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.pipeline.context import Context
from gateway.pipeline.pipeline import Pipeline
from gateway.value_cache import MemoryCache
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from tests.policies.bench import Backend, Bench, Ran, new_context


@dataclass
class LaterCache:
    """A cache that answers with an awaitable, as Redis does."""

    cache: MemoryCache

    async def lookup(self, key: str) -> bytes | None:
        return self.cache.lookup(key)

    async def store(self, key: str, value: bytes, ttl_s: float) -> None:
        self.cache.store(key, value, ttl_s)

    async def remove(self, key: str) -> None:
        self.cache.remove(key)


LOOKUP = '<cache-lookup-value key="k" variable-name="v" {0}/>'


VARY = 'vary-by-developer="{0}" vary-by-developer-groups="{1}"'


def policies(lookup: str = "", inner: str = "", store: str = 'duration="60"', developer: str = "false") -> str:
    vary = VARY.format(developer, developer)
    count = '<set-header name="X-Outbound"><value>ran</value></set-header>'
    return (
        f"<inbound><cache-lookup {vary} {lookup}>{inner}</cache-lookup></inbound>"
        f'<backend><forward-request/></backend><outbound><set-header name="X-Before"><value>1</value></set-header>'
        f"<cache-store {store}/>{count}</outbound>"
    )


def calls(
    bench: Bench, xml: str, *requests: Request, answer: Response | None = None, **attributes: object
) -> tuple[int, Ran]:
    """How often the backend was called for *requests*, and the last run."""
    backend = Backend(answers=[answer or Response(200, Headers([("X-A", "1")]), Body(b"body"))])
    ran = None
    for each in requests:
        each.target = backend
        context = new_context(each)
        for name, value in attributes.items():
            setattr(context, name, value)
        ran = _execute(bench, xml, context)
    assert ran is not None
    return len(backend.sent), ran


def _execute(bench: Bench, xml: str, context: Context) -> Ran:
    return Ran(context, executed(bench.compile(xml), context))


def executed(pipeline: Pipeline, context: Context) -> Response:
    async def wait() -> Response:
        answer = pipeline.execute(context)
        response = answer if isinstance(answer, Response) else await answer
        await response.body.buffer(10_000_000)
        return response

    return asyncio.run(wait())
