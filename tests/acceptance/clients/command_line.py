"""curl, nghttp and h2load."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import tools
from tests.acceptance.clients.exchange import Ask, Line, Seen

_CURL = {
    Line.HTTP1: "--http1.1",
    Line.HTTP1_TLS: "--http1.1",
    Line.H2C: "--http2-prior-knowledge",
    Line.H2: "--http2",
}
_RECEIVED = re.compile(r"recv \(stream_id=\d+\) (:?[^:]+): (.*)")
_DATA = re.compile(r"recv DATA frame <length=(\d+)")


async def output(*command: str) -> tuple[int, str]:
    """Exit status and standard output."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, printed.decode("latin-1")


class Curl:
    """curl, one process per request."""

    def __init__(self, ca: Path) -> None:
        self._program, self._ca = tools.need("curl"), ca

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        with TemporaryDirectory() as directory:
            return await self._call(line, origin, ask, Path(directory))

    async def _call(self, line: Line, origin: str, ask: Ask, folder: Path) -> Seen:
        options = [_CURL[line], "--cacert", str(self._ca), "-D", str(folder / "head"), "-o", str(folder / "body")]
        options += ["--head"] if ask.method == "HEAD" else ["-X", ask.method]
        for name, values in ask.fields.items():
            options += [part for value in values.split("\n") for part in ("-H", f"{name}: {value}")]
        if ask.body is not None:
            (folder / "sent").write_bytes(ask.body)
            options += ["-T", str(folder / "sent"), "-H", "Expect:"]
        written = "%{http_version} %{http_code} %{size_download}"
        _, printed = await output(self._program, "-sS", *options, "-w", written, origin + ask.path)
        version, status, size = printed.split()[-3:]
        blocks = (folder / "head").read_bytes().decode("latin-1").split("\r\n\r\n")
        heads = [block for block in blocks if block.startswith("HTTP/")]
        trailers = _fields(blocks[blocks.index(heads[-1]) + 1 :])
        body = (folder / "body").read_bytes() if (folder / "body").exists() else b""
        length = 0 if ask.method == "HEAD" else int(size)
        return Seen(int(version[0]), int(status), _fields([heads[-1]]), length, body, trailers)

    async def aclose(self) -> None:
        """Nothing runs."""


def _fields(blocks: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for block in blocks for line in block.splitlines())
    return {name.lower(): value.strip() for name, colon, value in pairs if colon}


class Nghttp:
    """nghttp, the command of the nghttp2 library; it shows the fields and the sizes of frames."""

    def __init__(self, ca: Path) -> None:
        self._program = tools.need("nghttp2-client")

    async def call(self, line: Line, origin: str, ask: Ask) -> Seen:
        with TemporaryDirectory() as directory:
            options = ["-H", f":method: {ask.method}"]
            for name, values in ask.fields.items():
                options += [part for value in values.split("\n") for part in ("-H", f"{name}: {value}")]
            if ask.body is not None:
                sent = Path(directory) / "sent"
                sent.write_bytes(ask.body)
                options += ["-d", str(sent)]
            options += ["-y"] if line.is_secure else []  # the certificate is a test's
            _, printed = await output(self._program, "-v", "-n", *options, origin + ask.path)
        return _read(re.sub(r"\x1b\[[0-9;]*m", "", printed))

    async def aclose(self) -> None:
        """Nothing runs."""


def _read(printed: str) -> Seen:
    """Fields before the first DATA are the head, those behind it trailers."""
    head, _, rest = printed.partition("recv DATA frame")
    fields = dict(_RECEIVED.findall(head))
    length = sum(map(int, _DATA.findall(printed)))
    return Seen(2, int(fields[":status"]), fields, length, trailers=dict(_RECEIVED.findall(rest)))


async def h2load(line: Line, url: str, requests: int, streams: int) -> int:
    """How many of *requests* were answered with 2xx, on one connection with so many *streams* at a time."""
    program = tools.need("nghttp2-client").replace("nghttp", "h2load")
    version = ["--h1"] if line.version == 1 else []
    _, printed = await output(program, "-n", str(requests), "-c1", "-m", str(streams), *version, url)
    counted = re.search(r"status codes: (\d+) 2xx", printed)
    return int(counted[1]) if counted else 0
