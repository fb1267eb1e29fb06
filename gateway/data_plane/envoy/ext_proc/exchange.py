"""
One request and its answer behind Envoy.

The pipeline runs as it does behind our own listener. Where it sends the request to its backend, the request goes back
to Envoy with the changes that the policies made; what Envoy brings from the backend then runs through outbound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from gateway.data_plane.envoy.ext_proc import replies
from gateway.data_plane.envoy.ext_proc.backend import (
    answer_mutation,
    cluster_name,
    envoys_own,
    failed,
    frame,
    require_possible,
    sent_mutation,
    unroutable,
)
from gateway.data_plane.envoy.ext_proc.bodies import AwayBody, Pieces, passes_behind
from gateway.data_plane.envoy.ext_proc.client import client_of, detail_of
from gateway.data_plane.envoy.ext_proc.failures import failure, refusal_answer
from gateway.data_plane.envoy.ext_proc.mutations import all_of
from gateway.data_plane.envoy.ext_proc.phases import OutOfOrder, ProcessingPhase, require
from gateway.data_plane.envoy.ext_proc.reading import EnvoyHead, answer_headers, head_of, request_text
from gateway.errors import ClientLeft, PolicyError, UpstreamError
from gateway.wire.body import Body, BodyStream, BodyTooLarge
from gateway.wire.fields import FieldError
from gateway.wire.framing import has_no_body
from gateway.wire.headers import Headers
from gateway.wire.messages import Ending, ForwardOptions, HttpUpstream, Request, Response, WireFault
from gateway.wire.pending import Pending, rejected
from gateway.wire.server.answers import error_response
from gateway.wire.server.request_head import HeadError
from gateway.wire.trailers import barred_names

if TYPE_CHECKING:
    from gateway.data_plane.envoy.ext_proc.plane import ProcessingPlane


class ProcessedExchange:
    """
    One request through Envoy; ``take`` its messages in turn, and send what ``next_replies`` gives.

    Attributes:
        phase: Its progress.
    """

    __slots__ = (
        "_answer", "_answer_body", "_answer_head", "_backend", "_body", "_cut", "_early", "_fault", "_head", "_held",
        "_is_last", "_pieces", "_plane", "_ready", "_received", "_replies", "_running", "_seen", "_sent", "_status",
        "_trailers", "_waiting", "phase", "request",
    )  # fmt: skip

    def __init__(self, plane: ProcessingPlane) -> None:
        self._plane = plane
        self.phase = ProcessingPhase.START
        self._replies: list[Any] = []  # replies to Envoy
        self.request: Request | None = None
        self._seen: set[str] = set()
        self._waiting = ""  # the kind of the message that Envoy waits for an answer to
        self._ready: asyncio.Future[None] | None = None
        self._early: Response | None = None  # an answer for which Envoy did not wait
        self._running: Pending[Response] | asyncio.Task[None] | None = None
        self._backend: Pending[Response] | None = None
        self._head = self._answer_head = EnvoyHead({}, [])
        self._body: AwayBody | None = None
        self._answer_body: AwayBody | None = None
        self._answer: Headers | None = None
        self._held = self._received = self._sent = 0
        self._status: int | None = None
        self._fault: WireFault | None = None
        self._pieces: Pieces | None = None
        self._cut = False  # whether Envoy has only the beginning of a body, and would send the rest behind ours
        self._is_last = False  # whether Envoy has no more of the streamed body
        self._trailers: Any = None  # behind it

    # -- from Envoy
    def take(self, message: Any) -> None:
        """
        The next message.

        Raises:
            OutOfOrder: It cannot come now.
            HeadError: Envoy sent what no HTTP message is.
        """
        kind = require(self.phase, message.WhichOneof("request"), self._seen)
        _TAKE[kind](self, message)
        if self._early is not None and self._waiting:
            early, self._early = self._early, None
            self._give(early)

    async def next_replies(self) -> list[Any]:
        """The replies to the last message; the pieces of a streamed body may have none, or several."""
        if not self._replies and (self._waiting or self.owes_pieces):
            self._ready = asyncio.get_running_loop().create_future()
            await self._ready
        ready, self._replies = self._replies, []
        return ready

    @property
    def owes_pieces(self) -> bool:
        """Whether a policy still judges what has come of a streamed body: until then Envoy's next message waits."""
        away = self._answer_body
        is_streaming = self.phase is ProcessingPhase.STREAMING
        return is_streaming and (self._is_last or (away is not None and away.is_paused))

    def leave(self) -> None:
        """The stream is over: unless the request is, the client has left, or Envoy has given it up."""
        self._plane.held -= self._held
        self._held = 0
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
        left = ClientLeft("the client left before the end of its request")
        for body in (self._body, self._answer_body):
            if body is not None and body.delivered is None:
                body.fail(left)
        self._end(client_left=self._status is None)
        for part in (self._body, self._answer_body, self._pieces):
            if part is not None:
                part.release()
        self._body = self._answer_body = self._backend = self.request = None

    # -- the request
    def _begin(self, message: Any) -> None:
        self._waiting, self.phase = "request headers", ProcessingPhase.JUDGING
        self._head = head = head_of(message.request_headers.headers)
        address = client_of(message)
        caller = self._plane.caller(address, head.scheme)
        try:
            parsed = caller.read(request_text(head))
        except HeadError as refusal:
            self._refuse(refusal, *caller.draw_id(), address)
            return
        request = self.request = caller.request(parsed)
        request.headers.lines.pop(self._plane.rules.backend_header, None)
        request.outlet = self
        request.takes_trailers = True  # Envoy knows whether its client does
        if not (message.request_headers.end_of_stream or request.upgrade):
            self._body = AwayBody(head.length, self._want_body)
            request.body = Body(stream=self._body.stream)
        self._start(request)

    def _start(self, request: Request) -> None:
        """Give *request* to the pipeline."""
        try:
            outcome = self._plane.dispatcher.handle(request)
        except Exception as error:
            self._fail_with(error)
            return
        self._follow(outcome)

    def _follow(self, outcome: Response | Awaitable[Response]) -> None:
        if isinstance(outcome, Response):
            self._answered(outcome)
        elif isinstance(outcome, Pending):
            self._running = outcome
            outcome.then(self._settled)
        else:
            self._running = asyncio.get_running_loop().create_task(self._await(outcome))

    def _settled(self, pending: Pending[Response]) -> None:
        self._running = None
        try:
            outcome = pending.result()
        except Exception as error:
            self._fail_with(error)
        else:
            self._follow(outcome)

    async def _await(self, outcome: Awaitable[Response]) -> None:
        try:
            answer = await outcome
        except Exception as error:
            self._fail_with(error)
        else:
            self._answered(answer)

    def _want_body(self) -> None:
        """A policy reads the request's body."""
        if self._body is None or self._waiting != "request headers":
            return
        if self._head.is_endless:
            message = "The body of a gRPC call or an upgrade has no end before its answer, so it cannot be read here."
            self._body.fail(PolicyError(415, "BodyNotAvailable", message))
            return
        if not self._fits(self._body, self._head.length):
            return
        self.phase = ProcessingPhase.AWAITING_BODY
        spoilt = unroutable(self._head, self._plane.rules.backend_header)
        self._send(replies.body_wanted("request", spoilt, self._head.length is not None))

    def _take_body(self, message: Any) -> None:
        self._waiting, self.phase, part = "request body", ProcessingPhase.JUDGING, message.request_body
        self._received = len(part.body)
        self._deliver(self._body, part)

    def _deliver(self, body: AwayBody | None, part: Any) -> None:
        content = part.body
        if body is None:
            raise OutOfOrder("a body that nothing has asked for")
        if not part.end_of_stream:
            self._cut = True
            body.fail(BodyTooLarge("body larger than Envoy holds in memory, or with trailers behind it"))
        elif not self._plane.hold(len(content)):
            body.fail(PolicyError(503, "BodyMemoryExhausted", "Too many bodies are held in memory."))
        else:
            self._held += len(content)
            if self._fits(body, len(content)):
                body.deliver(content)

    def _fits(self, body: AwayBody, length: int | None) -> bool:
        """Whether so many bytes may be held in memory; if not, *body* has failed."""
        if (length or 0) > self._plane.max_body_bytes:
            body.fail(BodyTooLarge(f"body larger than {self._plane.max_body_bytes} bytes cannot be held in memory"))
        return not body.is_over

    # -- to the backend, as an ``Outlet``
    def send(self, request: Request, upstream: HttpUpstream, options: ForwardOptions) -> Pending[Response]:
        """Let Envoy send *request*; resolves with the answer's head. Errors: UpstreamError."""
        if self.phase is not ProcessingPhase.JUDGING or not self._waiting or self._cut:
            return rejected(UpstreamError("BackendConnectionFailure", "Envoy sends a request once.", 500))
        try:
            require_possible(request, options)
            request.headers.lines.pop(self._plane.rules.backend_header, None)
            mutation = sent_mutation(self._head, request, upstream)
            mutation.set(self._plane.rules.backend_header, cluster_name(upstream, self._plane.clusters))
            content = self._outgoing(request)
            if content is not None:
                frame(mutation, content, request.method)
            reply = replies.changed("request", self._part(), mutation, content)
        except (UpstreamError, UnicodeEncodeError) as error:
            return rejected(error)
        self.phase = ProcessingPhase.SENT
        self._backend = Pending()
        self._send(reply)
        return self._backend

    def _outgoing(self, request: Request) -> bytes | None:
        """The body that replaces what Envoy has; None: that is what goes out."""
        body = self._body
        if body is None:
            return request.body.content if request.body is not None and request.body.content else None
        return None if body.is_left(request.body) else body.replacement(request.body)

    # -- the answer
    def _take_answer(self, message: Any) -> None:
        head = head_of(message.response_headers.headers)
        status = int(head.pseudo.get(":status", "0"))
        own = envoys_own(status, detail_of(message))
        if self.phase is not ProcessingPhase.SENT:
            self._answered_by_envoy(status, own)
            return
        self._answer_head, self._waiting, self.phase = head, "response headers", ProcessingPhase.ANSWERING
        backend, self._backend = self._backend, None
        if backend is None:
            raise OutOfOrder("an answer to a request that was not sent")
        try:
            response = self._response(head, status, message.response_headers.end_of_stream)
        except FieldError as error:
            own = UpstreamError("BackendConnectionFailure", f"The backend's answer is malformed: {error}")
        if own is not None:
            backend.reject(own)
        else:
            backend.resolve(response)

    def _response(self, head: EnvoyHead, status: int, is_whole: bool) -> Response:
        """The backend's answer. Raises FieldError: its head is malformed."""
        response = Response(status, answer_headers(head))
        if not is_whole and self.request is not None and not has_no_body(status, self.request.method):
            self._answer_body = AwayBody(head.length, self._want_answer)
            response.body = Body(stream=self._answer_body.stream)
        return response

    def _answered_by_envoy(self, status: int, own: UpstreamError | None) -> None:
        """Envoy answers in place of us: a body that is too large, a client that is too slow, a malformed request."""
        if own is None or status < 400:
            raise OutOfOrder("an answer to a request that was not judged")
        self._answer_head = EnvoyHead({":status": str(status)}, [])
        if self.phase is ProcessingPhase.AWAITING_BODY and status == 413 and self._body is not None:
            self._waiting, self.phase = "response headers", ProcessingPhase.ANSWERING
            self._body.fail(BodyTooLarge("body larger than Envoy holds in memory: per_connection_buffer_limit_bytes"))
            return
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
        self.phase, self._status, self._fault = ProcessingPhase.OVER, status, WireFault(str(own))
        self._waiting = "response headers"
        self._send(replies.passed("response", "headers"))
        self._end()

    def _want_answer(self) -> None:
        """A policy reads the answer's body."""
        body = self._answer_body
        if body is None or self._waiting != "response headers":
            return
        if self._answer_head.is_grpc or self._status_of_answer() == 101:
            body.fail(PolicyError(502, "BodyNotAvailable", "The body of a gRPC answer cannot be read here."))
            return
        # Where it only passes through a policy, the pipeline's answer is here before the next turn of the loop.
        asyncio.get_running_loop().call_soon(self._hold_answer, body)

    def _hold_answer(self, body: AwayBody) -> None:
        """A policy reads all of the answer's body before there is an answer."""
        length = self._answer_head.length
        is_held = self.phase is ProcessingPhase.ANSWERING and self._waiting == "response headers"
        if is_held and self._fits(body, length):
            self.phase = ProcessingPhase.AWAITING_ANSWER
            self._send(replies.body_wanted("response", failed(self._answer_head), length is not None))

    def _status_of_answer(self) -> int:
        return int(self._answer_head.pseudo.get(":status", "0"))

    def _take_answer_body(self, message: Any) -> None:
        if self.phase is ProcessingPhase.STREAMING:
            self._take_piece(message.response_body)
            return
        self._waiting, self.phase = "response body", ProcessingPhase.ANSWERING
        self._deliver(self._answer_body, message.response_body)

    def _answered(self, answer: Response) -> None:
        """The pipeline's answer; a body that is still to come, and is not Envoy's, is collected first."""
        stream = answer.body.stream
        is_envoys = self._answer_body is not None and self._answer_body.is_left(answer.body)
        if stream is None or is_envoys or has_no_body(answer.status_code, self._method):
            self._give(answer)
        elif self._answer_body is not None and self._waiting == "response headers":
            self._stream(answer, stream)
        else:
            self._running = asyncio.get_running_loop().create_task(self._collect(answer))

    def _stream(self, answer: Response, stream: BodyStream) -> None:
        """Send the head of *answer* now, and its body as it passes through the policies that watch it."""
        head, self._status, self._answer = self._answer_head, answer.status_code, answer.headers
        self._own_id(answer)
        mutation = answer_mutation(head, answer.headers.lines, answer.status_code)
        self.phase = ProcessingPhase.STREAMING
        self._send(replies.streamed(mutation))
        self._pieces = Pieces(self._piece, self._break_off)
        stream.pipe(self._pieces)

    def _take_piece(self, body: Any) -> None:
        away = self._answer_body
        if away is not None:
            self._is_last = body.end_of_stream
            away.pass_on(body.body, body.end_of_stream)

    def _piece(self, data: bytes) -> None:
        """The next bytes for the client; none at all end the body, unless trailers do."""
        self._sent += len(data)
        if data or self._trailers is None:
            self._reply(replies.piece(data, not data))
        else:
            self._trail("response", self._trailers, self._answer)
        if not data:
            self.phase = ProcessingPhase.OVER
            self._end()

    def _break_off(self, error: Exception) -> None:
        if not isinstance(error, ClientLeft):
            self._fault = WireFault(str(error), cut_short=True)

    async def _collect(self, answer: Response) -> None:
        try:
            await answer.body.buffer(self._plane.max_body_bytes)
        except Exception as error:
            self._fail_with(error)
        else:
            self._give(answer)

    def _fail_with(self, error: Exception) -> None:
        """An error that the application should have handled; the client gets no details."""
        if isinstance(error, ClientLeft):
            return
        status, message = failure(error, self.phase >= ProcessingPhase.ANSWERING)
        self._fault = WireFault(message)
        self._give(error_response(status, message))

    def _give(self, answer: Response) -> None:
        """Send *answer*."""
        if self._status is not None:
            return
        if not self._waiting:
            self._early = answer
            return
        self._status, self._answer = answer.status_code, answer.headers
        self._own_id(answer)
        is_new = self._cut or self._waiting.startswith("request")
        if has_no_body(answer.status_code, "" if is_new else self._method):
            answer.body = Body()  # else Envoy would write it behind the head, where the next answer begins
        self._send(self._immediate(answer) if is_new else self._changed(answer))
        self.phase = ProcessingPhase.OVER
        self._end()

    def _own_id(self, answer: Response) -> None:
        """The request's id, in place of what backend or policy calls so."""
        request = self.request
        if request is not None and request.id_key:
            answer.headers.lines.pop(request.id_key, None)
            answer.headers.lines[request.id_key] = request.id_line

    def _immediate(self, answer: Response) -> Any:
        content = answer.body.content
        self._sent = len(content)
        mutation = all_of(answer.headers.lines)
        if "content-type" not in answer.headers.lines:  # Envoy has put its own there
            mutation.removed.append("content-type")
        return replies.immediate(answer.status_code, mutation, content)

    def _changed(self, answer: Response) -> Any:
        """The backend's answer as the policies have left it."""
        body, head = self._answer_body, self._answer_head
        content, mutation = self._replacement(answer), answer_mutation(head, answer.headers.lines, answer.status_code)
        is_left = body is not None and body.is_left(answer.body)
        self._sent = (head.length or 0) if is_left else len(answer.body.content)
        if content is not None and not has_no_body(answer.status_code, self._method):
            frame(mutation, content, "POST")
        return replies.changed("response", self._part(), mutation, content)

    def _replacement(self, answer: Response) -> bytes | None:
        """The body that replaces what Envoy has; None: that is what goes out."""
        body, content = self._answer_body, answer.body.content
        if body is not None:
            return None if body.is_left(answer.body) else body.replacement(answer.body)
        # Envoy has none: a backend's answer without a body, or its own, which goes with its status.
        is_same = self._status_of_answer() == answer.status_code
        return None if not content and is_same else content

    @property
    def _method(self) -> str:
        return "" if self.request is None else self.request.method

    # -- trailers
    def _take_trailers(self, message: Any) -> None:
        """The request's: those that policies or the wire would have kept back are removed."""
        headers = None if self.request is None else self.request.headers
        self._trail("request", message.request_trailers, headers)

    def _take_answer_trailers(self, message: Any) -> None:
        if self.phase is ProcessingPhase.STREAMING and self._answer_body is not None:
            self._trailers, self._is_last = message.response_trailers, True
            self._answer_body.pass_on(b"", True)
        else:
            self._trail("response", message.response_trailers, self._answer)

    def _trail(self, side: replies.Side, message: Any, headers: Headers | None) -> None:
        """Remove the trailers that do not pass behind *headers*."""
        request, barred = self.request, None
        if request is not None and headers is not None:
            barred = barred_names(request, headers)
        names = {header.key for header in message.trailers.headers}
        self._reply(replies.trailers_passed(side, [name for name in names if not passes_behind(name, barred)]))

    # -- replies
    def _part(self) -> Any:
        return "headers" if self._waiting.endswith("headers") else "body"

    def _send(self, reply: Any) -> None:
        """Envoy's message is answered."""
        self._waiting = ""
        self._reply(reply)

    def _reply(self, reply: Any) -> None:
        self._replies.append(reply)
        ready, self._ready = self._ready, None
        if ready is not None and not ready.done():
            ready.set_result(None)

    # -- the end
    def _refuse(self, refusal: HeadError, drawn: str, line: str, client: str) -> None:
        """A request that does not reach the application."""
        self._plane.refuse(refusal, drawn, client)
        self._give(refusal_answer(refusal, line))

    def _end(self, client_left: bool = False) -> None:
        request = self.request
        if request is None or request.on_end is None:
            return
        request.outlet = None  # break the reference cycle
        request.abandon_streams()
        on_end, request.on_end = request.on_end, None
        received = self._received or self._head.length or 0
        on_end(Ending(self._status, received, self._sent, client_left, False, self._fault))


_TAKE: dict[str, Callable[[ProcessedExchange, Any], None]] = {
    "request_headers": ProcessedExchange._begin,
    "request_body": ProcessedExchange._take_body,
    "request_trailers": ProcessedExchange._take_trailers,
    "response_headers": ProcessedExchange._take_answer,
    "response_body": ProcessedExchange._take_answer_body,
    "response_trailers": ProcessedExchange._take_answer_trailers,
}
