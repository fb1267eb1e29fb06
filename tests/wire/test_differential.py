"""
The same bytes to us and to nginx, each in front of a backend that records what it receives.

What we let through, nginx has to understand in the same way: as many requests, with the same methods, paths
and bodies. We may refuse more.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import tools
from tests.wire.rig import Backend, backend, client, proxy, settled

pytestmark = pytest.mark.needs("nginx")

CONFIGURATION = """
daemon off; worker_processes 1; pid nginx.pid; error_log nginx.log; master_process off;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy; merge_slashes off;
  fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {{
    listen unix:{socket}; ignore_invalid_headers off; underscores_in_headers on;
    location / {{ proxy_pass http://127.0.0.1:{port}$request_uri; proxy_http_version 1.1;
                  proxy_set_header Connection ""; proxy_read_timeout 2s; }}
  }}
}}
"""

HOST = b"Host: h\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
LENGTH = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: "

PAYLOADS = {
    "two requests": b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    "length": LENGTH + b"5\r\n\r\nhello",
    "length with zeros": LENGTH + b"005\r\n\r\nhello",
    "chunked": CHUNKED + b"\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunk extension": CHUNKED + b"\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "trailer that smuggles": CHUNKED + b"\r\n0\r\nGET /smuggled HTTP/1.1: x\r\n\r\n",
    "upper-case hexadecimal": CHUNKED + b"\r\nA\r\n0123456789\r\n0\r\n\r\n",
    "CL.TE": LENGTH + b"6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "TE.CL": CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    "TE with space": b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "TE folded": b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "TE with tab": b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "TE with vertical tab": b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE twice": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "TE in 1.0": b"POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare LF in chunk": CHUNKED + b"\r\n5\nhello\r\n0\r\n\r\n",
    "chunk too long": CHUNKED + b"\r\n5\r\nhelloX\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n",
    "chunk overflow": CHUNKED + b"\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    "length with plus": LENGTH + b"+5\r\n\r\nhello",
    "two lengths": LENGTH + b"5\r\nContent-Length: 0\r\n\r\nhello",
    "bare LF head": b"GET /a HTTP/1.1\nHost: h\n\n",
    "bare CR in value": b"GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n",
    "LF in value": b"GET /a HTTP/1.1\r\nHost: h\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n",
    "body on GET": b"GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "empty lines before": b"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    "absolute form": b"GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
    "expect": LENGTH + b"5\r\nExpect: 100-continue\r\n\r\nhello",
    "HTTP/1.0": b"GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
    **{
        f"path {path.decode('latin-1')!r}": b"GET " + path + b" HTTP/1.1\r\nHost: h\r\n\r\n"
        for path in [
            b"/a/b",
            b"/a/",
            b"/a;rev=2/b",
            b"/%41",
            b"/a%20b",
            b"/a?b=c%2Fd",
            b"/a/../b",
            b"/a/%2e%2e/b",
            b"/a%2fb",
            b"//a",
            b"/a%00",
            b"/a%zz",
            b"/a\\b",
            b"/\xe9",
            b"/a#b",
        ]
    },
}

# Escapes that the normal form undoes; nginx passes them on as they came.
NORMALISED = {"/%41": "/A"}


async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: Backend) -> None:
    """Answer every request; keep methods, targets and bodies."""
    while True:
        head = await behind.head(reader)
        body = await behind.body(reader, head)
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        content = _unchunked(body) if b"chunked" in head.lower() else body
        seen[behind.port].append((method.decode(), target.decode("latin-1"), content))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


seen: dict[int, list[tuple[str, str, bytes]]] = {}


def _unchunked(data: bytes) -> bytes:
    content = b""
    while size := int(data.partition(b"\r\n")[0], 16):
        data = data.partition(b"\r\n")[2]
        content += data[:size]
        data = data[size + 2 :]
    return content


def _listens(path: Path) -> bool:
    """Whether somebody accepts connections at *path*: the file is there a moment before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


@asynccontextmanager
async def nginx(folder: Path, port: int) -> AsyncIterator[Path]:
    """A running nginx in front of *port*: the path of its socket."""
    path = folder / "nginx.sock"
    (folder / "nginx.conf").write_text(CONFIGURATION.format(socket=path, port=port), encoding="utf-8")
    command = [tools.need("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            assert await settled(lambda: _listens(path), 20)
            yield path
        finally:
            process.terminate()


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes, patience_s: float) -> None:
    """Send *payload* and a second request; wait until both are answered, or nothing comes for *patience_s*."""
    writer.write(payload + NEXT)
    answers = b""
    try:
        while answers.count(b"\r\n\r\nok") < 2:
            piece = await asyncio.wait_for(reader.read(65536), patience_s)
            if not piece:
                break
            answers += piece
    except (TimeoutError, ConnectionError):
        pass
    writer.close()


def test_nginx_understands_what_we_let_through(tmp_path: Path) -> None:
    """Every payload that we accept means the same to nginx; nothing is smuggled past us."""

    async def scenario() -> None:
        async with proxy(record) as ours, backend(record) as theirs, nginx(tmp_path, theirs.port) as socket:

            async def received(payload: bytes, patience_s: float) -> tuple[list[object], list[object]]:
                """What reaches the backends behind us and behind nginx."""
                seen[ours.backend.port], seen[theirs.port] = [], []
                reader, writer = await asyncio.open_unix_connection(str(socket))
                async with client(ours.server.port) as c:
                    both = (c.reader, c.writer), (reader, writer)
                    await asyncio.gather(*(say(*streams, payload, patience_s) for streams in both))
                reference = [(m, NORMALISED.get(t, t), body) for m, t, body in seen[theirs.port]]
                return [*seen[ours.backend.port]], [*reference]

            for name, payload in PAYLOADS.items():
                print(name, flush=True)
                mine, reference = await received(payload, 0.25)
                if mine != reference[: len(mine)]:  # once more, for a loaded machine: only slowness goes away
                    mine, reference = await received(payload, 5)
                if mine != reference[: len(mine)]:
                    differing.append((name, mine, reference))
                accepted[name] = len(mine)

    accepted: dict[str, int] = {}
    differing: list[tuple[str, object, object]] = []
    asyncio.run(scenario())
    # nginx answers 501; RFC 9112 §5 allows the tab, and we write the framing anew, so no backend ever sees it.
    assert [found for found in differing if found[0] != "TE with tab"] == []
    assert {"two requests", "length", "chunked", "trailer", "expect", "path '/a;rev=2/b'"} <= {
        name for name, count in accepted.items() if count == 2
    }
    assert not any(count for name, count in accepted.items() if "CL" in name or "bare" in name)
