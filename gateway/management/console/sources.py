"""Where the pages get their data: from this process, or from all workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.management.console.state import JobsState, ProcessState, TraceLine
from gateway.management.health import Status


class Sources(Protocol):
    """The data of the pages, read again for each request."""

    async def states(self) -> Mapping[str, ProcessState | None]:
        """Every process by name; None: it does not answer."""

    async def configuration(self) -> Mapping[str, Status]:
        """How the last reload ended; empty where nothing can be reloaded."""

    async def perform(self, what: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        """
        Do or find out *what*, by name, and report as JSON would. ``abilities`` is always possible: ``{"names"}``.

        Raises:
            GatewayError: It cannot be done here, or has failed; the message is for the one who asked.
        """

    async def jobs(self, query: Mapping[str, str]) -> JobsState:
        """The notification service's jobs; of the latest only those that *query* (state, caller, batch) asks for."""

    async def requests(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """What ``/requests`` answers to *query*. Raises ValueError: it is no filter."""

    async def request(self, request_id: str) -> Mapping[str, Any] | None:
        """One record as ``/requests/ID`` gives it, or None."""

    async def traces(self) -> Sequence[TraceLine]:
        """The traces that are kept, newest first."""

    async def trace(self, trace_id: str) -> Mapping[str, Any] | None:
        """One trace as ``/traces/ID`` gives it, or None."""
