"""Who is logged in to the console: sessions, bounded in number and time, kept in memory by the hash of their id."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

LASTS_S = 8 * 3600.0
IDLE_S = 3600.0
MOST = 32  # the one that was used longest ago is ended for the next


@dataclass(frozen=True, slots=True)
class LoginSession:
    """
    One login.

    Attributes:
        csrf: What its forms must send along.
        began, used: Seconds of the clock.
    """

    csrf: str
    began: float
    used: float


@dataclass(slots=True)
class Sessions:
    """The sessions. *now*: a clock that never goes back, in seconds."""

    now: Callable[[], float] = time.monotonic
    _sessions: OrderedDict[bytes, LoginSession] = field(default_factory=OrderedDict)

    def begin(self) -> str:
        """A new session's id, which only its browser gets."""
        session_id = secrets.token_urlsafe(32)
        moment = self.now()
        self._sessions[_key(session_id)] = LoginSession(secrets.token_urlsafe(32), moment, moment)
        if len(self._sessions) > MOST:
            self._sessions.popitem(last=False)
        return session_id

    def find(self, session_id: str) -> LoginSession | None:
        """The session, used once more; None if it is over, or none of ours."""
        key, moment = _key(session_id), self.now()
        session = self._sessions.pop(key, None)
        if session is None or moment - session.began > LASTS_S or moment - session.used > IDLE_S:
            return None
        self._sessions[key] = replace(session, used=moment)
        return session

    def end(self, session_id: str) -> None:
        """Log out."""
        self._sessions.pop(_key(session_id), None)


def _key(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "replace")).digest()
