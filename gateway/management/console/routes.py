"""The console's addresses: ``/`` and what is below ``/console``, behind the guard."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.management.console import (
    apis_page,
    dependencies_page,
    forms,
    jobs_page,
    live,
    overview_page,
    requests_page,
    token_page,
    traces_page,
    try_page,
)
from gateway.management.console.actions import ActionPages
from gateway.management.console.catalog import Catalog
from gateway.management.console.forms import Hand
from gateway.management.console.login import LOGOUT, LoginPages, require_own_form
from gateway.management.console.markup import Html
from gateway.management.console.page import Frame
from gateway.management.console.sources import Sources
from gateway.management.guard import LOGIN, Addressed, Visitors, guarded
from gateway.management.logins import PERSON, Person

OVERVIEW, APIS, TRACES, REQUESTS = "/", apis_page.PATH, traces_page.PATH, requests_page.PATH
DEPENDENCIES, JOBS = dependencies_page.PATH, jobs_page.PATH
STYLE = files(__package__).joinpath("style.css").read_bytes()
SCRIPT = files(__package__).joinpath("script.js").read_bytes()


@dataclass(frozen=True, slots=True)
class Console:
    """
    What does not change while the gateway runs, in whichever process the pages are made.

    Attributes:
        access: Who may open the pages.
        frame: Around every page.
    """

    access: Visitors
    catalog: Catalog
    frame: Frame

    @classmethod
    def of(cls, access: Visitors, catalog: Catalog, service: tuple[str, str], *, jobs: bool, traces: bool) -> Console:
        """*service*: its name and version. *jobs*, *traces*: whether there are such pages."""
        pages = [(OVERVIEW, "Overview"), (REQUESTS, "Requests"), (APIS, "APIs"), (DEPENDENCIES, "Issuers and backends")]
        pages += [(try_page.PATH, "Try it"), (token_page.PATH, "Tokens")]
        pages += [(JOBS, "Notifications")] if jobs else []
        pages += [(TRACES, "Traces")] if traces else []
        return cls(access, catalog, Frame(*service, tuple(pages)))


def console_routes(console: Console, sources: Sources, others: Iterable[Addressed] = ()) -> list[BaseRoute]:
    """The pages, and *others* behind the same guard."""
    pages = _Pages(console, sources)
    login = LoginPages(console.access, console.frame)
    acts = ActionPages(console.access, console.frame, sources)
    addressed: list[Addressed] = [
        (OVERVIEW, pages.overview),
        (live.PATH, live.LivePages().answer),
        (REQUESTS, pages.requests),
        (f"{REQUESTS}/{{request_id}}", pages.request),
        (try_page.PATH, pages.compose),
        (APIS, pages.apis),
        (f"{APIS}/{{api_id}}", pages.api),
        (DEPENDENCIES, pages.dependencies),
        *others,
    ]
    if console.frame.has(JOBS):
        addressed += [(JOBS, pages.jobs), (f"{JOBS}/{{job_id}}", pages.job)]
    if console.frame.has(TRACES):
        addressed += [(TRACES, pages.traces), (f"{TRACES}/{{trace_id}}", pages.trace)]
    door, guard = [console.access.door()], [console.access.pages()]
    return [
        Route("/console/style.css", _style, middleware=door),
        Route("/console/script.js", _script, middleware=door),
        Route(LOGIN, login.enter, methods=["GET", "POST"], middleware=door),
        Route(token_page.PATH, pages.token, methods=["GET", "POST"], middleware=guard),
        Route(LOGOUT, login.leave, methods=["POST"], middleware=guard),
        Route(f"{forms.PATH}/{{action}}", acts.answer, methods=["POST"], middleware=guard),
        *guarded(addressed, console.access.pages()),
    ]


async def _style(_: Request) -> Response:
    return Response(STYLE, media_type="text/css")


async def _script(_: Request) -> Response:
    return Response(SCRIPT, media_type="text/javascript")


class _Pages:
    """One method per page: ask, render."""

    MOST_ROUTES = 200  # that the form offers

    def __init__(self, console: Console, sources: Sources) -> None:
        self._console = console
        self._sources = sources

    async def overview(self, request: Request) -> Response:
        states, configuration = await self._sources.states(), await self._sources.configuration()
        content = overview_page.content(states, configuration, time.time(), self._hand(request))
        return self._page(request, OVERVIEW, "Overview", content, live=True)

    async def token(self, request: Request) -> Response:
        person: Person | None = request.scope.get(PERSON)
        abilities = (await self._sources.perform("abilities", {}))["names"]
        token, report = "", None
        if request.method == "POST":
            token = await self._posted_token(request, person)
            report = await self._sources.perform("inspect", {"token": token})
        content = token_page.content(person, token, report, time.time(), "mint" in abilities)
        return self._page(request, token_page.PATH, "Tokens", content)

    async def _posted_token(self, request: Request, person: Person | None) -> str:
        """The token that was pasted, or a new one of the demo's."""
        fields = await forms.read(request)
        if person is not None:
            require_own_form(person, fields)
        if fields.get("mint"):
            return str((await self._sources.perform("mint", {}))["token"])
        token = fields.get("token", "").strip()
        return token[7:].strip() if token[:7].lower() == "bearer " else token

    async def compose(self, request: Request) -> Response:
        given = {
            name: request.query_params.get(name, default)
            for name, default in (("method", "GET"), ("path", "/"), ("stub", ""))
        }
        routes = [f"/{api.path}{line.template}" for api in self._console.catalog.apis() for line in api.operations]
        content = try_page.content(self._hand(request), given, routes[: self.MOST_ROUTES])
        return self._page(request, try_page.PATH, "Try it", content)

    async def apis(self, request: Request) -> Response:
        states = (await self._sources.states()).values()
        content = apis_page.listed(self._console.catalog, filter(None, states))
        return self._page(request, APIS, "APIs", content, live=True)

    async def api(self, request: Request) -> Response:
        catalog = self._console.catalog
        api = catalog.find(request.path_params["api_id"])
        if api is None:
            raise HTTPException(404, "No such API")
        states = (await self._sources.states()).values()
        return self._page(request, APIS, api.name, apis_page.shown(catalog, api, filter(None, states)), live=True)

    async def dependencies(self, request: Request) -> Response:
        states = (await self._sources.states()).values()
        content = dependencies_page.content(list(filter(None, states)), self._hand(request))
        return self._page(request, DEPENDENCIES, "Issuers and backends", content, live=True)

    async def jobs(self, request: Request) -> Response:
        query = {name: request.query_params.get(name, "").strip() for name in jobs_page.FILTERS}
        given = {name: value for name, value in query.items() if value}
        content = jobs_page.content(await self._sources.jobs(given), time.time(), query)
        return self._page(request, JOBS, "Notifications", content, live=True)

    async def job(self, request: Request) -> Response:
        report = await self._sources.perform("job", {"job": request.path_params["job_id"]})
        if report["job"] is None:
            raise HTTPException(404, "No such job")
        content = jobs_page.shown(report["job"], report["attempts"], self._hand(request))
        return self._page(request, JOBS, f"Job of batch job {report['job']['batchId']}", content, live=True)

    async def requests(self, request: Request) -> Response:
        query = {name: request.query_params.get(name, "").strip() for name in requests_page.FILTERS}
        given = {name: value for name, value in query.items() if value}
        try:
            log = await self._sources.requests({**given, "limit": requests_page.SHOWN})
        except ValueError as error:
            log = {"error": str(error), "requests": []}
        content = requests_page.listed(log, self._console.catalog.apis(), query)
        return self._page(request, REQUESTS, "Requests", content, live=True)

    async def request(self, request: Request) -> Response:
        record = await self._sources.request(request.path_params["request_id"])
        if record is None:
            raise HTTPException(404, "No such request, or it is no longer kept")
        trace = await self._sources.trace(record["trace"]) if record["trace"] else None
        return self._page(request, REQUESTS, "Request", requests_page.shown(record, trace))

    async def traces(self, request: Request) -> Response:
        return self._page(request, TRACES, "Traces", traces_page.listed(await self._sources.traces()))

    async def trace(self, request: Request) -> Response:
        trace = await self._sources.trace(request.path_params["trace_id"])
        if trace is None:
            raise HTTPException(404, "No such trace, or it is no longer kept")
        return self._page(request, TRACES, "Trace", traces_page.shown(trace))

    def _hand(self, request: Request) -> Hand:
        return Hand(request.scope.get(PERSON), self._console.access.actions)

    def _page(self, request: Request, path: str, title: str, content: Iterable[Html], live: bool = False) -> Response:
        page = self._console.frame.page(path, title, content, time.time(), live, request.scope.get(PERSON))
        return HTMLResponse(page.encode("utf-8", "replace"))
