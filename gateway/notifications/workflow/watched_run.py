"""Which run of a batch job a request is about."""

from __future__ import annotations

from enum import StrEnum


class WatchedRun(StrEnum):
    """
    Which run is reported.

    Attributes:
        OURS: The one that the request starts, or joins.
        CURRENT: Nothing is started: the run that is queued or under way when the request is accepted, else the next.
        NEXT: Nothing is started: the first run that begins after the request.
    """

    OURS = "ours"
    CURRENT = "current"
    NEXT = "next"
