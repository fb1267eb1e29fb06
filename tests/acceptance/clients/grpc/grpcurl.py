"""grpcurl, one process per call; it learns the methods by reflection, through the gateway."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

from gateway.wire.grpc.status import GrpcStatus
from tests.acceptance.clients.grpc.exchange import Call, Place, unpadded
from tests.acceptance.grpc_rig import SERVICE
from tests.acceptance.test_grpc import GRPCURL, Ended

_PARTS = re.compile(r"^Response (headers received|contents|trailers received):\n", re.MULTILINE)
_FAILED = 64  # a call that fails with a status exits with this and the status


class Grpcurl:
    """The command."""

    def __init__(self, place: Place) -> None:
        security = ["-plaintext"] if place.ca is None else ["-cacert", str(place.ca)]
        self._command, self._address = [GRPCURL, *security], place.address

    async def call(self, call: Call) -> Ended:
        options = ["-v", "-d", " ".join(json.dumps(text.decode()) for text in call.messages)]
        for name, value in call.metadata:
            text = b64encode(value).decode() if isinstance(value, bytes) else value
            options += ["-H", f"{name}: {text}"]
        if call.timeout_s is not None:
            options += ["-max-time", str(call.timeout_s)]
        code, printed, errors = await self._run(*options, self._address, f"{call.route}/{call.method}")
        return _ended(code, printed, errors)

    async def _run(self, *arguments: str) -> tuple[int, str, str]:
        process = await self._start(*arguments)
        printed, errors = await asyncio.wait_for(process.communicate(), 15)
        return process.returncode or 0, printed.decode(), errors.decode()

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*self._command, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)

    async def talk(self, *texts: bytes) -> list[bytes]:
        process = await self._start("-d", "@", self._address, f"{SERVICE}/StreamStream")
        try:
            answers = [await _answer(process, text) for text in texts]
            await asyncio.wait_for(process.communicate(b""), 5)  # the end of its input ends the stream
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 0
        return answers

    async def cancel(self, call: Call, has_begun: Callable[[], bool]) -> None:
        raise NotImplementedError

    async def health(self) -> str:
        _, printed, errors = await self._run("-d", "{}", self._address, "grpc.health.v1.Health/Check")
        assert not errors
        status: str = json.loads(printed)["status"]
        return status

    async def services(self) -> list[str]:
        _, printed, errors = await self._run(self._address, "list")
        assert not errors
        return printed.split()

    async def aclose(self) -> None:
        """Nothing runs."""


async def _answer(process: asyncio.subprocess.Process, text: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(text.decode()).encode() + b"\n")
    line = await asyncio.wait_for(process.stdout.readline(), 5)
    answer: str = json.loads(line)
    return answer.encode()


def _ended(code: int, printed: str, errors: str) -> Ended:
    assert code == 0 or code > _FAILED, errors
    _, *parts = _PARTS.split(printed)
    pairs = list(zip(parts[::2], parts[1::2], strict=True))
    answers = [json.loads(text).encode() for name, text in pairs if name == "contents"]
    fields = {name: _fields(text) for name, text in pairs if name != "contents"}
    message = re.search(r"^  Message: (.*)$", errors, re.MULTILINE)
    return Ended(
        GrpcStatus(max(code - _FAILED, 0)).name,
        message[1] if message else "",
        answers,
        fields.get("headers received", {}),
        fields.get("trailers received", {}),
    )


def _fields(text: str) -> dict[str, str | bytes]:
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name: unpadded(value) if name.endswith("-bin") else value for name, colon, value in pairs if colon}
