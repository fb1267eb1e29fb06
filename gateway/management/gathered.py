"""
The management plane of several workers: one answer made of theirs.

Each worker serves its own management application on a Unix-domain socket in a private directory. It is ready when
all workers are; counters and histograms are summed; a gauge carries the worker's name.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import structlog
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.management.console.abilities import reloading, withdrawing
from gateway.management.console.routes import Console, console_routes
from gateway.management.console.workers import Workers
from gateway.management.guard import LOCAL, Addressed, Visitors, guarded
from gateway.management.health import Status, shown
from gateway.management.merged_metrics import Tallies, merge
from gateway.management.next_traces import next_routes, ordering_from
from gateway.management.reload import Reload, no_reload, reload_route
from gateway.management.requests import gathered_request_pages
from gateway.management.withdrawal import PATH as WITHDRAWN_KEYS
from gateway.management.withdrawal import WithdrawalBook, withdrawal_route

log = structlog.get_logger("gateway.management")

TIMEOUT_S = 2.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the library would load all authorities for each question
ACTION_S = 60.0  # for a request that the console sends through a worker


@dataclass(frozen=True, slots=True)
class ReloadNews:
    """
    What this process knows of reloads.

    Attributes:
        statuses: How the last one ended, for readiness.
        metrics: The same in numbers, in Prometheus' text form.
        ask: Asks for one; None: the endpoint does not exist.
        act: The same for the console.
    """

    statuses: Callable[[], Mapping[str, Status]] = dict
    metrics: Callable[[], str] = str
    ask: Reload | None = None
    act: Reload = no_reload


NO_RELOADS = ReloadNews()


def create_app(
    sockets: Sequence[Path],
    book: WithdrawalBook,
    console: Console | None = None,
    access: Visitors = LOCAL,
    reloads: ReloadNews = NO_RELOADS,
    stuck: Callable[[], Collection[str]] = tuple,
) -> Starlette:
    """
    The management plane in front of the workers behind *sockets*; *book* is theirs, too.

    *stuck* names the workers whose event loops do not turn: then the health check fails, and the platform restarts
    what the supervisor does not.
    """

    tallies = Tallies()

    async def ask(path: str) -> dict[str, httpx2.Response | None]:
        return dict(zip((socket.stem for socket in sockets), await _ask_all(sockets, path), strict=True))

    async def healthz(_: Request) -> Response:
        names = stuck()
        return PlainTextResponse(f"stuck: {', '.join(names)}\n" if names else "alive\n", 503 if names else 200)

    async def readyz(_: Request) -> Response:
        answers = await _ask_all(sockets, "/readyz")
        workers = {path.stem: _report(answer) for path, answer in zip(sockets, answers, strict=True)}
        ready = all(answer is not None and answer.status_code == 200 for answer in answers)
        report = {"ready": ready, "configuration": shown(reloads.statuses()), "workers": workers}
        return JSONResponse(report, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        accept = request.headers.get("accept", "")
        encode, media_type = choose_encoder(accept)
        counted = await asyncio.gather(*(_counted(socket, accept, tallies) for socket in sockets))
        texts = [*chain.from_iterable(counted), ("management", reloads.metrics())]
        return Response(merge(texts, encode), media_type=media_type)

    async def ask_each(method: str, path: str, body: object) -> list[tuple[int, Any] | None]:
        answers = await asyncio.gather(*(_ask(socket, path, body, method) for socket in sockets))
        return [None if answer is None else (answer.status_code, answer.json()) for answer in answers]

    probed = guarded([("/readyz", readyz), ("/metrics", metrics)], access.probes())
    read = guarded([*_traces(sockets), *gathered_request_pages(ask)], access.programs())
    withdraw = partial(_withdraw, sockets, book)
    abilities = {"withdraw-key": withdrawing(withdraw), "reload": reloading(reloads.act)}
    sources = Workers(ask, partial(_tell, sockets), abilities, reloads.statuses)
    pages = [] if console is None else console_routes(console, sources)
    withdrawal = withdrawal_route(withdraw, [access.programs()])
    asked = [] if reloads.ask is None else [reload_route(reloads.ask, [access.programs()])]
    ordered = next_routes(ordering_from(ask_each), access)
    return Starlette(routes=[Route("/healthz", healthz), *probed, *ordered, *read, withdrawal, *asked, *pages])


async def _tell(sockets: Sequence[Path], path: str, document: object) -> httpx2.Response | None:
    """The answer of the first worker that gives one to a POST."""
    for socket in sockets:
        answer = await _ask(socket, path, document, timeout_s=ACTION_S)
        if answer is not None:
            return answer
    return None


async def _withdraw(sockets: Sequence[Path], book: WithdrawalBook, kid: str, issuer: str | None) -> Sequence[str]:
    """
    Withdraw it in every worker, as each has keys of its own, and in those that are started from now on.

    Those of another generation may be about to take over, or have requests yet: they are asked, too, if they answer.
    One that starts reads *book* once it can be asked.

    Raises:
        RuntimeError: A worker did not answer, or one that is started later would not know it.
        LookupError: No policy uses the issuer.
    """
    noted = _noted(book, kid, issuer)
    request = {"kid": kid, "issuer": issuer} if issuer else {"kid": kid}
    both = await asyncio.gather(*(_ask(socket, WITHDRAWN_KEYS, request) for socket in (*sockets, *_beside(sockets))))
    answers = both[: len(sockets)]
    given = [answer for answer in answers if answer is not None]
    _require_known(given)
    done = [answer.json()["issuers"] for answer in given if answer.is_success]
    if len(done) < len(sockets):
        raise RuntimeError("a worker did not withdraw the key")
    _require_noted(noted)
    return sorted(set(chain.from_iterable(done)))


def _noted(book: WithdrawalBook, kid: str, issuer: str | None) -> bool:
    """Whether it could be written down; those that run are asked in any case."""
    try:
        book.note(kid, issuer)
    except OSError as error:
        log.error("withdrawal_not_noted", error=str(error))
        return False
    return True


def _require_noted(noted: bool) -> None:
    """Raises RuntimeError: it is in no file."""
    if not noted:
        raise RuntimeError("the key is withdrawn, but could not be noted for workers that start later")


def _beside(sockets: Sequence[Path]) -> list[Path]:
    """The sockets of the other generations, each of which has a folder."""
    folders = {socket.parent for socket in sockets}
    files = (file for folder in folders for file in folder.parent.glob("generation-*/*.sock"))
    return [file for file in files if file.parent not in folders]


def _require_known(answers: Iterable[httpx2.Response]) -> None:
    """Raises LookupError: a worker has said that no policy uses the issuer."""
    for answer in answers:
        if answer.status_code == 404:
            raise LookupError(answer.json()["error"])


def _traces(sockets: Sequence[Path]) -> list[Addressed]:
    """A trace is kept by the worker that served its request: ask all of them."""

    async def listed(_: Request) -> Response:
        answers = await _ask_all(sockets, "/traces")
        given = [answer.json() for answer in answers if answer and answer.is_success]
        summaries = [summary for answer in given for summary in answer["summaries"]]
        summaries.sort(key=itemgetter("time"), reverse=True)
        return JSONResponse({"traces": [summary["id"] for summary in summaries], "summaries": summaries})

    async def one(request: Request) -> Response:
        answers = await _ask_all(sockets, f"/traces/{quote(request.path_params['trace_id'], safe='')}")
        trace = next((answer for answer in answers if answer and answer.is_success), None)
        return JSONResponse({"error": "no such trace"}, 404) if trace is None else JSONResponse(trace.json())

    return [("/traces", listed), ("/traces/{trace_id}", one)]


async def _counted(socket: Path, accept: str, tallies: Tallies) -> list[tuple[str, str]]:
    """The metrics of the worker behind *socket*, which it makes anew whenever it starts."""
    before = _made(socket)
    answer = await _ask(socket, "/metrics", accept=accept)
    is_its_own = answer is not None and answer.is_success and before == _made(socket)
    return tallies.texts(socket.stem, before, answer.text if answer is not None and is_its_own else None)


def _made(socket: Path) -> tuple[int, int]:
    """Tells a socket's file from another one with its name."""
    try:
        status = socket.stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns


async def _ask_all(sockets: Sequence[Path], path: str, accept: str = "*/*") -> list[httpx2.Response | None]:
    return list(await asyncio.gather(*(_ask(socket, path, accept=accept) for socket in sockets)))


async def _ask(
    path: Path, url: str, body: object = None, method: str = "", timeout_s: float = TIMEOUT_S, accept: str = "*/*"
) -> httpx2.Response | None:
    """A worker's answer, to a POST if there is a *body* and no other *method*; None while it starts or has ended."""
    transport = httpx2.AsyncHTTPTransport(uds=str(path), verify=_NO_TLS)
    try:
        async with httpx2.AsyncClient(transport=transport, timeout=timeout_s) as client:
            method = method or ("GET" if body is None else "POST")
            return await client.request(method, f"http://localhost{url}", json=body, headers={"accept": accept})
    except httpx2.HTTPError:
        return None


def _report(answer: httpx2.Response | None) -> object:
    return {"ready": False, "detail": "no answer"} if answer is None else answer.json()
