"""Which records a reader wants: the query of ``/requests``, of the console and of ``gateway explain``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from gateway.telemetry.requests.record import RequestRecord

DEFAULT_LIMIT = 100
MAX_LIMIT = 1_000
NAMES = ("api", "status", "reason", "id", "caller", "path", "since", "limit")

_STATUS = re.compile(r"[1-5](?:\d\d|xx)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """
    What a record must be; an empty text asks for nothing.

    Attributes:
        status: ``401``, or ``4xx`` for a class.
        caller: Object id, application id, subscription or subject, complete.
        path: What the path begins with.
        since: Earliest time, seconds since the epoch.
        limit: The most records, the newest ones.
    """

    api: str = ""
    status: str = ""
    reason: str = ""
    id: str = ""
    caller: str = ""
    path: str = ""
    since: float = 0.0
    limit: int = DEFAULT_LIMIT

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The filter that *query* names. Raises ValueError: with what is wrong, for people."""
        unknown = [name for name in query if name not in NAMES]
        if unknown:
            raise ValueError(f"there is no filter {unknown[0]!r}; the filters are {', '.join(NAMES)}")
        texts = {name: query.get(name, "") for name in ("api", "status", "reason", "id", "caller", "path")}
        if texts["status"] and not _STATUS.fullmatch(texts["status"]):
            raise ValueError("status is a number such as 401, or a class such as 4xx")
        return cls(**texts, since=_moment(query.get("since", "")), limit=_limit(query.get("limit", "")))

    def matches(self, record: RequestRecord) -> bool:
        """Whether *record* is wanted."""
        given = ((self.api, record.api), (self.reason, record.reason), (self.id, record.id))
        return (
            record.started_at >= self.since
            and all(wanted in ("", value) for wanted, value in given)
            and record.path.startswith(self.path)
            and _has_status(self.status, record.status)
            and self.caller in ("", *record.caller.names)
        )

    def newest(self, records: Iterable[RequestRecord]) -> list[RequestRecord]:
        """Those of *records* that are wanted, newest first."""
        wanted = sorted(filter(self.matches, records), key=lambda record: record.started_at, reverse=True)
        return wanted[: self.limit]


def _has_status(wanted: str, status: int | None) -> bool:
    if not wanted:
        return True
    text = "" if status is None else str(status)
    return text[:1] == wanted[0] if wanted[1:].lower() == "xx" else text == wanted


def _moment(text: str) -> float:
    """Seconds since the epoch. Raises ValueError."""
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("since is a time such as 2030-01-31T10:42:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("since needs its offset from UTC: 2030-01-31T10:42:00Z")
    return moment.timestamp()


def _limit(text: str) -> int:
    """Raises ValueError."""
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise ValueError(f"limit is a number from 1 to {MAX_LIMIT}")
    return int(text)
