"""What all streams of one gateway share: who answers, under which limits, and where requests can go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.data_plane.envoy.ext_proc.settings import ExtProcSettings
from gateway.wire.server.forwarded import Peer
from gateway.wire.server.listener import Caller, WireRefusal
from gateway.wire.server.request_head import HeadError, shown_target
from gateway.wire.settings import ServerSettings

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher
    from gateway.wire.messages import Target

_MOST_SAID = 32
_MAX_CALLERS = 256  # whose last heads are remembered


@dataclass(slots=True, eq=False)
class ProcessingPlane:
    """
    One gateway behind Envoy.

    Attributes:
        clusters: Upstreams with the ids of their backends.
        routing_name: The field that names the cluster, in lower case.
        max_body_bytes: The largest body that is held in memory.
        refused: Called for every request that does not reach the pipeline.
        held: Bytes that they hold now.
    """

    dispatcher: Dispatcher
    settings: ServerSettings
    clusters: Mapping[Target, str]
    rules: ExtProcSettings
    max_body_bytes: int
    refused: Callable[[WireRefusal], None]
    held: int = 0
    _said: set[str] = field(default_factory=set)
    _callers: dict[tuple[str, str], Caller] = field(default_factory=dict)

    def caller(self, address: str, scheme: str) -> Caller:
        """The client at *address*, for whom heads like the last one are quick to read."""
        caller = self._callers.get((address, scheme))
        if caller is None:
            if len(self._callers) >= _MAX_CALLERS:
                del self._callers[next(iter(self._callers))]
            # Envoy has decided who the client is; networks of proxies in front of Envoy are its own business.
            caller = self._callers[address, scheme] = Caller(Peer(address, scheme, ()), self.settings, None)
        return caller

    def refuse(self, refusal: HeadError, drawn: str, client: str) -> None:
        """Note a request that does not reach the pipeline; *drawn* is the id that its answer shows."""
        method, path = shown_target(refusal.line)
        sides = refusal.expected, refusal.found
        self.refused(WireRefusal(drawn, refusal.status, refusal.message, client, *sides, method, path))

    def is_news(self, problem: str) -> bool:
        """Whether *problem* has not been said yet."""
        if problem in self._said or len(self._said) >= _MOST_SAID:
            return False
        self._said.add(problem)
        return True

    def hold(self, size: int) -> bool:
        """Account for *size* more bytes of a body; False: there is no room."""
        if self.held + size > self.rules.body_memory:
            return False
        self.held += size
        return True
