"""
The pictures of docs/opentelemetry.md, drawn from spans that a gateway has really exported: ``make span-pictures``.

The demo's gateway runs with a collector. One request goes to a backend, with a call of a policy before it; another one
asks for a batch job, whose callback arrives seconds later. Times differ from run to run, so no test compares them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from docs.drawing import Picture
from gateway.assembly.app import build
from gateway.commands import ready_made
from gateway.commands.demo.running import render
from gateway.config import parse
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.access import Access
from gateway.emulators.echo import EchoBackend
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT
from gateway.emulators.receiver import CallbackReceiver
from gateway.emulators.serving import serve_here
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.wire.server.serve import bind
from tests.telemetry.otel.receiver import Received, over_http

IMAGES = Path(__file__).parent / "images"
SIGNING = "whsec_" + "c2VjcmV0IGZvciBhIHBpY3R1cmU="
ROW, LEFT, BARS, WIDTH = 26, 20, 380, 900
MORE = """
telemetry: {{endpoint: "{collector}", policy-steps: spans}}
"""
ORDERS = """  - id: orders
    path: orders
    backend: echo
    operations:
      - {{id: read, method: GET, url-template: "/{{id}}", policy: "{policy}"}}
"""
CALL = (
    '<send-request mode="new" response-variable-name="stock"><set-url>{echo}/stock</set-url></send-request></inbound>'
)


async def export(received: Received, collector: str, folder: Path) -> None:
    """Run the gateway, make both requests, and stop it when the callback has arrived."""
    entra = EntraEmulator()
    parts = {
        "entra": entra,
        "d365": D365Emulator(access=Access(keys=entra.keys), speed=100),
        "receiver": CallbackReceiver(secret=SIGNING),
        "echo": EchoBackend(),
    }
    facts = {"port": "0", "management_port": "0", "jobs": str(folder), "signing": SIGNING}
    async with AsyncExitStack() as running:
        for name, part in parts.items():
            facts[name] = await running.enter_async_context(serve_here(part))
        facts |= {"tenant": TENANT, "audience": API, "client": CLIENT, "secret": SECRET}
        facts["policies"] = str(ready_made.folder())
        gateway = build(parse(_configuration(facts, collector, folder), "config.yaml", folder, {}))
        sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
        server = await running.enter_async_context(serving_gateway(LiveGateway(gateway), sockets))
        await gateway.issuers.first_keys(10)
        await _ask(f"http://127.0.0.1:{server.port}", entra.mint(), facts["receiver"])
    received.wait(lambda got: any(span.name == "callback POST" for span in got.spans))


def _configuration(facts: dict[str, str], collector: str, folder: Path) -> str:
    document = (ready_made.folder() / "caller-objectid.xml").read_text("utf-8")
    policy = folder / "orders.xml"
    policy.write_text(document.replace("</inbound>", CALL.format(echo=facts["echo"])))
    apis, rest = render("config.yaml", facts).split("notifications:\n  store", 1)
    return apis + ORDERS.format(policy=policy) + "notifications:\n  store" + rest + MORE.format(collector=collector)


async def _ask(address: str, token: str, receiver: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=address, headers=headers) as client:
        for number in (6, 7):  # the first one opens connections
            (await client.get(f"/orders/{number}")).raise_for_status()
        body = {"batchId": 5637515827, "callbackUrl": f"{receiver}/callbacks/demo"}
        job = await client.post("/batch/jobs", json=body)
        job.raise_for_status()
        status = ""
        async with asyncio.timeout(60):
            while status != "delivered":
                await asyncio.sleep(0.2)
                shown = (await client.get(f"/batch/jobs/{job.json()['id']}")).json()
                status = shown["status"]


def tree(spans: Sequence[Span], root: str) -> list[tuple[int, Span]]:
    """The trace of the last span called *root*: each span with its depth, children in the order of their beginning."""
    top = [span for span in spans if span.name == root][-1]
    of_trace = [span for span in spans if span.trace_id == top.trace_id]

    def below(span: Span, depth: int) -> Iterator[tuple[int, Span]]:
        yield depth, span
        children = [child for child in of_trace if child.parent_span_id == span.span_id]
        for child in sorted(children, key=lambda child: child.start_time_unix_nano):
            yield from below(child, depth + 1)

    return list(below(top, 0))


def draw(rows: Sequence[tuple[int, Span]], title: str) -> str:
    """Names on the left, times on the right."""
    picture = Picture(WIDTH, 60 + ROW * len(rows), title)
    picture.text(LEFT, 30, title, "title")
    began = min(span.start_time_unix_nano for _, span in rows)
    whole = max(span.end_time_unix_nano for _, span in rows) - began
    scale = (WIDTH - BARS - 110) / whole
    for number, (depth, span) in enumerate(rows):
        y = 58 + ROW * number
        picture.text(LEFT + 18 * depth, y, span.name, "code")
        x = BARS + round((span.start_time_unix_nano - began) * scale)
        took = span.end_time_unix_nano - span.start_time_unix_nano
        width = max(3, round(took * scale))
        picture.box((x, y - 13, width, 16), kind=_kind(span))
        picture.text(x + width + 8, y, _duration(took), "small")
    return picture.svg()


def _kind(span: Span) -> str:
    if span.status.code == Status.STATUS_CODE_ERROR:
        return "red"
    return {Span.SPAN_KIND_SERVER: "blue", Span.SPAN_KIND_CLIENT: "green"}.get(span.kind, "box")


def _duration(nanoseconds: int) -> str:
    milliseconds = nanoseconds / 1e6
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 1000 else f"{milliseconds:.1f} ms"


def main() -> None:
    """Write both pictures."""
    with over_http() as (collector, received), TemporaryDirectory(prefix="gateway-spans-") as folder:
        asyncio.run(export(received, collector, Path(folder)))
    pictures = {
        "trace-request.svg": ("GET /orders/{id}", "One request, its policies as spans"),
        "trace-job.svg": ("POST /batch/*", "One batch job, from its request to the callback"),
    }
    for name, (root, title) in pictures.items():
        (IMAGES / name).write_text(draw(tree(received.spans, root), title), encoding="utf-8")


if __name__ == "__main__":
    main()
