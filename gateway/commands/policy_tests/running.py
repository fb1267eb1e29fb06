"""One test: its requests go in, and what happened comes out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from gateway.commands.policy_tests.clock import JumpingLoop, TestClock, run
from gateway.commands.policy_tests.expectations import Difference, Happened, differences
from gateway.commands.policy_tests.model import DEFAULT_CLOCK, Case, Sent, Suite, Token, epoch
from gateway.commands.policy_tests.reading import TestFile
from gateway.commands.policy_tests.stage import Stage, set_stage
from gateway.commands.policy_tests.stubs import content, fields
from gateway.config.apis import Api, Operation
from gateway.data_plane.recording import record_of, ruling_on
from gateway.errors import GatewayError, LoadError, Location
from gateway.expressions.moments import CLOCK
from gateway.pipeline.context import Context
from gateway.remedies.recorded import record_in_words
from gateway.wire.body import Body
from gateway.wire.messages import Ending, Request, Response

MAX_BODY_BYTES = 64 * 1024 * 1024
DRAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """
    One test's result.

    Attributes:
        differences: Empty when it passed.
        took_s: Real seconds.
    """

    case: Case
    location: Location
    differences: tuple[Difference, ...] = ()
    story: str = ""
    took_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether everything was as expected; a skipped test passes."""
        return not self.differences


def run_case(file: TestFile, index: int) -> CaseOutcome:
    """The outcome of test *index*. Raises LoadError: the policies or the configuration cannot be used."""
    case, location = file.cases()[index]
    if case.skip is not None:
        return CaseOutcome(case, location)
    began, loop = time.perf_counter(), JumpingLoop()
    clock = TestClock(epoch(case.clock or file.suite.clock or DEFAULT_CLOCK), loop)
    try:
        happened = run(_play(file, case, clock), loop)
    except LoadError:
        raise
    except GatewayError as error:
        broken = Difference(location, "test", "can be run", str(error))
        return CaseOutcome(case, location, (broken,), "", time.perf_counter() - began)
    unmet = differences(file, index, happened)
    story = _story(happened) if unmet else ""
    return CaseOutcome(case, location, tuple(unmet), story, time.perf_counter() - began)


async def _play(file: TestFile, case: Case, clock: TestClock) -> Happened:
    token = CLOCK.set(clock)
    try:
        stage = set_stage(file, case, clock)
        await stage.open()
        suite = file.suite
        for sent in case.before:
            await _exchange(stage, suite, merged(suite.request, sent))
        for _ in range(case.repeat):
            response = await _exchange(stage, suite, merged(suite.request, case.request))
        await stage.services.background.drain(DRAIN_S)
    finally:
        CLOCK.reset(token)
    context = stage.witness.contexts[-1]
    _check_operation(suite, context)
    others = stage.others
    return Happened(response, context, context.last_error, stage.backend.seen, others.script.seen, others.unexpected)


def merged(general: Sent, own: Sent) -> Sent:
    """*own*, with what it leaves out taken from *general*; header fields one by one."""
    given = {name: value for name, value in own if name in own.model_fields_set}
    return general.model_copy(update={**given, "headers": {**general.headers, **own.headers}})


async def _exchange(stage: Stage, suite: Suite, sent: Sent) -> Response:
    """Send one request; the answer, its body in memory."""
    request = _request(stage, suite, sent)
    answer = stage.dispatcher.handle(request)
    response = answer if isinstance(answer, Response) else await answer
    await response.body.buffer(MAX_BODY_BYTES)
    if request.on_end is not None:
        received = len(request.body.content) if request.body else 0
        request.on_end(Ending(response.status_code, received, len(response.body.content)))
    return response


def _request(stage: Stage, suite: Suite, sent: Sent) -> Request:
    api, operation = _chosen(stage, suite)
    headers = fields(sent.headers)
    body = content(sent.body, sent.json_)
    if sent.json_ is not None and "Content-Type" not in headers:
        headers.append("Content-Type", "application/json")
    if sent.token is not None:
        token = stage.issuers.mint(_token(suite, sent.token))
        bearer = sent.token_header.lower() == "authorization"
        headers.append(sent.token_header, f"Bearer {token}" if bearer else token)
    return Request(
        sent.method or _method(operation),
        _path(api, operation, sent),
        _query(sent.query),
        headers,
        Body(body),
        scheme=sent.scheme,
        host=sent.host,
        port=443 if sent.scheme == "https" else 80,
        ip_address=sent.ip,
    )


def _chosen(stage: Stage, suite: Suite) -> tuple[Api | None, Operation | None]:
    """The API and operation that the file names. Raises GatewayError: the configuration has none of that name."""
    if suite.api is None:
        return None, None
    apis = {api.id: api for api in stage.config.apis}
    if suite.api not in apis:
        raise GatewayError(f"the configuration has no API {suite.api!r}")
    api = apis[suite.api]
    if suite.operation is None:
        return api, None
    operations = {operation.id: operation for operation in api.operations}
    if suite.operation not in operations:
        raise GatewayError(f"the API {suite.api!r} has no operation {suite.operation!r}")
    return api, operations[suite.operation]


def _method(operation: Operation | None) -> str:
    """GET where *operation* is called by every method, or there is none."""
    return "GET" if operation is None or operation.method == "*" else operation.method


def _path(api: Api | None, operation: Operation | None, sent: Sent) -> str:
    prefix = "" if api is None else f"/{api.path.strip('/')}".rstrip("/")
    own = sent.path or (operation.url_template if operation else "/")
    return quote(f"{prefix}/{own.lstrip('/')}", safe="/%:@!$&'()*+,;=~-._")


def _query(query: str | Mapping[str, str | list[str]]) -> str:
    return query.removeprefix("?") if isinstance(query, str) else urlencode(query, doseq=True)


def _token(suite: Suite, token: str | Token) -> Token:
    """The token meant, with what it leaves out taken from the one that it is like. Raises GatewayError."""
    meant = suite.tokens.get(token) if isinstance(token, str) else token
    if meant is None:
        raise GatewayError(f"no token is called {token!r}; it belongs under tokens")
    if meant.like is None:
        return meant
    general = _token(suite, meant.like)
    given = {name: value for name, value in meant if name in meant.model_fields_set - {"like"}}
    return general.model_copy(update={**given, "claims": {**general.claims, **meant.claims}})


def _check_operation(suite: Suite, context: Context) -> None:
    if suite.operation is not None and context.operation.id != suite.operation:
        raise GatewayError(f"the request was matched to {context.operation.id or 'no operation'}")


def _story(happened: Happened) -> str:
    """What happened, in a line or two, to show why a test failed."""
    error = happened.error
    lines = [f"answer: {happened.response.status_code} {_shown(happened.response.body.content)}".rstrip()]
    if error is not None:
        lines.append(f"error: {error.source} {error.reason}: {error.message} ({error.section} {error.path})")
        lines += [f"hint: {text}" for text in [_remedy(happened)] if text]
    lines += [f"backend saw: {record.method} {record.url}" for record in happened.backend[-1:]]
    return "\n".join(lines)


def _remedy(happened: Happened) -> str:
    """What usually helps, in the words that the console has for such a request."""
    ending = Ending(happened.response.status_code, 0, len(happened.response.body.content))
    record = record_of(happened.context, ending, ruling_on(happened.context, ending))
    return record_in_words(record.as_json()).remedy


def _shown(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= 200 else f"{text[:200]}…"
