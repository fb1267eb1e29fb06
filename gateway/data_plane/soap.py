"""
Which operation a SOAP request calls: by its action and by the first element of its body, which have to agree.

Some services dispatch by ``SOAPAction``, others by the body. A request that says one thing in one place and another in
the other would be judged as one operation and run as another, so it is refused.

Source: SOAP 1.1 §6.1.1; SOAP 1.2 part 2 §7.1.4; WS-I Basic Profile 1.1 §3.4 (R1109, R2744, R2745).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from gateway.errors import PolicyError
from gateway.pipeline.buffering import BufferBody
from gateway.soap.envelope import SoapMessage, invalid, read_envelope
from gateway.soap.media_types import VERSIONS, MessageType, message_type
from gateway.wire.slices import Unfinished, in_slices

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import OperationRuntime
    from gateway.pipeline.context import Context
    from gateway.soap.wsdl import SoapOperation
    from gateway.wire.messages import Request

_NO_OPERATION = "Unable to match incoming request to an operation."


class SoapSelector:
    """Chooses the operation of a request to one SOAP API."""

    def __init__(
        self, operations: Iterable[SoapOperation], runtimes: Mapping[str, OperationRuntime], max_bytes: int
    ) -> None:
        """*runtimes* by the operations' names."""
        self._by_element: dict[str, list[tuple[SoapOperation, OperationRuntime]]] = defaultdict(list)
        self._buffer = BufferBody(request=True, response=False, max_bytes=max_bytes)
        self._max_bytes = max_bytes
        for operation in operations:
            self._by_element[operation.element].append((operation, runtimes[operation.name]))

    async def select(self, context: Context) -> OperationRuntime:
        """The operation that is called. Raises PolicyError, BodyTooLarge."""
        request = context.request
        kind = _message_type(request)
        message = await self._message(context)
        if message.version != kind.version:
            raise invalid(f"its Content-Type is that of SOAP {kind.version}, and its envelope of {message.version}")
        return self._chosen(message, _actions(request, kind, message))

    async def _message(self, context: Context) -> SoapMessage:
        body = context.request.body
        if body is None:
            raise invalid("it has no body")
        waiting = self._buffer.apply(context)
        if waiting is not None:
            await waiting
        content = body.read(preserve=True) if (body := context.request.body) else b""
        if len(content) > self._max_bytes:
            raise PolicyError(413, "RequestBodyTooLarge", "The SOAP message is too large.", expected=self._max_bytes)
        message = in_slices(read_envelope, content)
        return await message if isinstance(message, Unfinished) else message  # type: ignore[return-value]

    def _chosen(self, message: SoapMessage, actions: set[str]) -> OperationRuntime:
        candidates = self._by_element.get(message.element, [])
        if not candidates:
            raise _unmatched("the first element of the body", message.element)
        fitting = [runtime for operation, runtime in candidates if actions <= operation.actions]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            text = "The action and the body of the SOAP message name different operations."
            expected = sorted(action for operation, _ in candidates for action in operation.actions)
            raise PolicyError(400, "SoapOperationUnclear", text, expected=expected, found=sorted(actions))
        raise PolicyError(400, "SoapOperationUnclear", "Several operations have this body: an action is needed.")


def _message_type(request: Request) -> MessageType:
    fields = request.headers.values("Content-Type")
    kind = message_type(fields[0]) if len(fields) == 1 else "there has to be one Content-Type"
    if isinstance(kind, MessageType):
        return kind
    text = f"The request is not a SOAP message: {kind}."
    accepted = (("Accept", ", ".join(VERSIONS)),)
    raise PolicyError(415, "SoapMediaType", text, headers=accepted, expected=list(VERSIONS), found=kind)


def _actions(request: Request, kind: MessageType, message: SoapMessage) -> set[str]:
    """Every action that the request names, in any place; none is empty."""
    written = {_unquoted(value) for value in request.headers.values("SOAPAction")}
    return {*written, kind.action, *message.actions, *_in_query(request.query)} - {""}


def _in_query(query: str) -> set[str]:
    """Actions that the query names, as the URL templates of SOAP operations in APIM do."""
    if "=" not in query:
        return set()
    return {value for name, value in parse_qsl(query) if name.lower() == "soapaction"}


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _unmatched(what: str, named: str) -> PolicyError:
    expected = f"{what} of an operation of the WSDL"
    return PolicyError(404, "OperationNotFound", _NO_OPERATION, "Resource not found", expected=expected, found=named)
