"""Nothing of one caller ever reaches another, however many have long work done at the same time."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2 as httpx

from gateway.assembly.app import build
from gateway.config import parse
from gateway.wire.server.serve import start
from tests.wire.rig import Backend, backend

CALLERS = 12
ITEMS = 6_000
CONFIG = """
apis: [{{id: all, path: "", service-url: "http://127.0.0.1:{port}", policy: mixed.xml}}]
limits: {{expression-time: 2s}}
"""
READ = "context.Request.Body.As&lt;JObject&gt;(preserveContent: true)"
SUM = f"""@{{ var sum = 0; var body = {READ};
    foreach (var item in (JArray)body["items"]) {{ sum = (sum * 31 + (int)item) % 1000003; }}
    return sum + " " + (string)body["who"] + " " + context.Request.Headers.GetValueOrDefault("X-Who", ""); }}"""
POLICY = f"""<policies><inbound>
  <wait for="all">
    <send-request mode="new" response-variable-name="echo"><set-url>http://127.0.0.1:{{{{port}}}}/</set-url>
      <set-method>POST</set-method><set-body>@((string){READ}["who"])</set-body></send-request>
    <choose><when condition='@{{ var body = {READ}; return body["items"].Count() == {ITEMS}; }}'>
      <set-variable name="beside" value='{SUM}' /></when></choose>
  </wait>
  <set-variable name="sum" value='{SUM}' />
  <return-response><set-body>@((string)context.Variables["sum"] + "|" + (string)context.Variables["beside"]
    + "|" + ((IResponse)context.Variables["echo"]).Body.As&lt;string&gt;())</set-body></return-response>
</inbound><backend /><outbound /><on-error /></policies>"""


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """Answer each request with its own body."""
    while True:
        head = await behind.head(reader)
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, body))


def test_long_work_of_many_callers_stays_apart(tmp_path: Path) -> None:
    """Bodies, variables and answers of callers whose policies wait and compute side by side are each caller's own."""

    async def call(client: httpx.AsyncClient, number: int) -> tuple[str, str]:
        who, items, total = f"caller-{number}", [(number * 7 + index) % 1000 for index in range(ITEMS)], 0
        for item in items:
            total = (total * 31 + item) % 1000003
        answer = await client.post("/", content=json.dumps({"who": who, "items": items}), headers={"X-Who": who})
        return answer.text, f"{total} {who} {who}|{total} {who} {who}|{who}"

    async def scenario() -> None:
        async with backend(_echo) as behind:
            (tmp_path / "mixed.xml").write_text(POLICY.replace("{{port}}", str(behind.port)))
            built = build(parse(CONFIG.format(port=behind.port), "config.yaml", tmp_path, {}))
            await built.start()
            server = await start(built.dispatcher, settings=built.config.server_settings())
            url = f"http://127.0.0.1:{server.port}"
            async with httpx.AsyncClient(base_url=url, timeout=60) as client:
                results = await asyncio.gather(*(call(client, number) for number in range(CALLERS)))
            await server.aclose()
            await built.aclose()
        assert [got for got, _ in results] == [wanted for _, wanted in results]

    asyncio.run(scenario())
