"""The first step of a GraphQL API's outbound section: the errors of fields that a policy has removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import orjson

from gateway.data_plane.graphql.conversation import answer_through
from gateway.errors import PolicyError
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.step import Policy

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.pipeline.context import Context
    from gateway.wire.messages import Response

_STREAMS = ("text/event-stream", "multipart/")
_BYTE_S = 1e-8  # processor time of reading and writing a byte again


@dataclass(frozen=True, slots=True)
class JoinErrors(Policy):
    """Adds those errors to the backend's answer, which is held in memory for it; other answers are left alone."""

    max_bytes: int
    changes: ClassVar[None] = None

    def apply(self, context: Context) -> Awaitable[None] | None:
        """None: nothing was removed, or a resolver's answer has the errors already."""
        if context.graphql_session is not None:
            return self._switch(context)
        call = context.graphql
        if call is None or not call.removed or call.api.is_synthetic or context.response is None:
            return None
        if (context.response.headers.first("Content-Type") or "").lower().startswith(_STREAMS):
            return None  # a stream of events has no end to wait for
        return self._join(context.response, call.removed, context)

    @staticmethod
    def _switch(context: Context) -> None:
        """Read what comes over the WebSocket. Raises PolicyError: the backend has opened none, and answered."""
        response = context.response
        if response is not None and response.status_code == 101:
            answer_through(context.request, response)
        elif response is not None and response.status_code < 300:
            message = "The backend has not opened a WebSocket."
            raise PolicyError(502, "BackendConnectionFailure", message, expected=101, found=response.status_code)

    async def _join(self, response: Response, errors: list[dict[str, object]], context: Context) -> None:
        buffering = BufferBody(False, True, self.max_bytes).apply(context)
        if buffering is not None:
            await buffering
        content = bytes(response.body.read(preserve=True))
        context.work.draw(len(content) * _BYTE_S, len(content))
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError:
            return
        if not isinstance(answer, dict):
            return
        own = answer.get("errors")
        answer["errors"] = [*(own if isinstance(own, list) else []), *errors]
        response.body.replace(orjson.dumps(answer))
        response.headers.remove("Content-Encoding")
