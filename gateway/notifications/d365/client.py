"""
The OData calls to F&O: read batch jobs, set one to waiting. Each failure comes out as one D365Error.

Source: F&O "Open Data Protocol (OData)", "Batch OData API", "Service protection retry operations".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog

from gateway.errors import Unreached, UpstreamError
from gateway.notifications.callbacks.classification import parse_retry_after
from gateway.notifications.d365.batch_status import Row, parse_row
from gateway.notifications.d365.connection import D365Answer, D365Call, D365Wire
from gateway.notifications.d365.errors import (
    APPLICATIONS_FORM,
    MISSING,
    PRIVILEGE,
    D365Error,
    FailureKind,
    odata_message,
)
from gateway.notifications.d365.gate import Gate
from gateway.notifications.d365.start_answer import StartAnswer, parse_start
from gateway.notifications.d365.token_provider import TokenProvider
from gateway.notifications.fairness import FairTurns
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import DEFAULT_ENVIRONMENT, D365Settings
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.permission import Permit
from gateway.wire.body import BodyTooLarge
from gateway.wire.content_coding import CodingError
from gateway.wire.fields import FieldError
from gateway.wire.headers import Headers

log = structlog.get_logger("gateway.notifications")

ENTITY = "/data/BatchJobs"
HISTORIES = "/data/BatchJobHistories"
ACTION = f"{ENTITY}/Microsoft.Dynamics.DataEntities.SetBatchJobToWaiting"

_HISTORY_FIELDS = "Status,StartDateTime,EndDateTime,OrigStartDateTime,JobDescription"
_NO_COLLECTION = "F&O answered 200 with something that is not an OData collection."
_TRANSIENT = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one answer by id; without *complete* an id that is missing may be in a row that cannot be read."""

    by_id: Mapping[int, Row]
    complete: bool


class D365Client:
    """
    One environment. Calls share its gate, its token and its connections.

    Attributes:
        skew_s: F&O's clock minus ours, from the last ``Date`` header; schedules are compared by F&O's clock.
    """

    def __init__(
        self,
        settings: D365Settings,
        tokens: TokenProvider,
        wire: D365Wire,
        clock: Clock,
        metrics: Metrics,
        name: str = DEFAULT_ENVIRONMENT,
    ) -> None:
        self._settings = settings
        self._tokens = tokens
        self._wire = wire
        self._clock = clock
        self._metrics = metrics
        self._name = name
        self._select: tuple[str, ...] = settings.select_fields
        self.gate = Gate(settings.concurrency, clock, settings.max_retry_after_s, name)
        # Thousands of jobs that start together must not delay the poller.
        self._starts = FairTurns(max(1, settings.concurrency - 1))
        self.skew_s = 0.0

    async def read(self, batch_ids: Iterable[int]) -> Rows:
        """
        The rows of some batch jobs in one query; ids that F&O does not have are missing from a complete result.

        Raises:
            D365Error: Of any kind; for a reading, AMBIGUOUS means no more than TRANSIENT.
        """
        ids = list(batch_ids)
        answer = await self._call(D365Call("GET", ENTITY, query=self._query(ids)))
        if answer.status == 400 and self._select and _names_property(answer):
            self._select = ()
            answer = await self._call(D365Call("GET", ENTITY, query=self._query(ids)))
        self._require_ok(answer)
        return parse_rows(answer)

    async def ended_runs(self, batch_id: int) -> list[Row]:
        """
        The last runs of a job as ``BatchJobHistories`` keeps them, newest first.

        Raises:
            D365Error: PERMANENT also where the environment does not publish this entity.
        """
        options = {"$filter": f"BatchJobId eq {batch_id}", "$orderby": "EndDateTime desc", "$top": "20"}
        selected = options | {"$select": _HISTORY_FIELDS}
        answer = await self._call(D365Call("GET", HISTORIES, query=self._encode(selected)))
        if answer.status == 400 and _names_property(answer):
            answer = await self._call(D365Call("GET", HISTORIES, query=self._encode(options)))
        self._require_ok(answer)
        return parse_ended_runs(answer, batch_id)

    async def start(self, batch_id: int, permit: Permit, party: str = "") -> StartAnswer:
        """
        Set a job to waiting, once: this call never repeats itself except after a refused token.

        Args:
            permit: Asked after all waiting, immediately before the call is sent.
            party: Shares the places for start calls fairly with other parties.

        Raises:
            D365Error: AMBIGUOUS when F&O may have acted all the same.
            NotPermitted, NotOwned: By the permit; nothing was sent.
        """
        call = D365Call("POST", ACTION, content=b'{"batchJobId": %d}' % batch_id)
        async with self._starts.turn(party):
            answer = await self._call(call, permit)
        self._require_ok(answer)
        started = parse_start(answer.content)
        if started is None:
            raise D365Error(FailureKind.AMBIGUOUS, "F&O answered the start with something that is not JSON.")
        return started

    def now(self) -> float:
        """The time by F&O's clock."""
        return self._clock.now() + self.skew_s

    def _query(self, ids: list[int]) -> str:
        options = {"$filter": " or ".join(f"BatchJobRecId eq {batch_id}" for batch_id in ids)}
        if self._select:
            options["$select"] = ",".join(self._select)
        return self._encode(options)

    def _encode(self, options: dict[str, str]) -> str:
        if self._settings.cross_company:
            options = options | {"cross-company": "true"}
        # %20, not +: not everything that reads OData URLs takes a plus for a space.
        return "&".join(f"{name}={quote(value, safe=',')}" for name, value in options.items())

    async def _call(self, call: D365Call, permit: Permit | None = None) -> D365Answer:
        token = await self._token()
        answer = await self._send(replace(call, token=token), permit)
        if permit is not None and 300 <= answer.status < 400:
            # Most likely to a log-in page, and the next reading replaces the token. But a POST may have been carried
            # out before its client was sent elsewhere (RFC 9110, 15.4.4), so it is not repeated at once.
            raise D365Error(FailureKind.AMBIGUOUS, f"F&O answered the start with a redirect ({answer.status}).")
        if _is_unauthorized(answer):
            token = await self._token(rejected=token)
            answer = await self._send(replace(call, token=token), permit)
        return answer

    async def _token(self, rejected: str | None = None) -> str:
        """A token; a token endpoint that asks for patience pauses all calls, since each of them would ask it again."""
        try:
            return await self._tokens.token(rejected)
        except D365Error as error:
            if error.retry_after_s is not None:
                self.gate.pause(error.retry_after_s)
            raise

    async def _send(self, call: D365Call, permit: Permit | None) -> D365Answer:
        async with self.gate.passing():
            if permit is not None:
                await permit.renew()
                permit.check()
            answer = await self._exchange(call, permit)
        self._count(call.method, str(answer.status))
        self._note_date(answer.headers.first("date"))
        return answer

    async def _exchange(self, call: D365Call, permit: Permit | None) -> D365Answer:
        try:
            async with asyncio.timeout(self._settings.call_limit_s):
                # The permit checks once more when the connection is open and the body is about to be written.
                return await self._wire.send(call, None if permit is None else permit.check)
        except Unreached as error:
            self._count(call.method, "unreachable")
            raise D365Error(FailureKind.TRANSIENT, "F&O could not be reached.") from error
        except FieldError as error:
            raise D365Error(FailureKind.TRANSIENT, "The token endpoint's token cannot be sent in a header.") from error
        except (UpstreamError, BodyTooLarge, CodingError, TimeoutError) as error:
            self._count(call.method, "broken")
            hint = f"The connection to F&O failed ({_cause(error)})."
            raise D365Error(FailureKind.AMBIGUOUS, hint) from error

    def _count(self, method: str, status: str) -> None:
        self._metrics.d365_requests.labels(self._name, method, status).inc()

    def _note_date(self, date: str | None) -> None:
        ahead = parse_retry_after(date, 0.0)
        if ahead:
            self.skew_s = ahead - self._clock.now()

    def _require_ok(self, answer: D365Answer) -> None:
        status = answer.status
        if 200 <= status < 300:
            self.gate.succeed()
            return
        if status == 429:
            wait = self._asked_s(answer.headers)
            raise D365Error(FailureKind.THROTTLED, "F&O is throttling.", self.gate.pause(wait))
        if status in _TRANSIENT:
            wait = self._asked_s(answer.headers)
            raise D365Error(FailureKind.AMBIGUOUS, f"F&O answered {status}.", wait)
        raise _permanent(answer)

    def _asked_s(self, headers: Headers) -> float | None:
        """For how many seconds F&O asks for patience."""
        return parse_retry_after(headers.first("retry-after"), self.now())


