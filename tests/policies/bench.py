"""A bench for policies: compile with the real vocabulary, run one section on one request, look at the result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from gateway.documents import check as checker
from gateway.documents.model import Node, PolicyDocument, Scope, Section
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.errors import LoadError, PolicyError
from gateway.pipeline.compiler import Compiler, Scoped
from gateway.pipeline.context import Context, OperationInfo
from gateway.pipeline.outcome import finish
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.run import run
from gateway.pipeline.services import Services
from gateway.policies import POLICIES
from gateway.wire.body import Body, BodyStream
from gateway.wire.headers import Headers
from gateway.wire.messages import DEFAULT_PORTS, ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending
from tests.entities import DEPLOYMENT, api

NOW = 1_800_000_000

_SECTION = re.compile(r"\s*<(inbound|backend|outbound|on-error)[\s/>]")


@dataclass
class Backend:
    """A target that remembers what it was sent and answers in turn; the last answer repeats."""

    url: Url = field(default_factory=lambda: Url("http", "backend.test", 80, "/base"))
    answers: list[Response | Exception] = field(default_factory=lambda: [Response(200)])
    sent: list[str] = field(default_factory=list)
    info: object = None

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        body = request.body.content.decode() if request.body else ""
        self.sent.append(f"{request.method} {request.url} {body}".strip())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        pending: Pending[Response] = Pending()
        if isinstance(answer, Exception):
            pending.reject(answer)
        else:
            pending.resolve(Response(answer.status_code, answer.headers.copy(), streamed(answer.body.content)))
        return pending


@dataclass
class Targets:
    """Backends by id; any URL is a target."""

    known: dict[str, Backend] = field(
        default_factory=lambda: {"orders": Backend(Url("https", "orders.test", 443, "/"))}
    )

    def for_url(self, base_url: str) -> Backend:
        scheme, _, rest = base_url.partition("://")
        host, slash, path = rest.partition("/")
        name, _, port = host.partition(":")
        return Backend(Url(scheme, name, int(port or DEFAULT_PORTS[scheme]), slash + path or "/"))

    def for_id(self, backend_id: str) -> Backend:
        return self.known[backend_id]


@dataclass
class Ran:
    """What came of a run: *outcome* is the Response that a policy returned, or None."""

    context: Context
    outcome: Response | None

    @property
    def request(self) -> Request:
        return self.context.request

    @property
    def response(self) -> Response:
        response = self.outcome if self.outcome is not None else self.context.response
        assert response is not None
        return response

    @property
    def variables(self) -> dict[str, object]:
        return self.context.variables

    @property
    def url(self) -> str:
        """Path and query for the backend."""
        query = f"?{self.request.query}" if self.request.query else ""
        return f"{self.request.path}{query}"


@dataclass
class Bench:
    """Compiles and runs; *services* may be replaced before that."""

    services: Services = field(default_factory=lambda: Services(Targets(), now=lambda: NOW))

    def use(self, **services: Any) -> Bench:
        """This bench with some services replaced."""
        self.services = replace(self.services, **services)
        return self

    def compile(self, policies: str | PolicyDocument, section: str = "inbound") -> Pipeline:
        """The pipeline of the XML text *policies* in *section*, or of a document. Raises LoadError."""
        document = policies if isinstance(policies, PolicyDocument) else read_xml(policies, section)
        if problems := checker.check(document, POLICIES):
            raise LoadError(problems)
        return Compiler(POLICIES, self.services).compile([Scoped(Scope.API, document)])

    def run(
        self,
        policies: str | PolicyDocument,
        request: Request | None = None,
        section: str = "inbound",
        context: Context | None = None,
        **variables: object,
    ) -> Ran:
        """Run one section and wait for its end. Raises what a policy raises."""
        steps = getattr(self.compile(policies, section), section.replace("-", "_"))
        context = context or new_context(request)
        context.variables.update(variables)

        async def wait() -> Response | None:
            return await finish(run(steps, context))

        return Ran(context, asyncio.run(wait()))

    def judge(self, policies: str, context: Context, refused: bool, message: str | None = None) -> None:
        """Run outbound for *context*: it passes, or is *refused* with a text that matches *message*."""
        if refused:
            with pytest.raises(PolicyError, match=message):
                self.run(policies, section="outbound", context=context)
        else:
            assert self.run(policies, section="outbound", context=context).outcome is None

    def execute(self, policies: str | PolicyDocument, request: Request | None = None) -> Ran:
        """Run the whole pipeline, on-error too."""
        pipeline, context = self.compile(policies, "inbound"), new_context(request)

        async def wait() -> Response:
            answer = pipeline.execute(context)
            return answer if isinstance(answer, Response) else await answer

        return Ran(context, asyncio.run(wait()))


def new_context(
    request: Request | None = None, response: Response | None = None, url_template: str = "/", **more: Any
) -> Context:
    """A context for *request*, with a backend behind it; *more* sets attributes."""
    request = request or get("/")
    request.target = request.target or Backend()
    operation = OperationInfo("op", "Operation", request.method, url_template)
    context = Context(request, DEPLOYMENT, api("api", "API", "api"), operation)
    context.response = response
    for name, value in more.items():
        setattr(context, name, value)
    return context


def get(target: str = "/", headers: Iterable[tuple[str, str]] = (), **more: Any) -> Request:
    """A GET request."""
    return request("GET", target, headers, None, **more)


def post(body: str | bytes, target: str = "/", headers: Iterable[tuple[str, str]] = (), **more: Any) -> Request:
    """A POST request."""
    return request("POST", target, headers, body, **more)


def request(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: str | bytes | None = None, **more: Any
) -> Request:
    """Any request; the body arrives as a stream, as on the wire."""
    path, _, query = target.partition("?")
    return Request(method, path, query, Headers(headers), None if body is None else streamed(body), **more)


def answer(status: int = 200, body: str | bytes = "", headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A backend's response; the body arrives as a stream."""
    return Response(status, Headers(headers), streamed(body))


def streamed(body: str | bytes) -> Body:
    """A body still on its way."""
    data = body.encode() if isinstance(body, str) else body
    stream = BodyStream(len(data))
    if data:
        stream.feed(data)
    stream.finish()
    return Body(stream=stream)


def read_xml(policies: str, section: str = "inbound") -> PolicyDocument:
    """XML of policies, or of whole sections, as a document."""
    inner = policies if _SECTION.match(policies) else f"<{section}>{policies}</{section}>"
    return xml_format.parse(f"<policies>{inner}</policies>", "test.xml")


def read_yaml(policies: str, section: str = "inbound") -> PolicyDocument:
    """YAML of a list of policies as a document."""
    indented = "\n".join("  " + line for line in policies.strip("\n").splitlines())
    return yaml_format.parse(f"{section}:\n{indented}\n", "test.yaml", POLICIES)


def only(document: PolicyDocument, section: str = "inbound") -> Node:
    """The one policy in *section*."""
    (node,) = document.statements(Section(section))
    return node


def codes(error: LoadError) -> set[str]:
    """The codes of the problems in *error*."""
    return {problem.code for problem in error.problems}
