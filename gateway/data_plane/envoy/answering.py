"""What answers Envoy's questions: one gateway, replaced as a whole by a reload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from gateway.data_plane.envoy.heads import CarriedHead
from gateway.reading.values import Network
from gateway.wire.request_ids import draw_id
from gateway.wire.server.forwarding_fields import is_within, node_address
from gateway.wire.server.listener import WireRefusal
from gateway.wire.server.request_head import HeadError
from gateway.wire.settings import ServerSettings

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher
    from gateway.data_plane.envoy.ext_proc.plane import ProcessingPlane

_MAX_PEERS = 4096  # remembered; each connection is one


@dataclass(frozen=True, slots=True)
class Answering:
    """
    What the questions that begin now are answered with. A question holds it until its end, and with it the dispatcher.

    Attributes:
        settings: Limits of heads, networks of trusted proxies between client and Envoy, the request's id.
        callers: Networks of the Envoys that may ask.
        is_draining: Whether health checks are to fail.
        processing: For whole requests; None: only decisions are made.
    """

    dispatcher: Dispatcher
    settings: ServerSettings
    callers: tuple[Network, ...]
    is_draining: Callable[[], bool] = bool
    processing: ProcessingPlane | None = None
    _admitted: dict[str, bool] = field(default_factory=dict)

    def admits(self, peer: str) -> bool:
        """Whether *peer*, as gRPC writes it, may ask: ``ipv4:127.0.0.1:5000``, ``ipv6:%5B::1%5D:5000``."""
        admitted = self._admitted.get(peer)
        return self._look_up(peer) if admitted is None else admitted

    def note(self, refusal: HeadError, head: CarriedHead) -> str:
        """Count, keep and log a request that is refused before any policy runs; the id under which it is kept."""
        path = head.path.partition("?")[0].partition("#")[0]
        sides = refusal.expected, refusal.found
        record = WireRefusal(draw_id(), refusal.status, refusal.message, head.client, *sides, head.method, path)
        self.dispatcher.metrics.wire_refusals[refusal.status] += 1
        self.dispatcher.note_refusal(record)
        return record.id

    def _look_up(self, peer: str) -> bool:
        family, _, node = unquote(peer).partition(":")
        address = node_address(node) if family in ("ipv4", "ipv6") else ""
        if len(self._admitted) >= _MAX_PEERS:
            self._admitted.clear()
        self._admitted[peer] = bool(address) and is_within(address, self.callers)
        return self._admitted[peer]