def _cause(error: Exception) -> str:
    return error.reason if isinstance(error, UpstreamError) else type(error).__name__


def parse_rows(answer: D365Answer) -> Rows:
    """
    The rows of a 200 answer by id; rows that cannot be read leave the others alone.

    Raises:
        D365Error: TRANSIENT for anything that is not an OData collection (a log-in page, a proxy's HTML).
    """
    rows, unreadable = _parse(answer, {})
    return Rows({row.batch_id: row for row in rows}, complete=unreadable == 0)


def parse_ended_runs(answer: D365Answer, batch_id: int) -> list[Row]:
    """
    The runs in a 200 answer, as rows of the job *batch_id*.

    Raises:
        D365Error: As ``parse_rows``.
    """
    runs, _ = _parse(answer, {"BatchJobRecId": batch_id})
    return runs


def _parse(answer: D365Answer, more: Mapping[str, object]) -> tuple[list[Row], int]:
    """The rows, and how many others could not be read; an answer in which none can be read is none."""
    try:
        elements = list(json.loads(answer.content)["value"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise D365Error(FailureKind.TRANSIENT, _NO_COLLECTION) from error
    rows = [row for element in elements if (row := _row(element, more)) is not None]
    if elements and not rows:
        raise D365Error(FailureKind.TRANSIENT, _NO_COLLECTION)
    return rows, len(elements) - len(rows)


def _row(element: object, more: Mapping[str, object]) -> Row | None:
    try:
        return parse_row({**element, **more}) if isinstance(element, dict) else None
    except (ValueError, KeyError) as error:
        log.warning("row_unreadable", error=type(error).__name__)
        return None


def _permanent(answer: D365Answer) -> D365Error:
    status = answer.status
    if _is_unauthorized(answer):
        return D365Error(FailureKind.AUTH, APPLICATIONS_FORM)
    if status == 403:
        return D365Error(FailureKind.AUTH, f"{PRIVILEGE} {odata_message(answer.content)}".strip())
    if status == 404:
        return D365Error(FailureKind.PERMANENT, MISSING)
    return D365Error(
        FailureKind.PERMANENT, f"F&O answered {status}: {odata_message(answer.content) or 'no reason given'}"
    )


def _is_unauthorized(answer: D365Answer) -> bool:
    """401, or a redirect (to a log-in page): the token was not accepted."""
    return answer.status == 401 or 300 <= answer.status < 400


def _names_property(answer: D365Answer) -> bool:
    text = answer.content[:4096].decode("utf-8", "replace").lower()
    return "property" in text or "select" in text
