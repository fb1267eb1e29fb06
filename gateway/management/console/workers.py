"""The data of several workers: each is asked for its own, as JSON over its socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.errors import GatewayError
from gateway.management.console.process import Ability, Process
from gateway.management.console.state import JobsState, ProcessState, TraceLine, TraceLines
from gateway.management.guard import Addressed, is_inside
from gateway.management.health import Status
from gateway.management.requests import gathered_record, gathered_records

Ask = Callable[[str], Awaitable[Mapping[str, httpx2.Response | None]]]

Tell = Callable[[str, object], Awaitable[httpx2.Response | None]]

PERFORM = "/console/perform.json"
STATE, JOBS, TRACES = "/console/state.json", "/console/jobs.json", "/console/traces.json"
_KINDS: Mapping[str, type] = {STATE: ProcessState, JOBS: JobsState, TRACES: TraceLines}


@cache
def _json(path: str) -> TypeAdapter[Any]:
    """Reads and writes what *path* answers; made when it is first asked for, which one process alone never is."""
    return TypeAdapter(_KINDS[path])


def reports(process: Process) -> list[Addressed]:
    """What a worker answers when the management process asks."""

    async def state(_: Request) -> Response:
        return _answer(STATE, await process.state())

    async def jobs(request: Request) -> Response:
        return _answer(JOBS, await process.jobs(request.query_params))

    async def traces(_: Request) -> Response:
        return _answer(TRACES, TraceLines(tuple(await process.traces())))

    return [(STATE, state), (JOBS, jobs), (TRACES, traces)]


def performing(process: Process) -> Route:
    """Where the management process asks a worker to do something; nobody else can."""

    async def perform(request: Request) -> Response:
        if not is_inside(request.scope):
            return JSONResponse({"error": "not served here"}, 404)
        asked = await request.json()
        try:
            return JSONResponse(await process.perform(asked["what"], asked["given"]))
        except GatewayError as error:
            return JSONResponse({"error": str(error)}, 409)

    return Route(PERFORM, perform, methods=["POST"])


def _answer(path: str, value: object) -> Response:
    return Response(_json(path).dump_json(value), media_type="application/json")


async def no_one(_path: str, _document: object) -> httpx2.Response | None:
    """``Tell`` where there is no worker."""
    return None


@dataclass(frozen=True, slots=True)
class Workers:
    """
    ``Sources`` over all workers.

    Attributes:
        ask: Gets one path from each, by name; None from one that does not answer.
        tell: Posts a document to one worker; None: none answers.
        abilities: What this process does itself, because it concerns all workers.
        reloads: How the last reload ended, which the supervisor knows.
    """

    ask: Ask
    tell: Tell = no_one
    abilities: Mapping[str, Ability] = field(default_factory=dict)
    reloads: Callable[[], Mapping[str, Status]] = dict

    async def states(self) -> Mapping[str, ProcessState | None]:
        """Every worker."""
        return await self._read(STATE)

    async def perform(self, what: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        """What this process can do itself; else the first worker that answers does it. Raises GatewayError."""
        if what in self.abilities:
            return await self.abilities[what](given)
        answer = await self.tell(PERFORM, {"what": what, "given": dict(given)})
        if answer is None:
            raise GatewayError("no worker answers")
        report: Mapping[str, Any] = answer.json()
        if not answer.is_success:
            raise GatewayError(str(report.get("error")))
        return report

    async def configuration(self) -> Mapping[str, Status]:
        """How the last reload ended."""
        return self.reloads()

    async def jobs(self, query: Mapping[str, str]) -> JobsState:
        """The jobs, from the first worker that answers: all share one store."""
        answers: Iterable[JobsState | None] = (await self._read(JOBS, urlencode(query))).values()
        return next((jobs for jobs in answers if jobs is not None), JobsState(error="no worker answers"))

    async def requests(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """The request logs of all workers. Raises ValueError."""
        return await gathered_records(self.ask, query)

    async def request(self, request_id: str) -> Mapping[str, Any] | None:
        """One request, from the worker that served it."""
        return await gathered_record(self.ask, request_id)

    async def traces(self) -> Sequence[TraceLine]:
        """The traces of all workers: each keeps those of the requests that it served."""
        answers: Iterable[TraceLines | None] = (await self._read(TRACES)).values()
        lines = (line for answer in answers if answer is not None for line in answer.traces)
        return sorted(lines, key=lambda line: line.began, reverse=True)

    async def trace(self, trace_id: str) -> Mapping[str, Any] | None:
        """One of them."""
        answers = (await self.ask(f"/traces/{quote(trace_id, safe='')}")).values()
        return next((answer.json() for answer in answers if answer is not None and answer.is_success), None)

    async def _read(self, path: str, query: str = "") -> dict[str, Any]:
        answers = (await self.ask(f"{path}?{query}" if query else path)).items()
        return {
            name: _json(path).validate_json(answer.content) if answer and answer.is_success else None
            for name, answer in answers
        }
